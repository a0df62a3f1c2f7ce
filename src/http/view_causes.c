/*
 * /v1/common-cause: what those that are in trouble have in common, and who,
 * by the same attribute, is not affected at all.  From the snapshot
 * alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"
#include "model/name.h"

#define AFFECTED "unhealthy,impaired,unreachable,flapping"
#define NOBODY UINT32_MAX

/* Hosts with it are counted once, whatever of them has it. */
struct tally {
	uint32_t total, affected;
	uint32_t last;		/* the host that was counted last */
	bool last_affected;
};

struct attribute;
struct value {
	struct tally n;
	struct attribute *of;
	const char *text;	/* NULL: the hosts without the attribute */
};

struct attribute {
	struct tally n;
	const char *name;	/* "agent", "tag.image" */
	uint32_t values, unaffected;
};

struct causes {
	const struct snapshot *s;
	const char *by;		/* one attribute, or NULL */
	const char *states, *levels;
	const char *partition;	/* folded, or NULL */
	uint32_t limit;
	struct arena arena;
	struct hash attributes, values;
	uint32_t hosts, affected;
	uint32_t host;		/* its number, of the one at hand */
	bool is_affected;	/* it */
	bool failed;
};

/* ---- counting ---- */

static void
count(struct causes *c, struct tally *n, bool affected)
{
	if (n->last != c->host) {
		n->last = c->host;
		n->last_affected = false;
		n->total++;
	}
	if (affected && !n->last_affected) {
		n->last_affected = true;
		n->affected++;
	}
}

static struct attribute *
attribute_of(struct causes *c, const char *name)
{
	struct attribute *a = hash_get_str(&c->attributes, name);

	if (a != NULL)
		return a;
	a = arena_alloc(&c->arena, sizeof(*a));
	if (a == NULL)
		return NULL;
	*a = (struct attribute){ .n.last = NOBODY,
		.name = arena_strdup(&c->arena, name) };
	return a->name != NULL && hash_put_str(&c->attributes, a->name, a) == 0 ?
		a : NULL;
}

static struct value *
value_of(struct causes *c, struct attribute *a, const char *text)
{
	char key[2200];
	int n = snprintf(key, sizeof(key), "%s\n%s", a->name, text);
	struct value *v;
	const char *kept;

	if (n >= (int)sizeof(key))
		return NULL;
	v = hash_get_str(&c->values, key);
	if (v != NULL)
		return v;
	v = arena_alloc(&c->arena, sizeof(*v));
	kept = arena_strdup(&c->arena, key);
	if (v == NULL || kept == NULL)
		return NULL;
	*v = (struct value){ .n.last = NOBODY, .of = a,
		.text = kept + strlen(a->name) + 1 };
	return hash_put_str(&c->values, kept, v) == 0 ? v : NULL;
}

static bool
is_wanted(const struct causes *c, const char *name)
{
	return c->by == NULL || strcmp(c->by, name) == 0 ||
		(strncmp(name, "tag.", 4) == 0 &&
			strcmp(c->by, name + 4) == 0);
}

static void
note(struct causes *c, const char *name, const char *text, bool affected)
{
	struct attribute *a;
	struct value *v;

	if (!is_wanted(c, name))
		return;
	a = attribute_of(c, name);
	v = a != NULL ? value_of(c, a, text) : NULL;
	if (v == NULL) {
		c->failed = true;
		return;
	}
	count(c, &a->n, affected);
	count(c, &v->n, affected);
}

/* "tocsin-agent 1.2.3, started" → "1.2.3"; "none" where none was heard of. */
static void
note_agent(struct causes *c, const struct snap_host *h)
{
	const char *text = "", *at;
	char version[64] = "none";

	for (size_t i = 0; i < h->n_checks; i++)
		if (strcmp(h->checks[i].kind->probe, "agent") == 0) {
			text = h->checks[i].text;
			snprintf(version, sizeof(version), "unknown");
		}
	at = strchr(text, ' ');
	if (strncmp(text, "tocsin-agent ", 13) == 0 && at != NULL)
		snprintf(version, sizeof(version), "%.*s",
			(int)strcspn(at + 1, ", "), at + 1);
	note(c, "agent", version, c->is_affected);
}

static bool
is_in_trouble(const struct causes *c, enum unit_state state, enum level level)
{
	return (c->states != NULL && list_has(c->states, state_id(state))) ||
		(c->levels != NULL && list_has(c->levels, level_name(level)));
}

static void
note_host(struct causes *c, const struct snap_host *h)
{
	char tag[140];

	c->host = c->hosts++;
	c->is_affected = is_in_trouble(c, h->state, h->level);
	c->affected += c->is_affected;
	note(c, "partition", h->partition, c->is_affected);
	note_agent(c, h);
	if (h->rare->kin != NULL && h->rare->kin->parent[0] != '\0')
		note(c, "parent", h->rare->kin->parent, c->is_affected);
	for (size_t i = 0; i < h->n_tags; i++) {
		snprintf(tag, sizeof(tag), "tag.%s", h->tags[i].key);
		note(c, tag, h->tags[i].value, c->is_affected);
	}
	for (size_t i = 0; i < h->rare->n_units; i++)
		if (!h->rare->units[i].is_vm)
			note(c, "role", h->rare->units[i].name, c->is_affected ||
				is_in_trouble(c, h->rare->units[i].state,
					LEVEL_NONE));
	for (size_t i = 0; i < h->rare->n_devices; i++)
		note(c, "device_model", h->rare->devices[i].ident.model,
			c->is_affected);
}

static void
note_all(struct causes *c)
{
	for (size_t i = 0; i < c->s->n_chunks; i++)
		for (size_t k = 0; k < c->s->chunks[i]->n; k++) {
			const struct snap_host *h = c->s->chunks[i]->hosts[k];

			if (c->partition == NULL ||
			    strcmp(c->partition, h->partition) == 0)
				note_host(c, h);
		}
}

/* ---- in order ---- */

static double
share(const struct tally *n)
{
	return n->total > 0 ? (double)n->affected / n->total : 0;
}

/* By attribute, the most affected first, then the most common. */
static int
by_share(const void *p, const void *q)
{
	const struct value *a = *(const struct value *const *)p;
	const struct value *b = *(const struct value *const *)q;
	int d = strcmp(a->of->name, b->of->name);

	if (d != 0)
		return d;
	if (share(&a->n) < share(&b->n) || share(&a->n) > share(&b->n))
		return share(&a->n) > share(&b->n) ? -1 : 1;
	if (a->n.total != b->n.total)
		return a->n.total > b->n.total ? -1 : 1;
	if (a->text == NULL || b->text == NULL)
		return (a->text == NULL) - (b->text == NULL);
	return strcmp(a->text, b->text);
}

/* What it is not: the hosts that do not have it, as a value of their own. */
static void
add_those_without(struct causes *c)
{
	size_t at = 0;
	struct attribute *a;

	while ((a = hash_next(&c->attributes, &at)) != NULL) {
		struct value *v;

		if (a->n.total == c->hosts)
			continue;
		v = value_of(c, a, "\n");	/* no value has it */
		if (v == NULL) {
			c->failed = true;
			return;
		}
		v->text = NULL;
		v->n.total = c->hosts - a->n.total;
		/* a role may be in trouble on a host that is not */
		v->n.affected = c->affected > a->n.affected ?
			c->affected - a->n.affected : 0;
	}
}

static struct value **
sorted(struct causes *c)
{
	struct value **list = arena_alloc(&c->arena,
		(c->values.n + 1) * sizeof(*list)), *v;
	size_t at = 0, n = 0;

	while (list != NULL && (v = hash_next(&c->values, &at)) != NULL) {
		list[n++] = v;
		v->of->values++;
		v->of->unaffected += v->n.affected == 0;
	}
	if (n > 0)
		qsort(list, n, sizeof(struct value *), by_share);
	return list;
}

/* ---- JSON ---- */

static void
put_value(struct json_write *w, const struct value *v)
{
	json_put_object(w);
	if (v->text != NULL)
		json_add_str(w, "value", v->text);
	else
		json_add_null(w, "value");
	json_add_u64(w, "affected", v->n.affected);
	json_add_u64(w, "total", v->n.total);
	json_add_double(w, "share", share(&v->n));
	json_put_end(w);
}

/* So many of both kinds: who is not affected is never crowded out. */
static size_t
put_values(struct causes *c, struct json_write *w, struct value *const *list,
	size_t n)
{
	const struct attribute *a = list[0]->of;
	uint32_t shown[2] = { 0, 0 };
	size_t i;

	json_put_object(w);
	json_add_str(w, "attribute", a->name);
	json_add_u64(w, "values", a->values);
	json_add_u64(w, "unaffected", a->unaffected);
	json_add_array(w, "items");
	for (i = 0; i < n && list[i]->of == a; i++)
		if (shown[list[i]->n.affected == 0]++ < c->limit)
			put_value(w, list[i]);
	json_put_end(w);
	json_put_end(w);
	return i;
}

static void
put_causes(struct request *r, struct causes *c, struct value *const *list)
{
	struct json_write w;

	reply_open(r, &w, c->s);
	json_add_u64(&w, "hosts", c->hosts);
	json_add_u64(&w, "affected", c->affected);
	json_add_array(&w, "items");
	for (size_t i = 0; i < c->values.n;)
		i += put_values(c, &w, list + i, c->values.n - i);
	json_put_end(&w);
	json_put_end(&w);
}

static bool
knows_state(const char *id, size_t n)
{
	enum unit_state s;

	return state_parse(id, n, &s);
}

static int
read_wish(const struct target *t, struct causes *c,
	char part[NAME_MAX_BYTES + 1], struct tc_err *e)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	uint64_t limit;
	int rc;

	c->by = target_get(t, "by");
	c->states = target_get(t, "state");
	c->levels = target_get(t, "level");
	if (c->states == NULL && c->levels == NULL)
		c->states = AFFECTED;
	if ((rc = read_name(t, "partition", part, &c->partition, e)) < 0 ||
	    (rc = check_words("state", c->states, knows_state, e)) < 0 ||
	    (rc = check_words("level", c->levels, knows_level, e)) < 0 ||
	    (rc = target_u64(t, "limit", limits, &limit, e)) < 0)
		return rc;
	c->limit = (uint32_t)limit;
	return 0;
}

void
view_causes(struct request *r)
{
	struct causes c = { .s = request_snapshot(r) };
	char part[NAME_MAX_BYTES + 1];
	struct value **list = NULL;
	struct tc_err e = { 0 };

	if (read_wish(&r->target, &c, part, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	if (reply_unchanged(r, c.s, false))
		return;
	note_all(&c);
	add_those_without(&c);
	list = sorted(&c);
	if (c.failed || list == NULL)
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
	else if (c.by != NULL && c.values.n == 0)
		problem_set(r, 404, "not_found", "no host has a %.100s", c.by);
	else
		put_causes(r, &c, list);
	hash_free(&c.attributes);
	hash_free(&c.values);
	arena_free(&c.arena);
}
