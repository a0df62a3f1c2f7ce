/*
 * base/wheel: many coarse due times.
 */
#include <check.h>
#include <stdlib.h>

#include "base/macros.h"
#include "base/wheel.h"
#include "t/lib/story.h"

#define TICK INT64_C(10)
#define ITEMS 2000

struct item {
	struct wheel_node node;
	int64_t due;
	bool taken;
};

/* A small fixed generator: the same story in every run. */
static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

START_TEST(nothing_comes_early_nor_a_tick_late)
{
	static struct wheel w;
	static struct item items[ITEMS];
	uint64_t seed = 88172645463325252U;
	size_t left = ITEMS;

	wheel_init(&w, TICK, 12345);
	for (size_t i = 0; i < ITEMS; i++) {
		/* up to three rounds of the wheel ahead */
		items[i].due = 12345 + (int64_t)(next_random(&seed) %
			(3 * WHEEL_BUCKETS * TICK));
		wheel_add(&w, &items[i].node, items[i].due);
	}
	for (int64_t now = 12345; left > 0; now += 7) {
		struct wheel_node *node;

		while ((node = wheel_take(&w, now)) != NULL) {
			struct item *it = CONTAINER_OF(node, struct item, node);

			ck_assert(!it->taken);
			ck_assert_int_le(it->due, now);
			ck_assert_int_ge(it->due, now - 3 * TICK);
			it->taken = true;
			left--;
		}
		ck_assert_int_lt(now, 12345 + 4 * WHEEL_BUCKETS * TICK);
	}
	ck_assert_uint_eq(w.n, 0);
	ck_assert_int_eq(wheel_next(&w), 0);
}
END_TEST

START_TEST(the_next_look_is_never_after_the_next_due_time)
{
	static struct wheel w;
	struct item it = { .due = 0 };

	for (int64_t due = 1; due < 5 * WHEEL_BUCKETS * TICK; due += 37) {
		int64_t now = 0;
		int looks = 0;

		wheel_init(&w, TICK, now);
		wheel_add(&w, &it.node, due);
		while (wheel_take(&w, now) == NULL) {
			ck_assert_int_gt(wheel_next(&w), now);
			now = wheel_next(&w);
			ck_assert_int_lt(now, due + TICK);
			ck_assert_int_lt(looks++, 8);
		}
		ck_assert_int_ge(now, due);
	}
}
END_TEST

START_TEST(removing_is_harmless_and_final)
{
	static struct wheel w;
	struct item a = { .due = 0 }, b = { .due = 0 };

	wheel_init(&w, TICK, 0);
	wheel_remove(&w, &a.node);
	wheel_add(&w, &a.node, 50);
	wheel_add(&w, &b.node, 50);
	wheel_remove(&w, &a.node);
	wheel_remove(&w, &a.node);
	ck_assert(!wheel_has(&a.node));
	wheel_add(&w, &a.node, 20);
	ck_assert_int_eq(wheel_next(&w), 20);
	wheel_remove(&w, &a.node);
	ck_assert_int_eq(wheel_next(&w), 50);	/* nobody wakes for a */
	ck_assert_ptr_eq(wheel_take(&w, 100), &b.node);
	ck_assert_ptr_null(wheel_take(&w, 100000));
}
END_TEST

START_TEST(after_a_long_sleep_everything_that_is_due_comes)
{
	static struct wheel w;
	static struct item items[ITEMS];
	size_t got = 0;

	wheel_init(&w, TICK, 0);
	for (size_t i = 0; i < ITEMS; i++)
		wheel_add(&w, &items[i].node, (int64_t)i * 17);
	while (wheel_take(&w, INT64_C(1) << 50) != NULL)
		got++;
	ck_assert_uint_eq(got, ITEMS);
	wheel_add(&w, &items[0].node, 5);	/* long past: the next tick */
	ck_assert_ptr_null(wheel_take(&w, INT64_C(1) << 50));
	ck_assert_ptr_nonnull(wheel_take(&w, (INT64_C(1) << 50) + TICK));
}
END_TEST

int
main(void)
{
	return STORIES("wheel", nothing_comes_early_nor_a_tick_late,
		the_next_look_is_never_after_the_next_due_time,
		removing_is_harmless_and_final,
		after_a_long_sleep_everything_that_is_due_comes);
}
