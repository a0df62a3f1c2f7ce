/*
 * /v1/events and /v1/series: from the store, on a reader thread.
 */
#include <string.h>

#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "http/view.h"
#include "model/name.h"

#define POINTS_MAX 10000
#define SPAN_DEFAULT_MS INT64_C(3600000)

struct event_list {
	struct json_write *w;
	uint64_t left;
	uint64_t last;
	bool more;
};

void
event_write(struct json_write *w, const struct http_event *ev)
{
	json_put_object(w);
	json_add_u64(w, "seq", ev->seq);
	json_add_wall(w, "at", ev->at);
	json_add_str(w, "kind", ev->kind);
	json_add_str(w, "subject", ev->subject);
	if (ev->cause_seq != 0)
		json_add_u64(w, "cause_seq", ev->cause_seq);
	else
		json_add_null(w, "cause_seq");
	json_add_raw(w, "body", ev->body, strlen(ev->body));
	json_put_end(w);
}

static int
put_event(void *arg, const struct http_event *ev)
{
	struct event_list *list = arg;

	if (list->left == 0) {
		list->more = true;
		return 1;
	}
	list->left--;
	list->last = ev->seq;
	event_write(list->w, ev);
	return 0;
}

static bool
wants_stream(const struct request *r)
{
	return r->guard.accept != NULL &&
		strcasestr(r->guard.accept, "text/event-stream") != NULL;
}

/* 0 = of all; UINT32_MAX = nobody has the name. */
static uint32_t
host_asked(struct request *r)
{
	const char *text = target_get(&r->target, "host");
	const struct snap_host *host;
	char name[NAME_MAX_BYTES + 1];

	if (text == NULL)
		return 0;
	if (name_fold(text, strlen(text), name, NULL) < 0)
		return UINT32_MAX;
	host = snapshot_host(request_snapshot(r), name);
	return host != NULL ? host->id : UINT32_MAX;
}

/* The last ones of a host: there is no page behind. */
static void
view_events_of(struct request *r, uint32_t host, struct event_list *list)
{
	struct http_io *io = r->h->io;
	struct tc_err e = { 0 };
	int rc;

	if (host == UINT32_MAX) {
		problem_set(r, 404, "not_found", "host: there is no such host");
		return;
	}
	if (target_get(&r->target, "after") != NULL) {
		problem_set(r, 400, "invalid", "after: not with host");
		return;
	}
	reply_open(r, list->w, NULL);
	r->reply.cache = "no-store";
	json_add_array(list->w, "items");
	rc = io->events_of(io, host, (size_t)list->left, put_event, list, &e);
	if (rc < 0) {
		problem_err(r, rc, &e);
		return;
	}
	list_end_seq(list->w, 0);
	json_add_u64(list->w, "last", list->last);
	json_put_end(list->w);
}

/* The cursor of this list is plain: the last seq, for ?after=. */
void
view_events(struct request *r)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	static const uint64_t seqs[3] = { 0, INT64_MAX, 0 };
	struct http_io *io = r->h->io;
	struct tc_err e = { 0 };
	struct json_write w;
	struct event_list list = { .w = &w };
	uint32_t host;
	uint64_t after;
	int rc;

	if (wants_stream(r)) {
		stream_events(r);
		return;
	}
	if (!r->on_reader) {
		wait_read(r);
		return;
	}
	if (target_u64(&r->target, "limit", limits, &list.left, &e) < 0 ||
	    target_u64(&r->target, "after", seqs, &after, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if ((host = host_asked(r)) != 0) {
		view_events_of(r, host, &list);
		return;
	}
	list.last = after;
	reply_open(r, &w, NULL);
	r->reply.cache = "no-store";
	json_add_array(&w, "items");
	rc = io->events(io, after, (size_t)list.left + 1, put_event, &list,
		&e);
	if (rc < 0) {
		problem_err(r, rc, &e);
		return;
	}
	list_end_seq(&w, list.more ? list.last : 0);
	json_add_u64(&w, "last", list.last);
	if (io->last_event != NULL)
		json_add_u64(&w, "newest", io->last_event(io));
	json_put_end(&w);
}

struct point_list {
	struct json_write *w;
	bool raw;		/* no step: value only */
	bool open;
	uint64_t left;
	bool more;
	struct strbuf instance;	/* of the series that is open */
	struct strbuf device;
};

static void
close_series(struct point_list *list)
{
	if (!list->open)
		return;
	json_put_end(list->w);
	json_put_end(list->w);
	list->open = false;
}

static void
open_series(struct point_list *list, const char *instance,
	const char *device)
{
	struct json_write *w = list->w;

	if (list->open && strcmp(strbuf_str(&list->instance), instance) == 0 &&
	    strcmp(strbuf_str(&list->device), device) == 0)
		return;
	close_series(list);
	strbuf_reset(&list->instance);
	strbuf_puts(&list->instance, instance);
	strbuf_reset(&list->device);
	strbuf_puts(&list->device, device);
	list->open = true;
	json_put_object(w);
	json_add_str(w, "instance", instance);
	json_add_str(w, "device", device[0] != '\0' ? device : NULL);
	json_add_array(w, "points");
}

static int
put_point(void *arg, const struct http_point *p)
{
	struct point_list *list = arg;
	struct json_write *w = list->w;

	if (list->left == 0) {
		list->more = true;
		return 1;
	}
	list->left--;
	open_series(list, p->instance != NULL ? p->instance : "",
		p->device != NULL ? p->device : "");
	json_put_array(w);
	json_put_i64(w, p->at.ms);
	json_put_double(w, p->value);
	if (!list->raw) {
		json_put_double(w, p->min);
		json_put_double(w, p->max);
		json_put_u64(w, p->count);
		json_put_double(w, p->last);
	}
	json_put_end(w);
	return 0;
}

static int
read_step(const struct target *t, struct dur *out, struct tc_err *e)
{
	const char *text = target_get(t, "step");

	*out = dur_ns(0);
	if (text == NULL)
		return 0;
	if (dur_parse(text, out, e) < 0)
		return tc_wrap(e, "step");
	if (out->ns < dur_s(1).ns)
		return tc_fail(e, TC_EINVAL, "step: at least 1s");
	return 0;
}

static int
read_span(struct request *r, struct http_series_query *q, struct tc_err *e)
{
	struct clock *clock = r->h->io->clock;

	q->to = clock->wall(clock);
	if (target_wall(&r->target, "to", &q->to, e) < 0)
		return TC_EINVAL;
	q->from.ms = q->to.ms - SPAN_DEFAULT_MS;
	if (target_wall(&r->target, "from", &q->from, e) < 0)
		return TC_EINVAL;
	if (q->from.ms > q->to.ms)
		return tc_fail(e, TC_EINVAL, "from: later than to");
	return 0;
}

/* NULL when there is no such VM or role. */
static const char *
host_of_unit(struct request *r, struct http_series_query *q)
{
	const char *text = target_get(&r->target, "unit");
	struct snap_whose of;
	uint64_t id;

	if (u64_parse(text, strlen(text), &id) < 0 || id > UINT32_MAX ||
	    snapshot_unit(request_snapshot(r), (uint32_t)id, &of) == NULL)
		return NULL;
	q->unit = (uint32_t)id;
	return of.host->name;
}

static int
read_query(struct request *r, struct http_series_query *q, char *host,
	struct tc_err *e)
{
	static const uint64_t limits[3] = { 1, POINTS_MAX, POINTS_MAX };
	const struct target *t = &r->target;
	const char *asked = target_get(t, "host");
	uint64_t limit;

	if (asked == NULL && target_get(t, "unit") != NULL)
		asked = host_of_unit(r, q);

	q->metric = target_get(t, "metric");
	q->instance = target_get(t, "instance");
	q->device = target_get(t, "device");
	if (asked == NULL || q->metric == NULL)
		return tc_fail(e, TC_EINVAL, "host (or unit, its id) and "
			"metric are needed");
	if (name_fold(asked, strlen(asked), host, e) < 0)
		return tc_wrap(e, "host");
	if (!name_is_metric(q->metric, strlen(q->metric)))
		return tc_fail(e, TC_EINVAL, "metric: not a name");
	q->host = host;
	if (target_u64(t, "limit", limits, &limit, e) < 0 ||
	    read_span(r, q, e) < 0)
		return TC_EINVAL;
	q->limit = (size_t)limit;
	return read_step(t, &q->step, e);
}

static void
add_columns(struct json_write *w, bool raw)
{
	json_add_array(w, "columns");
	json_put_str(w, "at_ms");
	json_put_str(w, raw ? "value" : "mean");
	if (!raw) {
		json_put_str(w, "min");
		json_put_str(w, "max");
		json_put_str(w, "count");
		json_put_str(w, "last");
	}
	json_put_end(w);
}

static int
list_points(struct request *r, struct http_series_query *q,
	struct point_list *list, struct tc_err *e)
{
	struct http_io *io = r->h->io;
	struct json_write *w = list->w;
	int rc;

	reply_open(r, w, NULL);
	r->reply.cache = "no-store";
	json_add_str(w, "host", q->host);
	json_add_str(w, "metric", q->metric);
	json_add_wall(w, "from", q->from);
	json_add_wall(w, "to", q->to);
	json_add_double(w, "step_seconds", dur_to_seconds(q->step));
	add_columns(w, list->raw);
	json_add_array(w, "series");
	list->left = q->limit++;
	rc = io->series(io, q, put_point, list, e);
	if (rc < 0)
		return rc;
	close_series(list);
	json_put_end(w);
	json_add_bool(w, "truncated", list->more);
	json_put_end(w);
	return 0;
}

void
view_series(struct request *r)
{
	struct http_series_query q = { 0 };
	char host[NAME_MAX_BYTES + 1];
	struct tc_err e = { 0 };
	struct json_write w;
	struct point_list list = { .w = &w };
	int rc;

	if (read_query(r, &q, host, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (snapshot_host(request_snapshot(r), host) == NULL) {
		problem_set(r, 404, "not_found", "there is no host %s", host);
		return;
	}
	list.raw = q.step.ns == 0;
	if ((rc = list_points(r, &q, &list, &e)) < 0)
		problem_err(r, rc, &e);
	strbuf_free(&list.instance);
	strbuf_free(&list.device);
}
