/*
 * The page in a real Chromium: the four layers from the fleet down to a role,
 * each state with its shape and its word, the scorecard, what is said when
 * there is nothing or when the server refuses, and how much work it is.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "t/lib/page_stage.h"

/* h1 runs v1 (roles web, cache) and v2, both without an agent; h2 nothing. */
static void
begin(struct stage *s)
{
	stage_init(s);
	it_write(&s->it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n"
		"defaults: {interval: 500ms, timeout: 400ms, fail_after: 2,"
		" clear_after: 2, recheck: 0s}\n"
		"units: {heartbeat: 1m, grace: 3m}\n"
		"partitions:\n  - name: rack1\n"
		"    checks: [{probe: tcp, port: %d}]\n    hosts:\n"
		"      - name: h1\n        address: 127.1.0.1\n        vms:\n"
		"          - {name: v1, class: stateless, agent: none, roles: ["
		"{name: web, class: stateless, address: 127.1.0.1, "
		"checks: [{probe: tcp, port: 1}]}, "
		"{name: cache, class: stateless, address: 127.1.0.1, "
		"checks: [{probe: tcp, port: %d}]}]}\n"
		"          - {name: v2, class: stateful, agent: none, "
		"address: 127.1.0.1, checks: [{probe: tcp, port: 1}]}\n"
		"        roles: [{name: ntp, address: 127.1.0.1}]\n"
		"      - {name: h2, address: 127.1.0.2}\n"
		"  - name: rack2\n    hosts:\n"
		"      - {name: h3, address: 127.1.0.3, "
		"checks: [{probe: tcp, port: %d}]}\n", s->it.dir, s->port, s->port,
		s->port);
	stage_start(s);
}

static void
runs(struct stage *s, const char *vm)
{
	char body[200];

	snprintf(body, sizeof(body), "{\"host\":\"h1\",\"vm\":\"%s\","
		"\"vm_state\":\"running\",\"source\":\"libvirt\"}", vm);
	stage_call(s, "POST /v1/signals", body, 200);
}

START_TEST(r001_the_page_goes_down_the_four_layers)
{
	struct stage s;

	begin(&s);
	runs(&s, "v1");
	runs(&s, "v2");
	stage_enter(&s);
	stage_wait_text(&s, "#broken", "v1/web role connection refused");
	stage_wait_text(&s, "#broken", "take it out of rotation");
	stage_wait_text(&s, "#broken", "v2 VM impaired");
	stage_wait_text(&s, "h1", "1 VM and 1 role are broken");
	stage_widths(&s, "layers-now");
	/* of its host */
	stage_visit(&s, "#/host/h1");
	stage_wait_text(&s, ".verdict", "h1 is well. On it");
	stage_wait_text(&s, ".units", "take it out of rotation, then restart "
		"the service");
	stage_wait_text(&s, ".units", "restart it, keep its disk");
	stage_wait_text(&s, ".units", "tcp:1");
	stage_widths(&s, "layers-host");
	/* of itself, and up again */
	stage_click(&s, ".units tr.told a");
	stage_wait_text(&s, "main", "How sure");
	stage_wait_text(&s, ".verdict", "The cheapest help");
	stage_widths(&s, "layers-unit");
	stage_click(&s, ".crumbs a");
	stage_wait_text(&s, "h1", "2 partitions, 3 hosts, 2 VMs, 3 roles");
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

START_TEST(r121_the_tree_is_opened_with_keys_and_stays_open)
{
	struct stage s;

	begin(&s);
	runs(&s, "v2");
	stage_enter(&s);
	stage_visit(&s, "#/tree");
	stage_wait_text(&s, ".tree", "h1");
	ck_assert(!browser_true(&s.b, "return document.querySelector('.tree')"
		".innerText.includes('cache')"));
	stage_run(&s, "document.querySelector(`[data-branch='h/h1'] summary`)"
		".focus()");
	browser_key(&s.b, "\xee\x80\x87");	/* U+E007, Enter */
	stage_wait_text(&s, ".tree", "cache role");
	stage_wait_text(&s, ".tree", "web role \xc2\xb7 connection refused");
	stage_widths(&s, "tree");
	/* what happens meanwhile closes nothing and moves no focus */
	stage_feed_disk(&s, "h3", "Z300A1B2", 24);
	browser_wait(&s.b, "return document.querySelector('#nav').innerText"
		".includes('Predictions') && !!document.querySelector("
		"`#nav a[href='#/predictions'] b`)", 15);
	ck_assert(browser_true(&s.b, "return document.activeElement.matches("
		"`[data-branch='h/h1'] summary`) && document.querySelector("
		"'.tree').innerText.includes('cache role')"));
	browser_key(&s.b, "\xee\x80\x87");
	browser_wait(&s.b, "return !document.querySelector('.tree').innerText"
		".includes('cache role')", 5);
	stage_visit(&s, "#/tree?only=unwell");
	stage_wait_text(&s, ".tree", "v1/web role");
	ck_assert(!browser_true(&s.b, "return /h2|h3/.test(document"
		".querySelector('.tree').innerText)"));
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

/* The states are those of the API; what a colour-blind person sees differs. */
START_TEST(each_state_has_a_shape_and_a_word_of_its_own)
{
	struct stage s;

	begin(&s);
	stage_enter(&s);
	browser_wait(&s.b, "return Promise.all([import('/page/words.js'),"
		"import('/page/cells.js'), fetch('/openapi.json')"
		".then(r => r.json())]).then(([w, c, api]) => {"
		"const states = api.components.schemas.State.enum;"
		"const alone = ['unhealthy', 'impaired', 'unreachable',"
		" 'overloaded', 'flapping', 'suspect', 'stale', 'unknown',"
		" 'healthy'];"
		"const shapes = new Set(alone.map((x) => w.look(x)[0]));"
		"const words = new Set(states.map((x) => w.look(x)[2]));"
		"return shapes.size === alone.length &&"
		" words.size === states.length &&"
		" states.every((x) => w.STATES[x] && c.SHAPES[w.look(x)[0]]) &&"
		" ['imminent', 'likely', 'watch'].every((x) =>"
		"  c.SHAPES[w.levelLook(x)[0]]);})", 1);
	/* drawn at the size of a cell, no two have the same pixels */
	browser_wait(&s.b, "return import('/page/cells.js').then((c) => {"
		"const seen = new Set();"
		"for (const [name, draw] of Object.entries(c.SHAPES)) {"
		" const e = document.createElement('canvas');"
		" e.width = e.height = 16; const x = e.getContext('2d');"
		" draw(x, 8, 8, 11); seen.add(e.toDataURL());}"
		"return seen.size === Object.keys(c.SHAPES).length;})", 1);
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

/* What a year would bring: a card as the API gives it. */
static const char of_a_year[] = "return import('/page/store.js').then((m) => {"
	"const share = (k, n, low, high) => ({ k, n, share: k / n, low, high });"
	"const days = (d) => ({ days: d, low: d - 2, high: d + 3 });"
	"const level = (level) => ({ level, open: 3,"
	" precision: share(41, 47, 0.75, 0.94),"
	" recall: share(41, 90, 0.36, 0.56),"
	" false_alarms: { n: 6, per_host_year: 0.12, low: 0.05, high: 0.26 },"
	" lead_time: { p10: days(3), median: days(19), p90: days(88) } });"
	"const c = m.now.score.card;"
	"c.all = { ...c.all, host_years: 50.1, failed: 90, levels:"
	" ['watch', 'likely', 'imminent'].map(level) };"
	"dispatchEvent(new Event('hashchange')); return true;})";

START_TEST(r039_the_scorecard_says_shares_with_intervals_or_too_little)
{
	struct stage s;
	char text[200];

	begin(&s);
	stage_enter(&s);
	stage_visit(&s, "#/scorecard");
	stage_wait_text(&s, "main", "No prediction is settled yet");
	stage_wait_text(&s, ".score", "not enough data");
	stage_widths(&s, "scorecard-empty");
	for (int i = 0; i < 12; i++) {
		snprintf(text, sizeof(text), "D%d", i);
		stage_feed_disk(&s, "h3", text, 40);
	}
	for (int i = 0; i < 11; i++) {
		snprintf(text, sizeof(text), "{\"device\":\"D%d\",\"outcome\":"
			"\"wrong_alarm\"}", i);
		stage_call(&s, "POST /v1/outcomes", text, 201);
	}
	stage_run(&s, "location.reload()");
	stage_wait_text(&s, ".score", "0 of 11, between 0\xc2\xa0% and 26\xc2\xa0%");
	stage_wait_text(&s, ".score", "11 so far");
	stage_wait_text(&s, "main", "By the rule that led the alarm");
	ck_assert(browser_true(&s.b,
		"return !!document.querySelector('.score svg.range circle')"));
	ck_assert(browser_true(&s.b, of_a_year));
	stage_wait_text(&s, ".score", "87\xc2\xa0%");
	stage_wait_text(&s, ".score", "41 of 47, between 75\xc2\xa0% and 94\xc2\xa0%");
	stage_wait_text(&s, ".score", "41 of 90, between 36\xc2\xa0% and 56\xc2\xa0%");
	stage_wait_text(&s, ".score", "19 days");
	stage_wait_text(&s, ".score", "one in ten below 3 d (1\xe2\x80\x93" "6)");
	stage_wait_text(&s, ".score", "0.1 per host and year");
	stage_widths(&s, "scorecard");
	stage_visit(&s, "#/predictions");
	stage_wait_text(&s, ".lead", "87 % of 47 settled alarms were right");
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

/* A switch is down, five hosts behind it: one line, and each says why. */
START_TEST(r001_what_is_behind_a_dead_parent_is_one_line)
{
	struct stage s;

	stage_init(&s);
	it_write(&s.it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n"
		"defaults: {interval: 500ms, timeout: 400ms, fail_after: 2,"
		" clear_after: 2}\n"
		"partitions:\n  - name: rack1\n"
		"    checks: [{probe: tcp, port: 1}]\n    hosts:\n"
		"      - {name: sw1, address: 127.1.0.9}\n"
		"      - {name: h1, address: 127.1.0.1, parent: sw1}\n"
		"      - {name: h2, address: 127.1.0.2, parent: sw1}\n"
		"      - {name: h3, address: 127.1.0.3, parent: sw1}\n"
		"      - {name: h4, address: 127.1.0.4, parent: sw1}\n"
		"      - {name: h5, address: 127.1.0.5, parent: sw1}\n",
		s.it.dir);
	stage_start(&s);
	stage_enter(&s);
	stage_wait_text(&s, "#broken", "5 hosts unreachable behind sw1");
	stage_wait_text(&s, "#broken", "sw1");
	stage_wait_text(&s, "h1", "1 host is broken, 5 hosts are unreachable");
	stage_wait_text(&s, ".legend", "unreachable");
	stage_widths(&s, "behind");
	stage_click(&s, "#broken a[href*=behind]");
	stage_wait_text(&s, "h1", "5 hosts unreachable, behind sw1");
	stage_visit(&s, "#/host/h3");
	stage_wait_text(&s, ".verdict", "h3 is unreachable: it hangs on sw1, "
		"which is down");
	stage_visit(&s, "#/host/sw1");
	stage_wait_text(&s, ".facts", "5 hosts");
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

static void
enter_token(struct stage *s, const char *token)
{
	char script[400];

	browser_wait(&s->b, "return !!document.querySelector('#dialog')?.open",
		10);
	snprintf(script, sizeof(script), "document.querySelector("
		"'#dialog input').value = '%s'; document.querySelector("
		"'#dialog form').requestSubmit()", token);
	stage_run(s, script);
}

START_TEST(what_the_server_refuses_is_said_in_words)
{
	struct it_reply r;
	struct stage s;
	char token[128];

	begin(&s);
	it_call(&s.it, "POST /v1/tokens", NULL,
		"{\"role\":\"agent\",\"host\":\"h1\"}", &r);
	ck_assert_int_eq(r.status, 201);
	snprintf(token, sizeof(token), "%s", it_text(&r, "token"));
	it_reply_fini(&r);
	browser_go(&s.b, s.it.url);
	enter_token(&s, "nobody");
	stage_wait_text(&s, "#dialog", "does not know this token");
	enter_token(&s, token);
	stage_wait_text(&s, "#dialog", "This token may not look");
	enter_token(&s, s.it.admin);
	stage_wait_text(&s, "h1", "broken");
	stage_visit(&s, "#/unit/77");
	stage_wait_text(&s, "main", "no such VM or role");
	stage_visit(&s, "#/host/nobody");
	stage_wait_text(&s, "main", "There is no such host");
	stage_visit(&s, "#/prediction/x");
	stage_wait_text(&s, "main", "no such prediction");
	stage_end(&s);
}
END_TEST

/* Each view of a server that has nothing yet says so. */
START_TEST(a_fleet_of_nothing_is_told_in_words)
{
	static const struct {
		const char *hash, *where, *text;
	} views[] = {
		{ "#/", "h1", "No hosts are watched yet" },
		{ "#/hosts", "main", "No hosts are watched yet" },
		{ "#/tree", "main", "There are no partitions yet" },
		{ "#/tree?only=unwell", "main", "is well" },
		{ "#/predictions", "main", "Nothing is expected to break" },
		{ "#/scorecard", "main", "No prediction is settled yet" },
		{ "#/evacuations", "main", "No evacuation is recommended" },
		{ "#/brakes", "main", "There are no partitions" },
		{ "#/alerts", "main", "No alert fires" },
		{ "#/maintenance", "main", "No maintenance" },
		{ "#/switches", "main", "There are no partitions" },
		{ "#/audit", "main", "Nobody has done anything yet" },
	};
	struct stage s;

	stage_init(&s);
	it_write(&s.it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n", s.it.dir);
	stage_start(&s);
	stage_enter(&s);
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		stage_visit(&s, views[i].hash);
		stage_wait_text(&s, views[i].where, views[i].text);
	}
	stage_visit(&s, "#/");
	stage_widths(&s, "nothing");
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

static double
metric(struct stage *s, const char *name)
{
	json_t *all = browser_ask(&s->b, "Performance.getMetrics", "{}"), *m;
	double v = -1;
	size_t i;

	json_array_foreach(json_object_get(all, "metrics"), i, m)
		if (strcmp(json_string_value(json_object_get(m, "name")),
			name) == 0)
			v = json_number_value(json_object_get(m, "value"));
	json_decref(all);
	return v;
}

/* CPU of scripts, from nothing to the drawn fleet; and nothing jumps. */
START_TEST(five_thousand_hosts_cost_little_and_nothing_jumps)
{
	struct stage s;
	json_t *jumps;
	double ms;

	stage_init(&s);
	stage_start_racks(&s, 5);
	browser_tell(&s.b, "Performance.enable", "{}");
	stage_enter(&s);
	browser_wait(&s.b, "return document.querySelector('canvas')?.height >"
		" 300", 20);
	ms = 1000 * metric(&s, "ScriptDuration");
	printf("page: 5,000 hosts: %.0f ms of scripts from the start\n", ms);
	ck_assert_double_ge(ms, 0);
	ck_assert_double_lt(ms, 1500);
	stage_wait_text(&s, "#broken", "more");
	stage_run(&s, "window.jumps = 0; new PerformanceObserver((l) => l"
		".getEntries().forEach((e) => { window.jumps += e.value; }))"
		".observe({type: 'layout-shift'})");
	/* a risk comes up while one reads: what is above stays where it is */
	stage_feed_disk(&s, "n0-001", "Z300A1B2", 24);
	stage_wait_text(&s, "#will-break", "n0-001");
	jumps = browser_run(&s.b, "return window.jumps");
	printf("page: layout shift %.4f\n", json_number_value(jumps));
	ck_assert_double_lt(json_number_value(jumps), 0.1);
	json_decref(jumps);
	stage_visit(&s, "#/tree");
	stage_wait_text(&s, ".tree", "r4");
	stage_visit(&s, "#/tree?partition=r0");
	stage_wait_text(&s, ".tree", "Show 50 of 950 more");
	stage_visit(&s, "#/");
	stage_wait_text(&s, "#broken", "more");
	ms = metric(&s, "ScriptDuration");
	stage_run(&s, "dispatchEvent(new Event('hashchange'))");
	printf("page: drawn again in %.0f ms of scripts\n", 1000 *
		(metric(&s, "ScriptDuration") - ms));
	stage_end(&s);
}
END_TEST

/* The number of the first line, and of what stands below, at each drawing. */
static const char watch[] = "window.apart = ''; window.said = new Set();"
	"new MutationObserver(() => {"
	" const h = /([\\d,]+) hosts? (is|are) broken/.exec("
	"  document.querySelector('h1')?.textContent);"
	" const n = Number((h?.[1] ?? '0').replaceAll(',', ''));"
	" const li = [...document.querySelectorAll('#broken li')];"
	" const m = /and ([\\d,]+) more/.exec(li.at(-1)?.textContent);"
	" const below = li.length + (m ?"
	"  Number(m[1].replaceAll(',', '')) - 1 : 0);"
	" window.said.add(n);"
	" if (n !== below) window.apart += `${n} above, ${below} below; `;"
	"}).observe(document.querySelector('main'),"
	" { childList: true, subtree: true, characterData: true })";

START_TEST(in_a_storm_the_first_line_and_the_list_say_the_same)
{
	struct stage s;
	json_t *apart, *said;
	char body[128];

	stage_init(&s);
	stage_start_racks(&s, 1);
	stage_enter(&s);
	browser_wait(&s.b, "return document.querySelector('h1')?.innerText"
		".includes('334 hosts are broken')", 60);
	stage_run(&s, watch);
	for (int i = 0; i < 300; i++) {
		if (i % 3 == 0)
			continue;
		snprintf(body, sizeof(body), "{\"host\":\"n0-%03d\","
			"\"source\":\"storm\",\"outcome\":\"fail\"}", i);
		stage_call(&s, "POST /v1/signals", body, 200);
	}
	browser_wait(&s.b, "return document.querySelector('h1')?.innerText"
		".includes('534 hosts are broken')", 60);
	apart = browser_run(&s.b, "return window.apart");
	said = browser_run(&s.b, "return window.said.size");
	printf("page: %.0f first lines in a storm\n", json_number_value(said));
	ck_assert_str_eq(json_string_value(apart), "");
	ck_assert_double_gt(json_number_value(said), 0);
	json_decref(apart);
	json_decref(said);
	stage_end(&s);
}
END_TEST

int
main(void)
{
	if (!browser_is_there()) {
		printf("page: no chromium and chromium-driver here: skipped\n");
		return 77;
	}
	return STORIES("page_layers", r001_the_page_goes_down_the_four_layers,
		r121_the_tree_is_opened_with_keys_and_stays_open,
		each_state_has_a_shape_and_a_word_of_its_own,
		r039_the_scorecard_says_shares_with_intervals_or_too_little,
		r001_what_is_behind_a_dead_parent_is_one_line,
		what_the_server_refuses_is_said_in_words,
		a_fleet_of_nothing_is_told_in_words,
		in_a_storm_the_first_line_and_the_list_say_the_same,
		five_thousand_hosts_cost_little_and_nothing_jumps);
}
