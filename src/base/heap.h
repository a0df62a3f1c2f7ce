/*
 * Binary min-heap of due times.  Items embed a heap_node; the heap keeps
 * pointers to them and each node knows its place, so removal is O(log n).
 * Ties go out in the order they went in.
 */
#ifndef TOCSIN_BASE_HEAP_H
#define TOCSIN_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	uint64_t order;	/* set by heap_push */
	size_t at;	/* 1-based place, 0 = not in a heap */
};

struct heap {
	struct heap_node **items;
	size_t n;
	size_t cap;
	uint64_t pushed;
};

void heap_free(struct heap *h);
/* 0 or TC_ENOMEM; a node must not be in a heap already. */
int heap_push(struct heap *h, struct heap_node *node, int64_t key);
/* NULL when empty. */
struct heap_node *heap_peek(const struct heap *h);
struct heap_node *heap_pop(struct heap *h);
/* Harmless when the node is in no heap. */
void heap_remove(struct heap *h, struct heap_node *node);

static inline bool
heap_has(const struct heap_node *node)
{
	return node->at != 0;
}

#endif
