/*
 * What blocks there are: rows as they came, and roll-ups of them.  A tier's
 * number is in the file.
 */
#ifndef TOCSIN_STORE_TIERS_H
#define TOCSIN_STORE_TIERS_H

#include <stdint.h>

#include "store/slot.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000)

/* symbol, number, name, milliseconds of a row (0 = as it came), of a block */
#define TIER_TABLE(X)                                           \
	X(TIER_HOUR, 0, "raw", 0, HOUR_MS)                      \
	X(TIER_LONG, 1, "raw", 0, 32 * DAY_MS)                  \
	X(TIER_M5, 2, "5m", 300000, DAY_MS)                     \
	X(TIER_H1, 3, "1h", HOUR_MS, 8 * DAY_MS)                \
	X(TIER_D1, 4, "1d", DAY_MS, 256 * DAY_MS)               \
	X(TIER_SNAPSHOT, 5, "snapshot", 0, 256 * DAY_MS)

enum tier {
#define X(sym, number, name, row, block) sym = number,
	TIER_TABLE(X)
#undef X
	TIERS
};

struct tier_span {
	const char *name;
	int64_t row_ms;
	int64_t block_ms;
};
extern const struct tier_span tiers[TIERS];

/* The start of the block of this tier that a time falls in. */
static inline int64_t
tier_start(enum tier tier, int64_t at_ms)
{
	return floor_div(at_ms, tiers[tier].block_ms) * tiers[tier].block_ms;
}

#define SLOTS_OF_HOUR (HOUR_MS / SLOT_MS)

/* Of a block's id: below it the numbers within an hour. */
#define BLOCK_ID_OF_HOUR 28

#endif
