/*
 * struct http_io: what the API reads and the commands it gives.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"

#define COMMANDS_MAX 4096

static struct daemon *
of_io(struct http_io *io)
{
	return CONTAINER_OF(io, struct daemon, http_io);
}

/* ---- reads: any thread ---- */

static struct snapshot *
read_snapshot(struct http_io *io)
{
	struct daemon *d = of_io(io);
	struct snapshot *s;

	pthread_mutex_lock(&d->publish_lock);
	s = snapshot_ref(d->published);
	pthread_mutex_unlock(&d->publish_lock);
	return s;
}

static bool
authenticate(struct http_io *io, const char *token, size_t n,
	struct http_principal *out)
{
	return tokens_find(of_io(io)->tokens, token, n, out);
}

static bool
ready(struct http_io *io, char *why, size_t size)
{
	struct daemon *d = of_io(io);
	bool ticked, degraded;

	pthread_mutex_lock(&d->publish_lock);
	ticked = d->ticked;
	degraded = d->store_degraded;
	if (degraded)
		snprintf(why, size, "store: %s", d->store_why);
	pthread_mutex_unlock(&d->publish_lock);
	if (!ticked)
		snprintf(why, size, "the first tick is not done");
	return ticked && !degraded;
}

static void
write_metrics(struct http_io *io, struct strbuf *out)
{
	metrics_write(of_io(io), out);
}

struct event_relay {
	http_event_sink *sink;
	void *arg;
};

static int
relay_event(void *arg, const struct store_event *e)
{
	struct event_relay *r = arg;

	return r->sink(r->arg, &(struct http_event){ e->seq, e->at, e->kind,
		e->subject_name, e->cause_seq, e->body });
}

static int
read_events(struct http_io *io, uint64_t after, size_t limit,	/* lint: struct http_io */
	http_event_sink *sink, void *arg, struct tc_err *e)
{
	struct event_relay r = { sink, arg };

	return store_sqlite.events(of_io(io)->store, after, limit,
		relay_event, &r, e);
}

struct point_relay {
	http_point_sink *sink;
	void *arg;
	const char *device;
};

static int
relay_point(void *arg, const struct store_point *p)
{
	struct point_relay *r = arg;

	return r->sink(r->arg, &(struct http_point){ p->instance, r->device,
		p->at, p->value, p->min, p->max, p->count });
}

/* A device is meant by its serial number, or by its whole name. */
static const struct snap_device *
find_device(const struct snap_host *h, const char *name)
{
	for (size_t i = 0; i < h->n_devices; i++)
		if (strcmp(h->devices[i].ident.serial, name) == 0 ||
		    strcmp(h->devices[i].ident.wwn, name) == 0)
			return &h->devices[i];
	return NULL;
}

static int
read_series(struct http_io *io, const struct http_series_query *q,
	http_point_sink *sink, void *arg, struct tc_err *e)
{
	struct daemon *d = of_io(io);
	struct snapshot *s = read_snapshot(io);
	const struct snap_host *h = snapshot_host(s, q->host);
	const struct snap_device *dev = h == NULL || q->device == NULL ? NULL :
		find_device(h, q->device);
	struct point_relay r = { sink, arg, dev != NULL ? q->device : "" };
	struct store_series_query sq = { .metric = q->metric,
		.instance = q->instance, .from = q->from, .to = q->to,
		.step = q->step, .limit = q->limit };
	int rc;

	if (h == NULL)
		rc = tc_fail(e, TC_ENOENT, "no host '%s'", q->host);
	else if (q->device != NULL && dev == NULL)
		rc = tc_fail(e, TC_ENOENT, "host '%s' has no device '%s'",
			q->host, q->device);
	else {
		sq.subject = dev != NULL ? dev->id : h->id;
		rc = store_sqlite.series(d->store, &sq, relay_point, &r, e);
	}
	snapshot_put(s);
	return rc;
}

static int
read_tokens(struct http_io *io, http_token_sink *sink, void *arg,
	struct tc_err *e)
{
	(void)e;
	return tokens_each(of_io(io)->tokens, sink, arg);
}

static uint64_t
last_event(struct http_io *io)
{
	return of_io(io)->last_event;
}

struct prediction_relay {
	http_prediction_sink *sink;
	void *arg;
};

static int
relay_prediction(void *arg, const struct change_prediction *p)
{
	struct prediction_relay *r = arg;

	return r->sink(r->arg, p->id, p->body);
}

static int
read_predictions(struct http_io *io, uint64_t id, struct wall as_of,	/* lint: struct http_io */
	http_prediction_sink *sink, void *arg, struct tc_err *e)
{
	struct prediction_relay r = { sink, arg };

	return store_sqlite.predictions(of_io(io)->store, id, as_of,
		relay_prediction, &r, e);
}

/* ---- commands: pushed by http, carried out on the loop ---- */

static int
submit(struct http_io *io, struct http_command *cmd)
{
	return queue_push(of_io(io)->commands, cmd);
}

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

/* 0: answered when durable; else kept all the same, and not answered. */
static int
submit_for(struct daemon *d, struct http_command *cmd, struct change_set *cs)
{
	struct waiting *w = arena_alloc(&cs->arena, sizeof(*w));

	action_route(d->action, cs);
	if (w != NULL) {
		*w = (struct waiting){ d, cmd };
		cs->done = batch_done;
		cs->owner = w;
		if (d->backlog_n == 0 && store_sqlite.submit(d->store, cs) == 0)
			return 0;
	}
	keep_facts(d, cs);
	return TC_EAGAIN;
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

/*
 * Judged at once; answered when durable.  When the store cannot take it the
 * sender is told to come again, and the facts wait in the backlog: the
 * repeat will find its rows there.
 */
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
	cs = change_set_new();
	if (cs == NULL) {
		answer(cmd, tc_fail(&cmd->err, TC_ENOMEM, "out of memory"));
		return;
	}
	rc = refuse_batch(cmd, engine_batch(d->engine, cmd->batch,
		cmd->who.role >= ROLE_OPERATOR, daemon_now(d), cs));
	if (rc < 0) {
		change_set_free(cs);
		answer(cmd, rc);
		return;
	}
	if (submit_for(d, cmd, cs) < 0)
		answer(cmd, tc_fail(&cmd->err, TC_EAGAIN,
			"the store cannot commit now; send it again"));
}

static void
do_token_create(struct daemon *d, struct http_command *cmd)
{
	struct store_token row = { .role = http_role_id(cmd->token_role),
		.host_name = cmd->token_host, .name = cmd->token_name,
		.created = d->clock->wall(d->clock) };
	int rc;

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

/*
 * Like a batch: done at once, answered when durable.  While the store cannot
 * commit an order is refused before it is carried out: nothing may be done
 * that the audit trail does not know.
 */
static void
do_order(struct daemon *d, struct http_command *cmd, enum engine_order kind)
{
	struct engine_wish wish = { .kind = kind, .target = cmd->target,
		.body = cmd->body, .n = cmd->body_n, .actor = cmd->who.name };
	struct change_set *cs;
	int rc;

	if (d->backlog_n > 0) {
		answer(cmd, tc_fail(&cmd->err, TC_EAGAIN,
			"the store cannot commit now; send it again"));
		return;
	}
	cs = change_set_new();
	rc = cs == NULL ? tc_fail(&cmd->err, TC_ENOMEM, "out of memory") :
		engine_order(d->engine, &wish, daemon_now(d), cs, &cmd->reply,
			&cmd->err);
	if (rc < 0) {
		if (cs != NULL && cs->n > 0)
			keep_new_facts(d, cs);
		else
			change_set_free(cs);
		answer(cmd, rc);
		return;
	}
	cmd->created = kind == ORDER_HOST_PUT || kind == ORDER_WINDOW_CREATE;
	if (submit_for(d, cmd, cs) < 0)
		answer(cmd, tc_fail(&cmd->err, TC_EAGAIN, "done, but not yet "
			"durable: the store cannot commit now"));
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
		case COMMAND_BRAKE_RELEASE:
			do_order(d, cmd, ORDER_BRAKE_RELEASE);
			break;
		case COMMAND_WINDOW_CREATE:
			do_order(d, cmd, ORDER_WINDOW_CREATE);
			break;
		case COMMAND_WINDOW_DELETE:
			do_order(d, cmd, ORDER_WINDOW_DELETE);
			break;
		case COMMAND_ALERT_ACK:
			do_order(d, cmd, ORDER_ALERT_ACK);
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
serve_open(struct daemon *d, struct tc_err *e)
{
	d->http_io = (struct http_io){ .clock = d->clock,
		.snapshot = read_snapshot, .submit = submit,
		.authenticate = authenticate, .ready = ready,
		.metrics = write_metrics, .events = read_events,
		.series = read_series, .tokens = read_tokens,
		.predictions = read_predictions, .last_event = last_event };
	d->commands_wake = sched_wake_open(d->sched, do_commands, d, e);
	if (d->commands_wake == NULL)
		return e->code;
	d->commands = queue_new(COMMANDS_MAX, sched_wake_send,
		d->commands_wake);
	return d->commands != NULL ? 0 :
		tc_fail(e, TC_ENOMEM, "out of memory");
}

void
serve_close(struct daemon *d)
{
	if (d->commands != NULL) {
		queue_close(d->commands);
		queue_free(d->commands, drop_command);
		d->commands = NULL;
	}
	sched_wake_close(d->commands_wake);
	d->commands_wake = NULL;
}
