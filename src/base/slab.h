/*
 * Items of one size that never move, known by a small dense number.  An item
 * begins with a slab_node.  Free items are reused last in, first out.  The
 * memory of a rush goes when all of it was given back.
 */
#ifndef TOCSIN_BASE_SLAB_H
#define TOCSIN_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab_node {
	uint32_t link;	/* in use: SLAB_USED | its number; free: the next */
};
#define SLAB_USED (UINT32_C(1) << 31)

/* Of an item in use. */
static inline uint32_t
slab_index(const struct slab_node *node)
{
	return node->link & ~SLAB_USED;
}

struct slab {
	size_t item_bytes;
	uint32_t max;	/* rounded up to whole blocks */
	void **blocks;
	size_t n_blocks;
	size_t cap_blocks;
	uint32_t free_head;
	uint32_t used;
};

void slab_init(struct slab *s, size_t item_bytes, uint32_t max);
void slab_free(struct slab *s);
/* Zeroed but for its node; NULL when out of memory or of numbers. */
void *slab_take(struct slab *s);
void slab_give(struct slab *s, void *item);
/* The item in use under this number, or NULL. */
void *slab_get(const struct slab *s, uint32_t index);
/* Walks those in use: start with *at = 0; NULL at the end. */
void *slab_next(const struct slab *s, uint32_t *at);

#endif
