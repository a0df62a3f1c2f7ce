/*
 * tocsin alerts: what people are told; tocsin signal: what another monitor
 * says of a host.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "wire/json_write.h"

/* ---- alerts ---- */

static void
add_alert(struct cli *c, struct table *t, const struct doc *a)
{
	const char *of = *doc_text(a, "host") ? doc_text(a, "host") :
		doc_text(a, "partition");

	table_row(t);
	show_text(t, 0, a, "id");
	show_text(t, 1, a, "severity");
	table_set(t, 2, of, NULL);
	show_text(t, 3, a, "summary");
	show_age(c, t, 4, a, "since");
	show_text(t, 5, a, "acked_by");
	show_text(t, 6, a, "kind");
	show_text(t, 7, a, "key");
	show_text(t, 8, a, "partition");
}

static int
list(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "id", "ID", true, false },
		{ "severity", "SEVERITY", false, true },
		{ "of", "OF", false, false },
		{ "summary", "WHAT", false, false },
		{ "since", "SINCE", false, false },
		{ "acked_by", "TAKEN BY", false, false },
		{ "kind", "", false, false },
		{ "key", "", false, false },
		{ "partition", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	struct strbuf path = {0};
	struct doc *items;
	int rc;

	strbuf_puts(&path, "/v1/alerts");
	api_filter(&path, "severity", c->opt.severity);
	api_filter(&path, "host", c->opt.host);
	rc = api_list(c, strbuf_str(&path), c->opt.limit, &items, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	for (const struct doc *a = items->first; a; a = a->next)
		add_alert(c, &t, a);
	table_print(&t, &c->out);
	if (items->n == 0)
		out_say(&c->out, "no alert is firing\n");
	table_free(&t);
	return c->opt.fail && items->n > 0 ? CLI_AT_RISK : CLI_OK;
}

int
verb_alerts(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.n > 0 ? c->rest.operands[0] : "list";

	if (strcmp(what, "list") == 0 && c->rest.n < 2)
		return list(c, e);
	if (strcmp(what, "ack") == 0 && c->rest.n == 2)
		return cli_ack(c, c->rest.operands[1], e);
	return tc_fail(e, TC_EINVAL,
		"tocsin alerts list, or ack ID [--comment TEXT]");
}

/* ---- signals ---- */

static bool
is_outcome(const char *text)
{
	return strcmp(text, "ok") == 0 || strcmp(text, "fail") == 0 ||
		strcmp(text, "unknown") == 0;
}

static void
put_signal(const struct cli *c, struct strbuf *body)
{
	struct strbuf ttl = {0};
	struct json_write w;

	json_begin(&w, body);
	json_put_object(&w);
	json_add_str(&w, "host", c->rest.operands[0]);
	json_add_str(&w, "source", c->opt.source);
	json_add_str(&w, "outcome", c->opt.outcome);
	if (c->opt.text)
		json_add_str(&w, "text", c->opt.text);
	if (c->opt.ttl.ns > 0) {
		dur_print(&ttl, c->opt.ttl);
		json_add_str(&w, "ttl", strbuf_str(&ttl));
	}
	json_put_end(&w);
	strbuf_free(&ttl);
}

int
verb_signal(struct cli *c, struct tc_err *e)
{
	struct strbuf body = {0};
	struct doc *reply;
	int rc;

	if (!c->opt.source || !c->opt.outcome || !is_outcome(c->opt.outcome))
		return tc_fail(e, TC_EINVAL, "signal needs --source NAME and "
			"--outcome ok, fail or unknown");
	put_signal(c, &body);
	rc = api_send(c, "POST", "/v1/signals", &body, &reply, e);
	if (rc == 0) {
		api_print(c);
		out_say(&c->out, "%s: %s is taken for check %s\n",
			doc_text(reply, "host"), c->opt.outcome,
			doc_text(reply, "check"));
		out_pair(&c->out, "host", doc_text(reply, "host"));
		out_pair(&c->out, "check", doc_text(reply, "check"));
	}
	strbuf_free(&body);
	return rc;
}
