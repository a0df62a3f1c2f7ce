/*
 * tocsin evacuations: what should move; tocsin brake: what holds it back.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/plan.h"
#include "cli/show.h"
#include "cli/words.h"
#include "wire/json_write.h"

#define TARGETS_SHOWN 3

/* ---- evacuations ---- */

static const char *
action_words(const char *id)
{
	if (strcmp(id, "host.evacuate") == 0)
		return "evacuate";
	if (strcmp(id, "device.replace") == 0)
		return "replace disk";
	return strcmp(id, "role.out_of_rotation") == 0 ?
		"out of rotation" : id;
}

static void
add_evacuation(struct cli *c, struct table *t, const struct doc *p)
{
	table_row(t);
	show_text(t, 0, p, "host");
	table_set(t, 1, doc_text(p, "action"),
		action_words(doc_text(p, "action")));
	show_text(t, 2, p, "state");
	show_text(t, 3, p, "reason");
	show_age(c, t, 4, p, "since");
	show_name_list(t, 5, doc_get(p, "targets"), TARGETS_SHOWN);
	plan_set_why_not(t, 6, doc_get(p, "why_not"));
	show_text(t, 7, p, "partition");
	show_text(t, 8, p, "id");
	table_set(t, 9, doc_true(p, "predicted") ? "true" : "false", NULL);
}

static int
list_evacuations(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "host", "HOST", false, false },
		{ "action", "WHAT", false, false },
		{ "state", "STATE", false, true },
		{ "reason", "BECAUSE", false, false },
		{ "since", "SINCE", false, false },
		{ "targets", "TO", false, false },
		{ "why_not", "WHY NOT", false, false },
		{ "partition", "PARTITION", false, false },
		{ "id", "", false, false },
		{ "predicted", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	struct strbuf path = {0};
	struct doc *items;
	int rc;

	strbuf_puts(&path, "/v1/evacuations");
	api_filter(&path, "state", c->opt.state);
	api_filter(&path, "partition", c->opt.partition);
	rc = api_list(c, strbuf_str(&path), c->opt.limit, &items, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	for (const struct doc *p = items->first; p; p = p->next)
		add_evacuation(c, &t, p);
	table_print(&t, &c->out);
	if (items->n == 0)
		out_say(&c->out, "nothing should be moved\n");
	else
		out_paint(&c->out, PAINT_DIM, "Tocsin recommends: nothing of "
			"this is done by itself\n");
	table_free(&t);
	return c->opt.fail && items->n > 0 ? CLI_AT_RISK : CLI_OK;
}

/* Latched brakes stand above what they hold; in text only. */
static int
say_latched(struct cli *c, struct tc_err *e)
{
	const struct doc *items;
	struct doc *reply;
	int rc;

	if (c->out.format != OUT_TEXT)
		return 0;
	if ((rc = api_get(c, "/v1/brakes", &reply, e)) < 0)
		return rc;
	items = doc_get(reply, "items");
	for (const struct doc *b = items ? items->first : NULL; b; b = b->next) {
		if (doc_true(b, "latched"))
			show_brake(c, b);
	}
	if (c->out.text.n > 0)
		out_say(&c->out, "\n");
	return 0;
}

static int
one_evacuation(struct cli *c, const char *host, struct tc_err *e)
{
	struct plan_doc p = {0};
	int rc = plan_get(c, host, &p, e);

	if (rc == 0 && c->out.format == OUT_JSON) {
		const struct strbuf *json = p.plan ? &p.plan_json :
			&p.why_json;

		strbuf_add(&c->out.text, json->p, json->n);
		strbuf_putc(&c->out.text, '\n');
	}
	if (rc == 0) {
		out_paint(&c->out, PAINT_BOLD, "%s ", doc_text(p.why, "host"));
		if (!p.plan)
			out_say(&c->out, "stays where it is\n");
		plan_say(c, &p);
		rc = c->opt.fail && p.plan ? CLI_AT_RISK : CLI_OK;
	}
	plan_free(&p);
	return rc;
}

int
verb_evacuations(struct cli *c, struct tc_err *e)
{
	int rc;

	if (c->rest.n == 1)
		return one_evacuation(c, c->rest.operands[0], e);
	if ((rc = say_latched(c, e)) < 0)
		return rc;
	return list_evacuations(c, e);
}

/* ---- brakes ---- */

static void
set_count(struct table *t, size_t column, const struct doc *b)
{
	char text[64];

	snprintf(text, sizeof(text), "%s of %s", doc_text(b, "bad"),
		doc_text(b, "hosts"));
	table_set(t, column, doc_text(b, "bad"), text);
}

static int
list_brakes(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "partition", "PARTITION", false, false },
		{ "brake", "BRAKE", false, true },
		{ "since", "SINCE", false, false },
		{ "bad", "BAD", true, false },
		{ "limit", "LATCHES ABOVE", true, false },
		{ "reason", "BECAUSE", false, false },
		{ "released_by", "RELEASED BY", false, false },
		{ "released", "RELEASED", false, false },
		{ "hosts", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	const struct doc *items;
	struct doc *reply;
	size_t latched = 0;
	int rc;

	if ((rc = api_get(c, "/v1/brakes", &reply, e)) < 0)
		return rc;
	api_print(c);
	items = doc_get(reply, "items");
	for (const struct doc *b = items ? items->first : NULL; b; b = b->next) {
		bool is = doc_true(b, "latched");

		latched += is;
		table_row(&t);
		show_text(&t, 0, b, "partition");
		table_set(&t, 1, is ? "latched" : "open", NULL);
		if (is)
			show_age(c, &t, 2, b, "since");
		set_count(&t, 3, b);
		show_text(&t, 4, b, "limit");
		show_text(&t, 5, b, "reason");
		show_text(&t, 6, b, "released_by");
		if (*doc_text(b, "released"))
			show_age(c, &t, 7, b, "released");
		show_text(&t, 8, b, "hosts");
	}
	table_print(&t, &c->out);
	if (!items || items->n == 0)
		out_say(&c->out, "there is no partition yet\n");
	table_free(&t);
	return c->opt.fail && latched > 0 ? CLI_AT_RISK : CLI_OK;
}

static int
release(struct cli *c, const char *partition, struct tc_err *e)
{
	struct strbuf body = {0}, path = {0};
	struct json_write w;
	struct doc *reply;
	int rc;

	if (!c->opt.reason)
		return tc_fail(e, TC_EINVAL, "brake release needs --reason: "
			"what was found, and why it is safe to go on");
	strbuf_puts(&path, "/v1/brakes/");
	api_escape(&path, partition);
	strbuf_puts(&path, "/release");
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "reason", c->opt.reason);
	api_put_person(c, &w);
	json_put_end(&w);
	rc = api_send(c, "POST", strbuf_str(&path), &body, &reply, e);
	if (rc == 0) {
		api_print(c);
		out_say(&c->out, "the brake of %s is open\n",
			doc_text(reply, "partition"));
		out_pair(&c->out, "partition", doc_text(reply, "partition"));
		out_pair(&c->out, "brake", "open");
	}
	strbuf_free(&path);
	strbuf_free(&body);
	return rc;
}

int
verb_brake(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.n > 0 ? c->rest.operands[0] : "list";

	if (strcmp(what, "list") == 0 && c->rest.n < 2)
		return list_brakes(c, e);
	if (strcmp(what, "release") == 0 && c->rest.n == 2)
		return release(c, c->rest.operands[1], e);
	return tc_fail(e, TC_EINVAL,
		"tocsin brake list, or release PARTITION --reason TEXT");
}
