/*
 * The text of a bearer token.  The store keeps its hash alone.
 */
#ifndef TOCSIN_STORE_TOKEN_H
#define TOCSIN_STORE_TOKEN_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"

/* With the end: "tcs_" and 32 random bytes as 64 hex digits. */
#define TOKEN_TEXT 69

/* libsodium must have been started. */
void token_make(char text[TOKEN_TEXT], unsigned char sha256[32]);

/*
 * When a token made at `at` to be valid for so long ends; ns 0 = never, ms 0.
 * TC_EINVAL when that is no time that people could read.
 */
int token_until(struct wall at, struct dur valid, struct wall *out,
	struct tc_err *e);
/* In the last third of its time, 30 days at most; or behind its end. */
bool token_ends_soon(struct wall created, struct wall until, struct wall now);

#endif
