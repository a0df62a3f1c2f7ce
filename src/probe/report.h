/*
 * What a plugin reports, checked and made into an observation.
 */
#ifndef TOCSIN_PROBE_REPORT_H
#define TOCSIN_PROBE_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/observation.h"
#include "probe/plugin.h"

#define REPORT_SAMPLES_MAX 4096
#define REPORT_TEXT_MAX 255

/* One thread's; the counts only rise. */
struct report_taker {
	const struct plugin *plugin;
	struct clock *clock;
	struct arena *mem;
	bool copy;	/* strings too: they will outlive the report */
	uint64_t bad_metrics;
	uint64_t bad_reports;
};

/*
 * Never fails: what cannot be becomes probe_error.  *out borrows from
 * taker->mem and, without `copy`, from the report.
 */
void report_take(struct report_taker *t, const struct tocsin_report *rep,
	struct observation *out);

/* The runner's own word about a run.  `text` may be NULL; borrowed. */
void report_own(struct clock *clock, const char *probe,
	enum tocsin_reason reason, const char *text, struct observation *out);

/* Copies everything that *ob points to; false when out of memory. */
bool report_copy(struct arena *mem, const struct observation *ob,
	struct observation *out);

#endif
