#include "store/prune.h"

/* 2^24 hours are 1,900 years, from 1970 on. */
#define ID_OF_TIER 52
#define ID_OF_HOUR BLOCK_ID_OF_HOUR
#define HOURS_MAX (INT64_C(1) << (ID_OF_TIER - ID_OF_HOUR))

int
prune_some(struct db *db, int64_t slot, size_t *n, struct tc_err *e)
{
	enum st st = ST_TICK_PRUNE_REST;
	int rc;

	db_bind_i64(db, ST_TICK_EDGE, 1, slot);
	db_bind_i64(db, ST_TICK_EDGE, 2, (int64_t)*n);
	if ((rc = db_step(db, ST_TICK_EDGE, e)) < 0)
		return rc;
	if (rc == 1) {
		/* Of the edge alone: with the slot the plan would be a scan. */
		st = ST_TICK_PRUNE;
		for (int i = 0; i < 4; i++)
			db_bind_i64(db, st, i + 1, db_i64(db, ST_TICK_EDGE, i));
		db_reset(db, ST_TICK_EDGE);
	} else {
		db_bind_i64(db, st, 1, slot);
	}
	if ((rc = db_run(db, st, e)) < 0)
		return rc;
	*n = (size_t)sqlite3_changes(db->h);
	return 0;
}

static bool
is_more_than_half(int64_t first, int64_t last, int64_t edge)
{
	return edge > first && edge - first > last + 1 - edge;
}

int
prune_is_surprise(struct db *db, struct wall before, bool *surprise,
	struct tc_err *e)
{
	int rc = db_step(db, ST_TICK_ENDS, e);

	if (rc < 0)
		return rc;
	*surprise = is_more_than_half(db_i64(db, ST_TICK_ENDS, 0),
		db_i64(db, ST_TICK_ENDS, 1), slot_of(before));
	db_reset(db, ST_TICK_ENDS);
	return 0;
}

/* ---- blocks ---- */

int64_t
block_id_at(enum tier tier, int64_t start_ms)
{
	int64_t hour = floor_div(start_ms + HOUR_MS - 1, HOUR_MS);

	if (hour < 0)
		hour = 0;
	if (hour >= HOURS_MAX)
		hour = HOURS_MAX - 1;
	return (int64_t)tier << ID_OF_TIER | hour << ID_OF_HOUR;
}

/* A block starts where its hour does, or (a part of one) within it. */
int64_t
block_id_before(enum tier tier, struct wall before)
{
	int64_t start_ms = before.ms - tiers[tier].block_ms;

	return block_id_at(tier, floor_div(start_ms, HOUR_MS) * HOUR_MS +
		HOUR_MS);
}

int
prune_blocks(struct db *db, enum tier tier, struct wall before, size_t *n,
	struct tc_err *e)
{
	int64_t first = block_id_at(tier, 0);
	int64_t end = block_id_before(tier, before);
	int rc;

	db_bind_i64(db, ST_BLOCK_EDGE, 1, first);
	db_bind_i64(db, ST_BLOCK_EDGE, 2, end);
	db_bind_i64(db, ST_BLOCK_EDGE, 3, (int64_t)*n);
	if ((rc = db_step(db, ST_BLOCK_EDGE, e)) < 0)
		return rc;
	end = db_i64(db, ST_BLOCK_EDGE, 0);
	*n = (size_t)db_i64(db, ST_BLOCK_EDGE, 1);
	db_reset(db, ST_BLOCK_EDGE);
	if (*n == 0)
		return 0;
	db_bind_i64(db, ST_BLOCK_PRUNE, 1, first);
	db_bind_i64(db, ST_BLOCK_PRUNE, 2, end);
	return db_run(db, ST_BLOCK_PRUNE, e);
}

int
prune_blocks_are_surprise(struct db *db, enum tier tier, struct wall before,
	bool *surprise, struct tc_err *e)
{
	int64_t first, last;
	int rc;

	*surprise = false;
	db_bind_i64(db, ST_BLOCK_ENDS, 1, block_id_at(tier, 0));
	db_bind_i64(db, ST_BLOCK_ENDS, 2, block_id_at(tier + 1, 0));
	if ((rc = db_step(db, ST_BLOCK_ENDS, e)) < 0)
		return rc;
	first = db_i64(db, ST_BLOCK_ENDS, 0);
	last = db_i64(db, ST_BLOCK_ENDS, 1);
	db_reset(db, ST_BLOCK_ENDS);
	if (first == 0)
		return 0;
	first = (first >> ID_OF_HOUR) % HOURS_MAX;
	last = (last >> ID_OF_HOUR) % HOURS_MAX +
		tiers[tier].block_ms / HOUR_MS - 1;
	*surprise = is_more_than_half(first, last,
		floor_div(before.ms, HOUR_MS));
	return 0;
}

int
prune_note_raw(struct db *db, struct wall before, struct tc_err *e)
{
	int64_t known = 0;
	int rc;

	if ((rc = db_meta_get(db, "raw_from", &known, e)) < 0)
		return rc;
	return before.ms > known ?
		db_meta_put(db, "raw_from", before.ms, e) : 0;
}
