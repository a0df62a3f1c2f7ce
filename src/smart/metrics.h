/*
 * A report as metrics of an observation (DESIGN 3b.1): smart_N_raw is raw,
 * everything else is decoded.
 */
#ifndef TOCSIN_SMART_METRICS_H
#define TOCSIN_SMART_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "smart/model.h"

struct smart_metric {
	const char *name;	/* gone after the call */
	const char *unit;	/* "count" "sectors" "hours" "celsius" "ratio"
				 * "bits" "bytes" "bool", or NULL (raw) */
	bool is_u64;		/* `u64` is exact and `f64` is near it */
	uint64_t u64;
	double f64;
};

/*
 * The instance of firmware_info: version="MC52"; what a label cannot hold
 * becomes '?'.  False, and "" in out, when the version is unknown.
 */
#define SMART_FIRMWARE_LABEL (SMART_TEXT_MAX + 16)
bool smart_firmware_label(const char *version, char out[SMART_FIRMWARE_LABEL]);

/* A negative return ends the walk. */
typedef int smart_metric_put(void *arg, const struct smart_metric *metric);

/*
 * Known values only, each name once: smart_N_raw of every ATA attribute, then
 * the decoded ones (the report's fields, and command_timeouts out of the often
 * packed attribute 188), then smart_undecoded_count.  A `suspect` report gives
 * smart_passed and the count alone: nobody is judged by a page whose checksum
 * is wrong.  0 or what `put` returned.
 */
int smart_metrics_each(const struct smart_report *r, smart_metric_put *put,
	void *arg);

#endif
