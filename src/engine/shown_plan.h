/*
 * Plans in a snapshot.
 */
#ifndef TOCSIN_ENGINE_SHOWN_PLAN_H
#define TOCSIN_ENGINE_SHOWN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/plan.h"
#include "plan/urgency.h"

/* Of a convicted host: where on its ladder it is, and when it came there. */
struct snap_ladder {
	enum plan_action rung;
	struct wall at[LADDER_RUNGS];	/* ms 0 = to come */
	struct dur wait, reboot;
};

struct snap_target {
	const char *host;
	enum target_state state;
};

/* At most so many of a plan's targets are shown; all are counted. */
#define SNAP_PLAN_TARGETS 20

struct snap_plan {
	uint64_t id;
	const char *host;
	const char *unit;	/* path of the VM or role; "" = the host */
	const char *partition;
	enum plan_action action;
	enum plan_state state;
	bool predicted;		/* or convicted */
	struct plan_urgency urgency;	/* when predicted */
	struct wall since;
	const char *reason;	/* one line for people */
	unsigned why_not;	/* bits: what holds it */
	const struct snap_target *targets;	/* eligible first */
	size_t n_targets;
	size_t target_counts[TARGET_COUNT_];
	const struct snap_ladder *ladder;	/* NULL = none */
};

#endif
