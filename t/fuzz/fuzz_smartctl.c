/*
 * JSON of smartctl and nvme-cli.
 */
#include <stddef.h>
#include <stdint.h>

#include "smart/smartctl.h"
#include "t/fuzz/fuzz_smart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smart_report r;
	struct tc_err e = { 0 };

	if (smart_smartctl_decode((const char *)data, size, &r, &e) != 0) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	fuzz_smart_check(&r);
	for (unsigned status = 0; status < 256; status++)
		(void)smart_reading_name(smart_reading_judge(&r, status));
	return 0;
}
