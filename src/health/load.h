/*
 * How busy a machine is, by what one observation tells of it, and by the one
 * before where it tells counters alone, as node_exporter does.  Pure.
 *
 *	ratios		cpu_busy_ratio, psi_cpu_some_ratio: the worse, as told
 *	counters	cpu_seconds_total by mode, idle and iowait against all;
 *			psi_cpu_some_seconds_total and, beside them,
 *			psi_memory_some_seconds_total against the time between.
 *			The worst of them
 *	load		load1 for each of cpu_count, where nothing else is told
 *
 * Waiting for disks is not among them: that is a failing disk's own sign.  And
 * memory alone says nothing, since agents tell of it apart from processors.
 * What was not told, fell (the machine or its exporter began anew) or has no
 * time between is unknown, not zero.
 */
#ifndef TOCSIN_HEALTH_LOAD_H
#define TOCSIN_HEALTH_LOAD_H

#include <stdbool.h>

#include "base/clock.h"
#include "model/observation.h"

/* Negative: not told. */
#define LOAD_UNKNOWN (-1.0)

struct load {
	struct wall at;		/* of the observation */
	double ratio;
	double cpu_idle_s, cpu_all_s;	/* of all processors */
	double cpu_wait_s, memory_wait_s;
	double load1, cpus;
};

/* Some of its metrics have this name. */
bool load_tells(const char *metric);
void load_take(struct load *l, const struct observation *ob);
/* It is worth keeping: the next one will be compared with it. */
bool load_has_counters(const struct load *l);
/*
 * 0…1, or LOAD_UNKNOWN.  `before` may be NULL, and counts for nothing when it
 * is older than `most`: a mean over longer says little of now.
 */
double load_busiest(const struct load *l, const struct load *before,
	struct dur most);

#endif
