/*
 * After every batch and tick: what moved is planned anew, the brakes are
 * looked at, alerts begin and end.  All in the set of the facts that caused
 * it, so that a crash loses both or neither.
 */
#include <stdio.h>
#include <string.h>

#include "engine/backup.h"
#include "engine/climb.h"
#include "engine/inside.h"
#include "engine/say.h"
#include "engine/turns.h"
#include "engine/unit.h"
#include "wire/json_write.h"

#define TOUCHED_CALM 1024

void
touch(struct engine *en, struct host *h)
{
	void *list = en->touched;

	if (h->touched || mem_grow(&list, &en->cap_touched, en->n_touched + 1,
		sizeof(struct host *)) < 0)
		return;
	en->touched = list;
	en->touched[en->n_touched++] = h;
	h->touched = true;
}

struct plan_view
view_of(const struct engine *en, const struct host *h)
{
	return (struct plan_view){ .health = h->health,
		.host_health = h->host_health, .disposition = h->disposition,
		.level = h->rare->risk.level,
		.in_window = h->rare->window != NULL,
		.brake = h->part->brake.latched,
		.observer_suspect = en->observer.suspect && h->part->doubted,
		.backup_old = backup_is_old(en, h),
		.flapping = (h->flags & UNIT_FLAPPING) != 0,
		.replace = h->rare->risk.spared >= LEVEL_LIKELY,
		.below = h->rare->n_below > 0, .contagion = contagion_of(h) != NULL,
		.full = room_is_full(h->tags, h->n_tags),
		.recommend = (h->part->off >> SWITCH_RECOMMEND & 1) == 0 };
}

/* ---- targets: once a step for each partition that asks ---- */

static void
find_targets(struct engine *en, struct part *p)
{
	if (p->targets_step == en->step)
		return;
	p->targets_step = en->step;
	p->n_eligible = 0;
	p->room = (struct room_sum){ 0 };
	memset(p->target_counts, 0, sizeof(p->target_counts));
	for (size_t i = 0; i < en->n_sorted; i++) {
		struct host *h = en->sorted[i];
		struct plan_view v;
		struct room room;
		enum target_state t;

		if (h->part != p || !h->present)
			continue;
		v = view_of(en, h);
		t = plan_target(&v);
		p->target_counts[t]++;
		if (t != TARGET_ELIGIBLE)
			continue;
		room = room_of(h->tags, h->n_tags);
		room_add(&p->room, &room);
		if (p->n_eligible < SNAP_PLAN_TARGETS)
			p->eligible[p->n_eligible++] = h;
	}
}

/* What is to be moved there before it. */
static uint64_t
promised(const struct engine *en, const struct host *h)
{
	uint64_t sum = 0, load;

	for (size_t i = 0; i < en->n_sorted; i++) {
		const struct host *other = en->sorted[i];
		const struct host_plan *p = other->rare->plan;

		if (other == h || other->part != h->part || p == NULL ||
		    p->action != PLAN_HOST_EVACUATE ||
		    p->state != PLAN_STATE_RECOMMENDED ||
		    (h->rare->plan != NULL && p->id > h->rare->plan->id))
			continue;
		load = room_of(other->tags, other->n_tags).load;
		sum = load > UINT64_MAX - sum ? UINT64_MAX : sum + load;
	}
	return sum;
}

/* What is on it goes elsewhere VM by VM, if there are several. */
static bool
goes_whole(const struct host *h)
{
	size_t vms = 0;

	for (const struct unit *u = h->rare->units; u != NULL; u = u->next)
		vms += u->is_vm;
	return vms < 2;
}

static bool
has_room(const struct engine *en, const struct host *h)
{
	const struct room_sum *room = &h->part->room;
	uint64_t load = room_of(h->tags, h->n_tags).load;

	if (h->part->n_eligible == 0)
		return false;
	if (room->unlimited || load == 0)
		return true;
	return room_suffices(room, promised(en, h), load, goes_whole(h));
}

/* ---- plans ---- */

void
say_plan(struct engine *en, const struct host *h, const struct unit *u,
	struct wall at)
{
	const struct host_plan *p = u != NULL ? u->plan : h->rare->plan;
	uint32_t subject = u != NULL ? u->id : h->id;
	struct say f;

	if (!say_begin(en, CHANGE_PLAN, &f))
		return;
	json_add_u64(&f.w, "id", p->id);
	json_add_str(&f.w, "host", h->name);
	if (u != NULL)
		json_add_str(&f.w, "unit", u->path);
	json_add_str(&f.w, "partition", h->part->name);
	json_add_str(&f.w, "action", plan_action_id(p->action));
	json_add_str(&f.w, "state", plan_state_id(p->state));
	json_add_bool(&f.w, "predicted", p->predicted);
	if (p->predicted) {
		json_add_str(&f.w, "urgency", urgency_id(p->urgency.is));
		json_add_bool(&f.w, "accept_loss_warning",
			p->urgency.accept_loss);
	}
	json_add_wall(&f.w, "since", p->since);
	json_add_str(&f.w, "reason", u != NULL ? reason_words(u->reason) :
		plan_words(&f.cs->arena, h));
	json_add_array(&f.w, "why_not");
	for (int i = 0; i < WHY_NOT_COUNT_; i++)
		if (p->why_not >> i & 1)
			json_put_str(&f.w, why_not_id((enum why_not)i));
	json_put_end(&f.w);
	f.c->u.plan = (struct change_plan){ .id = p->id, .host = subject,
		.state = p->state, .action = p->action, .since = p->since,
		.at = at, .body = say_end(&f) };
	say_event(en, "plan.state", subject, at, f.c->u.plan.body);
}

struct host_plan *
host_plan_new(struct engine *en)
{
	struct host_plan *p = MEM_NEW(struct host_plan);

	en->n_plans += p != NULL;
	return p;
}

void
host_plan_free(struct engine *en, struct host_plan *p)
{
	en->n_plans -= p != NULL;
	mem_free(p);
}

static void
withdraw(struct engine *en, struct host *h, struct wall at)
{
	if (h->rare->plan == NULL)
		return;
	pace_drop(h->rare->plan, h->part);
	h->rare->plan->state = PLAN_STATE_WITHDRAWN;
	say_plan(en, h, NULL, at);
	climb_end(en, h);
	host_plan_free(en, h->rare->plan);
	host_own_rare(h)->plan = NULL;
	host_calm(h);
}

static bool
is_predicted(const struct plan_view *v)
{
	struct plan_view sound = *v;

	sound.level = LEVEL_NONE;
	return plan_action_of(&sound) != PLAN_HOST_EVACUATE;
}

/* Against the begin of the lead time of the disk that is the reason. */
static struct plan_urgency
urgency_of(const struct engine *en, const struct host *h)
{
	const struct device *d = subject_get(en, h->rare->risk.device,
		SUBJECT_DEVICE);
	const struct verdict *v = d != NULL ? d->verdict : NULL;
	bool known = v != NULL && v->lead_known;

	return plan_urgency(evacuation_estimate(h->tags, h->n_tags, &en->leaving),
		known, dur_s(known ? v->lead_from_days * INT64_C(86400) : 0));
}

/* Room for one; false without memory. */
static bool
plan_begin(struct engine *en, struct host *h)
{
	struct host_rare *own = host_rare(h);

	if (own != NULL)
		own->plan = host_plan_new(en);
	return own != NULL && own->plan != NULL;
}

static void
plan_host(struct engine *en, struct host *h, struct wall at)
{
	struct plan_view v = view_of(en, h);
	enum plan_action action = h->present ? plan_action_of(&v) : PLAN_NONE;
	struct host_plan next;

	mark(en, h, DIRTY_COSMETIC);
	if (action == PLAN_HOST_EVACUATE)
		find_targets(en, h->part);
	h->why_not = plan_why_not(&v, action, has_room(en, h));
	if (action == PLAN_NONE) {
		withdraw(en, h, at);
		return;
	}
	next = (struct host_plan){ .action = action, .why_not = h->why_not,
		.state = plan_is_held(h->why_not) ? PLAN_STATE_HELD :
			PLAN_STATE_RECOMMENDED,
		.predicted = action == PLAN_HOST_EVACUATE && is_predicted(&v) };
	if (!pace_take(en, h, &next, at)) {
		h->why_not = next.why_not |= 1U << WHY_NOT_RATE_LIMITED;
		next.state = PLAN_STATE_HELD;
	}
	if (next.predicted)
		next.urgency = urgency_of(en, h);
	if (h->rare->plan == NULL || h->rare->plan->action != action) {
		withdraw(en, h, at);
		if (!plan_begin(en, h))
			return;
		next.id = ++en->plan_id;
		next.since = at;
	} else if (h->rare->plan->state == next.state &&
		h->rare->plan->why_not == next.why_not &&
		h->rare->plan->predicted == next.predicted &&
		h->rare->plan->urgency.is == next.urgency.is) {
		return;
	} else {
		next.id = h->rare->plan->id;
		next.since = h->rare->plan->since;
		if (next.state != PLAN_STATE_RECOMMENDED)
			pace_drop(h->rare->plan, h->part);
	}
	*h->rare->plan = next;
	say_plan(en, h, NULL, at);
	if (action == PLAN_HOST_EVACUATE && !next.predicted)
		climb_begin(en, h, at);
}

/* ---- brakes ---- */

void
say_brake(struct engine *en, const struct part *p)
{
	unsigned char bytes[BRAKE_SAVED_BYTES];

	brake_save(&p->brake, bytes);
	say_state(en, p->id, "brake", bytes, sizeof(bytes));
}

const char *
brake_suspect(const struct engine *en, const struct brake *b)
{
	const struct unit *vm = b->vm == 0 ? NULL :
		subject_get(en, b->vm, SUBJECT_VM);

	return vm != NULL ? vm->path : "";
}

/* Too many fell, or one more under a load that made others fall. */
static bool
brake_latches(struct part *p, struct wall at)
{
	uint32_t vm = p->contagion;

	p->contagion = 0;
	return brake_update(&p->brake, p->n_bad, p->n_hosts, at) ||
		(vm != 0 && brake_contagion(&p->brake, vm, p->n_bad,
			p->n_hosts, at));
}

static void
brake_latched(struct engine *en, struct part *p, struct wall at)
{
	struct strbuf body = { 0 };
	char summary[256];
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_u64(&w, "bad", p->n_bad);
	json_add_u64(&w, "hosts", p->n_hosts);
	json_add_u64(&w, "limit", brake_limit(p->n_hosts));
	json_add_str(&w, "cause", brake_cause_id(p->brake.cause));
	if (p->brake.cause == BRAKE_CONTAGION) {
		json_add_str(&w, "suspect", brake_suspect(en, &p->brake));
		snprintf(summary, sizeof(summary), "%s: brake latched, vm %.64s "
			"was on one host after the other that fell: its "
			"workload or image is suspect", p->name,
			brake_suspect(en, &p->brake));
	} else {
		snprintf(summary, sizeof(summary), "%s: brake latched, %zu of "
			"%zu hosts convicted or about to fail", p->name,
			p->n_bad, p->n_hosts);
	}
	json_put_end(&w);
	say_brake(en, p);
	say_event(en, "brake.latched", p->id, at, strbuf_str(&body));
	alert_raise(en, &(struct alert_wish){ .kind = "brake_latched",
		.severity = SEVERITY_CRITICAL, .part = p, .summary = summary,
		.body = strbuf_str(&body) }, at);
	strbuf_free(&body);
	/* Everything that was recommended here is held from now on. */
	for (size_t i = 0; i < en->n_sorted; i++)
		if (en->sorted[i]->part == p &&
		    (en->sorted[i]->rare->plan != NULL ||
		    en->sorted[i]->rare->units != NULL))
			mark(en, en->sorted[i], DIRTY_URGENT);
}

static void
count_bad(struct engine *en, struct host *h)
{
	struct plan_view v = view_of(en, h);
	bool bad = h->present && plan_is_bad(&v);
	enum target_state takes = h->present ? plan_target(&v) :
		TARGET_COUNT_;

	h->part->touched = true;
	if (takes != h->takes)
		h->part->targets_moved = true;
	h->takes = takes;
	if (bad == h->bad)
		return;
	h->bad = bad;
	if (bad)
		h->part->n_bad++;
	else
		h->part->n_bad--;
}

/* Who is to be left looks again at who may take what is on it. */
static void
look_again(struct engine *en, struct part *p)
{
	p->targets_moved = false;
	for (size_t i = 0; i < en->n_sorted; i++) {
		const struct host *h = en->sorted[i];

		if (h->part == p && h->rare->plan != NULL &&
		    h->rare->plan->action == PLAN_HOST_EVACUATE)
			mark(en, h, DIRTY_URGENT);
	}
}

void
step(struct engine *en, struct now now)
{
	size_t first;

	if (en->n_touched == 0 || fleet_sort(en) < 0)
		return;
	en->step++;
	for (size_t i = 0; i < en->n_touched; i++)
		count_bad(en, en->touched[i]);
	/* A brake that latches, and new targets, add hosts to the end. */
	first = en->n_touched;
	for (size_t i = 0; i < first; i++) {
		struct part *p = en->touched[i]->part;

		if (!p->touched)
			continue;
		p->touched = false;
		if (brake_latches(p, now.wall))
			brake_latched(en, p, now.wall);
		/* unless nobody ever asked */
		if (p->targets_moved && p->targets_step != 0)
			look_again(en, p);
	}
	for (size_t i = 0; i < en->n_touched; i++) {
		struct host *h = en->touched[i];

		h->touched = false;
		plan_host(en, h, now.wall);
		alerts_of_host(en, h, now);
		if (h->rare->units != NULL)
			units_step(en, h, now);
		if (h->rare->watch != NULL)
			watch_step(en, h, now);
	}
	en->n_touched = 0;
	if (en->cap_touched > TOUCHED_CALM) {
		/* after a start or a reload, when all hosts were */
		mem_free(en->touched);
		en->touched = NULL;
		en->cap_touched = 0;
	}
}
