#include "predict/compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/intern.h"
#include "base/mem.h"

struct pair {
	uint32_t model;
	int32_t fail_day;
	int32_t alarm[COMPARE_SIDES][LEVEL_N];
	char serial[];
};

struct compare {
	struct hash by_serial;
	struct intern models;
	struct arena memory;
	int32_t first_day;
	int32_t last_day;
	size_t n;
};

struct compare *
compare_new(void)
{
	return MEM_NEW(struct compare);
}

void
compare_free(struct compare *c)
{
	if (!c)
		return;
	hash_free(&c->by_serial);
	intern_free(&c->models);
	arena_free(&c->memory);
	mem_free(c);
}

static struct pair *
pair_of(struct compare *c, const struct backtest_device *d)
{
	size_t n = strlen(d->serial);
	struct pair *p = hash_get(&c->by_serial, d->serial, n);

	if (p)
		return p;
	p = arena_alloc(&c->memory, sizeof(*p) + n + 1);
	if (!p)
		return NULL;
	memcpy(p->serial, d->serial, n);
	p->model = intern_put(&c->models, d->model, strlen(d->model));
	p->fail_day = d->fail_day;
	for (int s = 0; s < COMPARE_SIDES; s++)
		for (int i = 0; i < LEVEL_N; i++)
			p->alarm[s][i] = BACKTEST_NEVER;
	if (hash_put(&c->by_serial, p->serial, n, p) < 0)
		return NULL;
	c->n++;
	return p;
}

int
compare_take(struct compare *c, enum compare_side side,
	const struct backtest_device *d, struct tc_err *e)
{
	bool first = c->n == 0;
	struct pair *p = pair_of(c, d);

	if (!p)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	memcpy(p->alarm[side], d->alarm_day, sizeof(p->alarm[side]));
	if (first || d->first_day < c->first_day)
		c->first_day = d->first_day;
	if (first || d->last_day > c->last_day)
		c->last_day = d->last_day;
	return 0;
}

static bool
found(const struct pair *p, int side, int level)
{
	return p->fail_day != BACKTEST_NEVER &&
		p->alarm[side][level] != BACKTEST_NEVER &&
		p->alarm[side][level] < p->fail_day;
}

static bool
wrong(const struct pair *p, int side, int level)
{
	return p->fail_day == BACKTEST_NEVER &&
		p->alarm[side][level] != BACKTEST_NEVER;
}

static int
compare_days(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void
count_pair(const struct pair *p, int level, struct compare_level *l)
{
	for (int s = 0; s < COMPARE_SIDES; s++) {
		l->found[s] += found(p, s, level);
		l->wrong[s] += wrong(p, s, level);
		l->alarms_per_day[s] += p->alarm[s][level] != BACKTEST_NEVER;
	}
	l->wrong_both += wrong(p, COMPARE_OLD, level) &&
		wrong(p, COMPARE_NEW, level);
}

static void
compare_level(const struct compare *c, int level, int32_t *gains,
	struct compare_level *out)
{
	double days = (double)c->last_day - c->first_day + 1;
	struct compare_level l = { .found_both = 0 };
	const struct pair *p;

	for (size_t at = 0; (p = hash_next(&c->by_serial, &at));) {
		int32_t gain;

		count_pair(p, level, &l);
		if (!found(p, COMPARE_OLD, level) ||
		    !found(p, COMPARE_NEW, level))
			continue;
		gain = p->alarm[COMPARE_OLD][level] -
			p->alarm[COMPARE_NEW][level];
		gains[l.found_both++] = gain;
		l.earlier += gain > 0;
		l.later += gain < 0;
	}
	qsort(gains, (size_t)l.found_both, sizeof(*gains), compare_days);
	l.lead_gain_median = l.found_both ? gains[l.found_both / 2] : 0;
	for (int s = 0; s < COMPARE_SIDES; s++)
		l.alarms_per_day[s] /= days;
	*out = l;
}

int
compare_levels(const struct compare *c, struct compare_level out[LEVEL_N],
	struct tc_err *e)
{
	int32_t *gains = mem_alloc_array(c->n + 1, sizeof(*gains));

	if (!gains)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	memset(out, 0, LEVEL_N * sizeof(*out));
	for (int i = 1; i < LEVEL_N; i++)
		compare_level(c, i, gains, &out[i]);
	mem_free(gains);
	return 0;
}

static int
compare_sizes(const void *a, const void *b)
{
	const struct compare_model *x = a, *y = b;

	if (x->drives != y->drives)
		return x->drives < y->drives ? 1 : -1;
	return strcmp(x->model, y->model);
}

int
compare_models(const struct compare *c, struct compare_model **out, size_t *n,
	struct tc_err *e)
{
	size_t models = c->models.n + 1;
	struct compare_model *list = mem_alloc_array(models, sizeof(*list));
	const struct pair *p;

	if (!list)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (size_t at = 0; (p = hash_next(&c->by_serial, &at));) {
		struct compare_model *m = &list[p->model];
		const char *name = intern_name(&c->models, p->model);
		size_t length = strnlen(name ? name : "",
			sizeof(m->model) - 1);

		memcpy(m->model, name ? name : "", length);
		m->drives++;
		m->failed += p->fail_day != BACKTEST_NEVER;
		for (int s = 0; s < COMPARE_SIDES; s++)
			for (int i = 1; i < LEVEL_N; i++) {
				m->found[s][i] += found(p, s, i);
				m->wrong[s][i] += wrong(p, s, i);
			}
	}
	qsort(list, models, sizeof(*list), compare_sizes);
	while (models > 0 && list[models - 1].drives == 0)
		models--;
	*out = list;
	*n = models;
	return 0;
}
