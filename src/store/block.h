/*
 * A block: many rows of one layout, column by column, each exact to the bit.
 * Columns are gathered in groups of a few kilobytes, each a zstd frame of its
 * own, so that one metric is read without the others.  format.md describes
 * the bytes.
 */
#ifndef TOCSIN_STORE_BLOCK_H
#define TOCSIN_STORE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "model/observation.h"

#define BLOCK_FORMAT 1
#define BLOCK_ROWS_MAX 131072
#define BLOCK_COLUMNS_MAX 1048576

/* In memory, as written and as read. */
struct block_rows {
	size_t rows;
	size_t columns;
	const int64_t *at_ms;		/* rising */
	const uint64_t *marks;		/* outcome | reason << 8 */
	const unsigned char *types;	/* enum tocsin_sample_type */
	const uint64_t *values;		/* [column * rows + row] */
};

/* Both keep their memory from block to block; {0} is empty; one thread. */
struct block_put {
	void *zstd;
	struct strbuf raw;	/* one group */
	struct strbuf lengths;	/* of its columns */
	struct strbuf bodies;	/* of groups, packed */
	uint64_t *words;	/* scratch of column_put() */
	size_t cap;
};
void block_put_free(struct block_put *p);
/* Appends to `out`; 1 ≤ rows ≤ BLOCK_ROWS_MAX.  0 or TC_ENOMEM. */
int block_put(struct block_put *p, const struct block_rows *in,
	struct strbuf *out);

struct block_get {
	size_t rows;
	size_t columns;
	void *zstd;
	const unsigned char *directory;
	const unsigned char *bodies;
	const unsigned char *end;
	size_t groups;
	struct strbuf raw;	/* of the group that was read last */
	size_t first;		/* its first column */
	size_t n;		/* its columns; 0 = none is read */
};
void block_get_free(struct block_get *g);
/* Borrows the bytes until the next open or free.  0 or TC_ECORRUPT, … */
int block_open(struct block_get *g, const void *bytes, size_t size);
/* Each gives `rows` values; columns are cheapest in their order. */
int block_times(struct block_get *g, int64_t *at_ms);
int block_marks(struct block_get *g, uint64_t *marks);
int block_column(struct block_get *g, size_t column, uint64_t *bits);

#endif
