/*
 * Observations that wait to become a batch.
 */
#ifndef TOCSIN_AGENT_PENDING_H
#define TOCSIN_AGENT_PENDING_H

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "model/observation.h"

/* The server takes bodies of 1 MiB. */
#define PENDING_BODY_MAX ((size_t)512 << 10)

struct pending {
	struct arena arena;
	struct observation *items;
	size_t n;
	size_t cap;
};

void pending_free(struct pending *p);
/* Copies the observation; TC_ENOMEM, TC_EFULL beyond 10,000. */
int pending_add(struct pending *p, const struct observation *ob);
/*
 * Gives the batches to `put`, as few as fit PENDING_BODY_MAX, each with an id
 * of its own; then there is nothing pending.  How many `put` refused.
 */
size_t pending_flush(struct pending *p, const char *host, struct wall now,
	int (*put)(void *arg, const struct batch *b, const struct strbuf *text),
	void *arg);

#endif
