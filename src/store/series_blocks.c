/*
 * Samples out of blocks, and buckets out of roll-ups.
 */
#include "store/gather.h"
#include "store/pack.h"
#include "store/rollup.h"

static int
make_room(struct gather *g, size_t rows)
{
	void *times = g->times, *bits = g->bits;

	if (mem_grow(&times, &g->cap_times, rows, sizeof(*g->times)) < 0)
		return TC_ENOMEM;
	g->times = times;
	if (mem_grow(&bits, &g->cap_bits, rows * (ROLLUP_COLUMNS + 1),
	    sizeof(*g->bits)) < 0)
		return TC_ENOMEM;
	g->bits = bits;
	return 0;
}

static int
add_samples(struct gather *g, const struct place *p, size_t first, size_t end)
{
	int rc = block_column(&g->block, p->pos, g->bits);

	for (size_t i = first; rc == 0 && i < end; i++)
		rc = gather_sample(g, p, g->times[i], g->bits[i]);
	return rc;
}

static int
add_buckets(struct gather *g, const struct place *p, size_t first, size_t end)
{
	size_t rows = g->block.rows;
	struct point point = { .instance = p->instance };
	int rc = 0;

	for (size_t c = 0; rc == 0 && c < ROLLUP_COLUMNS; c++)
		rc = block_column(&g->block, p->pos * ROLLUP_COLUMNS + c,
			g->bits + c * rows);
	if (rc == 0)
		rc = block_marks(&g->block, g->bits + ROLLUP_COLUMNS * rows);
	for (size_t i = first; rc == 0 && i < end; i++) {
		const uint64_t *at = g->bits + i;

		point.count = at[ROLLUP_COUNT * rows];
		if (point.count == 0)
			continue;
		point.at_ms = g->times[i];
		point.last_ms = g->times[i] +
			(int64_t)at[ROLLUP_COLUMNS * rows];
		point.min = pack_to_double(p->type, at[ROLLUP_MIN * rows]);
		point.max = pack_to_double(p->type, at[ROLLUP_MAX * rows]);
		point.sum = pack_to_double(TOCSIN_F64, at[ROLLUP_SUM * rows]);
		point.last = pack_to_double(p->type, at[ROLLUP_LAST * rows]);
		rc = gather_point(g, &point);
	}
	return rc;
}

/* Its rows within the time asked for: [*first, *end). */
static int
open_block(struct gather *g, const struct source_span *s, size_t *first,
	size_t *end)
{
	const void *bytes;
	size_t n;
	int rc;

	bytes = db_blob(g->db, ST_BLOCK_GET, 4, &n);
	if ((rc = block_open(&g->block, bytes, n)) < 0 ||
	    (rc = make_room(g, g->block.rows)) < 0 ||
	    (rc = block_times(&g->block, g->times)) < 0)
		return rc;
	n = g->block.rows;
	for (*first = 0; *first < n && g->times[*first] < s->from_ms;)
		++*first;
	for (*end = *first; *end < n && g->times[*end] < s->to_ms;)
		++*end;
	return 0;
}

static int
add_block(struct gather *g, const struct source_span *s, enum tier tier,
	struct tc_err *e)
{
	int64_t layout = db_i64(g->db, ST_BLOCK_GET, 2);
	size_t first = 0, end = 0;
	bool open = false;
	int rc = 0;

	for (size_t i = s->first; rc == 0 && i < s->end; i++) {
		const struct place *p = &g->places[i];

		if (p->layout != layout)
			continue;
		if (!open)
			rc = open_block(g, s, &first, &end);
		open = true;
		if (rc == 0 && first < end)
			rc = tiers[tier].row_ms == 0 ?
				add_samples(g, p, first, end) :
				add_buckets(g, p, first, end);
	}
	return rc < 0 ? tc_fail(e, rc, "history block %lld",
		(long long)db_i64(g->db, ST_BLOCK_GET, 0)) : 0;
}

int
gather_blocks(struct gather *g, const struct source_span *s, enum tier tier,
	struct tc_err *e)
{
	const struct place *p = &g->places[s->first];
	struct db *db = g->db;
	int64_t before_ms = INT64_MIN;
	int rc;

	db_bind_i64(db, ST_BLOCK_GET, 1, p->subject);
	db_bind_i64(db, ST_BLOCK_GET, 2, p->probe);
	db_bind_i64(db, ST_BLOCK_GET, 3, tier);
	db_bind_i64(db, ST_BLOCK_GET, 4, tier_start(tier, s->from_ms) - 1);
	db_bind_i64(db, ST_BLOCK_GET, 5, s->to_ms);
	while ((rc = db_step(db, ST_BLOCK_GET, e)) == 1) {
		int64_t start_ms = db_i64(db, ST_BLOCK_GET, 1);

		/* The hour that is being packed is still in its rows. */
		if (tier == TIER_HOUR &&
		    floor_div(start_ms, SLOT_MS) >= g->packed)
			break;
		/* Blocks of several layouts share a start. */
		if (start_ms != before_ms && tier != TIER_LONG &&
		    gather_is_full(g, s, start_ms))
			break;
		before_ms = start_ms;
		if ((rc = add_block(g, s, tier, e)) < 0)
			break;
		if (db_is_late(db)) {
			rc = tc_fail(e, TC_ETIMEOUT, "series");
			break;
		}
	}
	db_reset(db, ST_BLOCK_GET);
	return rc < 0 ? rc : 0;
}
