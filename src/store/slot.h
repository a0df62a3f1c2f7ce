/*
 * History is keyed by the minute first: see schema/0001-first.sql.
 */
#ifndef TOCSIN_STORE_SLOT_H
#define TOCSIN_STORE_SLOT_H

#include <stdint.h>

#include "base/clock.h"

#define SLOT_MS 60000

/* a / b, rounded down. */
static inline int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return a % b < 0 ? q - 1 : q;
}

static inline int64_t
slot_of(struct wall at)
{
	return floor_div(at.ms, SLOT_MS);
}

#endif
