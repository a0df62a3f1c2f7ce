/*
 * VMs, roles and the agents of hosts in a snapshot.
 */
#include <string.h>

#include "engine/inside.h"
#include "engine/maker.h"
#include "engine/unit.h"

static void
show_sides(const struct unit *u, struct snap_unit *out)
{
	for (int i = 0; i < SIGNAL_COUNT_; i++) {
		struct side_view s = unit_side(u, (enum signal_side)i);

		out->told[i] = s.reason != TOCSIN_WHY_NO_CHECKS;
		out->sides[i] = s.health;
	}
}

static int
show_unit(struct maker *m, const struct unit *u, struct snap_unit *out)
{
	const struct engine *en = m->en;
	struct arena *a = m->arena;
	struct snap_check *checks =
		arena_alloc(a, u->n_checks * sizeof(*checks));
	struct unit_plan_view v = unit_view_of(en, u);
	const char *slash;

	if (checks == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < u->n_checks; i++)
		if (show_check(m, u->checks[i], &checks[i]) < 0)
			return TC_ENOMEM;
	*out = (struct snap_unit){ .id = u->id, .is_vm = u->is_vm,
		.vm = u->vm != NULL ? u->vm->id : 0, .path = shown_text(a, u->path),
		.address = shown_text(a, u->address), .owner = u->owner,
		.origin = u->origin, .cls = v.cls, .agent = u->agent,
		.state = state_of(u->health, unit_window(u) != NULL ?
			DISPOSITION_MAINTENANCE : DISPOSITION_IN_SERVICE,
			u->flapping ? UNIT_FLAPPING : 0),
		.health = u->health, .reason = u->reason, .since = u->since,
		.by = u->by, .expected = u->signals,
		.cause = health_is_bad(u->health) ? u->host->rare->risk.cause :
			CAUSE_UNKNOWN,
		.run = u->run, .run_since = u->run_since, .busy = u->busy,
		.own_checks = u->own_checks,
		.checks_origin = u->checks_origin, .rule = u->rule,
		.checks = checks, .n_checks = u->n_checks,
		.action = plan_unit_action(&v), .why_not = u->why_not,
		.plan_id = u->plan != NULL ? u->plan->id : 0 };
	slash = strrchr(out->path, '/');
	out->name = slash != NULL ? slash + 1 : out->path;
	out->next = plan_unit_next(out->action);
	show_sides(u, out);
	return 0;
}

static const struct snap_watch *
show_watch(const struct engine *en, struct arena *a, const struct watch *w)
{
	struct snap_watch *out = arena_alloc(a, sizeof(*out));
	struct beat beat = w->beat;

	if (out == NULL)
		return NULL;
	*out = (struct snap_watch){ .expected = beat.expected,
		.alarming = w->alarming };
	beat_judge(&beat, &w->rule, awake_in(en, w->host->part, en->now), &out->reason);
	return out;
}

/* A VM, then its roles, then the next; last the roles of the host itself. */
int
show_units(struct maker *m, const struct host *h, struct snap_rare *out)
{
	struct snap_unit *list;
	size_t n = 0;

	for (const struct unit *u = h->rare->units; u != NULL; u = u->next)
		n++;
	list = arena_alloc(m->arena, n * sizeof(*list));
	if (list == NULL)
		return TC_ENOMEM;
	n = 0;
	for (const struct unit *u = h->rare->units; u != NULL; u = u->next) {
		if (u->vm != NULL)
			continue;
		if (show_unit(m, u, &list[n++]) < 0)
			return TC_ENOMEM;
		for (const struct unit *r = h->rare->units; u->is_vm && r != NULL;
		     r = r->next)
			if (r->vm == u &&
			    show_unit(m, r, &list[n++]) < 0)
				return TC_ENOMEM;
	}
	out->units = list;
	out->n_units = (uint32_t)n;
	if (h->rare->watch != NULL)
		out->watch = show_watch(m->en, m->arena, h->rare->watch);
	return 0;
}
