/*
 * How fast hosts may be left: so many at once, in an hour, in a day.
 * Pure.  In wall time, since it outlives restarts: what began in the future
 * began now, and a step forward costs at most one hour's or day's measure.
 */
#ifndef TOCSIN_PLAN_PACE_H
#define TOCSIN_PLAN_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "model/plan.h"

struct pace {
	size_t open;		/* recommended now */
	size_t n;		/* of begun_ms, the oldest first */
	int64_t begun_ms[PACE_MAX];	/* in the last day */
};

struct pace_counts {
	size_t open;
	size_t hour;
	size_t day;
};

/* Of a partition of so many hosts: what is 0 follows its size. */
struct pace_limits pace_of_size(const struct pace_limits *l, size_t hosts);

void pace_count(const struct pace *p, struct wall now,
	struct pace_counts *sum);
/* One more would be within the limits; 0 = no limit. */
bool pace_allows(const struct pace_limits *l, const struct pace_counts *c);
void pace_begin(struct pace *p, struct wall now);
void pace_end(struct pace *p);

/* Only the times are kept: what is open, its plans tell. */
void pace_save(const struct pace *p, struct strbuf *out);
int pace_restore(const void *bytes, size_t n, struct pace *out,
	struct tc_err *e);

#endif
