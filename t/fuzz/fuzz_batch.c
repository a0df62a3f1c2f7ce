/*
 * A batch that is taken is written so that it is taken again, the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf once = { 0 }, twice = { 0 };
	struct batch b, again;

	if (batch_parse((const char *)data, size, &b, NULL) < 0)
		return 0;
	if (batch_write(&b, &once) < 0 ||
	    batch_parse(once.p, once.n, &again, NULL) < 0 ||
	    batch_write(&again, &twice) < 0 || once.n != twice.n ||
	    memcmp(once.p, twice.p, once.n) != 0)
		abort();
	strbuf_free(&once);
	strbuf_free(&twice);
	arena_free(&again.arena);
	arena_free(&b.arena);
	return 0;
}
