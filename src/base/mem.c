#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/*
 * Blocks grow with the arena: many small ones, freed among what stays, leave
 * holes that nothing fits into.
 */
#define ARENA_BLOCK_BYTES ((size_t)8192)
#define ARENA_BLOCK_MAX ((size_t)65536)

struct arena_block {
	struct arena_block *next;
	size_t cap;
	size_t used;
	_Alignas(16) unsigned char bytes[];
};

/* Test hook; 0 in production. */
static _Atomic long fail_countdown;	/* lint: test hook for mem_fail_at */

static int
must_fail(void)
{
	if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) == 0)
		return 0;
	return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

void
mem_fail_at(long n)
{
	atomic_store(&fail_countdown, n);
}

void *
mem_alloc(size_t size)
{
	if (must_fail())
		return NULL;
	return calloc(1, size == 0 ? 1 : size);
}

void *
mem_alloc_array(size_t n, size_t size)
{
	if (must_fail())
		return NULL;
	return calloc(n == 0 ? 1 : n, size);
}

void *
mem_resize_array(void *p, size_t n, size_t size)
{
	if (must_fail())
		return NULL;
	return reallocarray(p, n == 0 ? 1 : n, size);
}

void
mem_free(void *p)
{
	free(p);
}

/* glibc's own first value, which it raises with each larger block freed. */
#define MEM_LARGE_BYTES (128 * 1024)
/* At the end of a heap, of which each thread has one: kept, and asked for. */
#define MEM_TOP_BYTES (32 * 1024)
#define MEM_MORE_BYTES (16 * 1024)

void
mem_give_back(void)
{
	mallopt(M_MMAP_THRESHOLD, MEM_LARGE_BYTES);
	mallopt(M_TRIM_THRESHOLD, MEM_TOP_BYTES);
	mallopt(M_TOP_PAD, MEM_MORE_BYTES);
}

void
mem_trim(void)
{
	malloc_trim(0);
}

char *
mem_strndup(const char *s, size_t n)
{
	char *copy = mem_alloc(n + 1);

	if (copy != NULL)
		memcpy(copy, s, n);
	return copy;
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

int
mem_grow(void **items, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap;
	void *bigger;

	if (need <= *cap)
		return 0;
	while (want < need) {
		if (want > SIZE_MAX / 2)
			return TC_ENOMEM;
		want = want == 0 ? 8 : want * 2;
	}
	bigger = mem_resize_array(*items, want, size);
	if (bigger == NULL)
		return TC_ENOMEM;
	*items = bigger;
	*cap = want;
	return 0;
}

static struct arena_block *
add_block(struct arena *a, size_t cap)
{
	struct arena_block *b;

	if (cap > SIZE_MAX - sizeof(*b))
		return NULL;
	b = mem_alloc(sizeof(*b) + cap);
	if (b == NULL)
		return NULL;
	b->cap = cap;
	b->next = a->blocks;
	a->blocks = b;
	return b;
}

void
arena_reserve(struct arena *a, size_t bytes)
{
	if (a->blocks == NULL && bytes > 0)
		(void)add_block(a, bytes);
}

static size_t
next_block(const struct arena *a)
{
	size_t n = a->used_bytes & ~(ARENA_BLOCK_BYTES - 1);

	return n < ARENA_BLOCK_BYTES ? ARENA_BLOCK_BYTES :
		n > ARENA_BLOCK_MAX ? ARENA_BLOCK_MAX : n;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	size_t whole = arena_piece(size);
	void *p;

	if (whole < size)
		return NULL;
	if (a->limit != 0 && whole > a->limit - a->used_bytes)
		return NULL;
	if (b == NULL || b->cap - b->used < whole)
		b = add_block(a, whole > next_block(a) ? whole :
			next_block(a));
	if (b == NULL)
		return NULL;
	p = b->bytes + b->used;
	b->used += whole;
	a->used_bytes += whole;
	return p;
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = n + 1 == 0 ? NULL : arena_alloc(a, n + 1);

	if (copy != NULL)
		memcpy(copy, s, n);
	return copy;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

void
arena_reset(struct arena *a)
{
	struct arena_block *b = a->blocks;

	if (b == NULL)
		return;
	while (b->next != NULL) {
		struct arena_block *next = b->next;

		free(b);
		b = next;
	}
	memset(b->bytes, 0, b->used);
	b->used = 0;
	a->blocks = b;
	a->used_bytes = 0;
}

void
arena_free(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->used_bytes = 0;
}
