#include "engine/parents.h"

#include <stdio.h>
#include <string.h>

#include "engine/doubt.h"
#include "engine/inside.h"
#include "engine/unit.h"
#include "engine/witness.h"

/* When it is back, those behind it are asked over so long. */
#define SPREAD_MS 1000

struct host *
parent_of(const struct engine *en, const struct host *h)
{
	struct host *p = h->rare->parent == 0 ? NULL :
		subject_get(en, h->rare->parent, SUBJECT_HOST);

	return p != NULL && p->present && p != h ? p : NULL;
}

bool
parent_carries(const struct engine *en, const struct host *p,
	const struct host *h)
{
	const struct host *at = h;

	for (int i = 0; at != NULL && i < PARENTS_MOST; i++) {
		at = parent_of(en, at);
		if (at == p)
			return true;
	}
	return false;
}

/* ---- what its own checks from here say ---- */

static bool
is_up(const struct host *p)
{
	struct witness w = witness_host(p);

	return witness_stands(&w);
}

static bool
is_down(const struct host *p)
{
	struct witness w = witness_host(p);

	return witness_lies(&w);
}

const struct host *
parent_dead(const struct engine *en, const struct host *h)
{
	const struct host *p = parent_of(en, h), *dead = NULL;

	for (int i = 0; p != NULL && i < PARENTS_MOST && !is_up(p); i++) {
		if (is_down(p))
			dead = p;
		p = parent_of(en, p);
	}
	return dead;
}

bool
parent_is_silent(const struct engine *en, const struct host *h)
{
	const struct host *p = parent_of(en, h);

	for (int i = 0; p != NULL && i < PARENTS_MOST && !is_up(p); i++) {
		struct witness w = witness_host(p);

		if (witness_can_tell(&w) && p->heard.counted &&
		    (p->heard.kind == OBSERVER_SILENT ||
			p->heard.kind == OBSERVER_BEHIND ||
			p->heard.kind == OBSERVER_PARENT))
			return true;
		p = parent_of(en, p);
	}
	return parent_dead(en, h) != NULL;
}

/* The nearest one that can be asked. */
static struct host *
witness_of(const struct engine *en, const struct host *h)
{
	struct host *p = parent_of(en, h);

	for (int i = 0; p != NULL && i < PARENTS_MOST; i++) {
		struct witness w = witness_host(p);

		if (witness_can_tell(&w))
			return p;
		p = parent_of(en, p);
	}
	return NULL;
}

bool
parent_is_owing(const struct engine *en, const struct host *h, int64_t since_ns)
{
	struct witness w = { .host = witness_of(en, h) };

	if (w.host == NULL || witness_answered(en, &w, since_ns))
		return false;
	/* a refusal is an answer as well */
	return !w.host->heard.counted ||
		w.host->heard.kind != OBSERVER_HEARD ||
		w.host->heard.slot < since_ns / OBSERVER_SLOT_NS;
}

/* A role's VM, a guest's host, a host's parent. */
static struct witness
witness_for(const struct engine *en, const struct check *c)
{
	struct host *h = check_host(c);
	struct witness vm = { .host = h,
		.vm = check_unit(c) != NULL ? check_unit(c)->vm : NULL };
	struct witness home = { .host = h, .machine = true };

	if (vm.vm != NULL && witness_can_tell(&vm))
		return vm;
	if (check_unit(c) != NULL && witness_can_tell(&home))
		return home;
	return (struct witness){ .host = witness_of(en, h) };
}

/* ---- what is cut off ---- */

/* Nothing in it can be reached: no check of it answers, or it is stopped. */
static bool
vm_is_gone(const struct unit *vm)
{
	return vm->cut || vm->health == HEALTH_UNREACHABLE ||
		(vm->run != VM_RUN_UNKNOWN && vm->run != VM_RUN_RUNNING);
}

static bool
is_cut_off(const struct engine *en, const struct check *c)
{
	struct witness home = { .host = check_host(c), .machine = true };
	const struct unit *u = check_unit(c);

	if (u != NULL && (witness_lies(&home) ||
		(u->vm != NULL && vm_is_gone(u->vm))))
		return true;
	return parent_dead(en, check_host(c)) != NULL;
}

/* ---- asking it ---- */

void
parent_ask(struct engine *en, struct host *p, struct now now)
{
	struct witness w = witness_host(p);

	witness_ask(en, &w, now);
}

static void
await(const struct witness *w)
{
	if (w->vm != NULL)
		w->vm->awaited = true;
	else if (w->machine)
		w->host->guests_wait = true;
	else
		w->host->awaited = true;
}

bool
parent_is_awaited(const struct check *c)
{
	const struct host *h = check_host(c);

	return check_unit(c) != NULL ? check_unit(c)->awaited :
		h->awaited || h->guests_wait;
}

static int64_t
whole_wait(const struct engine *en, const struct check *c)
{
	struct host *h = check_host(c);
	struct witness w = { .host = h, .machine = true };
	const struct host *p = parent_of(en, h);
	int64_t wait = check_unit(c) != NULL ? witness_verdict_ns(&w) : 0;

	if (check_unit(c) != NULL && check_unit(c)->vm != NULL) {
		w = (struct witness){ .host = h, .vm = check_unit(c)->vm };
		wait += witness_verdict_ns(&w);
	}
	for (int i = 0; p != NULL && i < PARENTS_MOST; i++) {
		w = witness_host(p);
		wait += witness_verdict_ns(&w);
		p = parent_of(en, p);
	}
	return wait;
}

/*
 * Counted in failures of the one that waits, each of which comes a recheck
 * or an interval after the one before.
 */
static bool
waited_enough(const struct engine *en, const struct check *c)
{
	const struct check_rule *r = &c->kind->rule;
	int64_t pace = r->recheck.ns > 0 ? r->recheck.ns : r->interval.ns;

	return c->st.fails > (int64_t)(r->fail_after > en->need ?
		r->fail_after : en->need) + whole_wait(en, c) / pace;
}

enum parent_says
parent_says(struct engine *en, struct check *c, struct now now)
{
	struct witness w;

	if (check_host(c)->rare->parent == 0 && check_unit(c) == NULL)
		return PARENT_SAYS_UP;
	if (is_cut_off(en, c))
		return PARENT_SAYS_DOWN;
	w = witness_for(en, c);
	if (check_is_convicted(c) || w.host == NULL || witness_answered(en, &w,
		now.mono.ns - run_took(c, now).ns))
		return PARENT_SAYS_UP;
	witness_ask(en, &w, now);
	await(&w);
	return waited_enough(en, c) ? PARENT_SAYS_UP : PARENT_SAYS_WAIT;
}

/* ---- those that hang on it ---- */

/* Each of its checks, and of its VMs' and roles'. */
static void
each_check(struct engine *en, struct host *h, struct now now,
	void (*act)(struct engine *, struct check *, struct now))
{
	for (size_t i = 0; i < h->n_checks; i++)
		act(en, host_checks(h)[i], now);
	for (struct unit *u = h->rare->units; u != NULL; u = u->next)
		for (size_t i = 0; i < u->n_checks; i++)
			act(en, u->checks[i], now);
}

static bool
waits(const struct engine *en, const struct host *h)
{
	return h->present && !(en->observer.suspect && h->part->doubted);
}

/* Those on the host, or in the VM, that were told to wait for it. */
static void
guests_answered(struct engine *en, struct host *h, const struct unit *vm,
	struct now now)
{
	for (struct unit *u = h->rare->units; u != NULL; u = u->next)
		for (size_t i = 0; i < u->n_checks; i++) {
			struct witness w = witness_for(en, u->checks[i]);

			if (w.vm == vm && (vm != NULL || w.machine))
				judge_held(en, u->checks[i], now);
		}
}

static void
hosts_answered(struct engine *en, struct host *p, struct now now)
{
	size_t at = 0;
	struct host *h;

	while ((h = roster_next(en, &at)) != NULL)
		if (h->rare->parent != 0 && waits(en, h) && witness_of(en, h) == p)
			each_check(en, h, now, judge_held);
}

void
parent_answered(struct engine *en, struct check *c, struct now now)
{
	struct host *h = check_host(c);

	if (check_unit(c) != NULL) {
		check_unit(c)->awaited = false;
		if (waits(en, h))
			guests_answered(en, h, check_unit(c), now);
		return;
	}
	if (h->guests_wait && is_host_layer(c)) {
		h->guests_wait = false;
		if (waits(en, h))
			guests_answered(en, h, NULL, now);
	}
	if (h->awaited) {
		h->awaited = false;
		hosts_answered(en, h, now);
	}
}

/* It failed, and now we know of what. */
static void
excuse_failing(struct engine *en, struct check *c, struct now now)
{
	if (!c->passive && c->st.outcome == TOCSIN_FAIL && !check_is_convicted(c))
		judge_excused(en, c, now);
}

/* What fell silent meanwhile gets the time to be heard of again. */
static void
begin_anew(struct engine *en, struct check *c, struct now now)
{
	const char *name = check_host(c)->name;
	uint64_t spread = hash_bytes(name, strlen(name), 0);

	if (!c->passive) {
		if (c->st.reason == TOCSIN_WHY_PARENT_DOWN && !c->in_flight &&
		    wheel_has(&c->due))
			run_wake(en, c, mono_add(now.mono,
				dur_ms((int64_t)(spread % SPREAD_MS))));
	} else if (c->st.health == HEALTH_STALE) {
		judge_excused(en, c, now);
		run_schedule(en, c, now);
	}
}

void
parent_moved(struct engine *en, struct host *p)
{
	bool down = is_down(p);
	struct now now = en->now;
	size_t at = 0;
	struct host *h;

	if (down == p->down)
		return;
	p->down = down;
	p->awaited = p->awaited && !down;
	while ((h = roster_next(en, &at)) != NULL) {
		if (h->rare->parent == 0 || !h->present ||
		    !parent_carries(en, p, h))
			continue;
		if (down && parent_dead(en, h) != NULL)
			each_check(en, h, now, excuse_failing);
		else if (!down && parent_dead(en, h) == NULL)
			each_check(en, h, now, begin_anew);
		fold_host(en, h, now.wall);
		units_fold(en, h, now.wall);
	}
}

void
guests_moved(struct engine *en, struct host *h, const struct unit *vm)
{
	struct now now = en->now;

	for (struct unit *u = h->rare->units; u != NULL; u = u->next)
		for (size_t i = 0; i < u->n_checks; i++) {
			struct check *c = u->checks[i];

			if (vm != NULL && u->vm != vm)
				break;
			if (is_cut_off(en, c))
				excuse_failing(en, c, now);
			else
				begin_anew(en, c, now);
		}
}

void
parent_excuse_beat(const struct engine *en, const struct host *h,
	struct beat *b)
{
	if (b->word == BEAT_HEARD && !b->convicted && h->rare->parent != 0 &&
	    parent_dead(en, h) != NULL) {
		b->excused = true;
		b->from = awake_in(en, h->part, en->now);
	}
}

bool
parent_window_covers(const struct engine *en, const struct window *w,
	const struct host *h)
{
	for (int i = 0; h != NULL && i <= PARENTS_MOST; i++) {
		if (window_covers(w, h->name, h->part->name))
			return true;
		h = parent_of(en, h);
	}
	return false;
}

/* ---- the links ---- */

void
parents_count(struct engine *en)
{
	struct host_rare *own;
	size_t at = 0;
	struct host *h, *p;

	while ((h = roster_next(en, &at)) != NULL)
		if (h->rare->n_below > 0)
			host_own_rare(h)->n_below = 0;
	for (at = 0; (h = roster_next(en, &at)) != NULL;) {
		p = h->present ? parent_of(en, h) : NULL;
		for (int i = 0; p != NULL && i < PARENTS_MOST; i++) {
			if ((own = host_rare(p)) != NULL)
				own->n_below++;
			p = parent_of(en, p);
		}
	}
}

/* Steps from it to the one that hangs on nothing. */
static int
steps_above(const struct engine *en, const struct host *h)
{
	int n = 0;

	for (const struct host *p = parent_of(en, h);
	     p != NULL && n <= PARENTS_MOST; p = parent_of(en, p))
		n++;
	return n;
}

/* Steps to it from the farthest that hangs on it. */
static int
steps_below(const struct engine *en, const struct host *h)
{
	int own = steps_above(en, h), most = 0;
	const struct host *at;
	size_t i = 0;

	while ((at = roster_next(en, &i)) != NULL) {
		int n = at->present && parent_carries(en, h, at) ?
			steps_above(en, at) - own : 0;

		most = n > most ? n : most;
	}
	return most;
}

int
parent_allowed(const struct engine *en, const struct host *h,
	const char *name, const struct host *p, struct tc_err *e)
{
	char path[512];
	size_t n;

	if (strcmp(p->name, name) == 0)
		return tc_fail(e, TC_ERANGE, "/parent: is '%s' itself", name);
	n = (size_t)snprintf(path, sizeof(path), "%.80s", name);
	for (const struct host *at = p; h != NULL && at != NULL &&
	     parent_carries(en, h, p); at = parent_of(en, at)) {
		if (n < sizeof(path))
			n += (size_t)snprintf(path + n, sizeof(path) - n,
				" > %.80s", at->name);
		if (at == h)
			return tc_fail(e, TC_ERANGE, "/parent: a cycle: %s",
				path);
	}
	if (1 + steps_above(en, p) + (h != NULL ? steps_below(en, h) : 0) >
	    PARENTS_MOST)
		return tc_fail(e, TC_ERANGE, "/parent: more than %d in a row",
			PARENTS_MOST);
	return 0;
}

/* A parent may be another one, or gone. */
static void
fold_all_behind(struct engine *en)
{
	struct host *h;

	parents_count(en);
	for (size_t at = 0; (h = roster_next(en, &at)) != NULL;)
		if (h->present && (h->rare->parent != 0 || h->health ==
			HEALTH_UNREACHABLE)) {
			fold_host(en, h, en->now.wall);
			units_fold(en, h, en->now.wall);
		}
}

static int
link_to(struct engine *en, struct host *h, const struct host *p)
{
	struct host_rare *own;
	uint32_t id = p != NULL ? p->id : 0;

	if (h->rare->parent == id)
		return 0;
	own = host_rare(h);
	if (own == NULL)
		return TC_ENOMEM;
	own->parent = id;
	host_say_subject(en, h);
	mark(en, h, DIRTY_URGENT);
	if (p != NULL)
		mark(en, p, DIRTY_URGENT);
	return 0;
}

int
parent_set(struct engine *en, struct host *h, const struct host *p,
	struct tc_err *e)
{
	if (link_to(en, h, p) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	fold_all_behind(en);
	return 0;
}

void
parents_take_def(struct engine *en, const struct fleet_def *fleet)
{
	for (size_t i = 0; i < fleet->n_hosts; i++) {
		const struct host_def *def = &fleet->hosts[i];
		const struct host *p = def->parent == NULL ? NULL :
			host_find(en, def->parent);
		struct host *h = host_find(en, def->name);

		if (h != NULL && h != p)
			(void)link_to(en, h, p);
	}
	fold_all_behind(en);
}
