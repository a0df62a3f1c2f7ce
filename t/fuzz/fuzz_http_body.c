/*
 * Any bytes as a body, in chunks of any size (the first byte): what is
 * expected is found whole or in pieces alike.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "probes/http/want.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct want_text texts[] = {
	{ "200", "needle", "", "" },
	{ "200", "", "^[a-z]+ ([0-9]|ready)+$", "" },
	{ "200", "", "", "/n/1/x=true" },
	{ "200", "s", "a+", "/status=ok" },
};

static bool
run(struct want *w, const uint8_t *p, size_t n, size_t chunk)
{
	struct body b = { 0 };
	char text[200] = "";
	bool met;

	for (size_t at = 0; at < n; at += chunk)
		body_take(&b, w, (const char *)p + at,
			n - at < chunk ? n - at : chunk);
	met = body_is_met(&b, w, text);
	if (!met && text[0] == '\0')
		abort();
	body_free(&b);
	return met;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct want_cache cache = { 0 };
	char error[256];

	if (size < 1)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct want *w = want_get(&cache, &texts[i], error);

		if (w == NULL || run(w, data + 1, size - 1, size) !=
		    run(w, data + 1, size - 1, data[0] % 16 + 1u))
			abort();
		want_put(w);
	}
	want_cache_free(&cache);
	return 0;
}
