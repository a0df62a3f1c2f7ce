/*
 * The server and its own file: the age of the last copy, a lock at a start,
 * a disk that fails beneath the running server.  The failing disk is a module
 * (t/lib/bad_disk) loaded before the program, with its orders in a file that
 * both have mapped.
 */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/bad_disk.h"
#include "t/lib/it_led.h"
#include "t/lib/story.h"

struct scene {
	struct it it;
	int port;		/* where nobody listens */
	struct it_led led;
	struct bad_orders *orders;
};

static void
scene_init(struct scene *s, const char *more)
{
	memset(s, 0, sizeof(*s));
	it_init(&s->it);
	s->port = it_free_port();
	it_led_init(&s->led, &s->it);
	s->led.again = true;
	it_write(&s->it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n%s"
		"defaults: {interval: 1s, timeout: 500ms, fail_after: 3,"
		" clear_after: 2}\npartitions:\n  - name: rack1\n    hosts:\n"
		"      - {name: h1, address: 127.1.1.1,"
		" checks: [{probe: tcp, port: %d}]}\n", s->it.dir, more,
		s->port);
}

static bool
alert_fires(struct scene *s, const char *kind)
{
	char path[64];

	snprintf(path, sizeof(path), "/v1/alerts?kind=%s", kind);
	return it_wait_text(&s->it, path, "items.0.state", "firing", 30);
}

struct asked {
	struct scene *s;
	const char *kind;
};

static bool
fires_not(void *arg)
{
	struct asked *a = arg;
	struct it_reply r;
	char path[64];
	bool over;

	snprintf(path, sizeof(path), "/v1/alerts?kind=%s", a->kind);
	it_get(&a->s->it, path, &r);
	over = r.status == 200 &&
		strcmp(it_text(&r, "items.0.state"), "firing") != 0;
	it_reply_fini(&r);
	return over;
}

static bool
alert_ends(struct scene *s, const char *kind)
{
	struct asked a = { s, kind };

	return it_wait(fires_not, &a, 30);
}

static void
back_up(struct scene *s, const char *name)
{
	char to[160], dir[128];
	const char *argv[] = { it_cli(), "db", "backup", to, "--state-dir", dir,
		NULL };

	snprintf(dir, sizeof(dir), "%s/state", s->it.dir);
	snprintf(to, sizeof(to), "%s/%s", s->it.dir, name);
	ck_assert_int_eq(it_run(&s->it, NULL, argv), 0);
}

START_TEST(r078_the_age_of_the_last_copy_is_known_and_warned_of)
{
	struct it_reply r;
	struct scene s;

	scene_init(&s, "backup_max_age: 1d\n");
	it_start_server(&s.it);
	ck_assert(alert_fires(&s, "backup_old"));
	it_get(&s.it, "/metrics", &r);
	ck_assert_ptr_null(strstr(strbuf_str(&r.text), "backup_age"));
	it_reply_fini(&r);
	back_up(&s, "copy.db");
	ck_assert(alert_ends(&s, "backup_old"));
	it_get(&s.it, "/metrics", &r);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text),
		"\ntocsin_store_backup_age_seconds "));
	it_reply_fini(&r);
	it_write(&s.it, "state/tocsin.db.backup",
		"2020-01-01T00:00:00.000Z /gone\n");
	ck_assert(alert_fires(&s, "backup_old"));
	it_fini(&s.it);
}
END_TEST

/* ---- tokens with an end ---- */

struct guest {
	struct scene *s;
	char token[128];
	const char *want;	/* code of the problem */
};

static bool
is_refused(void *arg)
{
	struct guest *g = arg;
	struct it_reply r;
	bool yes;

	it_call(&g->s->it, "GET /v1/summary", g->token, NULL, &r);
	yes = r.status == 401 && strcmp(it_text(&r, "code"), g->want) == 0;
	it_reply_fini(&r);
	return yes;
}

START_TEST(r133_a_token_ends_by_itself_and_people_are_told)
{
	struct guest g = { .want = "token_expired" };
	struct it_reply r;
	struct scene s;
	char path[64];

	scene_init(&s, "");
	g.s = &s;
	it_start_server(&s.it);
	it_call(&s.it, "POST /v1/tokens", NULL,
		"{\"role\":\"viewer\",\"valid\":\"36501d\"}", &r);
	ck_assert_int_eq(r.status, 400);
	ck_assert_str_eq(it_text(&r, "detail"),
		"/valid: not in 1 s to 36500 days");
	it_reply_fini(&r);
	it_call(&s.it, "POST /v1/tokens", NULL,
		"{\"role\":\"viewer\",\"valid\":\"4s\"}", &r);
	ck_assert_int_eq(r.status, 201);
	snprintf(g.token, sizeof(g.token), "%s", it_text(&r, "token"));
	snprintf(path, sizeof(path), "DELETE /v1/tokens/%.0f",
		it_number(&r, "id"));
	it_reply_fini(&r);
	it_call(&s.it, "GET /v1/summary", g.token, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	it_reply_fini(&r);
	ck_assert(it_wait(is_refused, &g, 20));
	ck_assert(alert_fires(&s, "token_expires"));
	/* a restart forgives nothing */
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	it_start_server(&s.it);
	ck_assert(is_refused(&g));
	it_get(&s.it, "/v1/tokens", &r);
	ck_assert_str_eq(it_text(&r, "items.0.name"), "admin.token");
	ck_assert(json_is_null(it_at(r.json, "items.0.expires")));
	ck_assert(json_is_string(it_at(r.json, "items.0.last_used")));
	ck_assert(json_is_string(it_at(r.json, "items.1.expires")));
	it_reply_fini(&r);
	it_call(&s.it, path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	it_reply_fini(&r);
	ck_assert(alert_ends(&s, "token_expires"));
	g.want = "wrong_token";
	ck_assert(is_refused(&g));
	it_fini(&s.it);
}
END_TEST

/* ---- secrets ---- */

static bool
has_failed(void *arg)
{
	struct scene *s = arg;
	struct it_reply r;
	double n = 0;
	char *at;

	it_get(&s->it, "/metrics", &r);
	at = strstr(strbuf_str(&r.text), "\ntocsin_alert_failures_total ");
	if (at != NULL)
		n = strtod(strchr(at + 1, ' '), NULL);
	it_reply_fini(&r);
	return n >= 2;
}

static const char *const secrets[] = { "hush-user", "hush-query", "hush-hmac",
	"hush-mail" };

static void
must_not_have(struct scene *s, const char *name, const char *agent)
{
	struct strbuf text = { 0 };

	it_read(&s->it, name, &text);
	ck_assert_msg(text.n > 0, "%s is empty", name);
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		ck_assert_msg(memmem(text.p, text.n, secrets[i],
			strlen(secrets[i])) == NULL, "%s: %s", name,
			secrets[i]);
	ck_assert_msg(memmem(text.p, text.n, s->it.admin,
		strlen(s->it.admin)) == NULL, "%s: the admin's token", name);
	ck_assert_msg(memmem(text.p, text.n, agent, strlen(agent)) == NULL,
		"%s: an agent's token", name);
	strbuf_free(&text);
}

static void
save(struct scene *s, const char *path, const char *name)
{
	struct it_reply r;

	it_get(&s->it, path, &r);
	ck_assert_msg(r.status == 200, "%s: %ld", path, r.status);
	it_write(&s->it, name, "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
}

static void
export_events(struct scene *s)
{
	char dir[128];
	const char *argv[] = { it_cli(), "db", "export", "--host", "led",
		"--metric", "load_1m", "--format", "ndjson", "--state-dir",
		dir, NULL };
	struct strbuf out = { 0 };

	snprintf(dir, sizeof(dir), "%s/state", s->it.dir);
	ck_assert_int_eq(it_run(&s->it, &out, argv), 0);
	it_write(&s->it, "export.ndjson", "%s", strbuf_str(&out));
	strbuf_free(&out);
}

START_TEST(r151_no_secret_is_in_the_file_its_copies_or_the_log)
{
	static const char *const files[] = { "state/tocsin.db",
		"state/tocsin.db-wal", "copy.db", "export.ndjson", "events",
		"alerts", "audit", "effective", "server.log" };
	struct it_reply r;
	struct scene s;
	char agent[128];

	scene_init(&s, "alerts:\n  receivers:\n"
		"    - {name: ops, type: webhook, secret: hush-hmac, url: "
		"\"http://hush-user:hush-user@127.0.0.1:9/x?k=hush-query\"}\n"
		"    - {name: page, type: pagerduty, secret: hush-mail, url: "
		"\"http://127.0.0.1:9/hush-query\"}\n"
		"  routes:\n    - {match: {}, to: [ops, page]}\n");
	it_start_server(&s.it);
	it_call(&s.it, "POST /v1/tokens", NULL,
		"{\"role\":\"agent\",\"host\":\"h1\"}", &r);
	snprintf(agent, sizeof(agent), "%s", it_text(&r, "token"));
	ck_assert_msg(strlen(agent) > 20, "%s", strbuf_str(&r.text));
	it_reply_fini(&r);
	ck_assert(it_wait(it_led_is_taken, &s.led, 20));
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "unhealthy", 20));
	/* A delivery was tried, and its failure written down. */
	ck_assert(it_wait(has_failed, &s, 30));
	back_up(&s, "copy.db");
	export_events(&s);
	save(&s, "/v1/events?limit=1000", "events");
	save(&s, "/v1/alerts", "alerts");
	save(&s, "/v1/audit", "audit");
	save(&s, "/v1/hosts/h1/effective-config", "effective");
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		must_not_have(&s, files[i], agent);
	it_fini(&s.it);
}
END_TEST

/* Until the parent closes its end. */
static pid_t
hold_lock(struct scene *s, int *end)
{
	int ready[2], go[2];
	char path[160], byte;
	sqlite3 *db;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/state/tocsin.db", s->it.dir);
	ck_assert(pipe2(ready, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(go[1]);
		if (sqlite3_open(path, &db) != SQLITE_OK ||
		    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
		    SQLITE_OK || write(ready[1], "x", 1) != 1)
			_exit(1);
		_exit(read(go[0], &byte, 1) != 0);
	}
	close(go[0]);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*end = go[1];
	return pid;
}

START_TEST(a_lock_that_others_hold_stops_neither_a_start_nor_judging)
{
	struct scene s;
	int end, status;
	pid_t pid;

	scene_init(&s, "");
	it_start_server(&s.it);
	ck_assert(it_wait(it_led_is_taken, &s.led, 20));
	ck_assert_int_eq(it_end(&s.it.server, SIGTERM), 0);
	pid = hold_lock(&s, &end);
	it_start_degraded(&s.it);
	ck_assert(it_wait(it_led_is_refused, &s.led, 20));
	ck_assert(it_wait_text(&s.it, "/v1/hosts/h1", "state", "unhealthy", 20));
	ck_assert(alert_fires(&s, "store_degraded"));
	close(end);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(it_wait(it_led_is_taken, &s.led, 20));
	ck_assert(alert_ends(&s, "store_degraded"));
	ck_assert_uint_eq(it_led_points(&s.led), (size_t)s.led.sent);
	it_fini(&s.it);
}
END_TEST

/* ---- a disk that fails ---- */

static bool
preload(struct scene *s)
{
	const char *build = getenv("top_builddir");
	char module[4200], path[160];
	int fd;

	snprintf(module, sizeof(module), "%s/.libs/bad_disk.so",
		build != NULL ? build : ".");
	if (access(module, R_OK) != 0) {
		printf("skipped, no %s\n", module);
		return false;
	}
	snprintf(path, sizeof(path), "%s/orders", s->it.dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert(fd >= 0 && ftruncate(fd, sizeof(*s->orders)) == 0);
	s->orders = mmap(NULL, sizeof(*s->orders), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	ck_assert(s->orders != MAP_FAILED);
	close(fd);
	setenv("TOCSIN_BAD_DISK", path, 1);
	setenv("LD_PRELOAD", module, 1);
	it_start_server(&s->it);
	unsetenv("LD_PRELOAD");
	return true;
}

/* Of each kind: refused, told, judged all the same, taken again, kept. */
static void
fail_and_mend(struct scene *s, const struct bad_orders *o)
{
	bad_order(s->orders, o);
	ck_assert(it_wait(it_led_is_refused, &s->led, 20));
	ck_assert(atomic_load(&s->orders->hits) > 0);
	ck_assert(alert_fires(s, "store_degraded"));
	if (o->way == BAD_EDQUOT) {
		struct it_reply r;

		it_get(&s->it, "/v1/alerts?kind=store_degraded", &r);
		ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text), "quota"));
		it_reply_fini(&r);
	}
	ck_assert(it_wait_text(&s->it, "/v1/hosts/h1", "state", "unhealthy",
		20));
	bad_disarm(s->orders);
	ck_assert(it_wait(it_led_is_taken, &s->led, 20));
	ck_assert(alert_ends(s, "store_degraded"));
	ck_assert_uint_eq(it_led_points(&s->led), (size_t)s->led.sent);
}

START_TEST(a_disk_that_fails_is_told_and_lost_nothing)
{
	static const struct bad_orders all[] = {
		{ .op = BAD_SYNC, .files = SQLITE_OPEN_WAL, .times = -1 },
		{ .op = BAD_WRITE, .files = SQLITE_OPEN_WAL, .times = -1 },
		{ .op = BAD_WRITE, .way = BAD_ENOSPC, .times = -1,
			.files = SQLITE_OPEN_WAL },
		{ .op = BAD_WRITE, .way = BAD_EDQUOT, .times = -1,
			.files = SQLITE_OPEN_WAL },
		{ .op = BAD_WRITE, .way = BAD_SHORT, .times = -1,
			.files = SQLITE_OPEN_WAL },
	};
	struct scene s;

	scene_init(&s, "");
	if (!preload(&s)) {
		it_fini(&s.it);
		return;
	}
	ck_assert(it_wait(it_led_is_taken, &s.led, 20));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		fail_and_mend(&s, &all[i]);
	/* What was acknowledged is there after the worst of ends too. */
	it_end(&s.it.server, SIGKILL);
	it_start_server(&s.it);
	ck_assert_uint_eq(it_led_points(&s.led), (size_t)s.led.sent);
	munmap(s.orders, sizeof(*s.orders));
	it_fini(&s.it);
}
END_TEST

int
main(void)
{
	return STORIES("store_own",
		r133_a_token_ends_by_itself_and_people_are_told,
		r078_the_age_of_the_last_copy_is_known_and_warned_of,
		r151_no_secret_is_in_the_file_its_copies_or_the_log,
		a_lock_that_others_hold_stops_neither_a_start_nor_judging,
		a_disk_that_fails_is_told_and_lost_nothing);
}
