/*
 * What the benches with the real tocsind share: a test around them, since
 * what t/lib/it.h checks needs one, and asking over one connection.
 */
#ifndef TOCSIN_T_BENCH_QUICK_H
#define TOCSIN_T_BENCH_QUICK_H

#include <check.h>

#include "t/lib/it.h"

/* Runs it in this process; 0 when nothing failed. */
int quick_run(const TTest *test);

/* CPU seconds of a process so far, all threads. */
double quick_cpu(pid_t pid);
/* To the server of `it`; ends the bench when it fails. */
int quick_connect(const struct it *it);

struct quick_times {
	double mean, p50, p99, max;	/* seconds */
	size_t bytes;		/* of the last answer */
};
/* GET path so many times, one after the other, over one connection. */
void quick_ask(const struct it *it, const char *path, size_t times,
	struct quick_times *out);
/* Sorts them. */
void quick_sum_up(double *seconds, size_t n, struct quick_times *out);

#endif
