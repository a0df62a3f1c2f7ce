/*
 * A disk that fails at every kind of call, while four threads write and one
 * reads: what was acknowledged is there, once; the store says that it cannot
 * commit, and goes on by itself.  TOCSIN_FAULTS sets how often the disk is to
 * fail (60), for one call or for many; TOCSIN_SEED which.
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "t/db/ledger.h"
#include "t/lib/bad_disk.h"
#include "t/lib/story.h"

#define WRITERS 4
#define DEADLINE_S 60

struct scene {
	struct yard y;
	struct bad_disk disk;
	struct bad_orders orders;
	unsigned seed;
	pthread_mutex_t lock;	/* of what is below */
	pthread_cond_t moved;
	struct ledger ledger;
	uint32_t next;		/* number to send */
	uint64_t acks[WRITERS];
	bool stop;
	bool degraded;
	bool told;		/* degraded since armed */
	bool refused;		/* not as one that may be sent again */
	int quarantined;
	long calls;		/* that failed */
	bool packing;		/* hours are packed meanwhile */
	long packed;		/* times that it went well */
};

static unsigned
next_of(struct scene *s, unsigned below)
{
	s->seed = s->seed * 1103515245u + 12345u;
	return (s->seed >> 8) % below;
}

static void
on_degraded(void *arg, bool degraded, const char *why)
{
	struct scene *s = arg;

	(void)why;
	pthread_mutex_lock(&s->lock);
	s->degraded = degraded;
	s->told = s->told || degraded;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
}

static void
on_quarantined(void *arg, const char *moved, const char *why)
{
	struct scene *s = arg;

	fprintf(stderr, "%s: %s\n", moved, why);
	s->quarantined++;
}

/* Until something moved; the caller holds the lock.  False: too late. */
static bool
wait_moved(struct scene *s)
{
	struct clock *clock = clock_system();
	int64_t until = clock->wall(clock).ms + DEADLINE_S * 1000;
	struct timespec end = { (time_t)(until / 1000),
		(long)(until % 1000) * 1000000 };

	return pthread_cond_timedwait(&s->moved, &s->lock, &end) == 0;
}

/* ---- writers ---- */

struct sent {
	struct scene *s;
	unsigned writer;
	uint32_t n;
	bool done;
	int rc;
};

static void
on_done(struct change_set *cs)
{
	struct sent *sent = cs->owner;
	struct scene *s = sent->s;

	pthread_mutex_lock(&s->lock);
	sent->done = true;
	sent->rc = cs->rc;
	if (cs->rc == 0) {
		ledger_note(&s->ledger, sent->n);
		s->acks[sent->writer]++;
	}
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	change_set_free(cs);
}

/* Once; as an agent it is sent again when it failed. */
static void
send_once(struct sent *sent)
{
	struct scene *s = sent->s;
	struct change_set *cs = ledger_set(sent->n);
	int rc;

	cs->done = on_done;
	cs->owner = sent;
	sent->done = false;
	rc = s->y.ops->submit(s->y.s, cs);
	pthread_mutex_lock(&s->lock);
	if (rc < 0) {
		change_set_free(cs);
		sent->rc = rc;
		while (s->degraded && !s->stop && wait_moved(s))
			;
	} else {
		while (!sent->done && wait_moved(s))
			;
		if (!sent->done)
			s->refused = true;	/* nobody answered */
	}
	if (sent->rc < 0 && !store_may_retry(sent->rc))
		s->refused = true;
	pthread_mutex_unlock(&s->lock);
}

struct writer_arg {
	struct scene *s;
	unsigned i;
};

static void *
write_sets(void *arg)
{
	struct writer_arg *w = arg;
	struct scene *s = w->s;
	struct sent sent = { .s = s, .writer = w->i };

	for (;;) {
		pthread_mutex_lock(&s->lock);
		sent.n = s->next++;
		sent.rc = -1;
		while (!s->stop && !s->refused && sent.rc < 0) {
			pthread_mutex_unlock(&s->lock);
			send_once(&sent);
			pthread_mutex_lock(&s->lock);
		}
		if (s->stop || s->refused)
			break;
		pthread_mutex_unlock(&s->lock);
	}
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- the scene ---- */

static void
scene_init(struct scene *s)
{
	const char *seed = getenv("TOCSIN_SEED");

	memset(s, 0, sizeof(*s));
	s->seed = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) :
		(unsigned)getpid();
	printf("seed %u\n", s->seed);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->moved, NULL);
	ledger_init(&s->ledger);
	bad_disk_install(&s->disk, &s->orders);
	yard_init(&s->y, &store_sqlite);
	yard_open(&s->y);
	yard_hosts(&s->y, LEDGER_HOSTS);
	yard_close(&s->y);
	s->y.conf.retry_every = dur_ms(1);
	s->y.conf.commit_every = dur_ms(1);
	s->y.conf.degraded = on_degraded;
	s->y.conf.degraded_arg = s;
	s->y.conf.quarantined = on_quarantined;
	s->y.conf.quarantined_arg = s;
}

static void
scene_fini(struct scene *s)
{
	yard_fini(&s->y);
	bad_disk_remove(&s->disk);
	ledger_fini(&s->ledger);
	pthread_cond_destroy(&s->moved);
	pthread_mutex_destroy(&s->lock);
}

static void
verify_packed(struct scene *s)
{
	const char *wrong;

	if (s->y.s == NULL)
		return;		/* looked at when it is open again */
	pthread_mutex_lock(&s->lock);
	wrong = ledger_verify_read(&s->ledger, &s->y);
	pthread_mutex_unlock(&s->lock);
	ck_assert_msg(wrong == NULL, "%s", wrong);
	ck_assert(!s->refused);
	ck_assert_int_eq(s->quarantined, 0);
}

/* Beside the running store, by a disk that is well. */
static void
verify(struct scene *s, bool full)
{
	const char *wrong;
	sqlite3 *db;

	if (s->packing) {
		verify_packed(s);
		return;
	}

	ck_assert_int_eq(sqlite3_open_v2(s->y.path, &db, SQLITE_OPEN_READWRITE,
		s->disk.under->zName), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	pthread_mutex_lock(&s->lock);
	wrong = ledger_verify(&s->ledger, db, full);
	pthread_mutex_unlock(&s->lock);
	ck_assert_msg(wrong == NULL, "%s", wrong);
	ck_assert(!s->refused);
	ck_assert_int_eq(s->quarantined, 0);
	sqlite3_close(db);
}

static int
see_event(void *arg, const struct store_event *ev)
{
	(void)arg;
	(void)ev;
	return 0;
}

/* Each of the writers gets something through. */
static void
wait_for_acks(struct scene *s)
{
	uint64_t before[WRITERS];
	unsigned i = 0;

	pthread_mutex_lock(&s->lock);
	memcpy(before, s->acks, sizeof(before));
	while (i < WRITERS && !s->refused) {
		if (s->acks[i] > before[i])
			i++;
		else if (!wait_moved(s))
			break;
	}
	pthread_mutex_unlock(&s->lock);
	ck_assert_msg(i == WRITERS, "it does not go on");
}

/* Until it struck, or enough went well for it not to strike at all. */
static void
wait_for_hit(struct scene *s, bool told)
{
	uint32_t enough;

	pthread_mutex_lock(&s->lock);
	enough = s->next + (told ? 2000 : 100);
	while (!s->refused && s->next < enough &&
	       (atomic_load(&s->orders.hits) == 0 || (told && !s->told)))
		if (!wait_moved(s))
			break;
	pthread_mutex_unlock(&s->lock);
}

static const struct wall end_of_time = { T0 + INT64_C(864000000) };

static const enum bad_op of_writing[] = { BAD_WRITE, BAD_SYNC, BAD_WRITE,
	BAD_SYNC, BAD_READ, BAD_SHM_LOCK, BAD_SHM_MAP, BAD_LOCK, BAD_SIZE,
	BAD_OPEN, BAD_TRUNCATE, BAD_ACCESS, BAD_DELETE };

static struct bad_orders
think_of_orders(struct scene *s)
{
	struct bad_orders o = {
		.op = of_writing[next_of(s, ARRAY_LEN(of_writing))],
		.way = (enum bad_way)next_of(s, BAD_KILL),
		.skip = next_of(s, 3) > 0 ? next_of(s, 6) : next_of(s, 60),
		.times = next_of(s, 3) > 0 ? (long)next_of(s, 3) + 1 : -1,
	};

	/* Of those SQLite waits for many seconds. */
	if (o.way == BAD_BUSY && o.times < 0)
		o.times = 3;
	if (o.op == BAD_WRITE || o.op == BAD_SYNC)
		o.files = next_of(s, 4) > 0 ? SQLITE_OPEN_WAL : 0;
	return o;
}

static bool
is_told(struct scene *s)
{
	bool told;

	pthread_mutex_lock(&s->lock);
	told = s->told;
	pthread_mutex_unlock(&s->lock);
	return told;
}

/* Whether the disk failed. */
static bool
one_round(struct scene *s)
{
	struct bad_orders o = think_of_orders(s);
	struct tc_err e = { 0 };
	bool lasting;
	long hits;

	/* A disk that takes no more of the log cannot be overlooked. */
	lasting = o.times < 0 && o.files == SQLITE_OPEN_WAL;
	pthread_mutex_lock(&s->lock);
	s->told = false;
	pthread_mutex_unlock(&s->lock);
	bad_order(&s->orders, &o);
	(void)s->y.ops->events(s->y.s, 0, 10, see_event, NULL, &e);
	if (s->packing && s->y.ops->compact(s->y.s, end_of_time, &e) == 0)
		s->packed++;
	wait_for_hit(s, lasting);
	hits = atomic_load(&s->orders.hits);
	bad_disarm(&s->orders);
	if (lasting)
		ck_assert(hits > 0 && is_told(s));
	wait_for_acks(s);
	ck_assert_msg(s->y.ops->events(s->y.s, 0, 10, see_event, NULL, &e) == 0,
		"%s", e.text);
	s->calls += hits;
	return hits > 0;
}

/* ---- stories ---- */

static void
start_writers(struct scene *s, pthread_t threads[WRITERS],
	struct writer_arg args[WRITERS])
{
	s->stop = false;
	for (unsigned i = 0; i < WRITERS; i++) {
		args[i] = (struct writer_arg){ s, i };
		pthread_create(&threads[i], NULL, write_sets, &args[i]);
	}
}

static void
start(struct scene *s, pthread_t threads[WRITERS],
	struct writer_arg args[WRITERS])
{
	yard_open(&s->y);
	start_writers(s, threads, args);
}

static void
stop(struct scene *s, pthread_t threads[WRITERS])
{
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

/* Starts that fail are told as errors, and nothing is thrown away. */
static bool
fail_a_start(struct scene *s)
{
	struct bad_orders o = { .op = BAD_OPS, .skip = next_of(s, 80),
		.times = next_of(s, 2) > 0 ? 1 : -1 };
	struct tc_err e = { 0 };
	long hits;
	int rc;

	bad_order(&s->orders, &o);
	rc = s->y.ops->open(&s->y.conf, &s->y.s, &e);
	hits = atomic_load(&s->orders.hits);
	if (rc < 0) {
		s->y.s = NULL;
		ck_assert(hits > 0);
		ck_assert_str_ne(e.text, "");
		ck_assert_msg(rc != TC_ECORRUPT && rc != TC_EUNSUP &&
			rc != TC_ENEWER, "%s", e.text);
	}
	yard_close(&s->y);
	bad_disarm(&s->orders);
	s->degraded = false;
	s->calls += hits;
	return hits > 0;
}

static void
fail_often(bool packing)
{
	const char *faults = getenv("TOCSIN_FAULTS");
	long want = faults != NULL ? strtol(faults, NULL, 10) : 60;
	struct writer_arg args[WRITERS];
	pthread_t threads[WRITERS];
	long rounds = 0, starts = 0;
	struct scene s;

	scene_init(&s);
	s.packing = packing;
	while (rounds + starts < want) {
		start(&s, threads, args);
		for (int i = 0; i < 30 && rounds < want; i++)
			rounds += one_round(&s);
		verify(&s, true);
		stop(&s, threads);
		yard_close(&s.y);
		for (int i = 0; i < 5; i++)
			starts += fail_a_start(&s);
		verify(&s, false);
	}
	yard_open(&s.y);
	verify(&s, true);
	printf("it failed %ld times at work and %ld times at a start, "
		"%ld calls; %zu sets acknowledged, packed %ld times\n",
		rounds, starts, s.calls, s.ledger.n, s.packed);
	ck_assert(!packing || s.packed > 0);
	scene_fini(&s);
}

START_TEST(nothing_acknowledged_is_lost_when_the_disk_fails)
{
	fail_often(false);
}
END_TEST

START_TEST(nothing_is_lost_or_doubled_when_it_fails_while_packing)
{
	fail_often(true);
}
END_TEST

static void
see_seq(void *arg, uint64_t event_seq, uint64_t prediction_id,	/* lint: struct store_loader */
	uint32_t subject_id, uint32_t token_id, bool clean)
{
	(void)event_seq;
	(void)prediction_id;
	(void)subject_id;
	(void)token_id;
	*(bool *)arg = clean;
}

static int
no_subject(void *arg, const struct change_subject *c)
{
	(void)arg;
	(void)c;
	return 0;
}

static int
load_clean(struct scene *s, bool *clean)
{
	struct store_loader to = { .arg = clean, .subject = no_subject,
		.seq = see_seq };
	struct tc_err e = { 0 };

	return s->y.ops->load(s->y.s, &to, &e);
}

static int
see_point(void *arg, const struct store_point *p)
{
	(void)arg;
	(void)p;
	return 0;
}

/* A leaf in the middle of the table. */
static int64_t
page_of(struct scene *s, const char *table)
{
	char sql[160];
	sqlite3 *db;
	int64_t v;

	snprintf(sql, sizeof(sql), "SELECT pageno FROM dbstat WHERE name = "
		"'%s' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 3",
		table);
	ck_assert_int_eq(sqlite3_open_v2(s->y.path, &db, SQLITE_OPEN_READWRITE,
		s->disk.under->zName), SQLITE_OK);
	v = ledger_ask(db, sql);
	sqlite3_close(db);
	return v;
}

static int64_t
meta(struct scene *s, const char *key)
{
	char sql[80];
	sqlite3 *db;
	int64_t v;

	snprintf(sql, sizeof(sql), "SELECT value FROM meta WHERE key = '%s'",
		key);
	ck_assert_int_eq(sqlite3_open_v2(s->y.path, &db, SQLITE_OPEN_READWRITE,
		s->disk.under->zName), SQLITE_OK);
	v = ledger_ask(db, sql);
	sqlite3_close(db);
	return v;
}

/* A full disk and a new start: what is known is watched. */
START_TEST(a_start_that_cannot_write_reads_and_goes_on_trying)
{
	struct bad_orders o = { .op = BAD_WRITE, .way = BAD_ENOSPC,
		.files = SQLITE_OPEN_WAL, .times = -1 };
	struct writer_arg args[WRITERS];
	pthread_t threads[WRITERS];
	int64_t epoch, was;
	struct scene s;
	bool clean;

	scene_init(&s);
	start(&s, threads, args);
	wait_for_acks(&s);
	stop(&s, threads);
	yard_close(&s.y);
	was = meta(&s, "epoch");
	bad_order(&s.orders, &o);
	yard_open(&s.y);
	ck_assert(s.degraded);
	/* Numbers may have been given out that nobody wrote down. */
	ck_assert_int_eq(load_clean(&s, &clean), 0);
	ck_assert(!clean);
	verify(&s, true);
	bad_disarm(&s.orders);
	start_writers(&s, threads, args);
	wait_for_acks(&s);
	stop(&s, threads);
	epoch = meta(&s, "epoch");
	ck_assert_int_eq(epoch, was + 1);
	verify(&s, true);
	scene_fini(&s);
}
END_TEST

/* Beneath the running server, in a page of old history. */
START_TEST(a_page_that_a_reader_finds_damaged_is_told)
{
	struct store_series_query q = { .subject = 1, .metric = "load_1m",
		.from = { T0 }, .to = { T0 + 864000000 } };
	static struct seen_points seen;
	struct store_stats stats;
	struct tc_err e = { 0 };
	char mark[128];
	struct scene s;
	int64_t page;
	FILE *f;

	scene_init(&s);
	yard_open(&s.y);
	for (int64_t day = 0; day < 9; day++) {
		struct change_set *cs = set_new();

		for (int i = 0; i < 300; i++)
			row_f64(cs, set_row(cs, 1, "cpu", T0 + day * 86400000 +
				i * 15000), "load_1m", i);
		ck_assert_int_eq(yard_put(&s.y, cs), 0);
	}
	yard_close(&s.y);
	page = page_of(&s, "tick");
	f = fopen(s.y.path, "r+e");
	ck_assert_ptr_nonnull(f);
	fseek(f, (long)(page - 1) * 4096, SEEK_SET);
	for (int i = 0; i < 64; i++)
		fputc(0xa5, f);
	ck_assert_int_eq(fclose(f), 0);
	s.y.conf.quarantined = NULL;	/* nobody looks it through */
	yard_open(&s.y);
	s.y.ops->stats(s.y.s, &stats);
	ck_assert(!stats.damaged);
	ck_assert_int_eq(s.y.ops->series(s.y.s, &q, see_point, &seen, &e),
		TC_ECORRUPT);
	s.y.ops->stats(s.y.s, &stats);
	ck_assert(stats.damaged);
	ck_assert(!stats.degraded);
	snprintf(mark, sizeof(mark), "%s.suspect", s.y.path);
	ck_assert_int_eq(access(mark, F_OK), 0);
	scene_fini(&s);
}
END_TEST

int
main(void)
{
	return STORIES("store: a bad disk",
		nothing_acknowledged_is_lost_when_the_disk_fails,
		nothing_is_lost_or_doubled_when_it_fails_while_packing,
		a_start_that_cannot_write_reads_and_goes_on_trying,
		a_page_that_a_reader_finds_damaged_is_told);
}
