/*
 * ping: ICMP echo to many targets through one socket of each family.
 *
 * Answers are not waited for one by one: they are collected on a coarse tick
 * and timed by the kernel, since a wake-up costs more than a packet.  An
 * answer belongs to a run if it comes from its address and carries its
 * 64-bit cookie.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/list.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "probes/ping/sock.h"

#define NS_PER_MS INT64_C(1000000)
#define WHEEL_TICK_NS (5 * NS_PER_MS)
/*
 * Answers are collected whenever runs are started, and at this pace besides;
 * doubling up to …_MOST while none come.  Many runs under way have a pace of
 * their own, so that no buffer runs over.
 */
#define TICK_NS (20 * NS_PER_MS)
#define TICK_MOST_NS (40 * NS_PER_MS)
#define TICK_BUSY_NS (5 * NS_PER_MS)
#define TICK_BUSY_MOST_NS (10 * NS_PER_MS)
#define BUSY_RUNS 256
#define SEND_NS (1 * NS_PER_MS)		/* from batch to batch */
#define INDEX_BITS 20			/* of the cookie; the others are random */
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)
#define SEND_TRIES 3
#define AT_ONCE 1			/* a due time long past: the loop's next turn */

enum { OPT_COUNT, OPT_INTERVAL, OPT_SIZE };

static const struct tocsin_opt opts[] = {
	[OPT_COUNT] = { "count", TOCSIN_OPT_INT, .dflt = "1", .min = "1",
		.max = "100", .unit = "packets",
		.help = "Packets of a check; it is good if one is answered." },
	[OPT_INTERVAL] = { "interval", TOCSIN_OPT_DUR, .dflt = "200ms",
		.min = "10ms", .max = "10s",
		.help = "From packet to packet; shortened to fit the timeout." },
	[OPT_SIZE] = { "size", TOCSIN_OPT_SIZE, .dflt = "56", .min = "16",
		.max = "8972", .unit = "bytes",
		.help = "Payload of a packet, without ICMP and IP headers." },
	{ .name = NULL },
};

static const struct tocsin_metric metrics[] = {
	{ "ping_rtt_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"round trip, mean of the answered packets" },
	{ "ping_loss_ratio", TOCSIN_GAUGE, TOCSIN_RATIO,
		"packets without an answer" },
	{ "ping_rtt_min_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"shortest round trip, when count > 1" },
	{ "ping_rtt_max_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"longest round trip, when count > 1" },
	{ "ping_jitter_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"mean difference from packet to packet, when count > 1" },
	{ .name = NULL },
};

/* A run under way. */
struct run {
	struct slab_node node;
	struct wheel_node timer;	/* next packet, or the deadline */
	struct list link;		/* in the send queue, or self-linked */
	uint64_t cookie;
	uint32_t slot;
	uint16_t size_bytes;
	uint16_t count;
	uint16_t sent;
	uint16_t got;
	uint16_t lost;		/* somebody said so */
	uint16_t why;		/* the last that was said */
	union net_addr to;
	int64_t interval_ns;
	int64_t started_ns;
	int64_t deadline_ns;
	int64_t *sent_ns;	/* of each packet, 0 = done with it */
	int64_t sent_one_ns;	/* what sent_ns points to when count = 1 */
	int64_t rtt_sum_ns;
	int64_t rtt_min_ns;
	int64_t rtt_max_ns;
	int64_t rtt_last_ns;
	int64_t jitter_sum_ns;
};

struct line {	/* of one family */
	struct ping_sock *sock;	/* NULL = not open */
	struct list queue;	/* runs with a packet to send */
};

struct ping {
	struct tocsin_ctx *ctx;
	struct line lines[2];	/* IPv4, IPv6 */
	struct wheel wheel;
	struct slab runs;
	uint64_t seed;
	int64_t collect_ns;	/* next tick */
	int64_t tick_ns;
};

/* ---- runs ---- */

/* splitmix64 (Vigna, public domain): cookies nobody guesses by chance. */
static uint64_t
next_random(struct ping *p)
{
	uint64_t z = p->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static struct run *
run_new(struct ping *p)
{
	struct run *r = slab_take(&p->runs);

	if (r == NULL)
		return NULL;
	list_init(&r->link);
	r->cookie = (next_random(p) & ~INDEX_MASK) | slab_index(&r->node);
	return r;
}

static void
run_free(struct ping *p, struct run *r)
{
	wheel_remove(&p->wheel, &r->timer);
	list_remove(&r->link);
	if (r->sent_ns != &r->sent_one_ns)
		mem_free(r->sent_ns);
	slab_give(&p->runs, r);
}

/* ---- results ---- */

static unsigned
sample(struct tocsin_sample *s, const struct tocsin_metric *m, double value)
{
	*s = (struct tocsin_sample){ .size = sizeof(*s), .type = TOCSIN_F64,
		.name = m->name, .v.f64 = value };
	return 1;
}

static unsigned
samples_of(const struct run *r, struct tocsin_sample *s)
{
	unsigned n = 0;

	if (r->got > 0)
		n += sample(&s[n], &metrics[0], (double)r->rtt_sum_ns / r->got / 1e9);
	if (r->sent > 0)
		n += sample(&s[n], &metrics[1], 1.0 - (double)r->got / r->sent);
	if (r->count == 1 || r->got == 0)
		return n;
	n += sample(&s[n], &metrics[2], (double)r->rtt_min_ns / 1e9);
	n += sample(&s[n], &metrics[3], (double)r->rtt_max_ns / 1e9);
	if (r->got > 1)
		n += sample(&s[n], &metrics[4],
			(double)r->jitter_sum_ns / (r->got - 1) / 1e9);
	return n;
}

static void
report(struct ping *p, uint32_t slot, enum tocsin_reason why, const char *text)
{
	struct tocsin_report rep = { .size = sizeof(rep), .reason = (uint16_t)why,
		.outcome = TOCSIN_UNKNOWN, .text = text };

	p->ctx->report(p->ctx, slot, &rep);
}

/* Ends the run: good if anything came back, else for the reason given. */
static void
finish(struct ping *p, struct run *r, enum tocsin_reason why, const char *text)
{
	struct tocsin_sample samples[ARRAY_LEN(metrics)];
	struct tocsin_report rep = { .size = sizeof(rep), .text = text,
		.outcome = TOCSIN_FAIL, .reason = (uint16_t)why,
		.samples = samples, .stride = sizeof(samples[0]) };
	uint32_t slot = r->slot;

	rep.n_samples = samples_of(r, samples);
	if (r->got > 0) {
		rep.outcome = TOCSIN_OK;
		rep.reason = TOCSIN_WHY_NONE;
		rep.text = NULL;
	} else if (why >= TOCSIN_WHY_LOCAL_RESOURCE) {
		rep.outcome = TOCSIN_UNKNOWN;
		rep.n_samples = 0;	/* our trouble is not their loss */
	}
	run_free(p, r);
	p->ctx->report(p->ctx, slot, &rep);
}

static void
finish_at_deadline(struct ping *p, struct run *r)
{
	if (!list_is_empty(&r->link) && r->sent == 0)
		finish(p, r, TOCSIN_WHY_LOCAL_RESOURCE, "it could not be sent");
	else if (r->why != TOCSIN_WHY_NONE)
		finish(p, r, (enum tocsin_reason)r->why, NULL);
	else
		finish(p, r, TOCSIN_WHY_NO_REPLY, NULL);
}

/* ---- in ---- */

static bool
same_address(const union net_addr *a, const union net_addr *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr,
		sizeof(a->in6.sin6_addr)) == 0;
}

/* The run that the packet belongs to, or NULL. */
static struct run *
owner(const struct ping *p, const struct ping_event *ev)
{
	struct run *r;

	if (ev->echo.marked) {
		r = slab_get(&p->runs, (uint32_t)(ev->echo.mark.cookie & INDEX_MASK));
		return r != NULL && r->cookie == ev->echo.mark.cookie &&
			same_address(&r->to, &ev->peer) ? r : NULL;
	}
	/* Routers need not quote the cookie: then sequence and address do. */
	for (uint32_t i = ev->echo.seq; i <= INDEX_MASK; i += UINT16_MAX + 1) {
		r = slab_get(&p->runs, i);
		if (r != NULL && same_address(&r->to, &ev->peer))
			return r;
	}
	return NULL;
}

static void
take_reply(struct run *r, int64_t rtt_ns)
{
	int64_t step_ns = rtt_ns - r->rtt_last_ns;

	if (rtt_ns < 1000)	/* sent_ns is an estimate within its batch */
		rtt_ns = 1000;
	r->rtt_sum_ns += rtt_ns;
	if (r->got == 0 || rtt_ns < r->rtt_min_ns)
		r->rtt_min_ns = rtt_ns;
	if (rtt_ns > r->rtt_max_ns)
		r->rtt_max_ns = rtt_ns;
	if (r->got > 0)
		r->jitter_sum_ns += step_ns < 0 ? -step_ns : step_ns;
	r->rtt_last_ns = rtt_ns;
	r->got++;
}

static void
said_by(const struct ping_event *ev, char *text, size_t size)
{
	char by[INET6_ADDRSTRLEN];
	const void *addr = ev->by.any.sa_family == AF_INET6 ?
		(const void *)&ev->by.in6.sin6_addr : &ev->by.in.sin_addr;

	text[0] = '\0';
	if (ev->by.any.sa_family != AF_INET && ev->by.any.sa_family != AF_INET6)
		return;
	inet_ntop(ev->by.any.sa_family, addr, by, sizeof(by));
	snprintf(text, size, "said by %s (ICMP type %u code %u)", by,
		ev->type, ev->code);
}

static void
take_event(void *arg, const struct ping_event *ev)
{
	struct ping *p = arg;
	struct run *r = owner(p, ev);
	unsigned number = ev->echo.marked ? ev->echo.mark.number : 0;
	char text[128] = "";

	if (r == NULL || number >= r->sent || r->sent_ns[number] == 0)
		return;	/* late, twice, or not ours */
	if (ev->why == TOCSIN_WHY_NONE) {
		take_reply(r, ev->at_ns - r->sent_ns[number]);
	} else {
		r->lost++;
		r->why = (uint16_t)ev->why;
		said_by(ev, text, sizeof(text));
	}
	r->sent_ns[number] = 0;
	if (r->got + r->lost == r->count)
		finish(p, r, (enum tocsin_reason)r->why, text);
}

static unsigned
collect(struct ping *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(p->lines); i++) {
		if (p->lines[i].sock != NULL)
			n += ping_sock_receive(p->lines[i].sock, p->ctx,
				take_event, p);
	}
	return n;
}

/* ---- out ---- */

static void
sent(struct ping *p, struct run *r, int64_t at_ns)
{
	int64_t next_ns = r->deadline_ns;

	r->sent_ns[r->sent++] = at_ns;
	list_remove(&r->link);
	if (r->sent < r->count)
		next_ns = r->started_ns + r->sent * r->interval_ns;
	wheel_add(&p->wheel, &r->timer, next_ns);
}

static enum tocsin_reason
reason_of(int err)
{
	switch (err) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EINVAL:		/* a blackhole route */
	case EADDRNOTAVAIL:
		return TOCSIN_WHY_LOCAL_NO_ROUTE;
	case EPERM:		/* a packet filter */
	case EACCES:		/* a prohibit route, a broadcast address */
		return TOCSIN_WHY_LOCAL_PERMISSION;
	default:
		return TOCSIN_WHY_LOCAL_RESOURCE;
	}
}

static bool
is_full(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == ENOMEM;
}

/*
 * The first of the batch was refused.  The error may be another's, pending
 * on the socket: only what comes again after clearing is its own.
 */
static int
retry_one(struct line *l, unsigned at)
{
	int n = 0;

	for (int i = 0; i < SEND_TRIES; i++) {
		ping_sock_clear(l->sock);
		n = ping_sock_send(l->sock, at, at + 1);
		if (n > 0 || is_full(-n))
			break;
	}
	return n;
}

static unsigned
fill(struct line *l, struct run **batch)
{
	unsigned n = 0;

	for (struct list *at = l->queue.next; at != &l->queue && n < SOCK_BATCH;
	     at = at->next) {
		struct run *r = CONTAINER_OF(at, struct run, link);
		struct ping_mark mark = { r->cookie, r->sent };

		ping_sock_put(l->sock, n, &r->to, &mark, r->size_bytes);
		batch[n++] = r;
	}
	return n;
}

/*
 * Sends up to a batch.  Each packet's time is its share of the call: on a
 * short path the answer is back before sendmmsg() returns.
 */
static void
send_batch(struct ping *p, struct line *l)
{
	struct run *batch[SOCK_BATCH];
	unsigned n = fill(l, batch), done = 0;

	while (done < n) {
		int64_t from_ns = p->ctx->mono_ns(p->ctx), took_ns;
		int k = ping_sock_send(l->sock, done, n);

		if (k < 0)
			k = retry_one(l, done);
		took_ns = p->ctx->mono_ns(p->ctx) - from_ns;
		for (int i = 0; i < k; i++)
			sent(p, batch[done + (unsigned)i],
				from_ns + took_ns * i / k);
		if (k < 0 && is_full(-k))
			return;	/* again at the next tick */
		if (k < 0)
			finish(p, batch[done], reason_of(-k), strerrordesc_np(-k));
		done += k > 0 ? (unsigned)k : 1;
	}
}

static bool
wants_to_send(const struct ping *p)
{
	return !list_is_empty(&p->lines[0].queue) ||
		!list_is_empty(&p->lines[1].queue);
}

static void
send_some(struct ping *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->lines); i++) {
		if (!list_is_empty(&p->lines[i].queue))
			send_batch(p, &p->lines[i]);
	}
}

/* ---- the clockwork ---- */

static struct line *
line_of(struct ping *p, const struct run *r)
{
	return &p->lines[r->to.any.sa_family == AF_INET6];
}

static void
queue(struct ping *p, struct run *r)
{
	list_add_tail(&line_of(p, r)->queue, &r->link);
}

static void
expire(struct ping *p, int64_t now_ns)
{
	struct wheel_node *node;

	while ((node = wheel_take(&p->wheel, now_ns)) != NULL) {
		struct run *r = CONTAINER_OF(node, struct run, timer);

		if (now_ns < r->deadline_ns && r->sent < r->count)
			queue(p, r);
		else
			finish_at_deadline(p, r);
	}
}

/* What stands in a send queue is in no wheel. */
static void
expire_queues(struct ping *p, int64_t now_ns)
{
	for (size_t i = 0; i < ARRAY_LEN(p->lines); i++) {
		struct list *head = &p->lines[i].queue;

		while (!list_is_empty(head)) {
			struct run *r = CONTAINER_OF(head->next, struct run, link);

			if (now_ns < r->deadline_ns)
				break;
			finish_at_deadline(p, r);
		}
	}
}

static int64_t
sooner(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static void
rearm(struct ping *p, int64_t now_ns)
{
	int64_t due = wheel_next(&p->wheel);

	if (p->runs.used > 0)
		due = sooner(due, p->collect_ns);
	if (wants_to_send(p))
		due = sooner(due, now_ns + SEND_NS);
	p->ctx->timer(p->ctx, due);
}

static void
plan_collect(struct ping *p, int64_t now_ns, bool got)
{
	bool busy = p->runs.used > BUSY_RUNS;
	int64_t most = busy ? TICK_BUSY_MOST_NS : TICK_MOST_NS;

	p->tick_ns *= 2;
	if (got)
		p->tick_ns = busy ? TICK_BUSY_NS : TICK_NS;
	if (p->tick_ns > most)
		p->tick_ns = most;
	p->collect_ns = now_ns + p->tick_ns;
}

static void
ping_on_timer(void *instance, int64_t now_ns)
{
	struct ping *p = instance;
	bool sending, got;

	got = collect(p) > 0;
	expire(p, now_ns);
	expire_queues(p, now_ns);
	sending = wants_to_send(p);
	if (sending) {
		send_some(p);
		got = collect(p) > 0 || got;
	}
	plan_collect(p, now_ns, got || sending);
	rearm(p, now_ns);
}

/* ---- starting ---- */

static bool
open_line(struct ping *p, struct line *l, int family, const char **why)
{
	int err;

	if (l->sock != NULL)
		return true;
	l->sock = ping_sock_open(family);
	if (l->sock != NULL)
		return true;
	err = errno;
	*why = strerrordesc_np(err);
	p->ctx->log(p->ctx, TOCSIN_LOG_WARN, family == AF_INET ?
		"no ICMP socket: neither net.ipv4.ping_group_range nor "
		"CAP_NET_RAW lets us" : "no ICMPv6 socket");
	return false;
}

static bool
take_times(struct run *r, const struct tocsin_target *t, int64_t now_ns)
{
	r->slot = t->slot;
	r->count = (uint16_t)t->opts[OPT_COUNT].i;
	r->size_bytes = (uint16_t)t->opts[OPT_SIZE].i;
	r->interval_ns = t->opts[OPT_INTERVAL].i;
	/* The last packet, too, has an interval left to be answered. */
	if (r->interval_ns > t->timeout_ns / r->count)
		r->interval_ns = t->timeout_ns / r->count;
	r->started_ns = now_ns;
	r->deadline_ns = now_ns + t->timeout_ns;
	r->sent_ns = &r->sent_one_ns;
	if (r->count > 1)
		r->sent_ns = mem_alloc_array(r->count, sizeof(*r->sent_ns));
	return r->sent_ns != NULL;
}

static void
start_one(struct ping *p, const struct tocsin_target *t, int64_t now_ns)
{
	const char *why = NULL;
	union net_addr to;
	struct line *l;
	struct run *r;

	if (!net_take_addr(&to, t)) {
		report(p, t->slot, TOCSIN_WHY_UNSUPPORTED, "no address to ping");
		return;
	}
	l = &p->lines[to.any.sa_family == AF_INET6];
	if (!open_line(p, l, to.any.sa_family, &why)) {
		report(p, t->slot, TOCSIN_WHY_ICMP_UNAVAILABLE, why);
		return;
	}
	r = run_new(p);
	if (r == NULL) {
		report(p, t->slot, TOCSIN_WHY_LOCAL_RESOURCE, "too many runs");
		return;
	}
	r->to = to;
	/* The kernel takes a port as a protocol, or refuses it. */
	net_set_port(&r->to, 0);
	if (!take_times(r, t, now_ns)) {
		run_free(p, r);
		report(p, t->slot, TOCSIN_WHY_LOCAL_RESOURCE, "out of memory");
		return;
	}
	queue(p, r);
}

static int
ping_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride)
{
	struct ping *p = instance;
	const char *at = (const char *)targets;
	int64_t now_ns = p->ctx->mono_ns(p->ctx);

	for (uint32_t i = 0; i < n; i++, at += stride)
		start_one(p, (const void *)at, now_ns);
	p->ctx->timer(p->ctx, AT_ONCE);
	return 0;
}

static void
ping_cancel(void *instance, uint32_t slot)
{
	struct ping *p = instance;
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&p->runs, &at)) != NULL) {
		if (r->slot == slot)
			run_free(p, r);
	}
}

static int
ping_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct ping *p = MEM_NEW(struct ping);

	if (p == NULL || getrandom(&p->seed, sizeof(p->seed), 0) < 0) {
		snprintf(error, 256, "no memory or no random numbers");
		mem_free(p);
		return -ENOMEM;
	}
	p->ctx = ctx;
	slab_init(&p->runs, sizeof(struct run), INDEX_MASK);
	p->tick_ns = TICK_NS;
	list_init(&p->lines[0].queue);
	list_init(&p->lines[1].queue);
	wheel_init(&p->wheel, WHEEL_TICK_NS, ctx->mono_ns(ctx));
	*instance = p;
	return 0;
}

static void
ping_close(void *instance)
{
	struct ping *p = instance;
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&p->runs, &at)) != NULL)
		run_free(p, r);
	slab_free(&p->runs);
	ping_sock_close(p->lines[0].sock);
	ping_sock_close(p->lines[1].sock);
	mem_free(p);
}

extern TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1;
const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "ping", .help = "ICMP echo, IPv4 and IPv6",
	.opts = opts, .metrics = metrics, .open = ping_open,
	.close = ping_close, .start = ping_start, .on_timer = ping_on_timer,
	.cancel = ping_cancel,
};
