/*
 * A set of changes becomes rows.
 */
#include "store/scribe.h"

static int
put_counted(struct scribe *s, struct change_set *cs, bool repeat,
	const struct change_history *c, struct tc_err *e)
{
	int rc = repeat ? 0 : scribe_put_history(s, c, e);

	if (rc < 0)
		return rc;
	if (rc == 1)
		cs->accepted++;
	else
		cs->duplicates++;
	return 0;
}

static int
put_one(struct scribe *s, struct change_set *cs, bool repeat,
	const struct change *c, struct tc_err *e)
{
	int rc;

	switch (c->kind) {
	case CHANGE_SUBJECT:
		return scribe_put_subject(s, &c->u.subject, e);
	case CHANGE_HISTORY:
		if (c->u.history.counted)
			return put_counted(s, cs, repeat, &c->u.history, e);
		rc = scribe_put_history(s, &c->u.history, e);
		return rc < 0 ? rc : 0;
	case CHANGE_EVENT:
		return scribe_put_event(s, &c->u.event, e);
	case CHANGE_STATE:
		return scribe_put_state(s, &c->u.state, e);
	case CHANGE_ALERT:
		return scribe_put_alert(s, &c->u.alert, e);
	case CHANGE_PLAN:
		return scribe_put_plan(s, &c->u.plan, e);
	case CHANGE_OUTBOX:
		return scribe_put_outbox(s, &c->u.outbox, e);
	case CHANGE_DELIVERY:
		return scribe_put_delivery(s, &c->u.delivery, e);
	case CHANGE_AUDIT:
		return scribe_put_audit(s, &c->u.audit, e);
	case CHANGE_WINDOW:
		return scribe_put_window(s, &c->u.window, e);
	case CHANGE_NOTE:
		return scribe_put_note(s, &c->u.note, e);
	case CHANGE_ARTIFACT:
		return scribe_put_artifact(s, &c->u.artifact, e);
	case CHANGE_OUTCOME:
		return scribe_put_outcome(s, &c->u.outcome, e);
	case CHANGE_PREDICTION:
		return scribe_put_prediction(s, &c->u.prediction, e);
	}
	return tc_fail(e, TC_EINVAL, "unknown kind of change");
}

int
scribe_put_set(struct scribe *s, struct change_set *cs, struct tc_err *e)
{
	bool repeat = false;
	int rc = 0;

	cs->accepted = 0;
	cs->duplicates = 0;
	if (cs->batch_id != NULL) {
		rc = scribe_put_batch(s, cs->batch_host, cs->batch_id, e);
		repeat = rc == 0;
	}
	for (size_t i = 0; rc >= 0 && i < cs->n; i++)
		rc = put_one(s, cs, repeat, &cs->items[i], e);
	return rc < 0 ? rc : 0;
}

int
scribe_put_meta(struct scribe *s, const char *key, int64_t value,
	struct tc_err *e)
{
	return db_meta_put(&s->db, key, value, e);
}

int
scribe_get_meta(struct scribe *s, const char *key, int64_t *value,
	struct tc_err *e)
{
	*value = 0;
	return db_meta_get(&s->db, key, value, e);
}

static int
swap_epoch(struct scribe *s, bool offline, bool *clean, struct tc_err *e)
{
	int64_t mark = 0;
	int rc;

	if ((rc = scribe_get_meta(s, "clean", &mark, e)) < 0 ||
	    (rc = scribe_get_meta(s, "epoch", &s->epoch, e)) < 0)
		return rc;
	*clean = mark != 0 || s->epoch == 0;
	if (offline)
		return 0;
	s->epoch++;
	if ((rc = scribe_put_meta(s, "clean", 0, e)) < 0)
		return rc;
	return scribe_put_meta(s, "epoch", s->epoch, e);
}

int
scribe_begin_epoch(struct scribe *s, bool offline, bool *clean,
	struct tc_err *e)
{
	int rc = db_run(&s->db, ST_BEGIN, e);

	*clean = false;
	if (rc < 0)
		return rc;
	if ((rc = swap_epoch(s, offline, clean, e)) == 0 &&
	    (rc = db_run(&s->db, ST_COMMIT, e)) == 0)
		return 0;
	*clean = false;
	if (!sqlite3_get_autocommit(s->db.h)) {
		int fault = s->db.fault;

		db_run(&s->db, ST_ROLLBACK, NULL);
		s->db.fault = fault;
	}
	return rc;
}
