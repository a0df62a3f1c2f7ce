#include "store/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "store/pack.h"

#define LAYOUTS_KEPT 256

/* ---- layouts ---- */

void
layout_cache_free(struct layout_cache *c)
{
	for (size_t i = 0; i < c->n; i++)
		mem_free(c->items[i]);
	mem_free(c->items);
	*c = (struct layout_cache){ 0 };
}

static int
read_types(struct db *db, int64_t id, struct layout_types **out,
	struct tc_err *e)
{
	struct layout_types *l = NULL;
	size_t at = 0;
	int rc;

	db_bind_i64(db, ST_LAYOUT_TYPES, 1, id);
	while ((rc = db_step(db, ST_LAYOUT_TYPES, e)) == 1) {
		int64_t n = db_i64(db, ST_LAYOUT_TYPES, 0);
		int64_t type = db_i64(db, ST_LAYOUT_TYPES, 2);

		if (l == NULL && n >= 0 && n <= BLOCK_COLUMNS_MAX) {
			l = mem_alloc(sizeof(*l) + (size_t)n);
			if (l == NULL) {
				rc = tc_fail(e, TC_ENOMEM, "layout: out of memory");
				break;
			}
			l->id = id;
			l->n = (size_t)n;
		}
		if (l == NULL || l->n == 0)
			break;
		if (at >= l->n || type < 0 || type > TOCSIN_I64 ||
		    db_i64(db, ST_LAYOUT_TYPES, 1) != (int64_t)at)
			break;
		l->types[at++] = (unsigned char)type;
	}
	db_reset(db, ST_LAYOUT_TYPES);
	if (rc >= 0 && (l == NULL || at != l->n))
		rc = tc_fail(e, TC_ECORRUPT, "layout %lld", (long long)id);
	if (rc < 0) {
		mem_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

const struct layout_types *
layout_cache_get(struct layout_cache *c, struct db *db, int64_t id,
	struct tc_err *e)
{
	struct layout_types *l;
	void *items;

	if (c->last < c->n && c->items[c->last]->id == id)
		return c->items[c->last];
	for (size_t i = 0; i < c->n; i++) {
		if (c->items[i]->id == id) {
			c->last = i;
			return c->items[i];
		}
	}
	if (c->n >= LAYOUTS_KEPT)
		layout_cache_free(c);
	items = c->items;
	if (mem_grow(&items, &c->cap, c->n + 1, sizeof(*c->items)) < 0) {
		tc_fail(e, TC_ENOMEM, "layout: out of memory");
		return NULL;
	}
	c->items = items;
	if (read_types(db, id, &l, e) < 0)
		return NULL;
	c->last = c->n;
	c->items[c->n++] = l;
	return l;
}

/* ---- sheets ---- */

static void
sheet_free(struct sheet *s)
{
	mem_free(s->types);
	mem_free(s->at_ms);
	mem_free(s->marks);
	mem_free(s->values);
	*s = (struct sheet){ 0 };
}

void
sheets_free(struct sheets *s)
{
	for (size_t i = 0; i < s->cap; i++)
		sheet_free(&s->items[i]);
	mem_free(s->items);
	*s = (struct sheets){ 0 };
}

void
sheets_reset(struct sheets *s)
{
	/* One that is used again has its memory; many are given back. */
	for (size_t i = 4; i < s->n; i++)
		sheet_free(&s->items[i]);
	s->n = 0;
}

struct sheet *
sheets_find(struct sheets *s, const struct layout_types *l)
{
	size_t before = s->cap;
	void *items = s->items;
	struct sheet *it;

	for (size_t i = 0; i < s->n; i++) {
		if (s->items[i].layout == l->id)
			return &s->items[i];
	}
	if (mem_grow(&items, &s->cap, s->n + 1, sizeof(*it)) < 0)
		return NULL;
	s->items = items;
	if (s->cap > before)
		memset(s->items + before, 0, (s->cap - before) * sizeof(*it));
	it = &s->items[s->n];
	if (it->columns != l->n || it->types == NULL) {
		sheet_free(it);
		it->types = mem_alloc(l->n + 1);
		if (it->types == NULL)
			return NULL;
	}
	memcpy(it->types, l->types, l->n);
	it->layout = l->id;
	it->columns = l->n;
	it->rows = 0;
	s->n++;
	return it;
}

static int
grow_sheet(struct sheet *s)
{
	size_t cap = s->cap == 0 ? 256 : s->cap * 2;
	size_t width = s->columns == 0 ? 1 : s->columns;
	int64_t *at_ms;
	uint64_t *marks, *values;

	if ((at_ms = mem_resize_array(s->at_ms, cap, sizeof(*at_ms))) == NULL)
		return TC_ENOMEM;
	s->at_ms = at_ms;
	if ((marks = mem_resize_array(s->marks, cap, sizeof(*marks))) == NULL)
		return TC_ENOMEM;
	s->marks = marks;
	values = mem_resize_array(s->values, cap, width * sizeof(*values));
	if (values == NULL)
		return TC_ENOMEM;
	s->values = values;
	s->cap = cap;
	return 0;
}

uint64_t *
sheet_add(struct sheet *s, int64_t at_ms, uint64_t mark)
{
	if (s->rows == s->cap && grow_sheet(s) < 0)
		return NULL;
	s->at_ms[s->rows] = at_ms;
	s->marks[s->rows] = mark;
	return s->values + s->rows++ * s->columns;
}

int
sheet_add_packed(struct sheet *s, const struct sheet_row *row)
{
	struct unpacker u;
	uint64_t *to;
	int rc;

	if ((rc = unpack_begin(&u, row->packed, row->n, s->columns)) < 0)
		return rc;
	if ((to = sheet_add(s, row->at_ms, row->mark)) == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; rc == 0 && i < s->columns; i++)
		rc = unpack_at(&u, i, (enum tocsin_sample_type)s->types[i],
			&to[i]);
	if (rc < 0)
		s->rows--;
	return rc;
}

/* ---- order ---- */

struct place {
	int64_t at_ms;
	size_t row;
};

static int
by_time(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static bool
is_sorted(const struct sheet *s)
{
	for (size_t i = 1; i < s->rows; i++) {
		if (s->at_ms[i] <= s->at_ms[i - 1])
			return false;
	}
	return true;
}

/* Rows in the order of `places`, times once. */
static int
rearrange(struct sheet *s, const struct place *places)
{
	struct sheet to = { .columns = s->columns };

	for (size_t i = 0; i < s->rows; i++) {
		const struct place *p = &places[i];
		uint64_t *values;

		if (i > 0 && p->at_ms == places[i - 1].at_ms)
			continue;
		values = sheet_add(&to, p->at_ms, s->marks[p->row]);
		if (values == NULL) {
			sheet_free(&to);
			return TC_ENOMEM;
		}
		if (s->columns > 0)
			memcpy(values, s->values + p->row * s->columns,
				s->columns * sizeof(*values));
	}
	to.layout = s->layout;
	to.types = s->types;
	s->types = NULL;
	sheet_free(s);
	*s = to;
	return 0;
}

int
sheet_sort(struct sheet *s)
{
	struct place *places;
	int rc;

	if (is_sorted(s))
		return 0;
	places = mem_alloc_array(s->rows, sizeof(*places));
	if (places == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < s->rows; i++)
		places[i] = (struct place){ s->at_ms[i], i };
	qsort(places, s->rows, sizeof(*places), by_time);
	rc = rearrange(s, places);
	mem_free(places);
	return rc;
}

/* ---- to and from blocks ---- */

static int
add_columns(struct sheet *s, struct block_get *g, size_t from, size_t n)
{
	uint64_t *column = mem_alloc_array(g->rows, sizeof(*column));
	uint64_t *to = s->values + (s->rows - n) * s->columns;
	int rc = column == NULL ? TC_ENOMEM : 0;

	for (size_t c = 0; rc == 0 && c < s->columns; c++) {
		if ((rc = block_column(g, c, column)) < 0)
			break;
		for (size_t i = 0; i < n; i++)
			to[i * s->columns + c] = column[from + i];
	}
	mem_free(column);
	return rc;
}

int
sheet_add_block(struct sheet *s, struct block_get *g, int64_t from_ms,
	int64_t to_ms)
{
	size_t before = s->rows, first = 0, end;
	int64_t *times = mem_alloc_array(g->rows, sizeof(*times));
	uint64_t *marks = mem_alloc_array(g->rows, sizeof(*marks));
	int rc = times == NULL || marks == NULL ? TC_ENOMEM : 0;

	if (rc == 0 && g->columns != s->columns)
		rc = TC_ECORRUPT;
	if (rc == 0 && (rc = block_times(g, times)) == 0)
		rc = block_marks(g, marks);
	if (rc < 0)
		goto out;
	while (first < g->rows && times[first] < from_ms)
		first++;
	for (end = first; end < g->rows && times[end] < to_ms; end++) {
		if (sheet_add(s, times[end], marks[end]) == NULL) {
			rc = TC_ENOMEM;
			goto out;
		}
	}
	if (end > first)
		rc = add_columns(s, g, first, end - first);
out:
	if (rc < 0)
		s->rows = before;
	mem_free(times);
	mem_free(marks);
	return rc;
}

/* Eight columns at a time: a cache line of each row is read once. */
static void
transpose(const uint64_t *from, size_t rows, size_t columns, uint64_t *to)
{
	for (size_t c = 0; c < columns; c += 8) {
		size_t end = c + 8 < columns ? c + 8 : columns;

		for (size_t r = 0; r < rows; r++) {
			for (size_t k = c; k < end; k++)
				to[k * rows + r] = from[r * columns + k];
		}
	}
}

int
sheet_pack(const struct sheet *s, size_t first, size_t n,
	struct block_put *p, struct strbuf *out)
{
	struct block_rows in = { .rows = n, .columns = s->columns,
		.at_ms = s->at_ms + first, .marks = s->marks + first,
		.types = s->types };
	size_t width = s->columns == 0 ? 1 : s->columns;
	uint64_t *values = mem_alloc_array(n, width * sizeof(*values));
	int rc;

	if (values == NULL)
		return TC_ENOMEM;
	transpose(s->values + first * s->columns, n, s->columns, values);
	in.values = values;
	rc = block_put(p, &in, out);
	mem_free(values);
	return rc;
}
