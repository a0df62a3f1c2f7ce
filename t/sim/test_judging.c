/*
 * What becomes of verdicts: flapping, and what people are told of it.
 */
#include <stdio.h>
#include <string.h>

#include "t/lib/story.h"
#include "t/sim/sim.h"

static void
come_and_go(struct sim *s, int times)
{
	for (int i = 0; i < times; i++) {
		sim_set(s, "h3", "ping", TOCSIN_WHY_HOST_UNREACHABLE);
		sim_run_until(s, sim_now(s) + 60);
		sim_set(s, "h3", "ping", TOCSIN_WHY_NONE);
		sim_run_until(s, sim_now(s) + 60);
	}
}

static unsigned
flags_of(struct sim *s, const char *host, unsigned *why_not)
{
	struct snapshot *snap = sim_snapshot(s);
	const struct snap_host *h = snapshot_host(snap, host);
	unsigned flags = h->flags;

	*why_not = h->why_not;
	snapshot_put(snap);
	return flags;
}

START_TEST(p9_who_comes_and_goes_is_flapping_told_once_and_never_moved)
{
	struct sim *s = sim_new(10, NULL, 0);
	unsigned why_not;
	size_t facts;

	sim_rule(s, &sim_flappy);
	sim_run_until(s, 60);
	come_and_go(s, 2);
	ck_assert_uint_eq(sim_alerts(s, "host_flapping"), 0);
	come_and_go(s, 1);
	ck_assert_uint_eq(flags_of(s, "h3", &why_not) & UNIT_FLAPPING,
		UNIT_FLAPPING);
	ck_assert_int_eq(sim_state(s, "h3"), STATE_FLAPPING);
	ck_assert_uint_eq(sim_alerts(s, "host_flapping"), 1);
	facts = sim_alert_facts(s);
	come_and_go(s, 20);
	/* Nobody was told anything more, and every change is in the log. */
	ck_assert_uint_eq(sim_alert_facts(s), facts);
	ck_assert_uint_eq(sim_events(s, "host.flapping"), 1);
	ck_assert_uint_ge(sim_events(s, "host.state"), 40);
	sim_set(s, "h3", "ping", TOCSIN_WHY_HOST_UNREACHABLE);
	sim_run_until(s, sim_now(s) + 60);
	ck_assert_int_eq(sim_state(s, "h3"), STATE_UNHEALTHY);
	flags_of(s, "h3", &why_not);
	ck_assert_uint_ne(why_not & 1U << WHY_NOT_FLAPPING, 0);
	/* Down for good: that is told in its place. */
	sim_run_until(s, sim_now(s) + 400);
	ck_assert_uint_eq(flags_of(s, "h3", &why_not) & UNIT_FLAPPING, 0);
	ck_assert_uint_eq(sim_alerts(s, "host_flapping"), 0);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	sim_free(s);
}
END_TEST

START_TEST(p11_flapping_survives_a_restart)
{
	struct sim *s = sim_new(10, NULL, 0);
	unsigned why_not;
	size_t facts;

	sim_rule(s, &sim_flappy);
	sim_run_until(s, 60);
	come_and_go(s, 4);
	facts = sim_alert_facts(s);
	sim_restart(s);
	ck_assert_uint_ne(flags_of(s, "h3", &why_not) & UNIT_FLAPPING, 0);
	come_and_go(s, 4);
	ck_assert_uint_eq(sim_alert_facts(s), facts);
	sim_run_until(s, sim_now(s) + 400);
	ck_assert_int_eq(sim_state(s, "h3"), STATE_HEALTHY);
	ck_assert_uint_eq(sim_alerts(s, "host_flapping"), 0);
	sim_free(s);
}
END_TEST

static void
tell(struct sim *s, const char *host, bool well)
{
	struct observation ob = { .probe = "cpu",
		.outcome = well ? TOCSIN_OK : TOCSIN_FAIL,
		.reason = well ? TOCSIN_WHY_NONE : TOCSIN_WHY_THRESHOLD,
		.text = "", .device.kind = "" };

	ck_assert_int_eq(sim_batch(s, host, &ob, true), BATCH_TAKEN);
}

/*
 * Every sequence of 16, each of a host of its own: after the quiet that
 * follows, what people were told last is what is so.
 */
static void
all_told(unsigned from, unsigned to)
{
	struct sim *s = sim_new(0, NULL, 0);
	struct check_rule rule = sim_flappy;

	rule.fail_after = 2;
	rule.clear_after = 1;
	rule.flap_after = 4;
	rule.flap_within = 12;
	rule.flap_clear = 4;
	sim_rule(s, &rule);
	for (unsigned i = 0; i < 16 + 5; i++) {
		sim_run_until(s, sim_now(s) + 1);
		for (unsigned n = from; n < to; n++) {
			bool well = (n >> (i < 16 ? i : 15) & 1) == 0;
			char name[16];

			snprintf(name, sizeof(name), "q%u", n);
			tell(s, name, well);
		}
	}
	for (unsigned n = from; n < to; n++) {
		bool down = (n >> 15 & 1) != 0;
		char name[16];

		snprintf(name, sizeof(name), "q%u", n);
		ck_assert_msg(sim_alert_of(s, "host_unhealthy", name) == down,
			"sequence %u", n);
		ck_assert_msg(!sim_alert_of(s, "host_flapping", name),
			"sequence %u", n);
	}
	sim_free(s);
}

START_TEST(p9_what_was_told_last_is_what_is_so)
{
	/* The sim looks for a state by going through all: few at a time. */
	for (unsigned from = 0; from < 1U << 16; from += 128)
		all_told(from, from + 128);
}
END_TEST

/* ---- busy is not dead ---- */

static void
tell_cpu(struct sim *s, const char *host, double ratio)
{
	struct metric cpu = { "cpu_busy_ratio", "", TOCSIN_F64, { ratio } };
	struct observation ob = { .probe = "cpu", .text = "",
		.device.kind = "", .metrics = &cpu, .n_metrics = 1 };

	ck_assert_int_eq(sim_batch(s, host, &ob, true), BATCH_TAKEN);
}

/* h1, h3 and h4 are busy, h2 is not, of h0 nothing is known. */
static void
tell_until(struct sim *s, double until)
{
	while (sim_now(s) < until) {
		tell_cpu(s, "h1", 1.0);
		tell_cpu(s, "h2", 0.3);
		tell_cpu(s, "h3", 1.0);
		tell_cpu(s, "h4", 0.99);
		sim_run_until(s, sim_now(s) + 15 < until ? sim_now(s) + 15 :
			until);
	}
}

static size_t
plans(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	size_t n = snap->n_plans;

	snapshot_put(snap);
	return n;
}

START_TEST(r011_three_misses_of_a_busy_host_are_overload_until_the_grace)
{
	for (int restarts = 0; restarts < 2; restarts++) {
		struct sim *s = sim_new(30, NULL, 1);

		tell_until(s, 60);
		for (int i = 0; i < 4; i++)
			sim_set(s, (const char *[]){ "h0", "h1", "h2", "h4" }
				[i], "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
		sim_set(s, "h3", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
		sim_set(s, "h4", "ping", TOCSIN_WHY_NO_REPLY);
		tell_until(s, 120);
		ck_assert_int_eq(sim_state(s, "h1"), STATE_OVERLOADED);
		ck_assert_int_eq(sim_reason(s, "h1"), TOCSIN_WHY_BUSY);
		/* no counters; not busy; refused; its kernel does not answer */
		ck_assert_int_eq(sim_state(s, "h0"), STATE_UNHEALTHY);
		ck_assert_int_eq(sim_state(s, "h2"), STATE_UNHEALTHY);
		ck_assert_int_eq(sim_state(s, "h3"), STATE_UNHEALTHY);
		ck_assert_int_eq(sim_state(s, "h4"), STATE_UNHEALTHY);
		ck_assert(!sim_alert_of(s, "role_unhealthy", "h1"));
		ck_assert(sim_alert_of(s, "role_unhealthy", "h2"));
		ck_assert_uint_eq(plans(s), 4);
		if (restarts)
			sim_restart(s);
		tell_until(s, 600);
		ck_assert_int_eq(sim_state(s, "h1"), STATE_OVERLOADED);
		ck_assert(strstr(sim_log(s), "h1 suspect>overloaded busy\n") !=
			NULL);
		tell_until(s, 700);
		ck_assert_int_eq(sim_state(s, "h1"), STATE_UNHEALTHY);
		ck_assert_int_eq(sim_reason(s, "h1"),
			TOCSIN_WHY_CONNECT_TIMEOUT);
		sim_set(s, "h1", "tcp", TOCSIN_WHY_NONE);
		tell_until(s, 760);
		ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
		sim_free(s);
	}
}
END_TEST

START_TEST(r011_a_host_that_is_late_and_was_busy_is_overloaded)
{
	struct sim *s = sim_new(30, NULL, 1);

	tell_until(s, 60);
	/* the last words are of the forty-fifth second */
	sim_run_until(s, 92);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_OVERLOADED);
	ck_assert_int_eq(sim_state(s, "h2"), STATE_STALE);
	ck_assert_uint_eq(sim_alerts(s, "host_stale"), 1);
	sim_run_until(s, 600);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_OVERLOADED);
	/* its word holds no longer */
	sim_run_until(s, 650);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_STALE);
	ck_assert_uint_eq(sim_alerts(s, "host_stale"), 4);
	sim_free(s);
}
END_TEST

START_TEST(r011_who_is_busy_no_more_is_judged_as_others_are)
{
	struct sim *s = sim_new(30, NULL, 1);

	tell_until(s, 60);
	sim_set(s, "h1", "tcp", TOCSIN_WHY_RESPONSE_TIMEOUT);
	tell_until(s, 120);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_OVERLOADED);
	tell_cpu(s, "h1", 0.5);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_UNHEALTHY);
	/* and being busy acquits nobody */
	tell_cpu(s, "h1", 1.0);
	sim_run_until(s, 125);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_UNHEALTHY);
	sim_free(s);
}
END_TEST

/* Nobody but the page itself, which comes no more then, told of it. */
static enum unit_state
scraped(double load, bool anew)
{
	struct sim *s = sim_new(30, NULL, 1);
	enum unit_state is;

	sim_counters(s, "h1", anew ? 0.2 : load, false);
	sim_run_until(s, 100);
	if (anew) {
		sim_counters(s, "h1", load, true);
		sim_run_until(s, 115);
	}
	sim_set(s, "h1", "tcp", TOCSIN_WHY_RESPONSE_TIMEOUT);
	sim_run_until(s, 180);
	is = sim_state(s, "h1");
	sim_set(s, "h1", "tcp", TOCSIN_WHY_NONE);
	sim_counters(s, "h1", 0.1, false);
	sim_run_until(s, 260);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	sim_free(s);
	return is;
}

START_TEST(r011_a_scraped_host_whose_counters_say_busy_is_overloaded)
{
	ck_assert_int_eq(scraped(1.0, false), STATE_OVERLOADED);
	ck_assert_int_eq(scraped(0.97, false), STATE_OVERLOADED);
	ck_assert_int_eq(scraped(0.5, false), STATE_UNHEALTHY);
	/* it began to count anew: how busy it is since is not known yet */
	ck_assert_int_eq(scraped(1.0, true), STATE_UNHEALTHY);
}
END_TEST

int
main(void)
{
	return STORIES("judging",
		r011_three_misses_of_a_busy_host_are_overload_until_the_grace,
		r011_a_host_that_is_late_and_was_busy_is_overloaded,
		r011_a_scraped_host_whose_counters_say_busy_is_overloaded,
		r011_who_is_busy_no_more_is_judged_as_others_are,
		p9_who_comes_and_goes_is_flapping_told_once_and_never_moved,
		p11_flapping_survives_a_restart,
		p9_what_was_told_last_is_what_is_so);
}
