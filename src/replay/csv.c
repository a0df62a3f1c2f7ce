/*
 * Backblaze CSV, one line at a time.
 */
#include "replay/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/units.h"

/* ---- header -------------------------------------------------------------- */

struct column_name {
	const char *name;
	enum csv_field field;
	bool needed;
};

static const struct column_name column_names[] = {
	{ "date", CSV_DATE, true },
	{ "serial_number", CSV_SERIAL, true },
	{ "model", CSV_MODEL, false },
	{ "capacity_bytes", CSV_CAPACITY, false },
	{ "failure", CSV_FAILURE, true },
};

/* Where in the header, 0 = nowhere, else column + 1. */
struct header {
	uint32_t column;	/* being read */
	uint32_t at[ARRAY_LEN(column_names)];
	uint32_t counter_at[COUNTER_N];
};

static int
note_column(struct csv *c, struct header *h, const char *name, size_t n,
	struct tc_err *e)
{
	uint32_t *at = NULL;
	enum counter counter;

	for (size_t i = 0; i < ARRAY_LEN(column_names); i++) {
		if (strlen(column_names[i].name) == n &&
		    memcmp(column_names[i].name, name, n) == 0)
			at = &h->at[i];
	}
	if (!at && counter_from_metric(name, n, &counter))
		at = &h->counter_at[counter];
	if (!at)
		return 0;
	if (*at != 0)
		return tc_fail(e, TC_EINVAL, "%s:%llu: column %.*s stands "
			"there twice", c->file, (unsigned long long)c->line,
			(int)n, name);
	*at = h->column + 1;
	return 0;
}

static int
read_names(struct csv *c, struct header *h, const char *p, size_t n,
	struct tc_err *e)
{
	const char *end = p + n;
	int rc;

	for (;; p++, h->column++) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;
		size_t len = (size_t)(stop - p);

		if (h->column == CSV_COLUMNS_MAX)
			return tc_fail(e, TC_EFULL, "%s:%llu: more than %d "
				"columns", c->file, (unsigned long long)c->line,
				CSV_COLUMNS_MAX);
		if (len >= 2 && p[0] == '"' && stop[-1] == '"') {
			p++;
			len -= 2;
		}
		if ((rc = note_column(c, h, p, len, e)) < 0)
			return rc;
		if (!comma)
			return 0;
		p = comma;
	}
}

static int
compare_steps(const void *a, const void *b)
{
	const struct csv_step *x = a, *y = b;

	return x->skip < y->skip ? -1 : x->skip > y->skip;
}

static void
add_step(struct csv *c, uint32_t at, enum csv_field field, enum counter counter)
{
	if (at != 0)
		c->steps[c->n_steps++] =
			(struct csv_step){ at - 1, field, counter };
}

int
csv_header(struct csv *c, const char *p, size_t n, struct tc_err *e)
{
	struct header h = { 0 };
	uint32_t counters = 0, before = 0;
	int rc = read_names(c, &h, p, n, e);

	if (rc < 0)
		return rc;
	c->n_steps = 0;
	for (size_t i = 0; i < ARRAY_LEN(column_names); i++) {
		if (h.at[i] == 0 && column_names[i].needed)
			return tc_fail(e, TC_EINVAL, "%s:%llu: the header has "
				"no column %s", c->file,
				(unsigned long long)c->line,
				column_names[i].name);
		add_step(c, h.at[i], column_names[i].field,
			COUNTER_REALLOCATED);
	}
	for (int i = 0; i < COUNTER_N; i++) {
		counters += h.counter_at[i] != 0;
		add_step(c, h.counter_at[i], CSV_COUNTER, (enum counter)i);
	}
	if (counters == 0)
		return tc_fail(e, TC_EINVAL, "%s:%llu: the header has none of "
			"smart_5_raw, smart_187_raw, smart_188_raw, "
			"smart_197_raw, smart_198_raw", c->file,
			(unsigned long long)c->line);
	qsort(c->steps, c->n_steps, sizeof(c->steps[0]), compare_steps);
	for (uint32_t i = 0; i < c->n_steps; i++) {
		uint32_t column = c->steps[i].skip;

		c->steps[i].skip = column - before;
		before = column + 1;
	}
	return 0;
}

/* ---- rows ---------------------------------------------------------------- */

/* A line being read; `at` moves over it. */
struct scan {
	const struct csv *csv;
	char *start;
	char *at;
};

static int
expected(const struct scan *s, const char *at, const char *what,
	struct tc_err *e)
{
	size_t n = strcspn(at, ",\r\n");

	return tc_fail(e, TC_EINVAL, "%s:%llu:%zu: expected %s, got \"%.*s\"%s",
		s->csv->file, (unsigned long long)s->csv->line,
		(size_t)(at - s->start) + 1, what, n > 40 ? 40 : (int)n, at,
		n > 40 ? "…" : "");
}

static bool
ends_field(const char *p)
{
	return *p == ',' || *p == '\n' || (*p == '\r' && p[1] == '\n');
}

/* Behind the closing quote; the text is unescaped in place. */
static int
scan_quoted(struct scan *s, const char **text, uint32_t *n, struct tc_err *e)
{
	char *from = s->at + 1, *to = from;

	*text = from;
	for (;; from++) {
		if (*from == '\n')
			return expected(s, s->at, "a closing quote on the "
				"same line", e);
		if (*from == '"') {
			if (from[1] != '"')
				break;
			from++;
		}
		*to++ = *from;
	}
	*n = (uint32_t)(to - *text);
	if (!ends_field(from + 1))
		return expected(s, from + 1, "a comma or the end of the line "
			"behind the quote", e);
	s->at = from + 1;
	return 0;
}

static int
scan_text(struct scan *s, const char **text, uint32_t *n, struct tc_err *e)
{
	char *p = s->at;

	if (*p == '"')
		return scan_quoted(s, text, n, e);
	while (*p != ',' && *p != '\n')
		p++;
	s->at = p;
	if (*p == '\n' && p > s->start && p[-1] == '\r')
		s->at = --p;
	return 0;
}

static int
skip_fields(struct scan *s, uint32_t n, struct tc_err *e)
{
	const char *text;
	uint32_t len;
	int rc;

	for (; n > 0; n--) {
		char *p = s->at;

		if (*p == '"') {
			if ((rc = scan_quoted(s, &text, &len, e)) < 0)
				return rc;
			p = s->at;
		}
		while (*p != ',' && *p != '\n')
			p++;
		if (*p != ',')
			return expected(s, p, "more columns, as in the header",
				e);
		s->at = p + 1;
	}
	return 0;
}

/* "16.0", "1.6e1", "\"16\"": what other tools make of whole numbers. */
static int
scan_odd_number(struct scan *s, uint64_t *out, bool *has, struct tc_err *e)
{
	const char *text = s->at, *start = s->at;
	uint32_t n = 0;
	double v;
	int rc;

	if ((rc = scan_text(s, &text, &n, e)) < 0)
		return rc;
	if (*start != '"') {
		text = start;
		n = (uint32_t)(s->at - start);
	}
	*has = n > 0;
	if (n == 0)
		return 0;
	if (double_parse(text, n, &v) < 0 || !(v >= 0 && v < 1.8e19) ||
	    v != (double)(uint64_t)v)
		return expected(s, start, "a whole number, or nothing", e);
	*out = (uint64_t)v;
	return 0;
}

static inline int
scan_number(struct scan *s, uint64_t *out, bool *has, struct tc_err *e)
{
	const char *p = s->at;
	uint64_t v = 0;

	for (; (unsigned char)(*p - '0') <= 9; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	/* 19 digits fit; what is longer goes the careful way */
	if (!ends_field(p) || p - s->at > 19)
		return scan_odd_number(s, out, has, e);
	*has = p > s->at;
	*out = v;
	s->at += p - s->at;
	return 0;
}

static int
scan_date(struct scan *s, struct csv *c, int32_t *day, struct tc_err *e)
{
	const char *text = s->at;
	uint32_t n = 0;
	struct date date;
	int rc;

	if (memcmp(s->at, c->date, sizeof(c->date)) == 0 &&
	    ends_field(s->at + sizeof(c->date))) {
		s->at += sizeof(c->date);
		*day = c->day;
		return 0;
	}
	if ((rc = scan_text(s, &text, &n, e)) < 0)
		return rc;
	if (n == 0)
		n = (uint32_t)(s->at - text);
	if (n < 10 || (n > 10 && text[10] != 'T' && text[10] != ' ') ||
	    date_parse(text, 10, &date) < 0)
		return expected(s, text, "a date such as 2015-12-31", e);
	*day = c->day = date_to_days(date);
	memcpy(c->date, text, sizeof(c->date));
	return 0;
}

static int
scan_name(struct scan *s, const char **text, uint32_t *n, struct tc_err *e)
{
	const char *start = s->at;
	int rc;

	*text = start;
	*n = 0;
	if ((rc = scan_text(s, text, n, e)) < 0)
		return rc;
	if (*start != '"')
		*n = (uint32_t)(s->at - start);
	return 0;
}

static int
scan_failure(struct scan *s, bool *out, struct tc_err *e)
{
	char *start = s->at;
	uint64_t v = 0;
	bool has = false;
	int rc = scan_number(s, &v, &has, e);

	if (rc < 0)
		return rc;
	if (!has || v > 1)
		return expected(s, start, "failure to be 0 or 1", e);
	*out = v == 1;
	return 0;
}

static inline int
scan_field(struct scan *s, struct csv *c, const struct csv_step *step,
	struct row *row, struct tc_err *e)
{
	uint64_t v = 0;
	bool has = false;
	int rc;

	switch (step->field) {
	case CSV_DATE:
		return scan_date(s, c, &row->day, e);
	case CSV_SERIAL:
		return scan_name(s, &row->serial, &row->serial_n, e);
	case CSV_MODEL:
		return scan_name(s, &row->model, &row->model_n, e);
	case CSV_FAILURE:
		return scan_failure(s, &row->failure, e);
	case CSV_CAPACITY:
		/* -1 stands for unknown in some years */
		if (s->at[0] == '-' && s->at[1] == '1' && ends_field(s->at + 2)) {
			s->at += 2;
			return 0;
		}
		return scan_number(s, &row->capacity_bytes, &has, e);
	case CSV_COUNTER:
		if ((rc = scan_number(s, &v, &has, e)) < 0)
			return rc;
		row->raw[step->counter] = v;
		row->seen |= (uint32_t)has << step->counter;
		return 0;
	}
	return 0;
}

int
csv_row(struct csv *c, char *p, struct row *row, char **next, struct tc_err *e)
{
	struct scan s = { c, p, p };
	int rc;

	row->seen = 0;
	row->capacity_bytes = 0;
	row->model = "";
	row->model_n = 0;
	row->file = c->file;
	row->line = c->line;
	for (uint32_t i = 0; i < c->n_steps; i++) {
		const struct csv_step *step = &c->steps[i];

		if (i > 0) {
			if (*s.at != ',')
				return expected(&s, s.at,
					"more columns, as in the header", e);
			s.at++;
		}
		if (step->skip && (rc = skip_fields(&s, step->skip, e)) < 0)
			return rc;
		if ((rc = scan_field(&s, c, step, row, e)) < 0)
			return rc;
	}
	if (row->serial_n == 0)
		return expected(&s, p, "a serial number", e);
	*next = (char *)rawmemchr(s.at, '\n') + 1;
	return 0;
}
