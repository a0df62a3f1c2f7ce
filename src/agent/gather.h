/*
 * Runs the probes when they are due and makes batches of what they say.  All
 * on the loop.  Runs are due at fixed places of the monotonic clock, given by
 * the host's name: hosts do not tick together, and a late run moves no other.
 */
#ifndef TOCSIN_AGENT_GATHER_H
#define TOCSIN_AGENT_GATHER_H

#include "agent/conf.h"
#include "agent/life.h"
#include "agent/sender.h"
#include "agent/spool.h"
#include "base/clock.h"
#include "base/err.h"
#include "sched/sched.h"

struct gather;

struct gather_conf {
	const struct agent_conf *agent;
	const struct life *life;
	struct sched *sched;
	struct clock *clock;
	struct spool *spool;
	struct sender *sender;
	/* --once: every probe has answered and its batch is in the spool. */
	void (*finished)(void *arg);
	void *arg;
};

/* Loads the probes and starts the first round at once. */
int gather_start(const struct gather_conf *conf, struct gather **out,
	struct tc_err *e);
/* The last batch, with the reason of the end, goes into the spool. */
void gather_stop(struct gather *g, const char *reason);

/* The next time after `now` that is `phase` behind a multiple of `every`. */
struct mono gather_next(struct mono now, struct dur every, uint64_t phase);

#endif
