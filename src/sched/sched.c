#include "sched/sched.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include "base/mem.h"

#define TICK_NS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

/*
 * libuv's own timers stand still while the machine sleeps; one timerfd on
 * CLOCK_BOOTTIME does not.  It is armed once a turn, just before polling, and
 * never read: arming it again clears it.
 */
struct sched {
	uv_loop_t loop;
	uv_poll_t timer_poll;
	uv_prepare_t prepare;
	int timer_fd;
	int64_t armed_ns;	/* 0 = off */
	struct heap timers;
	struct sched_stats stats;
};

struct sched_fd {
	uv_poll_t poll;
	int fd;
	unsigned events;
	void (*fn)(void *arg, int fd, unsigned events);
	void *arg;
};

struct sched_wake {
	uv_async_t async;
	void (*fn)(void *arg);
	void *arg;
};

struct sched_signal {
	uv_signal_t signal;
	void (*fn)(void *arg, int signum);
	void *arg;
};

static int
fail_uv(struct tc_err *e, int rc, const char *what)
{
	return tc_fail_errno(e, -rc, "%s", what);
}

/* ---- timers ---- */

static struct sched_timer *
timer_of(struct heap_node *node)
{
	return CONTAINER_OF(node, struct sched_timer, node);
}

static void
arm(struct sched *s, int64_t due_ns)
{
	struct itimerspec when = { .it_value = {
		.tv_sec = (time_t)(due_ns / NS_PER_S),
		.tv_nsec = (long)(due_ns % NS_PER_S) } };

	timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	s->armed_ns = due_ns;
}

static void
before_polling(uv_prepare_t *prepare)
{
	struct sched *s = prepare->data;
	struct heap_node *top = heap_peek(&s->timers);
	int64_t due = 0;

	s->stats.turns++;
	if (top != NULL)	/* 0 would disarm */
		due = top->key > 0 ? top->key : 1;
	if (due != s->armed_ns)
		arm(s, due);
}

static void
timers_due(uv_poll_t *poll, int status, int events)
{
	struct sched *s = poll->data;
	struct mono now = sched_now(s);
	uint64_t last = s->timers.pushed;	/* what comes in now waits a turn */
	struct heap_node *top;

	(void)status;
	(void)events;
	s->armed_ns = -1;	/* has fired: must be armed again or off */
	while ((top = heap_peek(&s->timers)) != NULL && top->key <= now.ns &&
	       top->order < last) {
		struct sched_timer *t = timer_of(heap_pop(&s->timers));
		int64_t late = now.ns - t->node.key;

		s->stats.timers++;
		if (late > s->stats.lateness_max_ns)
			s->stats.lateness_max_ns = late;
		t->fn(t->arg, now);
	}
}

void
sched_timer_init(struct sched_timer *t, void (*fn)(void *, struct mono),
	void *arg)
{
	*t = (struct sched_timer){ .fn = fn, .arg = arg };
}

int
sched_at(struct sched *s, struct sched_timer *t, struct mono due)
{
	int64_t key = due.ns;

	if (key % TICK_NS > 0)
		key += TICK_NS - key % TICK_NS;
	if (heap_has(&t->node) && t->node.key == key)
		return 0;
	heap_remove(&s->timers, &t->node);
	return heap_push(&s->timers, &t->node, key);
}

void
sched_cancel(struct sched *s, struct sched_timer *t)
{
	heap_remove(&s->timers, &t->node);
}

struct mono
sched_now(struct sched *s)
{
	struct clock *c = clock_system();

	(void)s;
	return c->mono(c);
}

/* ---- the loop ---- */

static int
open_timer(struct sched *s, struct tc_err *e)
{
	int rc;

	s->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->timer_fd < 0)
		return tc_fail_errno(e, errno, "timerfd");
	if ((rc = uv_poll_init(&s->loop, &s->timer_poll, s->timer_fd)) < 0)
		return fail_uv(e, rc, "event loop");
	s->timer_poll.data = s;
	uv_prepare_init(&s->loop, &s->prepare);
	s->prepare.data = s;
	if ((rc = uv_poll_start(&s->timer_poll, UV_READABLE, timers_due)) < 0 ||
	    (rc = uv_prepare_start(&s->prepare, before_polling)) < 0)
		return fail_uv(e, rc, "event loop");
	return 0;
}

struct sched *
sched_new(struct tc_err *e)
{
	struct sched *s = MEM_NEW(struct sched);
	int rc;

	if (s == NULL) {
		tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	s->timer_fd = -1;
	if ((rc = uv_loop_init(&s->loop)) < 0) {
		fail_uv(e, rc, "event loop");
		mem_free(s);
		return NULL;
	}
	if (open_timer(s, e) < 0) {
		sched_free(s);
		return NULL;
	}
	return s;
}

static void
close_handle(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

void
sched_free(struct sched *s)
{
	if (s == NULL)
		return;
	uv_walk(&s->loop, close_handle, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	heap_free(&s->timers);
	mem_free(s);
}

void
sched_run(struct sched *s)
{
	uv_run(&s->loop, UV_RUN_DEFAULT);
}

void
sched_stop(struct sched *s)
{
	uv_stop(&s->loop);
}

void
sched_stats(struct sched *s, struct sched_stats *out)
{
	*out = s->stats;
	s->stats.lateness_max_ns = 0;
}

/* ---- file descriptors ---- */

static void
fd_ready(uv_poll_t *poll, int status, int events)
{
	struct sched_fd *w = poll->data;
	unsigned what = 0;

	if (status < 0)
		what = SCHED_ERROR | w->events;
	if ((events & UV_DISCONNECT) != 0)
		what |= SCHED_ERROR;
	if ((events & UV_READABLE) != 0)
		what |= SCHED_READ;
	if ((events & UV_WRITABLE) != 0)
		what |= SCHED_WRITE;
	w->fn(w->arg, w->fd, what);
	/* On EPOLLERR libuv stops the watch, but our errors are not the end. */
	if (status < 0 && w->events != 0 && !uv_is_closing((uv_handle_t *)poll))
		sched_fd_set(w, w->events);
}

struct sched_fd *
sched_fd_open(struct sched *s, int fd, void (*fn)(void *, int, unsigned),
	void *arg, struct tc_err *e)
{
	struct sched_fd *w = MEM_NEW(struct sched_fd);
	int rc;

	if (w == NULL) {
		tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	if ((rc = uv_poll_init(&s->loop, &w->poll, fd)) < 0) {
		fail_uv(e, rc, "cannot watch");
		mem_free(w);
		return NULL;
	}
	w->poll.data = w;
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	return w;
}

int
sched_fd_set(struct sched_fd *w, unsigned events)
{
	int what = 0;

	w->events = events;
	if ((events & SCHED_READ) != 0)
		what |= UV_READABLE;
	if ((events & SCHED_WRITE) != 0)
		what |= UV_WRITABLE;
	if ((events & SCHED_ERROR) != 0 && what == 0)
		what |= UV_DISCONNECT;
	if (what == 0)
		return uv_poll_stop(&w->poll);
	return uv_poll_start(&w->poll, what, fd_ready);
}

static void
free_fd(uv_handle_t *h)
{
	mem_free(h->data);
}

void
sched_fd_close(struct sched_fd *w)
{
	if (w != NULL)
		uv_close((uv_handle_t *)&w->poll, free_fd);
}

/* ---- wake-ups ---- */

static void
woken(uv_async_t *async)
{
	struct sched_wake *w = async->data;

	w->fn(w->arg);
}

struct sched_wake *
sched_wake_open(struct sched *s, void (*fn)(void *), void *arg,
	struct tc_err *e)
{
	struct sched_wake *w = MEM_NEW(struct sched_wake);
	int rc;

	if (w == NULL) {
		tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	w->fn = fn;
	w->arg = arg;
	if ((rc = uv_async_init(&s->loop, &w->async, woken)) < 0) {
		fail_uv(e, rc, "wake-up");
		mem_free(w);
		return NULL;
	}
	w->async.data = w;
	return w;
}

void
sched_wake_send(void *wake)
{
	struct sched_wake *w = wake;

	uv_async_send(&w->async);
}

static void
free_wake(uv_handle_t *h)
{
	mem_free(h->data);
}

void
sched_wake_close(struct sched_wake *w)
{
	if (w != NULL)
		uv_close((uv_handle_t *)&w->async, free_wake);
}

/* ---- signals ---- */

static void
signalled(uv_signal_t *signal, int signum)
{
	struct sched_signal *g = signal->data;

	g->fn(g->arg, signum);
}

static void
free_signal(uv_handle_t *h)
{
	mem_free(h->data);
}

struct sched_signal *
sched_signal_open(struct sched *s, int signum, void (*fn)(void *, int),
	void *arg, struct tc_err *e)
{
	struct sched_signal *g = MEM_NEW(struct sched_signal);
	int rc;

	if (g == NULL) {
		tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	uv_signal_init(&s->loop, &g->signal);
	g->signal.data = g;
	g->fn = fn;
	g->arg = arg;
	if ((rc = uv_signal_start(&g->signal, signalled, signum)) < 0) {
		tc_fail_errno(e, -rc, "signal %d", signum);
		uv_close((uv_handle_t *)&g->signal, free_signal);
		return NULL;
	}
	return g;
}

void
sched_signal_close(struct sched_signal *g)
{
	if (g != NULL)
		uv_close((uv_handle_t *)&g->signal, free_signal);
}
