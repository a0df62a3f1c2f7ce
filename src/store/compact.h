/*
 * Closed hours become blocks, days roll-ups, late rows part of both: in a
 * thread of its own that reads beside the writer and hands it small batches.
 */
#ifndef TOCSIN_STORE_COMPACT_H
#define TOCSIN_STORE_COMPACT_H

#include "store/writer.h"

struct compactor;

struct compactor_conf {
	const char *path;	/* outlives it */
	struct writer *writer;
	struct dur lag;		/* of a closed hour; 0 = only when asked */
};
int compactor_start(const struct compactor_conf *conf,
	struct compactor **out, struct tc_err *e);
/* Before the writer stops; what is half done is taken up at the next start. */
void compactor_stop(struct compactor *c);

/* All there is to do for hours that end before `until`, now; any thread. */
int compactor_run(struct compactor *c, struct wall until, struct tc_err *e);

#endif
