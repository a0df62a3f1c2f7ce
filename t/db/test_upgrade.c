/*
 * A file of an older version, made from t/db/golden/NNNN.sql, becomes one of
 * today with all that was in it; killed at any statement or any call to the
 * disk on the way it is the old one or the new one, never half.  With
 * TOCSIN_KILLS every call is tried, else each seventh.  TOCSIN_UPDATE=1 writes
 * the golden text of the newest schema when there is none yet.
 */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "t/db/ledger.h"
#include "t/lib/bad_disk.h"
#include "t/lib/story.h"

#define POINTS 40
#define EVENTS 30
#define MOST_SCHEMAS 100

struct scene {
	struct yard y;
	char schema_dir[96];
	int head;		/* the newest number in it */
	struct strbuf old;	/* the file before */
};

static const char *
source_dir(void)
{
	const char *dir = getenv("top_srcdir");

	return dir != NULL ? dir : ".";
}

/* ---- what is in a golden file ---- */

static struct change *
add(struct change_set *cs, enum change_kind kind)
{
	struct change *c = change_add(cs, kind);

	ck_assert_ptr_nonnull(c);
	return c;
}

static void
add_deeds(struct change_set *cs)
{
	static const struct tag tags[] = { { "team", "web" } };

	add(cs, CHANGE_ALERT)->u.alert = (struct alert){ .id = 7,
		.key = "host_unhealthy/h1", .kind = "host_unhealthy",
		.severity = SEVERITY_CRITICAL, .subject = 1, .host = "h1",
		.partition = "rack1", .tags = tags, .n_tags = 1,
		.firing = true, .since = { T0 }, .summary = "h1 is unhealthy",
		.body = "{\"reason\":\"no_reply\"}", .acked_by = "" };
	add(cs, CHANGE_OUTBOX)->u.outbox = (struct change_outbox){ .id = 9,
		.alert = 7, .receiver = "ops", .firing = true,
		.at = { T0 + 1 }, .payload = "{\"status\":\"firing\"}" };
	add(cs, CHANGE_DELIVERY)->u.delivery = (struct change_delivery){
		.outbox = 9, .attempts = 3, .at = { T0 + 9 },
		.error = "refused" };
	add(cs, CHANGE_PLAN)->u.plan = (struct change_plan){ .id = 5,
		.host = 1, .state = PLAN_STATE_RECOMMENDED,
		.action = PLAN_HOST_EVACUATE, .since = { T0 }, .at = { T0 },
		.body = "{\"why\":\"disk\"}" };
	add(cs, CHANGE_WINDOW)->u.window = (struct change_window){ .id = 3,
		.body = "{\"host\":\"h2\"}" };
	for (int i = 0; i < 3; i++)
		add(cs, CHANGE_AUDIT)->u.audit = (struct change_audit){
			.at = { T0 + i }, .actor = "ann",
			.action = "brake.release", .subject = 1,
			.body = "{\"why\":\"looked\"}" };
}

static void
populate(struct yard *y)
{
	struct store_token token = { .id = 2, .role = "agent", .host = 1,
		.host_name = "h1", .name = "h1", .created = { T0 } };
	struct change_set *cs = set_new();
	struct tc_err e = { 0 };

	memset(token.sha256, 0x5a, sizeof(token.sha256));
	yard_open(y);
	yard_hosts(y, 3);
	set_subject(cs, 10, SUBJECT_DEVICE, 1, "disk/serial \"7\"");
	cs->batch_host = 1;
	cs->batch_id = "batch-1";
	for (int i = 0; i < POINTS; i++) {
		struct change_history *row = set_row(cs, 1, "cpu",
			T0 + i * 15000);

		row_f64(cs, row, "load_1m", i + 0.25);
		row_f64(cs, row, "cpu_seconds_total", i * 15.0);
	}
	for (uint64_t i = 1; i <= EVENTS; i++)
		set_event(cs, i, 1 + (uint32_t)i % 3, "host.ok");
	set_state(cs, 1, "check", "a streak");
	set_prediction(cs, 4, 10, T0, (struct prediction_text){ "likely",
		"{\"evidence\":[]}" });
	add_deeds(cs);
	ck_assert_int_eq(yard_put(y, cs), 0);
	ck_assert_int_eq(y->ops->token_put(y->s, &token, &e), 0);
	yard_close(y);
}

/* ---- and is still there ---- */

struct found {
	size_t subjects, states, predictions, tokens, alerts, plans, windows,
		messages, events;
};

static int
see_subject(void *arg, const struct change_subject *c)
{
	((struct found *)arg)->subjects += c->key[0] != '\0';
	return 0;
}

static int
see_state(void *arg, const struct change_state *c)
{
	((struct found *)arg)->states += c->n == 8 &&
		memcmp(c->bytes, "a streak", 8) == 0;
	return 0;
}

static int
see_prediction(void *arg, const struct change_prediction *c)
{
	((struct found *)arg)->predictions += c->subject == 10;
	return 0;
}

static int
see_token(void *arg, const struct store_token *t)
{
	((struct found *)arg)->tokens += t->sha256[31] == 0x5a;
	return 0;
}

static int
see_alert(void *arg, const struct alert *a)
{
	((struct found *)arg)->alerts += a->firing && a->n_tags == 1;
	return 0;
}

static int
see_plan(void *arg, const struct change_plan *p)
{
	((struct found *)arg)->plans += p->host == 1;
	return 0;
}

static int
see_window(void *arg, const struct change_window *w)
{
	((struct found *)arg)->windows += w->id == 3;
	return 0;
}

static int
see_message(void *arg, const struct change_outbox *o,
	const struct change_delivery *d)
{
	((struct found *)arg)->messages += o->alert == 7 && d->attempts == 3;
	return 0;
}

static int
see_event(void *arg, const struct store_event *ev)
{
	((struct found *)arg)->events += strcmp(ev->kind, "host.ok") == 0;
	return 0;
}

static void
check_all(struct yard *y)
{
	struct found f = { 0 };
	struct store_loader to = { .arg = &f, .subject = see_subject,
		.state = see_state, .prediction = see_prediction,
		.token = see_token, .alert = see_alert, .plan = see_plan,
		.window = see_window, .outbox = see_message };
	struct store_series_query q = { .subject = 1, .metric = "load_1m",
		.from = { T0 }, .to = { T0 + POINTS * 15000 } };
	static struct seen_points seen;
	unsigned char last[32];
	struct tc_err e = { 0 };
	uint64_t rows = 0;

	ck_assert_msg(y->ops->load(y->s, &to, &e) == 0, "%s", e.text);
	ck_assert_int_eq(y->ops->events(y->s, 0, 1000, see_event, &f, &e), 0);
	ck_assert_uint_eq(f.subjects, 5);
	ck_assert_uint_eq(f.states, 1);
	ck_assert_uint_eq(f.predictions, 1);
	ck_assert_uint_eq(f.tokens, 1);
	ck_assert_uint_eq(f.alerts, 1);
	ck_assert_uint_eq(f.plans, 1);
	ck_assert_uint_eq(f.windows, 1);
	ck_assert_uint_eq(f.messages, 1);
	ck_assert_uint_eq(f.events, EVENTS);
	ck_assert_int_eq(yard_series(y, &q, &seen), 0);
	ck_assert_uint_eq(seen.n, POINTS);
	for (size_t i = 0; i < seen.n; i++)
		ck_assert(seen.p[i].value == (double)i + 0.25);
	ck_assert_msg(y->ops->audit_verify(y->s, &rows, last, &e) == 0, "%s",
		e.text);
	ck_assert_uint_eq(rows, 3);
}

/* ---- golden texts ---- */

static void
golden_path(struct strbuf *out, int version)
{
	strbuf_reset(out);
	strbuf_printf(out, "%s/t/db/golden/%04d.sql", source_dir(), version);
}

/* "INSERT INTO t VALUES(…);" of every row, table by table. */
static void
dump_table(sqlite3 *db, const char *table, struct strbuf *out)
{
	struct strbuf sql = { 0 };
	sqlite3_stmt *st;

	strbuf_printf(&sql, "SELECT group_concat('quote(\"' || name || '\")', "
		"' || '','' || ') FROM pragma_table_info('%s')", table);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql.p, -1, &st, NULL),
		SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	strbuf_reset(&sql);
	strbuf_printf(&sql, "SELECT %s FROM \"%s\"",
		(const char *)sqlite3_column_text(st, 0), table);
	sqlite3_finalize(st);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql.p, -1, &st, NULL),
		SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		strbuf_printf(out, "INSERT INTO %s VALUES(%s);\n", table,
			(const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	strbuf_free(&sql);
}

static void
dump(const char *path, struct strbuf *out)
{
	sqlite3_stmt *st;
	sqlite3 *db;

	strbuf_puts(out, "-- Made by t/db/test_upgrade with this schema; "
		"never edited after.\n");
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema "
		"WHERE type = 'table' AND name NOT IN ('migration', "
		"'sqlite_sequence') ORDER BY rowid", -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		dump_table(db, (const char *)sqlite3_column_text(st, 0), out);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

static void
exec_on(sqlite3 *db, const char *sql)
{
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
		"%s", sqlite3_errmsg(db));
}

/* "0002-more.sql" → 2 */
static int
number_of(const char *name)
{
	size_t n = strlen(name);

	if (n < 10 || strcmp(name + n - 4, ".sql") != 0 || name[4] != '-')
		return 0;
	return (int)strtol(name, NULL, 10);
}

static void
apply_schema(sqlite3 *db, const char *dir, const char *name)
{
	struct strbuf path = { 0 }, sql = { 0 };
	unsigned char hash[crypto_hash_sha256_BYTES];
	struct tc_err e = { 0 };
	sqlite3_stmt *st;

	strbuf_printf(&path, "%s/%s", dir, name);
	ck_assert_msg(file_slurp(path.p, 0, &sql, &e) == 0, "%s", e.text);
	exec_on(db, strbuf_str(&sql));
	crypto_hash_sha256(hash, (const unsigned char *)sql.p, sql.n);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "INSERT INTO migration VALUES "
		"(?1, ?2, ?3, 0)", -1, &st, NULL), SQLITE_OK);
	sqlite3_bind_int(st, 1, number_of(name));
	sqlite3_bind_text(st, 2, name + 5, (int)strlen(name) - 9,
		SQLITE_STATIC);
	sqlite3_bind_blob(st, 3, hash, (int)sizeof(hash), SQLITE_STATIC);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
	strbuf_free(&path);
	strbuf_free(&sql);
}

/* The file as the server of that version would have left it. */
static void
make_old(const char *path, const char *dir, int version)
{
	struct strbuf golden = { 0 }, sql = { 0 };
	char *names[MOST_SCHEMAS] = { NULL };
	struct tc_err e = { 0 };
	struct dirent *entry;
	DIR *d = opendir(dir);
	sqlite3 *db;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL) {
		int n = number_of(entry->d_name);

		if (n > 0 && n <= version && n < MOST_SCHEMAS)
			names[n] = strdup(entry->d_name);
	}
	closedir(d);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	exec_on(db, "PRAGMA journal_mode = WAL; BEGIN");
	for (int n = 1; n <= version; n++) {
		apply_schema(db, dir, names[n]);
		free(names[n]);
	}
	exec_on(db, "DELETE FROM meta");
	golden_path(&golden, version);
	ck_assert_msg(file_slurp(golden.p, 0, &sql, &e) == 0, "%s", e.text);
	exec_on(db, sql.p);
	exec_on(db, "COMMIT");
	sqlite3_close(db);
	strbuf_free(&golden);
	strbuf_free(&sql);
}

static void
schema_path(struct strbuf *out)
{
	strbuf_printf(out, "%s/schema", source_dir());
}

static int
newest_in(const char *dir)
{
	struct dirent *entry;
	DIR *d = opendir(dir);
	int newest = 0;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL)
		if (number_of(entry->d_name) > newest)
			newest = number_of(entry->d_name);
	closedir(d);
	return newest;
}

START_TEST(r153_a_file_of_every_older_version_is_taken_over_whole)
{
	struct strbuf dir = { 0 }, golden = { 0 }, text = { 0 };
	int head, tried = 0;
	struct yard y;

	schema_path(&dir);
	head = newest_in(dir.p);
	golden_path(&golden, head);
	if (getenv("TOCSIN_UPDATE") != NULL && access(golden.p, F_OK) != 0) {
		yard_init(&y, &store_sqlite);
		populate(&y);
		dump(y.path, &text);
		ck_assert_int_eq(file_write_atomic(golden.p, text.p, text.n,
			0644, NULL), 0);
		yard_fini(&y);
	}
	for (int version = 1; version <= head; version++) {
		golden_path(&golden, version);
		if (access(golden.p, F_OK) != 0)
			continue;
		yard_init(&y, &store_sqlite);
		make_old(y.path, dir.p, version);
		yard_open(&y);
		check_all(&y);
		yard_fini(&y);
		tried++;
	}
	ck_assert_int_gt(tried, 0);
	strbuf_free(&dir);
	strbuf_free(&golden);
	strbuf_free(&text);
}
END_TEST

/* ---- killed on the way ---- */

/* After all real ones, one that does a bit of everything. */
static const char more[] =
	"CREATE TABLE event_copy AS SELECT * FROM event;\n"
	"CREATE INDEX event_copy_by_time ON event_copy(at_ms);\n"
	"UPDATE event_copy SET body = body || ' ';\n"
	"DELETE FROM event_copy WHERE seq % 2 = 0;\n"
	"ALTER TABLE event_copy RENAME TO event_kept;\n"
	"CREATE TABLE extra (a INTEGER) STRICT;\n"
	"INSERT INTO extra SELECT seq FROM event_kept;\n"
	"DROP TABLE event_kept;\n";

static void
copy_schema(const char *from, const char *to, const char *name)
{
	struct strbuf path = { 0 }, text = { 0 };
	struct tc_err e = { 0 };

	strbuf_printf(&path, "%s/%s", from, name);
	ck_assert_msg(file_slurp(path.p, 0, &text, &e) == 0, "%s", e.text);
	strbuf_reset(&path);
	strbuf_printf(&path, "%s/%s", to, name);
	ck_assert_int_eq(file_write_atomic(path.p, text.p, text.n, 0644, NULL),
		0);
	strbuf_free(&path);
	strbuf_free(&text);
}

static void
scene_init(struct scene *s)
{
	struct strbuf from = { 0 }, text = { 0 };
	struct dirent *entry;
	char name[160];
	DIR *d;

	memset(s, 0, sizeof(*s));
	if (access("/dev/shm", W_OK) == 0)	/* fsync costs nothing there */
		setenv("TMPDIR", "/dev/shm", 1);
	yard_init(&s->y, &store_sqlite);
	snprintf(s->schema_dir, sizeof(s->schema_dir), "%.64s/schema",
		s->y.dir);
	ck_assert_int_eq(mkdir(s->schema_dir, 0700), 0);
	schema_path(&from);
	d = opendir(from.p);
	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL)
		if (number_of(entry->d_name) > 0)
			copy_schema(from.p, s->schema_dir, entry->d_name);
	closedir(d);
	s->head = newest_in(s->schema_dir) + 1;
	strbuf_printf(&text, "%sPRAGMA user_version = %d;\n", more, s->head);
	snprintf(name, sizeof(name), "%s/%04d-more.sql", s->schema_dir,
		s->head);
	ck_assert_int_eq(file_write_atomic(name, text.p, text.n, 0644, NULL),
		0);
	s->y.conf.schema_dir = s->schema_dir;
	strbuf_free(&from);
	strbuf_free(&text);
}

static void
scene_fini(struct scene *s)
{
	yard_fini(&s->y);
	strbuf_free(&s->old);
}

static long statements_left;	/* the child's */

static int
on_statement(unsigned type, void *arg, void *st, void *text)
{
	(void)type;
	(void)arg;
	(void)st;
	(void)text;
	if (statements_left-- == 0)
		kill(getpid(), SIGKILL);
	return 0;
}

static int
on_connection(sqlite3 *db, const char **error,
	const struct sqlite3_api_routines *api)
{
	(void)error;
	(void)api;
	return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, on_statement, NULL);
}

enum how { AT_STATEMENT, AT_DISK };

static _Noreturn void
child(struct scene *s, enum how how, long n)
{
	static struct bad_orders orders;
	static struct bad_disk disk;
	struct bad_orders o = { .op = BAD_OPS, .way = BAD_KILL, .skip = n,
		.times = 1 };

	statements_left = n;
	if (how == AT_STATEMENT)
		sqlite3_auto_extension((void (*)(void))on_connection);
	else
		bad_disk_install(&disk, &orders);
	bad_order(&orders, &o);
	yard_open(&s->y);
	yard_close(&s->y);
	_exit(0);
}

/* `old` = 0: there was none. */
static void
check_killed(struct scene *s, int old)
{
	char copy[128];
	int64_t version;

	ck_assert_int_eq(yard_number(s->y.path, "SELECT count(*) FROM "
		"pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	version = yard_number(s->y.path, "PRAGMA user_version");
	ck_assert_msg(version == old || version == s->head, "version %d",
		(int)version);
	ck_assert_int_eq(yard_number(s->y.path, "SELECT count(*) FROM "
		"sqlite_schema WHERE name = 'extra'"), version == s->head);
	if (old == 0)
		return;
	ck_assert_int_eq(yard_number(s->y.path, "SELECT count(*) FROM event"),
		EVENTS);
	if (version != s->head)
		return;
	snprintf(copy, sizeof(copy), "%s.before-%04d", s->y.path, old + 1);
	ck_assert_int_eq(yard_number(copy, "PRAGMA user_version"), old);
	ck_assert_int_eq(yard_number(copy, "SELECT count(*) FROM event"), EVENTS);
}

/* False: it lived to the end. */
static bool
kill_at(struct scene *s, enum how how, long n, int old)
{
	struct tc_err e = { 0 };
	int status;
	pid_t pid;

	yard_sweep(&s->y);
	if (old > 0)
		ck_assert_msg(file_write_atomic(s->y.path, s->old.p, s->old.n,
			0600, &e) == 0, "%s", e.text);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		child(s, how, n);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status)) {
		ck_assert_int_eq(WEXITSTATUS(status), 0);
		return false;
	}
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	if (access(s->y.path, F_OK) == 0)
		check_killed(s, old);
	yard_open(&s->y);
	if (old > 0)
		check_all(&s->y);
	yard_close(&s->y);
	ck_assert_int_eq(yard_number(s->y.path, "PRAGMA user_version"), s->head);
	return true;
}

static void
kill_everywhere(int old)
{
	long every = getenv("TOCSIN_KILLS") != NULL ? 1 : 7;
	long statements = 0, calls = 0;
	struct tc_err e = { 0 };
	struct scene s;

	scene_init(&s);
	if (old > 0) {
		make_old(s.y.path, s.schema_dir, old);
		ck_assert_int_eq(file_slurp(s.y.path, 0, &s.old, &e), 0);
	}
	while (kill_at(&s, AT_STATEMENT, statements, old))
		statements++;
	while (kill_at(&s, AT_DISK, calls * every, old))
		calls++;
	printf("from %d: killed at %ld statements and %ld calls to the disk\n",
		old, statements, calls);
	ck_assert_int_gt(statements, 10);
	ck_assert_int_gt(calls, 10);
	scene_fini(&s);
}

START_TEST(r153_an_upgrade_killed_anywhere_is_done_or_not_begun)
{
	kill_everywhere(1);
}
END_TEST

START_TEST(r153_a_first_start_killed_anywhere_is_begun_again)
{
	kill_everywhere(0);
}
END_TEST

int
main(void)
{
	return STORIES("store: upgrades",
		r153_a_file_of_every_older_version_is_taken_over_whole,
		r153_an_upgrade_killed_anywhere_is_done_or_not_begun,
		r153_a_first_start_killed_anywhere_is_begun_again);
}
