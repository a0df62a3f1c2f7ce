#include "plan/ladder.h"

struct dur
ladder_from(const struct ladder_rule *rule, enum plan_action rung)
{
	switch (rung) {
	case PLAN_HOST_WAIT:
		return dur_s(0);
	case PLAN_HOST_REBOOT:
		return rule->wait;
	case PLAN_HOST_EVACUATE:
		return dur_ns(rule->wait.ns + rule->reboot.ns);
	case PLAN_NONE:
	case PLAN_DEVICE_REPLACE:
	case PLAN_ROLE_OUT_OF_ROTATION:
	case PLAN_ROLE_RESTART:
	case PLAN_VM_RESTART_FRESH:
	case PLAN_VM_RESTART_KEEP:
		break;
	}
	return dur_s(-1);
}

enum plan_action
ladder_next(enum plan_action rung)
{
	if (rung == PLAN_HOST_WAIT)
		return PLAN_HOST_REBOOT;
	return rung == PLAN_HOST_REBOOT ? PLAN_HOST_EVACUATE : PLAN_NONE;
}
