/*
 * config: VMs and roles, their parents, their probes and their rules.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "config/config.h"
#include "t/lib/story.h"
#include "t/unit/config_rig.h"

/* ---- VMs and roles ---- */

static const char layered[] =
	"units: {grace: 500s}\n"
	"partitions:\n"
	"  - name: rack1\n"
	"    units: {never_connected: 50s}\n"
	"    checks: [{probe: ping}, {probe: tcp, port: 8000}]\n"
	"    vm_checks: [{probe: ping}]\n"
	"    role_checks: [{probe: tcp, port: 80}]\n"
	"    hosts:\n"
	"      - name: h1\n"
	"        address: 10.0.0.1\n"
	"        agent: tocsin\n"
	"        units: {heartbeat: 20s}\n"
	"        vms:\n"
	"          - name: V1\n"
	"            class: stateless\n"
	"            agent: tocsin\n"
	"            grace: 300s\n"
	"            roles: [{name: web}, {name: db, class: stateful, "
	"checks: [{probe: tcp, port: 5432}], signals: [outside, inside]}]\n"
	"          - {name: v2, agent: none, checks: []}\n"
	"        roles: [{name: ntp, checks: [{probe: web}]}]\n"
	"      - {name: h2, address: 10.0.0.2}\n"
	"    vms: [{name: v3, on: h2, address: 10.0.3.1}]\n"
	"    roles: [{name: web, on: v3}, {name: dns, on: h2}]\n";

static const struct unit_def *
unit_named(const struct host_def *h, const char *name)
{
	for (size_t i = 0; i < h->n_units; i++)
		if (strcmp(h->units[i].name, name) == 0)
			return &h->units[i];
	return NULL;
}

START_TEST(r001_vms_and_roles_have_their_parents)
{
	struct config *cfg = rig_good(layered);
	struct config_fleet *fleet = rig_fleet_of(cfg);
	const struct host_def *h1 = &fleet->def.hosts[0];
	const struct host_def *h2 = &fleet->def.hosts[1];
	const struct unit_def *v1 = unit_named(h1, "v1");

	ck_assert_uint_eq(h1->n_units, 5);
	ck_assert_uint_eq(h2->n_units, 3);
	ck_assert_int_eq(h1->agent, AGENT_TOCSIN);
	ck_assert(v1->is_vm && v1->cls == UNIT_STATELESS);
	ck_assert_ptr_eq(&h1->units[unit_named(h1, "web")->parent], v1);
	ck_assert_uint_eq(unit_named(h1, "ntp")->parent, SIZE_MAX);
	ck_assert_ptr_eq(&h2->units[unit_named(h2, "web")->parent],
		unit_named(h2, "v3"));
	ck_assert_str_eq(unit_named(h2, "web")->address, "10.0.3.1");
	ck_assert_str_eq(unit_named(h2, "dns")->address, "10.0.0.2");
	ck_assert_uint_eq(unit_named(h1, "db")->signals, 3);
	config_fleet_free(fleet);
	config_free(cfg);
}
END_TEST

START_TEST(r009_own_probes_take_the_place_of_the_default_ones)
{
	struct config *cfg = rig_good(layered);
	struct config_fleet *fleet = rig_fleet_of(cfg);
	const struct host_def *h1 = &fleet->def.hosts[0];
	const struct host_def *h2 = &fleet->def.hosts[1];

	/* h1 has a role with a probe of its own: only the ping stays. */
	ck_assert_uint_eq(h1->n_checks, 1);
	ck_assert_str_eq(h1->checks[0].key, "ping");
	ck_assert_uint_eq(h2->n_checks, 2);
	ck_assert_str_eq(unit_named(h1, "web")->checks[0].key, "tcp:80");
	ck_assert(!unit_named(h1, "web")->own_checks);
	ck_assert_uint_eq(unit_named(h1, "web")->checks_origin.line, 7);
	ck_assert_uint_eq(unit_named(h1, "db")->n_checks, 1);
	ck_assert_str_eq(unit_named(h1, "db")->checks[0].key, "tcp:5432");
	ck_assert(unit_named(h1, "db")->own_checks);
	ck_assert_str_eq(unit_named(h1, "v1")->checks[0].key, "ping");
	ck_assert_uint_eq(unit_named(h1, "v2")->n_checks, 0);
	config_fleet_free(fleet);
	config_free(cfg);
}
END_TEST

START_TEST(r004_the_nearest_rule_of_a_unit_wins)
{
	struct config *cfg = rig_good(layered);
	struct config_fleet *fleet = rig_fleet_of(cfg);
	const struct unit_rule *v1 = &unit_named(&fleet->def.hosts[0],
		"v1")->rule;
	const struct unit_rule *v3 = &unit_named(&fleet->def.hosts[1],
		"v3")->rule;

	ck_assert(v1->grace.ns == dur_s(300).ns);
	ck_assert(v1->heartbeat.ns == dur_s(20).ns);
	ck_assert(v1->never.ns == dur_s(50).ns);
	ck_assert(v3->grace.ns == dur_s(500).ns);
	ck_assert(v3->heartbeat.ns == dur_s(15).ns);
	ck_assert(fleet->def.units.never.ns == dur_s(60).ns);
	config_fleet_free(fleet);
	config_free(cfg);
}
END_TEST

START_TEST(r001_a_cycle_or_a_second_parent_is_refused_with_its_line)
{
	static const char head[] = "partitions:\n  - name: p\n    hosts:\n"
		"      - {name: h1, vms: [{name: v1, roles: [{name: r}]}]}\n"
		"      - {name: h2}\n";
	static const struct { const char *text, *wanted; } rows[] = {
		{ "    vms: [{name: v1, on: h2}]\n", "t.yaml:6: vm 'v1': already "
			"in line 4; a VM has one parent" },
		{ "    vms: [{name: h2, on: h1}]\n", "t.yaml:6: vm 'h2': a host "
			"has this name, in line 5" },
		{ "    vms: [{name: a, on: b},\n          {name: b, on: a}]\n",
			"t.yaml:6: vm 'a': a cycle" },
		{ "    vms: [{name: a, on: b},\n          {name: b, on: a}]\n",
			"t.yaml:7: vm 'b': a cycle" },
		{ "    vms: [{name: a, on: a}]\n", "t.yaml:6: vm 'a': a cycle" },
		{ "    vms: [{name: a, on: v1}]\n", "t.yaml:6: vm 'a': on: 'v1' is "
			"a VM; a VM runs on a host" },
		{ "    vms: [{name: a}]\n", "t.yaml:6: vm 'a': on: which host?" },
		{ "    vms: [{name: a, on: h9}]\n", "t.yaml:6: vm 'a': on: no host "
			"'h9'" },
		{ "    roles: [{name: r, on: v1}]\n", "role 'r': already in line "
			"4" },
		{ "    roles: [{name: r, on: nope}]\n", "t.yaml:6: role 'r': on: "
			"no VM or host 'nope'" },
		{ "      - {name: h3, vms: [{name: c, on: h1}]}\n", "t.yaml:6: vm "
			"'c': a second parent: on: h1, but it is written under "
			"'h3'" },
		{ "    vms: [{name: a, on: h1, clas: stateless}]\n",
			"did you mean 'class'?" },
		{ "    vms: [{name: a, on: h1, class: durable}]\n", "class" },
		{ "    roles: [{name: x, on: h1, signals: [above]}]\n", "'above' "
			"is none of outside, inside, external" },
		{ "    vms: [7]\n", "t.yaml:6: a vm is written {name: …}" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config_errors errs;
		struct strbuf text = { 0 }, said = { 0 };
		struct config *cfg = NULL;

		strbuf_printf(&text, "%s%s", head, rows[i].text);
		ck_assert_msg(rig_parse(text.p, &cfg, &errs) == TC_EINVAL, "%s",
			text.p);
		config_errors_print(&errs, &said);
		ck_assert_msg(strstr(strbuf_str(&said), rows[i].wanted) != NULL,
			"%s\nwanted: %s\n%s", text.p, rows[i].wanted,
			strbuf_str(&said));
		config_errors_fini(&errs);
		strbuf_free(&said);
		strbuf_free(&text);
	}
}
END_TEST

START_TEST(what_is_shown_of_layers_can_be_loaded_and_shows_the_same)
{
	struct config *cfg = rig_good(layered), *again;
	struct strbuf first = { 0 }, second = { 0 };

	config_print(cfg, &first, false);
	again = rig_good(strbuf_str(&first));
	config_print(again, &second, false);
	ck_assert_str_eq(strbuf_str(&first), strbuf_str(&second));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&first), "v3"));
	strbuf_free(&first);
	strbuf_free(&second);
	config_free(cfg);
	config_free(again);
}
END_TEST

START_TEST(every_failing_allocation_is_survived)
{
	int rc = TC_ENOMEM;

	for (long n = 1; rc != 0; n++) {
		struct config_errors errs = { 0 };
		struct config_fleet *fleet = NULL;
		struct config *cfg = NULL;

		mem_fail_at(n);
		rc = rig_parse(layered, &cfg, &errs);
		if (rc == 0)
			rc = config_fleet_load(cfg, NULL, &fleet, &errs);
		mem_fail_at(0);
		ck_assert_msg(rc == 0 || rc == TC_ENOMEM, "%ld: %d", n, rc);
		config_fleet_free(fleet);
		if (cfg != NULL)
			config_free(cfg);
		config_errors_fini(&errs);
	}
}
END_TEST

/* ---- of file_sd ---- */

static const struct unit_def *
sd_unit(const struct scene *s, size_t host, size_t i)
{
	ck_assert_uint_lt(i, s->fleet->def.hosts[host].n_units);
	return &s->fleet->def.hosts[host].units[i];
}

static const char sd_yaml[] = "partitions:\n- name: p\n"
	"  role_checks: [{probe: tcp, port: 80}]\n"
	"  hosts:\n  - name: h1\n    vms: [{name: v1}]\n"
	"  file_sd: [sd.json]\n- name: q\n  hosts: [{name: h9}]\n";

static const char sd_json[] = "[\n"
	"{\"targets\": [\"h2:9100\"]},\n"
	"{\"targets\": [\"10.0.0.5:80\"], \"labels\": {\"host\": \"H1\", "
	"\"__tocsin_vm\": \"V1\", \"__tocsin_role\": \"web\", "
	"\"__tocsin_class\": \"stateless\", \"team\": \"x\"}},\n"
	"{\"targets\": [\"10.0.0.6\"], \"labels\": {\"host\": \"h2\", "
	"\"__tocsin_vm\": \"v2\", \"__tocsin_class\": \"stateless\"}},\n"
	"{\"targets\": [\"10.0.0.7\"], \"labels\": {\"host\": \"h2\", "
	"\"__tocsin_vm\": \"v3\", \"__tocsin_role\": \"db\"}},\n"
	"{\"targets\": [\"10.0.0.2\"], \"labels\": {\"host\": \"h2\", "
	"\"__tocsin_role\": \"ntp\", \"__tocsin_vm\": \"\"}}]";

START_TEST(r001_file_sd_names_vms_and_roles)
{
	static const char *const files[] = { "t.yaml", "sd.json", NULL };
	struct scene s;

	scene_open(&s, sd_yaml);
	scene_put(&s, "sd.json", sd_json);
	for (int round = 0; round < 2; round++) {
		scene_load(&s);
		ck_assert_uint_eq(s.fleet->def.n_hosts, 3);
		ck_assert_uint_eq(s.fleet->def.hosts[0].n_units, 2);
		ck_assert_uint_eq(s.fleet->def.hosts[2].n_units, 4);
		ck_assert_str_eq(sd_unit(&s, 0, 0)->name, "v1");
		ck_assert_str_eq(sd_unit(&s, 0, 1)->name, "web");
		ck_assert_uint_eq(sd_unit(&s, 0, 1)->parent, 0);
		ck_assert_int_eq(sd_unit(&s, 0, 1)->cls, UNIT_STATELESS);
		ck_assert_str_eq(sd_unit(&s, 0, 1)->address, "10.0.0.5");
		ck_assert_uint_eq(sd_unit(&s, 0, 1)->n_checks, 1);
		ck_assert_uint_eq(sd_unit(&s, 0, 1)->signals,
			1U << SIGNAL_OUTSIDE);
		ck_assert_uint_eq(sd_unit(&s, 0, 1)->origin.line, 3);
		ck_assert_str_eq(sd_unit(&s, 2, 0)->name, "v2");
		ck_assert(sd_unit(&s, 2, 0)->is_vm);
		/* v3 is made for its role */
		ck_assert_str_eq(sd_unit(&s, 2, 1)->name, "v3");
		ck_assert_str_eq(sd_unit(&s, 2, 2)->name, "db");
		ck_assert_uint_eq(sd_unit(&s, 2, 2)->parent, 1);
		ck_assert_int_eq(sd_unit(&s, 2, 2)->cls, UNIT_STATEFUL);
		ck_assert_uint_eq(sd_unit(&s, 2, 3)->parent, SIZE_MAX);
		/* the file breaks: what it had of them stays */
		ck_assert_uint_eq(s.errs.warnings, (size_t)round);
		scene_put(&s, "sd.json", "[7]");
	}
	scene_close(&s, files);
}
END_TEST

START_TEST(what_file_sd_cannot_place_is_left_out_with_a_warning)
{
	static const char *const files[] = { "t.yaml", "sd.json", NULL };
	static const struct { const char *labels, *says; } cases[] = {
		{ "\"host\": \"nobody\", \"__tocsin_vm\": \"v\"",
			"vm 'v': no host nobody; it is left out" },
		{ "\"host\": \"h9\", \"__tocsin_role\": \"r\"",
			"role 'r': another partition has host h9" },
		{ "\"host\": \"h1\", \"__tocsin_vm\": \"v1\"",
			"vm 'v1': it is known on host h1" },
		{ "\"host\": \"h1\", \"__tocsin_vm\": \"h9\"",
			"vm 'h9': a host has the VM's name: h9" },
		{ "\"__tocsin_vm\": \"v\"",
			"/0: labels: a VM or a role needs host" },
		{ "\"host\": \"h1\", \"__tocsin_vm\": \"a b\"",
			"/0/labels/__tocsin_vm: 'a b' is no name" },
		{ "\"host\": \"h1\", \"__tocsin_class\": \"x\"",
			"'x' is neither stateful nor stateless" },
	};
	struct scene s;

	scene_open(&s, sd_yaml);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[300];

		/* a broken file would keep what the last one had */
		scene_put(&s, "sd.json", "[]");
		scene_load(&s);
		snprintf(text, sizeof(text), "[{\"targets\": [\"a:1\"], "
			"\"labels\": {%s}}]", cases[i].labels);
		scene_put(&s, "sd.json", text);
		scene_load(&s);
		ck_assert_uint_eq(s.fleet->def.hosts[0].n_units, 1);
		ck_assert_uint_eq(s.errs.warnings, 1);
		ck_assert_msg(strstr(s.errs.items[0].text, cases[i].says) !=
			NULL, "'%s', not '%s'", s.errs.items[0].text,
			cases[i].says);
	}
	scene_put(&s, "sd.json", "[{\"targets\": [\"a\", \"b\"], \"labels\": "
		"{\"host\": \"h1\", \"__tocsin_role\": \"r\"}}]");
	scene_load(&s);
	ck_assert_ptr_nonnull(strstr(s.errs.items[0].text,
		"targets: a VM or a role has one"));
	scene_close(&s, files);
}
END_TEST

int
main(void)
{
	return STORIES("config_units",
		r001_vms_and_roles_have_their_parents,
		r009_own_probes_take_the_place_of_the_default_ones,
		r004_the_nearest_rule_of_a_unit_wins,
		r001_a_cycle_or_a_second_parent_is_refused_with_its_line,
		what_is_shown_of_layers_can_be_loaded_and_shows_the_same,
		every_failing_allocation_is_survived,
		r001_file_sd_names_vms_and_roles,
		what_file_sd_cannot_place_is_left_out_with_a_warning);
}
