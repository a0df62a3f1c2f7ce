#include "plan/choose.h"

static unsigned
bit(enum why_not w)
{
	return 1U << w;
}

static bool
convicted(enum health h)
{
	switch (h) {
	case HEALTH_UNHEALTHY:
	case HEALTH_IMPAIRED:
		return true;
	case HEALTH_UNREACHABLE:	/* what it depends on is */
	case HEALTH_UNKNOWN:
	case HEALTH_HEALTHY:
	case HEALTH_SUSPECT:
	case HEALTH_OVERLOADED:
	case HEALTH_STALE:
		return false;
	}
	return false;
}

static bool
in_service(const struct plan_view *v)
{
	return v->disposition == DISPOSITION_IN_SERVICE ||
		v->disposition == DISPOSITION_PROBATION;
}

bool
plan_is_bad(const struct plan_view *v)
{
	return in_service(v) && !v->in_window &&
		(convicted(v->host_health) || v->level == LEVEL_IMMINENT);
}

enum plan_action
plan_action_of(const struct plan_view *v)
{
	if (!in_service(v) || v->in_window)
		return PLAN_NONE;
	if (v->level == LEVEL_IMMINENT)
		return PLAN_HOST_EVACUATE;
	if (v->flapping)
		return PLAN_NONE;
	if (convicted(v->host_health))
		return PLAN_HOST_EVACUATE;
	if (convicted(v->health))
		return PLAN_ROLE_OUT_OF_ROTATION;
	return v->replace ? PLAN_DEVICE_REPLACE : PLAN_NONE;
}

/* Why nothing is wrong enough. */
static unsigned
why_no_action(const struct plan_view *v)
{
	unsigned why = 0;

	if (v->in_window)
		why |= bit(WHY_NOT_MAINTENANCE);
	if (!in_service(v))
		why |= bit(WHY_NOT_DISPOSITION);
	if (v->flapping)
		why |= bit(WHY_NOT_FLAPPING);
	if (v->health == HEALTH_UNREACHABLE)
		why |= bit(WHY_NOT_PARENT);
	switch (v->host_health) {
	case HEALTH_HEALTHY:
	case HEALTH_OVERLOADED:
		why |= bit(WHY_NOT_HEALTHY);
		break;
	case HEALTH_SUSPECT:
		why |= bit(WHY_NOT_SUSPECT);
		break;
	case HEALTH_UNKNOWN:
	case HEALTH_STALE:
		/* where only services are checked, they speak for the host */
		why |= v->health == HEALTH_HEALTHY ? bit(WHY_NOT_HEALTHY) :
			bit(WHY_NOT_UNMEASURED);
		break;
	case HEALTH_UNHEALTHY:
	case HEALTH_UNREACHABLE:
	case HEALTH_IMPAIRED:
		break;
	}
	if (v->level == LEVEL_WATCH || v->level == LEVEL_LIKELY)
		why |= bit(WHY_NOT_BELOW_LEVEL);
	return why;
}

bool
plan_is_destructive(enum plan_action action)
{
	switch (action) {
	case PLAN_HOST_REBOOT:
	case PLAN_VM_RESTART_FRESH:
	case PLAN_DEVICE_REPLACE:
		return true;
	case PLAN_NONE:
	case PLAN_ROLE_OUT_OF_ROTATION:
	case PLAN_HOST_EVACUATE:
	case PLAN_HOST_WAIT:
	case PLAN_ROLE_RESTART:
	case PLAN_VM_RESTART_KEEP:
		break;
	}
	return false;
}

unsigned
plan_why_not(const struct plan_view *v, enum plan_action action,
	bool has_target)
{
	unsigned why = bit(WHY_NOT_RECOMMEND_ONLY);

	switch (action) {
	case PLAN_NONE:
		return why_no_action(v);
	case PLAN_ROLE_OUT_OF_ROTATION:
		return why | bit(WHY_NOT_ROLE_ONLY);
	case PLAN_DEVICE_REPLACE:
		return v->recommend ? why : why | bit(WHY_NOT_SWITCHED_OFF);
	case PLAN_HOST_EVACUATE:
	case PLAN_HOST_WAIT:
	case PLAN_HOST_REBOOT:
	case PLAN_ROLE_RESTART:
	case PLAN_VM_RESTART_FRESH:
	case PLAN_VM_RESTART_KEEP:
		break;
	}
	if (v->brake)
		why |= bit(WHY_NOT_BRAKE);
	if (v->contagion)
		why |= bit(WHY_NOT_CONTAGION);
	/* the rest is healed elsewhere without one */
	if (v->brake || v->contagion || v->below)
		why |= bit(WHY_NOT_NEEDS_HUMAN);
	if (v->observer_suspect)
		why |= bit(WHY_NOT_OBSERVER);
	if (!has_target)
		why |= bit(WHY_NOT_NO_TARGET);
	if (!v->recommend)
		why |= bit(WHY_NOT_SWITCHED_OFF);
	if (v->backup_old && plan_is_destructive(action))
		why |= bit(WHY_NOT_BACKUP_OLD);
	return why;
}

bool
plan_is_held(unsigned why_not)
{
	return (why_not & (bit(WHY_NOT_BRAKE) | bit(WHY_NOT_OBSERVER) |
		bit(WHY_NOT_NO_TARGET) | bit(WHY_NOT_SWITCHED_OFF) |
		bit(WHY_NOT_CONTAGION) | bit(WHY_NOT_NEEDS_HUMAN) |
		bit(WHY_NOT_BACKUP_OLD))) != 0;
}

enum target_state
plan_target(const struct plan_view *c)
{
	if (c->disposition != DISPOSITION_IN_SERVICE)
		return TARGET_NOT_IN_SERVICE;
	if (c->in_window)
		return TARGET_MAINTENANCE;
	if (plan_action_of(c) == PLAN_HOST_EVACUATE)
		return TARGET_BEING_LEFT;
	if (c->health != HEALTH_HEALTHY || c->flapping)
		return TARGET_NOT_HEALTHY;
	if (c->level != LEVEL_NONE)
		return TARGET_AT_RISK;
	return c->full ? TARGET_FULL : TARGET_ELIGIBLE;
}
