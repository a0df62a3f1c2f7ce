/*
 * Evacuations, brakes, alerts, maintenance: what is shown and what is ordered.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "plan/window.h"
#include "t/lib/http_story.h"

/* 2026-01-01 */
#define SINCE_MS INT64_C(1767225600000)

static void
make_plans(struct snapshot *s, const struct snap_host *h)
{
	struct snap_plan *list = arena_alloc(&s->arena, 5 * sizeof(*list));
	struct snap_target *target = arena_alloc(&s->arena, sizeof(*target));

	*target = (struct snap_target){ h->name, TARGET_ELIGIBLE };
	for (size_t i = 0; i < 5; i++) {
		list[i] = (struct snap_plan){ .id = 50 - i, .host = h->name,
			.partition = h->partition,
			.action = PLAN_HOST_EVACUATE,
			.state = i % 2 == 0 ? PLAN_STATE_RECOMMENDED :
				PLAN_STATE_HELD,
			.predicted = i == 0, .since = { SINCE_MS },
			.reason = "failure likely",
			.why_not = 1U << WHY_NOT_BRAKE |
				1U << WHY_NOT_RECOMMEND_ONLY,
			.targets = target, .n_targets = 1 };
		list[i].target_counts[TARGET_ELIGIBLE] = 1;
	}
	s->plans = list;
	s->n_plans = 5;
}

static void
make_alerts(struct snapshot *s, const struct snap_host *h)
{
	struct alert *list = arena_alloc(&s->arena, 6 * sizeof(*list));

	for (size_t i = 0; i < 6; i++)
		list[i] = (struct alert){ .id = 90 - i,
			.key = "host_unhealthy/h", .kind = "host_unhealthy",
			.severity = i < 2 ? SEVERITY_CRITICAL :
				SEVERITY_WARNING,
			.host = i == 5 ? "" : h->name,
			.partition = i == 5 ? "" : h->partition,
			.firing = true, .since = { SINCE_MS },
			.summary = "h is \"unhealthy\"",
			.body = i == 5 ? "{}" : "{\"reason\":\"connect_refused\"}",
			.acked_by = i == 1 ? "anna" : "" };
	s->alerts = list;
	s->n_alerts = 6;
}

static void
with_deeds(struct snapshot *s)
{
	struct snap_partition *p =
		(struct snap_partition *)(uintptr_t)&s->partitions[0];
	struct snap_window *win = arena_alloc(&s->arena, sizeof(*win));
	char text[] = "{\"id\":3,\"type\":\"host_reboot\","
		"\"from\":\"2026-01-01T00:00:00.000Z\","
		"\"to\":\"2026-01-01T01:00:00.000Z\",\"grace\":\"1m\","
		"\"hosts\":[\"h00000\"],\"by\":\"anna\","
		"\"zone\":\"Europe/Vienna\",\"zone_rule\":\"CET-1CEST,"
		"M3.5.0,M10.5.0/3\",\"reason\":\"new kernel\"}";
	struct window w;

	static char of[] = "h00000", key[] = "host_unhealthy/h00000",
		said[] = "moved", mine[] = "mine";
	struct note *notes = arena_alloc(&s->arena, 2 * sizeof(*notes));

	notes[0] = (struct note){ .id = 5, .of_host = true, .of = of,
		.at = { SINCE_MS }, .text = said, .by = "anna" };
	notes[1] = (struct note){ .id = 6, .ack = true, .of = key,
		.at = { SINCE_MS }, .until = { SINCE_MS + 1 }, .text = mine,
		.by = "admin.token", .person = "Eve" };
	s->notes = notes;
	s->n_notes = 2;
	make_plans(s, s->chunks[0]->hosts[0]);
	make_alerts(s, s->chunks[0]->hosts[0]);
	ck_assert_int_eq(window_read(text, strlen(text), &w, NULL), 0);
	*win = (struct snap_window){ .w = window_clone(&s->arena, &w),
		.n_hosts = 1 };
	window_fini(&w);
	s->windows = win;
	s->n_windows = 1;
	p->brake = (struct snap_brake){ .latched = true,
		.since = { SINCE_MS }, .bad = 4, .hosts = p->n_hosts,
		.limit = 3, .cause = "contagion", .suspect = "v7",
		.reason = "4 of 100 hosts are bad",
		.released_by = "" };
}

static void
begin_with_deeds(void)
{
	http_begin(250);
	story.fleet.finish = with_deeds;
	story.fleet.generation++;
	fake_io_publish(&story.io, &story.fleet);
}

static int64_t
int_of(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

START_TEST(evacuations_are_listed_newest_first)
{
	json_t *b;

	begin_with_deeds();
	b = http_get("/v1/evacuations", 200);
	ck_assert_uint_eq(json_n_items(b), 5);
	ck_assert_int_eq(int_of(json_item(b, 0), "id"), 50);
	ck_assert_str_eq(json_text_of(json_array_get(json_object_get(
		json_item(b, 0), "why_not"), 0), "code"), "brake");
	ck_assert_uint_eq(json_array_size(json_object_get(json_item(b, 0),
		"targets")), 1);
	json_decref(b);
	http_counts("/v1/evacuations?state=held", 2);
	http_counts("/v1/evacuations?state=held,recommended", 5);
	http_counts("/v1/evacuations?partition=RACK0", 5);
	http_counts("/v1/evacuations?partition=rack1", 0);
	http_wants("/v1/evacuations?state=done", 400);
	http_wants("/v1/evacuations?partition=-", 400);
	http_wants("/v1/evacuations?cursor=aA", 400);
	b = http_get("/v1/evacuations/48", 200);
	ck_assert_str_eq(json_text_of(b, "state"), "recommended");
	json_decref(b);
	http_wants("/v1/evacuations/1", 404);
	http_wants("/v1/evacuations/0", 404);
	http_wants("/v1/evacuations/x", 400);
	http_end();
}
END_TEST

/* All ids, in their order, page by page. */
static void
walk(const char *list, size_t limit, size_t want)
{
	char target[256];
	size_t n = 0;
	json_t *b;

	snprintf(target, sizeof(target), "%s?limit=%zu", list, limit);
	for (;;) {
		b = http_get(target, 200);
		n += json_n_items(b);
		if (json_is_null(json_object_get(b, "next")))
			break;
		ck_assert_uint_eq(json_n_items(b), limit);
		snprintf(target, sizeof(target), "%s?limit=%zu&cursor=%s",
			list, limit, json_text_of(b, "next"));
		json_decref(b);
	}
	json_decref(b);
	ck_assert_uint_eq(n, want);
}

START_TEST(lists_of_deeds_have_pages)
{
	begin_with_deeds();
	walk("/v1/evacuations", 1, 5);
	walk("/v1/evacuations", 2, 5);
	walk("/v1/evacuations", 5, 5);
	walk("/v1/alerts", 1, 6);
	walk("/v1/alerts", 4, 6);
	http_end();
}
END_TEST

START_TEST(alerts_are_listed_worst_first)
{
	json_t *b;

	begin_with_deeds();
	b = http_get("/v1/alerts", 200);
	ck_assert_uint_eq(json_n_items(b), 6);
	ck_assert_str_eq(json_text_of(json_item(b, 0), "severity"),
		"critical");
	ck_assert_str_eq(json_text_of(json_item(b, 1), "acked_by"), "anna");
	ck_assert(json_is_null(json_object_get(json_item(b, 5), "host")));
	json_decref(b);
	http_counts("/v1/alerts?severity=warning", 4);
	http_counts("/v1/alerts?severity=info", 0);
	http_counts("/v1/alerts?kind=host_unhealthy", 6);
	http_counts("/v1/alerts?kind=store_degraded", 0);
	http_counts("/v1/alerts?host=H00000", 5);
	http_counts("/v1/alerts?host=h00001", 0);
	http_wants("/v1/alerts?severity=loud", 400);
	http_wants("/v1/alerts?host=-", 400);
	http_wants("/v1/alerts?cursor=YXg", 400);	/* "ax" */
	http_end();
}
END_TEST

START_TEST(brakes_are_shown_everywhere)
{
	json_t *b, *brake;

	begin_with_deeds();
	b = http_get("/v1/brakes", 200);
	ck_assert_uint_eq(json_n_items(b), 3);
	ck_assert(json_is_true(json_object_get(json_item(b, 0), "latched")));
	ck_assert_str_eq(json_text_of(json_item(b, 2), "partition"), "rack2");
	json_decref(b);
	b = http_get("/v1/partitions/rack0", 200);
	brake = json_object_get(b, "brake");
	ck_assert_int_eq(int_of(brake, "bad"), 4);
	ck_assert_str_eq(json_text_of(brake, "cause"), "contagion");
	ck_assert_str_eq(json_text_of(brake, "suspect"), "v7");
	json_decref(b);
	b = http_get("/v1/summary", 200);
	brake = json_array_get(json_object_get(b, "brakes"), 0);
	ck_assert_str_eq(json_text_of(brake, "partition"), "rack0");
	ck_assert_int_eq(int_of(b, "evacuations"), 5);
	ck_assert_int_eq(int_of(b, "alerts"), 6);
	json_decref(b);
	http_end();
}
END_TEST

static void
with_reasons(struct snap_host *h, size_t i, struct arena *a)
{
	(void)a;
	if (i == 0)
		fake_rare(h)->window_id = 3;
	if (i != 1)
		return;
	h->why_not = 1U << WHY_NOT_SUSPECT | 1U << WHY_NOT_MAINTENANCE;
}

START_TEST(every_host_tells_why_not)
{
	json_t *b, *list;

	begin_with_deeds();
	story.fleet.tweak = with_reasons;
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/hosts/h00001/why-not", 200);
	list = json_object_get(b, "why_not");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_str_eq(json_text_of(json_array_get(list, 0), "code"),
		"suspect");
	ck_assert(json_is_null(json_object_get(b, "evacuation")));
	json_decref(b);
	http_wants("/v1/hosts/h00002/why-not", 200);
	http_wants("/v1/hosts/nobody/why-not", 404);
	http_end();
}
END_TEST

START_TEST(r004_the_effective_numbers_are_told)
{
	json_t *b, *list;

	begin_with_deeds();
	b = http_get("/v1/hosts/h00001/effective-config", 200);
	list = json_object_get(b, "checks");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_int_eq(int_of(json_array_get(list, 0), "fail_after"), 3);
	json_decref(b);
	http_wants("/v1/hosts/nobody/effective-config", 404);
	http_end();
}
END_TEST

START_TEST(windows_are_listed)
{
	json_t *b;

	begin_with_deeds();
	story.fleet.tweak = with_reasons;
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/maintenance", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert_str_eq(json_text_of(json_item(b, 0), "reason"),
		"new kernel");
	json_decref(b);
	b = http_get("/v1/maintenance/3/impact", 200);
	ck_assert_int_eq(int_of(b, "in_maintenance_now"), 1);
	json_decref(b);
	http_wants("/v1/maintenance/4/impact", 404);
	http_wants("/v1/maintenance/x/impact", 404);
	http_end();
}
END_TEST

/* A shop on the first three hosts, one of a kind on the fourth. */
static void
with_services(struct snap_host *h, size_t i, struct arena *a)
{
	struct tag *t;

	if (i > 3)
		return;
	t = arena_alloc(a, 2 * sizeof(*t));
	t[0] = (struct tag){ "app", i < 3 ? "shop" : "ledger" };
	t[1] = (struct tag){ "service", "web" };
	h->tags = t;
	h->n_tags = 2;
}

static json_t *
preview(const char *body, int status)
{
	json_t *b;

	story.ask.method = "POST";
	story.ask.body = body;
	b = http_get("/v1/maintenance/impact", status);
	story.ask.method = NULL;
	story.ask.body = NULL;
	return b;
}

#define AT_NOON "\"from\":\"2026-01-01T00:30:00Z\"," \
	"\"to\":\"2026-01-01T12:00:00Z\""

/* h00001 … h00004 hang on h00000 in a chain; three of them are the shop. */
static void
with_a_chain(struct snap_host *h, size_t i, struct arena *a)
{
	static const char *const names[] = { "", "h00000", "h00001", "h00002",
		"h00003" };
	struct snap_kin *kin = arena_alloc(a, sizeof(*kin));

	with_services(h, i - 1, a);
	if (i > 4)
		return;
	*kin = (struct snap_kin){ names[i], "", (uint32_t)(4 - i) };
	fake_rare(h)->kin = kin;
}

START_TEST(r106_the_impact_counts_those_that_hang_on_others)
{
	json_t *b, *item;

	begin_with_deeds();
	story.fleet.tweak = with_a_chain;
	fake_io_publish(&story.io, &story.fleet);
	b = preview("{\"hosts\":[\"h00001\"]," AT_NOON "}", 200);
	ck_assert_int_eq(int_of(b, "hosts"), 4);
	ck_assert_int_eq(int_of(b, "hosts_below"), 3);
	ck_assert_uint_eq(json_array_size(json_object_get(b, "host_names")),
		4);
	for (size_t k = 0; k < 3; k++) {
		item = json_array_get(json_object_get(b, "services"), k);
		if (strcmp(json_text_of(item, "service"), "shop") == 0)
			ck_assert_int_eq(int_of(item, "left"), 0);
	}
	json_decref(b);
	b = preview("{\"hosts\":[\"h00004\"]," AT_NOON "}", 200);
	ck_assert_int_eq(int_of(b, "hosts"), 1);
	ck_assert_int_eq(int_of(b, "hosts_below"), 0);
	json_decref(b);
	http_end();
}
END_TEST

START_TEST(r106_the_impact_is_known_before_the_window_is)
{
	json_t *b, *item;

	begin_with_deeds();
	story.fleet.tweak = with_services;
	fake_io_publish(&story.io, &story.fleet);
	b = preview("{\"hosts\":[\"h00001\",\"h00002\",\"h00003\"],"
		AT_NOON "}", 200);
	ck_assert(json_is_null(json_object_get(b, "id")));
	ck_assert_int_eq(int_of(b, "hosts"), 3);
	ck_assert_double_eq_tol(json_number_value(json_object_get(b,
		"share_of_fleet")), 3.0 / 250, 1e-9);
	item = json_array_get(json_object_get(b, "partitions"), 0);
	ck_assert_str_eq(json_text_of(item, "partition"), "rack0");
	ck_assert_int_eq(int_of(item, "covered"), 3);
	ck_assert_double_eq_tol(json_number_value(json_object_get(item,
		"share")), 0.03, 1e-9);
	ck_assert_uint_eq(json_array_size(json_object_get(b, "services")), 3);
	item = json_array_get(json_object_get(b, "services"), 1);
	ck_assert_str_eq(json_text_of(item, "service"), "shop");
	ck_assert_int_eq(int_of(item, "left"), 1);
	item = json_array_get(json_object_get(b, "single_instance_apps"), 0);
	ck_assert_str_eq(json_text_of(item, "service"), "ledger");
	ck_assert_str_eq(json_text_of(item, "host"), "h00003");
	/* window 3 has the third of the shop */
	item = json_array_get(json_object_get(b, "conflicts"), 0);
	ck_assert_int_eq(int_of(item, "window"), 3);
	ck_assert_str_eq(json_text_of(item, "service"), "shop");
	json_decref(b);
	b = preview("{\"partition\":\"rack1\"," AT_NOON "}", 200);
	ck_assert_int_eq(int_of(b, "hosts"), 100);
	ck_assert_uint_eq(json_array_size(json_object_get(b, "conflicts")), 0);
	json_decref(b);
	json_decref(preview("{\"hosts\":[\"x\"]," AT_NOON "}", 400));
	json_decref(preview("{\"partition\":\"x\"," AT_NOON "}", 400));
	json_decref(preview("{" AT_NOON "}", 400));
	json_decref(preview("{\"hosts\":[\"h00001\"]}", 400));
	json_decref(preview("", 400));
	json_decref(preview("{\"hosts\":[\"h00001\"],\"repeat\":{\"every\":"
		"\"day\",\"at\":\"00:30\",\"for\":\"1h\"}}", 200));
	ck_assert_uint_eq(story.io.n_submitted, 0);
	http_end();
}
END_TEST

START_TEST(r103_the_notice_is_told_in_two_zones)
{
	json_t *b, *from;

	begin_with_deeds();
	b = http_get("/v1/maintenance/3/notice", 200);
	ck_assert_str_eq(json_text_of(b, "what"),
		"reboot of hosts: new kernel");
	ck_assert_str_eq(json_text_of(b, "hosts"), "1: h00000");
	ck_assert_str_eq(json_text_of(b, "what_to_do"), "nothing");
	from = json_object_get(b, "from");
	ck_assert_str_eq(json_text_of(from, "utc"), "2026-01-01T00:00:00.000Z");
	ck_assert_str_eq(json_text_of(from, "local"), "2026-01-01 01:00 CET");
	json_decref(b);
	http_wants("/v1/maintenance/4/notice", 404);
	b = http_get("/v1/maintenance/3", 200);
	ck_assert_int_eq(int_of(b, "n_hosts"), 1);
	ck_assert(json_is_boolean(json_object_get(b, "running")));
	json_decref(b);
	http_wants("/v1/maintenance/4", 404);
	http_end();
}
END_TEST

/* h00001 of the web hosts is out, h00003 dead, h00005 not known. */
static void
with_a_web(struct snap_host *h, size_t i, struct arena *a)
{
	(void)a;
	if (i == 0)
		h->health = HEALTH_UNHEALTHY;
	if (i == 2)
		h->disposition = DISPOSITION_MAINTENANCE;
	if (i == 4)
		h->health = HEALTH_UNKNOWN;
	if (i == 6)
		h->health = HEALTH_OVERLOADED;
}

static const char *
text_set(const char *target)
{
	static char text[4096];
	struct answer a;

	story.ask.target = target;
	a = client_once(&story.ask);
	ck_assert_int_eq(a.status, 200);
	snprintf(text, sizeof(text), "%.*s", (int)a.n, a.body);
	answer_free(&a);
	return text;
}

START_TEST(r143_traffic_goes_to_who_is_well_and_always_to_somebody)
{
	json_t *b;

	http_begin(8);
	story.fleet.tweak = with_a_web;
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/healthy-set?group=web", 200);
	ck_assert_int_eq(int_of(b, "hosts"), 4);
	ck_assert(json_is_false(json_object_get(b, "fail_open")));
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert_str_eq(json_text_of(json_item(b, 0), "host"), "h00006");
	ck_assert_uint_eq(json_array_size(json_object_get(b, "left_out")), 3);
	json_decref(b);
	ck_assert_str_eq(text_set("/v1/healthy-set?group=team:web&format=text"),
		"127.1.0.6\n");
	/* the others: two broken at most, and the partition has all */
	http_counts("/v1/healthy-set?group=team=db", 4);
	http_counts("/v1/healthy-set?group=rack0", 5);
	http_wants("/v1/healthy-set?group=nobody", 404);
	http_wants("/v1/healthy-set", 400);
	http_wants("/v1/healthy-set?group=", 400);
	http_wants("/v1/healthy-set?group=web&format=xml", 400);
	http_end();
}
END_TEST

/* From the last good one on it is getting worse. */
static enum health fade;
static void
fades(struct snap_host *h, size_t i, struct arena *a)
{
	(void)a;
	h->health = HEALTH_UNHEALTHY;
	if (i == 0)
		h->health = fade;
	if (i == 3)
		h->disposition = DISPOSITION_QUARANTINED;
}

START_TEST(r143_the_set_is_never_empty)
{
	static const struct { enum health first; size_t n; } rows[] = {
		{ HEALTH_SUSPECT, 1 }, { HEALTH_STALE, 1 },
		{ HEALTH_UNHEALTHY, 3 } };
	json_t *b;

	http_begin(4);
	story.fleet.tweak = fades;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fade = rows[i].first;
		story.fleet.generation++;
		fake_io_publish(&story.io, &story.fleet);
		b = http_get("/v1/healthy-set?group=rack0", 200);
		ck_assert_uint_eq(json_n_items(b), rows[i].n);
		ck_assert(json_is_true(json_object_get(b, "fail_open")) ==
			(i > 0));
		json_decref(b);
	}
	http_end();
}
END_TEST

/* A role on h00000, one in a VM of h00001. */
static void
with_roles(struct snap_host *h, size_t i, struct arena *a)
{
	struct snap_unit *u;

	if (i > 1)
		return;
	u = arena_alloc(a, 2 * sizeof(*u));
	u[0] = (struct snap_unit){ .id = 7001, .is_vm = true, .path = "v1",
		.name = "v1", .address = "10.0.0.7",
		.state = STATE_HEALTHY, .origin = "", .checks_origin = "" };
	u[1] = (struct snap_unit){ .id = 7002, .vm = 7001, .path = "v1/api",
		.name = "api", .address = "", .state = STATE_HEALTHY,
		.origin = "", .checks_origin = "" };
	if (i == 0) {
		u[1].path = "h00000/api";
		u[1].vm = 0;
		u[1].state = STATE_UNHEALTHY;
	}
	fake_rare(h)->units = i == 0 ? u + 1 : u;
	fake_rare(h)->n_units = i == 0 ? 1 : 2;
}

START_TEST(r143_a_role_may_be_asked_for_by_name)
{
	json_t *b;

	http_begin(4);
	story.fleet.tweak = with_roles;
	story.fleet.generation++;
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/healthy-set?group=api", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert_str_eq(json_text_of(json_item(b, 0), "role"), "v1/api");
	ck_assert_str_eq(json_text_of(json_item(b, 0), "address"), "10.0.0.7");
	ck_assert_uint_eq(json_array_size(json_object_get(b, "left_out")), 1);
	json_decref(b);
	ck_assert_str_eq(text_set("/v1/healthy-set?group=api&format=text"),
		"10.0.0.7\n");
	http_end();
}
END_TEST

START_TEST(r127_am_i_affected)
{
	json_t *b;

	begin_with_deeds();
	story.fleet.down_every = 0;
	story.fleet.tweak = with_a_web;
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/summary?tag=team:web", 200);
	ck_assert_int_eq(int_of(b, "hosts"), 125);
	ck_assert_int_eq(int_of(json_object_get(b, "counts"), "healthy"), 121);
	ck_assert_int_eq(int_of(json_object_get(b, "counts"), "unhealthy"), 1);
	ck_assert_str_eq(json_text_of(b, "state"), "unhealthy");
	ck_assert(json_is_true(json_object_get(b, "affected")));
	/* five of six alerts are of h00000, which is a web host */
	ck_assert_int_eq(int_of(b, "alerts"), 5);
	ck_assert_uint_eq(json_array_size(json_object_get(b, "brakes")), 1);
	json_decref(b);
	b = http_get("/v1/summary?tag=team=db", 200);
	ck_assert(json_is_false(json_object_get(b, "affected")));
	ck_assert_str_eq(json_text_of(b, "state"), "healthy");
	json_decref(b);
	http_wants("/v1/summary?tag=team:nobody", 404);
	http_end();
}
END_TEST

START_TEST(r120_the_summary_names_the_worst_partitions_and_the_trend)
{
	json_t *b, *list;

	http_begin(250);
	story.fleet.down_every = 40;
	story.fleet.generation++;
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/summary", 200);
	ck_assert_int_eq(int_of(b, "partitions"), 3);
	ck_assert_int_eq(int_of(b, "partitions_affected"), 3);
	list = json_object_get(b, "worst_partitions");
	ck_assert_uint_eq(json_array_size(list), 3);
	ck_assert_str_eq(json_text_of(json_array_get(list, 0), "partition"),
		"rack1");
	ck_assert_int_eq(int_of(json_array_get(list, 0), "broken"), 3);
	ck_assert_int_eq(int_of(json_array_get(list, 2), "broken"), 1);
	ck_assert_str_eq(json_text_of(json_object_get(b, "trend"),
		"direction"), "steady");
	json_decref(b);
	http_end();
}
END_TEST

START_TEST(comments_are_listed_by_what_they_are_of)
{
	json_t *b;

	begin_with_deeds();
	http_counts("/v1/comments", 2);
	http_counts("/v1/comments?host=H00000", 1);
	http_counts("/v1/comments?host=h00001", 0);
	b = http_get("/v1/comments?alert=host_unhealthy/h00000", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert_str_eq(json_text_of(json_item(b, 0), "kind"), "ack");
	ck_assert_str_eq(json_text_of(json_item(b, 0), "person"), "Eve");
	json_decref(b);
	http_wants("/v1/comments?host=-", 400);
	http_end();
}
END_TEST

static size_t name_bytes;

static void
with_long_names(struct snapshot *s)
{
	static char name[254], quotes[1001];
	struct snap_partition *p =
		(struct snap_partition *)(uintptr_t)s->partitions;

	memset(name, 'a', name_bytes);
	name[name_bytes] = '\0';
	memset(quotes, '"', 1000);
	with_deeds(s);
	for (size_t i = 0; i < s->n_partitions; i++) {
		p[i].name = name;
		p[i].brake.latched = true;
	}
	for (size_t i = 0; i < s->n_top; i++) {
		struct snap_host *h = (struct snap_host *)(uintptr_t)s->top[i];

		h->name = name;
		h->partition = name;
		fake_rare(h)->risk_reason = quotes;
	}
}

START_TEST(the_summary_has_4_kib_with_all_brakes_latched)
{
	struct answer a;

	begin_with_deeds();
	story.fleet.n_hosts = 1000;
	story.fleet.finish = with_long_names;
	for (name_bytes = 150; name_bytes <= 253; name_bytes++) {
		fake_io_publish(&story.io, &story.fleet);
		http_wants("/v1/summary", 200);
		a = client_once(&story.ask);
		ck_assert_uint_le(a.n, 4096);
		ck_assert_uint_gt(a.n, 3000);
		answer_free(&a);
	}
	http_end();
}
END_TEST

static void
orders(const char *method, const char *target, const char *body, int status)
{
	story.ask.method = method;
	story.ask.body = body;
	http_wants(target, status);
	story.ask.method = NULL;
	story.ask.body = NULL;
}

START_TEST(orders_are_passed_on)
{
	static const struct {
		const char *method, *target, *body;
		int status;
		enum http_command_kind kind;
		const char *named;
	} rows[] = {
		{ "PUT", "/v1/hosts/H9", "{\"address\":\"127.1.0.9\"}", 201,
			COMMAND_HOST_PUT, "h9" },
		{ "PATCH", "/v1/hosts/H9", "{\"disposition\":\"in_service\"}",
			200, COMMAND_HOST_PATCH, "h9" },
		{ "DELETE", "/v1/hosts/H9", NULL, 200, COMMAND_HOST_DELETE,
			"h9" },
		{ "PATCH", "/v1/hosts/H9/diagnosis", "{\"disk\":\"bad\"}",
			200, COMMAND_HOST_DIAGNOSE, "h9" },
		{ "POST", "/v1/brakes/Rack0/release", "{\"reason\":\"ok\"}",
			200, COMMAND_BRAKE_RELEASE, "rack0" },
		{ "POST", "/v1/maintenance", "{\"to\":\"x\"}", 201,
			COMMAND_WINDOW_CREATE, "" },
		{ "DELETE", "/v1/maintenance/4", NULL, 200,
			COMMAND_WINDOW_DELETE, "4" },
		{ "POST", "/v1/maintenance/import", "{\"provider\":\"x\"}",
			200, COMMAND_WINDOW_IMPORT, "" },
		{ "POST", "/v1/alerts/90/ack", "{}", 200, COMMAND_ALERT_ACK,
			"90" },
		{ "POST", "/v1/alerts/90/ack", NULL, 200, COMMAND_ALERT_ACK,
			"90" },
		{ "POST", "/v1/alerts/90/comments", "{\"text\":\"x\"}", 201,
			COMMAND_ALERT_COMMENT, "90" },
		{ "POST", "/v1/hosts/H9/comments", "{\"text\":\"x\"}", 201,
			COMMAND_HOST_COMMENT, "h9" },
		{ "DELETE", "/v1/comments/5", NULL, 200,
			COMMAND_COMMENT_DELETE, "5" },
		{ "POST", "/v1/signals", "{\"host\":\"h9\"}", 200,
			COMMAND_SIGNAL, "" },
	};

	begin_with_deeds();
	story.ask.token = "operator-token";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		orders(rows[i].method, rows[i].target, rows[i].body,
			rows[i].status);
		ck_assert_int_eq(story.io.kind, rows[i].kind);
		ck_assert_str_eq(story.io.host, rows[i].named);
		ck_assert_str_eq(story.io.body,
			rows[i].body != NULL ? rows[i].body : "");
		ck_assert_int_eq(story.io.who.role, ROLE_OPERATOR);
	}
	http_end();
}
END_TEST

START_TEST(r077_pruning_is_for_admins)
{
	static const char body[] =
		"{\"tier\":\"5m\",\"before\":\"2026-01-01T00:00:00Z\"}";

	begin_with_deeds();
	story.ask.token = "operator-token";
	orders("POST", "/v1/prune", body, 403);
	story.ask.token = "admin-token";
	orders("POST", "/v1/prune", body, 200);
	ck_assert_int_eq(story.io.kind, COMMAND_PRUNE);
	ck_assert_str_eq(story.io.body, body);
	http_end();
}
END_TEST

START_TEST(orders_are_for_operators)
{
	static const char *const tokens[] = { "viewer-token",
		"agent-token-1" };

	begin_with_deeds();
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		story.ask.token = tokens[i];
		orders("PUT", "/v1/hosts/h00000", "{}", 403);
		orders("PATCH", "/v1/hosts/h00000", "{}", 403);
		orders("DELETE", "/v1/hosts/h00000", NULL, 403);
		orders("PATCH", "/v1/hosts/h00000/diagnosis", "{}", 403);
		orders("POST", "/v1/brakes/rack0/release", "{}", 403);
		orders("POST", "/v1/maintenance", "{}", 403);
		orders("POST", "/v1/maintenance/import", "{}", 403);
		orders("DELETE", "/v1/maintenance/3", NULL, 403);
		orders("POST", "/v1/alerts/90/ack", "{}", 403);
		orders("POST", "/v1/signals", "{}", 403);
		orders("POST", "/v1/alerts/90/comments", "{}", 403);
		orders("POST", "/v1/hosts/h00000/comments", "{}", 403);
		orders("DELETE", "/v1/comments/5", NULL, 403);
	}
	ck_assert_uint_eq(story.io.n_submitted, 0);
	http_end();
}
END_TEST

START_TEST(orders_that_cannot_be_are_refused)
{
	json_t *b;

	begin_with_deeds();
	story.ask.token = "admin-token";
	orders("PUT", "/v1/hosts/-", "{}", 400);
	orders("POST", "/v1/brakes/%2e/release", "{}", 400);
	ck_assert_uint_eq(story.io.n_submitted, 0);
	story.io.rc = TC_EINVAL;
	orders("PUT", "/v1/hosts/h9", "{", 400);
	story.io.rc = TC_ENOENT;
	orders("PATCH", "/v1/hosts/h9", "{}", 404);
	story.io.rc = TC_EAGAIN;
	orders("POST", "/v1/maintenance", "{}", 503);
	story.io.rc = TC_EEXIST;
	story.io.why = "owned_by: config";
	story.ask.method = "DELETE";
	b = http_get("/v1/hosts/h00000", 409);
	ck_assert_str_eq(json_text_of(b, "code"), "owned_by");
	ck_assert_str_eq(json_text_of(b, "detail"), "config");
	json_decref(b);
	http_end();
}
END_TEST

int
main(void)
{
	return STORIES("http_deeds", evacuations_are_listed_newest_first,
		lists_of_deeds_have_pages, alerts_are_listed_worst_first,
		brakes_are_shown_everywhere, every_host_tells_why_not,
		r004_the_effective_numbers_are_told, windows_are_listed,
		r106_the_impact_counts_those_that_hang_on_others,
		r106_the_impact_is_known_before_the_window_is,
		r103_the_notice_is_told_in_two_zones,
		r143_traffic_goes_to_who_is_well_and_always_to_somebody,
		comments_are_listed_by_what_they_are_of,
		r143_the_set_is_never_empty,
		r143_a_role_may_be_asked_for_by_name, r127_am_i_affected,
		r120_the_summary_names_the_worst_partitions_and_the_trend,
		the_summary_has_4_kib_with_all_brakes_latched,
		orders_are_passed_on, orders_are_for_operators, r077_pruning_is_for_admins,
		orders_that_cannot_be_are_refused);
}
