/*
 * Blocks of history: every bit pattern comes back, damaged ones are refused.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "store/block.h"
#include "store/column.h"
#include "t/lib/story.h"

#define ROWS_MAX 2000

struct rng {
	uint64_t state;
};

static uint64_t
roll(struct rng *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state;
}

static uint64_t
of_double(double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

/* Exact there and back; returns the bytes it took. */
static size_t
travel(enum tocsin_sample_type type, const uint64_t *bits, size_t n)
{
	static unsigned char bytes[64 + 13 * ROWS_MAX];
	static uint64_t scratch[6 * ROWS_MAX], back[ROWS_MAX];
	struct column_put c = { type, bits, n, scratch };
	size_t size = column_put(&c, bytes);

	ck_assert_uint_le(size, column_bound(n));
	memset(back, 0xa5, sizeof(back));
	ck_assert_int_eq(column_get(bytes, size, back, n), 0);
	ck_assert(memcmp(back, bits, n * sizeof(*bits)) == 0);
	return size;
}

START_TEST(strange_values_come_back_to_the_bit)
{
	static const double odd[] = { 0, -0.0, 1, -1, 0.1, -0.1, 1e-300, 5e-324,
		1e300, 9007199254740992.0, 9007199254740994.0, -9007199254740993.0,
		INFINITY, -INFINITY, 14604 * 0.001, 1.7976931348623157e308,
		123456.789, 1e15, 1e16, 0.30000000000000004 };
	uint64_t bits[64];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		bits[n++] = of_double(odd[i]);
		travel(TOCSIN_F64, &bits[n - 1], 1);
	}
	/* NaNs keep sign and payload. */
	bits[n++] = UINT64_C(0x7ff8000000000000);
	bits[n++] = UINT64_C(0xfff8000000000001);
	bits[n++] = UINT64_C(0x7ff00000deadbeef);
	bits[n++] = UINT64_MAX;
	for (size_t from = 0; from < n; from++) {
		for (size_t to = from + 1; to <= n; to++)
			travel(TOCSIN_F64, bits + from, to - from);
	}
}
END_TEST

START_TEST(whole_numbers_of_64_bits_come_back)
{
	static const uint64_t odd[] = { 0, 1, UINT64_MAX, UINT64_MAX - 1,
		UINT64_C(1) << 63, (UINT64_C(1) << 63) - 1, 0x1234567890ab,
		UINT64_C(1) << 53, (UINT64_C(1) << 53) + 1, 0, UINT64_MAX };

	for (size_t from = 0; from < ARRAY_LEN(odd); from++) {
		for (size_t to = from + 1; to <= ARRAY_LEN(odd); to++) {
			travel(TOCSIN_U64, odd + from, to - from);
			travel(TOCSIN_I64, odd + from, to - from);
		}
	}
}
END_TEST

/* Kinds of columns as they come, and worse. */
static uint64_t
invent(struct rng *r, unsigned kind, size_t i, uint64_t before)
{
	double t = (double)i;

	switch (kind) {
	case 0:
		return roll(r);
	case 1:
		return of_double((double)(i * 4096 + roll(r) % 4096));
	case 2:
		return of_double((double)(roll(r) % 1000) / 100);
	case 3:
		return of_double((double)(roll(r) % 100000) * 0.001);
	case 4:
		return roll(r) % 20 == 0 ? of_double(t) : before;
	case 5:
		return of_double((double)(roll(r) >> 11) / 9007199254740992.0);
	case 6:
		return roll(r) % 50 == 0 ? roll(r) : before + 15000 + roll(r) % 9;
	case 7:
		return of_double(roll(r) % 9 == 0 ? NAN : t * 0.5);
	case 8:
		return before + (roll(r) & ((UINT64_C(1) << (roll(r) & 63)) - 1));
	default:
		return of_double((double)(int64_t)(roll(r) % 2001 - 1000) * 1024);
	}
}

START_TEST(invented_columns_come_back)
{
	static uint64_t bits[ROWS_MAX];
	uint64_t seed = getenv("TOCSIN_SEED") != NULL ?
		strtoull(getenv("TOCSIN_SEED"), NULL, 0) : 20260101;
	struct rng r = { seed };

	printf("TOCSIN_SEED=%llu\n", (unsigned long long)seed);
	for (int round = 0; round < 4000; round++) {
		unsigned kind = (unsigned)(roll(&r) % 10);
		size_t n = 1 + roll(&r) % (round % 40 == 0 ? ROWS_MAX : 50);
		uint64_t before = roll(&r) >> (roll(&r) & 63);

		for (size_t i = 0; i < n; i++)
			before = bits[i] = invent(&r, kind, i, before);
		travel((enum tocsin_sample_type)(roll(&r) % 3), bits, n);
	}
}
END_TEST

START_TEST(what_is_regular_costs_little)
{
	static uint64_t bits[240];
	size_t i;

	for (i = 0; i < 240; i++)
		bits[i] = of_double(36.6);
	ck_assert_uint_le(travel(TOCSIN_F64, bits, 240), 5);
	/* A counter of ticks of 10 ms, two a second. */
	for (i = 0; i < 240; i++)
		bits[i] = of_double((double)(1000000 + i * 30 + i % 2) / 100);
	ck_assert_uint_le(travel(TOCSIN_F64, bits, 240), 80);
	/* As the kernel's exporters multiply. */
	for (i = 0; i < 240; i++)
		bits[i] = of_double((double)(14604 + i * 4) * 0.001);
	ck_assert_uint_le(travel(TOCSIN_F64, bits, 240), 70);
	/* Pages of memory: 12 low bits never move. */
	for (i = 0; i < 240; i++)
		bits[i] = of_double((double)((i * 37 % 64 + 500000) * 4096));
	ck_assert_uint_le(travel(TOCSIN_F64, bits, 240), 240);
	/* A raw SMART value that moves once. */
	for (i = 0; i < 240; i++)
		bits[i] = i < 100 ? UINT64_C(0xffff00000010) :
			UINT64_C(0xffff00000018);
	ck_assert_uint_le(travel(TOCSIN_U64, bits, 240), 20);
}
END_TEST

/* ---- blocks ---- */

struct sheet {
	size_t rows, columns;
	int64_t at_ms[300];
	uint64_t marks[300];
	unsigned char types[60];
	uint64_t values[300 * 60];
};

static void
fill_sheet(struct sheet *s, struct rng *r, size_t rows, size_t columns)
{
	s->rows = rows;
	s->columns = columns;
	for (size_t i = 0; i < rows; i++) {
		s->at_ms[i] = INT64_C(1767225600000) + (int64_t)i * 15000 +
			(int64_t)(roll(r) % 7);
		s->marks[i] = roll(r) % 30 == 0 ? 0x501 : 0;
	}
	for (size_t c = 0; c < columns; c++) {
		unsigned kind = (unsigned)(roll(r) % 10);
		uint64_t before = 7;

		s->types[c] = (unsigned char)(roll(r) % 3);
		for (size_t i = 0; i < rows; i++)
			before = s->values[c * rows + i] =
				invent(r, kind, i, before);
	}
}

static void
put_sheet(const struct sheet *s, struct strbuf *out)
{
	struct block_rows in = { s->rows, s->columns, s->at_ms, s->marks,
		s->types, s->values };
	struct block_put p = { 0 };

	strbuf_reset(out);
	ck_assert_int_eq(block_put(&p, &in, out), 0);
	block_put_free(&p);
}

static void
check_sheet(struct block_get *g, const struct sheet *s)
{
	uint64_t got[300];

	ck_assert_uint_eq(g->rows, s->rows);
	ck_assert_uint_eq(g->columns, s->columns);
	/* Backwards too, and the times in between. */
	for (size_t c = 2 * s->columns; c-- > 0;) {
		ck_assert_int_eq(block_column(g, c % s->columns, got), 0);
		ck_assert(memcmp(got, s->values + c % s->columns * s->rows,
			s->rows * 8) == 0);
		ck_assert_int_eq(block_times(g, (int64_t *)got), 0);
		ck_assert(memcmp(got, s->at_ms, s->rows * 8) == 0);
	}
	ck_assert_int_eq(block_marks(g, got), 0);
	ck_assert(memcmp(got, s->marks, s->rows * 8) == 0);
	ck_assert_int_eq(block_column(g, s->columns, got), TC_ECORRUPT);
}

START_TEST(a_block_gives_back_all_its_columns_in_any_order)
{
	static const size_t rows[] = { 1, 2, 240, 300 };
	static const size_t columns[] = { 1, 3, 60 };
	struct sheet *s = calloc(1, sizeof(*s));
	struct strbuf bytes = { 0 };
	struct block_get g = { 0 };
	struct rng r = { 42 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t j = 0; j < ARRAY_LEN(columns); j++) {
			fill_sheet(s, &r, rows[i], columns[j]);
			put_sheet(s, &bytes);
			ck_assert_int_eq(block_open(&g, bytes.p, bytes.n), 0);
			check_sheet(&g, s);
		}
	}
	block_get_free(&g);
	strbuf_free(&bytes);
	free(s);
}
END_TEST

START_TEST(a_block_without_values_keeps_its_outcomes)
{
	struct sheet *s = calloc(1, sizeof(*s));
	struct strbuf bytes = { 0 };
	struct block_get g = { 0 };
	struct rng r = { 3 };
	uint64_t got[300];

	fill_sheet(s, &r, 100, 0);
	put_sheet(s, &bytes);
	ck_assert_int_eq(block_open(&g, bytes.p, bytes.n), 0);
	ck_assert_int_eq(block_marks(&g, got), 0);
	ck_assert(memcmp(got, s->marks, 100 * 8) == 0);
	ck_assert_int_eq(block_column(&g, 0, got), TC_ECORRUPT);
	block_get_free(&g);
	strbuf_free(&bytes);
	free(s);
}
END_TEST

/* Opens and reads everything; 0 when nothing complained. */
static int
read_all(struct block_get *g, const void *bytes, size_t size)
{
	static uint64_t got[BLOCK_ROWS_MAX];
	int rc = block_open(g, bytes, size);

	if (rc == 0)
		rc = block_times(g, (int64_t *)got);
	for (size_t c = 0; rc == 0 && c < g->columns; c++)
		rc = block_column(g, c, got);
	return rc;
}

START_TEST(a_damaged_block_is_refused_or_read_in_bounds)
{
	struct sheet *s = calloc(1, sizeof(*s));
	struct strbuf bytes = { 0 };
	struct block_get g = { 0 };
	struct rng r = { 99 };
	size_t missed = 0;

	fill_sheet(s, &r, 60, 20);
	put_sheet(s, &bytes);
	for (size_t n = 0; n < bytes.n; n++) {
		char *cut = malloc(n + 1);

		memcpy(cut, bytes.p, n);
		ck_assert_int_lt(read_all(&g, cut, n), 0);
		free(cut);
	}
	for (size_t i = 0; i < bytes.n * 8; i++) {
		bytes.p[i / 8] ^= (char)(1 << i % 8);
		missed += read_all(&g, bytes.p, bytes.n) == 0;
		bytes.p[i / 8] ^= (char)(1 << i % 8);
	}
	/* Frames have a checksum: a few bits of their heads mean nothing. */
	ck_assert_uint_le(missed * 200, bytes.n * 8);
	bytes.p[0] = 2;
	ck_assert_int_eq(block_open(&g, bytes.p, bytes.n), TC_EUNSUP);
	block_get_free(&g);
	strbuf_free(&bytes);
	free(s);
}
END_TEST

int
main(void)
{
	return STORIES("store: blocks", strange_values_come_back_to_the_bit,
		whole_numbers_of_64_bits_come_back, invented_columns_come_back,
		what_is_regular_costs_little,
		a_block_gives_back_all_its_columns_in_any_order,
		a_block_without_values_keeps_its_outcomes,
		a_damaged_block_is_refused_or_read_in_bounds);
}
