/*
 * Bounded queue of pointers between threads.  Pushing gives the item away.
 */
#ifndef TOCSIN_BASE_QUEUE_H
#define TOCSIN_BASE_QUEUE_H

#include <stddef.h>

#include "base/clock.h"

struct queue;

/* `wake` (may be NULL) is called after a push onto an empty queue, any thread. */
struct queue *queue_new(size_t cap, void (*wake)(void *), void *wake_arg);
/* Items left inside are handed to `drop` (may be NULL). */
void queue_free(struct queue *q, void (*drop)(void *));
/* 0; TC_EFULL (or no memory), TC_ECLOSED: the item stays the caller's. */
int queue_push(struct queue *q, void *item);
/* NULL at once when empty. */
void *queue_try_pop(struct queue *q);
/* Waits at most `max` (negative = for ever); NULL on time-out or closed and empty. */
void *queue_pop(struct queue *q, struct dur max);
/* No more pushes; poppers drain what is there. */
void queue_close(struct queue *q);
size_t queue_len(struct queue *q);

#endif
