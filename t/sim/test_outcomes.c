/*
 * What people say of predictions, and what a restart must not forget: values
 * accepted with a tripwire, baselines of drives, sleep.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "model/verdict.h"
#include "predict/rules.h"
#include "t/lib/card.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

#define DAY 86400.0

static struct observation
of_drive(const char *serial, const struct metric *m, size_t n)
{
	return (struct observation){ .probe = "smart", .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_NONE, .text = "", .metrics = m,
		.n_metrics = n,
		.device = { "disk", "WDC WD40EFRX", serial, "" } };
}

/* One metric of one drive of sto1. */
static void
say(struct sim *s, const char *serial, const char *metric, double value)
{
	struct metric m[] = { { metric, "", TOCSIN_F64, { value } } };
	struct observation ob = of_drive(serial, m, 1);

	ck_assert_int_eq(sim_batch(s, "sto1", &ob, true), BATCH_TAKEN);
}

static struct snap_device
device_of(struct sim *s, const char *serial)
{
	struct snapshot *snap = sim_snapshot(s);
	const struct snap_host *h = snapshot_host(snap, "sto1");
	struct snap_device d = { 0 };

	for (size_t i = 0; h != NULL && i < h->rare->n_devices; i++)
		if (strcmp(h->rare->devices[i].ident.serial, serial) == 0)
			d = h->rare->devices[i];
	snapshot_put(snap);
	ck_assert_uint_ne(d.id, 0);
	return d;	/* numbers only: the texts are gone */
}

/* ---- accepted with a tripwire ---- */

static const char until_2030[] = "{\"until\":\"2030-01-01T00:00:00Z\","
	"\"reason\":\"an old cable\",\"metric\":\"pending_sectors\"}";

/* 87 pending sectors, the same for a year, and a person who knows. */
static struct sim *
a_static_bad_value(const struct pack *pack)
{
	struct sim *s = sim_new(1, pack, 0);

	say(s, "OLD", "smart_197_raw", 0);
	sim_run_until(s, DAY);
	say(s, "OLD", "smart_197_raw", 87);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_WATCH);
	ck_assert_int_eq(sim_order(s, ORDER_ACCEPT, "OLD", until_2030), 0);
	return s;
}

START_TEST(p2_87_for_a_year_is_accepted_and_88_alerts_within_one_cycle)
{
	struct pack *pack = card_builtin();
	struct sim *s = a_static_bad_value(pack);

	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 1);
	ck_assert_uint_eq(sim_events(s, "device.accept"), 1);
	for (int month = 1; month <= 12; month++) {
		sim_run_until(s, month * 30 * DAY);
		say(s, "OLD", "smart_197_raw", 87);
		if (month == 6)
			sim_restart(s);
		ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	}
	ck_assert_uint_eq(sim_events(s, "acceptance.revoke"), 0);
	ck_assert_uint_eq(sim_alerts(s, "acceptance_revoked"), 0);

	say(s, "OLD", "smart_197_raw", 88);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 0);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_WATCH);
	ck_assert_uint_eq(sim_events(s, "acceptance.revoke"), 1);
	ck_assert_uint_eq(sim_alerts(s, "acceptance_revoked"), 1);
	/* a restart neither forgets that nor revokes twice */
	sim_restart(s);
	say(s, "OLD", "smart_197_raw", 88);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 0);
	ck_assert_uint_eq(sim_events(s, "acceptance.revoke"), 1);
	ck_assert_uint_eq(sim_alerts(s, "acceptance_revoked"), 1);
	/* whoever takes it up ends the alert */
	ck_assert_int_eq(sim_order(s, ORDER_ACCEPT, "OLD", until_2030), 0);
	ck_assert_uint_eq(sim_alerts(s, "acceptance_revoked"), 0);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(p2_delta_is_a_leeway_and_a_fall_is_a_move)
{
	struct pack *pack = card_builtin();
	struct sim *s = a_static_bad_value(pack);

	ck_assert_int_eq(sim_order(s, ORDER_ACCEPT, "OLD",
		"{\"until\":\"2030-01-01T00:00:00Z\",\"reason\":\"x\","
		"\"metric\":\"smart_197_raw\",\"value\":87,\"delta\":4}"), 0);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 1);
	say(s, "OLD", "smart_197_raw", 91);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 1);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	say(s, "OLD", "smart_197_raw", 82);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 0);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(p2_an_acceptance_expires_without_any_data)
{
	struct pack *pack = card_builtin();
	struct sim *s = a_static_bad_value(pack);

	ck_assert_int_eq(sim_order(s, ORDER_ACCEPT, "OLD",
		"{\"until\":\"2026-01-04T00:00:00Z\",\"reason\":\"x\"}"),
		TC_ENOENT);	/* nothing speaks against it any more */
	ck_assert_int_eq(sim_order(s, ORDER_ACCEPT, "OLD",
		"{\"until\":\"2026-01-04T00:00:00Z\",\"reason\":\"x\","
		"\"metric\":\"smart_197_raw\"}"), 0);
	sim_run_until(s, 2.9 * DAY);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 1);
	sim_run_until(s, 3.01 * DAY);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 0);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_WATCH);
	ck_assert_uint_eq(sim_events(s, "acceptance.revoke"), 1);
	ck_assert_uint_eq(sim_alerts(s, "acceptance_revoked"), 0);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(p2_without_a_metric_all_that_speaks_against_it_is_accepted)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	static const char all[] = "{\"until\":\"2030-01-01T00:00:00Z\","
		"\"reason\":\"known\"}";

	say(s, "OLD", "smart_197_raw", 0);
	say(s, "OLD", "smart_5_raw", 0);
	say(s, "OLD", "grown_defects", 0);
	sim_run_until(s, DAY);
	say(s, "OLD", "smart_197_raw", 24);
	say(s, "OLD", "smart_5_raw", 2000);
	say(s, "OLD", "grown_defects", 100);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_LIKELY);
	ck_assert_int_eq(sim_order(s, ORDER_ACCEPT, "OLD", all), 0);
	ck_assert_uint_ge(device_of(s, "OLD").n_accepted, 3);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	/* one that moves does not take the others along */
	say(s, "OLD", "grown_defects", 101);
	ck_assert_uint_ge(device_of(s, "OLD").n_accepted, 2);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_LIKELY);
	ck_assert_int_eq(sim_order(s, ORDER_UNACCEPT, "OLD", "{}"), 0);
	ck_assert_uint_eq(device_of(s, "OLD").n_accepted, 0);
	ck_assert_int_eq(sim_order(s, ORDER_UNACCEPT, "OLD", "{}"), TC_ENOENT);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(p2_an_acceptance_names_a_reason_an_end_and_what_is_there)
{
	static const struct { const char *body; int rc; } bad[] = {
		{ "{\"until\":\"2030-01-01T00:00:00Z\"}", TC_EINVAL },
		{ "{\"reason\":\"x\"}", TC_EINVAL },
		{ "{\"reason\":\"x\",\"until\":\"2020-01-01T00:00:00Z\"}",
			TC_ERANGE },
		{ "{\"reason\":\"x\",\"until\":\"2090-01-01T00:00:00Z\"}",
			TC_ERANGE },
		{ "{\"reason\":\"x\",\"until\":\"soon\"}", TC_EINVAL },
		{ "{\"reason\":\"x\",\"until\":\"2030-01-01T00:00:00Z\","
			"\"metric\":\"smart_9_raw\"}", TC_ENOENT },
		{ "{\"reason\":\"x\",\"until\":\"2030-01-01T00:00:00Z\","
			"\"metric\":\"smart_197_raw\",\"value\":86}",
			TC_EEXIST },
		{ "{\"reason\":\"x\",\"until\":\"2030-01-01T00:00:00Z\","
			"\"forever\":true}", TC_EINVAL },
	};
	struct pack *pack = card_builtin();
	struct sim *s = a_static_bad_value(pack);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(sim_order(s, ORDER_ACCEPT, "OLD",
			bad[i].body), bad[i].rc);
	ck_assert_int_eq(sim_order(s, ORDER_ACCEPT, "NEW", until_2030),
		TC_ENOENT);
	ck_assert_uint_eq(sim_events(s, "device.accept"), 1);
	sim_free(s);
	pack_free(pack);
}
END_TEST

/* ---- a restart is neutral ---- */

START_TEST(p11_baselines_of_drive_states_survive_a_restart)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	size_t said;

	say(s, "NVME", "media_errors", 3);	/* of old: no failure */
	say(s, "SAS", "grown_defects", 40);
	say(s, "BAD", "smart_passed", 1);
	sim_run_until(s, DAY);
	sim_restart(s);
	/* a fresh baseline would swallow these */
	say(s, "NVME", "media_errors", 30);
	say(s, "SAS", "grown_defects", 41);
	ck_assert_int_eq(device_of(s, "NVME").level, LEVEL_LIKELY);
	ck_assert_int_eq(device_of(s, "SAS").level, LEVEL_WATCH);
	say(s, "BAD", "smart_passed", 0);
	ck_assert_int_eq(device_of(s, "BAD").level, LEVEL_LIKELY);
	said = sim_events(s, "prediction.level");
	ck_assert_uint_eq(said, 3);
	sim_run_until(s, DAY + 60);
	sim_restart(s);
	ck_assert_int_eq(device_of(s, "NVME").level, LEVEL_LIKELY);
	ck_assert_int_eq(device_of(s, "SAS").level, LEVEL_WATCH);
	ck_assert_int_eq(device_of(s, "BAD").level, LEVEL_LIKELY);
	ck_assert_uint_eq(sim_events(s, "prediction.level"), said);
	/* what was 30 days ago has passed, whatever was restarted */
	sim_run_until(s, 33 * DAY);
	ck_assert_int_eq(device_of(s, "NVME").level, LEVEL_NONE);
	ck_assert_int_eq(device_of(s, "BAD").level, LEVEL_LIKELY);
	sim_free(s);
	pack_free(pack);
}
END_TEST

static void
say_asleep(struct sim *s, const char *serial)
{
	struct observation ob = of_drive(serial, NULL, 0);

	ob.outcome = TOCSIN_UNKNOWN;
	ob.reason = TOCSIN_WHY_DEVICE_ASLEEP;
	ck_assert_int_eq(sim_batch(s, "sto1", &ob, true), BATCH_TAKEN);
}

START_TEST(p6_a_drive_asleep_for_30_days_stays_asleep)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	struct observation beat = { .probe = "boot", .outcome = TOCSIN_OK,
		.reason = TOCSIN_WHY_NONE, .text = "", .device.kind = "" };

	say(s, "DOZE", "smart_197_raw", 0);
	say(s, "AWAKE", "smart_197_raw", 0);
	for (int hour = 1; hour <= 30 * 24; hour++) {
		sim_run_until(s, hour * 3600.0);
		say_asleep(s, "DOZE");
		say_asleep(s, "NEVER");	/* slept at first sight already */
		say(s, "AWAKE", "smart_197_raw", 0);
		if (hour == 15 * 24)
			sim_restart(s);
	}
	ck_assert_int_eq(sim_batch(s, "sto1", &beat, true), BATCH_TAKEN);
	ck_assert(device_of(s, "DOZE").asleep);
	ck_assert(device_of(s, "NEVER").asleep);
	ck_assert(!device_of(s, "AWAKE").asleep);
	ck_assert_int_eq(device_of(s, "DOZE").level, LEVEL_NONE);
	ck_assert_int_eq(sim_state(s, "sto1"), STATE_HEALTHY);
	ck_assert_uint_eq(sim_alerts(s, "host_stale"), 0);
	/* a restart wakes nobody */
	sim_restart(s);
	ck_assert(device_of(s, "DOZE").asleep);
	ck_assert_int_eq(device_of(s, "DOZE").reason, TOCSIN_WHY_DEVICE_ASLEEP);
	ck_assert_int_eq(sim_state(s, "sto1"), STATE_HEALTHY);
	say(s, "DOZE", "smart_197_raw", 0);
	ck_assert(!device_of(s, "DOZE").asleep);
	sim_free(s);
	pack_free(pack);
}
END_TEST

/* ---- what became of it ---- */

static void
say_all(struct sim *s, const char *const *serials, double from, double to)
{
	for (double t = from; t <= to; t += 3600) {
		sim_run_until(s, t);
		for (size_t i = 0; serials[i] != NULL; i++)
			say(s, serials[i], "smart_197_raw", 0);
	}
}

START_TEST(r039_a_serial_that_vanishes_while_another_comes_was_replaced)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	struct snapshot *snap;
	char want[128];

	say_all(s, (const char *const[]){ "A", "B", NULL }, 0, 5 * 3600);
	snprintf(want, sizeof(want), " %u replaced inferred tocsind\n",
		device_of(s, "B").id);
	/* C is put in the place of B; A goes on */
	say_all(s, (const char *const[]){ "A", "C", NULL }, 6 * 3600, 8 * 3600);
	ck_assert_str_eq(sim_outcomes(s), "");
	sim_restart(s);
	say_all(s, (const char *const[]){ "A", "C", NULL }, 9 * 3600,
		13 * 3600);
	/* when it was last heard of is kept to the day */
	ck_assert_msg(strstr(sim_outcomes(s), want) != NULL, "%s",
		sim_outcomes(s));
	ck_assert_uint_eq(sim_events(s, "outcome.infer"), 1);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snapshot_host(snap, "sto1")->rare->n_devices, 2);
	snapshot_put(snap);
	/* its check does not make the host stale for ever */
	say_all(s, (const char *const[]){ "A", "C", NULL }, 14 * 3600,
		20 * 3600);
	ck_assert_int_eq(sim_state(s, "sto1"), STATE_HEALTHY);
	sim_restart(s);
	say_all(s, (const char *const[]){ "A", "C", NULL }, 21 * 3600,
		30 * 3600);
	ck_assert_uint_eq(sim_events(s, "outcome.infer"), 1);
	/* it is put back: the same device, with its past */
	say(s, "B", "smart_197_raw", 0);
	ck_assert_uint_eq(sim_events(s, "device.returned"), 1);
	snprintf(want, sizeof(want), " %u replaced", device_of(s, "B").id);
	ck_assert(strstr(sim_outcomes(s), want) != NULL);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(r039_silence_of_all_and_new_disks_are_no_replacement)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);

	say_all(s, (const char *const[]){ "A", "B", NULL }, 0, 5 * 3600);
	/* one more disk, nobody gone */
	say_all(s, (const char *const[]){ "A", "B", "C", NULL }, 6 * 3600,
		20 * 3600);
	/* the agent is silent for two days */
	sim_run_until(s, 3 * DAY);
	ck_assert_str_eq(sim_outcomes(s), "");
	/* one disk fails and is only pulled */
	say_all(s, (const char *const[]){ "A", "C", NULL }, 3 * DAY,
		3 * DAY + 10 * 3600);
	ck_assert_str_eq(sim_outcomes(s), "");
	/* our own restart is no silence of theirs */
	sim_restart(s);
	sim_run_until(s, 3 * DAY + 11 * 3600);
	ck_assert_str_eq(sim_outcomes(s), "");
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(r039_an_outcome_closes_the_prediction_and_may_take_the_device_out)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	char want[256];
	uint32_t id;

	say(s, "Z1", "smart_197_raw", 0);
	sim_run_until(s, DAY);
	say(s, "Z1", "smart_197_raw", 200);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_LIKELY);
	id = device_of(s, "Z1").id;
	ck_assert_int_eq(sim_order(s, ORDER_OUTCOME, "",
		"{\"device\":\"Z1\",\"outcome\":\"wrong_alarm\"}"), 0);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_LIKELY);
	ck_assert_int_eq(sim_order(s, ORDER_OUTCOME, "",
		"{\"device\":\"Z1\",\"outcome\":\"failed\",\"gone\":true,"
		"\"note\":\"clicks\"}"), 0);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	snprintf(want, sizeof(want), "86400 %u wrong_alarm reported ann\n"
		"86400 %u failed reported ann\n", id, id);
	ck_assert_str_eq(sim_outcomes(s), want);
	ck_assert_uint_eq(sim_events(s, "outcome.note"), 2);
	/* gone over a restart, but people may still speak of it */
	sim_restart(s);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	ck_assert_int_eq(sim_order(s, ORDER_OUTCOME, "",
		"{\"device\":\"Z1\",\"outcome\":\"healthy\"}"), 0);
	/* what was spooled before is not its return; what comes later is */
	sim_run_until(s, 2 * DAY);
	say(s, "Z1", "smart_197_raw", 208);
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_LIKELY);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(r039_the_devices_of_a_retired_host_retire_with_it)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);

	say(s, "Z1", "smart_197_raw", 0);
	sim_run_until(s, DAY);
	say(s, "Z1", "smart_197_raw", 200);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_DELETE, "sto1", ""), 0);
	ck_assert(strstr(sim_outcomes(s), "retired inferred") != NULL);
	sim_restart(s);
	say(s, "Z1", "smart_197_raw", 200);	/* the host is back */
	ck_assert_int_ge(sim_level(s, "sto1"), LEVEL_LIKELY);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(r039_an_outcome_names_one_thing_and_a_time_that_was)
{
	static const struct { const char *body; int rc; } bad[] = {
		{ "{}", TC_EINVAL },
		{ "{\"outcome\":\"failed\"}", TC_EINVAL },
		{ "{\"outcome\":\"lost\",\"device\":\"Z1\"}", TC_EINVAL },
		{ "{\"outcome\":\"failed\",\"device\":\"Z1\","
			"\"host\":\"sto1\"}", TC_EINVAL },
		{ "{\"outcome\":\"failed\",\"device\":\"Z9\"}",
			TC_ENOENT },
		{ "{\"outcome\":\"failed\",\"host\":\"h9\"}", TC_ENOENT },
		{ "{\"outcome\":\"failed\",\"device\":\"Z1\","
			"\"at\":\"2031-01-01T00:00:00Z\"}", TC_ERANGE },
	};
	struct sim *s = sim_new(1, NULL, 0);

	say(s, "Z1", "smart_197_raw", 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_int_eq(sim_order(s, ORDER_OUTCOME, "", bad[i].body),
			bad[i].rc);
	ck_assert_int_eq(sim_order(s, ORDER_OUTCOME, "",
		"{\"host\":\"sto1\",\"outcome\":\"failed\"}"), 0);
	ck_assert_uint_eq(sim_events(s, "outcome.note"), 1);
	sim_free(s);
}
END_TEST

/* ---- what condemns a drive, and what does not ---- */

START_TEST(p1_vendor_raws_fail_nobody_and_reach_no_plan)
{
	static const double raws[] = { 4295032833.0, 4295032841.0,
		94490722326.0 };
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	struct snapshot *snap;

	for (int day = 0; day < 4; day++) {
		sim_run_until(s, day * DAY);
		for (size_t i = 0; i < ARRAY_LEN(raws); i++) {
			struct metric m[] = {
				{ "smart_188_raw", "", TOCSIN_F64,
					{ raws[i] + day * 4295032833.0 } },
				{ "smart_197_raw", "", TOCSIN_F64, { 0 } },
				{ "smart_1_raw", "", TOCSIN_F64,
					{ 167226072.0 * (day + 1) } },
			};
			char serial[8];
			struct observation ob = of_drive(serial, m,
				ARRAY_LEN(m));

			snprintf(serial, sizeof(serial), "S%zu", i);
			ob.device.model = "ST4000DM000-1F2168";
			ck_assert_int_eq(sim_batch(s, "sto1", &ob, true),
				BATCH_TAKEN);
		}
	}
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snap->n_plans, 0);
	ck_assert_uint_eq(snapshot_host(snap, "sto1")->rare->n_devices, 3);
	snapshot_put(snap);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(p1_wear_is_told_and_moves_nobody_but_a_spent_spare_does)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	struct snapshot *snap;
	struct metric m[] = {
		{ "wear_ratio", "", TOCSIN_F64, { 1.04 } },
		{ "spare_ratio", "", TOCSIN_F64, { 1.0 } },
		{ "media_errors", "", TOCSIN_F64, { 0 } },
		{ "critical_warning", "", TOCSIN_F64, { 4 } },
		{ "smart_passed", "", TOCSIN_F64, { 0 } },
	};
	struct observation ob = of_drive("NVME", m, ARRAY_LEN(m));

	ck_assert_int_eq(sim_batch(s, "sto1", &ob, true), BATCH_TAKEN);
	sim_run_until(s, 60);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snap->n_plans, 0);
	ck_assert_ptr_nonnull(
		snapshot_host(snap, "sto1")->rare->devices[0].verdict);
	ck_assert_uint_eq(
		snapshot_host(snap, "sto1")->rare->devices[0].verdict->kinds,
		1u << VERDICT_WEAR);
	snapshot_put(snap);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_NONE);
	ck_assert_uint_eq(sim_alerts(s, "host_at_risk"), 0);
	m[3].v.f64 = 5;	/* the spare is below its threshold as well */
	m[1].v.f64 = 0.05;
	ob = of_drive("NVME", m, ARRAY_LEN(m));
	ck_assert_int_eq(sim_batch(s, "sto1", &ob, true), BATCH_TAKEN);
	ck_assert_int_eq(sim_level(s, "sto1"), LEVEL_IMMINENT);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(r033_a_predicted_host_has_its_plan_in_the_same_cycle)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(3, pack, 0);
	struct snapshot *snap;

	sim_run_until(s, 60);
	say(s, "Z1", "smart_197_raw", 0);
	sim_run_until(s, DAY);
	say(s, "Z1", "smart_197_raw", 400);
	snap = sim_snapshot(s);
	ck_assert_int_eq(snapshot_host(snap, "sto1")->level, LEVEL_IMMINENT);
	ck_assert_uint_eq(snap->n_plans, 1);
	ck_assert_str_eq(snap->plans[0].host, "sto1");
	ck_assert(snap->plans[0].predicted);
	snapshot_put(snap);
	sim_free(s);
	pack_free(pack);
}
END_TEST

START_TEST(r032_a_verdict_tells_when_or_that_nobody_knows)
{
	struct pack *pack = card_builtin();
	struct sim *s = sim_new(1, pack, 0);
	struct snapshot *snap;
	const struct snap_host *h;
	size_t known = 0;

	for (int i = 0; i < 6; i++) {
		char serial[8];

		snprintf(serial, sizeof(serial), "Z%d", i);
		say(s, serial, "smart_197_raw", 0);
	}
	sim_run_until(s, DAY);
	for (int i = 0; i < 6; i++) {
		char serial[8];

		snprintf(serial, sizeof(serial), "Z%d", i);
		say(s, serial, "smart_197_raw", 2 << (2 * i));
	}
	say(s, "BAD", "critical_warning", 8);
	snap = sim_snapshot(s);
	h = snapshot_host(snap, "sto1");
	for (size_t i = 0; i < h->rare->n_devices; i++) {
		const struct verdict *v = h->rare->devices[i].verdict;

		ck_assert_ptr_nonnull(v);
		known += v->lead_known;
		if (v->lead_known) {
			ck_assert_int_ge(v->lead_from_days, 0);
			ck_assert_int_le(v->lead_from_days, v->lead_to_days);
		}
	}
	ck_assert_uint_ge(known, 1);
	snapshot_put(snap);
	sim_free(s);
	pack_free(pack);
}
END_TEST

int
main(void)
{
	return STORIES("outcomes",
		p2_87_for_a_year_is_accepted_and_88_alerts_within_one_cycle,
		p2_delta_is_a_leeway_and_a_fall_is_a_move,
		p2_an_acceptance_expires_without_any_data,
		p2_without_a_metric_all_that_speaks_against_it_is_accepted,
		p2_an_acceptance_names_a_reason_an_end_and_what_is_there,
		p11_baselines_of_drive_states_survive_a_restart,
		p6_a_drive_asleep_for_30_days_stays_asleep,
		r039_a_serial_that_vanishes_while_another_comes_was_replaced,
		r039_silence_of_all_and_new_disks_are_no_replacement,
		r039_an_outcome_closes_the_prediction_and_may_take_the_device_out,
		r039_the_devices_of_a_retired_host_retire_with_it,
		r039_an_outcome_names_one_thing_and_a_time_that_was,
		p1_vendor_raws_fail_nobody_and_reach_no_plan,
		p1_wear_is_told_and_moves_nobody_but_a_spent_spare_does,
		r033_a_predicted_host_has_its_plan_in_the_same_cycle,
		r032_a_verdict_tells_when_or_that_nobody_knows);
}
