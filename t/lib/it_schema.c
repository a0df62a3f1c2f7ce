#include "t/lib/it_schema.h"

#include <check.h>
#include <stdio.h>

#include "t/lib/schema.h"

static json_t *
described(const struct it *it)
{
	char path[512];
	json_t *doc;

	snprintf(path, sizeof(path), "%s/data/openapi.json", it->dir);
	doc = json_load_file(path, 0, NULL);
	ck_assert_ptr_nonnull(doc);
	return doc;
}

void
it_fits(struct it *it, const char *method, const char *pattern,
	const struct it_reply *r)
{
	const char *type = NULL;
	const json_t *rule;
	struct schema schema;

	if (it->openapi == NULL)
		it->openapi = described(it);
	schema = (struct schema){ .doc = it->openapi };
	rule = schema_of_reply(&schema, method, pattern, (int)r->status, &type);
	ck_assert_msg(rule != NULL, "%s %s → %ld is not described", method,
		pattern, r->status);
	ck_assert_msg(schema_match(&schema, rule, r->json), "%s %s: %s\n%s",
		method, pattern, schema.why, strbuf_str(&r->text));
}

void
it_ask(struct it *it, const char *what, const char *pattern,	/* lint: a row of the stories */
	const char *body, long status, struct it_reply *r)
{
	char method[16];
	size_t i;

	it_call(it, what, NULL, body, r);
	ck_assert_msg(r->status == status, "%s → %ld %s", what, r->status,
		strbuf_str(&r->text));
	for (i = 0; what[i] != ' '; i++)
		method[i] = (char)(what[i] | 0x20);
	method[i] = '\0';
	it_fits(it, method, pattern, r);
}

void
it_want(struct it *it, const char *what, const char *pattern,
	const char *body, long status)
{
	struct it_reply r;

	it_ask(it, what, pattern, body, status, &r);
	it_reply_fini(&r);
}
