/*
 * What needs the store: history, closed predictions, and commands.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "t/lib/http_story.h"

START_TEST(predictions_are_listed_and_found)
{
	json_t *b;
	size_t n = 0;
	char target[256] = "/v1/predictions?limit=10";

	http_begin(1000);
	http_counts("/v1/predictions?limit=1000", 142);
	http_counts("/v1/predictions?host=H00006", 1);
	http_counts("/v1/predictions?host=h00001", 0);
	http_counts("/v1/predictions?partition=rack0", 14);
	http_counts("/v1/predictions?level=likely,imminent&limit=1000", 142);
	http_counts("/v1/predictions?level=imminent", 0);
	for (;;) {
		b = http_get(target, 200);
		n += json_n_items(b);
		if (json_is_null(json_object_get(b, "next")))
			break;
		snprintf(target, sizeof(target),
			"/v1/predictions?limit=10&cursor=%s",
			json_text_of(b, "next"));
		json_decref(b);
	}
	json_decref(b);
	ck_assert_uint_eq(n, 142);
	b = http_get("/v1/predictions/14", 200);
	ck_assert_str_eq(json_text_of(b, "host"), "h00013");
	json_decref(b);
	http_wants("/v1/predictions?level=high", 400);
	http_wants("/v1/predictions?cursor=aA", 400);
	http_wants("/v1/predictions/0", 404);
	http_wants("/v1/predictions/x", 404);
	http_end();
}
END_TEST

START_TEST(closed_predictions_come_from_the_store)
{
	json_t *b;

	http_begin(3);
	b = http_get("/v1/predictions/7", 200);
	ck_assert_str_eq(json_text_of(b, "host"), "h00006");
	json_decref(b);
	http_wants("/v1/predictions/8", 404);
	b = http_get("/v1/predictions?as_of=2026-01-02T00:00:00Z", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert_str_eq(json_text_of(b, "as_of"), "2026-01-02T00:00:00.000Z");
	json_decref(b);
	http_wants("/v1/predictions?as_of=1767225600000&limit=5", 200);
	http_wants("/v1/predictions?as_of=yesterday", 400);
	http_wants("/v1/predictions?as_of=0&level=likely", 400);
	story.io.read_rc = TC_EBUSY;
	http_wants("/v1/predictions/7", 503);
	http_wants("/v1/predictions?as_of=0", 503);
	http_end();
}
END_TEST

START_TEST(events_are_listed)
{
	json_t *b;

	http_begin(3);
	b = http_get("/v1/events", 200);
	ck_assert_uint_eq(json_n_items(b), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(b, "last")), 0);
	json_decref(b);
	story.io.n_events = 250;
	b = http_get("/v1/events", 200);
	ck_assert_uint_eq(json_n_items(b), 100);
	ck_assert_int_eq(json_integer_value(json_object_get(b, "next")), 100);
	json_decref(b);
	b = http_get("/v1/events?after=200&limit=50", 200);
	ck_assert_uint_eq(json_n_items(b), 50);
	ck_assert(json_is_null(json_object_get(b, "next")));
	ck_assert_int_eq(json_integer_value(json_object_get(b, "last")), 250);
	json_decref(b);
	http_wants("/v1/events?after=x", 400);
	http_wants("/v1/events?limit=0", 400);
	/* of one host: the last ones */
	b = http_get("/v1/events?host=H00001&limit=20", 200);
	ck_assert_uint_eq(json_n_items(b), 20);
	ck_assert(json_is_null(json_object_get(b, "next")));
	ck_assert_int_eq(json_integer_value(json_object_get(b, "last")), 250);
	json_decref(b);
	b = http_get("/v1/hosts/h00001", 200);
	ck_assert_uint_ne(story.io.asked_host, 0);
	json_decref(b);
	http_wants("/v1/events?host=nobody", 404);
	http_wants("/v1/events?host=h00001&after=5", 400);
	story.io.read_rc = TC_ETIMEOUT;
	http_wants("/v1/events", 503);
	http_end();
}
END_TEST

START_TEST(series_are_cut_by_instance)
{
	json_t *b, *s;

	http_begin(3);
	story.io.n_points = 5;
	b = http_get("/v1/series?host=H00001&metric=cpu_seconds_total", 200);
	s = json_object_get(b, "series");
	ck_assert_uint_eq(json_array_size(s), 2);
	s = json_object_get(json_array_get(s, 1), "points");
	ck_assert_uint_eq(json_array_size(s), 5);
	ck_assert_uint_eq(json_array_size(json_array_get(s, 0)), 2);
	ck_assert_int_eq(story.io.query.to.ms - story.io.query.from.ms, 3600000);
	ck_assert_int_eq(story.io.query.step.ns, 0);
	json_decref(b);
	b = http_get("/v1/series?host=h00001&metric=x&step=5m&limit=7"
		"&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"
		"&instance=a&device=S1", 200);
	ck_assert(json_is_true(json_object_get(b, "truncated")));
	ck_assert_uint_eq(json_array_size(json_object_get(b, "columns")), 6);
	ck_assert_int_eq(story.io.query.from.ms, 1767225600000);
	ck_assert_int_eq(dur_to_ms(story.io.query.step), 300000);
	ck_assert_uint_eq(story.io.query.limit, 8);
	json_decref(b);
	http_wants("/v1/series", 400);
	http_wants("/v1/series?host=h00001", 400);
	http_wants("/v1/series?metric=x", 400);
	http_wants("/v1/series?host=h00001&metric=9", 400);
	http_wants("/v1/series?host=nobody&metric=x", 404);
	http_wants("/v1/series?host=h00001&metric=x&step=15", 400);
	http_wants("/v1/series?host=h00001&metric=x&step=1ms", 400);
	http_wants("/v1/series?host=h00001&metric=x&from=5&to=4", 400);
	http_wants("/v1/series?host=h00001&metric=x&limit=10001", 400);
	story.io.read_rc = TC_EBUSY;
	http_wants("/v1/series?host=h00001&metric=x", 503);
	http_end();
}
END_TEST

START_TEST(tokens_are_the_admins)
{
	json_t *b;

	http_begin(3);
	story.ask.token = "admin-token";
	b = http_get("/v1/tokens", 200);
	ck_assert_uint_eq(json_n_items(b), 2);
	json_decref(b);
	story.ask.body = "{\"role\": \"agent\", \"host\": \"H00001\", "
		"\"name\": \"its own\"}";
	story.ask.headers = "Idempotency-Key: k-1\r\n";
	b = http_get("/v1/tokens", 201);
	ck_assert_str_eq(json_text_of(b, "token"), "toc_secret");
	ck_assert_str_eq(json_text_of(b, "host"), "h00001");
	ck_assert_str_eq(story.io.host, "h00001");
	ck_assert_str_eq(story.io.key, "k-1");
	ck_assert_int_eq(story.io.token_role, ROLE_AGENT);
	json_decref(b);
	story.ask.headers = NULL;
	story.ask.body = "{\"role\": \"viewer\"}";
	http_wants("/v1/tokens", 201);
	ck_assert_int_eq(story.io.token_valid.ns, 0);
	story.ask.body = "{\"role\": \"viewer\", \"valid\": \"90d\"}";
	http_wants("/v1/tokens", 201);
	ck_assert_int_eq(story.io.token_valid.ns, dur_s(90 * 86400).ns);
	static const char *const bad[] = { "", "{", "[]", "{}",
		"{\"role\": \"viewer\", \"valid\": 90}",
		"{\"role\": \"viewer\", \"valid\": \"90\"}",
		"{\"role\": \"viewer\", \"valid\": \"0s\"}",
		"{\"role\": \"viewer\", \"valid\": \"-1d\"}",
		"{\"role\": \"viewer\", \"valid\": \"9999999999999d\"}",
		"{\"role\": \"king\"}", "{\"role\": 1}",
		"{\"role\": \"agent\"}",
		"{\"role\": \"viewer\", \"host\": \"h00001\"}",
		"{\"role\": \"agent\", \"host\": \"-\"}",
		"{\"role\": \"viewer\", \"colour\": \"red\"}",
		"{\"role\": \"viewer\", \"role\": \"admin\"}",
		"{\"role\": \"viewer\"} {}" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		story.ask.body = bad[i];
		http_wants("/v1/tokens", 400);
	}
	story.ask.body = NULL;
	story.ask.method = "DELETE";
	b = http_get("/v1/tokens/17", 200);
	ck_assert_int_eq(json_integer_value(json_object_get(b, "revoked")), 17);
	json_decref(b);
	http_wants("/v1/tokens/0", 404);
	http_wants("/v1/tokens/x", 404);
	http_wants("/v1/tokens/4294967296", 404);
	story.io.rc = TC_ENOENT;
	http_wants("/v1/tokens/18", 404);
	http_end();
}
END_TEST

static const char *
batch_text(const char *host, int64_t at_ms)
{
	static char text[512];
	struct clock *clock = story.io.io.clock;

	snprintf(text, sizeof(text), "{\"host\": \"%s\", \"batch\": \"b\","
		"\"sent_ms\": %lld, \"observations\": [{\"probe\": \"cpu\","
		"\"at_ms\": %lld, \"outcome\": \"ok\", \"metrics\":"
		"{\"load\": 0.5}}]}", host,
		(long long)clock->wall(clock).ms, (long long)at_ms);
	return text;
}

START_TEST(observations_are_taken)
{
	struct clock *clock;
	int64_t now;
	json_t *b;

	http_begin(3);
	clock = story.io.io.clock;
	now = clock->wall(clock).ms;
	story.ask.token = "operator-token";
	story.ask.body = batch_text("H00001", now);
	b = http_get("/v1/observations", 202);
	ck_assert_int_eq(json_integer_value(json_object_get(b, "accepted")), 1);
	ck_assert_str_eq(story.io.host, "h00001");
	ck_assert_int_eq(story.io.who.role, ROLE_OPERATOR);
	json_decref(b);
	story.ask.body = batch_text("new-host", now);	/* the engine creates it */
	http_wants("/v1/observations", 202);
	story.ask.body = batch_text("h00001", now - 8 * 86400000LL);
	b = http_get("/v1/observations", 422);
	ck_assert_uint_eq(json_array_size(json_object_get(b,
		"bad_indexes")), 1);
	json_decref(b);
	story.ask.body = batch_text("h00001", now + 400000);
	http_wants("/v1/observations", 422);
	story.ask.body = batch_text("-", now);
	http_wants("/v1/observations", 400);
	story.ask.body = "{\"host\": \"h00001\", \"colour\": 1}";
	b = http_get("/v1/observations", 400);
	ck_assert_ptr_nonnull(strstr(json_text_of(b, "detail"), "/colour"));
	json_decref(b);
	story.ask.body = "";
	http_wants("/v1/observations", 400);
	http_end();
}
END_TEST

/*
 * Agents as old as the server, older, and without a number are taken.  A newer
 * one is told what is spoken here before its body is looked at, with a status
 * that no agent drops a batch for.
 */
START_TEST(r152_the_protocol_of_agents_is_agreed_upon)
{
	static const char *const taken[] = { NULL, "Tocsin-Protocol: 0\r\n",
		"Tocsin-Protocol: 1\r\n" };
	struct clock *clock;
	int64_t now;
	json_t *b;

	http_begin(3);
	clock = story.io.io.clock;
	now = clock->wall(clock).ms;
	story.ask.token = "agent-token-2";
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		story.ask.headers = taken[i];
		story.ask.body = batch_text("h00001", now);
		b = http_get("/v1/observations", 202);
		ck_assert_int_eq(json_integer_value(json_object_get(b,
			"protocol")), 1);
		json_decref(b);
	}
	story.ask.headers = "Tocsin-Protocol: 2\r\n";
	story.ask.body = "a form that is not known yet";
	b = http_get("/v1/observations", 409);
	ck_assert_str_eq(json_text_of(b, "code"), "protocol_newer");
	ck_assert_int_eq(json_integer_value(json_object_get(b, "protocol")), 1);
	ck_assert_ptr_nonnull(strstr(json_text_of(b, "detail"),
		"speaks protocol 1 and 0, not 2"));
	json_decref(b);
	story.ask.headers = "Tocsin-Protocol: -1\r\n";
	http_wants("/v1/observations", 400);
	ck_assert_uint_eq(story.io.n_submitted, 3);
	story.ask.headers = NULL;
	http_end();
}
END_TEST

START_TEST(an_agent_speaks_for_its_own_host)
{
	struct clock *clock;
	int64_t now;

	http_begin(3);
	clock = story.io.io.clock;
	now = clock->wall(clock).ms;
	story.ask.token = "agent-token-2";
	story.ask.body = batch_text("h00001", now);
	http_wants("/v1/observations", 202);
	ck_assert_uint_eq(story.io.who.host_id, 2);
	story.ask.body = batch_text("h00002", now);
	http_wants("/v1/observations", 403);
	story.ask.token = "viewer-token";
	http_wants("/v1/observations", 403);
	story.ask.token = "agent-token-0";	/* bound to nothing */
	http_wants("/v1/observations", 403);
	ck_assert_uint_eq(story.io.n_submitted, 1);
	story.ask.token = "agent-token-2";
	story.ask.body = batch_text("unknown", now);	/* the engine decides */
	story.io.rc = TC_EPERM;
	http_wants("/v1/observations", 403);
	story.io.rc = TC_ENOENT;
	http_wants("/v1/observations", 403);
	story.ask.token = "operator-token";
	http_wants("/v1/observations", 404);
	http_end();
}
END_TEST

START_TEST(every_failure_has_its_status)
{
	static const struct { int rc; int status; } rows[] = {
		{ TC_EINVAL, 400 }, { TC_ERANGE, 422 }, { TC_EPERM, 403 },
		{ TC_ENOENT, 404 }, { TC_EBUSY, 503 }, { TC_EAGAIN, 503 },
		{ TC_EFULL, 503 }, { TC_ETIMEOUT, 503 }, { TC_ECLOSED, 503 },
		{ TC_ENOMEM, 503 },
	};
	struct clock *clock;

	http_begin(3);
	clock = story.io.io.clock;
	story.ask.token = "operator-token";
	story.ask.body = batch_text("h00001", clock->wall(clock).ms);
	story.io.n_bad = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		story.io.rc = rows[i].rc;
		http_wants("/v1/observations", rows[i].status);
	}
	story.io.answer = ANSWER_NOT;
	http_wants("/v1/observations", 503);
	http_end();
}
END_TEST

int
main(void)
{
	return STORIES("http_db",
		predictions_are_listed_and_found,
		closed_predictions_come_from_the_store, events_are_listed,
		series_are_cut_by_instance, tokens_are_the_admins,
		observations_are_taken, r152_the_protocol_of_agents_is_agreed_upon,
		an_agent_speaks_for_its_own_host,
		every_failure_has_its_status);
}
