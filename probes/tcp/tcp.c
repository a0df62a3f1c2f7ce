/*
 * tcp: is a port open.  Connects, measures, resets.
 *
 * A connection costs three system calls: connect, TCP_INFO, and connect to
 * nobody, which resets it and leaves the socket for the next target.  Nobody is
 * woken for it: TCP_INFO is asked on a coarse tick, and has the kernel's own
 * round trip of the handshake.  Only what is still on its way by then goes to
 * epoll.  What was reset leaves no TIME_WAIT behind.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <tocsin/probe.h>
#include <unistd.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "probes/common/addr.h"

#define NS_PER_MS INT64_C(1000000)
#define WHEEL_TICK_NS (5 * NS_PER_MS)
/*
 * Connections are looked at whenever runs are started, and at this pace
 * besides; a sweep has its own, so that few descriptors go a long way.
 */
#define TICK_NS (20 * NS_PER_MS)
#define TICK_BUSY_NS (2 * NS_PER_MS)
#define BUSY_RUNS 256
#define AT_ONCE 1			/* a due time long past: the loop's next turn */
#define BATCH 32			/* a millisecond */
#define EVENTS 64
#define RUNS_MAX (UINT32_C(1) << 20)
#define OPEN_MAX 16384
#define SPARE_MAX 128

enum { OPT_PORT };

static const struct tocsin_opt opts[] = {
	[OPT_PORT] = { "port", TOCSIN_OPT_INT, .min = "1", .max = "65535",
		.help = "The port to connect to." },
	{ .name = NULL },
};

static const struct tocsin_metric metrics[] = {
	{ "tcp_connect_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"from SYN to SYN-ACK, as the kernel measures it" },
	{ .name = NULL },
};

/* A run under way. */
struct run {
	struct slab_node node;
	struct wheel_node timer;	/* the deadline */
	struct list link;	/* waiting, fresh, up or self-linked */
	uint32_t slot;
	uint32_t generation;
	int fd;			/* −1 = not connecting yet */
	bool watched;		/* in epoll */
	union net_addr to;
	int64_t started_ns;	/* of connect() */
	int64_t took_ns;	/* the handshake, of one that is up */
};

struct tcp {
	struct tocsin_ctx *ctx;
	int epoll_fd;
	uint32_t generation;
	uint32_t n_open;	/* descriptors, spare ones too */
	uint32_t open_max;
	uint32_t n_spare;
	int spare[SPARE_MAX];	/* IPv4 sockets that were connected before */
	struct slab runs;
	struct wheel wheel;
	struct list waiting;	/* for their connect() */
	struct list fresh;	/* not looked at since connect() */
	struct list up;		/* connected, and not yet told */
};

/* ---- sockets ---- */

/* Resets the connection; close() does no other, but frees the socket as well. */
static bool
disconnect(int fd)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	return connect(fd, &nobody, sizeof(nobody)) == 0;
}

static void
close_one(struct tcp *t, int fd)
{
	close(fd);
	t->n_open--;
}

/*
 * Of a run that is up.  Only IPv4 is kept: the kernel then leaves nothing of
 * the connection in the socket, while an IPv6 one stays bound to the interface
 * of a link-local target.
 */
static void
reset(struct tcp *t, struct run *r)
{
	if (t->n_spare < SPARE_MAX && r->to.any.sa_family == AF_INET &&
	    (!r->watched ||
	     epoll_ctl(t->epoll_fd, EPOLL_CTL_DEL, r->fd, NULL) == 0) &&
	    disconnect(r->fd))
		t->spare[t->n_spare++] = r->fd;
	else
		close_one(t, r->fd);
	r->fd = -1;
}

/* −errno when there is none. */
static int
open_one(struct tcp *t, int family)
{
	struct linger with_rst = { .l_onoff = 1, .l_linger = 0 };
	int fd;

	if (family == AF_INET && t->n_spare > 0)
		return t->spare[--t->n_spare];
	if (t->n_open == t->open_max && t->n_spare > 0)
		close_one(t, t->spare[--t->n_spare]);
	if (t->n_open == t->open_max)
		return -EMFILE;
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		IPPROTO_TCP);
	if (fd < 0)
		return -errno;
	t->n_open++;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &with_rst, sizeof(with_rst));
	return fd;
}

/* ---- runs ---- */

static void
run_free(struct tcp *t, struct run *r)
{
	if (r->fd >= 0)
		close_one(t, r->fd);
	wheel_remove(&t->wheel, &r->timer);
	list_remove(&r->link);
	slab_give(&t->runs, r);
}

static void
report(struct tcp *t, uint32_t slot, enum tocsin_outcome outcome,
	enum tocsin_reason why, const char *text)
{
	struct tocsin_report rep = { .size = sizeof(rep), .text = text,
		.outcome = (uint16_t)outcome, .reason = (uint16_t)why };

	t->ctx->report(t->ctx, slot, &rep);
}

static void
fail(struct tcp *t, struct run *r, enum tocsin_reason why, const char *text)
{
	uint32_t slot = r->slot;

	run_free(t, r);
	report(t, slot, why >= TOCSIN_WHY_LOCAL_RESOURCE ? TOCSIN_UNKNOWN :
		TOCSIN_FAIL, why, text);
}

static void
succeed(struct tcp *t, struct run *r)
{
	struct tocsin_sample sample = { .size = sizeof(sample),
		.type = TOCSIN_F64, .name = metrics[0].name,
		.v.f64 = (double)r->took_ns / 1e9 };
	struct tocsin_report rep = { .size = sizeof(rep), .samples = &sample,
		.n_samples = 1, .stride = sizeof(sample) };
	uint32_t slot = r->slot;

	run_free(t, r);
	t->ctx->report(t->ctx, slot, &rep);
}

/* ---- looking ---- */

static void
fail_socket(struct tcp *t, struct run *r)
{
	int err = 0;
	socklen_t n = sizeof(err);

	getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &err, &n);
	fail(t, r, net_their_reason(err),
		err != 0 ? strerrordesc_np(err) : NULL);
}

/* Reports what has failed; false while the handshake is under way. */
static bool
look_at(struct tcp *t, struct run *r, int64_t now_ns)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof(info);

	if (getsockopt(r->fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0) {
		fail(t, r, TOCSIN_WHY_LOCAL_RESOURCE, strerrordesc_np(errno));
		return true;
	}
	if (info.tcpi_state == TCP_SYN_SENT || info.tcpi_state == TCP_SYN_RECV)
		return false;
	if (info.tcpi_state == TCP_CLOSE) {
		fail_socket(t, r);
		return true;
	}
	/* A SYN sent again is not in the kernel's round trip. */
	r->took_ns = (int64_t)info.tcpi_rtt * 1000;
	if (info.tcpi_rtt == 0 || info.tcpi_total_retrans > 0)
		r->took_ns = now_ns - r->started_ns;
	list_remove(&r->link);
	list_add_tail(&t->up, &r->link);
	return true;
}

static void
to_epoll(struct tcp *t, struct run *r)
{
	struct epoll_event ev = { .events = EPOLLOUT,
		.data.u64 = (uint64_t)r->generation << 32 | slab_index(&r->node) };

	list_remove(&r->link);
	if (epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, r->fd, &ev) < 0)
		fail(t, r, TOCSIN_WHY_LOCAL_RESOURCE, strerrordesc_np(errno));
	else
		r->watched = true;
}

static void
look_at_fresh(struct tcp *t, int64_t now_ns)
{
	while (!list_is_empty(&t->fresh)) {
		struct run *r = CONTAINER_OF(t->fresh.next, struct run, link);

		if (!look_at(t, r, now_ns))
			to_epoll(t, r);
	}
}

static void
look_at_others(struct tcp *t, int64_t now_ns)
{
	struct epoll_event ev[EVENTS];
	int n = epoll_wait(t->epoll_fd, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		struct run *r = slab_get(&t->runs, (uint32_t)ev[i].data.u64);

		/* A child being spawned may keep a closed one alive a moment. */
		if (r != NULL && r->generation == ev[i].data.u64 >> 32)
			look_at(t, r, now_ns);
	}
}

/* All are reset before any is told: each way stays in the caches. */
static void
tell_up(struct tcp *t)
{
	for (struct list *l = t->up.next; l != &t->up; l = l->next)
		reset(t, CONTAINER_OF(l, struct run, link));
	while (!list_is_empty(&t->up))
		succeed(t, CONTAINER_OF(t->up.next, struct run, link));
}

/* ---- connecting ---- */

static int
connect_one(struct tcp *t, struct run *r)
{
	int fd = open_one(t, r->to.any.sa_family);

	if (fd < 0)
		return fd;
	r->fd = fd;
	r->started_ns = t->ctx->mono_ns(t->ctx);
	if (connect(r->fd, &r->to.any, net_addr_len(&r->to)) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return 0;
}

/* Out of descriptors: later, unless it is too late then. */
static bool
can_wait(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void
connect_some(struct tcp *t)
{
	unsigned n = 0;

	while (n < BATCH && !list_is_empty(&t->waiting)) {
		struct run *r = CONTAINER_OF(t->waiting.next, struct run, link);
		int rc = connect_one(t, r);

		if (rc < 0 && r->fd < 0 && can_wait(-rc))
			break;
		n++;
		if (rc < 0) {
			fail(t, r, net_own_reason(-rc), strerrordesc_np(-rc));
			continue;
		}
		list_remove(&r->link);
		list_add_tail(&t->fresh, &r->link);
	}
}

/* ---- the clockwork ---- */

static void
expire(struct tcp *t, int64_t now_ns)
{
	struct wheel_node *node;

	while ((node = wheel_take(&t->wheel, now_ns)) != NULL) {
		struct run *r = CONTAINER_OF(node, struct run, timer);

		if (r->fd < 0)
			fail(t, r, TOCSIN_WHY_LOCAL_RESOURCE,
				"no descriptor was free in time");
		else if (!look_at(t, r, now_ns))
			fail(t, r, TOCSIN_WHY_CONNECT_TIMEOUT, NULL);
	}
}

static void
rearm(struct tcp *t, int64_t now_ns)
{
	int64_t due = 0, look_ns = now_ns +
		(t->runs.used > BUSY_RUNS ? TICK_BUSY_NS : TICK_NS);

	if (t->runs.used > 0) {
		due = wheel_next(&t->wheel);
		if (look_ns < due)
			due = look_ns;
	}
	if (!list_is_empty(&t->waiting))
		due = now_ns;	/* at the loop's next millisecond */
	t->ctx->timer(t->ctx, due);
}

static void
tcp_on_timer(void *instance, int64_t now_ns)
{
	struct tcp *t = instance;

	look_at_fresh(t, now_ns);
	look_at_others(t, now_ns);
	expire(t, now_ns);
	tell_up(t);
	connect_some(t);
	rearm(t, now_ns);
}

/* ---- starting ---- */

static void
start_one(struct tcp *t, const struct tocsin_target *target, int64_t now_ns)
{
	union net_addr to;
	struct run *r;

	if (!net_take_addr(&to, target)) {
		report(t, target->slot, TOCSIN_UNKNOWN, TOCSIN_WHY_UNSUPPORTED,
			"no address to connect to");
		return;
	}
	r = slab_take(&t->runs);
	if (r == NULL) {
		report(t, target->slot, TOCSIN_UNKNOWN,
			TOCSIN_WHY_LOCAL_RESOURCE, "too many runs");
		return;
	}
	r->fd = -1;
	r->slot = target->slot;
	r->generation = ++t->generation;
	r->to = to;
	net_set_port(&r->to, (uint16_t)target->opts[OPT_PORT].i);
	list_add_tail(&t->waiting, &r->link);
	wheel_add(&t->wheel, &r->timer, now_ns + target->timeout_ns);
}

static int
tcp_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride)
{
	struct tcp *t = instance;
	const char *at = (const char *)targets;
	int64_t now_ns = t->ctx->mono_ns(t->ctx);

	for (uint32_t i = 0; i < n; i++, at += stride)
		start_one(t, (const void *)at, now_ns);
	t->ctx->timer(t->ctx, AT_ONCE);
	return 0;
}

static void
tcp_cancel(void *instance, uint32_t slot)
{
	struct tcp *t = instance;
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&t->runs, &at)) != NULL) {
		if (r->slot == slot)
			run_free(t, r);
	}
}

static int
tcp_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct tcp *t = MEM_NEW(struct tcp);
	int err = ENOMEM;

	if (t == NULL || (t->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0) {
		err = t != NULL ? errno : ENOMEM;
		snprintf(error, 256, "cannot open: %s", strerrordesc_np(err));
		mem_free(t);
		return -err;
	}
	t->ctx = ctx;
	t->open_max = net_files_max(OPEN_MAX, 2);
	list_init(&t->waiting);
	list_init(&t->fresh);
	list_init(&t->up);
	slab_init(&t->runs, sizeof(struct run), RUNS_MAX);
	wheel_init(&t->wheel, WHEEL_TICK_NS, ctx->mono_ns(ctx));
	*instance = t;
	return 0;
}

static void
tcp_close(void *instance)
{
	struct tcp *t = instance;
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&t->runs, &at)) != NULL)
		run_free(t, r);
	while (t->n_spare > 0)
		close_one(t, t->spare[--t->n_spare]);
	slab_free(&t->runs);
	close(t->epoll_fd);
	mem_free(t);
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "tcp", .help = "is a TCP port open",
	.opts = opts, .metrics = metrics, .open = tcp_open, .close = tcp_close,
	.start = tcp_start, .on_timer = tcp_on_timer, .cancel = tcp_cancel,
};
