/*
 * tocsin simulate: were these hosts about to fail, what would be recommended,
 * would the brake latch, who could take their load.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plan.h"
#include "cli/show.h"
#include "cli/words.h"
#include "wire/json_write.h"

#define HOSTS_SHOWN 20

static void
print_hosts(struct cli *c, const struct doc *p)
{
	static const struct column columns[] = {
		{ "host", "HOST", false, false },
		{ "state", "WOULD BE", false, true },
		{ "why_not", "WHY NOT", false, false },
		{ "action", "", false, false },
		{ "partition", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns), .indent = "  " };
	const struct doc *items = doc_get(p, "items");
	size_t shown = 0;

	for (const struct doc *h = items ? items->first : NULL; h; h = h->next) {
		const char *state = doc_text(h, "state");

		if (c->out.format == OUT_TEXT && shown++ == HOSTS_SHOWN)
			break;
		table_row(&t);
		show_text(&t, 0, h, "host");
		table_set(&t, 1, state, strcmp(state, "none") == 0 ?
			"left alone" : NULL);
		plan_set_why_not(&t, 2, doc_get(h, "why_not"));
		show_text(&t, 3, h, "action");
		show_text(&t, 4, p, "partition");
	}
	table_print(&t, &c->out);
	if (c->out.format == OUT_TEXT && items && items->n > HOSTS_SHOWN)
		out_say(&c->out, "  and %zu more\n", items->n - HOSTS_SHOWN);
	table_free(&t);
}

/* "rack1: 40 of 1000 hosts would be bad, …": would the brake latch. */
static void
say_brake(struct cli *c, const struct doc *p)
{
	bool latched = doc_true(p, "latched_then");
	bool before = doc_true(p, "latched_now");
	char words[WORDS_SIZE];

	out_paint(&c->out, PAINT_BOLD, "%s", doc_text(p, "partition"));
	out_say(&c->out, ": %s of %s would be bad, now %s; ",
		doc_text(p, "bad_then"), words_count(doc_number(p, "hosts", 0),
			"host", "hosts", words), doc_text(p, "bad_now"));
	out_paint(&c->out, latched ? PAINT_BAD : PAINT_GOOD, "%s", latched ?
		(before ? "the brake is latched already" :
		"the brake would latch") : "the brake would stay open");
	out_say(&c->out, " (up to %s pass)\n", doc_text(p, "limit"));
	if (doc_true(p, "two_persons"))
		out_say(&c->out, "  above %s even an approved plan needs two "
			"persons\n", doc_text(p, "hard_limit"));
}

static void
print_pairs(struct cli *c, const struct doc *p)
{
	static const char *const keys[] = { "partition", "hosts", "bad_now",
		"bad_then", "limit", "hard_limit" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		out_pair(&c->out, keys[i], doc_text(p, keys[i]));
	out_pair(&c->out, "latched_now", doc_true(p, "latched_now") ? "true" :
		"false");
	out_pair(&c->out, "latched_then", doc_true(p, "latched_then") ?
		"true" : "false");
	show_pair_names(c, "targets", doc_get(p, "targets"));
}

int
verb_simulate(struct cli *c, struct tc_err *e)
{
	struct strbuf body = {0};
	const struct doc *parts;
	struct json_write w;
	struct doc *reply;
	bool latches = false;
	int rc;

	if (!c->opt.hosts && !c->opt.partition)
		return tc_fail(e, TC_EINVAL, "simulate needs --hosts a,b or "
			"--partition NAME");
	json_begin(&w, &body);
	json_put_object(&w);
	if (c->opt.hosts)
		api_put_names(&w, "hosts", c->opt.hosts);
	if (c->opt.partition)
		json_add_str(&w, "partition", c->opt.partition);
	json_put_end(&w);
	rc = api_send(c, "POST", "/v1/simulate", &body, &reply, e);
	strbuf_free(&body);
	if (rc < 0)
		return rc;
	api_print(c);
	parts = doc_get(reply, "partitions");
	for (const struct doc *p = parts ? parts->first : NULL; p; p = p->next) {
		latches = latches || doc_true(p, "latched_then");
		say_brake(c, p);
		print_pairs(c, p);
		plan_say_targets(c, p);
		print_hosts(c, p);
	}
	return c->opt.fail && latches ? CLI_AT_RISK : CLI_OK;
}
