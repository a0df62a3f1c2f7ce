/*
 * tocsin stats: how long it took to notice failures, and until they were
 * repaired.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"

static void
set_time(struct table *t, size_t column, const struct doc *times)
{
	const char *mean = doc_text(times, "mean_seconds");
	char text[WORDS_SIZE * 2 + 32], a[WORDS_SIZE], b[WORDS_SIZE];

	if (doc_number(times, "n", 0) < 1) {
		table_set(t, column, "", "–");
		return;
	}
	if (*mean == '\0')
		snprintf(text, sizeof(text), "%s, too few",
			doc_text(times, "n"));
	else
		snprintf(text, sizeof(text), "%s (%s to half; n %s)",
			words_span(dur_ms((int64_t)(doc_number(times,
				"mean_seconds", 0) * 1e3)), a),
			words_span(dur_ms((int64_t)(doc_number(times,
				"median_seconds", 0) * 1e3)), b),
			doc_text(times, "n"));
	table_set(t, column, mean, text);
}

static void
add_side(struct table *t, const struct doc *item, const char *side)
{
	const struct doc *s = doc_get(item, side);
	const char *cause = doc_text(item, "cause");

	if (doc_number(s, "incidents", 0) < 1)
		return;
	table_row(t);
	table_set(t, 0, doc_text(item, "layer"), NULL);
	table_set(t, 1, cause, strcmp(cause, "host_os") == 0 ? "host OS" :
		NULL);
	table_set(t, 2, side, strcmp(side, "predicted") == 0 ? "yes" : "no");
	show_text(t, 3, s, "incidents");
	show_text(t, 4, s, "open");
	set_time(t, 5, doc_get(s, "mttd"));
	set_time(t, 6, doc_get(s, "mttr"));
	set_time(t, 7, doc_get(s, "warned"));
}

int
verb_stats(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "layer", "LAYER", false, false },
		{ "cause", "CAUSE", false, false },
		{ "side", "FORESEEN", false, false },
		{ "incidents", "FAILURES", true, false },
		{ "open", "OPEN", true, false },
		{ "mttd_seconds", "NOTICED AFTER", false, false },
		{ "mttr_seconds", "REPAIRED AFTER", false, false },
		{ "warned_seconds", "WARNED BEFORE", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };
	struct strbuf path = {0};
	const struct doc *items;
	struct doc *r;
	int rc;

	strbuf_puts(&path, "/v1/stats/mttx");
	if (c->opt.from) {
		strbuf_puts(&path, "?from=");
		api_escape(&path, c->opt.from);
	}
	if (c->opt.to) {
		strbuf_puts(&path, c->opt.from ? "&to=" : "?to=");
		api_escape(&path, c->opt.to);
	}
	rc = api_get(c, strbuf_str(&path), &r, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	api_print(c);
	items = doc_get(r, "items");
	out_say(&c->out, "failures from %.10s to %.10s", doc_text(r, "from"),
		doc_text(r, "to"));
	if (doc_number(r, "in_maintenance", 0) > 0)
		out_say(&c->out, ", without %s in maintenance",
			doc_text(r, "in_maintenance"));
	out_say(&c->out, "\n");
	for (const struct doc *i = items ? items->first : NULL; i;
	     i = i->next) {
		add_side(&t, i, "reactive");
		add_side(&t, i, "predicted");
	}
	if (t.n == 0)
		out_say(&c->out, "  none\n");
	table_print(&t, &c->out);
	if (t.n > 0)
		out_say(&c->out, "\nmeans (in brackets: within which half of "
			"them were); noticed: from the first evidence\nto the "
			"verdict; repaired: from the verdict until it was good "
			"again; below %s nothing is said\n",
			doc_text(r, "enough"));
	table_free(&t);
	return CLI_OK;
}
