/*
 * Server-Sent Events of any bytes: in one piece or byte by byte, they give the
 * same frames.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
note(void *arg, struct sse *frame)
{
	struct strbuf *all = arg;

	if (frame->data.n == 0 || strlen(frame->id) >= sizeof(frame->id))
		abort();
	strbuf_printf(all, "%s|%s|%s\n", frame->id, frame->event,
		strbuf_str(&frame->data));
	return frame->event[0] == '!' ? -1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct strbuf whole = {0}, pieces = {0};
	struct sse a = {0}, b = {0};
	int rc = sse_feed(&a, p, size, note, &whole);
	int last = 0;

	for (size_t i = 0; i < size && last == 0; i++)
		last = sse_feed(&b, p + i, 1, note, &pieces);
	if (rc != last ||
	    strcmp(strbuf_str(&whole), strbuf_str(&pieces)) != 0)
		abort();
	strbuf_free(&whole);
	strbuf_free(&pieces);
	sse_free(&a);
	sse_free(&b);
	return 0;
}
