/*
 * From an observation to the health of its check, and on to its host's.
 */
#include <limits.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/outlook.h"
#include "engine/parents.h"
#include "engine/strain.h"
#include "engine/unit.h"

void
mark(struct engine *en, const struct host *h, enum dirt how)
{
	size_t chunk = h->place / SNAP_CHUNK_HOSTS;

	if (how == DIRTY_URGENT) {
		en->changed = true;
		touch(en, (struct host *)(uintptr_t)h);
	}
	if (en->resort || chunk >= en->n_chunks || !h->present)
		return;
	if (en->dirt[chunk] < how)
		en->dirt[chunk] = (unsigned char)how;
}

/* Not available here is a gap in coverage, not a state of the host. */
static bool
counts_for_host(const struct check *c)
{
	if (c->st.asleep && c->st.health == HEALTH_UNKNOWN)
		return false;
	return c->st.reason != TOCSIN_WHY_NO_SMART &&
		c->st.reason != TOCSIN_WHY_UNSUPPORTED &&
		c->st.reason != TOCSIN_WHY_DEVICE_UNREADABLE;
}

/* A host is as its worst check is; without checks, nobody knows. */
static struct check *
worst_check(const struct host *h)
{
	struct check *worst = NULL;

	for (size_t i = 0; i < h->n_checks; i++) {
		struct check *c = host_checks(h)[i];

		if (!counts_for_host(c))
			continue;
		if (worst == NULL || health_worse((enum health)c->st.health,
				(enum health)worst->st.health))
			worst = c;
	}
	return worst;
}

static bool
all_asleep(const struct host *h)
{
	size_t disks = 0;

	for (size_t i = 0; i < h->n_checks; i++) {
		disks += check_device(host_checks(h)[i]) != NULL;
		if (check_device(host_checks(h)[i]) == NULL || !host_checks(h)[i]->st.asleep)
			return false;
	}
	return disks > 0;
}

static bool
is_flapping(const struct host *h)
{
	for (size_t i = 0; i < h->n_checks; i++)
		if (host_checks(h)[i]->st.flapping && counts_for_host(host_checks(h)[i]))
			return true;
	return false;
}

/* What speaks of the machine itself; the rest are its services. */
bool
is_host_layer(const struct check *c)
{
	return c->passive ?
		(c->kind->traits & KIND_SIGNAL) == 0 :
		(c->kind->traits & KIND_PING) != 0;
}

static enum health
host_layer(const struct host *h)
{
	enum health worst = HEALTH_UNKNOWN;
	bool any = false;

	for (size_t i = 0; i < h->n_checks; i++) {
		const struct check *c = host_checks(h)[i];
		enum health is = (enum health)c->st.health;

		if (!is_host_layer(c) || !counts_for_host(c))
			continue;
		if (!any || health_worse(is, worst))
			worst = is;
		any = true;
	}
	return worst;
}

/* One that was up goes down; what we find down at the start is no failure
 * that we saw, nor what is cut off. */
static bool
host_falls(enum health from, enum health to)
{
	return (from == HEALTH_HEALTHY || from == HEALTH_SUSPECT) &&
		to == HEALTH_UNHEALTHY;
}

/* Suspect since then, or convicted by this one answer. */
static void
note_failed(struct host *h, enum health from, struct wall at)
{
	struct host_rare *own;

	if (h->health != HEALTH_UNHEALTHY) {
		if (h->rare->failed.ms != 0) {
			host_own_rare(h)->failed = (struct wall){ 0 };
			host_calm(h);
		}
		return;
	}
	own = host_rare(h);
	if (own != NULL)
		own->failed = from == HEALTH_SUSPECT ||
			from == HEALTH_OVERLOADED ? h->since : at;
}

/* What it hangs on is down; but what its agent still says is its own. */
static bool
is_cut_off(const struct engine *en, const struct host *h,
	const struct check *worst)
{
	return h->rare->parent != 0 && (worst == NULL || !worst->passive ||
		worst->st.health == HEALTH_STALE ||
		worst->st.health == HEALTH_UNKNOWN) &&
		parent_dead(en, h) != NULL;
}

/* Late, and busy: overloaded, and so is the layer that is late. */
static void
forgive(struct engine *en, struct host *h, enum health *to,
	enum health *layer, enum tocsin_reason *reason)
{
	if (*to != HEALTH_UNHEALTHY && *to != HEALTH_STALE) {
		strain_settled(en, h);
		return;
	}
	if (!strain_forgives(en, h))
		return;
	*to = HEALTH_OVERLOADED;
	*reason = TOCSIN_WHY_BUSY;
	if (*layer == HEALTH_STALE || *layer == HEALTH_UNHEALTHY)
		*layer = HEALTH_OVERLOADED;
}

void
fold_host(struct engine *en, struct host *h, struct wall at)
{
	struct check *worst = worst_check(h);
	enum health layer = host_layer(h);
	enum health from = h->health;
	enum health to = worst != NULL ? (enum health)worst->st.health :
		HEALTH_UNKNOWN;
	enum tocsin_reason reason = worst == NULL ? TOCSIN_WHY_NO_CHECKS :
		to == HEALTH_HEALTHY ? TOCSIN_WHY_NONE :
		(enum tocsin_reason)worst->st.reason;
	unsigned flags = (all_asleep(h) ? UNIT_ASLEEP : 0) |
		(is_flapping(h) ? UNIT_FLAPPING : 0);
	bool flaps = ((flags ^ h->flags) & UNIT_FLAPPING) != 0;
	bool fell, falls;

	if (h->rare->n_below > 0)
		parent_moved(en, h);
	if (to != HEALTH_HEALTHY && is_cut_off(en, h, worst)) {
		to = HEALTH_UNREACHABLE;
		reason = TOCSIN_WHY_PARENT_DOWN;
		layer = layer != HEALTH_HEALTHY ? to : layer;
	} else if (en->strains.n > 0) {
		forgive(en, h, &to, &layer, &reason);
	}
	falls = host_falls(h->host_health, layer);
	if (from == to && h->reason == reason && h->flags == flags &&
	    layer == h->host_health &&
	    (to == HEALTH_HEALTHY || host_worst(h) == worst))
		return;
	fell = health_is_bad(layer) != health_is_bad(h->host_health);
	h->host_health = layer;
	h->health = to;
	h->reason = reason;
	h->flags = flags & (UNIT_FLAPPING | UNIT_ASLEEP);
	host_set_worst(h, to == HEALTH_HEALTHY ? NULL : worst);
	mark(en, h, DIRTY_URGENT);
	if (flaps)
		say_flapping(en, h, at);
	if (falls)
		outlook_convicted(en, h, true, at);
	if (from != to) {
		note_failed(h, from, at);
		h->since = at;
		say_host_move(en, h, from, at);
		say_host_state(en, h);
	}
	if (falls && contagion_of(h) != NULL && h->rare->window == NULL)
		h->part->contagion = contagion_of(h)->id;
	if (fell && layer == HEALTH_HEALTHY)
		contagion_clear(en, h);
	if (fell) {
		guests_moved(en, h, NULL);
		units_fold(en, h, at);
	}
}

void
fold_of(struct engine *en, struct check *c, struct wall at)
{
	if (check_unit(c) != NULL)
		unit_fold(en, check_unit(c), at);
	else
		fold_host(en, check_host(c), at);
}

static bool
keep_text(struct check *c, const char *text)
{
	if (c->text == NULL ? text[0] == '\0' : strcmp(c->text, text) == 0)
		return false;
	mem_free(c->text);
	c->text = text[0] != '\0' ? mem_strndup(text, strnlen(text, 255)) :
		NULL;
	return true;
}

/*
 * Most observations say what the one before said, with other values.  Units,
 * agents and devices show more of theirs than their checks do.
 */
static void
mark_heard(struct engine *en, const struct check *c, bool other)
{
	struct host *h = check_host(c);

	if (other || check_device(c) != NULL || h->rare->units != NULL ||
	    h->rare->watch != NULL)
		mark(en, h, DIRTY_COSMETIC);
	else
		stir(en, h);
}

/*
 * What convicts just now.  Where answers get lost, it takes more of them;
 * while a parent is asked, nothing does.
 */
static const struct check_rule *
rule_now(const struct engine *en, const struct check *c,
	enum tocsin_reason reason, struct check_rule *stricter)
{
	const struct check_rule *rule = &c->kind->rule;
	bool lossy = en->need > rule->fail_after && observer_is_silence(reason);

	if (!lossy && !en->held)
		return rule;
	*stricter = *rule;
	stricter->fail_after = en->held ? UINT_MAX : en->need;
	stricter->fail_of = 0;
	return stricter;
}

/* Only when it is not as it was, as it mostly is. */
static void
keep_state(struct engine *en, struct check *c, const struct check_state *was)
{
	if (c->unsaved || !check_state_same(&c->st, was, &c->kind->rule))
		say_check_state(en, c);
}

void
judge_observation(struct engine *en, struct check *c,
	const struct observation *ob, struct now now)
{
	struct host *h = check_host(c);
	struct check_move move;
	struct check_state was = c->st;
	const struct metric_shape *shape = c->metrics.shape;
	struct check_rule stricter;
	bool other = keep_text(c, ob->text), moved;

	c->whole = metrics_keep(&en->shared, &c->metrics, ob,
		METRICS_PER_CHECK);
	outlook_hear(en, c, ob, now);
	moved = check_observe(&c->st,
		rule_now(en, c, ob->reason, &stricter),
		(struct check_seen){ ob->outcome, ob->reason },
		(struct now){ awake_in(en, h->part, now), ob->at },
		&move);
	mark_heard(en, c, other || moved || c->st.reason != was.reason ||
		c->st.flapping != was.flapping || c->metrics.shape != shape);
	if (moved) {
		say_check_move(en, c, &move, ob->at);
		if (move.to == HEALTH_UNHEALTHY && check_unit(c) == NULL &&
		    !strain_excuses(en, c))
			outlook_convicted(en, h, false, ob->at);
		fold_of(en, c, ob->at);
	} else if (c->st.reason != was.reason || c->st.outcome != TOCSIN_OK ||
	    c->st.flapping != was.flapping) {
		fold_of(en, c, ob->at);
	}
	keep_state(en, c, &was);
}

void
judge_age(struct engine *en, struct check *c, struct now now)
{
	struct host *h = check_host(c);
	struct check_move move;

	if (!check_age(&c->st, &c->kind->rule,
		    (struct now){ awake_in(en, h->part, now), now.wall },
		    &move))
		return;
	say_check_move(en, c, &move, now.wall);
	say_check_state(en, c);
	fold_of(en, c, now.wall);
	mark(en, h, DIRTY_URGENT);
}

void
judge_held(struct engine *en, struct check *c, struct now now)
{
	struct check_rule rule = c->kind->rule;
	unsigned need = observer_need(&en->observer, &check_host(c)->part->seen,
		now.mono);
	struct check_move move;

	if (need > rule.fail_after && observer_is_silence(
		(enum tocsin_reason)c->st.reason)) {
		rule.fail_after = need;
		rule.fail_of = 0;
	}
	if (c->passive || !check_convict(&c->st, &rule, now.wall, &move))
		return;
	mark(en, check_host(c), DIRTY_COSMETIC);
	say_check_move(en, c, &move, now.wall);
	if (check_unit(c) == NULL)
		outlook_convicted(en, check_host(c), false, now.wall);
	say_check_state(en, c);
	fold_of(en, c, now.wall);
}

void
judge_excused(struct engine *en, struct check *c, struct now now)
{
	struct host *h = check_host(c);
	struct check_state was = c->st;
	struct check_move move;

	mark(en, h, DIRTY_COSMETIC);
	if (check_observe(&c->st, &c->kind->rule,
		    (struct check_seen){ TOCSIN_UNKNOWN,
			TOCSIN_WHY_PARENT_DOWN },
		    (struct now){ awake_in(en, h->part, now), c->st.at },
		    &move))
		say_check_move(en, c, &move, now.wall);
	keep_state(en, c, &was);
	fold_of(en, c, now.wall);
}
