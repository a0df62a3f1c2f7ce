/*
 * What a drive says of itself: NVMe's critical warnings, spare and wear, the
 * defects of SAS, errors of the link, its own health.  Facts with a meaning of
 * their own, judged by a table (predict/rules/drive-states.json), not scored.
 *
 *	failure	the drive is failing: raises the level of its verdict
 *	wear	its rated life is used up: to be said, never evacuated
 *	path	the cable, backplane or controller: not the drive's fault
 *
 * Counters are judged by their rise since the first sight.
 */
#ifndef TOCSIN_PREDICT_DRIVE_H
#define TOCSIN_PREDICT_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/level.h"
#include "model/verdict.h"

/* symbol, metric (as the probe names it), is a ratio */
#define DRIVE_METRIC_TABLE(X)                                  \
	X(DRIVE_WARNING, "critical_warning", 0)                \
	X(DRIVE_SPARE, "spare_ratio", 1)                       \
	X(DRIVE_WEAR, "wear_ratio", 1)                         \
	X(DRIVE_MEDIA_ERRORS, "media_errors", 0)               \
	X(DRIVE_GROWN_DEFECTS, "grown_defects", 0)             \
	X(DRIVE_UNCORRECTED, "uncorrected_errors", 0)          \
	X(DRIVE_CRC_ERRORS, "crc_errors", 0)                   \
	X(DRIVE_PASSED, "smart_passed", 0)

enum drive_metric {
#define X(sym, metric, ratio) sym,
	DRIVE_METRIC_TABLE(X)
#undef X
};
#define DRIVE_METRIC_N 8
#define DRIVE_RULES_MAX 24
#define DRIVE_CONDS_MAX 3

/* {0} knows nothing.  Copied freely. */
struct drive_state {
	uint32_t seen;			/* bit per metric */
	double now[DRIVE_METRIC_N];
	double first[DRIVE_METRIC_N];	/* the baseline; a fall is a new one */
	int64_t observed_ms[DRIVE_METRIC_N];
	int64_t risen_ms[DRIVE_METRIC_N];
};

/* False: no such metric, nothing new, or older than what is known. */
bool drive_observe(struct drive_state *s, const char *metric, double value,
	struct wall at);

/* What a person would call its value now, in per cent if it is a ratio; false:
 * it never told, or there is no such metric. */
bool drive_value(const struct drive_state *s, const char *metric,
	int64_t *out);

/*
 * Packed little-endian bytes with a version.  Restoring what was saved makes
 * an equal struct; hostile bytes make TC_ECORRUPT, a newer version TC_ENEWER,
 * and *out is not touched then.
 */
#define DRIVE_SAVED_MAX 512
#define DRIVE_VALUE_MAX 9e15	/* a double still counts one by one */
size_t drive_save(const struct drive_state *s,
	unsigned char out[DRIVE_SAVED_MAX]);
int drive_restore(const void *p, size_t n, struct drive_state *out,
	struct tc_err *e);

struct drive_cond {
	enum drive_metric metric;
	double ge;
	double lt;
};

enum drive_test { DRIVE_TEST_BIT, DRIVE_TEST_RANGE, DRIVE_TEST_RISE };

struct drive_rule {
	char id[VERDICT_NAME];
	enum verdict_kind kind;
	enum level level;	/* LEVEL_NONE unless kind is failure */
	enum drive_test test;
	struct drive_cond range;	/* of the value, or of the rise */
	uint32_t bit;
	int32_t within_days;	/* of the last rise */
	uint32_t n_unless;
	struct drive_cond unless[DRIVE_CONDS_MAX];	/* all hold: not so */
};

struct drive_rules {
	uint32_t n;
	struct drive_rule rules[DRIVE_RULES_MAX];
};

/* TC_EINVAL with the place. */
int drive_rules_parse(const char *json, size_t n, struct drive_rules *out,
	struct tc_err *e);
int drive_rules_builtin(struct drive_rules *out, struct tc_err *e);

/*
 * A person has looked at a value and lives with it.  Any move beyond delta, or
 * the day, ends that.
 */
struct acceptance {
	char metric[VERDICT_NAME];
	int64_t value;
	int64_t delta;
	struct wall until;
};

enum accept_state { ACCEPT_HOLDS, ACCEPT_MOVED, ACCEPT_EXPIRED };
enum accept_state accept_check(const struct acceptance *a, int64_t value,
	struct wall now);

/*
 * Adds a row of kind state for every rule that holds, raises the level and
 * notes the kinds.  What is accepted and has not moved is left out.
 */
void drive_judge(const struct drive_rules *rules, const struct drive_state *s,
	const struct acceptance *accepted, size_t n, struct verdict *v);

/* The level and kinds again, from the verdict's rows; TC_EINVAL when a row is
 * not the table's. */
int drive_recompute(const struct drive_rules *rules, const struct verdict *v,
	struct verdict *out, struct tc_err *e);

#endif
