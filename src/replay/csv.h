/*
 * One CSV line to one row.  The hot path of every backtest: no copies, no
 * allocation, columns that nobody wants are skipped.
 */
#ifndef TOCSIN_REPLAY_CSV_H
#define TOCSIN_REPLAY_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "predict/source.h"

#define CSV_COLUMNS_MAX 2048
/* Bytes behind the last line end that may be read (not used). */
#define CSV_SLACK 16

enum csv_field {
	CSV_DATE, CSV_SERIAL, CSV_MODEL, CSV_CAPACITY, CSV_FAILURE, CSV_COUNTER
};

/* A wanted column and how many others stand before it. */
struct csv_step {
	uint32_t skip;
	enum csv_field field;
	enum counter counter;
};
#define CSV_STEPS_MAX (5 + COUNTER_N)

struct csv {
	const char *file;
	uint64_t line;
	uint32_t n_steps;
	struct csv_step steps[CSV_STEPS_MAX];	/* from left to right */
	char date[10];		/* the last one seen, and its day */
	int32_t day;
};

/* The header line, p[0…n−1] without its line end: which columns are where. */
int csv_header(struct csv *c, const char *p, size_t n, struct tc_err *e);
/*
 * The row that begins at p; the memory must have a '\n' ahead and CSV_SLACK
 * behind that. Quoted texts are unescaped in place. *next is behind the '\n'.
 */
int csv_row(struct csv *c, char *p, struct row *row, char **next,
	struct tc_err *e);

#endif
