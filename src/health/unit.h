/*
 * Judging VMs and roles, and the silence of agents.  Pure; time is an
 * argument.
 *
 *	role	two signals, outside and inside, and the words of other
 *		monitors: each may convict, and which one did is kept
 *	VM	its heartbeat, what its hypervisor says, whether it answers.
 *		Busy is not dead: a long grace.  Silence names no cause
 */
#ifndef TOCSIN_HEALTH_UNIT_H
#define TOCSIN_HEALTH_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/fleet.h"
#include "model/reason.h"
#include "model/state.h"
#include "model/unit.h"

/* ---- the heartbeat of an agent ---- */

enum beat_word { BEAT_NEVER, BEAT_HEARD, BEAT_ENDED, BEAT_FAILED };

struct beat {
	bool expected;		/* without it, silence is nothing */
	bool convicted;		/* by silence; clear_after beats acquit */
	bool excused;		/* its silence is explained, until heard of */
	uint8_t word;		/* enum beat_word: what was last known */
	uint8_t regained;
	struct mono from;	/* last heard; begin while it never was */
	struct mono ended;	/* when it said so */
};

enum beat_is {
	BEAT_IS_NONE,		/* by design: not missed */
	BEAT_IS_FINE,
	BEAT_IS_AWAITED,	/* never heard of, and not late yet */
	BEAT_IS_LATE,
	BEAT_IS_DEAD,		/* beyond the grace */
};

/* It is to be there from now on; silence is counted from here. */
void beat_begin(struct beat *b, struct mono now);
/* Heard of. */
void beat_take(struct beat *b, const struct unit_rule *rule, struct mono now);
/* It says that it ends; `failed` = with an error.  It ends once. */
void beat_end(struct beat *b, bool failed, struct mono now);

/* May set b->convicted.  The reason is NONE while it is fine. */
enum beat_is beat_judge(struct beat *b, const struct unit_rule *rule,
	struct mono now, enum tocsin_reason *why);
/*
 * The alarm of its reason is due, whatever the unit is.  Who is not expected
 * is not missed; an end with an error is told all the same.
 */
bool beat_alarms(const struct beat *b, const struct unit_rule *rule,
	struct mono now);
/* When either may move at the earliest; INT64_MAX = never by itself. */
struct mono beat_due(const struct beat *b, const struct unit_rule *rule,
	struct mono now);

/* Restarts: what was silence goes on, from how much it was (DESIGN 3b.3). */
#define BEAT_SAVED_BYTES 20
void beat_save(const struct beat *b, struct mono now,
	unsigned char out[BEAT_SAVED_BYTES]);
/* `now` − ns; a length that cannot be is none.  The result may be negative. */
struct mono mono_ago(struct mono now, int64_t ns);
int beat_restore(const void *p, size_t n, struct mono now, struct beat *out);

/* ---- a VM ---- */

/* What its checks from outside say, taken together. */
enum reach {
	REACH_UNASKED,		/* there is none, or nothing is known yet */
	REACH_FULL,
	REACH_DOUBT,		/* one fails, none is convicted */
	REACH_PART,		/* one is convicted, another answers */
	REACH_NONE,		/* all are convicted */
};

struct vm_view {
	enum beat_is beat;
	enum tocsin_reason beat_why;
	enum vm_run run;	/* UNKNOWN: never told, or too long ago */
	bool run_silent;	/* too long ago */
	enum reach reach;
	enum tocsin_reason reach_why;
	bool reach_overdue;	/* has failed for the whole grace */
	enum health inside;	/* worst of what its agent measures */
	enum tocsin_reason inside_why;
	enum health external;	/* other monitors */
	enum tocsin_reason external_why;
	bool busy;		/* its counters say ≈ 100 % */
	bool parent_down;	/* its host is convicted */
};

struct unit_verdict {
	enum health health;
	enum tocsin_reason reason;
	unsigned by;	/* who convicted: bits by enum signal_side */
	bool dead;	/* a restart would help: gone, not merely failing */
};

struct unit_verdict vm_judge(const struct vm_view *v);

/* ---- a role ---- */

struct side_view {
	enum health health;	/* UNKNOWN: no such signal */
	enum health behind;	/* what STALE hides: silence does not heal */
	enum tocsin_reason reason;
};

struct role_view {
	struct side_view sides[SIGNAL_COUNT_];
	bool parent_down;	/* its VM or host is convicted */
};

struct unit_verdict role_judge(const struct role_view *v);

/* Convicted: unhealthy, impaired, unreachable. */
bool health_is_bad(enum health h);

#endif
