/*
 * What should be done about a host, and why it is not done.
 */
#ifndef TOCSIN_CLI_PLAN_H
#define TOCSIN_CLI_PLAN_H

#include "cli/cli.h"

struct plan_doc {
	struct doc *why;	/* of /v1/hosts/{h}/why-not */
	struct doc *plan;	/* of /v1/evacuations/{id}; NULL = none */
	struct strbuf why_json;	/* as they came */
	struct strbuf plan_json;	/* empty = none */
};

/* What it has is released by plan_free(), after an error too. */
int plan_get(struct cli *c, const char *host, struct plan_doc *out,
	struct tc_err *e);
/* Text and kv; a few lines. */
void plan_say(struct cli *c, const struct plan_doc *p);
/* In text: who may take its load, of {targets, partition_hosts}. */
void plan_say_targets(struct cli *c, const struct doc *p);
/* Sets a cell to the codes, for people all but what is always so. */
void plan_set_why_not(struct table *t, size_t column,
	const struct doc *why_not);
void plan_free(struct plan_doc *p);

#endif
