/*
 * What people order about maintenance: a window made, called off.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/inside.h"
#include "engine/parents.h"
#include "engine/unit.h"
#include "plan/spread.h"

#define NAMES_BYTES 160

static void
reply_window(struct strbuf *reply, const struct window *w)
{
	struct strbuf body = { 0 };

	window_write(&body, w);
	if (body.n > 2)
		strbuf_add(reply, body.p + 1, body.n - 2);
	strbuf_free(&body);
}

int
window_check_scope(const struct engine *en, const struct window *w,
	struct tc_err *e)
{
	if (w->partition[0] != '\0' &&
	    hash_get_str(&en->parts, w->partition) == NULL)
		return tc_fail(e, TC_EINVAL, "/partition: no partition '%s'",
			w->partition);
	for (size_t i = 0; i < w->n_hosts; i++)
		if (host_find(en, w->hosts[i]) == NULL)
			return tc_fail(e, TC_EINVAL, "/hosts: no host '%s'",
				w->hosts[i]);
	for (size_t i = 0; i < w->n_vms; i++)
		if (vm_find(en, w->vms[i]) == NULL)
			return tc_fail(e, TC_EINVAL, "/vms: no VM '%s'",
				w->vms[i]);
	return 0;
}

static bool
is_off(const struct part *p)
{
	return p != NULL && (p->off >> SWITCH_MAINTENANCE_EDIT & 1) != 0;
}

/* Planning may be switched off in a partition. */
static int
check_switch(const struct engine *en, const struct window *w, struct tc_err *e)
{
	const struct part *off = NULL;
	struct part *p = hash_get_str(&en->parts, w->partition);

	if (is_off(p))
		off = p;
	for (size_t i = 0; i < w->n_hosts; i++) {
		const struct host *h = host_find(en, w->hosts[i]);

		if (h != NULL && is_off(h->part))
			off = h->part;
	}
	for (size_t i = 0; i < w->n_vms; i++) {
		const struct unit *vm = vm_find(en, w->vms[i]);

		if (vm != NULL && is_off(vm->host->part))
			off = vm->host->part;
	}
	return off == NULL ? 0 : tc_fail(e, TC_EPERM, "switched_off: planning "
		"maintenance is switched off in %s", off->name);
}

/* ---- what is left of services ---- */

static size_t
list_groups(const struct engine *en, struct spread_host *out)
{
	size_t n = 0;

	for (size_t i = 0; i < en->n_sorted; i++) {
		const struct host *h = en->sorted[i];

		for (size_t k = 0; k < h->n_tags; k++) {
			if (!spread_is_group(&h->tags[k]))
				continue;
			if (out != NULL)
				out[n] = (struct spread_host){ h->name,
					h->tags[k].value, h };
			n++;
		}
	}
	return n;
}

static void
put_names(const struct spread_host *hosts, size_t n, char *out, size_t size)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n && at + 1 < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s",
			i > 0 ? ", " : "", hosts[i].name);
}

static bool
covers(const void *arg, const struct window *w, const void *of)
{
	return parent_window_covers(arg, w, of);
}

int
window_check_spread(struct engine *en, const struct window *w,
	struct tc_err *e)
{
	struct spread_list list = { .covers = covers, .arg = en };
	struct spread_found found;
	char names[NAMES_BYTES];
	int rc = 0;

	if (en->n_windows == 0 || fleet_sort(en) < 0 ||
	    (list.n = list_groups(en, NULL)) == 0)
		return 0;
	list.hosts = mem_alloc_array(list.n, sizeof(*list.hosts));
	if (list.hosts == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	list_groups(en, list.hosts);
	spread_sort(list.hosts, list.n);
	if (spread_conflict(&list, w, en->windows, en->n_windows, &found)) {
		put_names(list.hosts + found.first, found.n, names, sizeof(names));
		rc = tc_fail(e, TC_EEXIST, "no_replica_left: window %" PRIu64
			" (%s) and this one leave nothing of '%s': %s",
			found.other->id, found.other->reason, found.group,
			names);
	}
	mem_free(list.hosts);
	return rc;
}

/* ---- a new one ---- */

/* What is there again before it is over would be there always. */
static int
check_lasting(const struct engine *en, const struct window *w, struct tc_err *e)
{
	struct dur least = repeat_shortest(&w->repeat, &w->zone, en->now.wall);
	struct strbuf text = { 0 };
	int rc = 0;

	if (least.ns != 0 && w->repeat.lasting.ns >= least.ns) {
		dur_print(&text, least);
		rc = tc_fail(e, TC_EINVAL, "/repeat/for: it comes again after "
			"%s and would never end", strbuf_str(&text));
		strbuf_free(&text);
	}
	return rc;
}

static int
set_times(struct engine *en, struct window *w, struct tc_err *e)
{
	if (w->repeat.every == REPEAT_NEVER && w->from.ms == 0)
		w->from = en->now.wall;
	if (w->repeat.every == REPEAT_NEVER)
		return window_is_over(w, en->now.wall) ? tc_fail(e, TC_ERANGE,
			"/to: it is over already") : 0;
	if (w->to.ms != 0)
		return tc_fail(e, TC_EINVAL, "/to: of what repeats `for` says "
			"how long, and `until` for how many years");
	if (!window_begin(w, en->now.wall))
		return tc_fail(e, TC_ERANGE, "/repeat: no time of it is to "
			"come");
	return check_lasting(en, w, e);
}

static int
read_window(struct engine *en, const struct engine_wish *wish,
	struct window *w, struct tc_err *e)
{
	int rc;

	if ((rc = window_read(wish->body, wish->n, w, e)) < 0 ||
	    (rc = window_find_zone(en, w, e)) < 0 ||
	    (rc = window_check_scope(en, w, e)) < 0 ||
	    (rc = check_switch(en, w, e)) < 0 ||
	    (rc = set_times(en, w, e)) < 0)
		return rc;
	return w->accept_conflict ? 0 : window_check_spread(en, w, e);
}

int
order_create_window(struct engine *en, const struct engine_wish *wish,
	struct strbuf *reply, struct tc_err *e)
{
	struct window *w = MEM_NEW(struct window);
	int rc;

	if (w == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	rc = read_window(en, wish, w, e);
	if (rc == 0 && windows_add(en, w) < 0)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	if (rc < 0) {
		window_free(w);
		return rc;
	}
	w->id = ++en->window_id;
	snprintf(w->by, sizeof(w->by), "%s", wish->actor);
	snprintf(en->person, sizeof(en->person), "%s", w->person);
	windows_made(en, w, en->now.wall);
	say_window(en, w, false);
	audit_change(en, wish, "maintenance.create", 0, (const char *const[]){
		w->reason, "", window_type_id(w->type) });
	reply_window(reply, w);
	return 0;
}

int
order_delete_window(struct engine *en, const struct engine_wish *wish,
	struct strbuf *reply, struct tc_err *e)
{
	uint64_t id;
	size_t i = 0;
	struct window *w;
	int rc;

	if (u64_parse(wish->target, strlen(wish->target), &id) < 0)
		return tc_fail(e, TC_ENOENT, "no window '%s'", wish->target);
	while (i < en->n_windows && en->windows[i]->id != id)
		i++;
	if (i == en->n_windows)
		return tc_fail(e, TC_ENOENT, "no window '%s'", wish->target);
	w = en->windows[i];
	if ((rc = check_switch(en, w, e)) < 0)
		return rc;
	windows_end_notice(en, w, en->now.wall);
	windows_drop(en, i);
	windows_lay(en, en->now.wall);
	say_window(en, w, true);
	audit_change(en, wish, "maintenance.delete", 0, (const char *const[]){
		"", window_type_id(w->type), "" });
	strbuf_printf(reply, "\"id\":%" PRIu64, id);
	window_free(w);
	en->changed = true;
	return 0;
}
