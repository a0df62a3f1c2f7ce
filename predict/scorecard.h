/*
 * How often our own predictions were right: predictions held against outcomes.
 * Pure; where n is small the figures say so instead of a number.
 */
#ifndef TOCSIN_PREDICT_SCORECARD_H
#define TOCSIN_PREDICT_SCORECARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/level.h"
#include "model/outcome.h"
#include "predict/backtest.h"

/* A device came to this level then; one row per device, level and time. */
struct scored_prediction {
	uint32_t subject;
	enum level level;
	struct wall since;
	uint32_t rule;	/* that led it: index into the rules + 1; 0 = unknown */
};

/* What happened to a device. */
struct scored_outcome {
	uint32_t subject;
	enum outcome_kind kind;
	struct wall at;
};

/* Who was watched, and for how long. */
struct scored_span {
	uint32_t subject;
	uint32_t host;
	struct wall from;
	struct wall to;
};

/* Failures, and alarms, under which no share is given. */
#define SCORECARD_ENOUGH 10

/* A quantile of lead times, and its 95 % interval by order statistics. */
struct lead_days {
	int32_t days;
	int32_t low;
	int32_t high;
};

struct scorecard_level {
	/* Of predictions whose outcome is known: an alarm is open while the
	 * device is there and the alarm younger than `settle`. */
	struct share precision;
	struct share recall;
	bool precision_known;	/* false: not enough data */
	bool recall_known;
	uint64_t open;
	uint64_t wrong;
	double wrong_per_host_year;	/* and its 95 % interval (Byar) */
	double wrong_low;
	double wrong_high;
	bool lead_known;
	struct lead_days lead_p10;
	struct lead_days lead_median;
	struct lead_days lead_p90;
};

/* Alarms that one rule led, at one level. */
struct scorecard_rule {
	uint64_t right;
	uint64_t open;
	uint64_t wrong;
	struct share precision;
	bool precision_known;
	double wrong_per_host_year;	/* and its 95 % interval (Byar) */
	double wrong_low;
	double wrong_high;
};

struct scorecard {
	uint64_t devices;
	uint64_t hosts;
	uint64_t failed;
	double host_years;
	struct scorecard_level levels[LEVEL_N];
};

struct scorecard_input {
	const struct scored_prediction *predictions;
	size_t n_predictions;
	const struct scored_outcome *outcomes;
	size_t n_outcomes;
	const struct scored_span *spans;	/* of distinct subjects */
	size_t n_spans;
	struct wall now;
	struct dur settle;	/* an alarm without a failure is wrong after it */
	/* Filled when not NULL: rule r at level l is rules[r * LEVEL_N + l]. */
	struct scorecard_rule *rules;
	size_t n_rules;
};

/*
 * The first alarm of a device at a level or above counts.  Found = at least a
 * day before its failure.  A replaced or retired device with an alarm is
 * neither right nor wrong: nobody knows.  Wrong are alarms that a person calls
 * so, those that are `settle` old, and those whose device was healthy so long
 * after.  A failure beats all other words about the device.  0 or TC_ENOMEM.
 */
int scorecard_reckon(const struct scorecard_input *in, struct scorecard *out,
	struct tc_err *e);

#endif
