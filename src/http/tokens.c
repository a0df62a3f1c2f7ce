/*
 * /v1/tokens: made, listed, revoked.  The text of a token is shown once.
 */
#include <string.h>

#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "model/name.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

static void
add_time(struct json_write *w, const char *key, struct wall t)
{
	if (t.ms != 0)
		json_add_wall(w, key, t);
	else
		json_add_null(w, key);
}

static int
put_token(void *arg, const struct http_token *t)
{
	struct json_write *w = arg;

	json_put_object(w);
	json_add_u64(w, "id", t->id);
	json_add_str(w, "role", http_role_id(t->role));
	json_add_str(w, "host", t->host[0] != '\0' ? t->host : NULL);
	json_add_str(w, "name", t->name);
	json_add_wall(w, "created", t->created);
	add_time(w, "expires", t->until);
	add_time(w, "last_used", t->last_used);
	json_put_end(w);
	return 0;
}

void
view_tokens(struct request *r)
{
	struct http_io *io = r->h->io;
	struct tc_err e = { 0 };
	struct json_write w;
	int rc;

	reply_open(r, &w, NULL);
	r->reply.cache = "no-store";
	json_add_array(&w, "items");
	if ((rc = io->tokens(io, put_token, &w, &e)) < 0) {
		problem_err(r, rc, &e);
		return;
	}
	json_put_end(&w);
	json_add_null(&w, "next");
	json_put_end(&w);
}

static void
copy_text(struct json_read *j, char *to, size_t size)
{
	const char *text = json_get_cstr(j, size - 1);

	memcpy(to, text, strlen(text) + 1);
}

static void
read_role(struct json_read *j, enum http_role *out)
{
	struct json_str text = json_get_str(j);

	if (!json_failed(j) && !http_role_parse(text.p, text.n, out))
		json_fail(j, "not agent, viewer, operator or admin");
}

static void
read_valid(struct json_read *j, struct dur *out)
{
	const char *text = json_get_cstr(j, 31);
	struct tc_err why = { 0 };

	if (!json_failed(j) && dur_parse(text, out, &why) < 0)
		json_fail(j, "%s", why.text);
	else if (!json_failed(j) && out->ns == 0)
		json_fail(j, "over at once");
}

static int
read_request(struct request *r, struct http_command *cmd)
{
	char host[NAME_MAX_BYTES + 1] = "";
	struct json_read j;
	struct json_str key;
	int rc;

	strbuf_reserve(&r->body, 0);
	if (r->body.failed)
		return tc_fail(&cmd->err, TC_ENOMEM, "out of memory");
	json_open(&j, r->body.p, r->body.n);
	if (json_enter_object(&j)) {
		while (json_next_key(&j, &key)) {
			if (json_str_is(key, "role"))
				read_role(&j, &cmd->token_role);
			else if (json_str_is(key, "host"))
				copy_text(&j, host, sizeof(host));
			else if (json_str_is(key, "new"))
				cmd->token_known = !json_get_bool(&j);
			else if (json_str_is(key, "valid"))
				read_valid(&j, &cmd->token_valid);
			else if (json_str_is(key, "name"))
				copy_text(&j, cmd->token_name,
					sizeof(cmd->token_name));
			else
				json_unknown(&j);
		}
	}
	if ((rc = json_close(&j, &cmd->err)) < 0)
		return rc;
	if (cmd->token_role == ROLE_NONE)
		return tc_fail(&cmd->err, TC_EINVAL, "/role: missing");
	if ((cmd->token_role == ROLE_AGENT) != (host[0] != '\0'))
		return tc_fail(&cmd->err, TC_EINVAL,
			"/host: agents have one, and only agents");
	if (host[0] == '\0')
		return 0;
	if ((rc = name_fold(host, strlen(host), cmd->token_host,
			&cmd->err)) < 0)
		return tc_wrap(&cmd->err, "/host");
	return 0;
}

void
token_create(struct request *r)
{
	struct http_command *cmd = wait_command_new(r, COMMAND_TOKEN_CREATE);

	if (cmd == NULL)
		return;
	cmd->rc = read_request(r, cmd);
	wait_submit(r, cmd);
}

void
token_created(struct request *r, const struct http_command *cmd)
{
	struct json_write w;

	reply_open(r, &w, NULL);
	json_add_u64(&w, "id", cmd->token_id);
	json_add_str(&w, "token", cmd->token_text);
	json_add_str(&w, "role", http_role_id(cmd->token_role));
	json_add_str(&w, "host",
		cmd->token_host[0] != '\0' ? cmd->token_host : NULL);
	json_add_str(&w, "name", cmd->token_name);
	add_time(&w, "expires", cmd->token_until);
	json_put_end(&w);
	r->reply.status = 201;
	r->reply.cache = "no-store";
}

void
token_revoke(struct request *r)
{
	const char *text = r->target.segs[2];
	struct http_command *cmd;
	uint64_t id;

	if (u64_parse(text, strlen(text), &id) < 0 || id == 0 ||
	    id > UINT32_MAX) {
		problem_set(r, 404, "not_found", "there is no such token");
		return;
	}
	cmd = wait_command_new(r, COMMAND_TOKEN_REVOKE);
	if (cmd == NULL)
		return;
	cmd->token_id = (uint32_t)id;
	wait_submit(r, cmd);
}

void
token_revoked(struct request *r, const struct http_command *cmd)
{
	struct json_write w;

	reply_open(r, &w, NULL);
	json_add_u64(&w, "revoked", cmd->token_id);
	json_put_end(&w);
	r->reply.cache = "no-store";
}
