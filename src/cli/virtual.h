/*
 * A fleet in virtual time, for selftest and rehearse: the real engine, checks
 * that answer as told, a log of all that moved.  No clock, no net, no file.
 */
#ifndef TOCSIN_CLI_VIRTUAL_H
#define TOCSIN_CLI_VIRTUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "model/reason.h"

/* What is measured on a host. */
struct virtual_check {
	const char *host;
	const char *key;	/* "tcp:8000" */
	struct dur interval;
};

struct virtual_plan {
	/* Those of one host side by side. */
	const struct virtual_check *checks;
	size_t n;
	struct wall from;	/* the wall clock at the begin */
	/* What check i answers, so long after the begin. */
	enum tocsin_reason (*answer)(void *arg, size_t i, struct dur since);
	void *arg;
};

struct virtual_counts {
	uint64_t runs;
	uint64_t doubled;	/* less than an interval behind the one before */
	uint64_t skipped;	/* more than one behind it, while we were awake */
	uint64_t moves;		/* lines in the log */
	uint64_t clock_steps;
};

struct virtual;

/* The plan is borrowed; NULL = no memory. */
struct virtual *virtual_new(const struct virtual_plan *plan);
void virtual_free(struct virtual *v);
/* Goes on until so long after the begin. */
void virtual_run(struct virtual *v, struct dur until);
void virtual_step_wall(struct virtual *v, int64_t ms);
/* The machine sleeps. */
void virtual_sleep(struct virtual *v, struct dur d);
/* A maintenance window of `type` power for a host, on the wall clock. */
int virtual_window(struct virtual *v, const char *host, struct wall from,
	struct wall to, struct tc_err *e);
struct virtual_counts virtual_counts(const struct virtual *v);
/* A line for each move: "seconds what from to reason". */
const char *virtual_log(const struct virtual *v);

#endif
