/*
 * Samples of one metric on their way to whoever asked: what the parts of
 * reading a series share.
 */
#ifndef TOCSIN_STORE_GATHER_H
#define TOCSIN_STORE_GATHER_H

#include "base/hash.h"
#include "base/mem.h"
#include "store/block.h"
#include "store/reads.h"
#include "store/tiers.h"

/* A position of a layout that holds the metric. */
struct place {
	uint32_t subject;	/* of the rows */
	int64_t probe;
	int64_t layout;
	size_t pos;
	size_t layout_n;
	enum tocsin_sample_type type;
	size_t instance;	/* index */
};

struct point {
	size_t instance;
	int64_t at_ms;
	double sum, low;	/* its value is sum + low */
	double min, max;
	double last;
	int64_t last_ms;
	uint64_t count;
	enum tocsin_sample_type type;
	uint64_t bits;		/* without a step */
};

struct gather {
	struct db *db;
	const struct store_series_query *q;
	size_t limit;
	int64_t step_ms;
	int64_t packed;		/* minute: rows before it lie in blocks */
	int64_t rolled_ms;	/* days before it are rolled up */
	int64_t raw_ms;		/* raw history goes back to here */
	struct arena arena;
	struct place *places;	/* by subject, probe, layout, position */
	size_t n_places;
	size_t cap_places;
	struct hash by_instance;	/* text → index + 1 */
	const char **instances;
	size_t n_instances;
	size_t cap_instances;
	struct point *points;
	size_t n_points;
	size_t cap_points;
	size_t *open;		/* per instance: its latest point + 1 */
	bool full;		/* the limit was reached: */
	int64_t full_ms;	/* all before this is there */
	struct block_get block;
	int64_t *times;		/* of a block */
	uint64_t *bits;		/* of its columns and marks */
	size_t cap_times;
	size_t cap_bits;
};

/* Places with the same subject and probe, and the time asked of them. */
struct source_span {
	size_t first, end;	/* of places */
	size_t points;		/* there were before this source */
	int64_t from_ms, to_ms;
};

/* Into the bucket of its time, the raw one when there is no step. */
int gather_sample(struct gather *g, const struct place *p, int64_t at_ms,
	uint64_t bits);
/* The same for what is known of a whole bucket. */
int gather_point(struct gather *g, const struct point *p);
/* This source has more than was asked for, and all before `before_ms`. */
bool gather_is_full(struct gather *g, const struct source_span *s,
	int64_t before_ms);

/* ---- series_rows.c: rows that are not packed yet ---- */
int gather_rows(struct gather *g, const struct source_span *s,
	struct tc_err *e);
int gather_late(struct gather *g, const struct source_span *s,
	struct tc_err *e);

/* ---- series_blocks.c ---- */
int gather_blocks(struct gather *g, const struct source_span *s,
	enum tier tier, struct tc_err *e);

#endif
