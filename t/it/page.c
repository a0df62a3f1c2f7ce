/*
 * The page in a real Chromium, served by a real tocsind: what it says, that it
 * says it at once, in every width, and to hostile names.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/browser.h"
#include "t/lib/story.h"

#define RACK1 48
#define RACK2 24

struct stage {
	struct it it;
	struct browser b;
	int listener;		/* answers for all of 127.1.0.0/16 */
	int port;
	pthread_t server;
};

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

static void
start_hosts(struct stage *s)
{
	listen_everywhere(s);
	ck_assert_int_eq(pthread_create(&s->server, NULL, serve, &s->listener),
		0);
}

/* The rack's hosts answer at the port, but for the first n_broken. */
static void
add_rack(struct strbuf *y, const struct stage *s, int rack, int n_broken)
{
	int n = rack == 1 ? RACK1 : RACK2;

	strbuf_printf(y, "  - name: rack%d\n"
		"    checks: [{probe: tcp, port: %d}]\n    hosts:\n", rack, s->port);
	for (int i = 1; i <= n; i++)
		strbuf_printf(y, "      - {name: %s-%02d, address: 127.1.%d.%d,"
			" tags: {team: %s}%s}\n", i % 3 != 0 ? "web" :
			"db", i + 100 * (rack - 1), rack, i,
			i % 3 != 0 ? "shop" : "data", i <= n_broken ?
			", checks: [{probe: tcp, port: 1}]" : "");
}

static void
write_config(struct stage *s, int n_broken)
{
	struct it *it = &s->it;
	struct strbuf y = { 0 };

	strbuf_printf(&y, "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"defaults: {interval: 1s, timeout: 500ms, fail_after: 3,"
		" clear_after: 2}\npartitions:\n", it->dir);
	add_rack(&y, s, 1, 1);
	add_rack(&y, s, 2, n_broken);
	it_write(it, "tocsin.yaml", "%s", strbuf_str(&y));
	strbuf_free(&y);
}

static int64_t
wall_now(void)
{
	return clock_system()->wall(clock_system()).ms;
}

static void
post(struct it *it, const char *body)
{
	struct it_reply r;

	it_call(it, "POST /v1/observations", NULL, body, &r);
	ck_assert_msg(r.status == 202, "%ld %s", r.status,
		strbuf_str(&r.text));
	it_reply_fini(&r);
}

/* Six days of a disk that gets worse, so many sectors a day. */
static void
feed_disk(struct it *it, const char *host, const char *serial, int a_day)
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
			(long long)(wall_now() - (int64_t)day * 86400000),
			serial, n, n * 8 / 3, n / 24, n, 31 + day % 3);
		post(it, body);
	}
}

static void
begin(struct stage *s, int n_broken)
{
	start_hosts(s);
	it_init(&s->it);
	write_config(s, n_broken);
	it_start_server(&s->it);
	browser_start(&s->b, &s->it);
	browser_resize(&s->b, 1400, 900);
}

static void
end(struct stage *s)
{
	browser_end(&s->b);
	it_fini(&s->it);
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->server, NULL);
	close(s->listener);
}

/* As a person does it: the dialog asks, the token is given. */
static void
enter(struct stage *s)
{
	char script[512];

	browser_go(&s->b, s->it.url);
	browser_wait(&s->b, "return !!document.querySelector('#dialog')?.open", 10);
	snprintf(script, sizeof(script), "document.querySelector("
		"'#dialog input').value = '%s'; document.querySelector("
		"'#dialog form').requestSubmit(); return true", s->it.admin);
	json_decref(browser_run(&s->b, script));
	browser_wait(&s->b, "return !document.querySelector('#dialog').open && "
		"!!document.querySelector('h1')", 10);
}

static void
wait_text(struct stage *s, const char *where, const char *text)
{
	char script[512];

	snprintf(script, sizeof(script), "return (document.querySelector(`%s`)"
		"?.innerText || '').includes(`%s`)", where, text);
	browser_wait(&s->b, script, 15);
}

static void
visit(struct stage *s, const char *hash)
{
	char script[512];

	snprintf(script, sizeof(script), "location.hash = `%s`; return true",
		hash);
	json_decref(browser_run(&s->b, script));
}

/* Into the build folder, to be looked at. */
static void
shoot(struct stage *s, const char *name, int width)
{
	const char *top = getenv("top_builddir");
	char path[512];

	snprintf(path, sizeof(path), "%s/t/shots", top != NULL ? top : ".");
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/t/shots/%s-%d.png",
		top != NULL ? top : ".", name, width);
	browser_shoot(&s->b, path);
}

/* Nothing is wider than the window, at any of three widths. */
static void
in_three_widths(struct stage *s, const char *name)
{
	static const int widths[] = { 375, 800, 1400 };

	for (size_t i = 0; i < 3; i++) {
		browser_resize(&s->b, widths[i], 900);
		browser_wait(&s->b, "return document.documentElement.scrollWidth "
			"<= innerWidth", 3);
		shoot(s, name, widths[i]);
	}
	browser_resize(&s->b, 1400, 900);
}

START_TEST(it_says_what_is_broken_and_what_will_break)
{
	struct stage s;

	begin(&s, 4);
	feed_disk(&s.it, "db-12", "Z300A1B2", 24);
	feed_disk(&s.it, "web-07", "Z300C3D4", 2);
	enter(&s);
	wait_text(&s, "#broken", "web-01");
	wait_text(&s, "#broken", "tcp:1 connection refused");
	wait_text(&s, "#broken", "db-103");
	wait_text(&s, "#will-break", "db-12");
	wait_text(&s, "#will-break", "pending sectors");
	wait_text(&s, "h1", "5 hosts are broken, 2 hosts are likely to break");
	in_three_widths(&s, "now");
	visit(&s, "#/host/db-12");
	wait_text(&s, "main", "pending sectors");
	wait_text(&s, ".verdict", "db-12 is well. It is expected to fail soon");
	browser_wait(&s.b, "return !!document.querySelector('svg.chart path')",
		10);
	in_three_widths(&s, "host");
	visit(&s, "#/host/web-01");
	wait_text(&s, ".verdict", "web-01 is broken: tcp:1 connection refused");
	visit(&s, "#/predictions");
	wait_text(&s, "main", "imminent");
	json_decref(browser_run(&s.b, "document.querySelector("
		"`main a[href^='#/prediction/']`).click(); return true"));
	wait_text(&s, "main", "The counters behind it");
	in_three_widths(&s, "prediction");
	json_decref(browser_run(&s.b, "history.back(); return true"));
	wait_text(&s, "h1", "open prediction");
	visit(&s, "#/hosts");
	wait_text(&s, "h1", "72 hosts");
	in_three_widths(&s, "hosts");
	browser_no_complaints(&s.b);
	end(&s);
}
END_TEST

static void
click(struct stage *s, const char *selector)
{
	char script[512];

	snprintf(script, sizeof(script), "return !!document.querySelector(`%s`)",
		selector);
	browser_wait(&s->b, script, 10);
	snprintf(script, sizeof(script), "document.querySelector(`%s`).click();"
		" return true", selector);
	json_decref(browser_run(&s->b, script));
}

static void
type(struct stage *s, const char *name, const char *text)
{
	char script[512];

	snprintf(script, sizeof(script), "document.querySelector("
		"`dialog [name=%s]`).value = `%s`; return true", name, text);
	json_decref(browser_run(&s->b, script));
}

START_TEST(it_is_live_without_being_loaded_again)
{
	struct stage s;

	begin(&s, 0);
	enter(&s);
	wait_text(&s, "h1", "1 host is broken.");
	browser_wait(&s.b, "return document.querySelector('#age.live') != null",
		10);
	json_decref(browser_run(&s.b, "window.same = 1; return true"));
	write_config(&s, 2);
	kill(s.it.server, SIGHUP);
	wait_text(&s, "#broken", "web-101");
	feed_disk(&s.it, "db-12", "Z300A1B2", 24);
	wait_text(&s, "#will-break", "db-12");
	ck_assert(browser_true(&s.b, "return window.same === 1"));
	browser_no_complaints(&s.b);
	/* the server goes: what was known stays, and its age is said */
	it_end(&s.it.server, SIGKILL);
	browser_wait(&s.b, "return document.body.classList.contains('old') && "
		"!document.querySelector('#banner').hidden", 15);
	wait_text(&s, "#banner", "This is what was known");
	wait_text(&s, "#broken", "web-101");
	in_three_widths(&s, "lost");
	end(&s);
}
END_TEST

START_TEST(a_brake_is_released_by_who_says_why)
{
	static const char *const hosts[] = { "db-103", "db-106", "db-109" };
	struct stage s;

	begin(&s, 0);
	for (size_t i = 0; i < 3; i++)
		feed_disk(&s.it, hosts[i], hosts[i], 24);
	enter(&s);
	wait_text(&s, "#held", "rack2 brake latched, 3 of 24 hosts bad");
	in_three_widths(&s, "braked");
	visit(&s, "#/evacuations");
	wait_text(&s, "h1", "3 hosts should be left");
	wait_text(&s, "main", "the brake of its partition is latched");
	in_three_widths(&s, "evacuations");
	visit(&s, "#/brakes");
	click(&s, "[data-do=release][data-arg=rack2]");
	browser_wait(&s.b, "return document.querySelector('dialog').open", 5);
	shoot(&s, "release", 1400);
	type(&s, "name", "Ada");
	type(&s, "reason", "disks are from one bad batch; hosts are drained");
	type(&s, "typed", "rack1");
	click(&s, "dialog .main");
	ck_assert(browser_true(&s.b, "return document.querySelector("
		"'dialog').open && !document.querySelector('dialog form')"
		".checkValidity()"));
	type(&s, "typed", "rack2");
	click(&s, "dialog .main");
	wait_text(&s, "h1", "All brakes are open");
	visit(&s, "#/alerts");
	wait_text(&s, "main", "failure imminent");
	click(&s, "[data-do=ack]");
	type(&s, "name", "Ada");
	type(&s, "text", "spare disks are on their way");
	click(&s, "dialog .main");
	wait_text(&s, "main tbody", "Ada");
	in_three_widths(&s, "alerts");
	browser_no_complaints(&s.b);
	end(&s);
}
END_TEST

static void
shots(struct stage *s, const char *name)
{
	static const int widths[] = { 390, 900, 1600 };

	for (size_t i = 0; i < 3; i++) {
		browser_resize(&s->b, widths[i], 900);
		browser_wait(&s->b, "return document.documentElement.scrollWidth "
			"<= innerWidth", 3);
		shoot(s, name, widths[i]);
	}
	browser_resize(&s->b, 1400, 900);
}

/* A field of the form on the page, as a hand would fill it. */
static void
fill(struct stage *s, const char *name, const char *text)
{
	char script[512];

	snprintf(script, sizeof(script), "const f = document.querySelector("
		"`main form [name=%s]`); f.value = `%s`; f.dispatchEvent("
		"new Event('input', {bubbles: true})); return true", name, text);
	json_decref(browser_run(&s->b, script));
}

static void
patch_tags(struct it *it, const char *host, const char *app)
{
	struct it_reply r;
	char what[128], body[128];

	snprintf(what, sizeof(what), "PATCH /v1/hosts/%s", host);
	snprintf(body, sizeof(body), "{\"tags\":{\"app\":\"%s\"}}", app);
	it_call(it, what, NULL, body, &r);
	ck_assert_int_eq(r.status, 200);
	it_reply_fini(&r);
}

START_TEST(r106_a_window_is_planned_with_what_it_means_in_sight)
{
	struct stage s;

	begin(&s, 0);
	patch_tags(&s.it, "web-02", "shop");
	patch_tags(&s.it, "web-04", "shop");
	patch_tags(&s.it, "db-06", "ledger");
	enter(&s);
	visit(&s, "#/maintenance");
	wait_text(&s, "h1", "No maintenance");
	visit(&s, "#/plan");
	wait_text(&s, "#impact", "Name hosts or a partition");
	fill(&s, "hosts", "web-02, db-06");
	wait_text(&s, "#impact", "2 hosts");
	wait_text(&s, "#impact", "No second host runs ledger (db-06)");
	wait_text(&s, "#impact", "1 of 2");
	fill(&s, "hosts", "web-02, nobody");
	wait_text(&s, "#impact", "no host 'nobody'");
	fill(&s, "hosts", "web-02");
	fill(&s, "reason", "new power supply");
	fill(&s, "person", "Ada");
	fill(&s, "type", "power");
	shots(&s, "plan");
	click(&s, "#plan .main");
	wait_text(&s, "h1", "1 maintenance window");
	wait_text(&s, "main tbody", "new power supply");
	wait_text(&s, "main tbody", "Ada");
	wait_text(&s, "main tbody", "running");
	/* the other shop host at the same time: told, refused, then accepted */
	visit(&s, "#/plan");
	fill(&s, "hosts", "web-04");
	wait_text(&s, "#impact", "With window 1 nothing is left of shop");
	fill(&s, "reason", "the same");
	fill(&s, "person", "Ada");
	click(&s, "#plan .main");
	wait_text(&s, "#impact", "leave nothing of 'shop'");
	shots(&s, "conflict");
	click(&s, "#impact [name=accept]");
	click(&s, "#plan .main");
	wait_text(&s, "h1", "2 maintenance windows");
	shots(&s, "maintenance");
	/* each Tuesday; by keyboard, field by field */
	visit(&s, "#/plan");
	fill(&s, "partition", "rack2");
	wait_text(&s, "#impact", "24 hosts");
	fill(&s, "every", "week");
	fill(&s, "weekday", "tue");
	fill(&s, "reason", "patches");
	json_decref(browser_run(&s.b, "document.querySelector('#plan "
		"[name=person]').focus(); return true"));
	browser_key(&s.b, "E");
	browser_key(&s.b, "v");
	browser_key(&s.b, "e");
	browser_key(&s.b, "\xee\x80\x86");	/* U+E006, Return */
	wait_text(&s, "h1", "3 maintenance windows");
	wait_text(&s, "main tbody", "every week (tue)");
	click(&s, "[data-do=call-off][data-arg='1']");
	click(&s, "dialog .main");
	wait_text(&s, "h1", "2 maintenance windows");
	/* the console names what was refused on purpose */
	end(&s);
}
END_TEST

START_TEST(r064_switches_are_turned_with_a_name_and_audited)
{
	struct stage s;

	begin(&s, 0);
	enter(&s);
	visit(&s, "#/switches");
	wait_text(&s, "h1", "All switches are on");
	click(&s, "[data-do=turn][data-arg='notify/off/rack1']");
	type(&s, "name", "Ada");
	type(&s, "reason", "a drill");
	click(&s, "dialog .main");
	wait_text(&s, "h1", "1 switch is off");
	shots(&s, "switches");
	visit(&s, "#/alerts");
	wait_text(&s, "main", "web-01");
	click(&s, "[data-do=comment-alert]");
	type(&s, "name", "Ada");
	type(&s, "text", "the port was moved");
	click(&s, "dialog .main");
	wait_text(&s, "main tbody", "the port was moved");
	click(&s, "[data-do=ack]");
	type(&s, "name", "Eve");
	type(&s, "text", "moving the check");
	json_decref(browser_run(&s.b, "document.querySelector('dialog "
		"[name=lasting]').value = '4h'; return true"));
	click(&s, "dialog .main");
	wait_text(&s, "main tbody", "Eve until");
	shots(&s, "acked");
	visit(&s, "#/host/web-01");
	click(&s, "[data-do=comment-host]");
	type(&s, "name", "Ada");
	type(&s, "text", "in hall 2");
	click(&s, "dialog .main");
	wait_text(&s, "main", "in hall 2");
	visit(&s, "#/audit");
	wait_text(&s, "main tbody", "switch turn");
	wait_text(&s, "main tbody", "a drill");
	wait_text(&s, "main tbody", "Ada by admin.token");
	shots(&s, "audit");
	visit(&s, "#/simulate");
	fill(&s, "hosts", "web-102, web-104, db-106");
	click(&s, "#trial .main");
	wait_text(&s, "#would", "the brake would latch");
	wait_text(&s, "#would", "3 of 24 hosts would be bad");
	shots(&s, "simulate");
	browser_no_complaints(&s.b);
	end(&s);
}
END_TEST

START_TEST(what_hosts_and_disks_say_is_never_markup)
{
	static const char evil[] = "{\"host\":\"web-05\",\"observations\":[{"
		"\"probe\":\"smart\",\"at_ms\":%lld,\"outcome\":\"fail\","
		"\"reason\":\"device_failed\",\"text\":"
		"\"<img src=x onerror=pwned=1>\",\"device\":{\"kind\":\"disk\","
		"\"model\":\"<script>pwned=1</script>\","
		"\"serial\":\"\\\"><b onclick=x>Z\"},"
		"\"metrics\":{\"smart_197_raw\":%d}}]}";
	char body[1024];
	struct stage s;

	begin(&s, 0);
	for (int day = 5; day >= 0; day--) {
		snprintf(body, sizeof(body), evil, (long long)(wall_now() -
			(int64_t)day * 86400000), (5 - day) * 200);
		post(&s.it, body);
	}
	enter(&s);
	visit(&s, "#/host/web-05");
	wait_text(&s, "main", "<script>pwned=1</script>");
	visit(&s, "#/host/%3Cimg%20src=x%20onerror=pwned=1%3E");
	wait_text(&s, "h1", "<img src=x onerror=pwned=1>");
	visit(&s, "#/predictions");
	visit(&s, "#/events");
	wait_text(&s, "main", "web-05");
	visit(&s, "#/hosts?q=<b>x");
	wait_text(&s, "h1", "0 hosts like");
	ck_assert(browser_true(&s.b, "return window.pwned === undefined && "
		"!document.querySelector('main img, main script, main b[onclick]'"
		")"));
	end(&s);
}
END_TEST

START_TEST(the_keyboard_is_enough)
{
	struct stage s;

	begin(&s, 0);
	enter(&s);
	wait_text(&s, "#broken", "web-01");
	browser_key(&s.b, "/");
	ck_assert(browser_true(&s.b,
		"return document.activeElement.id === 'search'"));
	browser_key(&s.b, "9");
	browser_key(&s.b, "\xee\x80\x86");	/* U+E006, Return */
	wait_text(&s, "h1", "like");
	json_decref(browser_run(&s.b, "history.back(); return true"));
	wait_text(&s, "h1", "1 host is broken.");
	json_decref(browser_run(&s.b, "document.querySelector('canvas')"
		".focus({focusVisible: true}); return true"));
	browser_key(&s.b, "\xee\x80\x94");	/* U+E014, right */
	browser_key(&s.b, "\xee\x80\x94");
	wait_text(&s, ".cell-line", "db-09");
	browser_key(&s.b, "\xee\x80\x86");
	wait_text(&s, ".verdict", "db-09 is well.");
	browser_tell(&s.b, "Emulation.setEmulatedMedia", "{\"features\":["
		"{\"name\":\"prefers-color-scheme\",\"value\":\"dark\"},"
		"{\"name\":\"prefers-reduced-motion\",\"value\":\"reduce\"}]}");
	visit(&s, "#/");
	wait_text(&s, "#broken", "web-01");
	in_three_widths(&s, "dark");
	browser_no_complaints(&s.b);
	end(&s);
}
END_TEST

START_TEST(ten_thousand_hosts_are_no_burden)
{
	struct strbuf y = { 0 };
	struct stage s;
	json_t *ms;

	start_hosts(&s);
	it_init(&s.it);
	strbuf_printf(&y, "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"partitions:\n", s.it.dir);
	for (int p = 0; p < 10; p++) {
		strbuf_printf(&y, "  - name: rack%d\n    hosts:\n", p);
		for (int i = 0; i < 1000; i++)
			strbuf_printf(&y, "      - {name: n%d-%03d, address: "
				"127.2.%d.%d%s}\n", p, i, p * 4 + i / 250,
				i % 250, i % 3 != 0 ? "" : ", checks: "
				"[{probe: tcp, port: 1}]");
	}
	it_write(&s.it, "tocsin.yaml", "%s", strbuf_str(&y));
	strbuf_free(&y);
	it_start_server(&s.it);
	feed_disk(&s.it, "n3-500", "Z300A1B2", 24);
	browser_start(&s.b, &s.it);
	browser_resize(&s.b, 1400, 900);
	enter(&s);
	wait_text(&s, "#will-break", "n3-500");
	ms = browser_run(&s.b, "const t = performance.now();"
		"document.querySelector('#cells').cells.rows = null;"
		"dispatchEvent(new Event('hashchange'));"
		"document.body.offsetHeight; return performance.now() - t");
	printf("page: 10,000 hosts drawn anew in %.0f ms\n",
		json_number_value(ms));
	ck_assert_double_lt(json_number_value(ms), 1000);
	json_decref(ms);
	in_three_widths(&s, "many");
	visit(&s, "#/hosts");
	wait_text(&s, "h1", "10,000 hosts");
	wait_text(&s, "main", "Show 200 of 9,800 more");
	end(&s);
}
END_TEST

int
main(void)
{
	if (!browser_is_there()) {
		printf("page: no chromium and chromium-driver here: skipped\n");
		return 77;
	}
	return STORIES("page", it_says_what_is_broken_and_what_will_break,
		it_is_live_without_being_loaded_again,
		a_brake_is_released_by_who_says_why,
		r106_a_window_is_planned_with_what_it_means_in_sight,
		r064_switches_are_turned_with_a_name_and_audited,
		what_hosts_and_disks_say_is_never_markup,
		the_keyboard_is_enough, ten_thousand_hosts_are_no_burden);
}
