/*
 * What the last run left, and predictions.
 */
#include <string.h>

#include "store/reads.h"

static int
load_subjects(struct db *db, const struct store_loader *to, struct tc_err *e)
{
	enum st st = ST_SUBJECT_LOAD;
	int rc = 0, stop = 0;

	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_subject c = {
			.id = (uint32_t)db_i64(db, st, 0),
			.kind = (enum subject_kind)db_i64(db, st, 1),
			.parent = (uint32_t)db_i64(db, st, 2),
			.key = db_text(db, st, 3),
			.body = db_text(db, st, 4),
			.retired = db_i64(db, st, 5) != 0,
		};

		stop = to->subject(to->arg, &c);
	}
	db_reset(db, st);
	return stop != 0 ? tc_fail(e, stop, "subjects") : rc;
}

static int
load_states(struct db *db, const struct store_loader *to, struct tc_err *e)
{
	enum st st = ST_STATE_LOAD;
	int rc = 0, stop = 0;

	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_state c = {
			.subject = (uint32_t)db_i64(db, st, 0),
			.kind = db_text(db, st, 1),
		};

		c.bytes = db_blob(db, st, 2, &c.n);
		if (c.bytes == NULL)
			c.bytes = "";
		stop = to->state(to->arg, &c);
	}
	db_reset(db, st);
	return stop != 0 ? tc_fail(e, stop, "states") : rc;
}

static void
prediction_at(struct db *db, enum st st, struct change_prediction *p)
{
	*p = (struct change_prediction){
		.id = (uint64_t)db_i64(db, st, 0),
		.subject = (uint32_t)db_i64(db, st, 1),
		.host = (uint32_t)db_i64(db, st, 2),
		.since = { db_i64(db, st, 3) },
		.level = db_text(db, st, 4),
		.risk_d7 = db_f64(db, st, 5),
		.risk_d30 = db_f64(db, st, 6),
		.risk_d90 = db_f64(db, st, 7),
		.pack = db_text(db, st, 8),
		.body = db_text(db, st, 9),
	};
}

static int
load_predictions(struct db *db, const struct store_loader *to,
	struct tc_err *e)
{
	struct change_prediction p;
	int rc = 0, stop = 0;

	while (stop == 0 && (rc = db_step(db, ST_PREDICTION_LOAD, e)) == 1) {
		prediction_at(db, ST_PREDICTION_LOAD, &p);
		stop = to->prediction(to->arg, &p);
	}
	db_reset(db, ST_PREDICTION_LOAD);
	return stop != 0 ? tc_fail(e, stop, "predictions") : rc;
}

static int
load_tokens(struct db *db, const struct store_loader *to, struct tc_err *e)
{
	enum st st = ST_TOKEN_LOAD;
	int rc = 0, stop = 0;

	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct store_token t = {
			.id = (uint32_t)db_i64(db, st, 0),
			.role = db_text(db, st, 2),
			.host = (uint32_t)db_i64(db, st, 3),
			.host_name = db_text(db, st, 4),
			.name = db_text(db, st, 5),
			.created = { db_i64(db, st, 6) },
			.revoked = { db_i64(db, st, 7) },
			.until = { db_i64(db, st, 8) },
		};
		size_t n;
		const void *hash = db_blob(db, st, 1, &n);

		if (n != sizeof(t.sha256))
			continue;
		memcpy(t.sha256, hash, n);
		stop = to->token(to->arg, &t);
	}
	db_reset(db, st);
	return stop != 0 ? tc_fail(e, stop, "tokens") : rc;
}

static int
load_ids(struct db *db, const struct store_loader *to, bool clean,
	struct tc_err *e)
{
	enum st st = ST_LARGEST_IDS;
	int rc = db_step(db, st, e);
	struct store_ids ids;

	if (rc < 0)
		return rc;
	if (to->seq != NULL)
		to->seq(to->arg, (uint64_t)db_i64(db, st, 0),
			(uint64_t)db_i64(db, st, 1),
			(uint32_t)db_i64(db, st, 2),
			(uint32_t)db_i64(db, st, 3), clean);
	ids = (struct store_ids){ .alert = (uint64_t)db_i64(db, st, 4),
		.plan = (uint64_t)db_i64(db, st, 5),
		.outbox = (uint64_t)db_i64(db, st, 6),
		.window = (uint64_t)db_i64(db, st, 7),
		.note = (uint64_t)db_i64(db, st, 8) };
	if (to->ids != NULL)
		to->ids(to->arg, &ids);
	db_reset(db, st);
	return 0;
}

int
read_all(struct db *db, const struct store_loader *to, bool clean,
	struct tc_err *e)
{
	int rc = 0;

	if (to->subject != NULL)
		rc = load_subjects(db, to, e);
	if (rc == 0 && to->state != NULL)
		rc = load_states(db, to, e);
	if (rc == 0 && to->prediction != NULL)
		rc = load_predictions(db, to, e);
	if (rc == 0 && to->token != NULL)
		rc = load_tokens(db, to, e);
	if (rc == 0)
		rc = read_alerts_left(db, to, e);
	if (rc == 0 && to->artifact != NULL)
		rc = read_artifacts(db, &(struct read_artifacts){
			.sink = to->artifact, .arg = to->arg }, e);
	if (rc == 0 && (to->seq != NULL || to->ids != NULL))
		rc = load_ids(db, to, clean, e);
	return rc;
}

int
read_predictions(struct db *db, const struct read_predictions *q,
	struct tc_err *e)
{
	enum st st = q->id != 0 ? ST_PREDICTION_GET : ST_PREDICTION_AS_OF;
	struct change_prediction p;
	int rc = 0, stop = 0;

	db_bind_i64(db, st, 1, q->id != 0 ? (int64_t)q->id : q->as_of.ms);
	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		prediction_at(db, st, &p);
		stop = q->sink(q->arg, &p);
	}
	db_reset(db, st);
	return stop != 0 ? 0 : rc;
}
