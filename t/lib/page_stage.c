#include "t/lib/page_stage.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static void
listen_everywhere(struct stage *s)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_msg(bind(s->listener, (struct sockaddr *)&a, n) == 0 &&
		listen(s->listener, 512) == 0 && getsockname(s->listener,
			(struct sockaddr *)&a, &n) == 0, "%s", strerror(errno));
	s->port = ntohs(a.sin_port);
}

static void *
serve(void *arg)
{
	int fd;

	while ((fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd);
	return NULL;
}

void
stage_init(struct stage *s)
{
	listen_everywhere(s);
	ck_assert_int_eq(pthread_create(&s->server, NULL, serve, &s->listener),
		0);
	it_init(&s->it);
}

void
stage_start(struct stage *s)
{
	it_start_server(&s->it);
	browser_start(&s->b, &s->it);
	browser_resize(&s->b, 1400, 900);
}

void
stage_start_racks(struct stage *s, int n)
{
	struct strbuf y = { 0 };

	strbuf_printf(&y, "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"partitions:\n", s->it.dir);
	for (int p = 0; p < n; p++) {
		strbuf_printf(&y, "  - name: r%d\n    hosts:\n", p);
		for (int i = 0; i < 1000; i++)
			strbuf_printf(&y, "      - {name: n%d-%03d, address: "
				"127.2.%d.%d%s}\n", p, i, p * 4 + i / 250,
				i % 250, i % 3 != 0 ? "" : ", checks: "
				"[{probe: tcp, port: 1}]");
	}
	it_write(&s->it, "tocsin.yaml", "%s", strbuf_str(&y));
	strbuf_free(&y);
	stage_start(s);
}

void
stage_end(struct stage *s)
{
	browser_end(&s->b);
	it_fini(&s->it);
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->server, NULL);
	close(s->listener);
}

/* ---- what the server is told ---- */

int64_t
stage_wall(void)
{
	return clock_system()->wall(clock_system()).ms;
}

void
stage_call(struct stage *s, const char *what, const char *body, long status)
{
	struct it_reply r;

	it_call(&s->it, what, NULL, body, &r);
	ck_assert_msg(r.status == status, "%s: %ld %s", what, r.status,
		strbuf_str(&r.text));
	it_reply_fini(&r);
}

void
stage_feed_disk(struct stage *s, const char *host, const char *serial,
	int a_day)
{
	for (int day = 5; day >= 0; day--) {
		char body[1024];
		int n = (5 - day) * a_day;

		snprintf(body, sizeof(body), "{\"host\":\"%s\",\"observations\":"
			"[{\"probe\":\"smart\",\"at_ms\":%lld,\"outcome\":\"ok\","
			"\"device\":{\"kind\":\"disk\",\"model\":\"ST4000DM000\","
			"\"serial\":\"%s\"},\"metrics\":{\"smart_197_raw\":%d,"
			"\"smart_5_raw\":%d,\"smart_187_raw\":%d,"
			"\"smart_198_raw\":%d,\"smart_188_raw\":0,"
			"\"temperature_celsius\":%d}}]}", host,
			(long long)(stage_wall() - (int64_t)day * 86400000),
			serial, n, n * 8 / 3, n / 24, n, 31 + day % 3);
		stage_call(s, "POST /v1/observations", body, 202);
	}
}

/* ---- hands and eyes ---- */

void
stage_run(struct stage *s, const char *script)
{
	json_decref(browser_run(&s->b, script));
}

void
stage_enter(struct stage *s)
{
	char script[512];

	browser_go(&s->b, s->it.url);
	browser_wait(&s->b, "return !!document.querySelector('#dialog')?.open", 10);
	snprintf(script, sizeof(script), "document.querySelector("
		"'#dialog input').value = '%s'; document.querySelector("
		"'#dialog form').requestSubmit()", s->it.admin);
	stage_run(s, script);
	browser_wait(&s->b, "return !document.querySelector('#dialog').open && "
		"!!document.querySelector('h1')", 10);
}

void
stage_visit(struct stage *s, const char *hash)
{
	char script[512];

	snprintf(script, sizeof(script), "location.hash = `%s`", hash);
	stage_run(s, script);
}

void
stage_wait_text(struct stage *s, const char *where, const char *text)
{
	char script[512];

	snprintf(script, sizeof(script), "return (document.querySelector(`%s`)"
		"?.innerText || '').includes(`%s`)", where, text);
	browser_wait(&s->b, script, 15);
}

void
stage_click(struct stage *s, const char *selector)
{
	char script[512];

	snprintf(script, sizeof(script), "return !!document.querySelector(`%s`)",
		selector);
	browser_wait(&s->b, script, 10);
	snprintf(script, sizeof(script), "document.querySelector(`%s`).click()",
		selector);
	stage_run(s, script);
}

void
stage_type(struct stage *s, const char *name, const char *text)
{
	char script[512];

	snprintf(script, sizeof(script), "document.querySelector("
		"`dialog [name=%s]`).value = `%s`", name, text);
	stage_run(s, script);
}

void
stage_fill(struct stage *s, const char *name, const char *text)
{
	char script[512];

	snprintf(script, sizeof(script), "const f = document.querySelector("
		"`main form [name=%s]`); f.value = `%s`; f.dispatchEvent("
		"new Event('input', {bubbles: true}))", name, text);
	stage_run(s, script);
}

void
stage_shoot(struct stage *s, const char *name, int width)
{
	const char *top = getenv("top_builddir");
	char path[512];

	snprintf(path, sizeof(path), "%s/t/shots", top != NULL ? top : ".");
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/t/shots/%s-%d.png",
		top != NULL ? top : ".", name, width);
	browser_shoot(&s->b, path);
}

void
stage_widths(struct stage *s, const char *name)
{
	static const int widths[] = { 375, 800, 1400 };

	for (size_t i = 0; i < 3; i++) {
		browser_resize(&s->b, widths[i], 900);
		browser_wait(&s->b, "return document.documentElement.scrollWidth "
			"<= innerWidth", 3);
		stage_shoot(s, name, widths[i]);
	}
	browser_resize(&s->b, 1400, 900);
}
