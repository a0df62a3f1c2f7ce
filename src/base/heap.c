#include "base/heap.h"

#include "base/err.h"
#include "base/mem.h"

void
heap_free(struct heap *h)
{
	mem_free(h->items);
	*h = (struct heap){ 0 };
}

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void
place(struct heap *h, struct heap_node *node, size_t at)
{
	h->items[at - 1] = node;
	node->at = at;
}

static void
sift_up(struct heap *h, struct heap_node *node, size_t at)
{
	while (at > 1 && before(node, h->items[at / 2 - 1])) {
		place(h, h->items[at / 2 - 1], at);
		at /= 2;
	}
	place(h, node, at);
}

static void
sift_down(struct heap *h, struct heap_node *node, size_t at)
{
	for (;;) {
		size_t child = at * 2;

		if (child > h->n)
			break;
		if (child < h->n && before(h->items[child], h->items[child - 1]))
			child++;
		if (!before(h->items[child - 1], node))
			break;
		place(h, h->items[child - 1], at);
		at = child;
	}
	place(h, node, at);
}

int
heap_push(struct heap *h, struct heap_node *node, int64_t key)
{
	void *items = h->items;

	tc_bug_if(heap_has(node));
	if (mem_grow(&items, &h->cap, h->n + 1, sizeof(*h->items)) < 0)
		return TC_ENOMEM;
	h->items = items;
	node->key = key;
	node->order = h->pushed++;
	h->n++;
	sift_up(h, node, h->n);
	return 0;
}

struct heap_node *
heap_peek(const struct heap *h)
{
	return h->n > 0 ? h->items[0] : NULL;
}

struct heap_node *
heap_pop(struct heap *h)
{
	struct heap_node *top = heap_peek(h);

	if (top != NULL)
		heap_remove(h, top);
	return top;
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	size_t at = node->at;
	struct heap_node *last;

	if (at == 0)
		return;
	node->at = 0;
	last = h->items[--h->n];
	if (last == node)
		return;
	if (at > 1 && before(last, h->items[at / 2 - 1]))
		sift_up(h, last, at);
	else
		sift_down(h, last, at);
}
