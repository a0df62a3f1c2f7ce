/*
 * Blocks as a file holds them: nothing in the bytes is taken on trust.
 */
#include <stdbool.h>
#include <zstd.h>

#include "base/err.h"
#include "store/bits.h"
#include "store/block.h"
#include "store/column.h"

#define HEAD_COLUMNS 2		/* times, marks */
#define GROUP_MAX (8u << 20)	/* bytes; we write a few thousand */

struct group {
	uint64_t columns;
	uint64_t raw;
	uint64_t packed;
};

void
block_get_free(struct block_get *g)
{
	ZSTD_freeDCtx(g->zstd);
	strbuf_free(&g->raw);
	*g = (struct block_get){ 0 };
}

static bool
next_group(const struct block_get *g, const unsigned char **at,
	struct group *out)
{
	return varint_get(at, g->end, &out->columns) &&
		varint_get(at, g->end, &out->raw) &&
		varint_get(at, g->end, &out->packed);
}

/* The groups fill the bytes and hold all columns, no more. */
static int
check_directory(struct block_get *g)
{
	const unsigned char *at = g->directory;
	uint64_t columns = 0, bytes = 0;
	size_t size = (size_t)(g->end - at);

	for (size_t i = 0; i < g->groups; i++) {
		struct group one;

		if (!next_group(g, &at, &one) || one.raw > GROUP_MAX ||
		    one.columns == 0 || one.columns > one.raw ||
		    one.packed > size)
			return TC_ECORRUPT;
		columns += one.columns;
		bytes += one.packed;
	}
	g->bodies = at;
	if (columns != g->columns + HEAD_COLUMNS ||
	    bytes != (uint64_t)(g->end - at))
		return TC_ECORRUPT;
	return 0;
}

int
block_open(struct block_get *g, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;
	uint64_t rows, columns, groups;

	g->n = 0;
	g->rows = 0;
	g->columns = 0;
	if (size == 0)
		return TC_ECORRUPT;
	g->end = at + size;
	if (*at++ != BLOCK_FORMAT)
		return TC_EUNSUP;
	if (!varint_get(&at, g->end, &rows) ||
	    !varint_get(&at, g->end, &columns) ||
	    !varint_get(&at, g->end, &groups) || groups > size ||
	    rows == 0 || rows > BLOCK_ROWS_MAX || columns > BLOCK_COLUMNS_MAX)
		return TC_ECORRUPT;
	g->rows = (size_t)rows;
	g->columns = (size_t)columns;
	g->groups = (size_t)groups;
	g->directory = at;
	return check_directory(g);
}

static int
unpack_group(struct block_get *g, const struct group *one,
	const unsigned char *packed)
{
	char *to;
	size_t n;

	g->n = 0;
	if (g->zstd == NULL && (g->zstd = ZSTD_createDCtx()) == NULL)
		return TC_ENOMEM;
	strbuf_reset(&g->raw);
	to = strbuf_reserve(&g->raw, (size_t)one->raw);
	if (to == NULL)
		return TC_ENOMEM;
	n = ZSTD_decompressDCtx(g->zstd, to, (size_t)one->raw, packed,
		(size_t)one->packed);
	if (ZSTD_isError(n) || n != one->raw)
		return TC_ECORRUPT;
	g->raw.n = n;
	g->n = (size_t)one->columns;
	return 0;
}

/* The group with this column becomes the one at hand. */
static int
find_group(struct block_get *g, size_t column)
{
	const unsigned char *at = g->directory, *packed = g->bodies;
	struct group one;
	size_t first = 0;

	if (g->n > 0 && column >= g->first && column - g->first < g->n)
		return 0;
	for (size_t i = 0; i < g->groups; i++) {
		if (!next_group(g, &at, &one))
			return TC_ECORRUPT;
		if (column < first + one.columns) {
			g->first = first;
			return unpack_group(g, &one, packed);
		}
		first += (size_t)one.columns;
		packed += one.packed;
	}
	return TC_ECORRUPT;
}

static int
read_column(struct block_get *g, size_t column, uint64_t *bits)
{
	const unsigned char *at, *end;
	uint64_t length, before = 0, mine = 0;
	int rc = find_group(g, column);

	if (rc < 0)
		return rc;
	at = (const unsigned char *)g->raw.p;
	end = at + g->raw.n;
	for (size_t i = 0; i < g->n; i++) {
		if (!varint_get(&at, end, &length) || length > g->raw.n)
			return TC_ECORRUPT;
		if (i < column - g->first)
			before += length;
		else if (i == column - g->first)
			mine = length;
	}
	if (before > (uint64_t)(end - at) ||
	    mine > (uint64_t)(end - at) - before)
		return TC_ECORRUPT;
	return column_get(at + before, (size_t)mine, bits, g->rows);
}

int
block_times(struct block_get *g, int64_t *at_ms)
{
	return read_column(g, 0, (uint64_t *)at_ms);
}

int
block_marks(struct block_get *g, uint64_t *marks)
{
	return read_column(g, 1, marks);
}

int
block_column(struct block_get *g, size_t column, uint64_t *bits)
{
	if (column >= g->columns)
		return TC_ECORRUPT;
	return read_column(g, HEAD_COLUMNS + column, bits);
}
