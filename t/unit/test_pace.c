/* No more at a time than may be, whatever storm there is. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "plan/pace.h"
#include "t/lib/story.h"

#define HOUR INT64_C(3600000)

static uint64_t state;

/* A number below n; the seed is printed when a test fails. */
static uint64_t
below(uint64_t n)
{
	state = hash_bytes(&state, sizeof(state), 0x9e3779b97f4a7c15U);
	return state % n;
}

struct ledger {
	int64_t at[100000];
	size_t n;
};

static size_t
since(const struct ledger *l, int64_t from)
{
	size_t n = 0;

	for (size_t i = l->n; i > 0 && l->at[i - 1] > from; i--)
		n++;
	return n;
}

static void
assert_within(const struct ledger *l, const struct pace *p,
	const struct pace_limits *limits, int64_t now)
{
	ck_assert_uint_le(p->open, limits->at_once);
	ck_assert_uint_le(since(l, now - HOUR), limits->per_hour);
	ck_assert_uint_le(since(l, now - 24 * HOUR), limits->per_day);
}

START_TEST(r065_in_random_storms_no_limit_is_ever_passed)
{
	static struct ledger l;
	static struct pace p;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct pace_limits limits;
		int64_t now = 1767225600000;
		size_t begun = 0;

		state = seed;
		limits = (struct pace_limits){ 1 + (unsigned)below(6),
			1 + (unsigned)below(10), 1 + (unsigned)below(40) };
		memset(&p, 0, sizeof(p));
		l.n = 0;
		for (int i = 0; i < 5000; i++) {
			struct pace_counts c = { 0 };

			now += (int64_t)below(600000);
			if (p.open > 0 && below(3) == 0)
				pace_end(&p);
			pace_count(&p, (struct wall){ now }, &c);
			if (!pace_allows(&limits, &c))
				continue;
			pace_begin(&p, (struct wall){ now });
			l.at[l.n++] = now;
			begun++;
			assert_within(&l, &p, &limits, now);
		}
		/* and it is a pace, not a stop */
		ck_assert_msg(begun > 100, "seed %d", (int)seed);
	}
}
END_TEST

START_TEST(a_partition_has_the_measure_of_its_brake)
{
	const struct pace_limits own = { 0 }, set = { 1, 7, 9 };
	struct pace_limits l = pace_of_size(&own, 1000);

	ck_assert_uint_eq(l.at_once, 30);
	ck_assert_uint_eq(l.per_hour, 30);
	ck_assert_uint_eq(l.per_day, 60);
	l = pace_of_size(&own, 3);
	ck_assert_uint_eq(l.at_once, 2);
	l = pace_of_size(&set, 1000);
	ck_assert_uint_eq(l.at_once, 1);
	ck_assert_uint_eq(l.per_day, 9);
	l = pace_of_size(&own, 100000);
	ck_assert_uint_le(l.per_day, PACE_MAX);
}
END_TEST

START_TEST(a_clock_set_back_makes_nothing_possible_again)
{
	const struct pace_limits limits = { 9, 2, 9 };
	struct pace p = { 0 };
	struct pace_counts c = { 0 };

	pace_begin(&p, (struct wall){ 100 * HOUR });
	pace_begin(&p, (struct wall){ 100 * HOUR });
	pace_count(&p, (struct wall){ 2 * HOUR }, &c);
	ck_assert(!pace_allows(&limits, &c));
	pace_begin(&p, (struct wall){ 2 * HOUR });
	memset(&c, 0, sizeof(c));
	pace_count(&p, (struct wall){ 4 * HOUR }, &c);
	ck_assert_uint_eq(c.hour, 0);
	ck_assert_uint_eq(c.day, 3);
}
END_TEST

START_TEST(it_outlives_a_restart_and_damage_is_told)
{
	struct pace p = { 0 }, back = { 0 };
	struct strbuf bytes = { 0 };
	struct tc_err e = { 0 };

	for (int i = 0; i < 2 * PACE_MAX; i++)
		pace_begin(&p, (struct wall){ HOUR + i });
	pace_save(&p, &bytes);
	ck_assert_int_eq(pace_restore(bytes.p, bytes.n, &back, &e), 0);
	ck_assert_uint_eq(back.n, PACE_MAX);
	ck_assert_mem_eq(back.begun_ms, p.begun_ms, sizeof(p.begun_ms));
	ck_assert_int_eq(pace_restore(bytes.p, bytes.n - 1, &back, &e),
		TC_ECORRUPT);
	bytes.p[0] = 9;
	ck_assert_int_eq(pace_restore(bytes.p, bytes.n, &back, &e),
		TC_ECORRUPT);
	ck_assert_int_eq(pace_restore("", 0, &back, &e), TC_ECORRUPT);
	strbuf_free(&bytes);
}
END_TEST

int
main(void)
{
	return STORIES("pace",
		r065_in_random_storms_no_limit_is_ever_passed,
		a_partition_has_the_measure_of_its_brake,
		a_clock_set_back_makes_nothing_possible_again,
		it_outlives_a_restart_and_damage_is_told);
}
