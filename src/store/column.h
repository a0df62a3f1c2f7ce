/*
 * One column of a block: n 64-bit patterns as few bytes, exact for every
 * pattern.  format.md describes the bytes.
 */
#ifndef TOCSIN_STORE_COLUMN_H
#define TOCSIN_STORE_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "model/observation.h"

/* The first byte: shape | packing << 3, and two flags. */
enum column_shape {
	COLUMN_CONST,		/* all are the first */
	COLUMN_OFFSET,		/* above the least */
	COLUMN_DELTA,		/* from the one before, zigzag */
	COLUMN_RISE,		/* from the one before, above the least such */
	COLUMN_DELTA2,		/* of deltas, zigzag */
	COLUMN_XOR,		/* with the one before: bits that differ */
	COLUMN_SAME,		/* all are these 8 bytes */
	COLUMN_SHAPES
};
enum column_packing {
	COLUMN_VARINT,
	COLUMN_RICE,		/* high part unary, low k bits as they are */
	COLUMN_RUNS,		/* number of zeros, then what follows, less 1 */
	COLUMN_PACKINGS
};
#define COLUMN_SCALED 0x20	/* a byte follows: decimals */
#define COLUMN_SHIFTED 0x40	/* a byte follows: low bits all the same */

/*
 * The byte of COLUMN_SCALED: 1…15 = whole number / 10^n, 17…31 = whole
 * number × 10^−(n − 16), as a double each; 16 = the whole number.
 */
#define COLUMN_DIVIDED 16

/* Rice: this many ones, then the 64 bits. */
#define COLUMN_ESCAPE 24

/* The most bytes that n values may need. */
static inline size_t
column_bound(size_t n)
{
	return 64 + 13 * n;
}

/* Six times as many words as values: what is tried. */
static inline size_t
column_scratch(size_t n)
{
	return 6 * n;
}

/*
 * `out` has room for column_bound(n), `scratch` for column_scratch(n) words;
 * n > 0.  Returns the number of bytes.
 */
struct column_put {
	enum tocsin_sample_type type;
	const uint64_t *bits;
	size_t n;
	uint64_t *scratch;
};
size_t column_put(const struct column_put *c, unsigned char *out);

/*
 * Gives n values for exactly these bytes; 0, TC_ECORRUPT, or TC_EUNSUP for
 * what a newer version may have written.
 */
int column_get(const unsigned char *bytes, size_t size, uint64_t *bits,
	size_t n);

/* 10^n, n ≤ 15; both ways of undoing it round differently. */
extern const double column_powers[16];
extern const double column_inverses[16];

#endif
