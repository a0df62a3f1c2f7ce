/*
 * Plans, brakes, alerts, windows and orders, in virtual time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/story.h"
#include "t/sim/sim.h"

#define DAY_MS INT64_C(86400000)
/* As t/sim/sim.c begins. */
#define BEGIN_MS INT64_C(1767225600000)

static void
fail_ping(struct sim *s, int from, int to, enum tocsin_reason why)
{
	for (int i = from; i < to; i++) {
		char name[24];

		snprintf(name, sizeof(name), "h%d", i);
		sim_set(s, name, "ping", why);
	}
}

static struct snap_brake
brake_of(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	struct snap_brake b = { 0 };

	for (size_t i = 0; i < snap->n_partitions; i++)
		if (strcmp(snap->partitions[i].name, "rack1") == 0)
			b = snap->partitions[i].brake;
	snapshot_put(snap);
	return b;
}

START_TEST(r015_a_convicted_host_has_a_plan_with_targets_of_its_partition)
{
	struct sim *s = sim_new(10, NULL, 1);
	struct snap_plan p;

	sim_run_until(s, 60);
	fail_ping(s, 3, 4, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 100);
	p = sim_plan(s, "h3");
	ck_assert_int_eq(p.action, PLAN_HOST_EVACUATE);
	ck_assert_int_eq(p.state, PLAN_STATE_RECOMMENDED);
	ck_assert_uint_eq(p.n_targets, 9);
	ck_assert_uint_eq(p.target_counts[TARGET_ELIGIBLE], 9);
	ck_assert_uint_eq(p.target_counts[TARGET_BEING_LEFT], 1);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	fail_ping(s, 3, 4, TOCSIN_WHY_NONE);
	sim_run_until(s, 160);
	ck_assert_uint_eq(sim_plan(s, "h3").id, 0);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 0);
	ck_assert_uint_eq(sim_alert_facts(s), 2);
	sim_free(s);
}
END_TEST

static void
has(struct sim *s, int host, const char *capacity, const char *load)
{
	char name[24], body[160];

	snprintf(name, sizeof(name), "h%d", host);
	snprintf(body, sizeof(body), "{\"tags\":{\"capacity\":\"%s\","
		"\"load\":\"%s\"}}", capacity, load);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PATCH, name, body), 0);
}

/* All targets of its plan are of these hosts. */
static void
only_targets(struct sim *s, const char *host, int from, int to)
{
	struct snapshot *snap = sim_snapshot(s);

	for (size_t i = 0; i < snap->n_plans; i++) {
		const struct snap_plan *p = &snap->plans[i];

		for (size_t k = 0; strcmp(p->host, host) == 0 &&
		     k < p->n_targets; k++) {
			int n = atoi(p->targets[k].host + 1);	/* lint: h12 */

			ck_assert_msg(n >= from && n < to, "%s", p->targets[k].host);
		}
	}
	snapshot_put(snap);
}

static bool
is_blocked(struct sim *s, const char *host)
{
	struct snap_plan p = sim_plan(s, host);

	ck_assert_int_eq(p.action, PLAN_HOST_EVACUATE);
	ck_assert((p.state == PLAN_STATE_HELD) ==
		(p.why_not >> WHY_NOT_NO_TARGET & 1));
	return p.state == PLAN_STATE_HELD;
}

static bool
alert_says(struct sim *s, const char *host, const char *words)
{
	struct snapshot *snap = sim_snapshot(s);
	bool says = false;

	for (size_t i = 0; i < snap->n_alerts; i++)
		says = says || (strcmp(snap->alerts[i].host, host) == 0 &&
			strstr(snap->alerts[i].summary, words) != NULL);
	snapshot_put(snap);
	return says;
}

/* rack0 is h0 … h3, tight; rack1 is h4 … h11, with all the room there is. */
START_TEST(r015_without_room_in_its_partition_the_plan_is_blocked)
{
	struct sim *s = sim_new(12, NULL, 1);

	sim_split(s, 4, true);
	sim_run_until(s, 60);
	has(s, 0, "100", "60");
	has(s, 1, "100", "50");
	has(s, 2, "100", "50");
	has(s, 3, "100", "100");
	for (int i = 4; i < 12; i++)
		has(s, i, "1000", "0");
	fail_ping(s, 0, 1, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 100);
	/* 60 into 50 and 50: not as one piece; and rack1 is not asked */
	ck_assert(is_blocked(s, "h0"));
	ck_assert(alert_says(s, "h0", "no host of its partition has room"));
	only_targets(s, "h0", 1, 3);
	ck_assert_uint_eq(sim_plan(s, "h0").target_counts[TARGET_FULL], 1);
	ck_assert_uint_eq(sim_plan(s, "h0").target_counts[TARGET_ELIGIBLE], 2);
	/* room is made on one that is healthy: it is a target */
	has(s, 2, "100", "40");
	sim_run_until(s, 101);
	ck_assert(!is_blocked(s, "h0"));
	only_targets(s, "h0", 1, 3);
	has(s, 3, "100", "90");
	sim_run_until(s, 102);
	only_targets(s, "h0", 1, 4);
	ck_assert_uint_eq(sim_plan(s, "h0").n_targets, 3);
	/* what is left there is promised to h0: h1 finds none */
	fail_ping(s, 1, 2, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 140);
	ck_assert(!is_blocked(s, "h0"));
	ck_assert(is_blocked(s, "h1"));
	/* nobody is left who is well: that is no room either */
	fail_ping(s, 1, 2, TOCSIN_WHY_NONE);
	sim_set(s, "h2", "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	sim_set(s, "h3", "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	sim_set(s, "h1", "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 220);
	ck_assert(is_blocked(s, "h0"));
	ck_assert_uint_eq(sim_plan(s, "h0").n_targets, 0);
	sim_free(s);
}
END_TEST

/* p4: what the summary counts is what a list of that state would find. */
static void
counts_agree(const struct snapshot *snap)
{
	size_t seen[STATE_COUNT_] = { 0 };

	for (size_t i = 0; i < snap->n_chunks; i++)
		for (size_t k = 0; k < snap->chunks[i]->n; k++)
			seen[snap->chunks[i]->hosts[k]->state]++;
	for (int st = 0; st < STATE_COUNT_; st++)
		ck_assert_msg(seen[st] == snap->counts[st], "%s: %zu counted, "
			"%zu there", state_id((enum unit_state)st),
			snap->counts[st], seen[st]);
}

/* Ten thousand plans of a fleet in which anything is as it comes. */
START_TEST(r017_no_target_of_ten_thousand_plans_is_one_to_be_left_alone)
{
	static const char *const ways[] = { "maintenance", "quarantined",
		"diagnosing", "probation", "in_service", "rebooting",
		"evacuating", "in_service" };
	const char *given = getenv("TOCSIN_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20260701;
	uint64_t first = seed;
	struct sim *s = sim_new(40, NULL, 1);
	size_t plans = 0, targets = 0, rounds = 0;

	printf("seed %llu\n", (unsigned long long)first);
	sim_split(s, 15, true);
	sim_run_until(s, 30);
	for (; plans < 10000 && rounds < 20000; rounds++) {
		struct snapshot *snap;

		for (int k = 0; k < 6; k++) {
			char name[16], body[64];
			uint64_t r;

			seed = seed * UINT64_C(6364136223846793005) +
				UINT64_C(1442695040888963407);
			r = seed >> 33;
			snprintf(name, sizeof(name), "h%d", (int)(r % 40));
			snprintf(body, sizeof(body), "{\"disposition\":"
				"\"%s\"}", ways[r / 40 % ARRAY_LEN(ways)]);
			if (r / 400 % 3 == 0)
				sim_set(s, name, "ping", r / 2000 % 3 == 0 ?
					TOCSIN_WHY_NO_REPLY : TOCSIN_WHY_NONE);
			else
				(void)sim_order(s, ORDER_HOST_PATCH, name,
					body);
			/* so that who is in quarantine may come back */
			if (r / 8000 % 2 == 0)
				(void)sim_order(s, ORDER_HOST_DIAGNOSE, name,
					"{\"result\":\"repaired\"}");
		}
		sim_run_until(s, sim_now(s) + 4);
		snap = sim_snapshot(s);
		counts_agree(snap);
		for (size_t i = 0; i < snap->n_plans; i++)
			for (size_t k = 0; k < snap->plans[i].n_targets; k++) {
				const struct snap_host *to = snapshot_host(snap,
					snap->plans[i].targets[k].host);

				ck_assert_msg(to->state == STATE_HEALTHY &&
					to->disposition ==
						DISPOSITION_IN_SERVICE &&
					strcmp(to->partition,
						snap->plans[i].partition) == 0 &&
					strcmp(to->name, snap->plans[i].host) != 0,
					"seed %llu: %s to %s, which is %s",
					(unsigned long long)first,
					snap->plans[i].host, to->name,
					state_id(to->state));
				targets++;
			}
		plans += snap->n_plans;
		snapshot_put(snap);
	}
	printf("%zu plans, %zu targets in %zu rounds\n", plans, targets, rounds);
	ck_assert_uint_ge(plans, 10000);
	ck_assert_uint_gt(targets, 1000);
	sim_free(s);
}
END_TEST

static void
die_and_recover(struct sim *s, int host, double from)
{
	sim_run_until(s, from);
	fail_ping(s, host, host + 1, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, from + 60);
	fail_ping(s, host, host + 1, TOCSIN_WHY_NONE);
	sim_run_until(s, from + 120);
}

/* One after the other, so that no brake sees more than one bad host. */
START_TEST(r065_hosts_are_left_at_a_pace_that_survives_a_restart)
{
	struct sim *s = sim_new(10, NULL, 1);
	struct snap_plan p;

	die_and_recover(s, 1, 60);
	die_and_recover(s, 2, 180);
	sim_restart(s);
	fail_ping(s, 3, 4, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 400);
	p = sim_plan(s, "h3");
	ck_assert(!brake_of(s).latched);
	ck_assert_int_eq(p.action, PLAN_HOST_EVACUATE);
	ck_assert_int_eq(p.state, PLAN_STATE_HELD);
	ck_assert(p.why_not >> WHY_NOT_RATE_LIMITED & 1);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	/* an hour after the first: its turn */
	sim_run_until(s, 3600 + 60 + 120);
	p = sim_plan(s, "h3");
	ck_assert_int_eq(p.state, PLAN_STATE_RECOMMENDED);
	ck_assert(!(p.why_not >> WHY_NOT_RATE_LIMITED & 1));
	sim_free(s);
}
END_TEST

START_TEST(r006_a_failing_service_moves_no_host)
{
	struct sim *s = sim_new(10, NULL, 1);

	sim_run_until(s, 60);
	sim_set(s, "h3", "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 100);
	ck_assert_int_eq(sim_plan(s, "h3").action, PLAN_ROLE_OUT_OF_ROTATION);
	ck_assert_uint_eq(sim_alerts(s, "role_unhealthy"), 1);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 0);
	ck_assert_uint_eq(brake_of(s).bad, 0);
	sim_free(s);
}
END_TEST

START_TEST(r060_forty_of_a_thousand_latch_the_brake_and_a_person_opens_it)
{
	struct sim *s = sim_new(1000, NULL, 1);

	sim_run_until(s, 60);
	fail_ping(s, 0, 30, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 120);
	ck_assert(!brake_of(s).latched);
	ck_assert_int_eq(sim_plan(s, "h3").state, PLAN_STATE_RECOMMENDED);
	fail_ping(s, 30, 40, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 180);
	ck_assert(brake_of(s).latched);
	ck_assert_uint_eq(brake_of(s).bad, 40);
	ck_assert_int_eq(sim_plan(s, "h3").state, PLAN_STATE_HELD);
	ck_assert_int_eq(sim_plan(s, "h35").state, PLAN_STATE_HELD);
	ck_assert_uint_eq(sim_alerts(s, "brake_latched"), 1);
	/* Neither a restart nor recovery opens it. */
	sim_restart(s);
	sim_run_until(s, 240);
	ck_assert(brake_of(s).latched);
	ck_assert_int_eq(sim_order(s, ORDER_BRAKE_RELEASE, "rack1", "{}"),
		TC_EINVAL);
	ck_assert_int_eq(sim_order(s, ORDER_BRAKE_RELEASE, "rack9",
		"{\"reason\":\"x\"}"), TC_ENOENT);
	ck_assert_int_eq(sim_order(s, ORDER_BRAKE_RELEASE, "rack1",
		"{\"reason\":\"one switch, replaced\"}"), 0);
	ck_assert(!brake_of(s).latched);
	ck_assert_int_eq(sim_plan(s, "h3").state, PLAN_STATE_RECOMMENDED);
	ck_assert_uint_eq(sim_alerts(s, "brake_latched"), 0);
	ck_assert_int_eq(sim_order(s, ORDER_BRAKE_RELEASE, "rack1",
		"{\"reason\":\"again\"}"), TC_EEXIST);
	sim_run_until(s, 300);
	ck_assert(!brake_of(s).latched);
	ck_assert_uint_eq(sim_events(s, "brake.latched"), 1);
	ck_assert_uint_eq(sim_events(s, "brake.release"), 1);
	sim_free(s);
}
END_TEST

START_TEST(r053_r113_an_outage_of_many_is_told_as_one)
{
	struct sim *s = sim_new(1000, NULL, 1);
	struct snapshot *snap;
	size_t apart = 0;

	sim_run_until(s, 60);
	for (int i = 0; i < 300; i++) {
		char name[24];

		snprintf(name, sizeof(name), "h%d", i);
		sim_set(s, name, "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	}
	sim_run_until(s, 120);
	ck_assert_uint_eq(sim_alerts(s, "role_unhealthy"), 300);
	ck_assert_uint_eq(sim_alerts(s, "partition_outage"), 1);
	snap = sim_snapshot(s);
	for (size_t i = 0; i < snap->n_alerts; i++)
		apart += !snap->alerts[i].grouped;
	ck_assert_uint_eq(apart, 5);
	snapshot_put(snap);
	for (int i = 0; i < 300; i++) {
		char name[24];

		snprintf(name, sizeof(name), "h%d", i);
		sim_set(s, name, "tcp:8000", TOCSIN_WHY_NONE);
	}
	sim_run_until(s, 240);
	ck_assert_uint_eq(sim_alerts(s, "role_unhealthy"), 0);
	ck_assert_uint_eq(sim_alerts(s, "partition_outage"), 0);
	sim_free(s);
}
END_TEST

START_TEST(p4_silence_ends_no_alert)
{
	struct sim *s = sim_new(1, NULL, 0);
	struct observation ob = { .probe = "cpu", .outcome = TOCSIN_FAIL,
		.reason = TOCSIN_WHY_REPORTED_CRITICAL, .text = "",
		.device = { "", "", "", "" } };

	for (int i = 0; i < 3; i++) {
		sim_batch(s, "a1", &ob, true);
		sim_run_until(s, sim_now(s) + 15);
	}
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	sim_run_until(s, sim_now(s) + 600);
	ck_assert_int_eq(sim_state(s, "a1"), STATE_STALE);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	ck_assert_uint_eq(sim_alerts(s, "host_stale"), 1);
	sim_restart(s);
	sim_run_until(s, sim_now(s) + 5);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	ck_assert_uint_eq(sim_alert_facts(s), 2);
	sim_free(s);
}
END_TEST

#define SOON "\"from\":\"2026-01-01T00:00:00Z\"," \
	"\"to\":\"2026-01-02T00:00:00Z\""

static void
window_text(char *out, size_t size, double from, double to)
{
	char a[WALL_TEXT], b[WALL_TEXT];

	wall_format((struct wall){ BEGIN_MS + (int64_t)(from * 1000) }, a,
		sizeof(a));
	wall_format((struct wall){ BEGIN_MS + (int64_t)(to * 1000) }, b,
		sizeof(b));
	snprintf(out, size, "{\"type\":\"host_reboot\",\"hosts\":[\"h3\"],"
		"\"from\":\"%s\",\"to\":\"%s\",\"grace\":\"60s\","
		"\"reason\":\"kernel\"}", a, b);
}

START_TEST(r101_in_a_window_nobody_is_paged_and_an_overrun_is)
{
	struct sim *s = sim_new(10, NULL, 1);
	char body[512];

	sim_run_until(s, 60);
	window_text(body, sizeof(body), 100, 400);
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "", body), 0);
	sim_run_until(s, 120);
	ck_assert_int_eq(sim_state(s, "h3"), STATE_MAINTENANCE);
	fail_ping(s, 3, 4, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 300);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 0);
	ck_assert_uint_eq(sim_plan(s, "h3").id, 0);
	sim_restart(s);
	sim_run_until(s, 455);
	ck_assert_int_eq(sim_state(s, "h3"), STATE_MAINTENANCE);
	ck_assert_uint_eq(sim_alert_facts(s), 0);
	sim_run_until(s, 462);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"), 1);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	ck_assert_int_eq(sim_plan(s, "h3").action, PLAN_HOST_EVACUATE);
	sim_run_until(s, 600);
	ck_assert_uint_eq(sim_alert_facts(s), 2);
	sim_free(s);
}
END_TEST

START_TEST(r068_a_window_without_a_scope_is_refused)
{
	struct sim *s = sim_new(2, NULL, 1);
	static const char *const bad[] = {
		"{" SOON "}",
		"{\"hosts\":[]," SOON "}",
		"{\"hosts\":[\"nobody\"]," SOON "}",
		"{\"partition\":\"*\"," SOON "}",
		"{\"hosts\":[\"h1\"],\"from\":\"2026-01-02T00:00:00Z\","
		"\"to\":\"2026-01-01T00:00:00Z\"}",
		"{\"hosts\":[\"h1\"],\"to\":\"2026-02-29T00:00:00Z\"}",
		"{\"hosts\":\"h1\"}", "[]", "", "{\"grce\":\"1s\"}",
	};

	sim_run_until(s, 10);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(sim_order(s, ORDER_WINDOW_CREATE, "", bad[i]) ==
			TC_EINVAL, "%s", bad[i]);
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_DELETE, "7", ""), TC_ENOENT);
	sim_free(s);
}
END_TEST

START_TEST(hosts_belong_to_who_described_them)
{
	struct sim *s = sim_new(2, NULL, 1);

	sim_run_until(s, 60);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PUT, "h1",
		"{\"address\":\"127.1.0.9\"}"), TC_EEXIST);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_DELETE, "h1", ""), TC_EEXIST);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PUT, "new",
		"{\"address\":\"127.1.0.9\",\"partition\":\"rack1\","
		"\"tags\":{\"team\":\"web\"}}"), 0);
	sim_run_until(s, 61);
	ck_assert_int_eq(sim_state(s, "new"), STATE_UNKNOWN);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PATCH, "new",
		"{\"disposition\":\"quarantined\"}"), 0);
	ck_assert_int_eq(sim_state(s, "new"), STATE_QUARANTINED);
	sim_restart(s);
	sim_run_until(s, 70);
	ck_assert_int_eq(sim_state(s, "new"), STATE_QUARANTINED);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PATCH, "new",
		"{\"disposition\":\"gone\"}"), TC_EINVAL);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_DELETE, "new", ""), 0);
	ck_assert_int_eq(sim_state(s, "new"), STATE_RETIRED);
	sim_free(s);
}
END_TEST

static int
dispose(struct sim *s, const char *to)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"disposition\":\"%s\"}", to);
	return sim_order(s, ORDER_HOST_PATCH, "h1", body);
}

/* As it is shown; "" = there is none. */
static const char *
diagnosis(struct sim *s)
{
	static char text[1024];
	struct snapshot *snap = sim_snapshot(s);
	const char *shown = snapshot_host(snap, "h1")->rare->diagnosis;

	snprintf(text, sizeof(text), "%s", shown != NULL ? shown : "");
	snapshot_put(snap);
	return text;
}

START_TEST(r016_r018_out_of_trust_and_back_by_diagnosis_and_probation)
{
	struct sim *s = sim_new(3, NULL, 1);

	sim_run_until(s, 60);
	ck_assert_int_eq(dispose(s, "diagnosing"), TC_EEXIST);
	ck_assert_int_eq(dispose(s, "quarantined"), 0);
	ck_assert_int_eq(dispose(s, "in_service"), TC_EEXIST);
	sim_run_until(s, 70);
	ck_assert_uint_eq(sim_events(s, "host.refused"), 2);	/* audited */
	ck_assert_int_eq(dispose(s, "diagnosing"), 0);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_DIAGNOSE, "h1",
		"{\"memory\":\"bad\",\"ticket\":\"T-7\"}"), 0);
	ck_assert_int_eq(dispose(s, "probation"), TC_EEXIST);
	sim_restart(s);
	sim_run_until(s, 80);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_DIAGNOSING);
	ck_assert_ptr_nonnull(strstr(diagnosis(s), "\"T-7\""));
	ck_assert_int_eq(sim_order(s, ORDER_HOST_DIAGNOSE, "h1",
		"{\"memory\":\"good\",\"result\":\"repaired\"}"), 0);
	ck_assert_int_eq(dispose(s, "probation"), 0);
	ck_assert_int_eq(dispose(s, "in_service"), 0);
	ck_assert_str_ne(diagnosis(s), "");
	/* the next time it is looked into anew */
	ck_assert_int_eq(dispose(s, "quarantined"), 0);
	ck_assert_str_eq(diagnosis(s), "");
	ck_assert_int_eq(dispose(s, "retired"), TC_EEXIST);
	sim_free(s);
}
END_TEST

START_TEST(r008_another_monitor_may_speak)
{
	struct sim *s = sim_new(3, NULL, 1);

	sim_run_until(s, 60);
	ck_assert_int_eq(sim_order(s, ORDER_SIGNAL, "", "{\"host\":\"h1\","
		"\"source\":\"haproxy\",\"outcome\":\"fail\",\"text\":\"L7\","
		"\"ttl\":\"60s\"}"), 0);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_UNHEALTHY);
	ck_assert_int_eq(sim_plan(s, "h1").action, PLAN_ROLE_OUT_OF_ROTATION);
	ck_assert_int_eq(sim_order(s, ORDER_SIGNAL, "", "{\"host\":\"h1\","
		"\"source\":\"haproxy\",\"outcome\":\"ok\"}"), 0);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_int_eq(sim_order(s, ORDER_SIGNAL, "", "{\"host\":\"h9\","
		"\"source\":\"haproxy\",\"outcome\":\"ok\"}"), TC_ENOENT);
	ck_assert_int_eq(sim_order(s, ORDER_SIGNAL, "", "{\"host\":\"h1\","
		"\"outcome\":\"ok\"}"), TC_EINVAL);
	sim_free(s);
}
END_TEST

static const struct alert *
first_alert(struct snapshot *s, const char *kind)
{
	for (size_t i = 0; i < s->n_alerts; i++)
		if (strcmp(s->alerts[i].kind, kind) == 0)
			return &s->alerts[i];
	return NULL;
}

/* The number of the alert of that kind. */
static const char *
number_of(struct sim *s, const char *kind)
{
	static char id[24];
	struct snapshot *snap = sim_snapshot(s);
	const struct alert *a = first_alert(snap, kind);

	ck_assert_ptr_nonnull(a);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)a->id);
	snapshot_put(snap);
	return id;
}

/* "ann", "ann?" when it is not told apart, "" when nobody took it. */
static const char *
taker(struct sim *s, const char *kind)
{
	static char who[80];
	struct snapshot *snap = sim_snapshot(s);
	const struct alert *a = first_alert(snap, kind);

	ck_assert_ptr_nonnull(a);
	snprintf(who, sizeof(who), "%s%s", a->acked_by, a->grouped ? "?" : "");
	snapshot_put(snap);
	return who;
}

static size_t
n_notes(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	size_t n = snap->n_notes;

	snapshot_put(snap);
	return n;
}

START_TEST(r113_who_acknowledges_is_kept_and_ends_with_the_alert)
{
	struct sim *s = sim_new(3, NULL, 1);
	const char *id;

	sim_run_until(s, 60);
	fail_ping(s, 1, 2, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 120);
	id = number_of(s, "host_unhealthy");
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_ACK, id,
		"{\"comment\":\"on it\"}"), 0);
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_ACK, "999", ""), TC_ENOENT);
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_ACK, id, "{\"for\":\"0s\"}"),
		TC_EINVAL);
	ck_assert_str_eq(taker(s, "host_unhealthy"), "ann");
	sim_restart(s);
	sim_run_until(s, 200);
	ck_assert_str_eq(taker(s, "host_unhealthy"), "ann");
	ck_assert_uint_eq(n_notes(s), 1);
	/* another one in its place; taken back; taken again */
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_ACK, id, ""), 0);
	ck_assert_uint_eq(n_notes(s), 1);
	ck_assert_int_eq(sim_order(s, ORDER_COMMENT_DELETE, "2", ""), 0);
	ck_assert_str_eq(taker(s, "host_unhealthy"), "");
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_ACK, id, ""), 0);
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_COMMENT, id,
		"{\"text\":\"spare is ordered\"}"), 0);
	ck_assert_uint_eq(n_notes(s), 2);
	fail_ping(s, 1, 2, TOCSIN_WHY_NONE);
	sim_run_until(s, 300);
	ck_assert_uint_eq(n_notes(s), 0);
	/* the next one is nobody's */
	fail_ping(s, 1, 2, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 400);
	ck_assert_str_eq(taker(s, "host_unhealthy"), "");
	ck_assert_uint_eq(sim_events(s, "alert.ack"), 3);
	sim_free(s);
}
END_TEST

START_TEST(r113_an_acknowledged_trouble_pages_nobody_until_its_time)
{
	struct sim *s = sim_new(3, NULL, 1);
	size_t facts;

	sim_run_until(s, 60);
	fail_ping(s, 1, 2, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 120);
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_ACK,
		number_of(s, "host_unhealthy"), "{\"for\":\"10m\"}"), 0);
	/* it goes and comes back: shown, and nobody is told */
	fail_ping(s, 1, 2, TOCSIN_WHY_NONE);
	sim_run_until(s, 240);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 0);
	fail_ping(s, 1, 2, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 400);
	ck_assert_str_eq(taker(s, "host_unhealthy"), "ann?");
	sim_restart(s);
	sim_run_until(s, 719);
	ck_assert_str_eq(taker(s, "host_unhealthy"), "ann?");
	facts = sim_alert_facts(s);
	/* its time is over, the trouble is not */
	sim_run_until(s, 725);
	ck_assert_str_eq(taker(s, "host_unhealthy"), "");
	ck_assert_uint_eq(sim_alert_facts(s), facts + 1);
	ck_assert_uint_eq(sim_events(s, "alert.ack_expired"), 1);
	sim_run_until(s, 1000);
	ck_assert_uint_eq(sim_alert_facts(s), facts + 1);
	sim_free(s);
}
END_TEST

START_TEST(comments_on_hosts_stay_until_their_time)
{
	struct sim *s = sim_new(3, NULL, 1);
	struct snapshot *snap;

	sim_run_until(s, 60);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_COMMENT, "h1",
		"{\"text\":\"moved to hall 2\"}"), 0);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_COMMENT, "h1",
		"{\"text\":\"loaned\",\"for\":\"5m\",\"person\":\"Eve\"}"),
		0);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_COMMENT, "h9",
		"{\"text\":\"x\"}"), TC_ENOENT);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_COMMENT, "h1", "{}"),
		TC_EINVAL);
	sim_restart(s);
	sim_run_until(s, 70);
	ck_assert_uint_eq(n_notes(s), 2);
	sim_run_until(s, 400);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snap->n_notes, 1);
	ck_assert(snap->notes[0].of_host);
	ck_assert_str_eq(snap->notes[0].of, "h1");
	ck_assert_str_eq(snap->notes[0].text, "moved to hall 2");
	snapshot_put(snap);
	ck_assert_int_eq(sim_order(s, ORDER_COMMENT_DELETE, "1", ""), 0);
	ck_assert_int_eq(sim_order(s, ORDER_COMMENT_DELETE, "1", ""),
		TC_ENOENT);
	ck_assert_uint_eq(n_notes(s), 0);
	sim_free(s);
}
END_TEST

static enum snap_trend
trend(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	enum snap_trend t = snap->trend;

	snapshot_put(snap);
	return t;
}

START_TEST(r120_the_trend_is_against_five_minutes_ago)
{
	struct sim *s = sim_new(10, NULL, 1);

	for (int i = 1; i <= 6; i++) {
		sim_run_until(s, i * 60);
		ck_assert_int_eq(trend(s), TREND_STEADY);
	}
	sim_set(s, "h1", "tcp:8000", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 400);
	ck_assert_int_eq(trend(s), TREND_WORSE);
	sim_run_until(s, 900);
	ck_assert_int_eq(trend(s), TREND_STEADY);
	sim_set(s, "h1", "tcp:8000", TOCSIN_WHY_NONE);
	sim_run_until(s, 960);
	ck_assert_int_eq(trend(s), TREND_BETTER);
	sim_restart(s);
	sim_run_until(s, 970);
	ck_assert_int_eq(trend(s), TREND_STEADY);
	sim_free(s);
}
END_TEST

int
main(void)
{
	return STORIES("deeds",
		r015_a_convicted_host_has_a_plan_with_targets_of_its_partition,
		r015_without_room_in_its_partition_the_plan_is_blocked,
		r017_no_target_of_ten_thousand_plans_is_one_to_be_left_alone,
		r065_hosts_are_left_at_a_pace_that_survives_a_restart,
		r006_a_failing_service_moves_no_host,
		r060_forty_of_a_thousand_latch_the_brake_and_a_person_opens_it,
		r053_r113_an_outage_of_many_is_told_as_one,
		p4_silence_ends_no_alert,
		r101_in_a_window_nobody_is_paged_and_an_overrun_is,
		r068_a_window_without_a_scope_is_refused,
		hosts_belong_to_who_described_them,
		r016_r018_out_of_trust_and_back_by_diagnosis_and_probation,
		r008_another_monitor_may_speak,
		r113_who_acknowledges_is_kept_and_ends_with_the_alert,
		r113_an_acknowledged_trouble_pages_nobody_until_its_time,
		comments_on_hosts_stay_until_their_time,
		r120_the_trend_is_against_five_minutes_ago);
}
