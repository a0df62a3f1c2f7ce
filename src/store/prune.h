/*
 * Old history goes a few thousand rows at a time.
 */
#ifndef TOCSIN_STORE_PRUNE_H
#define TOCSIN_STORE_PRUNE_H

#include <stdbool.h>

#include "store/db.h"

/* In the caller's transaction; *n = rows that went, 0 = none is left. */
int prune_some(struct db *db, struct wall before, size_t *n, struct tc_err *e);

/* More than half of the time there is history of would go: nobody's wish. */
int prune_is_surprise(struct db *db, struct wall before, bool *surprise,
	struct tc_err *e);

#endif
