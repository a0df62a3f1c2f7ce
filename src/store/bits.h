/*
 * Bit streams (the highest bit of a byte first) and whole numbers of variable
 * length, for column_put.c and column_get.c.
 */
#ifndef TOCSIN_STORE_BITS_H
#define TOCSIN_STORE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX 10	/* bytes of a 64-bit number */

static inline uint64_t
bits_zigzag(uint64_t v)
{
	return (v << 1) ^ (0 - (v >> 63));
}

static inline uint64_t
bits_unzigzag(uint64_t v)
{
	return (v >> 1) ^ (0 - (v & 1));
}

/* Divided by 2^n, rounded down, the sign kept; n < 64. */
static inline uint64_t
bits_shift_down(uint64_t v, unsigned n)
{
	uint64_t sign = 0 - (v >> 63);

	return n == 0 ? v : (v >> n) | (sign << (64 - n));
}

static inline size_t
varint_length(uint64_t v)
{
	return v == 0 ? 1 : (size_t)(70 - __builtin_clzll(v)) / 7;
}

/* Seven bits a byte, the lowest first; returns where the next one goes. */
static inline unsigned char *
varint_put(unsigned char *at, uint64_t v)
{
	for (; v > 127; v >>= 7)
		*at++ = (unsigned char)(v | 128);
	*at++ = (unsigned char)v;
	return at;
}

/* False at the end of the bytes, or beyond 64 bits. */
static inline bool
varint_get(const unsigned char **at, const unsigned char *end, uint64_t *out)
{
	const unsigned char *p = *at;
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
		uint64_t low = *p & 127u;

		if (shift == 63 && low > 1)
			return false;
		v |= low << shift;
		if (*p++ < 128) {
			*at = p;
			*out = v;
			return true;
		}
	}
	return false;
}

/* ---- writing: the caller has seen to the room ---- */

struct bit_put {
	unsigned char *at;
	uint64_t acc;		/* `n` bits wait in it, the oldest highest */
	unsigned n;		/* < 8 between calls */
};

/* n ≤ 56 */
static inline void
bit_put_some(struct bit_put *b, uint64_t v, unsigned n)
{
	b->acc = b->acc << n | v;
	b->n += n;
	while (b->n >= 8) {
		b->n -= 8;
		*b->at++ = (unsigned char)(b->acc >> b->n);
	}
	b->acc &= (UINT64_C(1) << b->n) - 1;
}

/* n ≤ 64 */
static inline void
bit_put(struct bit_put *b, uint64_t v, unsigned n)
{
	if (n > 32) {
		bit_put_some(b, v >> 32, n - 32);
		v &= UINT32_MAX;
		n = 32;
	}
	bit_put_some(b, v, n);
}

static inline unsigned char *
bit_put_end(struct bit_put *b)
{
	if (b->n > 0)
		bit_put_some(b, 0, 8 - b->n);
	return b->at;
}

/* ---- reading: beyond the end are zeros, and `over` says so ---- */

struct bit_get {
	const unsigned char *at;
	const unsigned char *end;
	uint64_t acc;		/* the next `n` bits lie lowest */
	unsigned n;
	unsigned over;		/* bits that were made up */
};

/* At least 32 bits are there afterwards. */
static inline void
bit_fill(struct bit_get *b)
{
	while (b->n <= 32) {
		unsigned byte = 0;

		if (b->at < b->end)
			byte = *b->at++;
		else
			b->over += 8;
		b->acc = b->acc << 8 | byte;
		b->n += 8;
	}
}

/* 1 ≤ n ≤ 32 */
static inline uint64_t
bit_get_some(struct bit_get *b, unsigned n)
{
	if (b->n < n)
		bit_fill(b);
	b->n -= n;
	return (b->acc >> b->n) & ((UINT64_C(1) << n) - 1);
}

/* n ≤ 64 */
static inline uint64_t
bit_get(struct bit_get *b, unsigned n)
{
	uint64_t high = 0;

	if (n == 0)
		return 0;
	if (n > 32) {
		high = bit_get_some(b, n - 32) << 32;
		n = 32;
	}
	return high | bit_get_some(b, n);
}

/* How many ones come before the next zero, at most `most` ≤ 32; both go. */
static inline unsigned
bit_get_ones(struct bit_get *b, unsigned most)
{
	uint64_t ahead;
	unsigned ones;

	if (b->n <= most)
		bit_fill(b);
	ahead = ~(b->acc << (64 - b->n));
	ones = ahead == 0 ? 64 : (unsigned)__builtin_clzll(ahead);
	if (ones >= most) {
		b->n -= most;
		return most;
	}
	b->n -= ones + 1;
	return ones;
}

/* Bits were taken that are not there. */
static inline bool
bit_get_over(const struct bit_get *b)
{
	return b->over > b->n;
}

#endif
