/*
 * What a check by a plugin costs beside posix_spawn alone: CPU-seconds per
 * 1,000, children included, of a plugin that does nothing.
 */
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "probe/runner.h"
#include "sched/sched.h"
#include "t/bench/measure.h"

#define RUNS 1000
#define ROUNDS 3
#define PLUGIN "/bin/true"

struct bench {
	struct sched *s;
	struct runner *r;
	int left;
	int failed;
};

static double
by_posix_spawn(void)
{
	char *argv[] = { (char[]){ PLUGIN }, NULL };
	double before = measure_cpu_all();

	for (int i = 0; i < RUNS; i++) {
		pid_t pid;

		if (posix_spawn(&pid, PLUGIN, NULL, NULL, argv, NULL) != 0)
			return -1;
		waitpid(pid, NULL, 0);
	}
	return measure_cpu_all() - before;
}

static void start_one(struct bench *b);

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct bench *b = arg;

	(void)check;
	(void)seq;
	(void)last;
	b->failed += ob->outcome != TOCSIN_OK;
	if (--b->left == 0)
		sched_stop(b->s);
	else if (b->left >= 4)
		start_one(b);
}

static void
start_one(struct bench *b)
{
	const struct tocsin_opt *rows = runner_opts(b->r, "exec");
	struct tocsin_value v[16];
	struct engine_run run = { .check = 1, .seq = 1, .probe = "exec",
		.host = "h1", .address = "127.0.0.1", .opt_rows = rows,
		.opts = v, .timeout = dur_s(10) };

	for (size_t i = 0; rows[i].name != NULL; i++) {
		v[i] = runner_defaults(b->r, "exec")[i];
		if (strcmp(rows[i].name, "command") == 0)
			v[i].s = PLUGIN;
	}
	runner_start(b->r, &run, 1);
}

/* Four at a time, as checks come on a busy server. */
static double
by_us(struct bench *b)
{
	double before = measure_cpu_all();

	b->left = RUNS;
	for (int i = 0; i < 4; i++)
		start_one(b);
	sched_run(b->s);
	return measure_cpu_all() - before;
}

int
main(void)
{
	struct bench b = { 0 };
	struct runner_conf conf = { .clock = clock_system(), .plugin_dir = "/",
		.on_result = on_result, .arg = &b };
	struct tc_err e = { 0 };

	b.s = sched_new(&e);
	conf.sched = b.s;
	b.r = b.s != NULL ? runner_new(&conf, &e) : NULL;
	if (b.r == NULL) {
		fprintf(stderr, "bench_exec: %s\n", e.text);
		return 1;
	}
	for (int i = 0; i < ROUNDS; i++) {
		double plain = by_posix_spawn(), ours = by_us(&b);

		printf("exec: %.3f CPU-s per 1000, posix_spawn alone %.3f, "
			"ratio %.2f\n", ours, plain, ours / plain);
	}
	runner_free(b.r);
	sched_free(b.s);
	return b.failed != 0;
}
