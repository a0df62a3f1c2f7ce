/*
 * What should be done about a VM or a role: the cheapest action of the layer
 * that failed.  Pure; nothing is performed.
 */
#ifndef TOCSIN_PLAN_UNITS_H
#define TOCSIN_PLAN_UNITS_H

#include <stdbool.h>

#include "model/plan.h"
#include "model/state.h"
#include "model/unit.h"

struct unit_plan_view {
	bool is_vm;
	enum unit_class cls;
	enum health health;
	bool dead;		/* a restart would help */
	bool in_window;		/* of its host */
	bool brake;
	bool observer_suspect;
	bool recommend;
	bool backup_old;	/* of its host */
	bool flapping;		/* no VM is restarted on that */
};

/*
 * The only ways from a class to a restart: a stateful VM has no path to a
 * fresh disk.
 */
enum plan_action plan_restart_of(enum unit_class cls);
/* One stateful role makes its VM so. */
enum unit_class plan_class_with(enum unit_class vm, enum unit_class role);

enum plan_action plan_unit_action(const struct unit_plan_view *v);
/* The next rung when the action did not help; NONE = no further one. */
enum plan_action plan_unit_next(enum plan_action a);
/* Bits by enum why_not: what holds the action, or why there is none. */
unsigned plan_unit_why_not(const struct unit_plan_view *v,
	enum plan_action a);

#endif
