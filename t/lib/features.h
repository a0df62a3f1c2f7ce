/*
 * Counters of a disk for tests: told day by day, and asked.
 */
#ifndef TOCSIN_T_LIB_FEATURES_H
#define TOCSIN_T_LIB_FEATURES_H

#include <check.h>
#include <string.h>

#include "predict/features.h"

#define DAY0 16000

static inline void
see(struct features *f, enum counter c, uint64_t raw, int32_t day)
{
	(void)features_observe(f, c, raw, day, wall_from_days(day));
}

static inline struct feature_value
ask(const struct features *f, const char *name, int32_t day)
{
	struct feature_ref ref;

	ck_assert_msg(feature_ref_parse(name, strlen(name), &ref), "%s", name);
	return features_get(f, ref, day);
}

#define ck_feature(f, name, day, want)                                  \
	do {                                                            \
		struct feature_value v_ = ask(f, name, day);            \
		ck_assert_msg(v_.known, "%s is unknown", name);         \
		ck_assert_int_eq(v_.value, want);                       \
	} while (0)

#endif
