#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/file_sd.h"
#include "config/partition.h"

#define PATH_BYTES 4096

struct listing {
	const struct config *cfg;
	struct arena *arena;
	struct config_sd *out;
	struct config_errors *errs;	/* may be NULL */
};

static void
sign(struct sd_file *file)
{
	struct stat st;

	file->mtime_ns = file->size_bytes = -1;
	if (stat(file->path, &st) < 0)
		return;
	file->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
		st.st_mtim.tv_nsec;
	file->size_bytes = (int64_t)st.st_size;
	file->inode = (uint64_t)st.st_ino;
}

static const struct sd_file *
find_file(const struct config_sd *sd, const char *path)
{
	for (size_t i = 0; i < sd->n; i++)
		if (strcmp(sd->files[i].path, path) == 0)
			return &sd->files[i];
	return NULL;
}

static void
warn(struct config_errors *errs, const struct opt_origin *at, const char *what,
	const char *path)
{
	if (errs != NULL)
		config_errors_add(errs, true, *at, "file_sd: %s: %s", path,
			what);
}

static int
add_file(struct listing *l, const char *path, size_t partition)
{
	void *files = l->out->files;
	struct sd_file file = { .path = arena_strdup(l->arena, path),
		.partition = partition };

	if (file.path == NULL || mem_grow(&files, &l->out->cap, l->out->n + 1,
		sizeof(file)) < 0)
		return TC_ENOMEM;
	l->out->files = files;
	sign(&file);
	l->out->files[l->out->n++] = file;
	return 0;
}

static int
expand(struct listing *l, size_t partition, const char *pattern)
{
	const struct opt_origin *at =
		&l->cfg->partitions[partition].file_sd.origin;
	char path[PATH_BYTES];
	glob_t found = { 0 };
	int n = snprintf(path, sizeof(path), "%s%s%s",
		pattern[0] == '/' ? "" : l->cfg->dir,
		pattern[0] == '/' ? "" : "/", pattern);
	int rc = 0, why;

	if (n < 0 || (size_t)n >= sizeof(path)) {
		warn(l->errs, at, "the path is too long", pattern);
		return 0;
	}
	why = glob(path, 0, NULL, &found);
	if (why == GLOB_NOSPACE)
		rc = TC_ENOMEM;
	else if (why != 0)
		warn(l->errs, at, "no such file", path);
	for (size_t i = 0; why == 0 && i < found.gl_pathc && rc == 0; i++) {
		if (find_file(l->out, found.gl_pathv[i]) != NULL)
			warn(l->errs, at, "is read once already",
				found.gl_pathv[i]);
		else
			rc = add_file(l, found.gl_pathv[i], partition);
	}
	globfree(&found);
	return rc;
}

int
sd_list(const struct config *cfg, struct arena *arena, struct config_sd *out,
	struct config_errors *errs)
{
	struct listing l = { cfg, arena, out, errs };
	int rc = 0;

	*out = (struct config_sd){ 0 };
	for (size_t p = 0; p < cfg->n_partitions; p++) {
		const struct config_list *patterns =
			&cfg->partitions[p].file_sd;

		for (size_t i = 0; i < patterns->n && rc == 0; i++)
			rc = expand(&l, p, patterns->items[i]);
	}
	if (rc < 0) {
		mem_free(out->files);
		*out = (struct config_sd){ 0 };
	}
	return rc;
}
