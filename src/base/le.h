/*
 * Integers as bytes, the little end first: what is saved reads back on any
 * machine.  n: bytes, at most 8.
 */
#ifndef TOCSIN_BASE_LE_H
#define TOCSIN_BASE_LE_H

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

#endif
