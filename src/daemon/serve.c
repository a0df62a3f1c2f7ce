/*
 * struct http_io: what the API reads and the commands it gives.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/mttx.h"

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

static int
read_events_of(struct http_io *io, uint32_t host, size_t limit,	/* lint: struct http_io */
	http_event_sink *sink, void *arg, struct tc_err *e)
{
	struct event_relay r = { sink, arg };

	return store_sqlite.events_of(of_io(io)->store, host, limit,
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
		p->at, p->value, p->min, p->max, p->count, p->last });
}

/* A device is meant by its serial number, or by its whole name. */
static const struct snap_device *
find_device(const struct snap_host *h, const char *name)
{
	for (size_t i = 0; i < h->rare->n_devices; i++)
		if (strcmp(h->rare->devices[i].ident.serial, name) == 0 ||
		    strcmp(h->rare->devices[i].ident.wwn, name) == 0)
			return &h->rare->devices[i];
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
		sq.subject = q->unit != 0 ? q->unit :
			dev != NULL ? dev->id : h->id;
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

struct audit_relay {
	http_audit_sink *sink;
	void *arg;
};

static int
relay_audit(void *arg, const struct store_audit *a)
{
	struct audit_relay *r = arg;
	char hex[65];

	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", a->sha256[i]);
	return r->sink(r->arg, &(struct http_audit){ a->seq, a->at, a->actor,
		a->action, a->body, hex });
}

static int
read_audit(struct http_io *io, uint64_t after, size_t limit,	/* lint: struct http_io */
	http_audit_sink *sink, void *arg, struct tc_err *e)
{
	struct audit_relay r = { sink, arg };

	return store_sqlite.audit(of_io(io)->store, after, limit, relay_audit,
		&r, e);
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

static int
read_outcomes(struct http_io *io, const struct http_outcome_query *q,
	struct tc_err *e)
{
	return outcomes_read(of_io(io), q, e);
}

static int
read_artifacts(struct http_io *io, const struct http_artifact_query *q,
	struct tc_err *e)
{
	return artifacts_read(of_io(io), q, e);
}

static int
read_scorecard(struct http_io *io, struct book *out, struct tc_err *e)
{
	return score_read(of_io(io), out, e);
}

static int
read_mttx(struct http_io *io, struct wall from, struct wall to,
	struct mttx *out, struct tc_err *e)
{
	return mttx_read(of_io(io), from, to, out, e);
}

static int
submit(struct http_io *io, struct http_command *cmd)
{
	return queue_push(of_io(io)->commands, cmd);
}

int
serve_open(struct daemon *d, struct tc_err *e)
{
	d->http_io = (struct http_io){ .clock = d->clock,
		.snapshot = read_snapshot, .submit = submit,
		.authenticate = authenticate, .ready = ready,
		.metrics = write_metrics, .events = read_events,
		.events_of = read_events_of,
		.series = read_series, .tokens = read_tokens,
		.audit = read_audit, .outcomes = read_outcomes,
		.scorecard = read_scorecard, .mttx = read_mttx,
		.artifacts = read_artifacts,
		.predictions = read_predictions, .last_event = last_event };
	return commands_open(d, e);
}
