/*
 * Drives day by day, as others publish theirs: what a reader of Backblaze's
 * files expects.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/fact.h"
#include "store/reads.h"
#include "store/slot.h"
#include "store/tend.h"
#include "store/tending.h"

#define DAY_MS INT64_C(86400000)
#define METRICS_MAX 256		/* smart_0_raw … smart_255_raw */
#define DAYS_MAX 36600
#define POINTS_MAX 10000000	/* of one drive's metric; as many as there are */

struct exporter {
	struct db *db;
	const struct tend_drives *q;
	int64_t from, to;		/* ms */
	const char *metrics[METRICS_MAX];
	size_t n_metrics;
	int64_t first_day;
	size_t n_days;
	double *values;			/* n_days × n_metrics; NAN = none */
	size_t metric;			/* that is being read */
	struct arena arena;		/* names */
	int stop;
};

static int
take_point(void *arg, const struct store_point *p)
{
	struct exporter *x = arg;
	int64_t day = floor_div(p->at.ms, DAY_MS) - x->first_day;

	/* The last of the day stands. */
	if (day >= 0 && (size_t)day < x->n_days)
		x->values[(size_t)day * x->n_metrics + x->metric] = p->value;
	return 0;
}

static int
read_drive(struct exporter *x, uint32_t subject, struct tc_err *e)
{
	struct store_series_query q = { .subject = subject, .from = { x->from },
		.to = { x->to }, .limit = POINTS_MAX };
	struct read_series r = { &q, take_point, x };
	int rc = 0;

	for (size_t i = 0; i < x->n_days * x->n_metrics; i++)
		x->values[i] = NAN;
	for (x->metric = 0; rc == 0 && x->metric < x->n_metrics; x->metric++) {
		q.metric = x->metrics[x->metric];
		rc = read_series(x->db, &r, e);
	}
	return rc;
}

static bool
has_values(const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!isnan(values[i]))
			return true;
	}
	return false;
}

/* `failed`: the day, INT64_MAX = it did not; the last row until then says so. */
static void
give_drive(struct exporter *x, struct tend_drive_day *d, int64_t failed)
{
	size_t end = x->n_days, last = end;

	if (failed != INT64_MAX && failed < x->first_day)
		return;
	if (failed < x->first_day + (int64_t)x->n_days)
		end = (size_t)(failed - x->first_day) + 1;
	for (size_t day = 0; day < end; day++) {
		if (has_values(x->values + day * x->n_metrics, x->n_metrics))
			last = day;
	}
	for (size_t day = 0; x->stop == 0 && day < end; day++) {
		d->values = x->values + day * x->n_metrics;
		if (!has_values(d->values, x->n_metrics))
			continue;
		d->day.ms = (x->first_day + (int64_t)day) * DAY_MS;
		d->failure = failed != INT64_MAX && day == last;
		x->stop = x->q->sink(x->q->arg, d);
	}
}

/* Texts of the row are NULL when the subject's description has none. */
static const char *
text_at(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return text != NULL ? text : "";
}

#define FAILED_AT "(SELECT min(o.at_ms) FROM outcome o " \
	"WHERE o.subject = d.id AND o.kind = 'failed')"
#define DRIVES(failed) "SELECT d.id, h.key, " \
	"json_extract(d.body, '$.model'), json_extract(d.body, '$.serial'), " \
	failed " FROM subject d JOIN subject h ON h.id = d.parent " \
	"WHERE d.kind = ?1 AND json_extract(d.body, '$.kind') = 'disk' " \
	"AND ifnull(json_extract(d.body, '$.serial'), '') <> '' " \
	"AND (?2 IS NULL OR h.key = ?2) ORDER BY h.key, d.id"

static int
export_drives(struct exporter *x, struct tc_err *e)
{
	sqlite3_stmt *st = NULL;
	int64_t known = 0;
	int rc, failed = 0;

	if ((rc = db_number(x->db, "SELECT count(*) FROM sqlite_schema "
		"WHERE name = 'outcome'", &known, e)) < 0)
		return rc;
	rc = sqlite3_prepare_v2(x->db->h, known ? DRIVES(FAILED_AT) :
		DRIVES("NULL"), -1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int(st, 1, SUBJECT_DEVICE);
		sqlite3_bind_text(st, 2, x->q->host, -1, SQLITE_STATIC);
	}
	while (rc == SQLITE_OK && x->stop == 0 &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct tend_drive_day d = { .host = text_at(st, 1),
			.model = text_at(st, 2), .serial = text_at(st, 3) };
		int64_t day = INT64_MAX;

		if (sqlite3_column_type(st, 4) != SQLITE_NULL)
			day = floor_div(sqlite3_column_int64(st, 4), DAY_MS);
		failed = read_drive(x, (uint32_t)sqlite3_column_int64(st, 0),
			e);
		if (failed < 0)
			break;
		give_drive(x, &d, day);
		rc = SQLITE_OK;
	}
	if (failed == 0 && rc != SQLITE_DONE && rc != SQLITE_OK)
		failed = db_fail(x->db, rc, e, "drives");
	sqlite3_finalize(st);
	return failed;
}

static int
find_metrics(struct exporter *x, struct tc_err *e)
{
	static const char sql[] = "SELECT text FROM name "
		"WHERE text GLOB 'smart_[0-9]*_raw' AND length(text) <= 13 "
		"ORDER BY CAST(substr(text, 7) AS INTEGER), text LIMIT ?1";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(x->db->h, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		sqlite3_bind_int(st, 1, METRICS_MAX);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		const char *name = arena_strdup(&x->arena, text_at(st, 0));

		rc = name != NULL ? SQLITE_OK : SQLITE_NOMEM;
		if (name != NULL)
			x->metrics[x->n_metrics++] = name;
	}
	rc = rc == SQLITE_DONE ? 0 : db_fail(x->db, rc, e, "metrics");
	sqlite3_finalize(st);
	return rc;
}

static int
make_room(struct exporter *x, struct tc_err *e)
{
	int64_t first = floor_div(x->from, DAY_MS);
	int64_t days = floor_div(x->to - 1, DAY_MS) + 1 - first;

	x->first_day = first;
	x->n_days = days > 0 ? (size_t)days : 0;
	if (x->n_days > DAYS_MAX)
		return tc_fail(e, TC_ERANGE, "more than %d days", DAYS_MAX);
	x->values = mem_alloc_array(x->n_days * x->n_metrics + 1,
		sizeof(*x->values));
	return x->values != NULL ? 0 :
		tc_fail(e, TC_ENOMEM, "export: out of memory");
}

int
tend_export_drives(const char *path, const struct tend_drives *q,
	struct tc_err *e)
{
	struct db db = { 0 };
	struct exporter x = { .db = &db, .q = q };
	struct wall from, to;
	int rc = tending_open(&db, path, e);

	if (rc < 0)
		return rc;
	if ((rc = tending_span(&db, &from, &to, e)) < 0)
		goto out;
	x.from = q->from.ms > from.ms ? q->from.ms : from.ms;
	x.to = q->to.ms != 0 && q->to.ms < to.ms ? q->to.ms : to.ms;
	if ((rc = find_metrics(&x, e)) < 0 || (rc = make_room(&x, e)) < 0)
		goto out;
	x.stop = q->begin(q->arg, x.metrics, x.n_metrics);
	if (x.stop == 0)
		rc = export_drives(&x, e);
out:
	mem_free(x.values);
	arena_free(&x.arena);
	tending_close(&db);
	return rc;
}
