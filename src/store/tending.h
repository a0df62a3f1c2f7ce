/*
 * What the parts of tend.h share.
 */
#ifndef TOCSIN_STORE_TENDING_H
#define TOCSIN_STORE_TENDING_H

#include <stdint.h>

#include "store/db.h"
#include "store/migrate.h"

/* To read, in a transaction, once it is known to be ours. */
int tending_open(struct db *db, const char *path, struct tc_err *e);
void tending_close(struct db *db);
/* The times of raw history, whole minutes: from, to; both 0 when none. */
int tending_span(struct db *db, struct wall *from, struct wall *to,
	struct tc_err *e);
/* 0 when it is not there. */
uint64_t tending_bytes(const char *path, const char *suffix);

#endif
