/*
 * tocsin maintenance: windows in which nothing is recommended and nobody is
 * woken.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/words.h"
#include "wire/json_write.h"

#define HOSTS_SHOWN 4
#define IMPORT_MAX (1U << 20)

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
	struct wall to;		/* ms 0 = it repeats */
	struct wall until;
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

	*s = (struct span){ { 0 }, { 0 }, { 0 } };
	if ((rc = read_time("from", c->opt.from, &s->from, e)) < 0 ||
	    (rc = read_time("to", c->opt.to, &s->to, e)) < 0 ||
	    (rc = read_time("until", c->opt.until, &s->until, e)) < 0)
		return rc;
	if (c->opt.every) {
		if (c->opt.to || !c->opt.at || c->opt.lasting.ns <= 0)
			return tc_fail(e, TC_EINVAL, "--every needs --at 02:00 "
				"and --for 2h, and no --to");
		return 0;
	}
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
put_dur(struct json_write *w, const char *key, struct dur d)
{
	struct strbuf text = {0};

	dur_print(&text, d);
	json_add_str(w, key, strbuf_str(&text));
	strbuf_free(&text);
}

/* "mon,thu" as texts, "1,-1" as numbers */
static void
put_days(struct json_write *w, const char *days)
{
	json_add_array(w, "on");
	while (*days) {
		size_t n = strcspn(days, ",");
		int64_t day;

		if (i64_parse(days, n, &day) == 0)
			json_put_i64(w, day);
		else
			json_put_str_n(w, days, n);
		days += n + (days[n] == ',');
	}
	json_put_end(w);
}

static void
put_repeat(const struct cli *c, const struct span *s, struct json_write *w)
{
	json_add_object(w, "repeat");
	json_add_str(w, "every", c->opt.every);
	if (c->opt.on)
		put_days(w, c->opt.on);
	json_add_str(w, "at", c->opt.at);
	put_dur(w, "for", c->opt.lasting);
	if (s->until.ms)
		json_add_wall(w, "until", s->until);
	json_put_end(w);
}

static void
put_window(const struct cli *c, const struct span *s, struct strbuf *body)
{
	struct json_write w;

	json_begin(&w, body);
	json_put_object(&w);
	if (s->from.ms)
		json_add_wall(&w, "from", s->from);
	if (c->opt.every)
		put_repeat(c, s, &w);
	else
		json_add_wall(&w, "to", s->to);
	if (c->opt.type)
		json_add_str(&w, "type", c->opt.type);
	if (c->opt.reason)
		json_add_str(&w, "reason", c->opt.reason);
	if (c->opt.partition)
		json_add_str(&w, "partition", c->opt.partition);
	if (c->opt.hosts)
		api_put_names(&w, "hosts", c->opt.hosts);
	if (c->opt.notice.ns > 0)
		put_dur(&w, "notice", c->opt.notice);
	if (c->opt.zone)
		json_add_str(&w, "zone", c->opt.zone);
	if (c->opt.todo)
		json_add_str(&w, "what_to_do", c->opt.todo);
	if (c->opt.accept_conflict)
		json_add_bool(&w, "accept_conflict", true);
	api_put_person(c, &w);
	json_put_end(&w);
}

static int
read_new(struct cli *c, struct strbuf *body, struct tc_err *e)
{
	struct span s;
	int rc;

	if (!c->opt.hosts == !c->opt.partition)
		return tc_fail(e, TC_EINVAL, "maintenance needs --hosts "
			"a,b or --partition NAME, one of them");
	if ((rc = read_span(c, &s, e)) == 0)
		put_window(c, &s, body);
	return rc;
}

static int
add(struct cli *c, struct tc_err *e)
{
	struct strbuf body = {0};
	struct doc *reply;
	char words[WORDS_SIZE];
	int rc = read_new(c, &body, e);

	if (rc == 0)
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

static void
say_services(struct cli *c, const struct doc *r)
{
	const struct doc *list = doc_get(r, "services");

	for (const struct doc *s = list ? list->first : NULL; s; s = s->next)
		out_say(&c->out, "  %s: %s of %s, %s left\n",
			doc_text(s, "service"), doc_text(s, "covered"),
			doc_text(s, "hosts"), doc_text(s, "left"));
	list = doc_get(r, "single_instance_apps");
	for (const struct doc *s = list ? list->first : NULL; s; s = s->next)
		out_paint(&c->out, PAINT_BAD, "  %s has no host but %s\n",
			doc_text(s, "service"), doc_text(s, "host"));
	list = doc_get(r, "conflicts");
	for (const struct doc *s = list ? list->first : NULL; s; s = s->next)
		out_paint(&c->out, PAINT_BAD, "  with window %s nothing is "
			"left of %s\n", doc_text(s, "window"),
			doc_text(s, "service"));
}

static void
say_impact(struct cli *c, const struct doc *r)
{
	static const char *const keys[] = { "id", "hosts", "hosts_below",
		"in_maintenance_now", "share_of_fleet" };
	const struct doc *list = doc_get(r, "partitions");
	char words[WORDS_SIZE];

	if (*doc_text(r, "id"))
		out_say(&c->out, "window %s covers ", doc_text(r, "id"));
	else
		out_say(&c->out, "it would cover ");
	out_say(&c->out, "%s", words_count(doc_number(r, "hosts", 0), "host",
		"hosts", words));
	out_say(&c->out, ", %s of the fleet; %s in maintenance now\n",
		words_share(doc_number(r, "share_of_fleet", -1), words),
		doc_text(r, "in_maintenance_now"));
	if (doc_number(r, "hosts_below", 0) > 0)
		out_say(&c->out, "  %s of them because what they hang on is\n",
			doc_text(r, "hosts_below"));
	for (const struct doc *p = list ? list->first : NULL; p; p = p->next)
		out_say(&c->out, "  %s: %s of %s, %s\n",
			doc_text(p, "partition"), doc_text(p, "covered"),
			doc_text(p, "hosts"), words_share(doc_number(p, "share",
				-1), words));
	say_services(c, r);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		out_pair(&c->out, keys[i], doc_text(r, keys[i]));
}

static int
impact(struct cli *c, const char *id, struct tc_err *e)
{
	struct strbuf body = {0};
	struct doc *r;
	char path[96] = "/v1/maintenance/impact";
	int rc = id ? path_of(id, "/impact", path, e) : read_new(c, &body, e);

	if (rc == 0)
		rc = api_send(c, id ? "GET" : "POST", path, id ? NULL : &body,
			&r, e);
	strbuf_free(&body);
	if (rc < 0)
		return rc;
	api_print(c);
	say_impact(c, r);
	return CLI_OK;
}

static int
notice(struct cli *c, const char *id, struct tc_err *e)
{
	static const struct { const char *key; const char *title; } rows[] = {
		{ "what", "What" }, { "hosts", "Which hosts" },
		{ "from", "From" }, { "to", "Until" },
		{ "how_long", "How long" }, { "effect", "What happens" },
		{ "what_to_do", "What you must do" } };
	char path[96];
	struct doc *r;
	int rc;

	if ((rc = path_of(id, "/notice", path, e)) < 0 ||
	    (rc = api_get(c, path, &r, e)) < 0)
		return rc;
	api_print(c);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct doc *f = doc_get(r, rows[i].key);
		const char *utc = doc_text(f, "utc");
		const char *text = *utc ? utc : doc_text(r, rows[i].key);

		out_say(&c->out, "%s: %s", rows[i].title, text);
		if (*utc && strcmp(doc_text(f, "zone"), "UTC") != 0)
			out_say(&c->out, " (%s, %s)", doc_text(f, "local"),
				doc_text(f, "zone"));
		out_say(&c->out, "\n");
		out_pair(&c->out, rows[i].key, text);
	}
	return CLI_OK;
}

/* ---- a provider's list ---- */

static int
import(struct cli *c, const char *path, struct tc_err *e)
{
	static const char *const keys[] = { "created", "updated", "unchanged",
		"removed", "skipped" };
	struct strbuf body = {0};
	const struct doc *items;
	struct doc *r;
	int rc = file_slurp(path, IMPORT_MAX, &body, e);

	if (rc == 0)
		rc = api_send(c, "POST", "/v1/maintenance/import", &body, &r, e);
	strbuf_free(&body);
	if (rc < 0)
		return rc;
	api_print(c);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		out_say(&c->out, "%s%s %s", i > 0 ? ", " : "",
			doc_text(r, keys[i]), keys[i]);
		out_pair(&c->out, keys[i], doc_text(r, keys[i]));
	}
	out_say(&c->out, "\n");
	items = doc_get(r, "items");
	for (const struct doc *i = items ? items->first : NULL; i; i = i->next)
		if (*doc_text(i, "why"))
			out_say(&c->out, "  %s: %s, %s\n", doc_text(i, "id"),
				doc_text(i, "result"), doc_text(i, "why"));
	return CLI_OK;
}

int
verb_maintenance(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.n > 0 ? c->rest.operands[0] : "list";
	const char *id = c->rest.n > 1 ? c->rest.operands[1] : NULL;

	if (strcmp(what, "list") == 0 && !id)
		return list(c, e);
	if ((strcmp(what, "add") == 0 || strcmp(what, "create") == 0) && !id)
		return add(c, e);
	if (strcmp(what, "remove") == 0 && id)
		return take_away(c, id, e);
	if (strcmp(what, "impact") == 0)
		return impact(c, id, e);
	if (strcmp(what, "notice") == 0 && id)
		return notice(c, id, e);
	if (strcmp(what, "import") == 0 && id)
		return import(c, id, e);
	return tc_fail(e, TC_EINVAL, "tocsin maintenance list, add, remove ID, "
		"impact [ID], notice ID or import FILE");
}
