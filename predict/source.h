/*
 * Recorded history as rows, from wherever it comes.  Declared here because
 * predict needs it; src/replay implements it over files.
 *
 * Rows of one device come by rising day; devices may come one after the other
 * or mixed day by day.  There may be a row a day, or only one where something
 * changed: what lies between is carried forward.
 */
#ifndef TOCSIN_PREDICT_SOURCE_H
#define TOCSIN_PREDICT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "predict/features.h"

/* Texts are borrowed until the next row; not NUL-terminated. */
struct row {
	const char *serial;
	const char *model;
	uint32_t serial_n;
	uint32_t model_n;
	uint64_t capacity_bytes;	/* 0 = not said */
	uint64_t line;			/* in `file`, from 1 */
	const char *file;
	int32_t day;			/* UTC, days since 1970 */
	uint32_t seen;			/* bit per counter that has a value */
	uint64_t raw[COUNTER_N];
	bool failure;			/* the last day of the device */
};

struct row_source {
	/* 1 = a row, 0 = the end, negative = TC_E… with place and reason. */
	int (*next)(struct row_source *, struct row *, struct tc_err *);
	/* Back to the first row; NULL = it can be read only once. */
	int (*rewind)(struct row_source *, struct tc_err *);
};

#endif
