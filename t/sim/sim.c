#include "t/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/strbuf.h"
#include "engine/inside.h"
#include "health/observer.h"
#include "t/sim/runs.h"

#define NS INT64_C(1000000000)
/* 2026-01-01; any instant would do. */
#define BEGIN_MS INT64_C(1767225600000)

struct answer {
	struct heap_node due;
	uint32_t check;
	uint32_t seq;
	struct observation ob;
	struct metric metrics[3];
};

struct kept {
	uint32_t subject;
	char kind[16];
	unsigned char bytes[8192];
	size_t n;
};

struct sim {
	struct engine_io io;
	struct engine *en;
	const struct pack *pack;
	struct mono mono;
	struct mono begin;
	struct wall wall;
	bool mute;
	bool cut;
	bool gateway, gateway_dead;
	const char *witness;
	bool witness_dead;
	uint64_t loss_seed;
	double loss;
	bool loss_apart;	/* of rack0 alone */
	bool held;		/* the fleet is taken over later */
	char slow[16];		/* this host answers so late */
	int64_t slow_ns;
	int64_t late_ns;
	char scraped[16];	/* this host tells counters */
	struct mono counted;
	double load, busy_s, idle_s;
	struct dur backup_max_age;
	struct check_rule rule;
	size_t n_apart;		/* of rack0 */
	bool apart_gone;
	size_t n_hosts;
	struct host_def *hosts;
	struct check_def checks[2];
	enum tocsin_reason (*answers)[2];
	char (*names)[24];
	const char **parents;
	struct heap pending;
	struct change_subject *subjects;
	size_t n_subjects, cap_subjects;
	struct kept *states;
	size_t n_states, cap_states;
	struct change_prediction *predictions;
	size_t n_predictions, cap_predictions;
	struct alert *alerts;
	size_t n_alerts, cap_alerts, alert_facts;
	struct change_plan *plans;
	size_t n_plans, cap_plans;
	struct change_note *notes;
	size_t n_notes, cap_notes;
	struct change_window *windows;
	size_t n_windows, cap_windows;
	struct arena texts;
	char outcomes[4096];
	uint64_t last_seq;
	struct { char kind[32]; size_t n; } kinds[64];
	struct strbuf log, unit_log;
	struct strbuf said;
	size_t marked;
	struct sim_units { const struct unit_def *units; size_t n;
		enum unit_agent agent; } *units;
	struct { char address[32], probe[16]; enum tocsin_reason why; }
		tells[64];
	size_t n_tells;
	size_t history_rows;
	struct run_counts runs;
};

static struct now
now_of(const struct sim *s)
{
	return (struct now){ s->mono, s->wall };
}

/* ---- the world ---- */

static bool
is_lost(struct sim *s, const struct engine_run *r)
{
	if (s->loss_apart && (r->host[0] == '\0' ||
		(size_t)atoi(r->host + 1) >= s->n_apart))	/* lint: h12 */
		return false;
	s->loss_seed = s->loss_seed * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return (double)(s->loss_seed >> 11) / 9007199254740992.0 < s->loss;
}

static enum tocsin_reason
answer_of(const struct sim *s, const struct engine_run *r)
{
	size_t host;

	/* the gateway or the witness */
	if (r->host[0] == '\0')
		return (s->witness != NULL &&
			strcmp(r->address, s->witness) == 0 ?
			s->witness_dead : s->gateway_dead) ?
			TOCSIN_WHY_NO_REPLY : TOCSIN_WHY_NONE;
	host = (size_t)atoi(r->host + 1);	/* lint: h12 */
	return s->answers[host][strcmp(r->probe, "tcp") == 0];
}

/* As node_exporter does, which begins to count anew when it is told to. */
static void
tell_counters(struct sim *s, struct answer *a, bool page)
{
	if (!page || a->ob.outcome != TOCSIN_OK)
		return;
	sim_counters(s, s->scraped, s->load, false);
	a->metrics[1] = (struct metric){ "cpu_seconds_total", "mode=\"user\"",
		TOCSIN_F64, { s->busy_s } };
	a->metrics[2] = (struct metric){ "cpu_seconds_total", "mode=\"idle\"",
		TOCSIN_F64, { s->idle_s } };
	a->ob.n_metrics = 3;
	a->ob.own_row = true;
}

static void
start(struct engine_io *io, const struct engine_run *runs, size_t n)
{
	struct sim *s = CONTAINER_OF(io, struct sim, io);

	for (size_t i = 0; i < n && !s->mute; i++) {
		const struct engine_run *r = &runs[i];
		enum tocsin_reason why = answer_of(s, r);
		int64_t takes = strcmp(r->host, s->slow) == 0 ? s->slow_ns :
			NS / 1000;
		struct answer *a = calloc(1, sizeof(*a));

		if (r->host[0] != '\0')
			runs_begin(&s->runs, r->check);
		for (size_t k = 0; k < s->n_tells; k++)
			if (strcmp(s->tells[k].address, r->address) == 0 &&
			    strcmp(s->tells[k].probe, r->probe) == 0)
				why = s->tells[k].why;
		if (s->cut || is_lost(s, r) || takes >= r->timeout.ns)
			why = strcmp(r->probe, "tcp") == 0 ?
				TOCSIN_WHY_CONNECT_TIMEOUT : TOCSIN_WHY_NO_REPLY;
		a->check = r->check;
		a->seq = r->seq;
		a->metrics[0] = (struct metric){ "ping_rtt_seconds", "",
			TOCSIN_F64, { 0.001 } };
		a->ob = (struct observation){ .probe = r->probe,
			.outcome = reason_outcome(why), .reason = why,
			.text = "", .device.kind = "",
			.metrics = a->metrics, .n_metrics = 1 };
		if (strcmp(r->host, s->scraped) == 0)
			tell_counters(s, a, strcmp(r->probe, "tcp") == 0);
		heap_push(&s->pending, &a->due, s->mono.ns +
			(observer_is_silence(why) ? r->timeout.ns : takes));
	}
}

static void
keep_subject(struct sim *s, const struct change_subject *in)
{
	struct change_subject *at = NULL;
	void *items = s->subjects;

	for (size_t i = 0; i < s->n_subjects; i++)
		if (s->subjects[i].id == in->id)
			at = &s->subjects[i];
	if (at == NULL) {
		mem_grow(&items, &s->cap_subjects, s->n_subjects + 1,
			sizeof(*at));
		s->subjects = items;
		at = &s->subjects[s->n_subjects++];
		*at = (struct change_subject){ 0 };
	}
	mem_free((void *)(uintptr_t)at->key);
	mem_free((void *)(uintptr_t)at->body);
	*at = *in;
	at->key = mem_strdup(in->key);
	at->body = mem_strdup(in->body);
}

static void
keep_state(struct sim *s, const struct change_state *in)
{
	struct kept *at = NULL;
	void *items = s->states;

	for (size_t i = 0; i < s->n_states; i++)
		if (s->states[i].subject == in->subject &&
		    strcmp(s->states[i].kind, in->kind) == 0)
			at = &s->states[i];
	if (in->bytes == NULL) {
		if (at != NULL)
			*at = s->states[--s->n_states];
		return;
	}
	if (at == NULL) {
		mem_grow(&items, &s->cap_states, s->n_states + 1, sizeof(*at));
		s->states = items;
		at = &s->states[s->n_states++];
	}
	at->subject = in->subject;
	snprintf(at->kind, sizeof(at->kind), "%s", in->kind);
	tc_bug_if(in->n > sizeof(at->bytes));
	memcpy(at->bytes, in->bytes, in->n);
	at->n = in->n;
}

static void
keep_prediction(struct sim *s, const struct change_prediction *in)
{
	void *items = s->predictions;
	size_t i = 0;

	while (i < s->n_predictions && s->predictions[i].subject != in->subject)
		i++;
	if (i == s->n_predictions) {
		mem_grow(&items, &s->cap_predictions, i + 1, sizeof(*in));
		s->predictions = items;
		s->n_predictions++;
	}
	s->predictions[i] = *in;	/* level is a constant text */
}

static const char *
name_of(const struct sim *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_subjects; i++)
		if (s->subjects[i].id == id)
			return s->subjects[i].key;
	return "?";
}

/* The value of "key":"…" in flat JSON of our own making. */
static void
member(const char *json, const char *key, char *out, size_t size)
{
	char quoted[32];
	const char *p;

	snprintf(quoted, sizeof(quoted), "\"%s\":\"", key);
	p = strstr(json, quoted);
	out[0] = '\0';
	if (p != NULL)
		snprintf(out, size, "%.*s",
			(int)strcspn(p + strlen(quoted), "\""),
			p + strlen(quoted));
}

static void
keep_event(struct sim *s, const struct change_event *in)
{
	size_t i = 0;

	tc_bug_if(in->seq <= s->last_seq);
	/* The store refuses a fact about a subject that it was not told of. */
	tc_bug_if((strncmp(in->kind, "vm.", 3) == 0 ||
		strncmp(in->kind, "role.", 5) == 0) &&
		name_of(s, in->subject)[0] == '?');
	s->last_seq = in->seq;
	while (s->kinds[i].n != 0 && strcmp(s->kinds[i].kind, in->kind) != 0)
		i++;
	snprintf(s->kinds[i].kind, sizeof(s->kinds[i].kind), "%s", in->kind);
	s->kinds[i].n++;
	if (strcmp(in->kind, "vm.state") == 0 ||
	    strcmp(in->kind, "role.state") == 0) {
		char unit[64], from[24], to[24], reason[32], type[8];

		member(in->body, "unit", unit, sizeof(unit));
		member(in->body, "from", from, sizeof(from));
		member(in->body, "to", to, sizeof(to));
		member(in->body, "reason", reason, sizeof(reason));
		member(in->body, "type", type, sizeof(type));
		strbuf_printf(&s->unit_log, "%s %s>%s %s %s\n", unit, from, to,
			reason, type);
	}
	if (strcmp(in->kind, "host.state") == 0) {
		char from[24], to[24], reason[32];

		member(in->body, "from", from, sizeof(from));
		member(in->body, "to", to, sizeof(to));
		member(in->body, "reason", reason, sizeof(reason));
		strbuf_printf(&s->log, "%s %s>%s %s\n",
			name_of(s, in->subject), from, to, reason);
	}
}

static void
keep_alert(struct sim *s, const struct alert *in)
{
	void *items = s->alerts;
	size_t i = 0;

	s->alert_facts++;
	while (i < s->n_alerts && s->alerts[i].id != in->id)
		i++;
	if (i == s->n_alerts) {
		mem_grow(&items, &s->cap_alerts, i + 1, sizeof(*in));
		s->alerts = items;
		s->n_alerts++;
	}
	/* The texts are leaked to the end of the test: they must outlive cs. */
	s->alerts[i] = *in;
	s->alerts[i].key = arena_strdup(&s->texts, in->key);
	s->alerts[i].kind = arena_strdup(&s->texts, in->kind);
	s->alerts[i].summary = arena_strdup(&s->texts, in->summary);
	s->alerts[i].body = arena_strdup(&s->texts, in->body);
	s->alerts[i].acked_by = arena_strdup(&s->texts, in->acked_by);
}

static void
keep_plan(struct sim *s, const struct change_plan *in)
{
	void *items = s->plans;
	size_t i = 0;

	while (i < s->n_plans && s->plans[i].id != in->id)
		i++;
	if (i == s->n_plans) {
		mem_grow(&items, &s->cap_plans, i + 1, sizeof(*in));
		s->plans = items;
		s->n_plans++;
	}
	s->plans[i] = *in;
}

static void
keep_note(struct sim *s, const struct change_note *in)
{
	void *items = s->notes;
	size_t i = 0;

	while (i < s->n_notes && s->notes[i].id != in->id)
		i++;
	if (i == s->n_notes) {
		mem_grow(&items, &s->cap_notes, i + 1, sizeof(*in));
		s->notes = items;
		s->n_notes++;
	}
	s->notes[i] = *in;
	s->notes[i].body = arena_strdup(&s->texts, in->body);
}

static void
keep_window(struct sim *s, const struct change_window *in)
{
	void *items = s->windows;
	size_t i = 0;

	while (i < s->n_windows && s->windows[i].id != in->id)
		i++;
	if (i == s->n_windows) {
		mem_grow(&items, &s->cap_windows, i + 1, sizeof(*in));
		s->windows = items;
		s->n_windows++;
	}
	s->windows[i] = *in;
	s->windows[i].body = arena_strdup(&s->texts, in->body);
}

static void
keep_outcome(struct sim *s, const struct change_outcome *in)
{
	size_t n = sizeof(s->outcomes);

	snprintf(s->outcomes + strlen(s->outcomes), n - strlen(s->outcomes),
		"%.0f %u %s %s %s\n", (double)(in->at.ms - BEGIN_MS) / 1000,
		in->subject, outcome_kind_id(in->kind),
		outcome_source_id(in->source), in->by);
}

static void
store(struct engine_io *io, struct change_set *cs)
{
	struct sim *s = CONTAINER_OF(io, struct sim, io);

	for (size_t i = 0; i < cs->n; i++) {
		const struct change *c = &cs->items[i];

		switch (c->kind) {
		case CHANGE_SUBJECT:
			keep_subject(s, &c->u.subject);
			break;
		case CHANGE_HISTORY:
			s->history_rows++;
			break;
		case CHANGE_EVENT:
			keep_event(s, &c->u.event);
			s->marked += strstr(c->u.event.kind, ".state") != NULL &&
				strstr(c->u.event.body, "\"window\":") != NULL;
			break;
		case CHANGE_STATE:
			keep_state(s, &c->u.state);
			break;
		case CHANGE_ALERT:
			keep_alert(s, &c->u.alert);
			break;
		case CHANGE_PLAN:
			keep_plan(s, &c->u.plan);
			break;
		case CHANGE_ARTIFACT:
			break;
		case CHANGE_OUTCOME:
			keep_outcome(s, &c->u.outcome);
			break;
		case CHANGE_WINDOW:
			keep_window(s, &c->u.window);
			break;
		case CHANGE_NOTE:
			keep_note(s, &c->u.note);
			break;
		case CHANGE_OUTBOX:
		case CHANGE_DELIVERY:
		case CHANGE_AUDIT:
			break;
		case CHANGE_PREDICTION:
			keep_prediction(s, &c->u.prediction);
			break;
		}
	}
	change_set_free(cs);
}

/* ---- the fleet ---- */

static void
set_fleet(struct sim *s, const char *without)
{
	struct check_rule rule = s->rule;
	struct partition_def parts[] = { { .name = "rack1", .rule = rule },
		{ .name = "rack0", .rule = rule } };
	struct fleet_def fleet = { .partitions = parts,
		.n_partitions = s->n_apart > 0 ? 2 : 1,
		.passive = rule, .passive_smart_interval = dur_s(3600),
		.gateway = s->gateway, .witnesses = &s->witness,
		.n_witnesses = s->witness != NULL,
		.backup_max_age = s->backup_max_age };
	struct host_def *hosts = calloc(s->n_hosts + 1, sizeof(*hosts));

	s->checks[0] = (struct check_def){ .key = "ping", .probe = "ping",
		.rule = rule };
	s->checks[1] = (struct check_def){ .key = "tcp:8000", .probe = "tcp",
		.rule = rule };
	for (size_t i = 0; i < s->n_hosts; i++) {
		if ((without != NULL && strcmp(s->names[i], without) == 0) ||
		    (i < s->n_apart && s->apart_gone))
			continue;
		hosts[fleet.n_hosts++] = (struct host_def){
			.name = s->names[i],
			.partition = i < s->n_apart ? "rack0" : "rack1",
			.address = "198.51.100.1", .owner = OWNER_CONFIG,
			.parent = s->parents[i],
			.checks = s->checks, .n_checks = 2,
			.units = s->units[i].units,
			.n_units = s->units[i].n,
			.agent = s->units[i].agent };
	}
	fleet.hosts = hosts;
	if (!s->held)
		tc_bug_if(engine_set_fleet(s->en, &fleet, now_of(s),
			NULL) < 0);
	engine_set_gateway(s->en, "192.0.2.1");
	free(hosts);
}

void
sim_hold(struct sim *s, bool held)
{
	s->held = held;
	set_fleet(s, NULL);
}

void
sim_split(struct sim *s, size_t n, bool there)
{
	s->n_apart = n;
	s->apart_gone = !there;
	set_fleet(s, NULL);
}

/* The one place that the fleet knows. */
static int
zone(struct engine_io *io, const char *id, char *rule, size_t size)
{
	(void)io;
	if (strcmp(id, "Europe/Vienna") != 0)
		return TC_ENOENT;
	snprintf(rule, size, "CET-1CEST,M3.5.0,M10.5.0/3");
	return 0;
}

static void
boot(struct sim *s)
{
	struct engine_conf conf = { .io = &s->io, .pack = s->pack,
		.version = "sim", .boot_seed = 42 };

	s->en = engine_new(&conf);
	tc_bug_if(s->en == NULL);
}

struct sim *
sim_new(size_t hosts, const struct pack *pack, int recheck)
{
	struct sim *s = calloc(1, sizeof(*s));

	s->io.start = start;
	s->io.store = store;
	s->io.zone = zone;
	s->pack = pack;
	s->rule = (struct check_rule){ .interval = dur_s(15),
		.timeout = dur_s(5), .recheck = dur_s(recheck),
		.fail_after = 3, .clear_after = 2, .stale_after = 3 };
	s->begin = s->mono = (struct mono){ 1000 * NS };
	s->wall.ms = BEGIN_MS;
	s->n_hosts = hosts;
	s->names = calloc(hosts + 1, sizeof(*s->names));
	s->answers = calloc(hosts + 1, sizeof(*s->answers));
	s->units = calloc(hosts + 1, sizeof(*s->units));
	s->parents = calloc(hosts + 1, sizeof(*s->parents));
	for (size_t i = 0; i < hosts; i++)
		snprintf(s->names[i], sizeof(s->names[i]), "h%zu", i);
	boot(s);
	set_fleet(s, NULL);
	return s;
}

void
sim_rule(struct sim *s, const struct check_rule *rule)
{
	s->rule = *rule;
	set_fleet(s, NULL);
}

void
sim_backup_policy(struct sim *s, int seconds)
{
	s->backup_max_age = dur_s(seconds);
	set_fleet(s, NULL);
}

static void
drop_pending(struct sim *s)
{
	struct heap_node *n;

	while ((n = heap_pop(&s->pending)) != NULL)
		free(CONTAINER_OF(n, struct answer, due));
	runs_drop(&s->runs);
}

struct sim_runs
sim_runs(const struct sim *s)
{
	return runs_sum(&s->runs);
}

void
sim_free(struct sim *s)
{
	engine_free(s->en);
	drop_pending(s);
	runs_free(&s->runs);
	heap_free(&s->pending);
	for (size_t i = 0; i < s->n_subjects; i++) {
		mem_free((void *)(uintptr_t)s->subjects[i].key);
		mem_free((void *)(uintptr_t)s->subjects[i].body);
	}
	mem_free(s->subjects);
	mem_free(s->states);
	mem_free(s->predictions);
	mem_free(s->alerts);
	mem_free(s->plans);
	mem_free(s->windows);
	mem_free(s->notes);
	arena_free(&s->texts);
	strbuf_free(&s->said);
	strbuf_free(&s->log);
	strbuf_free(&s->unit_log);
	free(s->units);
	free(s->parents);
	free(s->names);
	free(s->answers);
	free(s);
}

static void
pass(struct sim *s, int64_t to_ns)
{
	s->wall.ms += to_ns / 1000000 - s->mono.ns / 1000000;
	s->mono.ns = to_ns;
}

static void
deliver(struct sim *s)
{
	struct heap_node *n;

	while ((n = heap_peek(&s->pending)) != NULL && n->key <= s->mono.ns) {
		struct answer *a = CONTAINER_OF(heap_pop(&s->pending),
			struct answer, due);

		a->ob.at = s->wall;
		runs_end(&s->runs, a->check);
		engine_result(s->en, a->check, a->seq, &a->ob, now_of(s));
		free(a);
	}
}

void
sim_run_until(struct sim *s, double seconds)
{
	int64_t end = s->begin.ns + (int64_t)(seconds * 1e9);

	while (s->mono.ns < end) {
		struct mono next = engine_tick(s->en, now_of(s));
		struct heap_node *n = heap_peek(&s->pending);
		int64_t to = next.ns;

		if (n != NULL && n->key < to)
			to = n->key;
		to += s->late_ns;
		if (to > end)
			to = end;
		if (to <= s->mono.ns)
			to = s->mono.ns + 1000000;
		pass(s, to);
		deliver(s);
	}
	engine_tick(s->en, now_of(s));
}

double
sim_now(const struct sim *s)
{
	return (double)(s->mono.ns - s->begin.ns) / 1e9;
}

void
sim_set(struct sim *s, const char *host, const char *check,
	enum tocsin_reason reason)
{
	s->answers[atoi(host + 1)][strncmp(check, "tcp", 3) == 0] = reason;	/* lint: h12 */
}

void
sim_mute(struct sim *s, bool mute)
{
	s->mute = mute;
}

void
sim_cut(struct sim *s, bool cut)
{
	s->cut = cut;
}

void
sim_slow(struct sim *s, const char *host, double seconds)
{
	snprintf(s->slow, sizeof(s->slow), "%s", host);
	s->slow_ns = (int64_t)(seconds * 1e9);
}

void
sim_loss_apart(struct sim *s, double ratio, uint64_t seed)
{
	sim_loss(s, ratio, seed);
	s->loss_apart = ratio > 0;
}

void
sim_loss(struct sim *s, double ratio, uint64_t seed)
{
	s->loss = ratio;
	s->loss_seed = seed;
}

void
sim_controls(struct sim *s, bool gateway, const char *witness)
{
	s->gateway = gateway;
	s->witness = witness;
	set_fleet(s, NULL);
}

void
sim_kill_controls(struct sim *s, bool gateway, bool witness)
{
	s->gateway_dead = gateway;
	s->witness_dead = witness;
}

void
sim_stall(struct sim *s, double seconds)
{
	pass(s, s->mono.ns + (int64_t)(seconds * 1e9));
	deliver(s);
}

void
sim_late(struct sim *s, double seconds)
{
	s->late_ns = (int64_t)(seconds * 1e9);
}

void
sim_sleep(struct sim *s, double seconds)
{
	drop_pending(s);
	pass(s, s->mono.ns + (int64_t)(seconds * 1e9));
}

void
sim_step_wall(struct sim *s, int64_t ms)
{
	s->wall.ms += ms;
}

void
sim_restart(struct sim *s)
{
	uint64_t prediction = 0;

	engine_free(s->en);
	drop_pending(s);
	boot(s);
	/* in the order of the store: partitions before all else */
	for (int others = 0; others < 2; others++)
		for (size_t i = 0; i < s->n_subjects; i++)
			tc_bug_if(others == (s->subjects[i].kind !=
				SUBJECT_PARTITION) &&
				engine_restore_subject(s->en,
				&s->subjects[i]) < 0);
	for (size_t i = 0; i < s->n_states; i++) {
		struct change_state st = { s->states[i].subject,
			s->states[i].kind, s->states[i].bytes, s->states[i].n };

		tc_bug_if(engine_restore_state(s->en, &st) < 0);
	}
	for (size_t i = 0; i < s->n_predictions; i++) {
		if (strcmp(s->predictions[i].level, "none") != 0)
			engine_restore_prediction(s->en, &s->predictions[i]);
		if (s->predictions[i].id > prediction)
			prediction = s->predictions[i].id;
	}
	for (size_t i = 0; i < s->n_alerts; i++)
		if (s->alerts[i].firing)
			tc_bug_if(engine_restore_alert(s->en, &s->alerts[i]) < 0);
	for (size_t i = 0; i < s->n_plans; i++)
		engine_restore_plan(s->en, &s->plans[i]);
	for (size_t i = 0; i < s->n_windows; i++)
		if (!s->windows[i].ended)
			tc_bug_if(engine_restore_window(s->en,
				&s->windows[i]) < 0);
	for (size_t i = 0; i < s->n_notes; i++)
		if (!s->notes[i].ended)
			tc_bug_if(engine_restore_note(s->en,
				&s->notes[i]) < 0);
	engine_restore_seq(s->en, s->last_seq, prediction, false);
	set_fleet(s, NULL);
}

void
sim_without(struct sim *s, const char *host)
{
	set_fleet(s, host);
}

void
sim_parent(struct sim *s, const char *first, const char *last,
	const char *parent)
{
	for (int i = atoi(first + 1); i <= atoi(last + 1); i++)	/* lint: h12 */
		s->parents[i] = parent[0] != '\0' ?
			s->names[atoi(parent + 1)] : NULL;	/* lint: h12 */
	set_fleet(s, NULL);
}

void
sim_units(struct sim *s, const char *host, const struct unit_def *units,
	size_t n, enum unit_agent agent)
{
	s->units[atoi(host + 1)] = (struct sim_units){ units, n, agent };	/* lint: h12 */
	set_fleet(s, NULL);
}

void
sim_answer(struct sim *s, const char *address, const char *probe,
	enum tocsin_reason reason)
{
	size_t k = 0;

	while (k < s->n_tells && (strcmp(s->tells[k].address, address) != 0 ||
		strcmp(s->tells[k].probe, probe) != 0))
		k++;
	if (k == s->n_tells)
		tc_bug_if(++s->n_tells > ARRAY_LEN(s->tells));
	snprintf(s->tells[k].address, sizeof(s->tells[k].address), "%s",
		address);
	snprintf(s->tells[k].probe, sizeof(s->tells[k].probe), "%s", probe);
	s->tells[k].why = reason;
}

void
sim_counters(struct sim *s, const char *host, double load, bool anew)
{
	double past = (double)(s->mono.ns - s->counted.ns) / 1e9;

	if (host != s->scraped)
		snprintf(s->scraped, sizeof(s->scraped), "%s", host);
	s->busy_s = anew ? 0 : s->busy_s + past * s->load;
	s->idle_s = anew ? 0 : s->idle_s + past * (1 - s->load);
	s->load = load;
	s->counted = s->mono;
}

const struct snap_unit *
sim_unit(const struct snapshot *snap, const char *path, const char **host)
{
	for (size_t i = 0; i < snap->n_chunks; i++)
		for (size_t k = 0; k < snap->chunks[i]->n; k++) {
			const struct snap_host *h = snap->chunks[i]->hosts[k];

			for (size_t u = 0; u < h->rare->n_units; u++)
				if (strcmp(h->rare->units[u].path, path) == 0) {
					*host = h->name;
					return &h->rare->units[u];
				}
		}
	return NULL;
}

const char *
sim_unit_log(const struct sim *s)
{
	return strbuf_str(&s->unit_log);
}

enum engine_batch_refusal
sim_batch(struct sim *s, const char *host, const struct observation *ob,
	bool may_create)
{
	struct observation copy = *ob;
	struct batch b = { .host = host, .id = "", .items = &copy, .n = 1 };
	struct change_set *cs = change_set_new();
	enum engine_batch_refusal no;

	if (copy.at.ms == 0)
		copy.at = s->wall;
	b.sent = s->wall;
	no = engine_batch(s->en, &b, may_create, now_of(s), cs);
	store(&s->io, cs);
	return no;
}

int
sim_order(struct sim *s, enum engine_order kind, const char *target,
	const char *body)
{
	struct change_set *cs = change_set_new();
	struct strbuf reply = { 0 };
	char *text = mem_strdup(body);
	struct engine_wish w = { kind, target, text, strlen(body), "ann" };
	struct tc_err e = { 0 };
	int rc = engine_order(s->en, &w, now_of(s), cs, &reply, &e);

	store(&s->io, cs);
	strbuf_reset(&s->said);
	strbuf_puts(&s->said, rc == 0 ? strbuf_str(&reply) : e.text);
	strbuf_free(&reply);
	mem_free(text);
	return rc;
}

const char *
sim_said(const struct sim *s)
{
	return strbuf_str(&s->said);
}

size_t
sim_events_marked(const struct sim *s)
{
	return s->marked;
}

size_t
sim_windows_stored(const struct sim *s)
{
	return s->n_windows;
}

bool
sim_alert_of(const struct sim *s, const char *kind, const char *host)
{
	char key[300];
	bool firing = false;

	snprintf(key, sizeof(key), "%s/%s", kind, host);
	for (size_t i = 0; i < s->n_alerts; i++)
		if (strcmp(s->alerts[i].key, key) == 0)
			firing = s->alerts[i].firing;
	return firing;
}

size_t
sim_alert_facts(const struct sim *s)
{
	return s->alert_facts;
}

struct snapshot *
sim_snapshot(struct sim *s)
{
	return engine_snapshot(s->en, now_of(s));
}

void
sim_forget_snapshots(struct sim *s)
{
	chunks_free(s->en);
}

size_t
sim_events(const struct sim *s, const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(s->kinds); i++)
		if (strcmp(s->kinds[i].kind, kind) == 0)
			return s->kinds[i].n;
	return 0;
}

const char *
sim_log(const struct sim *s)
{
	return strbuf_str(&s->log);
}

size_t
sim_history_rows(const struct sim *s)
{
	return s->history_rows;
}

struct engine_counts
sim_counts(struct sim *s)
{
	struct engine_counts c;

	engine_counts(s->en, &c);
	return c;
}

const char *
sim_outcomes(const struct sim *s)
{
	return s->outcomes;
}
