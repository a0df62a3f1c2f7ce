/*
 * Health and disposition of a unit, stored apart; the state that is shown is
 * one pure function of both and the flags.  Numbers are storage codes and
 * carry no order: only state_worse() compares.
 */
#ifndef TOCSIN_MODEL_STATE_H
#define TOCSIN_MODEL_STATE_H

#include <stdbool.h>
#include <stddef.h>

/* code, symbol, id, how bad (0 best) */
#define HEALTH_TABLE(X)                       \
	X(0, UNKNOWN, "unknown", 3)           \
	X(1, HEALTHY, "healthy", 0)           \
	X(2, SUSPECT, "suspect", 5)           \
	X(3, UNHEALTHY, "unhealthy", 9)       \
	X(4, UNREACHABLE, "unreachable", 7)   \
	X(5, OVERLOADED, "overloaded", 6)     \
	X(6, IMPAIRED, "impaired", 8)         \
	X(7, STALE, "stale", 4)

enum health {
#define X(num, sym, id, bad) HEALTH_##sym = (num),
	HEALTH_TABLE(X)
#undef X
};

#define DISPOSITION_TABLE(X)                  \
	X(0, IN_SERVICE, "in_service")        \
	X(1, MAINTENANCE, "maintenance")      \
	X(2, REBOOTING, "rebooting")          \
	X(3, EVACUATING, "evacuating")        \
	X(4, QUARANTINED, "quarantined")      \
	X(5, DIAGNOSING, "diagnosing")        \
	X(6, PROBATION, "probation")          \
	X(7, RETIRED, "retired")

enum disposition {
#define X(num, sym, id) DISPOSITION_##sym = (num),
	DISPOSITION_TABLE(X)
#undef X
};

enum unit_flag { UNIT_FLAPPING = 1, UNIT_ASLEEP = 2 };

/*
 * What is shown: the disposition's name while it is not in_service or
 * probation, "flapping" for a flapping unit that is not convicted, "asleep"
 * for a healthy sleeper, else the health's name.
 */
#define STATE_TABLE(X)                        \
	X(UNKNOWN, "unknown", 3)              \
	X(HEALTHY, "healthy", 0)              \
	X(SUSPECT, "suspect", 5)              \
	X(UNHEALTHY, "unhealthy", 12)         \
	X(UNREACHABLE, "unreachable", 10)     \
	X(OVERLOADED, "overloaded", 6)        \
	X(IMPAIRED, "impaired", 11)           \
	X(STALE, "stale", 4)                  \
	X(ASLEEP, "asleep", 1)                \
	X(FLAPPING, "flapping", 8)            \
	X(MAINTENANCE, "maintenance", 2)      \
	X(REBOOTING, "rebooting", 7)          \
	X(EVACUATING, "evacuating", 9)        \
	X(QUARANTINED, "quarantined", 9)      \
	X(DIAGNOSING, "diagnosing", 9)        \
	X(RETIRED, "retired", 0)

enum unit_state {
#define X(sym, id, bad) STATE_##sym,
	STATE_TABLE(X)
#undef X
	STATE_COUNT_,
};

const char *health_id(enum health h);
const char *disposition_id(enum disposition d);
const char *state_id(enum unit_state s);
bool health_parse(const char *id, size_t n, enum health *out);
bool disposition_parse(const char *id, size_t n, enum disposition *out);
bool state_parse(const char *id, size_t n, enum unit_state *out);

enum unit_state state_of(enum health h, enum disposition d, unsigned flags);
/* The one order of severity: true when a is worse than b. */
bool state_worse(enum unit_state a, enum unit_state b);
bool health_worse(enum health a, enum health b);

#endif
