#include "agent/frame.h"

#include <string.h>

#include "base/le.h"

#define MAGIC UINT32_C(0x31505354)	/* "TSP1" */
#define CRC_FROM ((size_t)12)

/* Bit by bit: a batch is some KiB, a few times a minute. */
static uint32_t
crc_add(uint32_t crc, const unsigned char *p, size_t n)
{
	while (n-- > 0) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return crc;
}

static uint32_t
crc_of(const unsigned char *head, const unsigned char *body, size_t n)
{
	uint32_t crc = UINT32_MAX;

	crc = crc_add(crc, head + CRC_FROM, FRAME_HEAD_BYTES - CRC_FROM);
	return ~crc_add(crc, body, n);
}

void
frame_write_head(const struct frame *f, unsigned char head[FRAME_HEAD_BYTES])
{
	le_put(head, MAGIC, 4);
	le_put(head + 4, f->n, 4);
	le_put(head + 12, f->kind, 4);
	le_put(head + 16, f->seq, 8);
	le_put(head + 24, f->at_ms, 8);
	le_put(head + 32, f->items, 4);
	le_put(head + 8, crc_of(head, f->body, f->n), 4);
}

bool
frame_read(const unsigned char *p, size_t n, struct frame *out)
{
	struct frame f;
	uint64_t kind;

	if (n < FRAME_HEAD_BYTES || le_get(p, 4) != MAGIC)
		return false;
	f.n = le_get(p + 4, 4);
	if (f.n > FRAME_BODY_MAX || f.n > n - FRAME_HEAD_BYTES)
		return false;
	kind = le_get(p + 12, 4);
	if (kind != FRAME_BATCH && kind != FRAME_ACK)
		return false;
	f.kind = kind == FRAME_ACK ? FRAME_ACK : FRAME_BATCH;
	f.seq = le_get(p + 16, 8);
	f.at_ms = le_get(p + 24, 8);
	f.items = (uint32_t)le_get(p + 32, 4);
	f.body = p + FRAME_HEAD_BYTES;
	if (le_get(p + 8, 4) != crc_of(p, f.body, f.n))
		return false;
	*out = f;
	return true;
}

size_t
frame_seek(const unsigned char *p, size_t n, size_t at)
{
	static const unsigned char magic[4] = { 'T', 'S', 'P', '1' };

	while (at + sizeof(magic) <= n) {
		const unsigned char *hit = memchr(p + at, magic[0], n - at);

		if (!hit)
			break;
		at = (size_t)(hit - p);
		if (at + sizeof(magic) <= n && memcmp(hit, magic, 4) == 0)
			return at;
		at++;
	}
	return n;
}
