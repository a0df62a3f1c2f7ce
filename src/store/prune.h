/*
 * Old history goes a few thousand rows at a time.
 */
#ifndef TOCSIN_STORE_PRUNE_H
#define TOCSIN_STORE_PRUNE_H

#include "store/db.h"

/* In the caller's transaction; *n = rows that went, 0 = none is left. */
int prune_some(struct db *db, struct wall before, size_t *n, struct tc_err *e);

#endif
