#include "t/db/ledger.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_OF_BATCH "CAST(substr(b.id, 7) AS INTEGER)"

struct change_set *
ledger_set(uint32_t n)
{
	struct change_set *cs = set_new();
	uint32_t host = n % LEDGER_HOSTS + 1;
	struct change_history *row;
	char id[32], state[32];

	snprintf(id, sizeof(id), "batch-%u", n);
	cs->batch_host = host;
	cs->batch_id = arena_strdup(&cs->arena, id);
	row = set_row(cs, host, "cpu", T0 + (int64_t)n * 10);
	row_f64(cs, row, "cpu_seconds_total", n);
	row_f64(cs, row, "cpu_half_seconds_total", n * 0.5);
	row = set_row(cs, host, "memory", T0 + (int64_t)n * 10);
	row_f64(cs, row, "memory_available_bytes", n * 4096.0);
	snprintf(state, sizeof(state), "%u", n);
	set_state(cs, host, "check", state);
	return cs;
}

void
ledger_init(struct ledger *l)
{
	*l = (struct ledger){ .acked = calloc(LEDGER_MOST, 1) };
	ck_assert_ptr_nonnull(l->acked);
}

void
ledger_fini(struct ledger *l)
{
	free(l->acked);
}

void
ledger_note(struct ledger *l, uint32_t n)
{
	ck_assert_uint_lt(n, LEDGER_MOST);
	l->n += !l->acked[n];
	l->acked[n] = 1;
	if (n >= l->next)
		l->next = n + 1;
}

/* As one word: 0 when the statement fails. */
static bool
try_ask(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	bool well = sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW;

	if (well)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return well;
}

int64_t
ledger_ask(sqlite3 *db, const char *sql)
{
	int64_t v = 0;

	ck_assert_msg(try_ask(db, sql, &v), "%s: %s", sql, sqlite3_errmsg(db));
	return v;
}

static const char *
verify_rows(const struct ledger *l, sqlite3 *db)
{
	static const char sql[] = "SELECT (at_ms - ?1) / 10, count(*), "
		"count(DISTINCT probe), count(DISTINCT subject) "
		"FROM tick GROUP BY at_ms ORDER BY at_ms";
	const char *wrong = NULL;
	sqlite3_stmt *st = NULL;
	size_t found = 0;
	int rc;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return sqlite3_errmsg(db);
	sqlite3_bind_int64(st, 1, T0);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t n = sqlite3_column_int64(st, 0);

		/* Both rows of the set, of one host. */
		if (sqlite3_column_int64(st, 1) != 2 ||
		    sqlite3_column_int64(st, 2) != 2 ||
		    sqlite3_column_int64(st, 3) != 1)
			wrong = "a set is there by half";
		if (n < 0 || n >= LEDGER_MOST)
			wrong = "a set that nobody sent";
		else
			found += l->acked[n];
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_DONE)
		return "the history cannot be read";
	if (wrong == NULL && found != l->n)
		wrong = "a set that was acknowledged is lost";
	return wrong;
}

const char *
ledger_verify(const struct ledger *l, sqlite3 *db, bool full)
{
	int64_t n = 1;

	if (full && (!try_ask(db, "SELECT count(*) FROM pragma_integrity_check "
		"WHERE integrity_check <> 'ok'", &n) || n != 0))
		return "the file is not sound";
	if (full && (!try_ask(db,
		"SELECT count(*) FROM pragma_foreign_key_check", &n) || n != 0))
		return "references lead nowhere";
	/* A batch is known exactly if its rows are there (256 are kept). */
	if (!try_ask(db, "SELECT count(*) FROM batch b WHERE NOT EXISTS "
		"(SELECT 1 FROM tick WHERE slot = (1767225600000 + "
		NUMBER_OF_BATCH " * 10) / 60000 AND subject = b.host "
		"AND at_ms = 1767225600000 + " NUMBER_OF_BATCH " * 10)", &n) ||
	    n != 0)
		return "a batch is known that is not there";
	return verify_rows(l, db);
}

struct reading {
	const struct ledger *l;
	uint32_t host;
	unsigned char *seen;	/* by number */
	const char *wrong;
};

static int
see_point(void *arg, const struct store_point *p)
{
	struct reading *r = arg;
	int64_t n = (p->at.ms - T0) / 10;

	if (n < 0 || n >= LEDGER_MOST || n % LEDGER_HOSTS + 1 != r->host)
		r->wrong = "a set that nobody sent";
	else if (r->seen[n]++ != 0)
		r->wrong = "a set is there twice";
	else if (p->value != (double)n)
		r->wrong = "a value is another's";
	return r->wrong != NULL;
}

static const char *
read_host(struct reading *r, struct yard *y)
{
	struct store_series_query q = { .subject = r->host,
		.metric = "cpu_seconds_total", .from = { T0 },
		.to = { T0 + (int64_t)LEDGER_MOST * 10 }, .limit = SIZE_MAX };
	struct tc_err e = { 0 };
	int rc = y->ops->series(y->s, &q, see_point, r, &e);

	if (r->wrong == NULL && rc < 0) {
		fprintf(stderr, "series: %s\n", e.text);
		r->wrong = "the history cannot be read";
	}
	return r->wrong;
}

const char *
ledger_verify_read(const struct ledger *l, struct yard *y)
{
	struct reading r = { .l = l, .seen = calloc(LEDGER_MOST, 1) };

	ck_assert_ptr_nonnull(r.seen);
	for (r.host = 1; r.host <= LEDGER_HOSTS && r.wrong == NULL; r.host++)
		(void)read_host(&r, y);
	for (uint32_t n = 0; n < l->next && r.wrong == NULL; n++)
		if (l->acked[n] && !r.seen[n])
			r.wrong = "a set that was acknowledged is lost";
	free(r.seen);
	return r.wrong;
}
