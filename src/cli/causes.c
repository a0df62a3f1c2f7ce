/*
 * tocsin common-cause: what those in trouble have in common, and who, by the
 * same attribute, is not affected at all.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"

static void
set_value(struct table *t, size_t column, const struct doc *v)
{
	const char *text = doc_text(v, "value");

	table_set(t, column, text, *text ? text : "(without)");
}

static void
print_attribute(struct cli *c, const struct doc *a)
{
	static const struct column columns[] = {
		{ "attribute", "", false, false },
		{ "value", "VALUE", false, false },
		{ "affected", "AFFECTED", true, false },
		{ "total", "OF", true, false },
		{ "share", "SHARE", true, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };
	const struct doc *items = doc_get(a, "items");

	out_paint(&c->out, PAINT_BOLD, "\n%s", doc_text(a, "attribute"));
	out_say(&c->out, ": %s of %s values not affected\n",
		doc_text(a, "unaffected"), doc_text(a, "values"));
	for (const struct doc *v = items ? items->first : NULL; v;
	     v = v->next) {
		table_row(&t);
		table_set(&t, 0, doc_text(a, "attribute"), "");
		set_value(&t, 1, v);
		show_text(&t, 2, v, "affected");
		show_text(&t, 3, v, "total");
		show_share(&t, 4, v, "share");
	}
	table_print(&t, &c->out);
	table_free(&t);
}

int
verb_common_cause(struct cli *c, struct tc_err *e)
{
	struct strbuf path = {0};
	const struct doc *items;
	struct doc *reply;
	char limit[32] = "";
	int rc;

	strbuf_puts(&path, "/v1/common-cause");
	api_filter(&path, "by", c->opt.attribute);
	api_filter(&path, "state", c->opt.state);
	api_filter(&path, "level", c->opt.level);
	api_filter(&path, "partition", c->opt.partition);
	if (c->opt.limit > 0)
		snprintf(limit, sizeof(limit), "%llu",
			(unsigned long long)c->opt.limit);
	api_filter(&path, "limit", *limit ? limit : NULL);
	rc = api_get(c, strbuf_str(&path), &reply, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	api_print(c);
	out_say(&c->out, "%s of %s hosts are affected\n",
		doc_text(reply, "affected"), doc_text(reply, "hosts"));
	items = doc_get(reply, "items");
	for (const struct doc *a = items ? items->first : NULL; a; a = a->next)
		print_attribute(c, a);
	return CLI_OK;
}
