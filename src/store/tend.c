/*
 * Opening to read, and export.
 */
#include "store/tend.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "store/reads.h"
#include "store/slot.h"
#include "store/tending.h"
#include "store/tiers.h"


int
tending_open(struct db *db, const char *path, struct tc_err *e)
{
	int64_t version;
	int rc;

	if ((rc = db_open(db, path, DB_READER, e)) < 0)
		return tc_wrap(e, "%s", path);
	/* Reading leaves the file as it is. */
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if ((rc = migrate_check(db, &version, e)) < 0 ||
	    (rc = db_settle(db, DB_READER, e)) < 0 ||
	    (rc = db_prepare(db, DB_READER, e)) < 0 ||
	    (rc = db_run(db, ST_READ_BEGIN, e)) < 0) {
		db_close(db);
		return tc_wrap(e, "%s", path);
	}
	return 0;
}

void
tending_close(struct db *db)
{
	if (db->h != NULL && !sqlite3_get_autocommit(db->h))
		db_run(db, ST_READ_END, NULL);
	db_close(db);
}

uint64_t
tending_bytes(const char *path, const char *suffix)
{
	char name[TEND_NAME];
	size_t n = strlen(path), m = strlen(suffix);
	struct stat st;

	if (n + m >= sizeof(name))
		return 0;
	memcpy(name, path, n);
	memcpy(name + n, suffix, m + 1);
	return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* ---- export ---- */

struct exporter {
	struct db *db;
	const struct tend_export *q;
	const char *device;
	int stop;
};

struct source {
	uint32_t id;
	const char *device;
};

static int
give(void *arg, const struct store_point *p)
{
	struct exporter *x = arg;
	struct tend_sample s = { .host = x->q->host, .device = x->device,
		.instance = p->instance, .at = p->at, .value = p->value,
		.type = p->type, .bits = p->bits };

	x->stop = x->q->sink(x->q->arg, &s);
	return x->stop;
}

/* A day at a time: what lies between is held in memory. */
static int
export_subject(struct exporter *x, const struct source *s, struct tc_err *e)
{
	struct store_series_query q = { .subject = s->id,
		.metric = x->q->metric, .limit = 1000000 };
	struct read_series r = { &q, give, x };
	int64_t at = x->q->from.ms;
	int rc = 0;

	x->device = s->device;
	while (rc == 0 && x->stop == 0 && at < x->q->to.ms) {
		int64_t end = (floor_div(at, DAY_MS) + 1) * DAY_MS;

		q.from.ms = at;
		q.to.ms = end < x->q->to.ms ? end : x->q->to.ms;
		rc = read_series(x->db, &r, e);
		at = q.to.ms;
	}
	return rc;
}

/* The host and all below it; *n is 0 when there is none of that name. */
static int
find_sources(struct db *db, const char *host, struct arena *a,
	struct source **out, size_t *n, struct tc_err *e) /* lint: an array and its length */
{
	static const char sql[] = "WITH RECURSIVE it(id, depth, key) AS ("
		"SELECT * FROM (SELECT id, 0, '' FROM subject WHERE kind = 2 "
		"AND key = ?1 ORDER BY retired, id DESC LIMIT 1) UNION ALL "
		"SELECT s.id, it.depth + 1, s.key FROM it "
		"JOIN subject s ON s.parent = it.id WHERE it.depth < 16) "
		"SELECT id, key FROM it ORDER BY depth, id";
	sqlite3_stmt *st = NULL;
	void *items = NULL;
	size_t cap = 0;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL);

	*n = 0;
	if (rc == SQLITE_OK)
		sqlite3_bind_text(st, 1, host, -1, SQLITE_STATIC);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct source s = { (uint32_t)sqlite3_column_int64(st, 0),
			arena_strdup(a,
				(const char *)sqlite3_column_text(st, 1)) };

		if (s.device == NULL ||
		    mem_grow(&items, &cap, *n + 1, sizeof(s)) < 0) {
			rc = SQLITE_NOMEM;
			break;
		}
		((struct source *)items)[(*n)++] = s;
		rc = SQLITE_OK;
	}
	*out = items;
	rc = rc == SQLITE_DONE ? 0 : db_fail(db, rc, e, "host");
	sqlite3_finalize(st);
	return rc;
}

/* What history there is bounds what was asked for. */
static int
bound(struct db *db, struct tend_export *q, struct tc_err *e)
{
	struct wall from, to;
	int rc = tending_span(db, &from, &to, e);

	if (rc < 0)
		return rc;
	if (q->from.ms < from.ms)
		q->from = from;
	if (q->to.ms == 0 || q->to.ms > to.ms)
		q->to = to;
	return 0;
}

int
tend_export(const char *path, const struct tend_export *given,
	struct tc_err *e)
{
	struct tend_export q = *given;
	struct db db = { 0 };
	struct exporter x = { .db = &db, .q = &q };
	struct source *sources = NULL;
	struct arena arena = { 0 };
	size_t n = 0;
	int rc = tending_open(&db, path, e);

	if (rc < 0)
		return rc;
	if ((rc = bound(&db, &q, e)) == 0)
		rc = find_sources(&db, q.host, &arena, &sources, &n, e);
	if (rc == 0 && n == 0)
		rc = tc_fail(e, TC_ENOENT, "there is no host %s", q.host);
	for (size_t i = 0; rc == 0 && x.stop == 0 && i < n; i++)
		rc = export_subject(&x, &sources[i], e);
	mem_free(sources);
	arena_free(&arena);
	tending_close(&db);
	return rc;
}

int
tend_find(const char *path, const char *host, const char *device,
	uint32_t *id, struct tc_err *e)
{
	struct source *sources = NULL;
	struct arena arena = { 0 };
	struct db db = { 0 };
	size_t n = 0;
	int rc = tending_open(&db, path, e);

	*id = 0;
	if (rc < 0)
		return rc;
	rc = find_sources(&db, host, &arena, &sources, &n, e);
	for (size_t i = 0; rc == 0 && *id == 0 && i < n; i++) {
		if (strcmp(sources[i].device, device) == 0)
			*id = sources[i].id;
	}
	mem_free(sources);
	arena_free(&arena);
	tending_close(&db);
	return rc;
}

int
tend_hosts(const char *path, int (*sink)(void *, const char *host), void *arg,
	struct tc_err *e)
{
	static const char sql[] = "SELECT key FROM subject WHERE kind = 2 "
		"AND retired = 0 ORDER BY key";
	sqlite3_stmt *st = NULL;
	struct db db = { 0 };
	int rc = tending_open(&db, path, e), stop = 0;

	if (rc < 0)
		return rc;
	rc = sqlite3_prepare_v2(db.h, sql, -1, &st, NULL);
	while (rc == SQLITE_OK && stop == 0 &&
		(rc = sqlite3_step(st)) == SQLITE_ROW) {
		stop = sink(arg, (const char *)sqlite3_column_text(st, 0));
		rc = SQLITE_OK;
	}
	rc = rc == SQLITE_DONE || rc == SQLITE_OK ? 0 :
		db_fail(&db, rc, e, "hosts");
	sqlite3_finalize(st);
	tending_close(&db);
	return rc;
}
