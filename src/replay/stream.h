/*
 * A file or memory as plain bytes: as it is, gzip or zstd, told by its first
 * bytes.  One thread.
 */
#ifndef TOCSIN_REPLAY_STREAM_H
#define TOCSIN_REPLAY_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct stream;

/* The name is borrowed for messages. */
int stream_open(const char *path, struct stream **out, struct tc_err *e);
/* Borrows the bytes. */
int stream_open_memory(const char *name, const void *p, size_t n,
	struct stream **out, struct tc_err *e);
void stream_close(struct stream *s);
/*
 * Up to `cap` bytes into p; *got = 0 only at the end.  TC_EIO, TC_ECORRUPT
 * (damaged or cut archive).
 */
int stream_read(struct stream *s, void *p, size_t cap, size_t *got,
	struct tc_err *e);
/* Stored bytes eaten so far, and all of them (0 = unknown, a pipe). */
uint64_t stream_eaten(const struct stream *s);
uint64_t stream_size(const struct stream *s);

#endif
