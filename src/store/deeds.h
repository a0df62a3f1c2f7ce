/*
 * Events, ended alerts with their messages, and the head of the audit trail
 * go when they are older than is kept.
 */
#ifndef TOCSIN_STORE_DEEDS_H
#define TOCSIN_STORE_DEEDS_H

#include "store/scribe.h"
#include "store/store.h"

/* A few hundred rows, in the caller's transaction; *n = 0: none is left. */
int deeds_forget(struct scribe *s, const struct store_conf *conf,
	struct wall today, size_t *n, struct tc_err *e);

#endif
