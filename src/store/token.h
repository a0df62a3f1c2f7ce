/*
 * The text of a bearer token.  The store keeps its hash alone.
 */
#ifndef TOCSIN_STORE_TOKEN_H
#define TOCSIN_STORE_TOKEN_H

/* With the end: "tcs_" and 32 random bytes as 64 hex digits. */
#define TOKEN_TEXT 69

/* libsodium must have been started. */
void token_make(char text[TOKEN_TEXT], unsigned char sha256[32]);

#endif
