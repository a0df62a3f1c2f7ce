/*
 * What the agent remembers of its own runs, so that an end without a goodbye
 * is found at the next start.
 */
#ifndef TOCSIN_AGENT_LIFE_H
#define TOCSIN_AGENT_LIFE_H

#include "base/clock.h"
#include "base/err.h"

enum life_before {
	LIFE_NONE,		/* the first run here */
	LIFE_STOPPED,		/* said goodbye; `reason` is why */
	LIFE_CRASHED,		/* killed or crashed, the machine stayed up */
	LIFE_MACHINE_DOWN,	/* the machine went down with it */
};

struct life {
	char path[512];
	char boot_id[40];
	enum life_before before;
	struct wall before_at;	/* of the goodbye, else of that start */
	char reason[64];	/* "SIGTERM"; "" when there was no goodbye */
};

/* Takes state_dir's lock: TC_EBUSY when another agent has it.  *fd keeps it. */
int life_lock(const char *state_dir, int *fd, struct tc_err *e);

/* Reads what was, writes "running". */
int life_begin(struct life *life, const char *state_dir, struct wall now,
	struct tc_err *e);
/* Writes the goodbye. */
int life_end(const struct life *life, const char *reason, struct wall now,
	struct tc_err *e);

/* "first run here", "the run before was killed or crashed (begun …)". */
void life_words(const struct life *life, char *text, size_t size);

#endif
