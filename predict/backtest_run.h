/*
 * What a backtest keeps while it runs.  Private to predict/backtest*.c.
 */
#ifndef TOCSIN_PREDICT_BACKTEST_RUN_H
#define TOCSIN_PREDICT_BACKTEST_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/mem.h"
#include "predict/backtest.h"
#include "predict/features.h"
#include "predict/peers.h"

#define BT_NEVER BACKTEST_NEVER
#define BT_HORIZONS 3

struct bt_judged {
	int32_t score;
	enum level level;
	bool gate_open;
};

/* From this day on (until the next span) the device was in this bin. */
struct bt_span {
	int32_t from;
	uint8_t bin;
};

/* What is touched only when something changes. */
struct bt_past {
	struct features features;
	int32_t first_day;
	int32_t alarm_day[LEVEL_N];
	struct bt_span *spans;	/* those of the last 90 days */
	size_t n_spans;
	size_t cap_spans;
};

struct bt_device {
	/* small: all that a quiet row touches lies close together */
	uint64_t raw[COUNTER_N];
	uint32_t seen;
	int32_t last_day;
	int32_t fail_day;
	uint32_t serial_n;
	bool gate_open;
	uint8_t level;
	uint8_t bin;
	uint32_t model;
	const struct pack_model *prior;	/* NULL = the pack knows it not */
	const struct peer_line *peers;
	struct bt_past *past;
	char serial[];		/* NUL-terminated */
};

/* Days by bin and horizon: how many, and how many were followed by failure. */
struct bt_bin {
	uint64_t days[BT_HORIZONS];
	uint64_t failing[BT_HORIZONS];
};

struct bt_run {
	const struct pack *pack;
	const struct backtest_opts *opts;
	struct hash by_serial;
	struct intern models;
	struct peer_past *peers;	/* NULL = the pack asks for none */
	struct arena memory;	/* devices */
	struct arena pasts;
	struct bt_device *last_device;
	uint32_t n_devices;
	uint32_t devices_max;
	uint64_t rows;
	uint64_t rows_after_failure;
	uint64_t changes;
	struct bt_bin bins[BACKTEST_BINS_MAX];
	int32_t *leads;		/* scratch of the report */
};

/* The device is in this bin from `day` on; 0 or TC_ENOMEM. */
int bt_note_bin(struct bt_run *run, struct bt_device *d, int32_t day,
	uint8_t bin);
/* All figures, once the source has ended. */
int bt_report(struct bt_run *run, struct backtest_report *out,
	struct tc_err *e);

#endif
