/*
 * The real tocsind: times of detection and repair of ten incidents in its
 * event log, as its API and the cli tell them.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "t/lib/it.h"
#include "t/lib/schema.h"
#include "t/lib/story.h"
#include "t/lib/ten_incidents.h"

static struct schema schema;
static sqlite3 *db;
static int64_t begin_ms;

static void
put(const char *fmt, ...) TC_PRINTF(1, 2);

static void
put(const char *fmt, ...)
{
	char *why = NULL, *text;
	va_list ap;

	va_start(ap, fmt);
	text = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &why) == SQLITE_OK,
		"%s: %s", text, why);
	sqlite3_free(text);
}

static long long
at(int s)
{
	return (long long)begin_ms + s * 1000LL;
}

static const char *
name_of(int subject)
{
	static const char *const names[] = { "P", "a", "b", "c", "d", "v",
		"r" };

	return names[subject - TEN_P];
}

static void
put_subjects(void)
{
	static const struct { int id, kind, parent; } rows[] = {
		{ TEN_P, 1, 0 }, { TEN_A, 2, TEN_P }, { TEN_B, 2, TEN_P },
		{ TEN_C, 2, TEN_P }, { TEN_D, 2, TEN_P }, { TEN_V, 3, TEN_B },
		{ TEN_R, 4, TEN_V },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		put("INSERT INTO subject(id, kind, parent, key, retired) "
			"VALUES (%d, %d, nullif(%d, 0), '%s', 1)", rows[i].id,
			rows[i].kind, rows[i].parent, name_of(rows[i].id));
	for (size_t i = 0; i < ARRAY_LEN(ten_warnings); i++)
		put("INSERT INTO prediction(subject, host, since_ms, until_ms, "
			"level, risk_d7, risk_d30, risk_d90, pack, body) "
			"VALUES (%d, %d, %lld, %lld, 'watch', 0, 0, 0, 'x', "
			"'{}')", ten_warnings[i].host, ten_warnings[i].host,
			at(ten_warnings[i].since),
			at(ten_warnings[i].until != 0 ?
				ten_warnings[i].until : 99000));
}

static const char *
kind_of(const struct ten_move *m)
{
	if (m->gone)
		return "host.retired";
	switch (m->subject) {
	case TEN_P:
		return m->to == HEALTH_HEALTHY ? "alert.resolved" :
			"alert.firing";
	case TEN_V:
		return "vm.state";
	case TEN_R:
		return "role.state";
	default:
		return "host.state";
	}
}

/* As the engine writes them. */
static void
put_moves(void)
{
	for (size_t i = 0; i < ARRAY_LEN(ten_moves); i++) {
		const struct ten_move *m = &ten_moves[i];
		char body[300] = "{}";

		if (m->subject == TEN_P)
			snprintf(body, sizeof(body), "{\"id\":7,\"kind\":"
				"\"partition_outage\"}");
		else if (!m->gone)
			snprintf(body, sizeof(body), "{\"from\":\"%s\","
				"\"to\":\"%s\",\"cause_hint\":\"%s\"%s%s%s%s}",
				health_id(m->from), health_id(m->to),
				cause_id(m->cause), m->in_window ?
				",\"window\":3" : "", m->subject >= TEN_V ?
				",\"host\":\"" : "", m->subject >= TEN_V ?
				name_of(m->host) : "", m->subject >= TEN_V ?
				"\"" : "");
		put("INSERT INTO event(seq, at_ms, kind, subject, epoch, body) "
			"VALUES (%d, %lld, '%s', %d, 0, '%s')",
			900000 + (int)i, at(m->at), kind_of(m), m->subject, body);
	}
	/* no moves: another alert, and a body that is no JSON */
	put("INSERT INTO event(seq, at_ms, kind, subject, epoch, body) VALUES "
		"(990000, %lld, 'alert.firing', %d, 0, '{\"kind\":\"x\"}'), "
		"(990001, %lld, 'host.state', %d, 0, '{\"from\":')", at(0),
		TEN_P, at(0), TEN_A);
}

static void
times(const json_t *side, const char *what, json_int_t n, double mean,
	double median)
{
	const json_t *t = json_object_get(side, what);

	ck_assert_int_eq(json_integer_value(json_object_get(t, "n")), n);
	if (n < 3) {
		ck_assert(json_is_null(json_object_get(t, "mean_seconds")));
		ck_assert_str_eq(json_string_value(json_object_get(t, "note")),
			"not enough data");
		return;
	}
	ck_assert_double_eq_tol(json_number_value(json_object_get(t,
		"mean_seconds")), mean, 0.001);
	ck_assert_double_eq_tol(json_number_value(json_object_get(t,
		"median_seconds")), median, 0.001);
}

static const json_t *
row(const struct it_reply *r, const char *layer, const char *cause,
	const char *side)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(r->json, "items"), i, item)
		if (strcmp(json_string_value(json_object_get(item, "layer")),
			layer) == 0 && strcmp(json_string_value(
			json_object_get(item, "cause")), cause) == 0)
			return json_object_get(item, side);
	ck_abort_msg("no row of %s, %s", layer, cause);
}

static void
get(struct it *it, const char *query, long status, struct it_reply *r)
{
	const char *type = NULL;
	const json_t *rule;
	char path[200];

	snprintf(path, sizeof(path), "/v1/stats/mttx%s", query);
	it_get(it, path, r);
	ck_assert_int_eq(r->status, status);
	rule = schema_of_reply(&schema, "get", "/v1/stats/mttx", (int)status,
		&type);
	ck_assert_ptr_nonnull(rule);
	ck_assert_msg(schema_match(&schema, rule, r->json), "%s\n%s",
		schema.why, strbuf_str(&r->text));
}

START_TEST(r034_the_times_of_ten_incidents_are_as_reckoned_by_hand)
{
	struct strbuf out = { 0 };
	struct it_reply r;
	struct it it;
	char path[200];
	const json_t *s;

	it_init(&it);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\npartitions: []\n", it.dir);
	snprintf(path, sizeof(path), "%s/openapi.json", it_data_dir());
	schema.doc = json_load_file(path, 0, NULL);
	ck_assert_ptr_nonnull(schema.doc);
	it_start_server(&it);
	get(&it, "", 200, &r);
	times(row(&r, "all", "all", "reactive"), "mttd", 0, 0, 0);
	it_reply_fini(&r);

	begin_ms = clock_system()->wall(clock_system()).ms - 100000 * 1000;
	snprintf(path, sizeof(path), "%s/state/tocsin.db", it.dir);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	put("BEGIN IMMEDIATE");
	put_subjects();
	put_moves();
	put("COMMIT");
	sqlite3_close(db);

	get(&it, "", 200, &r);
	s = row(&r, "all", "all", "reactive");
	ck_assert_int_eq(json_integer_value(json_object_get(s, "open")), 1);
	times(s, "mttd", 5, 42, 30);
	times(s, "mttr", 5, 374, 120);
	s = row(&r, "all", "all", "predicted");
	times(s, "mttd", 4, 191.25, 67.5);
	times(s, "mttr", 3, 600, 600);
	times(s, "warned", 4, 1000, 750);
	times(row(&r, "host", "all", "reactive"), "mttr", 3, 450, 100);
	times(row(&r, "host", "all", "predicted"), "mttd", 3, 55, 45);
	times(row(&r, "host", "all", "predicted"), "mttr", 2, 0, 0);
	times(row(&r, "all", "device", "predicted"), "mttd", 3, 225, 45);
	times(row(&r, "vm", "device", "predicted"), "mttd", 1, 0, 0);
	times(row(&r, "all", "memory", "reactive"), "mttd", 2, 0, 0);
	times(row(&r, "partition", "all", "reactive"), "mttd", 1, 0, 0);
	ck_assert_int_eq(json_integer_value(json_object_get(r.json,
		"in_maintenance")), 1);
	it_reply_fini(&r);
	get(&it, "?to=2020-01-01T00:00:00Z", 200, &r);
	times(row(&r, "all", "all", "reactive"), "mttd", 0, 0, 0);
	it_reply_fini(&r);
	get(&it, "?from=5&to=5", 400, &r);
	it_reply_fini(&r);

	snprintf(path, sizeof(path), "%s/state", it.dir);
	ck_assert_int_eq(it_run(&it, &out, (const char *const[]){ it_cli(),
		"--server", it.url, "--state-dir", path, "stats", NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&out), "6 min (2 min to half; n 5)") !=
		NULL, "%s", strbuf_str(&out));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&out), "2, too few"));
	printf("%s", strbuf_str(&out));
	strbuf_free(&out);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	json_decref(schema.doc);
	it_fini(&it);
}
END_TEST

static void
fail_and_mend(struct it *it, int *fd, int port)
{
	ck_assert(it_wait_text(it, "/v1/hosts/h1", "health", "healthy", 20));
	close(*fd);
	ck_assert(it_wait_text(it, "/v1/hosts/h1", "health", "unhealthy", 20));
	*fd = it_listen(0x7f010001U, port);
	ck_assert(it_wait_text(it, "/v1/hosts/h1", "health", "healthy", 20));
}

static bool
three_are_stored(void *arg)
{
	struct it *it = arg;
	struct it_reply r;
	bool is;

	get(it, "", 200, &r);
	is = json_integer_value(json_object_get(json_object_get(row(&r, "host",
		"all", "predicted"), "mttr"), "n")) == 3;
	it_reply_fini(&r);
	return is;
}

/* The same from a fault to its end, as the engine itself tells of it. */
START_TEST(r034_real_failures_of_a_predicted_host_are_timed)
{
	int port = it_free_port(), fd = it_listen(0x7f010001U, port);
	int64_t now = clock_system()->wall(clock_system()).ms;
	const json_t *s;
	struct it_reply r;
	struct it it;
	char text[512];

	it_init(&it);
	it_write(&it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\ndefaults: {interval: 1s, timeout: 500ms, "
		"fail_after: 2, clear_after: 1}\npartitions:\n  - name: rack1\n"
		"    checks: [{probe: tcp, port: %d}]\n    hosts:\n"
		"      - {name: h1, address: 127.1.0.1}\n", it.dir, port);
	snprintf(text, sizeof(text), "%s/openapi.json", it_data_dir());
	schema.doc = json_load_file(text, 0, NULL);
	it_start_server(&it);
	for (int day = 2; day >= 0; day--) {
		snprintf(text, sizeof(text), "{\"host\":\"h1\","
			"\"observations\":[{\"probe\":\"smart\",\"at_ms\":%lld,"
			"\"outcome\":\"ok\",\"device\":{\"kind\":\"disk\","
			"\"model\":\"ST4000DM000\",\"serial\":\"Z1\"},"
			"\"metrics\":{\"smart_197_raw\":%d}}]}",
			(long long)(now - day * 86400000LL), day == 2 ? 0 : 87);
		it_call(&it, "POST /v1/observations", NULL, text, &r);
		ck_assert_int_eq(r.status, 202);
		it_reply_fini(&r);
	}
	ck_assert(it_wait_text(&it, "/v1/devices/Z1", "device.level",
		"imminent", 20));
	for (int i = 0; i < 3; i++)
		fail_and_mend(&it, &fd, port);
	ck_assert(it_wait(three_are_stored, &it, 20));
	get(&it, "", 200, &r);
	s = row(&r, "all", "device", "predicted");
	ck_assert_int_eq(json_integer_value(json_object_get(s, "incidents")),
		3);
	s = json_object_get(s, "mttd");
	ck_assert_double_ge(json_number_value(json_object_get(s,
		"mean_seconds")), 0);
	/* the second failure convicts, a second after the first at most */
	ck_assert_double_lt(json_number_value(json_object_get(s,
		"mean_seconds")), 10);
	ck_assert_int_eq(json_integer_value(json_object_get(row(&r, "all",
		"all", "reactive"), "incidents")), 0);
	it_reply_fini(&r);
	close(fd);
	ck_assert_int_eq(it_end(&it.server, SIGTERM), 0);
	json_decref(schema.doc);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("mttx",
		r034_the_times_of_ten_incidents_are_as_reckoned_by_hand,
		r034_real_failures_of_a_predicted_host_are_timed);
}
