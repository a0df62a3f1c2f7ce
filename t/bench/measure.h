/*
 * What benches measure with: CPU seconds, seconds, numbers that are the same
 * in each run.
 */
#ifndef TOCSIN_T_BENCH_MEASURE_H
#define TOCSIN_T_BENCH_MEASURE_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "base/clock.h"

static inline double
measure_seconds(const struct rusage *ru)
{
	return (double)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) +
		(double)(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) / 1e6;
}

/* CPU seconds so far of RUSAGE_SELF, _CHILDREN or _THREAD. */
static inline double
measure_cpu(int who)
{
	struct rusage ru;

	getrusage(who, &ru);
	return measure_seconds(&ru);
}

/* Our own and our children's. */
static inline double
measure_cpu_all(void)
{
	return measure_cpu(RUSAGE_SELF) + measure_cpu(RUSAGE_CHILDREN);
}

/* Waits for the child: its CPU seconds; negative when it failed. */
static inline double
measure_child(pid_t pid)
{
	struct rusage ru;
	int status;

	if (pid < 0 || wait4(pid, &status, 0, &ru) < 0 || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		return -1.0;
	return measure_seconds(&ru);
}

/* Seconds, from some moment on. */
static inline double
measure_now(void)
{
	struct clock *clock = clock_system();

	return (double)clock->mono(clock).ns / 1e9;
}

/* The next of 2³¹ numbers. */
static inline uint64_t
measure_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static inline int
measure_by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Puts them into order. */
static inline void
measure_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), measure_by_value);
}

#endif
