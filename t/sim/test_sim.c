/*
 * The whole engine in virtual time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "predict/rules.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

START_TEST(a0001_all_well)
{
	struct sim *s = sim_new(100, NULL, 0);
	struct snapshot *snap;

	sim_run_until(s, 600);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snap->n_hosts, 100);
	ck_assert_uint_eq(snap->counts[STATE_HEALTHY], 100);
	ck_assert_int_eq(snap->worst, STATE_HEALTHY);
	ck_assert_uint_eq(snap->n_checks, 200);
	snapshot_put(snap);
	ck_assert_uint_eq(sim_events(s, "host.state"), 100);
	sim_free(s);
}
END_TEST

START_TEST(r002_every_slot_runs_once)
{
	struct sim *s = sim_new(50, NULL, 0);
	struct engine_counts c;

	sim_run_until(s, 600);
	c = sim_counts(s);
	ck_assert_uint_ge(c.runs_started, 50 * 2 * 39);
	ck_assert_uint_le(c.runs_started, 50 * 2 * 41);
	ck_assert_uint_eq(c.slots_missed, 0);
	ck_assert_uint_eq(c.results_late, 0);
	/* and each at its time */
	ck_assert_uint_eq(c.slots, c.runs_started);
	ck_assert_uint_eq(c.lateness[0], c.slots);
	/* and so it is of every single one */
	ck_assert_uint_ge(sim_runs(s).least, 39);
	ck_assert_uint_le(sim_runs(s).most, 41);
	ck_assert_uint_eq(sim_runs(s).overlaps, 0);
	sim_free(s);
}
END_TEST

/*
 * Slower than its interval, rechecked, asked for those that hang on it, and
 * looked after late: a run begins when the one before it has ended.
 */
START_TEST(r002_no_run_begins_before_the_last_one_ended)
{
	for (int recheck = 0; recheck < 2; recheck++) {
		const struct check_rule rule = { .interval = dur_s(1),
			.timeout = dur_s(5), .recheck = dur_ms(recheck * 300),
			.recheck_timeout = dur_s(4), .fail_after = 3,
			.clear_after = 2, .stale_after = 9 };
		struct sim *s = sim_new(20, NULL, recheck);

		sim_rule(s, &rule);
		sim_parent(s, "h1", "h9", "h0");
		for (int i = 0; i < 60; i++) {
			char host[8];

			snprintf(host, sizeof(host), "h%d", i % 12);
			sim_slow(s, host, i % 3 == 0 ? 6 : 2.7);
			sim_set(s, "h3", "tcp", i % 4 == 0 ?
				TOCSIN_WHY_CONNECT_REFUSED : TOCSIN_WHY_NONE);
			sim_run_until(s, sim_now(s) + 4.1);
			sim_stall(s, 0.4);
		}
		ck_assert_uint_gt(sim_runs(s).most, 100);
		ck_assert_uint_eq(sim_runs(s).overlaps, 0);
		sim_free(s);
	}
}
END_TEST

START_TEST(r003_one_dead_listener_alone_is_convicted_in_time)
{
	struct sim *s = sim_new(1000, NULL, 0);

	sim_run_until(s, 100);
	sim_set(s, "h7", "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 116);
	ck_assert_int_eq(sim_state(s, "h7"), STATE_SUSPECT);
	sim_run_until(s, 100 + 45 + 5);
	ck_assert_int_eq(sim_state(s, "h7"), STATE_UNHEALTHY);
	ck_assert_int_eq(sim_reason(s, "h7"), TOCSIN_WHY_CONNECT_REFUSED);
	for (int i = 0; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "h%d", i);
		if (i != 7)
			ck_assert_int_eq(sim_state(s, name), STATE_HEALTHY);
	}
	sim_set(s, "h7", "tcp:8000", TOCSIN_WHY_NONE);
	sim_run_until(s, 200);
	ck_assert_int_eq(sim_state(s, "h7"), STATE_HEALTHY);
	sim_free(s);
}
END_TEST

/* The time in "name":"…" of the first alert of that kind, s after the begin. */
static double
told_at(struct sim *s, const char *kind, const char *name)
{
	struct snapshot *snap = sim_snapshot(s);
	const char *at = NULL;
	struct wall t = { 0 };
	char quoted[32];

	snprintf(quoted, sizeof(quoted), "\"%s\":\"", name);
	for (size_t i = 0; i < snap->n_alerts && at == NULL; i++)
		if (strcmp(snap->alerts[i].kind, kind) == 0)
			at = strstr(snap->alerts[i].body, quoted);
	ck_assert_msg(at != NULL, "no %s in an alert %s", name, kind);
	at += strlen(quoted);
	ck_assert_int_eq(wall_parse(at, strcspn(at, "\""), &t), 0);
	snapshot_put(snap);
	return (double)(t.ms - INT64_C(1767225600000)) / 1000;
}

START_TEST(r003_the_alert_says_when_it_failed_and_when_that_was_known)
{
	static const char *const kinds[] = { "host_unhealthy",
		"role_unhealthy" };

	for (int i = 0; i < 2; i++) {
		struct sim *s = sim_new(8, NULL, 0);
		double failed, detected;

		sim_run_until(s, 100);
		sim_set(s, "h7", i == 0 ? "ping" : "tcp", i == 0 ?
			TOCSIN_WHY_NO_REPLY : TOCSIN_WHY_CONNECT_REFUSED);
		sim_run_until(s, 100 + 45 + 5);
		failed = told_at(s, kinds[i], "failed_at");
		detected = told_at(s, kinds[i], "detected_at");
		ck_assert_double_gt(failed, 100);
		ck_assert_double_le(failed, 100 + 15 + 5);
		/* two more of 15 s each */
		ck_assert_double_eq_tol(detected - failed, 30, 0.2);
		sim_restart(s);
		sim_run_until(s, 200);
		ck_assert_double_eq(told_at(s, kinds[i], "failed_at"), failed);
		sim_free(s);
	}
}
END_TEST

START_TEST(a_recheck_convicts_within_one_interval_and_three_seconds)
{
	struct sim *s = sim_new(20, NULL, 1);

	sim_run_until(s, 100);
	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "h%d", i);
		sim_set(s, name, "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	}
	sim_run_until(s, 118);
	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "h%d", i);
		ck_assert_int_eq(sim_state(s, name), STATE_UNHEALTHY);
	}
	sim_free(s);
}
END_TEST

START_TEST(r059_our_own_trouble_convicts_nobody)
{
	struct sim *s = sim_new(10, NULL, 1);

	sim_run_until(s, 100);
	for (int i = 0; i < 10; i++) {
		char name[16];

		snprintf(name, sizeof(name), "h%d", i);
		sim_set(s, name, "ping", TOCSIN_WHY_LOCAL_RESOURCE);
		sim_set(s, name, "tcp:8000", TOCSIN_WHY_LOCAL_NO_ROUTE);
	}
	sim_run_until(s, 3600);
	for (int i = 0; i < 10; i++) {
		char name[16];

		snprintf(name, sizeof(name), "h%d", i);
		/* The doubt is said once, and every verdict stands still. */
		ck_assert_int_eq(sim_state(s, name), STATE_HEALTHY);
	}
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 1);
	ck_assert_uint_eq(sim_alert_facts(s), 1);
	sim_free(s);
}
END_TEST

START_TEST(r059_a_cut_uplink_convicts_nobody_and_two_real_deaths_are_found)
{
	struct sim *s = sim_new(200, NULL, 1);

	sim_run_until(s, 60);
	for (int round = 0; round < 20; round++) {
		double from = 60 + round * 300;

		sim_cut(s, true);
		sim_run_until(s, from + 30);
		if (round == 19) {
			sim_set(s, "h17", "ping", TOCSIN_WHY_NO_REPLY);
			sim_set(s, "h80", "ping", TOCSIN_WHY_NO_REPLY);
		}
		sim_run_until(s, from + 60);
		ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 1);
		ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 0);
		ck_assert_uint_eq(sim_alerts(s, "role_unhealthy"), 0);
		sim_cut(s, false);
		sim_run_until(s, from + 120);
		ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 0);
		sim_run_until(s, from + 300);
	}
	ck_assert_ptr_null(strstr(sim_log(s), "h3 suspect>unhealthy"));
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 2);
	ck_assert_int_eq(sim_state(s, "h17"), STATE_UNHEALTHY);
	ck_assert_int_eq(sim_state(s, "h80"), STATE_UNHEALTHY);
	/* 20 times begun and ended, and two hosts */
	ck_assert_uint_eq(sim_alert_facts(s), 42);
	sim_free(s);
}
END_TEST

START_TEST(r059_of_ten_hosts_a_cut_is_seen_too_and_one_death_is_no_cut)
{
	struct sim *s = sim_new(10, NULL, 1);

	sim_run_until(s, 60);
	sim_cut(s, true);
	sim_run_until(s, 180);
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 1);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 0);
	sim_cut(s, false);
	sim_run_until(s, 300);
	sim_set(s, "h4", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 345);
	ck_assert_int_eq(sim_state(s, "h4"), STATE_UNHEALTHY);
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 0);
	sim_free(s);
}
END_TEST

/* What is said of the hosts from h40 on, which are of rack1. */
static void
log_of_rack1(const struct sim *s, struct strbuf *out)
{
	const char *line = sim_log(s), *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		if (line[0] == 'h' && strtol(line + 1, NULL, 10) >= 40)
			strbuf_add(out, line, (size_t)(end - line) + 1);
	}
}

static void
trouble_in_rack1(struct sim *s, double at)
{
	sim_run_until(s, at);
	sim_set(s, "h50", "ping", TOCSIN_WHY_NO_REPLY);
	sim_set(s, "h61", "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, at + 200);
	sim_set(s, "h50", "ping", TOCSIN_WHY_NONE);
	sim_run_until(s, at + 400);
}

/* All of rack0 dies, comes back, flaps: whatever can go wrong there. */
static void
havoc_in_rack0(struct sim *s, int round)
{
	for (int i = 0; i < 40; i++) {
		char name[24];
		bool bad = (i * 7 + round * 3) % 4 != 0;

		snprintf(name, sizeof(name), "h%d", i);
		sim_set(s, name, "ping", bad ? TOCSIN_WHY_NO_REPLY :
			TOCSIN_WHY_NONE);
		sim_set(s, name, "tcp:8000", bad ?
			TOCSIN_WHY_CONNECT_REFUSED : TOCSIN_WHY_NONE);
	}
}

START_TEST(r022_a_partition_on_fire_changes_no_word_about_another)
{
	struct strbuf logs[2] = { { 0 }, { 0 } };

	for (int there = 0; there < 2; there++) {
		struct sim *s = sim_new(80, NULL, 1);

		sim_split(s, 40, there);
		for (int round = 0; round < 6; round++) {
			if (there)
				havoc_in_rack0(s, round);
			trouble_in_rack1(s, 60 + round * 600);
			if (there && round == 3)
				sim_restart(s);
			sim_run_until(s, 60 + round * 600 + 590);
		}
		log_of_rack1(s, &logs[there]);
		if (there)
			ck_assert_uint_gt(sim_alerts(s, "brake_latched") +
				sim_alerts(s, "partition_outage"), 0);
		sim_free(s);
	}
	ck_assert_ptr_nonnull(strstr(strbuf_str(&logs[0]), "h50"));
	ck_assert_str_eq(strbuf_str(&logs[0]), strbuf_str(&logs[1]));
	strbuf_free(&logs[0]);
	strbuf_free(&logs[1]);
}
END_TEST

/* A bad switch over there loses answers; here a host dies meanwhile. */
START_TEST(r022_what_one_partition_loses_holds_no_verdict_of_another)
{
	static const double losses[] = { 0.2, 0.3, 0.5, 0.9 };
	struct strbuf logs[2] = { { 0 }, { 0 } };

	for (size_t i = 0; i < ARRAY_LEN(losses); i++)
		for (uint64_t seed = 1; seed <= 3; seed++) {
			for (int there = 0; there < 2; there++) {
				struct sim *s = sim_new(80, NULL, 1);

				sim_split(s, 40, there);
				sim_run_until(s, 60);
				if (there)
					sim_loss_apart(s, losses[i], seed);
				trouble_in_rack1(s, 120);
				trouble_in_rack1(s, 700);
				log_of_rack1(s, &logs[there]);
				sim_free(s);
			}
			ck_assert_msg(strcmp(strbuf_str(&logs[0]),
				strbuf_str(&logs[1])) == 0, "loss %.1f, seed "
				"%d:\n%s\nalone:\n%s", losses[i], (int)seed,
				strbuf_str(&logs[1]), strbuf_str(&logs[0]));
			strbuf_reset(&logs[0]);
			strbuf_reset(&logs[1]);
		}
	strbuf_free(&logs[0]);
	strbuf_free(&logs[1]);
}
END_TEST

START_TEST(r021_a_thousand_hosts_miss_no_slot)
{
	struct sim *s = sim_new(1000, NULL, 1);
	struct engine_counts c;

	sim_run_until(s, 615);
	c = sim_counts(s);
	ck_assert_uint_eq(c.slots_missed, 0);
	ck_assert_uint_eq(c.results_late, 0);
	/* ten minutes of 15 s, two checks a host; the first slot is spread */
	ck_assert_uint_ge(c.runs_started, 2 * 40 * 1000);
	ck_assert_uint_le(c.runs_started, 2 * 42 * 1000);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 0);
	sim_free(s);
}
END_TEST

START_TEST(lost_runs_are_unknown_and_the_check_goes_on)
{
	struct sim *s = sim_new(5, NULL, 0);

	sim_run_until(s, 60);
	sim_mute(s, true);
	sim_run_until(s, 300);
	ck_assert_int_ne(sim_state(s, "h1"), STATE_UNHEALTHY);
	ck_assert_int_ne(sim_state(s, "h1"), STATE_HEALTHY);
	sim_mute(s, false);
	sim_run_until(s, 360);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	sim_free(s);
}
END_TEST

START_TEST(r132_steps_of_the_wall_clock_change_nothing)
{
	static const int64_t steps[] = { 3600000, -3600000, 86400000,
		-86400000, INT64_C(31536000000), INT64_C(-31536000000) };
	struct sim *s = sim_new(50, NULL, 1);
	size_t before;

	sim_run_until(s, 60);
	before = sim_events(s, "host.state") + sim_events(s, "check.state");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		sim_step_wall(s, steps[i]);
		sim_run_until(s, sim_now(s) + 120);
	}
	ck_assert_uint_eq(sim_events(s, "host.state") +
		sim_events(s, "check.state"), before);
	ck_assert_uint_eq(sim_counts(s).slots_missed, 0);
	/* and each is on record */
	ck_assert_uint_eq(sim_events(s, "clock_step"), ARRAY_LEN(steps));
	sim_free(s);
}
END_TEST

START_TEST(r132_a_step_over_a_window_begins_and_ends_it)
{
	struct sim *s = sim_new(3, NULL, 1);

	sim_run_until(s, 60);
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "",
		"{\"type\":\"power\",\"hosts\":[\"h1\"],\"reason\":\"x\","
		"\"from\":\"2026-01-01T12:00:00Z\","
		"\"to\":\"2026-01-01T13:00:00Z\"}"), 0);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	sim_step_wall(s, INT64_C(12) * 3600000 + 600000);
	sim_run_until(s, sim_now(s) + 2);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_MAINTENANCE);
	sim_step_wall(s, INT64_C(-6) * 3600000);
	sim_run_until(s, sim_now(s) + 2);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	sim_step_wall(s, INT64_C(86400000));
	sim_run_until(s, sim_now(s) + 2);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_int_eq(sim_state(s, "h0"), STATE_HEALTHY);
	sim_free(s);
}
END_TEST

START_TEST(our_own_sleep_is_nobody_elses_silence)
{
	struct sim *s = sim_new(50, NULL, 1);
	size_t before;

	sim_run_until(s, 60);
	before = sim_events(s, "check.state");
	sim_sleep(s, 86400);
	sim_run_until(s, sim_now(s) + 120);
	ck_assert_uint_eq(sim_events(s, "check.state"), before);
	sim_free(s);
}
END_TEST

static struct observation
plain(const char *probe)
{
	return (struct observation){ .probe = probe, .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_NONE, .text = "", .device = { "", "", "",
			"" } };
}

START_TEST(p4_an_agent_that_falls_silent_is_stale_not_well)
{
	struct sim *s = sim_new(1, NULL, 0);
	struct observation ob = plain("cpu");

	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(sim_batch(s, "a1", &ob, true), BATCH_TAKEN);
		sim_run_until(s, sim_now(s) + 15);
	}
	ck_assert_int_eq(sim_state(s, "a1"), STATE_HEALTHY);
	sim_run_until(s, sim_now(s) + 31);
	ck_assert_int_eq(sim_state(s, "a1"), STATE_STALE);
	sim_batch(s, "a1", &ob, true);
	ck_assert_int_eq(sim_state(s, "a1"), STATE_HEALTHY);
	sim_free(s);
}
END_TEST

START_TEST(an_unknown_host_is_made_only_for_those_who_may)
{
	struct sim *s = sim_new(1, NULL, 0);
	struct observation ob = plain("cpu");

	ck_assert_int_eq(sim_batch(s, "new", &ob, false), BATCH_HOST_UNKNOWN);
	ck_assert_int_eq(sim_batch(s, "new", &ob, true), BATCH_TAKEN);
	ck_assert_int_eq(sim_batch(s, "new", &ob, false), BATCH_TAKEN);
	sim_free(s);
}
END_TEST

START_TEST(an_observation_is_judged_once_and_old_ones_never)
{
	struct sim *s = sim_new(1, NULL, 0);
	struct observation ob = plain("cpu");

	sim_run_until(s, 1000);
	ob.outcome = TOCSIN_FAIL;
	ob.reason = TOCSIN_WHY_REPORTED_CRITICAL;
	ob.at.ms = INT64_C(1767225600000) + 999000;
	for (int i = 0; i < 10; i++)
		sim_batch(s, "a1", &ob, true);
	ck_assert_int_eq(sim_state(s, "a1"), STATE_SUSPECT);
	for (int i = 1; i < 10; i++) {
		ob.at.ms = INT64_C(1767225600000) + 100000 + i;
		sim_batch(s, "a2", &ob, true);
	}
	ck_assert_int_eq(sim_state(s, "a2"), STATE_UNKNOWN);
	sim_free(s);
}
END_TEST

START_TEST(a_host_gone_from_the_file_retires_and_may_return)
{
	struct sim *s = sim_new(3, NULL, 0);

	sim_run_until(s, 60);
	sim_without(s, "h1");
	ck_assert_int_eq(sim_state(s, "h1"), STATE_RETIRED);
	sim_run_until(s, 120);
	ck_assert_uint_eq(sim_events(s, "host.retired"), 1);
	sim_without(s, "none");
	sim_run_until(s, 180);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_uint_eq(sim_events(s, "host.added"), 3);
	sim_free(s);
}
END_TEST

/* Trouble comes and goes; the same trouble with a kill at each of many times. */
static char *
troubled(double kill_at)
{
	static const struct { double at; const char *host, *check;
		enum tocsin_reason why; } script[] = {
		{ 61, "h1", "tcp", TOCSIN_WHY_CONNECT_REFUSED },
		{ 80, "h2", "ping", TOCSIN_WHY_NO_REPLY },
		{ 128, "h1", "tcp", TOCSIN_WHY_NONE },
		{ 150, "h3", "tcp", TOCSIN_WHY_CONNECT_RESET },
		{ 172, "h3", "tcp", TOCSIN_WHY_NONE },
		{ 260, "h2", "ping", TOCSIN_WHY_NONE },
	};
	struct sim *s = sim_new(5, NULL, 0);
	char *log;

	for (size_t i = 0; i < ARRAY_LEN(script); i++) {
		if (kill_at > sim_now(s) && kill_at <= script[i].at) {
			sim_run_until(s, kill_at);
			sim_restart(s);
		}
		sim_run_until(s, script[i].at);
		sim_set(s, script[i].host, script[i].check, script[i].why);
	}
	sim_run_until(s, 400);
	log = strdup(sim_log(s));
	sim_free(s);
	return log;
}

/* The lines of one host, in their order. */
static char *
lines_of(const char *log, const char *host)
{
	struct strbuf out = { 0 };

	for (const char *p = log; *p != '\0'; p += strcspn(p, "\n") + 1)
		if (strncmp(p, host, 2) == 0)
			strbuf_add(&out, p, strcspn(p, "\n") + 1);
	return strbuf_take(&out);
}

START_TEST(r153_p11_kill_at_any_time_gives_every_host_the_same_log)
{
	static const char *const hosts[] = { "h0", "h1", "h2", "h3", "h4" };
	char *whole = troubled(-1);

	ck_assert_ptr_nonnull(strstr(whole, "h1 suspect>unhealthy"));
	ck_assert_ptr_nonnull(strstr(whole, "h2 suspect>unhealthy no_reply"));
	ck_assert_ptr_null(strstr(whole, "h3 suspect>unhealthy"));
	for (double at = 30.5; at < 260; at += 2.25) {
		char *cut = troubled(at);

		/* A run in flight dies with us: hosts may change places. */
		for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
			char *want = lines_of(whole, hosts[i]);
			char *got = lines_of(cut, hosts[i]);

			ck_assert_msg(strcmp(want, got) == 0,
				"killed at %.2f:\n%s\ninstead of\n%s", at,
				got, want);
			mem_free(want);
			mem_free(got);
		}
		free(cut);
	}
	free(whole);
}
END_TEST

static struct pack *
card(void)
{
	const char *top = getenv("top_srcdir");
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };
	struct pack *pack = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/predict/rules/additive-card.json",
		top != NULL ? top : ".");
	ck_assert_msg(file_slurp(path, 0, &text, &e) == 0, "%s", e.text);
	ck_assert_msg(pack_parse(text.p, text.n, &pack, &e) == 0, "%s", e.text);
	strbuf_free(&text);
	return pack;
}

static void
report_disk(struct sim *s, const char *serial, double pending, double realloc)
{
	struct metric m[] = {
		{ "smart_197_raw", "", TOCSIN_F64, { pending } },
		{ "smart_5_raw", "", TOCSIN_F64, { realloc } },
		{ "smart_187_raw", "", TOCSIN_F64, { 0 } },
	};
	struct observation ob = plain("smart");

	ob.device = (struct device_id){ "disk", "ST4000DM000", serial, "" };
	ob.metrics = m;
	ob.n_metrics = ARRAY_LEN(m);
	ck_assert_int_eq(sim_batch(s, "sto1", &ob, true), BATCH_TAKEN);
}

START_TEST(r031_growing_bad_sectors_flag_the_host_and_static_ones_do_not)
{
	struct pack *pack = card();
	struct sim *s = sim_new(1, pack, 0);
	size_t said;

	report_disk(s, "STATIC", 0, 8);
	report_disk(s, "GROWING", 0, 0);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	for (int day = 1; day <= 4; day++) {
		sim_run_until(s, day * 86400.0);
		report_disk(s, "GROWING", day * 24.0, day * 16.0);
		report_disk(s, "STATIC", 0, 8);
	}
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_LIKELY);
	said = sim_events(s, "prediction.level");
	ck_assert_uint_ge(said, 1);
	sim_restart(s);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_LIKELY);
	ck_assert_uint_eq(sim_events(s, "prediction.level"), said);
	sim_free(s);
	pack_free(pack);
}
END_TEST

/* Raw values as their makers pack them; `pending` < 0: nobody decoded it. */
static void
report_packed(struct sim *s, const char *model, uint64_t raw, double pending,
	bool by_probe)
{
	struct metric m[4] = {
		{ "smart_197_raw", "", TOCSIN_U64, { .u64 = raw } },
		{ "smart_5_raw", "", TOCSIN_U64, { .u64 = 0x07d000000000 } },
	};
	struct observation ob = plain("smart");

	ob.device = (struct device_id){ "disk", model, "P1", "" };
	ob.metrics = m;
	ob.n_metrics = 2;
	if (by_probe)
		m[ob.n_metrics++] = (struct metric){ "smart_undecoded_count", "",
			TOCSIN_U64, { .u64 = 1 } };
	if (pending >= 0)
		m[ob.n_metrics++] = (struct metric){ "pending_sectors", "",
			TOCSIN_F64, { pending } };
	ck_assert_int_eq(sim_batch(s, "sto1", &ob, true), BATCH_TAKEN);
}

START_TEST(r031_packed_raw_values_flag_nobody)
{
	struct pack *pack = card();
	struct sim *s = sim_new(1, pack, 0);

	for (int day = 0; day < 6; day++) {
		uint64_t packed = 0x27c51e8f0003 + (uint64_t)day * 0x10001;

		sim_run_until(s, day * 86400.0);
		report_packed(s, "FUJITSU MHY2250BH", packed, -1, true);
		report_packed(s, "FUJITSU MHY2120BH", packed, -1, false);
		report_packed(s, "FUJITSU MHY2000BH", packed, 0, true);
		ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	}
	/* the decoded value does */
	for (int day = 6; day < 12; day++) {
		sim_run_until(s, day * 86400.0);
		report_packed(s, "FUJITSU MHY2250BH", 0x27c51e8f0003,
			(day - 5) * 48.0, true);
	}
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_WATCH);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(snapshots_share_what_did_not_change)
{
	struct sim *s = sim_new(640, NULL, 0);
	struct snapshot *a, *b;
	size_t shared = 0;

	sim_run_until(s, 60);
	a = sim_snapshot(s);
	sim_set(s, "h7", "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	b = sim_snapshot(s);
	for (size_t i = 0; i < a->n_chunks; i++)
		shared += a->chunks[i] == b->chunks[i];
	ck_assert_uint_eq(shared, 10);
	snapshot_put(b);
	b = sim_snapshot(s);
	ck_assert_uint_eq(a->generation, b->generation);
	snapshot_put(b);
	sim_run_until(s, 76);
	b = sim_snapshot(s);
	ck_assert_uint_gt(b->generation, a->generation);
	ck_assert_int_eq(snapshot_host(a, "h7")->state, STATE_HEALTHY);
	ck_assert_int_eq(snapshot_host(b, "h7")->state, STATE_SUSPECT);
	snapshot_put(a);
	snapshot_put(b);
	sim_free(s);
}
END_TEST

/* All of them, in order, each found by its name. */
static void
must_list(struct sim *s, size_t want)
{
	struct snapshot *snap = sim_snapshot(s);
	const char *last = "";
	size_t chunk, at, seen = 0;

	while (snapshot_after(snap, last, &chunk, &at)) {
		const char *name = snap->chunks[chunk]->hosts[at]->name;

		ck_assert_int_gt(strcmp(name, last), 0);
		ck_assert_ptr_nonnull(snapshot_host(snap, name));
		last = name;
		seen++;
	}
	ck_assert_uint_eq(seen, want);
	ck_assert_ptr_null(snapshot_host(snap, "h"));
	ck_assert_ptr_null(snapshot_host(snap, "zzz"));
	ck_assert_ptr_null(snapshot_host(snap, "h1000"));
	snapshot_put(snap);
}

START_TEST(hosts_are_found_and_paged_in_the_order_of_their_names)
{
	struct sim *s = sim_new(200, NULL, 0);
	struct observation ob = plain("cpu");

	must_list(s, 200);
	/* Those that come by themselves, one by one, too. */
	for (int i = 0; i < 150; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%c%d", "atz"[i % 3],
			1000 + i * 37 % 150);
		ck_assert_int_eq(sim_batch(s, name, &ob, true), BATCH_TAKEN);
		if (i % 50 == 7)
			must_list(s, 201 + (size_t)i);
	}
	must_list(s, 350);
	sim_free(s);
}
END_TEST

START_TEST(history_is_one_row_a_second_not_one_a_check)
{
	struct sim *s = sim_new(1000, NULL, 0);

	sim_run_until(s, 301);
	/* 2 probes × at most 15 seconds × 20 slots */
	ck_assert_uint_le(sim_history_rows(s), 2 * 15 * 21);
	ck_assert_uint_ge(sim_history_rows(s), 2 * 15 * 18);
	sim_free(s);
}
END_TEST

int
main(void)
{
	return STORIES("sim", a0001_all_well, r002_every_slot_runs_once,
		r002_no_run_begins_before_the_last_one_ended,
		r003_one_dead_listener_alone_is_convicted_in_time,
		r003_the_alert_says_when_it_failed_and_when_that_was_known,
		a_recheck_convicts_within_one_interval_and_three_seconds,
		r059_our_own_trouble_convicts_nobody,
		r059_a_cut_uplink_convicts_nobody_and_two_real_deaths_are_found,
		r059_of_ten_hosts_a_cut_is_seen_too_and_one_death_is_no_cut,
		r022_a_partition_on_fire_changes_no_word_about_another,
		r022_what_one_partition_loses_holds_no_verdict_of_another,
		r021_a_thousand_hosts_miss_no_slot,
		lost_runs_are_unknown_and_the_check_goes_on,
		r132_steps_of_the_wall_clock_change_nothing,
		r132_a_step_over_a_window_begins_and_ends_it,
		our_own_sleep_is_nobody_elses_silence,
		p4_an_agent_that_falls_silent_is_stale_not_well,
		an_unknown_host_is_made_only_for_those_who_may,
		an_observation_is_judged_once_and_old_ones_never,
		a_host_gone_from_the_file_retires_and_may_return,
		r153_p11_kill_at_any_time_gives_every_host_the_same_log,
		r031_growing_bad_sectors_flag_the_host_and_static_ones_do_not,
		r031_packed_raw_values_flag_nobody,
		snapshots_share_what_did_not_change,
		hosts_are_found_and_paged_in_the_order_of_their_names,
		history_is_one_row_a_second_not_one_a_check);
}
