/*
 * What should move, what holds it, and what people are told: /v1/evacuations,
 * /v1/brakes, /v1/alerts, and why-not of a host.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"
#include "model/name.h"
#include "wire/note.h"

/* Newest first: a page goes on below the id of the last item. */
struct page {
	const struct snapshot *s;
	uint64_t limit;
	uint64_t below;
	uint64_t n;
	uint64_t rest;	/* the next page is below it; 0 = this is the last */
	char kind;
};

static int
page_read(struct request *r, char kind, struct page *p, struct tc_err *e)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	const char *cursor = target_get(&r->target, "cursor");
	char key[CURSOR_KEY_BYTES] = "";

	*p = (struct page){ .s = request_snapshot(r), .kind = kind,
		.below = UINT64_MAX };
	if (target_u64(&r->target, "limit", limits, &p->limit, e) < 0)
		return TC_EINVAL;
	if (cursor == NULL)
		return 0;
	if (cursor_parse(cursor, kind, key, e) < 0)
		return TC_EINVAL;
	if (u64_parse(key, strlen(key), &p->below) < 0)
		return tc_fail(e, TC_EINVAL, "cursor: not one of this list");
	return 0;
}

/* False when the reply is made: 400, or 304. */
static bool
page_open(struct request *r, const struct page *p, const struct tc_err *e,
	struct json_write *w)
{
	if (e->code != 0) {
		problem_set(r, 400, "invalid", "%s", e->text);
		return false;
	}
	if (reply_unchanged(r, p->s, false))
		return false;
	reply_open(r, w, p->s);
	json_add_array(w, "items");
	return true;
}

/* One more item, by its id; false: the page is full. */
static bool
page_takes(struct page *p, uint64_t id)
{
	if (p->n++ < p->limit)
		return true;
	p->rest = id + 1;
	return false;
}

static void
page_close(struct request *r, const struct page *p, struct json_write *w)
{
	char key[24];

	snprintf(key, sizeof(key), "%llu", (unsigned long long)p->rest);
	list_end(r, w, p->kind, p->rest != 0 ? key : NULL);
	json_put_end(w);
}

void
add_why_not(struct json_write *w, unsigned why)
{
	json_add_array(w, "why_not");
	for (int i = 0; i < WHY_NOT_COUNT_; i++) {
		if ((why >> i & 1) == 0)
			continue;
		json_put_object(w);
		json_add_str(w, "code", why_not_id((enum why_not)i));
		json_add_str(w, "words", why_not_words((enum why_not)i));
		json_put_end(w);
	}
	json_put_end(w);
}

/* ---- evacuations ---- */

void
add_targets(struct json_write *w, const char *const *names, size_t n,
	const size_t counts[TARGET_COUNT_])
{
	json_add_array(w, "targets");
	for (size_t i = 0; i < n; i++)
		json_put_str(w, names[i]);
	json_put_end(w);
	json_add_object(w, "partition_hosts");
	for (int i = 0; i < TARGET_COUNT_; i++)
		json_add_u64(w, target_id((enum target_state)i), counts[i]);
	json_put_end(w);
}

static void
add_urgency(struct json_write *w, const struct plan_urgency *u)
{
	json_add_str(w, "urgency", urgency_id(u->is));
	json_add_bool(w, "accept_loss_warning", u->accept_loss);
	json_add_double(w, "estimate_seconds", dur_to_seconds(u->estimate));
	if (u->left_known)
		json_add_double(w, "horizon_seconds", dur_to_seconds(u->left));
	else
		json_add_null(w, "horizon_seconds");
}

static void
add_plan(struct json_write *w, const struct snap_plan *p)
{
	const char *names[SNAP_PLAN_TARGETS];
	size_t n = 0;

	json_add_u64(w, "id", p->id);
	json_add_str(w, "host", p->host);
	if (p->unit != NULL && p->unit[0] != '\0')
		json_add_str(w, "unit", p->unit);
	json_add_str(w, "partition", p->partition);
	json_add_str(w, "action", plan_action_id(p->action));
	json_add_str(w, "state", plan_state_id(p->state));
	json_add_bool(w, "predicted", p->predicted);
	if (p->predicted)
		add_urgency(w, &p->urgency);
	add_time(w, "since", p->since);
	add_ladder(w, p);
	json_add_str(w, "reason", p->reason);
	add_why_not(w, p->why_not);
	for (size_t i = 0; i < p->n_targets && i < SNAP_PLAN_TARGETS; i++)
		names[n++] = p->targets[i].host;
	add_targets(w, names, n, p->target_counts);
}

static bool
knows_plan_state(const char *id, size_t n)
{
	enum plan_state s;

	return plan_state_parse(id, n, &s);
}

void
view_evacuations(struct request *r)
{
	const struct target *t = &r->target;
	const char *state = target_get(t, "state");
	const char *partition = NULL;
	char name[NAME_MAX_BYTES + 1];
	struct tc_err e = { 0 };
	struct page page;
	struct json_write w;

	if (page_read(r, 'e', &page, &e) == 0 &&
	    check_words("state", state, knows_plan_state, &e) == 0)
		read_name(t, "partition", name, &partition, &e);
	if (!page_open(r, &page, &e, &w))
		return;
	for (size_t i = 0; i < page.s->n_plans; i++) {
		const struct snap_plan *p = &page.s->plans[i];

		if (p->id >= page.below ||
		    (state != NULL && !list_has(state, plan_state_id(p->state))) ||
		    (partition != NULL && strcmp(partition, p->partition) != 0))
			continue;
		if (!page_takes(&page, p->id))
			break;
		json_put_object(&w);
		add_plan(&w, p);
		json_put_end(&w);
	}
	page_close(r, &page, &w);
}

void
view_evacuation(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const char *asked = r->target.segs[2];
	struct json_write w;
	uint64_t id;

	if (u64_parse(asked, strlen(asked), &id) < 0) {
		problem_set(r, 400, "invalid", "not an id");
		return;
	}
	for (size_t i = 0; i < s->n_plans; i++) {
		if (s->plans[i].id != id)
			continue;
		if (reply_unchanged(r, s, false))
			return;
		reply_open(r, &w, s);
		add_plan(&w, &s->plans[i]);
		json_put_end(&w);
		return;
	}
	problem_set(r, 404, "not_found", "there is no evacuation %s", asked);
}

void
view_why_not(struct request *r)
{
	struct snap_chunk *chunk;
	size_t at;
	const struct snap_host *h = find_host(r, &chunk, &at);
	const struct snapshot *s = request_snapshot(r);
	struct json_write w;

	if (h == NULL || reply_unchanged(r, s, false))
		return;
	reply_open(r, &w, s);
	json_add_str(&w, "host", h->name);
	json_add_str(&w, "state", state_id(h->state));
	json_add_str(&w, "level", level_name(h->level));
	add_id(&w, "evacuation", h->rare->plan_id);
	add_why_not(&w, h->why_not);
	json_put_end(&w);
}

/* ---- brakes ---- */

void
add_brake(struct json_write *w, const struct snap_partition *p)
{
	const struct snap_brake *b = &p->brake;

	json_add_str(w, "partition", p->name);
	json_add_bool(w, "latched", b->latched);
	add_time(w, "since", b->since);
	json_add_u64(w, "bad", b->bad);
	json_add_u64(w, "hosts", b->hosts);
	json_add_u64(w, "limit", b->limit);
	json_add_str(w, "cause", b->cause[0] != '\0' ? b->cause : NULL);
	json_add_str(w, "suspect", b->suspect[0] != '\0' ? b->suspect : NULL);
	json_add_str(w, "reason", b->reason);
	json_add_str(w, "released_by",
		b->released_by[0] != '\0' ? b->released_by : NULL);
	add_time(w, "released", b->released);
}

void
view_brakes(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const struct snap_partition *p;
	struct json_write w;

	if (reply_unchanged(r, s, false))
		return;
	reply_open(r, &w, s);
	json_add_array(&w, "items");
	for (p = next_partition(s, ""); p != NULL;
	     p = next_partition(s, p->name)) {
		json_put_object(&w);
		add_brake(&w, p);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_add_null(&w, "next");
	json_put_end(&w);
}

/* ---- alerts: worst first, then newest ---- */

static void
add_alert(struct json_write *w, const struct alert *a)
{
	json_put_object(w);
	json_add_u64(w, "id", a->id);
	json_add_str(w, "key", a->key);
	json_add_str(w, "kind", a->kind);
	json_add_str(w, "severity", severity_id(a->severity));
	json_add_str(w, "host", a->host[0] != '\0' ? a->host : NULL);
	json_add_str(w, "partition",
		a->partition[0] != '\0' ? a->partition : NULL);
	json_add_str(w, "state", "firing");
	add_time(w, "since", a->since);
	json_add_str(w, "summary", a->summary);
	json_add_str(w, "acked_by", a->acked_by[0] != '\0' ? a->acked_by : NULL);
	add_time(w, "acked_until", a->acked_until);
	json_add_bool(w, "grouped", a->grouped);
	json_add_raw(w, "details", a->body, strlen(a->body));
	json_put_end(w);
}

/* Where the list goes on: urgency and id in one number, falling. */
static uint64_t
rank_of(const struct alert *a)
{
	return (uint64_t)a->severity << 56 | (a->id & (UINT64_MAX >> 8));
}

static bool
knows_severity(const char *id, size_t n)
{
	enum severity s;

	return severity_parse(id, n, &s);
}

void
view_alerts(struct request *r)
{
	const struct target *t = &r->target;
	const char *severity = target_get(t, "severity");
	const char *kind = target_get(t, "kind");
	const char *host = NULL;
	char name[NAME_MAX_BYTES + 1];
	struct tc_err e = { 0 };
	struct page page;
	struct json_write w;

	if (page_read(r, 'a', &page, &e) == 0 &&
	    check_words("severity", severity, knows_severity, &e) == 0)
		read_name(t, "host", name, &host, &e);
	if (!page_open(r, &page, &e, &w))
		return;
	for (size_t i = 0; i < page.s->n_alerts; i++) {
		const struct alert *a = &page.s->alerts[i];

		if (rank_of(a) >= page.below || (severity != NULL &&
			!list_has(severity, severity_id(a->severity))) ||
		    (kind != NULL && !list_has(kind, a->kind)) ||
		    (host != NULL && strcmp(host, a->host) != 0))
			continue;
		if (!page_takes(&page, rank_of(a)))
			break;
		add_alert(&w, a);
	}
	page_close(r, &page, &w);
}

/* ---- what people say ---- */

static bool
is_asked(const struct note *n, const char *host, const char *key)
{
	if (host == NULL && key == NULL)
		return true;
	return n->of_host ? host != NULL && strcmp(host, n->of) == 0 :
		key != NULL && strcmp(key, n->of) == 0;
}

void
view_comments(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const char *key = target_get(&r->target, "alert");
	char name[NAME_MAX_BYTES + 1];
	const char *host = NULL;
	struct tc_err e = { 0 };
	struct json_write w;

	if (read_name(&r->target, "host", name, &host, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (reply_unchanged(r, s, false))
		return;
	reply_open(r, &w, s);
	json_add_array(&w, "items");
	for (size_t i = 0; i < s->n_notes; i++) {
		if (!is_asked(&s->notes[i], host, key))
			continue;
		json_put_object(&w);
		note_add_members(&w, &s->notes[i]);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_add_null(&w, "next");
	json_put_end(&w);
}

/* ---- the rules in force, with their origin ---- */

void
put_rule(struct json_write *w, const struct snap_check *c)
{
	const struct check_rule *rule = &c->kind->rule;
	char when[16] = "";

	json_put_object(w);
	json_add_str(w, "check", c->kind->key);
	json_add_str(w, "layer", snap_layer_id(c->layer));
	json_add_str(w, "probe", c->kind->probe);
	json_add_bool(w, "passive", c->passive);
	json_add_double(w, "interval_seconds", dur_to_seconds(rule->interval));
	json_add_double(w, "timeout_seconds", dur_to_seconds(rule->timeout));
	json_add_double(w, "recheck_seconds", dur_to_seconds(rule->recheck));
	json_add_u64(w, "fail_after", rule->fail_after);
	json_add_u64(w, "clear_after", rule->clear_after);
	json_add_u64(w, "stale_after", rule->stale_after);
	if (rule->fail_of != 0)
		snprintf(when, sizeof(when), "%u of %u", rule->fail_some,
			rule->fail_of);
	json_add_str(w, "fail_when", when);
	json_add_u64(w, "flap_after", rule->flap_after);
	json_add_u64(w, "flap_within", rule->flap_within);
	json_add_u64(w, "flap_clear", rule->flap_clear);
	json_add_str(w, "origin", c->kind->origin);
	json_put_end(w);
}

void
view_effective(struct request *r)
{
	struct snap_chunk *chunk;
	size_t at;
	const struct snap_host *h = find_host(r, &chunk, &at);
	const struct snapshot *s = request_snapshot(r);
	struct json_write w;

	if (h == NULL || reply_unchanged(r, s, false))
		return;
	reply_open(r, &w, s);
	json_add_str(&w, "host", h->name);
	json_add_str(&w, "owner", host_owner_id(h->owner));
	json_add_str(&w, "partition", h->partition);
	json_add_str(&w, "address", h->address);
	json_add_array(&w, "checks");
	for (size_t i = 0; i < h->n_checks; i++)
		put_rule(&w, &h->checks[i]);
	json_put_end(&w);
	add_unit_sets(&w, h);
	json_put_end(&w);
}

/* ---- switches ---- */

void
view_switches(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	struct json_write w;

	if (reply_unchanged(r, s, false))
		return;
	reply_open(r, &w, s);
	json_add_array(&w, "items");
	for (size_t i = 0; i < s->n_partitions * SWITCH_COUNT; i++) {
		const struct snap_partition *p =
			&s->partitions[i / SWITCH_COUNT];

		json_put_object(&w);
		json_add_str(&w, "partition", p->name);
		json_add_str(&w, "function",
			switch_id((enum plan_switch)(i % SWITCH_COUNT)));
		json_add_bool(&w, "on", (p->off >> i % SWITCH_COUNT & 1) == 0);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_add_null(&w, "next");
	json_put_end(&w);
}
