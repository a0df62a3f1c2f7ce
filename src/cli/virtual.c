#include "cli/virtual.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "engine/engine.h"

#define NS_PER_MS INT64_C(1000000)
/* Later than the boot of any machine; the phases come from it. */
#define BEGIN_NS INT64_C(1000000000000)
#define TIMEOUT_S 5
#define SETTLE_S 1

struct told {
	uint32_t id;
	char name[64];
};

struct virtual {
	struct engine_io io;
	struct engine *en;
	struct virtual_plan plan;
	struct now now;
	struct engine_run *runs;
	size_t n_runs, cap_runs;
	/* by handle of the check */
	struct run_mark { size_t i; int64_t due; } *marks;
	size_t cap_marks;
	int64_t slept_until;
	struct told *told;	/* names of hosts */
	size_t n_told, cap_told;
	struct virtual_counts counts;
	struct strbuf log;
	bool failed;
};

static struct virtual *
of_io(struct engine_io *io)
{
	return CONTAINER_OF(io, struct virtual, io);
}

/* ---- runs ---- */

static size_t
check_index(const struct virtual *v, const struct engine_run *r)
{

	for (size_t i = 0; i < v->plan.n; i++) {
		const struct virtual_check *c = &v->plan.checks[i];

		if (strcmp(c->host, r->host) == 0 &&
		    strcmp(c->key, r->probe) == 0)
			return i;
	}
	return SIZE_MAX;
}

static struct run_mark *
mark_of(struct virtual *v, const struct engine_run *r)
{
	void *marks = v->marks;
	size_t old = v->cap_marks;

	if (mem_grow(&marks, &v->cap_marks, (size_t)r->check + 1,
		    sizeof(*v->marks)) < 0)
		return NULL;
	v->marks = marks;
	memset(v->marks + old, 0, (v->cap_marks - old) * sizeof(*v->marks));
	if (v->marks[r->check].due == 0)
		v->marks[r->check].i = check_index(v, r);
	return &v->marks[r->check];
}

/* Slots are an interval apart, whatever the wall clock says. */
static void
note_slot(struct virtual *v, struct run_mark *m, int64_t due)
{
	int64_t interval = v->plan.checks[m->i].interval.ns;
	int64_t apart = due - m->due;

	v->counts.runs++;
	if (m->due != 0 && apart < interval)
		v->counts.doubled++;
	if (m->due != 0 && apart > interval && m->due >= v->slept_until)
		v->counts.skipped++;
	m->due = due;
}

static void
start(struct engine_io *io, const struct engine_run *runs, size_t n)
{
	struct virtual *v = of_io(io);
	void *items = v->runs;

	if (mem_grow(&items, &v->cap_runs, v->n_runs + n, sizeof(*runs)) < 0) {
		v->failed = true;
		return;
	}
	v->runs = items;
	memcpy(v->runs + v->n_runs, runs, n * sizeof(*runs));
	v->n_runs += n;
}

static void
answer(struct virtual *v)
{
	static const struct metric m = { "rehearsed_seconds", "", TOCSIN_F64,
		{ 0.001 } };
	struct dur since = dur_ns(v->now.mono.ns - BEGIN_NS);

	for (size_t i = 0; i < v->n_runs; i++) {
		const struct engine_run *r = &v->runs[i];
		struct run_mark *mark = mark_of(v, r);
		struct observation ob = { .probe = r->probe, .at = v->now.wall,
			.text = "", .device.kind = "", .metrics = &m,
			.n_metrics = 1 };

		if (mark == NULL || mark->i == SIZE_MAX) {
			v->failed = true;
			continue;
		}
		note_slot(v, mark, r->due.ns);
		ob.reason = v->plan.answer(v->plan.arg, mark->i, since);
		ob.outcome = reason_outcome(ob.reason);
		engine_result(v->en, r->check, r->seq, &ob, v->now);
	}
	v->n_runs = 0;
}

/* ---- what is said ---- */

static const char *
name_of(const struct virtual *v, uint32_t id)
{
	for (size_t i = 0; i < v->n_told; i++)
		if (v->told[i].id == id)
			return v->told[i].name;
	return "server";
}

static void
learn(struct virtual *v, const struct change_subject *s)
{
	void *items = v->told;

	if (s->kind != SUBJECT_HOST && s->kind != SUBJECT_PARTITION)
		return;
	if (mem_grow(&items, &v->cap_told, v->n_told + 1, sizeof(*v->told)) < 0) {
		v->failed = true;
		return;
	}
	v->told = items;
	v->told[v->n_told].id = s->id;
	snprintf(v->told[v->n_told++].name, sizeof(v->told[0].name), "%s",
		s->key);
}

/* The value of "key":"…" in flat JSON of the engine's making. */
static void
add_member(struct virtual *v, const char *json, const char *key)
{
	char quoted[32];
	const char *p;

	snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
	p = strstr(json, quoted);
	if (p == NULL)
		return;
	p += strlen(quoted);
	strbuf_putc(&v->log, ' ');
	strbuf_add(&v->log, p, strcspn(p, "\""));
}

static void
log_line(struct virtual *v, const char *who, const char *what)
{
	v->counts.moves++;
	strbuf_printf(&v->log, "%.3f %s %s",
		(double)(v->now.mono.ns - BEGIN_NS) / 1e9, who, what);
}

static void
note_event(struct virtual *v, const struct change_event *e)
{
	static const char *const keys[] = { "check", "from", "to", "reason" };

	if (strcmp(e->kind, "clock_step") == 0) {
		v->counts.clock_steps++;
		return;
	}
	log_line(v, name_of(v, e->subject), e->kind);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		add_member(v, e->body, keys[i]);
	strbuf_putc(&v->log, '\n');
}

static void
keep(struct engine_io *io, struct change_set *cs)
{
	struct virtual *v = of_io(io);

	for (size_t i = 0; i < cs->n; i++) {
		const struct change *c = &cs->items[i];

		if (c->kind == CHANGE_SUBJECT)
			learn(v, &c->u.subject);
		else if (c->kind == CHANGE_EVENT)
			note_event(v, &c->u.event);
		else if (c->kind == CHANGE_ALERT) {
			log_line(v, c->u.alert.key, c->u.alert.firing ?
				"alert\n" : "alert ends\n");
		}
	}
	change_set_free(cs);
}

/* ---- the fleet ---- */

static int
take_fleet(struct virtual *v)
{
	size_t n = v->plan.n;
	struct check_def *checks = mem_alloc_array(n, sizeof(*checks));
	struct host_def *hosts = mem_alloc_array(n, sizeof(*hosts));
	struct check_rule rule = { .interval = dur_s(15),
		.timeout = dur_s(TIMEOUT_S), .fail_after = 3,
		.clear_after = 2, .stale_after = 3 };
	struct partition_def part = { .name = "default", .rule = rule };
	struct fleet_def fleet = { .partitions = &part, .n_partitions = 1,
		.hosts = hosts, .passive = rule,
		.passive_smart_interval = dur_s(3600) };
	int rc = checks == NULL || hosts == NULL ? TC_ENOMEM : 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct virtual_check *c = &v->plan.checks[i];
		struct host_def *h = &hosts[fleet.n_hosts];

		rule.interval = c->interval;
		/* The key stands for the probe, so that a run tells both. */
		checks[i] = (struct check_def){ .key = c->key,
			.probe = c->key, .rule = rule };
		if (i > 0 && strcmp(c->host, c[-1].host) == 0) {
			hosts[fleet.n_hosts - 1].n_checks++;
			continue;
		}
		*h = (struct host_def){ .name = c->host,
			.partition = "default", .address = "192.0.2.1",
			.owner = OWNER_CONFIG, .checks = &checks[i],
			.n_checks = 1 };
		fleet.n_hosts++;
	}
	if (rc == 0)
		rc = engine_set_fleet(v->en, &fleet, v->now, NULL);
	mem_free(checks);
	mem_free(hosts);
	return rc;
}

struct virtual *
virtual_new(const struct virtual_plan *plan)
{
	struct virtual *v = MEM_NEW(struct virtual);
	struct engine_conf conf = { .version = "virtual", .boot_seed = 1 };

	if (v == NULL)
		return NULL;
	v->io = (struct engine_io){ .start = start, .store = keep };
	v->plan = *plan;
	v->now = (struct now){ { BEGIN_NS }, plan->from };
	conf.io = &v->io;
	v->en = engine_new(&conf);
	if (v->en == NULL || take_fleet(v) < 0) {
		virtual_free(v);
		return NULL;
	}
	/* What there is at the begin is no move. */
	strbuf_reset(&v->log);
	v->counts.moves = 0;
	return v;
}

void
virtual_free(struct virtual *v)
{
	if (v == NULL)
		return;
	engine_free(v->en);
	mem_free(v->runs);
	mem_free(v->marks);
	mem_free(v->told);
	strbuf_free(&v->log);
	mem_free(v);
}

static void
pass(struct virtual *v, int64_t to_ns)
{
	v->now.wall.ms += to_ns / NS_PER_MS - v->now.mono.ns / NS_PER_MS;
	v->now.mono.ns = to_ns;
}

void
virtual_run(struct virtual *v, struct dur until)
{
	int64_t end = BEGIN_NS + until.ns;

	while (v->now.mono.ns < end) {
		int64_t next = engine_tick(v->en, v->now).ns;

		answer(v);
		if (next <= v->now.mono.ns)
			next = v->now.mono.ns + NS_PER_MS;
		pass(v, next < end ? next : end);
	}
	engine_tick(v->en, v->now);
	answer(v);
}

void
virtual_step_wall(struct virtual *v, int64_t ms)
{
	v->now.wall.ms += ms;
}

void
virtual_sleep(struct virtual *v, struct dur d)
{
	pass(v, v->now.mono.ns + d.ns);
	v->slept_until = v->now.mono.ns;
}

int
virtual_window(struct virtual *v, const char *host, struct wall from,
	struct wall to, struct tc_err *e)
{
	struct change_set *cs = change_set_new();
	struct strbuf reply = { 0 };
	char a[WALL_TEXT], b[WALL_TEXT], body[256];
	struct engine_wish wish = { ORDER_WINDOW_CREATE, "", body, 0,
		"selftest" };
	int rc;

	if (cs == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	wish.n = (size_t)snprintf(body, sizeof(body), "{\"type\":\"power\","
		"\"hosts\":[\"%s\"],\"reason\":\"selftest\",\"from\":\"%s\","
		"\"to\":\"%s\"}", host, wall_format(from, a, sizeof(a)),
		wall_format(to, b, sizeof(b)));
	rc = engine_order(v->en, &wish, v->now, cs, &reply, e);
	keep(&v->io, cs);
	strbuf_free(&reply);
	return rc;
}

struct virtual_counts
virtual_counts(const struct virtual *v)
{
	return v->counts;
}

const char *
virtual_log(const struct virtual *v)
{
	return v->failed || v->log.failed ? "out of memory\n" :
		strbuf_str(&v->log);
}
