/*
 * Maintenance windows, laid on the hosts: in one, nothing is paged and nothing
 * is recommended; data are still taken.  Who is still down when the window
 * and its grace are over is told at once.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/inside.h"
#include "model/name.h"
#include "wire/json_read.h"
#include "wire/json_write.h"

#define GRACE_S 60
#define WINDOW_HOSTS_MAX 10000
#define FOREVER_MS INT64_MAX

static struct window *
window_of(const struct engine *en, const struct host *h, struct wall now)
{
	for (size_t i = 0; i < en->n_windows; i++) {
		struct window *w = en->windows[i];

		if (now.ms >= w->from.ms && !window_is_over(w, now) &&
		    window_covers(w, h->name, h->part->name))
			return w;
	}
	return NULL;
}

static int64_t
earlier(int64_t best, int64_t t, int64_t after)
{
	return t > after && t < best ? t : best;
}

/* On every host; and when it must be done again. */
void
windows_lay(struct engine *en, struct wall now)
{
	int64_t edge = FOREVER_MS;
	size_t at = 0;
	struct host *h;

	for (size_t i = 0; i < en->n_windows; i++) {
		const struct window *w = en->windows[i];

		edge = earlier(edge, w->from.ms, now.ms);
		edge = earlier(edge, wall_add(w->to, w->grace).ms, now.ms);
	}
	while ((h = hash_next(&en->hosts, &at)) != NULL) {
		struct window *w = window_of(en, h, now);

		if (w == h->window)
			continue;
		h->window = w;
		mark(en, h, DIRTY_URGENT);
	}
	en->windows_edge.ms = edge;
	en->windows_at = now;
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

static void
tell_overrun(struct engine *en, const struct window *w, struct wall now)
{
	size_t at = 0;
	struct host *h;

	while ((h = hash_next(&en->hosts, &at)) != NULL) {
		char title[HOST_TITLE], summary[HOST_TITLE + 128], body[64];

		if (!h->present || !window_covers(w, h->name, h->part->name) ||
		    h->health == HEALTH_HEALTHY)
			continue;
		host_title(h, title);
		snprintf(summary, sizeof(summary), "%s: still %s after its "
			"maintenance window ended", title,
			health_id(h->health));
		snprintf(body, sizeof(body), "{\"window\":%llu}",
			(unsigned long long)w->id);
		alert_raise(en, &(struct alert_wish){ "maintenance_overrun",
			SEVERITY_CRITICAL, h, NULL, summary, body }, now);
	}
}

void
windows_step(struct engine *en, struct now now)
{
	size_t i = 0;

	if (en->n_windows == 0 || (now.wall.ms >= en->windows_at.ms &&
		now.wall.ms < en->windows_edge.ms))
		return;
	while (i < en->n_windows) {
		struct window *w = en->windows[i];

		if (!window_is_over(w, now.wall)) {
			i++;
			continue;
		}
		en->windows[i] = en->windows[--en->n_windows];
		windows_lay(en, now.wall);
		tell_overrun(en, w, now.wall);
		say_window(en, w, true);
		say_event(en, "maintenance.ended", 0, now.wall, "{}");
		window_free(w);
	}
	windows_lay(en, now.wall);
}

/* ---- as JSON ---- */

void
window_write(struct strbuf *out, const struct window *w)
{
	struct strbuf grace = { 0 };
	struct json_write j;

	dur_print(&grace, w->grace);
	json_begin(&j, out);
	json_put_object(&j);
	json_add_u64(&j, "id", w->id);
	json_add_str(&j, "type", window_type_id(w->type));
	json_add_wall(&j, "from", w->from);
	json_add_wall(&j, "to", w->to);
	json_add_str(&j, "grace", strbuf_str(&grace));
	if (w->partition[0] != '\0')
		json_add_str(&j, "partition", w->partition);
	json_add_array(&j, "hosts");
	for (size_t i = 0; i < w->n_hosts; i++)
		json_put_str(&j, w->hosts[i]);
	json_put_end(&j);
	json_add_str(&j, "by", w->by);
	json_add_str(&j, "reason", w->reason);
	json_put_end(&j);
	strbuf_free(&grace);
}

static struct wall
get_wall(struct json_read *r)
{
	const char *text = json_get_cstr(r, 64);
	struct wall w = { 0 };

	if (!json_failed(r) && wall_parse(text, strlen(text), &w) < 0)
		json_fail(r, "'%s' is not a time such as "
			"2026-01-31T02:00:00Z", text);
	return w;
}

static void
get_type(struct json_read *r, struct window *w)
{
	const char *text = json_get_cstr(r, 64);

	if (!json_failed(r) && !window_type_parse(text, strlen(text), &w->type))
		json_fail(r, "'%s' is none of instance_reboot host_reboot "
			"power network", text);
}

static void
get_hosts(struct json_read *r, struct window *w)
{
	size_t cap = 0;

	if (!json_enter_array(r))
		return;
	while (json_next_item(r)) {
		char name[NAME_MAX_BYTES + 1];
		struct tc_err e = { 0 };
		const char *text = json_get_cstr(r, NAME_MAX_BYTES);
		void *hosts = w->hosts;

		if (json_failed(r))
			return;
		if (name_fold(text, strlen(text), name, &e) < 0) {
			json_fail(r, "%s", e.text);
			return;
		}
		if (w->n_hosts >= WINDOW_HOSTS_MAX ||
		    mem_grow(&hosts, &cap, w->n_hosts + 1, sizeof(char *)) < 0)
		{
			json_fail_memory(r);
			return;
		}
		w->hosts = hosts;
		w->hosts[w->n_hosts] = mem_strdup(name);
		if (w->hosts[w->n_hosts++] == NULL)
			json_fail_memory(r);
	}
}

static void
get_text(struct json_read *r, char *out, size_t size)
{
	snprintf(out, size, "%s", json_get_cstr(r, size - 1));
}

static void
get_member(struct json_read *r, struct json_str key, struct window *w)
{
	struct tc_err e = { 0 };

	if (json_str_is(key, "type"))
		get_type(r, w);
	else if (json_str_is(key, "from"))
		w->from = get_wall(r);
	else if (json_str_is(key, "to"))
		w->to = get_wall(r);
	else if (json_str_is(key, "hosts"))
		get_hosts(r, w);
	else if (json_str_is(key, "partition"))
		get_text(r, w->partition, sizeof(w->partition));
	else if (json_str_is(key, "reason"))
		get_text(r, w->reason, sizeof(w->reason));
	else if (json_str_is(key, "by"))
		get_text(r, w->by, sizeof(w->by));
	else if (json_str_is(key, "id"))
		w->id = json_get_u64(r);
	else if (!json_str_is(key, "grace"))
		json_unknown(r);
	else if (dur_parse(json_get_cstr(r, 32), &w->grace, &e) < 0)
		json_fail(r, "%s", e.text);
}

int
window_read(char *body, size_t n, struct window *out, struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	int rc;

	*out = (struct window){ .grace = dur_s(GRACE_S),
		.type = WINDOW_HOST_REBOOT };
	json_open(&r, body, n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key))
			get_member(&r, key, out);
	rc = json_close(&r, e);
	if (rc == 0 && (out->to.ms == 0 || out->to.ms <= out->from.ms))
		rc = tc_fail(e, TC_EINVAL, "/to: must come after /from");
	if (rc == 0 && out->partition[0] == '\0' && out->n_hosts == 0)
		rc = tc_fail(e, TC_EINVAL, "scope_required: name hosts or a "
			"partition");
	return rc;
}

int
engine_restore_window(struct engine *en, const struct change_window *from)
{
	struct window *w = MEM_NEW(struct window);
	char *text = mem_strdup(from->body);
	void *list = en->windows;
	int rc = TC_ENOMEM;

	if (w != NULL && text != NULL)
		rc = window_read(text, strlen(text), w, NULL);
	mem_free(text);
	if (rc == 0 && mem_grow(&list, &en->cap_windows, en->n_windows + 1,
		sizeof(struct window *)) < 0)
		rc = TC_ENOMEM;
	if (rc < 0) {
		window_free(w);
		return rc;
	}
	w->id = from->id;
	if (w->id > en->window_id)
		en->window_id = w->id;
	en->windows = list;
	en->windows[en->n_windows++] = w;
	return 0;
}
