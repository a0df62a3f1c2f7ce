/*
 * Which receivers are told of which alert, and the messages for them.
 */
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "action/parts.h"
#include "action/render.h"
#include "base/log.h"

/* ---- matching ---- */

static const char *
value_of(const struct alert *a, const char *key)
{
	if (strcmp(key, "severity") == 0)
		return severity_id(a->severity);
	if (strcmp(key, "kind") == 0)
		return a->kind;
	if (strcmp(key, "partition") == 0)
		return a->partition;
	if (strcmp(key, "host") == 0)
		return a->host;
	for (size_t i = 0; i < a->n_tags; i++)
		if (strcmp(a->tags[i].key, key) == 0)
			return a->tags[i].value;
	return NULL;
}

static bool
matches(const struct action_match *r, const struct alert *a)
{
	for (size_t i = 0; i < r->n_match; i++) {
		const char *value = value_of(a, r->match[i].key);

		if (value == NULL || fnmatch(r->match[i].value, value, 0) != 0)
			return false;
	}
	return true;
}

static bool
is_routed_to(const struct action *a, const struct alert *alert,
	const char *receiver)
{
	for (size_t i = 0; i < a->n_routes; i++) {
		const struct action_match *r = &a->routes[i];

		if (!matches(r, alert))
			continue;
		for (size_t j = 0; j < r->n_to; j++)
			if (strcmp(r->to[j], receiver) == 0)
				return true;
	}
	return false;
}

/* ---- messages ---- */

static void
put_link(struct strbuf *out, const struct action *a, const struct alert *al)
{
	if (a->base_url == NULL || a->base_url[0] == '\0')
		return;
	if (al->host[0] != '\0')
		strbuf_printf(out, "%s/v1/hosts/%s", a->base_url, al->host);
	else if (al->id != 0)
		strbuf_printf(out, "%s/v1/alerts/%" PRIu64, a->base_url,
			al->id);
	else
		strbuf_puts(out, a->base_url);
}

bool
message_add(struct outlet *o, struct change_set *cs, const struct alert *al)
{
	struct action *a = o->owner;
	struct strbuf payload = { 0 }, link = { 0 };
	char key[KEY_TEXT];
	struct change_outbox row = { .id = a->last_id + 1, .alert = al->id,
		.receiver = o->conf.name, .firing = al->firing,
		.at = a->conf.clock->wall(a->conf.clock) };
	struct note n = { .alert = al, .id = key, .at = row.at,
		.address = al->host[0] == '\0' ? "" :
			a->conf.address(a->conf.arg, al->host) };
	struct change *c;
	bool ok = false;

	send_key(row.id, row.at, key);
	put_link(&link, a, al);
	n.link = strbuf_str(&link);
	render(&payload, o->conf.type, &n);
	row.receiver = arena_strdup(&cs->arena, o->conf.name);
	row.payload = payload.failed || link.failed ? NULL :
		arena_strdup(&cs->arena, strbuf_str(&payload));
	if (row.receiver != NULL && row.payload != NULL &&
	    outlet_add(o, &row, false, 0) == 0) {
		a->last_id++;
		c = change_add(cs, CHANGE_OUTBOX);
		if (c != NULL)
			c->u.outbox = row;	/* else from memory alone */
		ok = true;
	}
	if (!ok)
		log_at(ERROR, "action", "no memory to tell receiver=%s "
			"alert=%" PRIu64, o->conf.name, al->id);
	strbuf_free(&payload);
	strbuf_free(&link);
	return ok;
}

/*
 * The severity is a label of Alertmanager's: what fired with the old one ends
 * there, since it would not be repeated.
 */
static size_t
end_old_severity(struct outlet *o, struct change_set *cs,
	const struct alert *al, const struct told *t)
{
	struct alert old = *al;

	if (o->conf.type != ACTION_ALERTMANAGER || t->severity == al->severity)
		return 0;
	old.severity = t->severity;
	old.firing = false;
	old.ended = o->owner->conf.clock->wall(o->owner->conf.clock);
	return message_add(o, cs, &old) ? 1 : 0;
}

static size_t
tell_begin(struct action *a, struct change_set *cs, const struct alert *al)
{
	struct told *t = told_get(a, al->id);
	bool known = t != NULL;
	size_t n = 0;

	if (known && t->severity == al->severity && !al->again)
		return 0;	/* acknowledged, or new words: no news */
	if (!known && (t = told_add(a, al->id, al->severity)) == NULL)
		return 0;
	for (struct list *l = a->outlets.next; l != &a->outlets; l = l->next) {
		struct outlet *o = CONTAINER_OF(l, struct outlet, node);
		struct told_to *to = told_to_find(t, o->conf.name);

		if (to == NULL && !is_routed_to(a, al, o->conf.name))
			continue;
		if (to != NULL)
			n += end_old_severity(o, cs, al, t);
		to = told_to_get(t, o->conf.name);
		if (to == NULL)
			continue;
		mem_free(to->payload);
		to->payload = NULL;
		to->state = message_add(o, cs, al) ? TOLD_WAITING : TOLD_FAILED;
		n += to->state == TOLD_WAITING;
	}
	t->severity = al->severity;
	return n;
}

static size_t
tell_end(struct action *a, struct change_set *cs, const struct alert *al)
{
	struct told *t = told_get(a, al->id);
	size_t n = 0;

	if (t == NULL)
		return 0;
	for (struct list *l = a->outlets.next; l != &a->outlets; l = l->next) {
		struct outlet *o = CONTAINER_OF(l, struct outlet, node);
		const struct told_to *to = told_to_find(t, o->conf.name);

		if (to == NULL || to->state == TOLD_FAILED)
			continue;
		if (message_add(o, cs, al))
			n++;
	}
	told_drop(a, t);
	return n;
}

size_t
action_route(struct action *a, struct change_set *cs)
{
	size_t last = cs->n, n = 0;

	for (size_t i = 0; i < last; i++) {
		struct alert al;

		if (cs->items[i].kind != CHANGE_ALERT)
			continue;
		al = cs->items[i].u.alert;	/* items move as they grow */
		if (al.grouped)
			continue;
		n += al.firing ? tell_begin(a, cs, &al) : tell_end(a, cs, &al);
	}
	return n;
}

void
action_committed(struct action *a, const struct change_set *cs)
{
	for (size_t i = 0; i < cs->n; i++) {
		const struct change_outbox *c = &cs->items[i].u.outbox;
		struct outlet *o;

		if (cs->items[i].kind != CHANGE_OUTBOX)
			continue;
		o = action_outlet(a, c->receiver);
		if (o != NULL)
			outlet_release(o, c->id);
	}
}
