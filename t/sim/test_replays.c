/*
 * Accidents that others told of, as stories of a whole fleet: a leap day that
 * ends every agent at its start, and a host that fails, is left, mended and
 * trusted again.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

#define HOSTS 1000
#define ROLLING 500	/* the first of them are in the middle of an update */
/* As t/sim/sim.c begins; and 28 February 2012, 23:30 UTC. */
#define BEGIN_MS INT64_C(1767225600000)
#define EVE_MS INT64_C(1330471800000)

static const struct unit_rule rule = {
	.heartbeat = { INT64_C(15000000000) }, .late_after = 3,
	.clear_after = 2, .grace = { INT64_C(600000000000) },
	.never = { INT64_C(60000000000) }, .lost = { INT64_C(600000000000) },
	.gone = { INT64_C(30000000000) }, .busy_ratio = 0.95,
};

struct fleet {
	struct sim *s;
	struct unit_def vms[HOSTS];
	char names[HOSTS][8];
	bool ended[HOSTS];	/* the agent in the guest, at its start */
};

static void
say(struct sim *s, const char *who, struct observation ob)
{
	ob.device.kind = "";
	if (ob.text == NULL)
		ob.text = "";
	ck_assert_int_eq(sim_batch(s, who, &ob, true), BATCH_TAKEN);
}

static const char *
host_name(char out[8], size_t i)
{
	snprintf(out, 8, "h%zu", i);
	return out;
}

/* A guest on each host, its agent inside. */
static void
begin(struct fleet *f)
{
	char host[8];

	f->s = sim_new(HOSTS, NULL, 1);
	sim_step_wall(f->s, EVE_MS - BEGIN_MS);
	sim_hold(f->s, true);
	sim_split(f->s, ROLLING, true);
	for (size_t i = 0; i < HOSTS; i++) {
		snprintf(f->names[i], sizeof(f->names[i]), "v%zu", i);
		f->vms[i] = (struct unit_def){ .is_vm = true,
			.name = f->names[i], .address = f->names[i],
			.parent = SIZE_MAX, .cls = UNIT_STATELESS,
			.agent = AGENT_TOCSIN, .rule = rule };
		sim_units(f->s, host_name(host, i), &f->vms[i], 1, AGENT_AUTO);
	}
	sim_hold(f->s, false);
}

static void
end_agent(struct fleet *f, size_t i)
{
	f->ended[i] = true;
	say(f->s, f->names[i], (struct observation){ .probe = "agent",
		.outcome = TOCSIN_UNKNOWN, .reason = TOCSIN_WHY_REPORTED_ERROR,
		.text = "certificate: 2013-02-29 is no day" });
}

/* Agents that run measure each minute. */
static void
pass(struct fleet *f, double until)
{
	while (sim_now(f->s) < until) {
		for (size_t i = 0; i < HOSTS; i++)
			if (!f->ended[i])
				say(f->s, f->names[i], (struct observation){
					.probe = "memory" });
		sim_run_until(f->s, sim_now(f->s) + 15 < until ?
			sim_now(f->s) + 15 : until);
	}
}

static const struct snap_partition *
partition(const struct snapshot *snap, const char *name)
{
	for (size_t i = 0; i < snap->n_partitions; i++)
		if (strcmp(snap->partitions[i].name, name) == 0)
			return &snap->partitions[i];
	return NULL;
}

static void
nobody_is_blamed(struct fleet *f)
{
	struct snapshot *snap = sim_snapshot(f->s);

	for (size_t i = 0; i < HOSTS; i++) {
		const char *host;
		const struct snap_unit *u = sim_unit(snap, f->names[i], &host);

		ck_assert_ptr_nonnull(u);
		ck_assert_int_eq(u->cause, CAUSE_UNKNOWN);
		if (f->ended[i])
			ck_assert_int_eq(u->reason, TOCSIN_WHY_REPORTED_ERROR);
	}
	for (size_t i = 0; i < snap->n_alerts; i++)
		ck_assert_ptr_null(strstr(snap->alerts[i].body, "hardware"));
	/* No host is taken for broken, and so none is to be left. */
	ck_assert_uint_eq(snap->counts[STATE_HEALTHY], HOSTS);
	for (size_t i = 0; i < snap->n_plans; i++)
		ck_assert_int_ne(snap->plans[i].action, PLAN_HOST_EVACUATE);
	snapshot_put(snap);
}

static bool
is_latched(struct fleet *f, const char *name)
{
	struct snapshot *snap = sim_snapshot(f->s);
	bool latched = partition(snap, name)->brake.latched;

	snapshot_put(snap);
	return latched;
}

START_TEST(r050_r060_fx_002_a_leap_day_ends_agents_at_two_speeds)
{
	static struct fleet f;
	struct snapshot *snap;
	char host[8];

	begin(&f);
	pass(&f, 1800);
	nobody_is_blamed(&f);
	/* Midnight: where agents are being updated all end at their start. */
	for (size_t i = 0; i < ROLLING; i++)
		end_agent(&f, i);
	/* Elsewhere one a minute, as guests are begun. */
	for (size_t i = 0; i < 30; i++) {
		end_agent(&f, ROLLING + i);
		pass(&f, 1800 + 60 * ((double)i + 1));
	}
	/* told once for each silence, page by page no more than one outage */
	nobody_is_blamed(&f);
	ck_assert_uint_eq(sim_alerts(f.s, "agent_silent"), ROLLING + 30);
	ck_assert_uint_ge(sim_alerts(f.s, "partition_outage"), 1);
	ck_assert(!is_latched(&f, "rack0"));
	ck_assert(!is_latched(&f, "rack1"));
	/*
	 * Three times 25 minutes: hosts are given up by hand after all, 15 of
	 * 500 where it was fast, and the 16th latches the brake.
	 */
	for (size_t i = 0; i < 15; i++)
		sim_set(f.s, host_name(host, i), "ping", TOCSIN_WHY_NO_REPLY);
	pass(&f, 4500);
	ck_assert(!is_latched(&f, "rack0"));
	sim_set(f.s, "h15", "ping", TOCSIN_WHY_NO_REPLY);
	pass(&f, 4560);
	ck_assert(is_latched(&f, "rack0"));
	ck_assert(!is_latched(&f, "rack1"));
	snap = sim_snapshot(f.s);
	for (size_t i = 0; i < snap->n_plans; i++)
		if (snap->plans[i].action == PLAN_HOST_EVACUATE)
			ck_assert_int_eq(snap->plans[i].state, PLAN_STATE_HELD);
	ck_assert_uint_eq(snap->counts[STATE_HEALTHY], HOSTS - 16);
	ck_assert_uint_eq(snap->counts[STATE_UNHEALTHY], 16);
	snapshot_put(snap);
	ck_assert_uint_eq(sim_events(f.s, "observer.suspect"), 0);
	sim_free(f.s);
}
END_TEST

/* ---- fx-003-healing: the later parts ---- */

static void
break_down(struct sim *s, const char *host, bool yes)
{
	sim_set(s, host, "ping", yes ? TOCSIN_WHY_NO_REPLY : TOCSIN_WHY_NONE);
	sim_set(s, host, "tcp", yes ? TOCSIN_WHY_CONNECT_TIMEOUT :
		TOCSIN_WHY_NONE);
}

static int
dispose(struct sim *s, const char *host, const char *to)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"disposition\":\"%s\"}", to);
	return sim_order(s, ORDER_HOST_PATCH, host, body);
}

START_TEST(r014_r016_r017_fx_003_a_host_is_rebooted_left_mended_and_trusted)
{
	struct sim *s = sim_new(4, NULL, 0);

	/* The reboot helps: nothing is moved. */
	sim_run_until(s, 60);
	break_down(s, "h1", true);
	sim_run_until(s, 180);
	ck_assert_int_eq(sim_rung(s, "h1"), PLAN_HOST_REBOOT);
	break_down(s, "h1", false);
	sim_run_until(s, 1000);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_int_eq(sim_rung(s, "h1"), PLAN_NONE);
	ck_assert_uint_eq(sim_plan(s, "h1").id, 0);
	/* The next one does not; the others may take nothing. */
	ck_assert_int_eq(dispose(s, "h0", "maintenance"), 0);
	ck_assert_int_eq(dispose(s, "h2", "quarantined"), 0);
	ck_assert_int_eq(dispose(s, "h3", "maintenance"), 0);
	break_down(s, "h1", true);
	sim_run_until(s, 1180);
	ck_assert_int_eq(sim_rung(s, "h1"), PLAN_HOST_REBOOT);
	sim_run_until(s, 1000 + 60 + 60 + 900 + 60);
	ck_assert_int_eq(sim_plan(s, "h1").state, PLAN_STATE_HELD);
	ck_assert(sim_plan(s, "h1").why_not >> WHY_NOT_NO_TARGET & 1);
	ck_assert_uint_eq(sim_plan(s, "h1").n_targets, 0);
	/* One is free again: there is room. */
	ck_assert_int_eq(dispose(s, "h0", "in_service"), 0);
	sim_run_until(s, sim_now(s) + 30);
	ck_assert_int_eq(sim_plan(s, "h1").action, PLAN_HOST_EVACUATE);
	ck_assert_uint_eq(sim_plan(s, "h1").n_targets, 1);
	/* Left, it is out of trust, and back by a diagnosis alone. */
	ck_assert_int_eq(dispose(s, "h1", "quarantined"), 0);
	sim_run_until(s, sim_now(s) + 30);
	ck_assert(sim_plan(s, "h1").state != PLAN_STATE_RECOMMENDED);
	break_down(s, "h1", false);
	sim_run_until(s, sim_now(s) + 60);
	ck_assert_int_eq(dispose(s, "h1", "in_service"), TC_EEXIST);
	ck_assert_int_eq(dispose(s, "h1", "diagnosing"), 0);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_DIAGNOSE, "h1",
		"{\"memory\":\"good\",\"disk\":\"bad\","
		"\"result\":\"repaired\"}"), 0);
	ck_assert_int_eq(dispose(s, "h1", "probation"), 0);
	/* On probation it takes nobody's load yet; in service it does. */
	ck_assert_int_eq(dispose(s, "h0", "maintenance"), 0);
	ck_assert_int_eq(dispose(s, "h2", "diagnosing"), 0);
	ck_assert_int_eq(dispose(s, "h3", "in_service"), 0);
	break_down(s, "h3", true);
	sim_run_until(s, sim_now(s) + 60 + 60 + 900 + 120);
	ck_assert(sim_plan(s, "h3").why_not >> WHY_NOT_NO_TARGET & 1);
	ck_assert_int_eq(dispose(s, "h1", "in_service"), 0);
	sim_run_until(s, sim_now(s) + 30);
	ck_assert_uint_eq(sim_plan(s, "h3").n_targets, 1);
	sim_free(s);
}
END_TEST

int
main(void)
{
	return STORIES("replays",
		r050_r060_fx_002_a_leap_day_ends_agents_at_two_speeds,
		r014_r016_r017_fx_003_a_host_is_rebooted_left_mended_and_trusted);
}
