#include "store/disk_rows.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "smart/encoding.h"
#include "store/reads.h"
#include "store/tending.h"
#include "wire/json_read.h"

#define DAY_MS INT64_C(86400000)
#define NEVER INT32_MIN

struct drive {
	uint32_t id;
	const char *model;
	const char *serial;
	int32_t fail_day;	/* NEVER */
};

/* A day of one disk. */
struct drive_day {
	int32_t day;
	uint32_t raw_seen;
	uint32_t decoded_seen;
	bool undecoded;		/* our probe spoke: its decoding counts */
	double raw[COUNTER_N];
	double decoded[COUNTER_N];
};

struct drives {
	struct row_source source;
	struct db db;
	struct arena texts;
	char *path;
	struct drive *list;
	size_t n, cap;
	size_t at;		/* the drive at hand, 1 based */
	struct drive_day *days;
	size_t n_days, cap_days;
	size_t day_at;
	uint64_t line;
	struct wall from, to;	/* of the history */
	int rc;
};

static const struct {
	const char *raw;
	const char *decoded;
	uint8_t id;
} counters[COUNTER_N] = {
	[COUNTER_REALLOCATED] = { "smart_5_raw", "reallocated_sectors", 5 },
	[COUNTER_REPORTED] = { "smart_187_raw", "reported_uncorrectable", 187 },
	[COUNTER_TIMEOUTS] = { "smart_188_raw", "command_timeouts", 188 },
	[COUNTER_PENDING] = { "smart_197_raw", "pending_sectors", 197 },
	[COUNTER_OFFLINE] = { "smart_198_raw", "offline_uncorrectable", 198 },
};

/* ---- which disks ---- */

static const char *
kept_member(struct drives *d, const char *body, const char *name)
{
	struct json_read r;
	struct json_str key;
	const char *out = NULL;
	char *text = mem_strdup(body);

	if (!text)
		return NULL;
	json_open(&r, text, strlen(text));
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, name))
				out = arena_strdup(&d->texts,
					json_get_cstr(&r, 255));
			else
				json_skip(&r);
		}
	(void)json_close(&r, NULL);
	mem_free(text);
	return out ? out : arena_strdup(&d->texts, "");
}

static int
add_drive(struct drives *d, sqlite3_stmt *st)
{
	const char *body = (const char *)sqlite3_column_text(st, 1);
	void *list = d->list;
	struct drive *one;

	if (mem_grow(&list, &d->cap, d->n + 1, sizeof(*d->list)) < 0)
		return TC_ENOMEM;
	d->list = list;
	one = &d->list[d->n];
	*one = (struct drive){ .id = (uint32_t)sqlite3_column_int64(st, 0),
		.model = kept_member(d, body, "model"),
		.serial = kept_member(d, body, "serial"),
		.fail_day = NEVER };
	if (!one->model || !one->serial)
		return TC_ENOMEM;
	if (sqlite3_column_type(st, 2) != SQLITE_NULL)
		one->fail_day = wall_to_days((struct wall){
			sqlite3_column_int64(st, 2) });
	d->n++;
	return 0;
}

/* One name for one disk, whoever else is called so. */
static int
tell_apart(struct drives *d)
{
	struct hash seen = { 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		struct drive *one = &d->list[i];
		struct strbuf name = { 0 };

		if (one->serial[0] == '\0' ||
		    hash_get_str(&seen, one->serial) != NULL) {
			strbuf_printf(&name, "%s#%u", one->serial, one->id);
			one->serial = name.failed ? NULL :
				arena_strdup(&d->texts, name.p);
			strbuf_free(&name);
		}
		if (!one->serial || hash_put_str(&seen, one->serial, one) < 0)
			rc = TC_ENOMEM;
	}
	hash_free(&seen);
	return rc;
}

static int
find_drives(struct drives *d, struct tc_err *e)
{
	static const char sql[] = "SELECT s.id, s.body, (SELECT min(o.at_ms) "
		"FROM outcome o WHERE o.subject = s.id AND o.kind = 'failed') "
		"FROM subject s WHERE s.kind = 5 ORDER BY s.id";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(d->db.h, sql, -1, &st, NULL), own = 0;

	while (rc == SQLITE_OK && own == 0 &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		own = add_drive(d, st);
		rc = SQLITE_OK;
	}
	rc = rc == SQLITE_DONE || own < 0 ? own :
		db_fail(&d->db, rc, e, "disks");
	sqlite3_finalize(st);
	if (rc == 0)
		rc = own = tell_apart(d);
	return own < 0 ? tc_fail(e, own, "out of memory") : rc;
}

/* ---- the days of one ---- */

struct taking {
	struct drives *d;
	enum counter counter;
	enum { TAKE_RAW, TAKE_DECODED, TAKE_UNDECODED } what;
};

/* Days come by rising time within a metric; a metric after the other. */
static struct drive_day *
day_of(struct drives *d, int32_t day)
{
	size_t low = 0, high = d->n_days;
	void *days = d->days;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (d->days[mid].day < day)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < d->n_days && d->days[low].day == day)
		return &d->days[low];
	if (mem_grow(&days, &d->cap_days, d->n_days + 1, sizeof(*d->days)) < 0)
		return NULL;
	d->days = days;
	memmove(&d->days[low + 1], &d->days[low],
		(d->n_days - low) * sizeof(*d->days));
	d->n_days++;
	d->days[low] = (struct drive_day){ .day = day };
	return &d->days[low];
}

static int
take_point(void *arg, const struct store_point *p)
{
	const struct taking *t = arg;
	struct drive_day *day = day_of(t->d, wall_to_days(p->at));

	if (!day) {
		t->d->rc = TC_ENOMEM;
		return 1;
	}
	if (!(p->max >= 0))
		return 0;
	switch (t->what) {
	case TAKE_RAW:
		day->raw[t->counter] = p->max;
		day->raw_seen |= 1u << t->counter;
		break;
	case TAKE_DECODED:
		day->decoded[t->counter] = p->max;
		day->decoded_seen |= 1u << t->counter;
		break;
	case TAKE_UNDECODED:
		day->undecoded = true;
		break;
	}
	return 0;
}

/* Roll-ups go on when the rows are gone: a value a day, its largest. */
static int
take_metric(struct taking *t, uint32_t id, const char *metric,
	struct tc_err *e)
{
	struct drives *d = t->d;
	const struct store_series_query query = { .subject = id,
		.metric = metric, .instance = "", .from = d->from,
		.to = d->to, .step = dur_ms(DAY_MS), .limit = 1000000 };
	const struct read_series q = { &query, take_point, t };
	int rc = read_series(&d->db, &q, e);

	if (rc == 0 && d->rc < 0)
		rc = tc_fail(e, d->rc, "out of memory");
	return rc;
}

static int
load_days(struct drives *d, const struct drive *one, struct tc_err *e)
{
	struct taking t = { .d = d, .what = TAKE_UNDECODED };
	int rc = take_metric(&t, one->id, "smart_undecoded_count", e);

	d->day_at = 0;
	for (int c = 0; rc == 0 && c < COUNTER_N; c++) {
		t.counter = (enum counter)c;
		t.what = TAKE_RAW;
		rc = take_metric(&t, one->id, counters[c].raw, e);
		t.what = TAKE_DECODED;
		if (rc == 0)
			rc = take_metric(&t, one->id, counters[c].decoded, e);
	}
	/* it failed on a day on which nobody could read it */
	if (rc == 0 && one->fail_day != NEVER && d->n_days > 0 &&
	    !day_of(d, one->fail_day))
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	return rc;
}

/* As the engine decodes what is measured now (src/engine/risk.c). */
static void
put_values(const struct drive *one, const struct drive_day *day,
	struct row *row)
{
	for (int c = 0; c < COUNTER_N; c++) {
		struct smart_f64 v = { .has = false };

		if (day->undecoded) {
			v.has = (day->decoded_seen >> c & 1) != 0;
			v.v = day->decoded[c];
		} else if ((day->raw_seen >> c & 1) != 0 &&
			day->raw[c] < 18446744073709551616.0) {
			v = smart_raw_decode(one->model, "", counters[c].id,
				(uint64_t)day->raw[c]);
		}
		if (!v.has)
			continue;
		row->seen |= 1u << c;
		row->raw[c] = (uint64_t)v.v;
	}
}

static int
next_row(struct row_source *source, struct row *row, struct tc_err *e)
{
	struct drives *d = CONTAINER_OF(source, struct drives, source);
	const struct drive_day *day;
	const struct drive *one;
	int rc;

	while (d->day_at == d->n_days) {
		if (d->at == d->n)
			return 0;
		d->n_days = 0;
		if ((rc = load_days(d, &d->list[d->at++], e)) < 0)
			return rc;
	}
	one = &d->list[d->at - 1];
	day = &d->days[d->day_at++];
	*row = (struct row){ .serial = one->serial, .model = one->model,
		.serial_n = (uint32_t)strlen(one->serial),
		.model_n = (uint32_t)strlen(one->model), .file = d->path,
		.line = ++d->line, .day = day->day,
		.failure = day->day == one->fail_day };
	put_values(one, day, row);
	return 1;
}

static int
rewind_rows(struct row_source *source, struct tc_err *e)
{
	struct drives *d = CONTAINER_OF(source, struct drives, source);

	(void)e;
	d->at = d->n_days = d->day_at = 0;
	d->line = 0;
	return 0;
}

/* ---- open and close ---- */

int
drives_open(const char *path, struct drives **out, struct tc_err *e)
{
	struct drives *d = MEM_NEW(struct drives);
	int rc;

	if (!d)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	d->source.next = next_row;
	d->source.rewind = rewind_rows;
	d->path = mem_strdup(path);
	if (!d->path)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	else if ((rc = tending_open(&d->db, path, e)) == 0 &&
	    (rc = tending_span(&d->db, &d->from, &d->to, e)) == 0)
		rc = find_drives(d, e);
	/* raw rows may be gone where roll-ups are not */
	d->from.ms = 0;
	if (d->to.ms == 0)
		d->to.ms = INT64_MAX / 2;
	if (rc < 0)
		drives_close(d);
	else
		*out = d;
	return rc;
}

void
drives_close(struct drives *d)
{
	if (!d)
		return;
	tending_close(&d->db);
	mem_free(d->path);
	mem_free(d->list);
	mem_free(d->days);
	arena_free(&d->texts);
	mem_free(d);
}

struct row_source *
drives_source(struct drives *d)
{
	return &d->source;
}

double
drives_progress(const struct drives *d)
{
	return d->n > 0 ? (double)d->at / (double)d->n : 1;
}
