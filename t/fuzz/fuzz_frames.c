/*
 * Anything a worker may say: every field lies in its frame, a plugin's rows
 * are checked as those of a file are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_plugin(struct frame f)
{
	struct plugin p = { .mem.limit = 1 << 22 };
	struct tocsin_probe probe;
	struct strbuf again = { 0 };

	if (frame_plugin(&f, &p.mem, &probe, NULL) == 0 &&
	    probe.name != NULL)
		(void)plugin_check(&probe, probe.name, &p, NULL);
	strbuf_free(&again);
	arena_free(&p.mem);
	mem_free(p.defaults);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + !size);
	struct frame f;
	size_t at = 0;
	long n;

	if (copy == NULL)
		abort();
	if (size != 0)
		memcpy(copy, data, size);
	while ((n = frame_next(copy + at, size - at, &f)) > 0) {
		at += (size_t)n;
		read_plugin(f);
		(void)frame_u32(&f);
		(void)frame_i64(&f);
		while (!f.bad && f.left > 0) {
			const char *s = frame_text(&f);

			if (s != NULL && (s < copy ||
			    s + strlen(s) >= copy + size))
				abort();
			(void)frame_f64(&f);
		}
	}
	free(copy);
	return 0;
}
