/*
 * What is remembered of a host's own signals: errors that were counted, stalls
 * and latency against its own past, failures before.  Constant time per
 * observation; 20 bytes a signal that is told, more only where errors rose (at
 * most SIGNAL_COUNTS times 72 bytes) and by its disks (at most SIGNAL_DISKS).
 * Pure: days and times are arguments.
 *
 *	count	the sum over its instances; the first value is a baseline, a
 *		fall (a reboot, a new part) is another one, a rise is an event
 *	event	told by the engine: a failure, a check that was convicted
 *	share	0…1, as a mean over the last hour and over the last week
 *	shift	seconds, likewise; of disks each by itself
 *
 * What was never measured is unknown, not zero; so is a mean whose last value
 * is older than an hour, or whose past is shorter than a day.
 */
#ifndef TOCSIN_PREDICT_SIGNALS_H
#define TOCSIN_PREDICT_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "predict/features.h"

/* symbol, id, kind.  Counts first, then events, then means. */
#define HOST_SIGNAL_TABLE(X)                                        \
	X(SIGNAL_IO_ERRORS, "io_errors", SIGNAL_COUNT)         \
	X(SIGNAL_KERNEL_IO, "kernel_io_errors", SIGNAL_COUNT)  \
	X(SIGNAL_ECC_CORRECTED, "ecc_corrected", SIGNAL_COUNT) \
	X(SIGNAL_ECC_UNCORRECTED, "ecc_uncorrected", SIGNAL_COUNT) \
	X(SIGNAL_MACHINE_CHECKS, "machine_checks", SIGNAL_COUNT) \
	X(SIGNAL_OOPSES, "kernel_oopses", SIGNAL_COUNT)        \
	X(SIGNAL_LOCKUPS, "kernel_lockups", SIGNAL_COUNT)      \
	X(SIGNAL_CRASHES, "crash_records", SIGNAL_COUNT)       \
	X(SIGNAL_UNCLEAN, "unclean_reboots", SIGNAL_COUNT)     \
	X(SIGNAL_LINK, "link_errors", SIGNAL_COUNT)            \
	X(SIGNAL_FLAPS, "check_failures", SIGNAL_EVENT)        \
	X(SIGNAL_FAILURES, "host_failures", SIGNAL_EVENT)      \
	X(SIGNAL_PING_LOSS, "ping_loss", SIGNAL_SHARE)         \
	X(SIGNAL_IO_STALLS, "io_stalls", SIGNAL_SHARE)         \
	X(SIGNAL_MEMORY_STALLS, "memory_stalls", SIGNAL_SHARE) \
	X(SIGNAL_PING_RTT, "ping_rtt", SIGNAL_SHIFT)           \
	X(SIGNAL_PING_JITTER, "ping_jitter", SIGNAL_SHIFT)     \
	X(SIGNAL_DISK_LATENCY, "disk_latency", SIGNAL_SHIFT)

enum signal_kind { SIGNAL_COUNT, SIGNAL_EVENT, SIGNAL_SHARE, SIGNAL_SHIFT };
enum signal {
#define X(sym, id, kind) sym,
	HOST_SIGNAL_TABLE(X)
#undef X
};
#define SIGNAL_N 18
#define SIGNAL_NONE SIGNAL_N
#define SIGNAL_COUNTS 12	/* counts and events */
#define SIGNAL_MEANS 6

/*
 * symbol, id, unit.  rises: by how much, over so many days.  quiet_days since
 * the last rise; unknown before any.  permille: of the last hour's mean, and
 * by how much it is above the week's.  percent: of the week's mean; of the
 * median of the host's other disks (four at least).
 */
#define SIGNAL_STAT_TABLE(X)                                   \
	X(SIGNAL_RISE_1D, "rise_1d", "count")                  \
	X(SIGNAL_RISE_7D, "rise_7d", "count")                  \
	X(SIGNAL_RISE_30D, "rise_30d", "count")                \
	X(SIGNAL_QUIET_DAYS, "quiet_days", "days")             \
	X(SIGNAL_PERMILLE, "permille", "permille")             \
	X(SIGNAL_ABOVE_PAST, "permille_above_past", "permille") \
	X(SIGNAL_OF_PAST, "percent_of_past", "percent")        \
	X(SIGNAL_OF_PEERS, "percent_of_peers", "percent")

enum signal_stat {
#define X(sym, id, unit) sym,
	SIGNAL_STAT_TABLE(X)
#undef X
};
#define SIGNAL_STAT_N 8

#define SIGNAL_SLOTS 32
#define SIGNAL_DISKS 32

#define SIGNAL_MEAN_MAX 1e6f	/* seconds or ratios; what is beyond is this */

struct signal_mean {
	float fast;		/* over about an hour */
	float slow;		/* over about a week */
	uint32_t since_s;	/* UTC; the past begins here */
};

struct signal_rises {
	uint16_t slots[SIGNAL_SLOTS];	/* by day mod 32, saturating */
	int32_t day;		/* of the last rise, and of the newest slot */
	uint8_t signal;
};

struct signal_disk {
	uint32_t name;		/* hash of metric and instance; never 0 */
	struct signal_mean mean;
};

struct signal_entry {
	uint32_t at_s;		/* UTC, of the newest value */
	union {
		uint32_t now;	/* of a count; saturating */
		struct signal_mean mean;
	} u;
	uint8_t signal;
	uint8_t source;		/* who told it last */
};

/* A host that is pinged tells two; they lie in struct signals itself. */
#define SIGNALS_NEAR 2

/* {0} knows nothing; signals_free() when done. */
struct signals {
	uint32_t seen;			/* bit per signal */
	uint8_t n_entries;
	uint8_t n_rises;
	uint8_t n_disks;
	union {			/* of those that were ever told */
		struct signal_entry near[SIGNALS_NEAR];
		struct signal_entry *far;
	} entries;		/* signals_entries() */
	struct signal_rises *rises;
	struct signal_disk *disks;
};

struct signal_metric {
	const char *name;
	const char *instance;
	double value;
};

/* One observation that is being heard. */
struct signals_heard {
	struct signals *s;
	struct wall at;
	uint32_t at_s;
	uint32_t here;		/* bit per signal that it tells of */
	uint8_t source;
	double sums[SIGNAL_COUNTS];	/* of those that are here */
};

/* SIGNAL_NONE: it tells of none, as most metrics. */
uint8_t signal_of_metric(const char *metric);

/*
 * The metrics of one observation that tell of signals, one by one: instances
 * are added up.  Older than what is known, or no memory: ignored.  `source`
 * tells the checks of a host apart: two that measure the same are not mixed,
 * the second is heard when the first was silent for an hour, and then it is a
 * new baseline.
 */
void signals_begin(struct signals_heard *o, struct signals *s, uint8_t source,
	struct wall at);
void signals_tell(struct signals_heard *o, enum signal signal,
	const struct signal_metric *m);
/* True when a count rose. */
bool signals_end(struct signals_heard *o);
static inline const struct signal_entry *
signals_entries(const struct signals *s)
{
	return s->n_entries > SIGNALS_NEAR ? s->entries.far : s->entries.near;
}

/* Made when it is not there; NULL = no memory. */
struct signal_entry *signals_entry(struct signals *s, enum signal signal);
void signals_event(struct signals *s, enum signal signal, struct wall at);
/* Another shape of the machine (processors, memory): means begin anew. */
void signals_new_past(struct signals *s);
void signals_free(struct signals *s);

struct feature_value signals_get(const struct signals *s, enum signal signal,
	enum signal_stat stat, struct wall now);

const char *signal_name(enum signal signal);
enum signal_kind signal_kind_of(enum signal signal);
const char *signal_stat_name(enum signal_stat stat);
const char *signal_stat_unit(enum signal_stat stat);
bool signal_from_name(const char *name, enum signal *out);
bool signal_stat_from_name(const char *name, enum signal_stat *out);
/* Whether the statistic exists for the signal. */
bool signal_stat_fits(enum signal signal, enum signal_stat stat);

/*
 * Packed little-endian bytes with a version, appended.  Restoring makes an
 * equal state; hostile bytes TC_ECORRUPT, a newer version TC_ENEWER, and *out
 * is not touched then.  *out must be {0} or freed.
 */
int signals_save(const struct signals *s, struct strbuf *out);
int signals_restore(const void *p, size_t n, struct signals *out,
	struct tc_err *e);

#endif
