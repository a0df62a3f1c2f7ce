/*
 * main() for a fuzz target in a build without libFuzzer: feeds it every file
 * named on the command line, or, without arguments, t/fuzz/seeds/X for a
 * program called fuzz_X. The empty input comes first, always.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
feed_file(const char *path)
{
	uint8_t *data = NULL;
	size_t used = 0, room = 0, got;
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return -1;
	}
	do {
		if (used == room) {
			room = room ? 2 * room : 65536;
			data = realloc(data, room);
			if (!data)
				abort();
		}
		got = fread(data + used, 1, room - used, f);
		used += got;
	} while (got > 0);
	(void)fclose(f);
	/* exactly sized, so that a sanitizer sees one byte too many */
	uint8_t *exact = malloc(used + !used);

	if (!exact)
		abort();
	memcpy(exact, data, used);
	(void)LLVMFuzzerTestOneInput(exact, used);
	free(exact);
	free(data);
	return 0;
}

static int
feed_dir(const char *dir)
{
	char path[4096];
	struct dirent *entry;
	int fed = 0;
	DIR *d = opendir(dir);

	if (!d) {
		perror(dir);
		return -1;
	}
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		int n = snprintf(path, sizeof(path), "%s/%s", dir,
				 entry->d_name);

		if (n < 0 || (size_t)n >= sizeof(path) ||
		    feed_file(path) < 0) {
			fed = -1;
			break;
		}
		fed++;
	}
	(void)closedir(d);
	return fed;
}

int
main(int argc, char **argv)
{
	static const uint8_t nothing[1];
	const char *src = getenv("top_srcdir");
	const char *name = strrchr(argv[0], '/');
	char dir[4096];
	int fed = 0;

	(void)LLVMFuzzerTestOneInput(nothing, 0);
	for (int i = 1; i < argc; i++, fed++) {
		if (feed_file(argv[i]) < 0)
			return 1;
	}
	name = name ? name + 1 : argv[0];
	if (argc == 1 && strncmp(name, "fuzz_", 5) == 0) {
		(void)snprintf(dir, sizeof(dir), "%s/t/fuzz/seeds/%s",
			       src ? src : ".", name + 5);
		fed = feed_dir(dir);
	}
	printf("%s: %d seeds\n", name, fed);
	return fed > 0 ? 0 : 1;
}
