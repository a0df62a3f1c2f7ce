/*
 * Roll-ups: for each column of a layout and each 5 minutes, hour and day (UTC)
 * the least, the greatest, the sum, the number and the last of its values.
 * Values that are no numbers are left out.  Made a day at a time, from the
 * rows as they came, in any order.
 */
#ifndef TOCSIN_STORE_ROLLUP_H
#define TOCSIN_STORE_ROLLUP_H

#include "store/block.h"
#include "store/sheet.h"
#include "store/tiers.h"

/* The columns of a block of roll-ups, for each column of its layout. */
enum rollup_column {
	ROLLUP_MIN,		/* of the column's own type, as is max, last */
	ROLLUP_MAX,
	ROLLUP_SUM,		/* f64 */
	ROLLUP_COUNT,		/* u64; 0 = the others mean nothing */
	ROLLUP_LAST,
	ROLLUP_COLUMNS
};
/* A row's mark is the time of the last row in it, from its start, ms. */

struct rollup_cell {
	uint64_t min, max, last;
	int64_t last_ms;
	double sum, low;	/* its value is sum + low */
	uint64_t count;
};

#define ROLLUP_BUCKETS ((size_t)(DAY_MS / 300000))

/* A day of one layout of one source. */
struct rollup {
	int64_t layout;
	int64_t day_ms;
	size_t columns;
	unsigned char *types;
	int64_t last_ms[ROLLUP_BUCKETS];	/* of its rows; 0 = there is none */
	struct rollup_cell *cells;	/* [bucket * columns + column] */
};

struct rollup *rollup_new(const struct layout_types *l, int64_t day_ms);
void rollup_free(struct rollup *r);
/* All rows of a block that lie in the day. */
int rollup_add_block(struct rollup *r, struct block_get *g);
/* Its rows of TIER_M5, TIER_H1 or TIER_D1 behind those of the sheet. */
int rollup_put(const struct rollup *r, enum tier tier, struct sheet *to);
/* An empty sheet for them; NULL when out of memory. */
struct sheet *rollup_sheet(const struct rollup *r, struct sheets *in);

#endif
