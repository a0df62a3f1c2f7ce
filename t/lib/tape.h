/*
 * A history of drives in memory, as a backtest reads it.
 */
#ifndef TOCSIN_T_LIB_TAPE_H
#define TOCSIN_T_LIB_TAPE_H

#include <stddef.h>

#include "base/macros.h"
#include "base/mem.h"
#include "predict/source.h"

struct tape {
	struct row_source source;
	struct row *rows;	/* in the same block: mem_free(tape) */
	size_t n;
	size_t max;
	size_t at;		/* what is read next */
};

static inline int
tape_next(struct row_source *source, struct row *row, struct tc_err *e)
{
	struct tape *t = CONTAINER_OF(source, struct tape, source);

	(void)e;
	if (t->at == t->n)
		return 0;
	*row = t->rows[t->at++];
	return 1;
}

static inline int
tape_rewind(struct row_source *source, struct tc_err *e)
{
	struct tape *t = CONTAINER_OF(source, struct tape, source);

	(void)e;
	t->at = 0;
	return 0;
}

/* Room for so many rows; NULL = no memory. */
static inline struct tape *
tape_alloc(size_t max)
{
	struct tape *t = mem_alloc(sizeof(*t) + max * sizeof(t->rows[0]));

	if (t == NULL)
		return NULL;
	t->source = (struct row_source){ tape_next, tape_rewind };
	t->rows = (struct row *)(t + 1);
	t->max = max;
	return t;
}

#endif
