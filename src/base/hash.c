#include "base/hash.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* Multiply-fold mixing as in wyhash: two 64-bit lanes, odd constants. */
#define MIX_A UINT64_C(0xa0761d6478bd642f)
#define MIX_B UINT64_C(0xe7037ed1a0b428db)

/* Both halves of the 128-bit product, in steps that 32-bit machines have. */
static uint64_t
fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	uint64_t a0 = a & UINT32_MAX, a1 = a >> 32;
	uint64_t b0 = b & UINT32_MAX, b1 = b >> 32;
	uint64_t low = a0 * b0;
	uint64_t mid = a1 * b0 + (low >> 32);
	uint64_t mid2 = a0 * b1 + (mid & UINT32_MAX);
	uint64_t high = a1 * b1 + (mid >> 32) + (mid2 >> 32);

	return (a * b) ^ high;
#endif
}

uint64_t
hash_bytes(const void *p, size_t n, uint64_t seed)
{
	const unsigned char *at = p;
	uint64_t h = seed ^ MIX_A;
	uint64_t word;

	for (size_t left = n; left >= 8; left -= 8, at += 8) {
		memcpy(&word, at, 8);
		h = fold(h ^ word, MIX_B);
	}
	word = 0;
	if (n % 8 != 0)
		memcpy(&word, at, n % 8);
	h = fold(h ^ word ^ MIX_A, MIX_B ^ n);
	return fold(h, MIX_A);
}

void
hash_free(struct hash *h)
{
	mem_free(h->slots);
	h->slots = NULL;
	h->cap = 0;
	h->n = 0;
}

/* Tables of more than 2^32 slots would still work, only slower. */
static uint32_t
slot_hash(const struct hash *h, const void *key, size_t n)
{
	return (uint32_t)hash_bytes(key, n, h->seed);
}

/* The slot of the key, or the free slot where it would go. */
static struct hash_slot *
find(const struct hash *h, const void *key, size_t n, uint32_t hash)
{
	size_t mask = h->cap - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct hash_slot *s = &h->slots[i];

		if (s->value == NULL)
			return s;
		if (s->hash == hash && s->n == n && memcmp(s->key, key, n) == 0)
			return s;
	}
}

static int
grow(struct hash *h)
{
	struct hash bigger = { .cap = h->cap == 0 ? 16 : h->cap * 2,
		.seed = h->seed, .n = h->n };

	bigger.slots = mem_alloc_array(bigger.cap, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < h->cap; i++) {
		struct hash_slot *s = &h->slots[i];

		if (s->value != NULL)
			*find(&bigger, s->key, s->n, s->hash) = *s;
	}
	mem_free(h->slots);
	*h = bigger;
	return 0;
}

int
hash_put(struct hash *h, const void *key, size_t n, void *value)
{
	uint32_t hash = slot_hash(h, key, n);
	struct hash_slot *s;

	tc_bug_if(value == NULL || n > UINT32_MAX);
	if ((h->n + 1) * 4 > h->cap * 3 && grow(h) < 0)
		return TC_ENOMEM;
	s = find(h, key, n, hash);
	if (s->value == NULL)
		h->n++;
	*s = (struct hash_slot){ key, value, (uint32_t)n, hash };
	return 0;
}

void *
hash_get(const struct hash *h, const void *key, size_t n)
{
	if (h->n == 0)
		return NULL;
	return find(h, key, n, slot_hash(h, key, n))->value;
}

void *
hash_remove(struct hash *h, const void *key, size_t n)
{
	size_t mask = h->cap - 1, hole, i;
	struct hash_slot *s;
	void *value;

	if (h->n == 0)
		return NULL;
	s = find(h, key, n, slot_hash(h, key, n));
	value = s->value;
	if (value == NULL)
		return NULL;
	s->value = NULL;
	h->n--;
	/* Move back those behind the hole that may not be found across it. */
	hole = (size_t)(s - h->slots);
	for (i = (hole + 1) & mask; h->slots[i].value != NULL;
	     i = (i + 1) & mask) {
		size_t home = h->slots[i].hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		h->slots[hole] = h->slots[i];
		h->slots[i].value = NULL;
		hole = i;
	}
	return value;
}

int
hash_put_str(struct hash *h, const char *key, void *value)
{
	return hash_put(h, key, strlen(key), value);
}

void *
hash_get_str(const struct hash *h, const char *key)
{
	return hash_get(h, key, strlen(key));
}

void *
hash_remove_str(struct hash *h, const char *key)
{
	return hash_remove(h, key, strlen(key));
}

void *
hash_next(const struct hash *h, size_t *at)
{
	while (*at < h->cap) {
		void *value = h->slots[(*at)++].value;

		if (value != NULL)
			return value;
	}
	return NULL;
}
