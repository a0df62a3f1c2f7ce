#include "store/rollup.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/pack.h"

#define BUCKET_MS (DAY_MS / (int64_t)ROLLUP_BUCKETS)

struct rollup *
rollup_new(const struct layout_types *l, int64_t day_ms)
{
	struct rollup *r = MEM_NEW(struct rollup);

	if (r == NULL)
		return NULL;
	r->layout = l->id;
	r->day_ms = day_ms;
	r->columns = l->n;
	r->types = mem_alloc(l->n + 1);
	r->cells = mem_alloc_array(l->n + 1,
		ROLLUP_BUCKETS * sizeof(*r->cells));
	if (r->types == NULL || r->cells == NULL) {
		rollup_free(r);
		return NULL;
	}
	memcpy(r->types, l->types, l->n);
	return r;
}

void
rollup_free(struct rollup *r)
{
	if (r == NULL)
		return;
	mem_free(r->types);
	mem_free(r->cells);
	mem_free(r);
}

/* ---- adding ---- */

static bool
is_less(enum tocsin_sample_type type, uint64_t a, uint64_t b)
{
	switch (type) {
	case TOCSIN_U64:
		return a < b;
	case TOCSIN_I64:
		return (int64_t)a < (int64_t)b;
	case TOCSIN_F64:
		break;
	}
	return pack_to_double(type, a) < pack_to_double(type, b);
}

/* In twice the precision: the order of adding hardly matters. */
static void
add_sum(struct rollup_cell *c, double v, double low)
{
	double sum = c->sum + v;
	double part = sum - c->sum;

	c->low += (c->sum - (sum - part)) + (v - part) + low;
	c->sum = sum;
	if (!isfinite(c->low))
		c->low = 0;
}

static void
add_cell(struct rollup_cell *to, const struct rollup_cell *from,
	enum tocsin_sample_type type)
{
	if (from->count == 0)
		return;
	if (to->count == 0) {
		*to = *from;
		return;
	}
	if (is_less(type, from->min, to->min))
		to->min = from->min;
	if (is_less(type, to->max, from->max))
		to->max = from->max;
	if (from->last_ms >= to->last_ms) {
		to->last = from->last;
		to->last_ms = from->last_ms;
	}
	add_sum(to, from->sum, from->low);
	to->count += from->count;
}

struct span {			/* rows of a block within the day */
	size_t first, end;
	const int64_t *times;
};

static void
add_column(struct rollup *r, size_t column, const uint64_t *bits,
	const struct span *s)
{
	enum tocsin_sample_type type =
		(enum tocsin_sample_type)r->types[column];

	for (size_t i = s->first; i < s->end; i++) {
		size_t bucket = (size_t)((s->times[i] - r->day_ms) / BUCKET_MS);
		double v = pack_to_double(type, bits[i]);
		struct rollup_cell one = { bits[i], bits[i], bits[i],
			s->times[i], v, 0, 1 };

		if (!isnan(v))
			add_cell(&r->cells[bucket * r->columns + column], &one,
				type);
	}
}

static void
note_row(struct rollup *r, int64_t at_ms)
{
	int64_t *last = &r->last_ms[(at_ms - r->day_ms) / BUCKET_MS];

	if (*last == 0 || at_ms > *last)
		*last = at_ms;
}

int
rollup_add_block(struct rollup *r, struct block_get *g)
{
	int64_t *times = mem_alloc_array(g->rows, sizeof(*times));
	uint64_t *bits = mem_alloc_array(g->rows, sizeof(*bits));
	struct span s = { .times = times };
	int rc = times == NULL || bits == NULL ? TC_ENOMEM : 0;

	if (rc == 0 && g->columns != r->columns)
		rc = TC_ECORRUPT;
	if (rc == 0)
		rc = block_times(g, times);
	if (rc < 0)
		goto out;
	while (s.first < g->rows && times[s.first] < r->day_ms)
		s.first++;
	for (s.end = s.first; s.end < g->rows &&
	     times[s.end] >= r->day_ms &&
	     times[s.end] < r->day_ms + DAY_MS; s.end++)
		note_row(r, times[s.end]);
	for (size_t c = 0; rc == 0 && s.first < s.end && c < r->columns; c++) {
		if ((rc = block_column(g, c, bits)) == 0)
			add_column(r, c, bits, &s);
	}
out:
	mem_free(times);
	mem_free(bits);
	return rc;
}

/* ---- giving ---- */

struct sheet *
rollup_sheet(const struct rollup *r, struct sheets *in)
{
	size_t n = r->columns * ROLLUP_COLUMNS;
	struct layout_types *l = mem_alloc(sizeof(*l) + n);
	struct sheet *s;

	if (l == NULL)
		return NULL;
	l->id = r->layout;
	l->n = n;
	for (size_t i = 0; i < n; i++) {
		l->types[i] = r->types[i / ROLLUP_COLUMNS];
		if (i % ROLLUP_COLUMNS == ROLLUP_SUM)
			l->types[i] = TOCSIN_F64;
		else if (i % ROLLUP_COLUMNS == ROLLUP_COUNT)
			l->types[i] = TOCSIN_U64;
	}
	s = sheets_find(in, l);
	mem_free(l);
	return s;
}

static void
put_cell(const struct rollup_cell *c, uint64_t *to)
{
	double sum = c->low == 0 ? c->sum : c->sum + c->low;

	to[ROLLUP_MIN] = c->min;
	to[ROLLUP_MAX] = c->max;
	memcpy(&to[ROLLUP_SUM], &sum, sizeof(sum));
	to[ROLLUP_COUNT] = c->count;
	to[ROLLUP_LAST] = c->last;
}

/* One row out of buckets first … end. */
static int
put_row(const struct rollup *r, size_t first, size_t end, struct sheet *to)
{
	int64_t start = r->day_ms + (int64_t)first * BUCKET_MS, last = 0;
	uint64_t *values;

	for (size_t b = first; b < end; b++) {
		if (r->last_ms[b] != 0)
			last = r->last_ms[b];
	}
	if (last == 0)
		return 0;
	values = sheet_add(to, start, (uint64_t)(last - start));
	if (values == NULL)
		return TC_ENOMEM;
	for (size_t c = 0; c < r->columns; c++) {
		struct rollup_cell all = { 0 };

		for (size_t b = first; b < end; b++)
			add_cell(&all, &r->cells[b * r->columns + c],
				(enum tocsin_sample_type)r->types[c]);
		put_cell(&all, values + c * ROLLUP_COLUMNS);
	}
	return 0;
}

int
rollup_put(const struct rollup *r, enum tier tier, struct sheet *to)
{
	size_t wide = (size_t)(tiers[tier].row_ms / BUCKET_MS);
	int rc = 0;

	for (size_t b = 0; rc == 0 && b < ROLLUP_BUCKETS; b += wide)
		rc = put_row(r, b, b + wide, to);
	return rc;
}
