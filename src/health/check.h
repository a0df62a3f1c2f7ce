/*
 * Judging one check: consecutive failures convict, or so many of the last so
 * many; consecutive successes acquit, silence makes stale, and what we could
 * not measure moves nothing.  Who is convicted and acquitted again and again
 * is flapping, whatever the verdict is just now.  Pure; time is an argument.
 *
 *	absence of data never heals: who was convicted before falling silent
 *	is still convicted when the data return, until clear_after successes.
 *
 *	what its parent explains (UNKNOWN, parent_down) is no failure of its
 *	own: those just before it are forgotten, and who was not convicted is
 *	no longer known to be well.
 */
#ifndef TOCSIN_HEALTH_CHECK_H
#define TOCSIN_HEALTH_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/fleet.h"
#include "model/reason.h"
#include "model/state.h"

struct check_state {
	uint8_t health;		/* enum health */
	uint8_t behind;		/* judged health that STALE or UNKNOWN hides */
	uint8_t outcome;	/* of the last observation */
	uint8_t asleep : 1;
	uint8_t flapping : 1;
	uint16_t reason;	/* of the last observation, or of the judge */
	uint16_t fails;		/* consecutive, saturating */
	uint16_t oks;
	/* Back from `heard` to the last OK or FAIL; at most 49 days. */
	uint32_t unmeasured_ms;
	uint64_t window;	/* last 64 measurements, 1 = failure */
	uint64_t turns;		/* the same, 1 = it changed the verdict */
	struct mono heard;	/* last observation of any kind */
	struct wall at;		/* last observation */
	struct wall since;	/* of this health */
};

struct check_seen {
	enum tocsin_outcome outcome;
	enum tocsin_reason reason;
};

struct check_move {
	enum health from;
	enum health to;
	enum tocsin_reason reason;
};

/* Nothing known yet; silence is counted from `now`. */
void check_state_init(struct check_state *c, struct now now);

/*
 * One observation, in the order of their times; now.wall is when it was
 * measured.  True when the health moved.
 */
bool check_observe(struct check_state *c, const struct check_rule *rule,
	struct check_seen seen, struct now now, struct check_move *move);

/*
 * Its failures suffice, and what held the verdict back holds it no more.
 * True when the health moved.
 */
bool check_convict(struct check_state *c, const struct check_rule *rule,
	struct wall at, struct check_move *move);

/* Time has passed: stale, or unknown for lack of measurements. */
bool check_age(struct check_state *c, const struct check_rule *rule,
	struct now now, struct check_move *move);

/* When check_age() could move it at the earliest. */
struct mono check_age_due(const struct check_state *c,
	const struct check_rule *rule);

/* Changes of the verdict that are remembered. */
unsigned check_turns(const struct check_state *c);

/* A first failure not yet convicted: measure again soon. */
static inline bool
check_wants_recheck(const struct check_state *c)
{
	return c->health == HEALTH_SUSPECT;
}

/* What a restart must know, little-endian, versioned. */
#define CHECK_SAVED_BYTES 48
void check_state_save(const struct check_state *c,
	const struct check_rule *rule, unsigned char out[CHECK_SAVED_BYTES]);
/*
 * Both are saved alike, but for the times: those, and what of the window is
 * not judged, move with every measurement.
 */
bool check_state_same(const struct check_state *a,
	const struct check_state *b, const struct check_rule *rule);
/* The same state, as either rule saves it. */
bool check_rule_same(const struct check_state *c, const struct check_rule *a,
	const struct check_rule *b);
/* `p` may be of an earlier version. */
int check_state_restore(const void *p, size_t n, struct mono now,
	struct check_state *out, struct tc_err *e);

#endif
