/*
 * base/slab: items that do not move, by number.
 */
#include <check.h>

#include "base/mem.h"
#include "base/slab.h"
#include "t/lib/story.h"

struct item {
	struct slab_node node;
	int value;
};

START_TEST(items_keep_their_place_and_number)
{
	struct slab s;
	struct item *items[3000];
	uint32_t at = 0;
	int n = 0;

	slab_init(&s, sizeof(struct item), 100000);
	for (int i = 0; i < 3000; i++) {
		items[i] = slab_take(&s);
		ck_assert_int_eq(items[i]->value, 0);
		items[i]->value = i;
	}
	for (int i = 0; i < 3000; i++)
		ck_assert_ptr_eq(slab_get(&s, slab_index(&items[i]->node)),
			items[i]);
	ck_assert_uint_eq(s.used, 3000);
	for (struct item *it; (it = slab_next(&s, &at)) != NULL; n++)
		ck_assert_int_eq(it->value, (int)slab_index(&it->node));
	ck_assert_int_eq(n, 3000);
	slab_free(&s);
}
END_TEST

START_TEST(what_was_given_back_is_gone_and_comes_back_clean)
{
	struct slab s;
	struct item *a, *b;
	uint32_t index;

	slab_init(&s, sizeof(struct item), 10);
	a = slab_take(&s);
	a->value = 7;
	index = slab_index(&a->node);
	slab_give(&s, a);
	ck_assert_ptr_null(slab_get(&s, index));
	b = slab_take(&s);
	ck_assert_uint_eq(slab_index(&b->node), index);
	ck_assert_int_eq(b->value, 0);
	ck_assert_ptr_null(slab_get(&s, 999999));
	slab_free(&s);
	ck_assert_ptr_null(slab_get(&s, 0));
}
END_TEST

START_TEST(there_is_an_end)
{
	struct slab s;
	int n = 0;

	slab_init(&s, sizeof(struct item), 1500);	/* whole blocks */
	while (slab_take(&s) != NULL)
		n++;
	ck_assert_int_eq(n, 1536);
	slab_free(&s);
	for (long fail = 1; fail <= 2; fail++) {
		mem_fail_at(fail);
		ck_assert_ptr_null(slab_take(&s));
		mem_fail_at(0);
	}
	ck_assert_ptr_nonnull(slab_take(&s));
	slab_free(&s);
}
END_TEST

START_TEST(the_memory_of_a_rush_goes_when_all_is_given_back)
{
	struct item *items[3000];
	struct slab s;
	uint32_t at = 0;
	size_t most;

	slab_init(&s, sizeof(struct item), 100000);
	for (int i = 0; i < 3000; i++)
		items[i] = slab_take(&s);
	most = s.n_blocks;
	for (int i = 0; i < 2999; i++)
		slab_give(&s, items[i]);
	ck_assert_uint_eq(s.n_blocks, most);
	ck_assert_int_ge(items[2999]->value, 0);
	slab_give(&s, items[2999]);
	ck_assert_uint_lt(s.n_blocks, most / 4);
	ck_assert_ptr_null(slab_next(&s, &at));
	ck_assert_ptr_null(slab_get(&s, 2999));
	for (int i = 0; i < 3000; i++) {
		items[i] = slab_take(&s);
		ck_assert_int_eq((int)slab_index(&items[i]->node), i);
	}
	ck_assert_uint_eq(s.n_blocks, most);
	slab_free(&s);
}
END_TEST

int
main(void)
{
	return STORIES("slab", items_keep_their_place_and_number,
		what_was_given_back_is_gone_and_comes_back_clean,
		there_is_an_end,
		the_memory_of_a_rush_goes_when_all_is_given_back);
}
