/*
 * The rule pack that is built in: predict/rules/additive-card.json, byte for
 * byte, so that no program needs a file to judge.
 */
#ifndef TOCSIN_PREDICT_BUILTIN_H
#define TOCSIN_PREDICT_BUILTIN_H

#include <stddef.h>

#include "base/err.h"

struct pack;

/* Parsed; the caller's (pack_free). Fails only without memory. */
int pack_builtin(struct pack **out, struct tc_err *e);

#endif
