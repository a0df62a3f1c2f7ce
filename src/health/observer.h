/*
 * Doubt about the observer: when most of what it hears falls silent at once,
 * it is more likely cut off than the fleet dead.  Pure, O(1) per
 * result, no memory per host but what the caller keeps.
 *
 *	silent	no answer came, or we could not even ask: may be our fault
 *	heard	any answer, a refusal included: the way there is open
 *
 * Counted are hosts, each by its latest result, over the last seconds: long
 * enough that the slots of many hosts fall into it, short enough that nobody
 * is convicted before the doubt begins.
 */
#ifndef TOCSIN_HEALTH_OBSERVER_H
#define TOCSIN_HEALTH_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/reason.h"

/* Must be shorter than timeout + two rechecks of the default rule. */
#define OBSERVER_WINDOW_S 6
#define OBSERVER_RING 16	/* a power of two above the window */
/* Fewer silent hosts are their own trouble. */
#define OBSERVER_LEAST_HOSTS 3
/* The doubt ends when it had no ground for so long. */
#define OBSERVER_CALM_S 5

/* Of a host, the caller's; {0} at first. */
struct observer_mark {
	int64_t second;
	bool counted;
	bool silent;
};

struct observer {
	int64_t second;		/* the newest */
	uint32_t silent[OBSERVER_RING];
	uint32_t heard[OBSERVER_RING];
	bool suspect;
	int64_t calm_since;	/* second; 0 = there is ground */
};

/* Whether a result tells of silence rather than of an answer. */
bool observer_is_silence(enum tocsin_reason reason);

void observer_note(struct observer *o, struct observer_mark *host,
	enum tocsin_reason reason, struct mono now);

/* Two thirds of at least three hosts heard of lately are silent. */
bool observer_has_ground(struct observer *o, struct mono now);

/* True when the doubt began or ended now. */
bool observer_update(struct observer *o, struct mono now);

#endif
