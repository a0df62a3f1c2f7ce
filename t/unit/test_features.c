/*
 * predict: what is looked at beside a value: weeks ago, the week before, the
 * other counters; and what older versions saved.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "predict/eval.h"
#include "predict/features.h"
#include "t/lib/card.h"
#include "t/lib/features.h"
#include "t/lib/story.h"

/* The end of the last whole week that ended `days` ago, as a person would. */
static int32_t
week_end(int32_t day, int days)
{
	int32_t at = day - days;

	while (at % 7 != 6)
		at--;
	return at;
}

static void
weeks_agree(unsigned seed)
{
	enum { DAYS = 700 };
	struct features f = { 0 };
	uint32_t truth[DAYS], value = 0;

	for (int32_t d = 0; d < DAYS; d++) {
		int32_t then = week_end(DAY0 + d, 90) - DAY0;
		int32_t week = d - 7 < 0 ? 0 : d - 7;
		int32_t two = d - 14 < 0 ? 0 : d - 14;
		int64_t late, early;

		seed = seed * 1103515245u + 12345u;
		if ((seed >> 16) % 13 == 0)
			value = (seed >> 20) % 64;
		truth[d] = value;
		if (d == 0 || (seed >> 18) % 40 == 0 || value != truth[d - 1])
			see(&f, COUNTER_PENDING, value, DAY0 + d);
		then = then < 0 ? 0 : then;
		ck_feature(&f, "smart_197_raw.rise_90d", DAY0 + d,
			value > truth[then] ? value - truth[then] : 0);
		late = (int64_t)value - truth[week];
		early = (int64_t)truth[week] - truth[two];
		ck_feature(&f, "smart_197_raw.accel_7d", DAY0 + d,
			(late > 0 ? late : 0) - (early > 0 ? early : 0));
	}
}

START_TEST(weeks_agree_with_a_full_history)
{
	for (unsigned seed = 1; seed < 40; seed++)
		weeks_agree(seed);
}
END_TEST

START_TEST(a_rise_of_a_season_shows_for_90_days_at_least)
{
	struct features f = { 0 };

	see(&f, COUNTER_PENDING, 0, DAY0);
	see(&f, COUNTER_PENDING, 16, DAY0 + 200);
	ck_feature(&f, "smart_197_raw.rise_90d", DAY0 + 200, 16);
	ck_feature(&f, "smart_197_raw.rise_90d", DAY0 + 289, 16);
	ck_feature(&f, "smart_197_raw.rise_90d", DAY0 + 297, 0);
	ck_feature(&f, "smart_197_raw.rise_90d", DAY0 + 9000, 0);
	/* the first value is a baseline here, too */
	see(&f, COUNTER_REALLOCATED, 500, DAY0 + 201);
	ck_feature(&f, "smart_5_raw.rise_90d", DAY0 + 220, 0);
	/* and so is a decrease of reallocated sectors */
	see(&f, COUNTER_REALLOCATED, 3, DAY0 + 230);
	ck_feature(&f, "smart_5_raw.rise_90d", DAY0 + 230, 0);
	ck_assert(!ask(&f, "smart_187_raw.rise_90d", DAY0).known);
}
END_TEST

START_TEST(what_grows_faster_is_told_from_what_grows_slower)
{
	struct features f = { 0 };

	see(&f, COUNTER_REALLOCATED, 0, DAY0);
	see(&f, COUNTER_REALLOCATED, 10, DAY0 + 30);
	ck_feature(&f, "smart_5_raw.accel_7d", DAY0 + 36, 10);
	see(&f, COUNTER_REALLOCATED, 40, DAY0 + 37);
	ck_feature(&f, "smart_5_raw.accel_7d", DAY0 + 37, 20);
	ck_feature(&f, "smart_5_raw.accel_7d", DAY0 + 44, -30);
	ck_feature(&f, "smart_5_raw.accel_7d", DAY0 + 51, 0);
	ck_assert(stat_may_be_negative(STAT_ACCEL_7D));
}
END_TEST

START_TEST(trouble_that_comes_back_is_counted)
{
	struct features f = { 0 };

	see(&f, COUNTER_PENDING, 0, DAY0);
	see(&f, COUNTER_PENDING, 8, DAY0 + 1);
	ck_feature(&f, "smart_197_raw.recurrences", DAY0 + 1, 0);
	/* growing on is no return */
	see(&f, COUNTER_PENDING, 16, DAY0 + 20);
	ck_feature(&f, "smart_197_raw.recurrences", DAY0 + 20, 0);
	/* back at 0, then again; twice on one day is once */
	see(&f, COUNTER_PENDING, 0, DAY0 + 21);
	see(&f, COUNTER_PENDING, 8, DAY0 + 22);
	see(&f, COUNTER_PENDING, 24, DAY0 + 22);
	ck_feature(&f, "smart_197_raw.recurrences", DAY0 + 22, 1);
	/* still for 30 days, then again */
	see(&f, COUNTER_PENDING, 25, DAY0 + 52);
	ck_feature(&f, "smart_197_raw.recurrences", DAY0 + 52, 2);
	/* bad at first sight: who knows for how long it had been still */
	see(&f, COUNTER_REALLOCATED, 8, DAY0 + 60);
	see(&f, COUNTER_REALLOCATED, 9, DAY0 + 61);
	ck_feature(&f, "smart_5_raw.recurrences", DAY0 + 61, 0);
}
END_TEST

START_TEST(counters_that_disagree_are_told)
{
	struct features f = { 0 };

	ck_assert(!ask(&f, "device.pending_gap", DAY0).known);
	see(&f, COUNTER_PENDING, 24, DAY0);
	ck_assert(!ask(&f, "device.pending_gap", DAY0).known);
	see(&f, COUNTER_OFFLINE, 0, DAY0);
	ck_feature(&f, "device.pending_gap", DAY0, 24);
	see(&f, COUNTER_OFFLINE, 40, DAY0 + 1);
	ck_feature(&f, "device.pending_gap", DAY0 + 1, 16);
}
END_TEST

START_TEST(errors_without_a_bad_sector_are_told)
{
	static const char name[] = "device.unconfirmed_30d";
	struct features f = { 0 };

	see(&f, COUNTER_REPORTED, 0, DAY0);
	see(&f, COUNTER_PENDING, 0, DAY0);
	ck_assert(!ask(&f, name, DAY0).known);
	see(&f, COUNTER_REALLOCATED, 0, DAY0);
	ck_feature(&f, name, DAY0, 0);
	see(&f, COUNTER_REPORTED, 3, DAY0 + 40);
	ck_feature(&f, name, DAY0 + 69, 3);
	ck_feature(&f, name, DAY0 + 70, 0);
	see(&f, COUNTER_REALLOCATED, 8, DAY0 + 42);
	ck_feature(&f, name, DAY0 + 42, 0);
}
END_TEST

START_TEST(a_negative_bound_is_only_for_what_may_be_negative)
{
	struct strbuf text = { 0 };
	struct pack *pack = card_load_file("t/fuzz/seeds/pack/beside.json",
		&text), *none = NULL;
	struct tc_err e = { 0 };
	char *at = strstr(text.p, "{\"ge\": 8, \"hundredths\": 50}");

	ck_assert_uint_eq(pack->ranks, 1u << COUNTER_PENDING |
		1u << COUNTER_REALLOCATED);
	memcpy(at, "{\"ge\":-8,", 9);
	ck_assert_int_eq(pack_parse(text.p, text.n, &none, &e), TC_EINVAL);
	ck_assert_msg(strstr(e.text, "/rules/0/bins/0/ge: must be 0"), "%s",
		e.text);
	pack_free(pack);
	strbuf_free(&text);
}
END_TEST

START_TEST(each_look_beside_gives_a_row_and_recomputes)
{
	struct pack *pack = card_beside();
	struct features f = { 0 };
	struct verdict v, again;
	struct tc_err e = { 0 };
	bool open;

	see(&f, COUNTER_PENDING, 0, DAY0);
	see(&f, COUNTER_OFFLINE, 0, DAY0);
	see(&f, COUNTER_PENDING, 8, DAY0 + 1);
	see(&f, COUNTER_PENDING, 0, DAY0 + 3);
	see(&f, COUNTER_PENDING, 24, DAY0 + 60);
	ck_assert(features_rank(&f, COUNTER_PENDING, 975));
	eval_device(pack, &f, "", wall_from_days(DAY0 + 60), &v);
	ck_assert_int_eq(v.score, -100 + 50 + 70 + 40 + 90 + 30);
	ck_assert_str_eq(v.evidence[0].stat, "peers_below");
	ck_assert_int_eq(v.evidence[0].value, 975);
	ck_assert_int_eq(v.level, LEVEL_IMMINENT);
	ck_assert_int_eq(eval_recompute(pack, &v, &again, &e), 0);
	ck_assert_mem_eq(&v, &again, sizeof(v));
	/* a week later it grows slower than before */
	eval_device(pack, &f, "", wall_from_days(DAY0 + 67), &v);
	ck_assert_int_eq(v.score, -100 + 50 + 40 + 90 + 30);
	ck_assert_int_eq(v.score, eval_score(pack, &f, NULL, DAY0 + 67, &open));
	ck_assert_int_eq(eval_recompute(pack, &v, &again, &e), 0);
	pack_free(pack);
}
END_TEST

static void
live(struct features *f, unsigned seed, int32_t from, int32_t days)
{
	for (int32_t d = 0; d < days; d++)
		for (int c = 0; c < COUNTER_N; c++) {
			seed = seed * 1103515245u + 12345u;
			if ((seed >> 16) % 17 == 0)
				see(f, (enum counter)c, (seed >> 19) % 90,
					from + d);
		}
}

START_TEST(ranks_weeks_and_returns_survive_a_restart)
{
	struct pack *pack = card_beside();
	unsigned char bytes[FEATURES_SAVED_MAX], again[FEATURES_SAVED_MAX];
	struct verdict a, b;

	for (unsigned seed = 1; seed < 100; seed++) {
		struct features f = { 0 }, g;
		int32_t day = DAY0 + (int32_t)(seed * 5);
		size_t n;

		live(&f, seed, DAY0, day - DAY0);
		(void)features_rank(&f, COUNTER_PENDING, (int)seed * 10);
		n = features_save(&f, bytes);
		ck_assert_uint_eq(bytes[1], 3);
		ck_assert_int_eq(features_restore(bytes, n, &g, NULL), 0);
		ck_assert_uint_eq(features_save(&g, again), n);
		ck_assert_mem_eq(bytes, again, n);
		live(&f, seed + 7, day, 100);
		live(&g, seed + 7, day, 100);
		eval_device(pack, &f, "", wall_from_days(day + 130), &a);
		eval_device(pack, &g, "", wall_from_days(day + 130), &b);
		ck_assert_mem_eq(&a, &b, sizeof(a));
	}
	pack_free(pack);
}
END_TEST

static size_t
put(unsigned char *to, size_t at, uint64_t v, size_t n)
{
	le_put(to + at, v, n);
	return at + n;
}

/* One counter, 197: 0, then 16 on DAY0 + 50; as version 1 or 2 wrote it. */
static size_t
saved_before(unsigned char *to, unsigned version)
{
	size_t n = put(to, 0, 0x46, 1);

	n = put(to, n, version, 1);
	n = put(to, n, 1u << COUNTER_PENDING, 4);
	n = put(to, n, DAY0, 4);
	n = put(to, n, DAY0 + 60, 4);
	n = put(to, n, DAY0 + 50, 4);
	n = put(to, n, (uint64_t)wall_from_days(DAY0 + 60).ms, 8);
	n = put(to, n, 16, 4);
	n = put(to, n, 0, 4);
	n = put(to, n, 16, 4);
	n = put(to, n, 1, 4);
	n = put(to, n, DAY0, 4);
	n = put(to, n, DAY0 + 50, 4);
	n = put(to, n, 0, 8);
	n = put(to, n, 0, 4);
	if (version == 2)
		n = put(to, n, DAY0 + 50, 4);
	for (int i = 0; i < FEATURE_SLOTS; i++) {
		int32_t back = (DAY0 + 60 - i) % FEATURE_SLOTS;

		n = put(to, n, back > 10 ? 0 : 16, 4);
	}
	return n;
}

START_TEST(what_older_versions_saved_is_read)
{
	for (unsigned version = 1; version <= 2; version++) {
		unsigned char bytes[FEATURES_SAVED_MAX];
		size_t n = saved_before(bytes, version);
		struct tc_err e = { 0 };
		struct features f;

		ck_assert_msg(features_restore(bytes, n, &f, &e) == 0, "%s",
			e.text);
		ck_feature(&f, "smart_197_raw.now", DAY0 + 60, 16);
		ck_feature(&f, "smart_197_raw.rise_30d", DAY0 + 60, 16);
		ck_feature(&f, "smart_197_raw.days_nonzero", DAY0 + 60, 10);
		/* the weeks that the days still told */
		ck_feature(&f, "smart_197_raw.rise_90d", DAY0 + 120, 16);
		ck_feature(&f, "smart_197_raw.rise_90d", DAY0 + 150, 0);
		ck_feature(&f, "smart_197_raw.recurrences", DAY0 + 60, 0);
		/* nobody ranked it: unknown, not zero */
		ck_assert(!ask(&f, "smart_197_raw.peers_below", DAY0 + 60).known);
		bytes[1] = 4;
		ck_assert_int_eq(features_restore(bytes, n, &f, &e), TC_ENEWER);
	}
}
END_TEST

int
main(void)
{
	return STORIES("features",
		weeks_agree_with_a_full_history,
		a_rise_of_a_season_shows_for_90_days_at_least,
		what_grows_faster_is_told_from_what_grows_slower,
		trouble_that_comes_back_is_counted,
		counters_that_disagree_are_told,
		errors_without_a_bad_sector_are_told,
		a_negative_bound_is_only_for_what_may_be_negative,
		each_look_beside_gives_a_row_and_recomputes,
		ranks_weeks_and_returns_survive_a_restart,
		what_older_versions_saved_is_read);
}
