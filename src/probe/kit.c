#include "probe/kit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "model/reason.h"
#include "probe/plugin.h"

#define WARM_RUNS 5
#define RUNS 20
#define TIMEOUT_NS INT64_C(1000000000)
#define GRACE_NS INT64_C(500000000)
#define QUIET_NS INT64_C(200000000)	/* after a cancel */
#define CALL_MAX_NS INT64_C(1000000)
#define CPU_MAX_NS INT64_C(1000000)
#define FIRST_SLOT UINT32_C(1000)
#define FDS_MAX 256
#define LEAK_BYTES 4096

struct kit {
	const struct kit_conf *conf;
	struct plugin *plugin;
	struct tocsin_ctx ctx;
	struct clock *clock;
	void *instance;
	pthread_t thread;
	struct tocsin_value values[PLUGIN_OPTS_MAX];
	/* the run under way */
	uint32_t slot;
	unsigned reports;
	bool cancelled;
	/* what it watches */
	struct pollfd fds[FDS_MAX];
	nfds_t n_fds;
	int64_t due_ns;
	/* found; the first word counts */
	char reporting[160];
	char metrics[160];
	char outcome[160];
	char after_cancel[160];
	char slow[160];
	char late[160];
	char silent[160];
	int defects;
};

static void
note(char where[160], const char *fmt, ...) TC_PRINTF(2, 3);

static void
note(char where[160], const char *fmt, ...)
{
	va_list ap;

	if (where[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(where, 160, fmt, ap);
	va_end(ap);
}

static void
tell(struct kit *k, const char *title, const char *what)
{
	bool bad = what != NULL && what[0] != '\0';

	k->defects += bad;
	k->conf->tell(k->conf->arg, title, bad ? what : NULL);
}

static int64_t
now(const struct kit *k)
{
	return k->clock->mono(k->clock).ns;
}

/* ---- the context ---- */

static int64_t
kit_mono_ns(struct tocsin_ctx *ctx)
{
	return now(ctx->host);
}

static int64_t
kit_wall_ms(struct tocsin_ctx *ctx)
{
	struct kit *k = ctx->host;

	return k->clock->wall(k->clock).ms;
}

static void
kit_log(struct tocsin_ctx *ctx, enum tocsin_log level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static void
look_at_samples(struct kit *k, const struct tocsin_report *rep)
{
	const char *at = (const char *)rep->samples;

	if (rep->n_samples > 0 && (at == NULL ||
	    rep->stride < sizeof(struct tocsin_sample))) {
		note(k->metrics, "samples without memory or with a stride of %u",
			rep->stride);
		return;
	}
	if (rep->n_samples > 4096)
		note(k->metrics, "%u samples, 4096 at most", rep->n_samples);
	for (uint32_t i = 0; i < rep->n_samples; i++, at += rep->stride) {
		const struct tocsin_sample *s = (const void *)at;

		if (s->size < sizeof(*s) || s->type > TOCSIN_I64 ||
		    s->name == NULL)
			note(k->metrics, "sample %u has no size, type or name", i);
		else if (plugin_metric(k->plugin, s->name) == NULL)
			note(k->metrics, "'%.60s' is not declared", s->name);
		else if (s->type == TOCSIN_F64 && !isfinite(s->v.f64))
			note(k->metrics, "'%.60s' is not finite", s->name);
	}
}

static void
look_at_report(struct kit *k, uint32_t slot, const struct tocsin_report *rep)
{
	if (slot != k->slot) {
		note(k->reporting, "a report for slot %u, which is not under way",
			slot);
		return;
	}
	if (k->cancelled) {
		note(k->after_cancel, "slot %u was cancelled, and reported "
			"afterwards", slot);
		return;
	}
	if (rep->size < sizeof(*rep) || !reason_is_known(rep->reason) ||
	    rep->reason > 95) {
		note(k->outcome, "reason %u is none that a probe may give",
			rep->reason);
		return;
	}
	if (reason_outcome((enum tocsin_reason)rep->reason) !=
	    (enum tocsin_outcome)rep->outcome)
		note(k->outcome, "outcome '%.20s' with reason '%.40s'",
			outcome_id((enum tocsin_outcome)rep->outcome),
			reason_id((enum tocsin_reason)rep->reason));
	if (rep->text != NULL && strlen(rep->text) > 255)
		note(k->outcome, "a text of %zu bytes", strlen(rep->text));
	if (rep->device != NULL && (rep->device->size < sizeof(*rep->device) ||
	    rep->device->kind == NULL || rep->device->kind[0] == '\0'))
		note(k->outcome, "a device without a kind");
	look_at_samples(k, rep);
}

static void
kit_report(struct tocsin_ctx *ctx, uint32_t slot,
	const struct tocsin_report *rep)
{
	struct kit *k = ctx->host;

	if (!pthread_equal(pthread_self(), k->thread)) {
		note(k->reporting, "a report from a thread of its own");
		return;
	}
	look_at_report(k, slot, rep);
	if (slot == k->slot && ++k->reports > 1 &&
	    k->plugin->probe->start != NULL && !k->cancelled)
		note(k->reporting, "slot %u was reported twice", slot);
}

static void
kit_part(struct tocsin_ctx *ctx, uint32_t slot, const struct tocsin_report *rep)
{
	struct kit *k = ctx->host;

	look_at_report(k, slot, rep);
	if (k->reports > 0)
		note(k->reporting, "a part after the report of slot %u", slot);
}

static int
kit_watch(struct tocsin_ctx *ctx, int fd, unsigned events)
{
	struct kit *k = ctx->host;
	nfds_t i = 0;

	while (i < k->n_fds && k->fds[i].fd != fd)
		i++;
	if (i == FDS_MAX)
		return -ENOMEM;
	if (i == k->n_fds)
		k->n_fds++;
	k->fds[i] = (struct pollfd){ .fd = fd };
	if ((events & TOCSIN_READ) != 0)
		k->fds[i].events |= POLLIN;
	if ((events & TOCSIN_WRITE) != 0)
		k->fds[i].events |= POLLOUT;
	if (events == 0)
		k->fds[i] = k->fds[--k->n_fds];
	return 0;
}

static void
kit_timer(struct tocsin_ctx *ctx, int64_t due_ns)
{
	((struct kit *)ctx->host)->due_ns = due_ns;
}

/* ---- calls, measured ---- */

struct call {
	int64_t since_ns;
	struct rusage before;
};

static int64_t
cpu_ns(const struct rusage *ru)
{
	return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000000 +
		(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) * 1000;
}

static void
enter(const struct kit *k, struct call *c)
{
	getrusage(RUSAGE_THREAD, &c->before);
	c->since_ns = now(k);
}

/* Slow by its own doing: it slept, or it worked; not for want of a processor. */
static void
leave(struct kit *k, const struct call *c, const char *what)
{
	int64_t took_ns = now(k) - c->since_ns;
	struct rusage ru;

	getrusage(RUSAGE_THREAD, &ru);
	if (took_ns > CALL_MAX_NS &&
	    (ru.ru_nvcsw > c->before.ru_nvcsw ||
	     cpu_ns(&ru) - cpu_ns(&c->before) > CPU_MAX_NS * 4))
		note(k->slow, "%s took %.1f ms, 1 ms at most", what,
			(double)took_ns / 1e6);
}

/* Until the run is reported, or `until`. */
static void
turn(struct kit *k, int64_t until_ns)
{
	const struct tocsin_probe *p = k->plugin->probe;
	int64_t wait_ns = until_ns - now(k);
	struct pollfd fds[FDS_MAX];
	nfds_t n = k->n_fds;
	struct call c;

	if (k->due_ns != 0 && k->due_ns - now(k) < wait_ns)
		wait_ns = k->due_ns - now(k);
	memcpy(fds, k->fds, n * sizeof(fds[0]));
	poll(fds, n, wait_ns > 0 ? (int)(wait_ns / 1000000) + 1 : 0);
	for (nfds_t i = 0; i < n; i++) {
		unsigned events = 0;

		events |= (fds[i].revents & POLLIN) != 0 ? TOCSIN_READ : 0u;
		events |= (fds[i].revents & POLLOUT) != 0 ? TOCSIN_WRITE : 0u;
		events |= (fds[i].revents & (POLLERR | POLLHUP)) != 0 ?
			TOCSIN_ERROR : 0u;
		if (events == 0 || p->on_fd == NULL)
			continue;
		enter(k, &c);
		p->on_fd(k->instance, fds[i].fd, events);
		leave(k, &c, "on_fd()");
	}
	if (k->due_ns != 0 && k->due_ns <= now(k) && p->on_timer != NULL) {
		k->due_ns = 0;
		enter(k, &c);
		p->on_timer(k->instance, now(k));
		leave(k, &c, "on_timer()");
	}
}

/* ---- runs ---- */

struct target {
	struct tocsin_target t;
	struct sockaddr_in in;
};

static void
make_target(struct kit *k, struct target *out)
{
	*out = (struct target){ .in = { .sin_family = AF_INET } };
	out->t = (struct tocsin_target){ .size = sizeof(out->t),
		.slot = ++k->slot, .host = "kit", .address = k->conf->address,
		.opts = k->values, .n_opts = (uint32_t)k->plugin->n_opts,
		.timeout_ns = TIMEOUT_NS };
	if (inet_pton(AF_INET, k->conf->address, &out->in.sin_addr) == 1) {
		out->t.addr = (void *)&out->in;
		out->t.addr_len = sizeof(out->in);
	}
	k->reports = 0;
	k->cancelled = false;
}

static void
run_once(struct kit *k)
{
	const struct tocsin_probe *p = k->plugin->probe;
	int64_t until_ns = now(k) + TIMEOUT_NS + GRACE_NS;
	struct target target;
	struct call c;
	int rc;

	make_target(k, &target);
	if (p->run != NULL) {
		rc = p->run(k->instance, &target.t, &k->ctx);
		if (now(k) > until_ns)
			note(k->late, "run() does not keep to its timeout");
		if (rc == 0 && k->reports == 0)
			note(k->silent, "run() returned 0 and reported nothing");
		return;
	}
	enter(k, &c);
	rc = p->start(k->instance, &target.t, 1, sizeof(target.t));
	leave(k, &c, "start()");
	/* What it was given is gone: who has kept it will find this. */
	memset(&target, 0xa5, sizeof(target));
	while (rc == 0 && k->reports == 0 && now(k) < until_ns)
		turn(k, until_ns);
	if (rc == 0 && k->reports == 0)
		note(k->silent, "no report within timeout and half a second");
}

static void
cancel_once(struct kit *k)
{
	const struct tocsin_probe *p = k->plugin->probe;
	int64_t until_ns;
	struct target target;
	struct call c;

	make_target(k, &target);
	target.t.timeout_ns = QUIET_NS / 2;
	if (p->start(k->instance, &target.t, 1, sizeof(target.t)) != 0 ||
	    k->reports > 0)
		return;
	enter(k, &c);
	p->cancel(k->instance, k->slot);
	leave(k, &c, "cancel()");
	k->cancelled = true;
	until_ns = now(k) + QUIET_NS;
	while (now(k) < until_ns)
		turn(k, until_ns);
}

/* ---- what it leaves behind ---- */

static int
entries_of(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n;
}

struct use {
	int fds;
	int threads;
	size_t bytes;
};

static struct use
use_now(void)
{
	return (struct use){ entries_of("/proc/self/fd"),
		entries_of("/proc/self/task"), mallinfo2().uordblks };
}

static void
compare_use(struct kit *k, const struct use *a, const struct use *b,
	const struct use *c)
{
	char text[160] = "";

	if (c->fds - b->fds >= RUNS / 2)
		note(text, "%d more after %d runs", c->fds - b->fds, RUNS);
	tell(k, "descriptors", text);
	text[0] = '\0';
	if (c->threads - b->threads >= RUNS / 2)
		note(text, "%d more after %d runs", c->threads - b->threads,
			RUNS);
	tell(k, "threads", text);
	text[0] = '\0';
	if (b->bytes > a->bytes && c->bytes > b->bytes &&
	    c->bytes - b->bytes > LEAK_BYTES)
		note(text, "%zu bytes more after %d runs",
			c->bytes - b->bytes, RUNS);
	tell(k, "memory", text);
}

static void
compare_closed(struct kit *k, const struct use *before)
{
	struct use after = use_now();
	char text[160] = "";

	if (after.fds > before->fds)
		note(text, "%d descriptors are left", after.fds - before->fds);
	if (after.threads > before->threads)
		note(text, "%d threads are left",
			after.threads - before->threads);
	tell(k, "close", text);
}

static const int guarded[] = { SIGPIPE, SIGCHLD, SIGALRM, SIGTERM, SIGINT,
	SIGHUP, SIGSEGV };

struct world {
	void (*handlers[ARRAY_LEN(guarded)])(int);
	char cwd[512];
};

static void
see_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	for (size_t i = 0; i < ARRAY_LEN(guarded); i++) {
		struct sigaction sa;

		if (sigaction(guarded[i], NULL, &sa) == 0)
			w->handlers[i] = sa.sa_handler;
	}
	if (getcwd(w->cwd, sizeof(w->cwd)) == NULL)
		w->cwd[0] = '\0';
}

static void
compare_world(struct kit *k, const struct world *before)
{
	struct world after;
	char text[160] = "";

	see_world(&after);
	for (size_t i = 0; i < ARRAY_LEN(guarded); i++)
		if (after.handlers[i] != before->handlers[i])
			note(text, "it changed what happens at signal %d",
				guarded[i]);
	if (strcmp(after.cwd, before->cwd) != 0)
		note(text, "it changed the working directory");
	tell(k, "the process", text);
}

/* ---- the whole ---- */

/* Required ones that nobody set get the least that they allow. */
static int
set_options(struct kit *k, struct tc_err *e)
{
	const struct tocsin_opt *rows = k->plugin->probe->opts;

	for (size_t i = 0; i < k->plugin->n_opts; i++) {
		const char *text = rows[i].dflt;
		size_t n = strlen(rows[i].name);
		int rc;

		for (size_t j = 0; j < k->conf->n_set; j++)
			if (strncmp(k->conf->set[j], rows[i].name, n) == 0 &&
			    k->conf->set[j][n] == '=')
				text = k->conf->set[j] + n + 1;
		if (text == NULL && rows[i].type == TOCSIN_OPT_STRING)
			text = "x";
		if (text == NULL)
			text = rows[i].min != NULL ? rows[i].min : "1";
		if ((rc = plugin_opt_parse(&rows[i], text, &k->values[i], e)) < 0)
			return tc_wrap(e, "option '%s'; set it with %s=…",
				rows[i].name, rows[i].name);
	}
	return 0;
}

static int
name_of(const char *path, char *out, size_t size, struct tc_err *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t n = strlen(name);

	if (n <= 3 || n - 3 >= size || strcmp(name + n - 3, ".so") != 0)
		return tc_fail(e, TC_EINVAL, "'%.200s' is not NAME.so", path);
	memcpy(out, name, n - 3);
	out[n - 3] = '\0';
	return 0;
}

static bool
open_it(struct kit *k)
{
	const struct tocsin_probe *p = k->plugin->probe;
	char error[256] = "", text[160] = "";

	if (p->open != NULL && p->open(&k->ctx, &k->instance, error) != 0) {
		error[255] = '\0';
		note(text, "%.150s", error[0] != '\0' ? error :
			"failed without a word");
	}
	if (k->reports > 0)
		note(text, "reported from open()");
	tell(k, "open", text);
	return text[0] == '\0';
}

static void
run_all(struct kit *k)
{
	struct use a, b, c;

	for (int i = 0; i < WARM_RUNS && k->silent[0] == '\0'; i++)
		run_once(k);
	a = use_now();
	for (int i = 0; i < RUNS && k->silent[0] == '\0'; i++)
		run_once(k);
	b = use_now();
	for (int i = 0; i < RUNS && k->silent[0] == '\0'; i++)
		run_once(k);
	c = use_now();
	if (k->plugin->probe->start != NULL)
		cancel_once(k);
	tell(k, "reports", k->silent[0] != '\0' ? k->silent : k->reporting);
	tell(k, "outcomes", k->outcome);
	tell(k, "metrics", k->metrics);
	tell(k, "deadlines", k->late);
	if (k->plugin->probe->start != NULL) {
		tell(k, "calls on the loop", k->slow);
		tell(k, "cancel", k->after_cancel);
	}
	compare_use(k, &a, &b, &c);
}

static void
test_loaded(struct kit *k)
{
	struct world world;
	struct use before;

	see_world(&world);
	before = use_now();
	if (!open_it(k))
		return;
	run_all(k);
	if (k->plugin->probe->close != NULL)
		k->plugin->probe->close(k->instance);
	compare_closed(k, &before);
	compare_world(k, &world);
}

int
kit_test(const struct kit_conf *conf, struct tc_err *e)
{
	struct kit *k = MEM_NEW(struct kit);
	struct tc_err why = { 0 };
	char name[64];
	int rc;

	if (k == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	k->conf = conf;
	k->clock = clock_system();
	k->thread = pthread_self();
	k->slot = FIRST_SLOT;
	k->ctx = (struct tocsin_ctx){ .size = sizeof(k->ctx), .host = k,
		.mono_ns = kit_mono_ns, .wall_ms = kit_wall_ms,
		.report = kit_report, .log = kit_log, .watch = kit_watch,
		.timer = kit_timer, .part = kit_part };
	if ((rc = name_of(conf->path, name, sizeof(name), e)) < 0)
		goto out;
	if (plugin_load(conf->path, name, &k->plugin, &why) < 0) {
		tell(k, "descriptor", why.text);
		goto out;
	}
	tell(k, "descriptor", k->plugin->open ?
		"metric '*' is for plugins that come with tocsin" : NULL);
	if ((rc = set_options(k, e)) == 0)
		test_loaded(k);
out:
	rc = rc < 0 ? rc : k->defects;
	plugin_free(k->plugin);
	mem_free(k);
	return rc;
}
