/*
 * Rows of one layout in the order in which they are read, on their way into
 * blocks or out of them.
 */
#ifndef TOCSIN_STORE_SHEET_H
#define TOCSIN_STORE_SHEET_H

#include <stddef.h>
#include <stdint.h>

#include "store/block.h"
#include "store/db.h"

/* What of a layout is needed to pack: the kinds of its values. */
struct layout_types {
	int64_t id;
	size_t n;
	unsigned char types[];
};

struct layout_cache {
	struct layout_types **items;
	size_t n;
	size_t cap;
	size_t last;		/* the one asked for before */
};
void layout_cache_free(struct layout_cache *c);
/* Until the next call; NULL on error, TC_ECORRUPT when there is no such. */
const struct layout_types *layout_cache_get(struct layout_cache *c,
	struct db *db, int64_t id, struct tc_err *e);

struct sheet {
	int64_t layout;
	size_t columns;
	unsigned char *types;
	size_t rows;
	size_t cap;
	int64_t *at_ms;
	uint64_t *marks;
	uint64_t *values;	/* [row * columns + column] */
};

/* Of one source; kept from source to source for their memory. */
struct sheets {
	struct sheet *items;
	size_t n;
	size_t cap;
};
void sheets_free(struct sheets *s);
void sheets_reset(struct sheets *s);
struct sheet *sheets_find(struct sheets *s, const struct layout_types *l);

/*
 * A row whose values the caller fills in; NULL when out of memory.  Rows come
 * in any order until sheet_sort(), which drops all but the first of a time.
 */
uint64_t *sheet_add(struct sheet *s, int64_t at_ms, uint64_t mark);
int sheet_sort(struct sheet *s);
/* A packed row as in `tick`; 0 or TC_ECORRUPT, TC_ENOMEM. */
struct sheet_row {
	int64_t at_ms;
	uint64_t mark;
	const void *packed;
	size_t n;
};
int sheet_add_packed(struct sheet *s, const struct sheet_row *row);
/* All rows of an open block with from ≤ time < to. */
int sheet_add_block(struct sheet *s, struct block_get *g, int64_t from_ms,
	int64_t to_ms);
/* Rows first … first + n as a block at the end of `out`. */
int sheet_pack(const struct sheet *s, size_t first, size_t n,
	struct block_put *p, struct strbuf *out);

#endif
