#include "base/wheel.h"

#include "base/err.h"

static size_t
bucket_of(int64_t tick)
{
	return (size_t)((uint64_t)tick % WHEEL_BUCKETS);
}

void
wheel_init(struct wheel *w, int64_t tick_ns, int64_t now_ns)
{
	tc_bug_if(tick_ns <= 0 || now_ns < 0);
	*w = (struct wheel){ .tick_ns = tick_ns, .done = now_ns / tick_ns };
	list_init(&w->due);
	for (size_t i = 0; i < WHEEL_BUCKETS; i++)
		list_init(&w->buckets[i]);
}

void
wheel_add(struct wheel *w, struct wheel_node *node, int64_t due_ns)
{
	int64_t tick = due_ns / w->tick_ns + (due_ns % w->tick_ns > 0);
	size_t at;

	tc_bug_if(wheel_has(node));
	if (tick <= w->done)
		tick = w->done + 1;
	node->tick = tick;
	at = bucket_of(tick);
	list_add_tail(&w->buckets[at], &node->link);
	w->filled[at / 64] |= UINT64_C(1) << at % 64;
	w->n++;
}

/* An empty bucket is not marked: nobody wakes for what was called off. */
void
wheel_remove(struct wheel *w, struct wheel_node *node)
{
	size_t at = bucket_of(node->tick);

	if (!wheel_has(node))
		return;
	list_remove(&node->link);
	node->tick = 0;
	w->n--;
	if (list_is_empty(&w->buckets[at]))
		w->filled[at / 64] &= ~(UINT64_C(1) << at % 64);
}

/* All of this tick in its bucket; those of later rounds stay. */
static void
sort_out(struct wheel *w, int64_t tick)
{
	size_t at = bucket_of(tick);
	struct list *head = &w->buckets[at], *next;

	if ((w->filled[at / 64] >> at % 64 & 1) == 0)
		return;
	for (struct list *l = head->next; l != head; l = next) {
		struct wheel_node *node =
			CONTAINER_OF(l, struct wheel_node, link);

		next = l->next;
		if (node->tick > tick)
			continue;
		list_remove(l);
		list_add_tail(&w->due, l);
	}
	if (list_is_empty(head))
		w->filled[at / 64] &= ~(UINT64_C(1) << at % 64);
}

static struct wheel_node *
take_first(struct wheel *w)
{
	struct wheel_node *node = CONTAINER_OF(w->due.next, struct wheel_node,
		link);

	list_remove(&node->link);
	node->tick = 0;
	w->n--;
	return node;
}

struct wheel_node *
wheel_take(struct wheel *w, int64_t now_ns)
{
	int64_t now = now_ns / w->tick_ns;

	/* After a long pause one round visits every bucket. */
	if (now - w->done > WHEEL_BUCKETS)
		w->done = now - WHEEL_BUCKETS;
	while (w->n > 0 && w->done < now) {
		/* Looked at again when it is empty: some came meanwhile. */
		if (list_is_empty(&w->due))
			sort_out(w, w->done + 1);
		if (!list_is_empty(&w->due))
			return take_first(w);
		w->done++;
	}
	if (w->n == 0 && now > w->done)
		w->done = now;
	return NULL;
}

int64_t
wheel_next(const struct wheel *w)
{
	if (w->n == 0)
		return 0;
	if (!list_is_empty(&w->due))
		return (w->done + 1) * w->tick_ns;
	for (int64_t tick = w->done + 1;; tick++) {
		size_t at = bucket_of(tick);

		if ((w->filled[at / 64] >> at % 64) == 0) {
			tick += 63 - (int64_t)(at % 64);
			if (tick >= w->done + WHEEL_BUCKETS)
				return (w->done + WHEEL_BUCKETS) * w->tick_ns;
			continue;
		}
		if ((w->filled[at / 64] >> at % 64 & 1) != 0 ||
		    tick >= w->done + WHEEL_BUCKETS)
			return tick * w->tick_ns;
	}
}
