/*
 * When sets that were gathered are committed.  Those that somebody waits for
 * are not kept waiting for company that does not come: as many as came
 * together lately, or a short time.  Those that nobody waits for lie longer.
 */
#ifndef TOCSIN_STORE_PATIENCE_H
#define TOCSIN_STORE_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#define PATIENCE_HASTY_MS 10
#define PATIENCE_CALM_MS 250
/* Groups that were full in time, before one more is waited for. */
#define PATIENCE_IN_TIME 16

struct patience {
	size_t n;		/* gathered */
	size_t hasty;		/* of them: somebody waits */
	size_t expected;	/* hasty ones that make a group; 0 = 1 */
	unsigned in_time;
	struct mono due;	/* while n > 0 */
};

void patience_add(struct patience *p, bool hasty, struct mono now);
bool patience_is_over(const struct patience *p, struct mono now);
/* The group goes; the next one begins empty. */
void patience_end(struct patience *p, struct mono now);

#endif
