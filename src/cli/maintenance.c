/*
 * tocsin maintenance: windows in which nothing is recommended and nobody is
 * woken.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"
#include "wire/json_write.h"

#define HOSTS_SHOWN 4

/* ---- which are there ---- */

static void
add_window(struct cli *c, struct table *t, const struct doc *m)
{
	struct wall from = doc_wall(m, "from"), to = doc_wall(m, "to");
	const char *state = c->now.ms < from.ms ? "planned" :
		c->now.ms < to.ms ? "running" : "over";

	table_row(t);
	show_text(t, 0, m, "id");
	table_set(t, 1, state, NULL);
	show_text(t, 2, m, "type");
	show_age(c, t, 3, m, "from");
	if (from.ms == 0)	/* no beginning was named */
		table_set(t, 3, "", "at once");
	show_age(c, t, 4, m, "to");
	if (*doc_text(m, "partition"))
		show_text(t, 5, m, "partition");
	else
		show_name_list(t, 5, doc_get(m, "hosts"), HOSTS_SHOWN);
	show_text(t, 6, m, "by");
	show_text(t, 7, m, "reason");
}

static int
list(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "id", "ID", true, false },
		{ "state", "STATE", false, false },
		{ "type", "TYPE", false, false },
		{ "from", "BEGINS", false, false },
		{ "to", "ENDS", false, false },
		{ "on", "ON", false, false },
		{ "by", "BY", false, false },
		{ "reason", "BECAUSE", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	const struct doc *items;
	struct doc *reply;
	int rc;

	if ((rc = api_get(c, "/v1/maintenance", &reply, e)) < 0)
		return rc;
	api_print(c);
	items = doc_get(reply, "items");
	for (const struct doc *m = items ? items->first : NULL; m; m = m->next)
		add_window(c, &t, m);
	table_print(&t, &c->out);
	if (!items || items->n == 0)
		out_say(&c->out, "no maintenance is planned\n");
	table_free(&t);
	return CLI_OK;
}

/* ---- a new one ---- */

struct span {
	struct wall from;	/* ms 0 = now, the server's */
	struct wall to;
};

static int
read_time(const char *option, const char *text, struct wall *out,
	struct tc_err *e)
{
	if (!text || wall_parse(text, strlen(text), out) == 0)
		return 0;
	return tc_fail(e, TC_EINVAL, "--%s: '%.40s' is no time such as "
		"2026-05-01T22:00:00Z", option, text);
}

static int
read_span(struct cli *c, struct span *s, struct tc_err *e)
{
	struct wall from;
	int rc;

	*s = (struct span){ { 0 }, { 0 } };
	if ((rc = read_time("from", c->opt.from, &s->from, e)) < 0 ||
	    (rc = read_time("to", c->opt.to, &s->to, e)) < 0)
		return rc;
	if ((c->opt.to != NULL) == (c->opt.lasting.ns > 0))
		return tc_fail(e, TC_EINVAL, "maintenance add needs --to TIME "
			"or --for 2h, one of them");
	from = s->from.ms ? s->from : c->clock->wall(c->clock);
	if (c->opt.lasting.ns > 0)
		s->to = wall_add(from, c->opt.lasting);
	if (s->to.ms <= from.ms)
		return tc_fail(e, TC_EINVAL, "--to: it ends before it begins");
	return 0;
}

static void
put_window(const struct cli *c, const struct span *s, struct strbuf *body)
{
	struct json_write w;

	json_begin(&w, body);
	json_put_object(&w);
	if (s->from.ms)
		json_add_wall(&w, "from", s->from);
	json_add_wall(&w, "to", s->to);
	if (c->opt.type)
		json_add_str(&w, "type", c->opt.type);
	if (c->opt.reason)
		json_add_str(&w, "reason", c->opt.reason);
	if (c->opt.partition)
		json_add_str(&w, "partition", c->opt.partition);
	if (c->opt.hosts)
		api_put_names(&w, "hosts", c->opt.hosts);
	json_put_end(&w);
}

static int
add(struct cli *c, struct tc_err *e)
{
	struct strbuf body = {0};
	struct doc *reply;
	struct span s;
	char words[WORDS_SIZE];
	int rc;

	if (!c->opt.hosts == !c->opt.partition)
		return tc_fail(e, TC_EINVAL, "maintenance add needs --hosts "
			"a,b or --partition NAME, one of them");
	if ((rc = read_span(c, &s, e)) < 0)
		return rc;
	put_window(c, &s, &body);
	rc = api_send(c, "POST", "/v1/maintenance", &body, &reply, e);
	if (rc == 0) {
		api_print(c);
		out_say(&c->out, "window %s of %s ends %s\n",
			doc_text(reply, "id"), doc_text(reply, "type"),
			words_age(doc_wall(reply, "to"), c->now, words));
		out_pair(&c->out, "id", doc_text(reply, "id"));
		out_pair(&c->out, "from", doc_text(reply, "from"));
		out_pair(&c->out, "to", doc_text(reply, "to"));
	}
	strbuf_free(&body);
	return rc;
}

/* ---- of one ---- */

static int
path_of(const char *text, const char *behind, char path[96], struct tc_err *e)
{
	uint64_t id;

	if (u64_parse(text, strlen(text), &id) < 0)
		return tc_fail(e, TC_EINVAL, "needs the number that `tocsin "
			"maintenance` shows");
	snprintf(path, 96, "/v1/maintenance/%llu%s", (unsigned long long)id,
		behind);
	return 0;
}

static int
take_away(struct cli *c, const char *id, struct tc_err *e)
{
	struct doc *reply;
	char path[96];
	int rc;

	if ((rc = path_of(id, "", path, e)) < 0 ||
	    (rc = api_send(c, "DELETE", path, NULL, &reply, e)) < 0)
		return rc;
	api_print(c);
	out_say(&c->out, "window %s is gone\n", doc_text(reply, "id"));
	out_pair(&c->out, "id", doc_text(reply, "id"));
	return 0;
}

static int
impact(struct cli *c, const char *id, struct tc_err *e)
{
	struct doc *r;
	char path[96], words[WORDS_SIZE];
	int rc;

	if ((rc = path_of(id, "/impact", path, e)) < 0 ||
	    (rc = api_get(c, path, &r, e)) < 0)
		return rc;
	api_print(c);
	out_say(&c->out, "window %s covers %s", doc_text(r, "id"), words_count(
		doc_number(r, "hosts", 0), "host", "hosts", words));
	out_say(&c->out, ", %s of the fleet; %s in maintenance now\n",
		words_share(doc_number(r, "share_of_fleet", -1), words),
		doc_text(r, "in_maintenance_now"));
	out_pair(&c->out, "id", doc_text(r, "id"));
	out_pair(&c->out, "hosts", doc_text(r, "hosts"));
	out_pair(&c->out, "in_maintenance_now",
		doc_text(r, "in_maintenance_now"));
	out_pair(&c->out, "share_of_fleet", doc_text(r, "share_of_fleet"));
	return 0;
}

int
verb_maintenance(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.n > 0 ? c->rest.operands[0] : "list";
	const char *id = c->rest.n > 1 ? c->rest.operands[1] : NULL;

	if (strcmp(what, "list") == 0 && !id)
		return list(c, e);
	if (strcmp(what, "add") == 0 && !id)
		return add(c, e);
	if (strcmp(what, "remove") == 0 && id)
		return take_away(c, id, e);
	if (strcmp(what, "impact") == 0 && id)
		return impact(c, id, e);
	return tc_fail(e, TC_EINVAL,
		"tocsin maintenance list, add, remove ID or impact ID");
}
