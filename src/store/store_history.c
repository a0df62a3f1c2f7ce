/*
 * History rows and batch ids, as written.
 */
#include <string.h>

#include "store/pack.h"
#include "store/scribe.h"
#include "store/slot.h"

/* How many batches of a host are kept at least; it may be twice as many. */
#define BATCHES_KEPT 256

static int
pack_row(struct scribe *s, const struct change_history *c, struct tc_err *e)
{
	struct packer p;
	char *out;

	strbuf_reset(&s->row);
	out = strbuf_reserve(&s->row, pack_bound(c->n));
	if (out == NULL)
		return tc_fail(e, TC_ENOMEM, "history row: out of memory");
	pack_begin(&p, (unsigned char *)out, c->n);
	for (size_t i = 0; i < c->n; i++)
		pack_value(&p, c->series[i].type, c->values[i]);
	s->row.n = pack_end(&p);
	return 0;
}

/* Once for each subject and layout; its foreign keys guard the rows. */
static int
put_source(struct scribe *s, uint32_t subject, const struct layout *l,
	struct tc_err *e)
{
	uint64_t key = (uint64_t)subject << 32 | l->id;
	struct db *db = &s->db;
	int rc;

	if (idmap_get(&s->sources, key) != NULL)
		return 0;
	db_bind_i64(db, ST_SOURCE_PUT, 1, subject);
	db_bind_i64(db, ST_SOURCE_PUT, 2, l->probe);
	db_bind_i64(db, ST_SOURCE_PUT, 3, l->id);
	if ((rc = db_run(db, ST_SOURCE_PUT, e)) < 0)
		return rc;
	if (idmap_put(&s->sources, key, 1) < 0)
		return tc_fail(e, TC_ENOMEM, "history row: out of memory");
	return 0;
}

/* Into `tick`, or into `late`, which has no slots. */
static int
put_row(struct scribe *s, enum st st, const struct change_history *c,
	const struct layout *l, struct tc_err *e)
{
	struct db *db = &s->db;
	int rc;

	db_bind_i64(db, st, 1, c->subject);
	db_bind_i64(db, st, 2, l->probe);
	db_bind_i64(db, st, 3, c->at.ms);
	db_bind_i64(db, st, 4, l->id);
	db_bind_i64(db, st, 5, c->outcome);
	db_bind_i64(db, st, 6, c->reason);
	db_bind_blob(db, st, 7, s->row.p, s->row.n);
	if (st == ST_TICK_PUT)
		db_bind_i64(db, st, 8, slot_of(c->at));
	if ((rc = db_run(db, st, e)) < 0)
		return rc;
	if (sqlite3_changes(db->h) == 0)
		return 0;
	s->rows++;
	s->samples += c->n;
	return 1;
}

int
scribe_put_history(struct scribe *s, const struct change_history *c,
	struct tc_err *e)
{
	const struct layout *l = scribe_layout(s, c, e);
	int rc;

	if (l == NULL)
		return e->code;
	if ((rc = put_source(s, c->subject, l, e)) < 0)
		return rc;
	if ((rc = pack_row(s, c, e)) < 0 || (rc = scribe_marks(s, e)) < 0)
		return rc;
	if (slot_of(c->at) >= s->packing)
		return put_row(s, ST_TICK_PUT, c, l, e);
	if ((rc = scribe_has_packed(s, c, l, e)) != 0)
		return rc < 0 ? rc : 0;
	return put_row(s, ST_LATE_PUT, c, l, e);
}

static int
trim_batches(struct scribe *s, uint32_t host, int64_t *last, struct tc_err *e)
{
	struct db *db = &s->db;
	int64_t kept;
	int rc;

	db_bind_i64(db, ST_BATCH_COUNT, 1, host);
	if ((rc = db_step(db, ST_BATCH_COUNT, e)) < 0)
		return rc;
	kept = db_i64(db, ST_BATCH_COUNT, 0);
	*last = db_i64(db, ST_BATCH_COUNT, 1);
	db_reset(db, ST_BATCH_COUNT);
	if (kept <= BATCHES_KEPT)
		return 0;
	db_bind_i64(db, ST_BATCH_TRIM, 1, host);
	db_bind_i64(db, ST_BATCH_TRIM, 2, *last - BATCHES_KEPT);
	return db_run(db, ST_BATCH_TRIM, e);
}

int
scribe_put_batch(struct scribe *s, uint32_t host, const char *id,
	struct tc_err *e)
{
	struct db *db = &s->db;
	uint32_t *known = idmap_get(&s->batches, (uint64_t)host + 1);
	int64_t last = 0;
	int rc;

	/* The file is asked at a host's first batch and every 256th. */
	if (known != NULL)
		last = *known;
	if (known == NULL || last % BATCHES_KEPT == 0) {
		if ((rc = trim_batches(s, host, &last, e)) < 0)
			return rc;
	}
	db_bind_i64(db, ST_BATCH_ADD, 1, host);
	db_bind_text(db, ST_BATCH_ADD, 2, id);
	db_bind_i64(db, ST_BATCH_ADD, 3, last + 1);
	if ((rc = db_run(db, ST_BATCH_ADD, e)) < 0)
		return rc;
	if (sqlite3_changes(db->h) == 0)
		return 0;
	if (idmap_put(&s->batches, (uint64_t)host + 1, (uint32_t)last + 1) < 0)
		return tc_fail(e, TC_ENOMEM, "batch: out of memory");
	return 1;
}
