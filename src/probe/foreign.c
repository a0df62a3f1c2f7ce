/*
 * The runner's side of a tocsin-worker.  It is started when it is first
 * needed; one that crashes or is stuck is replaced, at once the first time,
 * then less and less eagerly; what it had in its hands is answered
 * probe_crashed.
 */
#include "probe/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/slab.h"
#include "probe/frames.h"
#include "probe/parts.h"
#include "sched/spawn.h"
#include "wire/batch.h"

#define DESCRIBE_MS 10000
#define RUNS_MAX (UINT32_C(1) << 16)
#define BACKLOG_BYTES ((size_t)4 << 20)
#define READ_BYTES 65536
#define AGAIN_FIRST_NS INT64_C(100000000)
#define AGAIN_MOST_NS INT64_C(60000000000)
#define GOOD_AFTER_NS INT64_C(60000000000)

struct run {
	struct slab_node node;
	uint32_t slot;
};

struct foreign {
	struct tocsin_ctx *ctx;
	const struct plugin *plugin;
	struct runner *runner;
	struct sched_child *child;	/* NULL = none */
	int fd;
	struct strbuf in;
	struct strbuf out;
	size_t sent;		/* of out */
	struct slab runs;	/* in the worker's hands, or in out */
	int64_t started_ns;
	int64_t pause_ns;	/* before the next start */
	int64_t again_ns;	/* not before */
};

/* ---- runs ---- */

static struct run *
run_of(struct foreign *f, uint32_t slot)
{
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&f->runs, &at)) != NULL)
		if (r->slot == slot)
			return r;
	return NULL;
}

static void
say(struct foreign *f, uint32_t slot, enum tocsin_reason why, const char *text)
{
	struct tocsin_report rep = { .size = sizeof(rep),
		.outcome = TOCSIN_UNKNOWN, .reason = (uint16_t)why,
		.text = text };

	f->ctx->report(f->ctx, slot, &rep);
}

static void
answer_all(struct foreign *f, enum tocsin_reason why, const char *text)
{
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&f->runs, &at)) != NULL) {
		uint32_t slot = r->slot;

		slab_give(&f->runs, r);
		say(f, slot, why, text);
	}
}

/* ---- the process ---- */

static void
let_go(struct foreign *f)
{
	if (f->fd >= 0) {
		(void)f->ctx->watch(f->ctx, f->fd, 0);
		close(f->fd);
	}
	f->fd = -1;
	f->child = NULL;
	strbuf_reset(&f->in);
	strbuf_reset(&f->out);
	f->sent = 0;
}

/* Pauses grow while it keeps dying young. */
static void
plan_again(struct foreign *f)
{
	int64_t now_ns = f->ctx->mono_ns(f->ctx);

	if (now_ns - f->started_ns > GOOD_AFTER_NS)
		f->pause_ns = 0;
	f->again_ns = now_ns + f->pause_ns;
	f->pause_ns = f->pause_ns == 0 ? AGAIN_FIRST_NS : f->pause_ns * 2;
	if (f->pause_ns > AGAIN_MOST_NS)
		f->pause_ns = AGAIN_MOST_NS;
}

static void
lose(struct foreign *f, const char *text)
{
	log_at(WARN, "probe", "%s: its worker is replaced: %s",
		f->plugin->name, text);
	if (f->child != NULL)
		sched_child_cancel(f->child);
	let_go(f);
	plan_again(f);
	answer_all(f, TOCSIN_WHY_PROBE_CRASHED, text);
}

static void
on_end(void *arg, const struct sched_child_result *res)
{
	struct foreign *f = arg;
	char text[128];

	f->child = NULL;
	if (res->end == CHILD_SIGNALLED)
		snprintf(text, sizeof(text), "ended by signal %d: %s", res->code,
			sigdescr_np(res->code));
	else if (res->end == CHILD_NOT_EXECUTED)
		snprintf(text, sizeof(text), "the worker does not start: %s",
			strerrordesc_np(res->code));
	else
		snprintf(text, sizeof(text), "ended with status %d", res->code);
	lose(f, text);
}

static int
start_worker(struct foreign *f, struct tc_err *e)
{
	struct sched_children *children = runner_children(f->runner, e);
	const char *argv[] = { f->runner->worker, f->plugin->path,
		f->plugin->name, NULL };
	struct sched_child_conf conf = { .argv = argv, .done = on_end,
		.arg = f };
	int ends[2], rc;

	if (children == NULL)
		return TC_ENOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return tc_fail_errno(e, errno, "a worker's socket");
	conf.input_fd = ends[1];
	f->started_ns = f->ctx->mono_ns(f->ctx);
	rc = sched_child_start(children, &conf, &f->child, e);
	if (rc < 0) {
		close(ends[0]);
		f->child = NULL;
		return rc;
	}
	f->fd = ends[0];
	fcntl(f->fd, F_SETFL, O_NONBLOCK);
	(void)f->ctx->watch(f->ctx, f->fd, TOCSIN_READ);
	return 0;
}

/* ---- talk ---- */

static void
flush(struct foreign *f)
{
	while (f->fd >= 0 && f->sent < f->out.n) {
		ssize_t n = send(f->fd, f->out.p + f->sent,
			f->out.n - f->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;	/* if it is gone, its end will tell */
		f->sent += (size_t)n;
	}
	if (f->sent == f->out.n) {
		strbuf_reset(&f->out);
		f->sent = 0;
	}
	if (f->fd >= 0)
		(void)f->ctx->watch(f->ctx, f->fd, f->out.n > 0 ?
			TOCSIN_READ | TOCSIN_WRITE : TOCSIN_READ);
}

static void
put_run(struct foreign *f, const struct tocsin_target *t)
{
	size_t begun = frame_begin(&f->out, FRAME_RUN);

	frame_put_u32(&f->out, t->slot);
	frame_put_i64(&f->out, t->timeout_ns);
	frame_put_text(&f->out, t->host);
	frame_put_text(&f->out, t->address);
	frame_put_u32(&f->out, t->n_opts);
	for (uint32_t i = 0; i < t->n_opts; i++) {
		frame_put_i64(&f->out, t->opts[i].i);
		frame_put_f64(&f->out, t->opts[i].d);
		frame_put_text(&f->out, t->opts[i].s);
	}
	frame_end(&f->out, begun);
}

static int
give_samples(const struct observation *ob, struct arena *mem,
	struct tocsin_report *rep)
{
	struct tocsin_sample *s = arena_alloc(mem,
		(ob->n_metrics + 1) * sizeof(*s));

	if (s == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < ob->n_metrics; i++) {
		s[i] = (struct tocsin_sample){ .size = sizeof(*s),
			.type = (uint32_t)ob->metrics[i].type,
			.name = ob->metrics[i].name,
			.instance = ob->metrics[i].instance };
		s[i].v.u64 = ob->metrics[i].v.u64;
	}
	rep->samples = s;
	rep->n_samples = (uint32_t)ob->n_metrics;
	rep->stride = sizeof(*s);
	return 0;
}

static void
give(struct foreign *f, uint32_t slot, bool last, struct batch *b)
{
	const struct observation *ob = &b->items[0];
	struct tocsin_device who = { .size = sizeof(who),
		.kind = ob->device.kind, .model = ob->device.model,
		.serial = ob->device.serial, .wwn = ob->device.wwn };
	struct tocsin_report rep = { .size = sizeof(rep),
		.outcome = (uint16_t)ob->outcome,
		.reason = (uint16_t)ob->reason, .text = ob->text,
		.device = ob->device.kind[0] != '\0' ? &who : NULL };

	if (give_samples(ob, &b->arena, &rep) < 0)
		rep.n_samples = 0;
	if (last)
		f->ctx->report(f->ctx, slot, &rep);
	else
		f->ctx->part(f->ctx, slot, &rep);
}

/* False: what it says makes no sense. */
static bool
take_frame(struct foreign *f, struct frame *frame)
{
	uint32_t slot = frame_u32(frame), last = frame_u32(frame);
	const char *text = frame_text(frame);
	struct run *r = run_of(f, slot);
	struct batch b = { .n = 0 };
	bool stuck;

	if (frame->kind != FRAME_RESULT || text == NULL ||
	    batch_parse(text, strlen(text), &b, NULL) < 0)
		return false;
	if (b.n != 1) {
		arena_free(&b.arena);
		return false;
	}
	stuck = b.items[0].reason == TOCSIN_WHY_PROBE_TIMEOUT;
	/* One that was cancelled meanwhile is nobody's. */
	if (r != NULL && last != 0)
		slab_give(&f->runs, r);
	if (r != NULL)
		give(f, slot, last != 0, &b);
	arena_free(&b.arena);
	if (stuck)
		lose(f, "a call did not come back");
	return true;
}

static void
take_frames(struct foreign *f)
{
	size_t at = 0;
	struct frame frame;
	long n = 0;

	while (f->fd >= 0 &&
	       (n = frame_next(f->in.p + at, f->in.n - at, &frame)) > 0) {
		at += (size_t)n;
		if (!take_frame(f, &frame))
			n = TC_EPROTO;
		if (n < 0)
			break;
	}
	if (n < 0) {
		lose(f, "its worker talks nonsense");
		return;
	}
	if (f->fd < 0 || at == 0)
		return;
	memmove(f->in.p, f->in.p + at, f->in.n - at);
	f->in.n -= at;
}

static void
foreign_on_fd(void *instance, int fd, unsigned events)
{
	struct foreign *f = instance;
	char *to;
	ssize_t n;

	if (fd != f->fd)
		return;
	if ((events & TOCSIN_WRITE) != 0)
		flush(f);
	to = strbuf_reserve(&f->in, READ_BYTES);
	n = to != NULL ? read(f->fd, to, READ_BYTES) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* Its end comes with the reason; until then it is deaf. */
		(void)f->ctx->watch(f->ctx, f->fd, 0);
		return;
	}
	f->in.n += (size_t)n;
	take_frames(f);
}

/* ---- the probe ---- */

static void
start_one(struct foreign *f, const struct tocsin_target *t)
{
	struct run *r;

	if (f->out.n > BACKLOG_BYTES ||
	    (r = slab_take(&f->runs)) == NULL) {
		say(f, t->slot, TOCSIN_WHY_LOCAL_RESOURCE,
			"its worker does not keep up");
		return;
	}
	r->slot = t->slot;
	put_run(f, t);
}

static int
foreign_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride)
{
	struct foreign *f = instance;
	const char *at = (const char *)targets;
	struct tc_err e = { .text = "its worker crashed and is not back yet" };
	bool ready = f->child != NULL;

	if (!ready && f->ctx->mono_ns(f->ctx) >= f->again_ns)
		ready = start_worker(f, &e) == 0;
	for (uint32_t i = 0; i < n; i++, at += stride) {
		const struct tocsin_target *t = (const void *)at;

		if (ready)
			start_one(f, t);
		else
			say(f, t->slot, TOCSIN_WHY_PROBE_CRASHED, e.text);
	}
	flush(f);
	return 0;
}

/* Cancelled for being late: its worker is stuck, whatever else it does. */
static void
foreign_cancel(void *instance, uint32_t slot)
{
	struct foreign *f = instance;
	struct run *r = run_of(f, slot);

	if (r == NULL)
		return;
	slab_give(&f->runs, r);
	if (f->child != NULL)
		lose(f, "it did not answer in time");
}

static int
foreign_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct host *h = ctx->host;
	struct foreign *f = MEM_NEW(struct foreign);

	if (f == NULL) {
		snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	f->ctx = ctx;
	f->plugin = h->plugin;
	f->runner = h->r;
	f->fd = -1;
	slab_init(&f->runs, sizeof(struct run), RUNS_MAX);
	*instance = f;
	return 0;
}

static void
foreign_close(void *instance)
{
	struct foreign *f = instance;

	if (f->child != NULL)
		sched_child_cancel(f->child);
	let_go(f);
	strbuf_free(&f->in);
	strbuf_free(&f->out);
	slab_free(&f->runs);
	mem_free(f);
}

/* ---- what it is ---- */

static int
read_all(int fd, struct strbuf *out, struct tc_err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = 1;

	while (n > 0) {
		char *to = strbuf_reserve(out, READ_BYTES);

		if (to == NULL || out->n > FRAME_MAX_BYTES)
			return tc_fail(e, TC_ENOMEM, "says too much");
		if (poll(&p, 1, DESCRIBE_MS) <= 0)
			return tc_fail(e, TC_ETIMEOUT, "does not load in time");
		n = read(fd, to, READ_BYTES);
		if (n > 0)
			out->n += (size_t)n;
	}
	return 0;
}

/* Runs `tocsin-worker --describe PATH NAME`; its words into out. */
static int
ask(const char *worker, const struct plugin *p, struct strbuf *out,
	struct tc_err *e)
{
	const char *argv[] = { worker, "--describe", p->path, p->name, NULL };
	const char *envp[] = { "LC_ALL=C", NULL };
	struct spawn sp = { .argv = argv, .envp = envp, .dir = "/",
		.stack = spawn_stack_new() };
	int ends[2] = { -1, -1 }, null_fd, rc;

	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (sp.stack == NULL || null_fd < 0 || pipe2(ends, O_CLOEXEC) < 0) {
		rc = tc_fail_errno(e, errno, "a worker");
		goto out;
	}
	sp.fds[0] = sp.fds[2] = null_fd;
	sp.fds[1] = ends[1];
	if ((rc = spawn_start(&sp)) < 0) {
		rc = tc_fail_errno(e, -rc, "a worker");
		goto out;
	}
	close(ends[1]);
	ends[1] = -1;
	rc = sp.failed != 0 ? tc_fail_errno(e, sp.failed, "%s", worker) :
		read_all(ends[0], out, e);
	kill(-sp.pid, SIGKILL);
	waitpid(sp.pid, NULL, 0);
	close(sp.pidfd);
out:
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	if (null_fd >= 0)
		close(null_fd);
	spawn_stack_free(sp.stack);
	return rc;
}

static int
describe(struct plugin *p, const char *worker, struct tc_err *e)
{
	struct tocsin_probe *probe = arena_alloc(&p->mem, sizeof(*probe));
	struct strbuf text = { 0 };
	struct frame frame;
	int rc;

	if (probe == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if ((rc = ask(worker, p, &text, e)) < 0)
		goto out;
	if (frame_next(strbuf_str(&text), text.n, &frame) <= 0)
		rc = tc_fail(e, TC_EPROTO, "%.200s", text.n > 0 ?
			strbuf_str(&text) : "crashes when it is loaded");
	else
		rc = frame_plugin(&frame, &p->mem, probe, e);
	if (rc < 0)
		goto out;
	probe->open = foreign_open;
	probe->close = foreign_close;
	probe->start = foreign_start;
	probe->on_fd = foreign_on_fd;
	probe->cancel = foreign_cancel;
	if ((rc = plugin_check(probe, p->name, p, e)) == 0 && p->open)
		rc = tc_fail(e, TC_EPERM,
			"metric '*' is for plugins that come with tocsin");
out:
	strbuf_free(&text);
	return rc;
}

int
foreign_load(const char *worker, const char *path, const char *name,
	struct plugin **out, struct tc_err *e) /* lint: a name, where, and by whom */
{
	struct plugin *p = MEM_NEW(struct plugin);
	int rc;

	if (p == NULL || (p->name = mem_strdup(name)) == NULL ||
	    (p->path = mem_strdup(path)) == NULL) {
		plugin_free(p);
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	if ((rc = describe(p, worker, e)) < 0) {
		tc_wrap(e, "%s", path);
		plugin_free(p);
		return rc;
	}
	*out = p;
	return 0;
}
