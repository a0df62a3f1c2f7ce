/*
 * Rows of a time that was packed before they came: kept apart until they are
 * merged, unless they are repeats.
 */
#include "base/mem.h"
#include "store/scribe.h"
#include "store/tiers.h"

int
scribe_marks(struct scribe *s, struct tc_err *e)
{
	int rc;

	if (s->knows_marks)
		return 0;
	if ((rc = scribe_get_meta(s, "packing", &s->packing, e)) < 0 ||
	    (rc = scribe_get_meta(s, "packed", &s->packed, e)) < 0)
		return rc;
	s->knows_marks = true;
	return 0;
}

static bool
has_time(const int64_t *times, size_t n, int64_t at_ms)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (times[middle] == at_ms)
			return true;
		if (times[middle] < at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* 1, 0, or < 0; a damaged block holds nothing that is known. */
static int
block_has(struct scribe *s, int64_t at_ms, struct tc_err *e)
{
	void *items = s->times;
	const void *bytes;
	size_t n;

	bytes = db_blob(&s->db, ST_BLOCK_GET, 4, &n);
	if (block_open(&s->block, bytes, n) < 0)
		return 0;
	if (mem_grow(&items, &s->cap_times, s->block.rows,
	    sizeof(*s->times)) < 0)
		return tc_fail(e, TC_ENOMEM, "history row: out of memory");
	s->times = items;
	if (block_times(&s->block, s->times) < 0)
		return 0;
	return has_time(s->times, s->block.rows, at_ms);
}

static int
tier_has(struct scribe *s, const struct change_history *c, int64_t probe,
	enum tier tier, struct tc_err *e)
{
	struct db *db = &s->db;
	int found = 0, rc;

	db_bind_i64(db, ST_BLOCK_GET, 1, c->subject);
	db_bind_i64(db, ST_BLOCK_GET, 2, probe);
	db_bind_i64(db, ST_BLOCK_GET, 3, tier);
	db_bind_i64(db, ST_BLOCK_GET, 4, tier_start(tier, c->at.ms) - 1);
	db_bind_i64(db, ST_BLOCK_GET, 5, c->at.ms + 1);
	while (found == 0 && (rc = db_step(db, ST_BLOCK_GET, e)) != 0) {
		if (rc < 0)
			return rc;
		found = block_has(s, c->at.ms, e);
	}
	if (found != 0)
		db_reset(db, ST_BLOCK_GET);
	return found;
}

/* While its hour is being packed a row may still stand among the others. */
static int
tick_has(struct scribe *s, const struct change_history *c, int64_t probe,
	struct tc_err *e)
{
	struct db *db = &s->db;
	int rc;

	if (slot_of(c->at) < s->packed)
		return 0;
	db_bind_i64(db, ST_TICK_HAS, 1, slot_of(c->at));
	db_bind_i64(db, ST_TICK_HAS, 2, c->subject);
	db_bind_i64(db, ST_TICK_HAS, 3, probe);
	db_bind_i64(db, ST_TICK_HAS, 4, c->at.ms);
	rc = db_step(db, ST_TICK_HAS, e);
	if (rc == 1)
		db_reset(db, ST_TICK_HAS);
	return rc;
}

int
scribe_has_packed(struct scribe *s, const struct change_history *c,
	const struct layout *l, struct tc_err *e)
{
	int rc;

	if ((rc = tick_has(s, c, l->probe, e)) == 0 &&
	    (rc = tier_has(s, c, l->probe, TIER_HOUR, e)) == 0)
		rc = tier_has(s, c, l->probe, TIER_LONG, e);
	return rc;
}
