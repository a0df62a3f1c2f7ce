/* A receiver that cannot be reached has a stand-in; signs of life. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/story.h"
#include "t/unit/action_rig.h"

/* "ops" at a port nobody listens on, "spare" at the rig's server. */
static void
rig_with_spare(struct rig *r)
{
	rig_init(r, 0);
	r->receivers[1] = r->receivers[0];
	r->receivers[1].name = "spare";
	r->receivers[0].url = "http://127.0.0.1:9/";
	r->receivers[0].fallback = "spare";
	r->receivers[0].fallback_after = dur_s(1);
	r->setup.n_receivers = 2;
	r->fires = rig_alert(1, true);
}

static void
assert_body(struct rig *r, size_t i, const char *key, const char *want)
{
	const struct fake_request *q = fake_http_request(r->server, i);
	json_error_t e;
	json_t *j;

	ck_assert_msg(q != NULL, "no request %zu", i);
	j = json_loads(q->body, JSON_REJECT_DUPLICATES, &e);
	ck_assert_msg(j != NULL, "%s: %s", e.text, q->body);
	ck_assert_str_eq(json_string_value(json_object_get(j, key)), want);
	json_decref(j);
}

START_TEST(r114_when_one_channel_fails_the_other_is_told_and_both_recorded)
{
	struct alert end = rig_alert(1, false);
	struct action_stats st;
	struct rig r;

	rig_with_spare(&r);
	rig_setup(&r);
	ck_assert_uint_eq(rig_raise(&r, &r.fires), 1);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert_uint_eq(r.n_fallbacks, 1);
	assert_body(&r, 0, "status", "firing");
	assert_body(&r, 0, "host", "h1");
	action_stats(r.a, &st);
	ck_assert_uint_eq(st.fell_back, 1);
	ck_assert_uint_eq(st.waiting, 1);	/* ops is still to hear of it */
	ck_assert_uint_gt(st.failures, 0);
	/* the end goes to whom the begin went */
	ck_assert_uint_eq(rig_raise(&r, &end), 2);
	r.want = 2;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	assert_body(&r, 1, "status", "resolved");
	/* and ops gets both when it is back, spare nothing more */
	r.receivers[0].url = fake_http_url(r.server);
	rig_setup(&r);
	r.want = 4;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert_uint_eq(fake_http_count(r.server), 4);
	rig_fini(&r);
}
END_TEST

START_TEST(a_receiver_that_answers_in_time_needs_none)
{
	struct rig r;

	rig_with_spare(&r);
	r.receivers[0].url = fake_http_url(r.server);
	rig_setup(&r);
	rig_raise(&r, &r.fires);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert(!rig_run(&r, rig_never, dur_ms(1500)));
	ck_assert_uint_eq(r.n_fallbacks, 0);
	ck_assert_uint_eq(fake_http_count(r.server), 1);
	rig_fini(&r);
}
END_TEST

START_TEST(what_is_refused_falls_back_at_once_and_never_in_a_circle)
{
	struct action_stats st;
	struct rig r;

	rig_with_spare(&r);
	for (size_t i = 0; i < 8; i++)
		r.script[i] = (struct fake_reply){ .status = 422 };
	r.n_script = 8;
	r.receivers[0].url = fake_http_url(r.server);
	r.receivers[0].fallback_after = dur_s(3600);
	r.receivers[1].fallback = "ops";
	r.receivers[1].fallback_after = dur_s(3600);
	rig_setup(&r);
	rig_raise(&r, &r.fires);
	r.want = 2;
	ck_assert(rig_run(&r, rig_done, dur_s(20)));
	action_stats(r.a, &st);
	ck_assert_uint_eq(st.given_up, 2);
	ck_assert_uint_eq(st.fell_back, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(trouble_that_is_over_wakes_nobody_else)
{
	struct rig r;

	rig_with_spare(&r);
	rig_setup(&r);
	rig_raise(&r, &r.fires);
	r.fires.id = 0;
	ck_assert(!rig_run(&r, rig_never, dur_ms(1500)));
	ck_assert_uint_eq(r.n_fallbacks, 0);
	rig_fini(&r);
}
END_TEST

/* ---- heartbeats ---- */

static const char *const to_ops[] = { "ops" };

static struct change_set *
beat(struct rig *r)
{
	struct change_set *cs = change_set_new();

	ck_assert_uint_eq(action_heartbeat(r->a, cs, "{\"hosts\":3}"), 1);
	ck_assert_int_eq(cs->items[0].kind, CHANGE_OUTBOX);
	ck_assert_uint_eq(cs->items[0].u.outbox.alert, 0);
	return cs;
}

static void
beat_now(struct rig *r)
{
	struct change_set *cs = beat(r);

	action_committed(r->a, cs);
	change_set_free(cs);
}

START_TEST(a_heartbeat_proves_the_commit_and_is_never_late_news)
{
	struct alert al = rig_alert(1, true);
	struct rig r;

	rig_init(&r, 0);
	r.setup.heartbeat_to = to_ops;
	r.setup.n_heartbeat_to = 1;
	r.setup.heartbeat_every = dur_s(60);
	rig_setup(&r);
	beat_now(&r);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(5)));
	assert_body(&r, 0, "kind", "heartbeat");
	assert_body(&r, 0, "link", "http://127.0.0.1:8420");
	/* this one's set never commits: an alert behind it still goes out */
	change_set_free(beat(&r));
	rig_raise(&r, &al);
	r.want = 3;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert_uint_eq(fake_http_count(r.server), 2);
	assert_body(&r, 1, "kind", "host_unhealthy");
	ck_assert_str_eq(r.rows[1].error, "its set was not committed");
	rig_fini(&r);
}
END_TEST

START_TEST(a_receiver_that_was_down_gets_one_heartbeat_not_an_hour_of_them)
{
	struct action_stats st;
	struct rig r;

	rig_init(&r, 0);
	r.receivers[0].url = "http://127.0.0.1:9/";
	r.setup.heartbeat_to = to_ops;
	r.setup.n_heartbeat_to = 1;
	r.setup.heartbeat_every = dur_s(60);
	rig_setup(&r);
	for (int i = 0; i < 20; i++)
		beat_now(&r);
	action_stats(r.a, &st);
	ck_assert_uint_le(st.waiting, 2);	/* one may be under way */
	r.receivers[0].url = fake_http_url(r.server);
	rig_setup(&r);
	r.want = 20;
	ck_assert(rig_run(&r, rig_done, dur_s(10)));
	ck_assert_uint_le(fake_http_count(r.server), 2);
	rig_fini(&r);
}
END_TEST

START_TEST(alertmanager_takes_silence_of_two_periods_for_death)
{
	const struct fake_request *q;
	char from[40] = "", until[40] = "";
	struct wall at, end;
	json_error_t e;
	struct rig r;
	json_t *j;

	rig_init(&r, 0);
	r.receivers[0].type = ACTION_ALERTMANAGER;
	r.setup.heartbeat_to = to_ops;
	r.setup.n_heartbeat_to = 1;
	r.setup.heartbeat_every = dur_s(30);
	rig_setup(&r);
	beat_now(&r);
	r.want = 1;
	ck_assert(rig_run(&r, rig_done, dur_s(5)));
	q = fake_http_request(r.server, 0);
	j = json_loads(q->body, 0, &e);
	ck_assert_ptr_nonnull(j);
	snprintf(from, sizeof(from), "%s", json_string_value(json_object_get(
		json_array_get(j, 0), "startsAt")));
	snprintf(until, sizeof(until), "%s", json_string_value(
		json_object_get(json_array_get(j, 0), "endsAt")));
	json_decref(j);
	ck_assert_int_eq(wall_parse(from, strlen(from), &at), 0);
	ck_assert_int_eq(wall_parse(until, strlen(until), &end), 0);
	ck_assert_int_ge(end.ms - at.ms, 60000);
	ck_assert_int_lt(end.ms - at.ms, 70000);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	return STORIES("action_fallback",
		r114_when_one_channel_fails_the_other_is_told_and_both_recorded,
		a_receiver_that_answers_in_time_needs_none,
		what_is_refused_falls_back_at_once_and_never_in_a_circle,
		trouble_that_is_over_wakes_nobody_else,
		a_heartbeat_proves_the_commit_and_is_never_late_news,
		a_receiver_that_was_down_gets_one_heartbeat_not_an_hour_of_them,
		alertmanager_takes_silence_of_two_periods_for_death);
}
