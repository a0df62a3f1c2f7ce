#include "health/busy.h"

static struct dur
late(const struct unit_rule *rule)
{
	return dur_ns(rule->heartbeat.ns * (int64_t)rule->late_after);
}

/* It may still come, or come in time, when the load is less. */
static bool
is_lateness(bool passive, enum tocsin_reason why)
{
	if (passive)
		return why == TOCSIN_WHY_STALE;
	return why == TOCSIN_WHY_CONNECT_TIMEOUT ||
		why == TOCSIN_WHY_RESPONSE_TIMEOUT;
}

bool
busy_forgives(const struct busy_view *v, const struct unit_rule *rule,
	bool passive, enum tocsin_reason why)
{
	if (!is_lateness(passive, why) || v->told.ns >= rule->grace.ns ||
	    v->failing.ns >= rule->grace.ns)
		return false;
	return passive || v->echoes || v->told.ns < late(rule).ns;
}

struct dur
busy_due(const struct busy_view *v, const struct unit_rule *rule)
{
	const int64_t left[] = { late(rule).ns - v->told.ns,
		rule->grace.ns - v->told.ns, rule->grace.ns - v->failing.ns };
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		if (left[i] > 0 && left[i] < next)
			next = left[i];
	return dur_ns(next);
}
