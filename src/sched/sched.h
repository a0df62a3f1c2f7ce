/*
 * The loop: timers, file descriptors, wake-ups from other threads, signals.
 * One thread runs it; everything here is called by that thread, except
 * sched_wake_send().  Time is CLOCK_BOOTTIME: a timer that fell due while the
 * machine was suspended fires when it wakes.  Callbacks should not take
 * longer than 1 ms.
 */
#ifndef TOCSIN_SCHED_SCHED_H
#define TOCSIN_SCHED_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/heap.h"

struct sched;

struct sched *sched_new(struct tc_err *e);
/* After everything opened on it was closed.  NULL is fine. */
void sched_free(struct sched *s);
/* Until sched_stop(); may be called again afterwards. */
void sched_run(struct sched *s);
void sched_stop(struct sched *s);
struct mono sched_now(struct sched *s);

/* ---- timers: in the caller's memory, coarse (rounded up to 1 ms) ---- */
struct sched_timer {
	struct heap_node node;
	void (*fn)(void *arg, struct mono now);
	void *arg;
};

void sched_timer_init(struct sched_timer *t,
	void (*fn)(void *arg, struct mono now), void *arg);
/*
 * Calls fn once at or after `due`, never from within sched_at(); due 0 = in
 * the next turn.  A second call moves it.  0 or TC_ENOMEM (not armed then).
 */
int sched_at(struct sched *s, struct sched_timer *t, struct mono due);
/* Harmless when it is not armed. */
void sched_cancel(struct sched *s, struct sched_timer *t);

static inline bool
sched_armed(const struct sched_timer *t)
{
	return heap_has(&t->node);
}

/* ---- file descriptors ---- */
enum sched_event { SCHED_READ = 1, SCHED_WRITE = 2, SCHED_ERROR = 4 };
struct sched_fd;

/*
 * The descriptor is made non-blocking and stays the caller's.  Nothing is
 * watched before sched_fd_set().  Errors (EPOLLERR) are told whenever
 * anything is watched: the callback must clear them (SO_ERROR, error queue).
 */
struct sched_fd *sched_fd_open(struct sched *s, int fd,
	void (*fn)(void *arg, int fd, unsigned events), void *arg,
	struct tc_err *e);
/* events of enum sched_event, 0 = none.  0 or −errno. */
int sched_fd_set(struct sched_fd *w, unsigned events);
/* The descriptor may be closed directly afterwards.  NULL is fine. */
void sched_fd_close(struct sched_fd *w);

/* ---- wake-ups ---- */
struct sched_wake;

/* fn runs on the loop, once for one or more sends. */
struct sched_wake *sched_wake_open(struct sched *s, void (*fn)(void *arg),
	void *arg, struct tc_err *e);
/* Any thread; takes void * so that it fits queue_new(). */
void sched_wake_send(void *wake);
/* No send may be under way or follow.  NULL is fine. */
void sched_wake_close(struct sched_wake *w);

/* ---- signals ---- */
struct sched_signal;

struct sched_signal *sched_signal_open(struct sched *s, int signum,
	void (*fn)(void *arg, int signum), void *arg, struct tc_err *e);
void sched_signal_close(struct sched_signal *g);

/* ---- self-observation ---- */
struct sched_stats {
	uint64_t turns;			/* of the loop */
	uint64_t timers;		/* fired */
	int64_t lateness_max_ns;	/* of a timer, since the last call */
};
void sched_stats(struct sched *s, struct sched_stats *out);

#endif
