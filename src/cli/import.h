/*
 * tocsin import, where no server runs: straight into the store, under its
 * lock.  An import is no observation: it makes history, and what the predictor
 * has learnt of each drive.  It convicts nobody and raises no alert; what it
 * means is judged when the server starts.
 */
#ifndef TOCSIN_CLI_IMPORT_H
#define TOCSIN_CLI_IMPORT_H

#include "cli/cli.h"
#include "model/observation.h"

struct import_store;

struct import_counts {
	size_t accepted;
	size_t duplicates;	/* were there already */
};

/* TC_EBUSY: a server runs. */
int import_store_open(struct cli *c, const char *state_dir,
	struct import_store **out, struct tc_err *e);
int import_store_put(struct import_store *s, const struct batch *b,
	struct tc_err *e);
/* What became of a drive: the body of POST /v1/outcomes. */
int import_store_outcome(struct import_store *s, const struct strbuf *body,
	struct tc_err *e);
/* Waits until all is durable; one row of the audit trail says what came. */
int import_store_finish(struct import_store *s, const char *file,
	struct import_counts *out, struct tc_err *e);
void import_store_close(struct import_store *s);

#endif
