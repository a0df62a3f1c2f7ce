/*
 * The audit trail: each row's hash is over the hash before it and a text of
 * the row in which every field has its length, so that nothing can be moved
 * from one field to the next.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "store/reads.h"
#include "store/scribe.h"

#define HASH_BYTES crypto_hash_sha256_BYTES

static void
add_text(crypto_hash_sha256_state *st, const char *text)
{
	crypto_hash_sha256_update(st, (const unsigned char *)text,
		strlen(text));
}

/*
 *	"tocsin audit 1\n" SEQ " " AT_MS " " SUBJECT " " N " " N " " N "\n"
 *	ACTOR ACTION BODY
 * behind the 32 bytes of the hash before; N are the three lengths in bytes.
 */
static void
hash_row(const struct store_audit *a, unsigned char out[HASH_BYTES])
{
	crypto_hash_sha256_state st;
	char head[160];

	snprintf(head, sizeof(head), "tocsin audit 1\n%" PRIu64 " %" PRId64
		" %" PRIu32 " %zu %zu %zu\n", a->seq, a->at.ms, a->subject,
		strlen(a->actor), strlen(a->action), strlen(a->body));
	crypto_hash_sha256_init(&st);
	crypto_hash_sha256_update(&st, a->before, HASH_BYTES);
	add_text(&st, head);
	add_text(&st, a->actor);
	add_text(&st, a->action);
	add_text(&st, a->body);
	crypto_hash_sha256_final(&st, out);
}

static void
get_hash(struct db *db, enum st st, int column, unsigned char out[HASH_BYTES])
{
	size_t n;
	const void *p = db_blob(db, st, column, &n);

	if (n == HASH_BYTES)
		memcpy(out, p, n);
}

/* The chain's end; zeros and seq 0 before the first row. */
static int
last_row(struct scribe *s, struct store_audit *a, struct tc_err *e)
{
	struct db *db = &s->db;
	int rc = db_step(db, ST_AUDIT_LAST, e);

	if (rc == 1) {
		a->seq = (uint64_t)db_i64(db, ST_AUDIT_LAST, 0);
		get_hash(db, ST_AUDIT_LAST, 1, a->before);
		db_reset(db, ST_AUDIT_LAST);
	}
	return rc < 0 ? rc : 0;
}

int
scribe_put_audit(struct scribe *s, const struct change_audit *c,
	struct tc_err *e)
{
	struct store_audit a = { .at = c->at, .actor = c->actor,
		.action = c->action, .subject = c->subject, .body = c->body };
	struct db *db = &s->db;
	int rc = last_row(s, &a, e);

	if (rc < 0)
		return rc;
	a.seq++;
	hash_row(&a, a.sha256);
	db_bind_i64(db, ST_AUDIT_PUT, 1, (int64_t)a.seq);
	db_bind_i64(db, ST_AUDIT_PUT, 2, a.at.ms);
	db_bind_text(db, ST_AUDIT_PUT, 3, a.actor);
	db_bind_text(db, ST_AUDIT_PUT, 4, a.action);
	db_bind_id(db, ST_AUDIT_PUT, 5, a.subject);
	db_bind_text(db, ST_AUDIT_PUT, 6, a.body);
	db_bind_blob(db, ST_AUDIT_PUT, 7, a.before, HASH_BYTES);
	db_bind_blob(db, ST_AUDIT_PUT, 8, a.sha256, HASH_BYTES);
	return db_run(db, ST_AUDIT_PUT, e);
}

int
read_audit(struct db *db, const struct read_audit *q, struct tc_err *e)
{
	enum st st = ST_AUDIT_AFTER;
	int rc = 0, stop = 0;

	db_bind_i64(db, st, 1, (int64_t)q->after);
	db_bind_i64(db, st, 2, q->limit > INT64_MAX ? INT64_MAX :
		(int64_t)q->limit);
	while (stop == 0 && (rc = db_step(db, st, e)) == 1) {
		struct store_audit a = {
			.seq = (uint64_t)db_i64(db, st, 0),
			.at = { db_i64(db, st, 1) },
			.actor = db_text(db, st, 2),
			.action = db_text(db, st, 3),
			.subject = (uint32_t)db_i64(db, st, 4),
			.body = db_text(db, st, 5),
		};

		get_hash(db, st, 6, a.before);
		get_hash(db, st, 7, a.sha256);
		stop = q->sink(q->arg, &a);
	}
	db_reset(db, st);
	return rc < 0 ? rc : 0;
}

struct chain {
	struct audit_sum sum;
	uint64_t gone;		/* rows that retention took, from the first */
	uint64_t broken;	/* seq of the first bad row; 0 = none */
	const char *why;
};

static int
check_row(void *arg, const struct store_audit *a)
{
	struct chain *c = arg;
	unsigned char hash[HASH_BYTES];

	if (c->gone > 0 && c->sum.rows == 0)
		memcpy(c->sum.last, a->before, HASH_BYTES);
	if (a->seq != c->gone + c->sum.rows + 1)
		c->why = "a row is missing before it";
	else if (memcmp(a->before, c->sum.last, HASH_BYTES) != 0)
		c->why = "it does not follow the row before";
	hash_row(a, hash);
	if (c->why == NULL && memcmp(hash, a->sha256, HASH_BYTES) != 0)
		c->why = "it was changed";
	if (c->why != NULL) {
		c->broken = a->seq;
		return 1;
	}
	c->sum.rows++;
	memcpy(c->sum.last, a->sha256, HASH_BYTES);
	return 0;
}

int
audit_verify(struct db *db, struct audit_sum *sum, struct tc_err *e)
{
	struct chain c = { 0 };
	struct read_audit q = { 0, SIZE_MAX, check_row, &c };
	int64_t gone = 0;
	int rc;

	if ((rc = db_meta_get(db, "audit_gone", &gone, e)) < 0)
		return rc;
	c.gone = (uint64_t)gone;
	rc = read_audit(db, &q, e);
	if (rc == 0 && c.why != NULL)
		rc = tc_fail(e, TC_ECORRUPT, "audit row %" PRIu64 ": %s",
			c.broken, c.why);
	if (rc == 0)
		*sum = c.sum;
	return rc;
}
