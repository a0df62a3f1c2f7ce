/*
 * The one thread that writes, and its queue.
 */
#ifndef TOCSIN_STORE_WRITER_H
#define TOCSIN_STORE_WRITER_H

#include "store/scribe.h"
#include "store/store.h"

struct readers;
struct writer;

/* The epoch could not begin at a start: it begins degraded. */
struct writer_late {
	const char *why;
	struct readers *readers;	/* thawed before it opens the file */
};

/*
 * Takes over an open, migrated, prepared connection, even when it fails.
 * What `conf` and `late` (NULL = it did begin) point to outlives it, but for
 * `why`.
 */
int writer_start(const struct store_conf *conf, struct scribe *scribe,
	const struct writer_late *late, struct writer **out,
	struct tc_err *e);
/* Commits what is queued, marks the clean stop, checkpoints, frees. */
void writer_stop(struct writer *w);

int writer_submit(struct writer *w, struct change_set *cs);
int writer_flush(struct writer *w, struct dur max);

/* Run on the writer's thread in a transaction of its own; waits for it. */
struct writer_call {
	int (*run)(struct scribe *, const void *arg, struct tc_err *e);
	const void *arg;
};
int writer_run(struct writer *w, const struct writer_call *call,
	struct tc_err *e);

/* forget_ask() on the writer's thread. */
int writer_prune(struct writer *w, const struct store_prune *order,
	struct tc_err *e);

/* All but the sizes of the files. */
void writer_stats(struct writer *w, struct store_stats *out);

#endif
