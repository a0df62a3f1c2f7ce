/*
 * Outcomes, what a scorecard is made of, and what moved.
 */
#include <string.h>

#include "store/reads.h"
#include "store/scribe.h"

/* That it was well until then settles nothing that is still open. */
static int
close_predictions(struct scribe *s, const struct change_outcome *c,
	struct tc_err *e)
{
	struct db *db = &s->db;

	if (c->kind == OUTCOME_HEALTHY)
		return 0;
	db_bind_i64(db, ST_OUTCOME_CLOSE, 1, c->subject);
	db_bind_text(db, ST_OUTCOME_CLOSE, 2, outcome_kind_id(c->kind));
	db_bind_i64(db, ST_OUTCOME_CLOSE, 3, c->at.ms);
	return db_run(db, ST_OUTCOME_CLOSE, e);
}

int
scribe_put_outcome(struct scribe *s, const struct change_outcome *c,
	struct tc_err *e)
{
	enum st st = ST_OUTCOME_PUT;
	struct db *db = &s->db;
	int rc;

	db_bind_i64(db, st, 1, c->subject);
	db_bind_text(db, st, 2, outcome_kind_id(c->kind));
	db_bind_i64(db, st, 3, c->at.ms);
	db_bind_i64(db, st, 4, c->noted.ms);
	db_bind_text(db, st, 5, outcome_source_id(c->source));
	db_bind_text(db, st, 6, c->by);
	db_bind_text(db, st, 7, c->note);
	rc = db_run(db, st, e);
	return rc < 0 ? rc : close_predictions(s, c, e);
}

static bool
outcome_at(struct db *db, enum st st, struct store_outcome *o)
{
	const char *kind = db_text(db, st, 2);

	*o = (struct store_outcome){
		.id = (uint64_t)db_i64(db, st, 0),
		.subject = (uint32_t)db_i64(db, st, 1),
		.at = { db_i64(db, st, 3) },
		.noted = { db_i64(db, st, 4) },
		.source = db_text(db, st, 5),
		.by = db_text(db, st, 6),
		.note = db_text(db, st, 7),
		.host = db_text(db, st, 8),
		.device = db_text(db, st, 9),
		.predictions = (uint64_t)db_i64(db, st, 10),
	};
	return outcome_kind_parse(kind, strlen(kind), &o->kind);
}

int
read_outcomes(struct db *db, const struct read_outcomes *q, struct tc_err *e)
{
	enum st st = ST_OUTCOME_AFTER;
	struct store_outcome o;
	int rc = 0, stop = 0;

	db_bind_i64(db, st, 1, (int64_t)q->after);
	db_bind_i64(db, st, 2, (int64_t)q->limit);
	while (stop == 0 && (rc = db_step(db, st, e)) == 1)
		if (outcome_at(db, st, &o))
			stop = q->sink(q->arg, &o);
	db_reset(db, st);
	return stop != 0 ? 0 : rc;
}

static int
each_prediction(struct db *db, const struct store_scored *to,
	struct tc_err *e)
{
	enum st st = ST_SCORED_PREDICTIONS;
	int rc = 0, stop = 0;

	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_prediction p = {
			.subject = (uint32_t)db_i64(db, st, 0),
			.since = { db_i64(db, st, 1) },
			.level = db_text(db, st, 3),
			.pack = db_text(db, st, 4),
			.body = db_text(db, st, 5),
		};

		stop = to->prediction(to->arg, &p,
			(struct wall){ db_i64(db, st, 2) });
	}
	db_reset(db, st);
	return stop != 0 ? tc_fail(e, stop, "predictions") : rc;
}

static int
each_device(struct db *db, const struct store_scored *to, struct tc_err *e)
{
	enum st st = ST_SCORED_DEVICES;
	int rc = 0, stop = 0;

	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_subject s = {
			.id = (uint32_t)db_i64(db, st, 0),
			.kind = SUBJECT_DEVICE,
			.parent = (uint32_t)db_i64(db, st, 1),
			.key = "",
			.body = db_text(db, st, 2),
			.retired = db_i64(db, st, 3) != 0,
		};

		stop = to->device(to->arg, &s);
	}
	db_reset(db, st);
	return stop != 0 ? tc_fail(e, stop, "devices") : rc;
}

int
read_scored(struct db *db, const struct store_scored *to, struct tc_err *e)
{
	struct read_outcomes outcomes = { .limit = INT64_MAX,
		.sink = to->outcome, .arg = to->arg };
	int rc = each_device(db, to, e);

	if (rc == 0)
		rc = read_outcomes(db, &outcomes, e);
	return rc < 0 ? rc : each_prediction(db, to, e);
}

/* ---- what moved, and whether we had warned ---- */

/* A part is read at once; between two, others have their turn. */
#define MOVES_PART 20000

int
read_move_warnings(struct db *db, const struct store_moves *to,
	struct tc_err *e)
{
	enum st st = ST_MOVE_WARNINGS;
	int rc = 0, stop = 0;

	db_bind_i64(db, st, 1, to->since.ms);
	while (stop == 0 && (rc = db_step(db, st, e)) == 1)
		stop = to->warning(to->arg, db_text(db, st, 0),
			(struct wall){ db_i64(db, st, 1) },
			(struct wall){ db_i64(db, st, 2) });
	db_reset(db, st);
	return stop != 0 ? tc_fail(e, stop, "predictions") : rc;
}

static int
give_move(struct db *db, const struct store_moves *to)
{
	enum st st = ST_MOVES;
	struct change_event ev = {
		.at = { db_i64(db, st, 0) },
		.kind = db_text(db, st, 1),
		.subject = (uint32_t)db_i64(db, st, 2),
		.body = db_text(db, st, 6),
	};
	struct change_subject of = {
		.id = ev.subject,
		.kind = (enum subject_kind)db_i64(db, st, 3),
		.parent = (uint32_t)db_i64(db, st, 4),
		.key = db_text(db, st, 5),
		.body = "",
	};

	/* of the server, or of nothing that is known: no unit moved */
	return db_i64(db, st, 3) != 0 ? to->move(to->arg, &ev, &of) : 0;
}

int
read_moves(struct db *db, const struct store_moves *to,
	struct moves_at *at, struct tc_err *e)
{
	enum st st = ST_MOVES;
	int rc = 0, stop = 0, n = 0;

	db_bind_i64(db, st, 1, at->at_ms);
	db_bind_i64(db, st, 2, at->seq);
	db_bind_i64(db, st, 3, MOVES_PART);
	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		stop = give_move(db, to);
		at->at_ms = db_i64(db, st, 0);
		at->seq = db_i64(db, st, 7);
		n++;
	}
	db_reset(db, st);
	at->ended = n < MOVES_PART;
	return stop != 0 ? tc_fail(e, stop, "events") : rc;
}
