/*
 * What a child costs: CPU seconds a 1,000 runs of /bin/true, children
 * included, through sched_child and through bare posix_spawn, in turn.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "sched/child.h"
#include "t/bench/measure.h"

#define RUNS 1000
#define AT_ONCE 8
#define ROUNDS 3

struct bench {
	struct sched *s;
	struct sched_children *kids;
	int started;
	int ended;
};

static const char *const argv[] = { "/bin/true", NULL };

static void start(struct bench *b);

static void
done(void *arg, const struct sched_child_result *res)
{
	struct bench *b = arg;

	if (res->end != CHILD_EXITED || res->code != 0)
		exit(1);
	if (++b->ended == RUNS)
		sched_stop(b->s);
	else if (b->started < RUNS)
		start(b);
}

static void
start(struct bench *b)
{
	struct sched_child_conf conf = { .argv = argv, .deadline = dur_s(30),
		.done = done, .arg = b };

	b->started++;
	if (sched_child_start(b->kids, &conf, NULL, NULL) < 0)
		exit(1);
}

static double
ours(struct bench *b)
{
	double from = measure_cpu_all();

	b->started = b->ended = 0;
	for (int i = 0; i < AT_ONCE; i++)
		start(b);
	sched_run(b->s);
	return (measure_cpu_all() - from) * 1000.0 / RUNS;
}

static double
bare(void)
{
	char *args[] = { (char[]){ "/bin/true" }, NULL }, *env[] = { NULL };
	double from = measure_cpu_all();
	int status;
	pid_t pid;

	for (int i = 0; i < RUNS; i++) {
		if (posix_spawn(&pid, args[0], NULL, NULL, args, env) != 0 ||
		    waitpid(pid, &status, 0) < 0)
			exit(1);
	}
	return (measure_cpu_all() - from) * 1000.0 / RUNS;
}

int
main(void)
{
	struct bench b = { .s = sched_new(NULL) };

	if (b.s == NULL || (b.kids = sched_children_new(b.s, NULL)) == NULL)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		double limit = bare(), us = ours(&b);

		printf("bench_child posix_spawn=%.3f tocsin=%.3f "
			"cpu_s_per_1000 of_limit=%.2f\n", limit, us, us / limit);
	}
	sched_children_free(b.kids);
	sched_free(b.s);
	return 0;
}
