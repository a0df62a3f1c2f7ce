/*
 * tocsin import and db import, where no server runs: straight into the store,
 * under its lock.  An import is no observation: it makes history, and what the predictor
 * has learnt of each drive.  It convicts nobody and raises no alert; what it
 * means is judged when the server starts.
 */
#ifndef TOCSIN_CLI_IMPORT_H
#define TOCSIN_CLI_IMPORT_H

#include "cli/cli.h"
#include "model/observation.h"
#include "store/rows.h"

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
/* Its id; it is made when nobody knows it. */
int import_store_host(struct import_store *s, const char *host, uint32_t *id,
	struct tc_err *e);
/* Rows of history as they are; the set is the store's from then on. */
int import_store_rows(struct import_store *s, struct change_set *cs,
	struct tc_err *e);
/* What history has, with all that was put before. */
int import_store_series(struct import_store *s,
	const struct store_series_query *q,
	int (*sink)(void *, const struct store_point *), void *arg,
	struct tc_err *e);
/* Waits until all is durable; one row of the audit trail says what came. */
int import_store_finish(struct import_store *s, const char *file,
	struct import_counts *out, struct tc_err *e);
void import_store_close(struct import_store *s);

#endif
