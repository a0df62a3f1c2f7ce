/*
 * Backblaze-format CSV as rows: columns are found by their header's names,
 * whatever their order and number; needed are date, serial_number, failure and
 * one smart_N_raw of the feature set.  Plain, gzip or zstd; LF or CRLF; quoted
 * fields; a BOM is skipped.  A bad row is an error with file:line:column and
 * what was expected.  Several files are read one after the other.
 */
#ifndef TOCSIN_REPLAY_REPLAY_H
#define TOCSIN_REPLAY_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "predict/source.h"

struct replay;

/* Borrows the paths; "-" is standard input. */
int replay_open(const char *const *paths, size_t n, struct replay **out,
	struct tc_err *e);
/* Borrows name and bytes. */
int replay_open_memory(const char *name, const void *p, size_t n,
	struct replay **out, struct tc_err *e);
void replay_close(struct replay *r);

/* Lives as long as the replay. */
struct row_source *replay_source(struct replay *r);
/* How much of all files is read, 0…1; −1 = unknown. */
double replay_progress(const struct replay *r);

#endif
