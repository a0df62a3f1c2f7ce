/*
 * What comes again and again: one row whatever the years, each time reckoned
 * when it is asked for.  Pure.
 */
#ifndef TOCSIN_PLAN_REPEAT_H
#define TOCSIN_PLAN_REPEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "plan/zone.h"

enum repeat_every { REPEAT_NEVER, REPEAT_DAY, REPEAT_WEEK, REPEAT_MONTH };

struct span {
	struct wall from;
	struct wall to;
};

struct repeat {
	enum repeat_every every;
	/*
	 * Bits.  Of the week: Monday is 0.  Of the month: 1…31, those that a
	 * month lacks are left out in it; 0 is its last day.
	 */
	uint32_t days;
	int minute;		/* of the local day */
	struct dur lasting;
	struct wall until;	/* none begins later; ms 0 = for ever */
};

/*
 * From one to the next, the shortest among the coming ones: what lasts that
 * long never ends.  ns 0 = there is one at most.
 */
struct dur repeat_shortest(const struct repeat *r, const struct zone *z,
	struct wall from);
/* The first that begins at `after` or later; false when there is none. */
bool repeat_next(const struct repeat *r, const struct zone *z,
	struct wall after, struct span *out);

#endif
