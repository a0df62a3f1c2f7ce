/*
 * A double as its 64 bits, and back: NaN's payload and the sign of 0 stay.
 */
#ifndef TOCSIN_BASE_BITS_H
#define TOCSIN_BASE_BITS_H

#include <stdint.h>
#include <string.h>

static inline uint64_t
bits_of_double(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static inline double
bits_to_double(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

#endif
