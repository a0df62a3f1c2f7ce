/*
 * tocsin risk: what will break next, the worst first.
 */
#include "cli/risk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"
#include "model/level.h"

int
risk_level(const struct doc *t)
{
	const char *text = doc_text(t, "level");
	enum level level;

	return level_from_name(text, strlen(text), &level) ? (int)level : 0;
}

double
risk_d30(const struct doc *t)
{
	return doc_number(doc_get(t, "risk"), "d30", 0);
}

static int
worse_first(const void *a, const void *b)
{
	const struct doc *x = *(const struct doc *const *)a;
	const struct doc *y = *(const struct doc *const *)b;
	double rx = risk_d30(x), ry = risk_d30(y);

	if (risk_level(x) != risk_level(y))
		return risk_level(y) - risk_level(x);
	if (rx < ry || rx > ry)
		return rx < ry ? 1 : -1;
	return strcmp(doc_text(x, "host"), doc_text(y, "host"));
}

int
risk_sort(struct cli *c, const struct doc *items, const struct doc ***out,
	struct tc_err *e)
{
	const struct doc **all = arena_alloc(&c->arena,
		(items->n + 1) * sizeof(*all));
	size_t n = 0;

	if (!all)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	for (const struct doc *t = items->first; t; t = t->next)
		all[n++] = t;
	if (n > 1)
		qsort(all, n, sizeof(const struct doc *), worse_first);
	*out = all;
	return 0;
}

void
risk_lead(const struct doc *verdict, char *text, size_t size)
{
	const struct doc *lead = doc_get(verdict, "lead_time");
	double from = doc_number(lead, "from", 0);
	double to = doc_number(lead, "to", 0);

	*text = '\0';
	if (lead && lead->kind == JSON_OBJECT && to - from >= 0.5)
		snprintf(text, size, "%.0f to %.0f days", from, to);
	else if (lead && lead->kind == JSON_OBJECT)
		snprintf(text, size, "%.0f day%s", to, to > 0.5 && to < 1.5 ?
			"" : "s");
}

static void
add_risk(struct cli *c, struct table *t, const struct doc *p)
{
	char text[256];

	table_row(t);
	show_text(t, 0, p, "host");
	show_text(t, 1, p, "level");
	show_share(t, 2, doc_get(p, "risk"), "d30");
	risk_lead(p, text, sizeof(text));
	table_set(t, 3, text, NULL);
	show_device(doc_get(p, "device"), text, sizeof(text));
	table_set(t, 4, text, NULL);
	show_because(doc_get(p, "evidence"), 3, text, sizeof(text));
	table_set(t, 5, text, NULL);
	show_age(c, t, 6, p, "since");
	show_text(t, 7, p, "id");
}

int
verb_risk(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "host", "HOST", false, false },
		{ "level", "LEVEL", false, true },
		{ "risk", "IN 30 D", true, false },
		{ "lead_time", "FAILS IN", false, false },
		{ "device", "DEVICE", false, false },
		{ "because", "BECAUSE", false, false },
		{ "since", "SINCE", false, false },
		{ "id", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	struct strbuf path = {0};
	const struct doc **all;
	struct doc *items;
	int rc;

	strbuf_puts(&path, "/v1/predictions");
	if (c->opt.level) {
		strbuf_puts(&path, "?level=");
		api_escape(&path, c->opt.level);
	}
	rc = api_list(c, strbuf_str(&path), c->opt.limit, &items, e);
	strbuf_free(&path);
	if (rc < 0 || (rc = risk_sort(c, items, &all, e)) < 0)
		return rc;
	for (size_t i = 0; i < items->n; i++)
		add_risk(c, &t, all[i]);
	table_print(&t, &c->out);
	if (items->n == 0)
		out_say(&c->out, "nothing points to a failure\n");
	table_free(&t);
	return c->opt.fail && items->n > 0 ? CLI_AT_RISK : CLI_OK;
}
