/*
 * The plugin host, the same in tocsind and in tocsin-agent: loads probes,
 * gives them their runs, holds them to their deadlines, checks what they say.
 * It never judges and never retries.  All calls and callbacks on the loop.
 *
 * Probes of the loop form are called in place.  Those of the worker form run
 * in threads; one instance is never called twice at once.  A worker that is
 * stuck beyond timeout + overrun is given up and replaced; until the call
 * comes back, further runs of that probe are answered probe_timeout.
 */
#ifndef TOCSIN_PROBE_RUNNER_H
#define TOCSIN_PROBE_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "base/clock.h"
#include "base/err.h"
#include "engine/engine.h"
#include "model/observation.h"
#include "sched/sched.h"

struct runner;

/*
 * One result.  `ob` and what it points to is borrowed for the call.  A run
 * gives one or more of them, exactly one with `last`.
 */
typedef void runner_result_fn(void *arg, uint32_t check, uint32_t seq,
	const struct observation *ob, bool last);

struct runner_conf {
	struct sched *sched;
	struct clock *clock;
	const char *plugin_dir;	/* one or more, with ':' between; copied */
	/*
	 * Plugins of these do not run in this process but in a tocsin-worker
	 * each; NULL = none.  One of plugin_dir goes before one of the same
	 * name.  Copied, as is the worker's path.
	 */
	const char *foreign_dir;
	const char *worker;	/* the program */
	unsigned workers;	/* 0 = 2; started when first needed */
	struct dur overrun;	/* 0 = 1 s: grace beyond a run's timeout */
	/* Never called from within runner_start(). */
	runner_result_fn *on_result;
	void *arg;
};

struct runner *runner_new(const struct runner_conf *conf, struct tc_err *e);
/*
 * No callbacks any more.  A worker that is stuck at that moment is left to
 * itself with what it uses.
 */
void runner_free(struct runner *r);

/*
 * Loads NAME.so; 0 when it is loaded already.  Refused, with the reason:
 * another ABI, another name inside, a row that makes no sense, a file that
 * others may write.
 */
int runner_load(struct runner *r, const char *name, struct tc_err *e);
/* All of plugin_dir; refusals are logged and counted.  How many are loaded. */
size_t runner_load_all(struct runner *r);

/* How many are loaded; fills names[0 … min(cap, that) − 1], sorted. */
size_t runner_probe_names(const struct runner *r, const char **names,
	size_t cap);
/* NULL when it is not loaded; valid until runner_free(). */
const struct tocsin_probe *runner_probe(const struct runner *r,
	const char *name);
/* Its option rows; NULL when it is not loaded. */
const struct tocsin_opt *runner_opts(const struct runner *r,
	const char *name);
/* The defaults, one for each row; a required one is 0 and "". */
const struct tocsin_value *runner_defaults(const struct runner *r,
	const char *name);

/* "15s", "64MiB", "true" … as the row wants it; s points into `text`. */
int runner_opt_parse(const struct tocsin_opt *row, const char *text,
	struct tocsin_value *out, struct tc_err *e);

/*
 * Starts n runs; everything in them is borrowed for the call.  `opt_rows`
 * must be those of the probe, or NULL: then the defaults are used.  Every run
 * is answered, by the probe or for it.
 */
void runner_start(struct runner *r, const struct engine_run *runs, size_t n);

struct runner_stats {
	uint64_t runs;
	uint64_t results;
	uint64_t refused_plugins;
	uint64_t bad_slots;	/* reports of no run, or of one twice */
	uint64_t bad_metrics;	/* undeclared, not finite, too many */
	uint64_t bad_reports;	/* reason or outcome that cannot be */
	uint64_t timeouts;	/* answered for a probe */
	uint64_t missed;	/* no worker was free in time */
	uint64_t slow_calls;	/* into a loop probe, above 1 ms */
	int64_t call_max_ns;	/* since the last runner_stats() */
	uint32_t in_flight;
	uint32_t workers;
	uint32_t abandoned;	/* workers stuck now */
};
void runner_stats(struct runner *r, struct runner_stats *out);

#endif
