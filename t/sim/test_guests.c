/*
 * What runs on a host: a role waits for its VM's or host's answer before it
 * is convicted, a VM for its host's; and what is on a dead one is unreachable.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

static struct check_def checks[2] = { { .key = "ping", .probe = "ping" },
	{ .key = "tcp:22", .probe = "tcp" } };

/* A VM that is pinged, a role in it, and one straight on the host. */
static void
give_guests(struct sim *s, const char *host, int recheck)
{
	const struct check_rule rule = { .interval = dur_s(15),
		.timeout = dur_s(5), .recheck = dur_s(recheck),
		.fail_after = 3, .clear_after = 2, .stale_after = 3 };
	const struct unit_rule vm_rule = { .heartbeat = dur_s(15),
		.late_after = 3, .clear_after = 2, .grace = dur_s(600),
		.never = dur_s(60), .lost = dur_s(600), .gone = dur_s(30),
		.busy_ratio = 0.95 };
	static struct unit_def units[3];

	checks[0].rule = checks[1].rule = rule;
	units[0] = (struct unit_def){ .is_vm = true, .name = "v1",
		.address = "v1", .parent = SIZE_MAX, .agent = AGENT_AUTO,
		.rule = vm_rule, .checks = checks, .n_checks = 1,
		.own_checks = true };
	units[1] = (struct unit_def){ .name = "web", .address = "v1web",
		.parent = 0, .cls = UNIT_STATELESS, .rule = vm_rule,
		.checks = &checks[1], .n_checks = 1, .own_checks = true };
	units[2] = units[1];
	units[2].name = "db";
	units[2].address = "h1db";
	units[2].parent = SIZE_MAX;
	sim_units(s, host, units, 3, AGENT_AUTO);
}

static void
kill_guests(struct sim *s, bool vm, enum tocsin_reason why)
{
	if (vm)
		sim_answer(s, "v1", "ping", why);
	sim_answer(s, "v1web", "tcp", why);
	if (!vm)
		sim_answer(s, "h1db", "tcp", why);
}

static void
kill_all(struct sim *s, enum tocsin_reason why)
{
	sim_set(s, "h1", "ping", why);
	sim_set(s, "h1", "tcp", why);
	sim_answer(s, "v1", "ping", why);
	kill_guests(s, false, why);
}

static size_t
unit_plans(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	size_t n = 0;

	for (size_t i = 0; i < snap->n_plans; i++)
		n += snap->plans[i].unit[0] != '\0';
	snapshot_put(snap);
	return n;
}

/* Each half second of the phase that the death may fall into. */
START_TEST(p10_nothing_on_a_dying_host_is_convicted)
{
	for (int recheck = 0; recheck < 2; recheck++)
		for (int i = 0; i < 30; i++) {
			struct sim *s = sim_new(12, NULL, recheck);
			double at = 100 + i * 0.5;

			give_guests(s, "h1", recheck);
			sim_run_until(s, at);
			kill_all(s, TOCSIN_WHY_NO_REPLY);
			sim_run_until(s, at + 120);
			ck_assert_int_eq(sim_state(s, "h1"), STATE_UNHEALTHY);
			ck_assert_int_eq(sim_health(s, "v1"),
				HEALTH_UNREACHABLE);
			ck_assert_int_eq(sim_health(s, "v1/web"),
				HEALTH_UNREACHABLE);
			ck_assert_int_eq(sim_health(s, "h1/db"),
				HEALTH_UNREACHABLE);
			ck_assert_ptr_null(strstr(sim_unit_log(s),
				">unhealthy"));
			ck_assert_uint_eq(unit_plans(s), 0);
			ck_assert_uint_eq(sim_alerts(s, "all"), 1);
			sim_free(s);
		}
}
END_TEST

/* They are asked again at once, and owe nothing to the time before. */
START_TEST(p10_with_the_host_its_guests_are_back)
{
	struct sim *s = sim_new(12, NULL, 1);

	give_guests(s, "h1", 1);
	sim_run_until(s, 100);
	kill_all(s, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 300);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_UNREACHABLE);
	kill_all(s, TOCSIN_WHY_NONE);
	while (sim_state(s, "h1") != STATE_HEALTHY && sim_now(s) < 360)
		sim_run_until(s, sim_now(s) + 0.1);
	sim_run_until(s, sim_now(s) + 3);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_HEALTHY);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_HEALTHY);
	ck_assert_int_eq(sim_health(s, "h1/db"), HEALTH_HEALTHY);
	ck_assert_ptr_null(strstr(sim_unit_log(s), ">unhealthy"));
	sim_free(s);
}
END_TEST

/* From its death to the conviction of a role, as seen each 50 ms. */
static double
time_to_verdict(int recheck, enum tocsin_reason host, double at)
{
	struct sim *s = sim_new(12, NULL, recheck);
	double took;

	give_guests(s, "h1", recheck);
	sim_run_until(s, at - 60);
	sim_set(s, "h1", "ping", host);
	sim_run_until(s, at);
	sim_answer(s, "h1db", "tcp", TOCSIN_WHY_NO_REPLY);
	while (sim_health(s, "h1/db") != HEALTH_UNHEALTHY &&
		sim_now(s) < at + 200)
		sim_run_until(s, sim_now(s) + 0.05);
	took = sim_now(s) - at;
	sim_free(s);
	return took;
}

START_TEST(p10_on_a_live_host_a_verdict_waits_for_its_answer_only)
{
	for (int recheck = 0; recheck < 2; recheck++)
		for (int i = 0; i < 8; i++)
			/* fail_after × interval + timeout + 1 s */
			ck_assert(time_to_verdict(recheck, TOCSIN_WHY_NONE,
				200.3 + i * 2) <= 3 * 15 + 5 + 1);
	/* the fast recheck: its slot, two more, and the host's answer */
	ck_assert(time_to_verdict(1, TOCSIN_WHY_NONE, 200.3) <=
		15 + 2 * 5 + 5 + 1);
}
END_TEST

START_TEST(p10_a_host_that_cannot_be_asked_holds_a_role_for_a_bounded_time)
{
	double took = time_to_verdict(1, TOCSIN_WHY_LOCAL_PERMISSION, 200);

	/* its own three, and four runs of the host's ping */
	ck_assert_msg(took > 3 && took <= 15 + 3 * 5 + 4 * 5 + 5, "%g s",
		took);
}
END_TEST

/* The VM has ten minutes to come back; its role is not blamed meanwhile. */
START_TEST(p10_a_role_in_a_silent_vm_is_unreachable_and_not_acted_on)
{
	struct sim *s = sim_new(12, NULL, 1);

	give_guests(s, "h1", 1);
	sim_run_until(s, 100);
	kill_guests(s, true, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 200);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_SUSPECT);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_UNREACHABLE);
	ck_assert_int_eq(sim_health(s, "h1/db"), HEALTH_HEALTHY);
	ck_assert_uint_eq(unit_plans(s), 0);
	ck_assert_uint_eq(sim_alerts(s, "all"), 0);
	kill_guests(s, true, TOCSIN_WHY_NONE);
	sim_run_until(s, 240);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_HEALTHY);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_HEALTHY);
	ck_assert_ptr_null(strstr(sim_unit_log(s), ">unhealthy"));
	sim_free(s);
}
END_TEST

/* The VM answers: what fails in it is the role, and it is convicted. */
START_TEST(r006_a_role_in_a_live_vm_is_convicted_by_itself)
{
	struct sim *s = sim_new(12, NULL, 1);

	give_guests(s, "h1", 1);
	sim_run_until(s, 100);
	sim_answer(s, "v1web", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 100 + 15 + 4);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_HEALTHY);
	ck_assert_uint_eq(unit_plans(s), 1);
	sim_free(s);
}
END_TEST

/* What was known to be ill before is ill when the host is back. */
START_TEST(p10_a_conviction_from_before_comes_back_with_the_host)
{
	struct sim *s = sim_new(12, NULL, 1);

	give_guests(s, "h1", 1);
	sim_run_until(s, 100);
	sim_answer(s, "h1db", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 150);
	ck_assert_int_eq(sim_health(s, "h1/db"), HEALTH_UNHEALTHY);
	kill_all(s, TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 250);
	ck_assert_int_eq(sim_health(s, "h1/db"), HEALTH_UNREACHABLE);
	kill_all(s, TOCSIN_WHY_NONE);
	sim_answer(s, "h1db", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 300);
	ck_assert_int_eq(sim_health(s, "h1/db"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_HEALTHY);
	sim_free(s);
}
END_TEST

int
main(void)
{
	return STORIES("guests",
		p10_nothing_on_a_dying_host_is_convicted,
		p10_with_the_host_its_guests_are_back,
		p10_on_a_live_host_a_verdict_waits_for_its_answer_only,
		p10_a_host_that_cannot_be_asked_holds_a_role_for_a_bounded_time,
		p10_a_role_in_a_silent_vm_is_unreachable_and_not_acted_on,
		r006_a_role_in_a_live_vm_is_convicted_by_itself,
		p10_a_conviction_from_before_comes_back_with_the_host);
}
