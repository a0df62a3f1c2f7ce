/*
 * Tokens, as written.  The text of a token never comes here, only its hash.
 */
#include "store/scribe.h"

/* 0 when there is no such host yet: the token stays bound by name. */
static int
find_host(struct scribe *s, const char *name, uint32_t *id, struct tc_err *e)
{
	int rc;

	db_bind_i64(&s->db, ST_HOST_BY_NAME, 1, SUBJECT_HOST);
	db_bind_text(&s->db, ST_HOST_BY_NAME, 2, name);
	rc = db_step(&s->db, ST_HOST_BY_NAME, e);
	if (rc == 1) {
		*id = (uint32_t)db_i64(&s->db, ST_HOST_BY_NAME, 0);
		db_reset(&s->db, ST_HOST_BY_NAME);
	}
	return rc < 0 ? rc : 0;
}

int
scribe_put_token(struct scribe *s, const struct store_token *t,
	struct tc_err *e)
{
	const char *host_name = t->host_name != NULL ? t->host_name : "";
	struct db *db = &s->db;
	uint32_t host = t->host;
	int rc;

	if (t->id == 0)
		return tc_fail(e, TC_EINVAL, "token without an id");
	if (host == 0 && host_name[0] != '\0') {
		if ((rc = find_host(s, host_name, &host, e)) < 0)
			return rc;
	}
	db_bind_i64(db, ST_TOKEN_PUT, 1, t->id);
	db_bind_blob(db, ST_TOKEN_PUT, 2, t->sha256, sizeof(t->sha256));
	db_bind_text(db, ST_TOKEN_PUT, 3, t->role);
	db_bind_id(db, ST_TOKEN_PUT, 4, host);
	db_bind_text(db, ST_TOKEN_PUT, 5, host_name);
	db_bind_text(db, ST_TOKEN_PUT, 6, t->name);
	db_bind_i64(db, ST_TOKEN_PUT, 7, t->created.ms);
	db_bind_id(db, ST_TOKEN_PUT, 8, (uint64_t)t->revoked.ms);
	db_bind_id(db, ST_TOKEN_PUT, 9, (uint64_t)t->until.ms);
	if ((rc = db_run(db, ST_TOKEN_PUT, e)) < 0)
		return rc;
	if (sqlite3_changes(db->h) == 0)
		return tc_fail(e, TC_EEXIST, "token %u is another one", t->id);
	return 0;
}

int
scribe_revoke_token(struct scribe *s, uint32_t id, struct wall at,
	struct tc_err *e)
{
	int rc;

	db_bind_i64(&s->db, ST_TOKEN_REVOKE, 1, id);
	db_bind_i64(&s->db, ST_TOKEN_REVOKE, 2, at.ms);
	if ((rc = db_run(&s->db, ST_TOKEN_REVOKE, e)) < 0)
		return rc;
	if (sqlite3_changes(s->db.h) == 0)
		return tc_fail(e, TC_ENOENT, "no token %u in force", id);
	return 0;
}
