/*
 * Names of hosts, partitions, metrics; checked once, at the edge.
 */
#ifndef TOCSIN_MODEL_NAME_H
#define TOCSIN_MODEL_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define NAME_MAX_BYTES 253
#define NAME_WORD_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
	"0123456789_"

/*
 * Host or partition: [a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?; A–Z are folded
 * into `out` (NAME_MAX_BYTES + 1 bytes).  TC_EINVAL says what is wrong.
 */
int name_fold(const char *text, size_t n, char *out, struct tc_err *e);

/*
 * What may be asked: an IPv4 or IPv6 address (with a zone), a name of DNS; or
 * empty.  Not 300.1.1.1 nor 1.2.3, which resolvers take for anything, and no
 * ADDRESS:PORT.
 */
bool name_is_address(const char *text);

/* [a-z_][a-zA-Z0-9_:]{0,126} */
bool name_is_metric(const char *text, size_t n);

#endif
