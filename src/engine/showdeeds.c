/*
 * Plans, alerts and windows in a snapshot.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/climb.h"
#include "engine/inside.h"
#include "engine/maker.h"
#include "engine/parents.h"
#include "engine/outlook.h"
#include "engine/notes.h"
#include "engine/unit.h"

/* "disk ST4000DM000 Z300A: failure likely; others of its group stand for it" */
const char *
replace_words(struct arena *a, const struct host *h)
{
	char text[400] = "";

	for (size_t i = 0; i < h->rare->n_devices; i++) {
		const struct device_id *d = &h->rare->devices[i]->ident;

		if (h->rare->devices[i]->id == h->rare->risk.spared_device)
			snprintf(text, sizeof(text), "%s %s %s: failure %s; "
				"others of its group stand for it", d->kind,
				d->model, d->serial,
				level_name(h->rare->risk.spared));
	}
	return shown_text(a, text);
}

const char *
plan_words(struct arena *a, const struct host *h)
{
	const struct check *worst = host_worst(h);
	char text[400];

	if (h->rare->plan != NULL &&
	    h->rare->plan->action == PLAN_DEVICE_REPLACE)
		return replace_words(a, h);
	if (h->rare->plan == NULL || !h->rare->plan->predicted) {
		snprintf(text, sizeof(text), "%s: %s", worst != NULL ?
			worst->kind->key : "risk", worst != NULL ?
			reason_words(h->reason) :
			level_text(h->rare->risk.level));
		return shown_text(a, text);
	}
	snprintf(text, sizeof(text), "failure %s: %.0f %% within 30 days",
		level_name(h->rare->risk.level), h->rare->risk.risk.d30 * 100);
	return shown_text(a, text);
}

/* Eligible ones first; the others by count alone. */
static void
show_targets(struct arena *a, const struct host *h, struct snap_plan *out)
{
	const struct part *p = h->part;
	struct snap_target *list = arena_alloc(a,
		p->n_eligible * sizeof(*list));

	for (size_t i = 0; list != NULL && i < p->n_eligible; i++)
		if (p->eligible[i] != h && p->eligible[i]->present)
			list[out->n_targets++] = (struct snap_target){
				p->eligible[i]->name, TARGET_ELIGIBLE };
	out->targets = list;
	memcpy(out->target_counts, p->target_counts,
		sizeof(out->target_counts));
}

static int
newest_first(const void *a, const void *b)
{
	const struct snap_plan *x = a, *y = b;

	return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

static void
show_unit_plans(struct snapshot *s, const struct host *h,
	struct snap_plan *list)
{
	for (const struct unit *u = h->rare->units; u != NULL; u = u->next)
		if (u->plan != NULL)
			list[s->n_plans++] = (struct snap_plan){
				.id = u->plan->id, .host = h->name,
				.unit = shown_text(&s->arena, u->path),
				.partition = h->part->name,
				.action = u->plan->action,
				.state = u->plan->state,
				.since = u->plan->since,
				.why_not = u->plan->why_not,
				.reason = reason_words(u->reason) };
}

static int
show_plans(const struct engine *en, struct snapshot *s)
{
	struct snap_plan *list;

	if (en->n_plans == 0)
		return 0;
	list = arena_alloc(&s->arena, en->n_plans * sizeof(*list));
	if (list == NULL)
		return TC_ENOMEM;
	for (size_t i = 0; i < en->n_sorted; i++) {
		const struct host *h = en->sorted[i];
		const struct host_plan *plan = h->rare->plan;
		struct snap_plan *p;

		show_unit_plans(s, h, list);
		p = &list[s->n_plans];
		if (plan == NULL)
			continue;
		*p = (struct snap_plan){ .id = plan->id, .host = h->name,
			.unit = "",
			.partition = h->part->name, .action = plan->action,
			.state = plan->state,
			.predicted = plan->predicted,
			.urgency = plan->urgency,
			.since = plan->since,
			.why_not = plan->why_not,
			.reason = plan_words(&s->arena, h) };
		if (p->action == PLAN_HOST_EVACUATE)
			show_targets(&s->arena, h, p);
		p->ladder = climb_show(en, &s->arena, h);
		s->n_plans++;
	}
	qsort(list, s->n_plans, sizeof(*list), newest_first);
	s->plans = list;
	return 0;
}

static int
worst_first(const void *a, const void *b)
{
	const struct alert *x = a, *y = b;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

static int
show_alerts(const struct engine *en, struct snapshot *s)
{
	struct alert *list = arena_alloc(&s->arena,
		en->alerts.n * sizeof(*list));
	const struct live_alert *a;
	size_t at = 0;

	if (list == NULL)
		return TC_ENOMEM;
	while ((a = hash_next(&en->alerts, &at)) != NULL) {
		struct alert *out = &list[s->n_alerts++];

		*out = a->shown;
		out->key = shown_text(&s->arena, a->shown.key);
		out->summary = shown_text(&s->arena, a->shown.summary);
		out->body = shown_text(&s->arena, a->shown.body);
		out->acked_by = shown_text(&s->arena, a->shown.acked_by);
	}
	qsort(list, s->n_alerts, sizeof(*list), worst_first);
	s->alerts = list;
	return 0;
}

static size_t
covered(const struct engine *en, const struct window *w)
{
	size_t n = 0;

	for (size_t i = 0; i < en->n_sorted; i++)
		n += parent_window_covers(en, w, en->sorted[i]);
	return n;
}

static struct snap_windows *
make_windows(const struct engine *en)
{
	struct snap_windows *s = MEM_NEW(struct snap_windows);
	struct snap_window *list;

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	list = arena_alloc(&s->arena, (en->n_windows + 1) * sizeof(*list));
	for (size_t i = 0; list != NULL && i < en->n_windows; i++) {
		list[i].w = window_clone(&s->arena, en->windows[i]);
		list[i].n_hosts = covered(en, en->windows[i]);
		if (list[i].w == NULL)
			list = NULL;
	}
	if (list == NULL) {
		snap_windows_put(s);
		return NULL;
	}
	s->items = list;
	s->n = en->n_windows;
	return s;
}

static int
show_windows(struct engine *en, struct snapshot *s)
{
	struct snap_windows *fresh;

	if (en->windows_stale || en->windows_shown == NULL) {
		if ((fresh = make_windows(en)) == NULL)
			return TC_ENOMEM;
		snap_windows_put(en->windows_shown);
		en->windows_shown = fresh;
		en->windows_stale = false;
	}
	s->windows_of = en->windows_shown;
	atomic_fetch_add_explicit(&s->windows_of->refs, 1,
		memory_order_relaxed);
	s->windows = s->windows_of->items;
	s->n_windows = s->windows_of->n;
	return 0;
}

int
show_deeds(struct engine *en, struct snapshot *s)
{
	if (show_plans(en, s) < 0 || show_alerts(en, s) < 0)
		return TC_ENOMEM;
	return show_windows(en, s) < 0 ? TC_ENOMEM : show_notes(en, s);
}
