/*
 * What becomes of verdicts: flapping, and what people are told of it.
 */
#include <stdio.h>
#include <string.h>

#include "t/lib/story.h"
#include "t/sim/sim.h"

static const struct check_rule flappy = {
	.interval = { INT64_C(15000000000) },
	.timeout = { INT64_C(5000000000) },
	.fail_after = 3, .clear_after = 2, .stale_after = 3,
	.flap_after = 5, .flap_within = 60, .flap_clear = 20,
};

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

	sim_rule(s, &flappy);
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

	sim_rule(s, &flappy);
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
	struct check_rule rule = flappy;

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

int
main(void)
{
	return STORIES("judging",
		p9_who_comes_and_goes_is_flapping_told_once_and_never_moved,
		p11_flapping_survives_a_restart,
		p9_what_was_told_last_is_what_is_so);
}
