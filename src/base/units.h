/*
 * Numbers with units as people write them: "15s", "64MiB", "30 %".
 */
#ifndef TOCSIN_BASE_UNITS_H
#define TOCSIN_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

/* "250ms", "15s", "5m", "1h", "7d"; a unit is required except for 0. */
int dur_parse(const char *text, struct dur *out, struct tc_err *e);
/* The largest unit that divides: "15s", "90s", "10m". */
void dur_print(struct strbuf *sb, struct dur d);

/* "512", "64KiB", "1MiB", "2GiB", "3TiB" → bytes. */
int size_parse(const char *text, uint64_t *out, struct tc_err *e);

/* Whole text must be a decimal number; no sign for u64. */
int u64_parse(const char *text, size_t n, uint64_t *out);
int i64_parse(const char *text, size_t n, int64_t *out);
int double_parse(const char *text, size_t n, double *out);

/* Levenshtein distance, at most `max` + 1 is returned. */
size_t edit_distance(const char *a, const char *b, size_t max);

#endif
