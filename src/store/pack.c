#include "store/pack.h"

#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/le.h"

#define PACK_FORMAT 1
#define WHOLE_MAX 9007199254740992.0	/* 2^53 */

/* Bytes until the highest that is not zero. */
static unsigned
bytes_of(uint64_t v)
{
	return v == 0 ? 0 : (unsigned)(71 - __builtin_clzll(v)) / 8;
}

static uint64_t
zigzag(uint64_t bits)
{
	return (bits << 1) ^ (0 - (bits >> 63));
}

static uint64_t
unzigzag(uint64_t v)
{
	return (v >> 1) ^ (0 - (v & 1));
}

void
pack_begin(struct packer *p, unsigned char *out, size_t n)
{
	size_t head = (n + 1) / 2;

	out[0] = PACK_FORMAT;
	memset(out + 1, 0, head);
	*p = (struct packer){ .start = out, .nibbles = out + 1,
		.at = out + 1 + head };
}

static void
put(struct packer *p, unsigned code, uint64_t v, unsigned n)
{
	p->nibbles[p->i / 2] |= (unsigned char)(code << (4 * (p->i & 1)));
	le_put(p->at, v, n);
	p->at += n;
	p->i++;
}

static void
put_double(struct packer *p, uint64_t bits)
{
	unsigned top, whole_n = 8;
	uint64_t whole = 0;
	double v;

	if (bits == 0) {
		put(p, 0, 0, 0);
		return;
	}
	top = 8 - (unsigned)__builtin_ctzll(bits) / 8;
	v = bits_to_double(bits);
	/* NaN fails both; −0.0 has one byte above and is no positive number. */
	if (v >= 1 && v <= WHOLE_MAX) {
		whole = (uint64_t)v;
		if ((double)whole == v)
			whole_n = bytes_of(whole);
	}
	if (whole_n < top)
		put(p, 8 + whole_n, whole, whole_n);
	else
		put(p, top, bits >> (8 * (8 - top)), top);
}

void
pack_value(struct packer *p, enum tocsin_sample_type type, uint64_t bits)
{
	if (type == TOCSIN_F64) {
		put_double(p, bits);
		return;
	}
	if (type == TOCSIN_I64)
		bits = zigzag(bits);
	put(p, bytes_of(bits), bits, bytes_of(bits));
}

size_t
pack_end(const struct packer *p)
{
	return (size_t)(p->at - p->start);
}

int
unpack_begin(struct unpacker *u, const void *bytes, size_t size, size_t n)
{
	const unsigned char *p = bytes;
	size_t head = (n + 1) / 2;

	if (size < 1 || size - 1 < head)
		return TC_ECORRUPT;
	if (p[0] != PACK_FORMAT)
		return TC_EUNSUP;
	*u = (struct unpacker){ .nibbles = p + 1, .at = p + 1 + head,
		.end = p + size, .n = n };
	return 0;
}

static unsigned
code_at(const struct unpacker *u, size_t i)
{
	return ((unsigned)u->nibbles[i / 2] >> (4 * (i & 1))) & 15u;
}

static unsigned
length_of(unsigned code)
{
	return code <= 8 ? code : code - 8;
}

int
unpack_at(struct unpacker *u, size_t pos, enum tocsin_sample_type type,
	uint64_t *bits)
{
	unsigned code, n;
	uint64_t v;

	if (pos >= u->n || pos < u->i)
		return TC_ECORRUPT;
	for (; u->i < pos; u->i++) {
		n = length_of(code_at(u, u->i));
		if (n > (size_t)(u->end - u->at))
			return TC_ECORRUPT;
		u->at += n;
	}
	code = code_at(u, pos);
	n = length_of(code);
	if (n > (size_t)(u->end - u->at))
		return TC_ECORRUPT;
	v = le_get(u->at, n);
	if (type == TOCSIN_F64 && code > 8) {
		v = bits_of_double((double)v);
	} else if (type == TOCSIN_F64 && n > 0) {
		v <<= 8 * (8 - n);
	} else if (type == TOCSIN_I64) {
		v = unzigzag(v);
	}
	*bits = v;
	return 0;
}

double
pack_to_double(enum tocsin_sample_type type, uint64_t bits)
{
	switch (type) {
	case TOCSIN_U64:
		return (double)bits;
	case TOCSIN_I64:
		return (double)(int64_t)bits;
	case TOCSIN_F64:
		break;
	}
	return bits_to_double(bits);
}
