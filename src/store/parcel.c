#include "store/parcel.h"

#include <stdio.h>

#include "base/mem.h"
#include "store/prune.h"

/* ---- making ---- */

void
parcel_reset(struct parcel *b)
{
	strbuf_reset(&b->bytes);
	b->n_blocks = 0;
	b->n_late = 0;
	b->n_drops = 0;
	b->redo.subject = b->redone.subject = 0;
	b->packing = b->packed = b->rolled = PARCEL_KEEP;
}

bool
parcel_is_empty(const struct parcel *b)
{
	return b->n_blocks == 0 && b->n_late == 0 && b->n_drops == 0;
}

void
parcel_free(struct parcel *b)
{
	strbuf_free(&b->bytes);
	mem_free(b->blocks);
	mem_free(b->late);
	mem_free(b->drops);
	*b = (struct parcel){ 0 };
}

int
parcel_add(struct parcel *b, const struct sheet *s, struct block_put *p,
	struct parcel_block as)
{
	void *items = b->blocks;
	int rc;

	if (mem_grow(&items, &b->cap_blocks, b->n_blocks + 1, sizeof(as)) < 0)
		return TC_ENOMEM;
	b->blocks = items;
	as.layout = s->layout;
	as.at = b->bytes.n;
	if ((rc = sheet_pack(s, as.first, as.rows, p, &b->bytes)) < 0)
		return rc;
	as.n = b->bytes.n - as.at;
	b->blocks[b->n_blocks++] = as;
	return 0;
}

int
parcel_add_late(struct parcel *b, struct parcel_late row)
{
	void *items = b->late;

	if (mem_grow(&items, &b->cap_late, b->n_late + 1, sizeof(row)) < 0)
		return TC_ENOMEM;
	b->late = items;
	b->late[b->n_late++] = row;
	return 0;
}

int
parcel_add_drop(struct parcel *b, int64_t id)
{
	void *items = b->drops;

	if (mem_grow(&items, &b->cap_drops, b->n_drops + 1, sizeof(id)) < 0)
		return TC_ENOMEM;
	b->drops = items;
	b->drops[b->n_drops++] = id;
	return 0;
}

/* ---- writing: on the writer's thread ---- */

static int
put_block(struct db *db, const struct parcel *b,
	const struct parcel_block *block, struct tc_err *e)
{
	int64_t first = block_id_at(block->tier, floor_div(block->start_ms,
		HOUR_MS) * HOUR_MS), last;
	int rc;

	db_bind_i64(db, ST_BLOCK_LAST_ID, 1, first);
	db_bind_i64(db, ST_BLOCK_LAST_ID, 2,
		first + (INT64_C(1) << BLOCK_ID_OF_HOUR));
	if ((rc = db_step(db, ST_BLOCK_LAST_ID, e)) < 0)
		return rc;
	last = db_i64(db, ST_BLOCK_LAST_ID, 0);	/* NULL = 0 */
	db_reset(db, ST_BLOCK_LAST_ID);
	db_bind_i64(db, ST_BLOCK_PUT, 1, (last < first ? first : last) + 1);
	db_bind_i64(db, ST_BLOCK_PUT, 2, block->tier);
	db_bind_i64(db, ST_BLOCK_PUT, 3, block->subject);
	db_bind_i64(db, ST_BLOCK_PUT, 4, block->probe);
	db_bind_i64(db, ST_BLOCK_PUT, 5, block->layout);
	db_bind_i64(db, ST_BLOCK_PUT, 6, block->start_ms);
	db_bind_i64(db, ST_BLOCK_PUT, 7, (int64_t)block->rows);
	db_bind_blob(db, ST_BLOCK_PUT, 8, b->bytes.p + block->at, block->n);
	return db_run(db, ST_BLOCK_PUT, e);
}

static int
put_mark(struct scribe *s, const char *key, int64_t value, struct tc_err *e)
{
	return value == PARCEL_KEEP ? 0 : scribe_put_meta(s, key, value, e);
}

void
parcel_redo_key(const struct parcel_redo *r, char *out)
{
	snprintf(out, PARCEL_REDO_KEY, "redo/%u/%lld/%lld", r->subject,
		(long long)r->probe, (long long)r->day_ms);
}

static int
put_redo(struct scribe *s, const struct parcel *b, struct tc_err *e)
{
	char key[PARCEL_REDO_KEY];
	int rc = 0;

	if (b->redo.subject != 0) {
		parcel_redo_key(&b->redo, key);
		rc = scribe_put_meta(s, key, b->redo.day_ms, e);
	}
	if (rc == 0 && b->redone.subject != 0) {
		parcel_redo_key(&b->redone, key);
		db_bind_text(&s->db, ST_META_DELETE, 1, key);
		rc = db_run(&s->db, ST_META_DELETE, e);
	}
	return rc;
}

static int
put_marks(struct scribe *s, const struct parcel *b, struct tc_err *e)
{
	int rc = put_redo(s, b, e);

	if (rc < 0)
		return rc;
	s->knows_marks = false;
	if ((rc = put_mark(s, "packing", b->packing, e)) < 0 ||
	    (rc = put_mark(s, "packed", b->packed, e)) < 0)
		return rc;
	if ((rc = put_mark(s, "rolled", b->rolled, e)) < 0)
		return rc;
	return scribe_marks(s, e);
}

static int
run_parcel(struct scribe *s, const void *arg, struct tc_err *e)
{
	const struct parcel *b = arg;
	struct db *db = &s->db;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < b->n_drops; i++) {
		db_bind_i64(db, ST_BLOCK_DROP, 1, b->drops[i]);
		rc = db_run(db, ST_BLOCK_DROP, e);
	}
	for (size_t i = 0; rc == 0 && i < b->n_blocks; i++)
		rc = put_block(db, b, &b->blocks[i], e);
	for (size_t i = 0; rc == 0 && i < b->n_late; i++) {
		db_bind_i64(db, ST_LATE_DROP, 1, b->late[i].subject);
		db_bind_i64(db, ST_LATE_DROP, 2, b->late[i].probe);
		db_bind_i64(db, ST_LATE_DROP, 3, b->late[i].at_ms);
		rc = db_run(db, ST_LATE_DROP, e);
	}
	return rc == 0 ? put_marks(s, b, e) : rc;
}

int
parcel_commit(struct parcel *b, struct writer *w, struct tc_err *e)
{
	struct writer_call call = { run_parcel, b };
	int rc = writer_run(w, &call, e);

	if (rc == 0)
		parcel_reset(b);
	return rc;
}
