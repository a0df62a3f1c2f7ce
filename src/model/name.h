/*
 * Names of hosts, partitions, metrics; checked once, at the edge.
 */
#ifndef TOCSIN_MODEL_NAME_H
#define TOCSIN_MODEL_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define NAME_MAX_BYTES 253

/*
 * Host or partition: [a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?; A–Z are folded
 * into `out` (NAME_MAX_BYTES + 1 bytes).  TC_EINVAL says what is wrong.
 */
int name_fold(const char *text, size_t n, char *out, struct tc_err *e);

/* [a-z_][a-zA-Z0-9_:]{0,126} */
bool name_is_metric(const char *text, size_t n);

#endif
