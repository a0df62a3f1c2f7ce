/*
 * Columns as a file holds them: nothing in the bytes is taken on trust.
 */
#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/le.h"
#include "store/bits.h"
#include "store/column.h"

const double column_powers[16] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8,
	1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
const double column_inverses[16] = { 1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6,
	1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15 };

struct input {
	const unsigned char *at;
	const unsigned char *end;
};

struct head {
	enum column_shape shape;
	enum column_packing packing;
	unsigned scale;
	unsigned shift;
	uint64_t first;
	uint64_t base;
};

/* ---- packings: n − 1 residuals ---- */

static int
get_varints(struct input *in, uint64_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!varint_get(&in->at, in->end, &out[i]))
			return TC_ECORRUPT;
	}
	return 0;
}

static int
get_runs(struct input *in, uint64_t *out, size_t n)
{
	size_t i = 0;
	uint64_t v;

	while (i < n) {
		if (!varint_get(&in->at, in->end, &v) || v > n - i)
			return TC_ECORRUPT;
		memset(out + i, 0, (size_t)v * sizeof(*out));
		i += (size_t)v;
		if (i == n)
			break;
		if (!varint_get(&in->at, in->end, &v) || v == UINT64_MAX)
			return TC_ECORRUPT;
		out[i++] = v + 1;
	}
	return 0;
}

static int
get_rice(struct input *in, uint64_t *out, size_t n)
{
	struct bit_get b = { .end = in->end };
	unsigned k;

	if (in->at == in->end || (k = *in->at++) > 63)
		return TC_ECORRUPT;
	b.at = in->at;
	for (size_t i = 0; i < n; i++) {
		uint64_t high = bit_get_ones(&b, COLUMN_ESCAPE);

		if (high == COLUMN_ESCAPE)
			out[i] = bit_get(&b, 64);
		else
			out[i] = high << k | bit_get(&b, k);
	}
	in->at = b.at;
	return bit_get_over(&b) ? TC_ECORRUPT : 0;
}

/* ---- shapes, in place: residuals stand from 1 on ---- */

static void
undo_shape(const struct head *h, uint64_t *v, size_t n)
{
	uint64_t before = 0, delta = 0;

	v[0] = 0;
	switch (h->shape) {
	case COLUMN_OFFSET:
		for (size_t i = 1; i < n; i++)
			v[i] += h->base;
		break;
	case COLUMN_DELTA:
		for (size_t i = 1; i < n; i++)
			v[i] = before += bits_unzigzag(v[i]);
		break;
	case COLUMN_RISE:
		for (size_t i = 1; i < n; i++)
			v[i] = before += v[i] + h->base;
		break;
	case COLUMN_DELTA2:
		for (size_t i = 1; i < n; i++) {
			delta += bits_unzigzag(v[i]);
			v[i] = before += delta;
		}
		break;
	case COLUMN_CONST:
	case COLUMN_XOR:
	case COLUMN_SAME:
	case COLUMN_SHAPES:
		break;
	}
}

static uint64_t
scaled(uint64_t whole, unsigned scale)
{
	double v = (double)(int64_t)whole;
	unsigned n = scale & 15;

	v = scale > COLUMN_DIVIDED ? v * column_inverses[n] :
		v / column_powers[n];
	return bits_of_double(v);
}

static void
undo_scale(const struct head *h, uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v[i] = h->first + (v[i] << h->shift);
	if (h->scale == 0)
		return;
	for (size_t i = 0; i < n; i++)
		v[i] = scaled(v[i], h->scale);
}

static void
fill(uint64_t *out, size_t n, uint64_t v)
{
	for (size_t i = 0; i < n; i++)
		out[i] = v;
}

/* ---- patterns ---- */

static int
get_pattern(struct input *in, uint64_t *out)
{
	if (in->end - in->at < 8)
		return TC_ECORRUPT;
	*out = le_get(in->at, 8);
	in->at += 8;
	return 0;
}

static int
get_xor(struct input *in, uint64_t *out, size_t n)
{
	struct bit_get b = { .end = in->end };
	unsigned lead = 0, length = 0;

	if (get_pattern(in, &out[0]) < 0)
		return TC_ECORRUPT;
	b.at = in->at;
	for (size_t i = 1; i < n; i++) {
		unsigned what = bit_get_ones(&b, 2);

		out[i] = out[i - 1];
		if (what == 0)
			continue;
		if (what == 2) {
			lead = (unsigned)bit_get(&b, 6);
			length = (unsigned)bit_get(&b, 6) + 1;
		}
		if (length == 0 || lead + length > 64)
			return TC_ECORRUPT;
		out[i] ^= bit_get(&b, length) << (64 - lead - length);
	}
	in->at = b.at;
	return bit_get_over(&b) ? TC_ECORRUPT : 0;
}

/* ---- the whole ---- */

static int
get_byte(struct input *in, bool there, unsigned *out)
{
	if (!there)
		return 0;
	if (in->at == in->end)
		return TC_ECORRUPT;
	*out = *in->at++;
	return 0;
}

static int
get_head(struct input *in, struct head *h)
{
	unsigned first = 0, shape, packing;

	if (get_byte(in, true, &first) < 0)
		return TC_ECORRUPT;
	shape = first & 7;
	packing = first >> 3 & 3;
	if (shape >= COLUMN_SHAPES || packing >= COLUMN_PACKINGS ||
	    first >= 0x80)
		return TC_EUNSUP;
	h->shape = (enum column_shape)shape;
	h->packing = (enum column_packing)packing;
	if (get_byte(in, first & COLUMN_SCALED, &h->scale) < 0 ||
	    get_byte(in, first & COLUMN_SHIFTED, &h->shift) < 0)
		return TC_ECORRUPT;
	return h->scale > 31 || h->shift > 63 ? TC_EUNSUP : 0;
}

static int
get_residuals(struct input *in, struct head *h, uint64_t *out, size_t n)
{
	uint64_t base;

	if (h->shape == COLUMN_OFFSET || h->shape == COLUMN_RISE) {
		if (!varint_get(&in->at, in->end, &base))
			return TC_ECORRUPT;
		h->base = bits_unzigzag(base);
	}
	switch (h->packing) {
	case COLUMN_VARINT:
		return get_varints(in, out, n);
	case COLUMN_RICE:
		return get_rice(in, out, n);
	case COLUMN_RUNS:
		return get_runs(in, out, n);
	case COLUMN_PACKINGS:
		break;
	}
	return TC_ECORRUPT;
}

static int
get_wholes(struct input *in, struct head *h, uint64_t *out, size_t n)
{
	uint64_t first;
	int rc;

	if (!varint_get(&in->at, in->end, &first))
		return TC_ECORRUPT;
	h->first = bits_unzigzag(first);
	if (h->shape == COLUMN_CONST) {
		fill(out, n, h->scale == 0 ? h->first :
			scaled(h->first, h->scale));
		return 0;
	}
	if ((rc = get_residuals(in, h, out + 1, n - 1)) < 0)
		return rc;
	undo_shape(h, out, n);
	undo_scale(h, out, n);
	return 0;
}

int
column_get(const unsigned char *bytes, size_t size, uint64_t *bits, size_t n)
{
	struct input in = { bytes, bytes + size };
	struct head h = { 0 };
	uint64_t v;
	int rc = get_head(&in, &h);

	if (rc < 0)
		return rc;
	if (n == 0)
		return TC_ECORRUPT;
	if (h.shape == COLUMN_XOR) {
		rc = get_xor(&in, bits, n);
	} else if (h.shape == COLUMN_SAME) {
		if ((rc = get_pattern(&in, &v)) == 0)
			fill(bits, n, v);
	} else {
		rc = get_wholes(&in, &h, bits, n);
	}
	if (rc == 0 && in.at != in.end)
		rc = TC_ECORRUPT;
	return rc;
}
