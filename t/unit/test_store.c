/*
 * The store's own small parts: packed values, maps of ids.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/forget.h"
#include "store/idmap.h"
#include "store/pack.h"
#include "store/patience.h"
#include "store/slot.h"
#include "store/token.h"
#include "t/lib/story.h"

static uint64_t
bits_of(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static size_t
pack_all(unsigned char *out, const enum tocsin_sample_type *types,
	const uint64_t *values, size_t n)
{
	struct packer p;

	pack_begin(&p, out, n);
	for (size_t i = 0; i < n; i++)
		pack_value(&p, types[i], values[i]);
	return pack_end(&p);
}

/* Each value alone, so that its size shows. */
static size_t
round_trip(enum tocsin_sample_type type, uint64_t bits)
{
	unsigned char out[16];
	struct unpacker u;
	uint64_t back = ~bits;
	size_t n = pack_all(out, &type, &bits, 1);

	ck_assert_uint_le(n, pack_bound(1));
	ck_assert_int_eq(unpack_begin(&u, out, n, 1), 0);
	ck_assert_int_eq(unpack_at(&u, 0, type, &back), 0);
	ck_assert(back == bits);
	return n - 2;
}

START_TEST(common_values_are_short)
{
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(0.0)), 0);
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(1.0)), 1);
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(255.0)), 1);
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(0.5)), 2);
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(33.25)), 3);
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(123456789.0)), 4);
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(-0.0)), 1);
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(INFINITY)), 2);
	ck_assert_uint_eq(round_trip(TOCSIN_F64, bits_of(0.1)), 8);
	ck_assert_uint_eq(round_trip(TOCSIN_U64, 0), 0);
	ck_assert_uint_eq(round_trip(TOCSIN_U64, 16), 1);
	ck_assert_uint_eq(round_trip(TOCSIN_U64, UINT64_MAX), 8);
	ck_assert_uint_eq(round_trip(TOCSIN_I64, (uint64_t)-1), 1);
	ck_assert_uint_eq(round_trip(TOCSIN_I64, (uint64_t)INT64_MIN), 8);
}
END_TEST

START_TEST(every_bit_pattern_comes_back)
{
	uint64_t seed = 7;

	for (int i = 0; i < 64; i++) {
		for (int k = 0; k < 64; k++) {
			uint64_t bits = UINT64_C(1) << i | UINT64_C(1) << k;

			round_trip(TOCSIN_F64, bits);
			round_trip(TOCSIN_F64, ~bits);
			round_trip(TOCSIN_U64, bits);
			round_trip(TOCSIN_I64, ~bits);
		}
		round_trip(TOCSIN_F64, bits_of(ldexp(1, i)));
		round_trip(TOCSIN_F64, bits_of(ldexp(1, i) + 1));
		round_trip(TOCSIN_F64, bits_of(ldexp(1, i) - 1));
	}
	round_trip(TOCSIN_F64, bits_of(NAN));
	round_trip(TOCSIN_F64, UINT64_C(0x7ff8000000000001));
	round_trip(TOCSIN_F64, UINT64_C(0xfff0dead00beef00));
	for (int i = 0; i < 200000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		round_trip(TOCSIN_F64, seed >> (i % 64));
		round_trip(TOCSIN_I64, seed << (i % 64));
	}
}
END_TEST

START_TEST(any_value_of_a_row_is_reached)
{
	enum tocsin_sample_type types[100];
	uint64_t values[100], back;
	unsigned char out[1024];
	struct unpacker u;
	size_t n;

	for (size_t i = 0; i < 100; i++) {
		types[i] = (enum tocsin_sample_type)(i % 3);
		values[i] = i % 5 == 0 ? 0 : UINT64_C(0x9e3779b97f4a7c15) *
			i >> (i % 64);
	}
	n = pack_all(out, types, values, 100);
	for (size_t i = 0; i < 100; i++) {
		ck_assert_int_eq(unpack_begin(&u, out, n, 100), 0);
		ck_assert_int_eq(unpack_at(&u, i, types[i], &back), 0);
		ck_assert(back == values[i]);
		ck_assert_int_eq(unpack_at(&u, i, types[i], &back), 0);
		ck_assert(back == values[i]);
		if (i > 0)
			ck_assert_int_eq(unpack_at(&u, i - 1, types[i - 1],
				&back), TC_ECORRUPT);
	}
	ck_assert_int_eq(unpack_at(&u, 100, TOCSIN_F64, &back), TC_ECORRUPT);
}
END_TEST

START_TEST(cut_or_strange_rows_are_errors)
{
	enum tocsin_sample_type types[3] = { TOCSIN_F64, TOCSIN_F64, TOCSIN_U64 };
	uint64_t values[3] = { bits_of(0.1), bits_of(0.2), 7 }, back;
	unsigned char out[64], *cut;
	struct unpacker u;
	size_t n = pack_all(out, types, values, 3);

	for (size_t i = 0; i < n; i++) {
		cut = malloc(i == 0 ? 1 : i);
		memcpy(cut, out, i);
		if (unpack_begin(&u, cut, i, 3) == 0)
			ck_assert_int_eq(unpack_at(&u, 2, types[2], &back),
				TC_ECORRUPT);
		free(cut);
	}
	out[0] = 9;
	ck_assert_int_eq(unpack_begin(&u, out, n, 3), TC_EUNSUP);
	ck_assert_int_eq(unpack_begin(&u, out, 1, 1000), TC_ECORRUPT);
}
END_TEST

START_TEST(a_row_without_values_is_a_row)
{
	unsigned char out[4];
	struct unpacker u;
	size_t n = pack_all(out, NULL, NULL, 0);

	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(unpack_begin(&u, out, n, 0), 0);
}
END_TEST

START_TEST(a_map_of_ids_keeps_all_of_them)
{
	struct idmap m = { 0 };

	ck_assert_ptr_null(idmap_get(&m, 1));
	for (uint64_t i = 1; i <= 100000; i++)
		ck_assert_int_eq(idmap_put(&m, i << 32 | 5, (uint32_t)i), 0);
	ck_assert_uint_eq(m.n, 100000);
	for (uint64_t i = 1; i <= 100000; i++)
		ck_assert_uint_eq(*idmap_get(&m, i << 32 | 5), i);
	ck_assert_ptr_null(idmap_get(&m, 5));
	ck_assert_int_eq(idmap_put(&m, UINT64_C(1) << 32 | 5, 9), 0);
	ck_assert_uint_eq(*idmap_get(&m, UINT64_C(1) << 32 | 5), 9);
	ck_assert_uint_eq(m.n, 100000);
	idmap_free(&m);
	mem_fail_at(1);
	ck_assert_int_eq(idmap_put(&m, 1, 1), TC_ENOMEM);
	mem_fail_at(2);
	ck_assert_int_eq(idmap_put(&m, 1, 1), TC_ENOMEM);
	mem_fail_at(0);
	idmap_free(&m);
}
END_TEST

START_TEST(slots_go_down_to_the_past)
{
	ck_assert_int_eq(slot_of((struct wall){ 0 }), 0);
	ck_assert_int_eq(slot_of((struct wall){ 59999 }), 0);
	ck_assert_int_eq(slot_of((struct wall){ 60000 }), 1);
	ck_assert_int_eq(slot_of((struct wall){ -1 }), -1);
	ck_assert_int_eq(slot_of((struct wall){ -60000 }), -1);
	ck_assert_int_eq(slot_of((struct wall){ -60001 }), -2);
}
END_TEST

static struct wall
at(const char *text)
{
	struct wall w;

	ck_assert_msg(wall_parse(text, strlen(text), &w) == 0, "%s", text);
	return w;
}

/* In Azure's night each certificate made then ended on 29 February 2013. */
START_TEST(r133_r130_a_token_made_on_a_leap_day_ends_on_a_day_that_is)
{
	static const struct { const char *made; int days; const char *ends; }
	rows[] = {
		{ "2028-02-29T00:00:00Z", 365, "2029-02-28T00:00:00.000Z" },
		{ "2028-02-29T23:59:59Z", 366, "2029-03-01T23:59:59.000Z" },
		{ "2012-02-29T12:00:00Z", 365, "2013-02-28T12:00:00.000Z" },
		{ "2096-02-29T12:00:00Z", 1461, "2100-03-01T12:00:00.000Z" },
		{ "2000-02-29T12:00:00Z", 365, "2001-02-28T12:00:00.000Z" },
		{ "2037-02-28T12:00:00Z", 365, "2038-02-28T12:00:00.000Z" },
		{ "2027-12-31T23:59:59Z", 60, "2028-02-29T23:59:59.000Z" },
	};
	char text[WALL_TEXT];
	struct tc_err e = { 0 };
	struct wall until;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_int_eq(token_until(at(rows[i].made),
			dur_s(rows[i].days * INT64_C(86400)), &until, &e), 0);
		ck_assert_str_eq(wall_format(until, text, sizeof(text)),
			rows[i].ends);
	}
	ck_assert_int_eq(token_until(at(rows[0].made), dur_s(0), &until, &e), 0);
	ck_assert_int_eq(until.ms, 0);
	/* and what never could be used is not made */
	ck_assert_int_eq(token_until(at(rows[0].made), dur_s(-1), &until, &e),
		TC_EINVAL);
	ck_assert_int_eq(token_until(at(rows[0].made),
		dur_s(INT64_C(36501) * 86400), &until, &e), TC_EINVAL);
	ck_assert_int_eq(token_until(at("9999-12-30T00:00:00Z"),
		dur_s(3 * 86400), &until, &e), TC_EINVAL);
}
END_TEST

START_TEST(r133_the_end_is_warned_of_thirty_days_before)
{
	static const struct { const char *made, *ends, *now; bool soon; }
	rows[] = {
		{ "2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z",
			"2029-01-28T23:59:59Z", false },
		{ "2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z",
			"2029-01-29T00:00:01Z", true },
		{ "2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z",
			"2029-03-01T00:00:00Z", true },
		/* one for nine days is not old when it is made */
		{ "2028-02-20T00:00:00Z", "2028-02-29T00:00:00Z",
			"2028-02-25T23:59:59Z", false },
		{ "2028-02-20T00:00:00Z", "2028-02-29T00:00:00Z",
			"2028-02-26T00:00:01Z", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(token_ends_soon(at(rows[i].made),
			at(rows[i].ends), at(rows[i].now)) == rows[i].soon,
			"%s", rows[i].now);
	ck_assert(!token_ends_soon(at("2000-01-01T00:00:00Z"),
		(struct wall){ 0 }, at("2099-01-01T00:00:00Z")));
}
END_TEST

START_TEST(what_takes_long_is_done_in_smaller_bites)
{
	struct store_conf conf = { 0 };
	struct forget f;
	size_t first, least;

	forget_init(&f, &conf);
	f.stage = FORGET_ROWS;
	first = f.rows.n;
	for (int i = 0; i < 20; i++)
		forget_took(&f, dur_ms(100), 1);
	least = f.rows.n;
	ck_assert_uint_gt(least, 0);
	ck_assert_uint_lt(least, first / 10);
	forget_took(&f, dur_ms(6), 1);
	ck_assert_uint_eq(f.rows.n, least);
	for (int i = 0; i < 40; i++)
		forget_took(&f, dur_ms(1), 1);
	ck_assert_uint_gt(f.rows.n, first);
	ck_assert_uint_eq(f.rows.n, f.rows.most);
	/* Quick to do, but much to write. */
	for (int i = 0; i < 20; i++)
		forget_took(&f, dur_ms(1), 5000);
	ck_assert_uint_eq(f.rows.n, least);
}
END_TEST

static struct mono
at_ms(int64_t ms)
{
	return mono_add((struct mono){ 0 }, dur_ms(ms));
}

/* One set that is waited for; the time at which it was committed. */
static int64_t
lone_set(struct patience *p, int64_t ms)
{
	patience_add(p, true, at_ms(ms));
	while (!patience_is_over(p, at_ms(ms)))
		ms++;
	patience_end(p, at_ms(ms));
	return ms;
}

START_TEST(who_comes_alone_is_hardly_kept_waiting)
{
	struct patience p = { 0 };
	int64_t ms = 0, waited = 0;

	ck_assert(!patience_is_over(&p, at_ms(0)));
	for (int i = 0; i < 1000; i++) {
		int64_t done = lone_set(&p, ms);

		ck_assert_int_le(done - ms, PATIENCE_HASTY_MS);
		waited += done - ms;
		ms = done + 1;
	}
	ck_assert_int_le(waited, 1000);
}
END_TEST

START_TEST(many_that_come_by_themselves_share_a_commit)
{
	struct patience p = { 0 };
	int64_t first = 0;
	int commits = 0;

	for (int64_t ms = 0; ms < 10000; ms++) {
		if (p.n == 0)
			first = ms;
		patience_add(&p, true, at_ms(ms));
		if (!patience_is_over(&p, at_ms(ms)))
			continue;
		ck_assert_int_le(ms - first, PATIENCE_HASTY_MS);
		patience_end(&p, at_ms(ms));
		commits++;
	}
	ck_assert_int_le(commits, 10000 / 5);
}
END_TEST

START_TEST(what_nobody_waits_for_lies_until_somebody_does)
{
	struct patience p = { 0 };

	patience_add(&p, false, at_ms(0));
	patience_add(&p, false, at_ms(PATIENCE_CALM_MS - 1));
	ck_assert(!patience_is_over(&p, at_ms(PATIENCE_CALM_MS - 1)));
	ck_assert(patience_is_over(&p, at_ms(PATIENCE_CALM_MS)));
	patience_end(&p, at_ms(PATIENCE_CALM_MS));
	patience_add(&p, false, at_ms(1000));
	ck_assert(!patience_is_over(&p, at_ms(1001)));
	patience_add(&p, true, at_ms(1001));
	ck_assert(patience_is_over(&p, at_ms(1001)));
	/* Where two were expected, the second is not waited for that long. */
	p.expected = 2;
	ck_assert(!patience_is_over(&p, at_ms(1001 + PATIENCE_HASTY_MS - 1)));
	ck_assert(patience_is_over(&p, at_ms(1001 + PATIENCE_HASTY_MS)));
	patience_end(&p, at_ms(1001 + PATIENCE_HASTY_MS));
	ck_assert_uint_eq(p.expected, 1);
}
END_TEST

int
main(void)
{
	return STORIES("store", common_values_are_short,
		every_bit_pattern_comes_back, any_value_of_a_row_is_reached,
		cut_or_strange_rows_are_errors, a_row_without_values_is_a_row,
		a_map_of_ids_keeps_all_of_them, slots_go_down_to_the_past,
		r133_r130_a_token_made_on_a_leap_day_ends_on_a_day_that_is,
		r133_the_end_is_warned_of_thirty_days_before,
		what_takes_long_is_done_in_smaller_bites,
		who_comes_alone_is_hardly_kept_waiting,
		many_that_come_by_themselves_share_a_commit,
		what_nobody_waits_for_lies_until_somebody_does);
}
