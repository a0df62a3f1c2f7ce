/*
 * The container of libatasmart and the pages in it.  Checksums are put right
 * on a copy, so that the fuzzer need not find them.
 */
#include <stddef.h>
#include <stdint.h>

#include "smart/pages.h"
#include "t/fuzz/fuzz_smart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_right(uint8_t *page)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < SMART_PAGE_BYTES - 1; i++)
		sum = (uint8_t)(sum + page[i]);
	page[SMART_PAGE_BYTES - 1] = (uint8_t)-sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t copy[3][SMART_PAGE_BYTES];
	struct smart_pages pages;
	struct smart_report r;

	if (smart_blob_decode(data, size, &r, NULL) != 0)
		return 0;
	fuzz_smart_check(&r);
	if (smart_blob_split(data, size, &pages, NULL) != 0)
		abort();
	const uint8_t **slot[] = { &pages.identify, &pages.data,
		&pages.thresholds };
	for (size_t i = 0; i < 3; i++) {
		if (*slot[i] == NULL)
			continue;
		memcpy(copy[i], *slot[i], SMART_PAGE_BYTES);
		put_right(copy[i]);
		*slot[i] = copy[i];
	}
	if (smart_pages_decode(&pages, &r, NULL) != 0 || r.suspect)
		abort();
	fuzz_smart_check(&r);
	return 0;
}
