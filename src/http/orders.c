/*
 * What people order: passed on as text, carried out by the engine, answered
 * when durable.
 */
#include <string.h>

#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "model/name.h"
#include "wire/json_write.h"

/* The body moves to the command: text, NUL-terminated. */
static int
take_body(struct request *r, struct http_command *cmd)
{
	strbuf_reserve(&r->body, 0);
	cmd->body_n = r->body.n;
	cmd->body = strbuf_take(&r->body);
	return cmd->body != NULL ? 0 :
		tc_fail(&cmd->err, TC_ENOMEM, "out of memory");
}

static int
take_target(const struct request *r, struct http_command *cmd, bool is_name)
{
	const char *text = r->target.n_segs > 2 ? r->target.segs[2] : "";
	int rc;

	if (cmd->kind == COMMAND_WINDOW_IMPORT)
		return 0;	/* that is a verb, not an id */
	if (!is_name) {
		if (strlen(text) >= sizeof(cmd->target))
			return tc_fail(&cmd->err, TC_ENOENT, "no such id");
		memcpy(cmd->target, text, strlen(text) + 1);
		return 0;
	}
	if ((rc = name_fold(text, strlen(text), cmd->target, &cmd->err)) < 0)
		tc_wrap(&cmd->err, "name");
	return rc;
}

/* Hands it to the loop with what the request says; or says why not. */
static void
give(struct request *r, struct http_command *cmd, bool is_name)
{
	cmd->rc = take_target(r, cmd, is_name);
	if (cmd->rc == 0)
		cmd->rc = take_body(r, cmd);
	wait_submit(r, cmd);
}

static void
order(struct request *r, enum http_command_kind kind, bool is_name)
{
	struct http_command *cmd = wait_command_new(r, kind);

	if (cmd != NULL)
		give(r, cmd, is_name);
}

void
order_host_put(struct request *r)
{
	order(r, COMMAND_HOST_PUT, true);
}

void
order_host_patch(struct request *r)
{
	order(r, COMMAND_HOST_PATCH, true);
}

void
order_host_diagnose(struct request *r)
{
	order(r, COMMAND_HOST_DIAGNOSE, true);
}

void
order_host_delete(struct request *r)
{
	order(r, COMMAND_HOST_DELETE, true);
}

void
order_brake_release(struct request *r)
{
	order(r, COMMAND_BRAKE_RELEASE, true);
}

void
order_window_create(struct request *r)
{
	order(r, COMMAND_WINDOW_CREATE, false);
}

void
order_window_delete(struct request *r)
{
	order(r, COMMAND_WINDOW_DELETE, false);
}

void
order_window_import(struct request *r)
{
	order(r, COMMAND_WINDOW_IMPORT, false);
}

void
order_alert_ack(struct request *r)
{
	order(r, COMMAND_ALERT_ACK, false);
}

void
order_alert_comment(struct request *r)
{
	order(r, COMMAND_ALERT_COMMENT, false);
}

void
order_host_comment(struct request *r)
{
	order(r, COMMAND_HOST_COMMENT, true);
}

void
order_comment_delete(struct request *r)
{
	order(r, COMMAND_COMMENT_DELETE, false);
}

void
order_signal(struct request *r)
{
	order(r, COMMAND_SIGNAL, false);
}

void
order_prune(struct request *r)
{
	order(r, COMMAND_PRUNE, false);
}

void
order_switch(struct request *r)
{
	order(r, COMMAND_SWITCH, false);
}

void
order_accept(struct request *r)
{
	order(r, COMMAND_ACCEPT, false);
}

void
order_unaccept(struct request *r)
{
	order(r, COMMAND_UNACCEPT, false);
}

/* Bytes as they are: what they are called is in the query. */
void
order_artifact(struct request *r)
{
	const char *name = target_get(&r->target, "name");
	struct http_command *cmd;

	if (name == NULL || name[0] == '\0' ||
	    strlen(name) >= sizeof(cmd->name)) {
		problem_set(r, 400, "invalid", "name: 1 to 127 bytes are "
			"needed");
		return;
	}
	cmd = wait_command_new(r, COMMAND_ARTIFACT);
	if (cmd == NULL)
		return;
	memcpy(cmd->name, name, strlen(name) + 1);
	give(r, cmd, true);
}

void
order_outcome(struct request *r)
{
	order(r, COMMAND_OUTCOME, false);
}

void
order_done(struct request *r, const struct http_command *cmd)
{
	struct json_write w;

	reply_open(r, &w, NULL);
	if (cmd->reply.n > 0) {
		strbuf_putc(w.out, ',');
		strbuf_add(w.out, cmd->reply.p, cmd->reply.n);
	}
	json_put_end(&w);
	r->reply.status = cmd->created ? 201 : 200;
	r->reply.cache = "no-store";
}
