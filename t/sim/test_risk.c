/*
 * The risk of hosts in virtual time: their own signals, disks that stand for
 * each other, and what is left of it after a crash.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "predict/rules.h"
#include "t/lib/card.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

#define DAY_S 86400.0

static struct observation
from(const char *probe, struct metric *m, size_t n)
{
	return (struct observation){ .probe = probe, .device = { "", "", "",
		"" }, .text = "", .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_NONE, .metrics = m, .n_metrics = n };
}

static void
tell(struct sim *s, const char *probe, const char *metric, double value)
{
	struct metric m = { metric, "", TOCSIN_F64, { value } };
	struct observation ob = from(probe, &m, 1);

	ck_assert_int_eq(sim_batch(s, "h0", &ob, true), BATCH_TAKEN);
}

static void
tell_disk(struct sim *s, const char *serial, double pending)
{
	struct metric m[] = {
		{ "smart_197_raw", "", TOCSIN_F64, { pending } },
		{ "smart_5_raw", "", TOCSIN_F64, { pending } },
		{ "smart_187_raw", "", TOCSIN_F64, { pending / 8 } },
	};
	struct observation ob = from("smart", m, ARRAY_LEN(m));

	ob.device = (struct device_id){ "disk", "ST4000DM000", serial, "" };
	ck_assert_int_eq(sim_batch(s, "sto1", &ob, true), BATCH_TAKEN);
}

/* Two disks; the first is failing. */
static void
one_disk_fails(struct sim *s)
{
	for (int day = 1; day <= 4; day++) {
		sim_run_until(s, day * DAY_S);
		tell_disk(s, "BAD", (day - 1) * 800.0);
		tell_disk(s, "GOOD", 0);
	}
}

/* A role of h0 that is refused. */
static void
a_role_fails(struct sim *s)
{
	static struct check_def tcp = { .key = "tcp:80", .probe = "tcp",
		.rule = { .interval = { INT64_C(15000000000) },
			.timeout = { INT64_C(5000000000) },
			.fail_after = 3, .clear_after = 2, .stale_after = 3 } };
	static const struct unit_def role = { .name = "web",
		.address = "127.9.9.9", .parent = SIZE_MAX,
		.cls = UNIT_STATELESS, .checks = &tcp, .n_checks = 1,
		.own_checks = true };

	sim_units(s, "h0", &role, 1, AGENT_NONE);
	sim_answer(s, "127.9.9.9", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
}

START_TEST(r020_edac_errors_hint_at_memory_and_silence_at_nothing)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(2, pack, 0);
	struct snapshot *snap;
	const struct snap_unit *web;
	const char *host;
	const struct snap_host *h;

	a_role_fails(s);
	tell(s, "memory", "memory_uncorrected_errors_total", 0);
	sim_run_until(s, 600);
	tell(s, "memory", "memory_uncorrected_errors_total", 1);
	sim_set(s, "h1", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 900);
	snap = sim_snapshot(s);
	h = snapshot_host(snap, "h0");
	ck_assert_int_eq(h->cause, CAUSE_MEMORY);
	ck_assert_int_eq(h->level, LEVEL_WATCH);
	ck_assert_ptr_nonnull(h->rare->outlook);
	ck_assert_uint_ne(h->rare->outlook->prediction_id, 0);
	ck_assert_ptr_nonnull(strstr(h->rare->risk_reason, "ecc_uncorrected"));
	/* what runs there is told the same */
	web = sim_unit(snap, "h0/web", &host);
	ck_assert_ptr_nonnull(web);
	ck_assert_int_eq(web->health, HEALTH_UNHEALTHY);
	ck_assert_int_eq(web->cause, CAUSE_MEMORY);
	/* dead, and nobody knows why */
	h = snapshot_host(snap, "h1");
	ck_assert_int_eq(h->cause, CAUSE_UNKNOWN);
	snapshot_put(snap);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(a_mirrored_disk_that_fails_is_no_risk_of_its_host)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	struct snapshot *snap;
	const struct snap_host *h;

	one_disk_fails(s);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_IMMINENT);
	/* what is declared wrongly is refused, and changes nothing */
	ck_assert_int_ne(sim_order(s, ORDER_HOST_PATCH, "sto1",
		"{\"tags\":{\"redundancy\":\"raid7:BAD+GOOD\"}}"), 0);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_IMMINENT);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PATCH, "sto1",
		"{\"tags\":{\"redundancy\":\"mirror:BAD+GOOD\"}}"), 0);
	snap = sim_snapshot(s);
	h = snapshot_host(snap, "sto1");
	ck_assert_int_eq(h->level, LEVEL_NONE);
	ck_assert_double_lt(h->rare->risk, 0.02);
	/* the disk is failing as before, and is to be replaced */
	ck_assert_uint_ne(h->rare->replace_device, 0);
	for (size_t i = 0; i < h->rare->n_devices; i++)
		if (strcmp(h->rare->devices[i].ident.serial, "BAD") == 0) {
			ck_assert_uint_eq(h->rare->devices[i].id,
				h->rare->replace_device);
			ck_assert_int_eq(h->rare->devices[i].level,
				LEVEL_IMMINENT);
		}
	ck_assert_int_eq(h->cause, CAUSE_DEVICE);
	ck_assert_uint_eq(snap->n_plans, 1);
	ck_assert_int_eq(snap->plans[0].action, PLAN_DEVICE_REPLACE);
	ck_assert_ptr_nonnull(strstr(snap->plans[0].reason, "BAD"));
	snapshot_put(snap);
	ck_assert(sim_alert_of(s, "device_replace", "sto1"));
	ck_assert(!sim_alert_of(s, "host_at_risk", "sto1"));
	sim_restart(s);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	sim_free(s);
	pack_free(pack);
}
END_TEST

static struct snap_plan
plan_of(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	struct snap_plan p;

	ck_assert_uint_eq(snap->n_plans, 1);
	p = snap->plans[0];
	snapshot_put(snap);
	return p;
}

START_TEST(r086_what_takes_longer_than_is_left_begins_now)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);

	one_disk_fails(s);
	ck_assert_int_eq(plan_of(s).action, PLAN_HOST_EVACUATE);
	ck_assert(plan_of(s).predicted && plan_of(s).urgency.left_known);
	/* days are left, and half an hour is enough */
	ck_assert_int_eq(plan_of(s).urgency.is, URGENCY_PLANNED);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PATCH, "sto1",
		"{\"tags\":{\"evacuation_size\":\"60TiB\"}}"), 0);
	sim_run_until(s, sim_now(s) + 1);
	ck_assert_int_eq(plan_of(s).urgency.is, URGENCY_START_NOW);
	ck_assert(plan_of(s).urgency.accept_loss);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(r040_more_processors_are_no_anomaly)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	struct snapshot *snap;
	const struct snap_host *h;

	for (int hour = 0; hour < 48; hour++) {
		sim_run_until(s, hour * 3600.0);
		tell(s, "cpu", "cpu_count", hour < 36 ? 4 : 8);
		tell(s, "disk", "psi_io_full_ratio", hour < 36 ? 0.01 : 0.6);
	}
	snap = sim_snapshot(s);
	h = snapshot_host(snap, "h0");
	ck_assert_int_eq(h->level, LEVEL_NONE);
	ck_assert_ptr_null(h->rare->outlook);
	snapshot_put(snap);
	ck_assert_uint_eq(sim_events(s, "host.capacity"), 1);
	sim_free(s);
	pack_free(pack);
}
END_TEST

/* All alike; then the first of so many disks gets pending sectors. */
static void
one_of_many(struct sim *s, int disks)
{
	for (int day = 1; day <= 2; day++) {
		sim_run_until(s, day * DAY_S);
		for (int i = 0; i < disks; i++) {
			char serial[16];

			(void)snprintf(serial, sizeof(serial), "D%d", i);
			tell_disk(s, serial, i == 0 && day == 2 ? 8 : 0);
		}
	}
}

START_TEST(a_disk_that_stands_out_among_its_peers_is_judged_by_it)
{
	struct pack *pack = card_beside();
	struct sim *s = sim_new(1, pack, 0);
	size_t said;

	one_of_many(s, 24);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_IMMINENT);
	said = sim_events(s, "prediction.level");
	/* its place is kept: the fleet is counted anew after a restart */
	sim_restart(s);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_IMMINENT);
	sim_run_until(s, 2 * DAY_S + 3600);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_IMMINENT);
	ck_assert_uint_eq(sim_events(s, "prediction.level"), said);
	sim_free(s);
	/* five are too few to compare with: nothing is said of them */
	s = sim_new(1, pack, 0);
	one_of_many(s, 5);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_LIKELY);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(a_host_that_failed_is_watched_and_a_crash_forgets_nothing)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(12, pack, 0);
	struct snapshot *snap;
	size_t said;

	sim_run_until(s, 600);
	sim_set(s, "h0", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 900);
	sim_set(s, "h0", "ping", TOCSIN_WHY_NONE);
	sim_run_until(s, 1200);
	ck_assert_int_eq(sim_state(s, "h0"), STATE_HEALTHY);
	ck_assert_int_eq(sim_level(s, "h0"), LEVEL_WATCH);
	snap = sim_snapshot(s);
	ck_assert_double_gt(snapshot_host(snap, "h0")->rare->risk, 0.3);
	ck_assert_int_eq(snapshot_host(snap, "h0")->cause, CAUSE_UNKNOWN);
	snapshot_put(snap);
	said = sim_events(s, "prediction.level");
	sim_restart(s);
	ck_assert_int_eq(sim_level(s, "h0"), LEVEL_WATCH);
	sim_run_until(s, 1500);
	ck_assert_uint_eq(sim_events(s, "prediction.level"), said);
	/* a month without another */
	sim_run_until(s, 31 * DAY_S);
	ck_assert_int_eq(sim_level(s, "h0"), LEVEL_NONE);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(what_happens_in_a_window_is_no_failure)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(12, pack, 0);

	sim_run_until(s, 600);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PATCH, "h0",
		"{\"disposition\":\"maintenance\"}"), 0);
	sim_set(s, "h0", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 900);
	ck_assert_int_eq(sim_level(s, "h0"), LEVEL_NONE);
	sim_free(s);
	pack_free(pack);
}
END_TEST

int
main(void)
{
	return STORIES("risk",
		r020_edac_errors_hint_at_memory_and_silence_at_nothing,
		a_mirrored_disk_that_fails_is_no_risk_of_its_host,
		r086_what_takes_longer_than_is_left_begins_now,
		r040_more_processors_are_no_anomaly,
		a_disk_that_stands_out_among_its_peers_is_judged_by_it,
		a_host_that_failed_is_watched_and_a_crash_forgets_nothing,
		what_happens_in_a_window_is_no_failure);
}
