/*
 * Items of /v1/predictions and of a host's /evidence, as people read them.
 */
#ifndef TOCSIN_CLI_RISK_H
#define TOCSIN_CLI_RISK_H

#include <stddef.h>

#include "base/err.h"
#include "cli/doc.h"

struct cli;

/* An enum level; what is none is LEVEL_NONE. */
int risk_level(const struct doc *v);
/* The share that fails within 30 days, 0 to 1. */
double risk_d30(const struct doc *v);
/* "5 to 40 days", "" when it is not known. */
void risk_lead(const struct doc *v, char *text, size_t size);
/* The items, worst first, in the arena of `c`. */
int risk_sort(struct cli *c, const struct doc *items, const struct doc ***out,
	struct tc_err *e);

#endif
