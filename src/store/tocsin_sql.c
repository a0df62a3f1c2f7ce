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
#include "base/mem.h"
#include "store/block.h"
#include "store/pack.h"
#include "store/tiers.h"

SQLITE_EXTENSION_INIT1

enum column { COL_HOST, COL_METRIC, COL_INSTANCE, COL_DEVICE, COL_TS,
	COL_VALUE };
/* What xFilter is given, in this order. */
enum given { GIVEN_HOST = 1, GIVEN_METRIC = 2, GIVEN_FROM = 4, GIVEN_TO = 8 };

/* Columns of the inner statement; a block's time is NULL. */
enum got { GOT_HOST, GOT_METRIC, GOT_INSTANCE, GOT_DEVICE, GOT_TS, GOT_TYPE,
	GOT_N, GOT_POS, GOT_PACKED, GOT_LO, GOT_HI };

struct samples {
	sqlite3_vtab base;
	sqlite3 *db;
};

struct cursor {
	sqlite3_vtab_cursor base;
	sqlite3_stmt *st;
	bool done;
	sqlite3_int64 row;
	enum tocsin_sample_type type;
	sqlite3_int64 ts;
	sqlite3_int64 lo, hi;	/* of a block's times: lo ≤ ts < hi */
	uint64_t bits;
	struct block_get block;	/* the one at hand */
	size_t at, end;		/* of its rows; at = end: none is */
	int64_t *times;
	uint64_t *column;
	size_t cap_times, cap_column;
};

/* ---- the inner statement ---- */

#define TIME(ms) "strftime('%Y-%m-%dT%H:%M:%fZ', " ms " / 1000.0, 'unixepoch')"

/*
 * A host and all that is part of it; the minutes to look at among the rows;
 * the starts of blocks: those of an hour, long ones (32 days) and drives'
 * reports (256 days), these for times that retention took from the others.
 */
static const char owners[] =
	"WITH RECURSIVE owner(id, host, device, depth) AS ("
	"SELECT id, key, '', 0 FROM subject WHERE kind = 2%s UNION ALL "
	"SELECT s.id, o.host, s.key, o.depth + 1 FROM owner o "
	"JOIN subject s ON s.parent = o.id WHERE o.depth < 16), "
	"mark(packed) AS (SELECT ifnull((SELECT value FROM meta "
	"WHERE key = 'packed'), -1e15)), "
	"span(lo, hi) AS (SELECT max((SELECT min(slot) FROM tick), "
	"(SELECT packed FROM mark), ifnull(?3 / 60000 - 1, -1e18)), "
	"min((SELECT max(slot) FROM tick), ifnull(?4 / 60000 + 1, 1e18))), "
	"raw(ms) AS (SELECT ifnull((SELECT value FROM meta "
	"WHERE key = 'raw_from'), -1e15)), "
	"part(tier, lo, hi, ts_lo, ts_hi) AS ("
	"SELECT 0, ifnull(?3 - 3600000, -1e18), "
	"min(ifnull(?4, 1e18), (SELECT packed FROM mark) * 60000 - 1), "
	"(SELECT ms FROM raw), 1e18 "
	"UNION ALL SELECT 1, ifnull(?3 - 2764800000, -1e18), "
	"ifnull(?4, 1e18), (SELECT ms FROM raw), 1e18 "
	"UNION ALL SELECT 5, ifnull(?3 - 22118400000, -1e18), "
	"ifnull(?4, 1e18), -1e18, (SELECT ms FROM raw)) ";

/* One host: its places. */
static const char places[] =
	", slot(n) AS (SELECT CAST(lo AS INTEGER) FROM span "
	"WHERE lo <= hi UNION ALL SELECT n + 1 FROM slot "
	"WHERE n < (SELECT hi FROM span)), "
	"place AS (SELECT w.host, w.device, o.subject, o.probe, o.layout, "
	"s.pos, s.type, s.metric, s.instance FROM owner w "
	"CROSS JOIN source o ON o.subject = w.id CROSS JOIN layout_series s "
	"ON s.layout = o.layout AND s.subject IS NULL%s UNION ALL "
	"SELECT w.host, w.device, o.subject, o.probe, o.layout, s.pos, s.type, "
	"s.metric, s.instance FROM owner w CROSS JOIN layout_series s "
	"ON s.subject = w.id%s CROSS JOIN source o ON o.layout = s.layout) ";

#define OF_PLACE "t.subject = p.subject AND t.probe = p.probe " \
	"AND t.layout = p.layout"

/* Where samples lie: for a host, and for all. */
static const struct {
	const char *ts;
	const char *bytes;
	const char *of_host;
	const char *of_all;
} sources[] = {
	{ "t.at_ms", "t.packed, NULL, NULL",
		"slot z CROSS JOIN tick t ON t.slot = z.n AND " OF_PLACE,
		"span CROSS JOIN tick t "
		"ON t.slot >= span.lo AND t.slot <= span.hi" },
	{ "t.at_ms", "t.packed, NULL, NULL", "late t ON " OF_PLACE, "late t" },
	{ "NULL", "t.bytes, c.ts_lo, c.ts_hi", "part c CROSS JOIN block t ON t.tier = c.tier "
		"AND t.start_ms > c.lo AND t.start_ms <= c.hi AND " OF_PLACE,
		"part c CROSS JOIN block t ON t.id >= c.tier << 52 "
		"AND t.id < (c.tier + 1) << 52 "
		"AND t.start_ms > c.lo AND t.start_ms <= c.hi" },
};

static void
add_source(sqlite3_str *sql, int given, size_t i, const char *metric)
{
	bool whole = i == 2;

	if (i > 0)
		sqlite3_str_appendall(sql, " UNION ALL ");
	if (given & GIVEN_HOST)
		sqlite3_str_appendf(sql, "SELECT p.host, m.text, i.text, "
			"p.device, %s, p.type, l.n, p.pos, %s FROM place p "
			"CROSS JOIN layout l ON l.id = p.layout "
			"CROSS JOIN name m ON m.id = p.metric "
			"CROSS JOIN name i ON i.id = p.instance "
			"CROSS JOIN %s WHERE 1", sources[i].ts,
			sources[i].bytes, sources[i].of_host);
	else
		sqlite3_str_appendf(sql, "SELECT w.host, m.text, i.text, "
			"w.device, %s, s.type, l.n, s.pos, %s FROM %s "
			"CROSS JOIN layout l ON l.id = t.layout "
			"CROSS JOIN layout_series s ON s.layout = t.layout%s "
			"CROSS JOIN owner w ON w.id = ifnull(s.subject, "
			"t.subject) CROSS JOIN name m ON m.id = s.metric "
			"CROSS JOIN name i ON i.id = s.instance WHERE 1",
			sources[i].ts, sources[i].bytes, sources[i].of_all,
			metric);
	if (given & GIVEN_FROM && !whole)
		sqlite3_str_appendall(sql, " AND t.at_ms >= ?3");
	if (given & GIVEN_TO && !whole)
		sqlite3_str_appendall(sql, " AND t.at_ms <= ?4");
}

static char *
make_sql(int given)
{
	const char *metric = given & GIVEN_METRIC ? " AND s.metric = "
		"(SELECT id FROM name WHERE text = ?2)" : "";
	sqlite3_str *sql = sqlite3_str_new(NULL);

	sqlite3_str_appendf(sql, owners,
		given & GIVEN_HOST ? " AND key = ?1" : "");
	if (given & GIVEN_HOST)
		sqlite3_str_appendf(sql, places, metric, metric);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		add_source(sql, given, i, metric);
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
	*c = (struct cursor){ .done = true };
	*out = &c->base;
	return SQLITE_OK;
}

static int
close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	sqlite3_finalize(c->st);
	block_get_free(&c->block);
	mem_free(c->times);
	mem_free(c->column);
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
fail_row(struct cursor *c, int rc)
{
	if (rc == TC_ENOMEM)
		return SQLITE_NOMEM;
	return complain(c->base.pVtab, rc == TC_EUNSUP ? SQLITE_ERROR :
		SQLITE_CORRUPT_VTAB, rc == TC_EUNSUP ?
		"a row of a newer version" : "a damaged row");
}

static int
unpack_row(struct cursor *c)
{
	const void *packed = sqlite3_column_blob(c->st, GOT_PACKED);
	sqlite3_int64 n = sqlite3_column_int64(c->st, GOT_N);
	sqlite3_int64 pos = sqlite3_column_int64(c->st, GOT_POS);
	struct unpacker u;
	int rc = TC_ECORRUPT;

	if (packed != NULL && n > 0 && pos >= 0)
		rc = unpack_begin(&u, packed,
			(size_t)sqlite3_column_bytes(c->st, GOT_PACKED),
			(size_t)n);
	if (rc == 0)
		rc = unpack_at(&u, (size_t)pos, c->type, &c->bits);
	c->ts = sqlite3_column_int64(c->st, GOT_TS);
	return rc;
}

static int
make_room(struct cursor *c)
{
	void *times = c->times, *column = c->column;

	if (mem_grow(&times, &c->cap_times, c->block.rows,
	    sizeof(*c->times)) < 0)
		return TC_ENOMEM;
	c->times = times;
	if (mem_grow(&column, &c->cap_column, c->block.rows,
	    sizeof(*c->column)) < 0)
		return TC_ENOMEM;
	c->column = column;
	return 0;
}

/* The next one of the block that counts; false at its end. */
static bool
take_sample(struct cursor *c)
{
	while (c->at < c->end) {
		size_t i = c->at++;

		if (c->times[i] < c->lo || c->times[i] >= c->hi)
			continue;
		c->ts = c->times[i];
		c->bits = c->column[i];
		return true;
	}
	return false;
}

static int
open_column(struct cursor *c)
{
	const void *bytes = sqlite3_column_blob(c->st, GOT_PACKED);
	sqlite3_int64 pos = sqlite3_column_int64(c->st, GOT_POS);
	int rc = TC_ECORRUPT;

	if (bytes != NULL && pos >= 0)
		rc = block_open(&c->block, bytes,
			(size_t)sqlite3_column_bytes(c->st, GOT_PACKED));
	if (rc < 0 || (rc = make_room(c)) < 0 ||
	    (rc = block_times(&c->block, c->times)) < 0 ||
	    (rc = block_column(&c->block, (size_t)pos, c->column)) < 0)
		return rc;
	c->at = 0;
	c->end = c->block.rows;
	c->lo = sqlite3_column_int64(c->st, GOT_LO);
	c->hi = sqlite3_column_int64(c->st, GOT_HI);
	return 0;
}

static int
next_row(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	struct samples *v = (struct samples *)base->pVtab;
	int rc;

	c->row++;
	while (!take_sample(c)) {
		rc = sqlite3_step(c->st);
		c->done = rc != SQLITE_ROW;
		if (rc == SQLITE_DONE)
			return SQLITE_OK;
		if (rc != SQLITE_ROW)
			return complain(base->pVtab, rc,
				sqlite3_errmsg(v->db));
		c->type = (enum tocsin_sample_type)
			sqlite3_column_int(c->st, GOT_TYPE);
		if (sqlite3_column_type(c->st, GOT_TS) != SQLITE_NULL) {
			rc = unpack_row(c);
			return rc < 0 ? fail_row(c, rc) : SQLITE_OK;
		}
		if ((rc = open_column(c)) < 0)
			return fail_row(c, rc);
	}
	return SQLITE_OK;
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
	c->at = c->end = 0;
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
	return ((struct cursor *)base)->done;
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
	else if (i == COL_TS)
		sqlite3_result_int64(to, c->ts);
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
	"summary, acked_by, body FROM alert;"

	"CREATE TEMP VIEW IF NOT EXISTS v_devices AS "
	"SELECT " OWNER_COLUMNS("x") "AS device, x.retired, x.body "
	"FROM subject x LEFT JOIN subject up ON up.id = x.parent "
	"WHERE x.kind = 5;"

	"CREATE TEMP VIEW IF NOT EXISTS v_plans AS "
	"SELECT p.id, ifnull(h.key, '') AS host, p.state, p.action, "
	"p.since_ms, " TIME("p.since_ms") " AS since, p.at_ms, "
	TIME("p.at_ms") " AS at, p.body FROM plan p "
	"LEFT JOIN subject h ON h.id = p.host;"

	"CREATE TEMP VIEW IF NOT EXISTS v_deliveries AS "
	"SELECT id, alert, receiver, firing, at_ms, " TIME("at_ms") " AS at, "
	"done, attempts, " TIME("tried_ms") " AS tried, error, payload "
	"FROM outbox;"

	"CREATE TEMP VIEW IF NOT EXISTS v_maintenance AS "
	"SELECT id, ended, body FROM window;"

	"CREATE TEMP VIEW IF NOT EXISTS v_audit AS "
	"SELECT a.seq, a.at_ms, " TIME("a.at_ms") " AS at, a.actor, a.action, "
	OWNER_COLUMNS("x") "AS device, a.body FROM audit a "
	"LEFT JOIN subject x ON x.id = a.subject "
	"LEFT JOIN subject up ON up.id = x.parent;"

	"CREATE TEMP VIEW IF NOT EXISTS v_blocks AS "
	"SELECT CASE b.tier WHEN 2 THEN '5m' WHEN 3 THEN '1h' WHEN 4 THEN '1d' "
	"WHEN 5 THEN 'snapshot' ELSE 'raw' END AS tier, "
	OWNER_COLUMNS("x") "AS device, n.text AS probe, b.start_ms, "
	TIME("b.start_ms") " AS start, b.rows, b.rows * l.n AS samples, "
	"length(b.bytes) AS bytes FROM block b "
	"JOIN layout l ON l.id = b.layout JOIN name n ON n.id = b.probe "
	"LEFT JOIN subject x ON x.id = b.subject "
	"LEFT JOIN subject up ON up.id = x.parent;";

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
