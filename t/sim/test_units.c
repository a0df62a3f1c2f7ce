/*
 * Roles and VMs in virtual time: the four layers, their two signals, the long
 * grace, silent agents, and what is recommended for each.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "t/lib/story.h"
#include "t/sim/sim.h"

static const struct check_rule every15 = {
	.interval = { INT64_C(15000000000) },
	.timeout = { INT64_C(5000000000) },
	.fail_after = 3, .clear_after = 2, .stale_after = 3,
};

static const struct unit_rule rule = {
	.heartbeat = { INT64_C(15000000000) }, .late_after = 3,
	.clear_after = 2, .grace = { INT64_C(600000000000) },
	.never = { INT64_C(60000000000) }, .lost = { INT64_C(600000000000) },
	.gone = { INT64_C(30000000000) }, .busy_ratio = 0.95,
};

static struct check_def ping = { .key = "ping", .probe = "ping" };
static struct check_def tcp = { .key = "tcp:22", .probe = "tcp" };
static struct check_def both[2];

static struct unit_def
vm_of(const char *name, enum unit_class cls, enum unit_agent agent)
{
	return (struct unit_def){ .is_vm = true, .name = name,
		.address = name, .parent = SIZE_MAX, .cls = cls,
		.agent = agent, .rule = rule };
}

static struct unit_def
role_of(const char *name, const char *address, size_t parent)
{
	tcp.rule = every15;
	return (struct unit_def){ .name = name, .address = address,
		.parent = parent, .cls = UNIT_STATELESS, .rule = rule,
		.checks = &tcp, .n_checks = 1, .own_checks = true };
}

static void
give_checks(struct unit_def *u)
{
	ping.rule = tcp.rule = every15;
	both[0] = ping;
	both[1] = tcp;
	u->checks = both;
	u->n_checks = 2;
}

/* ---- what is said of them ---- */

static void
say(struct sim *s, const char *host, struct observation ob)
{
	ob.device.kind = "";
	if (ob.text == NULL)
		ob.text = "";
	ck_assert_int_eq(sim_batch(s, host, &ob, true), BATCH_TAKEN);
}

/* The guest's own agent, a measurement each 15 s until `until`. */
static void
beat_until(struct sim *s, const char *vm, double until)
{
	while (sim_now(s) < until) {
		say(s, vm, (struct observation){ .probe = "memory" });
		sim_run_until(s, sim_now(s) + 15 < until ? sim_now(s) + 15 :
			until);
	}
}

static void
hypervisor_until(struct sim *s, const char *host, const char *vm,
	enum vm_run run, double until)
{
	while (sim_now(s) < until) {
		say(s, host, (struct observation){ .probe = "hypervisor",
			.vm = vm, .run = run });
		sim_run_until(s, sim_now(s) + 15 < until ? sim_now(s) + 15 :
			until);
	}
}

static enum tocsin_reason
reason_of(struct sim *s, const char *path)
{
	struct snapshot *snap = sim_snapshot(s);
	const char *host;
	enum tocsin_reason why = sim_unit(snap, path, &host)->reason;

	snapshot_put(snap);
	return why;
}

static enum plan_action
action_of(struct sim *s, const char *path)
{
	struct snapshot *snap = sim_snapshot(s);
	enum plan_action a = PLAN_NONE;

	for (size_t i = 0; i < snap->n_plans; i++)
		if (strcmp(snap->plans[i].unit, path) == 0)
			a = snap->plans[i].action;
	snapshot_put(snap);
	return a;
}

static size_t
plans(struct sim *s)
{
	struct snapshot *snap = sim_snapshot(s);
	size_t n = snap->n_plans;

	snapshot_put(snap);
	return n;
}

static size_t
count_lines(const char *log, const char *what)
{
	size_t n = 0;

	for (const char *p = log; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* ---- the layers ---- */

START_TEST(r001_one_partition_three_hosts_nine_vms_eighteen_roles)
{
	static struct unit_def units[3][9];
	static char names[9][8];
	struct sim *s = sim_new(3, NULL, 0);
	struct snapshot *snap;

	for (int h = 0; h < 3; h++) {
		char host[4];

		for (size_t v = 0; v < 3; v++) {
			char *name = names[h * 3 + (int)v];

			snprintf(name, 8, "v%d", h * 3 + (int)v);
			units[h][v * 3] = vm_of(name, UNIT_STATEFUL,
				AGENT_AUTO);
			units[h][v * 3 + 1] = role_of("web", name, v * 3);
			units[h][v * 3 + 2] = role_of("db", name, v * 3);
		}
		snprintf(host, sizeof(host), "h%d", h);
		sim_units(s, host, units[h], 9, AGENT_AUTO);
	}
	sim_run_until(s, 60);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snap->n_hosts, 3);
	ck_assert_uint_eq(snap->n_vms, 9);
	ck_assert_uint_eq(snap->n_roles, 18);
	ck_assert_uint_eq(snap->role_counts[STATE_HEALTHY], 18);
	for (size_t i = 0; i < 3; i++) {
		const struct snap_host *h = snap->chunks[0]->hosts[i];

		ck_assert_uint_eq(h->rare->n_units, 9);
		ck_assert_uint_eq(h->n_checks, 2);
		for (size_t k = 0; k < 9; k++) {
			const struct snap_unit *u = &h->rare->units[k];

			/* A VM, then its two roles. */
			ck_assert_int_eq(u->is_vm, k % 3 == 0);
			ck_assert_uint_eq(u->vm, k % 3 == 0 ? 0 :
				h->rare->units[k - k % 3].id);
			ck_assert_uint_eq(u->n_checks, u->is_vm ? 0 : 1);
		}
	}
	snapshot_put(snap);
	sim_free(s);
}
END_TEST

START_TEST(r006_only_the_role_fails_and_only_the_role_is_acted_on)
{
	struct unit_def units[2] = { vm_of("v1", UNIT_STATELESS, AGENT_AUTO),
		role_of("web", "v1", 0) };
	struct sim *s = sim_new(4, NULL, 0);

	sim_units(s, "h1", units, 2, AGENT_AUTO);
	sim_run_until(s, 100);
	sim_answer(s, "v1", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, 160);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(action_of(s, "v1/web"), PLAN_ROLE_OUT_OF_ROTATION);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_uint_eq(plans(s), 1);
	ck_assert_uint_eq(sim_alerts(s, "role_unhealthy"), 1);
	ck_assert_uint_eq(sim_alerts(s, "vm_unhealthy"), 0);
	sim_answer(s, "v1", "tcp", TOCSIN_WHY_NONE);
	sim_run_until(s, 220);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_HEALTHY);
	ck_assert_uint_eq(plans(s), 0);
	ck_assert_uint_eq(sim_alerts(s, "role_unhealthy"), 0);
	sim_free(s);
}
END_TEST

static unsigned
convicted_by(struct sim *s, const char *path)
{
	struct snapshot *snap = sim_snapshot(s);
	const char *host;
	unsigned by = sim_unit(snap, path, &host)->by;

	snapshot_put(snap);
	return by;
}

static void
inside_until(struct sim *s, const char *role, enum tocsin_outcome outcome,
	double until)
{
	while (sim_now(s) < until) {
		say(s, "h1", (struct observation){ .probe = "http",
			.role = role, .outcome = outcome,
			.reason = outcome == TOCSIN_OK ? TOCSIN_WHY_NONE :
				TOCSIN_WHY_BAD_RESPONSE });
		sim_run_until(s, sim_now(s) + 15 < until ? sim_now(s) + 15 :
			until);
	}
}

START_TEST(r007_which_of_two_signals_convicted_is_told)
{
	struct unit_def unit = role_of("web", "10.0.0.9", SIZE_MAX);
	struct sim *s = sim_new(3, NULL, 0);

	sim_units(s, "h1", &unit, 1, AGENT_AUTO);
	inside_until(s, "web", TOCSIN_OK, 60);
	ck_assert_int_eq(sim_health(s, "h1/web"), HEALTH_HEALTHY);
	sim_answer(s, "10.0.0.9", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	inside_until(s, "web", TOCSIN_OK, 120);
	ck_assert_int_eq(sim_health(s, "h1/web"), HEALTH_UNHEALTHY);
	ck_assert_uint_eq(convicted_by(s, "h1/web"), 1U << SIGNAL_OUTSIDE);
	inside_until(s, "web", TOCSIN_FAIL, 200);
	ck_assert_uint_eq(convicted_by(s, "h1/web"),
		1U << SIGNAL_OUTSIDE | 1U << SIGNAL_INSIDE);
	sim_answer(s, "10.0.0.9", "tcp", TOCSIN_WHY_NONE);
	inside_until(s, "web", TOCSIN_FAIL, 260);
	ck_assert_uint_eq(convicted_by(s, "h1/web"), 1U << SIGNAL_INSIDE);
	/* The inside falls silent: that heals nobody. */
	sim_run_until(s, 400);
	ck_assert_int_eq(sim_health(s, "h1/web"), HEALTH_UNHEALTHY);
	inside_until(s, "web", TOCSIN_OK, 460);
	ck_assert_int_eq(sim_health(s, "h1/web"), HEALTH_HEALTHY);
	sim_free(s);
}
END_TEST

START_TEST(r008_the_word_of_another_monitor_counts_as_a_signal)
{
	struct unit_def units[2] = { vm_of("v1", UNIT_STATELESS, AGENT_AUTO),
		role_of("web", "v1", 0) };
	struct sim *s = sim_new(3, NULL, 0);

	sim_units(s, "h1", units, 2, AGENT_AUTO);
	sim_run_until(s, 60);
	ck_assert_int_eq(sim_order(s, ORDER_SIGNAL, "", "{\"host\":\"h1\","
		"\"vm\":\"v1\",\"role\":\"web\",\"source\":\"haproxy\","
		"\"outcome\":\"fail\",\"text\":\"0 of 3 up\"}"), 0);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_UNHEALTHY);
	ck_assert_uint_eq(convicted_by(s, "v1/web"), 1U << SIGNAL_EXTERNAL);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_int_eq(sim_order(s, ORDER_SIGNAL, "", "{\"vm\":\"v1\","
		"\"role\":\"web\",\"source\":\"haproxy\",\"outcome\":\"ok\"}"),
		0);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_HEALTHY);
	ck_assert_int_lt(sim_order(s, ORDER_SIGNAL, "", "{\"host\":\"h1\","
		"\"role\":\"nope\",\"source\":\"x\",\"outcome\":\"ok\"}"), 0);
	sim_free(s);
}
END_TEST

/* ---- VMs ---- */

START_TEST(r010_nine_minutes_and_three_quarters_are_one_soft_record)
{
	struct unit_def vm = vm_of("v1", UNIT_STATELESS, AGENT_TOCSIN);
	struct sim *s = sim_new(3, NULL, 0);

	sim_units(s, "h1", &vm, 1, AGENT_AUTO);
	beat_until(s, "v1", 60);
	say(s, "v1", (struct observation){ .probe = "memory" });
	sim_run_until(s, 60 + 585);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_SUSPECT);
	ck_assert_uint_eq(plans(s), 0);
	beat_until(s, "v1", 800);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_HEALTHY);
	ck_assert_uint_eq(count_lines(sim_unit_log(s), "suspect "
		"connection_lost soft"), 1);
	ck_assert_uint_eq(count_lines(sim_unit_log(s), "hard"), 0);
	ck_assert_uint_eq(sim_alert_facts(s), 0);
	ck_assert_uint_eq(sim_events(s, "plan.state"), 0);
	/* Ten minutes are hard. */
	say(s, "v1", (struct observation){ .probe = "memory" });
	sim_run_until(s, 800 + 599);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_SUSPECT);
	sim_run_until(s, 800 + 601);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_UNHEALTHY);
	ck_assert_uint_eq(sim_alerts(s, "vm_unhealthy"), 1);
	sim_free(s);
}
END_TEST

START_TEST(r011_late_and_busy_is_overloaded_and_late_alone_is_suspect)
{
	struct unit_def vms[2] = { vm_of("v1", UNIT_STATEFUL, AGENT_TOCSIN),
		vm_of("v2", UNIT_STATEFUL, AGENT_TOCSIN) };
	struct metric cpu = { "cpu_busy_ratio", "", TOCSIN_F64, { 1.0 } };
	struct sim *s = sim_new(3, NULL, 0);

	sim_units(s, "h1", vms, 2, AGENT_AUTO);
	say(s, "v1", (struct observation){ .probe = "cpu", .metrics = &cpu,
		.n_metrics = 1 });
	say(s, "v2", (struct observation){ .probe = "memory" });
	sim_run_until(s, 46);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_OVERLOADED);
	ck_assert_int_eq(sim_health(s, "v2"), HEALTH_SUSPECT);
	sim_run_until(s, 590);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_OVERLOADED);
	ck_assert_uint_eq(plans(s), 0);
	sim_run_until(s, 601);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_UNHEALTHY);
	sim_free(s);
}
END_TEST

static bool
host_is_held(struct sim *s, const char *host, enum why_not why)
{
	struct snapshot *snap = sim_snapshot(s);
	bool held = false;

	for (size_t i = 0; i < snap->n_plans; i++)
		if (strcmp(snap->plans[i].host, host) == 0 &&
		    snap->plans[i].unit[0] == '\0')
			held = snap->plans[i].state == PLAN_STATE_HELD &&
				(snap->plans[i].why_not >> why & 1) != 0;
	snapshot_put(snap);
	return held;
}

/* "contagion v1", "" while the brake is open. */
static const char *
brake_cause(struct sim *s)
{
	static char text[96];
	struct snapshot *snap = sim_snapshot(s);
	const struct snap_brake *b = &snap->partitions[0].brake;

	ck_assert_uint_eq(snap->n_partitions, 1);
	snprintf(text, sizeof(text), "%s%s%s", b->cause,
		b->suspect[0] != '\0' ? " " : "", b->suspect);
	ck_assert(b->latched == (text[0] != '\0'));
	snapshot_put(snap);
	return text;
}

/* The VM goes from host to host, and each falls under it. */
START_TEST(r054_r061_a_vm_that_two_hosts_fell_under_stops_at_the_third)
{
	struct sim *s = sim_new(200, NULL, 1);
	char host[8];

	for (int i = 1; i <= 3; i++) {
		snprintf(host, sizeof(host), "h%d", i);
		hypervisor_until(s, host, "v1", VM_RUN_RUNNING,
			sim_now(s) + 60);
		sim_set(s, host, "ping", TOCSIN_WHY_NO_REPLY);
		sim_set(s, host, "tcp", TOCSIN_WHY_NO_REPLY);
		sim_run_until(s, sim_now(s) + 40);
		ck_assert_int_eq(sim_state(s, host), STATE_UNHEALTHY);
		/* two are no more than bad luck */
		ck_assert_int_eq(host_is_held(s, host, WHY_NOT_CONTAGION), i == 3);
		ck_assert_int_eq(host_is_held(s, host, WHY_NOT_NEEDS_HUMAN),
			i == 3);
		/* three of 200 are not too many: it is where the VM was */
		ck_assert_str_eq(brake_cause(s), i == 3 ? "contagion v1" : "");
	}
	ck_assert_uint_eq(sim_alerts(s, "brake_latched"), 1);
	ck_assert(host_is_held(s, "h1", WHY_NOT_BRAKE));
	sim_restart(s);
	sim_run_until(s, sim_now(s) + 20);
	ck_assert(host_is_held(s, "h3", WHY_NOT_CONTAGION));
	ck_assert(!host_is_held(s, "h1", WHY_NOT_CONTAGION));
	ck_assert_str_eq(brake_cause(s), "contagion v1");
	/* a person opens it; the same three do not close it again */
	ck_assert_int_eq(sim_order(s, ORDER_BRAKE_RELEASE, "rack1",
		"{\"reason\":\"v1 is stopped\"}"), 0);
	sim_run_until(s, sim_now(s) + 60);
	sim_restart(s);
	sim_run_until(s, sim_now(s) + 60);
	ck_assert_str_eq(brake_cause(s), "");
	ck_assert_uint_eq(sim_events(s, "brake.latched"), 1);
	ck_assert(host_is_held(s, "h3", WHY_NOT_CONTAGION));
	/* it stands again with the same load: it was not the load */
	sim_set(s, "h3", "ping", TOCSIN_WHY_NONE);
	sim_set(s, "h3", "tcp", TOCSIN_WHY_NONE);
	sim_run_until(s, sim_now(s) + 60);
	sim_set(s, "h3", "ping", TOCSIN_WHY_NO_REPLY);
	sim_set(s, "h3", "tcp", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, sim_now(s) + 60);
	ck_assert_int_eq(sim_state(s, "h3"), STATE_UNHEALTHY);
	ck_assert(!host_is_held(s, "h3", WHY_NOT_CONTAGION));
	ck_assert_uint_eq(sim_events(s, "brake.latched"), 1);
	sim_free(s);
}
END_TEST

static void
come_and_go(struct sim *s, int times)
{
	for (int i = 0; i < times; i++) {
		sim_answer(s, "v1", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
		sim_run_until(s, sim_now(s) + 60);
		sim_answer(s, "v1", "tcp", TOCSIN_WHY_NONE);
		sim_run_until(s, sim_now(s) + 60);
	}
}

static uint64_t
alert_id(struct sim *s, const char *kind)
{
	struct snapshot *snap = sim_snapshot(s);
	uint64_t id = 0;

	for (size_t i = 0; i < snap->n_alerts; i++)
		if (strcmp(snap->alerts[i].kind, kind) == 0)
			id = snap->alerts[i].id;
	snapshot_put(snap);
	return id;
}

/* As for hosts: told once, whatever it does meanwhile; then what it is. */
START_TEST(p9_a_role_that_comes_and_goes_is_flapping_and_told_once)
{
	struct unit_def units[2] = { vm_of("v1", UNIT_STATELESS, AGENT_NONE),
		role_of("web", "v1", 0) };
	struct sim *s = sim_new(10, NULL, 0);
	struct snapshot *snap;
	const char *host;
	size_t facts;
	char id[24];

	tcp.rule = sim_flappy;
	sim_units(s, "h1", units, 2, AGENT_AUTO);
	sim_run_until(s, 60);
	come_and_go(s, 2);
	ck_assert_uint_eq(sim_alerts(s, "role_flapping"), 0);
	come_and_go(s, 1);
	ck_assert_uint_eq(sim_alerts(s, "role_flapping"), 1);
	ck_assert_uint_eq(sim_events(s, "role.flapping"), 1);
	snap = sim_snapshot(s);
	ck_assert_int_eq(sim_unit(snap, "v1/web", &host)->state,
		STATE_FLAPPING);
	snapshot_put(snap);
	/* somebody looks after it, and nothing more is told */
	snprintf(id, sizeof(id), "%llu", (unsigned long long)alert_id(s,
		"role_flapping"));
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_ACK, id,
		"{\"for\":\"4h\"}"), 0);
	facts = sim_alert_facts(s);
	come_and_go(s, 5);
	sim_restart(s);
	come_and_go(s, 5);
	ck_assert_uint_eq(sim_alert_facts(s), facts);
	ck_assert_uint_eq(sim_events(s, "role.flapping"), 1);
	/* it stays down: that is told in its place */
	sim_answer(s, "v1", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	sim_run_until(s, sim_now(s) + 400);
	ck_assert_uint_eq(sim_alerts(s, "role_flapping"), 0);
	ck_assert_uint_eq(sim_alerts(s, "role_unhealthy"), 1);
	ck_assert_uint_eq(sim_events(s, "role.flapping"), 2);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)alert_id(s,
		"role_unhealthy"));
	ck_assert_int_eq(sim_order(s, ORDER_ALERT_ACK, id, ""), 0);
	sim_answer(s, "v1", "tcp", TOCSIN_WHY_NONE);
	sim_run_until(s, sim_now(s) + 60);
	ck_assert_uint_eq(sim_alerts(s, "all"), 0);
	sim_free(s);
}
END_TEST

static void
say_backup(struct sim *s, double newest, double oldest)
{
	struct metric ages[2] = {
		{ "backup_age_seconds", "set=\"a\"", TOCSIN_F64, { newest } },
		{ "backup_age_seconds", "set=\"b\"", TOCSIN_F64, { oldest } },
	};

	say(s, "h1", (struct observation){ .probe = "backup", .metrics = ages,
		.n_metrics = 2 });
}

static bool
is_held(struct sim *s, const char *path, enum why_not why)
{
	struct snapshot *snap = sim_snapshot(s);
	bool held = false;

	for (size_t i = 0; i < snap->n_plans; i++)
		if (strcmp(snap->plans[i].unit, path) == 0)
			held = snap->plans[i].state == PLAN_STATE_HELD &&
				(snap->plans[i].why_not >> why & 1) != 0;
	snapshot_put(snap);
	return held;
}

START_TEST(r078_what_would_destroy_waits_for_a_good_copy)
{
	struct unit_def vms[2] = { vm_of("v1", UNIT_STATELESS, AGENT_TOCSIN),
		vm_of("v2", UNIT_STATEFUL, AGENT_TOCSIN) };
	struct sim *s = sim_new(3, NULL, 0);

	sim_backup_policy(s, 86400);
	sim_units(s, "h1", vms, 2, AGENT_AUTO);
	say(s, "v1", (struct observation){ .probe = "memory" });
	say(s, "v2", (struct observation){ .probe = "memory" });
	say_backup(s, 3600, 3 * 86400);
	ck_assert_uint_eq(sim_alerts(s, "host_backup_old"), 1);
	sim_run_until(s, 602);
	ck_assert_int_eq(action_of(s, "v1"), PLAN_VM_RESTART_FRESH);
	ck_assert(is_held(s, "v1", WHY_NOT_BACKUP_OLD));
	/* What keeps its disk loses nothing. */
	ck_assert_int_eq(action_of(s, "v2"), PLAN_VM_RESTART_KEEP);
	ck_assert(!is_held(s, "v2", WHY_NOT_BACKUP_OLD));
	/* Neither a restart nor silence makes the copy any younger. */
	sim_restart(s);
	sim_run_until(s, 700);
	ck_assert_uint_eq(sim_alerts(s, "host_backup_old"), 1);
	ck_assert(is_held(s, "v1", WHY_NOT_BACKUP_OLD));
	say_backup(s, 3600, 7200);
	sim_run_until(s, 720);
	ck_assert_uint_eq(sim_alerts(s, "host_backup_old"), 0);
	ck_assert(!is_held(s, "v1", WHY_NOT_BACKUP_OLD));
	sim_free(s);
}
END_TEST

START_TEST(r012_stateless_starts_fresh_and_stateful_keeps_its_disk)
{
	struct unit_def vms[3] = { vm_of("v1", UNIT_STATELESS, AGENT_TOCSIN),
		vm_of("v2", UNIT_STATEFUL, AGENT_TOCSIN),
		vm_of("v3", UNIT_STATELESS, AGENT_TOCSIN) };
	struct unit_def units[4] = { vms[0], vms[1], vms[2],
		role_of("db", "10.9.9.9", 2) };
	struct sim *s = sim_new(3, NULL, 0);

	units[3].cls = UNIT_STATEFUL;
	sim_units(s, "h1", units, 4, AGENT_AUTO);
	for (int i = 0; i < 3; i++)
		say(s, units[i].name, (struct observation){
			.probe = "memory" });
	sim_run_until(s, 602);
	ck_assert_int_eq(action_of(s, "v1"), PLAN_VM_RESTART_FRESH);
	ck_assert_int_eq(action_of(s, "v2"), PLAN_VM_RESTART_KEEP);
	/* A stateful role in a stateless VM: its disk is not thrown away. */
	ck_assert_int_eq(action_of(s, "v3"), PLAN_VM_RESTART_KEEP);
	sim_free(s);
}
END_TEST

START_TEST(r013_without_agent_the_hypervisor_speaks_and_nobody_is_missed)
{
	struct unit_def vm = vm_of("v1", UNIT_STATEFUL, AGENT_NONE);
	struct sim *s = sim_new(3, NULL, 0);

	sim_units(s, "h1", &vm, 1, AGENT_AUTO);
	sim_run_until(s, 2000);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_UNKNOWN);
	ck_assert_uint_eq(sim_alert_facts(s), 0);
	hypervisor_until(s, "h1", "v1", VM_RUN_RUNNING, 2100);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_HEALTHY);
	hypervisor_until(s, "h1", "v1", VM_RUN_PAUSED, 2115);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_UNHEALTHY);
	ck_assert_int_eq(reason_of(s, "v1"), TOCSIN_WHY_VM_PAUSED);
	ck_assert_uint_eq(sim_alerts(s, "vm_unhealthy"), 1);
	hypervisor_until(s, "h1", "v1", VM_RUN_RUNNING, 2130);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_HEALTHY);
	ck_assert_uint_eq(sim_alerts(s, "vm_unhealthy"), 0);
	hypervisor_until(s, "h1", "v1", VM_RUN_CRASHED, 2160);
	ck_assert_int_eq(reason_of(s, "v1"), TOCSIN_WHY_VM_CRASHED);
	hypervisor_until(s, "h1", "v1", VM_RUN_RUNNING, 2190);
	/* Silence of the hypervisor is stale, not missing heartbeats. */
	sim_run_until(s, 6000);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_STALE);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 0);
	ck_assert_ptr_null(strstr(sim_unit_log(s), "connection_lost"));
	ck_assert_ptr_null(strstr(sim_unit_log(s), "never_connected"));
	sim_free(s);
}
END_TEST

START_TEST(r019_listed_as_running_but_unreachable_is_impaired)
{
	struct unit_def vm = vm_of("v1", UNIT_STATEFUL, AGENT_NONE);
	struct sim *s = sim_new(3, NULL, 0);

	give_checks(&vm);
	sim_units(s, "h1", &vm, 1, AGENT_AUTO);
	hypervisor_until(s, "h1", "v1", VM_RUN_RUNNING, 60);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_HEALTHY);
	sim_answer(s, "v1", "ping", TOCSIN_WHY_NO_REPLY);
	sim_answer(s, "v1", "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
	hypervisor_until(s, "h1", "v1", VM_RUN_RUNNING, 125);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_IMPAIRED);
	ck_assert_int_eq(reason_of(s, "v1"), TOCSIN_WHY_RUNS_UNREACHABLE);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_int_eq(action_of(s, "v1"), PLAN_VM_RESTART_KEEP);
	ck_assert_uint_eq(sim_alerts(s, "vm_unhealthy"), 1);
	sim_free(s);
}
END_TEST

/* ---- silences of agents ---- */

START_TEST(r051_an_agent_that_ends_at_its_start_is_told_within_a_minute)
{
	struct unit_def vm = vm_of("v1", UNIT_STATELESS, AGENT_TOCSIN);
	struct sim *s = sim_new(6, NULL, 0);

	sim_run_until(s, 1000);
	/* It began, and was never heard of. */
	sim_units(s, "h1", &vm, 1, AGENT_AUTO);
	sim_units(s, "h2", NULL, 0, AGENT_TOCSIN);
	sim_run_until(s, 1059);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 0);
	sim_run_until(s, 1061);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 2);
	/* It says so itself, again and again. */
	sim_run_until(s, 2000);
	for (int i = 0; i < 8; i++) {
		say(s, "h3", (struct observation){ .probe = "agent",
			.outcome = TOCSIN_UNKNOWN,
			.reason = TOCSIN_WHY_REPORTED_ERROR,
			.text = "certificate: not valid before 2012-03-01" });
		sim_run_until(s, 2000 + 5 * (i + 1));
	}
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 3);
	ck_assert_int_ne(sim_state(s, "h3"), STATE_UNHEALTHY);
	ck_assert_uint_eq(sim_alerts(s, "host_unhealthy"), 0);
	/* Measurements end it. */
	say(s, "h3", (struct observation){ .probe = "memory" });
	sim_run_until(s, 2041);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 2);
	sim_free(s);
}
END_TEST

START_TEST(r052_three_silences_three_reasons_three_timers)
{
	struct unit_def vms[3] = { vm_of("v1", UNIT_STATEFUL, AGENT_TOCSIN),
		vm_of("v2", UNIT_STATEFUL, AGENT_TOCSIN),
		vm_of("v3", UNIT_STATEFUL, AGENT_TOCSIN) };
	struct sim *s = sim_new(3, NULL, 0);

	for (int i = 0; i < 3; i++) {
		vms[i].rule.never = dur_s(50);
		vms[i].rule.gone = dur_s(20);
		vms[i].rule.lost = dur_s(100);
	}
	sim_units(s, "h1", vms, 3, AGENT_AUTO);
	say(s, "v2", (struct observation){ .probe = "memory" });
	say(s, "v3", (struct observation){ .probe = "agent",
		.outcome = TOCSIN_UNKNOWN, .reason = TOCSIN_WHY_REPORTED_EXIT });
	sim_run_until(s, 19);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 0);
	sim_run_until(s, 21);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 1);
	sim_run_until(s, 51);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 2);
	sim_run_until(s, 101);
	ck_assert_uint_eq(sim_alerts(s, "agent_silent"), 3);
	ck_assert_int_eq(reason_of(s, "v1"), TOCSIN_WHY_NEVER_CONNECTED);
	ck_assert_int_eq(reason_of(s, "v2"), TOCSIN_WHY_CONNECTION_LOST);
	ck_assert_int_eq(reason_of(s, "v3"), TOCSIN_WHY_REPORTED_EXIT);
	sim_free(s);
}
END_TEST

START_TEST(r050_agents_that_end_on_a_leap_day_are_no_broken_hardware)
{
	static struct unit_def vms[10];
	static char names[10][8];
	struct sim *s = sim_new(10, NULL, 0);
	struct snapshot *snap;

	/* 29 February 2012, 00:00 UTC */
	sim_step_wall(s, INT64_C(1330473600000) - INT64_C(1767225600000));
	for (size_t i = 0; i < 10; i++) {
		char host[8];

		snprintf(names[i], sizeof(names[i]), "v%zu", i);
		snprintf(host, sizeof(host), "h%zu", i);
		vms[i] = vm_of(names[i], UNIT_STATELESS, AGENT_TOCSIN);
		sim_units(s, host, &vms[i], 1, AGENT_TOCSIN);
	}
	/* Every agent ends as it begins; three times 25 minutes pass. */
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 10; i++)
			say(s, names[i], (struct observation){
				.probe = "agent", .outcome = TOCSIN_UNKNOWN,
				.reason = TOCSIN_WHY_REPORTED_ERROR });
		sim_run_until(s, sim_now(s) + 1500);
	}
	snap = sim_snapshot(s);
	for (size_t i = 0; i < 10; i++) {
		const char *host;
		const struct snap_unit *u = sim_unit(snap, names[i], &host);

		ck_assert_int_eq(u->reason, TOCSIN_WHY_REPORTED_ERROR);
		ck_assert_int_eq(u->cause, CAUSE_UNKNOWN);
		ck_assert_int_ne(u->health, HEALTH_UNHEALTHY);
	}
	for (size_t i = 0; i < snap->n_alerts; i++)
		ck_assert_ptr_null(strstr(snap->alerts[i].body, "hardware"));
	ck_assert_uint_eq(snap->n_plans, 0);
	ck_assert_uint_eq(snap->counts[STATE_HEALTHY], 10);
	snapshot_put(snap);
	sim_free(s);
}
END_TEST

/* ---- fx-003-healing: one fault after the other, each at its layer ---- */

START_TEST(fx_003_healing_acts_on_the_layer_that_failed)
{
	struct unit_def units[2] = { vm_of("v1", UNIT_STATELESS,
		AGENT_TOCSIN), role_of("web", "v1", 0) };
	struct sim *s = sim_new(5, NULL, 0);

	sim_units(s, "h1", units, 2, AGENT_AUTO);
	beat_until(s, "v1", 60);
	sim_answer(s, "v1", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	beat_until(s, "v1", 120);
	ck_assert_int_eq(action_of(s, "v1/web"), PLAN_ROLE_OUT_OF_ROTATION);
	ck_assert_int_eq(action_of(s, "v1"), PLAN_NONE);
	/* The VM follows, ten minutes later: its role is not the matter. */
	sim_answer(s, "v1", "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
	sim_run_until(s, 120 + 601);
	ck_assert_int_eq(action_of(s, "v1"), PLAN_VM_RESTART_FRESH);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_UNREACHABLE);
	ck_assert_int_eq(action_of(s, "v1/web"), PLAN_NONE);
	/* The host follows: the VM is not the matter. */
	sim_set(s, "h1", "ping", TOCSIN_WHY_NO_REPLY);
	sim_set(s, "h1", "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
	sim_run_until(s, 800);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_UNHEALTHY);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_UNREACHABLE);
	ck_assert_int_eq(action_of(s, "v1"), PLAN_NONE);
	ck_assert_uint_eq(plans(s), 1);
	/* All return. */
	sim_set(s, "h1", "ping", TOCSIN_WHY_NONE);
	sim_set(s, "h1", "tcp", TOCSIN_WHY_NONE);
	sim_answer(s, "v1", "tcp", TOCSIN_WHY_NONE);
	beat_until(s, "v1", 900);
	ck_assert_int_eq(sim_state(s, "h1"), STATE_HEALTHY);
	ck_assert_int_eq(sim_health(s, "v1"), HEALTH_HEALTHY);
	ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_HEALTHY);
	ck_assert_uint_eq(plans(s), 0);
	sim_free(s);
}
END_TEST

/* Ladder of the only plan of the host; the caller puts the snapshot. */
static const struct snap_ladder *
ladder_of(const struct snapshot *snap, const char *host)
{
	for (size_t i = 0; i < snap->n_plans; i++)
		if (strcmp(snap->plans[i].host, host) == 0)
			return snap->plans[i].ladder;
	return NULL;
}

static void
climb(double kill)
{
	struct sim *s = sim_new(8, NULL, 0);
	const struct snap_ladder *l;
	struct snapshot *snap;

	sim_set(s, "h3", "ping", TOCSIN_WHY_NO_REPLY);
	sim_set(s, "h3", "tcp", TOCSIN_WHY_CONNECT_TIMEOUT);
	sim_run_until(s, 60);
	ck_assert_int_eq(sim_rung(s, "h3"), PLAN_HOST_WAIT);
	if (kill != 0) {
		sim_run_until(s, kill);
		sim_restart(s);
	}
	sim_run_until(s, 125);
	ck_assert_int_eq(sim_rung(s, "h3"), PLAN_HOST_REBOOT);
	sim_step_wall(s, 86400000);
	sim_run_until(s, 900);
	ck_assert_int_eq(sim_rung(s, "h3"), PLAN_HOST_REBOOT);
	sim_run_until(s, 60 + 60 + 900 + 5);
	snap = sim_snapshot(s);
	l = ladder_of(snap, "h3");
	ck_assert_ptr_nonnull(l);
	ck_assert_int_eq(l->rung, PLAN_HOST_EVACUATE);
	ck_assert(l->at[0].ms > 0 && l->at[1].ms - l->at[0].ms >= 59000);
	ck_assert(l->at[2].ms - l->at[1].ms >= 899000);
	snapshot_put(snap);
	ck_assert_uint_eq(sim_events(s, "plan.rung"), 3);
	sim_set(s, "h3", "ping", TOCSIN_WHY_NONE);
	sim_set(s, "h3", "tcp", TOCSIN_WHY_NONE);
	sim_run_until(s, 1200);
	ck_assert_int_eq(sim_rung(s, "h3"), PLAN_NONE);
	sim_free(s);
}

START_TEST(r014_wait_then_reboot_then_t_then_evacuate_with_timestamps)
{
	climb(0);
	/* A restart of ours begins nothing anew. */
	climb(62);
}
END_TEST

START_TEST(r014_a_host_that_returns_by_itself_is_never_rebooted)
{
	struct sim *s = sim_new(8, NULL, 0);

	sim_set(s, "h3", "ping", TOCSIN_WHY_NO_REPLY);
	sim_run_until(s, 70);
	ck_assert_int_eq(sim_rung(s, "h3"), PLAN_HOST_WAIT);
	sim_set(s, "h3", "ping", TOCSIN_WHY_NONE);
	sim_run_until(s, 2000);
	ck_assert_int_eq(sim_rung(s, "h3"), PLAN_NONE);
	ck_assert_uint_eq(sim_events(s, "plan.rung"), 1);
	sim_free(s);
}
END_TEST

/* ---- identity and restarts ---- */

START_TEST(a_vm_moves_and_keeps_its_id)
{
	struct unit_def units[2] = { vm_of("v1", UNIT_STATEFUL, AGENT_AUTO),
		role_of("web", "v1", 0) };
	struct sim *s = sim_new(3, NULL, 0);
	struct snapshot *snap;
	const char *host;
	uint32_t id, role;

	sim_units(s, "h1", units, 2, AGENT_AUTO);
	hypervisor_until(s, "h1", "v1", VM_RUN_RUNNING, 60);
	snap = sim_snapshot(s);
	id = sim_unit(snap, "v1", &host)->id;
	role = sim_unit(snap, "v1/web", &host)->id;
	ck_assert_str_eq(host, "h1");
	snapshot_put(snap);
	hypervisor_until(s, "h2", "v1", VM_RUN_RUNNING, 120);
	ck_assert_uint_eq(sim_events(s, "vm.moved"), 1);
	for (int round = 0; round < 2; round++) {
		snap = sim_snapshot(s);
		ck_assert_uint_eq(sim_unit(snap, "v1", &host)->id, id);
		ck_assert_str_eq(host, "h2");
		ck_assert_uint_eq(sim_unit(snap, "v1/web", &host)->id, role);
		ck_assert_str_eq(host, "h2");
		snapshot_put(snap);
		ck_assert_int_eq(sim_health(s, "v1/web"), HEALTH_HEALTHY);
		/* Nor does a restart bring it back. */
		sim_restart(s);
		hypervisor_until(s, "h2", "v1", VM_RUN_RUNNING, sim_now(s) +
			60);
	}
	ck_assert_uint_eq(sim_events(s, "vm.moved"), 1);
	sim_units(s, "h1", NULL, 0, AGENT_AUTO);
	snap = sim_snapshot(s);
	ck_assert_ptr_null(sim_unit(snap, "v1", &host));
	ck_assert_ptr_null(sim_unit(snap, "v1/web", &host));
	snapshot_put(snap);
	ck_assert_uint_eq(sim_events(s, "vm.retired"), 1);
	ck_assert_uint_eq(sim_events(s, "role.retired"), 1);
	sim_free(s);
}
END_TEST

/* The log of a run that was killed at `kill` seconds; 0 = it was not. */
static void
silent_run(double kill, char *out, size_t size, double *convicted)
{
	struct unit_def units[2] = { vm_of("v1", UNIT_STATEFUL, AGENT_TOCSIN),
		role_of("web", "10.7.7.7", 0) };
	struct sim *s = sim_new(3, NULL, 0);

	sim_units(s, "h1", units, 2, AGENT_AUTO);
	beat_until(s, "v1", 60);
	say(s, "v1", (struct observation){ .probe = "memory" });
	sim_answer(s, "10.7.7.7", "tcp", TOCSIN_WHY_CONNECT_REFUSED);
	*convicted = 0;
	for (double t = 61; t < 800; t++) {
		if (t == kill)
			sim_restart(s);
		sim_run_until(s, t);
		if (*convicted == 0 &&
		    sim_health(s, "v1") == HEALTH_UNHEALTHY)
			*convicted = t;
	}
	snprintf(out, size, "%s", sim_unit_log(s));
	sim_free(s);
}

START_TEST(a_restart_changes_no_verdict_and_no_timer)
{
	static const double kills[] = { 130, 300, 500, 655, 700 };
	char whole[2000], killed[2000];
	double at, then;

	silent_run(0, whole, sizeof(whole), &at);
	ck_assert(at >= 660 && at <= 662);
	for (size_t i = 0; i < ARRAY_LEN(kills); i++) {
		silent_run(kills[i], killed, sizeof(killed), &then);
		ck_assert_str_eq(killed, whole);
		/* exact to a heartbeat */
		ck_assert(then >= at && then <= at + 16);
	}
}
END_TEST

START_TEST(a_host_without_units_says_nothing_of_them)
{
	struct sim *s = sim_new(2, NULL, 0);
	struct snapshot *snap;

	sim_run_until(s, 100);
	snap = sim_snapshot(s);
	ck_assert_uint_eq(snap->chunks[0]->hosts[0]->rare->n_units, 0);
	ck_assert_ptr_null(snap->chunks[0]->hosts[0]->rare->watch);
	ck_assert_uint_eq(snap->n_vms + snap->n_roles, 0);
	snapshot_put(snap);
	sim_free(s);
}
END_TEST

int
main(void)
{
	return STORIES("units",
		r001_one_partition_three_hosts_nine_vms_eighteen_roles,
		r006_only_the_role_fails_and_only_the_role_is_acted_on,
		r007_which_of_two_signals_convicted_is_told,
		r008_the_word_of_another_monitor_counts_as_a_signal,
		r010_nine_minutes_and_three_quarters_are_one_soft_record,
		r054_r061_a_vm_that_two_hosts_fell_under_stops_at_the_third,
		p9_a_role_that_comes_and_goes_is_flapping_and_told_once,
		r011_late_and_busy_is_overloaded_and_late_alone_is_suspect,
		r078_what_would_destroy_waits_for_a_good_copy,
		r012_stateless_starts_fresh_and_stateful_keeps_its_disk,
		r013_without_agent_the_hypervisor_speaks_and_nobody_is_missed,
		r019_listed_as_running_but_unreachable_is_impaired,
		r051_an_agent_that_ends_at_its_start_is_told_within_a_minute,
		r052_three_silences_three_reasons_three_timers,
		r050_agents_that_end_on_a_leap_day_are_no_broken_hardware,
		fx_003_healing_acts_on_the_layer_that_failed,
		r014_wait_then_reboot_then_t_then_evacuate_with_timestamps,
		r014_a_host_that_returns_by_itself_is_never_rebooted,
		a_vm_moves_and_keeps_its_id,
		a_restart_changes_no_verdict_and_no_timer,
		a_host_without_units_says_nothing_of_them);
}
