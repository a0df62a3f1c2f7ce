/*
 * The real tocsind: what people say of devices and of what became of them;
 * every reply held against openapi.json.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "t/lib/it_schema.h"
#include "t/lib/story.h"

#define DAY_MS INT64_C(86400000)

static void
begin(struct it *it)
{
	it_init(it);
	it_write(it, "tocsin.yaml", "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"partitions:\n  - name: rack1\n    hosts:\n"
		"      - {name: h1, address: 127.1.0.1}\n", it->dir);
	it_start_server(it);
}

static void
end(struct it *it)
{
	ck_assert_int_eq(it_end(&it->server, SIGTERM), 0);
	it_fini(it);
}

/* One value of one drive of h1, so many days ago. */
static void
tell(struct it *it, const char *serial, int days_ago, int pending)
{
	int64_t now = clock_system()->wall(clock_system()).ms;
	char body[512];

	snprintf(body, sizeof(body), "{\"host\":\"h1\",\"observations\":"
		"[{\"probe\":\"smart\",\"at_ms\":%lld,\"outcome\":\"ok\","
		"\"device\":{\"kind\":\"disk\",\"model\":\"ST4000DM000\","
		"\"serial\":\"%s\"},\"metrics\":{\"smart_197_raw\":%d}}]}",
		(long long)(now - days_ago * DAY_MS), serial, pending);
	it_want(it, "POST /v1/observations", "/v1/observations", body, 202);
}

static int
tocsin(struct it *it, struct strbuf *out, const char *const *words)
{
	const char *argv[16] = { it_cli(), "--server", it->url, "--state-dir",
		NULL };
	char state[128];
	size_t n = 5;

	snprintf(state, sizeof(state), "%s/state", it->dir);
	argv[4] = state;
	while (*words != NULL && n < ARRAY_LEN(argv) - 1)
		argv[n++] = *words++;
	argv[n] = NULL;
	return it_run(it, out, argv);
}

START_TEST(p2_an_accepted_value_is_quiet_over_a_restart_until_it_moves)
{
	static const char path[] = "/v1/devices/{d}/accept";
	struct strbuf out = { 0 };
	struct it_reply r;
	struct it it;

	begin(&it);
	tell(&it, "Z1", 3, 0);
	tell(&it, "Z1", 2, 87);
	ck_assert(it_wait_text(&it, "/v1/devices/Z1", "device.level",
		"imminent", 5));
	it_want(&it, "GET /v1/devices/Z1", "/v1/devices/{d}", NULL, 200);
	it_want(&it, "GET /v1/devices/Z9", "/v1/devices/{d}", NULL, 404);
	it_want(&it, "POST /v1/devices/Z1/accept", path, "{\"reason\":\"x\"}",
		400);
	it_want(&it, "POST /v1/devices/Z9/accept", path, "{\"reason\":\"x\","
		"\"until\":\"2040-01-01T00:00:00Z\"}", 404);
	it_want(&it, "POST /v1/devices/Z1/accept", path, "{\"reason\":\"x\","
		"\"metric\":\"pending_sectors\",\"value\":86,"
		"\"until\":\"2027-01-01T00:00:00Z\"}", 409);
	ck_assert_int_eq(tocsin(&it, NULL, (const char *const[]){ "accept",
		"Z1", "--metric", "pending_sectors", "--for", "30d",
		"--reason", "static for a year", NULL }), 0);
	ck_assert(it_wait_text(&it, "/v1/devices/Z1", "device.level", "none",
		5));
	it_ask(&it, "GET /v1/devices/Z1", "/v1/devices/{d}", NULL, 200, &r);
	ck_assert_str_eq(it_text(&r, "device.accepted.0.metric"),
		"smart_197_raw");
	ck_assert_str_eq(it_text(&r, "verdict.accepted.0.reason"),
		"static for a year");
	it_reply_fini(&r);
	ck_assert_int_eq(tocsin(&it, &out, (const char *const[]){ "explain",
		"Z1", NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&out), "accepted: 87") != NULL, "%s",
		strbuf_str(&out));
	strbuf_free(&out);

	ck_assert_int_eq(it_end(&it.server, SIGKILL), -SIGKILL);
	it_start_server(&it);
	ck_assert(it_wait_text(&it, "/v1/devices/Z1", "device.level", "none",
		5));
	tell(&it, "Z1", 1, 88);
	ck_assert(it_wait_text(&it, "/v1/alerts", "items.0.kind",
		"acceptance_revoked", 5) || it_wait_text(&it, "/v1/alerts",
		"items.1.kind", "acceptance_revoked", 5));
	it_ask(&it, "GET /v1/devices/Z1", "/v1/devices/{d}", NULL, 200, &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "device.accepted")), 0);
	ck_assert_str_ne(it_text(&r, "device.level"), "none");
	it_reply_fini(&r);
	it_want(&it, "DELETE /v1/devices/Z1/accept", path, NULL, 404);
	end(&it);
}
END_TEST

/* Of the level of all cards: "precision.k". */
static double
scored(struct it_reply *r, const char *what)
{
	char where[96];

	snprintf(where, sizeof(where), "all.levels.0.%s", what);
	return it_number(r, where);
}

START_TEST(r039_outcomes_close_predictions_and_make_the_scorecard)
{
	static const char path[] = "/v1/outcomes";
	struct strbuf out = { 0 };
	struct it_reply r;
	struct it it;
	char body[256];

	begin(&it);
	for (int i = 0; i < 12; i++) {
		snprintf(body, sizeof(body), "D%d", i);
		tell(&it, body, 6, 0);
		tell(&it, body, 5, i < 11 ? 200 : 0);
	}
	ck_assert(it_wait_text(&it, "/v1/devices/D10", "device.level",
		"imminent", 5));
	it_ask(&it, "GET /v1/predictor/scorecard", "/v1/predictor/scorecard",
		NULL, 200, &r);
	ck_assert_double_eq(it_number(&r, "all.failed"), 0);
	ck_assert_double_eq(it_number(&r, "all.levels.2.open"), 11);
	ck_assert_str_eq(it_text(&r, "all.levels.2.precision.note"),
		"not enough data");
	ck_assert_uint_eq(json_array_size(it_at(r.json, "packs")), 1);
	it_reply_fini(&r);
	ck_assert_int_eq(tocsin(&it, &out, (const char *const[]){ "explain",
		"D1", NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&out), "the pack's own") != NULL, "%s",
		strbuf_str(&out));
	strbuf_free(&out);

	/* ten of them are called wrong by a person */
	for (int i = 0; i < 10; i++) {
		snprintf(body, sizeof(body), "{\"device\":\"D%d\",\"outcome\":"
			"\"wrong_alarm\",\"note\":\"looked\"}", i);
		it_ask(&it, "POST /v1/outcomes", path, body, 201, &r);
		ck_assert_double_gt(it_number(&r, "prediction"), 0);
		it_reply_fini(&r);
	}
	it_ask(&it, "GET /v1/predictor/scorecard", "/v1/predictor/scorecard",
		NULL, 200, &r);
	ck_assert_double_eq(scored(&r, "precision.n"), 10);
	ck_assert_double_eq(scored(&r, "precision.share"), 0);
	ck_assert_double_eq(scored(&r, "false_alarms.n"), 10);
	ck_assert_double_eq(scored(&r, "open"), 1);
	/* p19: and which rule led them */
	ck_assert_str_eq(it_text(&r, "rules.0.of"), "device");
	ck_assert_double_eq(it_number(&r, "rules.0.levels.0.false_alarms.n"),
		10);
	ck_assert_str_ne(it_text(&r, "rules.0.rule"), "");
	it_reply_fini(&r);
	ck_assert_int_eq(tocsin(&it, NULL, (const char *const[]){ "outcome",
		"failed", "D11", "--gone", "--note", "clicks", NULL }), 0);
	it_want(&it, "POST /v1/outcomes", path, "{\"host\":\"h1\","
		"\"outcome\":\"replaced\"}", 201);
	it_want(&it, "POST /v1/outcomes", path, "{\"host\":\"h9\","
		"\"outcome\":\"replaced\"}", 404);
	it_want(&it, "POST /v1/outcomes", path, "{}", 400);
	it_want(&it, "GET /v1/devices/D11", "/v1/devices/{d}", NULL, 404);
	it_ask(&it, "GET /v1/outcomes", path, NULL, 200, &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 12);
	ck_assert_str_eq(it_text(&r, "items.0.device.serial"), "D0");
	ck_assert_str_eq(it_text(&r, "items.0.source"), "reported");
	ck_assert_double_eq(it_number(&r, "items.0.predictions"), 1);
	ck_assert_str_eq(it_text(&r, "items.10.note"), "clicks");
	ck_assert_ptr_nonnull(it_at(r.json, "items.11.device"));
	it_reply_fini(&r);

	/* all of it is durable; what failed was missed */
	ck_assert_int_eq(it_end(&it.server, SIGKILL), -SIGKILL);
	it_start_server(&it);
	it_ask(&it, "GET /v1/predictor/scorecard", "/v1/predictor/scorecard",
		NULL, 200, &r);
	ck_assert_double_eq(it_number(&r, "all.failed"), 1);
	ck_assert_double_eq(scored(&r, "recall.n"), 1);
	ck_assert_double_eq(scored(&r, "precision.n"), 10);
	it_reply_fini(&r);
	ck_assert_int_eq(tocsin(&it, &out, (const char *const[]){ "scorecard",
		NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&out), "1 failed") != NULL &&
		strstr(strbuf_str(&out), "0 %") != NULL, "%s", strbuf_str(&out));
	strbuf_free(&out);
	ck_assert_int_eq(tocsin(&it, &out, (const char *const[]){ "explain",
		"D10", NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&out), "of 10 such verdicts here 0") !=
		NULL, "%s", strbuf_str(&out));
	strbuf_free(&out);
	end(&it);
}
END_TEST

START_TEST(r038_artifacts_are_kept_with_their_hash_and_the_oldest_go)
{
	static const char path[] = "/v1/hosts/{h}/artifacts";
	static const char sha256[] = "2c26b46b68ffc68ff99b453c1d3041341342"
		"2d706483bfa0f98a5e886266e7ae";	/* of "foo" */
	struct strbuf big = { 0 }, out = { 0 };
	struct it_reply r;
	struct it it;
	char file[96];

	begin(&it);
	it_ask(&it, "POST /v1/hosts/h1/artifacts?name=panic.txt", path, "foo",
		201, &r);
	ck_assert_str_eq(it_text(&r, "sha256"), sha256);
	ck_assert_double_eq(it_number(&r, "id"), 1);
	it_reply_fini(&r);
	it_write(&it, "core", "foo");
	snprintf(file, sizeof(file), "%s/core", it.dir);
	ck_assert_int_eq(tocsin(&it, NULL, (const char *const[]){ "artifact",
		"put", "h1", file, NULL }), 0);
	ck_assert_int_eq(tocsin(&it, &out, (const char *const[]){ "artifact",
		"list", "h1", NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&out), "core") != NULL, "%s",
		strbuf_str(&out));
	strbuf_free(&out);
	it_want(&it, "POST /v1/hosts/h1/artifacts", path, "foo", 400);
	it_want(&it, "POST /v1/hosts/h9/artifacts?name=a", path, "foo", 404);
	it_want(&it, "POST /v1/hosts/h1/artifacts?name=a", path, "", 400);
	while (big.n <= (1u << 20))
		strbuf_puts(&big, "a line of a log that never ends\n");
	it_call(&it, "POST /v1/hosts/h1/artifacts?name=big", NULL, big.p, &r);
	ck_assert_int_eq(r.status, 413);
	it_reply_fini(&r);
	strbuf_free(&big);
	it_ask(&it, "GET /v1/hosts/h1/artifacts", path, NULL, 200, &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 2);
	ck_assert_str_eq(it_text(&r, "items.0.name"), "panic.txt");
	it_reply_fini(&r);
	it_get(&it, "/v1/artifacts/1", &r);
	ck_assert_str_eq(strbuf_str(&r.text), "foo");
	it_reply_fini(&r);
	it_want(&it, "GET /v1/artifacts/3", "/v1/artifacts/{id}", NULL, 404);

	/* 64 of a host: the 65th sends the first away, and says so */
	for (int n = 3; n <= 64; n++)
		it_want(&it, "POST /v1/hosts/h1/artifacts?name=core", path, "bar",
			201);
	ck_assert_int_eq(it_end(&it.server, SIGKILL), -SIGKILL);
	it_start_server(&it);
	it_ask(&it, "POST /v1/hosts/h1/artifacts?name=last", path, "bar", 201,
		&r);
	ck_assert_double_eq(it_number(&r, "removed.0"), 1);
	ck_assert_double_eq(it_number(&r, "id"), 65);
	it_reply_fini(&r);
	it_want(&it, "GET /v1/artifacts/1", "/v1/artifacts/{id}", NULL, 404);
	it_ask(&it, "GET /v1/hosts/h1/artifacts", path, NULL, 200, &r);
	ck_assert_uint_eq(json_array_size(it_at(r.json, "items")), 64);
	it_reply_fini(&r);
	it_get(&it, "/v1/events?limit=1000", &r);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&r.text),
		"artifact.removed"));
	it_reply_fini(&r);
	end(&it);
}
END_TEST

static bool
one_is_undecoded(void *arg)
{
	struct it_reply r;
	bool is;

	it_get(arg, "/v1/devices/U1", &r);
	is = r.status == 200 && it_number(&r,
		"device.metrics.smart_undecoded_count") > 0.5;
	it_reply_fini(&r);
	return is;
}

/* A raw value that nobody can read: said, never judged. */
START_TEST(p1_what_is_undecoded_is_said_and_weighs_nothing)
{
	int64_t now = clock_system()->wall(clock_system()).ms;
	struct strbuf out = { 0 };
	struct it it;
	char body[512];

	begin(&it);
	for (int day = 1; day >= 0; day--) {
		snprintf(body, sizeof(body), "{\"host\":\"h1\","
			"\"observations\":[{\"probe\":\"smart\",\"at_ms\":%lld,"
			"\"outcome\":\"ok\",\"device\":{\"kind\":\"disk\","
			"\"model\":\"EXAMPLE\",\"serial\":\"U1\"},\"metrics\":"
			"{\"smart_197_raw\":%lld,\"smart_5_raw\":0,"
			"\"reallocated_sectors\":0,\"smart_undecoded_count\":1}}]}",
			(long long)(now - day * DAY_MS),
			day == 1 ? 0LL : 43747913531395LL);
		it_want(&it, "POST /v1/observations", "/v1/observations", body,
			202);
	}
	ck_assert(it_wait(one_is_undecoded, &it, 5));
	ck_assert(it_wait_text(&it, "/v1/devices/U1", "device.level", "none",
		5));
	ck_assert_int_eq(tocsin(&it, &out, (const char *const[]){ "explain",
		"U1", NULL }), 0);
	ck_assert_msg(strstr(strbuf_str(&out), "undecoded: 1 value of it") !=
		NULL, "%s", strbuf_str(&out));
	strbuf_free(&out);
	end(&it);
}
END_TEST

int
main(void)
{
	return STORIES("outcomes",
		p2_an_accepted_value_is_quiet_over_a_restart_until_it_moves,
		r039_outcomes_close_predictions_and_make_the_scorecard,
		p1_what_is_undecoded_is_said_and_weighs_nothing,
		r038_artifacts_are_kept_with_their_hash_and_the_oldest_go);
}
