/*
 * The agent's observation of itself, probe "agent".
 */
#ifndef TOCSIN_AGENT_SELF_H
#define TOCSIN_AGENT_SELF_H

#include "agent/sender.h"
#include "agent/spool.h"
#include "base/clock.h"
#include "model/observation.h"
#include "probe/runner.h"

#define SELF_METRICS 20

struct self {
	struct mono started;
	bool unclean;		/* the run before ended without a goodbye */
	uint64_t slots_missed;
	struct metric metrics[SELF_METRICS];
	char text[256];
	char version[64];	/* of this program, as a label */
};

struct self_sources {
	struct spool *spool;
	struct sender *sender;
	struct runner *runner;
	struct clock *clock;
};

/* *out borrows from `self` until the next call. */
void self_observe(struct self *self, const struct self_sources *from,
	struct observation *out);

#endif
