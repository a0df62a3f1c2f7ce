/*
 * The frames of a spool segment: little-endian,
 *
 *	magic u32, length u32, crc u32, kind u32, seq u64, at_ms u64, items u32
 *
 * and `length` bytes.  The CRC (IEEE 802.3) covers all that follows it.
 */
#ifndef TOCSIN_AGENT_FRAME_H
#define TOCSIN_AGENT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEAD_BYTES ((size_t)36)
#define FRAME_BODY_MAX ((size_t)2 << 20)

enum frame_kind {
	FRAME_BATCH = 1,
	FRAME_ACK = 2,	/* all up to seq is the server's; no body */
};

struct frame {
	enum frame_kind kind;
	uint32_t items;
	uint64_t seq;
	uint64_t at_ms;
	const unsigned char *body;
	size_t n;
};

/* Fills the head for `f`. */
void frame_write_head(const struct frame *f,
	unsigned char head[FRAME_HEAD_BYTES]);
/* The frame at `p`; false when it is cut off or damaged. */
bool frame_read(const unsigned char *p, size_t n, struct frame *out);
/* Where the next magic is, from `at`; n when there is none. */
size_t frame_seek(const unsigned char *p, size_t n, size_t at);

#endif
