/*
 * Any text as a file_sd file: every host that comes out has a name.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "config/file_sd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sd_file file = { .path = "x" };
	struct arena arena = { 0 };
	char *text = arena_strndup(&arena, size ? (const char *)data : "", size);

	if (text != NULL && sd_parse(text, size, &arena, &file, NULL) == 0)
		for (size_t i = 0; i < file.n; i++)
			if (file.hosts[i].name[0] == '\0' ||
			    file.hosts[i].address[0] == '\0')
				abort();
	arena_free(&arena);
	return 0;
}
