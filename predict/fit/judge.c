/*
 * How good scores are, and what they mean in days.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "predict/fit/inside.h"

#define HORIZONS 3
#define PPV_DAYS 30
static const int32_t horizons[HORIZONS] = { 7, 30, 90 };

/* ---- drives -------------------------------------------------------------- */

static bool
takes_part(const struct fit_trial *t, size_t i)
{
	return (!t->only || t->only[i]) &&
		t->data->devices[i].last_day >= t->from;
}

/* The day behind the state's last. */
static int32_t
state_end(const struct fit_data *d, const struct fit_device *dev, uint32_t k)
{
	return k + 1 < dev->n_states ? d->day[dev->state + k + 1] :
		dev->last_day + 1;
}

static struct fit_view
whole(const struct fit_trial *t)
{
	return (struct fit_view){ t->data, t->data->last_day, NULL };
}

struct worst {
	int32_t score;
	bool failed;
	bool survives;
};

static int
compare_worst(const void *a, const void *b)
{
	const struct worst *x = a, *y = b;

	return (x->score < y->score) - (x->score > y->score);
}

int32_t
fit_worst_score(const struct fit_trial *t, const struct fit_device *d)
{
	int32_t most = FIT_CLOSED;

	for (uint32_t k = 0; k < d->n_states; k++) {
		size_t s = d->state + k;

		if (state_end(t->data, d, k) <= t->from ||
		    (d->fail_day != FIT_NEVER && t->data->day[s] >= d->fail_day))
			continue;
		if (t->score[s] > most)
			most = t->score[s];
	}
	return most;
}

struct totals { uint64_t failed, good, survivors; };

static size_t
collect_worst(const struct fit_trial *t, struct worst *out,
	struct totals *totals)
{
	struct fit_view v = whole(t);
	size_t n = 0;

	for (size_t i = 0; i < t->data->n_devices; i++) {
		const struct fit_device *d = &t->data->devices[i];
		struct worst w;

		if (!takes_part(t, i))
			continue;
		w.failed = fit_failed(&v, d);
		w.survives = fit_survives(&v, d);
		w.score = fit_worst_score(t, d);
		totals->failed += w.failed;
		totals->good += !w.failed;
		totals->survivors += w.survives;
		if (w.score != FIT_CLOSED)
			out[n++] = w;
	}
	return n;
}

int
fit_threshold(const struct fit_trial *t, const struct fit_budget *budget,
	int32_t *out, struct tc_err *e)
{
	struct worst *list = mem_alloc_array(t->data->n_devices + 1,
		sizeof(*list));
	struct totals all = { 0, 0, 0 };
	uint64_t good = 0, survivors = 0;
	int32_t best = INT32_MAX;
	size_t n;

	if (!list)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	n = collect_worst(t, list, &all);
	qsort(list, n, sizeof(*list), compare_worst);
	for (size_t i = 0; i < n; i++) {
		good += !list[i].failed;
		survivors += list[i].survives;
		if (i + 1 < n && list[i + 1].score == list[i].score)
			continue;
		if ((double)good > budget->far_good * (double)all.good ||
		    (double)survivors > budget->far_survivor *
				(double)all.survivors)
			break;
		best = list[i].score;
	}
	mem_free(list);
	*out = best;
	return 0;
}

int32_t
fit_alarm_day(const struct fit_trial *t, const struct fit_device *d,
	int32_t threshold)
{
	for (uint32_t k = 0; k < d->n_states; k++) {
		int32_t day = t->data->day[d->state + k];

		if (state_end(t->data, d, k) > t->from &&
		    t->score[d->state + k] != FIT_CLOSED &&
		    t->score[d->state + k] >= threshold)
			return day > t->from ? day : t->from;
	}
	return FIT_NEVER;
}

static int
compare_days(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

int
fit_judge(const struct fit_trial *t, int32_t threshold, struct fit_tier *out,
	struct tc_err *e)
{
	int32_t *leads = mem_alloc_array(t->data->n_devices + 1,
		sizeof(*leads));
	struct totals all = { 0, 0, 0 }, hit = { 0, 0, 0 };
	uint64_t alarms = 0, soon = 0;
	struct fit_view v = whole(t);
	double p, r;

	if (!leads)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (size_t i = 0; i < t->data->n_devices; i++) {
		const struct fit_device *d = &t->data->devices[i];
		bool failed = fit_failed(&v, d), stays = fit_survives(&v, d);
		int32_t day;

		if (!takes_part(t, i))
			continue;
		all.failed += failed;
		all.good += !failed;
		all.survivors += stays;
		day = fit_alarm_day(t, d, threshold);
		if (day == FIT_NEVER)
			continue;
		alarms++;
		hit.good += !failed;
		hit.survivors += stays;
		if (failed && day < d->fail_day) {
			leads[hit.failed++] = d->fail_day - day;
			soon += d->fail_day - day <= PPV_DAYS;
		}
	}
	qsort(leads, hit.failed, sizeof(*leads), compare_days);
	*out = (struct fit_tier){ .threshold = threshold,
		.fdr = share_of(hit.failed, all.failed),
		.far_good = share_of(hit.good, all.good),
		.far_survivor = share_of(hit.survivors, all.survivors),
		.ppv30 = share_of(soon, alarms),
		.lead_median = hit.failed ? leads[hit.failed / 2] : 0 };
	p = share_of(hit.failed, alarms).p;
	r = out->fdr.p;
	out->f05 = p + r > 0 ? 1.25 * p * r / (0.25 * p + r) : 0;
	mem_free(leads);
	return 0;
}

/* ---- days ---------------------------------------------------------------- */

#define SCORE_MAX 2000	/* hundredths; what is beyond counts as it */
#define SCORES (2 * SCORE_MAX + 1)
#define LEFT_MAX 1500	/* days */
#define ROW_FAILING 400	/* drive-days within 30 days of a failure, at least */
#define ROWS_WANTED 18
#define LEAD_DRIVES_DAYS 200

struct day_count {
	uint64_t days[HORIZONS];
	uint64_t failing[HORIZONS];
};

struct day_table {
	struct day_count clean;
	struct day_count at[SCORES];
	uint32_t left[PACK_CALIBRATION_MAX][LEFT_MAX + 1];
};

static void
count_span(struct day_count *c, const struct fit_device *d, int32_t from,
	int32_t to)
{
	bool failed = d->fail_day != FIT_NEVER;
	int32_t end = failed ? d->fail_day : d->last_day;

	for (int i = 0; i < HORIZONS; i++) {
		int32_t edge = failed ? end - horizons[i] :
			end - horizons[i] + 1;
		int32_t before = (to < edge ? to : edge) - from;
		int32_t behind = to - (from > edge ? from : edge);

		if (before > 0)
			c->days[i] += (uint64_t)before;
		if (behind > 0 && failed) {
			c->days[i] += (uint64_t)behind;
			c->failing[i] += (uint64_t)behind;
		}
	}
}

static size_t
score_slot(int32_t score)
{
	int32_t s = score < -SCORE_MAX ? -SCORE_MAX :
		score > SCORE_MAX ? SCORE_MAX : score;

	return (size_t)(s + SCORE_MAX);
}

static void
add_count(struct day_count *to, const struct day_count *c)
{
	for (int i = 0; i < HORIZONS; i++) {
		to->days[i] += c->days[i];
		to->failing[i] += c->failing[i];
	}
}

typedef void span_fn(void *ctx, const struct fit_device *d, int32_t score,
	int32_t from, int32_t to);

static void
each_span(const struct fit_trial *t, span_fn *fn, void *ctx)
{
	for (size_t i = 0; i < t->data->n_devices; i++) {
		const struct fit_device *d = &t->data->devices[i];

		for (uint32_t k = 0; takes_part(t, i) && k < d->n_states; k++) {
			int32_t to = state_end(t->data, d, k);

			if (d->fail_day != FIT_NEVER && to > d->fail_day)
				to = d->fail_day;
			if (to > t->data->day[d->state + k])
				fn(ctx, d, t->score[d->state + k],
					t->data->day[d->state + k], to);
		}
	}
}

static void
count_score(void *ctx, const struct fit_device *d, int32_t score, int32_t from,
	int32_t to)
{
	struct day_table *table = ctx;

	count_span(score == FIT_CLOSED ? &table->clean :
		&table->at[score_slot(score)], d, from, to);
}

static double
rate_of(const struct day_count *c, int i)
{
	return c->days[i] ? (double)c->failing[i] / (double)c->days[i] : 0;
}

static bool
falls(const struct day_count *low, const struct day_count *high)
{
	for (int i = 0; i < HORIZONS; i++)
		if (rate_of(high, i) <= rate_of(low, i))
			return true;
	return false;
}

/* Pools neighbours until every horizon rises. */
static uint32_t
make_monotone(struct day_count *rows, int32_t *from, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++) {
		rows[kept] = rows[i];
		from[kept++] = from[i];
		while (kept > 1 && falls(&rows[kept - 2], &rows[kept - 1])) {
			add_count(&rows[kept - 2], &rows[kept - 1]);
			kept--;
		}
	}
	return kept;
}

/* Rows of as many failing days each; returns how many. */
static uint32_t
cut_rows(const struct day_table *table, struct day_count *rows, int32_t *from)
{
	struct day_count all = { { 0 }, { 0 } }, now = { { 0 }, { 0 } };
	uint64_t want;
	uint32_t n = 0;

	for (size_t s = 0; s < SCORES; s++)
		add_count(&all, &table->at[s]);
	want = all.failing[1] / ROWS_WANTED;
	want = want < ROW_FAILING ? ROW_FAILING : want;
	from[0] = INT32_MIN;
	for (size_t s = 0; s < SCORES; s++) {
		if (now.failing[1] >= want && n + 1 < PACK_CALIBRATION_MAX &&
		    table->at[s].days[1] > 0) {
			rows[n++] = now;
			memset(&now, 0, sizeof(now));
			from[n] = (int32_t)s - SCORE_MAX;
		}
		add_count(&now, &table->at[s]);
	}
	if (n > 0 && now.failing[1] < ROW_FAILING) {
		add_count(&rows[n - 1], &now);
		return n;
	}
	rows[n] = now;
	return n + 1;
}

struct left_count {
	struct day_table *table;
	const struct fit_calibration *c;
};

static void
count_left(void *ctx, const struct fit_device *d, int32_t score, int32_t from,
	int32_t to)
{
	struct left_count *l = ctx;
	uint32_t row = l->c->n - 1;

	if (score == FIT_CLOSED || d->fail_day == FIT_NEVER)
		return;
	while (row > 0 && score < l->c->rows[row].from)
		row--;
	for (int32_t day = from; day < to; day++) {
		int32_t left = d->fail_day - day;

		l->table->left[row][left < LEFT_MAX ? left : LEFT_MAX]++;
	}
}

static int32_t
left_quantile(const uint32_t *left, uint64_t n, double q)
{
	uint64_t sum = 0;

	for (int32_t day = 0; day <= LEFT_MAX; day++) {
		sum += left[day];
		if ((double)sum >= q * (double)n)
			return day;
	}
	return LEFT_MAX;
}

static void
set_lead(struct fit_calibration_row *row, const uint32_t *left)
{
	uint64_t n = 0;

	for (int day = 0; day <= LEFT_MAX; day++)
		n += left[day];
	row->lead_known = n >= LEAD_DRIVES_DAYS;
	if (!row->lead_known)
		return;
	row->lead_from_days = left_quantile(left, n, 0.1);
	row->lead_to_days = left_quantile(left, n, 0.9);
}

/* Four decimals are more than the data know. */
static double
shown(double p)
{
	return round(p * 10000) / 10000;
}

static void
set_row(struct fit_calibration_row *row, const struct day_count *c,
	int32_t from)
{
	row->from = from;
	for (int i = 0; i < HORIZONS; i++)
		row->days[i] = share_of(c->failing[i], c->days[i]);
	row->risk.d7 = shown(row->days[0].p);
	row->risk.d30 = fmax(shown(row->days[1].p), row->risk.d7);
	row->risk.d90 = fmax(shown(row->days[2].p), row->risk.d30);
}

int
fit_calibrate(const struct fit_trial *t, struct fit_calibration *out,
	struct tc_err *e)
{
	struct day_table *table = MEM_NEW(struct day_table);
	struct day_count rows[PACK_CALIBRATION_MAX + 1];
	int32_t from[PACK_CALIBRATION_MAX + 1];
	struct left_count left = { table, out };

	if (!table)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	memset(out, 0, sizeof(*out));
	each_span(t, count_score, table);
	for (int i = 0; i < HORIZONS; i++)
		out->clean[i] = share_of(table->clean.failing[i],
			table->clean.days[i]);
	out->n = make_monotone(rows, from, cut_rows(table, rows, from));
	for (uint32_t i = 0; i < out->n; i++)
		set_row(&out->rows[i], &rows[i], from[i]);
	each_span(t, count_left, &left);
	for (uint32_t i = 0; i < out->n; i++)
		set_lead(&out->rows[i], table->left[i]);
	mem_free(table);
	return 0;
}
