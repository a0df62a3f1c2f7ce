/*
 * Samples out of rows: one seek a minute for each source.
 */
#include "store/gather.h"
#include "store/pack.h"

/* All wanted values of one row. */
static int
add_row(struct gather *g, const struct source_span *s, enum st st,
	struct tc_err *e)
{
	int64_t layout = db_i64(g->db, st, 1);
	struct unpacker u = { 0 };
	int rc = 0;

	for (size_t i = s->first; rc == 0 && i < s->end; i++) {
		const struct place *p = &g->places[i];
		uint64_t bits = 0;

		if (p->layout != layout)
			continue;
		if (u.at == NULL) {
			size_t n;
			const void *bytes = db_blob(g->db, st, 2, &n);

			rc = unpack_begin(&u, bytes, n, p->layout_n);
		}
		if (rc == 0)
			rc = unpack_at(&u, p->pos, p->type, &bits);
		if (rc == 0)
			rc = gather_sample(g, p, db_i64(g->db, st, 0), bits);
	}
	return rc < 0 ? tc_fail(e, rc, "history row") : 0;
}

static int
add_rows(struct gather *g, const struct source_span *s, enum st st,
	struct tc_err *e)
{
	int rc;

	while ((rc = db_step(g->db, st, e)) == 1) {
		if ((rc = add_row(g, s, st, e)) < 0)
			break;
	}
	db_reset(g->db, st);
	return rc;
}

int
gather_rows(struct gather *g, const struct source_span *s, struct tc_err *e)
{
	const struct place *p = &g->places[s->first];
	struct wall last = { s->to_ms - 1 }, first = { s->from_ms };
	struct db *db = g->db;
	int64_t from, to;
	int rc = db_step(db, ST_TICK_SPAN, e);

	if (rc < 0)
		return rc;
	from = db_i64(db, ST_TICK_SPAN, 0);
	to = db_i64(db, ST_TICK_SPAN, 1);
	db_reset(db, ST_TICK_SPAN);
	/* What is packed has been read already, and may not have gone yet. */
	if (g->packed > from)
		from = g->packed;
	if (slot_of(first) > from)
		from = slot_of(first);
	if (slot_of(last) < to)
		to = slot_of(last);
	db_bind_i64(db, ST_TICK_GET, 2, p->subject);
	db_bind_i64(db, ST_TICK_GET, 3, p->probe);
	db_bind_i64(db, ST_TICK_GET, 4, s->from_ms);
	db_bind_i64(db, ST_TICK_GET, 5, s->to_ms);
	for (int64_t slot = from; slot <= to; slot++) {
		if (gather_is_full(g, s, slot * SLOT_MS))
			break;
		db_bind_i64(db, ST_TICK_GET, 1, slot);
		if ((rc = add_rows(g, s, ST_TICK_GET, e)) < 0)
			return rc;
		if (db_is_late(db))
			return tc_fail(e, TC_ETIMEOUT, "series");
	}
	return 0;
}

int
gather_late(struct gather *g, const struct source_span *s, struct tc_err *e)
{
	const struct place *p = &g->places[s->first];

	db_bind_i64(g->db, ST_LATE_GET, 1, p->subject);
	db_bind_i64(g->db, ST_LATE_GET, 2, p->probe);
	db_bind_i64(g->db, ST_LATE_GET, 3, s->from_ms);
	db_bind_i64(g->db, ST_LATE_GET, 4, s->to_ms);
	return add_rows(g, s, ST_LATE_GET, e);
}
