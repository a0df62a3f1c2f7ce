#include "t/db/yard.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/queue.h"
#include "t/lib/scratch.h"

/*
 * Not ck_assert: children that are killed use this too, and must not write
 * into libcheck's file of messages.
 */
#define must(cond) \
	((cond) ? (void)0 : give_up(__FILE__, __LINE__, #cond))

static _Noreturn void
give_up(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

static void
on_degraded(void *arg, bool degraded, const char *why)
{
	struct yard *y = arg;

	y->degraded = degraded;
	if (degraded)
		snprintf(y->why, sizeof(y->why), "%s", why);
	queue_push(y->turned, degraded ? (void *)&y->degraded : y);
}

void
yard_init(struct yard *y, const struct store_ops *ops)
{
	const char *tmp = getenv("TMPDIR");

	memset(y, 0, sizeof(*y));
	y->ops = ops;
	y->degraded = -1;
	snprintf(y->dir, sizeof(y->dir), "%.32s/tocsin-db-XXXXXX",
		tmp != NULL ? tmp : "/tmp");
	must(mkdtemp(y->dir) != NULL);
	snprintf(y->path, sizeof(y->path), "%s/tocsin.db", y->dir);
	y->turned = queue_new(64, NULL, NULL);
	y->done = queue_new(1, NULL, NULL);
	must(y->turned != NULL && y->done != NULL);
	y->conf.path = y->path;
	/* Slow is no failure: under valgrind two seconds are soon over. */
	y->conf.read_deadline = dur_s(60);
	y->conf.degraded = on_degraded;
	y->conf.degraded_arg = y;
}

void
yard_open(struct yard *y)
{
	struct tc_err e = { 0 };
	int rc;

	rc = y->ops->open(&y->conf, &y->s, &e);
	if (rc < 0)
		fprintf(stderr, "open: %s\n", e.text);
	must(rc == 0);
}

void
yard_close(struct yard *y)
{
	if (y->s != NULL)
		y->ops->close(y->s);
	y->s = NULL;
}

bool
yard_turns(struct yard *y)
{
	void *turn = queue_pop(y->turned, dur_s(30));

	must(turn != NULL);
	return turn != y;
}

void
yard_fini(struct yard *y)
{
	yard_close(y);
	queue_free(y->turned, NULL);
	queue_free(y->done, NULL);
	scratch_remove(y->dir);
}

/* ---- building sets ---- */

struct change_set *
set_new(void)
{
	struct change_set *cs = change_set_new();

	must(cs != NULL);
	return cs;
}

static struct change *
add(struct change_set *cs, enum change_kind kind)
{
	struct change *c = change_add(cs, kind);

	must(c != NULL);
	return c;
}

static const char *
keep(struct change_set *cs, const char *text)
{
	char *copy = arena_strdup(&cs->arena, text);

	must(copy != NULL);
	return copy;
}

void
set_subject(struct change_set *cs, uint32_t id, enum subject_kind kind,
	uint32_t parent, const char *key)
{
	add(cs, CHANGE_SUBJECT)->u.subject = (struct change_subject){
		.id = id, .kind = kind, .parent = parent,
		.key = keep(cs, key), .body = "{}" };
}

void
set_event(struct change_set *cs, uint64_t seq, uint32_t subject,
	const char *kind)
{
	add(cs, CHANGE_EVENT)->u.event = (struct change_event){
		.seq = seq, .at = { T0 + (int64_t)seq }, .kind = keep(cs, kind),
		.subject = subject, .cause_seq = seq - 1, .body = "{\"a\":1}" };
}

void
set_state(struct change_set *cs, uint32_t subject, const char *kind,
	const char *text)
{
	add(cs, CHANGE_STATE)->u.state = (struct change_state){
		.subject = subject, .kind = keep(cs, kind),
		.bytes = text != NULL ? keep(cs, text) : NULL,
		.n = text != NULL ? strlen(text) : 0 };
}

struct change_history *
set_row(struct change_set *cs, uint32_t subject, const char *probe,
	int64_t at_ms)
{
	struct change_history *row = &add(cs, CHANGE_HISTORY)->u.history;

	*row = (struct change_history){ .at = { at_ms }, .subject = subject,
		.probe = keep(cs, probe), .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_NONE, .counted = true };
	return row;
}

void
row_value(struct change_set *cs, struct change_history *row,
	const struct change_series *series, uint64_t bits)
{
	struct change_series *all = arena_alloc(&cs->arena,
		(row->n + 1) * sizeof(*all));
	uint64_t *values = arena_alloc(&cs->arena,
		(row->n + 1) * sizeof(*values));

	must(all != NULL && values != NULL);
	if (row->n > 0) {
		memcpy(all, row->series, row->n * sizeof(*all));
		memcpy(values, row->values, row->n * sizeof(*values));
	}
	all[row->n] = *series;
	all[row->n].name = keep(cs, series->name);
	if (series->instance != NULL)
		all[row->n].instance = keep(cs, series->instance);
	values[row->n] = bits;
	row->series = all;
	row->values = values;
	row->n++;
}

void
row_f64(struct change_set *cs, struct change_history *row, const char *name,
	double v)
{
	struct change_series series = { .name = name, .instance = "",
		.type = TOCSIN_F64 };
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	row_value(cs, row, &series, bits);
}

void
set_prediction(struct change_set *cs, uint64_t id, uint32_t subject,
	int64_t since_ms, struct prediction_text text)
{
	add(cs, CHANGE_PREDICTION)->u.prediction = (struct change_prediction){
		.id = id, .subject = subject, .host = subject,
		.since = { since_ms }, .level = text.level, .risk_d7 = 0.1,
		.risk_d30 = 0.2, .risk_d90 = 0.3, .pack = "p 1.0.0",
		.body = keep(cs, text.body) };
}

/* ---- putting ---- */

static void
on_done(struct change_set *cs)
{
	must(queue_push(cs->owner, cs) == 0);
}

int
yard_put_counted(struct yard *y, struct change_set *cs, size_t *accepted,
	size_t *duplicates)
{
	int rc;

	cs->done = on_done;
	cs->owner = y->done;
	rc = y->ops->submit(y->s, cs);
	if (rc == 0) {
		must(queue_pop(y->done, dur_s(30)) == cs);
		rc = cs->rc;
	}
	*accepted = cs->accepted;
	*duplicates = cs->duplicates;
	change_set_free(cs);
	return rc;
}

int
yard_put(struct yard *y, struct change_set *cs)
{
	size_t accepted, duplicates;

	return yard_put_counted(y, cs, &accepted, &duplicates);
}

void
yard_hosts(struct yard *y, uint32_t n)
{
	struct change_set *cs = set_new();

	set_subject(cs, YARD_PARTITION, SUBJECT_PARTITION, 0, "rack1");
	for (uint32_t i = 1; i <= n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "h%u", i);
		set_subject(cs, i, SUBJECT_HOST, YARD_PARTITION, name);
	}
	must(yard_put(y, cs) == 0);
}

void
set_tell(struct change_set *cs)
{
	uint32_t n = (uint32_t)(uintptr_t)cs->owner;

	if (cs->rc == 0 && write(STDOUT_FILENO, &n, sizeof(n)) != sizeof(n))
		_exit(3);
	change_set_free(cs);
}

void
yard_sweep(struct yard *y)
{
	DIR *d = opendir(y->dir);
	struct dirent *entry;

	must(d != NULL);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
}

/* ---- reading ---- */

static int
see_point(void *arg, const struct store_point *p)
{
	struct seen_points *seen = arg;

	must(seen->n < 4096);
	seen->p[seen->n] = *p;
	snprintf(seen->instance[seen->n], 64, "%s", p->instance);
	seen->p[seen->n].instance = seen->instance[seen->n];
	seen->n++;
	return 0;
}

int
yard_series(struct yard *y, const struct store_series_query *q,
	struct seen_points *out)
{
	struct tc_err e = { 0 };
	int rc;

	out->n = 0;
	rc = y->ops->series(y->s, q, see_point, out, &e);
	if (rc < 0)
		fprintf(stderr, "series: %s\n", e.text);
	return rc;
}

/* ---- past the store ---- */

void
yard_exec(const char *path, const char *sql)
{
	char *why = NULL;
	sqlite3 *db;

	must(sqlite3_open(path, &db) == SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		give_up(path, 0, why);
	sqlite3_close(db);
}

int64_t
yard_number(const char *path, const char *sql)
{
	sqlite3_stmt *st;
	sqlite3 *db;
	int64_t n;

	must(sqlite3_open(path, &db) == SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		give_up(path, 0, sqlite3_errmsg(db));
	must(sqlite3_step(st) == SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}
