/*
 * Packed history: what is asked gives the same answer before and after.
 */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/queue.h"
#include "store/tend.h"
#include "t/db/yard.h"
#include "t/lib/story.h"

#define HOUR INT64_C(3600000)
#define STEP 15000
#define HOSTS 3

/* A row as a probe makes it; another layout now and then. */
static void
put_row(struct change_set *cs, uint32_t host, int64_t at_ms)
{
	int64_t i = (at_ms - T0) / STEP;
	struct change_history *row = set_row(cs, host, "cpu", at_ms);
	struct change_series raw = { 0, TOCSIN_U64, "smart_raw", "" };
	struct change_series cpu = { 0, TOCSIN_F64,
		"cpu_seconds_total", "cpu=\"0\"" };
	double v = (double)(i * 1500 + host) / 100;
	uint64_t bits;

	row_f64(cs, row, "load_1m", (double)(i % 17) / 8 - 0.5);
	memcpy(&bits, &v, sizeof(bits));
	row_value(cs, row, &cpu, bits);
	cpu.instance = "cpu=\"1\"";
	v += 1e6;
	memcpy(&bits, &v, sizeof(bits));
	row_value(cs, row, &cpu, bits);
	row_value(cs, row, &raw, UINT64_MAX - (uint64_t)(i / 100));
	row_f64(cs, row, "strange", i % 50 == 0 ? NAN : i % 7 == 0 ? -0.0 :
		1.0 / (double)(i + 3));
	if (i % 97 == 5)
		row_f64(cs, row, "sometimes", (double)i);
	row->outcome = i % 31 == 0 ? 1 : 0;
	row->counted = true;
}

static void
put_times(struct yard *y, int64_t from, int64_t to)
{
	for (int64_t at = from; at < to; at += 40 * STEP) {
		struct change_set *cs = set_new();

		for (int64_t t = at; t < to && t < at + 40 * STEP; t += STEP) {
			for (uint32_t host = 1; host <= HOSTS; host++)
				put_row(cs, host, t + host);
		}
		ck_assert_int_eq(yard_put(y, cs), 0);
	}
}

static void
pack(struct yard *y, int64_t until_ms)
{
	struct tc_err e = { 0 };

	ck_assert_msg(y->ops->compact(y->s, (struct wall){ until_ms }, &e) == 0,
		"%s", e.text);
}

/* ---- answers to all kinds of questions ---- */

struct answers {
	struct store_series_query q[80];
	struct seen_points *seen[80];
	size_t n;
};

static void
ask_all(struct yard *y, struct answers *a, int64_t end)
{
	static const char *const metrics[] = { "load_1m", "cpu_seconds_total",
		"smart_raw", "strange", "sometimes" };
	static const int64_t steps[] = { 0, 60000, 300000, HOUR, 24 * HOUR };

	a->n = 0;
	for (size_t m = 0; m < ARRAY_LEN(metrics); m++) {
		for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
			for (int cut = 0; cut < 3; cut++) {
				struct store_series_query q = {
					.subject = 1 + (uint32_t)(m + s) % HOSTS,
					.metric = metrics[m],
					.from = { T0 + cut * 1234567 },
					.to = { end - cut * 777777 },
					.step = dur_ms(steps[s]),
					.limit = cut == 2 ? 100 : 4000 };

				a->q[a->n] = q;
				a->seen[a->n] = calloc(1, sizeof(**a->seen));
				ck_assert_int_eq(yard_series(y, &q,
					a->seen[a->n]), 0);
				a->n++;
			}
		}
	}
}

/* Sums that lay in a file are rounded once more. */
static bool
is_mean(double a, double b, bool loose)
{
	return memcmp(&a, &b, sizeof(a)) == 0 ||
		(loose && fabs(a - b) <= fabs(a) * 1e-15);
}

static void
compare(const struct answers *a, const struct answers *b, bool loose)
{
	ck_assert_uint_eq(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct seen_points *x = a->seen[i], *y = b->seen[i];

		ck_assert_msg(x->n == y->n, "%s step %lld: %zu, %zu points",
			a->q[i].metric, (long long)dur_to_ms(a->q[i].step),
			x->n, y->n);
		for (size_t k = 0; k < x->n; k++) {
			const struct store_point *p = &x->p[k], *q = &y->p[k];

			ck_assert_str_eq(x->instance[k], y->instance[k]);
			ck_assert_msg(p->at.ms == q->at.ms &&
				is_mean(p->value, q->value, loose) &&
				memcmp(&p->min, &q->min, 8) == 0 &&
				memcmp(&p->max, &q->max, 8) == 0 &&
				memcmp(&p->last, &q->last, 8) == 0 &&
				p->count == q->count, "%s step %lld point %zu "
				"at %lld: %.17g %.17g %.17g %.17g × %llu, "
				"%.17g %.17g %.17g %.17g × %llu",
				a->q[i].metric,
				(long long)dur_to_ms(a->q[i].step), k,
				(long long)(q->at.ms - T0), p->value, p->min,
				p->max, p->last, (unsigned long long)p->count,
				q->value, q->min, q->max, q->last,
				(unsigned long long)q->count);
		}
	}
}

static void
answers_free(struct answers *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->seen[i]);
	a->n = 0;
}

START_TEST(packing_changes_no_answer)
{
	static struct answers before, after;
	int64_t end = T0 + 3 * HOUR + 1800000;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, end);
	ask_all(&y, &before, end);
	pack(&y, end);
	ck_assert_int_eq(yard_number(y.path, "SELECT value / 60 FROM meta "
		"WHERE key = 'packed'"), T0 / HOUR + 3);
	ck_assert_int_ge(yard_number(y.path, "SELECT count(*) FROM block"), 9);
	ask_all(&y, &after, end);
	compare(&before, &after, false);
	answers_free(&after);
	/* Nor does another start, nor packing again. */
	yard_close(&y);
	yard_open(&y);
	pack(&y, end);
	ask_all(&y, &after, end);
	compare(&before, &after, false);
	answers_free(&after);
	answers_free(&before);
	yard_fini(&y);
}
END_TEST

/* Waits for the writer to have dropped the rows that were packed. */
static void
wait_for_rows(struct yard *y, int64_t n)
{
	struct queue *never = y->turned;
	char sql[] = "SELECT count(*) FROM tick";

	for (int i = 0; i < 600 && yard_number(y->path, sql) != n; i++)
		queue_pop(never, dur_ms(50));
	ck_assert_int_eq(yard_number(y->path, sql), n);
}

START_TEST(rows_that_were_packed_go)
{
	int64_t end = T0 + 2 * HOUR;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, end);
	pack(&y, T0 + HOUR + HOUR / 2);
	wait_for_rows(&y, HOSTS * HOUR / STEP);
	yard_fini(&y);
}
END_TEST

static int
order_prune(struct yard *y, const char *tier, int64_t before_ms, bool meant)
{
	struct store_prune order = { tier, { before_ms }, meant };
	struct tc_err e = { 0 };

	return y->ops->prune(y->s, &order, &e);
}

static void
wait_for_blocks(struct yard *y, int64_t n)
{
	char sql[] = "SELECT count(*) FROM block WHERE tier = 0";

	for (int i = 0; i < 600 && yard_number(y->path, sql) != n; i++)
		queue_pop(y->turned, dur_ms(50));
	ck_assert_int_eq(yard_number(y->path, sql), n);
}

START_TEST(r077_who_orders_it_has_old_hours_dropped_while_others_write)
{
	int64_t end = T0 + 4 * HOUR, all;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, end);
	pack(&y, end);
	all = yard_number(y.path, "SELECT count(*) FROM block WHERE tier = 0");
	ck_assert_int_eq(order_prune(&y, "hourly", T0, false), TC_EINVAL);
	ck_assert_int_eq(order_prune(&y, "raw", T0 + 3 * HOUR, false),
		TC_EPERM);
	ck_assert_int_eq(order_prune(&y, "raw", T0 + 2 * HOUR, false), 0);
	put_times(&y, end, end + HOUR / 2);
	wait_for_blocks(&y, all / 2);
	ck_assert_int_eq(yard_number(y.path, "SELECT min(start_ms) FROM block "
		"WHERE tier = 0"), T0 + 2 * HOUR);
	ck_assert_int_eq(order_prune(&y, "raw", end, true), 0);
	wait_for_blocks(&y, 0);
	wait_for_rows(&y, HOSTS * (HOUR / 2) / STEP);
	yard_fini(&y);
}
END_TEST

/* Another process: killed as soon as the order was taken. */
static void
order_and_die(struct yard *y, int64_t before_ms)
{
	pid_t pid = fork();
	int how;

	if (pid == 0) {
		yard_open(y);
		if (order_prune(y, "raw", before_ms, false) == 0)
			kill(getpid(), SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &how, 0), pid);
	ck_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

START_TEST(r077_an_order_outlives_a_crash_until_it_is_done)
{
	int64_t end = T0 + 20 * HOUR;
	char orders[] = "SELECT count(*) FROM meta WHERE key LIKE 'prune:%'";
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, end);
	pack(&y, end);
	wait_for_rows(&y, 0);
	yard_close(&y);
	order_and_die(&y, T0 + 8 * HOUR);
	ck_assert_int_eq(yard_number(y.path, orders), 2);
	yard_open(&y);
	for (int i = 0; i < 600 && yard_number(y.path, orders) > 0; i++)
		queue_pop(y.turned, dur_ms(50));
	ck_assert_int_eq(yard_number(y.path, orders), 0);
	ck_assert_int_eq(yard_number(y.path, "SELECT min(start_ms) FROM block "
		"WHERE tier = 0"), T0 + 8 * HOUR);
	yard_fini(&y);
}
END_TEST

START_TEST(what_comes_late_is_there_at_once_and_once)
{
	static struct answers before, after;
	int64_t end = T0 + 2 * HOUR;
	size_t accepted, duplicates;
	struct change_set *cs;
	struct yard y, other;

	/* One store is given all in order, the other some of it late. */
	yard_init(&other, &store_sqlite);
	yard_open(&other);
	yard_hosts(&other, HOSTS);
	put_times(&other, T0, end);
	ask_all(&other, &before, end);
	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, T0 + 600000);
	put_times(&y, T0 + 1200000, end);
	pack(&y, end);
	put_times(&y, T0 + 600000, T0 + 1200000);
	ask_all(&y, &after, end);
	compare(&before, &after, false);
	answers_free(&after);
	/* Repeats are known, of what was packed and of what came late. */
	cs = set_new();
	put_row(cs, 2, T0 + 60 * STEP + 2);
	put_row(cs, 2, T0 + 10 * STEP + 2);
	put_row(cs, 2, T0 + 10 * STEP + 1);
	ck_assert_int_eq(yard_put_counted(&y, cs, &accepted, &duplicates), 0);
	ck_assert_uint_eq(accepted, 1);
	ck_assert_uint_eq(duplicates, 2);
	cs = set_new();
	put_row(cs, 2, T0 + 10 * STEP + 1);
	ck_assert_int_eq(yard_put_counted(&y, cs, &accepted, &duplicates), 0);
	ck_assert_uint_eq(duplicates, 1);
	answers_free(&before);
	yard_fini(&other);
	yard_fini(&y);
}
END_TEST

/* A child that packs until it is killed; the parent looks what is left. */
static void
pack_and_die(struct yard *y, long after_us)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		yard_open(y);
		pack(y, T0 + 100 * HOUR);
		_exit(0);
	}
	queue_pop(y->turned, dur_ns(after_us * 1000));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

START_TEST(a_kill_at_any_moment_of_packing_loses_nothing)
{
	static struct answers before, after;
	int64_t end = T0 + 3 * HOUR + 1800000;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, end);
	ask_all(&y, &before, end);
	yard_close(&y);
	for (long us = 1000; us < 120000; us += us / 4) {
		pack_and_die(&y, us);
		yard_open(&y);
		ask_all(&y, &after, end);
		compare(&before, &after, false);
		answers_free(&after);
		yard_close(&y);
	}
	ck_assert_int_eq(yard_number(y.path, "SELECT count(*) FROM "
		"pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	answers_free(&before);
	yard_fini(&y);
}
END_TEST

/* Three days: one is rolled up, and rows of it come late. */
START_TEST(roll_ups_are_what_the_rows_say)
{
	static struct answers before, after;
	int64_t day = 24 * HOUR, end = T0 + 2 * day + 7 * HOUR;
	struct yard y, other;
	struct tc_err e = { 0 };

	yard_init(&other, &store_sqlite);
	yard_open(&other);
	yard_hosts(&other, HOSTS);
	put_times(&other, T0, end);
	ask_all(&other, &before, end);
	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, T0 + 5 * HOUR);
	put_times(&y, T0 + 6 * HOUR, end);
	pack(&y, end);
	ck_assert_int_eq(yard_number(y.path, "SELECT value FROM meta "
		"WHERE key = 'rolled'"), T0 + 2 * day);
	put_times(&y, T0 + 5 * HOUR, T0 + 6 * HOUR);
	ask_all(&y, &after, end);
	compare(&before, &after, true);
	answers_free(&after);
	pack(&y, end);
	ck_assert_int_eq(yard_number(y.path, "SELECT count(*) FROM late"), 0);
	ck_assert_int_eq(yard_number(y.path, "SELECT count(*) FROM meta "
		"WHERE key LIKE 'redo/%'"), 0);
	ask_all(&y, &after, end);
	compare(&before, &after, true);
	answers_free(&after);
	answers_free(&before);
	ck_assert_int_eq(y.ops->audit_verify(y.s, &(uint64_t){ 0 },
		(unsigned char[32]){ 0 }, &e), 0);
	yard_fini(&other);
	yard_fini(&y);
}
END_TEST

/* A disk's values, hourly: their hours do not stay blocks of their own. */
START_TEST(what_is_seldom_measured_lies_together)
{
	static struct seen_points before, after;
	struct store_series_query q = { .subject = 2, .metric = "smart_5_raw",
		.from = { T0 }, .to = { T0 + 800 * HOUR }, .limit = 4000 };
	struct change_set *cs;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	for (int i = 0; i < 800; i++) {
		cs = set_new();
		row_f64(cs, set_row(cs, 2, "smart", T0 + i * HOUR), "smart_5_raw",
			i / 100);
		ck_assert_int_eq(y.ops->submit(y.s, cs), 0);
	}
	ck_assert_int_eq(y.ops->flush(y.s, dur_s(30)), 0);
	ck_assert_int_eq(yard_series(&y, &q, &before), 0);
	ck_assert_uint_eq(before.n, 800);
	pack(&y, T0 + 800 * HOUR);
	ck_assert_int_le(yard_number(y.path, "SELECT count(*) FROM block "
		"WHERE tier = 0"), 24);
	ck_assert_int_le(yard_number(y.path, "SELECT count(*) FROM block "
		"WHERE tier = 1"), 3);
	ck_assert_int_eq(yard_series(&y, &q, &after), 0);
	ck_assert_uint_eq(after.n, 800);
	for (size_t i = 0; i < 800; i++)
		ck_assert(memcmp(&before.p[i].value, &after.p[i].value, 8) == 0
			&& before.p[i].at.ms == after.p[i].at.ms);
	/* And one more, late, in the middle of them. */
	cs = set_new();
	row_f64(cs, set_row(cs, 2, "smart", T0 + 100 * HOUR + 1),
		"smart_5_raw", 77);
	ck_assert_int_eq(yard_put(&y, cs), 0);
	pack(&y, T0 + 800 * HOUR);
	ck_assert_int_eq(yard_number(y.path, "SELECT count(*) FROM late"), 0);
	ck_assert_int_eq(yard_series(&y, &q, &after), 0);
	ck_assert_uint_eq(after.n, 801);
	ck_assert_double_eq(after.p[101].value, 77);
	q.step = dur_s(86400);
	ck_assert_int_eq(yard_series(&y, &q, &after), 0);
	ck_assert_double_eq(after.p[4].max, 77);
	ck_assert_uint_eq(after.p[4].count, 25);
	yard_fini(&y);
}
END_TEST

/* A report an hour for 40 days; a sector goes bad on the 11th. */
static void
put_reports(struct yard *y)
{
	struct change_set *cs = set_new();

	set_subject(cs, 2000, SUBJECT_DEVICE, 2, "disk/M/S/W");
	ck_assert_int_eq(yard_put(y, cs), 0);
	for (int i = 0; i < 40 * 24; i++) {
		struct change_history *row;

		cs = set_new();
		row = set_row(cs, 2000, "smart", T0 + i * HOUR);
		row_f64(cs, row, "smart_5_raw", i < 10 * 24 + 3 ? 0 : 8);
		row_f64(cs, row, "temperature_celsius", 30 + i % 5);
		ck_assert_int_eq(y->ops->submit(y->s, cs), 0);
	}
	ck_assert_int_eq(y->ops->flush(y->s, dur_s(30)), 0);
}

START_TEST(what_a_drive_reported_outlives_retention)
{
	static struct seen_points seen;
	struct store_series_query q = { .subject = 2000,
		.metric = "smart_5_raw", .from = { T0 },
		.to = { T0 + 960 * HOUR }, .limit = 4000 };
	struct tend_prune p = { .before = { T0 + 33 * 24 * HOUR } };
	struct tc_err e = { 0 };
	struct yard y;
	size_t gone;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_reports(&y);
	pack(&y, T0 + 960 * HOUR);
	ck_assert_int_eq(yard_series(&y, &q, &seen), 0);
	ck_assert_uint_eq(seen.n, 960);
	yard_close(&y);
	ck_assert_int_eq(tend_prune_count(y.path, &p, &e), 0);
	gone = p.rows;
	ck_assert_uint_gt(gone, 300);
	ck_assert_uint_eq(p.all, 960);
	ck_assert_msg(tend_prune(y.path, &p, NULL, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(p.rows, gone);
	yard_open(&y);
	ck_assert_int_eq(yard_series(&y, &q, &seen), 0);
	/*
	 * 33 days' last ones, the first ever and of a new block (its 26th
	 * day), and the news; then all.
	 */
	ck_assert_uint_eq(seen.n, 33 + 2 + 1 + 7 * 24);
	ck_assert_int_eq(seen.p[0].at.ms, T0);
	ck_assert_int_eq(seen.p[11].at.ms, T0 + (10 * 24 + 3) * HOUR);
	ck_assert_double_eq(seen.p[10].value, 0);
	ck_assert_double_eq(seen.p[11].value, 8);
	/* Roll-ups have a retention of their own. */
	q.step = dur_s(86400);
	ck_assert_int_eq(yard_series(&y, &q, &seen), 0);
	ck_assert_uint_eq(seen.n, 40);
	ck_assert_uint_eq(seen.p[3].count, 24);
	yard_fini(&y);
}
END_TEST

START_TEST(the_server_packs_by_itself)
{
	struct yard y;

	yard_init(&y, &store_sqlite);
	y.conf.pack_after = dur_ms(20);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, T0 + 2 * HOUR);
	wait_for_rows(&y, 0);
	ck_assert_int_eq(yard_number(y.path, "SELECT sum(rows) FROM block "
		"WHERE tier = 0") + yard_number(y.path, "SELECT count(*) "
		"FROM late"), HOSTS * 2 * HOUR / STEP);
	yard_fini(&y);
}
END_TEST

static int
count_value(void *arg, const struct store_point *p)
{
	size_t *n = arg;

	(*n) += p->count;
	return 0;
}

START_TEST(a_damaged_block_stops_nobody_else)
{
	struct store_series_query q = { .subject = 1, .metric = "load_1m",
		.from = { T0 + HOUR }, .to = { T0 + 30 * HOUR },
		.limit = 100000 };
	struct tc_err e = { 0 };
	struct yard y;
	size_t n = 0;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, HOSTS);
	put_times(&y, T0, T0 + 10 * HOUR);
	pack(&y, T0 + 10 * HOUR);
	yard_close(&y);
	yard_exec(y.path, "UPDATE block SET bytes = randomblob(length(bytes)) "
		"WHERE subject = 1 AND start_ms = 1767225600000");
	yard_exec(y.path, "UPDATE block SET bytes = CAST(substr(bytes, 1, 100) "
		"|| zeroblob(length(bytes) - 100) AS BLOB) WHERE subject = 1 "
		"AND start_ms = 1767225600000 + 3600000 * 3");
	yard_open(&y);
	/* Late rows of the damaged hour, of a good one; a day to roll up. */
	put_times(&y, T0 + 7, T0 + 7 + 10 * STEP);
	put_times(&y, T0 + 10 * HOUR, T0 + 30 * HOUR);
	pack(&y, T0 + 30 * HOUR);
	ck_assert_int_eq(yard_number(y.path, "SELECT value FROM meta "
		"WHERE key = 'rolled'"), T0 + 24 * HOUR);
	ck_assert_int_eq(yard_number(y.path, "SELECT count(*) FROM late "
		"WHERE subject <> 1"), 0);
	ck_assert_int_ge(yard_number(y.path, "SELECT count(*) FROM late"), 10);
	/* Whoever asks for it is told; the rest is there. */
	ck_assert_int_eq(y.ops->series(y.s, &q, count_value, &n, &e),
		TC_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(e.text, "history block"));
	q.step = dur_s(3600);
	n = 0;
	ck_assert_int_eq(y.ops->series(y.s, &q, count_value, &n, &e), 0);
	/* A small block of another layout stayed whole. */
	ck_assert_uint_ge(n, 28 * HOUR / STEP);
	ck_assert_uint_le(n, 28 * HOUR / STEP + 3);
	q.from.ms = T0 + 4 * HOUR;
	q.step = dur_s(0);
	n = 0;
	ck_assert_int_eq(y.ops->series(y.s, &q, count_value, &n, &e), 0);
	ck_assert_uint_eq(n, 26 * HOUR / STEP);
	yard_fini(&y);
}
END_TEST

/* ---- killed while it takes rows and packs at once ---- */

#define NUMBERS 200000
#define APART 20000		/* ms: 180 rows an hour */

/* Each tenth is two hours late or more. */
static int64_t
time_of(uint32_t n)
{
	int64_t at = (int64_t)n * APART;

	return T0 + (n % 10 == 3 && n > 400 ? at - 380 * APART + 7 : at);
}

static void *
pack_on(void *arg)
{
	struct yard *y = arg;
	struct tc_err e = { 0 };

	for (int64_t hour = 0;; hour = (hour + 1) % 1000) {
		if (y->ops->compact(y->s, (struct wall){ T0 + hour * HOUR },
		    &e) < 0)
			_exit(5);
	}
	return NULL;
}

static void
take_and_pack(struct yard *y, int out, uint32_t from)
{
	pthread_t thread;

	dup2(out, STDOUT_FILENO);
	yard_open(y);
	pthread_create(&thread, NULL, pack_on, y);
	for (uint32_t n = from; n < NUMBERS; n++) {
		struct change_set *cs = set_new();

		row_f64(cs, set_row(cs, 1, "p", time_of(n)), "m_ratio", n);
		cs->done = set_tell;
		cs->owner = (void *)(uintptr_t)n;
		while (y->ops->submit(y->s, cs) < 0)
			y->ops->flush(y->s, dur_s(10));
		if (n % 16 == 0)
			y->ops->flush(y->s, dur_s(10));
	}
	_exit(4);
}

static int
mark_value(void *arg, const struct store_point *p)
{
	unsigned char *seen = arg;
	uint32_t n = (uint32_t)p->value;

	ck_assert_uint_lt(n, NUMBERS);
	ck_assert_int_eq(p->at.ms, time_of(n));
	seen[n]++;
	return 0;
}

/* Above all that were acknowledged. */
static uint32_t
live_and_die(struct yard *y, unsigned char *acked, uint32_t from, size_t most)
{
	int out[2], status;
	uint32_t n, next = from;
	pid_t pid;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(out[0]);
		take_and_pack(y, out[1], from > 40 ? from - 40 : 0);
	}
	close(out[1]);
	for (size_t got = 0; got < most; got++) {
		ck_assert_int_eq(read(out[0], &n, sizeof(n)), sizeof(n));
		acked[n] = 1;
		next = n >= next ? n + 1 : next;
	}
	kill(pid, SIGKILL);
	while (read(out[0], &n, sizeof(n)) == sizeof(n)) {
		acked[n] = 1;
		next = n >= next ? n + 1 : next;
	}
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	return next;
}

START_TEST(taking_and_packing_killed_together_lose_and_double_nothing)
{
	const char *kills = getenv("TOCSIN_KILLS");
	long lives = kills != NULL ? strtol(kills, NULL, 10) : 12;
	unsigned char *acked = calloc(NUMBERS, 1), *seen = calloc(NUMBERS, 1);
	struct store_series_query q = { .subject = 1, .metric = "m_ratio",
		.from = { T0 }, .to = { T0 + (int64_t)NUMBERS * APART },
		.limit = NUMBERS };
	struct tc_err e = { 0 };
	uint32_t next = 0;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	yard_close(&y);
	for (long life = 0; life < lives; life++) {
		next = live_and_die(&y, acked, next,
			300 + (size_t)life * 7919 % 700);
		yard_open(&y);
		memset(seen, 0, NUMBERS);
		ck_assert_msg(y.ops->series(y.s, &q, mark_value, seen, &e) == 0,
			"%s", e.text);
		for (uint32_t n = 0; n < next; n++)
			ck_assert_msg(seen[n] == 1 || (!acked[n] && seen[n] == 0),
				"%u: acknowledged %u, there %u times", n,
				acked[n], seen[n]);
		yard_close(&y);
	}
	ck_assert_int_eq(yard_number(y.path, "SELECT count(*) FROM "
		"pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
	printf("%ld lives, %u rows, %lld blocks\n", lives, next,
		(long long)yard_number(y.path, "SELECT count(*) FROM block"));
	yard_fini(&y);
	free(acked);
	free(seen);
}
END_TEST

int
main(void)
{
	return STORIES("store: packed", packing_changes_no_answer,
		rows_that_were_packed_go,
		r077_who_orders_it_has_old_hours_dropped_while_others_write,
		r077_an_order_outlives_a_crash_until_it_is_done,
		what_comes_late_is_there_at_once_and_once,
		a_kill_at_any_moment_of_packing_loses_nothing,
		roll_ups_are_what_the_rows_say,
		what_is_seldom_measured_lies_together,
		what_a_drive_reported_outlives_retention,
		the_server_packs_by_itself, a_damaged_block_stops_nobody_else,
		taking_and_packing_killed_together_lose_and_double_nothing);
}
