/*
 * Windows as JSON: the same members for people, for the API and in the store.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "model/name.h"
#include "plan/window_json.h"

#define WINDOW_HOSTS_MAX 10000
#define LASTING_MAX_S (28 * 86400)
#define NOTICE_MAX_S (90 * 86400)

static const char *const everies[] = { [REPEAT_NEVER] = "never",
	[REPEAT_DAY] = "day", [REPEAT_WEEK] = "week",
	[REPEAT_MONTH] = "month" };
static const char *const weekdays[] = { "mon", "tue", "wed", "thu", "fri",
	"sat", "sun" };

/* ---- out ---- */

static void
add_dur(struct json_write *j, const char *key, struct dur d)
{
	struct strbuf text = { 0 };

	dur_print(&text, d);
	json_add_str(j, key, strbuf_str(&text));
	strbuf_free(&text);
}

static void
add_known(struct json_write *j, const char *key, const char *text)
{
	if (text[0] != '\0')
		json_add_str(j, key, text);
}

static void
add_repeat(struct json_write *j, const struct repeat *r)
{
	char at[16];

	snprintf(at, sizeof(at), "%02d:%02d", r->minute / 60, r->minute % 60);
	json_add_object(j, "repeat");
	json_add_str(j, "every", everies[r->every]);
	if (r->every != REPEAT_DAY)
		json_add_array(j, "on");
	for (int i = 0; r->every == REPEAT_WEEK && i < 7; i++)
		if (r->days >> i & 1)
			json_put_str(j, weekdays[i]);
	for (int i = 1; r->every == REPEAT_MONTH && i < 32; i++)
		if (r->days >> i & 1)
			json_put_i64(j, i);
	if (r->every == REPEAT_MONTH && (r->days & 1))
		json_put_i64(j, -1);
	if (r->every != REPEAT_DAY)
		json_put_end(j);
	json_add_str(j, "at", at);
	add_dur(j, "for", r->lasting);
	if (r->until.ms != 0)
		json_add_wall(j, "until", r->until);
	json_put_end(j);
}

void
window_add_members(struct json_write *j, const struct window *w)
{
	json_add_u64(j, "id", w->id);
	json_add_str(j, "type", window_type_id(w->type));
	json_add_wall(j, "from", w->from);
	json_add_wall(j, "to", w->to);
	add_dur(j, "grace", w->grace);
	if (w->notice.ns > 0)
		add_dur(j, "notice", w->notice);
	add_known(j, "partition", w->partition);
	json_add_array(j, "hosts");
	for (size_t i = 0; i < w->n_hosts; i++)
		json_put_str(j, w->hosts[i]);
	json_put_end(j);
	if (w->n_vms > 0) {
		json_add_array(j, "vms");
		for (size_t i = 0; i < w->n_vms; i++)
			json_put_str(j, w->vms[i]);
		json_put_end(j);
	}
	json_add_str(j, "effect", window_effect(w));
	add_known(j, "what_to_do", w->todo);
	add_known(j, "zone", w->zone_id);
	add_known(j, "zone_rule", w->zone_rule);
	if (w->repeat.every != REPEAT_NEVER)
		add_repeat(j, &w->repeat);
	add_known(j, "provider", w->provider);
	add_known(j, "provider_id", w->provider_id);
	if (w->accept_conflict)
		json_add_bool(j, "accept_conflict", true);
	json_add_str(j, "by", w->by);
	add_known(j, "person", w->person);
	json_add_str(j, "reason", w->reason);
}

void
window_write(struct strbuf *out, const struct window *w)
{
	struct json_write j;

	json_begin(&j, out);
	json_put_object(&j);
	window_add_members(&j, w);
	json_put_end(&j);
}

/* ---- in ---- */

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

static struct dur
get_dur(struct json_read *r, int64_t max_s)
{
	const char *text = json_get_cstr(r, 32);
	struct dur d = { 0 };
	struct tc_err e = { 0 };

	if (json_failed(r))
		return d;
	if (dur_parse(text, &d, &e) < 0)
		json_fail(r, "%s", e.text);
	else if (d.ns < 0 || d.ns > dur_s(max_s).ns)
		json_fail(r, "'%s' is more than %lld days", text,
			(long long)(max_s / 86400));
	return d;
}

static void
get_type(struct json_read *r, struct window *w)
{
	const char *text = json_get_cstr(r, 64);

	if (!json_failed(r) && !window_type_parse(text, strlen(text), &w->type))
		json_fail(r, "'%s' is none of instance_reboot host_reboot "
			"power network", text);
}

int
window_add_name(char ***names, size_t *n, size_t *cap, const char *name)
{
	void *list = *names;
	char *copy = mem_strdup(name);

	if (copy == NULL || mem_grow(&list, cap, *n + 1, sizeof(char *)) < 0) {
		mem_free(copy);
		return TC_ENOMEM;
	}
	*names = list;
	(*names)[(*n)++] = copy;
	return 0;
}

static void
get_names(struct json_read *r, char ***names, size_t *n, size_t *cap)
{
	char name[NAME_MAX_BYTES + 1];
	struct tc_err e = { 0 };

	if (!json_enter_array(r))
		return;
	while (json_next_item(r)) {
		const char *text = json_get_cstr(r, NAME_MAX_BYTES);

		if (json_failed(r))
			return;
		if (name_fold(text, strlen(text), name, &e) < 0)
			json_fail(r, "%s", e.text);
		else if (*n >= WINDOW_HOSTS_MAX)
			json_fail(r, "more than %d names", WINDOW_HOSTS_MAX);
		else if (window_add_name(names, n, cap, name) < 0)
			json_fail_memory(r);
	}
}

static void
get_text(struct json_read *r, char *out, size_t size)
{
	snprintf(out, size, "%s", json_get_cstr(r, size - 1));
}

static void
get_partition(struct json_read *r, struct window *w)
{
	const char *text = json_get_cstr(r, sizeof(w->partition) - 1);
	struct tc_err e = { 0 };

	if (!json_failed(r) &&
	    name_fold(text, strlen(text), w->partition, &e) < 0)
		json_fail(r, "%s", e.text);
}

static void
get_rule(struct json_read *r, struct window *w)
{
	struct tc_err e = { 0 };

	get_text(r, w->zone_rule, sizeof(w->zone_rule));
	if (!json_failed(r) && zone_parse(w->zone_rule, strlen(w->zone_rule),
		&w->zone, &e) < 0)
		json_fail(r, "%s", e.text);
}

/* ---- what repeats ---- */

static void
get_every(struct json_read *r, struct repeat *p)
{
	const char *text = json_get_cstr(r, 16);

	for (int i = REPEAT_DAY; i <= REPEAT_MONTH; i++)
		if (strcmp(text, everies[i]) == 0)
			p->every = (enum repeat_every)i;
	if (!json_failed(r) && p->every == REPEAT_NEVER)
		json_fail(r, "'%s' is none of day week month", text);
}

static void
get_weekday(struct json_read *r, struct repeat *p)
{
	const char *text = json_get_cstr(r, 16);

	for (int i = 0; i < 7; i++)
		if (strcmp(text, weekdays[i]) == 0) {
			p->days |= 1U << i;
			return;
		}
	if (!json_failed(r))
		json_fail(r, "'%s' is none of mon tue wed thu fri sat sun",
			text);
}

static void
get_monthday(struct json_read *r, struct repeat *p)
{
	int64_t day = json_get_int(r, -1, 31);

	if (day == 0)
		json_fail(r, "days are 1 to 31, or -1 for the last");
	else
		p->days |= 1U << (day < 0 ? 0 : day);
}

/* True when it was days of the week. */
static void
get_days(struct json_read *r, struct repeat *p, enum json_kind *kind)
{
	if (!json_enter_array(r))
		return;
	while (json_next_item(r)) {
		enum json_kind k = json_peek(r);

		if (*kind != JSON_BAD && k != *kind)
			json_fail(r, "days of the week or of the month");
		*kind = k;
		if (k == JSON_STRING)
			get_weekday(r, p);
		else
			get_monthday(r, p);
	}
}

static void
get_minute(struct json_read *r, struct repeat *p)
{
	const char *t = json_get_cstr(r, 8);
	int h, m;

	if (json_failed(r))
		return;
	if (strlen(t) != 5 || t[2] != ':' ||
	    strspn(t, "0123456789") != 2 || strspn(t + 3, "0123456789") != 2) {
		json_fail(r, "'%s' is no time of the day such as 02:30", t);
		return;
	}
	h = (t[0] - '0') * 10 + t[1] - '0';
	m = (t[3] - '0') * 10 + t[4] - '0';
	if (h > 23 || m > 59)
		json_fail(r, "'%s' is no time of the day such as 02:30", t);
	else
		p->minute = h * 60 + m;
}

static void
get_repeat(struct json_read *r, struct repeat *p)
{
	enum json_kind days = JSON_BAD;
	struct json_str key;

	p->minute = -1;
	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key)) {
		if (json_str_is(key, "every"))
			get_every(r, p);
		else if (json_str_is(key, "on"))
			get_days(r, p, &days);
		else if (json_str_is(key, "at"))
			get_minute(r, p);
		else if (json_str_is(key, "for"))
			p->lasting = get_dur(r, LASTING_MAX_S);
		else if (json_str_is(key, "until"))
			p->until = get_wall(r);
		else
			json_unknown(r);
	}
	if (json_failed(r))
		return;
	if (p->every == REPEAT_NEVER || p->minute < 0 || p->lasting.ns <= 0)
		json_fail(r, "every, at and for are needed");
	else if (days != (p->every == REPEAT_WEEK ? JSON_STRING :
		    p->every == REPEAT_MONTH ? JSON_NUMBER : JSON_BAD))
		json_fail(r, "on: days of the week with every week, of the "
			"month with every month");
}

static bool
get_words(struct json_read *r, struct json_str key, struct window *w)
{
	const struct { const char *key; char *to; size_t size; } rows[] = {
		{ "reason", w->reason, sizeof(w->reason) },
		{ "effect", w->effect, sizeof(w->effect) },
		{ "what_to_do", w->todo, sizeof(w->todo) },
		{ "by", w->by, sizeof(w->by) },
		{ "person", w->person, sizeof(w->person) },
		{ "zone", w->zone_id, sizeof(w->zone_id) },
		{ "provider", w->provider, sizeof(w->provider) },
		{ "provider_id", w->provider_id, sizeof(w->provider_id) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (json_str_is(key, rows[i].key)) {
			get_text(r, rows[i].to, rows[i].size);
			return true;
		}
	return false;
}

bool
window_get(struct json_read *r, struct json_str key, struct window *w)
{
	if (json_str_is(key, "type"))
		get_type(r, w);
	else if (json_str_is(key, "from"))
		w->from = get_wall(r);
	else if (json_str_is(key, "to"))
		w->to = get_wall(r);
	else if (json_str_is(key, "hosts"))
		get_names(r, &w->hosts, &w->n_hosts, &w->cap_hosts);
	else if (json_str_is(key, "vms"))
		get_names(r, &w->vms, &w->n_vms, &w->cap_vms);
	else if (json_str_is(key, "partition"))
		get_partition(r, w);
	else if (json_str_is(key, "id"))
		w->id = json_get_u64(r);
	else if (json_str_is(key, "grace"))
		w->grace = get_dur(r, NOTICE_MAX_S);
	else if (json_str_is(key, "notice"))
		w->notice = get_dur(r, NOTICE_MAX_S);
	else if (json_str_is(key, "repeat"))
		get_repeat(r, &w->repeat);
	else if (json_str_is(key, "zone_rule"))
		get_rule(r, w);
	else if (json_str_is(key, "accept_conflict"))
		w->accept_conflict = json_get_bool(r);
	else
		return get_words(r, key, w);
	return true;
}

int
window_check(const struct window *w, struct tc_err *e)
{
	if (w->repeat.every == REPEAT_NEVER &&
	    (w->to.ms == 0 || w->to.ms <= w->from.ms))
		return tc_fail(e, TC_EINVAL, "/to: must come after /from");
	if (w->partition[0] == '\0' && w->n_hosts == 0 && w->n_vms == 0)
		return tc_fail(e, TC_EINVAL, "scope_required: name hosts, VMs "
			"or a partition");
	return 0;
}

int
window_read(char *body, size_t n, struct window *out, struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	int rc;

	window_init(out);
	json_open(&r, body, n);
	if (json_enter_object(&r))
		while (json_next_key(&r, &key))
			if (!window_get(&r, key, out))
				json_unknown(&r);
	rc = json_close(&r, e);
	if (rc == 0)
		window_sort(out);
	return rc < 0 ? rc : window_check(out, e);
}
