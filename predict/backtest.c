/*
 * The replay of history; backtest_report.c reckons the figures.
 */
#include "predict/backtest.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "predict/backtest_run.h"
#include "predict/eval.h"

#define DEVICES_MAX_DEFAULT 4000000u
#define PROGRESS_ROWS 65536

/* ---- devices ------------------------------------------------------------- */

static struct bt_device *
device_new(struct bt_run *run, const struct row *row, struct tc_err *e)
{
	struct bt_device *d;
	uint32_t model;

	if (run->n_devices == run->devices_max) {
		(void)tc_fail(e, TC_EFULL, "%s:%llu: more than %u devices",
			row->file, (unsigned long long)row->line,
			(unsigned)run->devices_max);
		return NULL;
	}
	model = intern_put(&run->models, row->model, row->model_n);
	d = arena_alloc(&run->memory,
		sizeof(*d) + (size_t)row->serial_n + 1);
	if (d)
		d->past = arena_alloc(&run->pasts, sizeof(*d->past));
	if (!d || !d->past || (!model && row->model_n)) {
		(void)tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	memcpy(d->serial, row->serial, row->serial_n);
	d->serial_n = row->serial_n;
	d->model = model;
	d->prior = model ? pack_model_find(run->pack,
		intern_name(&run->models, model)) : NULL;
	d->peers = peer_past_line(run->peers, row->model, row->model_n);
	d->past->first_day = d->last_day = row->day;
	d->fail_day = BT_NEVER;
	for (int i = 0; i < LEVEL_N; i++)
		d->past->alarm_day[i] = BT_NEVER;
	if (hash_put(&run->by_serial, d->serial, d->serial_n, d) < 0) {
		(void)tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	run->n_devices++;
	return d;
}

static bool
is_device(const struct bt_device *d, const struct row *row)
{
	return d && d->serial_n == row->serial_n &&
		memcmp(d->serial, row->serial, row->serial_n) == 0;
}

/* In data sorted by drive the last one is nearly always the right one. */
static struct bt_device *
device_of(struct bt_run *run, const struct row *row, struct tc_err *e)
{
	struct bt_device *d = run->last_device;

	if (is_device(d, row))
		return d;
	d = hash_get(&run->by_serial, row->serial, row->serial_n);
	if (!d)
		d = device_new(run, row, e);
	run->last_device = d;
	return d;
}

/* ---- judging ------------------------------------------------------------- */

static int
report_change(struct bt_run *run, struct bt_device *d, int32_t day,
	const struct bt_judged *now, struct tc_err *e)
{
	struct backtest_change change = {
		.serial = d->serial,
		.model = intern_name(&run->models, d->model),
		.day = day, .score = now->score, .level = now->level,
		.risk = now->gate_open ?
			pack_calibrate(run->pack, now->score)->risk.d30 :
			run->pack->clean.d30,
	};

	run->changes++;
	if (!change.model)
		change.model = "";
	if (!run->opts->change)
		return 0;
	return run->opts->change(run->opts->ctx, &change, e);
}

static uint8_t
bin_of(const struct bt_run *run, const struct bt_judged *now)
{
	const struct pack *pack = run->pack;

	if (!now->gate_open)
		return 0;
	return (uint8_t)(pack_calibrate(pack, now->score) - pack->calibration +
		1);
}

static int
judge(struct bt_run *run, struct bt_device *d, int32_t day, struct tc_err *e)
{
	struct bt_judged now;

	if (run->peers)
		(void)peers_rank(peer_line_on(d->peers, day), run->pack->ranks,
			day, &d->past->features);
	now.score = eval_score(run->pack, &d->past->features,
		d->prior, day, &now.gate_open);
	now.level = now.gate_open ? pack_level(run->pack, now.score) :
		LEVEL_NONE;
	d->gate_open = now.gate_open;
	for (int i = 1; i <= (int)now.level; i++) {
		if (d->past->alarm_day[i] == BT_NEVER)
			d->past->alarm_day[i] = day;
	}
	if (bt_note_bin(run, d, day, bin_of(run, &now)) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if (now.level == d->level)
		return 0;
	d->level = (uint8_t)now.level;
	return report_change(run, d, day, &now, e);
}

/*
 * The days between two rows.  While no window expires nothing can change, and
 * a closed gate stays closed unless it looks at windows itself.
 */
static int
judge_until(struct bt_run *run, struct bt_device *d, int32_t day,
	struct tc_err *e)
{
	int64_t settles = (int64_t)d->past->features.changed_day +
		run->pack->settle_days;
	int rc;

	if (!d->gate_open)
		settles = (int64_t)d->past->features.changed_day +
			run->pack->gate_settle_days;
	for (int64_t at = (int64_t)d->last_day + 1; at < day && at <= settles;
	     at++) {
		if ((rc = judge(run, d, (int32_t)at, e)) < 0)
			return rc;
	}
	return 0;
}

/* True when a counter has another value than in the row before. */
static bool
take_values(struct bt_device *d, const struct row *row)
{
	struct wall at = wall_from_days(row->day);
	bool changed = false;

	if (row->seen == d->seen &&
	    memcmp(row->raw, d->raw, sizeof(d->raw)) == 0)
		return false;
	for (int c = 0; c < COUNTER_N; c++) {
		uint32_t bit = 1u << c;

		if (!(row->seen & bit))
			continue;
		if ((d->seen & bit) && d->raw[c] == row->raw[c])
			continue;
		changed |= !(d->seen & bit);
		changed |= features_observe(&d->past->features, (enum counter)c,
			row->raw[c], row->day, at);
		d->raw[c] = row->raw[c];
	}
	d->seen |= row->seen;
	return changed;
}

static int
take_row(struct bt_run *run, const struct row *row, struct tc_err *e)
{
	struct bt_device *d = device_of(run, row, e);
	bool is_new, changed;
	int rc;

	if (!d)
		return e ? e->code : TC_ENOMEM;
	is_new = d->past->features.seen == 0;
	if (d->fail_day != BT_NEVER) {
		run->rows_after_failure++;
		return 0;
	}
	if (row->day < d->last_day)
		return tc_fail(e, TC_EINVAL, "%s:%llu: drive %s goes back in "
			"time; rows of one drive must come by date", row->file,
			(unsigned long long)row->line, d->serial);
	if (row->day - d->last_day > 1 &&
	    (rc = judge_until(run, d, row->day, e)) < 0)
		return rc;
	changed = take_values(d, row);
	if (changed || is_new || d->gate_open || run->pack->gate_settle_days) {
		if ((rc = judge(run, d, row->day, e)) < 0)
			return rc;
	}
	d->last_day = row->day;
	if (row->failure)
		d->fail_day = row->day;
	return 0;
}

/* ---- the run ------------------------------------------------------------- */

static void
run_fini(struct bt_run *run)
{
	struct bt_device *d;

	for (size_t at = 0; (d = hash_next(&run->by_serial, &at));)
		mem_free(d->past->spans);
	hash_free(&run->by_serial);
	intern_free(&run->models);
	peer_past_free(run->peers);
	arena_free(&run->memory);
	arena_free(&run->pasts);
	mem_free(run->leads);
}

int
backtest_run(struct row_source *source, const struct pack *pack,
	const struct backtest_opts *opts, struct backtest_report *out,
	struct tc_err *e)
{
	struct bt_run run = { .pack = pack, .opts = opts,
		.devices_max = opts->devices_max ? opts->devices_max :
			DEVICES_MAX_DEFAULT };
	struct row row = { 0 };
	int rc;

	if (pack->ranks != 0 &&
	    (rc = peer_past_read(source, &run.peers, e)) < 0)
		goto out;
	while ((rc = source->next(source, &row, e)) > 0) {
		run.rows++;
		if ((rc = take_row(&run, &row, e)) < 0)
			goto out;
		if (opts->progress && run.rows % PROGRESS_ROWS == 0)
			opts->progress(opts->ctx, run.rows);
	}
	if (rc == 0)
		rc = bt_report(&run, out, e);
out:
	run_fini(&run);
	return rc;
}
