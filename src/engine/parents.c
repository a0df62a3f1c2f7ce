#include "engine/parents.h"

#include <string.h>

#include "engine/doubt.h"
#include "engine/inside.h"
#include "engine/unit.h"

/* When it is back, those behind it are asked over so long. */
#define SPREAD_MS 1000

struct host *
parent_of(const struct engine *en, const struct host *h)
{
	struct host *p = h->parent == 0 ? NULL :
		subject_get(en, h->parent, SUBJECT_HOST);

	return p != NULL && p->present && p != h ? p : NULL;
}

/* ---- what its own checks from here say ---- */

static bool
is_convicted(const struct check *c)
{
	return c->st.health == HEALTH_UNHEALTHY ||
		c->st.behind == HEALTH_UNHEALTHY;
}

static bool
is_askable(const struct host *p)
{
	for (size_t i = 0; i < p->n_checks; i++)
		if (!p->checks[i]->passive)
			return true;
	return false;
}

static bool
is_up(const struct host *p)
{
	for (size_t i = 0; i < p->n_checks; i++)
		if (!p->checks[i]->passive &&
		    p->checks[i]->st.health == HEALTH_HEALTHY)
			return true;
	return false;
}

static bool
is_down(const struct host *p)
{
	bool any = false;

	for (size_t i = 0; i < p->n_checks; i++)
		any = any || (!p->checks[i]->passive &&
			is_convicted(p->checks[i]));
	return any && !is_up(p);
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
		if (is_askable(p) && p->heard.counted &&
		    p->heard.kind == OBSERVER_SILENT)
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
		if (is_askable(p))
			return p;
		p = parent_of(en, p);
	}
	return NULL;
}

/* ---- asking it ---- */

/* What answers later than the run began shows that the way was open. */
static bool
has_answered(const struct engine *en, const struct host *p, int64_t since_ns)
{
	for (size_t i = 0; i < p->n_checks; i++) {
		const struct check *c = p->checks[i];

		if (!c->passive && c->st.health == HEALTH_HEALTHY &&
		    c->st.outcome == TOCSIN_OK &&
		    c->st.measured.ns + gap_of(en, p->part) >= since_ns)
			return true;
	}
	return false;
}

void
parent_ask(struct engine *en, struct host *p, struct now now)
{
	for (size_t i = 0; i < p->n_checks; i++) {
		struct check *c = p->checks[i];
		int64_t wait = c->st.outcome == TOCSIN_OK ? 0 :
			run_spacing(c).ns - run_took(c, now).ns;

		if (c->passive || c->in_flight || !wheel_has(&c->due))
			continue;
		run_wake(en, c, (struct mono){ now.mono.ns +
			(wait > 0 ? wait : 0) });
	}
}

/* So long may the runs take that show a parent to be down. */
static int64_t
verdict_ns(const struct host *p)
{
	int64_t most = 0;

	for (size_t i = 0; i < p->n_checks; i++) {
		const struct check *c = p->checks[i];
		int64_t each = run_spacing(c).ns;

		if (c->passive)
			continue;
		if (c->kind->rule.timeout.ns > each)
			each = c->kind->rule.timeout.ns;
		each *= (int64_t)c->kind->rule.fail_after + 1;
		most = each > most ? each : most;
	}
	return most;
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
	const struct host *p = parent_of(en, c->host);
	int64_t wait = 0;

	for (int i = 0; p != NULL && i < PARENTS_MOST; i++) {
		wait += verdict_ns(p);
		p = parent_of(en, p);
	}
	return c->st.fails > (int64_t)(r->fail_after > en->need ?
		r->fail_after : en->need) + wait / pace;
}

enum parent_says
parent_says(struct engine *en, struct check *c, struct now now)
{
	struct host *p = witness_of(en, c->host);

	if (parent_dead(en, c->host) != NULL)
		return PARENT_SAYS_DOWN;
	if (p == NULL || has_answered(en, p, now.mono.ns -
		run_took(c, now).ns))
		return PARENT_SAYS_UP;
	parent_ask(en, p, now);
	p->awaited = true;
	return waited_enough(en, c) ? PARENT_SAYS_UP : PARENT_SAYS_WAIT;
}

/* ---- those that hang on it ---- */

static bool
hangs_on(const struct engine *en, const struct host *h, const struct host *p)
{
	const struct host *at = h;

	for (int i = 0; at != NULL && i < PARENTS_MOST; i++) {
		at = parent_of(en, at);
		if (at == p)
			return true;
	}
	return false;
}

/* Each of its checks, and of its VMs' and roles'. */
static void
each_check(struct engine *en, struct host *h, struct now now,
	void (*act)(struct engine *, struct check *, struct now))
{
	for (size_t i = 0; i < h->n_checks; i++)
		act(en, h->checks[i], now);
	for (struct unit *u = h->units; u != NULL; u = u->next)
		for (size_t i = 0; i < u->n_checks; i++)
			act(en, u->checks[i], now);
}

void
parent_answered(struct engine *en, struct host *p, struct now now)
{
	size_t at = 0;
	struct host *h;

	if (!p->awaited)
		return;
	p->awaited = false;
	while ((h = hash_next(&en->hosts, &at)) != NULL)
		if (h->parent != 0 && h->present && witness_of(en, h) == p &&
		    !(en->observer.suspect && h->part->doubted))
			each_check(en, h, now, judge_held);
}

/* It failed, and now we know of what. */
static void
excuse_failing(struct engine *en, struct check *c, struct now now)
{
	if (!c->passive && c->st.outcome == TOCSIN_FAIL && !is_convicted(c))
		judge_excused(en, c, now);
}

/* What fell silent meanwhile gets the time to be heard of again. */
static void
begin_anew(struct engine *en, struct check *c, struct now now)
{
	uint64_t spread = hash_bytes(c->host->name, strlen(c->host->name), 0);

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
	while ((h = hash_next(&en->hosts, &at)) != NULL) {
		if (h->parent == 0 || !h->present || !hangs_on(en, h, p))
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
parent_excuse_beat(const struct engine *en, const struct host *h,
	struct beat *b)
{
	if (b->word == BEAT_HEARD && !b->convicted && h->parent != 0 &&
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
	size_t at = 0;
	struct host *h, *p;

	while ((h = hash_next(&en->hosts, &at)) != NULL)
		h->n_below = 0;
	for (at = 0; (h = hash_next(&en->hosts, &at)) != NULL;) {
		p = h->present ? parent_of(en, h) : NULL;
		for (int i = 0; p != NULL && i < PARENTS_MOST; i++) {
			p->n_below++;
			p = parent_of(en, p);
		}
	}
}

void
parents_take_def(struct engine *en, const struct fleet_def *fleet)
{
	size_t at = 0;
	struct host *h;

	for (size_t i = 0; i < fleet->n_hosts; i++) {
		const struct host_def *def = &fleet->hosts[i];
		const struct host *p = def->parent == NULL ? NULL :
			host_find(en, def->parent);
		uint32_t id = p != NULL ? p->id : 0;

		h = host_find(en, def->name);
		if (h == NULL || h->parent == id || p == h)
			continue;
		h->parent = id;
		host_say_subject(en, h);
		mark(en, h, DIRTY_URGENT);
		if (p != NULL)
			mark(en, p, DIRTY_URGENT);
	}
	parents_count(en);
	/* a parent may be another one, or gone */
	for (at = 0; (h = hash_next(&en->hosts, &at)) != NULL;)
		if (h->present && (h->parent != 0 || h->health ==
			HEALTH_UNREACHABLE)) {
			fold_host(en, h, en->now.wall);
			units_fold(en, h, en->now.wall);
		}
}
