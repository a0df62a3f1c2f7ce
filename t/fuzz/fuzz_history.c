/*
 * Packed history rows as a damaged file would hold them.  The first byte says
 * how many values there are, the second which types.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
pack_again(enum tocsin_sample_type type, uint64_t bits)
{
	unsigned char out[16];
	struct unpacker u;
	struct packer p;
	uint64_t back;

	pack_begin(&p, out, 1);
	pack_value(&p, type, bits);
	tc_bug_if(unpack_begin(&u, out, pack_end(&p), 1) < 0);
	tc_bug_if(unpack_at(&u, 0, type, &back) < 0);
	tc_bug_if(back != bits);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpacker u;
	uint64_t bits;
	size_t n;

	if (size < 2)
		return 0;
	n = data[0];
	if (unpack_begin(&u, data + 2, size - 2, n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		enum tocsin_sample_type type =
			(enum tocsin_sample_type)((data[1] + i) % 3);

		if (unpack_at(&u, i, type, &bits) < 0)
			break;
		(void)pack_to_double(type, bits);
		pack_again(type, bits);
	}
	return 0;
}
