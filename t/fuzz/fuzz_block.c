/*
 * Blocks of history as a damaged file would hold them: the first byte says
 * whether the rest is a block, a column (then the second byte is the number
 * of values), or values to be packed and read back.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/block.h"
#include "store/column.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VALUES 256

static void
read_block(const uint8_t *data, size_t size)
{
	struct block_get g = { 0 };
	uint64_t *values;
	int rc = block_open(&g, data, size);

	values = rc < 0 ? NULL : mem_alloc_array(g.rows, sizeof(*values));
	if (values != NULL) {
		(void)block_times(&g, (int64_t *)values);
		(void)block_marks(&g, values);
		for (size_t c = 0; rc == 0 && c < g.columns && c < 64; c++)
			rc = block_column(&g, c, values);
	}
	mem_free(values);
	block_get_free(&g);
}

static void
pack_again(enum tocsin_sample_type type, const uint8_t *data, size_t size)
{
	unsigned char bytes[64 + 13 * VALUES];
	uint64_t values[VALUES], scratch[6 * VALUES], back[VALUES];
	size_t n = size / 8 < VALUES ? size / 8 : VALUES;
	struct column_put c = { type, values, n, scratch };

	if (n == 0)
		return;
	memcpy(values, data, n * 8);
	size = column_put(&c, bytes);
	tc_bug_if(size > column_bound(n));
	tc_bug_if(column_get(bytes, size, back, n) < 0);
	tc_bug_if(memcmp(values, back, n * 8) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t values[VALUES];

	if (size < 2)
		return 0;
	switch (data[0] % 5) {
	case 0:
		read_block(data + 1, size - 1);
		break;
	case 1:
		(void)column_get(data + 2, size - 2, values, data[1]);
		break;
	default:
		pack_again((enum tocsin_sample_type)(data[0] % 5 - 2), data + 1,
			size - 1);
		break;
	}
	return 0;
}
