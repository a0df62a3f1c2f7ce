/*
 * Time zones by rule: the POSIX text that ends every zoneinfo file, such as
 * "CET-1CEST,M3.5.0,M10.5.0/3".  It holds for the times to come, which is
 * what plans are about.  Pure: who has the files finds the text.
 */
#ifndef TOCSIN_PLAN_ZONE_H
#define TOCSIN_PLAN_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

/* Names of zones: "UTC", "Europe/Vienna". */
#define ZONE_ID_BYTES 64
#define ZONE_RULE_BYTES 96

/* When the clock is moved, each year. */
struct zone_move {
	/* month 1…12: the week-th (5 = last) such weekday, 0 = Sunday … */
	int month, week, weekday;
	/* … month 0: the day of the year, 0…365; `no_leap`: 29 Feb. not told */
	int day;
	bool no_leap;
	int32_t at_s;		/* of the local day */
};

struct zone {
	int32_t std_s, dst_s;	/* east of UTC */
	bool has_dst;
	struct zone_move to_dst, to_std;
	char std_name[12], dst_name[12];
};

/* UTC for "" and "UTC0"; TC_EINVAL. */
int zone_parse(const char *text, size_t n, struct zone *out,
	struct tc_err *e);
/* "Europe/Vienna": safe as a part of a path. */
bool zone_id_is_valid(const char *id);
int32_t zone_offset_s(const struct zone *z, struct wall at);
/*
 * The moment of a local date and minute.  One that does not exist is as much
 * later as the clock is moved; of two the first.
 */
struct wall zone_moment(const struct zone *z, struct date d, int minute);
struct date zone_date(const struct zone *z, struct wall at);
/* "2026-01-31 03:00 CET"; size ≥ ZONE_TEXT */
#define ZONE_TEXT 48
const char *zone_format(const struct zone *z, struct wall at, char *text,
	size_t size);

#endif
