/*
 * /v1/units: VMs and roles by their state, of all hosts.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"
#include "model/name.h"

struct unit_filter {
	const char *partition;	/* folded */
	const char *state;	/* lists with commas */
	const char *kind;
	char part_text[NAME_MAX_BYTES + 1];
};

static bool
knows_state(const char *id, size_t n)
{
	enum unit_state s;

	return state_parse(id, n, &s);
}

static bool
knows_kind(const char *id, size_t n)
{
	return (n == 2 && memcmp(id, "vm", 2) == 0) ||
		(n == 4 && memcmp(id, "role", 4) == 0);
}

static int
read_filter(const struct target *t, struct unit_filter *f, struct tc_err *e)
{
	int rc;

	*f = (struct unit_filter){ .state = target_get(t, "state"),
		.kind = target_get(t, "kind") };
	if ((rc = read_name(t, "partition", f->part_text, &f->partition,
			e)) < 0 ||
	    (rc = check_words("state", f->state, knows_state, e)) < 0)
		return rc;
	return check_words("kind", f->kind, knows_kind, e);
}

static bool
passes(const struct unit_filter *f, const struct snap_unit *u)
{
	return (f->state == NULL || list_has(f->state, state_id(u->state))) &&
		(f->kind == NULL || list_has(f->kind, u->is_vm ? "vm" :
			"role"));
}

/* Where a list went on: the host, and the last unit of it that was given. */
struct place {
	const char *host;
	uint32_t unit;
};

struct unit_page {
	const struct unit_filter *filter;
	struct json_write *w;
	uint64_t left;
	struct place last;
	bool more;
};

/* The unit after the one given last; gone means all of the host again. */
static size_t
first_of(const struct snap_host *h, const struct place *after)
{
	if (strcmp(h->name, after->host) != 0)
		return 0;
	for (size_t i = 0; i < h->rare->n_units; i++)
		if (h->rare->units[i].id == after->unit)
			return i + 1;
	return 0;
}

static void
take_units(struct unit_page *p, const struct snap_host *h, size_t from)
{
	for (size_t i = from; i < h->rare->n_units; i++) {
		const struct snap_unit *u = &h->rare->units[i];

		if (!passes(p->filter, u))
			continue;
		if (p->left == 0) {
			p->more = true;
			return;
		}
		p->left--;
		p->last = (struct place){ h->name, u->id };
		json_put_object(p->w);
		add_unit_head(p->w, u);
		json_add_str(p->w, "health", health_id(u->health));
		json_add_str(p->w, "partition", h->partition);
		json_add_str(p->w, "host", h->name);
		json_add_str(p->w, "host_state", state_id(h->state));
		add_id(p->w, "vm", u->vm);
		json_add_str(p->w, "action", u->action == PLAN_NONE ? NULL :
			plan_action_id(u->action));
		add_unit_url(p->w, "url", u->id);
		json_put_end(p->w);
	}
}

/* The host of the cursor too: some of its units may be left. */
static void
walk(const struct snapshot *s, const struct place *after,
	struct unit_page *p)
{
	for (size_t c = 0; c < s->n_chunks && !p->more; c++) {
		const struct snap_chunk *chunk = s->chunks[c];

		if (chunk->n == 0 || strcmp(chunk->hosts[chunk->n - 1]->name,
			after->host) < 0)
			continue;
		for (size_t i = 0; i < chunk->n && !p->more; i++) {
			const struct snap_host *h = chunk->hosts[i];

			if (h->rare->n_units == 0 ||
			    strcmp(h->name, after->host) <
			    0 || (p->filter->partition != NULL &&
				strcmp(p->filter->partition, h->partition)))
				continue;
			take_units(p, h, first_of(h, after));
		}
	}
}

/* "h1/17" → the place; the name of a host has no '/'. */
static int
read_cursor(const char *cursor, char *key, struct place *out,
	struct tc_err *e)
{
	uint64_t id;
	char *slash;
	int rc;

	if (cursor == NULL)
		return 0;
	if ((rc = cursor_parse(cursor, 'u', key, e)) < 0)
		return rc;
	slash = strchr(key, '/');
	if (slash == NULL || u64_parse(slash + 1, strlen(slash + 1), &id) < 0 ||
	    id > UINT32_MAX)
		return tc_fail(e, TC_EINVAL, "cursor: not one of this list");
	*slash = '\0';
	*out = (struct place){ key, (uint32_t)id };
	return 0;
}

static void
list_units(struct request *r, const struct snapshot *s,
	const struct place *after, struct unit_page *p)
{
	char key[CURSOR_KEY_BYTES];

	reply_open(r, p->w, s);
	json_add_array(p->w, "items");
	walk(s, after, p);
	if (p->more)
		snprintf(key, sizeof(key), "%s/%u", p->last.host,
			p->last.unit);
	list_end(r, p->w, 'u', p->more ? key : NULL);
	json_put_end(p->w);
}

void
view_unit_list(struct request *r)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	const struct snapshot *s = request_snapshot(r);
	char key[CURSOR_KEY_BYTES];
	struct place after = { "", 0 };
	struct tc_err e = { 0 };
	struct unit_filter filter;
	struct json_write w;
	struct unit_page page = { .filter = &filter, .w = &w };

	if (read_filter(&r->target, &filter, &e) < 0 ||
	    target_u64(&r->target, "limit", limits, &page.left, &e) < 0 ||
	    read_cursor(target_get(&r->target, "cursor"), key, &after,
		    &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (!reply_unchanged(r, s, false))
		list_units(r, s, &after, &page);
}
