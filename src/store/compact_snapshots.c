/*
 * SMART reports of drives for their whole life: when a day is rolled up, those
 * of its rows that say something new, and the day's last, are kept in blocks
 * that no retention touches.
 */
#include <string.h>

#include "base/mem.h"
#include "model/fact.h"
#include "store/compacting.h"

/* They move all the time; none of them alone is news. */
static const char *const restless[] = { "temperature_celsius",
	"power_on_hours", "smart_1_raw", "smart_7_raw", "smart_9_raw",
	"smart_190_raw", "smart_194_raw", "smart_195_raw", "smart_240_raw",
	"smart_241_raw", "smart_242_raw" };

struct snapshots {
	struct compactor *c;
	const struct compact_source *src;
	int64_t day_ms;
	struct sheets day;	/* its rows, of one layout */
	unsigned char *watched;	/* columns that make a row news */
};

static bool
is_restless(const char *metric)
{
	for (size_t i = 0; i < ARRAY_LEN(restless); i++) {
		if (strcmp(restless[i], metric) == 0)
			return true;
	}
	return false;
}

/* 1 = it is of SMART reports, and `watched` is filled in. */
static int
look_at_layout(struct snapshots *s, const struct sheet *sheet,
	struct tc_err *e)
{
	struct db *db = &s->c->db;
	bool smart = false;
	int rc;

	mem_free(s->watched);
	s->watched = mem_alloc(sheet->columns + 1);
	if (s->watched == NULL)
		return tc_fail(e, TC_ENOMEM, "snapshot: out of memory");
	db_bind_i64(db, ST_LAYOUT_METRICS, 1, sheet->layout);
	while ((rc = db_step(db, ST_LAYOUT_METRICS, e)) == 1) {
		const char *metric = db_text(db, ST_LAYOUT_METRICS, 1);
		int64_t pos = db_i64(db, ST_LAYOUT_METRICS, 0);

		smart = smart || strncmp(metric, "smart_", 6) == 0;
		if (pos >= 0 && (size_t)pos < sheet->columns)
			s->watched[pos] = !is_restless(metric);
	}
	return rc < 0 ? rc : smart;
}

static int
read_tier(struct snapshots *s, struct sheet *to, enum tier tier,
	struct tc_err *e)
{
	struct db *db = &s->c->db;
	const void *bytes;
	size_t n;
	int rc;

	db_bind_i64(db, ST_BLOCK_GET, 1, s->src->subject);
	db_bind_i64(db, ST_BLOCK_GET, 2, s->src->probe);
	db_bind_i64(db, ST_BLOCK_GET, 3, tier);
	db_bind_i64(db, ST_BLOCK_GET, 4, tier_start(tier, s->day_ms) - 1);
	db_bind_i64(db, ST_BLOCK_GET, 5, s->day_ms + DAY_MS);
	while ((rc = db_step(db, ST_BLOCK_GET, e)) == 1) {
		if (db_i64(db, ST_BLOCK_GET, 2) != to->layout)
			continue;
		bytes = db_blob(db, ST_BLOCK_GET, 4, &n);
		if ((rc = block_open(&s->c->get, bytes, n)) == 0)
			rc = sheet_add_block(to, &s->c->get, s->day_ms,
				s->day_ms + DAY_MS);
		if (rc < 0) {
			rc = tc_fail(e, rc, "history block");
			break;
		}
	}
	db_reset(db, ST_BLOCK_GET);
	return rc;
}

static bool
is_news(const struct snapshots *s, size_t columns, const uint64_t *before,
	const uint64_t *row)
{
	for (size_t c = 0; c < columns; c++) {
		if (s->watched[c] && before[c] != row[c])
			return true;
	}
	return false;
}

/* What a roll-up of the same day kept before is replaced. */
static void
drop_day(const struct snapshots *s, struct sheet *kept)
{
	size_t n = 0;

	for (size_t i = 0; i < kept->rows; i++) {
		if (kept->at_ms[i] >= s->day_ms &&
		    kept->at_ms[i] < s->day_ms + DAY_MS)
			continue;
		kept->at_ms[n] = kept->at_ms[i];
		kept->marks[n] = kept->marks[i];
		memmove(kept->values + n * kept->columns,
			kept->values + i * kept->columns,
			kept->columns * sizeof(*kept->values));
		n++;
	}
	kept->rows = n;
}

/* The values of the last row before the day, or NULL. */
static const uint64_t *
last_before(const struct snapshots *s, const struct sheet *kept)
{
	const uint64_t *last = NULL;

	for (size_t i = 0; i < kept->rows; i++) {
		if (kept->at_ms[i] < s->day_ms)
			last = kept->values + i * kept->columns;
	}
	return last;
}

static int
choose(struct snapshots *s, const struct sheet *day, struct sheet *kept)
{
	size_t width = day->columns;
	const uint64_t *before;

	if (sheet_sort(kept) < 0)
		return TC_ENOMEM;
	drop_day(s, kept);
	before = last_before(s, kept);
	for (size_t i = 0; i < day->rows; i++) {
		const uint64_t *row = day->values + i * width;
		uint64_t *to;

		if (before != NULL && i + 1 < day->rows &&
		    !is_news(s, width, before, row))
			continue;
		to = sheet_add(kept, day->at_ms[i], day->marks[i]);
		if (to == NULL)
			return TC_ENOMEM;
		memcpy(to, row, width * sizeof(*to));
		before = row;
	}
	return 0;
}

static int
keep_layout(struct snapshots *s, int64_t layout, struct tc_err *e)
{
	struct compactor *c = s->c;
	int64_t start_ms = tier_start(TIER_SNAPSHOT, s->day_ms);
	const struct layout_types *types;
	struct sheet *day, *kept;
	int rc;

	types = layout_cache_get(&c->layouts, &c->db, layout, e);
	if (types == NULL)
		return e->code;
	sheets_reset(&s->day);
	sheets_reset(&c->sheets);
	day = sheets_find(&s->day, types);
	kept = sheets_find(&c->sheets, types);
	if (day == NULL || kept == NULL)
		return tc_fail(e, TC_ENOMEM, "snapshot: out of memory");
	if ((rc = look_at_layout(s, day, e)) != 1)
		return rc;
	if ((rc = read_tier(s, day, TIER_LONG, e)) < 0 ||
	    (rc = read_tier(s, day, TIER_HOUR, e)) < 0 ||
	    (rc = compact_take(c, s->src, TIER_SNAPSHOT, start_ms, e)) < 0)
		return rc;
	if (sheet_sort(day) < 0 || choose(s, day, kept) < 0)
		return tc_fail(e, TC_ENOMEM, "snapshot: out of memory");
	return compact_add(c, s->src, TIER_SNAPSHOT, start_ms, e);
}

int
compact_keep_snapshots(struct compactor *c, const struct compact_source *src,
	const struct compact_layouts *of, struct tc_err *e)
{
	struct snapshots s = { .c = c, .src = src, .day_ms = of->day_ms };
	struct db *db = &c->db;
	int64_t kind = 0;
	int rc;

	db_bind_i64(db, ST_SUBJECT_GET, 1, src->subject);
	rc = db_step(db, ST_SUBJECT_GET, e);
	if (rc == 1) {
		kind = db_i64(db, ST_SUBJECT_GET, 0);
		db_reset(db, ST_SUBJECT_GET);
		rc = 0;
	}
	for (size_t i = 0; rc == 0 && kind == SUBJECT_DEVICE && i < of->n; i++)
		rc = keep_layout(&s, of->layouts[i], e);
	sheets_free(&s.day);
	mem_free(s.watched);
	return rc;
}
