/*
 * Subjects, their states, events and predictions, as written.
 */
#include <string.h>

#include "store/scribe.h"

int
scribe_put_subject(struct scribe *s, const struct change_subject *c,
	struct tc_err *e)
{
	struct db *db = &s->db;

	db_bind_i64(db, ST_SUBJECT_PUT, 1, c->id);
	db_bind_i64(db, ST_SUBJECT_PUT, 2, c->kind);
	db_bind_id(db, ST_SUBJECT_PUT, 3, c->parent);
	db_bind_text(db, ST_SUBJECT_PUT, 4, c->key);
	db_bind_text(db, ST_SUBJECT_PUT, 5, c->body);
	db_bind_i64(db, ST_SUBJECT_PUT, 6, c->retired);
	return db_run(db, ST_SUBJECT_PUT, e);
}

int
scribe_put_state(struct scribe *s, const struct change_state *c,
	struct tc_err *e)
{
	enum st st = c->bytes == NULL ? ST_STATE_DELETE : ST_STATE_PUT;
	struct db *db = &s->db;

	db_bind_i64(db, st, 1, c->subject);
	db_bind_text(db, st, 2, c->kind);
	if (c->bytes != NULL)
		db_bind_blob(db, st, 3, c->bytes, c->n);
	return db_run(db, st, e);
}

/*
 * An event that is there already is no error: a set may come again because
 * its commit failed in a way that left open whether it took place.
 */
int
scribe_put_event(struct scribe *s, const struct change_event *c,
	struct tc_err *e)
{
	struct db *db = &s->db;

	db_bind_i64(db, ST_EVENT_PUT, 1, (int64_t)c->seq);
	db_bind_i64(db, ST_EVENT_PUT, 2, c->at.ms);
	db_bind_text(db, ST_EVENT_PUT, 3, c->kind);
	db_bind_id(db, ST_EVENT_PUT, 4, c->subject);
	db_bind_id(db, ST_EVENT_PUT, 5, c->cause_seq);
	db_bind_i64(db, ST_EVENT_PUT, 6, s->epoch);
	db_bind_text(db, ST_EVENT_PUT, 7, c->body);
	return db_run(db, ST_EVENT_PUT, e);
}

/* The earlier verdict of the subject ends where this one begins. */
static int
close_prediction(struct scribe *s, const struct change_prediction *c,
	bool opens, struct tc_err *e)
{
	struct db *db = &s->db;

	db_bind_i64(db, ST_PREDICTION_CLOSE, 1, c->subject);
	db_bind_i64(db, ST_PREDICTION_CLOSE, 2, c->since.ms);
	db_bind_i64(db, ST_PREDICTION_CLOSE, 3, opens ? (int64_t)c->id : 0);
	return db_run(db, ST_PREDICTION_CLOSE, e);
}

int
scribe_put_prediction(struct scribe *s, const struct change_prediction *c,
	struct tc_err *e)
{
	bool opens = strcmp(c->level, "none") != 0;
	struct db *db = &s->db;
	int rc = close_prediction(s, c, opens, e);

	if (rc < 0 || !opens)
		return rc;
	db_bind_i64(db, ST_PREDICTION_PUT, 1, (int64_t)c->id);
	db_bind_i64(db, ST_PREDICTION_PUT, 2, c->subject);
	db_bind_id(db, ST_PREDICTION_PUT, 3, c->host);
	db_bind_i64(db, ST_PREDICTION_PUT, 4, c->since.ms);
	db_bind_text(db, ST_PREDICTION_PUT, 5, c->level);
	db_bind_f64(db, ST_PREDICTION_PUT, 6, c->risk_d7);
	db_bind_f64(db, ST_PREDICTION_PUT, 7, c->risk_d30);
	db_bind_f64(db, ST_PREDICTION_PUT, 8, c->risk_d90);
	db_bind_text(db, ST_PREDICTION_PUT, 9, c->pack);
	db_bind_text(db, ST_PREDICTION_PUT, 10, c->body);
	return db_run(db, ST_PREDICTION_PUT, e);
}
