/*
 * Commands: pushed by http, carried out on the loop, answered by the store's
 * thread once they are durable.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"
#include "store/token.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

#define COMMANDS_MAX 4096

static void
answer(struct http_command *cmd, int rc)
{
	cmd->rc = rc;
	cmd->done(cmd);
}

/* In the set's arena: who waits for its commit. */
struct waiting {
	struct daemon *d;
	struct http_command *cmd;
};

/*
 * The writer's thread: the batch is durable, or is not.  Then its sender is
 * told to come again, and what was judged is kept all the same.
 */
static void
batch_done(struct change_set *cs)
{
	struct waiting *w = cs->owner;
	struct http_command *cmd = w->cmd;

	cmd->accepted = cs->accepted;
	cmd->duplicates = cs->duplicates;
	if (cs->rc == 0) {
		keep_committed(w->d, cs);
		answer(cmd, 0);
		return;
	}
	/* Whatever ails the store: the sender is to come again, 503. */
	answer(cmd, tc_fail(&cmd->err, store_may_retry(cs->rc) ? TC_EAGAIN :
		cs->rc, "the store did not commit; send it again"));
	keep_failed(w->d, cs);
}

static int
refuse_batch(struct http_command *cmd, enum engine_batch_refusal why)
{
	switch (why) {
	case BATCH_TAKEN:
		return 0;
	case BATCH_HOST_UNKNOWN:
		return tc_fail(&cmd->err, TC_EPERM, "host '%s' is not known",
			cmd->batch->host);
	case BATCH_HOST_RETIRED:
		return tc_fail(&cmd->err, TC_EPERM, "host '%s' is retired",
			cmd->batch->host);
	case BATCH_NO_MEMORY:
		return tc_fail(&cmd->err, TC_ENOMEM, "out of memory");
	}
	return TC_EINVAL;
}

static bool
bound_elsewhere(const struct daemon *d, const struct http_command *cmd)
{
	return cmd->who.role == ROLE_AGENT && (cmd->who.host_id == 0 ||
		engine_host_id(d->engine, cmd->batch->host) !=
			cmd->who.host_id);
}

/* A set whose commit answers the command; NULL when it was refused. */
static struct change_set *
open_set(struct daemon *d, struct http_command *cmd)
{
	struct change_set *cs = change_set_new();
	struct waiting *w = cs != NULL ?
		arena_alloc(&cs->arena, sizeof(*w)) : NULL;

	if (w == NULL) {
		change_set_free(cs);
		answer(cmd, tc_fail(&cmd->err, TC_ENOMEM, "out of memory"));
		return NULL;
	}
	*w = (struct waiting){ d, cmd };
	cs->done = batch_done;
	cs->owner = w;
	return cs;
}

/*
 * When the store cannot take it the sender is told to come again, and the
 * facts wait in the backlog: the repeat will find its rows there.
 */
static void
commit_set(struct daemon *d, struct http_command *cmd, struct change_set *cs)
{
	action_route(d->action, cs);
	if (d->backlog_n == 0 && store_sqlite.submit(d->store, cs) == 0)
		return;
	keep_facts(d, cs);
	answer(cmd, tc_fail(&cmd->err, TC_EAGAIN,
		"the store cannot commit now; send it again"));
}

static void
do_observe(struct daemon *d, struct http_command *cmd)
{
	struct change_set *cs;
	int rc;

	if (bound_elsewhere(d, cmd)) {
		answer(cmd, tc_fail(&cmd->err, TC_EPERM,
			"this token is not bound to host '%s'",
			cmd->batch->host));
		return;
	}
	cs = open_set(d, cmd);
	if (cs == NULL)
		return;
	rc = refuse_batch(cmd, engine_batch(d->engine, cmd->batch,
		cmd->who.role >= ROLE_OPERATOR, daemon_now(d), cs));
	if (rc < 0) {
		change_set_free(cs);
		answer(cmd, rc);
		return;
	}
	commit_set(d, cmd, cs);
}

static void
do_token_create(struct daemon *d, struct http_command *cmd)
{
	struct store_token row = { .role = http_role_id(cmd->token_role),
		.host_name = cmd->token_host, .name = cmd->token_name,
		.created = d->clock->wall(d->clock) };
	int rc;

	if ((rc = token_until(row.created, cmd->token_valid, &row.until,
		&cmd->err)) < 0) {
		answer(cmd, tc_wrap(&cmd->err, "/valid"));
		return;
	}
	cmd->token_until = row.until;
	if (cmd->token_known && cmd->token_host[0] != '\0' &&
	    (rc = engine_host_known(d->engine, cmd->token_host,
		&cmd->err)) < 0) {
		answer(cmd, tc_wrap(&cmd->err, "/host"));
		return;
	}
	if (cmd->token_host[0] != '\0') {
		row.host = engine_host_enrol(d->engine, cmd->token_host,
			daemon_now(d));
		store_sqlite.flush(d->store, dur_s(2));
	}
	token_make(cmd->token_text, row.sha256);
	row.id = tokens_next_id(d->tokens);
	cmd->token_id = row.id;
	rc = store_sqlite.token_put(d->store, &row, &cmd->err);
	if (rc == 0)
		rc = tokens_put(d->tokens, &row);
	answer(cmd, rc);
}

static void
do_token_revoke(struct daemon *d, struct http_command *cmd)
{
	int rc = store_sqlite.token_revoke(d->store, cmd->token_id,
		d->clock->wall(d->clock), &cmd->err);

	if (rc == 0 && !tokens_revoke(d->tokens, cmd->token_id))
		rc = tc_fail(&cmd->err, TC_ENOENT, "no token %u",
			cmd->token_id);
	answer(cmd, rc);
}

/* The engine has the order, the store its bytes. */
static int
lay_bytes(struct change_set *cs, const struct http_command *cmd,
	const unsigned char sha256[32])
{
	void *body = arena_alloc(&cs->arena, cmd->body_n + 1);
	unsigned char *hash = arena_alloc(&cs->arena, 32);

	if (body == NULL || hash == NULL)
		return TC_ENOMEM;
	memcpy(body, cmd->body, cmd->body_n);
	memcpy(hash, sha256, 32);
	for (size_t i = 0; i < cs->n; i++) {
		struct change *c = &cs->items[i];

		if (c->kind != CHANGE_ARTIFACT || c->u.artifact.removed)
			continue;
		c->u.artifact.sha256 = hash;
		c->u.artifact.body = body;
	}
	return 0;
}

static int
order_artifact_of(struct daemon *d, struct http_command *cmd,
	struct change_set *cs)
{
	unsigned char sha256[32];
	struct strbuf body = { 0 };
	struct json_write w;
	char hex[65];
	int rc;

	crypto_hash_sha256(sha256, (const unsigned char *)cmd->body,
		cmd->body_n);
	sodium_bin2hex(hex, sizeof(hex), sha256, sizeof(sha256));
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "name", cmd->name);
	json_add_str(&w, "sha256", hex);
	json_add_u64(&w, "bytes", cmd->body_n);
	json_put_end(&w);
	if (body.failed)
		rc = tc_fail(&cmd->err, TC_ENOMEM, "out of memory");
	else
		rc = engine_order(d->engine, &(struct engine_wish){
			ORDER_ARTIFACT, cmd->target, body.p, body.n,
			cmd->who.name }, daemon_now(d), cs, &cmd->reply,
			&cmd->err);
	if (rc == 0 && lay_bytes(cs, cmd, sha256) < 0)
		rc = tc_fail(&cmd->err, TC_ENOMEM, "out of memory");
	strbuf_free(&body);
	return rc;
}

static int
order_of(struct daemon *d, struct http_command *cmd, enum engine_order kind,
	struct change_set *cs)
{
	if (kind == ORDER_ARTIFACT)
		return order_artifact_of(d, cmd, cs);
	return engine_order(d->engine, &(struct engine_wish){ kind,
		cmd->target, cmd->body, cmd->body_n, cmd->who.name },
		daemon_now(d), cs, &cmd->reply, &cmd->err);
}

/*
 * Like a batch: done at once, answered when durable.  While the store cannot
 * commit an order is refused before it is carried out: nothing may be done
 * that the audit trail does not know.
 */
static void
do_order(struct daemon *d, struct http_command *cmd, enum engine_order kind)
{
	struct change_set *cs;
	int rc;

	if (d->backlog_n > 0) {
		answer(cmd, tc_fail(&cmd->err, TC_EAGAIN,
			"the store cannot commit now; send it again"));
		return;
	}
	cs = open_set(d, cmd);
	if (cs == NULL)
		return;
	rc = order_of(d, cmd, kind, cs);
	if (rc < 0) {
		/* Refused: nothing was changed, so nothing is to be kept. */
		change_set_free(cs);
		answer(cmd, rc);
		return;
	}
	cmd->created = kind == ORDER_HOST_PUT || kind == ORDER_WINDOW_CREATE ||
		kind == ORDER_ALERT_COMMENT || kind == ORDER_HOST_COMMENT ||
		kind == ORDER_OUTCOME || kind == ORDER_ARTIFACT;
	commit_set(d, cmd, cs);
}

static int
read_prune(struct http_command *cmd, struct store_prune *out)
{
	struct json_read r;
	struct json_str key;
	const char *before = "";

	*out = (struct store_prune){ .tier = "raw" };
	json_open(&r, cmd->body, cmd->body_n);
	if (json_enter_object(&r)) {
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "tier"))
				out->tier = json_get_cstr(&r, 16);
			else if (json_str_is(key, "before"))
				before = json_get_cstr(&r, WALL_TEXT);
			else if (json_str_is(key, "meant"))
				out->meant = json_get_bool(&r);
			else
				json_unknown(&r);
		}
	}
	if (json_close(&r, &cmd->err) < 0)
		return cmd->err.code;
	if (wall_parse(before, strlen(before), &out->before) < 0)
		return tc_fail(&cmd->err, TC_EINVAL, "/before: a time such as "
			"2026-05-01T22:00:00Z");
	return 0;
}

/* Who ordered it stands in the trail; the writer does it bit by bit. */
static void
do_prune(struct daemon *d, struct http_command *cmd)
{
	struct store_prune order;
	struct change_set *cs;
	struct change *c;
	struct strbuf body = { 0 };
	struct json_write w;
	int rc = read_prune(cmd, &order);

	if (rc == 0)
		rc = store_sqlite.prune(d->store, &order, &cmd->err);
	if (rc < 0) {
		answer(cmd, rc);
		return;
	}
	if ((cs = open_set(d, cmd)) == NULL)
		return;
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "tier", order.tier);
	json_add_wall(&w, "before", order.before);
	json_put_end(&w);
	if (body.n > 2)		/* the members alone */
		strbuf_add(&cmd->reply, body.p + 1, body.n - 2);
	c = change_add(cs, CHANGE_AUDIT);
	if (c != NULL)
		c->u.audit = (struct change_audit){
			.at = d->clock->wall(d->clock),
			.actor = arena_strdup(&cs->arena, cmd->who.name),
			.action = "history.prune",
			.body = arena_strdup(&cs->arena, strbuf_str(&body)) };
	strbuf_free(&body);
	if (c == NULL || c->u.audit.actor == NULL || c->u.audit.body == NULL) {
		change_set_free(cs);
		answer(cmd, tc_fail(&cmd->err, TC_ENOMEM, "out of memory"));
		return;
	}
	commit_set(d, cmd, cs);
}

static void
do_commands(void *arg)
{
	struct daemon *d = arg;
	struct http_command *cmd;

	while ((cmd = queue_try_pop(d->commands)) != NULL) {
		switch (cmd->kind) {
		case COMMAND_OBSERVE:
			do_observe(d, cmd);
			break;
		case COMMAND_TOKEN_CREATE:
			do_token_create(d, cmd);
			break;
		case COMMAND_TOKEN_REVOKE:
			do_token_revoke(d, cmd);
			break;
		case COMMAND_HOST_PUT:
			do_order(d, cmd, ORDER_HOST_PUT);
			break;
		case COMMAND_HOST_PATCH:
			do_order(d, cmd, ORDER_HOST_PATCH);
			break;
		case COMMAND_HOST_DELETE:
			do_order(d, cmd, ORDER_HOST_DELETE);
			break;
		case COMMAND_HOST_DIAGNOSE:
			do_order(d, cmd, ORDER_HOST_DIAGNOSE);
			break;
		case COMMAND_BRAKE_RELEASE:
			do_order(d, cmd, ORDER_BRAKE_RELEASE);
			break;
		case COMMAND_WINDOW_CREATE:
			do_order(d, cmd, ORDER_WINDOW_CREATE);
			break;
		case COMMAND_WINDOW_DELETE:
			do_order(d, cmd, ORDER_WINDOW_DELETE);
			break;
		case COMMAND_WINDOW_IMPORT:
			do_order(d, cmd, ORDER_WINDOW_IMPORT);
			break;
		case COMMAND_ALERT_ACK:
			do_order(d, cmd, ORDER_ALERT_ACK);
			break;
		case COMMAND_ALERT_COMMENT:
			do_order(d, cmd, ORDER_ALERT_COMMENT);
			break;
		case COMMAND_HOST_COMMENT:
			do_order(d, cmd, ORDER_HOST_COMMENT);
			break;
		case COMMAND_COMMENT_DELETE:
			do_order(d, cmd, ORDER_COMMENT_DELETE);
			break;
		case COMMAND_SWITCH:
			do_order(d, cmd, ORDER_SWITCH);
			break;
		case COMMAND_ACCEPT:
			do_order(d, cmd, ORDER_ACCEPT);
			break;
		case COMMAND_UNACCEPT:
			do_order(d, cmd, ORDER_UNACCEPT);
			break;
		case COMMAND_ARTIFACT:
			do_order(d, cmd, ORDER_ARTIFACT);
			break;
		case COMMAND_OUTCOME:
			do_order(d, cmd, ORDER_OUTCOME);
			break;
		case COMMAND_PRUNE:
			do_prune(d, cmd);
			break;
		case COMMAND_SIGNAL:
			do_order(d, cmd, ORDER_SIGNAL);
			break;
		}
	}
	daemon_publish(d, false);
}

static void
drop_command(void *arg)
{
	struct http_command *cmd = arg;

	answer(cmd, tc_fail(&cmd->err, TC_ECLOSED, "shutting down"));
}

int
commands_open(struct daemon *d, struct tc_err *e)
{
	d->commands_wake = sched_wake_open(d->sched, do_commands, d, e);
	if (d->commands_wake == NULL)
		return e->code;
	d->commands = queue_new(COMMANDS_MAX, sched_wake_send,
		d->commands_wake);
	return d->commands != NULL ? 0 :
		tc_fail(e, TC_ENOMEM, "out of memory");
}

void
commands_close(struct daemon *d)
{
	if (d->commands != NULL) {
		queue_close(d->commands);
		queue_free(d->commands, drop_command);
		d->commands = NULL;
	}
	sched_wake_close(d->commands_wake);
	d->commands_wake = NULL;
}
