/*
 * Hash map from bytes to a pointer; open addressing, seeded, so that hostile
 * names cannot be chosen to collide.  Keys are borrowed: they must outlive
 * their entry (usually they lie inside the value).
 */
#ifndef TOCSIN_BASE_HASH_H
#define TOCSIN_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_slot {
	const void *key;
	void *value;	/* NULL = free */
	uint32_t n;	/* bytes of the key */
	uint32_t hash;	/* low bits */
};

struct hash {
	struct hash_slot *slots;
	size_t cap;	/* a power of two, or 0 */
	size_t n;
	uint64_t seed;	/* set it before the first put, or leave 0 */
};

void hash_free(struct hash *h);
/* Replaces; value must not be NULL.  0 or TC_ENOMEM. */
int hash_put(struct hash *h, const void *key, size_t n, void *value);
void *hash_get(const struct hash *h, const void *key, size_t n);
/* Returns the value that was there, or NULL. */
void *hash_remove(struct hash *h, const void *key, size_t n);

int hash_put_str(struct hash *h, const char *key, void *value);
void *hash_get_str(const struct hash *h, const char *key);
void *hash_remove_str(struct hash *h, const char *key);

/*
 * Walks all values in no order: start with *at = 0, NULL at the end.  The map
 * must not change meanwhile.
 */
void *hash_next(const struct hash *h, size_t *at);

/* 64-bit mix of bytes; stable for one seed (check phases rely on seed 0). */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);

#endif
