#include "plan/units.h"

#include "plan/choose.h"

static unsigned
bit(enum why_not w)
{
	return 1U << w;
}

enum plan_action
plan_restart_of(enum unit_class cls)
{
	switch (cls) {
	case UNIT_STATELESS:
		return PLAN_VM_RESTART_FRESH;
	case UNIT_STATEFUL:
		break;
	}
	return PLAN_VM_RESTART_KEEP;
}

enum unit_class
plan_class_with(enum unit_class vm, enum unit_class role)
{
	return vm == UNIT_STATELESS && role == UNIT_STATELESS ?
		UNIT_STATELESS : UNIT_STATEFUL;
}

/* Convicted itself; what hangs on a dead parent is the parent's matter. */
static bool
convicted(enum health h)
{
	return h == HEALTH_UNHEALTHY || h == HEALTH_IMPAIRED;
}

enum plan_action
plan_unit_action(const struct unit_plan_view *v)
{
	if (v->in_window || !convicted(v->health))
		return PLAN_NONE;
	if (!v->is_vm)
		return PLAN_ROLE_OUT_OF_ROTATION;
	return v->dead && !v->flapping ? plan_restart_of(v->cls) : PLAN_NONE;
}

enum plan_action
plan_unit_next(enum plan_action a)
{
	return a == PLAN_ROLE_OUT_OF_ROTATION ? PLAN_ROLE_RESTART : PLAN_NONE;
}

static unsigned
why_none(const struct unit_plan_view *v)
{
	unsigned why = v->in_window ? bit(WHY_NOT_MAINTENANCE) : 0;

	if (v->flapping)
		why |= bit(WHY_NOT_FLAPPING);
	switch (v->health) {
	case HEALTH_HEALTHY:
	case HEALTH_OVERLOADED:
		return why | bit(WHY_NOT_HEALTHY);
	case HEALTH_SUSPECT:
		return why | bit(WHY_NOT_SUSPECT);
	case HEALTH_UNKNOWN:
	case HEALTH_STALE:
		return why | bit(WHY_NOT_UNMEASURED);
	case HEALTH_UNREACHABLE:
		return why | bit(WHY_NOT_PARENT);
	case HEALTH_UNHEALTHY:
	case HEALTH_IMPAIRED:
		break;
	}
	return why != 0 ? why : bit(WHY_NOT_ROLE_ONLY);
}

unsigned
plan_unit_why_not(const struct unit_plan_view *v, enum plan_action a)
{
	unsigned why = bit(WHY_NOT_RECOMMEND_ONLY);

	if (a == PLAN_NONE)
		return why_none(v);
	if (a != PLAN_ROLE_OUT_OF_ROTATION && v->brake)
		why |= bit(WHY_NOT_BRAKE);
	if (v->observer_suspect)
		why |= bit(WHY_NOT_OBSERVER);
	if (!v->recommend)
		why |= bit(WHY_NOT_SWITCHED_OFF);
	if (v->backup_old && plan_is_destructive(a))
		why |= bit(WHY_NOT_BACKUP_OLD);
	return why;
}
