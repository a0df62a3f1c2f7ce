/*
 * Values of one history row as bytes, exact for every bit pattern.
 *
 * One byte: the format (1).  A nibble per value, low one first, then the bytes
 * of all values, least significant first:
 *
 *	0	nothing: all bits are zero
 *	1…7	f64: the n most significant bytes of the bits, the rest is zero
 *		u64, i64 (zigzag): n bytes
 *	8	all 8 bytes of the bits
 *	9…15	f64 only: a whole number of n − 8 bytes, positive, ≤ 2^53
 */
#ifndef TOCSIN_STORE_PACK_H
#define TOCSIN_STORE_PACK_H

#include <stddef.h>
#include <stdint.h>

#include "model/observation.h"

/* The most bytes that n values may need. */
static inline size_t
pack_bound(size_t n)
{
	return 1 + (n + 1) / 2 + 8 * n;
}

/* One pass: pack_begin(), then a value at a time, then pack_end(). */
struct packer {
	unsigned char *nibbles;
	unsigned char *at;	/* where the next value's bytes go */
	unsigned char *start;
	size_t i;
};

/* `out` has room for pack_bound(n). */
void pack_begin(struct packer *p, unsigned char *out, size_t n);
void pack_value(struct packer *p, enum tocsin_sample_type type, uint64_t bits);
/* The number of bytes. */
size_t pack_end(const struct packer *p);

struct unpacker {
	const unsigned char *nibbles;
	const unsigned char *at;
	const unsigned char *end;
	size_t i;
	size_t n;
};

/* 0, or TC_ECORRUPT, or TC_EUNSUP for a format that we do not know. */
int unpack_begin(struct unpacker *u, const void *bytes, size_t size, size_t n);
/* Skips to value `pos`, which may not lie behind; 0 or TC_ECORRUPT. */
int unpack_at(struct unpacker *u, size_t pos, enum tocsin_sample_type type,
	uint64_t *bits);

/* The value as a number. */
double pack_to_double(enum tocsin_sample_type type, uint64_t bits);

#endif
