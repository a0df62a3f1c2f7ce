/*
 * What history there is, tier by tier, and pruning it by hand.
 */
#include "store/tend.h"

#include <stddef.h>
#include <string.h>

#include "base/macros.h"
#include "model/fact.h"
#include "store/prune.h"
#include "store/tending.h"

/* ---- how far it goes ---- */

#define PACKED "(SELECT ifnull((SELECT value FROM meta " \
	"WHERE key = 'packed'), -1e15))"
/* The ids of a tier: store/prune.c */
#define EDGE(tier, column, order) \
	"SELECT (SELECT " column " FROM block WHERE id >= " tier " << 52 " \
	"AND id < (" tier " + 1) << 52 ORDER BY id " order " LIMIT 1)"

int
tending_span(struct db *db, struct wall *from, struct wall *to,
	struct tc_err *e)
{
	static const char first[] = "SELECT min(ms) FROM ("
		"SELECT min(slot) * 60000 AS ms FROM tick WHERE slot >= " PACKED
		" UNION ALL " EDGE("0", "start_ms", "ASC")
		" UNION ALL " EDGE("1", "start_ms", "ASC")
		" UNION ALL SELECT min(at_ms) / 60000 * 60000 FROM late)";
	static const char last[] = "SELECT max(ms) FROM ("
		"SELECT max(slot) * 60000 + 60000 AS ms FROM tick "
		"WHERE slot >= " PACKED
		" UNION ALL " EDGE("0", "start_ms + 3600000", "DESC")
		" UNION ALL " EDGE("1", "start_ms + 2764800000", "DESC")
		" UNION ALL SELECT max(at_ms) + 60000 FROM late)";
	int rc = db_number(db, first, &from->ms, e);

	return rc < 0 ? rc : db_number(db, last, &to->ms, e);
}

/* ---- figures ---- */

struct figure {
	const char *sql;
	size_t at;		/* of a uint64_t */
};
#define AT(field) offsetof(struct tend_figures, field)
static const struct figure figures[] = {
	{ "PRAGMA user_version", AT(schema) },
	{ "SELECT count(*) FROM subject WHERE kind = 2 AND NOT retired",
		AT(hosts) },
	{ "SELECT count(*) FROM subject", AT(subjects) },
	{ "SELECT count(*) FROM name", AT(names) },
	{ "SELECT count(*) FROM layout", AT(layouts) },
	{ "SELECT count(*) FROM event", AT(events) },
	{ "SELECT count(*) FROM prediction", AT(predictions) },
	{ "SELECT count(*) FROM alert", AT(alerts) },
	{ "SELECT count(*) FROM audit", AT(audit_rows) },
};
_Static_assert(SUBJECT_HOST == 2, "as the statement says");

#define ROWS(from) "SELECT 0, count(*), ifnull(sum(l.n), 0), " \
	"ifnull(sum(length(t.packed)), 0) FROM " from " t " \
	"JOIN layout l ON l.id = t.layout"
#define BLOCKS(first, last) "SELECT count(*), ifnull(sum(t.rows), 0), " \
	"ifnull(sum(t.rows * l.n), 0), ifnull(sum(length(t.bytes)), 0) " \
	"FROM block t JOIN layout l ON l.id = t.layout " \
	"WHERE t.id >= " first " << 52 AND t.id < (" last " + 1) << 52"
static const struct {
	const char *name;
	const char *sql;
} by_tier[TEND_TIERS] = {
	[TEND_ROWS] = { "rows", ROWS("tick") " WHERE t.slot >= " PACKED },
	[TEND_LATE] = { "late", ROWS("late") },
	[TEND_RAW] = { "raw", BLOCKS("0", "1") },
	[TEND_M5] = { "5m", BLOCKS("2", "2") },
	[TEND_H1] = { "1h", BLOCKS("3", "3") },
	[TEND_D1] = { "1d", BLOCKS("4", "4") },
	[TEND_SNAPSHOT] = { "snapshot", BLOCKS("5", "5") },
};
_Static_assert(TIER_HOUR == 0 && TIER_LONG == 1 && TIER_M5 == 2 &&
	TIER_H1 == 3 && TIER_D1 == 4 && TIER_SNAPSHOT == 5,
	"as the statements say");

static int
read_tier(struct db *db, enum tend_tier tier, struct tend_tier_figures *out,
	struct tc_err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, by_tier[tier].sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		out->name = by_tier[tier].name;
		out->blocks = (uint64_t)sqlite3_column_int64(st, 0);
		out->rows = (uint64_t)sqlite3_column_int64(st, 1);
		out->samples = (uint64_t)sqlite3_column_int64(st, 2);
		out->bytes = (uint64_t)sqlite3_column_int64(st, 3);
		rc = 0;
	} else {
		rc = db_fail(db, rc, e, "figures");
	}
	sqlite3_finalize(st);
	return rc;
}

static int
read_history(struct db *db, struct tend_figures *out, struct tc_err *e)
{
	int rc = tending_span(db, &out->oldest, &out->newest, e);

	for (int i = 0; rc == 0 && i < TEND_TIERS; i++)
		rc = read_tier(db, (enum tend_tier)i, &out->tiers[i], e);
	out->history_rows = out->tiers[TEND_ROWS].rows +
		out->tiers[TEND_LATE].rows + out->tiers[TEND_RAW].rows;
	if (out->history_rows > 0 && out->newest.ms > 0)
		out->newest.ms -= SLOT_MS;
	return rc;
}

static int
read_figures(struct db *db, struct tend_figures *out, struct tc_err *e)
{
	int64_t free_pages = 0, page = 0, v;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(figures); i++) {
		rc = db_number(db, figures[i].sql, &v, e);
		if (rc == 0)
			memcpy((char *)out + figures[i].at, &v, sizeof(v));
	}
	if (rc == 0)
		rc = read_history(db, out, e);
	if (rc == 0)
		rc = db_number(db, "PRAGMA freelist_count", &free_pages, e);
	if (rc == 0)
		rc = db_number(db, "PRAGMA page_size", &page, e);
	out->free_bytes = (uint64_t)(free_pages * page);
	return rc;
}

int
tend_figures(const char *path, struct tend_figures *out, struct tc_err *e)
{
	struct tend_figures got = { 0 };
	struct db db = { 0 };
	int rc = tending_open(&db, path, e);

	if (rc < 0)
		return rc;
	got.file_bytes = tending_bytes(path, "");
	got.log_bytes = tending_bytes(path, "-wal");
	if ((rc = read_figures(&db, &got, e)) == 0)
		*out = got;
	tending_close(&db);
	return rc;
}

/* ---- pruning ---- */

/* The tiers of a name: raw history has two. */
static int
find_tiers(const struct tend_prune *p, enum tier *first, enum tier *last,
	struct tc_err *e)
{
	const char *name = p->tier != NULL ? p->tier : "raw";

	*first = *last = TIERS;
	for (int i = 0; i < TIER_SNAPSHOT; i++) {
		if (strcmp(tiers[i].name, name) != 0)
			continue;
		if (*first == TIERS)
			*first = (enum tier)i;
		*last = (enum tier)i;
	}
	return *first != TIERS ? 0 : tc_fail(e, TC_EINVAL,
		"there is no tier %s: raw, 5m, 1h, 1d", name);
}

static int
count(struct db *db, const char *sql, int64_t first, int64_t end, uint64_t *n,
	struct tc_err *e) /* lint: a statement and its two values */
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, first);
		sqlite3_bind_int64(st, 2, end);
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		*n += (uint64_t)sqlite3_column_int64(st, 0);
		rc = 0;
	} else {
		rc = db_fail(db, rc, e, "count");
	}
	sqlite3_finalize(st);
	return rc;
}

static int
count_rows(struct db *db, struct tend_prune *p, struct tc_err *e)
{
	static const char ticks[] = "SELECT count(*) FROM tick "
		"WHERE slot >= max(?1, " PACKED ") AND slot < ?2";
	int rc = count(db, ticks, INT64_MIN, slot_of(p->before), &p->rows, e);

	return rc < 0 ? rc :
		count(db, ticks, INT64_MIN, INT64_MAX, &p->all, e);
}

static int
count_tier(struct db *db, enum tier tier, struct tend_prune *p,
	struct tc_err *e)
{
	static const char blocks[] = "SELECT ifnull(sum(rows), 0) FROM block "
		"WHERE id >= ?1 AND id < ?2";
	int64_t first = block_id_at(tier, 0);
	int rc = count(db, blocks, first, block_id_before(tier, p->before),
		&p->rows, e);

	return rc < 0 ? rc : count(db, blocks, first,
		block_id_at(tier + 1, 0), &p->all, e);
}

int
tend_prune_count(const char *path, struct tend_prune *p, struct tc_err *e)
{
	enum tier first, last;
	struct db db = { 0 };
	int rc;

	if ((rc = find_tiers(p, &first, &last, e)) < 0 ||
	    (rc = tending_open(&db, path, e)) < 0)
		return rc;
	p->rows = p->all = 0;
	if (first == TIER_HOUR)
		rc = count_rows(&db, p, e);
	for (int i = (int)first; rc == 0 && i <= (int)last; i++)
		rc = count_tier(&db, (enum tier)i, p, e);
	tending_close(&db);
	return rc;
}

struct pruning {
	struct db *db;
	struct tend_prune *p;
	const struct tend_progress *progress;
	uint64_t gone, all;
};

/* A transaction; *n = 0: none is left of this tier (TIERS: of rows). */
static int
prune_bit(struct pruning *x, enum tier tier, size_t *n, struct tc_err *e)
{
	struct db *db = x->db;
	int rc = db_run(db, ST_BEGIN, e);

	if (rc < 0)
		return rc;
	*n = tier == TIERS ? PRUNE_ROWS : PRUNE_BLOCKS;
	if (tier == TIERS)
		rc = prune_some(db, slot_of(x->p->before), n, e);
	else
		rc = prune_blocks(db, tier, x->p->before, n, e);
	if (rc == 0 && *n > 0 && tier < TIERS && tiers[tier].row_ms == 0)
		rc = prune_note_raw(db, x->p->before, e);
	if (rc == 0)
		rc = db_run(db, ST_COMMIT, e);
	if (rc < 0)
		db_run(db, ST_ROLLBACK, NULL);
	return rc;
}

static int
prune_tier(struct pruning *x, enum tier tier, struct tc_err *e)
{
	size_t n = 1;
	int rc = 0;

	while (rc == 0 && n > 0) {
		if ((rc = prune_bit(x, tier, &n, e)) < 0)
			break;
		x->gone += n;
		if (x->progress != NULL && x->progress->say != NULL)
			x->progress->say(x->progress->arg, x->gone, x->all);
	}
	return rc;
}

/* Rows that were packed already are not counted, though they go. */
static int
prune_rows(struct pruning *x, struct tc_err *e)
{
	struct tend_prune packed = *x->p;
	struct tend_prune *p = x->p;
	int64_t slot = 0;
	int rc = db_number(x->db, "SELECT " PACKED, &slot, e);

	if (rc < 0)
		return rc;
	if (slot > 0) {
		packed.before.ms = slot * SLOT_MS;
		x->p = &packed;
		rc = prune_tier(x, TIERS, e);
		x->p = p;
		x->gone = 0;
	}
	return rc == 0 ? prune_tier(x, TIERS, e) : rc;
}

int
tend_prune(const char *path, struct tend_prune *p,
	const struct tend_progress *progress, struct tc_err *e)
{
	struct db db = { 0 };
	struct pruning x = { &db, p, progress, 0, p->rows };
	enum tier first, last;
	int64_t version;
	int rc;

	if ((rc = find_tiers(p, &first, &last, e)) < 0)
		return rc;
	if ((rc = db_open(&db, path, DB_WRITER, e)) < 0)
		return tc_wrap(e, "%s", path);
	/* A file to be upgraded is the server's to upgrade. */
	if ((rc = migrate_check(&db, &version, e)) == 0 &&
	    (rc = db_settle(&db, DB_WRITER, e)) == 0 &&
	    (rc = db_prepare(&db, DB_WRITER, e)) == 0 && first == TIER_HOUR)
		rc = prune_rows(&x, e);
	for (int i = (int)first; rc == 0 && i <= (int)last; i++)
		rc = prune_tier(&x, (enum tier)i, e);
	if (rc == 0)
		sqlite3_wal_checkpoint_v2(db.h, NULL,
			SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	db_close(&db);
	p->rows = x.gone;
	return rc < 0 ? tc_wrap(e, "%s", path) : 0;
}
