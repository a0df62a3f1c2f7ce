/*
 * Probes of the loop form, and the context that both forms get.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "probe/parts.h"

#define SLOW_CALL_NS INT64_C(1000000)

struct watch {
	int fd;
	struct host *host;
	struct sched_fd *sched_fd;
};

/* ---- calls into the probe ---- */

static int64_t
enter(struct host *h)
{
	h->r->depth++;
	return sched_now(h->r->conf.sched).ns;
}

static void
leave(struct host *h, int64_t since_ns)
{
	struct runner *r = h->r;
	int64_t took_ns = sched_now(r->conf.sched).ns - since_ns;

	r->depth--;
	if (took_ns > SLOW_CALL_NS)
		r->stats.slow_calls++;
	if (took_ns > r->stats.call_max_ns)
		r->stats.call_max_ns = took_ns;
}

static void
fd_ready(void *arg, int fd, unsigned events)
{
	struct watch *w = arg;
	struct host *h = w->host;
	int64_t since = enter(h);

	/* The bits of enum sched_event and enum tocsin_watch are the same. */
	if (h->plugin->probe->on_fd != NULL)
		h->plugin->probe->on_fd(h->instance, fd, events);
	leave(h, since);
}

static void
timer_due(void *arg, struct mono now)
{
	struct host *h = arg;
	int64_t since = enter(h);

	if (h->plugin->probe->on_timer != NULL)
		h->plugin->probe->on_timer(h->instance, now.ns);
	leave(h, since);
}

/* ---- the context ---- */

static struct host *
host_of(struct tocsin_ctx *ctx)
{
	return ctx->host;
}

static int64_t
ctx_mono_ns(struct tocsin_ctx *ctx)
{
	struct clock *c = host_of(ctx)->clock;

	return c->mono(c).ns;
}

static int64_t
ctx_wall_ms(struct tocsin_ctx *ctx)
{
	struct clock *c = host_of(ctx)->clock;

	return c->wall(c).ms;
}

static void
ctx_log(struct tocsin_ctx *ctx, enum tocsin_log level, const char *text)
{
	const char *name = host_of(ctx)->plugin->name;

	switch (level) {
	case TOCSIN_LOG_ERROR:
		log_at(ERROR, "probe", "%s: %.512s", name, text);
		return;
	case TOCSIN_LOG_WARN:
		log_at(WARN, "probe", "%s: %.512s", name, text);
		return;
	case TOCSIN_LOG_INFO:
		log_at(INFO, "probe", "%s: %.512s", name, text);
		return;
	case TOCSIN_LOG_DEBUG:
		log_at(DEBUG, "probe", "%s: %.512s", name, text);
		return;
	}
}

static void
take_report(struct tocsin_ctx *ctx, uint32_t slot,
	const struct tocsin_report *rep, bool last)
{
	struct host *h = host_of(ctx);
	struct runner *r = h->r;
	struct slot *s = slot_of(r, slot);
	struct report_taker taker = { .plugin = h->plugin,
		.clock = r->conf.clock, .mem = &r->scratch };
	struct observation ob;

	if (s == NULL || s->host != h || s->job != NULL) {
		r->stats.bad_slots++;
		return;
	}
	arena_reset(&r->scratch);
	report_take(&taker, rep, &ob);
	r->stats.bad_metrics += taker.bad_metrics;
	r->stats.bad_reports += taker.bad_reports;
	slot_answer(r, s, &ob, last);
}

static void
ctx_report(struct tocsin_ctx *ctx, uint32_t slot,
	const struct tocsin_report *rep)
{
	take_report(ctx, slot, rep, true);
}

static void
ctx_part(struct tocsin_ctx *ctx, uint32_t slot,
	const struct tocsin_report *rep)
{
	take_report(ctx, slot, rep, false);
}

static struct watch *
watch_of(struct host *h, int fd)
{
	struct watch *w = hash_get(&h->watches, &fd, sizeof(fd));

	if (w != NULL)
		return w;
	w = MEM_NEW(struct watch);
	if (w == NULL)
		return NULL;
	w->fd = fd;
	w->host = h;
	w->sched_fd = sched_fd_open(h->r->conf.sched, fd, fd_ready, w, NULL);
	if (w->sched_fd == NULL ||
	    hash_put(&h->watches, &w->fd, sizeof(w->fd), w) < 0) {
		sched_fd_close(w->sched_fd);
		mem_free(w);
		return NULL;
	}
	return w;
}

static int
ctx_watch(struct tocsin_ctx *ctx, int fd, unsigned events)
{
	struct host *h = host_of(ctx);
	struct watch *w = watch_of(h, fd);

	if (w == NULL)
		return -ENOMEM;
	return sched_fd_set(w->sched_fd, events);
}

static void
ctx_timer(struct tocsin_ctx *ctx, int64_t due_ns)
{
	struct host *h = host_of(ctx);

	if (due_ns == 0)
		sched_cancel(h->r->conf.sched, &h->timer);
	else
		sched_at(h->r->conf.sched, &h->timer, (struct mono){ due_ns });
}

/* ---- starting ---- */

void
host_init(struct host *h, struct runner *r, struct plugin *p)
{
	h->r = r;
	h->clock = r->conf.clock;
	h->plugin = p;
	list_init(&h->backlog);
	sched_timer_init(&h->timer, timer_due, h);
	h->ctx = (struct tocsin_ctx){
		.size = sizeof(h->ctx),
		.host = h,
		.mono_ns = ctx_mono_ns,
		.wall_ms = ctx_wall_ms,
		.log = ctx_log,
		.report = pool_report,
	};
	if (p->probe->start != NULL) {
		h->ctx.report = ctx_report;
		h->ctx.watch = ctx_watch;
		h->ctx.timer = ctx_timer;
		h->ctx.part = ctx_part;
	}
}

void
host_fini(struct host *h)
{
	struct watch *w;
	size_t at = 0;

	if (h->opened && h->plugin->probe->close != NULL)
		h->plugin->probe->close(h->instance);
	if (h->plugin->probe->start != NULL)
		sched_cancel(h->r->conf.sched, &h->timer);
	while ((w = hash_next(&h->watches, &at)) != NULL) {
		sched_fd_close(w->sched_fd);
		mem_free(w);
	}
	hash_free(&h->watches);
	plugin_free(h->plugin);
	mem_free(h);
}

void
host_add(struct host *h, const struct tocsin_target *target,
	const struct sched_addr *addr)
{
	struct tocsin_target *t = &h->targets[h->n_targets];

	*t = *target;
	t->addr = NULL;
	t->addr_len = 0;
	if (addr->len > 0) {
		h->addrs[h->n_targets] = *addr;
		t->addr = &h->addrs[h->n_targets].sa.any;
		t->addr_len = addr->len;
	}
	if (++h->n_targets == BATCH_TARGETS)
		host_flush(h);
}

/* At first use: a probe that nobody asks for opens no sockets. */
static bool
open_instance(struct host *h, char *error)
{
	int rc = 0;

	if (h->opened)
		return true;
	error[0] = '\0';
	if (h->plugin->probe->open != NULL)
		rc = h->plugin->probe->open(&h->ctx, &h->instance, error);
	h->opened = rc == 0;
	return h->opened;
}

void
host_flush(struct host *h)
{
	uint32_t n = h->n_targets;
	char error[256] = "";
	bool started = false;
	int64_t since;

	if (n == 0)
		return;
	since = enter(h);
	if (open_instance(h, error))
		started = h->plugin->probe->start(h->instance, h->targets, n,
			sizeof(h->targets[0])) == 0;
	leave(h, since);
	h->n_targets = 0;
	for (uint32_t i = 0; i < n && !started; i++) {
		struct slot *s = slot_of(h->r, h->targets[i].slot);

		if (s != NULL && s->host == h)
			slot_answer_own(h->r, s, TOCSIN_WHY_PROBE_ERROR,
				error[0] != '\0' ? error : "could not start");
	}
}

void
host_cancel(struct host *h, uint32_t slot)
{
	int64_t since;

	if (h->plugin->probe->cancel == NULL || !h->opened)
		return;
	since = enter(h);
	h->plugin->probe->cancel(h->instance, slot);
	leave(h, since);
}
