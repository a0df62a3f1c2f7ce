/*
 * Names to small numbers and back.  Numbers are dense from 1; 0 is "none".
 * Names are never removed.  One thread, or the caller's lock.
 */
#ifndef TOCSIN_BASE_INTERN_H
#define TOCSIN_BASE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/mem.h"

struct intern_name;
struct intern {
	struct hash by_name;
	struct intern_name **names;
	size_t n;
	size_t cap;
	struct arena text;
	size_t max;	/* at most so many names; 0 = UINT32_MAX */
};

void intern_free(struct intern *in);
/* The number of the name, new or old; 0 when out of memory or full. */
uint32_t intern_put(struct intern *in, const char *name, size_t n);
/* 0 when unknown. */
uint32_t intern_find(const struct intern *in, const char *name, size_t n);
/* NULL for 0 or an unknown number; valid until intern_free(). */
const char *intern_name(const struct intern *in, uint32_t id);

#endif
