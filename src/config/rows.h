/*
 * Options by rows: from nodes to checked values with an origin, and back.
 */
#ifndef TOCSIN_CONFIG_ROWS_H
#define TOCSIN_CONFIG_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/tree.h"

/* What every part of the reading shares. */
struct reader {
	const char *file;
	struct arena *arena;
	struct arena *hosts;	/* config.hosts; in use as `arena` meanwhile */
	struct config_errors *errs;
	const struct config_lookup *lookup;
	bool no_memory;		/* sticky */
};

#define WHERE_BYTES 160

/* An error at the line. */
void reader_fail(struct reader *rd, unsigned line, const char *fmt, ...)
	TC_PRINTF(3, 4);
/* NULL when out of memory, which is remembered; zeroed. */
void *reader_alloc(struct reader *rd, size_t n, size_t size);
struct opt_origin reader_origin(const struct reader *rd, unsigned line);

/*
 * The map or list at `key`, or NULL: absent, empty (null), or not of that
 * kind, which is an error.
 */
const struct node *reader_map(struct reader *rd, const struct node *parent,
	const char *where, const char *key);
const struct node *reader_list(struct reader *rd, const struct node *parent,
	const char *where, const char *key);
/* A list of texts, none of them empty; n = 0 when it is not there. */
void reader_texts(struct reader *rd, const struct node *parent,
	const char *where, const char *key, struct config_list *out);
/* A map of words to texts; `what` is "tag" or the like. */
void reader_tags(struct reader *rd, const struct node *map,
	const char *where, struct tag **out, size_t *n);

/* One value of text, as YAML has it; `plain` = without quotes. */
int value_parse(const struct tocsin_opt *row, const char *text, bool plain,
	struct tocsin_value *out, struct tc_err *e);
void value_print(const struct tocsin_opt *row, const struct tocsin_value *v,
	struct strbuf *out);

/* All defaults; what has none is left to be missed by values_read(). */
bool values_init(struct reader *rd, const struct tocsin_opt *rows,
	struct config_values *out);
/* Own memory, same values, nothing set just here. */
bool values_copy(struct reader *rd, const struct config_values *from,
	struct config_values *out);

/*
 * Reads the map into the sets (the first that has the row wins).  Keys in
 * `other` (ends with NULL) are the caller's.  An unknown key, a wrong value
 * and a missing one are errors.
 */
void values_read(struct reader *rd, const struct node *map,
	const char *where, struct config_values *const *sets,
	const char *const *other);

/* The nearest of names, or NULL; feed with nearest_offer(). */
struct nearest {
	const char *wanted;
	const char *best;
	size_t distance;
};
void nearest_offer(struct nearest *near, const char *name);
/* "; did you mean 'x'?" or "". */
const char *nearest_text(const struct nearest *near, char *text, size_t size);

size_t rows_count(const struct tocsin_opt *rows);

#endif
