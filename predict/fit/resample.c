/*
 * How sure the figures are: thresholds that never saw the drives they are
 * judged on, and differences over drives drawn anew.
 */
#include <stdlib.h>
#include <string.h>

#include "predict/fit/inside.h"

#define DRAWS 400
#define SEED UINT64_C(20151231)

int
fit_worsts(const struct fit_trial *t, struct fit_worst **out, struct tc_err *e)
{
	const struct fit_data *data = t->data;
	struct fit_view v = { data, data->last_day, NULL };
	struct fit_worst *list = mem_alloc_array(data->n_devices + 1,
		sizeof(*list));

	if (!list)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (size_t i = 0; i < data->n_devices; i++)
		list[i] = (struct fit_worst){
			.score = fit_worst_score(t, &data->devices[i]),
			.failed = fit_failed(&v, &data->devices[i]),
			.survives = fit_survives(&v, &data->devices[i]) };
	*out = list;
	return 0;
}

/* ---- drives drawn anew --------------------------------------------------- */

static uint64_t
draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static int
by_score(const void *a, const void *b)
{
	const struct fit_worst *x = *(const struct fit_worst *const *)a;
	const struct fit_worst *y = *(const struct fit_worst *const *)b;

	return (x->score < y->score) - (x->score > y->score);
}

/* Judged drives by falling score. */
struct ranking {
	const struct fit_worst *base;
	const struct fit_worst **order;
	size_t n;
};

static int
rank_all(const struct fit_worst *list, size_t n, struct ranking *out)
{
	out->base = list;
	out->order = mem_alloc_array(n + 1, sizeof(out->order[0]));
	if (!out->order)
		return TC_ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (list[i].score != FIT_CLOSED)
			out->order[out->n++] = &list[i];
	qsort(out->order, out->n, sizeof(out->order[0]), by_score);
	return 0;
}

struct counts { double failed, good, survivors; };

static void
count(struct counts *c, const struct fit_worst *w, double times)
{
	c->failed += w->failed ? times : 0;
	c->good += w->failed ? 0 : times;
	c->survivors += w->survives ? times : 0;
}

/* The share found within the budget, where drive i was drawn times[i]. */
static double
found(const struct ranking *r, const uint16_t *times,
	const struct counts *all, const struct fit_budget *budget)
{
	struct counts hit = { 0, 0, 0 };
	double best = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct fit_worst *w = r->order[i];

		count(&hit, w, times[w - r->base]);
		if (i + 1 < r->n && r->order[i + 1]->score == w->score)
			continue;
		if (hit.good > budget->far_good * all->good ||
		    hit.survivors > budget->far_survivor * all->survivors)
			break;
		best = hit.failed;
	}
	return all->failed > 0 ? best / all->failed : 0;
}

struct drawing {
	struct ranking a;
	struct ranking b;
	size_t n;
	uint16_t *times;
	double more[LEVEL_N][DRAWS];
};

static void
draw_once(struct drawing *d, const struct fit_budget *budgets, int turn,
	uint64_t *state)
{
	struct counts all = { 0, 0, 0 };

	memset(d->times, 0, d->n * sizeof(d->times[0]));
	for (size_t i = 0; i < d->n; i++)
		d->times[draw(state) % d->n]++;
	for (size_t i = 0; i < d->n; i++)
		count(&all, &d->a.base[i], d->times[i]);
	for (int l = 1; l < LEVEL_N; l++)
		d->more[l][turn] = found(&d->b, d->times, &all, &budgets[l]) -
			found(&d->a, d->times, &all, &budgets[l]);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
fit_gains(const struct fit_worst *a, const struct fit_worst *b, size_t n,
	const struct fit_budget *budgets, struct fit_gain *out)
{
	struct drawing *d = MEM_NEW(struct drawing);
	uint64_t state = SEED;
	int rc = TC_ENOMEM;

	if (!d)
		return TC_ENOMEM;
	d->n = n;
	d->times = mem_alloc_array(n + 1, sizeof(d->times[0]));
	if (!d->times || rank_all(a, n, &d->a) < 0 || rank_all(b, n, &d->b) < 0)
		goto out;
	for (int turn = 0; turn < DRAWS && n > 0; turn++)
		draw_once(d, budgets, turn, &state);
	for (int l = 1; l < LEVEL_N; l++) {
		qsort(d->more[l], DRAWS, sizeof(double), by_size);
		out[l] = (struct fit_gain){ d->more[l][DRAWS / 2],
			d->more[l][DRAWS / 40],
			d->more[l][DRAWS - 1 - DRAWS / 40] };
	}
	rc = 0;
out:
	mem_free(d->times);
	mem_free(d->a.order);
	mem_free(d->b.order);
	mem_free(d);
	return rc;
}

/* ---- the same of several parts ------------------------------------------- */

static struct share
both(struct share a, struct share b)
{
	return share_of(a.k + b.k, a.n + b.n);
}

void
fit_tier_add(struct fit_tier *sum, const struct fit_tier *t)
{
	double p, r;

	sum->threshold = INT32_MIN;
	sum->fdr = both(sum->fdr, t->fdr);
	sum->far_good = both(sum->far_good, t->far_good);
	sum->far_survivor = both(sum->far_survivor, t->far_survivor);
	sum->ppv30 = both(sum->ppv30, t->ppv30);
	p = share_of(sum->fdr.k, sum->ppv30.n).p;
	r = sum->fdr.p;
	sum->f05 = p + r > 0 ? 1.25 * p * r / (0.25 * p + r) : 0;
}
