#include "store/deeds.h"

#include <inttypes.h>
#include <stdio.h>

/* Looked at at once, the oldest first; a millisecond or two. */
#define DEEDS_AT_ONCE 500

/* Statements with the edge and how many; *n is added to. */
static int
forget_rows(struct scribe *s, enum st st, struct wall before, size_t *n,
	struct tc_err *e)
{
	int rc;

	db_bind_i64(&s->db, st, 1, before.ms);
	db_bind_i64(&s->db, st, 2, DEEDS_AT_ONCE);
	if ((rc = db_run(&s->db, st, e)) == 0)
		*n += (size_t)sqlite3_changes(s->db.h);
	return rc;
}

/*
 * What goes is written down in the trail itself, with where it now begins:
 * its rows are still chained, from the first that is left.
 */
static int
forget_audit(struct scribe *s, struct wall before, struct wall today,
	size_t *n, struct tc_err *e)
{
	struct db *db = &s->db;
	struct change_audit c = { .at = today, .actor = "tocsind",
		.action = "audit.forget" };
	char body[80];
	int64_t through;
	size_t gone = 0;
	int rc;

	db_bind_i64(db, ST_AUDIT_EDGE, 1, before.ms);
	db_bind_i64(db, ST_AUDIT_EDGE, 2, DEEDS_AT_ONCE);
	if ((rc = db_step(db, ST_AUDIT_EDGE, e)) < 0)
		return rc;
	through = rc == 1 ? db_i64(db, ST_AUDIT_EDGE, 0) : 0;
	db_reset(db, ST_AUDIT_EDGE);
	if (through == 0)
		return 0;
	db_bind_i64(db, ST_AUDIT_FORGET, 1, through);
	if ((rc = db_run(db, ST_AUDIT_FORGET, e)) < 0)
		return rc;
	gone = (size_t)sqlite3_changes(db->h);
	snprintf(body, sizeof(body), "{\"rows\":%zu,\"through\":%" PRId64 "}",
		gone, through);
	c.body = body;
	*n += gone;
	if ((rc = scribe_put_meta(s, "audit_gone", through, e)) < 0)
		return rc;
	return scribe_put_audit(s, &c, e);
}

int
deeds_forget(struct scribe *s, const struct store_conf *conf,
	struct wall today, size_t *n, struct tc_err *e)
{
	struct wall alerts = wall_add(today, dur_ns(-conf->keep_alerts.ns));
	struct wall events = wall_add(today, dur_ns(-conf->keep_events.ns));
	struct wall audit = wall_add(today, dur_ns(-conf->keep_audit.ns));
	int rc = 0;

	*n = 0;
	if (conf->keep_alerts.ns > 0 &&
	    ((rc = forget_rows(s, ST_OUTBOX_FORGET, alerts, n, e)) < 0 ||
	     (rc = forget_rows(s, ST_ALERT_FORGET, alerts, n, e)) < 0))
		return rc;
	if (conf->keep_events.ns > 0 &&
	    (rc = forget_rows(s, ST_EVENT_FORGET, events, n, e)) < 0)
		return rc;
	if (conf->keep_audit.ns > 0)
		rc = forget_audit(s, audit, today, n, e);
	return rc;
}
