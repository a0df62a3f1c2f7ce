/*
 * kill -9 in the middle of everything: what was acknowledged is there, once,
 * and no set is there by half.
 *
 * A child takes numbered sets from four threads and writes the number of each
 * into a pipe when it is acknowledged; the parent kills it after a random
 * count of acknowledgements.  Some sets are sent again, as an agent would that
 * saw no answer.  TOCSIN_KILLS sets how often (50).  Ready again is the first
 * acknowledgement after the start.
 */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/db/ledger.h"
#include "t/lib/story.h"

#define WRITERS 4

struct feeder {
	struct yard *y;
	uint32_t first;
};

static void
feed_one(struct feeder *f, uint32_t n)
{
	struct change_set *cs = ledger_set(n);

	cs->done = set_tell;
	cs->owner = (void *)(uintptr_t)n;
	while (f->y->ops->submit(f->y->s, cs) < 0)
		f->y->ops->flush(f->y->s, dur_s(10));
}

static void *
feed(void *arg)
{
	struct feeder *f = arg;

	for (uint32_t n = f->first; n < LEDGER_MOST; n += WRITERS) {
		feed_one(f, n);
		if (n % 7 == 0)
			feed_one(f, n);	/* an impatient agent */
	}
	return NULL;
}

/* Never returns; `from` is the first number not yet acknowledged. */
static void
child(struct yard *y, int out, uint32_t from)
{
	struct feeder feeders[WRITERS];
	pthread_t threads[WRITERS];

	dup2(out, STDOUT_FILENO);
	yard_open(y);
	for (uint32_t i = 0; i < WRITERS; i++) {
		feeders[i] = (struct feeder){ .y = y, .first = from + i };
		pthread_create(&threads[i], NULL, feed, &feeders[i]);
	}
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	_exit(4);
}

/* Seconds from the start to the first acknowledgement. */
static double
run_and_kill(struct yard *y, struct ledger *l, size_t after)
{
	struct clock *clock = clock_system();
	struct mono begin = clock->mono(clock);
	double ready = 0;
	/* Numbers near the end of the last life come again. */
	uint32_t from = l->next > 40 ? l->next - 40 : 0;
	int out[2], status;
	uint32_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(out[0]);
		child(y, out[1], from);
	}
	close(out[1]);
	for (size_t got = 0; got < after; got++) {
		ck_assert_int_eq(read(out[0], &n, sizeof(n)), sizeof(n));
		ledger_note(l, n);
		if (got == 0)
			ready = dur_to_seconds(mono_diff(clock->mono(clock),
				begin));
	}
	kill(pid, SIGKILL);
	while (read(out[0], &n, sizeof(n)) == sizeof(n))
		ledger_note(l, n);
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	return ready;
}

static void
verify(const struct yard *y, const struct ledger *l)
{
	const char *wrong;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(y->path, &db), SQLITE_OK);
	wrong = ledger_verify(l, db, true);
	ck_assert_msg(wrong == NULL, "%s", wrong);
	sqlite3_close(db);
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

START_TEST(nothing_acknowledged_is_lost_or_doubled)
{
	const char *kills = getenv("TOCSIN_KILLS");
	long n = kills != NULL ? strtol(kills, NULL, 10) : 50;
	unsigned seed = (unsigned)getpid();
	double *ready = calloc((size_t)n, sizeof(*ready)), p99;
	struct ledger l;
	struct yard y;

	printf("seed %u\n", seed);
	ledger_init(&l);
	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, LEDGER_HOSTS);
	yard_close(&y);
	for (long i = 0; i < n; i++) {
		seed = seed * 1103515245u + 12345u;
		ready[i] = run_and_kill(&y, &l, (seed >> 16) % 400);
		verify(&y, &l);
	}
	qsort(ready, (size_t)n, sizeof(*ready), by_size);
	p99 = ready[n * 99 / 100];
	printf("%ld kills, %zu sets acknowledged, ready again in %.3f s (p99)\n",
		n, l.n, p99);
	ck_assert(p99 < 2);
	free(ready);
	yard_fini(&y);
	ledger_fini(&l);
}
END_TEST

int
main(void)
{
	return STORIES("store: kill -9", nothing_acknowledged_is_lost_or_doubled);
}
