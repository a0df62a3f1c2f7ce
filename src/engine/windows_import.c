/*
 * Events of a provider as windows: a list that may come as often as it likes.
 * One event is one window, known again by provider and id; what the provider
 * will do is not refused, only told when it leaves nothing of a service.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/unit.h"
#include "model/name.h"
#include "plan/window_json.h"

#define EVENTS_MAX 10000
#define LASTING_S 3600

enum result { CREATED, UPDATED, UNCHANGED, REMOVED, SKIPPED, RESULTS };
static const char *const result_ids[RESULTS] = { "created", "updated",
	"unchanged", "removed", "skipped" };

struct event {
	struct window w;
	char **names;		/* as the provider calls its hosts */
	size_t n_names, cap_names;
	bool gone;		/* done, or called off */
};

struct import {
	struct event *items;
	size_t n, cap;
	char provider[32];
	char person[64];
	size_t counts[RESULTS];
};

static void
list_free(struct import *l)
{
	for (size_t i = 0; i < l->n; i++) {
		window_fini(&l->items[i].w);
		for (size_t k = 0; k < l->items[i].n_names; k++)
			mem_free(l->items[i].names[k]);
		mem_free(l->items[i].names);
	}
	mem_free(l->items);
}

/* ---- the list as it comes ---- */

/* Our own types, or the codes of EC2's scheduled events. */
static void
get_type(struct json_read *r, struct window *w)
{
	static const struct { const char *code; enum window_type type; } rows[] =
		{ { "system-reboot", WINDOW_HOST_REBOOT },
		{ "system-maintenance", WINDOW_POWER },
		{ "instance-stop", WINDOW_POWER },
		{ "instance-retirement", WINDOW_POWER } };
	const char *text = json_get_cstr(r, 64);

	if (json_failed(r) || window_type_parse(text, strlen(text), &w->type))
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].code, text) == 0) {
			w->type = rows[i].type;
			return;
		}
	json_fail(r, "'%s' is no type of a window, and no code of EC2", text);
}

static void
get_state(struct json_read *r, struct event *ev)
{
	static const char *const gone[] = { "completed", "canceled",
		"cancelled" };
	static const char *const due[] = { "scheduled", "active" };
	const char *text = json_get_cstr(r, 32);

	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		if (strcmp(gone[i], text) == 0) {
			ev->gone = true;
			return;
		}
	for (size_t i = 0; i < ARRAY_LEN(due); i++)
		if (strcmp(due[i], text) == 0)
			return;
	if (!json_failed(r))
		json_fail(r, "'%s' is none of scheduled active completed "
			"canceled", text);
}

static void
get_names(struct json_read *r, struct event *ev)
{
	if (!json_enter_array(r))
		return;
	while (json_next_item(r)) {
		const char *text = json_get_cstr(r, NAME_MAX_BYTES);
		void *names = ev->names;

		if (json_failed(r))
			return;
		if (mem_grow(&names, &ev->cap_names, ev->n_names + 1,
			    sizeof(char *)) < 0) {
			json_fail_memory(r);
			return;
		}
		ev->names = names;
		ev->names[ev->n_names] = mem_strdup(text);
		if (ev->names[ev->n_names] == NULL)
			json_fail_memory(r);
		else
			ev->n_names++;
	}
}

static void
get_event(struct json_read *r, struct event *ev)
{
	struct json_str key;

	window_init(&ev->w);
	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key)) {
		if (json_str_is(key, "id"))
			snprintf(ev->w.provider_id, sizeof(ev->w.provider_id),
				"%s", json_get_cstr(r,
				sizeof(ev->w.provider_id) - 1));
		else if (json_str_is(key, "type"))
			get_type(r, &ev->w);
		else if (json_str_is(key, "state"))
			get_state(r, ev);
		else if (json_str_is(key, "hosts"))
			get_names(r, ev);
		else if (json_str_is(key, "repeat") ||
			json_str_is(key, "provider") ||
			json_str_is(key, "provider_id") ||
			json_str_is(key, "vms") ||
			!window_get(r, key, &ev->w))
			json_unknown(r);
	}
	if (json_failed(r))
		return;
	if (ev->w.provider_id[0] == '\0')
		json_fail(r, "id is needed: by it the event is known again");
	else if (!ev->gone && ev->w.from.ms == 0)
		json_fail(r, "from is needed");
	else if (ev->w.to.ms == 0)
		ev->w.to = wall_add(ev->w.from, dur_s(LASTING_S));
	if (!json_failed(r) && ev->w.to.ms <= ev->w.from.ms)
		json_fail(r, "to must come after from");
}

static void
get_events(struct json_read *r, struct import *l)
{
	if (!json_enter_array(r))
		return;
	while (json_next_item(r)) {
		void *items = l->items;

		if (l->n >= EVENTS_MAX) {
			json_fail(r, "more than %d events", EVENTS_MAX);
			return;
		}
		if (mem_grow(&items, &l->cap, l->n + 1,
			    sizeof(struct event)) < 0) {
			json_fail_memory(r);
			return;
		}
		l->items = items;
		l->items[l->n] = (struct event){ .gone = false };
		get_event(r, &l->items[l->n++]);
	}
}

static int
read_list(const struct engine_wish *wish, struct import *l, struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	int rc;

	json_open(&r, wish->body, wish->n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key)) {
			if (json_str_is(key, "provider"))
				snprintf(l->provider, sizeof(l->provider),
					"%s", json_get_cstr(&r,
					sizeof(l->provider) - 1));
			else if (json_str_is(key, "person"))
				snprintf(l->person, sizeof(l->person), "%s",
					json_get_cstr(&r,
					sizeof(l->person) - 1));
			else if (json_str_is(key, "events"))
				get_events(&r, l);
			else
				json_unknown(&r);
		}
	rc = json_close(&r, e);
	if (rc == 0 && l->provider[0] == '\0')
		rc = tc_fail(e, TC_EINVAL, "/provider: is needed, such as aws");
	return rc;
}

/* ---- whose hosts ---- */

static const struct host *
host_called(const struct engine *en, const char *text)
{
	char name[NAME_MAX_BYTES + 1];
	const struct host *h = NULL;

	if (name_fold(text, strlen(text), name, NULL) == 0)
		h = host_find(en, name);
	if (h != NULL && h->present)
		return h;
	for (size_t i = 0; i < en->n_sorted; i++)
		for (size_t k = 0; k < en->sorted[i]->n_tags; k++) {
			const struct tag *t = &en->sorted[i]->tags[k];

			if (strcmp(t->key, "instance_id") == 0 &&
			    strcmp(t->value, text) == 0)
				return en->sorted[i];
		}
	return NULL;
}

/* Says in `why` whom nobody knows. */
static int
find_hosts(const struct engine *en, struct event *ev, struct strbuf *why)
{
	struct window *w = &ev->w;

	for (size_t i = 0; i < ev->n_names; i++) {
		const struct host *h = host_called(en, ev->names[i]);
		const struct unit *vm = h != NULL ? NULL :
			vm_find(en, ev->names[i]);
		int rc = 0;

		if (h != NULL)
			rc = window_add_name(&w->hosts, &w->n_hosts,
				&w->cap_hosts, h->name);
		else if (vm != NULL)
			rc = window_add_name(&w->vms, &w->n_vms, &w->cap_vms,
				vm->name);
		else
			strbuf_printf(why, "%s%s", why->n > 0 ? ", " :
				"not known: ", ev->names[i]);
		if (rc < 0)
			return rc;
	}
	window_sort(w);
	return 0;
}

/* ---- what becomes of it ---- */

static size_t
find_known(const struct engine *en, const struct window *w)
{
	size_t i = 0;

	while (i < en->n_windows && (strcmp(en->windows[i]->provider_id,
			w->provider_id) != 0 ||
		strcmp(en->windows[i]->provider, w->provider) != 0))
		i++;
	return i;
}

static bool
is_same(const struct window *a, const struct window *b)
{
	if (a->from.ms != b->from.ms || a->to.ms != b->to.ms ||
	    a->type != b->type || a->n_hosts != b->n_hosts ||
	    a->n_vms != b->n_vms ||
	    a->grace.ns != b->grace.ns || a->notice.ns != b->notice.ns ||
	    strcmp(a->partition, b->partition) != 0 ||
	    strcmp(a->zone_id, b->zone_id) != 0 ||
	    strcmp(a->reason, b->reason) != 0 ||
	    strcmp(window_effect(a), window_effect(b)) != 0 ||
	    strcmp(a->todo, b->todo) != 0)
		return false;
	for (size_t i = 0; i < a->n_hosts; i++)
		if (strcmp(a->hosts[i], b->hosts[i]) != 0)
			return false;
	for (size_t i = 0; i < a->n_vms; i++)
		if (strcmp(a->vms[i], b->vms[i]) != 0)
			return false;
	return true;
}

static enum result
remove_window(struct engine *en, size_t i)
{
	struct window *w = en->windows[i];

	windows_end_notice(en, w, en->now.wall);
	windows_drop(en, i);
	windows_lay(en, en->now.wall);
	say_window(en, w, true);
	window_free(w);
	en->changed = true;
	return REMOVED;
}

static void
warn_of_conflict(struct engine *en, const struct window *w,
	struct strbuf *why)
{
	struct tc_err e = { 0 };
	char summary[600], of[48];

	if (window_check_spread(en, w, &e) != TC_EEXIST)
		return;
	strbuf_printf(why, "%s%s", why->n > 0 ? "; " : "", e.text);
	snprintf(summary, sizeof(summary), "maintenance of %s: %s",
		w->provider, e.text);
	snprintf(of, sizeof(of), "window-%" PRIu64, w->id);
	alert_raise_of(en, &(struct alert_wish){ .kind = "maintenance_conflict",
		.severity = SEVERITY_WARNING, .summary = summary,
		.body = "{}" }, of, en->now.wall);
}

/* The event's window moves into the list, or into the one that is there. */
static int
put_window(struct engine *en, const struct engine_wish *wish,
	struct event *ev, size_t i, struct strbuf *why)
{
	struct window *w = i < en->n_windows ? en->windows[i] :
		MEM_NEW(struct window);
	bool fresh = i == en->n_windows;

	if (w == NULL || (fresh && windows_add(en, w) < 0)) {
		window_free(w);
		return TC_ENOMEM;
	}
	ev->w.id = fresh ? ++en->window_id : w->id;
	if (!fresh) {
		windows_end_notice(en, w, en->now.wall);
		window_fini(w);
	}
	*w = ev->w;
	ev->w.hosts = NULL;
	ev->w.n_hosts = 0;
	ev->w.vms = NULL;
	ev->w.n_vms = 0;
	snprintf(w->by, sizeof(w->by), "%s", wish->actor);
	windows_made(en, w, en->now.wall);
	say_window(en, w, false);
	warn_of_conflict(en, w, why);
	return fresh ? CREATED : UPDATED;
}

/* enum result, or TC_ENOMEM; its id in ev->w.id */
static int
take_event(struct engine *en, const struct engine_wish *wish,
	struct event *ev, struct strbuf *why)
{
	struct window *w = &ev->w;
	struct tc_err e = { 0 };
	size_t i = find_known(en, w);

	w->id = i < en->n_windows ? en->windows[i]->id : 0;
	if (ev->gone)
		return i < en->n_windows ? (int)remove_window(en, i) : SKIPPED;
	if (window_find_zone(en, w, &e) < 0) {
		strbuf_puts(why, e.text);
		return SKIPPED;
	}
	if (find_hosts(en, ev, why) < 0)
		return TC_ENOMEM;
	if (window_is_over(w, en->now.wall)) {
		strbuf_printf(why, "%sit is over", why->n > 0 ? "; " : "");
		return SKIPPED;
	}
	if (window_check(w, &e) < 0 || window_check_scope(en, w, &e) < 0) {
		strbuf_printf(why, "%s%s", why->n > 0 ? "; " : "",
			w->n_hosts + w->n_vms == 0 && w->partition[0] == '\0' ?
			"no host of it is here" : e.text);
		return SKIPPED;
	}
	if (i < en->n_windows && is_same(en->windows[i], w))
		return UNCHANGED;
	return put_window(en, wish, ev, i, why);
}

static void
put_result(struct json_write *j, const struct event *ev, enum result what,
	struct strbuf *why)
{
	json_put_object(j);
	json_add_str(j, "id", ev->w.provider_id);
	json_add_str(j, "result", result_ids[what]);
	if (ev->w.id != 0)
		json_add_u64(j, "window", ev->w.id);
	else
		json_add_null(j, "window");
	json_add_str(j, "why", strbuf_str(why));
	json_put_end(j);
	strbuf_reset(why);
}

static int
take_list(struct engine *en, const struct engine_wish *wish, struct import *l,
	struct strbuf *items)
{
	struct strbuf why = { 0 };
	struct json_write j;
	int rc = 0;

	json_begin(&j, items);
	json_put_array(&j);
	for (size_t i = 0; i < l->n && rc >= 0; i++) {
		struct event *ev = &l->items[i];

		snprintf(ev->w.provider, sizeof(ev->w.provider), "%s",
			l->provider);
		snprintf(ev->w.person, sizeof(ev->w.person), "%s", l->person);
		rc = take_event(en, wish, ev, &why);
		if (rc < 0)
			break;
		l->counts[rc]++;
		put_result(&j, ev, (enum result)rc, &why);
	}
	json_put_end(&j);
	strbuf_free(&why);
	return rc < 0 ? rc : 0;
}

int
order_import_windows(struct engine *en, const struct engine_wish *wish,
	struct strbuf *reply, struct tc_err *e)
{
	struct import l = { 0 };
	struct strbuf items = { 0 };
	char after[128];
	int rc = read_list(wish, &l, e);

	if (rc == 0 && (fleet_sort(en) < 0 ||
		take_list(en, wish, &l, &items) < 0 || items.failed))
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	if (rc < 0)
		goto out;
	snprintf(en->person, sizeof(en->person), "%s", l.person);
	snprintf(after, sizeof(after), "%s: %zu created, %zu updated, %zu "
		"removed", l.provider, l.counts[CREATED], l.counts[UPDATED],
		l.counts[REMOVED]);
	audit_change(en, wish, "maintenance.import", 0, (const char *const[]){
		"", "", after });
	for (int i = 0; i < RESULTS; i++)
		strbuf_printf(reply, "\"%s\":%zu,", result_ids[i], l.counts[i]);
	strbuf_puts(reply, "\"items\":");
	strbuf_add(reply, items.p, items.n);
out:
	strbuf_free(&items);
	list_free(&l);
	return rc;
}
