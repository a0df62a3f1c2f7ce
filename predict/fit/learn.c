/*
 * Learning: term by term, the one that explains most of what is left.
 *
 *	A drive is judged by the worst moment of its life, so the loss is that
 *	of drives, not of days: the score of a drive is the soft maximum over
 *	its states, its label "ever fails", every drive of equal weight.  Each
 *	round takes the best conjunction of at most three conditions, by
 *	gradient² / (hessian + shrinkage), and moves its weight by a part of
 *	the Newton step; then the base and the offsets of the models, these
 *	shrunk to the fleet.
 */
#include <math.h>
#include <string.h>

#include "predict/fit/inside.h"

#define CODES (FIT_BOUNDS_MAX + 2)
#define DEEPER_GAIN 1.15	/* one more condition must be worth it */
#define WEIGHT_LOST 1e-4	/* of a state, in its drive's maximum */

struct learner {
	const struct fit_data *data;
	const struct fit_view *view;
	const struct fit_opts *opts;
	struct fit_model *model;
	size_t n_devices;
	uint32_t *device;	/* the learner's, by the view's */
	uint32_t *from;		/* first of its usable states, in `use` */
	uint32_t *use;		/* states */
	uint32_t n_use;
	double *score;		/* by use */
	float *g;
	float *h;
	uint32_t *active;	/* into use */
	uint32_t n_active;
	uint32_t *inside;	/* active and inside the conditions so far */
	double *model_g;
	double *model_h;
	double base_g;
	double base_h;
};

/* ---- which states -------------------------------------------------------- */

static bool
usable(const struct learner *l, const struct fit_device *d, size_t state)
{
	int32_t until = l->view->until;

	if (!l->data->open[state] || l->data->day[state] > until)
		return false;
	return !fit_failed(l->view, d) || l->data->day[state] < d->fail_day;
}

static void
choose_states(struct learner *l)
{
	const struct fit_data *data = l->data;

	for (size_t i = 0; i < data->n_devices; i++) {
		const struct fit_device *d = &data->devices[i];
		uint32_t begin = l->n_use;

		if ((l->view->leave_out && l->view->leave_out[i]) ||
		    d->first_day > l->view->until)
			continue;
		for (uint32_t s = 0; s < d->n_states; s++)
			if (usable(l, d, d->state + s))
				l->use[l->n_use++] = d->state + s;
		if (l->n_use == begin)
			continue;
		l->device[l->n_devices] = (uint32_t)i;
		l->from[l->n_devices++] = begin;
	}
	l->from[l->n_devices] = l->n_use;
}

/* ---- gradients ----------------------------------------------------------- */

static double
device_weight(const struct learner *l, const struct fit_device *d)
{
	if (fit_failed(l->view, d) || fit_survives(l->view, d))
		return 1;
	return l->opts->leaver;
}

/* Soft maximum of the states from a to b; leaves their shares in h. */
static double
pool(const struct learner *l, uint32_t a, uint32_t b)
{
	double most = -HUGE_VAL, sum = 0;

	for (uint32_t i = a; i < b; i++)
		most = fmax(most, l->score[i]);
	for (uint32_t i = a; i < b; i++) {
		double share = exp((l->score[i] - most) * l->opts->pool);

		l->h[i] = (float)share;
		sum += share;
	}
	for (uint32_t i = a; i < b; i++)
		l->h[i] = (float)((double)l->h[i] / sum);
	return most;
}

static void
gradients(struct learner *l)
{
	l->n_active = 0;
	l->base_g = l->base_h = 0;
	memset(l->model_g, 0, l->model->n_models * sizeof(l->model_g[0]));
	memset(l->model_h, 0, l->model->n_models * sizeof(l->model_h[0]));
	for (size_t i = 0; i < l->n_devices; i++) {
		const struct fit_device *d = &l->data->devices[l->device[i]];
		double s = pool(l, l->from[i], l->from[i + 1]);
		double w = device_weight(l, d), p = 1 / (1 + exp(-s));
		double g = w * ((fit_failed(l->view, d) ? 1 : 0) - p);
		double h = w * p * (1 - p);

		for (uint32_t k = l->from[i]; k < l->from[i + 1]; k++) {
			double share = (double)l->h[k];

			if (share < WEIGHT_LOST)
				continue;
			l->g[k] = (float)(g * share);
			l->h[k] = (float)(h * share);
			l->active[l->n_active++] = k;
		}
		l->base_g += g;
		l->base_h += h;
		l->model_g[d->model] += g;
		l->model_h[d->model] += h;
	}
}

/* ---- the best term ------------------------------------------------------- */

struct gh { double g, h; };

struct found {
	struct fit_cond cond;
	double gain;
	struct gh sum;
};

static bool
cond_is(const struct fit_cond *c, uint8_t code)
{
	return c->below ? code > 0 && code < c->code : code >= c->code;
}

static void
try_cond(const struct learner *l, struct fit_cond c, struct gh sum,
	struct found *best)
{
	double gain;

	if (sum.h < 1)
		return;
	gain = sum.g * sum.g / (sum.h + l->opts->shrink);
	if (gain > best->gain)
		*best = (struct found){ c, gain, sum };
}

static void
search_column(const struct learner *l, uint8_t column, uint32_t n,
	bool may_be_below, struct found *best)
{
	const uint8_t *code = l->data->code[column];
	struct gh at[CODES] = { { 0, 0 } }, above = { 0, 0 }, below = { 0, 0 };
	uint8_t top = (uint8_t)l->data->columns[column].n_bounds;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t k = l->inside[i];
		struct gh *to = &at[code[l->use[k]]];

		to->g += (double)l->g[k];
		to->h += (double)l->h[k];
	}
	for (uint8_t c = top; c > 0; c--) {
		above.g += at[c].g;
		above.h += at[c].h;
		try_cond(l, (struct fit_cond){ column, false, c }, above, best);
	}
	for (uint8_t c = 2; c <= top && may_be_below; c++) {
		below.g += at[c - 1].g;
		below.h += at[c - 1].h;
		try_cond(l, (struct fit_cond){ column, true, c }, below, best);
	}
}

static uint32_t
keep_inside(struct learner *l, uint32_t n, const struct fit_cond *c)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (cond_is(c, l->data->code[c->column][l->use[l->inside[i]]]))
			l->inside[kept++] = l->inside[i];
	return kept;
}

static struct gh
best_term(struct learner *l, struct fit_term *t)
{
	struct found best = { .gain = 0 };
	uint32_t n = l->n_active;

	memset(t, 0, sizeof(*t));
	memcpy(l->inside, l->active, n * sizeof(l->active[0]));
	while (t->n < l->opts->depth) {
		struct found next = { .gain = best.gain * DEEPER_GAIN };

		for (uint8_t c = 0; c < FIT_COLUMNS; c++)
			search_column(l, c, n, t->n > 0, &next);
		if (next.sum.h <= 0)
			break;
		best = next;
		t->cond[t->n++] = next.cond;
		n = keep_inside(l, n, &next.cond);
	}
	return best.sum;
}

/* ---- moving -------------------------------------------------------------- */

static bool
term_is(const struct fit_data *d, const struct fit_term *t, size_t state)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!cond_is(&t->cond[i], d->code[t->cond[i].column][state]))
			return false;
	return true;
}

static void
move_term(struct learner *l, struct fit_term *t, double by)
{
	t->weight += by;
	for (uint32_t i = 0; i < l->n_use; i++)
		if (term_is(l->data, t, l->use[i]))
			l->score[i] += by;
}

static void
move_base(struct learner *l)
{
	double by = l->base_g / (l->base_h + 1e-9) * l->opts->rate;

	l->model->base += by;
	for (uint32_t i = 0; i < l->n_use; i++)
		l->score[i] += by;
}

/* The penalty is on the offset itself: it is drawn to 0, the fleet's. */
static void
move_offsets(struct learner *l)
{
	struct fit_model *m = l->model;

	if (!l->opts->offsets)
		return;
	for (uint32_t i = 1; i < m->n_models; i++) {
		double pull = l->opts->shrink_model;
		double by = (l->model_g[i] - pull * m->offset[i]) /
			(l->model_h[i] + pull);

		l->model_g[i] = by * l->opts->rate;
		m->offset[i] += l->model_g[i];
	}
	for (size_t d = 0; d < l->n_devices; d++) {
		uint32_t model = l->data->devices[l->device[d]].model;

		if (model == 0)
			continue;
		for (uint32_t k = l->from[d]; k < l->from[d + 1]; k++)
			l->score[k] += l->model_g[model];
	}
}

static struct fit_term *
same_term(struct fit_model *m, const struct fit_term *t)
{
	for (uint32_t i = 0; i < m->n_terms; i++) {
		struct fit_term *o = &m->terms[i];

		if (o->n == t->n && memcmp(o->cond, t->cond,
				sizeof(o->cond)) == 0)
			return o;
	}
	return NULL;
}

/* Newton for one term that is there already. */
static void
correct_term(struct learner *l, struct fit_term *t)
{
	double g = 0, h = 0;

	for (uint32_t i = 0; i < l->n_active; i++) {
		uint32_t k = l->active[i];

		if (term_is(l->data, t, l->use[k])) {
			g += (double)l->g[k];
			h += (double)l->h[k];
		}
	}
	move_term(l, t, l->opts->rate * (g - l->opts->shrink * t->weight) /
		(h + l->opts->shrink));
}

static void
one_round(struct learner *l, uint32_t round)
{
	struct fit_model *m = l->model;
	struct fit_term t, *have;
	struct gh sum;

	gradients(l);
	if (m->n_terms == l->opts->terms) {
		correct_term(l, &m->terms[round % m->n_terms]);
	} else {
		sum = best_term(l, &t);
		have = same_term(m, &t);
		if (!have && t.n > 0) {
			have = &m->terms[m->n_terms++];
			*have = t;
		}
		if (have)
			move_term(l, have, l->opts->rate * sum.g /
				(sum.h + l->opts->shrink));
	}
	gradients(l);
	move_base(l);
	move_offsets(l);
}

static void
quantize(struct fit_model *m)
{
	m->base_hundredths = (int32_t)lround(m->base * 100);
	for (uint32_t i = 0; i < m->n_terms; i++)
		m->terms[i].hundredths =
			(int32_t)lround(m->terms[i].weight * 100);
	for (uint32_t i = 0; i < m->n_models; i++)
		m->offset_hundredths[i] = (int32_t)lround(m->offset[i] * 100);
}

static bool
learner_alloc(struct learner *l, uint32_t n_models)
{
	size_t n = l->data->n_states + 1, d = l->data->n_devices + 1;

	l->device = mem_alloc_array(d, sizeof(l->device[0]));
	l->from = mem_alloc_array(d, sizeof(l->from[0]));
	l->use = mem_alloc_array(n, sizeof(l->use[0]));
	l->score = mem_alloc_array(n, sizeof(l->score[0]));
	l->g = mem_alloc_array(n, sizeof(l->g[0]));
	l->h = mem_alloc_array(n, sizeof(l->h[0]));
	l->active = mem_alloc_array(n, sizeof(l->active[0]));
	l->inside = mem_alloc_array(n, sizeof(l->inside[0]));
	l->model_g = mem_alloc_array(n_models, sizeof(double));
	l->model_h = mem_alloc_array(n_models, sizeof(double));
	l->model->offset = mem_alloc_array(n_models, sizeof(double));
	l->model->offset_hundredths = mem_alloc_array(n_models,
		sizeof(int32_t));
	l->model->n_models = n_models;
	return l->device && l->from && l->use && l->score && l->g && l->h &&
		l->active && l->inside && l->model_g && l->model_h &&
		l->model->offset && l->model->offset_hundredths;
}

static void
learner_free(struct learner *l)
{
	mem_free(l->device);
	mem_free(l->from);
	mem_free(l->use);
	mem_free(l->score);
	mem_free(l->g);
	mem_free(l->h);
	mem_free(l->active);
	mem_free(l->inside);
	mem_free(l->model_g);
	mem_free(l->model_h);
}

int
fit_learn(const struct fit_view *view, const struct fit_opts *opts,
	struct fit_model *out, struct tc_err *e)
{
	struct learner l = { .data = view->data, .view = view, .opts = opts,
		.model = out };

	memset(out, 0, sizeof(*out));
	if (!learner_alloc(&l, (uint32_t)view->data->models.n + 1)) {
		learner_free(&l);
		fit_model_free(out);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	choose_states(&l);
	for (uint32_t r = 0; r < opts->rounds; r++)
		one_round(&l, r);
	quantize(out);
	learner_free(&l);
	return 0;
}

void
fit_model_free(struct fit_model *m)
{
	mem_free(m->offset);
	mem_free(m->offset_hundredths);
	memset(m, 0, sizeof(*m));
}

int32_t
fit_score(const struct fit_data *d, const struct fit_model *m, size_t state)
{
	uint32_t model = d->devices[d->device[state]].model;
	int32_t score = m->base_hundredths;

	if (!d->open[state])
		return INT32_MIN;
	if (model < m->n_models)
		score += m->offset_hundredths[model];
	for (uint32_t i = 0; i < m->n_terms; i++)
		if (term_is(d, &m->terms[i], state))
			score += m->terms[i].hundredths;
	return score;
}
