/*
 * The observer in doubt: cuts, loss, delays of its own, and what it convicts
 * all the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/story.h"
#include "t/sim/sim.h"

static size_t
count(const char *log, const char *what)
{
	size_t n = 0;

	for (const char *p = log; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static size_t
convicted(struct sim *s)
{
	return count(sim_log(s), ">unhealthy");
}

static double
by_chance(uint64_t *seed, double most)
{
	*seed = *seed * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (double)(*seed >> 11) / 9007199254740992.0 * most;
}

START_TEST(r059_twenty_cuts_of_a_minute_at_any_moment_convict_nobody)
{
	struct sim *s = sim_new(200, NULL, 1);
	uint64_t seed = 5;

	sim_run_until(s, 60);
	for (int round = 0; round < 20; round++) {
		sim_run_until(s, sim_now(s) + 120 + by_chance(&seed, 60));
		sim_cut(s, true);
		sim_run_until(s, sim_now(s) + 60);
		ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 1);
		if (round == 19) {
			sim_set(s, "h17", "ping", TOCSIN_WHY_NO_REPLY);
			sim_set(s, "h80", "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
		}
		sim_cut(s, false);
		ck_assert_uint_eq(sim_events(s, "observer.suspect"),
			(size_t)round + 1);
		ck_assert_uint_eq(convicted(s), 0);
	}
	sim_run_until(s, sim_now(s) + 40);
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 0);
	ck_assert_uint_eq(convicted(s), 2);
	ck_assert_int_eq(sim_state(s, "h17"), STATE_UNHEALTHY);
	ck_assert_int_eq(sim_state(s, "h80"), STATE_UNHEALTHY);
	/* 20 begun and ended, and two hosts */
	ck_assert_uint_eq(sim_alert_facts(s), 42);
	sim_free(s);
}
END_TEST

START_TEST(r059_small_fleets_are_cut_off_as_well)
{
	for (size_t hosts = 3; hosts <= 40; hosts += hosts < 10 ? 1 : 10) {
		struct sim *s = sim_new(hosts, NULL, 1);
		uint64_t seed = hosts;

		sim_run_until(s, 60);
		for (int round = 0; round < 10; round++) {
			sim_run_until(s, sim_now(s) + 180 +
				by_chance(&seed, 60));
			sim_cut(s, true);
			sim_run_until(s, sim_now(s) + 60);
			ck_assert_msg(convicted(s) == 0, "%zu hosts, round %d: %s",
				hosts, round, sim_log(s));
			sim_cut(s, false);
		}
		ck_assert_uint_eq(sim_events(s, "observer.suspect"), 10);
		sim_free(s);
	}
}
END_TEST

START_TEST(r059_one_host_and_a_gateway_are_enough_to_know)
{
	struct sim *s = sim_new(1, NULL, 1);

	sim_controls(s, true, NULL);
	sim_run_until(s, 60);
	sim_kill_controls(s, true, false);
	sim_cut(s, true);
	sim_run_until(s, 120);
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 1);
	ck_assert_uint_eq(convicted(s), 0);
	sim_kill_controls(s, false, false);
	sim_cut(s, false);
	sim_run_until(s, 180);
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 0);
	/* The gateway answers: this one is dead. */
	sim_set(s, "h0", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 220);
	ck_assert_uint_eq(convicted(s), 1);
	sim_free(s);
}
END_TEST

START_TEST(r059_a_witness_that_answers_lets_a_whole_rack_be_convicted)
{
	struct sim *s = sim_new(60, NULL, 1);

	sim_controls(s, false, "198.51.100.7");
	sim_run_until(s, 60);
	for (int i = 0; i < 60; i++) {
		char name[16];

		snprintf(name, sizeof(name), "h%d", i);
		sim_set(s, name, "ping", TOCSIN_WHY_NO_REPLY);
		sim_set(s, name, "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
	}
	sim_run_until(s, 60 + 15 + 5 + 5);
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 0);
	ck_assert_uint_eq(convicted(s), 60);
	sim_free(s);
}
END_TEST

/*
 * Of what is lost on our own way nobody dies, and who is dead is found.
 * Returns how many were convicted before the loss was known of.
 */
static size_t
lossy(double ratio, uint64_t seed)
{
	struct sim *s = sim_new(200, NULL, 1);
	size_t early;

	/* our own way is that of all partitions, small ones as well */
	if (seed % 3 > 0)
		sim_split(s, seed % 3 == 1 ? 10 : 80, true);
	sim_run_until(s, 60);
	sim_loss(s, ratio, seed);
	sim_run_until(s, 65);
	early = convicted(s);
	sim_run_until(s, 360);
	ck_assert_msg(convicted(s) == early, "loss %.2f, seed %llu: %zu "
		"convicted:\n%.500s", ratio, (unsigned long long)seed,
		convicted(s), sim_log(s));
	sim_set(s, "h5", "ping", TOCSIN_WHY_NO_REPLY);
	sim_set(s, "h5", "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
	if (ratio < 0.35) {
		sim_run_until(s, 360 + 75);
		ck_assert_msg(sim_state(s, "h5") == STATE_UNHEALTHY,
			"loss %.2f: the dead one is not found", ratio);
	} else if (ratio > 0.5) {
		ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 1);
	}
	sim_loss(s, 0, 0);
	sim_run_until(s, sim_now(s) + 120);
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 0);
	ck_assert_int_eq(sim_state(s, "h5"), STATE_UNHEALTHY);
	ck_assert_uint_eq(convicted(s), early + 1);
	sim_free(s);
	return early;
}

/*
 * Before the first answers came again nobody can know of loss: that all three
 * of one check are lost in the first seconds happens once in 200 times.
 */
START_TEST(r059_loss_of_5_to_60_percent_convicts_nobody)
{
	static const double ratios[] = { 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9 };
	size_t early = 0;

	for (size_t i = 0; i < ARRAY_LEN(ratios); i++)
		for (uint64_t seed = 1; seed <= 6; seed++)
			early += lossy(ratios[i], seed);
	ck_assert_uint_le(early, 1);
}
END_TEST

START_TEST(r059_a_flapping_uplink_is_one_doubt)
{
	struct sim *s = sim_new(200, NULL, 1);

	sim_run_until(s, 60);
	for (int i = 0; i < 60; i++) {
		sim_cut(s, i % 2 == 0);
		sim_run_until(s, sim_now(s) + 4);
	}
	ck_assert_uint_eq(convicted(s), 0);
	sim_run_until(s, sim_now(s) + 120);
	ck_assert_uint_eq(sim_alerts(s, "observer_suspect"), 0);
	ck_assert_uint_le(sim_events(s, "observer.suspect"), 2);
	sim_free(s);
}
END_TEST

START_TEST(busy_is_not_dead_when_the_delay_is_our_own)
{
	struct sim *s = sim_new(40, NULL, 1);

	/* Every answer of 40 hosts is a time-out that we saw too late. */
	sim_run_until(s, 60);
	for (int i = 0; i < 200; i++) {
		sim_cut(s, true);
		sim_run_until(s, sim_now(s) + 0.2);
		sim_cut(s, false);
		sim_stall(s, 2);
		sim_run_until(s, sim_now(s) + 0.5);
	}
	ck_assert_uint_eq(convicted(s), 0);
	sim_free(s);
}
END_TEST

START_TEST(r059_some_real_deaths_at_once_are_no_doubt)
{
	for (size_t hosts = 10; hosts <= 200; hosts += 95) {
		struct sim *s = sim_new(hosts, NULL, 1);

		sim_run_until(s, 60);
		for (int i = 0; i < 3; i++) {
			char name[16];

			snprintf(name, sizeof(name), "h%d", i);
			sim_set(s, name, "ping", TOCSIN_WHY_NO_REPLY);
			sim_set(s, name, "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
		}
		sim_run_until(s, 60 + 15 + 5);
		ck_assert_uint_eq(sim_events(s, "observer.suspect"), 0);
		ck_assert_uint_eq(convicted(s), 3);
		sim_free(s);
	}
}
END_TEST

START_TEST(who_becomes_slow_is_waited_for)
{
	for (double takes = 0.4; takes < 1; takes += 0.1) {
		struct sim *s = sim_new(40, NULL, 1);

		sim_run_until(s, 100);
		sim_slow(s, "h7", takes);
		sim_run_until(s, 400);
		ck_assert_uint_eq(convicted(s), 0);
		ck_assert_int_eq(sim_state(s, "h7"), STATE_HEALTHY);
		ck_assert_uint_le(count(sim_log(s), "h7 healthy>suspect"), 2);
		sim_free(s);
	}
}
END_TEST

START_TEST(who_comes_back_slow_is_heard)
{
	struct sim *s = sim_new(40, NULL, 1);

	sim_run_until(s, 100);
	sim_slow(s, "h7", 6);
	sim_run_until(s, 140);
	ck_assert_int_eq(sim_state(s, "h7"), STATE_UNHEALTHY);
	sim_slow(s, "h7", 3);
	sim_run_until(s, 180);
	ck_assert_int_eq(sim_state(s, "h7"), STATE_HEALTHY);
	sim_free(s);
}
END_TEST

/* ---- fault to verdict ---- */

static double
fault_to_verdict(const struct check_rule *rule, enum tocsin_reason why,
	double at)
{
	struct sim *s = sim_new(20, NULL, 1);
	double limit = (double)(rule->fail_after * rule->interval.ns +
		rule->timeout.ns) / 1e9 + 1, from;

	sim_rule(s, rule);
	sim_run_until(s, 10 * (double)rule->interval.ns / 1e9 + at);
	from = sim_now(s);
	sim_set(s, "h7", "tcp", why);
	while (sim_state(s, "h7") != STATE_UNHEALTHY &&
		sim_now(s) - from <= limit)
		sim_run_until(s, sim_now(s) + 0.05);
	from = sim_now(s) - from;
	sim_free(s);
	return from;
}

START_TEST(r003_fault_to_verdict_is_within_its_bound_for_any_rule)
{
	static const enum tocsin_reason whys[] = { TOCSIN_WHY_CONNECT_REFUSED,
		TOCSIN_WHY_CONNECT_TIMEOUT, TOCSIN_WHY_BAD_RESPONSE };
	const char *given = getenv("TOCSIN_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20260701;
	uint64_t first = seed;

	printf("seed %llu\n", (unsigned long long)first);
	for (int i = 0; i < 300; i++) {
		double interval = 0.5 + by_chance(&seed, 60);
		double timeout = 0.05 + by_chance(&seed, interval - 0.05);
		struct check_rule rule = {
			.interval = { (int64_t)(interval * 1e9) },
			.timeout = { (int64_t)(timeout * 1e9) },
			.recheck = dur_s((int64_t)by_chance(&seed, 3)),
			.recheck_timeout = dur_s((int64_t)by_chance(&seed, 3)),
			.fail_after = 1 + (unsigned)by_chance(&seed, 5),
			.clear_after = 2, .stale_after = 3 };
		enum tocsin_reason why = whys[(int)by_chance(&seed, 3)];
		double took = fault_to_verdict(&rule, why,
			by_chance(&seed, interval));

		ck_assert_msg(took <= rule.fail_after * interval + timeout + 1,
			"seed %llu, case %d: %.2f s with interval %.2f, timeout "
			"%.2f, fail_after %u", (unsigned long long)first, i,
			took, interval, timeout, rule.fail_after);
	}
}
END_TEST

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
quickly(enum tocsin_reason why, double most, double median)
{
	const struct check_rule rule = { .interval = dur_s(15),
		.timeout = dur_s(5), .recheck = dur_s(1),
		.recheck_timeout = dur_s(2), .fail_after = 3,
		.clear_after = 2, .stale_after = 3 };
	double took[61];

	for (size_t i = 0; i < ARRAY_LEN(took); i++)
		took[i] = fault_to_verdict(&rule, why, (double)i * 0.25);
	qsort(took, ARRAY_LEN(took), sizeof(took[0]), by_size);
	printf("%s: median %.2f s, most %.2f s\n", reason_id(why),
		took[30], took[59]);
	ck_assert_double_le(took[59], most);
	ck_assert_double_le(took[30], median);
}

START_TEST(r003_rechecks_convict_a_dead_listener_within_seconds)
{
	quickly(TOCSIN_WHY_CONNECT_REFUSED, 17.5, 9.6);
	quickly(TOCSIN_WHY_CONNECT_TIMEOUT, 17.5, 10.1);
}
END_TEST

#define TICK_S 0.01	/* of the engine */

/* From the first failure on; the loop comes so late to each tick. */
static double
suspect_to_unhealthy(double late)
{
	struct sim *s = sim_new(20, NULL, 1);
	double from;

	sim_late(s, late);
	sim_run_until(s, 150 + late);
	sim_set(s, "h7", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	while (sim_state(s, "h7") != STATE_SUSPECT && sim_now(s) < 170)
		sim_run_until(s, sim_now(s) + TICK_S);
	from = sim_now(s);
	while (sim_state(s, "h7") != STATE_UNHEALTHY && sim_now(s) < 180)
		sim_run_until(s, sim_now(s) + TICK_S);
	from = sim_now(s) - from;
	sim_free(s);
	return from;
}

START_TEST(r003_rechecks_are_a_second_apart_though_each_tick_is_late)
{
	ck_assert_double_eq_tol(suspect_to_unhealthy(0), 2, 0.001);
	ck_assert_double_eq_tol(suspect_to_unhealthy(0.0004), 2, 0.001);
	ck_assert_double_eq_tol(suspect_to_unhealthy(0.003), 2, 0.001);
}
END_TEST

int
main(void)
{
	return STORIES("observer",
		r059_twenty_cuts_of_a_minute_at_any_moment_convict_nobody,
		r059_small_fleets_are_cut_off_as_well,
		r059_one_host_and_a_gateway_are_enough_to_know,
		r059_a_witness_that_answers_lets_a_whole_rack_be_convicted,
		r059_loss_of_5_to_60_percent_convicts_nobody,
		r059_a_flapping_uplink_is_one_doubt,
		busy_is_not_dead_when_the_delay_is_our_own,
		r059_some_real_deaths_at_once_are_no_doubt,
		who_becomes_slow_is_waited_for,
		who_comes_back_slow_is_heard,
		r003_fault_to_verdict_is_within_its_bound_for_any_rule,
		r003_rechecks_convict_a_dead_listener_within_seconds,
		r003_rechecks_are_a_second_apart_though_each_tick_is_late);
}
