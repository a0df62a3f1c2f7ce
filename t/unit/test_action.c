/* Alerts delivered to receivers that fail, wait, refuse and come back. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "action/render.h"
#include "action/sign.h"
#include "t/lib/story.h"
#include "t/unit/action_rig.h"

static json_t *
body_of(struct rig *r, size_t i)
{
	const struct fake_request *q = fake_http_request(r->server, i);
	json_error_t e;
	json_t *j;

	ck_assert_msg(q != NULL, "no request %zu", i);
	j = json_loads(q->body, JSON_REJECT_DUPLICATES, &e);
	ck_assert_msg(j != NULL, "%s: %s", e.text, q->body);
	return j;
}

static void
assert_text(json_t *j, const char *key, const char *want)
{
	const char *got = json_string_value(json_object_get(j, key));

	ck_assert_msg(got != NULL && strcmp(got, want) == 0, "%s: %s", key,
		got != NULL ? got : "(none)");
}

static void
assert_status(struct rig *r, size_t i, const char *want)
{
	json_t *j = body_of(r, i);

	assert_text(j, "status", want);
	json_decref(j);
}

START_TEST(an_alert_names_host_address_and_summary_and_is_told_once)
{
	struct alert al = rig_alert(7, true);
	char key[64], again[64];
	struct rig r;
	json_t *j;

	rig_init(&r, 0);
	rig_setup(&r);
	ck_assert_uint_eq(rig_raise(&r, &al), 1);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	j = body_of(&r, 0);
	assert_text(j, "status", "firing");
	assert_text(j, "host", "h1");
	assert_text(j, "address", "127.1.0.1");
	assert_text(j, "summary", al.summary);
	assert_text(j, "severity", "critical");
	assert_text(j, "link", "http://127.0.0.1:8420/v1/hosts/h1");
	assert_text(j, "id", rig_header(&r, 0, "Idempotency-Key", key,
		sizeof(key)));
	json_decref(j);
	/* acknowledged: no news */
	al.acked_by = "ann";
	ck_assert_uint_eq(rig_raise(&r, &al), 0);
	al = rig_alert(7, false);
	ck_assert_uint_eq(rig_raise(&r, &al), 1);
	r.want = 2;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	assert_status(&r, 1, "resolved");
	ck_assert_str_ne(key, rig_header(&r, 1, "Idempotency-Key", again,
		sizeof(again)));
	ck_assert_uint_eq(fake_http_count(r.server), 2);
	/* its end is told once */
	ck_assert_uint_eq(rig_raise(&r, &al), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(nothing_goes_out_before_the_commit_but_after_5_s_all_the_same)
{
	struct alert al = rig_alert(1, true), other = rig_alert(2, true);
	struct change_set *cs;
	struct rig r;

	rig_init(&r, 0);
	rig_setup(&r);
	cs = rig_route(&r, &al);
	r.want = 1;
	ck_assert(!rig_run(&r, rig_done, dur_ms(300)));
	ck_assert_uint_eq(fake_http_count(r.server), 0);
	action_committed(r.a, cs);
	change_set_free(cs);
	ck_assert(rig_run(&r, rig_done, dur_s(2)));
	change_set_free(rig_route(&r, &other));	/* never heard of again */
	r.want = 2;
	ck_assert(!rig_run(&r, rig_done, dur_s(4)));
	ck_assert(rig_run(&r, rig_done, dur_s(3)));
	rig_fini(&r);
}
END_TEST

START_TEST(a_receiver_that_was_down_gets_all_in_order_once)
{
	struct alert al = rig_alert(1, true), b = rig_alert(2, true);
	struct action_stats st;
	struct rig r;
	int port;

	rig_init(&r, 0);
	port = fake_http_port(r.server);
	fake_http_stop(r.server);
	r.server = NULL;
	r.receivers[0].url = "http://127.0.0.1:9/";
	{
		static char url[64];

		snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
		r.receivers[0].url = url;
	}
	rig_setup(&r);
	rig_raise(&r, &al);
	rig_raise(&r, &b);
	al = rig_alert(1, false);
	rig_raise(&r, &al);
	r.want = 1;
	ck_assert(!rig_run(&r, rig_done, dur_ms(3500)));
	action_stats(r.a, &st);
	ck_assert_uint_eq(st.waiting, 3);
	ck_assert_uint_eq(st.receivers_down, 1);
	/* at 0, 1 and 3 s, a fifth more or less */
	ck_assert_uint_ge(st.attempts, 2);
	ck_assert_uint_le(st.attempts, 4);
	ck_assert(st.oldest.ns > dur_s(3).ns);
	ck_assert_str_ne(r.rows[0].error, "");
	rig_serve(&r, port);
	r.want = 3;
	ck_assert(rig_run(&r, rig_done, dur_s(15)));
	ck_assert_uint_eq(fake_http_count(r.server), 3);
	assert_status(&r, 0, "firing");
	assert_status(&r, 1, "firing");
	assert_status(&r, 2, "resolved");
	action_stats(r.a, &st);
	ck_assert_uint_eq(st.waiting, 0);
	ck_assert_uint_eq(st.delivered, 3);
	ck_assert_uint_eq(st.receivers_down, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_failed_attempt_is_repeated_with_the_same_key)
{
	struct alert al = rig_alert(1, true);
	char a[64], b[64];
	struct rig r;

	rig_init(&r, 0);
	r.script[0] = (struct fake_reply){ .status = 500 };
	r.script[1] = (struct fake_reply){ .status = 0 };	/* hangs up */
	r.n_script = 2;
	rig_setup(&r);
	rig_raise(&r, &al);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(15)));
	ck_assert_uint_eq(r.n_rows, 3);
	ck_assert_str_eq(r.rows[0].error, "HTTP 500");
	ck_assert_uint_eq(r.rows[2].attempts, 3);
	ck_assert_str_eq(r.rows[2].error, "");
	ck_assert_str_eq(rig_header(&r, 0, "Idempotency-Key", a, sizeof(a)),
		rig_header(&r, 2, "Idempotency-Key", b, sizeof(b)));
	ck_assert_str_eq(fake_http_request(r.server, 0)->body,
		fake_http_request(r.server, 2)->body);
	rig_fini(&r);
}
END_TEST

START_TEST(a_huge_answer_is_cut_and_a_redirection_not_followed)
{
	struct alert al = rig_alert(1, true);
	struct rig r;
	char *huge = malloc(4 << 20);

	memset(huge, 'x', (4 << 20) - 1);
	huge[(4 << 20) - 1] = '\0';
	rig_init(&r, 0);
	r.script[0] = (struct fake_reply){ .status = 302,
		.headers = "Location: http://127.0.0.1:1/\r\n" };
	r.script[1] = (struct fake_reply){ .status = 200, .body = huge };
	r.n_script = 2;
	rig_setup(&r);
	rig_raise(&r, &al);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(15)));
	ck_assert_str_eq(r.rows[0].error,
		"HTTP 302: redirections are not followed");
	ck_assert_uint_eq(fake_http_count(r.server), 2);
	rig_fini(&r);
	free(huge);
}
END_TEST

START_TEST(a_receiver_that_does_not_answer_is_given_its_time_only)
{
	struct alert al = rig_alert(1, true);
	struct rig r;

	rig_init(&r, 0);
	r.script[0] = (struct fake_reply){ .hang = true };
	r.n_script = 1;
	r.receivers[0].timeout = dur_s(1);
	rig_setup(&r);
	rig_raise(&r, &al);
	r.want = 1;
	ck_assert(!rig_run(&r, rig_done, dur_ms(1500)));
	ck_assert_uint_eq(r.n_rows, 1);
	ck_assert_ptr_nonnull(strstr(r.rows[0].error, "timed out"));
	fake_http_release(r.server);
	ck_assert(rig_run(&r, rig_done, dur_s(5)));
	rig_fini(&r);
}
END_TEST

START_TEST(what_is_refused_is_given_up_aloud_with_its_end)
{
	struct alert al = rig_alert(1, true), next = rig_alert(2, true);
	struct action_stats st;
	struct rig r;

	rig_init(&r, 0);
	for (size_t i = 0; i < 3; i++)
		r.script[i] = (struct fake_reply){ .status = 422 };
	r.n_script = 3;
	rig_setup(&r);
	rig_raise(&r, &al);
	al = rig_alert(1, false);
	rig_raise(&r, &al);
	rig_raise(&r, &next);
	r.want = 3;
	ck_assert(rig_run(&r, rig_done, dur_s(15)));
	ck_assert_uint_eq(fake_http_count(r.server), 4);
	ck_assert_str_eq(r.rows[2].error, "HTTP 422");
	ck_assert(r.rows[2].done);
	ck_assert_str_eq(r.rows[3].error, "its beginning was not delivered");
	action_stats(r.a, &st);
	ck_assert_uint_eq(st.given_up, 2);
	ck_assert_uint_eq(st.delivered, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(routes_choose_receivers_and_each_is_told_once)
{
	static const char *const both[] = { "ops", "web" };
	static const char *const web[] = { "web" };
	static const struct tag critical[] = { { "severity", "critical" } };
	static const struct tag team[] = { { "team", "web" },
		{ "host", "h*" }, { "kind", "host_*" } };
	struct alert al = rig_alert(1, true);
	struct change_set *cs;
	struct rig r;

	rig_init(&r, 0);
	r.receivers[1] = r.receivers[0];
	r.receivers[1].name = "web";
	r.routes[0] = (struct action_match){ critical, 1, both, 2 };
	r.routes[1] = (struct action_match){ team, 3, web, 1 };
	r.setup.n_receivers = r.setup.n_routes = 2;
	rig_setup(&r);
	cs = rig_route(&r, &al);
	ck_assert_uint_eq(cs->n, 3);
	ck_assert_str_eq(cs->items[1].u.outbox.receiver, "ops");
	ck_assert_str_eq(cs->items[2].u.outbox.receiver, "web");
	ck_assert_uint_ne(cs->items[1].u.outbox.id, cs->items[2].u.outbox.id);
	ck_assert_uint_eq(cs->items[1].u.outbox.alert, 1);
	change_set_free(cs);
	al = rig_alert(2, true);
	al.severity = SEVERITY_WARNING;
	ck_assert_uint_eq(rig_raise(&r, &al), 1);	/* by team */
	/* it grew worse: web hears of it again, ops for the first time */
	al.severity = SEVERITY_CRITICAL;
	ck_assert_uint_eq(rig_raise(&r, &al), 2);
	al.firing = false;
	ck_assert_uint_eq(rig_raise(&r, &al), 2);
	al = rig_alert(3, true);
	al.severity = SEVERITY_INFO;
	al.n_tags = 0;
	ck_assert_uint_eq(rig_raise(&r, &al), 0);
	al.firing = false;
	ck_assert_uint_eq(rig_raise(&r, &al), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(what_was_left_goes_out_with_its_old_key_and_its_end_follows)
{
	struct alert al = rig_alert(5, true);
	struct change_outbox o = { .id = 41, .alert = 5, .receiver = "ops",
		.firing = true, .at = { 1767225600123 },
		.payload = "{\"status\":\"firing\"}" };
	struct change_delivery d = { .outbox = 41, .attempts = 2,
		.error = "HTTP 500" };
	char key[64];
	struct change_set *cs;
	struct rig r;

	rig_init(&r, 0);
	ck_assert_int_eq(action_restore_alert(r.a, &al), 0);
	ck_assert_int_eq(action_restore_message(r.a, &o, &d), 0);
	action_restore_id(r.a, 44);
	rig_setup(&r);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(5)));
	ck_assert_str_eq(rig_header(&r, 0, "Idempotency-Key", key,
		sizeof(key)), "tocsin-41-1767225600123");
	ck_assert_str_eq(fake_http_request(r.server, 0)->body, o.payload);
	ck_assert_uint_eq(r.rows[0].attempts, 3);
	ck_assert_uint_eq(rig_raise(&r, &al), 0);
	al = rig_alert(5, false);
	cs = rig_route(&r, &al);
	ck_assert_uint_eq(cs->n, 2);
	ck_assert_uint_eq(cs->items[1].u.outbox.id, 45);
	change_set_free(cs);
	rig_fini(&r);
}
END_TEST

START_TEST(a_receiver_that_is_gone_is_no_silent_loss)
{
	struct alert al = rig_alert(1, true);
	struct rig r;

	rig_init(&r, 0);
	r.next.hang = true;
	rig_setup(&r);
	rig_raise(&r, &al);
	r.want = 1;
	ck_assert(rig_run(&r, rig_served, dur_s(5)));
	r.setup.n_receivers = r.setup.n_routes = 0;
	rig_setup(&r);
	ck_assert_uint_eq(r.n_rows, 1);
	ck_assert(r.rows[0].done);
	ck_assert_str_eq(r.rows[0].error,
		"the receiver is not configured any more");
	fake_http_release(r.server);
	ck_assert(!rig_run(&r, rig_never, dur_ms(200)));
	ck_assert_uint_eq(r.n_rows, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(alertmanager_is_told_again_while_it_fires)
{
	struct alert al = rig_alert(1, true), b = rig_alert(2, true);
	json_t *j, *k;
	struct rig r;

	rig_init(&r, 0);
	r.receivers[0].type = ACTION_ALERTMANAGER;
	rig_setup(&r);
	rig_raise(&r, &al);
	rig_raise(&r, &b);
	r.want = 2;
	ck_assert(rig_run(&r, rig_done, dur_s(5)));
	ck_assert_str_eq(fake_http_request(r.server, 0)->path,
		"/api/v2/alerts");
	rig_setup(&r);	/* makes the repetition due */
	r.want = 3;
	ck_assert(rig_run(&r, rig_served, dur_s(5)));
	ck_assert(fake_http_wait(r.server, 3));
	j = body_of(&r, 0);
	k = body_of(&r, 2);
	ck_assert_uint_eq(json_array_size(j), 1);
	ck_assert_uint_eq(json_array_size(k), 2);
	ck_assert_ptr_nonnull(json_object_get(json_array_get(k, 0), "endsAt"));
	json_decref(k);
	k = json_object_get(json_array_get(j, 0), "labels");
	assert_text(k, "alertname", "host_unhealthy");
	assert_text(k, "tag_host", "clash");
	assert_text(k, "rack_no", "7");
	ck_assert_uint_eq(json_object_size(k), 7);
	json_decref(j);
	al = rig_alert(1, false);
	rig_raise(&r, &al);
	r.want = 3;
	ck_assert(rig_run(&r, rig_done, dur_s(5)));
	j = body_of(&r, 3);
	assert_text(json_array_get(j, 0), "startsAt",
		"2026-01-01T00:00:00.000Z");
	assert_text(json_array_get(j, 0), "endsAt",
		"2026-01-01T00:01:00.000Z");
	json_decref(j);
	rig_setup(&r);
	r.want = 5;
	ck_assert(rig_run(&r, rig_served, dur_s(5)));
	ck_assert(fake_http_wait(r.server, 5));
	j = body_of(&r, 4);
	ck_assert_uint_eq(json_array_size(j), 1);
	json_decref(j);
	rig_fini(&r);
}
END_TEST

START_TEST(pagerduty_gets_its_key_and_the_store_does_not)
{
	struct alert al = rig_alert(1, true);
	struct change_set *cs;
	struct rig r;
	json_t *j;

	rig_init(&r, 0);
	r.receivers[0].type = ACTION_PAGERDUTY;
	r.receivers[0].secret = "routing-secret";
	rig_setup(&r);
	cs = rig_route(&r, &al);
	ck_assert_ptr_null(strstr(cs->items[1].u.outbox.payload,
		"routing-secret"));
	action_committed(r.a, cs);
	change_set_free(cs);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(5)));
	j = body_of(&r, 0);
	assert_text(j, "routing_key", "routing-secret");
	assert_text(j, "event_action", "trigger");
	json_decref(j);
	rig_fini(&r);
}
END_TEST

START_TEST(a_program_reads_the_alert_from_its_standard_input)
{
	char path[] = "/tmp/tocsin-action-XXXXXX", command[128];
	const char *argv[] = { "/bin/sh", "-c", command };
	struct alert al = rig_alert(1, true);
	char text[4096] = "";
	struct rig r;
	FILE *f;
	json_t *j;

	close(mkstemp(path));
	/* fails the first time */
	snprintf(command, sizeof(command),
		"test -s %s && exec cat > %s; echo x > %s; exit 3", path, path,
		path);
	rig_init(&r, 0);
	r.receivers[0].type = ACTION_EXEC;
	r.receivers[0].argv = argv;
	r.receivers[0].n_argv = 3;
	rig_setup(&r);
	rig_raise(&r, &al);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert_str_eq(r.rows[0].error, "exit status 3");
	f = fopen(path, "r");
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, f), 0);
	fclose(f);
	unlink(path);
	j = json_loads(text, 0, NULL);
	assert_text(j, "address", "127.1.0.1");
	json_decref(j);
	rig_fini(&r);
}
END_TEST

START_TEST(webhooks_are_signed_over_time_and_body)
{
	struct strbuf out = { 0 }, body = { 0 };
	struct alert al = rig_alert(1, true);
	char sig[160], want[160];
	struct wall at = { 0 };
	struct rig r;

	/* printf '1767225600.{"status":"firing"}' | openssl sha256 -hmac … */
	strbuf_puts(&body, "{\"status\":\"firing\"}");
	sign_put(&out, "it's a secret", (struct wall){ 1767225600999 }, &body);
	ck_assert_str_eq(strbuf_str(&out), "t=1767225600,v1="
		"93f5953f499cd91d4c16f8f5ed49ed9c81b3a12d8d244e0b56ae8c9fc5984bf5");
	rig_init(&r, 0);
	r.receivers[0].secret = "it's a secret";
	rig_setup(&r);
	rig_raise(&r, &al);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(5)));
	rig_header(&r, 0, "Tocsin-Signature", sig, sizeof(sig));
	ck_assert_int_eq(strncmp(sig, "t=", 2), 0);
	at.ms = strtoll(sig + 2, NULL, 10) * 1000;
	strbuf_reset(&body);
	strbuf_reset(&out);
	strbuf_puts(&body, fake_http_request(r.server, 0)->body);
	sign_put(&out, "it's a secret", at, &body);
	snprintf(want, sizeof(want), "%s", strbuf_str(&out));
	ck_assert_str_eq(sig, want);
	strbuf_free(&out);
	strbuf_free(&body);
	rig_fini(&r);
}
END_TEST

START_TEST(a_thousand_messages_wait_and_go_out_at_a_pace)
{
	struct action_stats st;
	struct rig r;

	rig_init(&r, 0);
	rig_setup(&r);
	for (uint64_t i = 1; i <= 1000; i++) {
		struct alert al = rig_alert(i, true);

		rig_raise(&r, &al);
	}
	r.want = 60;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	action_stats(r.a, &st);
	ck_assert_uint_le(st.delivered, 64);
	rig_fini(&r);	/* what is left stays in the store */
}
END_TEST

START_TEST(want_of_memory_loses_no_order)
{
	struct action_stats st;
	struct rig r;

	rig_init(&r, 0);
	rig_setup(&r);
	for (long n = 1; n < 80; n++) {
		struct alert al = rig_alert((uint64_t)n, true);
		struct change_set *cs = change_set_new();

		change_add(cs, CHANGE_ALERT)->u.alert = al;
		mem_fail_at(n);
		action_route(r.a, cs);
		mem_fail_at(0);
		change_set_free(cs);
	}
	action_stats(r.a, &st);
	ck_assert_uint_gt(st.waiting, 20);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	return STORIES("action",
		an_alert_names_host_address_and_summary_and_is_told_once,
		nothing_goes_out_before_the_commit_but_after_5_s_all_the_same,
		a_receiver_that_was_down_gets_all_in_order_once,
		a_failed_attempt_is_repeated_with_the_same_key,
		a_huge_answer_is_cut_and_a_redirection_not_followed,
		a_receiver_that_does_not_answer_is_given_its_time_only,
		what_is_refused_is_given_up_aloud_with_its_end,
		routes_choose_receivers_and_each_is_told_once,
		what_was_left_goes_out_with_its_old_key_and_its_end_follows,
		a_receiver_that_is_gone_is_no_silent_loss,
		alertmanager_is_told_again_while_it_fires,
		pagerduty_gets_its_key_and_the_store_does_not,
		a_program_reads_the_alert_from_its_standard_input,
		webhooks_are_signed_over_time_and_body,
		a_thousand_messages_wait_and_go_out_at_a_pace,
		want_of_memory_loses_no_order);
}
