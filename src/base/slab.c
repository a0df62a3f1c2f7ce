#include "base/slab.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* Few, since most slabs hold what is under way at one moment. */
#define BLOCK_ITEMS 64
#define NONE (SLAB_USED - 1)
/* Kept of an empty slab; the others were for a rush, as a start is. */
#define CALM_BLOCKS 8

static struct slab_node *
node_at(const struct slab *s, uint32_t index)
{
	char *block = s->blocks[index / BLOCK_ITEMS];

	return (void *)(block + (size_t)(index % BLOCK_ITEMS) * s->item_bytes);
}

static bool
is_used(const struct slab_node *node)
{
	return (node->link & SLAB_USED) != 0;
}

void
slab_init(struct slab *s, size_t item_bytes, uint32_t max)
{
	tc_bug_if(item_bytes < sizeof(struct slab_node) || max > NONE / 2);
	*s = (struct slab){ .item_bytes = item_bytes, .max = max,
		.free_head = NONE };
}

void
slab_free(struct slab *s)
{
	for (size_t i = 0; i < s->n_blocks; i++)
		mem_free(s->blocks[i]);
	mem_free(s->blocks);
	s->blocks = NULL;
	s->n_blocks = s->cap_blocks = 0;
	s->free_head = NONE;
	s->used = 0;
}

/* Its items become free, the first one first. */
static void
offer_block(struct slab *s, size_t block)
{
	uint32_t first = (uint32_t)(block * BLOCK_ITEMS);

	for (uint32_t i = BLOCK_ITEMS; i-- > 0;) {
		node_at(s, first + i)->link = s->free_head;
		s->free_head = first + i;
	}
}

static void
calm_down(struct slab *s)
{
	while (s->n_blocks > CALM_BLOCKS)
		mem_free(s->blocks[--s->n_blocks]);
	s->free_head = NONE;
	for (size_t i = s->n_blocks; i-- > 0;)
		offer_block(s, i);
}

static bool
add_block(struct slab *s)
{
	uint32_t first = (uint32_t)(s->n_blocks * BLOCK_ITEMS);
	void *blocks = s->blocks;

	if (first >= s->max || mem_grow(&blocks, &s->cap_blocks,
	    s->n_blocks + 1, sizeof(*s->blocks)) < 0)
		return false;
	s->blocks = blocks;
	s->blocks[s->n_blocks] = mem_alloc_array(BLOCK_ITEMS, s->item_bytes);
	if (s->blocks[s->n_blocks] == NULL)
		return false;
	offer_block(s, s->n_blocks++);
	return true;
}

void *
slab_take(struct slab *s)
{
	struct slab_node *node;
	uint32_t index;

	if (s->free_head == NONE && !add_block(s))
		return NULL;
	index = s->free_head;
	node = node_at(s, index);
	s->free_head = node->link;
	node->link = SLAB_USED | index;
	s->used++;
	return node;
}

void
slab_give(struct slab *s, void *item)
{
	struct slab_node *node = item;
	uint32_t index = slab_index(node);

	tc_bug_if(!is_used(node));
	memset(item, 0, s->item_bytes);
	node->link = s->free_head;
	s->free_head = index;
	if (--s->used == 0 && s->n_blocks > CALM_BLOCKS)
		calm_down(s);
}

void *
slab_get(const struct slab *s, uint32_t index)
{
	struct slab_node *node;

	if (index >= s->n_blocks * BLOCK_ITEMS)
		return NULL;
	node = node_at(s, index);
	return is_used(node) ? node : NULL;
}

void *
slab_next(const struct slab *s, uint32_t *at)
{
	while (*at < s->n_blocks * BLOCK_ITEMS) {
		void *item = slab_get(s, (*at)++);

		if (item != NULL)
			return item;
	}
	return NULL;
}
