/*
 * Files that a disk has damaged: the server starts, on the old one or on a
 * fresh one, and the old one is kept.  TOCSIN_FLIPS sets how many files are
 * tried (200), TOCSIN_SEED which.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "t/db/yard.h"
#include "t/lib/story.h"

struct scene {
	struct yard y;
	struct strbuf good;	/* the file */
	struct strbuf log;	/* its -wal, of a server that was killed */
	struct strbuf bad;
	unsigned seed;
	int moved;
	char moved_to[512];
};

static void
on_quarantined(void *arg, const char *moved, const char *why)
{
	struct scene *s = arg;

	ck_assert_str_ne(why, "");
	snprintf(s->moved_to, sizeof(s->moved_to), "%s", moved);
	s->moved++;
}

static void
slurp(const char *path, struct strbuf *out)
{
	struct tc_err e = { 0 };

	strbuf_reset(out);
	ck_assert_msg(file_slurp(path, 0, out, &e) == 0, "%s", e.text);
}

static void
spill(const char *path, const struct strbuf *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(strbuf_str(text), 1, text->n, f), text->n);
	ck_assert_int_eq(fclose(f), 0);
}

static const char *
with(const struct scene *s, const char *suffix)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s%s", s->y.path, suffix);
	return path;
}

static void
put_rows(struct yard *y, int64_t minute)
{
	struct change_set *cs = set_new();

	for (uint32_t host = 1; host <= 20; host++) {
		struct change_history *row = set_row(cs, host, "cpu",
			T0 + minute * 60000);

		for (int i = 0; i < 20; i++) {
			char name[32];

			snprintf(name, sizeof(name), "m%d_ratio", i);
			row_f64(cs, row, name, 1.0 / (i + 3));
		}
		set_state(cs, host, "check", "some bytes");
		set_event(cs, (uint64_t)minute * 100 + host, host, "host.ok");
	}
	ck_assert_int_eq(yard_put(y, cs), 0);
}

static void
scene_init(struct scene *s)
{
	const char *seed = getenv("TOCSIN_SEED");
	struct change_set *cs = set_new();

	memset(s, 0, sizeof(*s));
	s->seed = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) :
		(unsigned)getpid();
	printf("seed %u\n", s->seed);
	yard_init(&s->y, &store_sqlite);
	yard_open(&s->y);
	yard_hosts(&s->y, 20);
	set_prediction(cs, 1, 3, T0, (struct prediction_text){ "likely", "{}" });
	ck_assert_int_eq(yard_put(&s->y, cs), 0);
	for (int64_t minute = 0; minute < 30; minute++)
		put_rows(&s->y, minute);
	yard_close(&s->y);
	yard_open(&s->y);
	for (int64_t minute = 30; minute < 35; minute++)
		put_rows(&s->y, minute);
	/* As kill -9 would leave them. */
	slurp(s->y.path, &s->good);
	slurp(with(s, "-wal"), &s->log);
	yard_close(&s->y);
	s->y.conf.quarantined = on_quarantined;
	s->y.conf.quarantined_arg = s;
}

static void
scene_fini(struct scene *s)
{
	yard_fini(&s->y);
	strbuf_free(&s->good);
	strbuf_free(&s->log);
	strbuf_free(&s->bad);
}

static void
sweep(struct scene *s)
{
	yard_sweep(&s->y);
	s->moved = 0;
}

static unsigned
next(struct scene *s, size_t below)
{
	s->seed = s->seed * 1103515245u + 12345u;
	return (unsigned)((s->seed >> 8) % (below > 0 ? below : 1));
}

static void
copy_good(struct scene *s, const struct strbuf *from)
{
	strbuf_reset(&s->bad);
	strbuf_add(&s->bad, from->p, from->n);
	ck_assert(!s->bad.failed);
}

/* By turns: anywhere, in the header, one page or the log; or cut off. */
static void
damage(struct scene *s, int turn)
{
	bool log = turn % 5 == 3;
	size_t start = 0, span;

	sweep(s);
	copy_good(s, log ? &s->log : &s->good);
	span = s->bad.n;
	if (turn % 5 == 1)
		span = 100;
	if (turn % 5 == 2) {
		start = next(s, s->bad.n / 4096) * (size_t)4096;
		span = 4096;
	}
	for (unsigned n = 1 + next(s, 8); n > 0; n--)
		s->bad.p[start + next(s, span)] ^= (char)(1 + next(s, 255));
	if (turn % 5 == 4)
		s->bad.n = next(s, s->bad.n);
	spill(s->y.path, log ? &s->good : &s->bad);
	if (log || turn % 2 == 0)
		spill(with(s, "-wal"), log ? &s->bad : &s->log);
}

static int
no_row(void *arg, const struct change_subject *c)
{
	(void)arg;
	(void)c;
	return 0;
}

/* Reads and writes; the answer may be an error, but there is one. */
static void
use(struct scene *s)
{
	struct store_loader nothing = { .subject = no_row };
	struct store_series_query q = { .subject = 3, .metric = "m1_ratio",
		.from = { T0 }, .to = { T0 + 3600000 } };
	static struct seen_points seen;
	struct change_set *cs = set_new();
	struct tc_err e = { 0 };
	int rc;

	ck_assert_msg(s->y.ops->load(s->y.s, &nothing, &e) == 0, "%s", e.text);
	(void)yard_series(&s->y, &q, &seen);
	set_state(cs, YARD_PARTITION, "check", NULL);
	rc = yard_put(&s->y, cs);
	/* Damage that shows only now ends acknowledging, until a start. */
	ck_assert_msg(rc == 0 || rc == TC_ECORRUPT || rc == TC_EAGAIN, "%d", rc);
	yard_close(&s->y);
}

/* 1 = begun anew, 0 = as it was, −1 = refused. */
static int
try_one(struct scene *s)
{
	struct clock *clock = clock_system();
	struct mono begin = clock->mono(clock);
	static struct strbuf kept;
	struct tc_err e = { 0 };
	int rc = s->y.ops->open(&s->y.conf, &s->y.s, &e);

	if (rc == 0)
		use(s);
	else
		s->y.s = NULL;
	ck_assert(dur_to_seconds(mono_diff(clock->mono(clock), begin)) < 10);
	if (s->moved > 0) {
		ck_assert_msg(rc == 0, "%s", e.text);
		slurp(s->moved_to, &kept);
		strbuf_free(&kept);
		return 1;
	}
	/* As another version's, another's, or with other migrations. */
	ck_assert_msg(rc == 0 || rc == TC_ENEWER || rc == TC_EUNSUP ||
		rc == TC_ECORRUPT, "%d %s", rc, e.text);
	return rc == 0 ? 0 : -1;
}

START_TEST(damaged_files_neither_stop_nor_crash_the_server)
{
	const char *flips = getenv("TOCSIN_FLIPS");
	long n = flips != NULL ? strtol(flips, NULL, 10) : 200;
	int ends[3] = { 0 };
	struct scene s;

	scene_init(&s);
	for (int i = 0; i < n; i++) {
		damage(&s, i);
		ends[try_one(&s) + 1]++;
	}
	printf("%ld files: %d begun anew, %d as they were, %d refused\n", n,
		ends[2], ends[1], ends[0]);
	ck_assert_int_gt(ends[2], 0);
	ck_assert_int_gt(ends[1], 0);
	scene_fini(&s);
}
END_TEST

START_TEST(what_is_no_database_is_set_aside_whole)
{
	static struct strbuf kept;
	struct scene s;

	scene_init(&s);
	sweep(&s);
	strbuf_printf(&s.bad, "this was a database once");
	spill(s.y.path, &s.bad);
	ck_assert_int_eq(try_one(&s), 1);
	slurp(s.moved_to, &kept);
	ck_assert_str_eq(strbuf_str(&kept), "this was a database once");
	ck_assert_ptr_nonnull(strstr(s.moved_to, "tocsin.db.corrupt-"));
	/* A second one in the same second gets a name of its own. */
	spill(s.y.path, &s.bad);
	ck_assert_int_eq(try_one(&s), 1);
	ck_assert_int_eq(s.moved, 2);
	strbuf_free(&kept);
	scene_fini(&s);
}
END_TEST

START_TEST(the_log_goes_with_its_file)
{
	static struct strbuf kept;
	struct scene s;
	char wal[600];

	scene_init(&s);
	sweep(&s);
	copy_good(&s, &s.good);
	memset(s.bad.p + 100, 0xff, 8);	/* the schema's page */
	spill(s.y.path, &s.bad);
	ck_assert_int_eq(try_one(&s), 1);
	sweep(&s);
	/* The log's copy of that page, damaged too, would hide it. */
	spill(s.y.path, &s.bad);
	spill(with(&s, "-wal"), &s.log);
	if (try_one(&s) == 1) {
		snprintf(wal, sizeof(wal), "%s-wal", s.moved_to);
		slurp(wal, &kept);
		ck_assert_uint_eq(kept.n, s.log.n);
	}
	strbuf_free(&kept);
	scene_fini(&s);
}
END_TEST

START_TEST(without_leave_nothing_is_moved)
{
	static struct strbuf kept;
	struct tc_err e = { 0 };
	struct scene s;

	scene_init(&s);
	sweep(&s);
	copy_good(&s, &s.good);
	memset(s.bad.p + 100, 0xff, 8);
	spill(s.y.path, &s.bad);
	s.y.conf.quarantined = NULL;
	ck_assert_int_eq(s.y.ops->open(&s.y.conf, &s.y.s, &e), TC_ECORRUPT);
	s.y.s = NULL;
	slurp(s.y.path, &kept);
	ck_assert_uint_eq(kept.n, s.bad.n);
	ck_assert_int_eq(memcmp(kept.p, s.bad.p, kept.n), 0);
	strbuf_free(&kept);
	scene_fini(&s);
}
END_TEST

/* Only its number says so: a page of a good file that was hit there. */
START_TEST(a_wrong_number_on_our_tables_is_damage)
{
	struct scene s;

	scene_init(&s);
	sweep(&s);
	copy_good(&s, &s.good);
	s.bad.p[68] ^= 0x10;	/* application_id */
	spill(s.y.path, &s.bad);
	ck_assert_int_eq(try_one(&s), 1);
	scene_fini(&s);
}
END_TEST

START_TEST(a_newer_or_foreign_file_is_still_refused)
{
	struct scene s;

	scene_init(&s);
	sweep(&s);
	copy_good(&s, &s.good);
	s.bad.p[63] = 99;	/* user_version */
	spill(s.y.path, &s.bad);
	ck_assert_int_eq(try_one(&s), -1);
	sweep(&s);
	yard_exec(s.y.path, "PRAGMA application_id = 7; "
		"CREATE TABLE theirs(a)");
	ck_assert_int_eq(try_one(&s), -1);
	scene_fini(&s);
}
END_TEST

int
main(void)
{
	return STORIES("store: damage",
		damaged_files_neither_stop_nor_crash_the_server,
		what_is_no_database_is_set_aside_whole,
		the_log_goes_with_its_file, without_leave_nothing_is_moved,
		a_wrong_number_on_our_tables_is_damage,
		a_newer_or_foreign_file_is_still_refused);
}
