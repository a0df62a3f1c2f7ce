/*
 * exec: Nagios plugins, unchanged.  A probe of the loop form that lives in
 * the runner, since children belong to the loop.  One plugin is spawned a
 * turn: a spawn stands still for as long as exec takes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/slab.h"
#include "model/reason.h"
#include "probe/builtin.h"
#include "probe/parts.h"
#include "sched/child.h"
#include "sched/orphan.h"
#include "wire/perfdata.h"
#include "wire/words.h"

#define AT_ONCE_MAX 64
#define RUNS_MAX (UINT32_C(1) << 16)
#define RUN_BYTES_MAX ((size_t)4 << 20)
#define TEXT_BYTES 256
#define EXIT_UNKNOWN 3

enum { OPT_COMMAND, OPT_NAME, OPT_ENV, OPT_MEMORY, OPT_PROCESSES };

static const struct tocsin_opt opts[] = {
	[OPT_COMMAND] = { "command", TOCSIN_OPT_STRING, .min = "1",
		.max = "4096", .help = "The plugin and its arguments, quoted as "
		"in a shell; %h is the address, %n the name of the host." },
	[OPT_NAME] = { "name", TOCSIN_OPT_STRING, .dflt = "", .max = "48",
		.help = "Metrics begin with it; the plugin's name without "
		"check_ when empty." },
	[OPT_ENV] = { "env", TOCSIN_OPT_STRING, .dflt = "", .max = "4096",
		.help = "Environment: NAME=value, quoted as in a shell." },
	[OPT_MEMORY] = { "memory", TOCSIN_OPT_SIZE, .dflt = "1GiB",
		.min = "16MiB", .help = "Address space it may use." },
	[OPT_PROCESSES] = { "processes", TOCSIN_OPT_INT, .dflt = "1024",
		.min = "1", .max = "1000000",
		.help = "Processes its user may have in all; not for root." },
	{ .name = NULL },
};

/* Those of performance data are its own: <plugin>_<label>_<unit>. */
static const struct tocsin_metric metrics[] = {
	{ "exec_duration_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"how long the plugin ran" },
	{ "exec_cpu_seconds", TOCSIN_GAUGE, TOCSIN_SECONDS,
		"processor time of the plugin" },
	{ .name = NULL },
};

static const char *const plugin_dirs[] = { "/usr/lib/nagios/plugins",
	"/usr/lib64/nagios/plugins", "/usr/lib/monitoring-plugins",
	"/usr/local/lib/nagios/plugins", "/usr/local/libexec" };

static const char *const plain_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LC_ALL=C",
};

struct exec {
	struct tocsin_ctx *ctx;
	struct sched_children *children;
	struct slab runs;
	struct list waiting;
	uint32_t at_once;
	uint64_t marks;
};

struct run {
	struct slab_node node;
	struct list link;
	struct exec *exec;
	struct arena mem;
	uint32_t slot;
	int64_t until_ns;
	uint64_t mark;
	const char **argv;
	const char **envp;
	uint64_t memory_max_bytes;
	uint64_t processes_max;
	const char *family;	/* "" = by the plugin's name */
	struct sched_child *child;	/* NULL while it waits */
};

/* ---- answers ---- */

static void
run_free(struct run *r)
{
	list_remove(&r->link);
	arena_free(&r->mem);
	slab_give(&r->exec->runs, r);
}

static void
say(struct exec *x, uint32_t slot, enum tocsin_reason why, const char *text)
{
	struct tocsin_report rep = { .size = sizeof(rep),
		.outcome = (uint16_t)reason_outcome(why),
		.reason = (uint16_t)why, .text = text };

	x->ctx->report(x->ctx, slot, &rep);
}

struct gather {
	struct run *run;
	char family[PERF_LABEL_MAX + 1];
	struct strbuf name;
	struct strbuf instance;
	struct tocsin_sample items[PERF_POINTS_MAX + 2];
	uint32_t n;
};

static void
add(struct gather *g, const char *name, const char *instance, double v)
{
	for (uint32_t i = 0; i < g->n; i++)
		if (strcmp(g->items[i].name, name) == 0 &&
		    strcmp(g->items[i].instance, instance) == 0)
			return;
	g->items[g->n++] = (struct tocsin_sample){
		.size = sizeof(g->items[0]), .type = TOCSIN_F64,
		.name = name, .instance = instance, .v.f64 = v };
}

static void
add_point(void *arg, const struct perf_point *point)
{
	struct gather *g = arg;
	char *name, *instance;

	if (point->unknown || g->n == ARRAY_LEN(g->items))
		return;
	perf_metric(g->family, point, &g->name, &g->instance);
	name = arena_strdup(&g->run->mem, strbuf_str(&g->name));
	instance = arena_strdup(&g->run->mem, strbuf_str(&g->instance));
	if (name != NULL && instance != NULL && !g->name.failed &&
	    !g->instance.failed)
		add(g, name, instance, point->value);
}

/* "/usr/lib/nagios/plugins/check_disk.pl" → "disk" */
static void
family_of(const char *path, char *out)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t n;

	if (strncmp(name, "check_", 6) == 0 && name[6] != '\0')
		name += 6;
	n = strcspn(name, ".");
	if (n == 0 || n > PERF_LABEL_MAX)
		n = PERF_LABEL_MAX;
	snprintf(out, PERF_LABEL_MAX + 1, "%.*s", (int)n, name);
}

/* What its exit status says, or that it says nothing. */
static enum tocsin_reason
judge_exit(const struct sched_child_result *res, char *text)
{
	static const enum tocsin_reason by_code[] = { TOCSIN_WHY_NONE,
		TOCSIN_WHY_REPORTED_WARNING, TOCSIN_WHY_REPORTED_CRITICAL,
		TOCSIN_WHY_EXEC_UNKNOWN };

	if (res->code > EXIT_UNKNOWN) {
		snprintf(text, TEXT_BYTES, "ended with status %d", res->code);
		return TOCSIN_WHY_BAD_OUTPUT;
	}
	if (memchr(res->out, '\0', res->n_out) != NULL) {
		snprintf(text, TEXT_BYTES, "wrote binary data");
		return TOCSIN_WHY_BAD_OUTPUT;
	}
	return by_code[res->code];
}

static enum tocsin_reason
judge(const struct sched_child_result *res, char *text)
{
	text[0] = '\0';
	if (res->flood) {
		snprintf(text, TEXT_BYTES, "killed: it did not stop writing");
		return TOCSIN_WHY_BAD_OUTPUT;
	}
	switch (res->end) {
	case CHILD_EXITED:
		return judge_exit(res, text);
	case CHILD_SIGNALLED:
		snprintf(text, TEXT_BYTES, "signal %d: %s", res->code,
			sigdescr_np(res->code));
		return TOCSIN_WHY_EXEC_SIGNAL;
	case CHILD_TIMED_OUT:
		snprintf(text, TEXT_BYTES, "killed after %.1f s",
			(double)res->took.ns / 1e9);
		return TOCSIN_WHY_EXEC_TIMEOUT;
	case CHILD_NOT_EXECUTED:
		snprintf(text, TEXT_BYTES, "%s", strerrordesc_np(res->code));
		return TOCSIN_WHY_EXEC_FAILED;
	}
	return TOCSIN_WHY_BAD_OUTPUT;
}

static void
read_output(struct gather *g, const struct sched_child_result *res, char *text)
{
	struct perf_output out;

	perfdata_split(res->out, res->n_out, &out);
	/* Nothing on standard output: what it complained about. */
	if (out.text.n == 0 && res->n_err > 0)
		out.text = (struct perf_text){ res->err,
			strcspn(res->err, "\n") };
	snprintf(text, TEXT_BYTES, "%.*s", (int)(out.text.n < TEXT_BYTES ?
		out.text.n : TEXT_BYTES - 1), out.text.p);
	for (size_t i = 0; i < ARRAY_LEN(out.data); i++)
		(void)perfdata_parse(out.data[i], add_point, g);
}

static void
report(struct run *r, const struct sched_child_result *res)
{
	struct gather g = { .run = r };
	char text[TEXT_BYTES];
	enum tocsin_reason why = judge(res, text);
	struct tocsin_report rep = { .size = sizeof(rep),
		.outcome = (uint16_t)reason_outcome(why),
		.reason = (uint16_t)why, .text = text, .samples = g.items,
		.stride = sizeof(g.items[0]) };

	if (res->end != CHILD_NOT_EXECUTED)
		add(&g, "exec_duration_seconds", "",
			(double)res->took.ns / 1e9);
	if (res->end == CHILD_EXITED || res->end == CHILD_SIGNALLED)
		add(&g, "exec_cpu_seconds", "", (double)res->cpu.ns / 1e9);
	family_of(r->family[0] != '\0' ? r->family : r->argv[0], g.family);
	if (res->end == CHILD_EXITED && text[0] == '\0')
		read_output(&g, res, text);
	rep.n_samples = g.n;
	r->exec->ctx->report(r->exec->ctx, r->slot, &rep);
	strbuf_free(&g.name);
	strbuf_free(&g.instance);
}

/* ---- starting ---- */

/* The next one waits for a turn of its own. */
static void
wake(struct exec *x)
{
	if (!list_is_empty(&x->waiting) && x->at_once < AT_ONCE_MAX)
		x->ctx->timer(x->ctx, x->ctx->mono_ns(x->ctx));
}

static void
done(void *arg, const struct sched_child_result *res)
{
	struct run *r = arg;
	struct exec *x = r->exec;

	x->at_once--;
	report(r, res);
	run_free(r);
	wake(x);
}

static void
spawn(struct run *r, int64_t now_ns)
{
	struct exec *x = r->exec;
	struct sched_child_conf conf = {
		.argv = r->argv, .envp = r->envp, .done = done, .arg = r,
		.deadline = dur_ns(r->until_ns - now_ns),
		.memory_max_bytes = r->memory_max_bytes,
		.processes_max = r->processes_max, .mark = r->mark,
	};
	struct tc_err e = { 0 };

	if (conf.deadline.ns <= 0) {
		say(x, r->slot, TOCSIN_WHY_SLOT_MISSED,
			"too many plugins ran at that time");
		run_free(r);
		return;
	}
	list_remove(&r->link);
	if (sched_child_start(x->children, &conf, &r->child, &e) == 0) {
		x->at_once++;
		return;
	}
	say(x, r->slot, TOCSIN_WHY_LOCAL_RESOURCE, e.text);
	run_free(r);
}

static void
exec_on_timer(void *instance, int64_t now_ns)
{
	struct exec *x = instance;

	if (!list_is_empty(&x->waiting) && x->at_once < AT_ONCE_MAX)
		spawn(CONTAINER_OF(x->waiting.next, struct run, link), now_ns);
	wake(x);
}

/* What would be taken for an option, or for two lines, is no argument. */
static bool
is_plain(const char *value)
{
	if (value[0] == '\0' || value[0] == '-')
		return false;
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

static int
put_macros(struct run *r, const struct tocsin_target *t, struct tc_err *e)
{
	for (const char **word = r->argv; *word != NULL; word++) {
		const char *value;

		if (strcmp(*word, "%h") == 0)
			value = t->address;
		else if (strcmp(*word, "%n") == 0)
			value = t->host;
		else if (strstr(*word, "%h") != NULL ||
		    strstr(*word, "%n") != NULL)
			return tc_fail(e, TC_EINVAL,
				"%%h and %%n must be words of their own");
		else
			continue;
		if (!is_plain(value))
			return tc_fail(e, TC_EINVAL,
				"'%.40s' is not given to plugins", value);
		if ((*word = arena_strdup(&r->mem, value)) == NULL)
			return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	return 0;
}

static int
find_plugin(struct run *r, struct tc_err *e)
{
	char path[512];

	if (r->argv[0][0] == '/')
		return 0;
	if (strchr(r->argv[0], '/') != NULL)
		return tc_fail(e, TC_EINVAL, "'%.64s' is not a whole path",
			r->argv[0]);
	for (size_t i = 0; i < ARRAY_LEN(plugin_dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", plugin_dirs[i], r->argv[0]);
		if (access(path, X_OK) != 0)
			continue;
		r->argv[0] = arena_strdup(&r->mem, path);
		return r->argv[0] != NULL ? 0 :
			tc_fail(e, TC_ENOMEM, "out of memory");
	}
	return tc_fail(e, TC_ENOENT, "no plugin '%.64s'", r->argv[0]);
}

static int
make_env(struct run *r, const char *more, struct tc_err *e)
{
	const size_t n_plain = ARRAY_LEN(plain_env);
	const char **words;
	char mark[48];
	int n = words_split(&r->mem, more, &words, e);

	if (n < 0)
		return tc_wrap(e, "env");
	for (int i = 0; i < n; i++)
		if (words[i][0] == '=' || strchr(words[i], '=') == NULL)
			return tc_fail(e, TC_EINVAL,
				"env: '%.40s' is not NAME=value", words[i]);
	snprintf(mark, sizeof(mark), ORPHAN_MARK "%llu",
		(unsigned long long)r->mark);
	r->envp = arena_alloc(&r->mem,
		(n_plain + (size_t)n + 2) * sizeof(*r->envp));
	if (r->envp == NULL ||
	    (r->envp[0] = arena_strdup(&r->mem, mark)) == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	/* The first of a name counts: theirs before ours. */
	memcpy(r->envp + 1, words, (size_t)n * sizeof(*words));
	memcpy(r->envp + 1 + n, plain_env, sizeof(plain_env));
	r->envp[1 + (size_t)n + n_plain] = NULL;
	return 0;
}

static int
prepare(struct run *r, const struct tocsin_target *t, struct tc_err *e)
{
	int n = words_split(&r->mem, t->opts[OPT_COMMAND].s, &r->argv, e);
	int rc;

	if (n < 0)
		return tc_wrap(e, "command");
	if (n == 0)
		return tc_fail(e, TC_EINVAL, "no command");
	if ((rc = put_macros(r, t, e)) < 0 || (rc = find_plugin(r, e)) < 0)
		return rc;
	r->family = arena_strdup(&r->mem, t->opts[OPT_NAME].s);
	if (r->family == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	return make_env(r, t->opts[OPT_ENV].s, e);
}

static void
start_one(struct exec *x, const struct tocsin_target *t, int64_t now_ns)
{
	struct run *r = slab_take(&x->runs);
	struct tc_err e = { 0 };
	int rc;

	if (r == NULL) {
		say(x, t->slot, TOCSIN_WHY_LOCAL_RESOURCE, "too many runs");
		return;
	}
	list_init(&r->link);
	r->exec = x;
	r->mem.limit = RUN_BYTES_MAX;
	r->slot = t->slot;
	r->until_ns = now_ns + t->timeout_ns;
	r->mark = (uint64_t)getpid() << 32 | (uint32_t)++x->marks;
	r->memory_max_bytes = (uint64_t)t->opts[OPT_MEMORY].i;
	r->processes_max = (uint64_t)t->opts[OPT_PROCESSES].i;
	rc = prepare(r, t, &e);
	if (rc < 0) {
		say(x, t->slot, rc == TC_ENOMEM ? TOCSIN_WHY_LOCAL_RESOURCE :
			rc == TC_ENOENT ? TOCSIN_WHY_EXEC_FAILED :
			TOCSIN_WHY_PROBE_ERROR, e.text);
		run_free(r);
		return;
	}
	list_add_tail(&x->waiting, &r->link);
}

static int
exec_start(void *instance, const struct tocsin_target *targets, uint32_t n,
	uint32_t stride)
{
	struct exec *x = instance;
	const char *at = (const char *)targets;
	int64_t now_ns = x->ctx->mono_ns(x->ctx);

	for (uint32_t i = 0; i < n; i++, at += stride)
		start_one(x, (const void *)at, now_ns);
	wake(x);
	return 0;
}

static void
exec_cancel(void *instance, uint32_t slot)
{
	struct exec *x = instance;
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&x->runs, &at)) != NULL) {
		if (r->slot != slot)
			continue;
		if (r->child != NULL) {
			sched_child_cancel(r->child);
			x->at_once--;
		}
		run_free(r);
	}
	wake(x);
}

static int
exec_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct host *h = ctx->host;
	struct exec *x = MEM_NEW(struct exec);
	struct tc_err e = { 0 };

	if (x != NULL)
		x->children = runner_children(h->r, &e);
	if (x == NULL || x->children == NULL) {
		snprintf(error, 256, "%.255s",
			x != NULL ? e.text : "out of memory");
		mem_free(x);
		return -ENOMEM;
	}
	x->ctx = ctx;
	list_init(&x->waiting);
	slab_init(&x->runs, sizeof(struct run), RUNS_MAX);
	*instance = x;
	return 0;
}

static void
exec_close(void *instance)
{
	struct exec *x = instance;
	struct run *r;
	uint32_t at = 0;

	while ((r = slab_next(&x->runs, &at)) != NULL) {
		if (r->child != NULL)
			sched_child_cancel(r->child);
		run_free(r);
	}
	slab_free(&x->runs);
	mem_free(x);
}

const struct tocsin_probe probe_exec = {
	TOCSIN_PROBE_ABI, .name = "exec",
	.help = "a Nagios plugin, or any program that behaves like one",
	.opts = opts, .metrics = metrics, .open = exec_open, .close = exec_close,
	.start = exec_start, .on_timer = exec_on_timer, .cancel = exec_cancel,
};
