/*
 * Samples of one metric out of packed rows.
 *
 * A metric of a subject may stand in rows of its own or, when a sweep measured
 * it, in rows of the partition.  Each source (row subject, probe) is read in
 * the order of time by one seek a minute; its points are gathered, sorted by
 * instance and time, and given away.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "store/pack.h"
#include "store/reads.h"
#include "store/slot.h"

#define LIMIT_DEFAULT 10000
#define LIMIT_MAX 1000000

/* A position of a layout that holds the metric. */
struct place {
	uint32_t subject;	/* of the rows */
	int64_t probe;
	int64_t layout;
	size_t pos;
	size_t layout_n;
	enum tocsin_sample_type type;
	size_t instance;	/* index */
};

struct point {
	size_t instance;
	int64_t at_ms;
	double sum, min, max;
	uint64_t count;
};

struct gather {
	struct db *db;
	const struct store_series_query *q;
	size_t limit;
	int64_t step_ms;
	struct arena arena;
	struct place *places;	/* by subject, probe, layout, position */
	size_t n_places;
	size_t cap_places;
	struct hash by_instance;	/* text → index + 1 */
	const char **instances;
	size_t n_instances;
	size_t cap_instances;
	struct point *points;
	size_t n_points;
	size_t cap_points;
	size_t *open;		/* per instance: its latest point + 1 */
	bool full;		/* the limit was reached at `full_ms` */
	int64_t full_ms;
};

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

static void
merge(struct point *into, const struct point *from)
{
	if (into->count == 0) {
		into->sum = from->sum;	/* not 0 + sum: that loses −0 */
		into->min = from->min;
		into->max = from->max;
		into->count = from->count;
		return;
	}
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->sum += from->sum;
	into->count += from->count;
}

/* Into the bucket of its time, the raw one when there is no step. */
static int
add_sample(struct gather *g, size_t instance, int64_t at_ms, double v)
{
	struct point sample = { .sum = v, .min = v, .max = v, .count = 1 };
	struct point *p = NULL;

	if (g->step_ms > 0) {
		if (isnan(v))
			return 0;	/* no value has no place in a mean */
		at_ms = floor_div(at_ms, g->step_ms) * g->step_ms;
		if (g->open[instance] != 0)
			p = &g->points[g->open[instance] - 1];
		if (p != NULL && p->at_ms != at_ms)
			p = NULL;
	}
	if (p == NULL && (p = add_point(g, instance, at_ms)) == NULL)
		return TC_ENOMEM;
	merge(p, &sample);
	return 0;
}

/* All wanted values of one row; `first` is its source's first place. */
static int
add_row(struct gather *g, size_t first, size_t end, struct tc_err *e)
{
	enum st st = ST_TICK_GET;
	int64_t layout = db_i64(g->db, st, 1);
	struct unpacker u = { 0 };
	int rc = 0;

	for (size_t i = first; rc == 0 && i < end; i++) {
		const struct place *p = &g->places[i];
		uint64_t bits = 0;

		if (p->layout != layout)
			continue;
		if (u.at == NULL) {
			size_t n;
			const void *bytes = db_blob(g->db, st, 2, &n);

			rc = unpack_begin(&u, bytes, n, p->layout_n);
		}
		if (rc == 0)
			rc = unpack_at(&u, p->pos, p->type, &bits);
		if (rc == 0)
			rc = add_sample(g, p->instance, db_i64(g->db, st, 0),
				pack_to_double(p->type, bits));
	}
	return rc < 0 ? tc_fail(e, rc, "history row") : 0;
}

/*
 * Enough points: what was read of the last moment is given up, so that every
 * instance ends at the same time.
 */
static void
note_full(struct gather *g, size_t start)
{
	int64_t at_ms = g->points[g->n_points - 1].at_ms;

	if (g->n_points - start <= g->limit)
		return;
	if (!g->full || at_ms < g->full_ms)
		g->full_ms = at_ms;
	g->full = true;
}

/* One minute of a source. */
static int
read_slot(struct gather *g, int64_t slot, size_t first, size_t end,
	struct tc_err *e)
{
	enum st st = ST_TICK_GET;
	int rc;

	db_bind_i64(g->db, st, 1, slot);
	while ((rc = db_step(g->db, st, e)) == 1) {
		if ((rc = add_row(g, first, end, e)) < 0)
			break;
	}
	db_reset(g->db, st);
	return rc;
}

static int
read_source(struct gather *g, size_t first, size_t end, struct tc_err *e)
{
	const struct place *p = &g->places[first];
	struct wall last = { g->q->to.ms - 1 };
	int64_t from, to, slot;
	size_t start = g->n_points;
	int rc = db_step(g->db, ST_TICK_SPAN, e);

	if (rc < 0)
		return rc;
	from = db_i64(g->db, ST_TICK_SPAN, 0);
	to = db_i64(g->db, ST_TICK_SPAN, 1);
	db_reset(g->db, ST_TICK_SPAN);
	if (slot_of(g->q->from) > from)
		from = slot_of(g->q->from);
	if (slot_of(last) < to)
		to = slot_of(last);
	db_bind_i64(g->db, ST_TICK_GET, 2, p->subject);
	db_bind_i64(g->db, ST_TICK_GET, 3, p->probe);
	db_bind_i64(g->db, ST_TICK_GET, 4, g->q->from.ms);
	db_bind_i64(g->db, ST_TICK_GET, 5, g->q->to.ms);
	memset(g->open, 0, g->n_instances * sizeof(*g->open));
	for (slot = from; slot <= to; slot++) {
		if ((rc = read_slot(g, slot, first, end, e)) < 0)
			return rc;
		if (db_is_late(g->db))
			return tc_fail(e, TC_ETIMEOUT, "series");
		if (g->n_points - start > g->limit) {
			note_full(g, start);
			break;
		}
	}
	return 0;
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

/* Keeps whole moments only, at most `limit` points (but at least one moment). */
static size_t
cut(struct gather *g)
{
	size_t n = 0, end = g->n_points;

	qsort(g->points, g->n_points, sizeof(*g->points), by_time);
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
	qsort(g->points, n, sizeof(*g->points), by_instance);
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
			.value = p.sum / (double)p.count,
			.min = p.min,
			.max = p.max,
			.count = p.count,
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
	struct gather g = { .db = db, .q = to->query };
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
	arena_free(&g.arena);
	return rc;
}
