/* CSV, plain or packed, from anybody. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "replay/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct replay *r = NULL;
	struct tc_err e = { 0 };
	struct row row = { 0 };
	volatile unsigned char sink = 0;

	if (replay_open_memory("fuzz", data, size, &r, &e) < 0) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	while (replay_source(r)->next(replay_source(r), &row, &e) > 0) {
		/* every borrowed byte is readable */
		for (uint32_t i = 0; i < row.serial_n; i++)
			sink = (unsigned char)(sink ^ (unsigned char)row.serial[i]);
		for (uint32_t i = 0; i < row.model_n; i++)
			sink = (unsigned char)(sink ^ (unsigned char)row.model[i]);
	}
	replay_close(r);
	return 0;
}
