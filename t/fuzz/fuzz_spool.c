/*
 * A spool segment of any bytes: frames are found or skipped, none lies beyond
 * the end, and what is read is written the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char head[FRAME_HEAD_BYTES];
	struct frame f;
	size_t at = 0;

	while (at < size) {
		if (!frame_read(data + at, size - at, &f)) {
			size_t next = frame_seek(data, size, at + 1);

			if (next <= at)
				abort();
			at = next;
			continue;
		}
		if (f.body != data + at + FRAME_HEAD_BYTES ||
		    f.n > size - at - FRAME_HEAD_BYTES)
			abort();
		frame_write_head(&f, head);
		if (memcmp(head, data + at, sizeof(head)) != 0)
			abort();
		at += FRAME_HEAD_BYTES + f.n;
	}
	return 0;
}
