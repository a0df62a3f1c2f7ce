#include "store/prune.h"

#include "store/slot.h"

/* 10 ms of deleting and committing rows of 300 bytes, 20 ms at worst. */
#define ROWS_AT_ONCE 2000

int
prune_some(struct db *db, struct wall before, size_t *n, struct tc_err *e)
{
	enum st st = ST_TICK_PRUNE_REST;
	int64_t slot = slot_of(before);
	int rc;

	db_bind_i64(db, ST_TICK_EDGE, 1, slot);
	db_bind_i64(db, ST_TICK_EDGE, 2, ROWS_AT_ONCE);
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

int
prune_is_surprise(struct db *db, struct wall before, bool *surprise,
	struct tc_err *e)
{
	int64_t first, last, slot = slot_of(before);
	int rc = db_step(db, ST_TICK_ENDS, e);

	if (rc < 0)
		return rc;
	first = db_i64(db, ST_TICK_ENDS, 0);
	last = db_i64(db, ST_TICK_ENDS, 1);
	db_reset(db, ST_TICK_ENDS);
	*surprise = slot > first && slot - first > last + 1 - slot;
	return 0;
}
