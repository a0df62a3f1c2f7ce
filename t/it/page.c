/*
 * The page in a real Chromium, served by a real tocsind: what it says, that it
 * says it at once, in every width, and to hostile names.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "t/lib/page_stage.h"

#define RACK1 48
#define RACK2 24

/* The rack's hosts answer at the port, but for the first n_broken. */
static void
add_rack(struct strbuf *y, const struct stage *s, int rack, int n_broken)
{
	int n = rack == 1 ? RACK1 : RACK2;

	strbuf_printf(y, "  - name: rack%d\n"
		"    checks: [{probe: tcp, port: %d}]\n    hosts:\n", rack, s->port);
	for (int i = 1; i <= n; i++)
		strbuf_printf(y, "      - {name: %s-%02d, address: 127.1.%d.%d,"
			" tags: {team: %s}%s}\n", i % 3 != 0 ? "web" :
			"db", i + 100 * (rack - 1), rack, i,
			i % 3 != 0 ? "shop" : "data", i <= n_broken ?
			", checks: [{probe: tcp, port: 1}]" : "");
}

static void
write_config(struct stage *s, int n_broken)
{
	struct it *it = &s->it;
	struct strbuf y = { 0 };

	strbuf_printf(&y, "listen: 127.0.0.1:0\nstate_dir: %s/state\n"
		"defaults: {interval: 1s, timeout: 500ms, fail_after: 3,"
		" clear_after: 2}\npartitions:\n", it->dir);
	add_rack(&y, s, 1, 1);
	add_rack(&y, s, 2, n_broken);
	it_write(it, "tocsin.yaml", "%s", strbuf_str(&y));
	strbuf_free(&y);
}

static void
begin(struct stage *s, int n_broken)
{
	stage_init(s);
	write_config(s, n_broken);
	stage_start(s);
}

START_TEST(it_says_what_is_broken_and_what_will_break)
{
	struct stage s;

	begin(&s, 4);
	stage_feed_disk(&s, "db-12", "Z300A1B2", 24);
	stage_feed_disk(&s, "web-07", "Z300C3D4", 2);
	stage_enter(&s);
	stage_wait_text(&s, "#broken", "web-01");
	stage_wait_text(&s, "#broken", "tcp:1 connection refused");
	stage_wait_text(&s, "#broken", "db-103");
	stage_wait_text(&s, "#will-break", "db-12");
	stage_wait_text(&s, "#will-break", "pending sectors");
	stage_wait_text(&s, "h1", "5 hosts are broken, 2 hosts are likely to break");
	stage_widths(&s, "now");
	stage_visit(&s, "#/host/db-12");
	stage_wait_text(&s, "main", "pending sectors");
	stage_wait_text(&s, ".verdict", "db-12 is well. It is expected to fail soon");
	browser_wait(&s.b, "return !!document.querySelector('svg.chart path')",
		10);
	stage_widths(&s, "host");
	stage_visit(&s, "#/host/web-01");
	stage_wait_text(&s, ".verdict", "web-01 is broken: tcp:1 connection refused");
	stage_visit(&s, "#/predictions");
	stage_wait_text(&s, "main", "imminent");
	stage_run(&s, "document.querySelector("
		"`main a[href^='#/prediction/']`).click()");
	stage_wait_text(&s, "main", "The counters behind it");
	stage_widths(&s, "prediction");
	stage_run(&s, "history.back()");
	stage_wait_text(&s, "h1", "open prediction");
	stage_visit(&s, "#/hosts");
	stage_wait_text(&s, "h1", "72 hosts");
	stage_widths(&s, "hosts");
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

START_TEST(it_is_live_without_being_loaded_again)
{
	struct stage s;

	begin(&s, 0);
	stage_enter(&s);
	stage_wait_text(&s, "h1", "1 host is broken.");
	browser_wait(&s.b, "return document.querySelector('#age.live') != null",
		10);
	stage_run(&s, "window.same = 1");
	write_config(&s, 2);
	kill(s.it.server, SIGHUP);
	stage_wait_text(&s, "#broken", "web-101");
	stage_feed_disk(&s, "db-12", "Z300A1B2", 24);
	stage_wait_text(&s, "#will-break", "db-12");
	ck_assert(browser_true(&s.b, "return window.same === 1"));
	browser_no_complaints(&s.b);
	/* the server goes: what was known stays, and its age is said */
	it_end(&s.it.server, SIGKILL);
	browser_wait(&s.b, "return document.body.classList.contains('old') && "
		"!document.querySelector('#banner').hidden", 15);
	stage_wait_text(&s, "#banner", "This is what was known");
	stage_wait_text(&s, "#broken", "web-101");
	stage_widths(&s, "lost");
	stage_end(&s);
}
END_TEST

START_TEST(a_brake_is_released_by_who_says_why)
{
	static const char *const hosts[] = { "db-103", "db-106", "db-109" };
	struct stage s;

	begin(&s, 0);
	for (size_t i = 0; i < 3; i++)
		stage_feed_disk(&s, hosts[i], hosts[i], 24);
	stage_enter(&s);
	stage_wait_text(&s, "#held", "rack2 brake latched, 3 of 24 hosts bad");
	stage_widths(&s, "braked");
	stage_visit(&s, "#/evacuations");
	stage_wait_text(&s, "h1", "3 hosts should be left");
	stage_wait_text(&s, "main", "the brake of its partition is latched");
	stage_widths(&s, "evacuations");
	stage_visit(&s, "#/brakes");
	stage_click(&s, "[data-do=release][data-arg=rack2]");
	browser_wait(&s.b, "return document.querySelector('dialog').open", 5);
	stage_shoot(&s, "release", 1400);
	stage_type(&s, "name", "Ada");
	stage_type(&s, "reason", "disks are from one bad batch; hosts are drained");
	stage_type(&s, "typed", "rack1");
	stage_click(&s, "dialog .main");
	ck_assert(browser_true(&s.b, "return document.querySelector("
		"'dialog').open && !document.querySelector('dialog form')"
		".checkValidity()"));
	stage_type(&s, "typed", "rack2");
	stage_click(&s, "dialog .main");
	stage_wait_text(&s, "h1", "All brakes are open");
	stage_visit(&s, "#/alerts");
	stage_wait_text(&s, "main", "failure imminent");
	stage_click(&s, "[data-do=ack]");
	stage_type(&s, "name", "Ada");
	stage_type(&s, "text", "spare disks are on their way");
	stage_click(&s, "dialog .main");
	stage_wait_text(&s, "main tbody", "Ada");
	stage_widths(&s, "alerts");
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

static void
patch_tags(struct stage *s, const char *host, const char *app)
{
	char what[128], body[128];

	snprintf(what, sizeof(what), "PATCH /v1/hosts/%s", host);
	snprintf(body, sizeof(body), "{\"tags\":{\"app\":\"%s\"}}", app);
	stage_call(s, what, body, 200);
}

START_TEST(r106_a_window_is_planned_with_what_it_means_in_sight)
{
	struct stage s;

	begin(&s, 0);
	patch_tags(&s, "web-02", "shop");
	patch_tags(&s, "web-04", "shop");
	patch_tags(&s, "db-06", "ledger");
	stage_enter(&s);
	stage_visit(&s, "#/maintenance");
	stage_wait_text(&s, "h1", "No maintenance");
	stage_visit(&s, "#/plan");
	stage_wait_text(&s, "#impact", "Name hosts or a partition");
	stage_fill(&s, "hosts", "web-02, db-06");
	stage_wait_text(&s, "#impact", "2 hosts");
	stage_wait_text(&s, "#impact", "No second host runs ledger (db-06)");
	stage_wait_text(&s, "#impact", "1 of 2");
	stage_fill(&s, "hosts", "web-02, nobody");
	stage_wait_text(&s, "#impact", "no host 'nobody'");
	stage_fill(&s, "hosts", "web-02");
	stage_fill(&s, "reason", "new power supply");
	stage_fill(&s, "person", "Ada");
	stage_fill(&s, "type", "power");
	stage_widths(&s, "plan");
	stage_click(&s, "#plan .main");
	stage_wait_text(&s, "h1", "1 maintenance window");
	stage_wait_text(&s, "main tbody", "new power supply");
	stage_wait_text(&s, "main tbody", "Ada");
	stage_wait_text(&s, "main tbody", "running");
	/* the other shop host at the same time: told, refused, then accepted */
	stage_visit(&s, "#/plan");
	stage_fill(&s, "hosts", "web-04");
	stage_wait_text(&s, "#impact", "With window 1 nothing is left of shop");
	stage_fill(&s, "reason", "the same");
	stage_fill(&s, "person", "Ada");
	stage_click(&s, "#plan .main");
	stage_wait_text(&s, "#impact", "leave nothing of 'shop'");
	stage_widths(&s, "conflict");
	stage_click(&s, "#impact [name=accept]");
	stage_click(&s, "#plan .main");
	stage_wait_text(&s, "h1", "2 maintenance windows");
	stage_widths(&s, "maintenance");
	/* each Tuesday; by keyboard, field by field */
	stage_visit(&s, "#/plan");
	stage_fill(&s, "partition", "rack2");
	stage_wait_text(&s, "#impact", "24 hosts");
	stage_fill(&s, "every", "week");
	stage_fill(&s, "weekday", "tue");
	stage_fill(&s, "reason", "patches");
	stage_run(&s, "document.querySelector('#plan "
		"[name=person]').focus()");
	browser_key(&s.b, "E");
	browser_key(&s.b, "v");
	browser_key(&s.b, "e");
	browser_key(&s.b, "\xee\x80\x86");	/* U+E006, Return */
	stage_wait_text(&s, "h1", "3 maintenance windows");
	stage_wait_text(&s, "main tbody", "every week (tue)");
	stage_click(&s, "[data-do=call-off][data-arg='1']");
	stage_click(&s, "dialog .main");
	stage_wait_text(&s, "h1", "2 maintenance windows");
	/* the console names what was refused on purpose */
	stage_end(&s);
}
END_TEST

START_TEST(r064_switches_are_turned_with_a_name_and_audited)
{
	struct stage s;

	begin(&s, 0);
	stage_enter(&s);
	stage_visit(&s, "#/switches");
	stage_wait_text(&s, "h1", "All switches are on");
	stage_click(&s, "[data-do=turn][data-arg='notify/off/rack1']");
	stage_type(&s, "name", "Ada");
	stage_type(&s, "reason", "a drill");
	stage_click(&s, "dialog .main");
	stage_wait_text(&s, "h1", "1 switch is off");
	stage_widths(&s, "switches");
	stage_visit(&s, "#/alerts");
	stage_wait_text(&s, "main", "web-01");
	stage_click(&s, "[data-do=comment-alert]");
	stage_type(&s, "name", "Ada");
	stage_type(&s, "text", "the port was moved");
	stage_click(&s, "dialog .main");
	stage_wait_text(&s, "main tbody", "the port was moved");
	stage_click(&s, "[data-do=ack]");
	stage_type(&s, "name", "Eve");
	stage_type(&s, "text", "moving the check");
	stage_run(&s, "document.querySelector('dialog "
		"[name=lasting]').value = '4h'");
	stage_click(&s, "dialog .main");
	stage_wait_text(&s, "main tbody", "Eve until");
	stage_widths(&s, "acked");
	stage_visit(&s, "#/host/web-01");
	stage_click(&s, "[data-do=comment-host]");
	stage_type(&s, "name", "Ada");
	stage_type(&s, "text", "in hall 2");
	stage_click(&s, "dialog .main");
	stage_wait_text(&s, "main", "in hall 2");
	stage_visit(&s, "#/audit");
	stage_wait_text(&s, "main tbody", "switch turn");
	stage_wait_text(&s, "main tbody", "a drill");
	stage_wait_text(&s, "main tbody", "Ada by admin.token");
	stage_widths(&s, "audit");
	stage_visit(&s, "#/simulate");
	stage_fill(&s, "hosts", "web-102, web-104, db-106");
	stage_click(&s, "#trial .main");
	stage_wait_text(&s, "#would", "the brake would latch");
	stage_wait_text(&s, "#would", "3 of 24 hosts would be bad");
	stage_widths(&s, "simulate");
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

START_TEST(what_hosts_and_disks_say_is_never_markup)
{
	static const char evil[] = "{\"host\":\"web-05\",\"observations\":[{"
		"\"probe\":\"smart\",\"at_ms\":%lld,\"outcome\":\"fail\","
		"\"reason\":\"device_failed\",\"text\":"
		"\"<img src=x onerror=pwned=1>\",\"device\":{\"kind\":\"disk\","
		"\"model\":\"<script>pwned=1</script>\","
		"\"serial\":\"\\\"><b onclick=x>Z\"},"
		"\"metrics\":{\"smart_197_raw\":%d}}]}";
	char body[1024];
	struct stage s;

	begin(&s, 0);
	for (int day = 5; day >= 0; day--) {
		snprintf(body, sizeof(body), evil, (long long)(stage_wall() -
			(int64_t)day * 86400000), (5 - day) * 200);
		stage_call(&s, "POST /v1/observations", body, 202);
	}
	stage_enter(&s);
	stage_visit(&s, "#/host/web-05");
	stage_wait_text(&s, "main", "<script>pwned=1</script>");
	stage_visit(&s, "#/host/%3Cimg%20src=x%20onerror=pwned=1%3E");
	stage_wait_text(&s, "h1", "<img src=x onerror=pwned=1>");
	stage_visit(&s, "#/predictions");
	stage_visit(&s, "#/events");
	stage_wait_text(&s, "main", "web-05");
	stage_visit(&s, "#/hosts?q=<b>x");
	stage_wait_text(&s, "h1", "0 hosts like");
	ck_assert(browser_true(&s.b, "return window.pwned === undefined && "
		"!document.querySelector('main img, main script, main b[onclick]'"
		")"));
	stage_end(&s);
}
END_TEST

START_TEST(the_keyboard_is_enough)
{
	struct stage s;

	begin(&s, 0);
	stage_enter(&s);
	stage_wait_text(&s, "#broken", "web-01");
	browser_key(&s.b, "/");
	ck_assert(browser_true(&s.b,
		"return document.activeElement.id === 'search'"));
	browser_key(&s.b, "9");
	browser_key(&s.b, "\xee\x80\x86");	/* U+E006, Return */
	stage_wait_text(&s, "h1", "like");
	stage_run(&s, "history.back()");
	stage_wait_text(&s, "h1", "1 host is broken.");
	stage_run(&s, "document.querySelector('canvas')"
		".focus({focusVisible: true})");
	browser_key(&s.b, "\xee\x80\x94");	/* U+E014, right */
	browser_key(&s.b, "\xee\x80\x94");
	stage_wait_text(&s, ".cell-line", "db-09");
	browser_key(&s.b, "\xee\x80\x86");
	stage_wait_text(&s, ".verdict", "db-09 is well.");
	browser_tell(&s.b, "Emulation.setEmulatedMedia", "{\"features\":["
		"{\"name\":\"prefers-color-scheme\",\"value\":\"dark\"},"
		"{\"name\":\"prefers-reduced-motion\",\"value\":\"reduce\"}]}");
	stage_visit(&s, "#/");
	stage_wait_text(&s, "#broken", "web-01");
	stage_widths(&s, "dark");
	browser_no_complaints(&s.b);
	stage_end(&s);
}
END_TEST

START_TEST(ten_thousand_hosts_are_no_burden)
{
	struct stage s;
	json_t *ms;

	stage_init(&s);
	stage_start_racks(&s, 10);
	stage_feed_disk(&s, "n3-500", "Z300A1B2", 24);
	stage_enter(&s);
	stage_wait_text(&s, "#will-break", "n3-500");
	ms = browser_run(&s.b, "const t = performance.now();"
		"document.querySelector('#cells').cells.rows = null;"
		"dispatchEvent(new Event('hashchange'));"
		"document.body.offsetHeight; return performance.now() - t");
	printf("page: 10,000 hosts drawn anew in %.0f ms\n",
		json_number_value(ms));
	ck_assert_double_lt(json_number_value(ms), 1000);
	json_decref(ms);
	stage_widths(&s, "many");
	stage_visit(&s, "#/hosts");
	stage_wait_text(&s, "h1", "10,000 hosts");
	stage_wait_text(&s, "main", "Show 200 of 9,800 more");
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
	return STORIES("page", it_says_what_is_broken_and_what_will_break,
		it_is_live_without_being_loaded_again,
		a_brake_is_released_by_who_says_why,
		r106_a_window_is_planned_with_what_it_means_in_sight,
		r064_switches_are_turned_with_a_name_and_audited,
		what_hosts_and_disks_say_is_never_markup,
		the_keyboard_is_enough, ten_thousand_hosts_are_no_burden);
}
