/*
 * What the caller of tocsin-smartd reads: lists and readings.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "smart/helper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct smart_helper_device items[4];
	struct smart_helper_list list = { .items = items, .max = 4 }, back;
	struct smart_helper_reading r;
	struct strbuf out = { 0 };
	const char *text = (const char *)data;

	if (smart_helper_get_reading(text, size, &r, NULL) == 0) {
		smart_helper_put_reading(&out, &r);
		if (smart_helper_get_reading(out.p, out.n, &r, NULL) != 0)
			abort();
	}
	if (smart_helper_get_devices(text, size, &list, NULL) == 0) {
		strbuf_reset(&out);
		strbuf_puts(&out, "{\"devices\":[");
		for (size_t i = 0; i < list.n; i++) {
			if (i != 0)
				strbuf_putc(&out, ',');
			smart_helper_put_device(&out, &items[i]);
		}
		strbuf_puts(&out, "]}");
		back = list;
		if (smart_helper_get_devices(out.p, out.n, &back, NULL) != 0 ||
		    back.n != list.n)
			abort();
	}
	strbuf_free(&out);
	return 0;
}
