/*
 * tocsin token: what its two ways share, through a running server (token.c)
 * and in the store of one that does not run (token_offline.c).
 */
#ifndef TOCSIN_CLI_TOKEN_H
#define TOCSIN_CLI_TOKEN_H

#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

struct cli;
struct table;

/* The host is not known: how it could be made all the same. */
int token_say_new(struct tc_err *e);

/* TC_EBUSY: the server runs. */
int token_offline_create(struct cli *c, const char *state_dir,
	struct strbuf *token, struct tc_err *e);
int token_offline_list(struct cli *c, const char *state_dir,
	struct table *t, struct tc_err *e);
int token_offline_revoke(struct cli *c, const char *state_dir, uint32_t id,
	struct tc_err *e);

#endif
