/*
 * base: time, errors, memory, strings, tables.
 */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/intern.h"
#include "base/mem.h"
#include "base/queue.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "t/lib/story.h"

START_TEST(every_day_of_4000_years_has_one_number)
{
	struct date d = { 1, 1, 1 };
	int32_t day = date_to_days(d);

	for (; d.year < 4001; day++) {
		d = date_from_days(day);
		ck_assert_int_eq(date_to_days(d), day);
		ck_assert(date_is_valid(d));
	}
	ck_assert_int_eq(date_to_days((struct date){ 1970, 1, 1 }), 0);
	ck_assert_int_eq(date_to_days((struct date){ 2000, 3, 1 }), 11017);
}
END_TEST

START_TEST(leap_days_are_where_gregory_put_them)
{
	static const struct { int year; bool leap; } years[] = {
		{ 2000, true }, { 2012, true }, { 2024, true }, { 2028, true },
		{ 1900, false }, { 2100, false }, { 2023, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(years); i++)
		ck_assert(date_is_valid((struct date){ years[i].year, 2, 29 }) ==
			years[i].leap);
	ck_assert(!date_is_valid((struct date){ 2024, 2, 30 }));
	ck_assert(!date_is_valid((struct date){ 2024, 13, 1 }));
}
END_TEST

static int64_t
parsed(const char *text)
{
	struct wall w;

	return wall_parse(text, strlen(text), &w) == 0 ? w.ms : INT64_MIN;
}

START_TEST(wall_times_round_trip)
{
	static const int64_t times[] = { 0, -1, 1, 951782399999, 951782400000,
		INT64_C(2147483648000), INT64_C(4107542400000), -86400001 };
	char text[WALL_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		wall_format((struct wall){ times[i] }, text, sizeof(text));
		ck_assert_msg(parsed(text) == times[i], "%s", text);
	}
	ck_assert_str_eq(wall_format((struct wall){ INT64_C(2147483648000) },
		text, sizeof(text)), "2038-01-19T03:14:08.000Z");
	ck_assert_int_eq(parsed("2026-01-01T02:00:00+02:00"),
		parsed("2026-01-01T00:00:00Z"));
	ck_assert_int_eq(parsed("2016-12-31T23:59:60Z"),
		parsed("2017-01-01T00:00:00Z"));
}
END_TEST

START_TEST(wrong_wall_times_are_refused)
{
	static const char *const bad[] = { "", "2026", "2026-02-29T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z", "2026-01-01T00:00:00",
		"2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+2:00",
		"2026-01-01T00:00:00ZZ", "2026-1-01T00:00:00.00Z" };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(parsed(bad[i]) == INT64_MIN, "%s", bad[i]);
}
END_TEST

START_TEST(a_wall_clock_set_back_is_an_error_not_a_length)
{
	struct dur d = { 42 };

	ck_assert_int_eq(wall_diff((struct wall){ 5 }, (struct wall){ 7 }, &d),
		TC_ERANGE);
	ck_assert_int_eq(d.ns, 42);
	ck_assert_int_eq(wall_diff((struct wall){ 7 }, (struct wall){ 5 }, &d), 0);
	ck_assert_int_eq(d.ns, 2000000);
	ck_assert_int_eq(wall_diff((struct wall){ INT64_MAX },
		(struct wall){ INT64_MIN }, &d), TC_ERANGE);
}
END_TEST

START_TEST(errors_gain_nouns)
{
	struct tc_err e = { 0 };

	tc_fail(&e, TC_ERANGE, "unknown unit '%s'", "sek");
	ck_assert_int_eq(tc_wrap(&e, "line %d", 12), TC_ERANGE);
	ck_assert_int_eq(tc_wrap(&e, "tocsin.yaml"), TC_ERANGE);
	ck_assert_str_eq(e.text, "tocsin.yaml: line 12: unknown unit 'sek'");
	for (int i = 0; i < 200; i++)
		tc_wrap(&e, "a long noun");
	ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
	ck_assert_int_eq(tc_fail(NULL, TC_EIO, "x"), TC_EIO);
	ck_assert_str_eq(tc_err_id(TC_ETIMEOUT), "timeout");
}
END_TEST

START_TEST(doubles_read_back_the_same)
{
	static const double values[] = { 0, -0.0, 1, -1, 0.1, 1e300, 5e-324,
		9007199254740993.0, 123456.789, 1e15, 1.0 / 3 };
	struct strbuf sb = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		double back;

		strbuf_reset(&sb);
		strbuf_put_double(&sb, values[i]);
		ck_assert_int_eq(double_parse(sb.p, sb.n, &back), 0);
		ck_assert_msg(back == values[i] &&
			signbit(back) == signbit(values[i]), "%s", sb.p);
	}
	strbuf_free(&sb);
}
END_TEST

START_TEST(an_empty_buffer_with_room_is_an_empty_text)
{
	struct strbuf sb = { 0 };

	/* memory that was used before */
	strbuf_puts(&sb, "{\"role\":\"admin\"}");
	strbuf_free(&sb);
	ck_assert_ptr_nonnull(strbuf_reserve(&sb, 0));
	ck_assert_str_eq(sb.p, "");
	strbuf_puts(&sb, "abc");
	ck_assert_ptr_nonnull(strbuf_reserve(&sb, 1000));
	ck_assert_str_eq(sb.p, "abc");
	strbuf_free(&sb);
}
END_TEST

START_TEST(durations_and_sizes)
{
	struct tc_err e = { 0 };
	struct dur d = { 0 };
	uint64_t size = 0;
	struct strbuf sb = { 0 };

	ck_assert_int_eq(dur_parse("15s", &d, &e), 0);
	ck_assert_int_eq(d.ns, 15000000000);
	dur_print(&sb, d);
	ck_assert_str_eq(sb.p, "15s");
	strbuf_free(&sb);
	ck_assert_int_eq(dur_parse("0", &d, &e), 0);
	ck_assert_int_eq(dur_parse("15", &d, &e), TC_EINVAL);
	ck_assert_str_eq(e.text, "'15': the unit is missing; one of ms s m h d");
	ck_assert_int_eq(dur_parse("1.5s", &d, &e), TC_EINVAL);
	ck_assert_str_eq(e.text, "'1.5s' is not a whole number; 1.5s is 1500ms");
	ck_assert_int_eq(dur_parse("15sek", &d, &e), TC_EINVAL);
	ck_assert_str_eq(e.text, "'15sek': unknown unit 'sek'; one of ms s m h d");
	ck_assert_int_eq(dur_parse("-1s", &d, &e), TC_EINVAL);
	ck_assert_int_eq(dur_parse("99999999999999d", &d, &e), TC_ERANGE);
	ck_assert_int_eq(size_parse("64MiB", &size, &e), 0);
	ck_assert_uint_eq(size, (uint64_t)64 << 20);
	ck_assert_int_eq(size_parse("64MB", &size, &e), TC_EINVAL);
	ck_assert_int_eq(size_parse("99999999999TiB", &size, &e), TC_ERANGE);
	ck_assert_uint_eq(edit_distance("intervall", "interval", 3), 1);
	ck_assert_uint_eq(edit_distance("abc", "xyz", 2), 3);
}
END_TEST

START_TEST(numbers_are_whole_or_nothing)
{
	uint64_t u = 7;
	int64_t i = 7;
	double x = 7;

	ck_assert_int_eq(u64_parse("18446744073709551615", 20, &u), 0);
	ck_assert_uint_eq(u, UINT64_MAX);
	ck_assert_int_eq(u64_parse("18446744073709551616", 20, &u), TC_ERANGE);
	ck_assert_int_eq(i64_parse("-9223372036854775808", 20, &i), 0);
	ck_assert_int_eq(i, INT64_MIN);
	ck_assert_int_eq(i64_parse("-", 1, &i), TC_EINVAL);
	ck_assert_int_eq(double_parse("1.5x", 4, &x), TC_EINVAL);
	ck_assert_int_eq(double_parse("0x10", 4, &x), TC_EINVAL);
	ck_assert_int_eq(double_parse("1e999", 5, &x), TC_ERANGE);
}
END_TEST

struct item { struct heap_node node; int64_t due; };

START_TEST(heap_gives_the_earliest_whatever_is_removed)
{
	enum { N = 500 };
	struct item items[N] = { 0 };
	struct heap h = { 0 };
	int64_t last = INT64_MIN;
	size_t out = 0;

	for (size_t i = 0; i < N; i++) {
		items[i].due = (int64_t)(hash_bytes(&i, sizeof(i), 1) % 100);
		ck_assert_int_eq(heap_push(&h, &items[i].node, items[i].due), 0);
	}
	for (size_t i = 0; i < N; i += 3)
		heap_remove(&h, &items[i].node);
	heap_remove(&h, &items[0].node);
	for (struct heap_node *n; (n = heap_pop(&h)) != NULL; out++) {
		ck_assert_int_ge(n->key, last);
		last = n->key;
	}
	ck_assert_uint_eq(out, N - (N + 2) / 3);
	heap_free(&h);
}
END_TEST

START_TEST(hash_keeps_what_it_was_given)
{
	enum { N = 5000 };
	static char keys[N][16];
	struct hash h = { .seed = 12345 };
	size_t seen = 0, at = 0;

	for (size_t i = 0; i < N; i++) {
		snprintf(keys[i], sizeof(keys[i]), "key%zu", i);
		ck_assert_int_eq(hash_put_str(&h, keys[i], keys[i]), 0);
	}
	for (size_t i = 0; i < N; i += 2)
		ck_assert_ptr_eq(hash_remove_str(&h, keys[i]), keys[i]);
	for (size_t i = 0; i < N; i++)
		ck_assert_ptr_eq(hash_get_str(&h, keys[i]),
			i % 2 != 0 ? keys[i] : NULL);
	while (hash_next(&h, &at) != NULL)
		seen++;
	ck_assert_uint_eq(seen, N / 2);
	hash_free(&h);
}
END_TEST

START_TEST(names_have_one_number)
{
	struct intern in = { .max = 2 };
	uint32_t a = intern_put(&in, "alpha", 5);

	ck_assert_uint_eq(a, 1);
	ck_assert_uint_eq(intern_put(&in, "alpha", 5), a);
	ck_assert_uint_eq(intern_put(&in, "beta", 4), 2);
	ck_assert_uint_eq(intern_put(&in, "gamma", 5), 0);
	ck_assert_str_eq(intern_name(&in, 2), "beta");
	ck_assert_ptr_null(intern_name(&in, 3));
	intern_free(&in);
}
END_TEST

START_TEST(arena_is_zeroed_bounded_and_reusable)
{
	struct arena a = { .limit = 100000 };

	for (int round = 0; round < 3; round++) {
		for (size_t i = 1; i < 300; i++) {
			unsigned char *p = arena_alloc(&a, i);

			ck_assert_ptr_nonnull(p);
			ck_assert_uint_eq((uintptr_t)p % 16, 0);
			for (size_t k = 0; k < i; k++)
				ck_assert_uint_eq(p[k], 0);
			memset(p, 0xff, i);
		}
		ck_assert_ptr_null(arena_alloc(&a, 100000));
		arena_reset(&a);
	}
	arena_free(&a);
}
END_TEST

START_TEST(no_failed_allocation_breaks_a_string)
{
	for (long n = 1; n < 20; n++) {
		struct strbuf sb = { 0 };
		char *text;

		mem_fail_at(n);
		for (int i = 0; i < 100; i++)
			strbuf_printf(&sb, "%d ", i);
		mem_fail_at(0);
		text = strbuf_take(&sb);
		ck_assert(text == NULL || strlen(text) == 290);
		mem_free(text);
	}
}
END_TEST

static void *
push_thousand(void *arg)
{
	static int item;

	for (int i = 0; i < 1000; i++)
		while (queue_push(arg, &item) == TC_EFULL)
			sched_yield();
	return NULL;
}

/* Filled to its cap twice, the second time across the end of the ring. */
START_TEST(a_queue_keeps_the_order_while_it_grows)
{
	enum { MOST = 3000 };
	static char items[MOST];
	struct queue *q = queue_new(MOST, NULL, NULL);
	size_t in = 0, out = 0;

	for (int round = 0; round < 2; round++) {
		for (; in < out + 400; in++)
			ck_assert_int_eq(queue_push(q, &items[in % MOST]), 0);
		for (size_t end = in - 100; out < end; out++)
			ck_assert_ptr_eq(queue_try_pop(q), &items[out % MOST]);
		for (; in < out + MOST; in++)
			ck_assert_int_eq(queue_push(q, &items[in % MOST]), 0);
		ck_assert_int_eq(queue_push(q, q), TC_EFULL);
		ck_assert_uint_eq(queue_len(q), MOST);
		for (; out < in; out++)
			ck_assert_ptr_eq(queue_try_pop(q), &items[out % MOST]);
		ck_assert_ptr_null(queue_try_pop(q));
	}
	queue_free(q, NULL);
}
END_TEST

START_TEST(queue_loses_nothing_between_threads)
{
	struct queue *q = queue_new(16, NULL, NULL);
	pthread_t threads[4];
	int got = 0;

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_create(&threads[i], NULL, push_thousand, q);
	while (got < 4000 && queue_pop(q, dur_s(10)) != NULL)
		got++;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(got, 4000);
	ck_assert_ptr_null(queue_pop(q, dur_ms(1)));
	queue_close(q);
	ck_assert_int_eq(queue_push(q, q), TC_ECLOSED);
	queue_free(q, NULL);
}
END_TEST

START_TEST(files_are_old_or_new)
{
	char dir[] = "/tmp/tocsin-base-XXXXXX";
	char path[64], sub[64];
	struct strbuf sb = { 0 };
	struct tc_err e = { 0 };

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/a/b", dir);
	snprintf(path, sizeof(path), "%s/a/b/f", dir);
	ck_assert_int_eq(file_make_dirs(sub, 0700, &e), 0);
	ck_assert_int_eq(file_write_atomic(path, "one", 3, 0600, &e), 0);
	ck_assert_int_eq(file_write_atomic(path, "three", 5, 0600, &e), 0);
	ck_assert_int_eq(file_slurp(path, 0, &sb, &e), 0);
	ck_assert_str_eq(sb.p, "three");
	strbuf_reset(&sb);
	ck_assert_int_eq(file_slurp(path, 4, &sb, &e), TC_EFULL);
	unlink(path);
	ck_assert_int_eq(file_slurp(path, 4, &sb, &e), TC_ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, path));
	strbuf_free(&sb);
	rmdir(sub);
	snprintf(sub, sizeof(sub), "%s/a", dir);
	rmdir(sub);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	return STORIES("base", every_day_of_4000_years_has_one_number,
		leap_days_are_where_gregory_put_them,
		wall_times_round_trip, wrong_wall_times_are_refused,
		a_wall_clock_set_back_is_an_error_not_a_length,
		errors_gain_nouns, doubles_read_back_the_same,
		an_empty_buffer_with_room_is_an_empty_text,
		durations_and_sizes, numbers_are_whole_or_nothing,
		heap_gives_the_earliest_whatever_is_removed,
		hash_keeps_what_it_was_given, names_have_one_number,
		arena_is_zeroed_bounded_and_reusable,
		no_failed_allocation_breaks_a_string,
		a_queue_keeps_the_order_while_it_grows,
		queue_loses_nothing_between_threads, files_are_old_or_new);
}
