/*
 * Rows that came after their hour was packed join its blocks; days that were
 * rolled up already are rolled up anew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/compacting.h"

struct late {
	struct compactor *c;
	struct compact_source src;
	int64_t at_ms;		/* of the next row */
	int64_t day_ms;
	int64_t packed_ms, rolled_ms, raw_ms;	/* the marks */
};

/* ---- days that are to be done again ---- */

static int
redo(struct compactor *c, const struct parcel_redo *r, struct tc_err *e)
{
	struct compact_source src = { r->subject, r->probe };
	int rc = compact_redo_day(c, &src, r->day_ms, e);

	if (rc < 0)
		return rc;
	c->parcel.redone = *r;
	return compact_commit(c, e);
}

/* "redo/subject/probe/day": our own words, yet out of a file. */
static bool
read_redo(const char *key, struct parcel_redo *out)
{
	char *at;

	if (strncmp(key, "redo/", 5) != 0)
		return false;
	out->subject = (uint32_t)strtoul(key + 5, &at, 10);
	if (*at != '/' || out->subject == 0)
		return false;
	out->probe = strtoll(at + 1, &at, 10);
	if (*at != '/')
		return false;
	out->day_ms = strtoll(at + 1, &at, 10);
	return *at == '\0' && out->day_ms % DAY_MS == 0;
}

/* Left open when the server stopped between the two steps. */
static int
redo_all(struct compactor *c, struct tc_err *e)
{
	char key[PARCEL_REDO_KEY] = "redo/";
	struct parcel_redo r;
	int rc;

	for (;;) {
		db_bind_text(&c->db, ST_REDO_NEXT, 1, key);
		if ((rc = db_step(&c->db, ST_REDO_NEXT, e)) != 1)
			return rc;
		if (read_redo(db_text(&c->db, ST_REDO_NEXT, 0), &r))
			rc = 0;
		db_reset(&c->db, ST_REDO_NEXT);
		if (rc != 0)
			return tc_fail(e, TC_ECORRUPT, "mark of a day");
		parcel_redo_key(&r, key);
		if ((rc = redo(c, &r, e)) < 0)
			return rc;
	}
}

/* ---- a day of a source ---- */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Into sheets; *n rows. */
static int
read_late(struct late *l, int64_t from_ms, int64_t to_ms, size_t *n,
	struct tc_err *e)
{
	struct compactor *c = l->c;
	struct parcel_late row = { l->src.subject, l->src.probe, 0 };
	int rc;

	*n = 0;
	sheets_reset(&c->sheets);
	db_bind_i64(&c->db, ST_LATE_ROWS, 1, l->src.subject);
	db_bind_i64(&c->db, ST_LATE_ROWS, 2, l->src.probe);
	db_bind_i64(&c->db, ST_LATE_ROWS, 3, from_ms);
	db_bind_i64(&c->db, ST_LATE_ROWS, 4, least(to_ms, l->packed_ms));
	while ((rc = db_step(&c->db, ST_LATE_ROWS, e)) == 1) {
		row.at_ms = db_i64(&c->db, ST_LATE_ROWS, 0);
		if ((rc = compact_read_row(c, ST_LATE_ROWS, e)) < 0)
			break;
		if (parcel_add_late(&c->parcel, row) < 0) {
			rc = tc_fail(e, TC_ENOMEM, "pack: out of memory");
			break;
		}
		++*n;
	}
	db_reset(&c->db, ST_LATE_ROWS);
	return rc;
}

static int
merge(struct late *l, enum tier tier, int64_t from_ms, int64_t to_ms,
	struct tc_err *e)
{
	int64_t start_ms = tier_start(tier, from_ms);
	size_t n;
	int rc = read_late(l, from_ms, to_ms, &n, e);

	if (rc < 0 || n == 0)
		return rc;
	if ((rc = compact_take(l->c, &l->src, tier, start_ms, e)) < 0)
		return rc;
	return compact_add(l->c, &l->src, tier, start_ms, e);
}

/* Of a day that is rolled up: where it was sparse, no hours are left. */
static int
has_hours(struct late *l, struct tc_err *e)
{
	struct db *db = &l->c->db;
	int rc;

	db_bind_i64(db, ST_BLOCK_GET, 1, l->src.subject);
	db_bind_i64(db, ST_BLOCK_GET, 2, l->src.probe);
	db_bind_i64(db, ST_BLOCK_GET, 3, TIER_HOUR);
	db_bind_i64(db, ST_BLOCK_GET, 4, l->day_ms - 1);
	db_bind_i64(db, ST_BLOCK_GET, 5, l->day_ms + DAY_MS);
	rc = db_step(db, ST_BLOCK_GET, e);
	if (rc == 1)
		db_reset(db, ST_BLOCK_GET);
	return rc;
}

static int
merge_day(struct late *l, struct tc_err *e)
{
	int64_t day_ms = l->day_ms;
	int hours = 1, rc = 0;

	if (day_ms < l->rolled_ms && (hours = has_hours(l, e)) < 0)
		return hours;
	if (hours == 0)
		return merge(l, TIER_LONG, day_ms, day_ms + DAY_MS, e);
	for (int64_t at = day_ms; rc == 0 && at < day_ms + DAY_MS;
	     at += HOUR_MS)
		rc = merge(l, TIER_HOUR, at, at + HOUR_MS, e);
	return rc;
}

static int
do_day(struct late *l, struct tc_err *e)
{
	struct compactor *c = l->c;
	struct parcel_redo r = { l->src.subject, l->src.probe, l->day_ms };
	/* Without all of its rows a day cannot be rolled up. */
	bool again = l->day_ms < l->rolled_ms && l->day_ms >= l->raw_ms;
	int rc = db_run(&c->db, ST_READ_BEGIN, e);

	if (rc < 0)
		return rc;
	rc = merge_day(l, e);
	if (db_run(&c->db, ST_READ_END, rc < 0 ? NULL : e) < 0 && rc == 0)
		rc = e->code;
	if (rc < 0)
		return rc;
	if (again)
		c->parcel.redo = r;
	if ((rc = compact_commit(c, e)) < 0)
		return rc;
	return again ? redo(c, &r, e) : 0;
}

/* ---- all ---- */

/* 1 = there is one at or after where we are. */
static int
find_next(struct late *l, struct tc_err *e)
{
	struct db *db = &l->c->db;
	int rc;

	db_bind_i64(db, ST_LATE_NEXT, 1, l->src.subject);
	db_bind_i64(db, ST_LATE_NEXT, 2, l->src.probe);
	db_bind_i64(db, ST_LATE_NEXT, 3, l->at_ms);
	if ((rc = db_step(db, ST_LATE_NEXT, e)) != 1)
		return rc;
	l->src.subject = (uint32_t)db_i64(db, ST_LATE_NEXT, 0);
	l->src.probe = db_i64(db, ST_LATE_NEXT, 1);
	l->at_ms = db_i64(db, ST_LATE_NEXT, 2);
	db_reset(db, ST_LATE_NEXT);
	return 1;
}

static int
read_marks(struct late *l, struct tc_err *e)
{
	int64_t packed;
	int rc;

	if ((rc = compact_mark(l->c, "packed", &packed, e)) < 0 ||
	    (rc = compact_mark(l->c, "rolled", &l->rolled_ms, e)) < 0 ||
	    (rc = compact_mark(l->c, "raw_from", &l->raw_ms, e)) < 0)
		return rc;
	l->packed_ms = packed * SLOT_MS;
	return 0;
}

int
compact_late(struct compactor *c, struct tc_err *e)
{
	struct late l = { .c = c, .at_ms = INT64_MIN };
	int rc;

	if ((rc = redo_all(c, e)) < 0 || (rc = read_marks(&l, e)) < 0)
		return rc;
	while ((rc = find_next(&l, e)) == 1) {
		if (l.at_ms >= l.packed_ms) {
			l.src.probe++;
			l.at_ms = INT64_MIN;
			continue;
		}
		l.day_ms = floor_div(l.at_ms, DAY_MS) * DAY_MS;
		rc = do_day(&l, e);
		/* They stay late rows, and are read as such. */
		if (compact_is_damage(c, rc, 0))
			parcel_reset(&c->parcel);
		else if (rc < 0)
			return rc;
		l.at_ms = l.day_ms + DAY_MS;
	}
	return rc;
}
