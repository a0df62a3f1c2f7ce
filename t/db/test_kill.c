/*
 * kill -9 in the middle of everything: what was acknowledged is there, once,
 * and no set is there by half.
 *
 * A child takes numbered sets from four threads and writes the number of each
 * into a pipe when it is acknowledged; the parent kills it after a random
 * count of acknowledgements.  Some sets are sent again, as an agent would that
 * saw no answer.  TOCSIN_KILLS sets how often (50).
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

#include "t/db/yard.h"
#include "t/lib/story.h"

#define WRITERS 4
#define HOSTS 8
#define MOST 2000000u

/* Number n is host n % HOSTS + 1's; its time and values follow from n. */
static struct change_set *
set_of(uint32_t n)
{
	struct change_set *cs = set_new();
	uint32_t host = n % HOSTS + 1;
	struct change_history *row;
	char id[32], state[32];

	snprintf(id, sizeof(id), "batch-%u", n);
	cs->batch_host = host;
	cs->batch_id = arena_strdup(&cs->arena, id);
	row = set_row(cs, host, "cpu", T0 + (int64_t)n * 10);
	row_f64(cs, row, "cpu_seconds_total", n);
	row_f64(cs, row, "cpu_half_seconds_total", n * 0.5);
	row = set_row(cs, host, "memory", T0 + (int64_t)n * 10);
	row_f64(cs, row, "memory_available_bytes", n * 4096.0);
	snprintf(state, sizeof(state), "%u", n);
	set_state(cs, host, "check", state);
	return cs;
}

static void
acknowledge(struct change_set *cs)
{
	uint32_t n = (uint32_t)(uintptr_t)cs->owner;

	if (cs->rc == 0 && write(STDOUT_FILENO, &n, sizeof(n)) != sizeof(n))
		_exit(3);
	change_set_free(cs);
}

struct feeder {
	struct yard *y;
	uint32_t first;
};

static void
feed_one(struct feeder *f, uint32_t n)
{
	struct change_set *cs = set_of(n);

	cs->done = acknowledge;
	cs->owner = (void *)(uintptr_t)n;
	while (f->y->ops->submit(f->y->s, cs) < 0)
		f->y->ops->flush(f->y->s, dur_s(10));
}

static void *
feed(void *arg)
{
	struct feeder *f = arg;

	for (uint32_t n = f->first; n < MOST; n += WRITERS) {
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

struct ledger {
	unsigned char *acked;	/* by number */
	uint32_t next;		/* above all that were acknowledged */
	size_t n;
};

static void
note(struct ledger *l, uint32_t n)
{
	ck_assert_uint_lt(n, MOST);
	l->n += !l->acked[n];
	l->acked[n] = 1;
	if (n >= l->next)
		l->next = n + 1;
}

static void
run_and_kill(struct yard *y, struct ledger *l, size_t after)
{
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
		note(l, n);
	}
	kill(pid, SIGKILL);
	while (read(out[0], &n, sizeof(n)) == sizeof(n))
		note(l, n);
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
}

static int64_t
ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int64_t v;

	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK,
		"%s", sqlite3_errmsg(db));
	ck_assert_msg(sqlite3_step(st) == SQLITE_ROW, "%s", sqlite3_errmsg(db));
	v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

static void
check_rows(sqlite3 *db, const struct ledger *l)
{
	static const char sql[] = "SELECT (at_ms - ?1) / 10, count(*), "
		"count(DISTINCT probe), count(DISTINCT subject) "
		"FROM tick GROUP BY at_ms ORDER BY at_ms";
	size_t found = 0;
	sqlite3_stmt *st;

	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	sqlite3_bind_int64(st, 1, T0);
	while (sqlite3_step(st) == SQLITE_ROW) {
		/* Both rows of the set, of one host. */
		ck_assert_int_eq(sqlite3_column_int64(st, 1), 2);
		ck_assert_int_eq(sqlite3_column_int64(st, 2), 2);
		ck_assert_int_eq(sqlite3_column_int64(st, 3), 1);
		found += l->acked[sqlite3_column_int64(st, 0)];
	}
	sqlite3_finalize(st);
	ck_assert_uint_eq(found, l->n);
}

static void
verify(const struct yard *y, const struct ledger *l)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(y->path, &db), SQLITE_OK);
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM pragma_integrity_check "
		"WHERE integrity_check <> 'ok'"), 0);
	ck_assert_int_eq(ask(db,
		"SELECT count(*) FROM pragma_foreign_key_check"), 0);
	check_rows(db, l);
	/* A batch is known exactly if its rows are there (256 are kept). */
	ck_assert_int_eq(ask(db, "SELECT count(*) FROM batch b WHERE NOT EXISTS "
		"(SELECT 1 FROM tick WHERE slot = (1767225600000 + "
		"CAST(substr(b.id, 7) AS INTEGER) * 10) / 60000 "
		"AND subject = b.host AND at_ms = 1767225600000 + "
		"CAST(substr(b.id, 7) AS INTEGER) * 10)"), 0);
	sqlite3_close(db);
}

START_TEST(nothing_acknowledged_is_lost_or_doubled)
{
	const char *kills = getenv("TOCSIN_KILLS");
	long n = kills != NULL ? strtol(kills, NULL, 10) : 50;
	unsigned seed = (unsigned)getpid();
	struct ledger l = { 0 };
	struct yard y;

	printf("seed %u\n", seed);
	l.acked = calloc(MOST, 1);
	ck_assert_ptr_nonnull(l.acked);
	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	yard_close(&y);
	for (long i = 0; i < n; i++) {
		seed = seed * 1103515245u + 12345u;
		run_and_kill(&y, &l, (seed >> 16) % 400);
		verify(&y, &l);
	}
	printf("%ld kills, %zu sets acknowledged\n", n, l.n);
	yard_fini(&y);
	free(l.acked);
}
END_TEST

int
main(void)
{
	return STORIES("store: kill -9", nothing_acknowledged_is_lost_or_doubled);
}
