/*
 * tocsin_sql.so: history and states of a tocsin.db for anything that speaks
 * SQLite.  `.load tocsin_sql` brings the table tocsin_samples and the views
 * below; nothing in the file is changed.  See contrib/sql.md.
 */
#include <sqlite3ext.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "store/pack.h"

SQLITE_EXTENSION_INIT1

enum column { COL_HOST, COL_METRIC, COL_INSTANCE, COL_DEVICE, COL_TS,
	COL_VALUE };
/* What xFilter is given, in this order. */
enum given { GIVEN_HOST = 1, GIVEN_METRIC = 2, GIVEN_FROM = 4, GIVEN_TO = 8 };

/* Columns of the inner statement. */
enum got { GOT_HOST, GOT_METRIC, GOT_INSTANCE, GOT_DEVICE, GOT_TS, GOT_TYPE,
	GOT_N, GOT_POS, GOT_PACKED };

struct samples {
	sqlite3_vtab base;
	sqlite3 *db;
};

struct cursor {
	sqlite3_vtab_cursor base;
	sqlite3_stmt *st;
	bool end;
	sqlite3_int64 row;
	enum tocsin_sample_type type;
	uint64_t bits;
};

/* ---- the inner statement ---- */

#define TIME(ms) "strftime('%Y-%m-%dT%H:%M:%fZ', " ms " / 1000.0, 'unixepoch')"

/* A host and all that is part of it. */
static const char owners[] =
	"WITH RECURSIVE owner(id, host, device, depth) AS ("
	"SELECT id, key, '', 0 FROM subject WHERE kind = 2%s UNION ALL "
	"SELECT s.id, o.host, s.key, o.depth + 1 FROM owner o "
	"JOIN subject s ON s.parent = o.id WHERE o.depth < 16), "
	"span(lo, hi) AS (SELECT "
	"max((SELECT min(slot) FROM tick), ifnull(?3 / 60000 - 1, -1e18)), "
	"min((SELECT max(slot) FROM tick), ifnull(?4 / 60000 + 1, 1e18))) ";

/* One host: its places, then a seek for each of their minutes. */
static const char of_host[] =
	", slot(n) AS (SELECT CAST(lo AS INTEGER) FROM span "
	"WHERE lo <= hi UNION ALL SELECT n + 1 FROM slot "
	"WHERE n < (SELECT hi FROM span)), "
	"place AS (SELECT w.host, w.device, o.subject, o.probe, o.layout, "
	"s.pos, s.type, s.metric, s.instance FROM owner w "
	"CROSS JOIN source o ON o.subject = w.id CROSS JOIN layout_series s "
	"ON s.layout = o.layout AND s.subject IS NULL%s UNION ALL "
	"SELECT w.host, w.device, o.subject, o.probe, o.layout, s.pos, s.type, "
	"s.metric, s.instance FROM owner w CROSS JOIN layout_series s "
	"ON s.subject = w.id%s CROSS JOIN source o ON o.layout = s.layout) "
	"SELECT p.host, m.text, i.text, p.device, t.at_ms, p.type, l.n, p.pos, "
	"t.packed FROM place p CROSS JOIN layout l ON l.id = p.layout "
	"CROSS JOIN name m ON m.id = p.metric "
	"CROSS JOIN name i ON i.id = p.instance CROSS JOIN slot z "
	"CROSS JOIN tick t ON t.slot = z.n AND t.subject = p.subject "
	"AND t.probe = p.probe AND t.layout = p.layout WHERE 1";

/* All hosts: the rows in their order. */
static const char of_all[] =
	"SELECT w.host, m.text, i.text, w.device, t.at_ms, s.type, l.n, s.pos, "
	"t.packed FROM span CROSS JOIN tick t "
	"ON t.slot >= span.lo AND t.slot <= span.hi "
	"CROSS JOIN layout l ON l.id = t.layout "
	"CROSS JOIN layout_series s ON s.layout = t.layout%s "
	"CROSS JOIN owner w ON w.id = ifnull(s.subject, t.subject) "
	"CROSS JOIN name m ON m.id = s.metric "
	"CROSS JOIN name i ON i.id = s.instance WHERE 1";

static char *
make_sql(int given)
{
	const char *metric = given & GIVEN_METRIC ? " AND s.metric = "
		"(SELECT id FROM name WHERE text = ?2)" : "";
	sqlite3_str *sql = sqlite3_str_new(NULL);

	sqlite3_str_appendf(sql, owners,
		given & GIVEN_HOST ? " AND key = ?1" : "");
	if (given & GIVEN_HOST)
		sqlite3_str_appendf(sql, of_host, metric, metric);
	else
		sqlite3_str_appendf(sql, of_all, metric);
	if (given & GIVEN_FROM)
		sqlite3_str_appendall(sql, " AND t.at_ms >= ?3");
	if (given & GIVEN_TO)
		sqlite3_str_appendall(sql, " AND t.at_ms <= ?4");
	return sqlite3_str_finish(sql);
}

/* ---- the table ---- */

static int
connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
	sqlite3_vtab **out, char **error) /* lint: SQLite's signature */
{
	struct samples *v = sqlite3_malloc(sizeof(*v));
	int rc;

	(void)aux;
	(void)argc;
	(void)argv;
	(void)error;
	if (v == NULL)
		return SQLITE_NOMEM;
	*v = (struct samples){ .db = db };
	rc = sqlite3_declare_vtab(db, "CREATE TABLE x(host TEXT, metric TEXT, "
		"instance TEXT, device TEXT, ts INTEGER, value)");
	if (rc != SQLITE_OK) {
		sqlite3_free(v);
		return rc;
	}
	*out = &v->base;
	return SQLITE_OK;
}

static int
disconnect(sqlite3_vtab *v)
{
	sqlite3_free(v);
	return SQLITE_OK;
}

/* What a constraint gives us; 0 = nothing we use. */
static int
given_by(const struct sqlite3_index_constraint *c)
{
	if (!c->usable)
		return 0;
	if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->iColumn == COL_HOST)
		return GIVEN_HOST;
	if (c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->iColumn == COL_METRIC)
		return GIVEN_METRIC;
	if (c->iColumn != COL_TS)
		return 0;
	if (c->op == SQLITE_INDEX_CONSTRAINT_GE ||
	    c->op == SQLITE_INDEX_CONSTRAINT_GT)
		return GIVEN_FROM;
	if (c->op == SQLITE_INDEX_CONSTRAINT_LE ||
	    c->op == SQLITE_INDEX_CONSTRAINT_LT)
		return GIVEN_TO;
	return 0;
}

/* SQLite checks every constraint again: ours may let through too much. */
static int
best_index(sqlite3_vtab *v, sqlite3_index_info *info)
{
	int at[4] = { -1, -1, -1, -1 };
	int n = 0;
	double cost = 1e9;

	(void)v;
	for (int i = 0; i < info->nConstraint; i++) {
		int given = given_by(&info->aConstraint[i]);

		for (int bit = 0; bit < 4; bit++)
			if (given == 1 << bit && at[bit] < 0)
				at[bit] = i;
	}
	for (int bit = 0; bit < 4; bit++) {
		if (at[bit] < 0)
			continue;
		info->aConstraintUsage[at[bit]].argvIndex = ++n;
		info->idxNum |= 1 << bit;
		cost /= bit < 2 ? 100 : 10;
	}
	info->estimatedCost = cost;
	info->estimatedRows = (sqlite3_int64)cost;
	return SQLITE_OK;
}

static int
open_cursor(sqlite3_vtab *v, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc(sizeof(*c));

	(void)v;
	if (c == NULL)
		return SQLITE_NOMEM;
	*c = (struct cursor){ .end = true };
	*out = &c->base;
	return SQLITE_OK;
}

static int
close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	sqlite3_finalize(c->st);
	sqlite3_free(c);
	return SQLITE_OK;
}

static int
complain(sqlite3_vtab *v, int rc, const char *why)
{
	sqlite3_free(v->zErrMsg);
	v->zErrMsg = sqlite3_mprintf("tocsin_samples: %s", why);
	return rc;
}

static int
unpack_row(struct cursor *c)
{
	const void *packed = sqlite3_column_blob(c->st, GOT_PACKED);
	sqlite3_int64 n = sqlite3_column_int64(c->st, GOT_N);
	sqlite3_int64 pos = sqlite3_column_int64(c->st, GOT_POS);
	struct unpacker u;
	int rc = TC_ECORRUPT;

	c->type = (enum tocsin_sample_type)
		sqlite3_column_int(c->st, GOT_TYPE);
	if (packed != NULL && n > 0 && pos >= 0)
		rc = unpack_begin(&u, packed,
			(size_t)sqlite3_column_bytes(c->st, GOT_PACKED),
			(size_t)n);
	if (rc == 0)
		rc = unpack_at(&u, (size_t)pos, c->type, &c->bits);
	if (rc == 0)
		return SQLITE_OK;
	return complain(c->base.pVtab, rc == TC_EUNSUP ? SQLITE_ERROR :
		SQLITE_CORRUPT_VTAB, rc == TC_EUNSUP ?
		"a row of a newer version" : "a damaged row");
}

static int
next_row(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	struct samples *v = (struct samples *)base->pVtab;
	int rc = sqlite3_step(c->st);

	c->end = rc != SQLITE_ROW;
	c->row++;
	if (rc == SQLITE_ROW)
		return unpack_row(c);
	return rc == SQLITE_DONE ? SQLITE_OK :
		complain(base->pVtab, rc, sqlite3_errmsg(v->db));
}

static int
filter(sqlite3_vtab_cursor *base, int given, const char *text, int argc,
	sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct samples *v = (struct samples *)base->pVtab;
	char *sql = make_sql(given);
	int rc, at = 0;

	(void)text;
	if (sql == NULL)
		return SQLITE_NOMEM;
	sqlite3_finalize(c->st);
	c->st = NULL;
	c->row = 0;
	rc = sqlite3_prepare_v2(v->db, sql, -1, &c->st, NULL);
	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return complain(base->pVtab, rc, sqlite3_errmsg(v->db));
	for (int bit = 0; bit < 4 && at < argc; bit++) {
		if (given & (1 << bit))
			sqlite3_bind_value(c->st, bit + 1, argv[at++]);
	}
	return next_row(base);
}

static int
at_end(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->end;
}

/* Whole types stay whole as far as SQLite's integers go; NaN is NULL. */
static void
put_value(sqlite3_context *to, const struct cursor *c)
{
	switch (c->type) {
	case TOCSIN_I64:
		sqlite3_result_int64(to, (sqlite3_int64)c->bits);
		return;
	case TOCSIN_U64:
		if (c->bits <= INT64_MAX) {
			sqlite3_result_int64(to, (sqlite3_int64)c->bits);
			return;
		}
		break;
	case TOCSIN_F64:
		break;
	}
	sqlite3_result_double(to, pack_to_double(c->type, c->bits));
}

static int
column(sqlite3_vtab_cursor *base, sqlite3_context *to, int i)
{
	static const int got[] = { GOT_HOST, GOT_METRIC, GOT_INSTANCE,
		GOT_DEVICE, GOT_TS };
	struct cursor *c = (struct cursor *)base;

	if (i == COL_VALUE)
		put_value(to, c);
	else
		sqlite3_result_value(to, sqlite3_column_value(c->st, got[i]));
	return SQLITE_OK;
}

static int
row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	*out = ((struct cursor *)base)->row;
	return SQLITE_OK;
}

/* No xCreate: the table is there without being made. */
static const sqlite3_module samples_module = {
	.iVersion = 0,
	.xConnect = connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next_row,
	.xEof = at_end,
	.xColumn = column,
	.xRowid = row_id,
};

/* ---- the views: columns are added, never changed ---- */

#define OWNER_COLUMNS(s) \
	"CASE WHEN " s ".kind = 2 THEN " s ".key WHEN up.kind = 2 THEN up.key " \
	"ELSE '' END AS host, " \
	"CASE WHEN " s ".kind = 2 THEN '' ELSE ifnull(" s ".key, '') END "

static const char views[] =
	"CREATE TEMP VIEW IF NOT EXISTS v_hosts AS "
	"SELECT h.key AS host, ifnull(p.key, '') AS partition, h.retired, "
	"h.body FROM subject h LEFT JOIN subject p ON p.id = h.parent "
	"WHERE h.kind = 2;"

	"CREATE TEMP VIEW IF NOT EXISTS v_series AS "
	"SELECT DISTINCT " OWNER_COLUMNS("x") "AS device, b.text AS probe, "
	"m.text AS metric, i.text AS instance FROM layout_series s "
	"JOIN source o ON o.layout = s.layout "
	"JOIN subject x ON x.id = ifnull(s.subject, o.subject) "
	"LEFT JOIN subject up ON up.id = x.parent "
	"JOIN name b ON b.id = o.probe JOIN name m ON m.id = s.metric "
	"JOIN name i ON i.id = s.instance;"

	"CREATE TEMP VIEW IF NOT EXISTS v_predictions AS "
	"SELECT p.id, " OWNER_COLUMNS("x") "AS device, p.level, p.risk_d7, "
	"p.risk_d30, p.risk_d90, p.since_ms, " TIME("p.since_ms") " AS since, "
	"p.until_ms, " TIME("p.until_ms") " AS until, p.pack, p.body "
	"FROM prediction p JOIN subject x ON x.id = p.subject "
	"LEFT JOIN subject up ON up.id = x.parent;"

	"CREATE TEMP VIEW IF NOT EXISTS v_events AS "
	"SELECT e.seq, e.at_ms, " TIME("e.at_ms") " AS at, e.kind, "
	OWNER_COLUMNS("x") "AS device, e.cause_seq, e.body FROM event e "
	"LEFT JOIN subject x ON x.id = e.subject "
	"LEFT JOIN subject up ON up.id = x.parent;"

	"CREATE TEMP VIEW IF NOT EXISTS v_alerts AS "
	"SELECT id, kind, severity, host, partition, since_ms, "
	TIME("since_ms") " AS since, ended_ms, " TIME("ended_ms") " AS ended, "
	"summary, acked_by, body FROM alert;";

int sqlite3_tocsinsql_init(sqlite3 *db, char **error,
	const sqlite3_api_routines *api);

__attribute__((visibility("default"))) int
sqlite3_tocsinsql_init(sqlite3 *db, char **error,
	const sqlite3_api_routines *api)
{
	int rc;

	SQLITE_EXTENSION_INIT2(api);
	rc = sqlite3_create_module_v2(db, "tocsin_samples", &samples_module,
		NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, views, NULL, NULL, error);
	return rc;
}
