#include "store/compacting.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"

#define WAKE_S 30
#define LATE_S 600
#define PACE_MAX_MS 500

static struct mono
now(void)
{
	struct clock *clock = clock_system();

	return clock->mono(clock);
}

/* ---- what the parts share ---- */

int
compact_commit(struct compactor *c, struct tc_err *e)
{
	struct dur took;
	int rc;

	if (atomic_load(&c->stopping))
		return tc_fail(e, TC_ECLOSED, "stopped");
	if ((rc = parcel_commit(&c->parcel, c->conf.writer, e)) < 0)
		return rc;
	if (c->paced) {
		took = mono_diff(now(), c->parcel_since);
		if (took.ns > dur_ms(PACE_MAX_MS).ns)
			took = dur_ms(PACE_MAX_MS);
		queue_pop(c->wake, took);
	}
	c->parcel_since = now();
	return 0;
}

int
compact_mark(struct compactor *c, const char *key, int64_t *value,
	struct tc_err *e)
{
	*value = 0;
	return db_meta_get(&c->db, key, value, e);
}

int
compact_next_source(struct compactor *c, struct compact_source *src,
	struct tc_err *e)
{
	struct db *db = &c->db;
	int rc;

	db_bind_i64(db, ST_SOURCE_NEXT, 1, src->subject);
	db_bind_i64(db, ST_SOURCE_NEXT, 2, src->probe);
	rc = db_step(db, ST_SOURCE_NEXT, e);
	if (rc != 1)
		return rc;
	src->subject = (uint32_t)db_i64(db, ST_SOURCE_NEXT, 0);
	src->probe = db_i64(db, ST_SOURCE_NEXT, 1);
	db_reset(db, ST_SOURCE_NEXT);
	return 1;
}

int
compact_sheet(struct compactor *c, int64_t layout, struct sheet **out,
	struct tc_err *e)
{
	const struct layout_types *types;

	types = layout_cache_get(&c->layouts, &c->db, layout, e);
	if (types == NULL)
		return e->code;
	*out = sheets_find(&c->sheets, types);
	return *out == NULL ? tc_fail(e, TC_ENOMEM, "pack: out of memory") : 0;
}

int
compact_add(struct compactor *c, const struct compact_source *src,
	enum tier tier, int64_t start_ms, struct tc_err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < c->sheets.n; i++) {
		struct sheet *s = &c->sheets.items[i];
		struct parcel_block as = { .tier = tier, .start_ms = start_ms,
			.subject = src->subject, .probe = src->probe };

		rc = sheet_sort(s);
		for (; rc == 0 && as.first < s->rows; as.first += as.rows) {
			as.rows = s->rows - as.first;
			if (as.rows > COMPACT_ROWS)
				as.rows = COMPACT_ROWS;
			if (as.first > 0)
				as.start_ms = s->at_ms[as.first];
			rc = parcel_add(&c->parcel, s, &c->put, as);
		}
	}
	return rc < 0 ? tc_fail(e, rc, "pack: out of memory") : 0;
}

bool
compact_is_damage(struct compactor *c, int rc, int64_t block)
{
	/* Files of newer versions are not opened: an odd format is damage. */
	if (rc != TC_ECORRUPT && rc != TC_EUNSUP)
		return false;
	if (!c->damaged)
		log_at(ERROR, "store", "history block damaged block=%lld",
			(long long)block);
	c->damaged = true;
	return true;
}

static struct sheet *
has_sheet(struct compactor *c, int64_t layout)
{
	for (size_t i = 0; i < c->sheets.n; i++) {
		if (c->sheets.items[i].layout == layout)
			return &c->sheets.items[i];
	}
	return NULL;
}

static int
take_block(struct compactor *c, struct sheet *s, struct tc_err *e)
{
	struct db *db = &c->db;
	const void *bytes;
	size_t n;
	int rc;

	bytes = db_blob(db, ST_BLOCK_GET, 4, &n);
	if ((rc = block_open(&c->get, bytes, n)) == 0 &&
	    (rc = sheet_add_block(s, &c->get, INT64_MIN, INT64_MAX)) == 0)
		rc = parcel_add_drop(&c->parcel, db_i64(db, ST_BLOCK_GET, 0));
	return rc < 0 ? tc_fail(e, rc, "history block") : 0;
}

int
compact_take(struct compactor *c, const struct compact_source *src,
	enum tier tier, int64_t start_ms, struct tc_err *e)
{
	struct db *db = &c->db;
	struct sheet *s;
	int rc;

	db_bind_i64(db, ST_BLOCK_GET, 1, src->subject);
	db_bind_i64(db, ST_BLOCK_GET, 2, src->probe);
	db_bind_i64(db, ST_BLOCK_GET, 3, tier);
	db_bind_i64(db, ST_BLOCK_GET, 4, start_ms - 1);
	db_bind_i64(db, ST_BLOCK_GET, 5, start_ms + tiers[tier].block_ms);
	while ((rc = db_step(db, ST_BLOCK_GET, e)) == 1) {
		s = has_sheet(c, db_i64(db, ST_BLOCK_GET, 2));
		if (s != NULL && (rc = take_block(c, s, e)) < 0)
			break;
	}
	db_reset(db, ST_BLOCK_GET);
	return rc;
}

int
compact_read_row(struct compactor *c, enum st st, struct tc_err *e)
{
	struct db *db = &c->db;
	struct sheet_row row = { .at_ms = db_i64(db, st, 0),
		.mark = (uint64_t)db_i64(db, st, 2) |
			(uint64_t)db_i64(db, st, 3) << 8 };
	struct sheet *s;
	int rc = compact_sheet(c, db_i64(db, st, 1), &s, e);

	if (rc < 0)
		return rc;
	row.packed = db_blob(db, st, 4, &row.n);
	rc = sheet_add_packed(s, &row);
	return rc < 0 ? tc_fail(e, rc, "history row") : 0;
}

/* ---- an hour of a source ---- */

static int
read_hour(struct compactor *c, const struct compact_source *src, int64_t hour,
	struct tc_err *e)
{
	struct db *db = &c->db;
	int rc;

	sheets_reset(&c->sheets);
	db_bind_i64(db, ST_TICK_ROWS, 2, src->subject);
	db_bind_i64(db, ST_TICK_ROWS, 3, src->probe);
	for (int64_t slot = hour; slot < hour + SLOTS_OF_HOUR; slot++) {
		db_bind_i64(db, ST_TICK_ROWS, 1, slot);
		while ((rc = db_step(db, ST_TICK_ROWS, e)) == 1) {
			if ((rc = compact_read_row(c, ST_TICK_ROWS, e)) < 0)
				break;
		}
		db_reset(db, ST_TICK_ROWS);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* It was packed before the server stopped in the middle of the hour. */
static int
is_packed(struct compactor *c, const struct compact_source *src, int64_t hour,
	struct tc_err *e)
{
	struct db *db = &c->db;
	int rc;

	db_bind_i64(db, ST_BLOCK_HAS, 1, src->subject);
	db_bind_i64(db, ST_BLOCK_HAS, 2, src->probe);
	db_bind_i64(db, ST_BLOCK_HAS, 3, TIER_HOUR);
	db_bind_i64(db, ST_BLOCK_HAS, 4, hour * SLOT_MS);
	rc = db_step(db, ST_BLOCK_HAS, e);
	if (rc == 1)
		db_reset(db, ST_BLOCK_HAS);
	return rc;
}

/* ---- an hour of all ---- */

/* 1 = there are more sources. */
static int
pack_some(struct compactor *c, struct compact_source *src, int64_t hour,
	struct tc_err *e)
{
	int rc;

	for (int i = 0; i < COMPACT_SOURCES; i++) {
		if ((rc = compact_next_source(c, src, e)) != 1)
			return rc;
		if ((rc = is_packed(c, src, hour, e)) < 0)
			return rc;
		if (rc == 1)
			continue;
		if ((rc = read_hour(c, src, hour, e)) < 0 ||
		    (rc = compact_add(c, src, TIER_HOUR, hour * SLOT_MS,
			    e)) < 0)
			return rc;
		if (c->parcel.bytes.n >= COMPACT_BYTES)
			break;
	}
	return 1;
}

static int
pack_hour(struct compactor *c, int64_t hour, struct tc_err *e)
{
	struct compact_source src = { 0 };
	int more = 1, rc;

	/* From now on nothing is added to this hour's rows. */
	c->parcel.packing = hour + SLOTS_OF_HOUR;
	if ((rc = compact_commit(c, e)) < 0)
		return rc;
	while (more == 1) {
		if ((rc = db_run(&c->db, ST_READ_BEGIN, e)) < 0)
			return rc;
		more = pack_some(c, &src, hour, e);
		rc = db_run(&c->db, ST_READ_END, more < 0 ? NULL : e);
		if (more < 0 || rc < 0)
			return more < 0 ? more : rc;
		if (!parcel_is_empty(&c->parcel) &&
		    (rc = compact_commit(c, e)) < 0)
			return rc;
	}
	/* The rows have gone, the blocks are there: at once. */
	c->parcel.packed = hour + SLOTS_OF_HOUR;
	return compact_commit(c, e);
}

/* 1 = an hour was packed; 0 = none is closed. */
static int
pack_next(struct compactor *c, struct wall until, struct tc_err *e)
{
	struct db *db = &c->db;
	int64_t packed, hour;
	int rc = compact_mark(c, "packed", &packed, e);

	if (rc < 0)
		return rc;
	db_bind_i64(db, ST_TICK_FIRST, 1, packed == 0 ? INT64_MIN : packed);
	if ((rc = db_step(db, ST_TICK_FIRST, e)) != 1)
		return rc;
	hour = floor_div(db_i64(db, ST_TICK_FIRST, 0), SLOTS_OF_HOUR) *
		SLOTS_OF_HOUR;
	db_reset(db, ST_TICK_FIRST);
	if ((hour + SLOTS_OF_HOUR) * SLOT_MS > until.ms)
		return 0;
	rc = pack_hour(c, hour, e);
	return rc < 0 ? rc : 1;
}

/* ---- runs ---- */

static int
open_db(struct compactor *c, struct tc_err *e)
{
	int rc;

	if (c->db.h != NULL)
		return 0;
	if ((rc = db_open(&c->db, c->conf.path, DB_READER, e)) == 0 &&
	    (rc = db_settle(&c->db, DB_READER, e)) == 0)
		rc = db_prepare(&c->db, DB_READER, e);
	if (rc < 0)
		db_close(&c->db);
	return rc;
}

static int
run(struct compactor *c, struct wall until, struct tc_err *e)
{
	bool late = !c->paced || !mono_before(now(), c->late);
	int rc = open_db(c, e);

	if (rc < 0)
		return rc;
	parcel_reset(&c->parcel);
	c->parcel_since = now();
	do {
		rc = pack_next(c, until, e);
		late = late || rc == 1;
	} while (rc == 1);
	/* They often come in long rows: not a merge for each. */
	if (rc == 0 && late && (rc = compact_late(c, e)) == 0)
		c->late = mono_add(now(), dur_s(LATE_S));
	if (rc == 0)
		rc = compact_days(c, e);
	/* What a failure leaves open goes with the connection. */
	if (rc < 0 || c->db.frozen)
		db_close(&c->db);
	return rc;
}

int
compactor_run(struct compactor *c, struct wall until, struct tc_err *e)
{
	int rc;

	pthread_mutex_lock(&c->lock);
	c->paced = false;
	rc = run(c, until, e);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* ---- the thread ---- */

static void
run_paced(struct compactor *c)
{
	struct clock *clock = clock_system();
	struct tc_err e = { 0 };
	int rc;

	pthread_mutex_lock(&c->lock);
	c->paced = true;
	rc = run(c, wall_add(clock->wall(clock), dur_ns(-c->conf.lag.ns)), &e);
	pthread_mutex_unlock(&c->lock);
	if (rc == 0 || rc == TC_ECLOSED || rc == TC_EAGAIN) {
		c->failing = false;
		return;
	}
	if (!c->failing)
		log_at(WARN, "store", "history stays unpacked why=\"%s\"",
			e.text);
	c->failing = true;
}

static void *
compactor_main(void *arg)
{
	struct compactor *c = arg;

	struct dur wake = dur_s(WAKE_S);

	if (c->conf.lag.ns < wake.ns)
		wake = c->conf.lag;
	while (!atomic_load(&c->stopping)) {
		queue_pop(c->wake, wake);
		if (!atomic_load(&c->stopping))
			run_paced(c);
	}
	return NULL;
}

static void
compactor_free(struct compactor *c)
{
	db_close(&c->db);
	layout_cache_free(&c->layouts);
	sheets_free(&c->sheets);
	block_put_free(&c->put);
	block_get_free(&c->get);
	parcel_free(&c->parcel);
	queue_free(c->wake, NULL);
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
}

int
compactor_start(const struct compactor_conf *conf, struct compactor **out,
	struct tc_err *e)
{
	struct compactor *c = MEM_NEW(struct compactor);
	int rc;

	if (c == NULL)
		return tc_fail(e, TC_ENOMEM, "compactor: out of memory");
	c->conf = *conf;
	pthread_mutex_init(&c->lock, NULL);
	c->wake = queue_new(1, NULL, NULL);
	if (c->wake == NULL) {
		compactor_free(c);
		return tc_fail(e, TC_ENOMEM, "compactor: out of memory");
	}
	if (conf->lag.ns > 0) {
		rc = pthread_create(&c->thread, NULL, compactor_main, c);
		if (rc != 0) {
			compactor_free(c);
			return tc_fail_errno(e, rc, "compactor");
		}
		pthread_setname_np(c->thread, "compact");
		c->threaded = true;
	}
	*out = c;
	return 0;
}

void
compactor_stop(struct compactor *c)
{
	if (c == NULL)
		return;
	atomic_store(&c->stopping, true);
	queue_close(c->wake);
	if (c->threaded)
		pthread_join(c->thread, NULL);
	compactor_free(c);
}
