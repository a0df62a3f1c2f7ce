/*
 * Backtest: history replayed day by day as if it were now, without a look
 * ahead, and the outcome held against what was predicted.
 *
 *	Every device is judged on each day from its first to its last row;
 *	values are carried forward over days without a row.  A level may
 *	change on such a day: a window expires, or 90 days without a rise are
 *	full.  Nothing is judged after the last row.
 *
 *	The failure day is the device's first row with failure=1; what comes
 *	later is ignored.  An alarm counts as found when it came at least one
 *	day before; on the day itself it is late.  Good = never failed.
 *	Survivor = good and still there within 7 days of the end of the data.
 *	PPV30 = first alarms that were followed by the failure within 30 days.
 */
#ifndef TOCSIN_PREDICT_BACKTEST_H
#define TOCSIN_PREDICT_BACKTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/level.h"
#include "predict/rules.h"
#include "predict/source.h"

/* k of n and its 95 % Wilson interval; all 0 when n is 0. */
struct share {
	uint64_t k;
	uint64_t n;
	double p;
	double low;
	double high;
};
struct share share_of(uint64_t k, uint64_t n);

/* One change of level. */
struct backtest_change {
	const char *serial;
	const char *model;
	int32_t day;
	int32_t score;		/* hundredths; 0 when not judged */
	enum level level;
	double risk;		/* within 30 days */
};

/* What became of one device, once the data have ended. */
#define BACKTEST_NEVER INT32_MIN
struct backtest_device {
	const char *serial;
	const char *model;
	int32_t first_day;
	int32_t last_day;
	int32_t fail_day;		/* BACKTEST_NEVER */
	bool survives;
	int32_t alarm_day[LEVEL_N];	/* first at this level or above */
};

struct backtest_opts {
	/* May be NULL; a negative return ends the run with it. */
	int (*change)(void *ctx, const struct backtest_change *,
		struct tc_err *);
	/* May be NULL; every device once, at the end; as `change`. */
	int (*device)(void *ctx, const struct backtest_device *,
		struct tc_err *);
	/* May be NULL; called every 65,536 rows. */
	void (*progress)(void *ctx, uint64_t rows);
	void *ctx;
	/* Devices at most, 0 = 4 million: memory is bounded by devices. */
	uint32_t devices_max;
};

/* First alarms at this level or above. */
struct backtest_level {
	uint64_t detected;
	uint64_t late;
	struct share fdr;		/* of the failed */
	struct share far_good;		/* of the good */
	struct share far_survivor;	/* of the survivors */
	struct share ppv;		/* found, of all alarms */
	struct share ppv30;
	double f05;
	int32_t lead_p10;		/* days; 0 when nothing was found */
	int32_t lead_median;
	int32_t lead_p90;
};

/*
 * What became of days spent at such scores: row 0 is "clean", row i + 1 is the
 * pack's calibration row i.  Days whose outcome lies behind the end of the
 * data are not counted.
 */
struct backtest_bin {
	int32_t from;		/* score; INT32_MIN in rows 0 and 1 */
	struct risk predicted;
	struct share d7;	/* device-days */
	struct share d30;
	struct share d90;
};
#define BACKTEST_BINS_MAX (PACK_CALIBRATION_MAX + 1)

struct backtest_report {
	uint64_t rows;
	uint64_t rows_after_failure;
	uint64_t device_days;	/* judged, days without a row included */
	uint64_t devices;
	uint64_t failed;
	uint64_t good;
	uint64_t survivors;
	uint64_t changes;
	int32_t first_day;
	int32_t last_day;
	char pack[VERDICT_PACK_ID];
	struct backtest_level levels[LEVEL_N];	/* [LEVEL_NONE] is empty */
	uint32_t n_bins;
	struct backtest_bin bins[BACKTEST_BINS_MAX];
};

/*
 * Reads the source to its end.  TC_EINVAL with file:line when a device goes
 * back in time; TC_EFULL when there are too many devices.  A pack that asks
 * for the peers reads it twice: TC_EUNSUP when that cannot be.
 */
int backtest_run(struct row_source *source, const struct pack *pack,
	const struct backtest_opts *opts, struct backtest_report *out,
	struct tc_err *e);

#endif
