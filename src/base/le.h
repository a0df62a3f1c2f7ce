/*
 * Integers as bytes, the little end first: what is saved reads back on any
 * machine.  n: bytes, at most 8.
 */
#ifndef TOCSIN_BASE_LE_H
#define TOCSIN_BASE_LE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void
le_put(unsigned char *to, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)(v >> (8 * i));
}

static inline uint64_t
le_get(const unsigned char *from, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)from[i] << (8 * i);
	return v;
}

/* What is left to be read; `bad`: it was cut off. */
struct le_in {
	const unsigned char *p;
	size_t left;
	bool bad;
};

/* The next n bytes; 0 and nothing left where there are fewer. */
static inline uint64_t
le_take(struct le_in *in, size_t n)
{
	uint64_t v;

	if (in->left < n) {
		in->bad = true;
		in->left = 0;
		return 0;
	}
	v = le_get(in->p, n);
	in->p += n;
	in->left -= n;
	return v;
}

#endif
