/*
 * tocsin_sql.so: what a plain SQLite reads is what the store was given.
 */
#include <check.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/db/yard.h"
#include "t/lib/story.h"

struct scene {
	struct yard y;
	sqlite3 *db;
};

static void
put(struct change_set *cs, struct change_history *row, const char *name,
	struct change_series series, uint64_t bits) /* lint: a row's parts */
{
	series.name = name;
	row_value(cs, row, &series, bits);
}

static void
fill(struct scene *s)
{
	struct change_set *cs = set_new();
	struct change_history *row;

	for (int minute = 0; minute < 120; minute++) {
		for (uint32_t host = 1; host <= 3; host++) {
			row = set_row(cs, host, "cpu", T0 + minute * 60000);
			row_f64(cs, row, "load_1m", host + minute / 128.0);
			put(cs, row, "cpu_seconds_total",
				(struct change_series){ .instance = "cpu=\"0\"",
				.type = TOCSIN_U64 }, (uint64_t)minute);
		}
		/* A sweep: one row of the partition for two hosts. */
		row = set_row(cs, YARD_PARTITION, "ping", T0 + minute * 60000);
		for (uint32_t host = 1; host <= 2; host++)
			put(cs, row, "ping_seconds", (struct change_series){
				.subject = host, .instance = "",
				.type = TOCSIN_F64 }, UINT64_C(0x3ff8) << 48);
	}
	set_subject(cs, 2000, SUBJECT_DEVICE, 2, "disk/sda");
	row = set_row(cs, 2000, "smart", T0 + 5000);
	put(cs, row, "smart_5_raw", (struct change_series){ .instance = "",
		.type = TOCSIN_I64 }, (uint64_t)INT64_C(-7));
	put(cs, row, "huge_raw", (struct change_series){ .instance = "",
		.type = TOCSIN_U64 }, UINT64_MAX);
	row_f64(cs, row, "nothing", NAN);
	set_prediction(cs, 1, 2000, T0, (struct prediction_text){ "likely",
		"{}" });
	set_event(cs, 1, 2, "host.ok");
	ck_assert_int_eq(yard_put(&s->y, cs), 0);
}

static void
scene_init(struct scene *s)
{
	const char *build = getenv("top_builddir");
	char path[600];
	char *error = NULL;

	memset(s, 0, sizeof(*s));
	yard_init(&s->y, &store_sqlite);
	yard_open(&s->y);
	yard_hosts(&s->y, 3);
	fill(s);
	snprintf(path, sizeof(path), "%s/.libs/tocsin_sql",
		build != NULL ? build : ".");
	/* Beside the server, and unable to write. */
	ck_assert_int_eq(sqlite3_open_v2(s->y.path, &s->db,
		SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL);
	ck_assert_msg(sqlite3_load_extension(s->db, path, NULL, &error) ==
		SQLITE_OK, "%s", error);
}

static void
scene_fini(struct scene *s)
{
	sqlite3_close(s->db);
	yard_fini(&s->y);
}

/* The one row's columns, with | between; rows with a line end. */
static const char *
ask(struct scene *s, const char *sql)
{
	static char out[4096];
	sqlite3_stmt *st;
	size_t n = 0;

	ck_assert_msg(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) ==
		SQLITE_OK, "%s", sqlite3_errmsg(s->db));
	out[0] = '\0';
	while (sqlite3_step(st) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const unsigned char *text = sqlite3_column_text(st, i);

			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s",
				n > 0 && i == 0 ? "\n" : i > 0 ? "|" : "",
				text != NULL ? (const char *)text : "NULL");
		}
	}
	ck_assert_msg(sqlite3_finalize(st) == SQLITE_OK, "%s",
		sqlite3_errmsg(s->db));
	return out;
}

START_TEST(a_metric_of_a_host_between_two_times)
{
	struct scene s;

	scene_init(&s);
	ck_assert_str_eq(ask(&s, "SELECT ts - 1767225600000, value "
		"FROM tocsin_samples WHERE host = 'h2' AND metric = 'load_1m' "
		"AND ts BETWEEN 1767225600000 + 64 * 60000 "
		"AND 1767225600000 + 66 * 60000 ORDER BY ts"),
		"3840000|2.5\n3900000|2.5078125\n3960000|2.515625");
	ck_assert_str_eq(ask(&s, "SELECT count(*), min(ts), max(value), "
		"min(instance), min(device) FROM tocsin_samples "
		"WHERE host = 'h1' AND metric = 'cpu_seconds_total'"),
		"120|1767225600000|119|cpu=\"0\"|");
	/* Measured by a sweep of the partition. */
	ck_assert_str_eq(ask(&s, "SELECT count(*), sum(value) "
		"FROM tocsin_samples WHERE host = 'h1' "
		"AND metric = 'ping_seconds'"), "120|180.0");
	ck_assert_str_eq(ask(&s, "SELECT count(*) FROM tocsin_samples "
		"WHERE host = 'h3' AND metric = 'ping_seconds'"), "0");
	ck_assert_str_eq(ask(&s, "SELECT count(*) FROM tocsin_samples "
		"WHERE host = 'nobody'"), "0");
	scene_fini(&s);
}
END_TEST

START_TEST(each_way_of_asking_gives_the_same)
{
	static const char all[] = "3 * 120 * 2 + 120 * 2 + 3";
	struct scene s;
	char sql[200];

	scene_init(&s);
	snprintf(sql, sizeof(sql), "SELECT count(*) = %s FROM tocsin_samples",
		all);
	ck_assert_str_eq(ask(&s, sql), "1");
	ck_assert_str_eq(ask(&s, "SELECT group_concat(n) FROM (SELECT count(*) "
		"AS n FROM tocsin_samples GROUP BY host ORDER BY host)"),
		"360,363,240");
	ck_assert_str_eq(ask(&s, "SELECT (SELECT count(*) FROM tocsin_samples "
		"WHERE host = 'h2'), (SELECT count(*) FROM tocsin_samples "
		"WHERE +host = 'h2')"), "363|363");
	ck_assert_str_eq(ask(&s, "SELECT count(*) FROM tocsin_samples WHERE "
		"metric = 'load_1m' AND ts >= 1767225600000 + 119 * 60000"),
		"3");
	ck_assert_str_eq(ask(&s, "SELECT count(*) FROM tocsin_samples WHERE "
		"ts < 1767225600000 + 60000 AND ts > 1767225600000"), "3");
	/* A join: the host is known only row by row. */
	ck_assert_str_eq(ask(&s, "SELECT h.host, count(*) FROM v_hosts h "
		"JOIN tocsin_samples s ON s.host = h.host "
		"WHERE s.metric = 'ping_seconds' GROUP BY 1 ORDER BY 1"),
		"h1|120\nh2|120");
	scene_fini(&s);
}
END_TEST

START_TEST(values_keep_their_kind)
{
	struct scene s;

	scene_init(&s);
	ck_assert_str_eq(ask(&s, "SELECT device, value, typeof(value) "
		"FROM tocsin_samples WHERE host = 'h2' "
		"AND metric = 'smart_5_raw'"), "disk/sda|-7|integer");
	ck_assert_str_eq(ask(&s, "SELECT typeof(value) FROM tocsin_samples "
		"WHERE metric = 'huge_raw'"), "real");
	ck_assert_str_eq(ask(&s, "SELECT value FROM tocsin_samples "
		"WHERE metric = 'nothing'"), "NULL");
	scene_fini(&s);
}
END_TEST

START_TEST(views_have_names_and_times_for_people)
{
	struct scene s;

	scene_init(&s);
	ck_assert_str_eq(ask(&s, "SELECT host, partition, retired FROM v_hosts "
		"ORDER BY host LIMIT 1"), "h1|rack1|0");
	ck_assert_str_eq(ask(&s, "SELECT host, device, level, since, until "
		"FROM v_predictions"),
		"h2|disk/sda|likely|2026-01-01T00:00:00.000Z|NULL");
	ck_assert_str_eq(ask(&s, "SELECT seq, at, kind, host, device "
		"FROM v_events"), "1|2026-01-01T00:00:00.001Z|host.ok|h2|");
	ck_assert_str_eq(ask(&s, "SELECT probe, instance FROM v_series "
		"WHERE host = 'h1' AND metric = 'cpu_seconds_total'"),
		"cpu|cpu=\"0\"");
	ck_assert_str_eq(ask(&s, "SELECT count(*) FROM v_alerts"), "0");
	ck_assert_str_eq(ask(&s, "SELECT host, device FROM v_devices"),
		"h2|disk/sda");
	/* Each can be read; columns are added, never changed. */
	ck_assert_str_eq(ask(&s, "SELECT (SELECT count(*) FROM v_plans), "
		"(SELECT count(*) FROM v_deliveries), "
		"(SELECT count(*) FROM v_maintenance), "
		"(SELECT count(*) FROM v_audit), "
		"(SELECT count(*) FROM v_blocks)"), "0|0|0|0|0");
	scene_fini(&s);
}
END_TEST

START_TEST(a_damaged_row_is_an_error_and_no_crash)
{
	struct scene s;
	sqlite3_stmt *st;
	sqlite3 *other;

	scene_init(&s);
	ck_assert_int_eq(sqlite3_open(s.y.path, &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, "UPDATE tick SET packed = x'01' "
		"WHERE subject = 3", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	ck_assert_int_eq(sqlite3_prepare_v2(s.db, "SELECT * FROM tocsin_samples "
		"WHERE host = 'h3'", -1, &st, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_CORRUPT);
	ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(s.db), "damaged row"));
	sqlite3_finalize(st);
	ck_assert_str_eq(ask(&s, "SELECT count(*) FROM tocsin_samples "
		"WHERE host = 'h1'"), "360");
	scene_fini(&s);
}
END_TEST

/* An hour of rows as a block, an hour as rows, and one that comes late. */
START_TEST(packed_history_reads_the_same)
{
	static const char *const sql[] = {
		"SELECT count(*), min(ts), max(ts), sum(value) "
		"FROM tocsin_samples WHERE host = 'h1'",
		"SELECT ts, value FROM tocsin_samples WHERE host = 'h2' "
		"AND metric = 'load_1m' AND ts BETWEEN 1767225600000 + 50 * "
		"60000 AND 1767225600000 + 70 * 60000 ORDER BY ts",
		"SELECT host, count(*), min(ts), max(ts) FROM tocsin_samples "
		"GROUP BY host ORDER BY host",
		"SELECT count(*) FROM tocsin_samples WHERE ts < "
		"1767225600000 + 59 * 60000 AND ts > 1767225600000 + 60000",
		"SELECT device, value, typeof(value) FROM tocsin_samples "
		"WHERE host = 'h2' AND metric = 'smart_5_raw'",
	};
	char before[5][4096];
	struct tc_err e = { 0 };
	struct change_set *cs;
	struct scene s;

	scene_init(&s);
	for (int i = 0; i < 5; i++)
		snprintf(before[i], sizeof(before[i]), "%s", ask(&s, sql[i]));
	ck_assert_int_eq(s.y.ops->compact(s.y.s,
		(struct wall){ T0 + 3600000 }, &e), 0);
	ck_assert_str_eq(ask(&s, "SELECT tier, host, probe, start, rows "
		"FROM v_blocks WHERE host = 'h1'"),
		"raw|h1|cpu|2026-01-01T00:00:00.000Z|60");
	for (int i = 0; i < 5; i++)
		ck_assert_str_eq(ask(&s, sql[i]), before[i]);
	cs = set_new();
	row_f64(cs, set_row(cs, 1, "cpu", T0 + 7), "late_seconds", 5);
	ck_assert_int_eq(yard_put(&s.y, cs), 0);
	ck_assert_str_eq(ask(&s, "SELECT host, ts - 1767225600000, value FROM "
		"tocsin_samples WHERE metric = 'late_seconds'"), "h1|7|5.0");
	ck_assert_str_eq(ask(&s, "SELECT value FROM tocsin_samples "
		"WHERE host = 'h1' AND metric = 'late_seconds'"), "5.0");
	scene_fini(&s);
}
END_TEST

int
main(void)
{
	return STORIES("store: sql", a_metric_of_a_host_between_two_times,
		each_way_of_asking_gives_the_same, values_keep_their_kind,
		views_have_names_and_times_for_people,
		a_damaged_row_is_an_error_and_no_crash,
		packed_history_reads_the_same);
}
