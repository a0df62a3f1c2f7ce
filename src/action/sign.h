/*
 * The signature of a webhook: HMAC-SHA256 over "SECONDS.BODY".
 */
#ifndef TOCSIN_ACTION_SIGN_H
#define TOCSIN_ACTION_SIGN_H

#include <stddef.h>

#include "base/clock.h"
#include "base/strbuf.h"

/* Appends "t=1767225600,v1=HEX". */
void sign_put(struct strbuf *out, const char *secret, struct wall at,
	const struct strbuf *body);

#endif
