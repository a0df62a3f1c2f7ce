/*
 * The event log, as read.
 */
#include <string.h>

#include "base/strbuf.h"
#include "store/reads.h"

#define DEPTH_MAX 16

struct event_reader {
	struct db *db;
	struct tc_err *e;
	struct strbuf name;
};

/* Puts "key" or "/key" in front. */
static void
put_before(struct strbuf *sb, const char *key)
{
	size_t n = strlen(key), slash = sb->n > 0 ? 1 : 0;

	if (strbuf_reserve(sb, n + slash) == NULL)
		return;
	memmove(sb->p + n + slash, sb->p, sb->n);
	memcpy(sb->p, key, n);
	if (slash)
		sb->p[n] = '/';
	sb->n += n + slash;
	sb->p[sb->n] = '\0';
}

/* Hosts, partitions and the server stand alone; others below their parent. */
static bool
stands_alone(int64_t kind)
{
	return kind == SUBJECT_HOST || kind == SUBJECT_PARTITION ||
		kind == SUBJECT_SERVER;
}

static int
name_subject(struct event_reader *r, uint32_t subject)
{
	enum st st = ST_SUBJECT_GET;
	struct db *db = r->db;
	int64_t id = subject;

	strbuf_reset(&r->name);
	for (int depth = 0; id != 0 && depth < DEPTH_MAX; depth++) {
		int rc;

		db_bind_i64(db, st, 1, id);
		if ((rc = db_step(db, st, r->e)) <= 0)
			return rc;
		put_before(&r->name, db_text(db, st, 2));
		id = stands_alone(db_i64(db, st, 0)) ? 0 : db_i64(db, st, 1);
		db_reset(db, st);
	}
	return r->name.failed ? tc_fail(r->e, TC_ENOMEM, "event: out of memory") : 0;
}

static enum st
statement(const struct read_events *q)
{
	return q->of != 0 ? ST_EVENT_LAST_OF : ST_EVENT_AFTER;
}

/* The columns are valid until the next step of this statement only. */
static int
give_event(struct event_reader *r, const struct read_events *q, int *stop)
{
	enum st st = statement(q);
	struct db *db = r->db;
	struct store_event ev = {
		.seq = (uint64_t)db_i64(db, st, 0),
		.at = { db_i64(db, st, 1) },
		.kind = db_text(db, st, 2),
		.subject = (uint32_t)db_i64(db, st, 3),
		.cause_seq = (uint64_t)db_i64(db, st, 4),
		.body = db_text(db, st, 5),
	};
	int rc = name_subject(r, ev.subject);

	if (rc < 0)
		return rc;
	ev.subject_name = strbuf_str(&r->name);
	*stop = q->sink(q->arg, &ev);
	return 0;
}

int
read_events(struct db *db, const struct read_events *q, struct tc_err *e)
{
	struct event_reader r = { .db = db, .e = e };
	enum st st = statement(q);
	int rc = 0, stop = 0;

	db_bind_i64(db, st, 1, q->of != 0 ? q->of : (int64_t)q->after);
	db_bind_i64(db, st, 2, (int64_t)q->limit);
	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		if ((rc = give_event(&r, q, &stop)) < 0)
			break;
	}
	db_reset(db, st);
	strbuf_free(&r.name);
	return rc < 0 ? rc : 0;
}
