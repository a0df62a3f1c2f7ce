/*
 * Maintenance windows, laid on the hosts: in one, nothing is paged and nothing
 * is recommended; data are still taken.  Who is still down when the window
 * and its grace are over is told at once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/parents.h"
#include "engine/unit.h"

#define FOREVER_MS INT64_MAX
#define NAMES_TOLD 20

static bool
lies_now(const struct window *w, struct wall now)
{
	return now.ms >= w->from.ms && !window_is_over(w, now);
}

static int64_t
earlier(int64_t best, int64_t t, int64_t after)
{
	return t > after && t < best ? t : best;
}

static int64_t
next_edge(const struct engine *en, struct wall now)
{
	int64_t edge = FOREVER_MS;

	for (size_t i = 0; i < en->n_windows; i++) {
		const struct window *w = en->windows[i];

		edge = earlier(edge, w->from.ms, now.ms);
		edge = earlier(edge, wall_add(w->to, w->grace).ms, now.ms);
		edge = earlier(edge, w->from.ms - dur_to_ms(w->notice),
			now.ms);
	}
	return edge;
}

/* On the VMs that are named themselves; `n` windows lie now. */
static bool
lay_on_vms(struct engine *en, struct host *h, size_t n)
{
	bool moved = false;

	for (struct unit *u = h->rare->units; u != NULL; u = u->next) {
		const struct window *over = NULL;

		for (size_t i = 0; u->is_vm && i < n && over == NULL; i++)
			if (window_covers_vm(en->windows[i], u->name))
				over = en->windows[i];
		moved = moved || over != u->window;
		u->window = over;
	}
	return moved;
}

/* Without memory it is laid at the next edge. */
static void
host_set_window(struct host *h, struct window *over)
{
	struct host_rare *own = over != h->rare->window ? host_rare(h) : NULL;

	if (own != NULL)
		own->window = over;
	host_calm(h);
}

/* On every host; and when it must be done again. */
void
windows_lay(struct engine *en, struct wall now)
{
	size_t at = 0, n = 0;
	struct host *h;

	/* those that run come first, for the others cover nobody now */
	for (size_t i = 0; i < en->n_windows; i++) {
		struct window *w = en->windows[i];

		if (!lies_now(w, now))
			continue;
		en->windows[i] = en->windows[n];
		en->windows[n++] = w;
	}
	while ((h = roster_next(en, &at)) != NULL) {
		struct window *over = NULL;

		for (size_t i = 0; i < n && over == NULL; i++)
			if (parent_window_covers(en, en->windows[i], h))
				over = en->windows[i];
		if (!lay_on_vms(en, h, n) && over == h->rare->window)
			continue;
		host_set_window(h, over);
		mark(en, h, DIRTY_URGENT);
	}
	en->windows_edge.ms = next_edge(en, now);
	en->windows_at = now;
	windows_moved(en);
}

void
say_window(struct engine *en, const struct window *w, bool ended)
{
	struct change_set *cs = facts(en);
	struct change *c = cs != NULL ? change_add(cs, CHANGE_WINDOW) : NULL;
	struct strbuf body = { 0 };

	if (c == NULL)
		return;
	window_write(&body, w);
	c->u.window = (struct change_window){ .id = w->id, .ended = ended,
		.body = fact_text(cs, strbuf_str(&body)) };
	strbuf_free(&body);
}

/* ---- overrun ---- */

static bool
is_back(const struct host *h)
{
	switch (h->health) {
	case HEALTH_HEALTHY:
	case HEALTH_OVERLOADED:
		return true;
	case HEALTH_UNKNOWN:
		return h->n_checks == 0;
	case HEALTH_SUSPECT:
	case HEALTH_UNHEALTHY:
	case HEALTH_UNREACHABLE:
	case HEALTH_IMPAIRED:
	case HEALTH_STALE:
		return false;
	}
	return false;
}

/*
 * A window begins no alert and ends one only with the trouble: what fires now
 * was told before it.
 */
static bool
fires(const struct engine *en, const char *kind, const char *of)
{
	char key[700];

	snprintf(key, sizeof(key), "%s/%s", kind, of);
	return hash_get_str(&en->alerts, key) != NULL;
}

static const char *
before_it(const struct engine *en, const struct host *h)
{
	if (fires(en, "host_unhealthy", h->name) ||
	    fires(en, "role_unhealthy", h->name))
		return "unhealthy";
	if (fires(en, "host_flapping", h->name))
		return "flapping";
	return fires(en, "host_stale", h->name) ? "stale" : NULL;
}

static void
tell_vm_overrun(struct engine *en, const struct window *w, struct unit *u,
	struct wall now)
{
	char summary[HOST_TITLE + 128], body[64];

	if (!u->is_vm || unit_window(u) != NULL ||
	    u->health == HEALTH_HEALTHY || u->health == HEALTH_OVERLOADED ||
	    (u->health == HEALTH_UNKNOWN && u->n_checks == 0) ||
	    !window_covers_vm(w, u->name))
		return;
	snprintf(summary, sizeof(summary), "VM %s: still %s after its "
		"maintenance window ended", u->path, health_id(u->health));
	snprintf(body, sizeof(body), "{\"window\":%" PRIu64 "}", w->id);
	alert_raise_of(en, &(struct alert_wish){ .kind = "maintenance_overrun",
		.severity = SEVERITY_CRITICAL, .host = u->host,
		.summary = summary, .body = body }, u->path, now);
}

static void
tell_overrun(struct engine *en, const struct window *w, struct wall now)
{
	size_t at = 0;
	struct host *h;

	while ((h = roster_next(en, &at)) != NULL) {
		char title[HOST_TITLE], summary[HOST_TITLE + 128], body[96];
		const char *before;

		for (struct unit *u = w->n_vms > 0 ? h->rare->units : NULL;
		     u != NULL; u = u->next)
			tell_vm_overrun(en, w, u, now);
		/*
		 * Another window may still lie on it; what hangs on one that
		 * is down is told of with that.
		 */
		if (!h->present || h->rare->window != NULL || is_back(h) ||
		    (h->health == HEALTH_UNREACHABLE && h->rare->parent != 0) ||
		    !parent_window_covers(en, w, h))
			continue;
		host_title(h, title);
		before = before_it(en, h);
		snprintf(summary, sizeof(summary), "%s: still %s after its "
			"maintenance window ended%s%s", title,
			health_id(h->health), before != NULL ?
			"; before it: " : "", before != NULL ? before : "");
		snprintf(body, sizeof(body), "{\"window\":%" PRIu64
			",\"before\":\"%s\"}", w->id,
			before != NULL ? before : "well");
		alert_raise(en, &(struct alert_wish){
			.kind = "maintenance_overrun",
			.severity = SEVERITY_CRITICAL, .host = h,
			.summary = summary, .body = body }, now);
	}
}

/* ---- notices ---- */

#define NOTICE_OF 64

/* Which time of which window: a time that is moved is told anew. */
static void
notice_of(const struct window *w, char out[NOTICE_OF])
{
	snprintf(out, NOTICE_OF, "window-%" PRIu64 "-%" PRId64, w->id,
		w->from.ms);
}

/* The one partition that all its hosts are of, or NULL. */
static struct part *
part_of(const struct engine *en, const struct window *w)
{
	struct part *p = NULL;

	if (w->partition[0] != '\0')
		return hash_get_str(&en->parts, w->partition);
	for (size_t i = 0; i < w->n_hosts; i++) {
		const struct host *h = host_find(en, w->hosts[i]);

		if (h == NULL)
			continue;
		if (p != NULL && h->part != p)
			return NULL;
		p = h->part;
	}
	return p;
}

static struct notice_hosts
hosts_of(const struct engine *en, const struct window *w,
	const char *names[NAMES_TOLD])
{
	struct notice_hosts out = { .names = names };

	for (size_t i = 0; i < en->n_sorted; i++) {
		const struct host *h = en->sorted[i];

		if (!parent_window_covers(en, w, h))
			continue;
		if (out.n < NAMES_TOLD)
			names[out.n++] = h->name;
		out.all++;
	}
	return out;
}

static void
tell_notice(struct engine *en, const struct window *w, struct wall now)
{
	const char *names[NAMES_TOLD];
	struct notice_hosts hosts = hosts_of(en, w, names);
	struct strbuf body = { 0 };
	struct json_write j;
	char of[NOTICE_OF], summary[512], from[ZONE_TEXT];

	notice_of(w, of);
	json_begin(&j, &body);
	json_put_object(&j);
	json_add_u64(&j, "window", w->id);
	notice_add_members(&j, w, &hosts);
	json_put_end(&j);
	snprintf(summary, sizeof(summary), "maintenance of %zu hosts from %s: "
		"%s", hosts.all, zone_format(&w->zone, w->from, from,
			sizeof(from)), w->reason[0] != '\0' ? w->reason :
			window_type_id(w->type));
	alert_raise_of(en, &(struct alert_wish){ .kind = "maintenance_notice",
		.severity = SEVERITY_INFO, .part = part_of(en, w),
		.summary = summary, .body = strbuf_str(&body) }, of, now);
	strbuf_free(&body);
}

static void
tell_notices(struct engine *en, struct wall now)
{
	for (size_t i = 0; i < en->n_windows; i++) {
		const struct window *w = en->windows[i];

		if (w->notice.ns > 0 && now.ms < w->to.ms &&
		    now.ms >= w->from.ms - dur_to_ms(w->notice))
			tell_notice(en, w, now);
	}
}

void
windows_end_notice(struct engine *en, const struct window *w, struct wall now)
{
	char of[NOTICE_OF];

	notice_of(w, of);
	if (w->notice.ns > 0)
		alert_end(en, "maintenance_notice", of, now);
	snprintf(of, sizeof(of), "window-%" PRIu64, w->id);
	if (w->provider[0] != '\0')
		alert_end(en, "maintenance_conflict", of, now);
}

/* ---- begins and ends ---- */

/* All times of it that are over meanwhile: one that was slept through too. */
static bool
has_more(struct window *w, struct wall now)
{
	do {
		if (!window_go_on(w))
			return false;
	} while (window_is_over(w, now));
	return true;
}

static void
end_window(struct engine *en, size_t i, struct wall now)
{
	struct window *w = en->windows[i];
	struct window over = *w;
	char body[32];

	windows_end_notice(en, w, now);
	if (has_more(w, now)) {
		windows_lay(en, now);
		tell_overrun(en, &over, now);
		say_window(en, w, false);
	} else {
		windows_drop(en, i);
		windows_lay(en, now);
		tell_overrun(en, w, now);
		say_window(en, w, true);
		window_free(w);
	}
	snprintf(body, sizeof(body), "{\"window\":%" PRIu64 "}", over.id);
	say_event(en, "maintenance.ended", 0, now, body);
	en->changed = true;
}

static void
say_begun(struct engine *en, struct wall before, struct wall now)
{
	for (size_t i = 0; i < en->n_windows; i++) {
		char body[32];

		if (en->windows[i]->from.ms <= before.ms ||
		    en->windows[i]->from.ms > now.ms)
			continue;
		snprintf(body, sizeof(body), "{\"window\":%" PRIu64 "}",
			en->windows[i]->id);
		say_event(en, "maintenance.begun", 0, now, body);
	}
}

void
windows_step(struct engine *en, struct now now)
{
	struct wall before = en->windows_at;
	size_t i = 0;

	if (en->n_windows == 0 || (now.wall.ms >= before.ms &&
		now.wall.ms < en->windows_edge.ms))
		return;
	while (i < en->n_windows)
		if (window_is_over(en->windows[i], now.wall)) {
			end_window(en, i, now.wall);
			i = 0;	/* the others have moved */
		} else {
			i++;
		}
	say_begun(en, before, now.wall);
	windows_lay(en, now.wall);
	tell_notices(en, now.wall);
}

/* It is new, or was changed: what holds of it already is done. */
void
windows_made(struct engine *en, const struct window *w, struct wall now)
{
	windows_lay(en, now);
	tell_notices(en, now);
	if (lies_now(w, now))
		say_begun(en, (struct wall){ w->from.ms - 1 }, w->from);
	en->changed = true;
}

void
windows_drop(struct engine *en, size_t i)
{
	en->windows[i] = en->windows[--en->n_windows];
}

int
windows_add(struct engine *en, struct window *w)
{
	void *list = en->windows;

	if (mem_grow(&list, &en->cap_windows, en->n_windows + 1,
		    sizeof(struct window *)) < 0)
		return TC_ENOMEM;
	en->windows = list;
	en->windows[en->n_windows++] = w;
	return 0;
}

int
window_find_zone(struct engine *en, struct window *w, struct tc_err *e)
{
	char rule[ZONE_RULE_BYTES];
	int rc = 0;

	if (w->zone_id[0] == '\0' || strcmp(w->zone_id, "UTC") == 0) {
		w->zone_id[0] = '\0';
		w->zone_rule[0] = '\0';
		return zone_parse("", 0, &w->zone, e);
	}
	if (!zone_id_is_valid(w->zone_id) || en->io->zone == NULL ||
	    en->io->zone(en->io, w->zone_id, rule, sizeof(rule)) < 0)
		rc = tc_fail(e, TC_EINVAL, "/zone: no zone '%s' is known here",
			w->zone_id);
	else if ((rc = zone_parse(rule, strlen(rule), &w->zone, e)) == 0)
		snprintf(w->zone_rule, sizeof(w->zone_rule), "%s", rule);
	return rc;
}

int
engine_restore_window(struct engine *en, const struct change_window *from)
{
	struct window *w = MEM_NEW(struct window);
	char *text = mem_strdup(from->body);
	int rc = TC_ENOMEM;

	if (w != NULL && text != NULL)
		rc = window_read(text, strlen(text), w, NULL);
	mem_free(text);
	/* rules change; the one that was stored is better than none */
	if (rc == 0 && window_find_zone(en, w, NULL) < 0 &&
	    zone_parse(w->zone_rule, strlen(w->zone_rule), &w->zone, NULL) < 0)
		rc = TC_ECORRUPT;
	if (rc == 0)
		rc = windows_add(en, w);
	if (rc < 0) {
		window_free(w);
		return rc;
	}
	w->id = from->id;
	if (w->id > en->window_id)
		en->window_id = w->id;
	return 0;
}
