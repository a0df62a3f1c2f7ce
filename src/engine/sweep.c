/*
 * History of what we probe from here: one row for all checks of a probe and
 * partition that share the second of their slot.  The layout is the order of
 * the members, so it stays the same from slot to slot.  Missing is NaN.
 */
#include <math.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/sweep.h"
#include "engine/unit.h"

/* Below a second, so that the rows stay in it. */
#define APART_MAX_MS 997

static struct sweep *
find(struct part *p, const struct check *c, int64_t phase)
{
	for (struct list *l = p->sweeps.next; l != &p->sweeps; l = l->next) {
		struct sweep *s = CONTAINER_OF(l, struct sweep, link);

		if (s->probe == c->kind->probe && s->phase == phase &&
		    s->interval_ns == c->kind->rule.interval.ns)
			return s;
	}
	return NULL;
}

static void
close_slot(struct sweep *s)
{
	mem_free(s->values);
	s->values = NULL;
}

static struct check *
member(const struct engine *en, const struct sweep *s, uint32_t i)
{
	return slab_get(&en->checks, s->members[i]);
}

/* Thousands of sweeps stay as they are: not twice the room they need. */
static bool
make_room(struct sweep *s)
{
	uint32_t cap = s->cap + s->cap / 4 + 4;
	void *members;

	if (s->n < s->cap)
		return true;
	members = mem_resize_array(s->members, cap, sizeof(*s->members));
	if (members == NULL)
		return false;
	s->members = members;
	s->cap = cap;
	return true;
}

static int64_t
second_of(const struct check *c)
{
	return c->slot_ns % c->kind->rule.interval.ns / (SWEEP_MS * 1000000);
}

void
sweep_join(struct engine *en, struct check *c)
{
	int64_t phase = second_of(c);
	struct part *part = check_host(c)->part;
	struct sweep *s = find(part, c, phase);

	(void)en;
	if (s == NULL) {
		s = MEM_NEW(struct sweep);
		if (s == NULL)
			return;
		s->part = part;
		s->probe = c->kind->probe;
		s->phase = phase;
		s->interval_ns = c->kind->rule.interval.ns;
		list_add_tail(&s->part->sweeps, &s->link);
	}
	if (!make_room(s))
		return;
	close_slot(s);
	c->by.sweep = s;
	c->sweep_at = s->n;
	s->members[s->n++] = slab_index(&c->slab);
}

void
sweep_leave(struct engine *en, struct check *c)
{
	struct sweep *s = check_sweep(c);

	if (s == NULL)
		return;
	c->by.sweep = NULL;
	close_slot(s);
	s->n--;
	memmove(s->members + c->sweep_at, s->members + c->sweep_at + 1,
		(s->n - c->sweep_at) * sizeof(*s->members));
	for (uint32_t i = c->sweep_at; i < s->n; i++)
		member(en, s, i)->sweep_at = i;
	if (s->n == 0) {
		list_remove(&s->link);
		sweep_free(en, s);
	}
}

void
sweep_free(struct engine *en, struct sweep *s)
{
	close_slot(s);
	shape_put(&en->shared, s->shape);
	mem_free(s->members);
	mem_free(s);
}

static size_t
columns(const struct sweep *s)
{
	return s->n_metrics + 1;
}

/* Without memory the slot has no row. */
static void
begin_slot(struct sweep *s)
{
	size_t need = s->n * columns(s);

	close_slot(s);
	s->arrived = 0;
	s->values = mem_resize_array(NULL, need, sizeof(*s->values));
	for (size_t i = 0; s->values != NULL && i < need; i++)
		s->values[i] = NAN;
}

/*
 * The first member of the second begins a new row.  Its time is the begin of
 * that second; sweeps that differ in their interval alone are 1 ms apart, so
 * that no two rows of a partition and probe have the same time.
 */
void
sweep_slot(struct engine *en, struct check *c, struct now now)
{
	struct sweep *s = check_sweep(c);
	int64_t second = c->slot_ns - c->slot_ns % (SWEEP_MS * 1000000);

	if (s == NULL || (s->values != NULL && s->second_ns == second))
		return;
	sweep_flush(en, s);
	s->second_ns = second;
	s->at.ms = now.wall.ms - (now.mono.ns - second) / 1000000 +
		s->interval_ns / 1000000000 % APART_MAX_MS;
	begin_slot(s);
}

/* SIZE_MAX when the row has no such column; the hint is right as a rule. */
static size_t
column_of(const struct sweep *s, const char *name, size_t hint)
{
	if (hint < s->n_metrics && strcmp(s->metrics[hint], name) == 0)
		return hint;
	for (size_t i = 0; i < s->n_metrics; i++)
		if (strcmp(s->metrics[i], name) == 0)
			return i;
	return SIZE_MAX;
}

/* Learns the probe's metrics from its answers; true when there were new. */
static bool
learn(struct engine *en, struct sweep *s, const struct observation *ob)
{
	bool more = false;

	for (size_t i = 0; i < ob->n_metrics; i++) {
		const char *name = ob->metrics[i].name;

		if (column_of(s, name, i) != SIZE_MAX ||
		    s->n_metrics == ARRAY_LEN(s->metrics))
			continue;
		name = intern_name(&en->names, intern_put(&en->names, name,
			strlen(name)));
		if (name == NULL)
			continue;
		s->metrics[s->n_metrics++] = name;
		more = true;
	}
	return more;
}

/* The metrics are those of the shape, one by one, and no more. */
static void
take_shape(struct engine *en, struct sweep *s, const struct check *c)
{
	const struct metric_shape *shape = c->metrics.shape;

	if (!c->whole || shape == NULL || shape == s->shape ||
	    s->n_metrics != shape->n)
		return;
	for (size_t i = 0; i < shape->n; i++)
		if (shape->of[i].name != s->metrics[i] ||
		    shape->of[i].instance[0] != '\0')
			return;
	shape_put(&en->shared, s->shape);
	s->shape = shape_ref(shape);
}

/* False: there is no row to put it in. */
static bool
put_by_name(struct engine *en, struct sweep *s, const struct check *c,
	const struct observation *ob)
{
	double *row;

	if (learn(en, s, ob)) {
		begin_slot(s);
		if (s->values == NULL)
			return false;
	}
	row = s->values + c->sweep_at * columns(s);
	for (size_t i = 0; i < ob->n_metrics; i++) {
		size_t col = column_of(s, ob->metrics[i].name, i);

		if (col != SIZE_MAX)
			row[col] = metric_number(&ob->metrics[i]);
	}
	return true;
}

static double
check_ok(enum tocsin_outcome outcome)
{
	return outcome == TOCSIN_UNKNOWN ? NAN : outcome == TOCSIN_OK;
}

/* A metric that the row has no column for begins the row anew, wider. */
void
sweep_put(struct engine *en, struct check *c, const struct observation *ob)
{
	struct sweep *s = check_sweep(c);
	double *row;

	if (s == NULL || s->values == NULL)
		return;
	row = s->values + c->sweep_at * columns(s);
	if (c->whole && s->shape != NULL && s->shape == c->metrics.shape &&
	    ob->n_metrics == s->n_metrics) {
		memcpy(row, metrics_values(&c->metrics),
			s->n_metrics * sizeof(*row));
	} else if (put_by_name(en, s, c, ob)) {
		take_shape(en, s, c);
		row = s->values + c->sweep_at * columns(s);
	} else {
		return;
	}
	row[s->n_metrics] = check_ok(ob->outcome);
	if (++s->arrived >= s->n)
		sweep_flush(en, s);
}

void
sweep_aside(struct engine *en, struct check *c, const struct observation *ob)
{
	struct observation bare = *ob;

	bare.n_metrics = 0;
	sweep_put(en, c, &bare);
	if (ob->n_metrics > 0)
		say_observation(facts(en), check_whose(c), ob);
}

/* What each value of the row is: they lie member by member. */
static void
name_row(const struct engine *en, const struct sweep *s,
	struct change_series *to)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct check *c = member(en, s, i);
		uint32_t whose = check_whose(c);

		for (size_t col = 0; col < s->n_metrics; col++)
			*to++ = (struct change_series){ whose, TOCSIN_F64,
				s->metrics[col], "" };
		*to++ = (struct change_series){ whose, TOCSIN_F64, "check_ok",
			c->kind->key };
	}
}

/* The series come behind the values; the block goes with the row. */
static void
say_row(struct engine *en, struct sweep *s)
{
	size_t n = s->n * columns(s);
	struct change_series *series;
	void *block = mem_resize_array(s->values, n, sizeof(*s->values) +
		sizeof(*series));
	struct change_set *cs;
	struct change *c;

	if (block == NULL)
		return;
	s->values = block;
	series = (void *)(s->values + n);
	name_row(en, s, series);
	cs = facts(en);
	c = cs != NULL ? change_add(cs, CHANGE_HISTORY) : NULL;
	if (c == NULL)
		return;
	c->u.history = (struct change_history){ .at = s->at,
		.subject = s->part->id, .probe = s->probe,
		.outcome = TOCSIN_OK, .series = series,
		.values = (const uint64_t *)(const void *)s->values,
		.n = n, .owned = block };
	s->values = NULL;
}

void
sweep_flush(struct engine *en, struct sweep *s)
{
	if (s->values != NULL && s->arrived > 0)
		say_row(en, s);
	close_slot(s);
}
