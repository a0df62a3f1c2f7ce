/*
 * backtest: history in, figures out, and never a look ahead.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "predict/backtest.h"
#include "predict/compare.h"
#include "predict/eval.h"
#include "t/lib/card.h"
#include "t/lib/story.h"
#include "t/lib/tape.h"

#define DAY0 15900
#define ROWS_MAX 6000
#define CHANGES_MAX 6000

/* What was emitted. */
struct backtest_mark {
	char serial[12];
	int32_t day;
	enum level level;
	double risk;
};

struct heard {
	struct backtest_mark change[CHANGES_MAX];
	size_t n;
	size_t stop_after;	/* 0 = never */
};

static struct tape *
tape_new(void)
{
	struct tape *t = tape_alloc(ROWS_MAX);

	ck_assert_ptr_nonnull(t);
	return t;
}

/* A row that says 197 only. */
static struct row *
tell(struct tape *t, const char *serial, int32_t day, uint64_t pending)
{
	struct row *r = &t->rows[t->n++];

	ck_assert_uint_le(t->n, ROWS_MAX);
	*r = (struct row){ .serial = serial, .model = "M",
		.serial_n = (uint32_t)strlen(serial), .model_n = 1,
		.line = t->n + 1, .file = "tape", .day = DAY0 + day,
		.seen = 1u << COUNTER_PENDING };
	r->raw[COUNTER_PENDING] = pending;
	return r;
}

static int
hear(void *ctx, const struct backtest_change *c, struct tc_err *e)
{
	struct heard *h = ctx;

	ck_assert_uint_lt(h->n, CHANGES_MAX);
	memset(&h->change[h->n], 0, sizeof(h->change[0]));
	(void)snprintf(h->change[h->n].serial, sizeof(h->change[0].serial),
		"%s", c->serial);
	h->change[h->n].day = c->day;
	h->change[h->n].level = c->level;
	h->change[h->n].risk = c->risk;
	h->n++;
	if (h->stop_after && h->n == h->stop_after)
		return tc_fail(e, TC_EIO, "enough");
	return 0;
}

static int
replay(struct tape *t, struct heard *h, struct backtest_report *r,
	struct tc_err *e)
{
	struct backtest_opts opts = { .change = hear, .ctx = h };
	struct pack *pack = NULL;
	int rc;

	pack = card_new();
	t->at = 0;
	h->n = 0;
	rc = backtest_run(&t->source, pack, &opts, r, e);
	pack_free(pack);
	return rc;
}

static void
replay_ok(struct tape *t, struct heard *h, struct backtest_report *r)
{
	struct tc_err e = { 0 };

	ck_assert_msg(replay(t, h, r, &e) == 0, "%s", e.text);
}

START_TEST(a_failure_seen_coming_counts_once_and_in_time)
{
	struct tape *t = tape_new();
	struct heard *h = MEM_NEW(struct heard);
	struct backtest_report r;

	tell(t, "bad", 0, 0);
	tell(t, "bad", 10, 200);
	tell(t, "bad", 20, 300);
	tell(t, "bad", 40, 300)->failure = true;
	tell(t, "good", 0, 0);
	tell(t, "good", 40, 0);
	tell(t, "accused", 0, 0);
	tell(t, "accused", 5, 500);
	tell(t, "accused", 40, 0);
	tell(t, "left", 0, 0);
	tell(t, "left", 30, 0);
	tell(t, "sudden", 0, 0);
	tell(t, "sudden", 40, 800)->failure = true;
	replay_ok(t, h, &r);
	ck_assert_uint_eq(r.devices, 5);
	ck_assert_uint_eq(r.failed, 2);
	ck_assert_uint_eq(r.good, 3);
	ck_assert_uint_eq(r.survivors, 2);
	ck_assert_uint_eq(r.device_days, 4 * 41 + 31);
	ck_assert_uint_eq(r.levels[LEVEL_IMMINENT].detected, 1);
	ck_assert_uint_eq(r.levels[LEVEL_IMMINENT].late, 1);
	ck_assert_uint_eq(r.levels[LEVEL_IMMINENT].far_good.k, 1);
	ck_assert_uint_eq(r.levels[LEVEL_IMMINENT].far_survivor.k, 1);
	ck_assert_uint_eq(r.levels[LEVEL_IMMINENT].far_survivor.n, 2);
	ck_assert_int_eq(r.levels[LEVEL_IMMINENT].lead_median, 30);
	ck_assert_uint_eq(r.levels[LEVEL_IMMINENT].ppv30.k, 1);
	ck_assert_uint_eq(r.levels[LEVEL_IMMINENT].ppv30.n, 3);
	mem_free(h);
	mem_free(t);
}
END_TEST

START_TEST(rows_after_the_failure_are_ignored)
{
	struct tape *t = tape_new();
	struct heard *h = MEM_NEW(struct heard);
	struct backtest_report r;

	tell(t, "a", 0, 0);
	tell(t, "a", 1, 0)->failure = true;
	tell(t, "a", 2, 500);
	tell(t, "a", 3, 900)->failure = true;
	replay_ok(t, h, &r);
	ck_assert_uint_eq(h->n, 0);
	ck_assert_uint_eq(r.failed, 1);
	ck_assert_uint_eq(r.rows_after_failure, 2);
	mem_free(h);
	mem_free(t);
}
END_TEST

/* After 7 and 30 days the rise is out of its windows. */
START_TEST(a_level_falls_on_a_day_without_a_row)
{
	struct tape *t = tape_new();
	struct heard *h = MEM_NEW(struct heard);
	struct backtest_report r;

	tell(t, "a", 0, 0);
	tell(t, "a", 10, 32);
	tell(t, "a", 300, 32);
	replay_ok(t, h, &r);
	ck_assert_uint_eq(h->n, 3);
	ck_assert_int_eq(h->change[0].day, DAY0 + 10);
	ck_assert_int_eq(h->change[0].level, LEVEL_IMMINENT);
	ck_assert_int_eq(h->change[1].day, DAY0 + 17);
	ck_assert_int_eq(h->change[1].level, LEVEL_LIKELY);
	ck_assert_int_eq(h->change[2].day, DAY0 + 40);
	ck_assert_int_eq(h->change[2].level, LEVEL_WATCH);
	mem_free(h);
	mem_free(t);
}
END_TEST

static unsigned
draw(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

/* 20 drives, up to 200 days, a row on some days; some fail. */
static void
invent(struct tape *t, unsigned seed, bool every_day)
{
	static const char *const serials[] = { "s0", "s1", "s2", "s3", "s4",
		"s5", "s6", "s7", "s8", "s9", "t0", "t1", "t2", "t3", "t4",
		"t5", "t6", "t7", "t8", "t9" };

	for (size_t i = 0; i < ARRAY_LEN(serials); i++) {
		int32_t days = 20 + (int32_t)(draw(&seed) % 180);
		struct row last = { 0 };
		bool fails = draw(&seed) % 3 == 0;

		for (int32_t d = 0; d < days; d++) {
			bool moves = draw(&seed) % 12 == 0;
			uint64_t pending = draw(&seed) % 40;
			uint64_t moved = draw(&seed) % 200;
			struct row *r;

			if (d > 0 && d < days - 1 && !moves && !every_day)
				continue;
			r = tell(t, serials[i], d, pending);
			if (d > 0 && !moves)
				memcpy(r->raw, last.raw, sizeof(r->raw));
			else
				r->raw[COUNTER_REALLOCATED] = moved;
			r->seen |= 1u << COUNTER_REALLOCATED;
			r->failure = fails && d == days - 1;
			last = *r;
		}
	}
}

START_TEST(rows_on_change_say_the_same_as_rows_every_day)
{
	struct tape *sparse = tape_new(), *daily = tape_new();
	struct heard *a = MEM_NEW(struct heard), *b = MEM_NEW(struct heard);
	struct backtest_report ra, rb;

	for (unsigned seed = 1; seed < 30; seed++) {
		sparse->n = daily->n = 0;
		invent(sparse, seed, false);
		invent(daily, seed, true);
		replay_ok(sparse, a, &ra);
		replay_ok(daily, b, &rb);
		ck_assert_uint_lt(ra.rows, rb.rows);
		ck_assert_uint_eq(ra.device_days, rb.device_days);
		ck_assert_uint_gt(a->n, 0);
		ck_assert_uint_eq(a->n, b->n);
		ck_assert_mem_eq(a->change, b->change,
			a->n * sizeof(a->change[0]));
		ck_assert_mem_eq(ra.bins, rb.bins, sizeof(ra.bins));
	}
	mem_free(a);
	mem_free(b);
	mem_free(sparse);
	mem_free(daily);
}
END_TEST

static int
by_day(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->day != y->day)
		return x->day < y->day ? -1 : 1;
	return strcmp(x->serial, y->serial);
}

static int
by_drive(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->serial, y->serial);

	return order ? order : (x->day > y->day) - (x->day < y->day);
}

START_TEST(sorted_by_drive_or_by_date_the_figures_agree)
{
	struct tape *t = tape_new();
	struct heard *h = MEM_NEW(struct heard);
	struct backtest_report a, b;

	for (unsigned seed = 50; seed < 70; seed++) {
		t->n = 0;
		invent(t, seed, false);
		replay_ok(t, h, &a);
		qsort(t->rows, t->n, sizeof(t->rows[0]), by_day);
		replay_ok(t, h, &b);
		ck_assert_mem_eq(&a, &b, sizeof(a));
		qsort(t->rows, t->n, sizeof(t->rows[0]), by_drive);
	}
	mem_free(h);
	mem_free(t);
}
END_TEST

static int
by_serial_and_day(const void *a, const void *b)
{
	const struct backtest_mark *x = a, *y = b;
	int order = strcmp(x->serial, y->serial);

	return order ? order : (x->day > y->day) - (x->day < y->day);
}

/* Only what was said up to `day`, in one order. */
static void
keep_until(struct heard *h, int32_t day)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		if (h->change[i].day <= day)
			h->change[n++] = h->change[i];
	}
	h->n = n;
	qsort(h->change, n, sizeof(h->change[0]), by_serial_and_day);
}

/* The rows from `cut` on get each other's values and new failures. */
static void
shuffle_from(struct tape *t, size_t cut, unsigned *dice)
{
	for (size_t k = cut; k < t->n; k++) {
		struct row *x = &t->rows[k];
		struct row *y = &t->rows[cut + draw(dice) % (t->n - cut)];
		uint64_t raw[COUNTER_N];

		memcpy(raw, x->raw, sizeof(raw));
		memcpy(x->raw, y->raw, sizeof(raw));
		memcpy(y->raw, raw, sizeof(raw));
		x->failure = draw(dice) % 9 == 0;
	}
}

/* The canary: whatever the future is, what was said until today stands. */
START_TEST(p20_shuffling_the_future_changes_no_past_verdict)
{
	struct tape *t = tape_new();
	struct heard *before = MEM_NEW(struct heard);
	struct heard *after = MEM_NEW(struct heard);
	struct backtest_report r;

	for (unsigned seed = 100; seed < 200; seed++) {
		unsigned dice = seed;
		int32_t today;
		size_t cut;

		t->n = 0;
		invent(t, seed, false);
		qsort(t->rows, t->n, sizeof(t->rows[0]), by_day);
		replay_ok(t, before, &r);
		cut = t->n / 3 + draw(&dice) % (t->n / 3);
		while (t->rows[cut].day == t->rows[cut - 1].day)
			cut++;
		today = t->rows[cut - 1].day;
		shuffle_from(t, cut, &dice);
		replay_ok(t, after, &r);
		keep_until(before, today);
		keep_until(after, today);
		ck_assert_uint_gt(before->n, 0);
		ck_assert_uint_eq(before->n, after->n);
		ck_assert_mem_eq(before->change, after->change,
			before->n * sizeof(before->change[0]));
	}
	mem_free(before);
	mem_free(after);
	mem_free(t);
}
END_TEST

/* Days by bin, counted the slow way for one drive of each kind. */
START_TEST(days_near_the_end_count_only_when_their_outcome_is_known)
{
	struct tape *t = tape_new();
	struct heard *h = MEM_NEW(struct heard);
	struct backtest_report r;

	tell(t, "good", 0, 0);
	tell(t, "good", 200, 0);
	replay_ok(t, h, &r);
	ck_assert_uint_eq(r.bins[0].d7.n, 201 - 7);
	ck_assert_uint_eq(r.bins[0].d30.n, 201 - 30);
	ck_assert_uint_eq(r.bins[0].d90.n, 201 - 90);
	ck_assert_uint_eq(r.bins[0].d90.k, 0);
	tell(t, "bad", 0, 0);
	tell(t, "bad", 200, 0)->failure = true;
	replay_ok(t, h, &r);
	ck_assert_uint_eq(r.bins[0].d7.n, 201 - 7 + 200);
	ck_assert_uint_eq(r.bins[0].d7.k, 7);
	ck_assert_uint_eq(r.bins[0].d30.k, 30);
	ck_assert_uint_eq(r.bins[0].d90.k, 90);
	mem_free(h);
	mem_free(t);
}
END_TEST

START_TEST(going_back_in_time_is_an_error_with_a_place)
{
	struct tape *t = tape_new();
	struct heard *h = MEM_NEW(struct heard);
	struct backtest_report r;
	struct tc_err e = { 0 };

	tell(t, "a", 5, 0);
	tell(t, "b", 1, 0);
	tell(t, "a", 4, 0);
	ck_assert_int_eq(replay(t, h, &r, &e), TC_EINVAL);
	ck_assert_msg(strstr(e.text, "tape:4: drive a goes back"), "%s", e.text);
	mem_free(h);
	mem_free(t);
}
END_TEST

START_TEST(who_listens_may_end_the_run)
{
	struct tape *t = tape_new();
	struct heard *h = MEM_NEW(struct heard);
	struct backtest_report r;
	struct tc_err e = { 0 };

	invent(t, 7, false);
	h->stop_after = 3;
	ck_assert_int_eq(replay(t, h, &r, &e), TC_EIO);
	ck_assert_uint_eq(h->n, 3);
	mem_free(h);
	mem_free(t);
}
END_TEST

static int
compare_old(void *ctx, const struct backtest_device *d, struct tc_err *e)
{
	return compare_take(ctx, COMPARE_OLD, d, e);
}

static int
compare_twice_as_late(void *ctx, const struct backtest_device *d,
	struct tc_err *e)
{
	struct backtest_device later = *d;

	if (strcmp(d->serial, "calm") == 0)
		later.alarm_day[LEVEL_WATCH] = DAY0;
	else if (strcmp(d->serial, "lost") == 0)
		later.alarm_day[LEVEL_WATCH] = BACKTEST_NEVER;
	else
		later.alarm_day[LEVEL_WATCH] += 3;
	return compare_take(ctx, COMPARE_NEW, &later, e);
}

START_TEST(two_packs_are_told_apart_by_what_appears_and_vanishes)
{
	static const char *const names[] = { "calm", "lost", "slow" };
	struct tape *t = tape_new();
	struct compare *c = compare_new();
	struct backtest_opts opts = { .device = compare_old, .ctx = c };
	struct compare_level levels[LEVEL_N];
	struct compare_model *models = NULL;
	struct backtest_report r;
	struct pack *card = card_new();
	size_t n = 0;

	for (int i = 0; i < 3; i++) {
		tell(t, names[i], 0, 0);
		tell(t, names[i], 10, i == 0 ? 0 : 64);
		tell(t, names[i], 40, i == 0 ? 0 : 64)->failure = i > 0;
	}
	ck_assert_int_eq(backtest_run(&t->source, card, &opts, &r, NULL), 0);
	t->at = 0;
	opts.device = compare_twice_as_late;
	ck_assert_int_eq(backtest_run(&t->source, card, &opts, &r, NULL), 0);
	ck_assert_int_eq(compare_levels(c, levels, NULL), 0);
	ck_assert_uint_eq(levels[LEVEL_WATCH].found[COMPARE_OLD], 2);
	ck_assert_uint_eq(levels[LEVEL_WATCH].found[COMPARE_NEW], 1);
	ck_assert_uint_eq(levels[LEVEL_WATCH].wrong[COMPARE_NEW], 1);
	ck_assert_uint_eq(levels[LEVEL_WATCH].wrong_both, 0);
	ck_assert_uint_eq(levels[LEVEL_WATCH].later, 1);
	ck_assert_int_eq(levels[LEVEL_WATCH].lead_gain_median, -3);
	ck_assert_int_eq(compare_models(c, &models, &n, NULL), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(models[0].model, "M");
	ck_assert_uint_eq(models[0].drives, 3);
	ck_assert_uint_eq(models[0].failed, 2);
	mem_free(models);
	compare_free(c);
	pack_free(card);
	mem_free(t);
}
END_TEST

START_TEST(memory_is_bounded_by_devices)
{
	struct tape *t = tape_new();
	struct backtest_opts opts = { .devices_max = 2 };
	struct backtest_report r;
	struct pack *pack = NULL;
	struct tc_err e = { 0 };

	tell(t, "a", 0, 0);
	tell(t, "b", 0, 0);
	tell(t, "c", 0, 0);
	pack = card_new();
	ck_assert_int_eq(backtest_run(&t->source, pack, &opts, &r, &e),
		TC_EFULL);
	ck_assert_msg(strstr(e.text, "tape:4: more than 2"), "%s", e.text);
	pack_free(pack);
	mem_free(t);
}
END_TEST

START_TEST(every_failed_allocation_is_reported)
{
	struct tape *t = tape_new();
	struct heard *h = MEM_NEW(struct heard);
	struct backtest_opts opts = { .change = hear, .ctx = h };
	struct backtest_report r;
	struct pack *pack = NULL;
	struct tc_err e = { 0 };
	int rc = TC_ENOMEM;

	invent(t, 3, false);
	pack = card_new();
	for (long n = 1; rc == TC_ENOMEM && n < 1000; n++) {
		h->n = 0;
		t->at = 0;
		mem_fail_at(n);
		rc = backtest_run(&t->source, pack, &opts, &r, &e);
		mem_fail_at(0);
	}
	ck_assert_int_eq(rc, 0);
	pack_free(pack);
	mem_free(h);
	mem_free(t);
}
END_TEST

START_TEST(wilson_intervals_are_those_of_the_books)
{
	struct share s = share_of(10, 100);

	ck_assert_double_eq_tol(s.low, 0.0552, 0.0001);
	ck_assert_double_eq_tol(s.high, 0.1744, 0.0001);
	s = share_of(0, 50);
	ck_assert_double_eq(s.low, 0);
	ck_assert_double_eq_tol(s.high, 0.0713, 0.0001);
	s = share_of(0, 0);
	ck_assert_double_eq(s.high, 0);
}
END_TEST

int
main(void)
{
	return STORIES("backtest",
		a_failure_seen_coming_counts_once_and_in_time,
		rows_after_the_failure_are_ignored,
		a_level_falls_on_a_day_without_a_row,
		rows_on_change_say_the_same_as_rows_every_day,
		sorted_by_drive_or_by_date_the_figures_agree,
		p20_shuffling_the_future_changes_no_past_verdict,
		days_near_the_end_count_only_when_their_outcome_is_known,
		going_back_in_time_is_an_error_with_a_place,
		who_listens_may_end_the_run,
		memory_is_bounded_by_devices,
		two_packs_are_told_apart_by_what_appears_and_vanishes,
		every_failed_allocation_is_reported,
		wilson_intervals_are_those_of_the_books);
}
