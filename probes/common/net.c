#include "probes/common/net.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/macros.h"

#define NS_PER_MS INT64_C(1000000)
#define WHEEL_TICK_NS (5 * NS_PER_MS)
#define SHARE_NS (NS_PER_MS / 2)	/* of a call; the loop allows 1 ms */
#define START_NS (NS_PER_MS)		/* from batch to batch */
#define AT_ONCE 1	/* a due time long past: the loop's next turn */
#define EVENTS 64
#define RUNS_MAX (UINT32_C(1) << 18)
#define BEGUN_MAX 4096

/* ---- runs ---- */

static void
run_free(struct net_loop *l, struct net_run *r)
{
	l->ops->drop(l, r);
	if (r->begun)
		l->n_begun--;
	wheel_remove(&l->wheel, &r->timer);
	list_remove(&r->link);
	slab_give(&l->runs, r);
}

void
net_finish(struct net_loop *l, struct net_run *r,
	const struct net_result *result)
{
	char text[NET_TEXT];
	struct tocsin_report rep = { .size = sizeof(rep),
		.reason = (uint16_t)result->why, .outcome = TOCSIN_FAIL,
		.text = text, .samples = result->samples,
		.n_samples = result->n_samples,
		.stride = sizeof(struct tocsin_sample) };
	uint32_t slot = r->slot;

	snprintf(text, sizeof(text), "%s",
		result->text != NULL ? result->text : "");
	if (result->why == TOCSIN_WHY_NONE)
		rep.outcome = TOCSIN_OK;
	else if (result->why >= TOCSIN_WHY_LOCAL_RESOURCE)
		rep.outcome = TOCSIN_UNKNOWN;
	run_free(l, r);
	l->ctx->report(l->ctx, slot, &rep);
}

void
net_fail(struct net_loop *l, struct net_run *r, enum tocsin_reason why,
	const char *text)
{
	net_finish(l, r, &(struct net_result){ .why = why, .text = text });
}

void
net_sample(struct tocsin_sample *s, const char *name, double value)
{
	*s = (struct tocsin_sample){ .size = sizeof(*s), .type = TOCSIN_F64,
		.name = name, .v.f64 = value };
}

uint64_t
net_key(const struct net_run *r)
{
	return (uint64_t)r->generation << 32 | slab_index(&r->node);
}

struct net_run *
net_run_of(const struct net_loop *l, uint64_t key)
{
	struct net_run *r = slab_get(&l->runs, (uint32_t)key);

	/* A child being spawned may keep a closed one alive a moment. */
	return r != NULL && r->generation == key >> 32 ? r : NULL;
}

int
net_watch(struct net_loop *l, int fd, uint64_t key, uint32_t events, bool again)
{
	struct epoll_event ev = { .events = events, .data.u64 = key };

	if (epoll_ctl(l->epoll_fd, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
	    &ev) < 0)
		return -errno;
	return 0;
}

void
net_wake(struct net_loop *l, struct net_run *r, int64_t due_ns)
{
	wheel_remove(&l->wheel, &r->timer);
	wheel_add(&l->wheel, &r->timer,
		due_ns < r->deadline_ns ? due_ns : r->deadline_ns);
}

/* ---- the clockwork ---- */

int64_t
net_now(const struct net_loop *l)
{
	return l->ctx->mono_ns(l->ctx);
}

bool
net_is_spent(const struct net_loop *l)
{
	return net_now(l) - l->call_ns > SHARE_NS;
}

static void
begin_some(struct net_loop *l)
{
	while (!list_is_empty(&l->waiting) && l->n_begun < l->begun_max &&
	       !net_is_spent(l)) {
		struct net_run *r = CONTAINER_OF(l->waiting.next,
			struct net_run, link);

		list_remove(&r->link);
		r->begun = true;
		r->begun_ns = net_now(l);
		l->n_begun++;
		l->ops->begin(l, r);
	}
}

static void
expire(struct net_loop *l, int64_t now_ns)
{
	struct wheel_node *node;

	while (!net_is_spent(l) &&
	       (node = wheel_take(&l->wheel, now_ns)) != NULL) {
		struct net_run *r = CONTAINER_OF(node, struct net_run, timer);

		if (r->begun)
			l->ops->due(l, r);
		else
			net_fail(l, r, TOCSIN_WHY_LOCAL_RESOURCE,
				"its turn did not come in time");
	}
}

static void
rearm(struct net_loop *l)
{
	int64_t due = wheel_next(&l->wheel), now_ns = net_now(l);

	if (l->also_ns != 0 && (due == 0 || l->also_ns < due))
		due = l->also_ns;
	if (!list_is_empty(&l->waiting) && l->n_begun < l->begun_max &&
	    (due == 0 || now_ns + START_NS < due))
		due = now_ns + START_NS;
	l->ctx->timer(l->ctx, due);
}

void
net_on_timer(void *instance, int64_t now_ns)
{
	struct net_loop *l = instance;

	l->call_ns = net_now(l);
	if (l->also_ns != 0 && l->also_ns <= l->call_ns) {
		l->also_ns = 0;
		l->ops->also(l);
	}
	expire(l, now_ns);
	begin_some(l);
	rearm(l);
}

void
net_on_fd(void *instance, int fd, unsigned events)
{
	struct net_loop *l = instance;
	struct epoll_event ev[EVENTS];
	int n;

	(void)fd;
	(void)events;
	l->call_ns = net_now(l);
	n = epoll_wait(l->epoll_fd, ev, EVENTS, 0);
	/* What is left over is told again: the set is level-triggered. */
	for (int i = 0; i < n && (i == 0 || !net_is_spent(l)); i++)
		l->ops->event(l, ev[i].data.u64, ev[i].events);
	begin_some(l);
	rearm(l);
}

/* ---- starting ---- */

static void
start_one(struct net_loop *l, const struct tocsin_target *t, int64_t now_ns)
{
	struct net_run *r = slab_take(&l->runs);
	char error[NET_TEXT] = "no address to connect to";
	bool has_addr;

	if (r == NULL) {
		struct tocsin_report rep = { .size = sizeof(rep),
			.outcome = TOCSIN_UNKNOWN, .text = "too many runs",
			.reason = TOCSIN_WHY_LOCAL_RESOURCE };

		l->ctx->report(l->ctx, t->slot, &rep);
		return;
	}
	r->slot = t->slot;
	r->generation = ++l->generation;
	r->deadline_ns = now_ns + t->timeout_ns;
	list_init(&r->link);
	has_addr = net_take_addr(&r->to, t);
	/* The options of one without an address are taken all the same. */
	if (!l->ops->take(l, r, t, error) || !has_addr) {
		net_fail(l, r, TOCSIN_WHY_UNSUPPORTED, error);
		return;
	}
	list_add_tail(&l->waiting, &r->link);
	wheel_add(&l->wheel, &r->timer, r->deadline_ns);
}

int
net_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride)
{
	struct net_loop *l = instance;
	const char *at = (const char *)targets;
	int64_t now_ns = net_now(l);

	for (uint32_t i = 0; i < n; i++, at += stride)
		start_one(l, (const void *)at, now_ns);
	l->ctx->timer(l->ctx, AT_ONCE);
	return 0;
}

void
net_cancel(void *instance, uint32_t slot)
{
	struct net_loop *l = instance;
	struct net_run *r;
	uint32_t at = 0;

	while ((r = slab_next(&l->runs, &at)) != NULL) {
		if (r->slot == slot)
			run_free(l, r);
	}
}

int
net_open(struct net_loop *l, struct tocsin_ctx *ctx, const struct net_ops *ops,
	char *error)
{
	int rc;

	l->ctx = ctx;
	l->ops = ops;
	l->begun_max = net_files_max(BEGUN_MAX, 4);
	list_init(&l->waiting);
	slab_init(&l->runs, ops->run_bytes, RUNS_MAX);
	wheel_init(&l->wheel, WHEEL_TICK_NS, ctx->mono_ns(ctx));
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rc = l->epoll_fd < 0 ? -errno :
		ctx->watch(ctx, l->epoll_fd, TOCSIN_READ);
	if (rc == 0)
		return 0;
	snprintf(error, 256, "no descriptor to wait on: %s",
		strerrordesc_np(-rc));
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	return rc;
}

void
net_drop_all(struct net_loop *l)
{
	struct net_run *r;
	uint32_t at = 0;

	while ((r = slab_next(&l->runs, &at)) != NULL)
		run_free(l, r);
}

void
net_close(struct net_loop *l)
{
	net_drop_all(l);
	slab_free(&l->runs);
	l->ctx->watch(l->ctx, l->epoll_fd, 0);
	close(l->epoll_fd);
}
