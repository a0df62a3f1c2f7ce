/*
 * All memory comes from here, so that tests can make the n-th allocation
 * fail.  Sizes come from checked limits.  Every function may return NULL.
 */
#ifndef TOCSIN_BASE_MEM_H
#define TOCSIN_BASE_MEM_H

#include <stddef.h>

/* Zeroed. */
void *mem_alloc(size_t size);
/* Zeroed; NULL when n × size overflows. */
void *mem_alloc_array(size_t n, size_t size);
/* As realloc; new bytes are not zeroed. */
void *mem_resize_array(void *p, size_t n, size_t size);
void mem_free(void *p);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);

/*
 * At the start of a program that runs for long: what is large is mapped by
 * itself for good, and leaves no hole when it is freed.
 */
void mem_give_back(void);
/*
 * After much was freed at once: pages that nothing lies on go back to the
 * system.  Milliseconds for a large heap.
 */
void mem_trim(void);

#define MEM_NEW(type) ((type *)mem_alloc(sizeof(type)))

/*
 * Grows the array `*items` of `size`-byte items so that `need` fit; `*cap`
 * counts items.  Doubles.  0 or TC_ENOMEM (then nothing changed).
 */
int mem_grow(void **items, size_t *cap, size_t need, size_t size);

/* Tests: fail the n-th allocation from now (1 = next), then go on; 0 = off. */
void mem_fail_at(long n);

/*
 * Arena: many small pieces, freed at once.  {0} is empty.  Single thread.
 * Pieces are aligned to 16 and zeroed.  `limit` bytes at most (0 = none).
 */
struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t used_bytes;
	size_t limit;
};

#define ARENA_ALIGN ((size_t)16)
/* What a piece of so many bytes takes. */
static inline size_t
arena_piece(size_t size)
{
	return (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
}

void *arena_alloc(struct arena *a, size_t size);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
/* Room for so much in one block, if there is memory. */
void arena_reserve(struct arena *a, size_t bytes);
/* Keeps one block for reuse. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
