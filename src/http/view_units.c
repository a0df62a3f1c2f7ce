/*
 * The drill-down: /v1/tree, the units of a host, one unit.  Partition → host
 * → VM → role → check → raw observations; each level links the next, and
 * every id is stable.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"
#include "model/name.h"

void
add_unit_url(struct json_write *w, const char *key, uint32_t id)
{
	char url[40];

	snprintf(url, sizeof(url), "/v1/units/%u", id);
	json_add_str(w, key, url);
}

static void
add_named_url(struct json_write *w, const char *under, const char *name)
{
	char url[300];

	snprintf(url, sizeof(url), "/v1/%s/%s", under, name);
	json_add_str(w, "url", url);
}

/* Where the measurements of a check are: by its unit, or by its host. */
static void
add_raw(struct json_write *w, const struct snap_host *h,
	const struct snap_unit *u, const struct snap_check *c)
{
	const struct snap_names *names = c->kind->names;
	bool some = names != NULL && names->n > 0;
	struct strbuf url = { 0 };

	strbuf_puts(&url, "/v1/series?");
	if (u != NULL)
		strbuf_printf(&url, "unit=%u", u->id);
	else
		strbuf_printf(&url, "host=%s", h->name);
	if (!c->passive)
		strbuf_puts(&url, "&metric=check_ok&instance=");
	else if (some)
		strbuf_printf(&url, "&metric=%s", names->of[0].name);
	if (!c->passive)
		put_escaped(&url, c->kind->key);
	json_add_str(w, "raw", c->passive && !some ? NULL : strbuf_str(&url));
	strbuf_free(&url);
}

static void
put_leaf(struct json_write *w, const struct snap_whose *of,
	const struct snap_unit *u, const struct snap_check *c)
{
	json_put_object(w);
	json_add_str(w, "kind", "check");
	json_add_u64(w, "id", c->id);
	json_add_str(w, "key", c->kind->key);
	json_add_str(w, "layer", snap_layer_id(c->layer));
	json_add_str(w, "health", health_id(c->health));
	json_add_str(w, "reason", reason_id(c->reason));
	add_time(w, "at", snap_live(of->chunk, c->live)->at);
	add_raw(w, of->host, u, c);
	json_put_end(w);
}

/* ---- what is known of a unit ---- */

static void
add_bits(struct json_write *w, const char *key, unsigned bits)
{
	json_add_array(w, key);
	for (int i = 0; i < SIGNAL_COUNT_; i++)
		if (bits >> i & 1)
			json_put_str(w, signal_id((enum signal_side)i));
	json_put_end(w);
}

static void
add_signals(struct json_write *w, const struct snap_unit *u)
{
	json_add_object(w, "signals");
	for (int i = 0; i < SIGNAL_COUNT_; i++)
		json_add_str(w, signal_id((enum signal_side)i),
			u->told[i] ? health_id(u->sides[i]) : NULL);
	json_put_end(w);
	add_bits(w, "convicted_by", u->by);
	add_bits(w, "expected", u->expected);
}

/*
 * How sure: two signals, or the word of who runs it, is high; one signal is
 * medium; silence, doubt and ignorance are low.
 */
static const char *
confidence(const struct snap_unit *u)
{
	unsigned outside = u->by & 1U << SIGNAL_OUTSIDE;
	bool stopped = u->run == VM_RUN_PAUSED || u->run == VM_RUN_CRASHED ||
		u->run == VM_RUN_SHUT_OFF;
	unsigned sides = 0;

	for (int i = 0; i < SIGNAL_COUNT_; i++)
		sides += u->told[i] && u->sides[i] == u->health;
	if (stopped || sides > 1)
		return "high";
	return outside != 0 || sides == 1 || u->run == VM_RUN_RUNNING ?
		"medium" : "low";
}

static const char *
side_of_check(const struct snap_check *c)
{
	if (!c->passive)
		return signal_id(SIGNAL_OUTSIDE);
	return signal_id(strncmp(c->kind->key, "signal:", 7) == 0 ?
		SIGNAL_EXTERNAL : SIGNAL_INSIDE);
}

/* What speaks for the verdict: the checks that are not well. */
static void
add_evidence(struct json_write *w, const struct snap_chunk *in,
	const struct snap_unit *u)
{
	json_add_array(w, "evidence");
	for (size_t i = 0; i < u->n_checks; i++) {
		const struct snap_check *c = &u->checks[i];

		if (c->health == HEALTH_HEALTHY)
			continue;
		json_put_object(w);
		json_add_str(w, "signal", side_of_check(c));
		json_add_str(w, "check", c->kind->key);
		json_add_str(w, "health", health_id(c->health));
		json_add_str(w, "reason", reason_id(c->reason));
		json_add_str(w, "text", c->text);
		add_time(w, "at", snap_live(in, c->live)->at);
		json_put_end(w);
	}
	json_put_end(w);
}

static void
add_action(struct json_write *w, const struct snap_unit *u)
{
	json_add_str(w, "action", u->action == PLAN_NONE ? NULL :
		plan_action_id(u->action));
	json_add_str(w, "next_action", u->next == PLAN_NONE ? NULL :
		plan_action_id(u->next));
	add_id(w, "plan", u->plan_id);
	add_why_not(w, u->why_not);
}

/* Which probes watch it, and why these. */
static void
add_probe_set(struct json_write *w, const struct snap_unit *u)
{
	bool any = false;

	for (size_t i = 0; i < u->n_checks; i++)
		any = any || !u->checks[i].passive;
	json_add_object(w, "probe_set");
	json_add_str(w, "applies", u->own_checks ? "custom" :
		any ? "default" : "none");
	json_add_str(w, "why", u->own_checks ?
		"it has checks of its own; the partition's are not run" :
		any ? "it has none of its own: the partition's apply" :
		"nobody declared checks for it");
	json_add_str(w, "origin", u->checks_origin);
	json_put_end(w);
}

static void
add_rule(struct json_write *w, const struct unit_rule *r)
{
	json_add_object(w, "rule");
	json_add_double(w, "heartbeat_seconds", dur_to_seconds(r->heartbeat));
	json_add_u64(w, "late_after", r->late_after);
	json_add_u64(w, "clear_after", r->clear_after);
	json_add_double(w, "grace_seconds", dur_to_seconds(r->grace));
	json_add_double(w, "never_connected_seconds",
		dur_to_seconds(r->never));
	json_add_double(w, "connection_lost_seconds", dur_to_seconds(r->lost));
	json_add_double(w, "reported_exit_seconds", dur_to_seconds(r->gone));
	json_add_double(w, "busy_ratio", r->busy_ratio);
	json_put_end(w);
}

static void
add_vm(struct json_write *w, const struct snap_unit *u)
{
	if (!u->is_vm)
		return;
	json_add_str(w, "agent", unit_agent_id(u->agent));
	json_add_str(w, "vm_state", vm_run_id(u->run));
	add_time(w, "vm_state_since", u->run_since);
	json_add_bool(w, "busy", u->busy);
	json_add_str(w, "cause_hint", cause_id(u->cause));
	add_rule(w, &u->rule);
}

void
add_unit_head(struct json_write *w, const struct snap_unit *u)
{
	json_add_str(w, "kind", u->is_vm ? "vm" : "role");
	json_add_u64(w, "id", u->id);
	json_add_str(w, "name", u->name);
	json_add_str(w, "path", u->path);
	json_add_str(w, "state", state_id(u->state));
	json_add_str(w, "reason", reason_id(u->reason));
	add_time(w, "since", u->since);
}

void
add_unit(struct json_write *w, const struct snap_whose *of,
	const struct snap_unit *u)
{
	add_unit_head(w, u);
	json_add_str(w, "health", health_id(u->health));
	json_add_str(w, "host", of->host->name);
	add_id(w, "vm", u->vm);
	json_add_str(w, "address", u->address);
	json_add_str(w, "owner", host_owner_id(u->owner));
	json_add_str(w, "origin", u->origin);
	json_add_str(w, "class", unit_class_id(u->cls));
	json_add_str(w, "confidence", confidence(u));
	add_signals(w, u);
	add_evidence(w, of->chunk, u);
	add_action(w, u);
	add_probe_set(w, u);
	add_vm(w, u);
	json_add_array(w, "checks");
	for (size_t i = 0; i < u->n_checks; i++)
		put_check(w, of->chunk, &u->checks[i]);
	json_put_end(w);
	add_unit_url(w, "url", u->id);
}

void
add_host_units(struct json_write *w, const struct snap_chunk *in,
	const struct snap_host *h)
{
	const struct snap_whose of = { h, in };

	if (h->rare->watch != NULL) {
		json_add_object(w, "agent");
		json_add_bool(w, "expected", h->rare->watch->expected);
		json_add_str(w, "reason", reason_id(h->rare->watch->reason));
		json_add_bool(w, "alarm", h->rare->watch->alarming);
		json_put_end(w);
	}
	if (h->rare->n_units == 0)
		return;
	json_add_array(w, "units");
	for (size_t i = 0; i < h->rare->n_units; i++) {
		json_put_object(w);
		add_unit(w, &of, &h->rare->units[i]);
		json_put_end(w);
	}
	json_put_end(w);
}

/* Which checks of the host apply and why; each unit's set beside it. */
void
add_unit_sets(struct json_write *w, const struct snap_host *h)
{
	bool custom = false;

	for (size_t i = 0; i < h->rare->n_units; i++)
		custom = custom || (!h->rare->units[i].is_vm &&
			h->rare->units[i].vm == 0 &&
			h->rare->units[i].own_checks);
	json_add_object(w, "probe_set");
	json_add_str(w, "applies", custom ? "custom" : "default");
	json_add_str(w, "why", custom ? "a role of it has checks of its own: "
		"the partition's role checks are not run here" :
		"its partition's checks, and those written at the host");
	json_put_end(w);
	json_add_array(w, "units");
	for (size_t i = 0; i < h->rare->n_units; i++) {
		const struct snap_unit *u = &h->rare->units[i];

		json_put_object(w);
		json_add_u64(w, "id", u->id);
		json_add_str(w, "kind", u->is_vm ? "vm" : "role");
		json_add_str(w, "path", u->path);
		json_add_str(w, "origin", u->origin);
		add_probe_set(w, u);
		add_rule(w, &u->rule);
		json_add_array(w, "checks");
		for (size_t k = 0; k < u->n_checks; k++)
			put_rule(w, &u->checks[k]);
		json_put_end(w);
		json_put_end(w);
	}
	json_put_end(w);
}

/* ---- /v1/hosts/{h}/vms, /v1/units/{id} ---- */

void
view_vms(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	struct snap_chunk *chunk;
	struct snap_whose of;
	struct json_write w;
	size_t at;

	of.host = find_host(r, &chunk, &at);
	if (of.host == NULL || reply_unchanged(r, s, true))
		return;
	of.chunk = chunk;
	reply_open(r, &w, s);
	json_add_str(&w, "host", of.host->name);
	json_add_array(&w, "items");
	for (size_t i = 0; i < of.host->rare->n_units; i++) {
		json_put_object(&w);
		add_unit(&w, &of, &of.host->rare->units[i]);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_add_null(&w, "next");
	json_put_end(&w);
}

static void
add_parent(struct json_write *w, const struct snap_host *h,
	const struct snap_unit *u)
{
	json_add_object(w, "parent");
	json_add_str(w, "kind", u->vm != 0 ? "vm" : "host");
	json_add_u64(w, "id", u->vm != 0 ? u->vm : h->id);
	if (u->vm != 0)
		add_unit_url(w, "url", u->vm);
	else
		add_named_url(w, "hosts", h->name);
	json_put_end(w);
}

static void
put_child(struct json_write *w, const struct snap_unit *u)
{
	json_put_object(w);
	add_unit_head(w, u);
	add_unit_url(w, "url", u->id);
	json_put_end(w);
}

void
view_unit(struct request *r)
{
	const struct snapshot *s = request_snapshot(r);
	const char *asked = r->target.segs[2];
	const struct snap_unit *u = NULL;
	const struct snap_host *h;
	struct snap_whose of;
	struct json_write w;
	uint64_t id;

	if (u64_parse(asked, strlen(asked), &id) == 0 && id <= UINT32_MAX)
		u = snapshot_unit(s, (uint32_t)id, &of);
	if (u == NULL) {
		problem_set(r, 404, "not_found", "there is no unit %s", asked);
		return;
	}
	if (reply_unchanged(r, s, true))
		return;
	h = of.host;
	reply_open(r, &w, s);
	add_unit(&w, &of, u);
	add_parent(&w, h, u);
	json_add_array(&w, "children");
	for (size_t i = 0; i < h->rare->n_units; i++)
		if (h->rare->units[i].vm == u->id)
			put_child(&w, &h->rare->units[i]);
	for (size_t i = 0; i < u->n_checks; i++)
		put_leaf(&w, &of, u, &u->checks[i]);
	json_put_end(&w);
	json_put_end(&w);
}

/* ---- /v1/tree ---- */

static void
put_unit_node(struct json_write *w, const struct snap_whose *of,
	const struct snap_unit *u)
{
	const struct snap_host *h = of->host;

	json_put_object(w);
	add_unit_head(w, u);
	add_parent(w, h, u);
	json_add_array(w, "children");
	for (size_t i = 0; u->is_vm && i < h->rare->n_units; i++)
		if (h->rare->units[i].vm == u->id)
			put_unit_node(w, of, &h->rare->units[i]);
	for (size_t i = 0; i < u->n_checks; i++)
		put_leaf(w, of, u, &u->checks[i]);
	json_put_end(w);
	add_unit_url(w, "url", u->id);
	json_put_end(w);
}

static void
put_host_node(struct json_write *w, const struct snapshot *s,
	const struct snap_whose *of)
{
	const struct snap_host *h = of->host;

	json_put_object(w);
	json_add_str(w, "kind", "host");
	json_add_u64(w, "id", h->id);
	json_add_str(w, "name", h->name);
	json_add_str(w, "path", h->name);
	json_add_str(w, "state", state_id(h->state));
	json_add_str(w, "reason", reason_id(h->reason));
	add_time(w, "since", h->since);
	json_add_object(w, "parent");
	json_add_str(w, "kind", "partition");
	for (size_t i = 0; i < s->n_partitions; i++)
		if (strcmp(s->partitions[i].name, h->partition) == 0)
			json_add_u64(w, "id", s->partitions[i].id);
	add_named_url(w, "partitions", h->partition);
	json_put_end(w);
	if (h->rare->kin != NULL && h->rare->kin->parent[0] != '\0')
		json_add_str(w, "hangs_on", h->rare->kin->parent);
	if (h->rare->kin != NULL && h->rare->kin->behind[0] != '\0')
		json_add_str(w, "behind", h->rare->kin->behind);
	json_add_array(w, "children");
	for (size_t i = 0; i < h->rare->n_units; i++)
		if (h->rare->units[i].vm == 0)
			put_unit_node(w, of, &h->rare->units[i]);
	for (size_t i = 0; i < h->n_checks; i++)
		put_leaf(w, of, NULL, &h->checks[i]);
	json_put_end(w);
	add_named_url(w, "hosts", h->name);
	json_put_end(w);
}

static void
list_tree(struct request *r, const struct snapshot *s, const char *part,
	const char *after, uint64_t limit)
{
	const char *last = NULL;
	struct json_write w;
	bool more = false;
	size_t chunk, at;
	uint64_t n = 0;

	reply_open(r, &w, s);
	json_add_array(&w, "items");
	if (snapshot_after(s, after, &chunk, &at))
		for (; chunk < s->n_chunks && !more; chunk++, at = 0)
			for (; at < s->chunks[chunk]->n && !more; at++) {
				const struct snap_host *h =
					s->chunks[chunk]->hosts[at];

				if (part != NULL &&
				    strcmp(part, h->partition) != 0)
					continue;
				more = n++ == limit;
				if (more)
					break;
				put_host_node(&w, s, &(struct snap_whose){ h,
					s->chunks[chunk] });
				last = h->name;
			}
	list_end(r, &w, 't', more ? last : NULL);
	json_put_end(&w);
}

void
view_tree(struct request *r)
{
	static const uint64_t limits[3] = { 1, 1000, LIST_LIMIT };
	const struct snapshot *s = request_snapshot(r);
	const char *cursor = target_get(&r->target, "cursor");
	char after[CURSOR_KEY_BYTES] = "", name[NAME_MAX_BYTES + 1];
	const char *part = NULL;
	struct tc_err e = { 0 };
	uint64_t limit;

	if (read_name(&r->target, "partition", name, &part, &e) < 0 ||
	    target_u64(&r->target, "limit", limits, &limit, &e) < 0 ||
	    (cursor != NULL && cursor_parse(cursor, 't', after, &e) < 0)) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (!reply_unchanged(r, s, false))
		list_tree(r, s, part, after, limit);
}

/* ---- counts, for the summary ---- */

static void
add_layer(struct json_write *w, const char *key, size_t n,
	const size_t counts[STATE_COUNT_])
{
	json_add_object(w, key);
	json_add_u64(w, "total", n);
	for (unsigned i = 0; i < STATE_COUNT_; i++)
		if (counts[i] != 0)
			json_add_u64(w, state_id((enum unit_state)i),
				counts[i]);
	json_put_end(w);
}

void
add_layers(struct json_write *w, const struct snapshot *s)
{
	if (s->n_vms + s->n_roles == 0)
		return;
	json_add_object(w, "layers");
	add_layer(w, "vm", s->n_vms, s->vm_counts);
	add_layer(w, "role", s->n_roles, s->role_counts);
	json_put_end(w);
}

/* ---- the ladder of a convicted host, for its plan ---- */

/* When a rung is to be reached, from those before it. */
static struct wall
expected_at(const struct snap_ladder *l, int i)
{
	struct wall at = l->at[i];

	if (at.ms == 0 && i > 0)
		at = wall_add(expected_at(l, i - 1), i == 1 ? l->wait :
			l->reboot);
	return at;
}

void
add_ladder(struct json_write *w, const struct snap_plan *p)
{
	static const enum plan_action rungs[LADDER_RUNGS] = { PLAN_HOST_WAIT,
		PLAN_HOST_REBOOT, PLAN_HOST_EVACUATE };
	const struct snap_ladder *l = p->ladder;

	if (l == NULL)
		return;
	json_add_array(w, "ladder");
	for (int i = 0; i < LADDER_RUNGS; i++) {
		json_put_object(w);
		json_add_str(w, "rung", plan_action_id(rungs[i]));
		json_add_str(w, "state", l->at[i].ms == 0 ? "to_come" :
			l->rung == rungs[i] ? "current" : "done");
		add_time(w, "at", expected_at(l, i));
		json_put_end(w);
	}
	json_put_end(w);
}
