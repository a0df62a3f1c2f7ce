/*
 * Hosts that hang on a switch: who is convicted, who is only cut off, and
 * how long a verdict may wait for the switch's answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

static void
kill_hosts(struct sim *s, int first, int last, enum tocsin_reason why)
{
	char host[16];

	for (int i = first; i <= last; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		sim_set(s, host, "ping", why);
		sim_set(s, host, "tcp", why);
	}
}

static size_t
count(struct sim *s, int first, int last, enum unit_state st)
{
	char host[16];
	size_t n = 0;

	for (int i = first; i <= last; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		n += sim_state(s, host) == st;
	}
	return n;
}

static size_t
alerts_but_of(struct sim *s, const char *host)
{
	struct snapshot *snap = sim_snapshot(s);
	size_t n = 0;

	for (size_t i = 0; i < snap->n_alerts; i++)
		n += strcmp(snap->alerts[i].host, host) != 0;
	snapshot_put(snap);
	return n;
}

static size_t
lines(const char *log, const char *what)
{
	size_t n = 0;

	for (const char *p = log; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* From the death of h3 to its conviction. */
static double
time_to_verdict(int recheck, bool behind, double at)
{
	struct sim *s = sim_new(12, NULL, recheck);
	double took;

	if (behind)
		sim_parent(s, "h1", "h11", "h0");
	sim_run_until(s, at);
	kill_hosts(s, 3, 3, TOCSIN_WHY_NO_REPLY);
	while (sim_state(s, "h3") != STATE_UNHEALTHY && sim_now(s) < at + 120)
		sim_run_until(s, sim_now(s) + 0.05);
	took = sim_now(s) - at;
	sim_free(s);
	return took;
}

START_TEST(p10_behind_a_live_switch_the_verdict_waits_for_its_answer_only)
{
	for (int recheck = 0; recheck < 2; recheck++)
		for (int i = 0; i < 15; i++) {
			double at = 100.3 + i;
			double alone = time_to_verdict(recheck, false, at);
			double behind = time_to_verdict(recheck, true, at);

			/* the promise: fail_after × interval + timeout + 1 s */
			ck_assert(alone <= 3 * 15 + 5 + 1);
			ck_assert(behind <= 3 * 15 + 5 + 1);
			ck_assert_msg(behind <= alone + 0.1, "%g s alone, %g s "
				"behind a switch", alone, behind);
		}
}
END_TEST

/* Each second of the phase that the cut may fall into. */
START_TEST(p10_nobody_is_convicted_for_the_switch_whenever_it_dies)
{
	for (int recheck = 0; recheck < 2; recheck++)
		for (int i = 0; i < 30; i++) {
			struct sim *s = sim_new(60, NULL, recheck);
			double at = 100 + i * 0.5;

			sim_parent(s, "h1", "h20", "h0");
			sim_run_until(s, at);
			kill_hosts(s, 0, 20, TOCSIN_WHY_NO_REPLY);
			sim_run_until(s, at + 120);
			ck_assert_uint_eq(count(s, 1, 20, STATE_UNREACHABLE),
				20);
			ck_assert_int_eq(sim_state(s, "h0"), STATE_UNHEALTHY);
			ck_assert_uint_eq(lines(sim_log(s), ">unhealthy"), 1);
			ck_assert_uint_eq(alerts_but_of(s, "h0"), 0);
			sim_free(s);
		}
}
END_TEST

/* Our own uplink, with switches between: they are silent as all others are. */
START_TEST(r059_a_cut_uplink_convicts_no_switch_either)
{
	for (int i = 0; i < 30; i++) {
		struct sim *s = sim_new(200, NULL, 1);
		double at = 200 + i * 0.5;

		for (int k = 0; k < 5; k++) {
			char first[8], last[8], parent[8];

			snprintf(parent, sizeof(parent), "h%d", k * 40);
			snprintf(first, sizeof(first), "h%d", k * 40 + 1);
			snprintf(last, sizeof(last), "h%d", k * 40 + 39);
			sim_parent(s, first, last, parent);
		}
		if (i % 2 == 1)
			sim_controls(s, true, "203.0.113.1");
		sim_run_until(s, at);
		sim_cut(s, true);
		if (i % 2 == 1)
			sim_kill_controls(s, true, true);
		sim_run_until(s, at + 60);
		ck_assert_uint_eq(sim_events(s, "observer.suspect"), 1);
		ck_assert_uint_eq(sim_alerts(s, "all"), 1);
		sim_cut(s, false);
		sim_kill_controls(s, false, false);
		sim_run_until(s, at + 120);
		ck_assert_uint_eq(lines(sim_log(s), ">unhealthy"), 0);
		ck_assert_uint_eq(lines(sim_log(s), ">unreachable"), 0);
		ck_assert_uint_eq(sim_alerts(s, "all"), 0);
		sim_free(s);
	}
}
END_TEST

/* The router of all of them; whether it is us or it, one alert is raised. */
START_TEST(p10_a_router_and_five_hundred_behind_it_are_one_alert)
{
	for (int witness = 0; witness < 2; witness++) {
		struct sim *s = sim_new(501, NULL, 1);

		sim_parent(s, "h1", "h500", "h0");
		sim_controls(s, true, witness ? "203.0.113.1" : NULL);
		sim_run_until(s, 100);
		kill_hosts(s, 0, 500, TOCSIN_WHY_NO_REPLY);
		sim_run_until(s, 200);
		ck_assert_uint_eq(alerts_but_of(s, "h0"), witness ? 0 : 1);
		ck_assert_uint_eq(sim_alerts(s, "observer_suspect"),
			witness ? 0 : 1);
		if (witness)
			ck_assert_uint_eq(count(s, 1, 500, STATE_UNREACHABLE),
				500);
		kill_hosts(s, 0, 497, TOCSIN_WHY_NONE);
		sim_run_until(s, 260);
		ck_assert_uint_eq(count(s, 0, 497, STATE_HEALTHY), 498);
		ck_assert_uint_eq(count(s, 498, 500, STATE_UNHEALTHY), 3);
		ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 3);
		sim_free(s);
	}
}
END_TEST

/*
 * Nearly all hang on one router, and nothing but hosts is asked: what a few
 * others say tells whose fault it is, whenever it happens.
 */
static void
router_dies(int behind, int others, int recheck, double at)
{
	struct sim *s = sim_new(1 + (size_t)behind + (size_t)others, NULL,
		recheck);
	char last[16];

	snprintf(last, sizeof(last), "h%d", behind);
	sim_parent(s, "h1", last, "h0");
	sim_run_until(s, at);
	kill_hosts(s, 0, behind, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, at + 60);
	ck_assert_msg(sim_events(s, "observer.suspect") == 0,
		"%d behind, %d others, at %g: doubt", behind, others, at);
	ck_assert_int_eq(sim_state(s, "h0"), STATE_UNHEALTHY);
	ck_assert_uint_eq(count(s, 1, behind, STATE_UNREACHABLE),
		(size_t)behind);
	ck_assert_msg(lines(sim_log(s), ">unhealthy") == 1 &&
		alerts_but_of(s, "h0") == 0, "%d behind, %d others, at %g, "
		"recheck %d:\n%s", behind, others, at, recheck, sim_log(s));
	sim_free(s);
}

static void
we_are_cut_off(int behind, int others, int recheck, double at)
{
	struct sim *s = sim_new(1 + (size_t)behind + (size_t)others, NULL,
		recheck);
	char last[16];

	snprintf(last, sizeof(last), "h%d", behind);
	sim_parent(s, "h1", last, "h0");
	sim_run_until(s, at);
	sim_cut(s, true);
	sim_run_until(s, at + 60);
	ck_assert_msg(sim_events(s, "observer.suspect") == 1,
		"%d behind, %d others, at %g: no doubt", behind, others, at);
	ck_assert_msg(sim_alerts(s, "all") == 1, "%d behind, %d others, at "
		"%g, recheck %d:\n%s", behind, others, at, recheck, sim_log(s));
	sim_cut(s, false);
	sim_run_until(s, at + 150);
	ck_assert_msg(strstr(sim_log(s), ">unhealthy") == NULL &&
		strstr(sim_log(s), ">unreachable") == NULL,
		"%d behind, %d others, at %g:\n%s", behind, others, at,
		sim_log(s));
	ck_assert_uint_eq(sim_alerts(s, "all"), 0);
	sim_free(s);
}

START_TEST(p10_r059_a_few_others_tell_a_dead_router_from_a_cut_uplink)
{
	static const int behind[] = { 3, 5, 40, 300 };
	static const int others[] = { 1, 2, 3, 8 };

	for (size_t b = 0; b < ARRAY_LEN(behind); b++)
		for (size_t o = 0; o < ARRAY_LEN(others); o++)
			for (int i = 0; i < 20; i++) {
				int recheck = behind[b] < 40 || i % 4 != 3;
				double at = 200 + i * 0.77;

				router_dies(behind[b], others[o], recheck, at);
				we_are_cut_off(behind[b], others[o], recheck,
					at);
			}
}
END_TEST

/* Nobody else is there to be asked: it may be us, and stays in doubt. */
START_TEST(r059_a_router_of_all_that_falls_silent_is_doubt)
{
	for (int behind = 3; behind <= 300; behind *= 10)
		for (int i = 0; i < 20; i++)
			we_are_cut_off(behind, 0, behind < 40 ||
				i % 4 != 3, 200 + i * 0.77);
}
END_TEST

static int
hang(struct sim *s, enum engine_order order, const char *host,
	const char *parent)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"parent\":\"%s\"}", parent);
	return sim_order(s, order, host, body);
}

static bool
is_behind(struct sim *s, const char *host, const char *parent)
{
	struct snapshot *snap = sim_snapshot(s);
	const struct snap_host *h = snapshot_host(snap, host);
	bool is;

	ck_assert_ptr_nonnull(h);
	is = strcmp(h->rare->kin != NULL ? h->rare->kin->parent : "", parent) == 0;
	snapshot_put(snap);
	return is;
}

START_TEST(p10_what_a_host_hangs_on_is_told_by_the_api)
{
	struct sim *s = sim_new(12, NULL, 1);

	sim_run_until(s, 60);
	ck_assert_int_eq(hang(s, ORDER_HOST_PUT, "a1", "H3"), 0);
	ck_assert_int_eq(hang(s, ORDER_HOST_PUT, "a2", ""), 0);
	ck_assert_int_eq(hang(s, ORDER_HOST_PATCH, "a2", "a1"), 0);
	ck_assert(is_behind(s, "a1", "h3") && is_behind(s, "a2", "a1"));
	/* and so it is after a kill */
	sim_restart(s);
	sim_run_until(s, 90);
	ck_assert(is_behind(s, "a1", "h3") && is_behind(s, "a2", "a1"));
	kill_hosts(s, 3, 3, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 150);
	ck_assert_int_eq(sim_state(s, "a1"), STATE_UNREACHABLE);
	ck_assert_int_eq(sim_state(s, "a2"), STATE_UNREACHABLE);
	ck_assert_uint_eq(alerts_but_of(s, "h3"), 0);
	ck_assert_int_eq(hang(s, ORDER_HOST_PATCH, "a1", ""), 0);
	ck_assert_int_eq(sim_state(s, "a1"), STATE_UNKNOWN);
	ck_assert_int_eq(sim_state(s, "a2"), STATE_UNKNOWN);
	ck_assert(is_behind(s, "a1", ""));
	/* a PUT says all of it: it hangs on nothing again */
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PUT, "a2",
		"{\"address\":\"127.1.0.9\"}"), 0);
	ck_assert(is_behind(s, "a2", ""));
	sim_free(s);
}
END_TEST

START_TEST(p10_no_host_hangs_on_itself_and_none_for_ever)
{
	struct sim *s = sim_new(3, NULL, 1);
	char host[8], above[8] = "";

	sim_run_until(s, 60);
	for (int i = 0; i <= 16; i++) {
		snprintf(host, sizeof(host), "a%d", i);
		ck_assert_int_eq(hang(s, ORDER_HOST_PUT, host, above), 0);
		snprintf(above, sizeof(above), "%s", host);
	}
	ck_assert_int_eq(hang(s, ORDER_HOST_PATCH, "a1", "a1"), TC_ERANGE);
	ck_assert_str_eq(sim_said(s), "/parent: is 'a1' itself");
	ck_assert_int_eq(hang(s, ORDER_HOST_PATCH, "a0", "a2"), TC_ERANGE);
	ck_assert_str_eq(sim_said(s), "/parent: a cycle: a0 > a2 > a1 > a0");
	ck_assert_int_eq(hang(s, ORDER_HOST_PATCH, "a1", "nope"), TC_ERANGE);
	ck_assert_str_eq(sim_said(s), "/parent: no host 'nope'");
	/* a17 would be the seventeenth, and so would a16 behind another */
	ck_assert_int_eq(hang(s, ORDER_HOST_PUT, "a17", "a16"), TC_ERANGE);
	ck_assert_int_eq(hang(s, ORDER_HOST_PATCH, "a0", "h1"), TC_ERANGE);
	ck_assert_str_eq(sim_said(s), "/parent: more than 16 in a row");
	/* what the configuration describes hangs where that says */
	ck_assert_int_eq(hang(s, ORDER_HOST_PATCH, "h1", "h2"), TC_EEXIST);
	ck_assert_ptr_nonnull(strstr(sim_said(s), "owned_by: config"));
	/* a refusal changed nothing */
	ck_assert(is_behind(s, "a0", "") && is_behind(s, "a1", "a0"));
	ck_assert(is_behind(s, "h1", ""));
	sim_free(s);
}
END_TEST

/* A switch of which nothing is known convicts nobody and saves nobody. */
START_TEST(p10_a_switch_that_cannot_be_asked_holds_a_verdict_for_a_bounded_time)
{
	struct sim *s = sim_new(12, NULL, 1);

	sim_parent(s, "h1", "h11", "h0");
	sim_run_until(s, 100);
	/* we lack the right to ping it, say */
	sim_set(s, "h0", "ping", TOCSIN_WHY_LOCAL_PERMISSION);
	sim_set(s, "h0", "tcp", TOCSIN_WHY_LOCAL_PERMISSION);
	sim_run_until(s, 200);
	kill_hosts(s, 3, 3, TOCSIN_WHY_CONNECT_REFUSED);
	/* its first slot, three of its own, and four runs of the switch */
	sim_run_until(s, 200 + 15 + 3 + 4 * 5 + 3);
	ck_assert_int_eq(sim_state(s, "h3"), STATE_UNHEALTHY);
	ck_assert_int_ne(sim_state(s, "h0"), STATE_UNHEALTHY);
	sim_free(s);
}
END_TEST

START_TEST(p10_one_alert_counts_those_that_hang_on_it)
{
	struct sim *s = sim_new(60, NULL, 1);
	struct snapshot *snap;

	sim_parent(s, "h1", "h40", "h0");
	sim_run_until(s, 100);
	kill_hosts(s, 0, 40, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 160);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snap->n_alerts, 1);
	ck_assert_str_eq(snap->alerts[0].kind, "host_unhealthy");
	ck_assert_str_eq(snap->alerts[0].host, "h0");
	ck_assert_ptr_nonnull(strstr(snap->alerts[0].summary,
		"; 40 hosts that hang on it are unreachable"));
	ck_assert_ptr_nonnull(strstr(snap->alerts[0].body,
		"\"unreachable_hosts\":40"));
	ck_assert_uint_eq(snap->counts[STATE_UNREACHABLE], 40);
	ck_assert_uint_eq(snap->counts[STATE_UNHEALTHY], 1);
	/* no plan but the switch's own, no brake for the 40 */
	ck_assert_uint_eq(snap->n_plans, 1);
	ck_assert(!snap->partitions[0].brake.latched);
	snapshot_put(snap);
	sim_free(s);
}
END_TEST

static void
agents_until(struct sim *s, int first, int last, double until)
{
	while (sim_now(s) < until) {
		for (int i = first; i <= last; i++) {
			struct observation ob = { .probe = "cpu", .text = "",
				.device.kind = "" };
			char host[16];

			snprintf(host, sizeof(host), "h%d", i);
			ck_assert_int_eq(sim_batch(s, host, &ob, true),
				BATCH_TAKEN);
		}
		sim_run_until(s, sim_now(s) + 15);
	}
}

/* Agents cannot be heard either: that is the switch's, and says nothing. */
START_TEST(p10_agents_and_vms_behind_a_dead_switch_raise_nothing)
{
	static const struct unit_def vm = { .is_vm = true, .name = "v1",
		.address = "v1", .parent = SIZE_MAX, .agent = AGENT_TOCSIN,
		.rule = { .heartbeat = { INT64_C(15000000000) },
			.late_after = 3, .clear_after = 2,
			.grace = { INT64_C(600000000000) },
			.never = { INT64_C(60000000000) },
			.lost = { INT64_C(600000000000) },
			.gone = { INT64_C(30000000000) },
			.busy_ratio = 0.95 } };
	struct observation beat = { .probe = "memory", .text = "",
		.device.kind = "" };
	const struct snap_unit *u;
	struct snapshot *snap;
	struct sim *s = sim_new(20, NULL, 1);
	const char *on;

	sim_parent(s, "h1", "h6", "h0");
	for (int i = 1; i <= 6; i++) {
		char host[16];

		snprintf(host, sizeof(host), "h%d", i);
		sim_units(s, host, &vm, i == 1 ? 1 : 0, AGENT_TOCSIN);
	}
	agents_until(s, 1, 6, 60);
	ck_assert_int_eq(sim_batch(s, "v1", &beat, true), BATCH_TAKEN);
	agents_until(s, 1, 6, 90);
	ck_assert_int_eq(sim_batch(s, "v1", &beat, true), BATCH_TAKEN);
	kill_hosts(s, 0, 6, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 3600);
	ck_assert_uint_eq(count(s, 1, 6, STATE_UNREACHABLE), 6);
	ck_assert_uint_eq(sim_alerts(s, "all"), 1);
	snap = sim_snapshot(s);
	u = sim_unit(snap, "v1", &on);
	ck_assert_int_eq(u->health, HEALTH_UNREACHABLE);
	ck_assert_int_eq(u->reason, TOCSIN_WHY_PARENT_DOWN);
	snapshot_put(snap);
	/* the way is open again, and they have the time to be heard of */
	kill_hosts(s, 0, 6, TOCSIN_WHY_NONE);
	sim_run_until(s, 3625);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 0);
	ck_assert_uint_eq(sim_alerts(s, "host_stale"), 0);
	agents_until(s, 1, 6, 3700);
	ck_assert_int_eq(sim_batch(s, "v1", &beat, true), BATCH_TAKEN);
	sim_run_until(s, 3701);
	ck_assert_uint_eq(count(s, 0, 6, STATE_HEALTHY), 7);
	ck_assert_uint_eq(sim_alerts(s, "all"), 0);
	ck_assert_uint_eq(lines(sim_unit_log(s), ">unhealthy"), 0);
	sim_free(s);
}
END_TEST

/* Who was known to be ill before stays so, and is ill when it is back. */
START_TEST(p10_a_conviction_from_before_comes_back_with_the_switch)
{
	struct sim *s = sim_new(30, NULL, 1);

	sim_parent(s, "h1", "h6", "h0");
	sim_run_until(s, 100);
	kill_hosts(s, 5, 5, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 160);
	ck_assert(sim_alert_of(s, "host_unhealthy", "h5"));
	kill_hosts(s, 0, 6, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 300);
	ck_assert_int_eq(sim_state(s, "h5"), STATE_UNREACHABLE);
	ck_assert(sim_alert_of(s, "host_unhealthy", "h5"));
	kill_hosts(s, 0, 4, TOCSIN_WHY_NONE);
	kill_hosts(s, 6, 6, TOCSIN_WHY_NONE);
	sim_run_until(s, 400);
	ck_assert_int_eq(sim_state(s, "h5"), STATE_UNHEALTHY);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	ck_assert_uint_eq(lines(sim_log(s), "h5 suspect>unhealthy"), 1);
	sim_free(s);
}
END_TEST

START_TEST(p10_a_host_taken_from_a_dead_switch_is_judged_by_itself)
{
	struct sim *s = sim_new(30, NULL, 1);

	sim_parent(s, "h1", "h6", "h0");
	sim_run_until(s, 100);
	kill_hosts(s, 0, 6, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 200);
	sim_parent(s, "h3", "h3", "");
	ck_assert_int_ne(sim_state(s, "h3"), STATE_UNREACHABLE);
	sim_run_until(s, 260);
	ck_assert_int_eq(sim_state(s, "h3"), STATE_UNHEALTHY);
	ck_assert_int_eq(sim_state(s, "h4"), STATE_UNREACHABLE);
	/* the switch itself leaves the fleet */
	sim_without(s, "h0");
	sim_run_until(s, 320);
	ck_assert_uint_eq(count(s, 1, 6, STATE_UNHEALTHY), 6);
	sim_free(s);
}
END_TEST

START_TEST(p12_a_window_on_a_switch_covers_what_hangs_on_it)
{
	struct sim *s = sim_new(30, NULL, 1);

	sim_parent(s, "h1", "h1", "h0");
	sim_parent(s, "h2", "h6", "h1");
	sim_run_until(s, 60);
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "",
		"{\"type\":\"network\",\"hosts\":[\"h0\"],"
		"\"reason\":\"new firmware\","
		"\"from\":\"2026-01-01T00:01:30Z\","
		"\"to\":\"2026-01-01T00:10:00Z\"}"), 0);
	sim_run_until(s, 100);
	ck_assert_uint_eq(count(s, 0, 6, STATE_MAINTENANCE), 7);
	ck_assert_int_eq(sim_state(s, "h7"), STATE_HEALTHY);
	kill_hosts(s, 0, 6, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 590);
	ck_assert_uint_eq(sim_alerts(s, "all"), 0);
	/* still down at the end: the switch is told of, and for all */
	sim_run_until(s, 1200);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"), 1);
	ck_assert(sim_alert_of(s, "maintenance_overrun", "h0"));
	ck_assert_uint_eq(count(s, 1, 6, STATE_UNREACHABLE), 6);
	kill_hosts(s, 0, 6, TOCSIN_WHY_NONE);
	sim_run_until(s, 1260);
	ck_assert_uint_eq(sim_alerts(s, "all"), 0);
	sim_free(s);
}
END_TEST

START_TEST(p12_the_snapshot_names_the_one_that_is_down)
{
	struct sim *s = sim_new(60, NULL, 1);
	struct snapshot *snap;
	const struct snap_host *h;

	sim_parent(s, "h1", "h2", "h0");
	sim_parent(s, "h3", "h9", "h1");
	sim_run_until(s, 60);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snapshot_host(snap, "h0")->rare->kin->n_below, 9);
	ck_assert_uint_eq(snapshot_host(snap, "h1")->rare->kin->n_below, 7);
	h = snapshot_host(snap, "h3");
	ck_assert_str_eq(h->rare->kin->parent, "h1");
	ck_assert_str_eq(h->rare->kin->behind, "");
	ck_assert_ptr_null(snapshot_host(snap, "h20")->rare->kin);
	snapshot_put(snap);
	kill_hosts(s, 0, 9, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 120);
	snap = sim_snapshot(s);
	h = snapshot_host(snap, "h3");
	ck_assert_str_eq(h->rare->kin->parent, "h1");
	ck_assert_str_eq(h->rare->kin->behind, "h0");
	ck_assert_uint_eq(h->why_not, 1U << WHY_NOT_PARENT);
	snapshot_put(snap);
	sim_free(s);
}
END_TEST

/* All states at the quiet times of a storm, with kills in it or without. */
static char *
storm(uint32_t seed, bool kill)
{
	struct sim *s = sim_new(40, NULL, 1);
	char *log = calloc(1, 60 * 45);
	unsigned r = seed;

	sim_parent(s, "h1", "h2", "h0");
	sim_parent(s, "h3", "h9", "h1");
	sim_parent(s, "h10", "h19", "h2");
	for (int i = 0; i < 60; i++) {
		int root;

		r = r * 1103515245 + 12345;
		root = (int)(r >> 16) % 3;
		sim_run_until(s, 60.0 + i * 120);
		kill_hosts(s, 0, 19, TOCSIN_WHY_NONE);
		if (i % 2 == 0 && root == 0)
			kill_hosts(s, 0, 19, TOCSIN_WHY_NO_REPLY);
		if (i % 2 == 0 && root == 1) {
			kill_hosts(s, 1, 1, TOCSIN_WHY_NO_REPLY);
			kill_hosts(s, 3, 9, TOCSIN_WHY_NO_REPLY);
		}
		if (i % 2 == 0 && root == 2) {
			kill_hosts(s, 2, 2, TOCSIN_WHY_NO_REPLY);
			kill_hosts(s, 10, 19, TOCSIN_WHY_NO_REPLY);
		}
		/* when all is said, and nothing is under way */
		sim_run_until(s, 60.0 + i * 120 + 90);
		for (int h = 0; h < 40; h++) {
			char host[16];

			snprintf(host, sizeof(host), "h%d", h);
			log[strlen(log)] = state_id(sim_state(s, host))[2];
		}
		log[strlen(log)] = '\n';
		if (kill && i % 3 == 1)
			sim_restart(s);
	}
	ck_assert_uint_eq(lines(sim_log(s), "parent_down") > 0, true);
	for (int i = 3; i < 20; i++) {
		char text[40];

		snprintf(text, sizeof(text), "h%d suspect>unhealthy", i);
		ck_assert_msg(strstr(sim_log(s), text) == NULL, "seed %u: %s",
			seed, text);
	}
	sim_free(s);
	return log;
}

START_TEST(p10_p11_storms_of_switches_convict_no_host_and_a_kill_changes_nothing)
{
	for (uint32_t seed = 1; seed <= 10; seed++) {
		char *whole = storm(seed, false), *cut = storm(seed, true);

		ck_assert_msg(strcmp(whole, cut) == 0, "seed %u", seed);
		free(whole);
		free(cut);
	}
}
END_TEST

int
main(void)
{
	return STORIES("parents",
		p10_behind_a_live_switch_the_verdict_waits_for_its_answer_only,
		p10_nobody_is_convicted_for_the_switch_whenever_it_dies,
		r059_a_cut_uplink_convicts_no_switch_either,
		p10_a_router_and_five_hundred_behind_it_are_one_alert,
		p10_r059_a_few_others_tell_a_dead_router_from_a_cut_uplink,
		r059_a_router_of_all_that_falls_silent_is_doubt,
		p10_a_switch_that_cannot_be_asked_holds_a_verdict_for_a_bounded_time,
		p10_what_a_host_hangs_on_is_told_by_the_api,
		p10_no_host_hangs_on_itself_and_none_for_ever,
		p10_one_alert_counts_those_that_hang_on_it,
		p10_agents_and_vms_behind_a_dead_switch_raise_nothing,
		p10_a_conviction_from_before_comes_back_with_the_switch,
		p10_a_host_taken_from_a_dead_switch_is_judged_by_itself,
		p12_the_snapshot_names_the_one_that_is_down,
		p12_a_window_on_a_switch_covers_what_hangs_on_it,
		p10_p11_storms_of_switches_convict_no_host_and_a_kill_changes_nothing);
}
