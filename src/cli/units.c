/*
 * The VMs and roles of a host, for tocsin host and tocsin explain.
 */
#include <stdio.h>
#include <string.h>

#include "cli/show.h"
#include "cli/units.h"

static void
join(const struct doc *list, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (const struct doc *i = list ? list->first : NULL;
	     i && n < size; i = i->next)
		n += (size_t)snprintf(text + n, size - n, "%s%s",
			n ? " and " : "", i->text);
}

void
units_print(struct cli *c, const struct doc *host)
{
	static const struct column columns[] = {
		{ "unit", "UNIT", false, false },
		{ "kind", "KIND", false, false },
		{ "state", "STATE", false, true },
		{ "since", "SINCE", false, false },
		{ "reason", "WHY", false, false },
		{ "convicted_by", "SEEN FROM", false, false },
		{ "action", "ADVICE", false, false },
		{ "id", "ID", true, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };
	const struct doc *units = doc_get(host, "units");

	if (!units || units->n == 0)
		return;
	out_paint(&c->out, PAINT_BOLD, "\nVMs and roles\n");
	for (const struct doc *u = units->first; u; u = u->next) {
		const char *why = doc_text(u, "reason");
		char by[80];

		table_row(&t);
		show_text(&t, 0, u, "path");
		show_text(&t, 1, u, "kind");
		show_text(&t, 2, u, "state");
		show_age(c, &t, 3, u, "since");
		table_set(&t, 4, why, show_reason(why));
		join(doc_get(u, "convicted_by"), by, sizeof(by));
		table_set(&t, 5, by, NULL);
		show_text(&t, 6, u, "action");
		show_text(&t, 7, u, "id");
	}
	table_print(&t, &c->out);
	table_free(&t);
}

void
units_explain(struct cli *c, const struct doc *host)
{
	const struct doc *agent = doc_get(host, "agent");
	const struct doc *units = doc_get(host, "units");

	if (doc_true(agent, "alarm"))
		out_say(&c->out, "Its agent: %s.\n",
			show_reason(doc_text(agent, "reason")));
	for (const struct doc *u = units ? units->first : NULL; u;
	     u = u->next) {
		const struct doc *rows = doc_get(u, "evidence");
		const char *state = doc_text(u, "state");

		if (strcmp(state, "healthy") == 0)
			continue;
		out_say(&c->out, "\n%s %s is %s: %s (confidence %s)\n",
			doc_text(u, "kind"), doc_text(u, "path"),
			show_state(state), show_reason(doc_text(u, "reason")),
			doc_text(u, "confidence"));
		for (const struct doc *e = rows ? rows->first : NULL; e;
		     e = e->next)
			out_say(&c->out, "  %s: %s is %s: %s\n",
				doc_text(e, "signal"), doc_text(e, "check"),
				doc_text(e, "health"), *doc_text(e, "text") ?
				doc_text(e, "text") :
				show_reason(doc_text(e, "reason")));
		if (*doc_text(u, "cause_hint") &&
		    strcmp(doc_text(u, "cause_hint"), "unknown") != 0)
			out_say(&c->out, "  it may be its host's %s\n",
				doc_text(u, "cause_hint"));
		if (*doc_text(u, "action"))
			out_say(&c->out, "  advice: %s\n",
				doc_text(u, "action"));
		else
			show_why_not(c, doc_get(u, "why_not"),
				"  nothing is advised: ");
	}
}
