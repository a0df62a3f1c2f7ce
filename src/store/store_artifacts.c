/*
 * Artifacts: what they are, and their bytes.
 */
#include <string.h>

#include "store/reads.h"
#include "store/scribe.h"

int
scribe_put_artifact(struct scribe *s, const struct change_artifact *c,
	struct tc_err *e)
{
	enum st st = ST_ARTIFACT_PUT;
	struct db *db = &s->db;

	if (c->removed) {
		db_bind_i64(db, ST_ARTIFACT_DELETE, 1, (int64_t)c->id);
		return db_run(db, ST_ARTIFACT_DELETE, e);
	}
	db_bind_i64(db, st, 1, (int64_t)c->id);
	db_bind_i64(db, st, 2, c->host);
	db_bind_i64(db, st, 3, c->at.ms);
	db_bind_text(db, st, 4, c->name);
	db_bind_blob(db, st, 5, c->sha256, 32);
	db_bind_i64(db, st, 6, (int64_t)c->bytes);
	db_bind_text(db, st, 7, c->by);
	db_bind_blob(db, st, 8, c->body, c->bytes);
	return db_run(db, st, e);
}

static int
each_artifact(struct db *db, enum st st, const struct read_artifacts *q,
	int *stop, struct tc_err *e)
{
	int rc = 0;

	while (*stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct change_artifact a = {
			.id = (uint64_t)db_i64(db, st, 0),
			.host = (uint32_t)db_i64(db, st, 1),
			.at = { db_i64(db, st, 2) },
			.name = db_text(db, st, 3),
			.bytes = (size_t)db_i64(db, st, 5),
			.by = db_text(db, st, 6),
		};
		size_t n;

		a.sha256 = db_blob(db, st, 4, &n);
		if (n != 32)
			continue;
		if (st == ST_ARTIFACT_GET) {
			a.body = db_blob(db, st, 7, &n);
			if (n != a.bytes)
				continue;
		}
		*stop = q->sink(q->arg, &a);
	}
	db_reset(db, st);
	return rc;
}

int
read_artifacts(struct db *db, const struct read_artifacts *q,
	struct tc_err *e)
{
	enum st st = q->id != 0 ? ST_ARTIFACT_GET : q->host != 0 ?
		ST_ARTIFACT_OF : ST_ARTIFACT_ALL;
	int stop = 0, rc;

	if (st == ST_ARTIFACT_GET)
		db_bind_i64(db, st, 1, (int64_t)q->id);
	else if (st == ST_ARTIFACT_OF)
		db_bind_i64(db, st, 1, q->host);
	rc = each_artifact(db, st, q, &stop, e);
	return rc < 0 ? rc : q->id == 0 && q->host == 0 && stop != 0 ?
		tc_fail(e, stop, "artifacts") : 0;
}
