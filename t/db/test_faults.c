/*
 * When the disk, another process or memory fails: nothing acknowledged is
 * lost, nobody waits for ever, and it goes on by itself.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "t/db/yard.h"
#include "t/lib/story.h"

/* One event and one row of `pad` metrics, numbered. */
static struct change_set *
numbered(uint64_t seq, int pad)
{
	struct change_set *cs = set_new();
	struct change_history *row;

	set_event(cs, seq, 1, "check.state");
	row = set_row(cs, 1, "p", T0 + (int64_t)seq * 1000);
	for (int i = 0; i < pad; i++) {
		char name[32];

		snprintf(name, sizeof(name), "m%d_ratio", i);
		row_f64(cs, row, name, 1.0 / (double)(seq + 3));
	}
	return cs;
}

struct tally {
	size_t n;
	uint64_t last;
	bool ordered;
};

static int
count_event(void *arg, const struct store_event *ev)
{
	struct tally *t = arg;

	t->ordered = t->ordered && ev->seq > t->last;
	t->last = ev->seq;
	t->n++;
	return 0;
}

static size_t
events_stored(struct yard *y)
{
	struct tally t = { .ordered = true };
	struct tc_err e = { 0 };

	ck_assert_msg(y->ops->events(y->s, 0, 1000000, count_event, &t, &e) == 0,
		"%s", e.text);
	ck_assert(t.ordered);
	return t.n;
}

/* Puts until it is refused; returns how many were acknowledged. */
static size_t
put_until_refused(struct yard *y, uint64_t *seq, int *rc)
{
	size_t acked = 0;

	for (int i = 0; i < 100000; i++) {
		*rc = yard_put(y, numbered(++*seq, 100));
		if (*rc < 0)
			return acked;
		acked++;
	}
	ck_abort_msg("was never refused");
	return 0;
}

static void
limit_files_to(rlim_t bytes)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_write_error_degrades_and_a_fresh_handle_recovers)
{
	struct store_stats stats;
	struct change_set *cs;
	uint64_t seq = 0;
	size_t acked;
	struct yard y;
	int rc;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	signal(SIGXFSZ, SIG_IGN);	/* lint: the test's own process */
	limit_files_to(1 << 20);
	acked = put_until_refused(&y, &seq, &rc);
	ck_assert_int_gt((int)acked, 10);
	ck_assert_int_eq(rc, TC_EIO);
	ck_assert(yard_turns(&y));
	y.ops->stats(y.s, &stats);
	ck_assert(stats.degraded);
	ck_assert(stats.failed_commits > 0);
	cs = numbered(++seq, 1);
	ck_assert_int_eq(y.ops->submit(y.s, cs), TC_EAGAIN);
	change_set_free(cs);
	/* What was acknowledged can be read all the while. */
	ck_assert_uint_eq(events_stored(&y), acked);
	limit_files_to(RLIM_INFINITY);
	ck_assert(!yard_turns(&y));
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(yard_put(&y, numbered(++seq, 100)), 0);
	ck_assert_uint_eq(events_stored(&y), acked + 5);
	yard_close(&y);
	yard_open(&y);
	ck_assert_uint_eq(events_stored(&y), acked + 5);
	yard_fini(&y);
}
END_TEST

START_TEST(a_server_that_stops_while_degraded_comes_back_unclean)
{
	uint64_t seq = 0;
	size_t acked;
	struct yard y;
	int rc;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	signal(SIGXFSZ, SIG_IGN);	/* lint: the test's own process */
	limit_files_to(1 << 20);
	acked = put_until_refused(&y, &seq, &rc);
	ck_assert(yard_turns(&y));
	yard_close(&y);
	limit_files_to(RLIM_INFINITY);
	yard_open(&y);
	ck_assert_uint_eq(events_stored(&y), acked);
	yard_fini(&y);
}
END_TEST

/* Needs a file system of its own; false = not permitted here. */
static bool
mount_small(const struct yard *y)
{
	if (unshare(CLONE_NEWNS) < 0)
		return false;
	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mount("tmpfs", y->dir, "tmpfs", 0, "size=3m") == 0;
}

START_TEST(a_full_disk_is_survived)
{
	char ballast[128];
	uint64_t seq = 0;
	size_t acked;
	struct yard y;
	int rc, fd;

	yard_init(&y, &store_sqlite);
	if (!mount_small(&y)) {
		printf("a_full_disk_is_survived: skipped, cannot mount\n");
		yard_fini(&y);
		return;
	}
	snprintf(ballast, sizeof(ballast), "%s/ballast", y.dir);
	fd = open(ballast, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_eq(posix_fallocate(fd, 0, 1536 * 1024), 0);
	close(fd);
	yard_open(&y);
	yard_hosts(&y, 1);
	acked = put_until_refused(&y, &seq, &rc);
	ck_assert_int_eq(rc, TC_EFULL);
	ck_assert(yard_turns(&y));
	ck_assert_ptr_nonnull(strstr(y.why, "full"));
	ck_assert_uint_eq(events_stored(&y), acked);
	unlink(ballast);
	ck_assert(!yard_turns(&y));
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(yard_put(&y, numbered(++seq, 100)), 0);
	yard_close(&y);
	yard_open(&y);
	ck_assert_uint_eq(events_stored(&y), acked + 5);
	yard_close(&y);
	umount2(y.dir, MNT_DETACH);
	yard_fini(&y);
}
END_TEST

/* Another process that holds the write lock until it is told to go. */
struct holder {
	pid_t pid;
	int ready;
	int go;
};

static void
hold(const char *path, int ready, int go)
{
	sqlite3 *db;
	char byte = 'x';

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
		_exit(1);
	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sqlite3_close(db);
	_exit(0);
}

static void
holder_start(struct holder *h, const char *path)
{
	int ready[2], go[2];
	char byte;

	ck_assert(pipe(ready) == 0 && pipe(go) == 0);
	h->pid = fork();
	ck_assert_int_ge(h->pid, 0);
	if (h->pid == 0)
		hold(path, ready[1], go[0]);
	h->ready = ready[0];
	h->go = go[1];
	ck_assert_int_eq(read(h->ready, &byte, 1), 1);
}

static void
holder_stop(struct holder *h)
{
	int status;

	ck_assert_int_eq(write(h->go, "x", 1), 1);
	ck_assert_int_eq(waitpid(h->pid, &status, 0), h->pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(another_process_with_the_lock_is_waited_out)
{
	struct holder h;
	struct yard y;
	int rc;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	ck_assert_int_eq(yard_put(&y, numbered(1, 3)), 0);
	holder_start(&h, y.path);
	rc = yard_put(&y, numbered(2, 3));
	/* or the writer met the lock before, with something of its own */
	ck_assert(rc == TC_EBUSY || rc == TC_EAGAIN);
	ck_assert(yard_turns(&y));
	ck_assert_uint_eq(events_stored(&y), 1);
	holder_stop(&h);
	ck_assert(!yard_turns(&y));
	ck_assert_int_eq(yard_put(&y, numbered(3, 3)), 0);
	ck_assert_uint_eq(events_stored(&y), 2);
	yard_fini(&y);
}
END_TEST

START_TEST(an_open_file_that_is_locked_is_busy)
{
	struct tc_err e = { 0 };
	struct holder h;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_close(&y);
	holder_start(&h, y.path);
	y.conf.degraded = NULL;
	ck_assert_int_eq(y.ops->open(&y.conf, &y.s, &e), TC_EBUSY);
	y.s = NULL;
	holder_stop(&h);
	yard_open(&y);
	yard_fini(&y);
}
END_TEST

START_TEST(a_server_that_listens_starts_beside_a_lock)
{
	struct change_set *cs;
	struct holder h;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	ck_assert_int_eq(yard_put(&y, numbered(1, 3)), 0);
	yard_close(&y);
	holder_start(&h, y.path);
	yard_open(&y);
	ck_assert(yard_turns(&y));
	ck_assert_uint_eq(events_stored(&y), 1);
	cs = numbered(2, 3);
	ck_assert_int_eq(y.ops->submit(y.s, cs), TC_EAGAIN);
	change_set_free(cs);
	holder_stop(&h);
	ck_assert(!yard_turns(&y));
	ck_assert_int_eq(yard_put(&y, numbered(2, 3)), 0);
	yard_close(&y);
	yard_open(&y);
	ck_assert_uint_eq(events_stored(&y), 2);
	yard_fini(&y);
}
END_TEST

START_TEST(only_one_server_holds_the_directory)
{
	struct tc_err e = { 0 };
	struct yard y;
	int fd, other;

	yard_init(&y, &store_sqlite);
	ck_assert_int_eq(store_lock(y.dir, &fd, &e), 0);
	ck_assert_int_eq(store_lock(y.dir, &other, &e), TC_EBUSY);
	close(fd);
	ck_assert_int_eq(store_lock(y.dir, &other, &e), 0);
	close(other);
	ck_assert_int_lt(store_lock("/nonexistent", &other, &e), 0);
	yard_fini(&y);
}
END_TEST

/* ---- readers ---- */

static void
put_rows(struct yard *y, int n)
{
	for (int i = 0; i < n; i++) {
		struct change_set *cs = set_new();

		row_f64(cs, set_row(cs, 1, "p", T0 + i * 60000), "m_ratio", i);
		ck_assert_int_eq(y->ops->submit(y->s, cs), 0);
	}
	ck_assert_int_eq(y->ops->flush(y->s, dur_s(60)), 0);
}

static int
count_point(void *arg, const struct store_point *p)
{
	size_t *n = arg;

	(void)p;
	(*n)++;
	return 0;
}

static const struct store_series_query all_of_it = { .subject = 1,
	.metric = "m_ratio", .to = { T0 * 2 } };

START_TEST(a_reading_past_its_deadline_ends)
{
	struct tc_err e = { 0 };
	struct yard y;
	size_t n = 0;

	yard_init(&y, &store_sqlite);
	y.conf.read_deadline = dur_ns(1);
	yard_open(&y);
	yard_hosts(&y, 1);
	put_rows(&y, 100);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(y.ops->series(y.s, &all_of_it, count_point, &n,
			&e), TC_ETIMEOUT);
	ck_assert_uint_eq(n, 0);
	yard_close(&y);
	y.conf.read_deadline = dur_s(30);
	yard_open(&y);
	ck_assert_int_eq(y.ops->series(y.s, &all_of_it, count_point, &n, &e), 0);
	ck_assert_uint_eq(n, 100);
	yard_fini(&y);
}
END_TEST

struct nested {
	struct yard *y;
	int rc;
};

static int
ask_again(void *arg, const struct store_point *p)
{
	struct nested *nested = arg;
	struct tc_err e = { 0 };
	size_t n = 0;

	(void)p;
	nested->rc = nested->y->ops->series(nested->y->s, &all_of_it,
		count_point, &n, &e);
	return 1;
}

START_TEST(a_reader_too_many_is_told_so)
{
	struct nested nested = { .rc = 1 };
	struct tc_err e = { 0 };
	struct yard y;

	nested.y = &y;
	yard_init(&y, &store_sqlite);
	y.conf.readers = 1;
	yard_open(&y);
	yard_hosts(&y, 1);
	put_rows(&y, 10);
	ck_assert_int_eq(y.ops->series(y.s, &all_of_it, ask_again, &nested, &e),
		0);
	ck_assert_int_eq(nested.rc, TC_EBUSY);
	yard_fini(&y);
}
END_TEST

/* ---- memory ---- */

static int
take_subject(void *arg, const struct change_subject *c)
{
	(void)arg;
	(void)c;
	return 0;
}

static void
no_done(struct change_set *cs)
{
	change_set_free(cs);
}

/* A life of the store, whatever fails; returns whether all went well. */
static bool
short_life(struct yard *y, struct change_set *cs, uint64_t seq)
{
	struct store_loader to = { .subject = take_subject };
	struct store_token token = { .id = (uint32_t)seq, .role = "viewer" };
	struct tc_err e = { 0 };
	size_t n = 0;
	bool well;

	memcpy(token.sha256, &seq, sizeof(seq));
	cs->done = no_done;
	if (y->ops->open(&y->conf, &y->s, &e) < 0) {
		change_set_free(cs);
		y->s = NULL;
		return false;
	}
	well = y->ops->load(y->s, &to, &e) == 0;
	if (y->ops->submit(y->s, cs) < 0) {
		change_set_free(cs);
		well = false;
	}
	well = y->ops->flush(y->s, dur_s(10)) == 0 && well;
	well = y->ops->token_put(y->s, &token, &e) == 0 && well;
	well = y->ops->series(y->s, &all_of_it, count_point, &n, &e) == 0 &&
		well;
	yard_close(y);
	return well;
}

START_TEST(memory_that_fails_is_an_error_and_no_crash)
{
	int well = 0, last = 0;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	put_rows(&y, 10);
	yard_close(&y);
	for (int n = 1; n < 400 && last < 5; n++) {
		struct change_set *cs = numbered((uint64_t)n, 3);

		mem_fail_at(n);
		well = short_life(&y, cs, (uint64_t)n);
		mem_fail_at(0);
		last = well ? last + 1 : 0;
	}
	/* In the end nothing was left to fail. */
	ck_assert_int_eq(last, 5);
	yard_fini(&y);
}
END_TEST

int
main(void)
{
	return STORIES("store faults",
		a_write_error_degrades_and_a_fresh_handle_recovers,
		a_server_that_stops_while_degraded_comes_back_unclean,
		a_full_disk_is_survived,
		another_process_with_the_lock_is_waited_out,
		an_open_file_that_is_locked_is_busy,
		a_server_that_listens_starts_beside_a_lock,
		only_one_server_holds_the_directory,
		a_reading_past_its_deadline_ends, a_reader_too_many_is_told_so,
		memory_that_fails_is_an_error_and_no_crash);
}
