/*
 * A column is tried in every shape and packing; the smallest is written.
 */
#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "store/bits.h"
#include "store/column.h"

#define WHOLE_MAX 9007199254740992.0	/* 2^53 */

/* ---- decimals ---- */

/* The whole number whose `scale` has exactly these bits, if there is one. */
static bool
as_whole(uint64_t bits, unsigned scale, uint64_t *out)
{
	unsigned n = scale & 15;
	double v = bits_to_double(bits) * column_powers[n];
	int64_t whole;
	double back;

	if (!(v >= -WHOLE_MAX && v <= WHOLE_MAX))
		return false;
	whole = (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
	back = scale > COLUMN_DIVIDED ? (double)whole * column_inverses[n] :
		(double)whole / column_powers[n];
	*out = (uint64_t)whole;
	return bits_of_double(back) == bits;
}

/* The first of these scales that does for all; 0 = none. */
static unsigned
find_between(const struct column_put *c, unsigned first, unsigned last,
	uint64_t *whole)
{
	size_t worst = 0, i;	/* it rules out most scales at once */

	for (unsigned s = first; s <= last; s++) {
		if (!as_whole(c->bits[worst], s, &whole[worst]))
			continue;
		for (i = 0; i < c->n; i++) {
			if (!as_whole(c->bits[i], s, &whole[i]))
				break;
		}
		if (i == c->n)
			return s;
		worst = i;
	}
	return 0;
}

/* The scale's byte, or 0 when the patterns themselves are best. */
static unsigned
find_scale(const struct column_put *c, uint64_t *whole)
{
	unsigned s = find_between(c, COLUMN_DIVIDED, COLUMN_DIVIDED, whole);

	if (s == 0)
		s = find_between(c, 1, COLUMN_DIVIDED - 1, whole);
	if (s == 0)
		s = find_between(c, COLUMN_DIVIDED + 1, COLUMN_DIVIDED + 15,
			whole);
	return s;
}

/* ---- shapes: n − 1 residuals of n values, the first being 0 ---- */

struct residual {
	enum column_shape shape;
	enum column_packing packing;
	unsigned k;		/* Rice */
	uint64_t base;
	const uint64_t *v;
	size_t bits;		/* of base, k and residuals */
};

static uint64_t
make_offset(const uint64_t *y, size_t n, uint64_t *out)
{
	int64_t least = 0;

	for (size_t i = 1; i < n; i++)
		least = (int64_t)y[i] < least ? (int64_t)y[i] : least;
	for (size_t i = 1; i < n; i++)
		out[i - 1] = y[i] - (uint64_t)least;
	return (uint64_t)least;
}

static void
make_delta(const uint64_t *y, size_t n, uint64_t *out)
{
	for (size_t i = 1; i < n; i++)
		out[i - 1] = bits_zigzag(y[i] - y[i - 1]);
}

static uint64_t
make_rise(const uint64_t *y, size_t n, uint64_t *out)
{
	int64_t least = INT64_MAX;

	for (size_t i = 1; i < n; i++) {
		int64_t d = (int64_t)(y[i] - y[i - 1]);

		least = d < least ? d : least;
	}
	for (size_t i = 1; i < n; i++)
		out[i - 1] = y[i] - y[i - 1] - (uint64_t)least;
	return (uint64_t)least;
}

static void
make_delta2(const uint64_t *y, size_t n, uint64_t *out)
{
	uint64_t before = 0;

	for (size_t i = 1; i < n; i++) {
		uint64_t d = y[i] - y[i - 1];

		out[i - 1] = bits_zigzag(d - before);
		before = d;
	}
}

/* ---- packings ---- */

static size_t
rice_bits(const uint64_t *v, size_t n, unsigned k)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t high = v[i] >> k;

		sum += high < COLUMN_ESCAPE ? (size_t)high + 1 + k :
			COLUMN_ESCAPE + 64;
	}
	return sum;
}

static void
keep_smaller(struct residual *best, const struct residual *r)
{
	if (r->bits < best->bits)
		*best = *r;
}

static void
try_packings(struct residual *best, struct residual r, size_t n)
{
	bool has_base = r.shape == COLUMN_OFFSET || r.shape == COLUMN_RISE;
	size_t head = has_base ? 8 * varint_length(bits_zigzag(r.base)) : 0;
	size_t varints = 0, runs = 0, zeros = 0;
	uint64_t all = 0;
	unsigned k;

	for (size_t i = 0; i < n; i++) {
		varints += varint_length(r.v[i]);
		all += r.v[i] >> 6;
		if (r.v[i] == 0) {
			zeros++;
			continue;
		}
		runs += varint_length(zeros) + varint_length(r.v[i] - 1);
		zeros = 0;
	}
	if (zeros > 0)
		runs += varint_length(zeros);
	r.packing = COLUMN_VARINT;
	r.bits = head + 8 * varints;
	keep_smaller(best, &r);
	r.packing = COLUMN_RUNS;
	r.bits = head + 8 * runs;
	keep_smaller(best, &r);
	/* Where the mean lies is a good guess, even if the sum overflowed. */
	all /= n;
	k = all == 0 ? 6 : 6 + (unsigned)(64 - __builtin_clzll(all));
	k = k > 63 ? 63 : k;
	r.packing = COLUMN_RICE;
	for (unsigned down = 0; down < 7 && down <= k; down++) {
		r.k = k - down;
		r.bits = head + 8 + rice_bits(r.v, n, r.k);
		keep_smaller(best, &r);
	}
}

static unsigned char *
put_residual(const struct residual *r, size_t n, unsigned char *at)
{
	struct bit_put b;
	size_t zeros = 0;

	if (r->shape == COLUMN_OFFSET || r->shape == COLUMN_RISE)
		at = varint_put(at, bits_zigzag(r->base));
	if (r->packing == COLUMN_VARINT) {
		for (size_t i = 0; i < n; i++)
			at = varint_put(at, r->v[i]);
		return at;
	}
	if (r->packing == COLUMN_RUNS) {
		for (size_t i = 0; i < n; i++) {
			if (r->v[i] == 0) {
				zeros++;
				continue;
			}
			at = varint_put(at, zeros);
			at = varint_put(at, r->v[i] - 1);
			zeros = 0;
		}
		return zeros > 0 ? varint_put(at, zeros) : at;
	}
	*at++ = (unsigned char)r->k;
	b = (struct bit_put){ .at = at };
	for (size_t i = 0; i < n; i++) {
		uint64_t high = r->v[i] >> r->k;

		if (high < COLUMN_ESCAPE) {
			bit_put(&b, ((UINT64_C(1) << high) - 1) << 1,
				(unsigned)high + 1);
			bit_put(&b, r->v[i] & ((UINT64_C(1) << r->k) - 1),
				r->k);
			continue;
		}
		bit_put(&b, (UINT64_C(1) << COLUMN_ESCAPE) - 1, COLUMN_ESCAPE);
		bit_put(&b, r->v[i], 64);
	}
	return bit_put_end(&b);
}

/* ---- patterns that are no decimals ---- */

/*
 * The first as 8 bytes, then of each: 0 the same; 10 differs within the bits
 * of the last that was different; 11 leading zeros (6), length − 1 (6), bits.
 */
static unsigned char *
put_xor(const struct column_put *c, unsigned char *at)
{
	struct bit_put b;
	unsigned lead = 64, length = 0;

	le_put(at, c->bits[0], 8);
	at += 8;
	b = (struct bit_put){ .at = at };
	for (size_t i = 1; i < c->n; i++) {
		uint64_t x = c->bits[i] ^ c->bits[i - 1];
		unsigned l, n;

		if (x == 0) {
			bit_put(&b, 0, 1);
			continue;
		}
		l = (unsigned)__builtin_clzll(x);
		n = 64 - l - (unsigned)__builtin_ctzll(x);
		if (l >= lead && l + n <= lead + length &&
		    length < n + 14) {
			bit_put(&b, 2, 2);
		} else {
			bit_put(&b, 3, 2);
			bit_put(&b, l, 6);
			bit_put(&b, n - 1, 6);
			lead = l;
			length = n;
		}
		bit_put(&b, x >> (64 - lead - length), length);
	}
	return bit_put_end(&b);
}

static size_t
put_patterns(const struct column_put *c, bool same, unsigned char *out)
{
	unsigned char *at = out;

	if (!same) {
		*at++ = COLUMN_XOR;
		return (size_t)(put_xor(c, at) - out);
	}
	*at++ = COLUMN_SAME;
	le_put(at, c->bits[0], 8);
	return (size_t)(at + 8 - out);
}

/* ---- the whole ---- */

static bool
is_same(const uint64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (v[i] != v[0])
			return false;
	}
	return true;
}

/* What all differences to the first have as factor 2^n; at least one is ≠ 0. */
static unsigned
find_shift(const uint64_t *x, size_t n)
{
	uint64_t all = 0;

	for (size_t i = 1; i < n; i++)
		all |= x[i] - x[0];
	return (unsigned)__builtin_ctzll(all);
}

static void
find_residual(const uint64_t *y, size_t n, uint64_t *room,
	struct residual *best)
{
	struct residual r = { .shape = COLUMN_DELTA, .v = room };

	*best = (struct residual){ .bits = SIZE_MAX };
	make_delta(y, n, room);
	try_packings(best, r, n - 1);
	r = (struct residual){ .shape = COLUMN_OFFSET, .v = room + n };
	r.base = make_offset(y, n, room + n);
	try_packings(best, r, n - 1);
	r = (struct residual){ .shape = COLUMN_RISE, .v = room + 2 * n };
	r.base = make_rise(y, n, room + 2 * n);
	try_packings(best, r, n - 1);
	r = (struct residual){ .shape = COLUMN_DELTA2, .v = room + 3 * n };
	make_delta2(y, n, room + 3 * n);
	try_packings(best, r, n - 1);
}

/* `room` has space for 5 n. */
static size_t
put_wholes(const uint64_t *x, size_t n, unsigned scale, uint64_t *room,
	unsigned char *out) /* lint: an array and its length */
{
	unsigned char *at = out + 1;
	struct residual best;
	unsigned shift;

	out[0] = COLUMN_CONST;
	if (scale != 0) {
		out[0] |= COLUMN_SCALED;
		*at++ = (unsigned char)scale;
	}
	if (is_same(x, n)) {
		at = varint_put(at, bits_zigzag(x[0]));
		return (size_t)(at - out);
	}
	shift = find_shift(x, n);
	if (shift > 0) {
		out[0] |= COLUMN_SHIFTED;
		*at++ = (unsigned char)shift;
	}
	at = varint_put(at, bits_zigzag(x[0]));
	for (size_t i = 0; i < n; i++)
		room[i] = bits_shift_down(x[i] - x[0], shift);
	find_residual(room, n, room + n, &best);
	out[0] |= (unsigned char)(best.shape | best.packing << 3);
	at = put_residual(&best, n - 1, at);
	return (size_t)(at - out);
}

size_t
column_put(const struct column_put *c, unsigned char *out)
{
	bool same = is_same(c->bits, c->n);
	struct column_put first = *c;
	unsigned scale;

	if (c->type != TOCSIN_F64)
		return put_wholes(c->bits, c->n, 0, c->scratch, out);
	if (same)
		first.n = 1;
	scale = find_scale(&first, c->scratch);
	if (scale == 0)
		return put_patterns(c, same, out);
	return put_wholes(c->scratch, first.n, scale, c->scratch + c->n, out);
}
