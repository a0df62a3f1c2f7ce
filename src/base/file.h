/*
 * Whole files, small ones.
 */
#ifndef TOCSIN_BASE_FILE_H
#define TOCSIN_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strbuf.h"

/* Appends the file; TC_EFULL beyond max_bytes (0 = 64 MiB). */
int file_slurp(const char *path, size_t max_bytes, struct strbuf *out,
	struct tc_err *e);

/* The same from an open descriptor, which stays open. */
int file_slurp_fd(int fd, size_t max_bytes, struct strbuf *out,
	struct tc_err *e);

/* Written beside, synced, renamed over, directory synced: old or new. */
int file_write_atomic(const char *path, const void *p, size_t n, mode_t mode,
	struct tc_err *e);

/* A file or a folder, to the disk. */
int file_sync(const char *path, struct tc_err *e);
/* The folder it lies in: a name that came, moved or went. */
int file_sync_beside(const char *path, struct tc_err *e);

/* mkdir -p; what exists is left as it is. */
int file_make_dirs(const char *path, mode_t mode, struct tc_err *e);

#endif
