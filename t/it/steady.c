/*
 * The real tocsind: what it says while its wall clock is set forth and back,
 * while nobody measures, while a listener dies; and its own file rehearsed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/it.h"
#include "t/lib/story.h"

#define WEB 3
#define FIRST 0x7f010001U	/* 127.1.0.1 */

struct scene {
	struct it it;
	int port;
	int fds[WEB];
	_Atomic int64_t *ahead_s;
};

/* Three web hosts, each with a listener; and one that an agent speaks for. */
static void
scene_init(struct scene *s, const char *passive)
{
	memset(s, 0, sizeof(*s));
	it_init(&s->it);
	s->port = it_free_port();
	for (int i = 0; i < WEB; i++)
		s->fds[i] = it_listen(FIRST + (unsigned)i, s->port);
	it_write(&s->it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n"
		"defaults: {interval: 1s, timeout: 500ms}\n"
		"passive: {interval: %s}\n"
		"partitions:\n  - name: rack1\n    hosts:\n"
		"      - {name: h1, address: 127.1.0.1, tags: {app: web},"
		" checks: [{probe: tcp, port: %d}]}\n"
		"      - {name: h2, address: 127.1.0.2, tags: {app: web},"
		" checks: [{probe: tcp, port: %d}]}\n"
		"      - {name: h3, address: 127.1.0.3, tags: {app: web},"
		" checks: [{probe: tcp, port: %d}]}\n"
		"      - {name: quiet, address: 127.1.0.9}\n", s->it.dir,
		passive, s->port, s->port, s->port);
}

static void
end(struct scene *s)
{
	for (int i = 0; i < WEB; i++)
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	if (s->it.server > 0)
		ck_assert_int_eq(it_end(&s->it.server, SIGTERM), 0);
	it_fini(&s->it);
}

static void
stop(struct scene *s, int i)
{
	close(s->fds[i]);
	s->fds[i] = -1;
}

static bool
is_state(struct scene *s, const char *host, const char *state)
{
	char path[64];

	snprintf(path, sizeof(path), "/v1/hosts/%s", host);
	return it_wait_text(&s->it, path, "state", state, 20);
}

static bool
web_is_healthy(struct scene *s)
{
	return is_state(s, "h1", "healthy") && is_state(s, "h2", "healthy") &&
		is_state(s, "h3", "healthy");
}

/* How many events of the kind there are; all of them when it is NULL. */
static size_t
events(struct scene *s, const char *kind)
{
	struct it_reply r;
	json_t *items;
	size_t n = 0;

	it_get(&s->it, "/v1/events?after=0&limit=10000", &r);
	items = it_at(r.json, "items");
	for (size_t i = 0; i < json_array_size(items); i++) {
		const char *k = json_string_value(json_object_get(
			json_array_get(items, i), "kind"));

		n += k != NULL && (kind == NULL || strcmp(k, kind) == 0);
	}
	it_reply_fini(&r);
	return n;
}

/* The agent's clock is right. */
static void
agent_speaks(struct scene *s)
{
	long long now = clock_system()->wall(clock_system()).ms;
	struct it_reply r;
	char body[256];

	snprintf(body, sizeof(body), "{\"host\":\"quiet\",\"sent_ms\":%lld,"
		"\"observations\":[{\"probe\":\"disk\",\"at_ms\":%lld,"
		"\"outcome\":\"ok\",\"metrics\":{\"x\":1}}]}", now, now);
	it_call(&s->it, "POST /v1/observations", NULL, body, &r);
	ck_assert_msg(r.status == 202, "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
}

/* ---- R-132 ---- */

static bool
start_stepped(struct scene *s)
{
	const char *build = getenv("top_builddir");
	char module[4200], path[160];
	int fd;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	printf("skipped: a sanitizer wants to be loaded first\n");
	return false;
#endif
	snprintf(module, sizeof(module), "%s/.libs/stepped_clock.so",
		build != NULL ? build : ".");
	if (access(module, R_OK) != 0) {
		printf("skipped, no %s\n", module);
		return false;
	}
	snprintf(path, sizeof(path), "%s/ahead", s->it.dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert(fd >= 0 && ftruncate(fd, sizeof(*s->ahead_s)) == 0);
	s->ahead_s = mmap(NULL, sizeof(*s->ahead_s), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	ck_assert(s->ahead_s != MAP_FAILED);
	close(fd);
	setenv("TOCSIN_STEPPED", path, 1);
	setenv("LD_PRELOAD", module, 1);
	it_start_server(&s->it);
	unsetenv("LD_PRELOAD");
	return true;
}

struct steps {
	struct scene *s;
	size_t n;
};

static bool
step_is_told(void *arg)
{
	struct steps *st = arg;

	return events(st->s, "clock_step") >= st->n;
}

START_TEST(r132_p18_a_wall_clock_that_is_stepped_moves_nobody)
{
	static const int64_t ahead[] = { 86400, 0, -86400, 365 * 86400, 0 };
	char token[128], window[200], at[2][WALL_TEXT];
	struct wall now;
	struct it_reply r;
	struct scene s;
	struct steps st = { &s, 0 };
	size_t before;

	scene_init(&s, "1m");
	if (!start_stepped(&s)) {
		end(&s);
		return;
	}
	ck_assert(web_is_healthy(&s));
	agent_speaks(&s);
	ck_assert(is_state(&s, "quiet", "healthy"));
	it_call(&s.it, "POST /v1/tokens", NULL,
		"{\"role\":\"viewer\",\"valid\":\"30d\"}", &r);
	snprintf(token, sizeof(token), "%s", it_text(&r, "token"));
	it_reply_fini(&r);
	/* a window of tomorrow */
	now = clock_system()->wall(clock_system());
	wall_format((struct wall){ now.ms + 86400000 - 3600000 }, at[0],
		sizeof(at[0]));
	wall_format((struct wall){ now.ms + 86400000 + 3600000 }, at[1],
		sizeof(at[1]));
	snprintf(window, sizeof(window), "{\"type\":\"power\",\"hosts\":[\"h2\"],"
		"\"reason\":\"x\",\"from\":\"%s\",\"to\":\"%s\"}", at[0],
		at[1]);
	it_call(&s.it, "POST /v1/maintenance", NULL, window, &r);
	ck_assert_int_eq(r.status, 201);
	it_reply_fini(&r);
	before = events(&s, "check.state") + events(&s, "host.state");
	for (size_t i = 0; i < ARRAY_LEN(ahead); i++) {
		*s.ahead_s = ahead[i];
		st.n = i + 1;
		ck_assert(it_wait(step_is_told, &st, 30));
		/* the windows are looked at anew */
		ck_assert(is_state(&s, "h2", ahead[i] == 86400 ?
			"maintenance" : "healthy"));
		/* who may still may: but for a time that has been set back */
		it_call(&s.it, "GET /v1/summary", token, NULL, &r);
		ck_assert_int_eq(r.status, 200);
		it_reply_fini(&r);
		/* nor are we deaf to those whose clocks are right */
		agent_speaks(&s);
		ck_assert(is_state(&s, "quiet", "healthy"));
	}
	ck_assert_uint_eq(events(&s, "check.state") +
		events(&s, "host.state"), before);
	ck_assert_uint_eq(events(&s, "clock_step"), ARRAY_LEN(ahead));
	/* and a fault is found as ever */
	stop(&s, 0);
	ck_assert(is_state(&s, "h1", "unhealthy"));
	munmap((void *)s.ahead_s, sizeof(*s.ahead_s));
	end(&s);
}
END_TEST

/* ---- R-128 ---- */

START_TEST(r128_who_falls_silent_is_stale_and_stays_so)
{
	struct it_reply r;
	struct scene s;
	double began;

	scene_init(&s, "1s");
	it_start_server(&s.it);
	agent_speaks(&s);
	began = it_now();
	ck_assert(is_state(&s, "quiet", "healthy"));
	/* three intervals of 1 s, and it is seen */
	ck_assert(it_wait_text(&s.it, "/v1/hosts/quiet", "state", "stale", 20));
	printf("R-128: stale after %.1f s of silence\n", it_now() - began);
	ck_assert(it_now() - began > 2.5);
	it_get(&s.it, "/v1/hosts/quiet/checks", &r);
	ck_assert_str_eq(it_text(&r, "items.0.health"), "stale");
	ck_assert(it_number(&r, "age_ms") >= 0);
	it_reply_fini(&r);
	/* neither the others' answers nor time make it green */
	ck_assert(web_is_healthy(&s));
	stop(&s, 2);
	ck_assert(is_state(&s, "h3", "unhealthy"));
	it_get(&s.it, "/v1/hosts/quiet", &r);
	ck_assert_str_eq(it_text(&r, "state"), "stale");
	it_reply_fini(&r);
	it_get(&s.it, "/v1/summary", &r);
	ck_assert_double_eq(it_number(&r, "counts.stale"), 1);
	it_reply_fini(&r);
	end(&s);
}
END_TEST

/* ---- R-143 ---- */

struct wish {
	struct scene *s;
	size_t n;
	bool open;
};

static bool
set_has(void *arg)
{
	struct wish *w = arg;
	struct it_reply r;
	bool yes;

	it_get(&w->s->it, "/v1/healthy-set?group=web", &r);
	ck_assert_int_eq(r.status, 200);
	/* somebody is always in it */
	ck_assert_uint_gt(json_array_size(it_at(r.json, "items")), 0);
	ck_assert(it_number(&r, "age_ms") >= 0);
	yes = json_array_size(it_at(r.json, "items")) == w->n &&
		json_is_true(it_at(r.json, "fail_open")) == w->open;
	it_reply_fini(&r);
	return yes;
}

/* Fault to verdict is 3 × 1 s + 0.5 s + 1 s at most, a snapshot 1 s more. */
START_TEST(r143_who_fails_leaves_the_set_within_a_cycle)
{
	struct scene s;
	struct wish w = { &s, WEB, false };
	struct it_reply r;
	double began;

	scene_init(&s, "1m");
	it_start_server(&s.it);
	ck_assert(web_is_healthy(&s));
	ck_assert(it_wait(set_has, &w, 20));
	for (int i = 0; i < WEB; i++) {
		began = it_now();
		stop(&s, i);
		w.n = i < WEB - 1 ? w.n - 1 : WEB;
		w.open = i == WEB - 1;
		ck_assert(it_wait(set_has, &w, 20));
		printf("R-143: out of the set after %.1f s\n",
			it_now() - began);
	}
	/* the verdict and the set are of one snapshot: never apart */
	for (int i = 0; i < WEB; i++)
		s.fds[i] = it_listen(FIRST + (unsigned)i, s.port);
	w.n = WEB;
	w.open = false;
	ck_assert(it_wait(set_has, &w, 20));
	it_get(&s.it, "/v1/healthy-set?group=web", &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "left_out")), 0);
	it_reply_fini(&r);
	end(&s);
}
END_TEST

/* ---- p17 ---- */

START_TEST(p17_why_it_failed_is_known_when_it_is_well_again)
{
	const char *argv[] = { it_cli(), "events", "h1", "--server", NULL,
		"--token-file", NULL, NULL };
	struct strbuf out = { 0 };
	char token[160];
	struct it_reply r;
	struct scene s;

	scene_init(&s, "1m");
	it_start_server(&s.it);
	ck_assert(web_is_healthy(&s));
	stop(&s, 0);
	ck_assert(is_state(&s, "h1", "unhealthy"));
	s.fds[0] = it_listen(FIRST, s.port);
	ck_assert(is_state(&s, "h1", "healthy"));
	stop(&s, 1);
	ck_assert(is_state(&s, "h2", "unhealthy"));
	it_end(&s.it.server, SIGKILL);
	it_start_server(&s.it);
	/* of h1 alone, each step with its reason */
	it_get(&s.it, "/v1/events?host=h1&limit=100", &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text),
		"\"to\":\"suspect\",\"reason\":\"connect_refused\","
		"\"text\":\"Connection refused\""));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text),
		"\"to\":\"unhealthy\",\"reason\":\"connect_refused\""));
	ck_assert_ptr_null(strstr(strbuf_str(&r.text),
		"\"subject\":\"h2"));
	it_reply_fini(&r);
	snprintf(token, sizeof(token), "%s/state/admin.token", s.it.dir);
	argv[4] = s.it.url;
	argv[6] = token;
	ck_assert_int_eq(it_run(&s.it, &out, argv), 0);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&out), "h1"));
	ck_assert_ptr_null(strstr(strbuf_str(&out), "h2"));
	strbuf_free(&out);
	end(&s);
}
END_TEST

/* ---- R-135 ---- */

static int
rehearse(struct scene *s, const char *from, const char *to, struct strbuf *out)
{
	char db[200];
	const char *argv[] = { it_cli(), "rehearse", "--from", from, "--to", to,
		"--replay", db, NULL };

	snprintf(db, sizeof(db), "%s/state/tocsin.db", s->it.dir);
	return it_run(&s->it, out, argv);
}

START_TEST(r135_a_servers_own_file_is_rehearsed)
{
	static const struct { const char *from, *to; } days[] = {
		{ "2028-02-28", "2028-03-01" }, { "2100-02-28", "2100-03-02" },
		{ "2037-12-31", "2038-01-01" }, { "2038-01-19", "2038-01-20" },
		{ "2026-10-25", "2026-10-26" } };
	struct strbuf out = { 0 };
	struct scene s;

	scene_init(&s, "1m");
	it_start_server(&s.it);
	ck_assert(web_is_healthy(&s));
	stop(&s, 0);
	ck_assert(is_state(&s, "h1", "unhealthy"));
	/* beside the running server, and when it has gone */
	ck_assert_int_eq(rehearse(&s, "2028-02-28", "2028-03-01", &out), 0);
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		strbuf_reset(&out);
		ck_assert_msg(rehearse(&s, days[i].from, days[i].to, &out) == 0,
			"%s: %s", days[i].from, strbuf_str(&out));
		ck_assert_ptr_nonnull(strstr(strbuf_str(&out),
			"3 hosts, 3 checks: "));
		ck_assert_ptr_null(strstr(strbuf_str(&out), " 0 moves"));
		ck_assert_ptr_nonnull(strstr(strbuf_str(&out),
			"all as on a plain day"));
	}
	strbuf_free(&out);
	end(&s);
}
END_TEST

int
main(void)
{
	return STORIES("steady",
		r132_p18_a_wall_clock_that_is_stepped_moves_nobody,
		r128_who_falls_silent_is_stale_and_stays_so,
		r143_who_fails_leaves_the_set_within_a_cycle,
		p17_why_it_failed_is_known_when_it_is_well_again,
		r135_a_servers_own_file_is_rehearsed);
}
