/*
 * From what the devices did to the figures.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "predict/backtest_run.h"

#define SURVIVOR_DAYS 7
#define PPV_DAYS 30
#define Z95 1.959963984540054

static const int32_t horizons[BT_HORIZONS] = { 7, 30, 90 };
#define HORIZON_MAX 90

struct share
share_of(uint64_t k, uint64_t n)
{
	struct share s = { .k = k, .n = n };
	double nn = (double)n, z2 = Z95 * Z95, centre, half;

	if (n == 0)
		return s;
	s.p = (double)k / nn;
	centre = (s.p + z2 / (2 * nn)) / (1 + z2 / nn);
	half = Z95 * sqrt(s.p * (1 - s.p) / nn + z2 / (4 * nn * nn)) /
		(1 + z2 / nn);
	s.low = k == 0 ? 0 : fmax(0, centre - half);
	s.high = k == n ? 1 : fmin(1, centre + half);
	return s;
}

/* ---- days by bin --------------------------------------------------------- */

/*
 * Days from…to−1 in a bin, with the outcome known up to `end`: `failed` says
 * whether the device failed then or was only seen to live so long.
 */
static void
count_days(struct bt_bin *bin, int64_t from, int64_t to, int64_t end,
	bool failed)
{
	for (int i = 0; i < BT_HORIZONS; i++) {
		/* the first day whose horizon reaches the end */
		int64_t edge = failed ? end - horizons[i] :
			end - horizons[i] + 1;
		int64_t before = (to < edge ? to : edge) - from;
		int64_t behind = to - (from > edge ? from : edge);

		if (before > 0)
			bin->days[i] += (uint64_t)before;
		if (behind > 0 && failed) {
			bin->days[i] += (uint64_t)behind;
			bin->failing[i] += (uint64_t)behind;
		}
	}
}

/* Spans that ended more than 90 days ago have a known outcome: it lived. */
static void
settle_spans(struct bt_run *run, struct bt_past *p, int32_t day)
{
	int64_t known = (int64_t)day - HORIZON_MAX;
	size_t gone = 0;

	while (gone + 1 < p->n_spans && p->spans[gone + 1].from <= known) {
		count_days(&run->bins[p->spans[gone].bin], p->spans[gone].from,
			p->spans[gone + 1].from, day, false);
		gone++;
	}
	if (gone == 0)
		return;
	p->n_spans -= gone;
	memmove(p->spans, p->spans + gone, p->n_spans * sizeof(p->spans[0]));
}

int
bt_note_bin(struct bt_run *run, struct bt_device *d, int32_t day, uint8_t bin)
{
	struct bt_past *p = d->past;
	void *spans = p->spans;
	int rc;

	if (p->n_spans > 0 && d->bin == bin)
		return 0;
	d->bin = bin;
	if (p->n_spans > 0 && p->spans[p->n_spans - 1].from == day) {
		p->spans[p->n_spans - 1].bin = bin;
		return 0;
	}
	settle_spans(run, p, day);
	if ((rc = mem_grow(&spans, &p->cap_spans, p->n_spans + 1,
			sizeof(p->spans[0]))) < 0)
		return rc;
	p->spans = spans;
	p->spans[p->n_spans++] = (struct bt_span){ day, bin };
	return 0;
}

static void
finish_spans(struct bt_run *run, const struct bt_device *d)
{
	const struct bt_past *p = d->past;
	bool failed = d->fail_day != BT_NEVER;
	int64_t end = failed ? d->fail_day : (int64_t)d->last_day;

	for (size_t i = 0; i < p->n_spans; i++) {
		int64_t to = i + 1 < p->n_spans ? p->spans[i + 1].from :
			failed ? end : end + 1;

		count_days(&run->bins[p->spans[i].bin], p->spans[i].from, to,
			end, failed);
	}
}

static void
report_bins(const struct bt_run *run, struct backtest_report *out)
{
	const struct pack *pack = run->pack;

	out->n_bins = pack->n_calibration + 1;
	for (uint32_t i = 0; i < out->n_bins; i++) {
		const struct bt_bin *b = &run->bins[i];

		out->bins[i] = (struct backtest_bin){
			.from = i ? pack->calibration[i - 1].from : INT32_MIN,
			.predicted = i ? pack->calibration[i - 1].risk :
				pack->clean,
			.d7 = share_of(b->failing[0], b->days[0]),
			.d30 = share_of(b->failing[1], b->days[1]),
			.d90 = share_of(b->failing[2], b->days[2]),
		};
	}
}

/* ---- alarms -------------------------------------------------------------- */

static int
compare_days(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* By nearest rank. */
static int32_t
quantile(const int32_t *sorted, uint64_t n, double q)
{
	uint64_t rank = (uint64_t)ceil(q * (double)n);

	return sorted[rank > 0 ? rank - 1 : 0];
}

struct tally {
	uint64_t detected;
	uint64_t late;
	uint64_t good;
	uint64_t survivors;
	uint64_t soon;		/* within PPV_DAYS */
};

static bool
survives(const struct bt_device *d, int32_t end)
{
	return d->fail_day == BT_NEVER &&
		(int64_t)d->last_day >= (int64_t)end - SURVIVOR_DAYS;
}

static void
tally_device(struct bt_run *run, const struct bt_device *d, int level,
	int32_t end, struct tally *t)
{
	int64_t lead = (int64_t)d->fail_day - d->past->alarm_day[level];

	if (d->past->alarm_day[level] == BT_NEVER)
		return;
	if (d->fail_day == BT_NEVER) {
		t->good++;
		t->survivors += survives(d, end);
		return;
	}
	if (lead < 1) {
		t->late++;
		return;
	}
	run->leads[t->detected++] = (int32_t)lead;
	t->soon += lead <= PPV_DAYS;
}

static double
f_half(double precision, double recall)
{
	double under = 0.25 * precision + recall;

	return under > 0 ? 1.25 * precision * recall / under : 0;
}

static void
report_level(struct bt_run *run, int level, struct backtest_report *out)
{
	struct backtest_level *l = &out->levels[level];
	struct tally t = { 0 };
	struct bt_device *d;
	uint64_t alarms;

	for (size_t at = 0; (d = hash_next(&run->by_serial, &at));)
		tally_device(run, d, level, out->last_day, &t);
	alarms = t.detected + t.late + t.good;
	l->detected = t.detected;
	l->late = t.late;
	l->fdr = share_of(t.detected, out->failed);
	l->far_good = share_of(t.good, out->good);
	l->far_survivor = share_of(t.survivors, out->survivors);
	l->ppv = share_of(t.detected, alarms);
	l->ppv30 = share_of(t.soon, alarms);
	l->f05 = f_half(l->ppv.p, l->fdr.p);
	if (t.detected == 0)
		return;
	qsort(run->leads, (size_t)t.detected, sizeof(run->leads[0]),
		compare_days);
	l->lead_p10 = quantile(run->leads, t.detected, 0.1);
	l->lead_median = quantile(run->leads, t.detected, 0.5);
	l->lead_p90 = quantile(run->leads, t.detected, 0.9);
}

static void
count_devices(struct bt_run *run, struct backtest_report *out)
{
	struct bt_device *d;

	for (size_t at = 0; (d = hash_next(&run->by_serial, &at));) {
		if (out->devices == 0 || d->past->first_day < out->first_day)
			out->first_day = d->past->first_day;
		if (out->devices == 0 || d->last_day > out->last_day)
			out->last_day = d->last_day;
		out->devices++;
		out->failed += d->fail_day != BT_NEVER;
		out->good += d->fail_day == BT_NEVER;
		out->device_days += (uint64_t)((int64_t)d->last_day -
			d->past->first_day + 1);
		finish_spans(run, d);
	}
	for (size_t at = 0; (d = hash_next(&run->by_serial, &at));)
		out->survivors += survives(d, out->last_day);
}

static int
tell_devices(struct bt_run *run, int32_t end, struct tc_err *e)
{
	struct bt_device *d;
	int rc = 0;

	if (!run->opts->device)
		return 0;
	for (size_t at = 0; rc == 0 && (d = hash_next(&run->by_serial, &at));) {
		struct backtest_device out = { .serial = d->serial,
			.model = intern_name(&run->models, d->model),
			.first_day = d->past->first_day,
			.last_day = d->last_day, .fail_day = d->fail_day,
			.survives = survives(d, end) };

		if (!out.model)
			out.model = "";
		memcpy(out.alarm_day, d->past->alarm_day,
			sizeof(out.alarm_day));
		rc = run->opts->device(run->opts->ctx, &out, e);
	}
	return rc;
}

int
bt_report(struct bt_run *run, struct backtest_report *out, struct tc_err *e)
{
	memset(out, 0, sizeof(*out));
	out->rows = run->rows;
	out->rows_after_failure = run->rows_after_failure;
	out->changes = run->changes;
	memcpy(out->pack, run->pack->id, sizeof(out->pack));
	count_devices(run, out);
	run->leads = mem_alloc_array((size_t)out->failed + 1,
		sizeof(run->leads[0]));
	if (!run->leads)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (int i = 1; i < LEVEL_N; i++)
		report_level(run, i, out);
	report_bins(run, out);
	return tell_devices(run, out->last_day, e);
}
