/*
 * mine: a planted pattern comes first, chance says nothing.
 */
#include <check.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "predict/mine.h"
#include "t/lib/story.h"

#define ITEMS 6000

static const struct mine_attribute attributes[] = {
	{ "model", MINE_HARDWARE }, { "firmware", MINE_HARDWARE },
	{ "agent", MINE_SOFTWARE }, { "rack", MINE_PLACE },
};

enum { MODEL, FIRMWARE, AGENT, RACK };

static uint64_t
dice(uint64_t seed, uint64_t i, uint64_t what)
{
	uint64_t key[2] = { i, what };

	return hash_bytes(key, sizeof(key), seed + 1) >> 11;
}

/* Chance of failing in thousandths, by what it is. */
typedef uint64_t chance_fn(const struct mine_item *item);

static uint64_t
chance_plain(const struct mine_item *item)
{
	(void)item;
	return 30;
}

static uint64_t
chance_pair(const struct mine_item *item)
{
	return item->value[MODEL] == 2 && item->value[FIRMWARE] == 3 ? 150 :
		30;
}

static uint64_t
chance_agent(const struct mine_item *item)
{
	return item->value[AGENT] == 4 ? 200 : 30;
}

static struct mine_item *
fleet(uint64_t seed, chance_fn *chance)
{
	struct mine_item *items = mem_alloc_array(ITEMS, sizeof(*items));

	ck_assert_ptr_nonnull(items);
	for (uint64_t i = 0; i < ITEMS; i++) {
		items[i].value[MODEL] = (uint32_t)(dice(seed, i, 1) % 5 + 1);
		items[i].value[FIRMWARE] = (uint32_t)(dice(seed, i, 2) % 4 + 1);
		items[i].value[AGENT] = (uint32_t)(dice(seed, i, 3) % 6);
		items[i].value[RACK] = (uint32_t)(dice(seed, i, 4) % 40 + 1);
		items[i].failed = dice(seed, i, 5) % 1000 < chance(&items[i]);
	}
	return items;
}

static struct mine_report
mine(const struct mine_item *items)
{
	struct mine_input in = mine_defaults();
	struct mine_report r;

	in.attributes = attributes;
	in.n_attributes = 4;
	in.items = items;
	in.n_items = ITEMS;
	ck_assert_int_eq(mine_run(&in, &r, NULL), 0);
	return r;
}

START_TEST(r036_a_planted_pair_comes_first)
{
	struct mine_item *items = fleet(1, chance_pair);
	struct mine_report r = mine(items);
	const struct mine_finding *f = r.findings;

	ck_assert_uint_ge(r.n, 1);
	ck_assert_uint_eq(f->attribute[0], MODEL);
	ck_assert_uint_eq(f->attribute[1], FIRMWARE);
	ck_assert_uint_eq(f->value[0], 2);
	ck_assert_uint_eq(f->value[1], 3);
	ck_assert_double_gt(f->low, 1.5);
	ck_assert_double_lt(f->low, 5);
	ck_assert_double_gt(f->high, 5);
	ck_assert_double_lt(f->q, 0.001);
	ck_assert_str_eq(mine_class_name(f->class), "hardware");
	mine_free(&r);
	mem_free(items);
}
END_TEST

START_TEST(r037_a_version_that_fails_is_of_class_software)
{
	struct mine_item *items = fleet(2, chance_agent);
	struct mine_report r = mine(items);

	ck_assert_uint_ge(r.n, 1);
	ck_assert_uint_eq(r.findings[0].attribute[0], AGENT);
	ck_assert_uint_eq(r.findings[0].attribute[1], UINT32_MAX);
	ck_assert_uint_eq(r.findings[0].value[0], 4);
	ck_assert_int_eq(r.findings[0].class, MINE_SOFTWARE);
	mine_free(&r);
	mem_free(items);
}
END_TEST

START_TEST(chance_says_nothing)
{
	size_t told = 0;

	for (uint64_t seed = 10; seed < 40; seed++) {
		struct mine_item *items = fleet(seed, chance_plain);
		struct mine_report r = mine(items);

		told += r.n;
		mine_free(&r);
		mem_free(items);
	}
	/* thirty fleets at a false-discovery rate of 1 % */
	ck_assert_uint_le(told, 2);
}
END_TEST

START_TEST(nothing_and_nobody_are_no_pattern)
{
	struct mine_item *items = fleet(3, chance_plain);
	struct mine_input in = mine_defaults();
	struct mine_report r;

	for (size_t i = 0; i < ITEMS; i++)
		items[i].failed = false;
	r = mine(items);
	ck_assert_uint_eq(r.n, 0);
	mine_free(&r);
	ck_assert_int_eq(mine_run(&in, &r, NULL), 0);
	mine_free(&r);
	in.n_attributes = MINE_ATTRIBUTES_MAX + 1;
	ck_assert_int_eq(mine_run(&in, &r, NULL), TC_EINVAL);
	mem_free(items);
}
END_TEST

int
main(void)
{
	return STORIES("mine", r036_a_planted_pair_comes_first,
		r037_a_version_that_fails_is_of_class_software, chance_says_nothing,
		nothing_and_nobody_are_no_pattern);
}
