#include "health/check.h"

#include <string.h>

#include "base/le.h"

#define NS_PER_MS INT64_C(1000000)

/* The moves that are allowed; any other is our own bug. */
#define TO(h) (1U << (h))
static const unsigned moves[] = {
	[HEALTH_UNKNOWN] = TO(HEALTH_HEALTHY) | TO(HEALTH_SUSPECT) |
		TO(HEALTH_UNHEALTHY) | TO(HEALTH_STALE),
	[HEALTH_HEALTHY] = TO(HEALTH_SUSPECT) | TO(HEALTH_UNHEALTHY) |
		TO(HEALTH_UNKNOWN) | TO(HEALTH_STALE),
	[HEALTH_SUSPECT] = TO(HEALTH_HEALTHY) | TO(HEALTH_UNHEALTHY) |
		TO(HEALTH_UNKNOWN) | TO(HEALTH_STALE),
	[HEALTH_UNHEALTHY] = TO(HEALTH_HEALTHY) | TO(HEALTH_STALE),
	[HEALTH_STALE] = TO(HEALTH_HEALTHY) | TO(HEALTH_SUSPECT) |
		TO(HEALTH_UNHEALTHY) | TO(HEALTH_UNKNOWN),
	[HEALTH_UNREACHABLE] = 0,
	[HEALTH_OVERLOADED] = 0,
	[HEALTH_IMPAIRED] = 0,
};

void
check_state_init(struct check_state *c, struct now now)
{
	*c = (struct check_state){
		.health = HEALTH_UNKNOWN,
		.behind = HEALTH_UNKNOWN,
		.outcome = TOCSIN_UNKNOWN,
		.reason = TOCSIN_WHY_PENDING,
		.heard = now.mono,
		.since = now.wall,
	};
}

static bool
move_to(struct check_state *c, enum health to, struct wall at,
	struct check_move *move)
{
	enum health from = (enum health)c->health;

	if (from == to)
		return false;
	tc_bug_if((moves[from] & TO(to)) == 0);
	*move = (struct check_move){ from, to, (enum tocsin_reason)c->reason };
	c->health = (uint8_t)to;
	c->since = at;
	return true;
}

static uint16_t
one_more(uint16_t n)
{
	return n == UINT16_MAX ? n : (uint16_t)(n + 1);
}

/* What the measurements alone say, whatever hides it. */
static enum health
judged(const struct check_state *c)
{
	enum health h = (enum health)c->health;

	return h == HEALTH_STALE || h == HEALTH_UNKNOWN ?
		(enum health)c->behind : h;
}

static uint64_t
last(unsigned n)
{
	return n >= RULE_WINDOW_MAX ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

static unsigned
count_bits(uint64_t bits)
{
	unsigned n = 0;

	for (; bits != 0; bits &= bits - 1)
		n++;
	return n;
}

/* The window alone is ground enough. */
static bool
too_many(const struct check_state *c, const struct check_rule *rule)
{
	return rule->fail_of > 0 &&
		count_bits(c->window & last(rule->fail_of)) >= rule->fail_some;
}

static enum health
judge(const struct check_state *c, const struct check_rule *rule)
{
	enum health was = judged(c);

	if (c->fails > 0) {
		if (was == HEALTH_UNHEALTHY || c->fails >= rule->fail_after ||
		    too_many(c, rule))
			return HEALTH_UNHEALTHY;
		return HEALTH_SUSPECT;
	}
	if (was == HEALTH_UNHEALTHY &&
	    (c->oks < rule->clear_after || too_many(c, rule)))
		return HEALTH_UNHEALTHY;
	return HEALTH_HEALTHY;
}

/*
 * Changes of the verdict begin it, quiet ends it; then they are forgotten,
 * so that the next one begins with changes of its own.
 */
static void
judge_flapping(struct check_state *c, const struct check_rule *rule,
	bool turned)
{
	c->turns = (c->turns << 1 | turned) & last(rule->flap_within);
	if (rule->flap_after == 0) {
		c->turns = 0;
		c->flapping = 0;
	} else if (!c->flapping) {
		c->flapping = count_bits(c->turns) >= rule->flap_after;
	} else if ((c->turns & last(rule->flap_clear)) == 0) {
		c->turns = 0;
		c->flapping = 0;
	}
}

unsigned
check_turns(const struct check_state *c)
{
	return count_bits(c->turns);
}

/* The failures in a row are not its own. */
static void
forget_failures(struct check_state *c)
{
	c->window = c->fails < RULE_WINDOW_MAX ? c->window >> c->fails : 0;
	c->fails = 0;
	c->oks = 0;
	c->behind = HEALTH_UNKNOWN;
}

bool
check_convict(struct check_state *c, const struct check_rule *rule,
	struct wall at, struct check_move *move)
{
	if (c->health != HEALTH_SUSPECT || c->outcome != TOCSIN_FAIL ||
	    judge(c, rule) != HEALTH_UNHEALTHY)
		return false;
	c->behind = HEALTH_UNHEALTHY;
	if (rule->flap_after > 0) {
		c->turns |= 1;
		c->flapping = c->flapping ||
			count_bits(c->turns) >= rule->flap_after;
	}
	return move_to(c, HEALTH_UNHEALTHY, at, move);
}

/* Heard of, and so much longer not measured. */
static void
hear_nothing(struct check_state *c, struct mono now)
{
	int64_t ms = c->unmeasured_ms +
		(mono_diff(now, c->heard).ns + NS_PER_MS / 2) / NS_PER_MS;

	c->unmeasured_ms = ms < 0 ? 0 : ms < UINT32_MAX ? (uint32_t)ms :
		UINT32_MAX;
	c->heard = now;
}

static struct mono
measured(const struct check_state *c)
{
	return (struct mono){ c->heard.ns -
		(int64_t)c->unmeasured_ms * NS_PER_MS };
}

bool
check_observe(struct check_state *c, const struct check_rule *rule,
	struct check_seen seen, struct now now, struct check_move *move)
{
	enum health to, was = judged(c);

	c->at = now.wall;
	c->outcome = (uint8_t)seen.outcome;
	c->reason = (uint16_t)seen.reason;
	c->asleep = seen.reason == TOCSIN_WHY_DEVICE_ASLEEP ? 1 : 0;
	switch (seen.outcome) {
	case TOCSIN_UNKNOWN:
		hear_nothing(c, now.mono);
		if (seen.reason == TOCSIN_WHY_PARENT_DOWN &&
		    was != HEALTH_UNHEALTHY) {
			forget_failures(c);
			return move_to(c, HEALTH_UNKNOWN, now.wall, move);
		}
		/* Heard of, so not stale; judged as before. */
		if (c->health == HEALTH_STALE)
			return move_to(c, (enum health)c->behind, now.wall,
				move);
		return false;
	case TOCSIN_OK:
		c->fails = 0;
		c->oks = one_more(c->oks);
		break;
	case TOCSIN_FAIL:
		c->oks = 0;
		c->fails = one_more(c->fails);
		break;
	}
	c->heard = now.mono;
	c->unmeasured_ms = 0;
	c->window = c->window << 1 | (seen.outcome == TOCSIN_FAIL);
	to = judge(c, rule);
	c->behind = (uint8_t)to;
	judge_flapping(c, rule,
		(was == HEALTH_UNHEALTHY) != (to == HEALTH_UNHEALTHY));
	return move_to(c, to, now.wall, move);
}

static struct dur
silence(const struct check_rule *rule)
{
	return dur_ns(rule->interval.ns * (int64_t)rule->stale_after);
}

bool
check_age(struct check_state *c, const struct check_rule *rule,
	struct now now, struct check_move *move)
{
	struct dur most = silence(rule);

	if (c->health == HEALTH_STALE)
		return false;
	if (mono_diff(now.mono, c->heard).ns > most.ns) {
		c->reason = TOCSIN_WHY_STALE;
		return move_to(c, HEALTH_STALE, now.wall, move);
	}
	/* We hear, but could not measure: no longer known to be well. */
	if (mono_diff(now.mono, measured(c)).ns > most.ns && !c->asleep &&
	    c->health != HEALTH_UNHEALTHY && c->health != HEALTH_UNKNOWN)
		return move_to(c, HEALTH_UNKNOWN, now.wall, move);
	return false;
}

struct mono
check_age_due(const struct check_state *c, const struct check_rule *rule)
{
	bool measuring = !c->asleep && (c->health == HEALTH_HEALTHY ||
		c->health == HEALTH_SUSPECT);
	struct mono from = measuring ? measured(c) : c->heard;

	if (c->health == HEALTH_STALE)
		return (struct mono){ INT64_MAX };
	return (struct mono){ from.ns + silence(rule).ns + 1 };
}

/*
 * ---- saved form: version, small fields, the window as far as it is judged,
 * the changes, then the two times.  Version 1 had the window and no changes.
 */

#define SAVED_VERSION 2
#define SAVED_WINDOW_AT 16
#define SAVED_TURNS_AT 24
#define SAVED_TIMES_AT 32
#define SAVED_1_BYTES 40
#define SAVED_1_TIMES_AT 24

static uint64_t
at_most(unsigned v, unsigned max)
{
	return v < max ? v : max;
}

void
check_state_save(const struct check_state *c, const struct check_rule *rule,
	unsigned char out[CHECK_SAVED_BYTES])
{
	memset(out, 0, CHECK_SAVED_BYTES);
	out[0] = SAVED_VERSION;
	out[1] = c->health;
	out[2] = c->behind;
	out[3] = c->outcome;
	out[4] = c->asleep;
	out[5] = c->flapping;
	le_put(out + 6, c->reason, 2);
	le_put(out + 8, at_most(c->fails, rule->fail_after), 2);
	le_put(out + 10, at_most(c->oks, rule->clear_after), 2);
	le_put(out + SAVED_WINDOW_AT, c->window & last(rule->fail_of), 8);
	le_put(out + SAVED_TURNS_AT, c->turns, 8);
	le_put(out + SAVED_TIMES_AT, (uint64_t)c->at.ms, 8);
	le_put(out + SAVED_TIMES_AT + 8, (uint64_t)c->since.ms, 8);
}

static bool
same_count(unsigned a, unsigned b, unsigned max)
{
	return a == b || (a >= max && b >= max);
}

bool
check_state_same(const struct check_state *a, const struct check_state *b,
	const struct check_rule *rule)
{
	return a->health == b->health && a->behind == b->behind &&
		a->outcome == b->outcome && a->asleep == b->asleep &&
		a->flapping == b->flapping && a->reason == b->reason &&
		same_count(a->fails, b->fails, rule->fail_after) &&
		same_count(a->oks, b->oks, rule->clear_after) &&
		a->turns == b->turns && (a->window == b->window ||
		((a->window ^ b->window) & last(rule->fail_of)) == 0);
}

bool
check_rule_same(const struct check_state *c, const struct check_rule *a,
	const struct check_rule *b)
{
	return at_most(c->fails, a->fail_after) ==
			at_most(c->fails, b->fail_after) &&
		at_most(c->oks, a->clear_after) ==
			at_most(c->oks, b->clear_after) &&
		(c->window & last(a->fail_of)) ==
			(c->window & last(b->fail_of));
}

/* Health values that only a host may have are not ours to restore. */
static bool
is_ours(unsigned health)
{
	return health == HEALTH_UNKNOWN ||
		(health <= HEALTH_STALE && moves[health] != 0);
}

static int
check_saved(const unsigned char *in, size_t n, struct tc_err *e)
{
	if (n != CHECK_SAVED_BYTES && n != SAVED_1_BYTES)
		return tc_fail(e, TC_ECORRUPT, "check state of %zu bytes", n);
	if (in[0] > SAVED_VERSION)
		return tc_fail(e, TC_ENEWER, "check state of version %d", in[0]);
	if (in[0] == 0 || (in[0] == 1) != (n == SAVED_1_BYTES) ||
	    !is_ours(in[1]) || !is_ours(in[2]) || in[3] > TOCSIN_UNKNOWN)
		return tc_fail(e, TC_ECORRUPT, "check state out of range");
	return 0;
}

int
check_state_restore(const void *p, size_t n, struct mono now,
	struct check_state *out, struct tc_err *e)
{
	const unsigned char *in = p, *times;
	struct check_state c;
	int rc = check_saved(in, n, e);

	if (rc < 0)
		return rc;
	times = in + (in[0] == 1 ? SAVED_1_TIMES_AT : SAVED_TIMES_AT);
	c = (struct check_state){
		.health = in[1],
		.behind = in[2],
		.outcome = in[3],
		.asleep = in[4] != 0,
		.flapping = in[5] != 0,
		.reason = (uint16_t)le_get(in + 6, 2),
		.fails = (uint16_t)le_get(in + 8, 2),
		.oks = (uint16_t)le_get(in + 10, 2),
		.window = le_get(in + SAVED_WINDOW_AT, 8),
		.turns = in[0] == 1 ? 0 : le_get(in + SAVED_TURNS_AT, 8),
		.heard = now,
		.at.ms = (int64_t)le_get(times, 8),
		.since.ms = (int64_t)le_get(times + 8, 8),
	};
	if (!reason_is_known(c.reason))
		c.reason = TOCSIN_WHY_PENDING;
	*out = c;
	return 0;
}
