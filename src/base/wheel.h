/*
 * Timer wheel: many coarse due times, O(1) to add and to remove.  Items embed
 * a wheel_node.  A due time is rounded up to the next tick; far ones stay in
 * their bucket for several rounds.
 */
#ifndef TOCSIN_BASE_WHEEL_H
#define TOCSIN_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

#define WHEEL_BUCKETS 512

struct wheel_node {
	struct list link;
	int64_t tick;	/* 0 = in no wheel */
};

struct wheel {
	int64_t tick_ns;
	int64_t done;	/* the last tick that was taken up */
	size_t n;
	struct list due;	/* of the next tick, taken out of its bucket */
	uint64_t filled[WHEEL_BUCKETS / 64];
	struct list buckets[WHEEL_BUCKETS];
};

/* `now_ns` must not be negative; due times are of the same clock. */
void wheel_init(struct wheel *w, int64_t tick_ns, int64_t now_ns);
/* The node must be in no wheel. */
void wheel_add(struct wheel *w, struct wheel_node *node, int64_t due_ns);
/* Harmless when the node is in no wheel. */
void wheel_remove(struct wheel *w, struct wheel_node *node);
/* Takes one node that is due, NULL when there is none (left). */
struct wheel_node *wheel_take(struct wheel *w, int64_t now_ns);
/* When to look again: never after the next due time; 0 when empty. */
int64_t wheel_next(const struct wheel *w);

static inline bool
wheel_has(const struct wheel_node *node)
{
	return node->tick != 0;
}

#endif
