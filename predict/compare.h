/*
 * Two packs over the same history: what appears, what vanishes, and whether
 * the warnings come earlier.
 */
#ifndef TOCSIN_PREDICT_COMPARE_H
#define TOCSIN_PREDICT_COMPARE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/level.h"
#include "predict/backtest.h"

enum compare_side { COMPARE_OLD, COMPARE_NEW };
#define COMPARE_SIDES 2

struct compare;
struct compare *compare_new(void);
void compare_free(struct compare *c);

/* What backtest_opts.device is told, under either pack; in any order. */
int compare_take(struct compare *c, enum compare_side side,
	const struct backtest_device *d, struct tc_err *e);

/* Found: accused at least a day before the failure. False: a good drive. */
struct compare_level {
	uint64_t found[COMPARE_SIDES];
	uint64_t wrong[COMPARE_SIDES];
	uint64_t found_both;
	uint64_t wrong_both;
	uint64_t earlier;	/* of those found by both: the new one is … */
	uint64_t later;
	int32_t lead_gain_median;	/* days; > 0 = the new one is earlier */
	/* first alarms a day, over the whole span and fleet */
	double alarms_per_day[COMPARE_SIDES];
};

struct compare_model {
	char model[64];
	uint64_t drives;
	uint64_t failed;
	uint64_t found[COMPARE_SIDES][LEVEL_N];
	uint64_t wrong[COMPARE_SIDES][LEVEL_N];
};

int compare_levels(const struct compare *c, struct compare_level out[LEVEL_N],
	struct tc_err *e);
/* By falling number of drives; owned by the caller (mem_free). */
int compare_models(const struct compare *c, struct compare_model **out,
	size_t *n, struct tc_err *e);

#endif
