/*
 * The samples of one run, gathered and then reported at once.
 */
#ifndef TOCSIN_PROBES_COMMON_SAMPLES_H
#define TOCSIN_PROBES_COMMON_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <tocsin/probe.h>

#include "base/macros.h"
#include "base/mem.h"

/* What the probe interface takes in one report. */
#define SAMPLES_MAX 4096

struct samples {
	struct tocsin_sample *items;
	size_t n;
	size_t cap;
	struct arena text;
	bool failed;	/* out of memory: nothing is reported as measured */
};

void samples_free(struct samples *s);
/* `name` must live until the report; `instance` is copied ("" = none).
 * What is not finite is left out. */
void samples_add(struct samples *s, const char *name, const char *instance,
	double value);

/* The number that a file holds; one that cannot be read adds nothing. */
void samples_add_file(struct samples *s, const char *root, const char *path,
	const char *name, const char *instance);

/* Reports all that was added as measured now. */
void samples_report(const struct samples *s, struct tocsin_ctx *ctx,
	const struct tocsin_target *target, const char *text);

/* Reports that nothing could be measured: −errno chooses the reason. */
void samples_refuse(struct tocsin_ctx *ctx, const struct tocsin_target *target,
	int err, const char *what);

/* The string option of a row, or `otherwise` where it is empty or missing. */
const char *target_option(const struct tocsin_target *target, size_t row,
	const char *otherwise);

/*
 * Pressure stall information of "cpu", "memory" or "io": seconds lost in all
 * and the share of the last 10 s.  A kernel without it adds nothing.
 */
void psi_add(struct samples *s, const char *root, const char *resource);

/* The rows of psi_add() in a table of metrics. */
#define PSI_METRICS(r)                                                        \
	{ "psi_" r "_some_seconds_total", TOCSIN_COUNTER, TOCSIN_SECONDS,     \
		"time in which some task waited for " r },                    \
	{ "psi_" r "_full_seconds_total", TOCSIN_COUNTER, TOCSIN_SECONDS,     \
		"time in which all tasks waited for " r },                    \
	{ "psi_" r "_some_ratio", TOCSIN_GAUGE, TOCSIN_RATIO,                 \
		"share of the last 10 s in which some task waited for " r },  \
	{ "psi_" r "_full_ratio", TOCSIN_GAUGE, TOCSIN_RATIO,                 \
		"share of the last 10 s in which all tasks waited for " r }

#endif
