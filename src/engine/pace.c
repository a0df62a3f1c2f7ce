/*
 * Recommendations to leave a host, no faster than they may come.
 */
#include "engine/inside.h"
#include "engine/turns.h"
#include "plan/pace.h"

#define LOOK_AGAIN_S 10

static bool
counts(const struct host_plan *p)
{
	return p != NULL && p->action == PLAN_HOST_EVACUATE &&
		p->state == PLAN_STATE_RECOMMENDED;
}

static struct pace *
pace_of(struct part *p)
{
	if (p->pace == NULL)
		p->pace = MEM_NEW(struct pace);
	return p->pace;
}

static void
say_pace(struct engine *en, const struct part *p)
{
	struct strbuf bytes = { 0 };

	pace_save(p->pace, &bytes);
	if (!bytes.failed)
		say_state(en, p->id, "pace", bytes.p, bytes.n);
	strbuf_free(&bytes);
}

static bool
fleet_allows(const struct engine *en, struct wall at)
{
	struct pace_counts all = { 0 };
	const struct part *p;
	size_t i = 0;

	while ((p = hash_next(&en->parts, &i)) != NULL)
		if (p->pace != NULL)
			pace_count(p->pace, at, &all);
	return pace_allows(&en->pace_fleet, &all);
}

bool
pace_take(struct engine *en, const struct host *h, struct host_plan *next,
	struct wall at)
{
	struct pace_limits limits = pace_of_size(&en->pace, h->part->n_hosts);
	struct pace *p = pace_of(h->part);
	const struct host_plan *was = h->rare->plan;
	struct pace_counts own = { 0 };

	next->paced = was != NULL && was->action == next->action && was->paced;
	if (!counts(next) || counts(was) || p == NULL)
		return true;
	pace_count(p, at, &own);
	/* What a brake held comes back: its turn is taken already. */
	if (next->paced && own.open < limits.at_once) {
		p->open++;
		return true;
	}
	if (!pace_allows(&limits, &own) || !fleet_allows(en, at)) {
		en->pace_holds = true;
		return false;
	}
	pace_begin(p, at);
	next->paced = true;
	say_pace(en, h->part);
	return true;
}

void
pace_drop(const struct host_plan *was, struct part *p)
{
	if (counts(was) && p->pace != NULL)
		pace_end(p->pace);
}

void
pace_move(const struct host *h, struct part *to)
{
	pace_drop(h->rare->plan, h->part);
	if (counts(h->rare->plan) && pace_of(to) != NULL)
		to->pace->open++;
}

void
pace_found(const struct host *h)
{
	if (counts(h->rare->plan) && pace_of(h->part) != NULL)
		h->part->pace->open++;
}

int
pace_of_part_restore(struct part *p, const void *bytes, size_t n)
{
	return pace_of(p) == NULL ? TC_ENOMEM :
		pace_restore(bytes, n, p->pace, NULL);
}

void
pace_step(struct engine *en, struct now now)
{
	if (!en->pace_holds || mono_before(now.mono, en->pace_at))
		return;
	en->pace_at = mono_add(now.mono, dur_s(LOOK_AGAIN_S));
	en->pace_holds = false;
	for (size_t i = 0; i < en->n_sorted; i++) {
		struct host *h = en->sorted[i];

		if (h->rare->plan == NULL ||
		    (h->rare->plan->why_not >> WHY_NOT_RATE_LIMITED & 1) == 0)
			continue;
		en->pace_holds = true;
		touch(en, h);
	}
}
