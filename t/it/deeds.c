/*
 * The real tocsind: recommendations, brakes, alerts, maintenance, hosts of
 * the API; every reply held against openapi.json.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "t/lib/it_schema.h"
#include "t/lib/story.h"

static void
begin(struct it *it, int hosts)
{
	struct strbuf y = { 0 };
	it_init(it);
	strbuf_printf(&y, "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"partitions:\n  - name: rack1\n    hosts:\n", it->dir);
	for (int i = 0; i < hosts; i++)
		strbuf_printf(&y, "      - {name: h%d, address: 127.1.0.%d, "
			"tags: {team: web}}\n", i, i % 250 + 1);
	it_write(it, "tocsin.yaml", "%s", strbuf_str(&y));
	strbuf_free(&y);
	it_start_server(it);
}

static void
end(struct it *it)
{
	ck_assert_int_eq(it_end(&it->server, SIGTERM), 0);
	it_fini(it);
}

/* A disk that goes bad within five days, as an agent would have told. */
static void
bad_disk(struct it *it, const char *host)
{
	int64_t now = clock_system()->wall(clock_system()).ms;

	for (int day = 5; day >= 0; day--) {
		char body[1024];
		struct it_reply r;

		snprintf(body, sizeof(body), "{\"host\":\"%s\",\"observations\":"
			"[{\"probe\":\"smart\",\"at_ms\":%lld,\"outcome\":\"ok\","
			"\"device\":{\"kind\":\"disk\",\"model\":\"ST4000DM000\","
			"\"serial\":\"Z-%s\"},\"metrics\":{\"smart_197_raw\":%d,"
			"\"smart_5_raw\":%d,\"smart_187_raw\":%d}}]}", host,
			(long long)(now - day * INT64_C(86400000)), host,
			(5 - day) * 24, (5 - day) * 64, 5 - day);
		it_ask(it, "POST /v1/observations", "/v1/observations", body, 202,
			&r);
		it_reply_fini(&r);
	}
}

START_TEST(a_predicted_host_has_a_recommendation)
{
	struct it it;
	struct it_reply r;

	begin(&it, 3);
	for (int i = 0; i < 3; i++) {
		char body[128];

		snprintf(body, sizeof(body), "{\"host\":\"h%d\",\"source\":"
			"\"lb\",\"outcome\":\"ok\"}", i);
		it_want(&it, "POST /v1/signals", "/v1/signals", body, 200);
	}
	bad_disk(&it, "h1");
	ck_assert(it_wait_text(&it, "/v1/evacuations", "items.0.host", "h1", 5));
	it_ask(&it, "GET /v1/evacuations", "/v1/evacuations", NULL, 200, &r);
	ck_assert_str_eq(it_text(&r, "items.0.action"), "host.evacuate");
	ck_assert_str_eq(it_text(&r, "items.0.state"), "recommended");
	ck_assert(json_is_true(it_at(r.json, "items.0.predicted")));
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items.0.targets")), 2);
	it_reply_fini(&r);
	it_ask(&it, "GET /v1/hosts/h1/why-not", "/v1/hosts/{h}/why-not", NULL, 200,
		&r);
	ck_assert_str_eq(it_text(&r, "why_not.0.code"), "recommend_only");
	it_reply_fini(&r);
	it_ask(&it, "GET /v1/hosts/h2/why-not", "/v1/hosts/{h}/why-not", NULL, 200,
		&r);
	ck_assert_uint_ge(json_array_size(it_at(r.json, "why_not")), 1);
	it_reply_fini(&r);
	it_ask(&it, "GET /v1/alerts", "/v1/alerts", NULL, 200, &r);
	ck_assert_str_eq(it_text(&r, "items.0.kind"), "host_at_risk");
	ck_assert_str_eq(it_text(&r, "items.0.severity"), "critical");
	it_reply_fini(&r);
	it_want(&it, "GET /v1/evacuations/1", "/v1/evacuations/{id}", NULL, 200);
	it_want(&it, "GET /v1/evacuations/99", "/v1/evacuations/{id}", NULL, 404);
	it_want(&it, "GET /v1/hosts/h1/effective-config",
		"/v1/hosts/{h}/effective-config", NULL, 200);
	end(&it);
}
END_TEST

START_TEST(what_would_be_is_only_asked)
{
	static const char what[] = "POST /v1/simulate";
	static const char path[] = "/v1/simulate";
	struct it it;
	struct it_reply r;

	begin(&it, 20);
	for (int i = 3; i < 5; i++) {
		char body[128];

		snprintf(body, sizeof(body), "{\"host\":\"h%d\",\"source\":"
			"\"lb\",\"outcome\":\"ok\"}", i);
		it_want(&it, "POST /v1/signals", "/v1/signals", body, 200);
	}
	it_ask(&it, what, path, "{\"hosts\":[\"h2\",\"H1\",\"h2\"]}", 200, &r);
	ck_assert_double_eq(it_number(&r, "partitions.0.bad_then"), 2);
	ck_assert(json_is_false(it_at(r.json, "partitions.0.latched_then")));
	ck_assert_str_eq(it_text(&r, "partitions.0.items.0.host"), "h1");
	ck_assert_str_eq(it_text(&r, "partitions.0.items.0.state"),
		"recommended");
	ck_assert_str_eq(it_text(&r, "partitions.0.targets.1"), "h4");
	it_reply_fini(&r);
	it_ask(&it, what, path, "{\"partition\":\"rack1\"}", 200, &r);
	ck_assert_double_eq(it_number(&r, "partitions.0.bad_then"), 20);
	ck_assert(json_is_true(it_at(r.json, "partitions.0.latched_then")));
	ck_assert(json_is_true(it_at(r.json, "partitions.0.two_persons")));
	ck_assert_str_eq(it_text(&r, "partitions.0.items.7.state"), "held");
	ck_assert_uint_eq(json_array_size(it_at(r.json,
		"partitions.0.targets")), 0);
	it_reply_fini(&r);
	it_want(&it, "POST /v1/maintenance", "/v1/maintenance",
		"{\"hosts\":[\"h4\"],\"to\":\"2099-01-01T00:00:00Z\"}", 201);
	ck_assert(it_wait_text(&it, "/v1/hosts/h4", "state", "maintenance", 5));
	it_ask(&it, what, path, "{\"hosts\":[\"h4\"]}", 200, &r);
	ck_assert_double_eq(it_number(&r, "partitions.0.bad_then"), 0);
	ck_assert_str_eq(it_text(&r, "partitions.0.items.0.state"), "none");
	it_reply_fini(&r);
	it_want(&it, what, path, "{}", 400);
	it_want(&it, what, path, "{\"hosts\":[\"nobody\"]}", 400);
	it_want(&it, what, path, "{\"hosts\":[7]}", 400);
	it_want(&it, what, path, "{\"partition\":\"nowhere\"}", 400);
	it_want(&it, what, path, "{\"host\":\"h1\"}", 400);
	it_ask(&it, "GET /v1/evacuations", "/v1/evacuations", NULL, 200, &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 0);
	it_reply_fini(&r);
	end(&it);
}
END_TEST

START_TEST(r063_a_brake_is_latched_everywhere_and_survives_kill_9)
{
	struct it it;
	struct it_reply r;

	begin(&it, 20);
	for (int i = 0; i < 3; i++) {
		char host[8];

		snprintf(host, sizeof(host), "h%d", i);
		bad_disk(&it, host);
	}
	ck_assert(it_wait_text(&it, "/v1/summary", "brakes.0.partition", "rack1",
		5));
	it_end(&it.server, SIGKILL);
	it_start_server(&it);
	it_ask(&it, "GET /v1/brakes", "/v1/brakes", NULL, 200, &r);
	ck_assert(json_is_true(it_at(r.json, "items.0.latched")) ||
		json_is_true(it_at(r.json, "items.1.latched")));
	it_reply_fini(&r);
	it_ask(&it, "GET /v1/evacuations?state=held", "/v1/evacuations", NULL, 200,
		&r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 3);
	it_reply_fini(&r);
	it_want(&it, "POST /v1/brakes/rack1/release", "/v1/brakes/{p}/release", "{}",
		400);
	/* admin.token is nobody's own */
	it_want(&it, "POST /v1/brakes/rack1/release", "/v1/brakes/{p}/release",
		"{\"reason\":\"x\"}", 400);
	it_want(&it, "POST /v1/brakes/nowhere/release", "/v1/brakes/{p}/release",
		"{\"reason\":\"x\"}", 404);
	it_want(&it, "POST /v1/brakes/rack1/release", "/v1/brakes/{p}/release",
		"{\"person\":\"Ada\",\"reason\":\"one bad shelf, replaced\"}",
		200);
	it_want(&it, "POST /v1/brakes/rack1/release", "/v1/brakes/{p}/release",
		"{\"person\":\"Ada\",\"reason\":\"again\"}", 409);
	it_ask(&it, "GET /v1/brakes", "/v1/brakes", NULL, 200, &r);
	ck_assert(!json_is_true(it_at(r.json, "items.0.latched")));
	it_reply_fini(&r);
	end(&it);
}
END_TEST

START_TEST(windows_hosts_and_acknowledgements_over_http)
{
	struct it it;
	struct it_reply r;
	char what[64];

	begin(&it, 3);
	it_want(&it, "POST /v1/maintenance", "/v1/maintenance",
		"{\"to\":\"2099-01-01T00:00:00Z\"}", 400);
	it_ask(&it, "POST /v1/maintenance", "/v1/maintenance",
		"{\"hosts\":[\"h1\"],\"from\":\"2026-01-01T00:00:00Z\","
		"\"to\":\"2099-01-01T00:00:00Z\",\"type\":\"power\","
		"\"reason\":\"PDU\"}", 201, &r);
	snprintf(what, sizeof(what), "DELETE /v1/maintenance/%.0f",
		it_number(&r, "id"));
	it_reply_fini(&r);
	ck_assert(it_wait_text(&it, "/v1/hosts/h1", "state", "maintenance", 5));
	it_want(&it, "GET /v1/maintenance", "/v1/maintenance", NULL, 200);
	it_ask(&it, "GET /v1/maintenance/1/impact", "/v1/maintenance/{id}/impact",
		NULL, 200, &r);
	ck_assert_double_eq(it_number(&r, "hosts"), 1);
	it_reply_fini(&r);
	it_want(&it, what, "/v1/maintenance/{id}", NULL, 200);
	it_want(&it, what, "/v1/maintenance/{id}", NULL, 404);
	it_want(&it, "PUT /v1/hosts/h1", "/v1/hosts/{h}", "{}", 409);
	it_want(&it, "PUT /v1/hosts/new1", "/v1/hosts/{h}",
		"{\"address\":\"127.1.0.9\",\"tags\":{\"a\":\"b\"}}", 201);
	it_want(&it, "PATCH /v1/hosts/new1", "/v1/hosts/{h}",
		"{\"disposition\":\"quarantined\"}", 200);
	it_want(&it, "PATCH /v1/hosts/new1", "/v1/hosts/{h}",
		"{\"disposition\":\"lost\"}", 400);
	ck_assert(it_wait_text(&it, "/v1/hosts/new1", "state", "quarantined",
		5));
	it_want(&it, "PATCH /v1/hosts/new1", "/v1/hosts/{h}",
		"{\"parent\":\"h2\"}", 200);
	ck_assert(it_wait_text(&it, "/v1/hosts/new1", "parent", "h2", 5));
	it_want(&it, "PATCH /v1/hosts/new1", "/v1/hosts/{h}",
		"{\"parent\":\"new1\"}", 422);
	it_want(&it, "PATCH /v1/hosts/h1", "/v1/hosts/{h}",
		"{\"parent\":\"h2\"}", 409);
	it_want(&it, "DELETE /v1/hosts/new1", "/v1/hosts/{h}", NULL, 200);
	it_want(&it, "DELETE /v1/hosts/new1", "/v1/hosts/{h}", NULL, 404);
	it_want(&it, "POST /v1/signals", "/v1/signals", "{\"host\":\"h2\","
		"\"source\":\"lb\",\"outcome\":\"fail\"}", 200);
	ck_assert(it_wait_text(&it, "/v1/alerts", "items.0.kind",
		"role_unhealthy", 5));
	it_ask(&it, "GET /v1/alerts", "/v1/alerts", NULL, 200, &r);
	snprintf(what, sizeof(what), "POST /v1/alerts/%.0f/ack",
		it_number(&r, "items.0.id"));
	it_reply_fini(&r);
	it_want(&it, what, "/v1/alerts/{id}/ack", "{\"comment\":\"mine\"}", 200);
	ck_assert(it_wait_text(&it, "/v1/alerts", "items.0.acked_by",
		"admin.token", 5));
	it_want(&it, "POST /v1/alerts/4711/ack", "/v1/alerts/{id}/ack", "{}", 404);
	end(&it);
}
END_TEST

static bool
export_tells(void *arg)
{
	struct it *it = arg;
	struct strbuf text = { 0 }, page = { 0 };
	bool yes;
	json_t *j;

	it_read(it, "state/export/summary.json", &text);
	it_read(it, "state/export/status.html", &page);
	j = json_loadb(strbuf_str(&text), text.n, 0, NULL);
	yes = json_is_string(it_at(j, "generated_at")) &&
		strcmp(json_string_value(it_at(j, "at_risk.0.host")) != NULL ?
			json_string_value(it_at(j, "at_risk.0.host")) : "",
			"h1") == 0 && strstr(strbuf_str(&page), "h1") != NULL;
	json_decref(j);
	strbuf_free(&text);
	strbuf_free(&page);
	return yes;
}

START_TEST(r123_the_summary_outlives_the_server)
{
	struct it it;

	begin(&it, 3);
	bad_disk(&it, "h1");
	ck_assert(it_wait(export_tells, &it, 15));
	it_end(&it.server, SIGKILL);
	ck_assert(export_tells(&it));
	it_fini(&it);
}
END_TEST

START_TEST(r064_r150_switches_and_the_audit_trail)
{
	struct it it;
	struct it_reply r;

	begin(&it, 3);
	it_want(&it, "PUT /v1/switches", "/v1/switches", "{\"function\":"
		"\"recommend\",\"partition\":\"rack1\",\"on\":false}", 400);
	it_want(&it, "PUT /v1/switches", "/v1/switches", "{\"function\":"
		"\"recommend\",\"partition\":\"rack9\",\"on\":false,"
		"\"reason\":\"x\"}", 404);
	it_want(&it, "PUT /v1/switches", "/v1/switches", "{\"function\":"
		"\"recommend\",\"partition\":\"rack1\",\"on\":false,"
		"\"reason\":\"drill\"}", 200);
	bad_disk(&it, "h1");
	ck_assert(it_wait_text(&it, "/v1/evacuations", "items.0.state", "held",
		5));
	it_end(&it.server, SIGKILL);
	it_start_server(&it);
	it_ask(&it, "GET /v1/switches", "/v1/switches", NULL, 200, &r);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text), "\"rack1\","
		"\"function\":\"recommend\",\"on\":false"));
	it_reply_fini(&r);
	it_ask(&it, "POST /v1/simulate", "/v1/simulate", "{\"hosts\":[\"h2\"]}",
		200, &r);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text), "switched_off"));
	it_reply_fini(&r);
	it_ask(&it, "GET /v1/audit", "/v1/audit", NULL, 200, &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 1);
	ck_assert_str_eq(it_text(&r, "items.0.action"), "switch.turn");
	ck_assert_str_eq(it_text(&r, "items.0.actor"), "admin.token");
	it_reply_fini(&r);
	end(&it);
}
END_TEST

int
main(void)
{
	return STORIES("deeds", a_predicted_host_has_a_recommendation,
		what_would_be_is_only_asked,
		r063_a_brake_is_latched_everywhere_and_survives_kill_9,
		windows_hosts_and_acknowledgements_over_http,
		r123_the_summary_outlives_the_server,
		r064_r150_switches_and_the_audit_trail);
}
