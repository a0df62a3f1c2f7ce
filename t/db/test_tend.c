/*
 * Copies, checks, figures, export and pruning of the file.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "store/tend.h"
#include "t/db/yard.h"
#include "t/lib/story.h"

#define MINUTES 60
#define HOSTS 5

struct scene {
	struct yard y;
	char backup[128];
	struct tc_err e;
};

static void
put_minute(struct scene *s, int minute)
{
	struct change_set *cs = set_new();

	for (uint32_t host = 1; host <= HOSTS; host++) {
		struct change_history *row = set_row(cs, host, "cpu",
			T0 + minute * 60000);

		row_f64(cs, row, "cpu_seconds_total", minute + 0.25);
		row_f64(cs, row, "load_1m", host);
		set_event(cs, (uint64_t)minute * 100 + host, host, "host.ok");
	}
	ck_assert_int_eq(yard_put(&s->y, cs), 0);
}

static void
scene_init(struct scene *s)
{
	struct change_set *cs = set_new();
	struct change_history *row;

	memset(s, 0, sizeof(*s));
	yard_init(&s->y, &store_sqlite);
	snprintf(s->backup, sizeof(s->backup), "%s/copy.db", s->y.dir);
	yard_open(&s->y);
	yard_hosts(&s->y, HOSTS);
	for (int minute = 0; minute < MINUTES; minute++)
		put_minute(s, minute);
	set_subject(cs, 2000, SUBJECT_DEVICE, 2, "disk/sda");
	row = set_row(cs, 2000, "smart", T0 + 5000);
	row_f64(cs, row, "load_1m", 77);
	ck_assert_int_eq(yard_put(&s->y, cs), 0);
}

static uint64_t
hash_of(const char *path)
{
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };
	uint64_t h;

	ck_assert_msg(file_slurp(path, 0, &text, &e) == 0, "%s", e.text);
	h = hash_bytes(text.p, text.n, 1);
	strbuf_free(&text);
	return h;
}

static void
back_up(struct scene *s)
{
	ck_assert_msg(tend_backup(s->y.path, s->backup, NULL, &s->e) == 0, "%s",
		s->e.text);
}

static void
flip(const char *path, long at)
{
	FILE *f = fopen(path, "r+e");

	ck_assert_ptr_nonnull(f);
	fseek(f, at, SEEK_SET);
	for (int i = 0; i < 64; i++)
		fputc(0xa5, f);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(a_copy_is_made_beside_a_server_and_never_over_a_file)
{
	struct tend_sound sound;
	struct scene s;
	uint64_t before;

	scene_init(&s);
	back_up(&s);
	put_minute(&s, MINUTES);
	ck_assert_msg(tend_verify(s.backup, &sound, &s.e) == 0, "%s", s.e.text);
	ck_assert_int_eq(sound.schema, yard_number(s.backup,
		"SELECT max(number) FROM migration"));
	ck_assert_int_eq(yard_number(s.backup, "SELECT count(*) FROM tick"),
		MINUTES * HOSTS + 1);
	before = hash_of(s.backup);
	ck_assert_int_eq(tend_backup(s.y.path, s.backup, NULL, &s.e),
		TC_EINVAL);
	ck_assert(hash_of(s.backup) == before);
	yard_fini(&s.y);
}
END_TEST

struct feeder {
	struct scene *s;
	_Atomic bool enough;
};

static void
on_progress(void *arg, uint64_t done, uint64_t all)
{
	struct feeder *f = arg;

	(void)done;
	(void)all;
	/* The server commits between two steps of the copy. */
	put_minute(f->s, MINUTES + 1);
	f->enough = true;
}

START_TEST(commits_meanwhile_are_not_in_the_copy_and_do_not_hold_it_up)
{
	struct feeder f = { 0 };
	struct tend_progress progress = { on_progress, &f };
	struct scene s;
	struct change_set *cs = set_new();
	char *big = malloc(8 << 20);

	scene_init(&s);
	f.s = &s;
	ck_assert_ptr_nonnull(big);
	memset(big, 'x', 8 << 20);
	big[(8 << 20) - 1] = '\0';
	set_state(cs, 1, "big", big);	/* more than one step */
	ck_assert_int_eq(yard_put(&s.y, cs), 0);
	ck_assert_int_eq(tend_backup(s.y.path, s.backup, &progress, &s.e), 0);
	ck_assert(f.enough);
	ck_assert_int_eq(yard_number(s.backup, "SELECT count(*) FROM tick"),
		MINUTES * HOSTS + 1);
	ck_assert_int_eq(yard_number(s.y.path, "SELECT count(*) FROM tick"),
		(MINUTES + 1) * HOSTS + 1);
	free(big);
	yard_fini(&s.y);
}
END_TEST

START_TEST(a_restore_brings_it_all_back_and_keeps_what_was_there)
{
	struct store_series_query q = { .subject = 3,
		.metric = "cpu_seconds_total", .from = { T0 },
		.to = { T0 + 3600000 } };
	static struct seen_points seen;
	struct tend_restore r;
	struct scene s;

	scene_init(&s);
	back_up(&s);
	put_minute(&s, MINUTES);
	yard_close(&s.y);
	r = (struct tend_restore){ .from = s.backup, .path = s.y.path };
	ck_assert_msg(tend_restore(&r, NULL, &s.e) == 0, "%s", s.e.text);
	ck_assert_int_eq(yard_number(r.aside, "SELECT count(*) FROM tick"),
		(MINUTES + 1) * HOSTS + 1);
	/* Numbers of events given out since must not come again. */
	ck_assert_int_eq(yard_number(s.y.path,
		"SELECT value FROM meta WHERE key = 'clean'"), 0);
	yard_open(&s.y);
	ck_assert_int_eq(yard_series(&s.y, &q, &seen), 0);
	ck_assert_uint_eq(seen.n, MINUTES);
	ck_assert(seen.p[59].value == 59.25);
	put_minute(&s, MINUTES);
	yard_fini(&s.y);
}
END_TEST

START_TEST(a_damaged_copy_is_found_out_and_not_restored)
{
	struct tend_sound sound;
	struct tend_restore r;
	struct scene s;
	uint64_t before;

	scene_init(&s);
	back_up(&s);
	yard_close(&s.y);
	flip(s.backup, 5 * 4096);
	ck_assert_int_eq(tend_verify(s.backup, &sound, &s.e), TC_ECORRUPT);
	before = hash_of(s.y.path);
	r = (struct tend_restore){ .from = s.backup, .path = s.y.path };
	ck_assert_int_eq(tend_restore(&r, NULL, &s.e), TC_ECORRUPT);
	ck_assert(hash_of(s.y.path) == before);
	ck_assert_str_eq(r.aside, "");
	yard_fini(&s.y);
}
END_TEST

START_TEST(what_is_no_file_of_ours_is_refused)
{
	struct tend_figures figures;
	struct tend_sound sound;
	char path[128];
	struct scene s;

	scene_init(&s);
	snprintf(path, sizeof(path), "%s/theirs.db", s.y.dir);
	ck_assert_int_lt(tend_verify(path, &sound, &s.e), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	yard_exec(path, "CREATE TABLE theirs(a)");
	ck_assert_int_eq(tend_verify(path, &sound, &s.e), TC_EUNSUP);
	ck_assert_int_eq(tend_figures(path, &figures, &s.e), TC_EUNSUP);
	ck_assert_int_eq(tend_backup(path, s.backup, NULL, &s.e), TC_EUNSUP);
	ck_assert_int_ne(access(s.backup, F_OK), 0);
	yard_fini(&s.y);
}
END_TEST

START_TEST(r077_a_prune_takes_old_history_and_nothing_else)
{
	struct tend_prune p = { .before = { T0 + 20 * 60000 + 30000 } };
	struct tend_figures was, is;
	struct scene s;
	uint64_t copy;

	scene_init(&s);
	back_up(&s);
	yard_close(&s.y);
	copy = hash_of(s.backup);
	ck_assert_int_eq(tend_figures(s.y.path, &was, &s.e), 0);
	ck_assert_int_eq(tend_prune_count(s.y.path, &p, &s.e), 0);
	ck_assert_uint_eq(p.rows, 20 * HOSTS + 1);
	ck_assert_uint_eq(p.all, MINUTES * HOSTS + 1);
	ck_assert_msg(tend_prune(s.y.path, &p, NULL, &s.e) == 0, "%s",
		s.e.text);
	ck_assert_uint_eq(p.rows, 20 * HOSTS + 1);
	ck_assert_int_eq(tend_figures(s.y.path, &is, &s.e), 0);
	ck_assert_uint_eq(is.history_rows, was.history_rows - p.rows);
	ck_assert_int_eq(is.oldest.ms, T0 + 20 * 60000);
	ck_assert_int_eq(is.newest.ms, was.newest.ms);
	ck_assert_uint_eq(is.events, was.events);
	ck_assert_uint_eq(is.hosts, HOSTS);
	ck_assert(hash_of(s.backup) == copy);
	yard_fini(&s.y);
}
END_TEST

START_TEST(more_rows_than_one_transaction_takes_go_too)
{
	struct tend_prune p = { .before = { T0 + 3600000 } };
	struct change_set *cs = set_new();
	struct scene s;

	scene_init(&s);
	for (int i = 0; i < 5000; i++)
		row_f64(cs, set_row(cs, 1, "tcp", T0 + i), "a_seconds", i);
	ck_assert_int_eq(yard_put(&s.y, cs), 0);
	yard_close(&s.y);
	ck_assert_int_eq(tend_prune_count(s.y.path, &p, &s.e), 0);
	ck_assert_uint_eq(p.rows, 5000 + MINUTES * HOSTS + 1);
	ck_assert_int_eq(tend_prune(s.y.path, &p, NULL, &s.e), 0);
	ck_assert_uint_eq(p.rows, 5000 + MINUTES * HOSTS + 1);
	ck_assert_int_eq(yard_number(s.y.path, "SELECT count(*) FROM tick"), 0);
	yard_fini(&s.y);
}
END_TEST

/* ---- retention, by the writer itself ---- */

#define DAY_MS INT64_C(86400000)

/* Rows at a day so many days ago. */
static void
put_day(struct yard *y, int64_t days_ago, int n)
{
	struct clock *clock = clock_system();
	int64_t at = clock->wall(clock).ms - days_ago * DAY_MS;
	struct change_set *cs = set_new();

	for (int i = 0; i < n; i++)
		row_f64(cs, set_row(cs, 1, "tcp", at + i), "a_seconds", i);
	ck_assert_int_eq(yard_put(y, cs), 0);
}

static uint64_t
pruned_by_now(struct yard *y)
{
	struct store_stats st;

	ck_assert_int_eq(y->ops->flush(y->s, dur_s(30)), 0);
	y->ops->stats(y->s, &st);
	return st.pruned;
}

START_TEST(the_writer_forgets_what_is_older_than_it_is_told_to_keep)
{
	struct clock *clock = clock_system();
	struct mono end = mono_add(clock->mono(clock), dur_s(60));
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	for (int64_t day = 0; day <= 40; day++)
		put_day(&y, day, day > 35 ? 1500 : 10);
	yard_close(&y);
	y.conf.keep_raw = dur_s(86400 * 30);
	yard_open(&y);
	while (pruned_by_now(&y) < 5 * 1500 + 5 * 10)
		ck_assert(mono_before(clock->mono(clock), end));
	/* Those of the thirtieth day lie on the edge: to the minute. */
	ck_assert_int_le(yard_number(y.path, "SELECT count(*) FROM tick"),
		31 * 10);
	ck_assert_int_ge(yard_number(y.path, "SELECT count(*) FROM tick"),
		30 * 10);
	yard_fini(&y);
}
END_TEST

START_TEST(a_clock_gone_mad_does_not_empty_the_history)
{
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	for (int64_t day = 29; day <= 40; day++)
		put_day(&y, day, 10);
	yard_close(&y);
	y.conf.keep_raw = dur_s(86400 * 30);
	yard_open(&y);
	ck_assert_uint_eq(pruned_by_now(&y), 0);
	/* By now it has looked. */
	ck_assert_uint_eq(pruned_by_now(&y), 0);
	ck_assert_int_eq(yard_number(y.path, "SELECT count(*) FROM tick"), 120);
	yard_fini(&y);
}
END_TEST

struct seen_samples {
	size_t n;
	double sum;
	size_t of_devices;
	double device;
};

static int
see(void *arg, const struct tend_sample *sample)
{
	struct seen_samples *seen = arg;

	ck_assert_str_eq(sample->host, "h2");
	seen->n++;
	seen->sum += sample->value;
	if (strcmp(sample->device, "disk/sda") == 0) {
		seen->of_devices++;
		seen->device = sample->value;
	}
	return 0;
}

START_TEST(an_export_has_the_host_and_what_is_part_of_it)
{
	struct seen_samples seen = { 0 };
	struct tend_export q = { .host = "h2", .metric = "load_1m",
		.sink = see, .arg = &seen };
	struct scene s;

	scene_init(&s);
	ck_assert_msg(tend_export(s.y.path, &q, &s.e) == 0, "%s", s.e.text);
	ck_assert_uint_eq(seen.n, MINUTES + 1);
	ck_assert_uint_eq(seen.of_devices, 1);
	ck_assert(seen.device == 77);
	ck_assert(seen.sum == 77 + 2 * MINUTES);
	q.from.ms = T0 + 60000;
	q.to.ms = T0 + 3 * 60000;
	seen.n = 0;
	ck_assert_int_eq(tend_export(s.y.path, &q, &s.e), 0);
	ck_assert_uint_eq(seen.n, 2);
	q.host = "nobody";
	ck_assert_int_eq(tend_export(s.y.path, &q, &s.e), TC_ENOENT);
	yard_fini(&s.y);
}
END_TEST

int
main(void)
{
	return STORIES("store: tend",
		a_copy_is_made_beside_a_server_and_never_over_a_file,
		commits_meanwhile_are_not_in_the_copy_and_do_not_hold_it_up,
		a_restore_brings_it_all_back_and_keeps_what_was_there,
		a_damaged_copy_is_found_out_and_not_restored,
		what_is_no_file_of_ours_is_refused,
		r077_a_prune_takes_old_history_and_nothing_else,
		more_rows_than_one_transaction_takes_go_too,
		the_writer_forgets_what_is_older_than_it_is_told_to_keep,
		a_clock_gone_mad_does_not_empty_the_history,
		an_export_has_the_host_and_what_is_part_of_it);
}
