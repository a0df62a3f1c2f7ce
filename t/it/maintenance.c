/*
 * Maintenance, and the way out of service and back, by the API of the real
 * server: what is refused, what is one row, what comes twice; every reply held
 * against openapi.json.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "t/lib/it_schema.h"
#include "t/lib/story.h"

#define MAINTENANCE "POST /v1/maintenance", "/v1/maintenance"
#define IMPORT "POST /v1/maintenance/import", "/v1/maintenance/import"
/* Far ahead, whatever the clock says. */
#define AT(from, to) "\"from\":\"2035-05-01T" from ":00Z\"," \
	"\"to\":\"2035-05-01T" to ":00Z\",\"person\":\"Ada\",\"reason\":\"x\""

static void
begin(struct it *it)
{
	it_init(it);
	it_write(it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\npartitions:\n  - name: rack1\n"
		"    hosts:\n"
		"      - {name: h1, address: 127.0.0.1, tags: {app: shop}}\n"
		"      - {name: h2, address: 127.0.0.1, tags: {app: shop}}\n"
		"      - {name: h3, address: 127.0.0.1, tags: {app: ledger, "
		"instance_id: i-0abc}}\n"
		"      - {name: h4, address: 127.0.0.1}\n", it->dir);
	it_start_server(it);
}

static int
rows_of_windows(struct it *it)
{
	sqlite3_stmt *q = NULL;
	sqlite3 *db = NULL;
	char path[200];
	int n = -1;

	snprintf(path, sizeof(path), "%s/state/tocsin.db", it->dir);
	ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL),
		SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT count(*) FROM window",
		-1, &q, NULL), SQLITE_OK);
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}

static size_t
windows(struct it *it)
{
	struct it_reply r;
	size_t n;

	it_ask(it, "GET /v1/maintenance", "/v1/maintenance", NULL, 200, &r);
	n = json_array_size(it_at(r.json, "items"));
	it_reply_fini(&r);
	return n;
}

START_TEST(r107_what_leaves_no_replica_is_409_with_the_names)
{
	struct it_reply r;
	struct it it;

	begin(&it);
	it_want(&it, MAINTENANCE, "{\"hosts\":[\"h1\"]," AT("01:00", "02:00")
		"}", 201);
	it_ask(&it, MAINTENANCE, "{\"hosts\":[\"h2\"]," AT("01:30", "03:00")
		"}", 409, &r);
	ck_assert_msg(strstr(strbuf_str(&r.text), "no_replica_left") != NULL &&
		strstr(strbuf_str(&r.text), "h1") != NULL &&
		strstr(strbuf_str(&r.text), "h2") != NULL, "%s",
		strbuf_str(&r.text));
	it_reply_fini(&r);
	ck_assert_uint_eq(windows(&it), 1);
	it_want(&it, MAINTENANCE, "{\"hosts\":[\"h2\"]," AT("02:00", "03:00")
		"}", 201);
	ck_assert_uint_eq(windows(&it), 2);
	it_fini(&it);
}
END_TEST

START_TEST(r108_ten_years_of_days_add_one_row_to_the_database)
{
	struct it it;
	int before;

	begin(&it);
	before = rows_of_windows(&it);
	it_want(&it, MAINTENANCE, "{\"hosts\":[\"h4\"],\"person\":\"Ada\","
		"\"reason\":\"nightly\",\"repeat\":{\"every\":\"day\",\"at\":"
		"\"03:00\",\"for\":\"30m\",\"until\":"
		"\"2045-01-01T00:00:00Z\"}}", 201);
	ck_assert_int_eq(rows_of_windows(&it), before + 1);
	it_end(&it.server, SIGKILL);
	it_start_server(&it);
	ck_assert_uint_eq(windows(&it), 1);
	ck_assert_int_eq(rows_of_windows(&it), before + 1);
	it_fini(&it);
}
END_TEST

START_TEST(r105_a_providers_list_by_the_api_and_again)
{
	static const char list[] = "{\"provider\":\"aws\",\"person\":\"Ada\","
		"\"events\":[{\"id\":\"e1\",\"type\":\"system-reboot\","
		"\"hosts\":[\"i-0abc\"],\"from\":\"2035-05-01T22:00:00Z\","
		"\"to\":\"2035-05-02T00:00:00Z\"}]}";
	struct it_reply r;
	struct it it;

	begin(&it);
	it_ask(&it, IMPORT, list, 200, &r);
	ck_assert_double_eq(it_number(&r, "created"), 1);
	it_reply_fini(&r);
	it_ask(&it, IMPORT, list, 200, &r);
	ck_assert_double_eq(it_number(&r, "created"), 0);
	ck_assert_double_eq(it_number(&r, "unchanged"), 1);
	it_reply_fini(&r);
	ck_assert_uint_eq(windows(&it), 1);
	it_ask(&it, "GET /v1/maintenance", "/v1/maintenance", NULL, 200, &r);
	ck_assert_str_eq(it_text(&r, "items.0.type"), "host_reboot");
	it_reply_fini(&r);
	printf("R-106: what it means is known before it begins\n");
	it_ask(&it, "GET /v1/maintenance/1/impact",
		"/v1/maintenance/{id}/impact", NULL, 200, &r);
	ck_assert_double_eq(it_number(&r, "hosts"), 1);
	ck_assert_double_eq_tol(it_number(&r, "partitions.0.share"), 0.25,
		1e-9);
	ck_assert_str_eq(it_text(&r, "single_instance_apps.0.service"),
		"ledger");
	it_reply_fini(&r);
	it_want(&it, "GET /v1/maintenance/1/notice",
		"/v1/maintenance/{id}/notice", NULL, 200);
	it_fini(&it);
}
END_TEST

static void
dispose(struct it *it, const char *to, long status)
{
	char body[80];

	snprintf(body, sizeof(body), "{\"disposition\":\"%s\"}", to);
	it_want(it, "PATCH /v1/hosts/h4", "/v1/hosts/{h}", body, status);
}

struct refusals {
	struct it *it;
	size_t n;
};

/* A refusal is on record with the next commit; nobody waits for it. */
static bool
are_on_record(void *arg)
{
	struct refusals *w = arg;
	struct it_reply r;
	size_t n = 0;

	it_get(w->it, "/v1/audit?last=100", &r);
	for (const char *p = strbuf_str(&r.text);
	     (p = strstr(p, "\"host.refused\"")) != NULL; p++)
		n++;
	it_reply_fini(&r);
	return n == w->n;
}

static void
refused(struct it *it, size_t n)
{
	struct refusals w = { it, n };

	ck_assert_msg(it_wait(are_on_record, &w, 10), "not %zu refusals", n);
}

START_TEST(r016_r018_an_illegal_jump_is_409_and_on_record)
{
	struct it it;

	begin(&it);
	dispose(&it, "diagnosing", 409);
	refused(&it, 1);
	dispose(&it, "quarantined", 200);
	dispose(&it, "in_service", 409);
	dispose(&it, "probation", 409);
	refused(&it, 3);
	dispose(&it, "diagnosing", 200);
	/* nobody leaves without a result */
	dispose(&it, "probation", 409);
	dispose(&it, "retired", 409);
	it_want(&it, "PATCH /v1/hosts/h4/diagnosis", "/v1/hosts/{h}/diagnosis",
		"{\"memory\":\"bad\",\"disk\":\"good\",\"nic\":\"good\","
		"\"psu\":\"good\",\"firmware\":\"untested\","
		"\"ticket\":\"T-7\",\"result\":\"repaired\"}", 200);
	dispose(&it, "probation", 200);
	dispose(&it, "in_service", 200);
	refused(&it, 5);
	it_fini(&it);
}
END_TEST

int
main(void)
{
	return STORIES("maintenance",
		r107_what_leaves_no_replica_is_409_with_the_names,
		r108_ten_years_of_days_add_one_row_to_the_database,
		r105_a_providers_list_by_the_api_and_again,
		r016_r018_an_illegal_jump_is_409_and_on_record);
}
