/*
 * Maintenance in virtual time: whom a window covers, what comes again, what
 * overruns, what is told before, what a provider announces.
 */
#include <stdio.h>
#include <string.h>

#include "plan/window.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

/* As t/sim/sim.c begins: 2026-01-01T00:00:00Z, a Thursday. */
#define BEGIN_MS INT64_C(1767225600000)

#define SPAN(a, b) "\"from\":\"2026-01-01T" a "Z\",\"to\":\"2026-01-01T" b "Z\""

static void
make(struct sim *s, const char *body)
{
	ck_assert_msg(sim_order(s, ORDER_WINDOW_CREATE, "", body) == 0, "%s\n%s",
		body, sim_said(s));
}

static void
tag(struct sim *s, const char *host, const char *app)
{
	char body[128];

	snprintf(body, sizeof(body), "{\"tags\":{\"app\":\"%s\"}}", app);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PATCH, host, body), 0);
}

static size_t
n_windows(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	size_t n = snap->n_windows;

	snapshot_put(snap);
	return n;
}

/* When the only window begins next, in seconds after the begin. */
static double
begins(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	double at;

	ck_assert_uint_eq(snap->n_windows, 1);
	at = (double)(snap->windows[0].w->from.ms - BEGIN_MS) / 1000;
	snapshot_put(snap);
	return at;
}

START_TEST(r100_a_partitions_window_covers_all_of_it_and_a_hosts_one)
{
	struct sim *s = sim_new(4, NULL, 1);

	sim_run_until(s, 60);
	make(s, "{\"type\":\"instance-reboot\",\"hosts\":[\"H1\"],"
		SPAN("00:01:30", "00:03:00") "}");
	make(s, "{\"type\":\"power\",\"partition\":\"rack1\","
		SPAN("00:05:00", "00:06:00") "}");
	sim_run_until(s, 100);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_MAINTENANCE);
	ck_assert_int_eq(sim_state(s, "h2"), STATE_HEALTHY);
	sim_run_until(s, 310);
	for (int i = 0; i < 4; i++) {
		char name[8];

		snprintf(name, sizeof(name), "h%d", i);
		ck_assert_int_eq(sim_state(s, name), STATE_MAINTENANCE);
	}
	sim_run_until(s, 430);
	ck_assert_int_eq(sim_state(s, "h2"), STATE_HEALTHY);
	ck_assert_uint_eq(n_windows(s), 0);
	ck_assert_uint_eq(sim_events(s, "maintenance.begun"), 2);
	ck_assert_uint_eq(sim_events(s, "maintenance.ended"), 2);
	sim_free(s);
}
END_TEST

static enum unit_state
unit_state(struct sim *s, const char *path)
{
	struct snapshot *snap = sim_snapshot(s);
	const char *host;
	const struct snap_unit *u = sim_unit(snap, path, &host);
	enum unit_state is;

	ck_assert_ptr_nonnull(u);
	is = u->state;
	snapshot_put(snap);
	return is;
}

START_TEST(r100_a_hosts_window_covers_its_vms_an_instances_just_one)
{
	static struct check_def ping = { .key = "ping", .probe = "ping",
		.rule = { .interval = { INT64_C(15000000000) },
			.timeout = { INT64_C(5000000000) }, .fail_after = 3,
			.clear_after = 2, .stale_after = 3 } };
	static const struct unit_rule rule = {
		.heartbeat = { INT64_C(15000000000) }, .late_after = 3,
		.clear_after = 2, .grace = { INT64_C(600000000000) },
		.never = { INT64_C(60000000000) },
		.lost = { INT64_C(600000000000) },
		.gone = { INT64_C(30000000000) }, .busy_ratio = 0.95 };
	struct unit_def vms[2] = {
		{ .is_vm = true, .name = "v1", .address = "v1",
			.parent = SIZE_MAX, .agent = AGENT_NONE, .rule = rule,
			.checks = &ping, .n_checks = 1, .own_checks = true },
		{ .is_vm = true, .name = "v2", .address = "v2",
			.parent = SIZE_MAX, .agent = AGENT_NONE, .rule = rule,
			.checks = &ping, .n_checks = 1, .own_checks = true } };
	struct sim *s = sim_new(3, NULL, 1);

	sim_units(s, "h1", vms, 2, AGENT_AUTO);
	sim_run_until(s, 60);
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "",
		"{\"vms\":[\"v9\"]," SPAN("00:02:00", "00:20:00") "}"),
		TC_EINVAL);
	make(s, "{\"type\":\"instance_reboot\",\"vms\":[\"v1\"],"
		SPAN("00:02:00", "00:20:00") "}");
	make(s, "{\"type\":\"host_reboot\",\"hosts\":[\"h1\"],"
		SPAN("01:00:00", "02:00:00") "}");
	sim_run_until(s, 130);
	ck_assert_int_eq(unit_state(s, "v1"), STATE_MAINTENANCE);
	ck_assert_int_eq(unit_state(s, "v2"), STATE_HEALTHY);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	sim_answer(s, "v1", "ping", TOCSIN_WHY_NO_REPLY);
	sim_restart(s);
	sim_run_until(s, 1250);
	ck_assert_uint_eq(sim_alert_facts(s), 0);
	sim_run_until(s, 1262);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"), 1);
	ck_assert_int_eq(unit_state(s, "v1"), STATE_UNHEALTHY);
	sim_answer(s, "v1", "ping", TOCSIN_WHY_NONE);
	sim_run_until(s, 1400);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"), 0);
	/* the host reboots, and all on it with it */
	sim_run_until(s, 3610);
	ck_assert_int_eq(unit_state(s, "v1"), STATE_MAINTENANCE);
	ck_assert_int_eq(unit_state(s, "v2"), STATE_MAINTENANCE);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_MAINTENANCE);
	sim_free(s);
}
END_TEST

START_TEST(r102_an_overrun_is_told_exactly_once)
{
	struct sim *s = sim_new(10, NULL, 1);

	sim_run_until(s, 60);
	make(s, "{\"hosts\":[\"h3\",\"h4\"],\"grace\":\"30s\","
		SPAN("00:02:00", "00:05:00") "}");
	sim_run_until(s, 130);
	sim_set(s, "h3", "ping", TOCSIN_WHY_NO_REPLY);
	sim_set(s, "h4", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 250);
	sim_set(s, "h4", "ping", TOCSIN_WHY_NONE);
	sim_run_until(s, 329);
	ck_assert_uint_eq(sim_alert_facts(s), 0);
	sim_run_until(s, 332);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"), 1);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 1);
	/* neither time nor restarts tell it again, and its end is one */
	sim_restart(s);
	sim_run_until(s, 900);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"), 1);
	ck_assert_uint_eq(sim_alert_facts(s), 2);
	sim_set(s, "h3", "ping", TOCSIN_WHY_NONE);
	sim_run_until(s, 960);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"), 0);
	ck_assert_uint_eq(sim_alert_facts(s), 4);
	sim_free(s);
}
END_TEST

START_TEST(r101_what_happens_in_a_window_is_marked)
{
	struct sim *s = sim_new(3, NULL, 1);

	sim_run_until(s, 60);
	make(s, "{\"hosts\":[\"h1\"]," SPAN("00:02:00", "00:10:00") "}");
	sim_run_until(s, 130);
	sim_set(s, "h1", "ping", TOCSIN_WHY_NO_REPLY);
	sim_set(s, "h2", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 300);
	/* of both hosts: suspect and convicted, the check and the host */
	ck_assert_uint_eq(sim_events_marked(s), 4);
	ck_assert_uint_gt(sim_history_rows(s), 10);
	sim_set(s, "h1", "ping", TOCSIN_WHY_NONE);
	sim_run_until(s, 400);
	ck_assert_uint_gt(sim_events_marked(s), 4);
	sim_free(s);
}
END_TEST

START_TEST(r064_planning_may_be_switched_off)
{
	static const char turn[] = "{\"function\":\"maintenance_edit\","
		"\"partition\":\"rack1\",\"on\":%s,\"reason\":\"freeze\"}";
	static const char body[] = "{\"hosts\":[\"h1\"],"
		SPAN("00:02:00", "00:10:00") "}";
	struct sim *s = sim_new(3, NULL, 1);
	char text[160];

	sim_run_until(s, 60);
	make(s, body);
	snprintf(text, sizeof(text), turn, "false");
	ck_assert_int_eq(sim_order(s, ORDER_SWITCH, "", text), 0);
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "", body),
		TC_EPERM);
	ck_assert_ptr_nonnull(strstr(sim_said(s), "switched_off"));
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_DELETE, "1", ""), TC_EPERM);
	sim_restart(s);
	sim_run_until(s, 70);
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "", body),
		TC_EPERM);
	snprintf(text, sizeof(text), turn, "true");
	ck_assert_int_eq(sim_order(s, ORDER_SWITCH, "", text), 0);
	make(s, body);
	ck_assert_uint_eq(n_windows(s), 2);
	sim_free(s);
}
END_TEST

/* ---- what it was before a window, and what it is when that is over ---- */

enum was { WELL, SERVICE_DOWN, DOWN, STALE, WAS_ };

static const char *const was_words[] = { "well", "service down", "down",
	"stale" };

static void
make_it(struct sim *s, enum was is)
{
	struct observation beat = { .probe = "memory", .outcome = TOCSIN_OK,
		.text = "", .device = { "", "", "", "" } };

	sim_set(s, "h1", "ping", is == DOWN ? TOCSIN_WHY_NO_REPLY :
		TOCSIN_WHY_NONE);
	sim_set(s, "h1", "tcp", is == DOWN ? TOCSIN_WHY_CONNECT_TIMEOUT :
		is == SERVICE_DOWN ? TOCSIN_WHY_CONNECT_REFUSED :
		TOCSIN_WHY_NONE);
	for (double until = sim_now(s) + 120; sim_now(s) < until;) {
		if (is != STALE)
			sim_batch(s, "h1", &beat, false);
		sim_run_until(s, sim_now(s) + 10);
	}
}

static const char *
wanted(enum was is)
{
	static const char *const kinds[] = { "", "role_unhealthy",
		"host_unhealthy", "host_stale" };

	return kinds[is];
}

/* Those of h1 that fire, in the order of the table; "+overrun" last. */
static void
told(struct sim *s, char out[120])
{
	out[0] = '\0';
	for (int is = SERVICE_DOWN; is < WAS_; is++)
		if (sim_alerts(s, wanted((enum was)is)) > 0) {
			ck_assert_uint_eq(sim_alerts(s, wanted((enum was)is)),
				1);
			strcat(out, wanted((enum was)is)); /* lint: three short words */
			strcat(out, " ");	/* lint: fits */
		}
	if (sim_alerts(s, "maintenance_overrun") > 0)
		strcat(out, "+overrun");	/* lint: fits */
}

START_TEST(p12_r101_before_and_after_a_window_each_has_its_message)
{
	/* Nobody is told of what began in the window until it is over. */
	static const char *const after[WAS_][WAS_] = {
		[WELL] = { "", "role_unhealthy +overrun",
			"host_unhealthy +overrun", "host_stale +overrun" },
		[SERVICE_DOWN] = { "", "role_unhealthy +overrun",
			"role_unhealthy host_unhealthy +overrun",
			"host_stale +overrun" },
		[DOWN] = { "", "role_unhealthy +overrun",
			"host_unhealthy +overrun", "host_stale +overrun" },
		[STALE] = { "", "role_unhealthy +overrun",
			"host_unhealthy +overrun", "host_stale +overrun" },
	};

	for (int before = 0; before < WAS_; before++)
		for (int at_end = 0; at_end < WAS_; at_end++) {
			struct sim *s = sim_new(6, NULL, 1);
			char is[120];
			size_t facts;

			make_it(s, WELL);
			make_it(s, (enum was)before);
			told(s, is);
			ck_assert_int_eq(strncmp(is, wanted((enum was)before),
				strlen(wanted((enum was)before))), 0);
			make(s, "{\"hosts\":[\"h1\"],\"grace\":\"30s\","
				SPAN("00:04:00", "00:09:00") "}");
			facts = sim_alert_facts(s);
			make_it(s, (enum was)before);
			/* the window ends nothing and begins nothing */
			ck_assert_uint_eq(sim_alert_facts(s), facts);
			make_it(s, (enum was)at_end);
			ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"),
				0);
			make_it(s, (enum was)at_end);
			told(s, is);
			ck_assert_msg(strcmp(is, after[before][at_end]) == 0,
				"%s before, %s at its end: %s",
				was_words[before], was_words[at_end], is);
			sim_free(s);
		}
}
END_TEST

/* Of who was down before it the overrun says so. */
START_TEST(p12_an_overrun_tells_what_was_so_before)
{
	for (int before = 0; before < 2; before++) {
		struct sim *s = sim_new(6, NULL, 1);
		struct snapshot *snap;
		size_t seen = 0;

		make_it(s, before == 0 ? WELL : DOWN);
		make(s, "{\"hosts\":[\"h1\"],\"grace\":\"30s\","
			SPAN("00:02:30", "00:05:00") "}");
		sim_run_until(s, 160);
		make_it(s, DOWN);
		sim_run_until(s, 340);
		snap = sim_snapshot(s);
		for (size_t i = 0; i < snap->n_alerts; i++) {
			const struct alert *a = &snap->alerts[i];

			if (strcmp(a->kind, "maintenance_overrun") != 0)
				continue;
			seen++;
			ck_assert_msg(strstr(a->body, before == 0 ?
				"\"before\":\"well\"" :
				"\"before\":\"unhealthy\"") != NULL, "%s",
				a->body);
			ck_assert((strstr(a->summary, "before it: unhealthy")
				!= NULL) == before);
		}
		ck_assert_uint_eq(seen, 1);
		snapshot_put(snap);
		sim_free(s);
	}
}
END_TEST

START_TEST(r102_one_window_more_is_no_overrun)
{
	struct sim *s = sim_new(3, NULL, 1);

	sim_run_until(s, 60);
	make(s, "{\"hosts\":[\"h1\"]," SPAN("00:02:00", "00:05:00") "}");
	make(s, "{\"partition\":\"rack1\"," SPAN("00:04:00", "00:20:00") "}");
	sim_run_until(s, 130);
	sim_set(s, "h1", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 900);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_MAINTENANCE);
	ck_assert_uint_eq(sim_alert_facts(s), 0);
	sim_run_until(s, 1262);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_overrun"), 1);
	sim_free(s);
}
END_TEST

START_TEST(r108_ten_years_of_nights_are_one_row)
{
	struct sim *s = sim_new(3, NULL, 1);
	double day = 86400;

	sim_run_until(s, 60);
	make(s, "{\"type\":\"host_reboot\",\"hosts\":[\"h1\"],\"repeat\":"
		"{\"every\":\"day\",\"at\":\"00:05\",\"for\":\"2m\","
		"\"until\":\"2036-01-01T00:00:00Z\"}}");
	ck_assert_double_eq(begins(s), 300);
	sim_run_until(s, 310);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_MAINTENANCE);
	sim_run_until(s, 490);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_double_eq(begins(s), 300 + day);
	/* years pass at once; it goes on from there, before and after a restart */
	sim_step_wall(s, INT64_C(5) * 365 * 86400000);
	sim_run_until(s, 495);
	ck_assert_double_eq(begins(s), 300 + (5 * 365 + 1) * day);
	sim_restart(s);
	sim_run_until(s, 500);
	ck_assert_double_eq(begins(s), 300 + (5 * 365 + 1) * day);
	ck_assert_uint_eq(sim_windows_stored(s), 1);
	sim_step_wall(s, INT64_C(6) * 365 * 86400000);
	sim_run_until(s, 505);
	ck_assert_uint_eq(n_windows(s), 0);
	ck_assert_uint_eq(sim_windows_stored(s), 1);
	ck_assert_uint_eq(sim_alert_facts(s), 0);
	sim_free(s);
}
END_TEST

START_TEST(r108_local_nights_follow_the_clock_of_the_place)
{
	static const char night[] = "{\"hosts\":[\"h1\"],\"zone\":"
		"\"Europe/%s\",\"from\":\"%s\",\"repeat\":{\"every\":\"week\","
		"\"on\":[\"sun\"],\"at\":\"02:30\",\"for\":\"1h\"}}";
	struct sim *s = sim_new(3, NULL, 1);
	char body[300];

	sim_run_until(s, 60);
	snprintf(body, sizeof(body), night, "Atlantis", "2026-01-01T00:00:00Z");
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "", body),
		TC_EINVAL);
	snprintf(body, sizeof(body), night, "Vienna", "2026-03-23T00:00:00Z");
	make(s, body);
	/* 29 March has no 02:30 there: it is 03:30 CEST then */
	ck_assert_ptr_nonnull(strstr(sim_said(s),
		"\"from\":\"2026-03-29T01:30:00.000Z\""));
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "",
		"{\"hosts\":[\"h1\"],\"to\":\"2026-02-01T00:00:00Z\",\"repeat\":"
		"{\"every\":\"day\",\"at\":\"02:30\",\"for\":\"1h\"}}"),
		TC_EINVAL);
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "",
		"{\"hosts\":[\"h1\"],\"repeat\":{\"every\":\"day\",\"at\":"
		"\"02:30\",\"for\":\"1h\",\"until\":\"2025-01-01T00:00:00Z\"}}"),
		TC_ERANGE);
	/* there again before it is over: for ever */
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "",
		"{\"hosts\":[\"h1\"],\"repeat\":{\"every\":\"day\",\"at\":"
		"\"02:30\",\"for\":\"24h\"}}"), TC_EINVAL);
	ck_assert_ptr_nonnull(strstr(sim_said(s),
		"/repeat/for: it comes again after 1d and would never end"));
	sim_free(s);
}
END_TEST

START_TEST(r107_two_windows_leave_one_replica)
{
	struct sim *s = sim_new(6, NULL, 1);

	sim_run_until(s, 60);
	tag(s, "h1", "shop");
	tag(s, "h2", "shop");
	tag(s, "h3", "shop");
	tag(s, "h4", "lonely");
	make(s, "{\"hosts\":[\"h1\",\"h4\"],\"reason\":\"disks\","
		SPAN("01:00:00", "02:00:00") "}");
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "",
		"{\"hosts\":[\"h2\",\"h3\",\"h4\"],"
		SPAN("01:59:00", "03:00:00") "}"), TC_EEXIST);
	ck_assert_ptr_nonnull(strstr(sim_said(s), "no_replica_left: window 1"));
	ck_assert_ptr_nonnull(strstr(sim_said(s), "'shop': h1, h2, h3"));
	ck_assert_uint_eq(n_windows(s), 1);
	/* one is left; or another time; or it is accepted */
	make(s, "{\"hosts\":[\"h2\"]," SPAN("01:59:00", "03:00:00") "}");
	make(s, "{\"hosts\":[\"h2\",\"h3\"]," SPAN("03:00:00", "04:00:00") "}");
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_CREATE, "",
		"{\"hosts\":[\"h2\",\"h3\"],\"repeat\":{\"every\":\"day\","
		"\"at\":\"01:30\",\"for\":\"1h\"}}"), TC_EEXIST);
	make(s, "{\"hosts\":[\"h2\",\"h3\"],\"accept_conflict\":true,"
		SPAN("01:30:00", "02:00:00") "}");
	ck_assert_uint_eq(n_windows(s), 4);
	sim_free(s);
}
END_TEST

START_TEST(r104_a_notice_comes_in_time_and_is_taken_back)
{
	struct sim *s = sim_new(3, NULL, 1);
	struct snapshot *snap;

	sim_run_until(s, 60);
	make(s, "{\"hosts\":[\"h1\"],\"notice\":\"10m\",\"reason\":\"kernel\","
		SPAN("00:15:00", "00:20:00") "}");
	make(s, "{\"hosts\":[\"h2\"],\"notice\":\"1d\","
		SPAN("01:00:00", "02:00:00") "}");
	/* without a begin it is now */
	make(s, "{\"hosts\":[\"h0\"],\"to\":\"2026-01-01T00:01:10Z\","
		"\"grace\":\"1s\"}");
	ck_assert_ptr_nonnull(strstr(sim_said(s),
		"\"from\":\"2026-01-01T00:01:00.000Z\""));
	sim_run_until(s, 299);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_notice"), 1);
	sim_run_until(s, 302);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_notice"), 2);
	snap = sim_snapshot(s);
	ck_assert_int_eq(snap->alerts[0].severity, SEVERITY_INFO);
	ck_assert_ptr_nonnull(strstr(snap->alerts[0].body,
		"What you must do: nothing"));
	snapshot_put(snap);
	sim_restart(s);
	sim_run_until(s, 600);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_notice"), 2);
	ck_assert_uint_eq(sim_alert_facts(s), 2);
	/* called off: that is told too */
	ck_assert_int_eq(sim_order(s, ORDER_WINDOW_DELETE, "2", ""), 0);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_notice"), 1);
	ck_assert_uint_eq(sim_alert_facts(s), 3);
	sim_run_until(s, 1300);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_notice"), 0);
	sim_free(s);
}
END_TEST

#define EVENTS(list) "{\"provider\":\"aws\",\"events\":[" list "]}"

static void
imports(struct sim *s, const char *body, const char *counts)
{
	ck_assert_msg(sim_order(s, ORDER_WINDOW_IMPORT, "", body) == 0, "%s",
		sim_said(s));
	ck_assert_msg(strncmp(sim_said(s), counts, strlen(counts)) == 0,
		"want %s\n got %s", counts, sim_said(s));
}

START_TEST(r105_a_providers_list_may_come_twice)
{
	static const char two[] = EVENTS(
		"{\"id\":\"e1\",\"type\":\"system-reboot\",\"hosts\":[\"h1\"],"
		SPAN("01:00:00", "02:00:00") ",\"state\":\"scheduled\"},"
		"{\"id\":\"e2\",\"type\":\"network\",\"hosts\":[\"i-0abc\","
		"\"i-9\"],\"from\":\"2026-01-01T03:00:00Z\"},"
		"{\"id\":\"e3\",\"hosts\":[\"i-9\"]," SPAN("01:00:00",
		"02:00:00") "},"
		"{\"id\":\"e4\",\"hosts\":[\"h1\"],"
		"\"from\":\"2025-01-01T03:00:00Z\"}");
	static const char moved[] = EVENTS("{\"id\":\"e1\",\"type\":"
		"\"system-reboot\",\"hosts\":[\"h1\"]," SPAN("02:00:00",
		"03:00:00") "},{\"id\":\"e2\",\"state\":\"canceled\"}");
	struct sim *s = sim_new(4, NULL, 1);

	sim_run_until(s, 60);
	ck_assert_int_eq(sim_order(s, ORDER_HOST_PATCH, "h2",
		"{\"tags\":{\"instance_id\":\"i-0abc\"}}"), 0);
	imports(s, two, "\"created\":2,\"updated\":0,\"unchanged\":0,"
		"\"removed\":0,\"skipped\":2");
	ck_assert_ptr_nonnull(strstr(sim_said(s), "\"not known: i-9\""));
	imports(s, two, "\"created\":0,\"updated\":0,\"unchanged\":2,"
		"\"removed\":0,\"skipped\":2");
	ck_assert_uint_eq(n_windows(s), 2);
	imports(s, moved, "\"created\":0,\"updated\":1,\"unchanged\":0,"
		"\"removed\":1,\"skipped\":0");
	ck_assert_double_eq(begins(s), 7200);
	sim_restart(s);
	sim_run_until(s, 70);
	imports(s, moved, "\"created\":0,\"updated\":0,\"unchanged\":1,"
		"\"removed\":0,\"skipped\":1");
	ck_assert_uint_eq(sim_events(s, "maintenance.import"), 4);
	sim_free(s);
}
END_TEST

START_TEST(r105_a_broken_list_changes_nothing)
{
	static const char *const bad[] = { "", "[]", "{}", "{\"provider\":\"\"}",
		EVENTS("{}"), EVENTS("{\"id\":\"\"}"), EVENTS("{\"id\":\"e\"}"),
		EVENTS("{\"id\":\"e\",\"hosts\":\"h1\"}"),
		EVENTS("{\"id\":\"e\",\"hosts\":[\"h1\"],"
			SPAN("02:00:00", "01:00:00") "}"),
		EVENTS("{\"id\":\"e1\",\"hosts\":[\"h1\"],"
			SPAN("01:00:00", "02:00:00") "},{\"id\":\"e\","
			"\"type\":\"flood\"}"),
		EVENTS("{\"id\":\"e\",\"repeat\":{}}"),
		EVENTS("{\"id\":\"e\",\"state\":\"maybe\"}"),
	};
	struct sim *s = sim_new(2, NULL, 1);

	sim_run_until(s, 10);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(sim_order(s, ORDER_WINDOW_IMPORT, "", bad[i]) ==
			TC_EINVAL, "%s", bad[i]);
	ck_assert_uint_eq(n_windows(s), 0);
	sim_free(s);
}
END_TEST

START_TEST(r107_what_a_provider_will_do_is_told_not_refused)
{
	struct sim *s = sim_new(4, NULL, 1);

	sim_run_until(s, 60);
	tag(s, "h1", "shop");
	tag(s, "h2", "shop");
	imports(s, EVENTS("{\"id\":\"e1\",\"hosts\":[\"h1\"],"
		SPAN("00:10:00", "00:20:00") "},"
		"{\"id\":\"e2\",\"hosts\":[\"h2\"],"
		SPAN("00:10:00", "00:20:00") "}"), "\"created\":2");
	ck_assert_ptr_nonnull(strstr(sim_said(s), "leave nothing of 'shop'"));
	ck_assert_uint_eq(sim_alerts(s, "maintenance_conflict"), 1);
	sim_run_until(s, 1300);
	ck_assert_uint_eq(sim_alerts(s, "maintenance_conflict"), 0);
	sim_free(s);
}
END_TEST

int
main(void)
{
	return STORIES("windows",
		r100_a_partitions_window_covers_all_of_it_and_a_hosts_one,
		r100_a_hosts_window_covers_its_vms_an_instances_just_one,
		r102_an_overrun_is_told_exactly_once,
		r101_what_happens_in_a_window_is_marked,
		r064_planning_may_be_switched_off,
		p12_r101_before_and_after_a_window_each_has_its_message,
		p12_an_overrun_tells_what_was_so_before,
		r102_one_window_more_is_no_overrun,
		r108_ten_years_of_nights_are_one_row,
		r108_local_nights_follow_the_clock_of_the_place,
		r107_two_windows_leave_one_replica,
		r104_a_notice_comes_in_time_and_is_taken_back,
		r105_a_providers_list_may_come_twice,
		r105_a_broken_list_changes_nothing,
		r107_what_a_provider_will_do_is_told_not_refused);
}
