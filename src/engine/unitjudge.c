/*
 * From the checks, heartbeats and hypervisor's words about a VM or role to
 * its verdict; what a restart must know of it.
 */
#include <string.h>

#include "base/le.h"
#include "engine/inside.h"
#include "engine/parents.h"
#include "engine/unit.h"
#include "wire/json_write.h"

/* ---- the views ---- */

enum signal_side
side_of(const struct check *c)
{
	if (!c->passive)
		return SIGNAL_OUTSIDE;
	return strncmp(c->kind->key, "signal:", 7) == 0 ? SIGNAL_EXTERNAL :
		SIGNAL_INSIDE;
}

/* What a silent check was convicted of stands until it speaks again. */
static enum health
plain_health(const struct check *c)
{
	enum health is = (enum health)c->st.health;
	bool hidden = is == HEALTH_STALE || is == HEALTH_UNKNOWN;

	return hidden && c->st.behind == HEALTH_UNHEALTHY ?
		HEALTH_UNHEALTHY : is;
}

struct side_view
unit_side(const struct unit *u, enum signal_side side)
{
	struct side_view out = { HEALTH_UNKNOWN, HEALTH_UNKNOWN,
		TOCSIN_WHY_NO_CHECKS };
	const struct check *worst = NULL;

	for (size_t i = 0; i < u->n_checks; i++) {
		const struct check *c = u->checks[i];

		if (side_of(c) == side && (worst == NULL ||
			health_worse(plain_health(c), plain_health(worst))))
			worst = c;
	}
	if (worst != NULL)
		out = (struct side_view){ (enum health)worst->st.health,
			(enum health)worst->st.behind,
			(enum tocsin_reason)worst->st.reason };
	return out;
}

/* What the checks from outside say together, and the reason of the worst. */
static enum reach
reach_of(const struct unit *u, enum tocsin_reason *why)
{
	size_t bad = 0, doubtful = 0, well = 0;

	*why = TOCSIN_WHY_NONE;
	for (size_t i = 0; i < u->n_checks; i++) {
		const struct check *c = u->checks[i];
		enum health is = plain_health(c);

		if (side_of(c) != SIGNAL_OUTSIDE)
			continue;
		bad += is == HEALTH_UNHEALTHY;
		doubtful += is == HEALTH_SUSPECT;
		well += is == HEALTH_HEALTHY;
		if (is == HEALTH_UNHEALTHY || (is == HEALTH_SUSPECT &&
			bad == 0))
			*why = (enum tocsin_reason)c->st.reason;
	}
	if (bad == 0)
		return doubtful > 0 ? REACH_DOUBT :
			well > 0 ? REACH_FULL : REACH_UNASKED;
	if (well > 0)
		return REACH_PART;
	return doubtful > 0 ? REACH_DOUBT : REACH_NONE;
}

/* Where it runs is down: its VM, its host, or what that hangs on. */
static bool
parent_down(const struct engine *en, const struct unit *u)
{
	return health_is_bad(u->host->host_health) ||
		(u->vm != NULL && (health_is_bad(u->vm->health) ||
			u->vm->cut)) ||
		parent_dead(en, u->host) != NULL;
}

static struct unit_verdict
judge_role(const struct engine *en, const struct unit *u)
{
	struct role_view v = { .parent_down = parent_down(en, u) };

	for (int i = 0; i < SIGNAL_COUNT_; i++)
		v.sides[i] = unit_side(u, (enum signal_side)i);
	return role_judge(&v);
}

/* Some intervals without a word of the hypervisor, and it knows no more. */
static bool
run_is_silent(const struct unit *u, struct mono now)
{
	return now.ns - u->run_at.ns > u->rule.heartbeat.ns *
		(int64_t)u->rule.late_after;
}

static struct unit_verdict
judge_vm(const struct engine *en, struct unit *u, struct mono now)
{
	struct side_view inside = unit_side(u, SIGNAL_INSIDE);
	struct side_view external = unit_side(u, SIGNAL_EXTERNAL);
	struct vm_view v = { .inside = inside.health,
		.inside_why = inside.reason, .external = external.health,
		.external_why = external.reason,
		.parent_down = parent_down(en, u) };

	v.reach = reach_of(u, &v.reach_why);
	if (v.reach == REACH_FULL || v.reach == REACH_UNASKED)
		u->failing.ns = 0;
	else if (u->failing.ns == 0)
		u->failing = now;
	v.reach_overdue = u->failing.ns != 0 &&
		now.ns - u->failing.ns >= u->rule.grace.ns;
	v.beat = beat_judge(&u->beat, &u->rule, now, &v.beat_why);
	v.run = u->run;
	if (u->run != VM_RUN_UNKNOWN && run_is_silent(u, now)) {
		v.run_silent = true;
		/* What stopped it was seen; that it runs must be seen again. */
		if (u->run == VM_RUN_RUNNING)
			v.run = VM_RUN_UNKNOWN;
	}
	v.busy = u->busy && now.ns - u->busy_at.ns <= u->rule.grace.ns;
	return vm_judge(&v);
}

/* ---- what moved ---- */

static void
write_sides(struct json_write *w, const struct unit *u)
{
	json_add_object(w, "signals");
	for (int i = 0; i < SIGNAL_COUNT_; i++) {
		struct side_view s = unit_side(u, (enum signal_side)i);

		json_add_str(w, signal_id((enum signal_side)i),
			s.reason == TOCSIN_WHY_NO_CHECKS ? NULL :
			health_id(s.health));
	}
	json_put_end(w);
}

static void
say_move(struct engine *en, const struct unit *u, enum health from,
	struct wall at)
{
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "unit", u->path);
	json_add_str(&w, "host", u->host->name);
	json_add_str(&w, "from", health_id(from));
	json_add_str(&w, "to", health_id(u->health));
	json_add_str(&w, "reason", reason_id(u->reason));
	json_add_str(&w, "type", health_is_bad(u->health) ? "hard" : "soft");
	json_add_str(&w, "cause_hint", cause_id(u->host->rare->risk.cause));
	if (u->failed.ms != 0)
		json_add_wall(&w, "failed_at", u->failed);
	write_sides(&w, u);
	if (unit_window(u) != NULL)
		json_add_u64(&w, "window", unit_window(u)->id);
	json_put_end(&w);
	say_event(en, u->is_vm ? "vm.state" : "role.state", u->id, at,
		strbuf_str(&body));
	strbuf_free(&body);
}

const struct check *
unit_flapper(const struct unit *u)
{
	const struct check *most = NULL;

	for (size_t i = 0; i < u->n_checks; i++) {
		const struct check *c = u->checks[i];

		if (c->st.flapping && (most == NULL ||
			check_turns(&c->st) > check_turns(&most->st)))
			most = c;
	}
	return most;
}

static void
say_unit_flapping(struct engine *en, const struct unit *u, struct wall at)
{
	const struct check *c = unit_flapper(u);
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "unit", u->path);
	json_add_bool(&w, "flapping", c != NULL);
	json_add_str(&w, "check", c != NULL ? c->kind->key : "");
	json_add_u64(&w, "changes", c != NULL ? check_turns(&c->st) : 0);
	json_add_str(&w, "health", health_id(u->health));
	json_put_end(&w);
	say_event(en, u->is_vm ? "vm.flapping" : "role.flapping", u->id, at,
		strbuf_str(&body));
	strbuf_free(&body);
}

static void
fold_roles(struct engine *en, struct unit *vm, struct wall at)
{
	for (struct unit *r = vm->host->rare->units; r != NULL; r = r->next)
		if (r->vm == vm)
			unit_fold(en, r, at);
}

/* Its roles wait for no verdict of it, which may take its whole grace. */
static void
note_cut(struct engine *en, struct unit *vm, struct wall at)
{
	enum tocsin_reason why;
	bool cut = vm->is_vm && reach_of(vm, &why) == REACH_NONE;

	if (cut == vm->cut)
		return;
	vm->cut = cut;
	guests_moved(en, vm->host, vm);
	fold_roles(en, vm, at);
}

void
unit_fold(struct engine *en, struct unit *u, struct wall at)
{
	struct mono now = awake_in(en, u->host->part, en->now);
	struct unit_verdict v = u->is_vm ? judge_vm(en, u, now) :
		judge_role(en, u);
	enum health from = u->health;
	bool fell = health_is_bad(from) != health_is_bad(v.health);
	bool flaps = unit_flapper(u) != NULL;

	note_cut(en, u, at);
	if (v.health == from && v.reason == u->reason && v.by == u->by &&
	    v.dead == u->dead && flaps == u->flapping)
		return;
	if (flaps != u->flapping)
		say_unit_flapping(en, u, at);
	u->flapping = flaps;
	u->health = v.health;
	u->reason = v.reason;
	u->by = v.by;
	u->dead = v.dead;
	mark(en, u->host, DIRTY_URGENT);
	if (from != v.health) {
		u->failed = !health_is_bad(v.health) ? (struct wall){ 0 } :
			health_is_bad(from) ? u->failed :
			from == HEALTH_SUSPECT || from == HEALTH_OVERLOADED ?
			u->since : at;
		u->since = at;
		en->counts.transitions++;
		say_move(en, u, from, at);
	}
	unit_save(en, u);
	if (u->is_vm && fell)
		fold_roles(en, u, at);
}

void
units_fold(struct engine *en, struct host *h, struct wall at)
{
	for (struct unit *u = h->rare->units; u != NULL; u = u->next)
		unit_fold(en, u, at);
}

/* ---- time alone ---- */

static int64_t
sooner(int64_t a, int64_t b, int64_t now)
{
	return b > now && b < a ? b : a;
}

/* Awake time; silence is written down again with each missed heartbeat. */
static int64_t
next_due(const struct unit *u, struct mono now)
{
	int64_t next = beat_due(&u->beat, &u->rule, now).ns;

	if (u->failing.ns != 0)
		next = sooner(next, u->failing.ns + u->rule.grace.ns, now.ns);
	if (u->run != VM_RUN_UNKNOWN)
		next = sooner(next, u->run_at.ns + 1 + u->rule.heartbeat.ns *
			(int64_t)u->rule.late_after, now.ns);
	if (next != INT64_MAX && !u->beat.convicted &&
	    (u->health == HEALTH_SUSPECT || u->health == HEALTH_OVERLOADED))
		next = sooner(next, now.ns + u->rule.heartbeat.ns, now.ns);
	return next;
}

void
unit_arm(struct engine *en, struct unit *u, struct now now)
{
	int64_t next;

	heap_remove(&en->unit_due, &u->due);
	if (!u->is_vm)
		return;
	next = next_due(u, awake_in(en, u->host->part, now));
	if (next != INT64_MAX)
		(void)heap_push(&en->unit_due, &u->due, next +
			gap_of(en, u->host->part));
}

void
units_tick(struct engine *en, struct now now)
{
	struct heap_node *top;

	while ((top = heap_peek(&en->unit_due)) != NULL &&
		top->key <= now.mono.ns) {
		struct unit *u = CONTAINER_OF(top, struct unit, due);
		bool alarm;

		heap_pop(&en->unit_due);
		parent_excuse_beat(en, u->host, &u->beat);
		alarm = beat_alarms(&u->beat, &u->rule,
			awake_in(en, u->host->part, now));
		unit_fold(en, u, now.wall);
		if (u->beat.word != BEAT_HEARD || u->failing.ns != 0 ||
		    u->health == HEALTH_SUSPECT)
			unit_save(en, u);
		if (alarm != u->alarming)
			mark(en, u->host, DIRTY_URGENT);
		unit_arm(en, u, now);
	}
}

/* ---- saved ---- */

/* version, health, reason, run, by, beat, since, times of failing and run */
#define UNIT_SAVED_VERSION 1
#define UNIT_SAVED_BYTES (8 + BEAT_SAVED_BYTES + 8 + 8 + 8)

void
unit_save(struct engine *en, const struct unit *u)
{
	struct mono now = awake_in(en, u->host->part, en->now);
	unsigned char b[UNIT_SAVED_BYTES] = { UNIT_SAVED_VERSION,
		(unsigned char)u->health };
	unsigned char *at = b + 8;

	le_put(b + 2, u->reason, 2);
	b[4] = (unsigned char)u->run;
	b[5] = (unsigned char)u->by;
	b[6] = (unsigned char)(u->dead | u->flapping << 1);
	b[7] = (unsigned char)(u->busy | u->fell << 1);
	beat_save(&u->beat, now, at);
	at += BEAT_SAVED_BYTES;
	le_put(at, (uint64_t)u->since.ms, 8);
	le_put(at + 8, u->failing.ns != 0 ?
		(uint64_t)(now.ns - u->failing.ns) : UINT64_MAX, 8);
	le_put(at + 16, (uint64_t)(now.ns - u->run_at.ns), 8);
	say_state(en, u->id, "unit", b, sizeof(b));
}

/* No clock yet: times are ages below zero until unit_wake(). */
int
unit_restore(struct unit *u, const void *p, size_t n)
{
	const unsigned char *b = p, *at = b + 8 + BEAT_SAVED_BYTES;
	const struct mono now = { 0 };
	int64_t failing;

	if (n != UNIT_SAVED_BYTES || b[0] != UNIT_SAVED_VERSION ||
	    b[1] > HEALTH_STALE || b[4] > VM_RUN_SHUT_OFF ||
	    !reason_is_known((unsigned)le_get(b + 2, 2)) ||
	    beat_restore(b + 8, BEAT_SAVED_BYTES, now, &u->beat) < 0)
		return TC_ECORRUPT;
	u->health = (enum health)b[1];
	u->reason = (enum tocsin_reason)le_get(b + 2, 2);
	u->run = (enum vm_run)b[4];
	u->by = b[5];
	u->dead = (b[6] & 1) != 0;
	u->flapping = b[6] >> 1 != 0;
	u->busy = (b[7] & 1) != 0;
	u->fell = b[7] >> 1;
	u->busy_at = now;
	u->since.ms = (int64_t)le_get(at, 8);
	failing = (int64_t)le_get(at + 8, 8);
	u->failing = failing < 0 ? now : mono_ago(now, failing + 1);
	u->run_at = mono_ago(now, (int64_t)le_get(at + 16, 8));
	return 0;
}

void
unit_wake(struct engine *en, struct unit *u, struct now now)
{
	int64_t base = awake_in(en, u->host->part, now).ns;

	u->beat.from.ns += base;
	u->beat.ended.ns += base;
	u->run_at.ns += base;
	u->busy_at.ns += base;
	if (u->failing.ns != 0)
		u->failing.ns += base;
	u->alarming = beat_alarms(&u->beat, &u->rule,
		awake_in(en, u->host->part, now));
	unit_arm(en, u, now);
}
