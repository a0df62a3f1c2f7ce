/*
 * Alerts, their messages, recommendations and windows: rows in and out.
 */
#include <string.h>

#include "base/mem.h"
#include "store/reads.h"
#include "store/scribe.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

/* ---- in ---- */

static int
bind_tags(struct scribe *s, const struct alert *c, struct tc_err *e)
{
	struct json_write w;

	strbuf_reset(&s->key);
	json_begin(&w, &s->key);
	json_put_object(&w);
	for (size_t i = 0; i < c->n_tags; i++)
		json_add_str(&w, c->tags[i].key, c->tags[i].value);
	json_put_end(&w);
	if (s->key.failed)
		return tc_fail(e, TC_ENOMEM, "alert: out of memory");
	db_bind_text(&s->db, ST_ALERT_PUT, 8, s->key.p);
	return 0;
}

int
scribe_put_alert(struct scribe *s, const struct alert *c, struct tc_err *e)
{
	enum st st = ST_ALERT_PUT;
	struct db *db = &s->db;
	int rc = bind_tags(s, c, e);

	if (rc < 0)
		return rc;
	db_bind_i64(db, st, 1, (int64_t)c->id);
	db_bind_text(db, st, 2, c->key);
	db_bind_text(db, st, 3, c->kind);
	db_bind_i64(db, st, 4, c->severity);
	db_bind_id(db, st, 5, c->subject);
	db_bind_text(db, st, 6, c->host);
	db_bind_text(db, st, 7, c->partition);
	db_bind_i64(db, st, 9, c->since.ms);
	/* NULL says that it fires, whatever the clock said at its end. */
	if (!c->firing)
		db_bind_i64(db, st, 10, c->ended.ms);
	else
		db_bind_id(db, st, 10, 0);
	db_bind_text(db, st, 11, c->summary);
	db_bind_text(db, st, 12, c->body);
	db_bind_text(db, st, 13, c->acked_by);
	return db_run(db, st, e);
}

int
scribe_put_plan(struct scribe *s, const struct change_plan *c,
	struct tc_err *e)
{
	struct db *db = &s->db;

	db_bind_i64(db, ST_PLAN_PUT, 1, (int64_t)c->id);
	db_bind_id(db, ST_PLAN_PUT, 2, c->host);
	db_bind_i64(db, ST_PLAN_PUT, 3, c->state);
	db_bind_i64(db, ST_PLAN_PUT, 4, c->action);
	db_bind_i64(db, ST_PLAN_PUT, 5, c->since.ms);
	db_bind_i64(db, ST_PLAN_PUT, 6, c->at.ms);
	db_bind_text(db, ST_PLAN_PUT, 7, c->body);
	return db_run(db, ST_PLAN_PUT, e);
}

int
scribe_put_outbox(struct scribe *s, const struct change_outbox *c,
	struct tc_err *e)
{
	struct db *db = &s->db;

	db_bind_i64(db, ST_OUTBOX_PUT, 1, (int64_t)c->id);
	db_bind_id(db, ST_OUTBOX_PUT, 2, c->alert);
	db_bind_text(db, ST_OUTBOX_PUT, 3, c->receiver);
	db_bind_i64(db, ST_OUTBOX_PUT, 4, c->firing);
	db_bind_i64(db, ST_OUTBOX_PUT, 5, c->at.ms);
	db_bind_text(db, ST_OUTBOX_PUT, 6, c->payload);
	return db_run(db, ST_OUTBOX_PUT, e);
}

int
scribe_put_delivery(struct scribe *s, const struct change_delivery *c,
	struct tc_err *e)
{
	struct db *db = &s->db;

	db_bind_i64(db, ST_OUTBOX_DELIVERY, 1, (int64_t)c->outbox);
	db_bind_i64(db, ST_OUTBOX_DELIVERY, 2, c->done);
	db_bind_i64(db, ST_OUTBOX_DELIVERY, 3, c->attempts);
	db_bind_i64(db, ST_OUTBOX_DELIVERY, 4, c->at.ms);
	db_bind_text(db, ST_OUTBOX_DELIVERY, 5, c->error);
	return db_run(db, ST_OUTBOX_DELIVERY, e);
}

int
scribe_put_window(struct scribe *s, const struct change_window *c,
	struct tc_err *e)
{
	struct db *db = &s->db;

	db_bind_i64(db, ST_WINDOW_PUT, 1, (int64_t)c->id);
	db_bind_i64(db, ST_WINDOW_PUT, 2, c->ended);
	db_bind_text(db, ST_WINDOW_PUT, 3, c->body);
	return db_run(db, ST_WINDOW_PUT, e);
}

int
scribe_put_note(struct scribe *s, const struct change_note *c,
	struct tc_err *e)
{
	struct db *db = &s->db;

	db_bind_i64(db, ST_NOTE_PUT, 1, (int64_t)c->id);
	db_bind_i64(db, ST_NOTE_PUT, 2, c->ended);
	db_bind_text(db, ST_NOTE_PUT, 3, c->body);
	return db_run(db, ST_NOTE_PUT, e);
}

/* ---- out: alerts ---- */

struct alert_reader {
	struct db *db;
	struct strbuf text;	/* the tags, unescaped in place */
	struct tag *tags;
	size_t cap;
};

static size_t
read_tags(struct alert_reader *r, struct json_read *json)
{
	struct json_str key;
	size_t n = 0;

	json_open(json, r->text.p, r->text.n);
	json_enter_object(json);
	while (json_next_key(json, &key)) {
		void *tags = r->tags;
		struct json_str value = json_get_str(json);

		if (json_failed(json))
			break;
		if (mem_grow(&tags, &r->cap, n + 1, sizeof(*r->tags)) < 0) {
			json_fail(json, "out of memory");
			break;
		}
		r->tags = tags;
		r->tags[n++] = (struct tag){ key.p, value.p };
	}
	return n;
}

static int
alert_at(struct alert_reader *r, enum st st, struct alert *a, struct tc_err *e)
{
	struct db *db = r->db;
	struct json_read json;
	int rc;

	*a = (struct alert){
		.id = (uint64_t)db_i64(db, st, 0),
		.key = db_text(db, st, 1),
		.kind = db_text(db, st, 2),
		.severity = (enum severity)db_i64(db, st, 3),
		.subject = (uint32_t)db_i64(db, st, 4),
		.host = db_text(db, st, 5),
		.partition = db_text(db, st, 6),
		.since = { db_i64(db, st, 8) },
		.ended = { db_i64(db, st, 9) },
		.summary = db_text(db, st, 10),
		.body = db_text(db, st, 11),
		.acked_by = db_text(db, st, 12),
	};
	a->firing = a->ended.ms == 0;
	strbuf_reset(&r->text);
	strbuf_puts(&r->text, db_text(db, st, 7));
	if (r->text.failed)
		return tc_fail(e, TC_ENOMEM, "alert: out of memory");
	a->n_tags = read_tags(r, &json);
	a->tags = r->tags;
	rc = json_close(&json, e);
	return rc < 0 ? tc_wrap(e, "alert %llu: tags",
		(unsigned long long)a->id) : 0;
}

static int
read_alerts_of(struct db *db, enum st st, const struct read_alerts *q,
	int *stop, struct tc_err *e)
{
	struct alert_reader r = { .db = db };
	struct alert a;
	int rc = 0;

	while (*stop == 0 && (rc = db_step(db, st, e)) == 1) {
		if ((rc = alert_at(&r, st, &a, e)) < 0)
			break;
		*stop = q->sink(q->arg, &a);
	}
	db_reset(db, st);
	strbuf_free(&r.text);
	mem_free(r.tags);
	return rc;
}

int
read_alerts(struct db *db, const struct read_alerts *q, struct tc_err *e)
{
	int stop = 0;

	db_bind_i64(db, ST_ALERT_SINCE, 1, q->since.ms);
	db_bind_i64(db, ST_ALERT_SINCE, 2, (int64_t)q->limit);
	return read_alerts_of(db, ST_ALERT_SINCE, q, &stop, e);
}

/* ---- out: messages, recommendations, windows ---- */

static int
each_message(struct db *db, enum st st, const struct read_deliveries *q, int *stop,
	struct tc_err *e)
{
	int rc = 0;

	while (*stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_outbox o = {
			.id = (uint64_t)db_i64(db, st, 0),
			.alert = (uint64_t)db_i64(db, st, 1),
			.receiver = db_text(db, st, 2),
			.firing = db_i64(db, st, 3) != 0,
			.at = { db_i64(db, st, 4) },
			.payload = db_text(db, st, 5),
		};
		struct change_delivery d = {
			.outbox = o.id,
			.done = db_i64(db, st, 6) != 0,
			.attempts = (unsigned)db_i64(db, st, 7),
			.at = { db_i64(db, st, 8) },
			.error = db_text(db, st, 9),
		};

		*stop = q->sink(q->arg, &o, &d);
	}
	db_reset(db, st);
	return rc;
}

int
read_deliveries(struct db *db, const struct read_deliveries *q,
	struct tc_err *e)
{
	int stop = 0;

	db_bind_i64(db, ST_OUTBOX_OF, 1, (int64_t)q->alert);
	db_bind_i64(db, ST_OUTBOX_OF, 2, INT64_MAX);
	return each_message(db, ST_OUTBOX_OF, q, &stop, e);
}

static int
each_plan(struct db *db, enum st st, const struct read_plans *q, int *stop,
	struct tc_err *e)
{
	int rc = 0;

	while (*stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_plan p = {
			.id = (uint64_t)db_i64(db, st, 0),
			.host = (uint32_t)db_i64(db, st, 1),
			.state = (enum plan_state)db_i64(db, st, 2),
			.action = (enum plan_action)db_i64(db, st, 3),
			.since = { db_i64(db, st, 4) },
			.at = { db_i64(db, st, 5) },
			.body = db_text(db, st, 6),
		};

		*stop = q->sink(q->arg, &p);
	}
	db_reset(db, st);
	return rc;
}

int
read_plans(struct db *db, const struct read_plans *q, struct tc_err *e)
{
	enum st st = q->id != 0 ? ST_PLAN_GET : ST_PLAN_RECENT;
	int stop = 0;

	db_bind_i64(db, st, 1, (int64_t)q->id);
	db_bind_i64(db, st, 2, q->id != 0 ? 1 : (int64_t)q->limit);
	return each_plan(db, st, q, &stop, e);
}

static int
load_windows(struct db *db, const struct store_loader *to, int *stop,
	struct tc_err *e)
{
	enum st st = ST_WINDOW_LOAD;
	int rc = 0;

	while (*stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_window w = {
			.id = (uint64_t)db_i64(db, st, 0),
			.ended = db_i64(db, st, 1) != 0,
			.body = db_text(db, st, 2),
		};

		*stop = to->window(to->arg, &w);
	}
	db_reset(db, st);
	return rc;
}

static int
load_notes(struct db *db, const struct store_loader *to, int *stop,
	struct tc_err *e)
{
	enum st st = ST_NOTE_LOAD;
	int rc = 0;

	while (*stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_note n = {
			.id = (uint64_t)db_i64(db, st, 0),
			.ended = db_i64(db, st, 1) != 0,
			.body = db_text(db, st, 2),
		};

		*stop = to->note(to->arg, &n);
	}
	db_reset(db, st);
	return rc;
}

int
read_alerts_left(struct db *db, const struct store_loader *to,
	struct tc_err *e)
{
	struct read_alerts alerts = { .sink = to->alert, .arg = to->arg };
	struct read_plans plans = { .sink = to->plan, .arg = to->arg };
	struct read_deliveries outbox = { .sink = to->outbox, .arg = to->arg };
	int rc = 0, stop = 0;

	if (to->alert != NULL)
		rc = read_alerts_of(db, ST_ALERT_FIRING, &alerts, &stop, e);
	if (rc == 0 && stop == 0 && to->plan != NULL)
		rc = each_plan(db, ST_PLAN_LOAD, &plans, &stop, e);
	if (rc == 0 && stop == 0 && to->window != NULL)
		rc = load_windows(db, to, &stop, e);
	if (rc == 0 && stop == 0 && to->note != NULL)
		rc = load_notes(db, to, &stop, e);
	if (rc == 0 && stop == 0 && to->outbox != NULL)
		rc = each_message(db, ST_OUTBOX_LOAD, &outbox, &stop, e);
	return stop != 0 ? tc_fail(e, stop, "alerts, plans or messages") : rc;
}
