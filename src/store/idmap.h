/*
 * Numbers to numbers: 12 bytes an entry, where base/hash takes 32 and a piece
 * of memory.  Key 0 is not allowed.
 */
#ifndef TOCSIN_STORE_IDMAP_H
#define TOCSIN_STORE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap {
	uint64_t *keys;		/* 0 = free */
	uint32_t *values;
	size_t cap;		/* a power of two, or 0 */
	size_t n;
};

void idmap_free(struct idmap *m);
/* Where the value lies, or NULL; until the next put. */
uint32_t *idmap_get(const struct idmap *m, uint64_t key);
/* Replaces.  0 or TC_ENOMEM. */
int idmap_put(struct idmap *m, uint64_t key, uint32_t value);

#endif
