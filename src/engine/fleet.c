/*
 * Taking over the fleet as configuration and file_sd describe it.  Who is
 * gone from its source retires and keeps its history; a check that stays the
 * same keeps its streaks, whatever else changes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/devices.h"
#include "engine/doubt.h"
#include "engine/inside.h"
#include "engine/parents.h"
#include "engine/sweep.h"
#include "engine/turns.h"
#include "engine/unit.h"

static size_t
text_bytes(const char *s)
{
	return s != NULL ? strlen(s) + 1 : 0;
}

/* A place in the configuration, or "default:0". */
static void
origin_text(const struct opt_origin *o, char *out, size_t size)
{
	snprintf(out, size, "%s:%u", o->file != NULL ? o->file : "default",
		o->line);
}

static void
leave_device(struct check *c)
{
	struct device *d = check_device(c);

	if (d != NULL && d->check == c)
		d->check = NULL;
	check_set_device(c, NULL);
}

int
check_take_def(struct engine *en, struct check *c,
	const struct check_def *def, struct now now)
{
	bool fresh = c->passive;
	struct dur interval = c->kind->rule.interval;
	struct sweep *s;
	char origin[600];

	origin_text(&def->origin, origin, sizeof(origin));
	if (check_become(en, c, &(struct kind_wish){ def->key, c->kind->probe,
		    origin, def->rule, def->opt_rows, def->opts }) < 0)
		return TC_ENOMEM;
	c->claimed = true;
	leave_device(c);
	c->passive = false;
	if (fresh)
		check_say_subject(en, c, false);
	s = check_sweep(c);
	if (fresh || !wheel_has(&c->due) ||
	    interval.ns != def->rule.interval.ns ||
	    s == NULL || s->part != check_host(c)->part) {
		sweep_leave(en, c);
		run_unschedule(en, c);
		run_schedule(en, c, now);
		sweep_join(en, c);
	}
	return 0;
}

static int
take_check(struct engine *en, struct host *h, const struct check_def *def,
	struct now now)
{
	struct check *c = check_find(h, def->key);

	if (c == NULL)
		c = check_add(en, h, def->key, def->probe, 0);
	return c != NULL ? check_take_def(en, c, def, now) : TC_ENOMEM;
}

void
check_drop(struct engine *en, struct check *c)
{
	check_say_subject(en, c, true);
	say_state(en, c->id, "check", NULL, 0);
	run_unschedule(en, c);
	sweep_leave(en, c);
	leave_device(c);
	subject_clear(en, c->id);
	check_free(en, c);
}

void
host_drop_check(struct engine *en, struct host *h, size_t i)
{
	check_drop(en, host_checks(h)[i]);
	host_take_check(h, i);
	mark(en, h, DIRTY_COSMETIC);
}

int
host_copy_tags(struct host *h, const struct host_def *def)
{
	size_t bytes = 0;
	struct tag *tags;
	char *text;

	for (size_t i = 0; i < def->n_tags; i++)
		bytes += text_bytes(def->tags[i].key) +
			text_bytes(def->tags[i].value);
	if (def->n_tags == 0) {
		mem_free(h->tags);
		h->tags = NULL;
		h->n_tags = 0;
		return 0;
	}
	tags = mem_alloc(def->n_tags * sizeof(*tags) + bytes);
	if (tags == NULL)
		return TC_ENOMEM;
	text = (char *)(tags + def->n_tags);
	for (size_t i = 0; i < def->n_tags; i++) {
		size_t k = text_bytes(def->tags[i].key);
		size_t v = text_bytes(def->tags[i].value);

		memcpy(text, def->tags[i].key, k);
		memcpy(text + k, def->tags[i].value, v);
		tags[i] = (struct tag){ text, text + k };
		text += k + v;
	}
	mem_free(h->tags);
	h->tags = tags;
	h->n_tags = (uint32_t)def->n_tags;
	return 0;
}

static bool
same_host(const struct host *h, const struct host_def *def)
{
	if (!h->present || h->owner != def->owner ||
	    strcmp(h->part->name, def->partition) != 0 ||
	    strcmp(host_address(h), def->address) != 0 || h->n_tags != def->n_tags)
		return false;
	for (size_t i = 0; i < h->n_tags; i++)
		if (strcmp(h->tags[i].key, def->tags[i].key) != 0 ||
		    strcmp(h->tags[i].value, def->tags[i].value) != 0)
			return false;
	return true;
}

static int
describe_host(struct engine *en, struct host *h, const struct host_def *def)
{
	struct part *p = part_get(en, def->partition);

	if (p == NULL || host_copy_tags(h, def) < 0 ||
	    host_set_address(h, def->address) < 0)
		return TC_ENOMEM;
	if (h->bad && h->part != p) {
		h->bad = false;
		h->part->n_bad--;
	}
	if (h->part != p)
		alerts_move(en, h, p);
	if (h->part != p) {
		en->resort = true;
		h->heard.counted = false;
	}
	pace_move(h, p);
	h->part = p;
	p->targets_moved = true;	/* its tags say how much room it has */
	h->owner = def->owner;
	if (!h->present)
		en->resort = true;
	h->present = true;
	risk_fold(en, h);
	host_say_subject(en, h);
	mark(en, h, DIRTY_URGENT);
	return 0;
}

/* Makes or changes it; its checks are another matter. */
int
host_take_def(struct engine *en, const struct host_def *def)
{
	struct host *h = host_find(en, def->name);
	struct part *p;

	if (h != NULL)
		return same_host(h, def) ? 0 : describe_host(en, h, def);
	p = part_get(en, def->partition);
	h = p != NULL ? host_make(en, def->name, p, 0) : NULL;
	if (h == NULL || describe_host(en, h, def) < 0)
		return TC_ENOMEM;
	say_event(en, "host.added", h->id, en->now.wall, "{}");
	return 0;
}

static int
take_host(struct engine *en, const struct host_def *def, struct now now)
{
	struct host *h;
	size_t i = 0;

	if (host_take_def(en, def) < 0)
		return TC_ENOMEM;
	h = host_find(en, def->name);
	h->claimed = true;
	for (size_t k = 0; k < def->n_checks; k++)
		if (take_check(en, h, &def->checks[k], now) < 0)
			return TC_ENOMEM;
	while (i < h->n_checks) {
		struct check *c = host_checks(h)[i];

		if (!c->passive && !c->claimed) {
			host_drop_check(en, h, i);
			continue;
		}
		c->claimed = false;
		i++;
	}
	if (watch_take_def(en, h, def->agent, &def->unit_rule) < 0 ||
	    (def->n_units > 0 && units_take_def(en, h, def, now) < 0))
		return TC_ENOMEM;
	fold_host(en, h, now.wall);
	return 0;
}

void
host_retire(struct engine *en, struct host *h, struct now now)
{
	for (size_t i = 0; i < h->n_checks; i++) {
		run_unschedule(en, host_checks(h)[i]);
		sweep_leave(en, host_checks(h)[i]);
	}
	units_sweep(en, h, true, now);
	watch_free(en, h);
	outcomes_of_retired(en, h);
	h->present = false;
	en->resort = true;
	touch(en, h);
	host_say_subject(en, h);
	say_event(en, "host.retired", h->id, now.wall, "{}");
}

static bool
source_is_config(const struct host *h)
{
	return h->owner == OWNER_CONFIG || h->owner == OWNER_FILE_SD;
}

static void
wake_list(struct engine *en, struct check *const *list, size_t n,
	struct now now)
{
	for (size_t i = 0; i < n; i++)
		if (list[i]->passive && !wheel_has(&list[i]->due))
			run_schedule(en, list[i], now);
}

/* Checks that come by themselves wait for the next of their data. */
static void
wake_passive(struct engine *en, struct now now)
{
	size_t at = 0;
	struct host *h;

	while ((h = roster_next(en, &at)) != NULL) {
		if (h->present)
			wake_list(en, host_checks(h), h->n_checks, now);
		for (struct unit *u = h->rare->units; u != NULL; u = u->next)
			wake_list(en, u->checks, u->n_checks, now);
	}
}

static void
drop_unclaimed_active(struct engine *en, struct host *h)
{
	size_t i = 0;

	while (i < h->n_checks) {
		const struct check *c = host_checks(h)[i];

		if (!c->passive && !c->claimed)
			host_drop_check(en, h, i);
		else
			i++;
	}
}

int
engine_set_fleet(struct engine *en, const struct fleet_def *fleet,
	struct now now, struct tc_err *e)
{
	size_t at = 0;
	struct host *h;
	int rc = 0;

	en->now = now;
	en->passive = fleet->passive;
	en->smart_interval = fleet->passive_smart_interval;
	en->pace = fleet->pace;
	en->pace_fleet = fleet->pace_fleet;
	if (fleet->leaving.estimate.ns > 0)
		en->leaving = fleet->leaving;
	en->backup_max_age = fleet->backup_max_age;
	if (fleet->units.heartbeat.ns > 0)
		en->unit_rule = fleet->units;
	if (fleet->ladder.reboot.ns > 0)
		en->ladder = fleet->ladder;
	if (doubt_set_fleet(en, fleet) < 0)
		return tc_fail(e, TC_ENOMEM, "out of memory for the witnesses");
	if (!en->restored)
		restore_finish(en, now);
	for (size_t i = 0; rc == 0 && i < fleet->n_partitions; i++)
		if (part_get(en, fleet->partitions[i].name) == NULL)
			rc = TC_ENOMEM;
	for (size_t i = 0; rc == 0 && i < fleet->n_hosts; i++)
		rc = take_host(en, &fleet->hosts[i], now);
	if (rc < 0) {
		facts_flush(en);
		return tc_fail(e, rc, "out of memory for %zu hosts",
			fleet->n_hosts);
	}
	while ((h = roster_next(en, &at)) != NULL) {
		if (h->present && !h->claimed && source_is_config(h))
			host_retire(en, h, now);
		else if (!h->claimed)
			drop_unclaimed_active(en, h);
		units_sweep(en, h, false, now);
		h->claimed = false;
	}
	parents_take_def(en, fleet);
	wake_passive(en, now);
	windows_lay(en, now.wall);
	en->windows_edge = now.wall;	/* what was missed is told next */
	rc = fleet_sort(en);
	step(en, now);
	facts_flush(en);
	return rc == 0 ? 0 :
		tc_fail(e, TC_ENOMEM, "out of memory for the list of hosts");
}

static void
fleet_sorted(struct engine *en)
{
	chunks_free(en);
	windows_moved(en);
	en->resort = false;
	en->changed = true;
}

static int
by_name(const void *a, const void *b)
{
	const struct host *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

/*
 * One host among those that are sorted: thousands that come one by one, each
 * with its batch, would each sort them all.
 */
void
fleet_enter(struct engine *en, struct host *h)
{
	size_t low = 0, high = en->n_sorted;
	void *sorted = en->sorted;

	if (mem_grow(&sorted, &en->cap_sorted, high + 1, sizeof(h)) < 0)
		return;		/* fleet_sort() says so */
	en->sorted = sorted;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(en->sorted[middle]->name, h->name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	memmove(en->sorted + low + 1, en->sorted + low,
		(en->n_sorted - low) * sizeof(h));
	en->sorted[low] = h;
	en->n_sorted++;
	for (size_t i = low; i < en->n_sorted; i++)
		en->sorted[i]->place = (uint32_t)i;
	h->part->n_hosts++;
	fleet_sorted(en);
}

int
fleet_sort(struct engine *en)
{
	size_t at = 0;
	struct host *h;
	struct part *p;
	void *sorted = en->sorted;

	if (!en->resort)
		return 0;
	if (mem_grow(&sorted, &en->cap_sorted, en->hosts.n + 1,
		    sizeof(struct host *)) < 0)
		return TC_ENOMEM;
	en->sorted = sorted;
	en->n_sorted = 0;
	for (size_t k = 0; (p = hash_next(&en->parts, &k)) != NULL;)
		p->n_hosts = 0;
	while ((h = roster_next(en, &at)) != NULL)
		if (h->present)
			en->sorted[en->n_sorted++] = h;
	qsort(en->sorted, en->n_sorted, sizeof(struct host *), by_name);
	for (size_t i = 0; i < en->n_sorted; i++) {
		en->sorted[i]->place = (uint32_t)i;
		en->sorted[i]->part->n_hosts++;
	}
	fleet_sorted(en);
	return 0;
}
