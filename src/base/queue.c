#include "base/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	void (*wake)(void *);
	void *wake_arg;
	bool closed;
	size_t cap;
	size_t room;	/* places of the ring by now, at most cap */
	size_t n;
	size_t head;
	void **items;
};

/*
 * A ring as large as the cap would in time be touched from end to end, though
 * a few items wait as a rule.  It has so many places at first, and again when
 * a burst is over.
 */
#define ROOM_CALM 512

struct queue *
queue_new(size_t cap, void (*wake)(void *), void *wake_arg)
{
	pthread_condattr_t attr;
	struct queue *q;

	tc_bug_if(cap == 0 || cap > (size_t)1 << 28);
	q = MEM_NEW(struct queue);
	if (q == NULL)
		return NULL;
	q->cap = cap;
	q->room = cap < ROOM_CALM ? cap : ROOM_CALM;
	q->items = mem_alloc_array(q->room, sizeof(*q->items));
	if (q->items == NULL) {
		mem_free(q);
		return NULL;
	}
	q->wake = wake;
	q->wake_arg = wake_arg;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->filled, &attr);
	pthread_condattr_destroy(&attr);
	return q;
}

void
queue_free(struct queue *q, void (*drop)(void *))
{
	void *item;

	if (q == NULL)
		return;
	while (drop != NULL && (item = queue_try_pop(q)) != NULL)
		drop(item);
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->lock);
	mem_free(q->items);
	mem_free(q);
}

/* Under the lock, the ring being full. */
static bool
widen(struct queue *q)
{
	size_t want = q->room < q->cap / 2 ? q->room * 2 : q->cap;
	size_t front = q->room - q->head;
	void *items = q->room == q->cap ? NULL :
		mem_resize_array(q->items, want, sizeof(*q->items));

	if (items == NULL)
		return false;
	q->items = items;
	memmove(q->items + want - front, q->items + q->head,
		front * sizeof(*q->items));
	q->head = want - front;
	q->room = want;
	return true;
}

/* Under the lock, the ring being empty; it stays wide without memory. */
static void
narrow(struct queue *q)
{
	void *items = mem_resize_array(q->items, ROOM_CALM, sizeof(*q->items));

	if (items == NULL)
		return;
	q->items = items;
	q->room = ROOM_CALM;
	q->head = 0;
}

int
queue_push(struct queue *q, void *item)
{
	void (*wake)(void *) = NULL;
	void *wake_arg;
	int rc = 0;

	tc_bug_if(item == NULL);
	pthread_mutex_lock(&q->lock);
	wake_arg = q->wake_arg;
	if (q->closed) {
		rc = TC_ECLOSED;
	} else if (q->n == q->room && !widen(q)) {
		rc = TC_EFULL;
	} else {
		if (q->n == 0)
			wake = q->wake;
		q->items[(q->head + q->n) % q->room] = item;
		q->n++;
		pthread_cond_signal(&q->filled);
	}
	pthread_mutex_unlock(&q->lock);
	/* whoever popped the item may have freed the queue by now */
	if (wake != NULL)
		wake(wake_arg);
	return rc;
}

/* Under the lock. */
static void *
take_head(struct queue *q)
{
	void *item;

	if (q->n == 0)
		return NULL;
	item = q->items[q->head];
	q->head = (q->head + 1) % q->room;
	q->n--;
	if (q->n == 0 && q->room > ROOM_CALM)
		narrow(q);
	return item;
}

void *
queue_try_pop(struct queue *q)
{
	void *item;

	pthread_mutex_lock(&q->lock);
	item = take_head(q);
	pthread_mutex_unlock(&q->lock);
	return item;
}

static struct timespec
deadline_in(struct dur max)
{
	struct timespec ts;
	int64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &ts);	/* lint: condvar deadline */
	ns = ts.tv_nsec + max.ns % 1000000000;
	ts.tv_sec += (time_t)(max.ns / 1000000000 + ns / 1000000000);
	ts.tv_nsec = (long)(ns % 1000000000);
	return ts;
}

void *
queue_pop(struct queue *q, struct dur max)
{
	struct timespec until = { 0, 0 };
	void *item;

	if (max.ns >= 0)
		until = deadline_in(max);
	pthread_mutex_lock(&q->lock);
	while (q->n == 0 && !q->closed) {
		int rc = max.ns < 0 ?
			pthread_cond_wait(&q->filled, &q->lock) :
			pthread_cond_timedwait(&q->filled, &q->lock, &until);

		if (rc == ETIMEDOUT)
			break;
	}
	item = take_head(q);
	pthread_mutex_unlock(&q->lock);
	return item;
}

void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&q->lock);
}

size_t
queue_len(struct queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->n;
	pthread_mutex_unlock(&q->lock);
	return n;
}
