/*
 * Busy is not dead: what a host whose processors are busy may be
 * forgiven, and for how long.  Pure; all times are awake ones.
 *
 *	forgiven	agents' words that come late (stale); connections and
 *			answers that do not come in time
 *	never		refused or reset connections, no echo, what routers and
 *			the host itself say (ICMP), wrong answers, thresholds:
 *			none of it is a matter of waiting
 */
#ifndef TOCSIN_HEALTH_BUSY_H
#define TOCSIN_HEALTH_BUSY_H

#include <stdbool.h>

#include "base/clock.h"
#include "model/fleet.h"
#include "model/reason.h"

struct busy_view {
	struct dur told;	/* ago: its processors were as busy as that */
	struct dur failing;	/* so long something is to be forgiven */
	bool echoes;		/* its kernel answers: it lives */
};

/*
 * `passive`: of what agents send.  An agent that is late cannot tell that it
 * is busy still, so its last word holds for the whole grace; what is asked
 * from here is forgiven so long only while it lives, else while the word is
 * not late itself.
 */
bool busy_forgives(const struct busy_view *v, const struct unit_rule *rule,
	bool passive, enum tocsin_reason why);

/* When time alone may change that, from now; INT64_MAX = never. */
struct dur busy_due(const struct busy_view *v, const struct unit_rule *rule);

#endif
