/*
 * What a Nagios plugin prints: a line for people, and performance data
 * `'label'=value[UOM];warn;crit;min;max` as in the Monitoring Plugins
 * guidelines.  No locale is asked; a malformed item is counted and skipped.
 */
#ifndef TOCSIN_WIRE_PERFDATA_H
#define TOCSIN_WIRE_PERFDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <tocsin/probe.h>

#include "base/strbuf.h"

#define PERF_LABEL_MAX 128
#define PERF_POINTS_MAX 512
#define PERF_NAME_MAX 127

/* "10", "10:", "~:10", "10:20", "@10:20" */
struct perf_range {
	bool set;
	bool inside;	/* '@': alert inside, else outside */
	double from;	/* may be infinite */
	double to;
};

struct perf_point {
	char label[PERF_LABEL_MAX + 1];	/* UTF-8 without control characters */
	bool unknown;		/* "U": could not be measured */
	double value;		/* in the base unit; finite */
	enum tocsin_unit unit;
	bool counter;		/* UOM 'c' */
	char uom[16];		/* as written */
	struct perf_range warn;	/* in the base unit, as all below */
	struct perf_range crit;
	double min;		/* NaN when it was not given */
	double max;
};

/* A piece of text, not terminated. */
struct perf_text {
	const char *p;
	size_t n;
};

/* The first line's text, and the one or two pieces of performance data. */
struct perf_output {
	struct perf_text text;
	struct perf_text data[2];
};
void perfdata_split(const char *out, size_t n, struct perf_output *res);

typedef void perf_sink(void *arg, const struct perf_point *point);

/* How many items were malformed, or beyond PERF_POINTS_MAX. */
size_t perfdata_parse(struct perf_text text, perf_sink *sink, void *arg);

/* False for a text that is no range; "" gives set = false. */
bool perf_range_parse(struct perf_text text, struct perf_range *out);

/*
 * Family and label to a metric: `http`, `time`, seconds → http_time_seconds.
 * A label that is no word ("/var", "eth0 in") goes to `instance` as
 * label="…", which is empty otherwise.  Both buffers are emptied first.
 */
void perf_metric(const char *family, const struct perf_point *point,
	struct strbuf *name, struct strbuf *instance);

#endif
