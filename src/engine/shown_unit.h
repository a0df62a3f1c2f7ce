/*
 * VMs, roles and agents in a snapshot.
 */
#ifndef TOCSIN_ENGINE_SHOWN_UNIT_H
#define TOCSIN_ENGINE_SHOWN_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/fleet.h"
#include "model/plan.h"
#include "model/reason.h"
#include "model/state.h"
#include "model/unit.h"

struct snap_check;	/* engine/shown.h */

/* A VM or a role. */
struct snap_unit {
	uint32_t id;
	bool is_vm;
	uint32_t vm;		/* of a role inside one; 0 = on the host */
	const char *path;	/* "v1", "v1/web", "h1/web" */
	const char *name;
	const char *address;
	enum host_owner owner;
	const char *origin;
	enum unit_class cls;	/* as it counts: one stateful role suffices */
	enum unit_agent agent;
	enum unit_state state;
	enum health health;
	enum tocsin_reason reason;
	struct wall since;
	unsigned by;		/* sides that convicted; bits */
	unsigned expected;	/* sides that are to speak; bits */
	bool told[3];		/* by enum signal_side: it has spoken */
	enum health sides[3];
	enum cause_hint cause;
	enum vm_run run;
	struct wall run_since;
	bool busy;
	bool own_checks;	/* or the partition's */
	const char *checks_origin;
	struct unit_rule rule;
	const struct snap_check *checks;
	size_t n_checks;
	enum plan_action action;
	enum plan_action next;	/* when that does not help */
	unsigned why_not;
	uint64_t plan_id;
};

/* The agent of a host that is missed. */
struct snap_watch {
	bool expected;
	bool alarming;
	enum tocsin_reason reason;	/* none while it is heard of */
};

#endif
