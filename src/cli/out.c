#include "cli/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static void
add_format(struct strbuf *sb, const char *fmt, va_list ap)
{
	char small[1024];
	va_list again;
	int n;
	char *to;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n >= 0 && (size_t)n < sizeof(small)) {
		strbuf_add(sb, small, (size_t)n);
	} else if (n >= 0) {
		to = strbuf_reserve(sb, (size_t)n + 1);
		if (to) {
			vsnprintf(to, (size_t)n + 1, fmt, again);
			sb->n += (size_t)n;
		}
	}
	va_end(again);
}

void
out_say(struct out *o, const char *fmt, ...)
{
	va_list ap;

	if (o->format != OUT_TEXT)
		return;
	va_start(ap, fmt);
	add_format(&o->text, fmt, ap);
	va_end(ap);
}

static const char *
paint_code(enum paint paint)
{
	switch (paint) {
	case PAINT_NONE:	return "";
	case PAINT_GOOD:	return "\033[32m";
	case PAINT_DOUBT:	return "\033[33m";
	case PAINT_BAD:		return "\033[31;1m";
	case PAINT_DIM:		return "\033[2m";
	case PAINT_BOLD:	return "\033[1m";
	}
	return "";
}

static void
begin_paint(struct out *o, enum paint paint)
{
	if (o->colour)
		strbuf_puts(&o->text, paint_code(paint));
}

static void
end_paint(struct out *o, enum paint paint)
{
	if (o->colour && paint != PAINT_NONE)
		strbuf_puts(&o->text, "\033[0m");
}

void
out_paint(struct out *o, enum paint paint, const char *fmt, ...)
{
	va_list ap;

	if (o->format != OUT_TEXT)
		return;
	begin_paint(o, paint);
	va_start(ap, fmt);
	add_format(&o->text, fmt, ap);
	va_end(ap);
	end_paint(o, paint);
}

static void
add_pair(struct out *o, const char *key, const char *value)
{
	strbuf_puts(&o->text, key);
	strbuf_putc(&o->text, '=');
	if (*value && !strpbrk(value, " \t\"'\\=$`")) {
		strbuf_puts(&o->text, value);
		return;
	}
	strbuf_putc(&o->text, '"');
	for (; *value; value++) {
		if (strchr("\"\\$`", *value))
			strbuf_putc(&o->text, '\\');
		strbuf_putc(&o->text, *value);
	}
	strbuf_putc(&o->text, '"');
}

void
out_pair(struct out *o, const char *key, const char *value)
{
	if (o->format != OUT_KV)
		return;
	add_pair(o, key, value);
	strbuf_putc(&o->text, '\n');
}

int
out_flush(struct out *o)
{
	bool good = !o->text.failed &&
		fwrite(strbuf_str(&o->text), 1, o->text.n, stdout) ==
			o->text.n && fflush(stdout) == 0;

	strbuf_reset(&o->text);
	return good ? 0 : TC_EIO;
}

enum paint
out_paint_of(const char *word)
{
	static const struct { const char *word; enum paint paint; } rows[] = {
		{ "healthy", PAINT_GOOD }, { "ok", PAINT_GOOD },
		{ "unhealthy", PAINT_BAD }, { "unreachable", PAINT_BAD },
		{ "impaired", PAINT_BAD }, { "imminent", PAINT_BAD },
		{ "fail", PAINT_BAD }, { "critical", PAINT_BAD },
		{ "held", PAINT_BAD }, { "latched", PAINT_BAD },
		{ "recommended", PAINT_DOUBT }, { "warning", PAINT_DOUBT },
		{ "overloaded", PAINT_DOUBT }, { "suspect", PAINT_DOUBT },
		{ "stale", PAINT_DOUBT }, { "flapping", PAINT_DOUBT },
		{ "likely", PAINT_DOUBT }, { "watch", PAINT_DOUBT },
		{ "warn", PAINT_DOUBT },
		{ "unknown", PAINT_DIM }, { "none", PAINT_DIM },
		{ "retired", PAINT_DIM }, { "asleep", PAINT_DIM },
		{ "maintenance", PAINT_DIM },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].word, word) == 0)
			return rows[i].paint;
	}
	return PAINT_NONE;
}

/* ---- tables ---- */

void
table_row(struct table *t)
{
	void *cells = t->cells;
	size_t want = (t->n + 1) * t->n_columns;

	if (mem_grow(&cells, &t->cap, want, sizeof(*t->cells)) < 0) {
		t->failed = true;
		return;
	}
	t->cells = cells;
	for (size_t i = 0; i < t->n_columns; i++)
		t->cells[t->n * t->n_columns + i] = (struct cell){ "", "" };
	t->n++;
}

void
table_set(struct table *t, size_t column, const char *raw, const char *words)
{
	struct cell *cell;
	const char *copy, *said;

	if (t->failed || t->n == 0)
		return;
	cell = &t->cells[(t->n - 1) * t->n_columns + column];
	copy = arena_strdup(&t->arena, raw);
	said = words ? arena_strdup(&t->arena, words) : copy;
	if (!copy || !said) {
		t->failed = true;
		return;
	}
	*cell = (struct cell){ copy, said };
}

/* Columns on a terminal: bytes that begin a character. */
static size_t
width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static const char *
shown(const struct table *t, size_t row, size_t column)
{
	return t->cells[row * t->n_columns + column].words;
}

/* The last column that has anything to show; what is empty is left out. */
static size_t
measure(const struct table *t, size_t *widths)
{
	size_t last = 0;

	for (size_t c = 0; c < t->n_columns; c++) {
		widths[c] = 0;
		for (size_t r = 0; r < t->n; r++) {
			size_t w = width_of(shown(t, r, c));

			if (w > widths[c])
				widths[c] = w;
		}
		if (!*t->columns[c].title)
			widths[c] = 0;
		if (widths[c] == 0)
			continue;
		if (width_of(t->columns[c].title) > widths[c])
			widths[c] = width_of(t->columns[c].title);
		last = c;
	}
	return last;
}

static void
pad(struct out *o, size_t n)
{
	while (n-- > 0)
		strbuf_putc(&o->text, ' ');
}

struct layout {
	size_t widths[32];
	size_t last;
};

static void
print_cell(struct out *o, const struct table *t, const struct layout *l,
	size_t c, const char *text)
{
	const struct column *col = &t->columns[c];
	size_t gap = l->widths[c] - width_of(text);
	enum paint paint = col->painted ? out_paint_of(text) : PAINT_NONE;

	if (col->right)
		pad(o, gap);
	begin_paint(o, paint);
	strbuf_puts(&o->text, text);
	end_paint(o, paint);
	if (c < l->last)
		pad(o, (col->right ? 0 : gap) + 2);
}

static void
print_text(const struct table *t, struct out *o)
{
	struct layout l;
	const char *indent = t->indent ? t->indent : "";

	tc_bug_if(t->n_columns > ARRAY_LEN(l.widths));
	l.last = measure(t, l.widths);
	strbuf_puts(&o->text, indent);
	begin_paint(o, PAINT_DIM);
	for (size_t c = 0; c < t->n_columns; c++) {
		const char *title = t->columns[c].title;
		size_t gap;

		if (l.widths[c] == 0)
			continue;
		gap = l.widths[c] - width_of(title);
		pad(o, t->columns[c].right ? gap : 0);
		strbuf_puts(&o->text, title);
		if (c < l.last)
			pad(o, (t->columns[c].right ? 0 : gap) + 2);
	}
	end_paint(o, PAINT_DIM);
	strbuf_putc(&o->text, '\n');
	for (size_t r = 0; r < t->n; r++) {
		strbuf_puts(&o->text, indent);
		for (size_t c = 0; c < t->n_columns; c++) {
			if (l.widths[c] > 0)
				print_cell(o, t, &l, c, shown(t, r, c));
		}
		while (o->text.n > 0 && o->text.p[o->text.n - 1] == ' ')
			o->text.n--;
		strbuf_putc(&o->text, '\n');
	}
}

static void
print_pairs(const struct table *t, struct out *o)
{
	for (size_t r = 0; r < t->n; r++) {
		for (size_t c = 0; c < t->n_columns; c++) {
			if (c > 0)
				strbuf_putc(&o->text, ' ');
			add_pair(o, t->columns[c].key,
				t->cells[r * t->n_columns + c].raw);
		}
		strbuf_putc(&o->text, '\n');
	}
}

void
table_print(struct table *t, struct out *o)
{
	if (t->failed)
		o->text.failed = true;
	else if (t->n > 0 && o->format == OUT_TEXT)
		print_text(t, o);
	else if (o->format == OUT_KV)
		print_pairs(t, o);
}

void
table_free(struct table *t)
{
	mem_free(t->cells);
	arena_free(&t->arena);
	*t = (struct table){0};
}
