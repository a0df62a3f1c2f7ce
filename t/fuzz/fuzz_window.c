/*
 * Windows and zones as anybody sends them: refused, or such as can be written,
 * read again and reckoned with.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan/window.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
try_zone(const char *text, size_t n)
{
	struct zone z;
	char out[ZONE_TEXT];

	if (zone_parse(text, n, &z, NULL) < 0)
		return;
	for (int64_t day = 0; day < 400; day += 7) {
		struct wall at = { 1767225600000 + day * 86400000 };
		struct date d = zone_date(&z, at);

		must(date_is_valid(d));
		must(zone_format(&z, at, out, sizeof(out))[0] != '\0');
		(void)zone_moment(&z, d, 150);
	}
}

static void
try_window(char *text, size_t n)
{
	struct window w, again;
	struct strbuf out = { 0 };
	struct strbuf twice = { 0 };

	if (window_read(text, n, &w, NULL) == 0) {
		if (w.repeat.every != REPEAT_NEVER &&
		    window_begin(&w, (struct wall){ 1767225600000 }))
			(void)window_meets(&w, &w);
		window_write(&out, &w);
		/* no time of it is to come: it would not have been taken */
		if (window_check(&w, NULL) == 0 && w.to.ms > w.from.ms) {
			must(window_read(out.p, out.n, &again, NULL) == 0);
			window_write(&twice, &again);
			window_fini(&again);
			must(twice.n == out.n);
		}
		notice_text(&twice, &w, &(struct notice_hosts){ NULL, 0, 0 });
	}
	window_fini(&w);
	strbuf_free(&out);
	strbuf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	must(copy != NULL);
	if (size != 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	try_zone(copy, size);
	try_window(copy, size);
	free(copy);
	return 0;
}
