/*
 * What people do and say: switches, the audit trail, acknowledgements,
 * comments; and who may be sent traffic.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "wire/json_write.h"

#define AUDIT_LAST 50
#define SHOWN_BYTES 40	/* of a long text in a table */

/* ---- switches ---- */

static int
list_switches(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "partition", "PARTITION", false, false },
		{ "function", "FUNCTION", false, false },
		{ "on", "IS", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	const struct doc *items;
	struct doc *reply;
	int rc;

	if ((rc = api_get(c, "/v1/switches", &reply, e)) < 0)
		return rc;
	api_print(c);
	items = doc_get(reply, "items");
	for (const struct doc *s = items ? items->first : NULL; s; s = s->next) {
		table_row(&t);
		show_text(&t, 0, s, "partition");
		show_text(&t, 1, s, "function");
		table_set(&t, 2, doc_true(s, "on") ? "on" : "off", NULL);
	}
	table_print(&t, &c->out);
	table_free(&t);
	return CLI_OK;
}

static int
turn(struct cli *c, bool on, struct tc_err *e)
{
	struct strbuf body = {0};
	struct json_write w;
	struct doc *reply;
	int rc;

	if (!c->opt.reason)
		return tc_fail(e, TC_EINVAL, "switches needs --reason: who "
			"comes later wants to know why");
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "function", c->rest.operands[1]);
	json_add_str(&w, "partition", c->rest.operands[2]);
	json_add_bool(&w, "on", on);
	json_add_str(&w, "reason", c->opt.reason);
	api_put_person(c, &w);
	json_put_end(&w);
	rc = api_send(c, "PUT", "/v1/switches", &body, &reply, e);
	strbuf_free(&body);
	if (rc < 0)
		return rc;
	api_print(c);
	out_say(&c->out, "%s of %s is %s\n", doc_text(reply, "function"),
		doc_text(reply, "partition"), on ? "on" : "off");
	out_pair(&c->out, "partition", doc_text(reply, "partition"));
	out_pair(&c->out, "function", doc_text(reply, "function"));
	out_pair(&c->out, "on", on ? "on" : "off");
	return CLI_OK;
}

int
verb_switches(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.n > 0 ? c->rest.operands[0] : "list";

	if (strcmp(what, "list") == 0 && c->rest.n < 2)
		return list_switches(c, e);
	if (strcmp(what, "on") == 0 && c->rest.n == 3)
		return turn(c, true, e);
	if (strcmp(what, "off") == 0 && c->rest.n == 3)
		return turn(c, false, e);
	return tc_fail(e, TC_EINVAL, "tocsin switches list, or on|off "
		"FUNCTION PARTITION --reason TEXT");
}

/* ---- audit ---- */

/* What was and what is may be long: whole with --json and --format kv. */
static void
show_cut(struct table *t, size_t column, const char *text)
{
	size_t n = strlen(text);
	char words[SHOWN_BYTES + sizeof("…")];

	if (n <= SHOWN_BYTES) {
		table_set(t, column, text, NULL);
		return;
	}
	n = SHOWN_BYTES;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;	/* not within a character */
	snprintf(words, sizeof(words), "%.*s…", (int)n, text);
	table_set(t, column, text, words);
}

static void
add_audit(struct cli *c, struct table *t, const struct doc *a)
{
	const struct doc *body = doc_get(a, "body");

	table_row(t);
	show_text(t, 0, a, "seq");
	show_age(c, t, 1, a, "at");
	show_text(t, 2, a, "actor");
	show_text(t, 3, body, "person");
	show_text(t, 4, a, "action");
	show_text(t, 5, body, "target");
	show_cut(t, 6, doc_text(body, "before"));
	show_cut(t, 7, doc_text(body, "after"));
	show_text(t, 8, body, "reason");
	show_text(t, 9, a, "sha256");
}

/* The list goes on behind `next`; without --after its end is shown. */
static int
read_audit(struct cli *c, struct table *t, size_t *n, struct tc_err *e)
{
	bool tail = c->opt.after == UINT64_MAX;
	uint64_t limit = c->opt.limit ? c->opt.limit : AUDIT_LAST;
	uint64_t after = tail ? 0 : c->opt.after;
	struct doc *reply;
	char path[96];
	int rc;

	for (;;) {
		const struct doc *items;
		const char *next;

		snprintf(path, sizeof(path), "/v1/audit?after=%" PRIu64
			"&limit=%" PRIu64, after, tail ? 10000 : limit);
		if ((rc = api_get(c, path, &reply, e)) < 0)
			return rc;
		items = doc_get(reply, "items");
		next = doc_text(reply, "next");
		if (tail && *next && u64_parse(next, strlen(next), &after) == 0)
			continue;
		if (tail && items && items->n > limit) {
			const struct doc *a = items->first;

			for (size_t i = items->n - (size_t)limit; i > 1; i--)
				a = a->next;
			tail = false;
			after = (uint64_t)doc_number(a, "seq", 0);
			continue;	/* so that --json shows them alone */
		}
		for (const struct doc *a = items ? items->first : NULL; a;
		     a = a->next, (*n)++)
			add_audit(c, t, a);
		return 0;
	}
}

int
verb_audit(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "seq", "SEQ", true, false },
		{ "at", "WHEN", false, false },
		{ "actor", "TOKEN", false, false },
		{ "person", "PERSON", false, false },
		{ "action", "DID", false, false },
		{ "target", "TO", false, false },
		{ "before", "BEFORE", false, false },
		{ "after", "AFTER", false, false },
		{ "reason", "BECAUSE", false, false },
		{ "sha256", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	size_t n = 0;
	int rc = read_audit(c, &t, &n, e);

	if (rc == 0) {
		api_print(c);
		table_print(&t, &c->out);
		if (n == 0)
			out_say(&c->out, "nobody has done anything yet\n");
	}
	table_free(&t);
	return rc;
}

/* ---- acknowledgements and comments ---- */

static void
put_said(const struct cli *c, const char *member, const char *text,
	struct strbuf *body)
{
	struct strbuf lasting = {0};
	struct json_write w;

	json_begin(&w, body);
	json_put_object(&w);
	if (text)
		json_add_str(&w, member, text);
	if (c->opt.lasting.ns > 0) {
		dur_print(&lasting, c->opt.lasting);
		json_add_str(&w, "for", strbuf_str(&lasting));
	}
	api_put_person(c, &w);
	json_put_end(&w);
	strbuf_free(&lasting);
}

int
cli_ack(struct cli *c, const char *text, struct tc_err *e)
{
	struct strbuf body = {0};
	struct doc *reply;
	char path[64];
	uint64_t id;
	int rc;

	if (u64_parse(text, strlen(text), &id) < 0)
		return tc_fail(e, TC_EINVAL, "ack needs the number that "
			"`tocsin alerts` shows");
	snprintf(path, sizeof(path), "/v1/alerts/%" PRIu64 "/ack", id);
	put_said(c, "comment", c->opt.comment, &body);
	rc = api_send(c, "POST", path, &body, &reply, e);
	if (rc == 0) {
		api_print(c);
		out_say(&c->out, "alert %s is yours: it goes on until its "
			"cause is gone\n", doc_text(reply, "id"));
		out_pair(&c->out, "id", doc_text(reply, "id"));
		if (*doc_text(reply, "comment"))
			out_pair(&c->out, "comment", doc_text(reply, "comment"));
	}
	strbuf_free(&body);
	return rc;
}

int
verb_ack(struct cli *c, struct tc_err *e)
{
	return cli_ack(c, c->rest.operands[0], e);
}

static int
list_comments(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "id", "ID", true, false },
		{ "kind", "KIND", false, false },
		{ "of", "OF", false, false },
		{ "person", "PERSON", false, false },
		{ "at", "SAID", false, false },
		{ "until", "UNTIL", false, false },
		{ "text", "WHAT", false, false },
		{ "by", "", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	struct strbuf path = {0};
	const struct doc *items;
	struct doc *reply;
	int rc;

	/* all of them in one reply: it has no pages */
	strbuf_puts(&path, "/v1/comments");
	api_filter(&path, "host", c->opt.host);
	rc = api_get(c, strbuf_str(&path), &reply, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	api_print(c);
	items = doc_get(reply, "items");
	for (const struct doc *n = items ? items->first : NULL; n;
	     n = n->next) {
		const char *person = doc_text(n, "person");

		table_row(&t);
		show_text(&t, 0, n, "id");
		show_text(&t, 1, n, "kind");
		table_set(&t, 2, *doc_text(n, "host") ? doc_text(n, "host") :
			doc_text(n, "alert_key"), NULL);
		table_set(&t, 3, *person ? person : doc_text(n, "by"), NULL);
		show_age(c, &t, 4, n, "at");
		if (*doc_text(n, "until"))
			show_age(c, &t, 5, n, "until");
		show_text(&t, 6, n, "text");
		show_text(&t, 7, n, "by");
	}
	table_print(&t, &c->out);
	if (!items || items->n == 0)
		out_say(&c->out, "nobody has said anything\n");
	table_free(&t);
	return CLI_OK;
}

static int
say(struct cli *c, const char *of, struct tc_err *e)
{
	struct strbuf body = {0}, path = {0};
	struct doc *reply;
	int rc;

	strbuf_printf(&path, "/v1/%s/", of);
	api_escape(&path, c->rest.operands[1]);
	strbuf_puts(&path, "/comments");
	put_said(c, "text", c->rest.operands[2], &body);
	rc = api_send(c, "POST", strbuf_str(&path), &body, &reply, e);
	if (rc == 0) {
		api_print(c);
		out_say(&c->out, "comment %s is kept\n", doc_text(reply, "id"));
		out_pair(&c->out, "id", doc_text(reply, "id"));
	}
	strbuf_free(&path);
	strbuf_free(&body);
	return rc;
}

static int
take_back(struct cli *c, struct tc_err *e)
{
	struct strbuf path = {0};
	struct doc *reply;
	int rc;

	strbuf_puts(&path, "/v1/comments/");
	api_escape(&path, c->rest.operands[1]);
	rc = api_send(c, "DELETE", strbuf_str(&path), NULL, &reply, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	api_print(c);
	out_say(&c->out, "comment %s is gone\n", doc_text(reply, "id"));
	out_pair(&c->out, "id", doc_text(reply, "id"));
	return CLI_OK;
}

int
verb_comment(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.n > 0 ? c->rest.operands[0] : "list";

	if (strcmp(what, "list") == 0 && c->rest.n < 2)
		return list_comments(c, e);
	if (strcmp(what, "host") == 0 && c->rest.n == 3)
		return say(c, "hosts", e);
	if (strcmp(what, "alert") == 0 && c->rest.n == 3)
		return say(c, "alerts", e);
	if (strcmp(what, "remove") == 0 && c->rest.n == 2)
		return take_back(c, e);
	return tc_fail(e, TC_EINVAL, "tocsin comment list, host HOST TEXT, "
		"alert ID TEXT or remove ID");
}

/* ---- traffic ---- */

int
verb_healthy_set(struct cli *c, struct tc_err *e)
{
	struct strbuf path = {0};
	const struct doc *items;
	struct doc *reply;
	bool open;
	int rc;

	strbuf_puts(&path, "/v1/healthy-set");
	api_filter(&path, "group", c->rest.operands[0]);
	rc = api_get(c, strbuf_str(&path), &reply, e);
	strbuf_free(&path);
	if (rc < 0)
		return rc;
	api_print(c);
	open = doc_true(reply, "fail_open");
	items = doc_get(reply, "items");
	for (const struct doc *h = items ? items->first : NULL; h; h = h->next) {
		out_say(&c->out, "%s\n", doc_text(h, "address"));
		out_pair(&c->out, "address", doc_text(h, "address"));
	}
	out_pair(&c->out, "fail_open", open ? "true" : "false");
	if (open)
		fprintf(stderr, "tocsin: no host of %s is well; these are the "
			"least bad\n", c->rest.operands[0]);
	return c->opt.fail && open ? CLI_AT_RISK : CLI_OK;
}
