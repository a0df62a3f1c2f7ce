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
void plan_free(struct plan_doc *p);

#endif
