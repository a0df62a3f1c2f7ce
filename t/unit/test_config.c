/*
 * config: from YAML and file_sd to a fleet, with every fault named.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "config/config.h"
#include "config/partition.h"
#include "config/schema.h"
#include "t/lib/story.h"
#include "t/unit/config_rig.h"

static const char design_example[] =
	"listen: 127.0.0.1:8420            # tls: {certificate: …}\n"
	"state_dir: /var/lib/tocsin\n"
	"defaults: {interval: 15s, timeout: 5s, fail_after: 3, clear_after: 2}\n"
	"partitions:\n"
	"  - name: rack1\n"
	"    checks: [{probe: ping}, {probe: tcp, port: 8000}]\n"
	"    hosts:  [{name: h1, address: 127.1.0.1, tags: {team: web}, "
	"checks: []}]\n"
	"alerts:\n"
	"  receivers: [{name: ops, type: webhook, "
	"url: \"http://127.0.0.1:9000/hook\"}]\n"
	"  routes:    [{match: {severity: critical}, to: [ops]}]\n"
	"evacuate:\n"
	"  mode: recommend\n"
	"  executor: {type: exec, argv: [/usr/lib/tocsin/evacuate/hook]}\n";

START_TEST(the_example_of_the_design_is_taken)
{
	struct config *cfg = rig_good(design_example);
	struct config_fleet *fleet = rig_fleet_of(cfg);
	const struct host_def *h = &fleet->def.hosts[0];

	ck_assert_str_eq(cfg->listen, "127.0.0.1:8420");
	ck_assert_str_eq(cfg->state_dir, "/var/lib/tocsin");
	ck_assert_ptr_null(cfg->tls_certificate);
	ck_assert_uint_eq(cfg->n_receivers, 1);
	ck_assert_str_eq(cfg->receivers[0].name, "ops");
	ck_assert_str_eq(cfg->routes[0].match[0].value, "critical");
	ck_assert(!cfg->evacuate_armed && cfg->executor.set);
	ck_assert_uint_eq(fleet->def.n_partitions, 1);
	ck_assert_uint_eq(fleet->def.n_hosts, 1);
	ck_assert_str_eq(h->name, "h1");
	ck_assert_str_eq(h->partition, "rack1");
	ck_assert_str_eq(h->address, "127.1.0.1");
	ck_assert_str_eq(h->tags[0].key, "team");
	ck_assert_str_eq(h->origin.file, "/etc/t/t.yaml");
	ck_assert_uint_eq(h->origin.line, 7);
	ck_assert_uint_eq(h->n_checks, 2);
	ck_assert_str_eq(h->checks[0].key, "ping");
	ck_assert_str_eq(h->checks[1].key, "tcp:8000");
	ck_assert_int_eq(h->checks[1].opts[0].i, 8000);
	ck_assert_int_eq(h->checks[0].rule.interval.ns, dur_s(15).ns);
	ck_assert_int_eq(h->checks[0].rule.recheck.ns, dur_s(1).ns);
	ck_assert_int_eq(fleet->def.passive_smart_interval.ns, dur_s(3600).ns);
	config_fleet_free(fleet);
	config_free(cfg);
}
END_TEST

START_TEST(an_empty_file_is_all_defaults)
{
	struct config *cfg = rig_good("# nothing\n");

	ck_assert_str_eq(cfg->listen, "127.0.0.1:8420");
	ck_assert_int_eq(cfg->defaults.timeout.ns, dur_s(5).ns);
	ck_assert_uint_eq(cfg->n_partitions, 0);
	config_free(cfg);
	config_free(rig_good(""));
	config_free(rig_good("partitions:\nalerts:\n"));
}
END_TEST

static const struct check_def *
check_of(const struct config_fleet *fleet, const char *host, const char *key)
{
	for (size_t i = 0; i < fleet->def.n_hosts; i++) {
		const struct host_def *h = &fleet->def.hosts[i];

		for (size_t j = 0; j < h->n_checks; j++)
			if (strcmp(h->name, host) == 0 &&
			    strcmp(h->checks[j].key, key) == 0)
				return &h->checks[j];
	}
	ck_abort_msg("no check %s on %s", key, host);
	return NULL;
}

START_TEST(r059_the_gateway_is_asked_unless_told_otherwise)
{
	struct config *cfg = rig_good("listen: 127.0.0.1:1\n");

	ck_assert(cfg->gateway);
	ck_assert_uint_eq(cfg->witnesses.n, 0);
	config_free(cfg);
	cfg = rig_good("observer: {gateway: false, witnesses: [198.51.100.7]}\n");
	ck_assert(!cfg->gateway);
	ck_assert_str_eq(cfg->witnesses.items[0], "198.51.100.7");
	config_free(cfg);
}
END_TEST

START_TEST(the_nearest_default_wins)
{
	struct config *cfg = rig_good(
		"defaults: {interval: 30s, fail_after: 5, recheck: off}\n"
		"partitions:\n"
		"- name: p\n"
		"  defaults: {fail_after: 4}\n"
		"  checks: [{probe: ping, clear_after: 7}, "
		"{probe: tcp, port: 1, interval: 2s}]\n"
		"  hosts:\n"
		"  - {name: a}\n"
		"  - {name: b, defaults: {fail_after: 9, clear_after: 9, "
		"fail_when: 3 of 5, flap_after: 0}}\n"
		"  - {name: c, checks: [{probe: ping, count: 3, interval: 1m},"
		" {probe: tcp, port: 2, name: mail}]}\n");
	struct config_fleet *fleet = rig_fleet_of(cfg);
	const struct check_def *c = check_of(fleet, "a", "ping");

	ck_assert_int_eq(c->rule.interval.ns, dur_s(30).ns);
	ck_assert_int_eq(c->rule.recheck.ns, 0);
	ck_assert_uint_eq(c->rule.fail_after, 4);
	ck_assert_uint_eq(c->rule.clear_after, 7);
	c = check_of(fleet, "a", "tcp:1");
	ck_assert_int_eq(c->rule.interval.ns, dur_s(2).ns);
	ck_assert_int_eq(c->rule.timeout.ns, dur_s(2).ns);	/* not 5 s */
	c = check_of(fleet, "b", "ping");
	ck_assert_uint_eq(c->rule.fail_after, 9);
	ck_assert_uint_eq(c->rule.clear_after, 7);
	ck_assert_uint_eq(c->rule.fail_some, 3);
	ck_assert_uint_eq(c->rule.fail_of, 5);
	ck_assert_uint_eq(c->rule.flap_after, 0);
	ck_assert_uint_eq(c->rule.flap_within, 60);
	c = check_of(fleet, "c", "ping");
	ck_assert_uint_eq(c->rule.fail_of, 0);
	ck_assert_uint_eq(c->rule.flap_after, 5);
	ck_assert_int_eq(c->opts[0].i, 3);
	ck_assert_int_eq(c->rule.interval.ns, dur_s(60).ns);
	ck_assert_uint_eq(c->rule.fail_after, 4);
	(void)check_of(fleet, "c", "tcp:1");
	ck_assert_int_eq(check_of(fleet, "c", "mail")->opts[0].i, 2);
	ck_assert_uint_eq(fleet->def.hosts[2].n_checks, 3);
	ck_assert_str_eq(fleet->def.hosts[0].address, "a");
	config_fleet_free(fleet);
	config_free(cfg);
}
END_TEST

START_TEST(names_are_folded_and_an_address_may_be_none)
{
	struct config *cfg = rig_good("partitions:\n- name: RackA\n  hosts: "
		"[{name: Node-1.Example, address: \"\"}]\n");
	struct config_fleet *fleet = rig_fleet_of(cfg);

	ck_assert_str_eq(fleet->def.hosts[0].name, "node-1.example");
	ck_assert_str_eq(fleet->def.hosts[0].partition, "racka");
	ck_assert_str_eq(fleet->def.hosts[0].address, "");
	config_fleet_free(fleet);
	config_free(cfg);
}
END_TEST

#define P(inside) "partitions:\n- name: p\n" inside

static const struct refusal {
	const char *text;
	const char *error;	/* all of it */
} refusals[] = {
	{ "lisen: x\n", "1: unknown key 'lisen'; did you mean 'listen'?" },
	{ "zzzzzzzzz: 1\n", "1: unknown key 'zzzzzzzzz'" },
	{ "defaults: {intervall: 15s}\n", "1: defaults: unknown key "
		"'intervall'; did you mean 'interval'?" },
	{ "listen: nowhere\n", "1: listen: 'nowhere' is not ADDRESS:PORT" },
	{ "listen: ::1:80\n", "1: listen: '::1:80' is not ADDRESS:PORT" },
	{ "listen: 1.2.3.4:70000\n",
		"1: listen: '1.2.3.4:70000' is not ADDRESS:PORT" },
	{ "defaults:\n  interval: 15sek\n", "2: defaults: interval: '15sek': "
		"unknown unit 'sek'; one of ms s m h d" },
	{ "defaults:\n  interval: 15\n", "2: defaults: interval: '15': "
		"the unit is missing; one of ms s m h d" },
	{ "defaults: {interval: 2d}\n",
		"1: defaults: interval: must be at most 1d" },
	{ "defaults: {interval: 1ms}\n",
		"1: defaults: interval: must be at least 100ms" },
	{ "defaults: {fail_after: 0}\n",
		"1: defaults: fail_after: must be at least 1" },
	{ "observer: {witnesses: [\"a b\"]}\n", "1: observer: witnesses: "
		"'a b' is no address or name" },
	{ "defaults: {fail_when: 3 in 5}\n", "1: defaults: fail_when: "
		"'3 in 5' is not M of N, with N at most 64" },
	{ "defaults: {fail_when: 6 of 5}\n", "1: defaults: fail_when: "
		"'6 of 5' is not M of N, with N at most 64" },
	{ "defaults: {flap_clear: 61}\n", "1: defaults: flap_clear: "
		"61 is more than flap_within, 60" },
	{ "partitions: [{name: p, checks: [{probe: ping, fail_when: 0 of 9}]}]"
		"\n", "1: partition 'p': check 'ping': fail_when: '0 of 9' is "
		"not M of N, with N at most 64" },
	{ "defaults: {fail_after: 3.5}\n",
		"1: defaults: fail_after: '3.5' is not a whole number" },
	{ "defaults: {fail_after: \"3\"}\n",
		"1: defaults: fail_after: '3' may not stand in quotes" },
	{ "defaults: {fail_after: [3]}\n", "1: defaults: fail_after: one value "
		"is wanted, not a list" },
	{ "defaults: {fail_after: }\n", "1: defaults: fail_after: no value" },
	{ "defaults: [1]\n", "1: defaults: not a map (key: value)" },
	{ "defaults: {interval: 5s, timeout: 6s}\n",
		"1: defaults: timeout: longer than the interval" },
	{ "log_level: loud\n", "1: log_level: 'loud' is not one of "
		"error|warn|info|debug" },
	{ "http: {max_body: 1GB}\n", "1: http: max_body: '1GB': unknown unit "
		"'GB'; one of KiB MiB GiB TiB" },
	{ "tls: {certificate: /x}\n",
		"1: tls: 'certificate' and 'key' go together" },
	{ "a: 1\na: 2\n", "2: the key 'a' twice" },
	{ "- 1\n", "1: the top is not a map (key: value)" },
	{ "partitions: {}\n", "1: partitions: not a list" },
	{ "partitions: [x]\n", "1: a partition is written {name: …, checks: …, "
		"hosts: …}" },
	{ "partitions:\n- name: p\n- name: P\n",
		"3: partition 'p': already in line 2" },
	{ P("  host: []\n"), "3: partition 'p': unknown key 'host'; did you "
		"mean 'hosts'?" },
	{ P("  checks: [{probe: pnig}]\n"), "3: partition 'p': no probe 'pnig'"
		"; did you mean 'ping'?" },
	{ P("  checks: [{probe: tpc}]\n"), "3: partition 'p': no probe 'tpc'"
		"; did you mean 'tcp'?" },
	{ P("  checks: [ping]\n"), "3: partition 'p': a check is written "
		"{probe: NAME, …}" },
	{ P("  checks: [{probe: tcp}]\n"), "3: partition 'p': check 'tcp': "
		"'port' is missing" },
	{ P("  checks: [{probe: tcp, port: 0}]\n"), "3: partition 'p': check "
		"'tcp': port: must be at least 1" },
	{ P("  checks: [{probe: ping, coutn: 2}]\n"), "3: partition 'p': check "
		"'ping': unknown key 'coutn'; did you mean 'count'?" },
	{ P("  checks: [{probe: ping}, {probe: ping}]\n"), "3: partition 'p': "
		"two checks 'ping'; give one a name:" },
	{ P("  checks: [{probe: ping, name: \"a b\"}]\n"), "3: partition 'p': "
		"check 'ping': name: 1 to 64 of A-Z a-z 0-9 _ . : - are wanted" },
	{ P("  checks: [{probe: ping, timeout: 20s}]\n"), "3: partition 'p': "
		"check 'ping': timeout: 20s is longer than the interval 15s" },
	{ P("  checks: [{probe: web, ratio: 1.5}]\n"), "3: partition 'p': check "
		"'web': ratio: must be at most 1" },
	{ P("  checks: [{probe: web, ratio: nan}]\n"), "3: partition 'p': check "
		"'web': ratio: 'nan' is not a number" },
	{ P("  checks: [{probe: web, follow: maybe}]\n"), "3: partition 'p': "
		"check 'web': follow: 'maybe' is not true or false" },
	{ P("  hosts: [h1]\n"), "3: a host is written {name: …, address: …}" },
	{ P("  hosts: [{address: x}]\n"), "3: host: 'name' is missing" },
	{ P("  hosts: [{name: a b}]\n"), "3: host 'a b': byte 1 (0x20) may not "
		"stand in a name" },
	{ P("  hosts: [{name: a, address: \"x y\"}]\n"), "3: host 'a': address: "
		"'x y' is no address or name" },
	{ P("  hosts: [{name: a, address: 300.1.1.1}]\n"), "3: host 'a': "
		"address: '300.1.1.1' is no address or name" },
	{ P("  hosts: [{name: a, address: \"192.0.2.1:80\"}]\n"), "3: host 'a': "
		"address: '192.0.2.1:80' is no address or name" },
	{ P("  hosts: [{name: \"a\xff\"}]\n"),
		"3: invalid leading UTF-8 octet (byte 41)" },
	{ P("  hosts:\n  - name: a\n  - name: A\n"), "5: host 'a': already in "
		"line 4, partition 'p'" },
	{ P("  hosts: [{name: a, tags: [x]}]\n"), "3: host 'a': tags: not a map "
		"(key: value)" },
	{ P("  hosts: [{name: a, tags: {x: {}}}]\n"), "3: host 'a': x: not a "
		"text of at most 1024 bytes" },
	{ P("  hosts: [{name: a, parent: b}]\n"), "3: host 'a': parent: no "
		"host 'b'" },
	{ P("  hosts: [{name: a, parent: A}]\n"), "3: host 'a': parent: is the "
		"host itself" },
	{ P("  hosts: [{name: a, parent: a b}]\n"), "3: host 'a': parent "
		"'a b': byte 1 "
		"(0x20) may not stand in a name" },
	{ P("  hosts:\n  - {name: c, parent: a}\n  - {name: b,\n     parent: c"
		"}\n  - {name: a, parent: b}\n  - {name: d, parent: c}\n"),
		"7: host 'a': parent: a cycle: a > b > c > a" },
	{ P("  file_sd: x.json\n"), "3: partition 'p': file_sd: not a list" },
	{ "alerts: {receivers: [{name: a, type: pigeon}]}\n", "1: receiver 'a': "
		"type: 'pigeon' is not one of "
		"webhook|alertmanager|slack|pagerduty|smtp|exec" },
	{ "alerts: {receivers: [{name: a, type: webhook}]}\n",
		"1: receiver 'a': 'url' is missing" },
	{ "alerts: {receivers: [{name: a, type: webhook, url: \"file:///x\"}]}\n",
		"1: receiver 'a': url: not an http or https address" },
	{ "alerts: {receivers: [{name: a, type: exec, argv: [mail]}]}\n",
		"1: receiver 'a': argv: the program must begin with /" },
	{ "alerts: {receivers: [{name: a, type: exec, argv: [/x], "
		"fallback: elsewhere}]}\n", "1: receiver 'a': fallback: "
		"no receiver 'elsewhere'" },
	{ "alerts: {receivers: [{name: a, type: exec, argv: [/x], "
		"fallback: a}]}\n", "1: receiver 'a': fallback: is itself" },
	{ "alerts: {heartbeat: {every: 1m}}\n",
		"1: heartbeat: 'to' is missing" },
	{ "alerts:\n  receivers: [{name: pd, type: pagerduty, secret: k}]\n"
		"  heartbeat: {to: [pd]}\n", "3: heartbeat: 'pd' would page" },
	{ "alerts:\n  receivers: [{name: ops, type: exec, argv: [/x]}]\n"
	  "  routes: [{to: [opz]}]\n",
		"3: route: no receiver 'opz'; did you mean 'ops'?" },
	{ "evacuate: {mode: armed}\n",
		"1: evacuate: armed, but there is no executor" },
	{ "evacuate: {mode: yes}\n",
		"1: evacuate: mode: 'yes' is not one of recommend|armed" },
	{ "defaults:\n\tinterval: 15s\n", "2: a tab may not indent: found "
		"character that cannot start any token" },
	{ "a: [1, 2\n", "2: did not find expected ',' or ']' (while parsing a "
		"flow sequence)" },
	{ "a: *b\n", "1: found undefined alias" },
	{ "listen: !!int 3\n", "1: tags such as !this are not taken" },
	{ "{[a]: 1}\n", "1: a key must be a word" },
	{ "listen: \"a\\0b\"\n", "1: a NUL character in a text" },
	{ "listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2\n",
		"3: a second document" },
	{ "x: &a [*a]\n", "1: nested too deeply" },
};

START_TEST(what_is_wrong_is_refused_with_its_line)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct strbuf said = { 0 };
		struct config_errors errs;
		struct config *cfg;
		char want[600];

		ck_assert_msg(rig_parse(r->text, &cfg, &errs) == TC_EINVAL,
			"taken:\n%s", r->text);
		config_errors_print(&errs, &said);
		snprintf(want, sizeof(want), "/etc/t/t.yaml:%s\n", r->error);
		ck_assert_msg(strncmp(strbuf_str(&said), want, strlen(want)) ==
			0, "%s→ %snot %s", r->text, strbuf_str(&said), want);
		strbuf_free(&said);
		config_errors_fini(&errs);
	}
}
END_TEST

START_TEST(all_faults_are_reported_at_once)
{
	struct strbuf said = { 0 };
	struct config_errors errs;
	struct config *cfg;

	ck_assert_int_eq(rig_parse("lisen: x\n"
		"defaults:\n  intervall: 1s\n  timeout: 9\n"
		"partitions:\n- name: p\n  checks: [{probe: pnig}]\n"
		"  hosts:\n  - {name: \"\"}\n  - {nme: x}\n"
		"evacuate: {mode: armed}\n", &cfg, &errs), TC_EINVAL);
	config_errors_print(&errs, &said);
	ck_assert_str_eq(said.p,
		"/etc/t/t.yaml:1: unknown key 'lisen'; did you mean 'listen'?\n"
		"/etc/t/t.yaml:3: defaults: unknown key 'intervall'; did you "
		"mean 'interval'?\n"
		"/etc/t/t.yaml:4: defaults: timeout: '9': the unit is missing; one "
		"of ms s m h d\n"
		"/etc/t/t.yaml:7: partition 'p': no probe 'pnig'; did you mean "
		"'ping'?\n"
		"/etc/t/t.yaml:9: host '': name: must have at least 1 bytes\n"
		"/etc/t/t.yaml:9: host '': an empty name\n"
		"/etc/t/t.yaml:10: host: unknown key 'nme'; did you mean "
		"'name'?\n"
		"/etc/t/t.yaml:10: host: 'name' is missing\n"
		"/etc/t/t.yaml:11: evacuate: armed, but there is no executor\n");
	strbuf_free(&said);
	config_errors_fini(&errs);
}
END_TEST

START_TEST(a_hundred_faults_are_enough)
{
	struct strbuf text = { 0 }, said = { 0 };
	struct config_errors errs;
	struct config *cfg;

	for (int i = 0; i < 150; i++)
		strbuf_printf(&text, "nonsense%d: 1\n", i);
	ck_assert_int_eq(rig_parse(text.p, &cfg, &errs), TC_EINVAL);
	ck_assert_uint_eq(errs.n, CONFIG_ERRORS_MAX);
	ck_assert_uint_eq(errs.errors, 150);
	config_errors_print(&errs, &said);
	ck_assert_ptr_nonnull(strstr(said.p, "and 50 more\n"));
	config_errors_fini(&errs);
	strbuf_free(&text);
	strbuf_free(&said);
}
END_TEST

START_TEST(an_anchor_bomb_fizzles)
{
	struct strbuf text = { 0 };
	struct config_errors errs;
	struct config *cfg;

	strbuf_puts(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
	for (int i = 1; i < 20; i++) {
		strbuf_printf(&text, "a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			strbuf_printf(&text, "%s*a%d", j ? "," : "", i - 1);
		strbuf_puts(&text, "]\n");
	}
	ck_assert_int_eq(rig_parse(text.p, &cfg, &errs), TC_EINVAL);
	config_errors_fini(&errs);
	strbuf_free(&text);
}
END_TEST

START_TEST(a_million_brackets_take_no_time)
{
	static const char *const pieces[] = { "[", "{a: ", "- ", "? " };
	struct config_errors errs;
	struct config *cfg;

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		struct strbuf text = { 0 };

		for (int n = 0; n < 1000000; n++)
			strbuf_puts(&text, pieces[i]);
		ck_assert_int_eq(rig_parse(text.p, &cfg, &errs), TC_EINVAL);
		ck_assert_str_eq(errs.items[0].text, "nested too deeply");
		config_errors_fini(&errs);
		strbuf_free(&text);
	}
}
END_TEST

START_TEST(aliases_in_measure_are_taken)
{
	struct config *cfg = rig_good("partitions:\n"
		"- name: a\n  checks: &std [{probe: ping}]\n"
		"- name: b\n  checks: *std\n  hosts: [{name: h}]\n");
	struct config_fleet *fleet = rig_fleet_of(cfg);

	(void)check_of(fleet, "h", "ping");
	config_fleet_free(fleet);
	config_free(cfg);
}
END_TEST

START_TEST(a_clear_address_without_tls_is_warned_about)
{
	struct config_errors errs;
	struct config *cfg;

	ck_assert_int_eq(rig_parse("listen: 0.0.0.0:8420\n", &cfg, &errs), 0);
	ck_assert_uint_eq(errs.warnings, 1);
	config_errors_fini(&errs);
	config_free(cfg);
	ck_assert_int_eq(rig_parse("listen: \"[::1]:8420\"\n", &cfg, &errs), 0);
	ck_assert_uint_eq(errs.warnings, 0);
	config_errors_fini(&errs);
	config_free(cfg);
}
END_TEST

/* ---- shown ---- */

static const char rich_example[] =
	"listen: 0.0.0.0:1\ntls: {certificate: /c, key: /k}\n"
	"plugin_dirs: [/opt/p, \"q \\\" r\"]\n"
	"defaults: {interval: 2s}\n"
	"passive: {smart_interval: 2h}\n"
	"partitions:\n- name: p\n"
	"  checks: [{probe: ping}, {probe: web, token: hush, limit: 4KiB}]\n"
	"  hosts: [{name: a, tags: {k: \"v: w\"}, checks: [{probe: tcp, port: 7,"
	" fail_after: 8}]}, {name: b, defaults: {stale_after: 5}}]\n"
	"  file_sd: [none/*.json]\n"
	"alerts:\n  receivers:\n"
	"  - {name: s, type: slack, url: \"https://u:pw@hooks.example/T/B\"}\n"
	"  - {name: m, type: smtp, server: \"mx:25\", from: a@b, to: [c@d],"
	" password: hush}\n"
	"  - {name: x, type: exec, argv: [/bin/x, -v]}\n"
	"  routes: [{to: [s, m]}, {match: {severity: critical}, to: [x]}]\n"
	"evacuate: {mode: armed, executor: {type: webhook, secret: hush, "
	"url: \"http://e/x\"}}\n";

START_TEST(r151_secrets_are_never_shown)
{
	struct config *cfg = rig_good(rich_example);
	struct strbuf text = { 0 };

	config_print(cfg, &text, true);
	ck_assert_ptr_null(strstr(text.p, "hush"));
	ck_assert_ptr_null(strstr(text.p, "pw"));
	ck_assert_ptr_null(strstr(text.p, "T/B"));
	ck_assert_ptr_nonnull(strstr(text.p, "\"https://***@hooks.example/***\""));
	ck_assert_ptr_nonnull(strstr(text.p, "token: \"***\""));
	ck_assert_ptr_nonnull(strstr(text.p, "# /etc/t/t.yaml:4\n"));
	ck_assert_ptr_nonnull(strstr(text.p, "# default\n"));
	strbuf_free(&text);
	config_free(cfg);
}
END_TEST

START_TEST(what_is_shown_can_be_loaded_and_shows_the_same)
{
	struct config *cfg = rig_good(rich_example), *again;
	struct strbuf once = { 0 }, twice = { 0 };

	config_print(cfg, &once, false);
	again = rig_good(once.p);
	config_print(again, &twice, false);
	ck_assert_str_eq(once.p, twice.p);
	strbuf_free(&once);
	strbuf_free(&twice);
	config_free(cfg);
	config_free(again);
}
END_TEST

START_TEST(the_example_file_holds_with_and_without_comments)
{
	struct strbuf text = { 0 }, open = { 0 };
	char *line, *rest;

	config_write_example(&text);
	config_free(rig_good(text.p));
	for (line = text.p; *line != '\0'; line = rest) {
		rest = strchr(line, '\n') + 1;
		if (line[0] == '#' && line[1] != '#')
			strbuf_add(&open, line + 1, (size_t)(rest - line - 1));
	}
	config_free(rig_good(open.p));
	strbuf_free(&text);
	strbuf_free(&open);
}
END_TEST

START_TEST(the_man_page_has_every_option)
{
	static const struct tocsin_opt *const all[] = { top_rows, tls_rows,
		http_rows, rule_rows, passive_rows, receiver_rows,
		evacuate_rows, executor_rows, host_rows };
	struct strbuf text = { 0 };
	char want[80];

	config_write_man(&text);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (const struct tocsin_opt *row = all[i]; row->name; row++) {
			snprintf(want, sizeof(want), "\n.B %s\n", row->name);
			ck_assert_msg(strstr(text.p, want) != NULL, "%s",
				row->name);
			ck_assert_ptr_nonnull(row->help);
		}
	strbuf_free(&text);
}
END_TEST

/* ---- file_sd ---- */

static const char sd_yaml[] = "partitions:\n- name: p\n  checks: "
	"[{probe: ping}]\n  hosts: [{name: h1, address: 10.9.9.9}]\n"
	"  file_sd: [\"sd*.json\"]\n";

START_TEST(hosts_come_from_file_sd)
{
	static const char *const files[] = { "t.yaml", "sd1.json", "sd2.json",
		NULL };
	const struct host_def *h;
	struct scene s;

	scene_open(&s, sd_yaml);
	scene_put(&s, "sd1.json", "[{\"targets\": [\"10.0.0.2:9100\", "
		"\"[fe80::1]:9100\"],\n \"labels\": {\"host\": \"H2\", "
		"\"rack\": \"r1\", \"__meta_x\": \"y\"}},\n"
		"{\"targets\": [\"web-3.example:80\", \"web-3.example:443\", "
		"\"h1\"]}]");
	scene_put(&s, "sd2.json", "[]");
	scene_load(&s);
	ck_assert_uint_eq(s.fleet->def.n_hosts, 3);
	h = &s.fleet->def.hosts[1];
	ck_assert_str_eq(h->name, "h2");
	ck_assert_str_eq(h->address, "10.0.0.2");
	ck_assert_int_eq(h->owner, OWNER_FILE_SD);
	ck_assert_uint_eq(h->n_tags, 1);
	ck_assert_str_eq(h->tags[0].key, "rack");
	ck_assert_uint_eq(h->n_checks, 1);
	h = &s.fleet->def.hosts[2];
	ck_assert_str_eq(h->name, "web-3.example");
	ck_assert_uint_eq(h->origin.line, 3);
	/* h1 belongs to the configuration; h2 had a second address */
	ck_assert_str_eq(s.fleet->def.hosts[0].address, "10.9.9.9");
	ck_assert_uint_eq(s.errs.warnings, 2);
	ck_assert_uint_eq(s.errs.errors, 0);
	ck_assert_ptr_nonnull(strstr(s.errs.items[1].text,
		"host 'h1' stays with "));
	scene_close(&s, files);
}
END_TEST

START_TEST(hosts_go_when_the_engine_has_them_unless_files_may_change)
{
	static const char *const files[] = { "t.yaml", "sd1.json", NULL };
	struct config *cfg = rig_good(design_example);
	struct config_fleet *fleet = rig_fleet_of(cfg);
	struct scene s;

	config_fleet_taken(cfg, fleet);
	ck_assert_ptr_null(fleet->def.hosts);
	ck_assert_uint_eq(cfg->partitions[0].n_hosts, 0);
	ck_assert_uint_eq(cfg->hosts.used_bytes, 0);
	ck_assert_str_eq(cfg->partitions[0].name, "rack1");
	ck_assert(!config_fleet_is_stale(cfg, fleet));
	config_fleet_free(fleet);
	config_free(cfg);

	scene_open(&s, sd_yaml);
	scene_load(&s);
	config_fleet_taken(s.cfg, s.fleet);
	scene_put(&s, "sd1.json", "[{\"targets\": [\"a:1\"]}]");
	scene_load(&s);
	ck_assert_uint_eq(s.fleet->def.n_hosts, 2);
	ck_assert_str_eq(s.fleet->def.hosts[0].address, "10.9.9.9");
	ck_assert_str_eq(s.fleet->def.hosts[1].name, "a");
	scene_close(&s, files);
}
END_TEST

/* h1 > h2 > … > hN, in the order of their names or the other way round */
static void
write_chain(struct strbuf *out, int n)
{
	strbuf_puts(out, "partitions: [{name: p, hosts: [{name: h1}");
	for (int i = 2; i <= n; i++)
		strbuf_printf(out, ", {name: h%d, parent: h%d}", i, i - 1);
	strbuf_puts(out, "]}]\n");
}

START_TEST(r001_chains_of_parents_are_at_most_16_long)
{
	struct config_errors errs = { 0 };
	struct strbuf text = { 0 };
	struct config *cfg;

	write_chain(&text, 17);
	config_free(rig_good(strbuf_str(&text)));
	strbuf_reset(&text);
	write_chain(&text, 18);
	ck_assert_int_eq(config_parse(&(struct config_text){ "t.yaml",
		strbuf_str(&text), text.n }, &rig_lookup, &cfg, &errs), TC_EINVAL);
	ck_assert_uint_eq(errs.errors, 1);
	ck_assert_ptr_nonnull(strstr(errs.items[0].text, "host 'h18': parent: "
		"more than 16 in a row: h18 > h17 > "));
	config_errors_fini(&errs);
	strbuf_free(&text);
}
END_TEST

START_TEST(r001_file_sd_names_parents_and_its_faults_are_warnings)
{
	static const char *const files[] = { "t.yaml", "sd1.json", NULL };
	struct scene s;

	scene_open(&s, "partitions:\n- name: p\n  file_sd: [\"sd*.json\"]\n"
		"  hosts:\n  - {name: h1, parent: sw1}\n"
		"  - {name: h2, parent: nobody}\n");
	scene_put(&s, "sd1.json", "[{\"targets\": [\"sw1:1\"]},\n"
		"{\"targets\": [\"h3:1\"], \"labels\": "
		"{\"__tocsin_parent\": \"SW1\"}},\n"
		"{\"targets\": [\"x:1\"], \"labels\": "
		"{\"__tocsin_parent\": \"y\"}},\n"
		"{\"targets\": [\"y:1\"], \"labels\": "
		"{\"__tocsin_parent\": \"x\"}},\n"
		"{\"targets\": [\"z:1\"], \"labels\": "
		"{\"__tocsin_parent\": \"z\"}}]");
	scene_load(&s);
	ck_assert_uint_eq(s.fleet->def.n_hosts, 7);
	ck_assert_str_eq(s.fleet->def.hosts[0].parent, "sw1");
	ck_assert_ptr_null(s.fleet->def.hosts[1].parent);
	ck_assert_str_eq(s.fleet->def.hosts[3].name, "h3");
	ck_assert_str_eq(s.fleet->def.hosts[3].parent, "sw1");
	ck_assert_uint_eq(s.fleet->def.hosts[3].n_tags, 0);
	ck_assert_uint_eq(s.errs.errors, 0);
	ck_assert_uint_eq(s.errs.warnings, 3);
	ck_assert_str_eq(s.errs.items[0].text, "host 'h2': parent: no host "
		"'nobody'; it hangs on nothing");
	ck_assert_uint_eq(s.errs.items[0].line, 6);
	ck_assert_str_eq(s.errs.items[1].text, "host 'x': parent: a cycle: "
		"x > y > x; it hangs on nothing");
	ck_assert_ptr_nonnull(strstr(s.errs.items[1].file, "sd1.json"));
	ck_assert_uint_eq(s.errs.items[1].line, 3);
	ck_assert_ptr_nonnull(strstr(s.errs.items[2].text, "host 'z': parent: "
		"is the host itself"));
	/* the file breaks, and what it had of parents stays */
	scene_put(&s, "sd1.json", "[7]");
	scene_load(&s);
	ck_assert_str_eq(s.fleet->def.hosts[3].parent, "sw1");
	scene_close(&s, files);
}
END_TEST

START_TEST(a_broken_file_keeps_its_earlier_hosts)
{
	static const char *const files[] = { "t.yaml", "sd1.json", NULL };
	struct scene s;

	scene_open(&s, sd_yaml);
	scene_put(&s, "sd1.json", "[{\"targets\": [\"a:1\", \"b:1\"], "
		"\"labels\": {\"x\": \"y\"}}]");
	scene_load(&s);
	ck_assert_uint_eq(s.fleet->def.n_hosts, 3);
	ck_assert(!config_fleet_is_stale(s.cfg, s.fleet));
	scene_put(&s, "sd1.json", "[{\"targets\": [\"a:1\"], \"labels\": 7}]");
	ck_assert(config_fleet_is_stale(s.cfg, s.fleet));
	scene_load(&s);
	ck_assert_uint_eq(s.fleet->def.n_hosts, 3);
	ck_assert_str_eq(s.fleet->def.hosts[2].name, "b");
	ck_assert_str_eq(s.fleet->def.hosts[2].tags[0].value, "y");
	ck_assert_uint_eq(s.errs.warnings, 1);
	ck_assert_ptr_nonnull(strstr(s.errs.items[0].file, "sd1.json"));
	ck_assert_str_eq(s.errs.items[0].text, "/0/labels: not an object "
		"(byte 32); its earlier hosts stay");
	ck_assert(!config_fleet_is_stale(s.cfg, s.fleet));
	scene_load(&s);
	ck_assert_uint_eq(s.fleet->def.n_hosts, 3);
	scene_put(&s, "sd1.json", "[]");
	scene_load(&s);
	ck_assert_uint_eq(s.fleet->def.n_hosts, 1);
	scene_close(&s, files);
}
END_TEST

START_TEST(wrong_file_sd_says_where)
{
	static const char *const bad[][2] = {
		{ "{}", "the document: not an array (byte 0)" },
		{ "[{\"target\": []}]", "/0/target: unknown field (byte 2)" },
		{ "[{\"targets\": [\"a b\"]}]",
			"/0/targets/0: 'a b' is no address (byte 14)" },
		{ "[{\"targets\": [\":9100\"]}]",
			"/0/targets/0: ':9100' is no address (byte 14)" },
		{ "[{\"targets\": [7]}]",
			"/0/targets/0: not a string (byte 14)" },
		{ "[{\"labels\": {\"host\": \"a b\"}}]", "/0/labels/host: 'a b' "
			"is no name: byte 1 (0x20) may not stand in "
			"a name (byte 21)" },
		{ "[{\"targets\": [\"::1\"]}]", "/0: '::1' is no name: byte "
			"0 (0x3a) may not stand in a name (byte 14)" },
		{ "[{\"targets\"", "/0/targets: the text ends where ':' is "
			"expected (byte 11)" },
	};
	static const char *const files[] = { "t.yaml", "sd1.json", NULL };
	char want[300];
	struct scene s;

	scene_open(&s, sd_yaml);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		scene_put(&s, "sd1.json", bad[i][0]);
		scene_load(&s);
		snprintf(want, sizeof(want), "%s; none of its hosts is taken",
			bad[i][1]);
		ck_assert_str_eq(s.errs.items[0].text, want);
	}
	scene_close(&s, files);
}
END_TEST

START_TEST(plugin_dirs_are_known_before_the_probes)
{
	static const char *const files[] = { "t.yaml", NULL };
	struct strbuf dirs = { 0 };
	struct scene s;

	scene_open(&s, "plugin_dirs: [/opt/a, /opt/b]\n");
	ck_assert_int_eq(config_plugin_dirs(s.cfg->path, &dirs), 0);
	ck_assert_str_eq(dirs.p, ":/opt/a:/opt/b");
	ck_assert_uint_eq(s.cfg->plugin_dirs.n, 2);
	strbuf_reset(&dirs);
	scene_put(&s, "t.yaml", "plugin_dirs: [");
	ck_assert_int_eq(config_plugin_dirs(s.cfg->path, &dirs), 0);
	ck_assert_str_eq(strbuf_str(&dirs), "");
	strbuf_free(&dirs);
	scene_close(&s, files);
}
END_TEST

START_TEST(a_missing_file_is_an_error_with_its_name)
{
	struct config_errors errs = { 0 };
	struct config *cfg;

	ck_assert_int_eq(config_load("/nowhere/t.yaml", &rig_lookup, &cfg, &errs),
		TC_ENOENT);
	ck_assert_str_eq(errs.items[0].file, "/nowhere/t.yaml");
	config_errors_fini(&errs);
}
END_TEST

/* ---- memory ---- */

static int
load_all(const char *yaml)
{
	struct config_errors errs = { 0 };
	struct config_fleet *fleet = NULL;
	struct config *cfg = NULL;
	int rc = config_parse(&(struct config_text){ "/etc/t/t.yaml", yaml,
		strlen(yaml) }, &rig_lookup, &cfg, &errs);

	if (rc == 0)
		rc = config_fleet_load(cfg, NULL, &fleet, &errs);
	config_fleet_free(fleet);
	if (cfg != NULL)
		config_free(cfg);
	config_errors_fini(&errs);
	return rc;
}

START_TEST(every_failing_allocation_is_survived)
{
	int rc = TC_ENOMEM;

	for (long n = 1; rc != 0; n++) {
		mem_fail_at(n);
		rc = load_all(rich_example);
		mem_fail_at(0);
		ck_assert_msg(rc == 0 || rc == TC_ENOMEM, "%ld: %d", n, rc);
	}
}
END_TEST

START_TEST(a_file_of_ten_thousand_hosts_is_one_of_many)
{
	struct strbuf text = { 0 };
	struct config *cfg;
	struct config_fleet *fleet;

	strbuf_puts(&text, "partitions:\n- name: p\n  checks: [{probe: ping}]\n"
		"  hosts:\n");
	for (int i = 0; i < 10000; i++)
		strbuf_printf(&text, "  - {name: h%d, address: 127.1.%d.%d}\n",
			i, i / 250, i % 250 + 1);
	cfg = rig_good(text.p);
	fleet = rig_fleet_of(cfg);
	ck_assert_uint_eq(fleet->def.n_hosts, 10000);
	config_fleet_free(fleet);
	config_free(cfg);
	strbuf_free(&text);
}
END_TEST

int
main(void)
{
	return STORIES("config", the_example_of_the_design_is_taken,
		an_empty_file_is_all_defaults, r059_the_gateway_is_asked_unless_told_otherwise,
		the_nearest_default_wins,
		names_are_folded_and_an_address_may_be_none,
		what_is_wrong_is_refused_with_its_line,
		all_faults_are_reported_at_once, a_hundred_faults_are_enough,
		an_anchor_bomb_fizzles, a_million_brackets_take_no_time,
		aliases_in_measure_are_taken,
		a_clear_address_without_tls_is_warned_about,
		r151_secrets_are_never_shown,
		what_is_shown_can_be_loaded_and_shows_the_same,
		the_example_file_holds_with_and_without_comments,
		the_man_page_has_every_option, hosts_come_from_file_sd,
		hosts_go_when_the_engine_has_them_unless_files_may_change,
		r001_chains_of_parents_are_at_most_16_long,
		r001_file_sd_names_parents_and_its_faults_are_warnings,
		a_broken_file_keeps_its_earlier_hosts,
		wrong_file_sd_says_where,
		plugin_dirs_are_known_before_the_probes,
		a_missing_file_is_an_error_with_its_name,
		every_failing_allocation_is_survived,
		a_file_of_ten_thousand_hosts_is_one_of_many);
}
