/*
 * Where the processors' time goes, how many tasks wait for them, and how long
 * (load, pressure).  The busy share is that since the run before.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include <tocsin/probe.h>

#include "base/hash.h"
#include "base/mem.h"
#include "probes/common/samples.h"
#include "probes/common/sysfile.h"

/* In the order of /proc/stat; guest time is inside user and nice. */
#define MODE_TABLE(X)                                                   \
	X(USER, "mode=\"user\"") X(NICE, "mode=\"nice\"")               \
	X(SYSTEM, "mode=\"system\"") X(IDLE, "mode=\"idle\"")           \
	X(IOWAIT, "mode=\"iowait\"") X(IRQ, "mode=\"irq\"")             \
	X(SOFTIRQ, "mode=\"softirq\"") X(STEAL, "mode=\"steal\"")

enum mode {
#define X(sym, label) MODE_##sym,
	MODE_TABLE(X)
#undef X
	MODE_COUNT,
};

static const char *const mode_labels[] = {
#define X(sym, label) label,
	MODE_TABLE(X)
#undef X
};

struct stat_text {
	double seconds[MODE_COUNT];
	size_t n_modes;
	size_t n_cpus;
};

struct cpu {
	pthread_mutex_t lock;	/* runs may come from several workers */
	bool has_last;
	uint64_t root;		/* of the tree that `last` is from */
	struct stat_text last;
};

enum { OPT_ROOT };

static const struct tocsin_opt opts[] = {
	[OPT_ROOT] = { "root", TOCSIN_OPT_STRING, "/", NULL, NULL, NULL, NULL,
		"where /proc is found" },
	{ .name = NULL }
};

static const struct tocsin_metric metrics[] = {
	{ "cpu_seconds_total", TOCSIN_COUNTER, TOCSIN_SECONDS,
		"time of all processors by mode" },
	{ "cpu_count", TOCSIN_GAUGE, TOCSIN_COUNT, "processors online" },
	{ "cpu_busy_ratio", TOCSIN_GAUGE, TOCSIN_RATIO,
		"share of the time neither idle nor waiting for I/O" },
	{ "cpu_iowait_ratio", TOCSIN_GAUGE, TOCSIN_RATIO,
		"share of the time idle with I/O outstanding" },
	{ "cpu_steal_ratio", TOCSIN_GAUGE, TOCSIN_RATIO,
		"share of the time taken by the hypervisor" },
	{ "load1", TOCSIN_GAUGE, TOCSIN_COUNT, "load average of 1 minute" },
	{ "load5", TOCSIN_GAUGE, TOCSIN_COUNT, "load average of 5 minutes" },
	{ "load15", TOCSIN_GAUGE, TOCSIN_COUNT, "load average of 15 minutes" },
	{ "procs_running", TOCSIN_GAUGE, TOCSIN_COUNT, "tasks that can run" },
	{ "procs_blocked", TOCSIN_GAUGE, TOCSIN_COUNT,
		"tasks blocked, waiting for I/O" },
	{ "forks_total", TOCSIN_COUNTER, TOCSIN_COUNT, "tasks made" },
	{ "context_switches_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"context switches" },
	{ "interrupts_total", TOCSIN_COUNTER, TOCSIN_COUNT,
		"interrupts served" },
	PSI_METRICS("cpu"),
	{ .name = NULL }
};

static int
cpu_open(struct tocsin_ctx *ctx, void **instance, char *error)
{
	struct cpu *cpu = MEM_NEW(struct cpu);

	(void)ctx;
	if (!cpu) {
		strncpy(error, "out of memory", 255);
		return -ENOMEM;
	}
	pthread_mutex_init(&cpu->lock, NULL);
	*instance = cpu;
	return 0;
}

static void
cpu_close(void *instance)
{
	struct cpu *cpu = instance;

	pthread_mutex_destroy(&cpu->lock);
	mem_free(cpu);
}

static void
parse_modes(struct span rest, struct stat_text *out)
{
	double ticks = (double)sysconf(_SC_CLK_TCK);
	uint64_t v;

	out->n_modes = 0;
	while (out->n_modes < MODE_COUNT && span_u64(&rest, &v))
		out->seconds[out->n_modes++] = (double)v / ticks;
}

static void
parse_stat(struct span rest, struct stat_text *out, struct samples *s)
{
	static const struct {
		const char *key;
		const char *metric;
	} rows[] = {
		{ "intr", "interrupts_total" },
		{ "ctxt", "context_switches_total" },
		{ "processes", "forks_total" },
		{ "procs_running", "procs_running" },
		{ "procs_blocked", "procs_blocked" },
	};
	struct span line, word;
	uint64_t v;

	while (span_line(&rest, &line)) {
		if (!span_word(&line, &word))
			continue;
		if (span_is(word, "cpu"))
			parse_modes(line, out);
		else if (span_starts(word, "cpu"))
			out->n_cpus++;
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			if (span_is(word, rows[i].key) && span_u64(&line, &v))
				samples_add(s, rows[i].metric, "", (double)v);
		}
	}
}

/* Idle and iowait are known to step back a little: never below zero. */
static double
rise(double now, double before)
{
	return now > before ? now - before : 0;
}

static void
add_ratios(struct samples *s, const struct stat_text *now,
	const struct stat_text *last)
{
	double step[MODE_COUNT] = {0};
	double total = 0;

	for (size_t i = 0; i < now->n_modes; i++) {
		step[i] = rise(now->seconds[i], last->seconds[i]);
		total += step[i];
	}
	if (total <= 0 || now->n_modes <= MODE_IOWAIT)
		return;
	samples_add(s, "cpu_busy_ratio", "",
		1 - (step[MODE_IDLE] + step[MODE_IOWAIT]) / total);
	samples_add(s, "cpu_iowait_ratio", "", step[MODE_IOWAIT] / total);
	samples_add(s, "cpu_steal_ratio", "", step[MODE_STEAL] / total);
}

static void
keep(struct cpu *cpu, const char *root, const struct stat_text *now,
	struct samples *s)
{
	uint64_t tree = hash_bytes(root, strlen(root), 0);

	pthread_mutex_lock(&cpu->lock);
	if (cpu->has_last && cpu->root == tree)
		add_ratios(s, now, &cpu->last);
	cpu->last = *now;
	cpu->root = tree;
	cpu->has_last = true;
	pthread_mutex_unlock(&cpu->lock);
}

static void
add_load(struct samples *s, const char *root, struct strbuf *text)
{
	static const char *const names[] = { "load1", "load5", "load15" };
	struct span rest;
	double v;

	if (sysfile_read(root, "proc/loadavg", text) < 0)
		return;
	rest = span_of(text);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!span_double(&rest, &v))
			return;
		samples_add(s, names[i], "", v);
	}
}

static int
cpu_run(void *instance, const struct tocsin_target *target,
	struct tocsin_ctx *ctx)
{
	const char *root = target_option(target, OPT_ROOT, "/");
	struct stat_text now = {0};
	struct samples s = {0};
	struct strbuf text = {0};
	int rc;

	rc = sysfile_read(root, "proc/stat", &text);
	if (rc == 0)
		parse_stat(span_of(&text), &now, &s);
	if (rc == 0 && now.n_modes == 0)
		rc = -EPROTO;
	if (rc < 0) {
		samples_refuse(ctx, target, rc, "/proc/stat");
		goto out;
	}
	for (size_t i = 0; i < now.n_modes; i++)
		samples_add(&s, "cpu_seconds_total", mode_labels[i],
			now.seconds[i]);
	if (now.n_cpus > 0)
		samples_add(&s, "cpu_count", "", (double)now.n_cpus);
	keep(instance, root, &now, &s);
	add_load(&s, root, &text);
	psi_add(&s, root, "cpu");
	samples_report(&s, ctx, target, NULL);
out:
	strbuf_free(&text);
	samples_free(&s);
	return 0;
}

TOCSIN_EXPORT const struct tocsin_probe tocsin_probe_v1 = {
	TOCSIN_PROBE_ABI, .name = "cpu",
	.help = "time, load and pressure of the processors",
	.opts = opts, .metrics = metrics,
	.open = cpu_open, .close = cpu_close, .run = cpu_run,
};
