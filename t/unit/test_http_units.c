/*
 * The drill-down: partition, host, VM, role, check, raw observations.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "t/lib/http_story.h"

static const double busy = 1.0;
static const struct snap_name busy_name = { "cpu_busy_ratio", "" };
static const struct snap_names busy_names = { 1, &busy_name };

static struct snap_check
check_of(struct arena *a, uint32_t id, const char *key, bool passive,
	enum health health)
{
	struct snap_kind *kind = arena_alloc(a, sizeof(*kind));
	const struct snap_live live = { .at = { 1767225600000 },
		.outcome = health == HEALTH_HEALTHY ? TOCSIN_OK : TOCSIN_FAIL };

	*kind = (struct snap_kind){ .key = key, .probe = "tcp",
		.origin = "c:1", .names = passive ? &busy_names : NULL };
	return (struct snap_check){ .id = id, .kind = kind,
		.layer = LAYER_ROLE, .passive = passive, .health = health & 255,
		.reason = health == HEALTH_HEALTHY ? TOCSIN_WHY_NONE :
			TOCSIN_WHY_CONNECT_REFUSED, .text = "",
		.since = { 1767225600000 },
		.live = fake_live(a, &live, &busy, passive ? 1 : 0) };
}

/* Each host: a stateless VM v0 with a role, and a role of its own. */
static void
with_units(struct snap_host *h, size_t i, struct arena *a)
{
	struct snap_unit *u = arena_alloc(a, 3 * sizeof(*u));
	struct snap_check *c = arena_alloc(a, 3 * sizeof(*c));
	uint32_t base = (uint32_t)(1000000 + i * 10);
	const struct unit_rule rule = { .heartbeat = dur_s(15),
		.late_after = 3, .clear_after = 2, .grace = dur_s(600),
		.never = dur_s(60), .lost = dur_s(600), .gone = dur_s(30),
		.busy_ratio = 0.95 };

	c[0] = check_of(a, base + 5, "tcp:80", false, HEALTH_UNHEALTHY);
	c[1] = check_of(a, base + 6, "inside:http", true, HEALTH_HEALTHY);
	c[2] = check_of(a, base + 7, "signal:haproxy", true, HEALTH_UNHEALTHY);
	u[0] = (struct snap_unit){ .id = base, .is_vm = true, .path = "v0",
		.name = "v0", .address = "10.0.0.1", .origin = "c:1",
		.cls = UNIT_STATELESS, .agent = AGENT_TOCSIN,
		.state = STATE_IMPAIRED, .health = HEALTH_IMPAIRED,
		.reason = TOCSIN_WHY_RUNS_UNREACHABLE,
		.run = VM_RUN_RUNNING, .by = 1U << SIGNAL_OUTSIDE,
		.cause = CAUSE_MEMORY, .checks_origin = "", .rule = rule,
		.action = PLAN_VM_RESTART_FRESH };
	u[1] = (struct snap_unit){ .id = base + 1, .vm = base,
		.path = "v0/web", .name = "web", .address = "10.0.0.1",
		.origin = "c:2", .cls = UNIT_STATELESS,
		.state = STATE_UNHEALTHY, .health = HEALTH_UNHEALTHY,
		.reason = TOCSIN_WHY_CONNECT_REFUSED,
		.by = 1U << SIGNAL_OUTSIDE | 1U << SIGNAL_EXTERNAL,
		.expected = 3, .told = { true, true, true },
		.sides = { HEALTH_UNHEALTHY, HEALTH_HEALTHY,
			HEALTH_UNHEALTHY }, .own_checks = true,
		.checks_origin = "c:2", .rule = rule, .checks = c,
		.n_checks = 3, .action = PLAN_ROLE_OUT_OF_ROTATION,
		.next = PLAN_ROLE_RESTART };
	u[2] = (struct snap_unit){ .id = base + 2, .path = "h/ntp",
		.name = "ntp", .address = "", .origin = "c:3",
		.checks_origin = "", .rule = rule,
		.why_not = 1U << WHY_NOT_UNMEASURED };
	fake_rare(h)->units = u;
	fake_rare(h)->n_units = 3;
}

static void
counted(struct snapshot *s)
{
	s->n_vms = 2;
	s->n_roles = 4;
	s->vm_counts[STATE_IMPAIRED] = 2;
	s->role_counts[STATE_UNHEALTHY] = 2;
	s->role_counts[STATE_UNKNOWN] = 2;
}

static void
begin(void)
{
	http_begin(2);
	story.fleet = (struct fake_fleet){ .n_hosts = 2, .generation = 2,
		.tweak = with_units, .finish = counted };
	fake_io_publish(&story.io, &story.fleet);
}

static json_t *
child(json_t *node, size_t i)
{
	return json_array_get(json_object_get(node, "children"), i);
}

static const char *
parent_kind(json_t *node)
{
	return json_text_of(json_object_get(node, "parent"), "kind");
}

START_TEST(r001_the_tree_has_four_layers_with_their_parents)
{
	json_t *b, *host, *vm, *role;

	begin();
	b = http_get("/v1/tree", 200);
	ck_assert_uint_eq(json_n_items(b), 2);
	host = json_item(b, 0);
	ck_assert_str_eq(json_text_of(host, "kind"), "host");
	ck_assert_str_eq(parent_kind(host), "partition");
	vm = child(host, 0);
	ck_assert_str_eq(json_text_of(vm, "kind"), "vm");
	ck_assert_str_eq(parent_kind(vm), "host");
	role = child(vm, 0);
	ck_assert_str_eq(json_text_of(role, "kind"), "role");
	ck_assert_str_eq(parent_kind(role), "vm");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(
		role, "parent"), "id")), json_integer_value(json_object_get(vm,
		"id")));
	ck_assert_str_eq(json_text_of(child(host, 1), "name"), "ntp");
	json_decref(b);
	b = http_get("/v1/tree?limit=1", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert(json_is_string(json_object_get(b, "next")));
	json_decref(b);
	http_wants("/v1/tree?partition=rack0&limit=9", 200);
	http_wants("/v1/tree?limit=0", 400);
	http_end();
}
END_TEST

/*
 * Twelve compute hosts, the first four of them ill, all with agent 2.1; eight
 * of storage without an agent, and well.
 */
static void
with_clusters(struct snap_host *h, size_t i, struct arena *a)
{
	static const struct snap_kind agent = { .key = "agent",
		.probe = "agent", .origin = "agent" };
	struct tag *t = arena_alloc(a, 2 * sizeof(*t));
	struct snap_check *c = arena_alloc(a, sizeof(*c));
	struct snap_unit *u = arena_alloc(a, 2 * sizeof(*u));

	t[0] = (struct tag){ "cluster", i < 12 ? "compute" : "storage" };
	t[1] = (struct tag){ "image", i < 6 ? "deb12.5" : "deb12.4" };
	h->tags = t;
	h->n_tags = i < 18 ? 2 : 1;
	fake_rare(h)->n_devices = 0;
	h->state = i < 4 ? STATE_UNHEALTHY : STATE_HEALTHY;
	h->health = i < 4 ? HEALTH_UNHEALTHY : HEALTH_HEALTHY;
	h->n_checks = 0;
	if (i >= 12)
		return;
	*c = (struct snap_check){ .id = (uint32_t)(500000 + i),
		.kind = &agent, .passive = true,
		.text = i == 11 ? "tocsin-agent 2.0, started; first start" :
			"tocsin-agent 2.1" };
	h->checks = c;
	h->n_checks = 1;
	memset(u, 0, 2 * sizeof(*u));
	u[0] = (struct snap_unit){ .id = (uint32_t)(600000 + 2 * i),
		.path = "web", .name = "web", .address = "", .origin = "",
		.checks_origin = "",
		.state = i == 5 ? STATE_IMPAIRED : STATE_HEALTHY };
	u[1] = u[0];
	u[1].id++;
	u[1].state = STATE_HEALTHY;
	fake_rare(h)->units = u;
	fake_rare(h)->n_units = 2;
}

static json_t *
row_of(json_t *reply, const char *attribute, const char *value)
{
	json_t *a, *v;
	size_t i, k;

	json_array_foreach(json_object_get(reply, "items"), i, a) {
		if (strcmp(json_text_of(a, "attribute"), attribute) != 0)
			continue;
		json_array_foreach(json_object_get(a, "items"), k, v) {
			json_t *is = json_object_get(v, "value");

			if (value == NULL ? json_is_null(is) : json_is_string(
				is) && strcmp(json_string_value(is), value) ==
				0)
				return v;
		}
	}
	ck_abort_msg("no %s %s", attribute, value != NULL ? value : "(null)");
	return NULL;
}

static void
wants_row(json_t *reply, const char *what[2], int affected, int total)
{
	json_t *v = row_of(reply, what[0], what[1]);

	ck_assert_msg(json_integer_value(json_object_get(v, "affected")) ==
		affected && json_integer_value(json_object_get(v, "total")) ==
		total, "%s %s: %s", what[0], what[1], json_dumps(v, 0));
}

#define ROW(...) ((const char *[2]){ __VA_ARGS__ })

START_TEST(r023_who_is_not_affected_can_be_seen)
{
	json_t *b;

	http_begin(2);
	story.fleet = (struct fake_fleet){ .n_hosts = 20, .generation = 2,
		.hosts_per_partition = 10, .tweak = with_clusters };
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/common-cause", 200);
	ck_assert_int_eq(json_integer_value(json_object_get(b, "hosts")), 20);
	ck_assert_int_eq(json_integer_value(json_object_get(b, "affected")),
		4);
	wants_row(b, ROW("partition", "rack0"), 4, 10);
	wants_row(b, ROW("partition", "rack1"), 0, 10);
	/* those without an agent were not touched */
	wants_row(b, ROW("agent", "2.1"), 4, 11);
	wants_row(b, ROW("agent", "2.0"), 0, 1);
	wants_row(b, ROW("agent", "none"), 0, 8);
	wants_row(b, ROW("tag.cluster", "compute"), 4, 12);
	wants_row(b, ROW("tag.cluster", "storage"), 0, 8);
	wants_row(b, ROW("tag.image", "deb12.5"), 4, 6);
	wants_row(b, ROW("tag.image", "deb12.4"), 0, 12);
	wants_row(b, ROW("tag.image", NULL), 0, 2);
	/* a host once, however many roles of it; one is ill by its role */
	wants_row(b, ROW("role", "web"), 5, 12);
	wants_row(b, ROW("role", NULL), 0, 8);
	json_decref(b);
	b = http_get("/v1/common-cause?by=image&limit=1", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(json_item(b, 0),
		"values")), 3);
	ck_assert_int_eq(json_integer_value(json_object_get(json_item(b, 0),
		"unaffected")), 2);
	/* the limit crowds nobody out: one affected, one not */
	ck_assert_uint_eq(json_n_items(json_item(b, 0)), 2);
	wants_row(b, ROW("tag.image", "deb12.5"), 4, 6);
	wants_row(b, ROW("tag.image", "deb12.4"), 0, 12);
	json_decref(b);
	b = http_get("/v1/common-cause?state=healthy&partition=rack1&by=agent",
		200);
	wants_row(b, ROW("agent", "2.1"), 1, 1);
	wants_row(b, ROW("agent", "none"), 8, 8);
	json_decref(b);
	http_wants("/v1/common-cause?level=likely", 200);
	http_wants("/v1/common-cause?by=colour", 404);
	http_wants("/v1/common-cause?state=odd", 400);
	http_wants("/v1/common-cause?level=odd", 400);
	http_wants("/v1/common-cause?limit=0", 400);
	http_end();
}
END_TEST

/* h00001 hangs on h00000, which is down. */
static void
with_kin(struct snap_host *h, size_t i, struct arena *a)
{
	struct snap_kin *kin = arena_alloc(a, sizeof(*kin));

	*kin = i == 0 ? (struct snap_kin){ "", "", 1 } :
		(struct snap_kin){ "h00000", "h00000", 0 };
	fake_rare(h)->kin = kin;
	if (i == 1) {
		h->state = STATE_UNREACHABLE;
		h->health = HEALTH_UNREACHABLE;
		h->reason = TOCSIN_WHY_PARENT_DOWN;
	}
}

START_TEST(r001_a_host_names_the_one_that_it_hangs_on)
{
	json_t *b;

	http_begin(2);
	story.fleet = (struct fake_fleet){ .n_hosts = 2, .generation = 2,
		.tweak = with_kin };
	fake_io_publish(&story.io, &story.fleet);
	b = http_get("/v1/hosts/h00001", 200);
	ck_assert_str_eq(json_text_of(b, "parent"), "h00000");
	ck_assert_str_eq(json_text_of(b, "behind"), "h00000");
	ck_assert_str_eq(json_text_of(b, "reason"), "parent_down");
	ck_assert_ptr_null(json_object_get(b, "hosts_below"));
	json_decref(b);
	b = http_get("/v1/hosts/h00000", 200);
	ck_assert_ptr_null(json_object_get(b, "parent"));
	ck_assert_int_eq(json_integer_value(json_object_get(b,
		"hosts_below")), 1);
	json_decref(b);
	b = http_get("/v1/hosts?state=unreachable", 200);
	ck_assert_uint_eq(json_n_items(b), 1);
	ck_assert_str_eq(json_text_of(json_item(b, 0), "behind"), "h00000");
	json_decref(b);
	b = http_get("/v1/tree", 200);
	ck_assert_ptr_null(json_object_get(json_item(b, 0), "hangs_on"));
	ck_assert_str_eq(json_text_of(json_item(b, 1), "hangs_on"), "h00000");
	ck_assert_str_eq(json_text_of(json_item(b, 1), "behind"), "h00000");
	json_decref(b);
	http_end();
}
END_TEST

/* Follows url after url, down to where the measurements are. */
START_TEST(r121_each_level_links_the_next)
{
	json_t *b, *next;
	char url[200];

	begin();
	b = http_get("/v1/tree", 200);
	snprintf(url, sizeof(url), "%s", json_text_of(json_object_get(
		json_item(b, 0), "parent"), "url"));
	http_wants(url, 200);
	snprintf(url, sizeof(url), "%s", json_text_of(json_item(b, 0), "url"));
	json_decref(b);
	b = http_get(url, 200);
	next = json_array_get(json_object_get(b, "units"), 0);
	ck_assert_str_eq(json_text_of(next, "path"), "v0");
	snprintf(url, sizeof(url), "%s", json_text_of(next, "url"));
	json_decref(b);
	b = http_get(url, 200);
	snprintf(url, sizeof(url), "%s", json_text_of(child(b, 0), "url"));
	json_decref(b);
	b = http_get(url, 200);
	ck_assert_str_eq(json_text_of(b, "path"), "v0/web");
	next = child(b, 0);
	ck_assert_str_eq(json_text_of(next, "kind"), "check");
	snprintf(url, sizeof(url), "%s", json_text_of(next, "raw"));
	ck_assert_ptr_nonnull(strstr(url, "unit=1000001&metric=check_ok"));
	json_decref(b);
	http_wants(url, 200);
	http_wants("/v1/units/77", 404);
	http_wants("/v1/units/x", 404);
	http_wants("/v1/hosts/h00000/vms", 200);
	http_wants("/v1/series?unit=77&metric=x", 400);
	http_end();
}
END_TEST

/* In pages of one as in one page: each once, in the same order. */
START_TEST(units_are_found_by_their_state_page_by_page)
{
	json_t *b = NULL, *whole;
	char path[500] = "/v1/units?limit=1";
	size_t n = 0;

	begin();
	whole = http_get("/v1/units", 200);
	ck_assert_uint_eq(json_n_items(whole), 6);
	for (; n < 9; n++) {
		b = http_get(path, 200);
		ck_assert_uint_eq(json_n_items(b), 1);
		ck_assert(json_equal(json_item(b, 0), json_item(whole, n)));
		if (json_is_null(json_object_get(b, "next")))
			break;
		snprintf(path, sizeof(path), "/v1/units?limit=1&cursor=%s",
			json_text_of(b, "next"));
		json_decref(b);
	}
	ck_assert_uint_eq(n, 5);
	json_decref(b);
	json_decref(whole);
	b = http_get("/v1/units?state=impaired,stale", 200);
	ck_assert_uint_eq(json_n_items(b), 2);
	ck_assert_str_eq(json_text_of(json_item(b, 0), "path"), "v0");
	ck_assert_str_eq(json_text_of(json_item(b, 0), "host"), "h00000");
	ck_assert_str_eq(json_text_of(json_item(b, 0), "action"),
		"restart.fresh_disk");
	json_decref(b);
	b = http_get("/v1/units?state=unhealthy&kind=role", 200);
	ck_assert_uint_eq(json_n_items(b), 2);
	json_decref(b);
	http_wants("/v1/units?state=broken", 400);
	http_wants("/v1/units?kind=host", 400);
	http_wants("/v1/units?cursor=x", 400);
	http_wants("/v1/units?limit=0", 400);
	http_end();
}
END_TEST

START_TEST(r007_the_verdict_carries_its_signals)
{
	json_t *b, *s;

	begin();
	b = http_get("/v1/units/1000001", 200);
	s = json_object_get(b, "signals");
	ck_assert_str_eq(json_text_of(s, "outside"), "unhealthy");
	ck_assert_str_eq(json_text_of(s, "inside"), "healthy");
	ck_assert_str_eq(json_text_of(s, "external"), "unhealthy");
	ck_assert_uint_eq(json_array_size(json_object_get(b, "convicted_by")),
		2);
	ck_assert_uint_eq(json_array_size(json_object_get(b, "evidence")), 2);
	ck_assert_str_eq(json_text_of(b, "confidence"), "high");
	ck_assert_str_eq(json_text_of(b, "action"), "role.out_of_rotation");
	ck_assert_str_eq(json_text_of(b, "next_action"), "role.restart");
	json_decref(b);
	http_end();
}
END_TEST

START_TEST(r012_a_stateful_class_with_a_fresh_disk_fits_no_schema)
{
	const json_t *rule;
	json_t *b, *probe;
	const char *type;

	begin();
	rule = schema_of_reply(&story.schema, "get", "/v1/units/{id}", 200,
		&type);
	b = http_get("/v1/units/1000000", 200);
	ck_assert_str_eq(json_text_of(b, "action"), "restart.fresh_disk");
	ck_assert_str_eq(json_text_of(b, "class"), "stateless");
	ck_assert_str_eq(json_text_of(b, "cause_hint"), "memory");
	probe = json_deep_copy(b);
	json_object_set_new(probe, "class", json_string("stateful"));
	ck_assert(!schema_match(&story.schema, rule, probe));
	json_object_set_new(probe, "action", json_string(
		"restart.keep_disk"));
	ck_assert(schema_match(&story.schema, rule, probe));
	json_decref(probe);
	json_decref(b);
	http_end();
}
END_TEST

START_TEST(r009_which_probe_set_applies_and_why)
{
	json_t *b, *units;

	begin();
	b = http_get("/v1/hosts/h00000/effective-config", 200);
	units = json_object_get(b, "units");
	ck_assert_uint_eq(json_array_size(units), 3);
	ck_assert_str_eq(json_text_of(json_object_get(json_array_get(units, 1),
		"probe_set"), "applies"), "custom");
	ck_assert_str_eq(json_text_of(json_object_get(json_array_get(units, 1),
		"probe_set"), "origin"), "c:2");
	ck_assert_str_eq(json_text_of(json_object_get(json_array_get(units, 2),
		"probe_set"), "applies"), "none");
	ck_assert_str_eq(json_text_of(json_object_get(b, "probe_set"),
		"applies"), "default");
	json_decref(b);
	http_end();
}
END_TEST

START_TEST(r004_the_rule_of_each_unit_is_told)
{
	json_t *b, *rule;

	begin();
	b = http_get("/v1/hosts/h00000/effective-config", 200);
	rule = json_object_get(json_array_get(json_object_get(b, "units"), 0),
		"rule");
	ck_assert_int_eq((int)json_real_value(json_object_get(rule,
		"grace_seconds")) + (int)json_integer_value(json_object_get(
		rule, "grace_seconds")), 600);
	json_decref(b);
	http_end();
}
END_TEST

START_TEST(the_summary_counts_each_layer)
{
	json_t *b, *layers;

	begin();
	b = http_get("/v1/summary", 200);
	layers = json_object_get(b, "layers");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(
		layers, "vm"), "impaired")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(
		layers, "role"), "total")), 4);
	json_decref(b);
	http_end();
}
END_TEST

int
main(void)
{
	return STORIES("http_units",
		r001_the_tree_has_four_layers_with_their_parents,
		r001_a_host_names_the_one_that_it_hangs_on,
		r023_who_is_not_affected_can_be_seen,
		r121_each_level_links_the_next,
		units_are_found_by_their_state_page_by_page,
		r007_the_verdict_carries_its_signals,
		r012_a_stateful_class_with_a_fresh_disk_fits_no_schema,
		r009_which_probe_set_applies_and_why,
		r004_the_rule_of_each_unit_is_told,
		the_summary_counts_each_layer);
}
