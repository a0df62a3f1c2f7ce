/*
 * tocsin token: made, listed, revoked; through a running server, or in the
 * store of one that does not run.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "cli/token.h"
#include "cli/words.h"
#include "wire/json_write.h"

int
token_say_new(struct tc_err *e)
{
	struct tc_err why = *e;

	return tc_fail(e, why.code, "%s (--new for one that is new)",
		why.text);
}

static int
create_online(struct cli *c, struct strbuf *token, struct tc_err *e)
{
	struct strbuf body = {0}, valid = {0};
	struct json_write w;
	struct doc *reply;
	int rc;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "role", c->opt.role);
	if (c->opt.host) {
		json_add_str(&w, "host", c->opt.host);
		json_add_bool(&w, "new", c->opt.is_new);
	}
	if (c->opt.name)
		json_add_str(&w, "name", c->opt.name);
	if (c->opt.valid.ns != 0) {
		dur_print(&valid, c->opt.valid);
		json_add_str(&w, "valid", strbuf_str(&valid));
		strbuf_free(&valid);
	}
	json_put_end(&w);
	rc = api_send(c, "POST", "/v1/tokens", &body, &reply, e);
	if (rc < 0 && c->reply.status == 422 && c->opt.host)
		rc = token_say_new(e);
	if (rc == 0) {
		strbuf_puts(token, doc_text(reply, "token"));
		api_print(c);
	}
	strbuf_free(&body);
	return rc;
}

/* The token alone, so that it can go into a file. */
static int
create(struct cli *c, struct tc_err *e)
{
	struct strbuf token = {0};
	int rc = TC_EBUSY;

	if (!c->opt.role)
		return tc_fail(e, TC_EINVAL, "token create needs --role");
	if ((strcmp(c->opt.role, "agent") == 0) != (c->opt.host != NULL))
		return tc_fail(e, TC_EINVAL, "an agent's token, and no other, "
			"has a --host");
	if (c->opt.state_dir)
		rc = token_offline_create(c, c->opt.state_dir, &token, e);
	if (rc == TC_EBUSY)
		rc = create_online(c, &token, e);
	if (rc == 0 && c->out.format != OUT_JSON) {
		out_pair(&c->out, "token", strbuf_str(&token));
		out_say(&c->out, "%s\n", strbuf_str(&token));
	}
	strbuf_free(&token);
	return rc;
}

static int
list_online(struct cli *c, struct table *t, struct tc_err *e)
{
	const struct doc *items;
	struct doc *reply;
	int rc;

	if ((rc = api_get(c, "/v1/tokens", &reply, e)) < 0)
		return rc;
	api_print(c);
	items = doc_get(reply, "items");
	for (const struct doc *k = items ? items->first : NULL; k;
	     k = k->next) {
		table_row(t);
		show_text(t, 0, k, "id");
		show_text(t, 1, k, "role");
		show_text(t, 2, k, "host");
		show_text(t, 3, k, "name");
		show_age(c, t, 4, k, "created");
		show_text(t, 5, k, "expires");
		show_age(c, t, 6, k, "last_used");
	}
	return 0;
}

static int
list(struct cli *c, struct tc_err *e)
{
	static const struct column columns[] = {
		{ "id", "ID", true, false },
		{ "role", "ROLE", false, false },
		{ "host", "HOST", false, false },
		{ "name", "NAME", false, false },
		{ "created", "MADE", false, false },
		{ "expires", "ENDS", false, false },
		{ "last_used", "USED", false, false },
	};
	struct table t = { .columns = columns,
		.n_columns = ARRAY_LEN(columns) };
	int rc = TC_EBUSY;

	if (c->opt.state_dir)
		rc = token_offline_list(c, c->opt.state_dir, &t, e);
	if (rc == TC_EBUSY)
		rc = list_online(c, &t, e);
	if (rc == 0 && c->out.format != OUT_JSON)
		table_print(&t, &c->out);
	table_free(&t);
	return rc;
}

static int
revoke(struct cli *c, struct tc_err *e)
{
	const char *text = c->rest.n > 1 ? c->rest.operands[1] : "";
	struct doc *reply;
	char path[64];
	uint64_t id;
	int rc = TC_EBUSY;

	if (u64_parse(text, strlen(text), &id) < 0 || id > UINT32_MAX)
		return tc_fail(e, TC_EINVAL, "token revoke needs the number "
			"that `tocsin token list` shows");
	if (c->opt.state_dir)
		rc = token_offline_revoke(c, c->opt.state_dir, (uint32_t)id, e);
	if (rc == TC_EBUSY) {
		snprintf(path, sizeof(path), "/v1/tokens/%u", (unsigned)id);
		rc = api_send(c, "DELETE", path, NULL, &reply, e);
		if (rc == 0)
			api_print(c);
	}
	return rc;
}

int
verb_token(struct cli *c, struct tc_err *e)
{
	const char *what = c->rest.operands[0];

	if (strcmp(what, "create") == 0 && c->rest.n == 1)
		return create(c, e);
	if (strcmp(what, "list") == 0 && c->rest.n == 1)
		return list(c, e);
	if (strcmp(what, "revoke") == 0)
		return revoke(c, e);
	return tc_fail(e, TC_EINVAL, "tocsin token create, list or revoke ID");
}
