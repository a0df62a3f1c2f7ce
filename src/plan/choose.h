/*
 * What should be done to a host, why nothing is done, and who may take its
 * load.  Pure functions over what is known of a host; nothing is performed.
 */
#ifndef TOCSIN_PLAN_CHOOSE_H
#define TOCSIN_PLAN_CHOOSE_H

#include <stdbool.h>

#include "model/level.h"
#include "model/plan.h"
#include "model/state.h"

struct plan_view {
	enum health health;	/* worst of all its checks */
	enum health host_health;	/* worst of the host layer's */
	enum disposition disposition;
	enum level level;
	bool in_window;
	bool brake;		/* its partition's is latched */
	bool observer_suspect;
	bool recommend;		/* the switch */
	bool flapping;
	bool replace;		/* a disk fails that others stand for */
	bool backup_old;
	bool below;		/* others hang on it: it is no host like others */
	bool contagion;		/* what it carries made others fall */
	bool full;		/* its capacity is taken (plan/room.h) */
};

/* Convicted or imminent: it counts for the brake. */
bool plan_is_bad(const struct plan_view *v);

/* The cheapest action of the layer that failed. */
enum plan_action plan_action_of(const struct plan_view *v);

/*
 * Bits by enum why_not.  With an action: what holds it (RECOMMEND_ONLY always
 * stands, for nothing is executed).  Without: why there is none.
 */
unsigned plan_why_not(const struct plan_view *v, enum plan_action action,
	bool has_target);

/* What the unit has may be lost by it: a reset, a fresh disk. */
bool plan_is_destructive(enum plan_action action);

/* Bits that hold an action rather than describe it. */
bool plan_is_held(unsigned why_not);

enum target_state plan_target(const struct plan_view *candidate);

#endif
