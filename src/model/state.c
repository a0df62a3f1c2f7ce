#include "model/state.h"

#include <string.h>

#include "base/macros.h"

static const struct name {
	const char *id;
	int bad;
} healths[] = {
#define X(num, sym, id, bad) [HEALTH_##sym] = { id, bad },
	HEALTH_TABLE(X)
#undef X
}, dispositions[] = {
#define X(num, sym, id) [DISPOSITION_##sym] = { id, 0 },
	DISPOSITION_TABLE(X)
#undef X
}, states[] = {
#define X(sym, id, bad) [STATE_##sym] = { id, bad },
	STATE_TABLE(X)
#undef X
};

static int
find(const struct name *names, size_t count, const char *id, size_t n)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(names[i].id) == n && memcmp(names[i].id, id, n) == 0)
			return (int)i;
	return -1;
}

const char *
health_id(enum health h)
{
	return healths[h].id;
}

const char *
disposition_id(enum disposition d)
{
	return dispositions[d].id;
}

const char *
state_id(enum unit_state s)
{
	return states[s].id;
}

bool
health_parse(const char *id, size_t n, enum health *out)
{
	int i = find(healths, ARRAY_LEN(healths), id, n);

	if (i >= 0)
		*out = (enum health)i;
	return i >= 0;
}

bool
disposition_parse(const char *id, size_t n, enum disposition *out)
{
	int i = find(dispositions, ARRAY_LEN(dispositions), id, n);

	if (i >= 0)
		*out = (enum disposition)i;
	return i >= 0;
}

bool
state_parse(const char *id, size_t n, enum unit_state *out)
{
	int i = find(states, ARRAY_LEN(states), id, n);

	if (i >= 0)
		*out = (enum unit_state)i;
	return i >= 0;
}

static enum unit_state
state_of_health(enum health h, unsigned flags)
{
	switch (h) {
	case HEALTH_UNHEALTHY:
		return STATE_UNHEALTHY;
	case HEALTH_UNREACHABLE:
		return STATE_UNREACHABLE;
	case HEALTH_IMPAIRED:
		return STATE_IMPAIRED;
	case HEALTH_UNKNOWN:
		return (flags & UNIT_FLAPPING) ? STATE_FLAPPING : STATE_UNKNOWN;
	case HEALTH_HEALTHY:
		if (flags & UNIT_FLAPPING)
			return STATE_FLAPPING;
		return (flags & UNIT_ASLEEP) ? STATE_ASLEEP : STATE_HEALTHY;
	case HEALTH_SUSPECT:
		return (flags & UNIT_FLAPPING) ? STATE_FLAPPING : STATE_SUSPECT;
	case HEALTH_OVERLOADED:
		return (flags & UNIT_FLAPPING) ? STATE_FLAPPING :
			STATE_OVERLOADED;
	case HEALTH_STALE:
		return STATE_STALE;
	}
	return STATE_UNKNOWN;
}

enum unit_state
state_of(enum health h, enum disposition d, unsigned flags)
{
	switch (d) {
	case DISPOSITION_IN_SERVICE:
	case DISPOSITION_PROBATION:
		return state_of_health(h, flags);
	case DISPOSITION_MAINTENANCE:
		return STATE_MAINTENANCE;
	case DISPOSITION_REBOOTING:
		return STATE_REBOOTING;
	case DISPOSITION_EVACUATING:
		return STATE_EVACUATING;
	case DISPOSITION_QUARANTINED:
		return STATE_QUARANTINED;
	case DISPOSITION_DIAGNOSING:
		return STATE_DIAGNOSING;
	case DISPOSITION_RETIRED:
		return STATE_RETIRED;
	}
	return STATE_UNKNOWN;
}

bool
state_worse(enum unit_state a, enum unit_state b)
{
	return states[a].bad > states[b].bad;
}

bool
health_worse(enum health a, enum health b)
{
	return healths[a].bad > healths[b].bad;
}
