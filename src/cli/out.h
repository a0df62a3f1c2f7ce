/*
 * Three ways to write: text for people, kv for scripts ("key=value", one item
 * a line), json as the server gave it.
 */
#ifndef TOCSIN_CLI_OUT_H
#define TOCSIN_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/strbuf.h"

enum out_format { OUT_TEXT, OUT_KV, OUT_JSON };

enum paint { PAINT_NONE, PAINT_GOOD, PAINT_DOUBT, PAINT_BAD, PAINT_DIM,
	PAINT_BOLD };

struct out {
	struct strbuf text;	/* written at the end, at once */
	enum out_format format;
	bool colour;
};

/* In text only. */
void out_say(struct out *o, const char *fmt, ...) TC_PRINTF(2, 3);
/* In text only, as out_say(), in colour where there is one. */
void out_paint(struct out *o, enum paint paint, const char *fmt, ...)
	TC_PRINTF(3, 4);
/* In kv only: "key=value\n"; a value with blanks or quotes is quoted. */
void out_pair(struct out *o, const char *key, const char *value);
/* Writes what there is to standard output now; TC_EIO. */
int out_flush(struct out *o);
/* How a state, health, level or verdict of the doctor is painted. */
enum paint out_paint_of(const char *word);

/* ---- tables: aligned columns in text, pairs in kv ---- */

struct column {
	const char *key;
	const char *title;	/* "" = only in kv */
	bool right;
	bool painted;		/* by its word */
};

struct cell {
	const char *raw;	/* for kv */
	const char *words;	/* for people */
};

struct table {
	const struct column *columns;
	size_t n_columns;
	struct cell *cells;	/* row by row */
	size_t n;		/* rows */
	size_t cap;
	const char *indent;	/* "" when NULL */
	struct arena arena;
	bool failed;
};

/* Begins a row; its cells are empty. */
void table_row(struct table *t);
/* Of the last row; words NULL = the same as raw.  Both are copied. */
void table_set(struct table *t, size_t column, const char *raw,
	const char *words);
void table_print(struct table *t, struct out *o);
void table_free(struct table *t);

#endif
