/*
 * Recommendations: what should be done to a host, why, and why not yet.
 */
#ifndef TOCSIN_MODEL_PLAN_H
#define TOCSIN_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* The cheapest action of the layer that failed.  Code, symbol, id. */
#define PLAN_ACTION_TABLE(X)                                      \
	X(0, NONE, "none")                                        \
	X(1, ROLE_OUT_OF_ROTATION, "role.out_of_rotation")        \
	X(2, HOST_EVACUATE, "host.evacuate")                      \
	X(3, ROLE_RESTART, "role.restart")                        \
	X(4, VM_RESTART_FRESH, "restart.fresh_disk")              \
	X(5, VM_RESTART_KEEP, "restart.keep_disk")                \
	X(6, HOST_WAIT, "host.wait")                              \
	X(7, HOST_REBOOT, "host.reboot")                          \
	X(8, DEVICE_REPLACE, "device.replace")

enum plan_action {
#define X(num, sym, id) PLAN_##sym = (num),
	PLAN_ACTION_TABLE(X)
#undef X
};

/* How long a convicted host stays on the rungs before it is left. */
struct ladder_rule {
	struct dur wait;	/* for its natural return */
	struct dur reboot;	/* T: for its return after a reboot */
};
#define LADDER_RUNGS 3		/* wait, reboot, evacuate */

/* How soon to begin; plan/urgency.h says when. */
#define URGENCY_TABLE(X)              \
	X(0, PLANNED, "planned")      \
	X(1, URGENT, "urgent")        \
	X(2, START_NOW, "start_now")

enum urgency {
#define X(num, sym, id) URGENCY_##sym = (num),
	URGENCY_TABLE(X)
#undef X
};

/* Why nothing (more) is done about a host.  Symbol, id, words. */
#define WHY_NOT_TABLE(X)                                                    \
	X(HEALTHY, "healthy", "nothing is wrong with it")                   \
	X(SUSPECT, "suspect", "not convicted yet")                          \
	X(UNMEASURED, "unmeasured", "nobody knows how it is")               \
	X(BELOW_LEVEL, "below_level",                                       \
		"its risk is below the level that moves it")                \
	X(ROLE_ONLY, "role_only",                                           \
		"only a service fails: the host need not be moved")         \
	X(MAINTENANCE, "maintenance", "it is in a maintenance window")      \
	X(DISPOSITION, "disposition", "it is not in service")               \
	X(BRAKE, "brake", "the brake of its partition is latched")          \
	X(OBSERVER, "observer_suspect", "the observer is in doubt")         \
	X(NO_TARGET, "no_capacity_in_partition",                            \
		"no host of its partition may take it")                     \
	X(RECOMMEND_ONLY, "recommend_only",                                 \
		"Tocsin recommends; it is not armed to act")                \
	X(ACCEPTED, "accepted", "a person has accepted its state")          \
	X(SWITCHED_OFF, "switched_off", "recommending is switched off")     \
	X(PARENT, "parent_down", "what it runs on is down: that comes first") \
	X(FLAPPING, "flapping", "it comes and goes; nobody moves on that")  \
	X(RATE_LIMITED, "rate_limited",                                     \
		"as many as may be moved at a time were recommended")       \
	X(BACKUP_OLD, "backup_old",                                         \
		"its last good copy is too old to lose what it has now")    \
	X(CONTAGION, "contagion",                                           \
		"what runs on it made two hosts fall, one after the other") \
	X(NEEDS_HUMAN, "needs_human", "a person must look at it first")

enum why_not {
#define X(sym, id, words) WHY_NOT_##sym,
	WHY_NOT_TABLE(X)
#undef X
	WHY_NOT_COUNT_,
};

/* May a host take the load of another, or why not.  Symbol, id. */
#define TARGET_TABLE(X)                                                     \
	X(ELIGIBLE, "eligible")                                             \
	X(ITSELF, "itself")                                                 \
	X(NOT_HEALTHY, "not_healthy")                                       \
	X(AT_RISK, "at_risk")                                               \
	X(NOT_IN_SERVICE, "not_in_service")                                 \
	X(MAINTENANCE, "maintenance")                                       \
	X(BEING_LEFT, "being_left")                                         \
	X(FULL, "full")

enum target_state {
#define X(sym, id) TARGET_##sym,
	TARGET_TABLE(X)
#undef X
	TARGET_COUNT_,
};

/* recommended: do it; held: a brake or doubt; withdrawn: no longer needed. */
#define PLAN_STATE_TABLE(X)              \
	X(1, RECOMMENDED, "recommended") \
	X(2, HELD, "held")               \
	X(3, WITHDRAWN, "withdrawn")

enum plan_state {
#define X(num, sym, id) PLAN_STATE_##sym = (num),
	PLAN_STATE_TABLE(X)
#undef X
};

/* How many hosts may be left; of a partition 0 = by its size, else no limit. */
struct pace_limits {
	unsigned at_once;
	unsigned per_hour;
	unsigned per_day;
};
#define PACE_MAX 500

/* What a partition may have switched off; bits. */
#define SWITCH_TABLE(X)              \
	X(0, RECOMMEND, "recommend") \
	X(1, NOTIFY, "notify")       \
	X(2, MAINTENANCE_EDIT, "maintenance_edit")

enum plan_switch {
#define X(bit, sym, id) SWITCH_##sym = (bit),
	SWITCH_TABLE(X)
#undef X
};
#define SWITCH_COUNT 3

const char *switch_id(enum plan_switch s);
bool switch_parse(const char *id, size_t n, enum plan_switch *out);

const char *plan_action_id(enum plan_action a);
const char *plan_state_id(enum plan_state s);
const char *urgency_id(enum urgency u);
const char *why_not_id(enum why_not w);
const char *why_not_words(enum why_not w);
const char *target_id(enum target_state t);
bool plan_state_parse(const char *id, size_t n, enum plan_state *out);

#endif
