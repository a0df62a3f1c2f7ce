/*
 * A day whose hours are all packed becomes roll-ups; the few rows of a source
 * that is seldom measured leave their hours for one long block.
 */
#include "base/mem.h"
#include "store/compacting.h"
#include "store/prune.h"
#include "store/rollup.h"

/* So many rows of a day are not worth blocks of an hour each. */
#define FEW_ROWS 128

struct day {
	struct compactor *c;
	struct compact_source src;
	int64_t day_ms;
	int64_t *layouts;	/* that occur in it */
	size_t n, cap;
	size_t rows;		/* in blocks of an hour */
	size_t hours;		/* such blocks */
	size_t damaged;		/* blocks */
};

/* ---- reading the day's blocks ---- */

static void
bind_blocks(struct day *d, enum tier tier, int64_t from_ms, int64_t to_ms)
{
	struct db *db = &d->c->db;

	db_bind_i64(db, ST_BLOCK_GET, 1, d->src.subject);
	db_bind_i64(db, ST_BLOCK_GET, 2, d->src.probe);
	db_bind_i64(db, ST_BLOCK_GET, 3, tier);
	db_bind_i64(db, ST_BLOCK_GET, 4, from_ms - 1);
	db_bind_i64(db, ST_BLOCK_GET, 5, to_ms);
}

static int
open_block(struct day *d, struct tc_err *e)
{
	const void *bytes;
	size_t n;
	int rc;

	bytes = db_blob(&d->c->db, ST_BLOCK_GET, 4, &n);
	rc = block_open(&d->c->get, bytes, n);
	return rc < 0 ? tc_fail(e, rc, "history block") : 0;
}

static int
add_layout(struct day *d, int64_t layout)
{
	void *items = d->layouts;

	for (size_t i = 0; i < d->n; i++) {
		if (d->layouts[i] == layout)
			return 0;
	}
	if (mem_grow(&items, &d->cap, d->n + 1, sizeof(layout)) < 0)
		return TC_ENOMEM;
	d->layouts = items;
	d->layouts[d->n++] = layout;
	return 0;
}

static int
look_through(struct day *d, enum tier tier, struct tc_err *e)
{
	struct db *db = &d->c->db;
	int rc;

	bind_blocks(d, tier, tier_start(tier, d->day_ms), d->day_ms + DAY_MS);
	while ((rc = db_step(db, ST_BLOCK_GET, e)) == 1) {
		if ((rc = add_layout(d, db_i64(db, ST_BLOCK_GET, 2))) < 0) {
			rc = tc_fail(e, rc, "roll-up: out of memory");
			break;
		}
		if (tier == TIER_HOUR) {
			d->rows += (size_t)db_i64(db, ST_BLOCK_GET, 3);
			d->hours++;
		}
	}
	db_reset(db, ST_BLOCK_GET);
	return rc;
}

static int
roll_tier(struct day *d, enum tier tier, struct rollup *r, struct tc_err *e)
{
	struct db *db = &d->c->db;
	int rc;

	bind_blocks(d, tier, tier_start(tier, d->day_ms), d->day_ms + DAY_MS);
	while ((rc = db_step(db, ST_BLOCK_GET, e)) == 1) {
		if (db_i64(db, ST_BLOCK_GET, 2) != r->layout)
			continue;
		if ((rc = open_block(d, e)) == 0)
			rc = rollup_add_block(r, &d->c->get);
		/* What can be read is rolled up. */
		if (compact_is_damage(d->c, rc,
		    db_i64(db, ST_BLOCK_GET, 0))) {
			d->damaged++;
			continue;
		}
		if (rc < 0) {
			rc = tc_fail(e, rc, "history block");
			break;
		}
	}
	db_reset(db, ST_BLOCK_GET);
	return rc;
}

/* ---- writing ---- */

/*
 * All that such a block holds of other days goes into the sheet, and the
 * block itself.
 */
static int
keep_rest(struct day *d, enum tier tier, struct sheet *s, struct tc_err *e)
{
	struct db *db = &d->c->db;
	int64_t start_ms = tier_start(tier, d->day_ms);
	int rc;

	bind_blocks(d, tier, start_ms, start_ms + tiers[tier].block_ms);
	while ((rc = db_step(db, ST_BLOCK_GET, e)) == 1) {
		if (db_i64(db, ST_BLOCK_GET, 2) != s->layout)
			continue;
		if ((rc = open_block(d, e)) == 0 &&
		    (rc = sheet_add_block(s, &d->c->get, INT64_MIN,
			    d->day_ms)) == 0)
			rc = sheet_add_block(s, &d->c->get,
				d->day_ms + DAY_MS, INT64_MAX);
		/* A damaged roll-up makes room for a good one. */
		if (compact_is_damage(d->c, rc, db_i64(db, ST_BLOCK_GET, 0)))
			rc = 0;
		if (rc < 0 || (rc = parcel_add_drop(&d->c->parcel,
			    db_i64(db, ST_BLOCK_GET, 0))) < 0) {
			rc = tc_fail(e, rc, "history block");
			break;
		}
	}
	db_reset(db, ST_BLOCK_GET);
	return rc;
}

static int
put_rollup(struct day *d, enum tier tier, const struct rollup *r,
	struct tc_err *e)
{
	struct sheets *sheets = &d->c->sheets;
	struct sheet *s;
	int rc;

	sheets_reset(sheets);
	s = rollup_sheet(r, sheets);
	if (s == NULL || rollup_put(r, tier, s) < 0)
		return tc_fail(e, TC_ENOMEM, "roll-up: out of memory");
	if ((rc = keep_rest(d, tier, s, e)) < 0)
		return rc;
	return compact_add(d->c, &d->src, tier, tier_start(tier, d->day_ms), e);
}

/* One layout at a time: a day of it may take some megabytes. */
static int
roll_layout(struct day *d, int64_t layout, struct tc_err *e)
{
	static const enum tier into[] = { TIER_M5, TIER_H1, TIER_D1 };
	const struct layout_types *types;
	struct rollup *r;
	int rc;

	types = layout_cache_get(&d->c->layouts, &d->c->db, layout, e);
	if (types == NULL)
		return e->code;
	r = rollup_new(types, d->day_ms);
	if (r == NULL)
		return tc_fail(e, TC_ENOMEM, "roll-up: out of memory");
	if ((rc = roll_tier(d, TIER_LONG, r, e)) == 0)
		rc = roll_tier(d, TIER_HOUR, r, e);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(into); i++)
		rc = put_rollup(d, into[i], r, e);
	rollup_free(r);
	return rc;
}

/* The hours' blocks go, their rows stand in the long one. */
static int
move_hours(struct day *d, struct tc_err *e)
{
	struct db *db = &d->c->db;
	struct sheet *s;
	int rc;

	bind_blocks(d, TIER_HOUR, d->day_ms, d->day_ms + DAY_MS);
	while ((rc = db_step(db, ST_BLOCK_GET, e)) == 1) {
		if ((rc = open_block(d, e)) < 0 ||
		    (rc = compact_sheet(d->c, db_i64(db, ST_BLOCK_GET, 2), &s,
			    e)) < 0)
			break;
		if ((rc = sheet_add_block(s, &d->c->get, INT64_MIN,
			    INT64_MAX)) < 0 ||
		    (rc = parcel_add_drop(&d->c->parcel,
			    db_i64(db, ST_BLOCK_GET, 0))) < 0) {
			rc = tc_fail(e, rc, "history block");
			break;
		}
	}
	db_reset(db, ST_BLOCK_GET);
	return rc;
}

static int
put_long(struct day *d, struct tc_err *e)
{
	int64_t start_ms = tier_start(TIER_LONG, d->day_ms);
	int rc;

	sheets_reset(&d->c->sheets);
	if ((rc = move_hours(d, e)) < 0 ||
	    (rc = compact_take(d->c, &d->src, TIER_LONG, start_ms, e)) < 0)
		return rc;
	return compact_add(d->c, &d->src, TIER_LONG, start_ms, e);
}

static int
roll_source(struct day *d, struct tc_err *e)
{
	struct compact_layouts of = { .day_ms = d->day_ms };
	int rc;

	d->n = 0;
	d->rows = 0;
	d->hours = 0;
	d->damaged = 0;
	if ((rc = look_through(d, TIER_LONG, e)) < 0 ||
	    (rc = look_through(d, TIER_HOUR, e)) < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < d->n; i++)
		rc = roll_layout(d, d->layouts[i], e);
	of.layouts = d->layouts;
	of.n = d->n;
	if (rc == 0 && d->damaged == 0)
		rc = compact_keep_snapshots(d->c, &d->src, &of, e);
	if (rc == 0 && d->hours > 0 && d->rows <= FEW_ROWS &&
	    d->damaged == 0)
		rc = put_long(d, e);
	return rc;
}

/* ---- a day of all sources ---- */

static int
is_rolled(struct day *d, struct tc_err *e)
{
	struct db *db = &d->c->db;
	int rc;

	db_bind_i64(db, ST_BLOCK_HAS, 1, d->src.subject);
	db_bind_i64(db, ST_BLOCK_HAS, 2, d->src.probe);
	db_bind_i64(db, ST_BLOCK_HAS, 3, TIER_M5);
	db_bind_i64(db, ST_BLOCK_HAS, 4, d->day_ms);
	rc = db_step(db, ST_BLOCK_HAS, e);
	if (rc == 1)
		db_reset(db, ST_BLOCK_HAS);
	return rc;
}

/* 1 = there are more sources. */
static int
roll_some(struct day *d, struct tc_err *e)
{
	int rc;

	for (int i = 0; i < COMPACT_SOURCES; i++) {
		if ((rc = compact_next_source(d->c, &d->src, e)) != 1)
			return rc;
		if ((rc = is_rolled(d, e)) < 0)
			return rc;
		if (rc == 0 && (rc = roll_source(d, e)) < 0)
			return rc;
		if (d->c->parcel.bytes.n >= COMPACT_BYTES)
			break;
	}
	return 1;
}

static int
roll_day(struct day *d, struct tc_err *e)
{
	struct compactor *c = d->c;
	int more = 1, rc;

	d->src = (struct compact_source){ 0 };
	while (more == 1) {
		if ((rc = db_run(&c->db, ST_READ_BEGIN, e)) < 0)
			return rc;
		more = roll_some(d, e);
		rc = db_run(&c->db, ST_READ_END, more < 0 ? NULL : e);
		if (more < 0 || rc < 0)
			return more < 0 ? more : rc;
		if (!parcel_is_empty(&c->parcel) &&
		    (rc = compact_commit(c, e)) < 0)
			return rc;
	}
	c->parcel.rolled = d->day_ms + DAY_MS;
	return compact_commit(c, e);
}

/* The first day that has blocks and no roll-ups; 0 when there is none. */
static int
next_day(struct compactor *c, int64_t *day_ms, struct tc_err *e)
{
	struct db *db = &c->db;
	int64_t rolled;
	int rc = compact_mark(c, "rolled", &rolled, e);

	*day_ms = 0;
	if (rc < 0)
		return rc;
	db_bind_i64(db, ST_BLOCK_FIRST, 1, block_id_at(TIER_HOUR, rolled));
	db_bind_i64(db, ST_BLOCK_FIRST, 2, block_id_at(TIER_HOUR + 1, 0));
	if ((rc = db_step(db, ST_BLOCK_FIRST, e)) != 1)
		return rc;
	*day_ms = floor_div(db_i64(db, ST_BLOCK_FIRST, 0), DAY_MS) * DAY_MS;
	db_reset(db, ST_BLOCK_FIRST);
	return 0;
}

int
compact_days(struct compactor *c, struct tc_err *e)
{
	struct day d = { .c = c };
	int64_t packed;
	int rc = 0;

	while (rc == 0) {
		if ((rc = next_day(c, &d.day_ms, e)) < 0 ||
		    (rc = compact_mark(c, "packed", &packed, e)) < 0)
			break;
		if (d.day_ms == 0 || d.day_ms + DAY_MS > packed * SLOT_MS)
			break;
		rc = roll_day(&d, e);
	}
	mem_free(d.layouts);
	return rc;
}

int
compact_redo_day(struct compactor *c, const struct compact_source *src,
	int64_t day_ms, struct tc_err *e)
{
	struct day d = { .c = c, .src = *src, .day_ms = day_ms };
	int rc = db_run(&c->db, ST_READ_BEGIN, e);

	if (rc < 0)
		return rc;
	rc = roll_source(&d, e);
	if (db_run(&c->db, ST_READ_END, rc < 0 ? NULL : e) < 0 && rc == 0)
		rc = e->code;
	mem_free(d.layouts);
	return rc;
}
