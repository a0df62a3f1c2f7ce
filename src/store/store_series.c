/*
 * Samples of one metric.
 *
 * A metric of a subject may stand in rows of its own or, when a sweep measured
 * it, in rows of the partition.  Each source (row subject, probe) is read from
 * blocks, then from rows; its points are gathered, sorted by instance and
 * time, and given away.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/gather.h"
#include "store/pack.h"

#define LIMIT_DEFAULT 10000
#define LIMIT_MAX 1000000

/* ---- where the metric is ---- */

static int
add_instance(struct gather *g, const char *text, size_t *index)
{
	uintptr_t known = (uintptr_t)hash_get_str(&g->by_instance, text);
	void *items = g->instances;
	char *copy;

	if (known != 0) {
		*index = known - 1;
		return 0;
	}
	copy = arena_strdup(&g->arena, text);
	if (copy == NULL || mem_grow(&items, &g->cap_instances,
	    g->n_instances + 1, sizeof(*g->instances)) < 0)
		return TC_ENOMEM;
	g->instances = items;
	g->instances[g->n_instances] = copy;
	*index = g->n_instances++;
	return hash_put_str(&g->by_instance, copy,
		(void *)(uintptr_t)g->n_instances);
}

static int
add_place(struct gather *g, enum st st)
{
	struct db *db = g->db;
	const char *instance = db_text(db, st, 6);
	struct place p = {
		.subject = (uint32_t)db_i64(db, st, 0),
		.probe = db_i64(db, st, 1),
		.layout = db_i64(db, st, 2),
		.layout_n = (size_t)db_i64(db, st, 3),
		.pos = (size_t)db_i64(db, st, 4),
		.type = (enum tocsin_sample_type)db_i64(db, st, 5),
	};
	void *items = g->places;

	if (g->q->instance != NULL && strcmp(g->q->instance, instance) != 0)
		return 0;
	if (add_instance(g, instance, &p.instance) < 0)
		return TC_ENOMEM;
	if (mem_grow(&items, &g->cap_places, g->n_places + 1, sizeof(p)) < 0)
		return TC_ENOMEM;
	g->places = items;
	g->places[g->n_places++] = p;
	return 0;
}

static int
find_places(struct gather *g, enum st st, int64_t metric, struct tc_err *e)
{
	int rc;

	db_bind_i64(g->db, st, 1, g->q->subject);
	db_bind_i64(g->db, st, 2, metric);
	while ((rc = db_step(g->db, st, e)) == 1) {
		if (add_place(g, st) == 0)
			continue;
		rc = tc_fail(e, TC_ENOMEM, "series: out of memory");
		break;
	}
	db_reset(g->db, st);
	return rc;
}

/* ---- points ---- */

static struct point *
add_point(struct gather *g, size_t instance, int64_t at_ms)
{
	void *items = g->points;

	if (mem_grow(&items, &g->cap_points, g->n_points + 1,
	    sizeof(*g->points)) < 0)
		return NULL;
	g->points = items;
	g->points[g->n_points] = (struct point){ .instance = instance,
		.at_ms = at_ms };
	g->open[instance] = ++g->n_points;
	return &g->points[g->n_points - 1];
}

/*
 * In twice the precision, so that it hardly matters in which order values
 * come: packed and unpacked ones give the same mean.
 */
static void
add_sum(struct point *into, const struct point *from)
{
	double sum = into->sum + from->sum;
	double part = sum - into->sum;

	into->low += (into->sum - (sum - part)) + (from->sum - part) +
		from->low;
	into->sum = sum;
	if (!isfinite(into->low))
		into->low = 0;
}

static void
merge(struct point *into, const struct point *from)
{
	if (into->count == 0) {
		into->sum = from->sum;	/* not 0 + sum: that loses −0 */
		into->low = from->low;
		into->min = from->min;
		into->max = from->max;
		into->count = from->count;
		into->last = from->last;
		into->last_ms = from->last_ms;
		into->type = from->type;
		into->bits = from->bits;
		return;
	}
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	if (from->last_ms >= into->last_ms) {
		into->last = from->last;
		into->last_ms = from->last_ms;
	}
	add_sum(into, from);
	into->count += from->count;
}

int
gather_point(struct gather *g, const struct point *sample)
{
	size_t instance = sample->instance;
	int64_t at_ms = sample->at_ms;
	struct point *p = NULL;

	if (g->step_ms > 0) {
		at_ms = floor_div(at_ms, g->step_ms) * g->step_ms;
		if (g->open[instance] != 0)
			p = &g->points[g->open[instance] - 1];
		if (p != NULL && p->at_ms != at_ms)
			p = NULL;
	}
	if (p == NULL && (p = add_point(g, instance, at_ms)) == NULL)
		return TC_ENOMEM;
	merge(p, sample);
	return 0;
}

int
gather_sample(struct gather *g, const struct place *of, int64_t at_ms,
	uint64_t bits)
{
	double v = pack_to_double(of->type, bits);
	struct point p = { .instance = of->instance, .at_ms = at_ms, .sum = v,
		.min = v, .max = v, .last = v, .last_ms = at_ms, .count = 1,
		.type = of->type, .bits = bits };

	/* No value has no place in a mean. */
	return g->step_ms > 0 && isnan(v) ? 0 : gather_point(g, &p);
}

static int
by_time(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return (x->instance > y->instance) - (x->instance < y->instance);
}

static int
by_instance(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->instance != y->instance)
		return x->instance < y->instance ? -1 : 1;
	return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

static void
sort_points(struct gather *g, size_t first, size_t end,
	int (*order)(const void *, const void *))
{
	size_t i = first + 1;

	while (i < end && order(&g->points[i - 1], &g->points[i]) <= 0)
		i++;
	if (i < end)
		qsort(g->points + first, end - first, sizeof(*g->points),
			order);
}

/* Buckets that came in parts become one; by time, from `first` on. */
static void
join_buckets(struct gather *g, size_t first)
{
	size_t n = first;

	sort_points(g, first, g->n_points, by_time);
	for (size_t i = first; i < g->n_points; i++) {
		struct point *p = &g->points[i];

		if (g->step_ms > 0 && n > first &&
		    g->points[n - 1].at_ms == p->at_ms &&
		    g->points[n - 1].instance == p->instance)
			merge(&g->points[n - 1], p);
		else
			g->points[n++] = *p;
	}
	g->n_points = n;
	memset(g->open, 0, g->n_instances * sizeof(*g->open));
}

bool
gather_is_full(struct gather *g, const struct source_span *s,
	int64_t before_ms)
{
	if (g->n_points - s->points <= g->limit)
		return false;
	join_buckets(g, s->points);
	if (g->n_points - s->points <= g->limit)
		return false;
	if (g->step_ms > 0)
		before_ms = floor_div(before_ms, g->step_ms) * g->step_ms;
	if (!g->full || before_ms < g->full_ms)
		g->full_ms = before_ms;
	g->full = true;
	return true;
}

/* ---- what is read where ---- */

/* The widest roll-ups that the step is made of; TIERS = none. */
static enum tier
tier_of_step(int64_t step_ms)
{
	static const enum tier wide_first[] = { TIER_D1, TIER_H1, TIER_M5 };

	for (size_t i = 0; step_ms > 0 && i < ARRAY_LEN(wide_first); i++) {
		if (step_ms % tiers[wide_first[i]].row_ms == 0)
			return wide_first[i];
	}
	return TIERS;
}

/* Rows as they came, between two times. */
static int
read_raw(struct gather *g, struct source_span *s, int64_t from_ms,
	int64_t to_ms, struct tc_err *e)
{
	int rc;

	/* Of what retention took, drives' reports are left. */
	if (from_ms < g->raw_ms) {
		s->from_ms = from_ms;
		s->to_ms = to_ms < g->raw_ms ? to_ms : g->raw_ms;
		if ((rc = gather_blocks(g, s, TIER_SNAPSHOT, e)) < 0)
			return rc;
		from_ms = s->to_ms;
	}
	if (from_ms >= to_ms)
		return 0;
	s->from_ms = from_ms;
	s->to_ms = to_ms;
	if ((rc = gather_blocks(g, s, TIER_LONG, e)) < 0 ||
	    (rc = gather_blocks(g, s, TIER_HOUR, e)) < 0)
		return rc;
	return gather_rows(g, s, e);
}

/*
 * Whole buckets of days that are rolled up come from there, the ends and what
 * is newer from the rows.
 */
static int
read_packed(struct gather *g, struct source_span *s, struct tc_err *e)
{
	enum tier tier = tier_of_step(g->step_ms);
	int64_t from = s->from_ms, to = s->to_ms, row_ms, a, b;
	int rc;

	if (tier == TIERS || to <= from)
		return read_raw(g, s, from, to, e);
	row_ms = tiers[tier].row_ms;
	a = floor_div(from + row_ms - 1, row_ms) * row_ms;
	b = floor_div(to < g->rolled_ms ? to : g->rolled_ms, row_ms) * row_ms;
	if (a >= b)
		return read_raw(g, s, from, to, e);
	if ((rc = read_raw(g, s, from, a, e)) < 0)
		return rc;
	s->from_ms = a;
	s->to_ms = b;
	if ((rc = gather_blocks(g, s, tier, e)) < 0)
		return rc;
	return read_raw(g, s, b, to, e);
}

/* Late rows are in no block yet. */
static int
read_source(struct gather *g, size_t first, size_t end, struct tc_err *e)
{
	struct source_span s = { first, end, g->n_points, g->q->from.ms,
		g->q->to.ms };
	int rc;

	memset(g->open, 0, g->n_instances * sizeof(*g->open));
	if ((rc = read_packed(g, &s, e)) < 0)
		return rc;
	s.from_ms = g->q->from.ms;
	s.to_ms = g->q->to.ms;
	if (g->full && g->full_ms < s.to_ms)
		s.to_ms = g->full_ms;
	return gather_late(g, &s, e);
}

static int
read_sources(struct gather *g, struct tc_err *e)
{
	size_t first = 0;
	int rc = 0;

	while (rc == 0 && first < g->n_places) {
		const struct place *p = &g->places[first];
		size_t end = first + 1;

		while (end < g->n_places &&
		       g->places[end].subject == p->subject &&
		       g->places[end].probe == p->probe)
			end++;
		rc = read_source(g, first, end, e);
		first = end;
	}
	return rc;
}

/* ---- giving away ---- */

/* Keeps whole moments only, at most `limit` points (but at least one moment). */
static size_t
cut(struct gather *g)
{
	size_t n = 0, end;

	if (!g->full && g->n_points <= g->limit)
		return g->n_points;
	join_buckets(g, 0);
	end = g->n_points;
	while (g->full && end > 0 && g->points[end - 1].at_ms >= g->full_ms)
		end--;
	if (end == 0)
		end = g->n_points;
	while (n < end) {
		size_t next = n;

		while (next < end && g->points[next].at_ms == g->points[n].at_ms)
			next++;
		if (next > g->limit && n > 0)
			break;
		n = next;
	}
	return n;
}

static void
give_points(struct gather *g, size_t n, const struct read_series *to)
{
	sort_points(g, 0, n, by_instance);
	for (size_t i = 0; i < n; i++) {
		struct point p = g->points[i];
		struct store_point out;

		/* Two sources of one instance may share a bucket. */
		while (g->step_ms > 0 && i + 1 < n &&
		       g->points[i + 1].instance == p.instance &&
		       g->points[i + 1].at_ms == p.at_ms)
			merge(&p, &g->points[++i]);
		out = (struct store_point){
			.instance = g->instances[p.instance],
			.at = { p.at_ms },
			.value = p.low == 0 ? p.sum / (double)p.count :
				(p.sum + p.low) / (double)p.count,
			.min = p.min,
			.max = p.max,
			.last = p.last,
			.count = p.count,
			.type = p.type,
			.bits = p.bits,
		};
		if (to->sink(to->arg, &out) != 0)
			return;
	}
}

static int
prepare(struct gather *g, struct tc_err *e)
{
	int64_t metric;
	int rc;

	if ((rc = db_meta_get(g->db, "packed", &g->packed, e)) < 0 ||
	    (rc = db_meta_get(g->db, "rolled", &g->rolled_ms, e)) < 0 ||
	    (rc = db_meta_get(g->db, "raw_from", &g->raw_ms, e)) < 0)
		return rc;
	db_bind_text(g->db, ST_NAME_GET, 1, g->q->metric);
	if ((rc = db_step(g->db, ST_NAME_GET, e)) <= 0)
		return rc;
	metric = db_i64(g->db, ST_NAME_GET, 0);
	db_reset(g->db, ST_NAME_GET);
	if ((rc = find_places(g, ST_SERIES_OWN, metric, e)) < 0 ||
	    (rc = find_places(g, ST_SERIES_SWEPT, metric, e)) < 0)
		return rc;
	g->open = mem_alloc_array(g->n_instances, sizeof(*g->open));
	return g->open == NULL ? tc_fail(e, TC_ENOMEM, "series: out of memory") : 0;
}

int
read_series(struct db *db, const struct read_series *to, struct tc_err *e)
{
	struct gather g = { .db = db, .q = to->query, .packed = INT64_MIN,
		.rolled_ms = INT64_MIN / 2, .raw_ms = INT64_MIN };
	int rc;

	g.limit = g.q->limit == 0 ? LIMIT_DEFAULT : g.q->limit;
	if (g.limit > LIMIT_MAX)
		g.limit = LIMIT_MAX;
	g.step_ms = dur_to_ms(g.q->step);
	if (g.q->step.ns < 0 || (g.q->step.ns > 0 && g.step_ms == 0))
		return tc_fail(e, TC_EINVAL, "step below a millisecond");
	if ((rc = prepare(&g, e)) == 0 && g.n_places > 0)
		rc = read_sources(&g, e);
	if (rc == 0 && g.n_points > 0)
		give_points(&g, cut(&g), to);
	mem_free(g.places);
	mem_free(g.instances);
	hash_free(&g.by_instance);
	mem_free(g.points);
	mem_free(g.open);
	mem_free(g.times);
	mem_free(g.bits);
	block_get_free(&g.block);
	arena_free(&g.arena);
	return rc;
}
