/*
 * What is remembered of a disk's counters: enough to ask for a value, its rise
 * over 7 or 30 days and its history, in bounded memory and constant time per
 * observation.  Pure: days and times are arguments.
 *
 *	The first value of a counter is its baseline, never a rise, however
 *	late it comes.  Between observations values are carried forward.  A
 *	counter that was never reported is unknown, not zero.  Decreases are
 *	normal, except of reallocated sectors: there the past is re-baselined.
 *	Several rises on one day are one rise event.
 */
#ifndef TOCSIN_PREDICT_FEATURES_H
#define TOCSIN_PREDICT_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

/* Changed whenever the meaning of a counter or a statistic changes. */
#define FEATURE_SET_VERSION 2
/* Of 2 all that 1 had means the same. */
#define FEATURE_SET_OLDEST 1

/*
 * symbol, metric, has daily slots (needed for rise_*), kind: counters of one
 * kind tell of one trouble.  0 = counted by itself only.
 */
#define COUNTER_TABLE(X)                                    \
	X(COUNTER_REALLOCATED, "smart_5_raw", 1, 1)         \
	X(COUNTER_REPORTED, "smart_187_raw", 1, 2)          \
	X(COUNTER_TIMEOUTS, "smart_188_raw", 0, 0)          \
	X(COUNTER_PENDING, "smart_197_raw", 1, 3)           \
	X(COUNTER_OFFLINE, "smart_198_raw", 0, 3)

enum counter {
#define X(sym, metric, slots, kind) sym,
	COUNTER_TABLE(X)
#undef X
};
#define COUNTER_N 5
#define COUNTER_SLOTTED 3

/*
 * symbol, id, unit, days looked back.  predict/rules/README.md says what each
 * means.  rises_30d tells at most FEATURE_RISES_KEPT events apart; rise_90d
 * looks back 90 to 96 days, as weeks are kept; accel_7d may be negative;
 * peers_below is what features_rank() was told.  The last four are of the
 * device.
 */
#define STAT_TABLE(X)                                        \
	X(STAT_NOW, "now", "count", 0)                       \
	X(STAT_MAX, "max", "count", 0)                       \
	X(STAT_RISE_1D, "rise_1d", "count", 1)               \
	X(STAT_RISE_7D, "rise_7d", "count", 7)               \
	X(STAT_RISE_30D, "rise_30d", "count", 30)            \
	X(STAT_RISE_90D, "rise_90d", "count", 97)            \
	X(STAT_ACCEL_7D, "accel_7d", "count", 14)            \
	X(STAT_RISES, "rises", "events", 0)                  \
	X(STAT_RISES_30D, "rises_30d", "events", 30)         \
	X(STAT_RECURRENCES, "recurrences", "events", 0)      \
	X(STAT_QUIET_DAYS, "quiet_days", "days", 0)          \
	X(STAT_DAYS_NONZERO, "days_nonzero", "days", 0)      \
	X(STAT_PEERS_BELOW, "peers_below", "permille", 0)    \
	X(STAT_KINDS_NONZERO, "kinds_nonzero", "kinds", 0)   \
	X(STAT_COUNTERS_NONZERO, "counters_nonzero", "counters", 0) \
	X(STAT_PENDING_GAP, "pending_gap", "count", 0)       \
	X(STAT_UNCONFIRMED_30D, "unconfirmed_30d", "count", 30)

enum stat_kind {
#define X(sym, id, unit, days) sym,
	STAT_TABLE(X)
#undef X
};
#define STAT_N 17

#define FEATURE_SLOTS 32	/* days; a power of two > 30 */
#define FEATURE_WEEKS 16	/* a power of two that holds 97 days */
#define FEATURE_QUIET_DAYS 30	/* after so many a rise is a recurrence */
#define FEATURE_RISES_KEPT 4
/* quiet_days of a counter that was nonzero at first sight and never rose, and
 * days_nonzero of one that was nonzero at first sight */
#define QUIET_SINCE_FIRST_SIGHT INT64_C(99999)

#define FEATURE_DAY_NEVER INT32_MAX
#define FEATURE_DAY_BEFORE INT32_MIN	/* at first sight: who knows since when */

struct counter_past {
	int64_t observed_ms;	/* UTC, of the newest value */
	uint32_t now;
	uint32_t first;		/* the baseline */
	uint32_t max;
	uint32_t rises;		/* events, ever */
	int32_t first_day;
	int32_t rise_day[FEATURE_RISES_KEPT];	/* newest first */
	/* first nonzero; FEATURE_DAY_NEVER, or FEATURE_DAY_BEFORE */
	int32_t nonzero_day;
	uint32_t recurrences;
	uint16_t below;		/* permille of the peers, where it is ranked */
};

/* {0} knows nothing.  Copied freely. */
struct features {
	uint32_t seen;		/* bit per counter */
	uint32_t nonzero;	/* bit per counter, now */
	uint32_t ranked;	/* bit per counter: it has peers enough */
	int32_t first_day;
	int32_t slot_day;	/* the day of the newest slot */
	int32_t changed_day;	/* when a known value last changed */
	/* when it was last ranked; FEATURE_DAY_BEFORE: before a change */
	int32_t ranked_day;
	struct counter_past past[COUNTER_N];
	uint32_t slots[COUNTER_SLOTTED][FEATURE_SLOTS];	/* by day mod 32 */
	/* the last value of each week since 1970, by week mod 16 */
	uint32_t weeks[COUNTER_SLOTTED][FEATURE_WEEKS];
};
_Static_assert(sizeof(struct features) <= 1024, "1 KiB per device");

/* Which number of a device.  Text form: "smart_197_raw.rise_7d",
 * "device.kinds_nonzero". */
struct feature_ref {
	enum counter counter;	/* meaningless for statistics of the device */
	enum stat_kind stat;
};

struct feature_value {
	int64_t value;
	int64_t baseline;
	int64_t change;
	struct wall observed_at;
	bool known;
};

/*
 * A new value, raw as the drive gave it.  Day is the UTC day of `at`; both are
 * arguments so that history can be replayed.  Returns true when the value is
 * another than before.  What is older than the newest value of the counter, or
 * more than FEATURE_SLOTS days older than the newest of all, is ignored.
 */
bool features_observe(struct features *f, enum counter counter, uint64_t raw,
	int32_t day, struct wall at);

/* Unpacks: 188 is three 16-bit words (the largest counts); others saturate. */
uint32_t counter_decode(enum counter counter, uint64_t raw);

/* What a statistic is on `day` (≥ the newest observation's day). */
struct feature_value features_get(const struct features *f,
	struct feature_ref ref, int32_t day);

/*
 * What share of the model's drives stood lower, in permille, when it was last
 * looked at (predict/peers.h); negative = too few to say.  Returns true when
 * that is news.
 */
bool features_rank(struct features *f, enum counter counter, int below);

/* As if the counter had been zero ever since: a person lives with its value. */
void features_forgive(struct features *f, enum counter counter);

/* "smart_197_raw"; never NULL. */
const char *counter_metric(enum counter counter);
/* False when the metric is no counter of the feature set. */
bool counter_from_metric(const char *metric, size_t n, enum counter *out);
const char *stat_name(enum stat_kind stat);
const char *stat_unit(enum stat_kind stat);
/* Days after which a change no longer shows in the statistic; 0 = never. */
int32_t stat_window_days(enum stat_kind stat);
bool stat_is_of_device(enum stat_kind stat);
bool stat_may_be_negative(enum stat_kind stat);
/* False: no such feature, or rise_* of a counter without slots. */
bool feature_ref_parse(const char *text, size_t n, struct feature_ref *out);
/* "smart_197_raw", or "device". */
const char *feature_ref_metric(struct feature_ref ref);

/* The week of a day, since 1970: slots of weeks go by it. */
int64_t features_week_of(int64_t day);

/*
 * Packed little-endian bytes with a version.  Restoring what was saved makes
 * an equal struct; hostile bytes make TC_ECORRUPT, a newer version TC_ENEWER,
 * and *out is not touched then.
 */
#define FEATURES_SAVED_MAX 1024
size_t features_save(const struct features *f,
	unsigned char out[FEATURES_SAVED_MAX]);
int features_restore(const void *p, size_t n, struct features *out,
	struct tc_err *e);

#endif
