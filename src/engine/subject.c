/*
 * The things the engine knows by name and number: partitions, hosts, checks,
 * devices.  Making, finding, freeing, and saying so to the store.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/outlook.h"
#include "engine/say.h"
#include "engine/strain.h"
#include "engine/unit.h"
#include "wire/json_write.h"

int
subject_set(struct engine *en, uint32_t id, enum subject_kind kind, void *p)
{
	void *items = en->subjects, *kinds = en->subject_kinds;
	size_t old = en->cap_subjects, cap = old;

	if (mem_grow(&kinds, &cap, (size_t)id + 1, 1) < 0)
		return TC_ENOMEM;
	en->subject_kinds = kinds;
	if (mem_grow(&items, &en->cap_subjects, (size_t)id + 1,
		    sizeof(*en->subjects)) < 0)
		return TC_ENOMEM;
	en->subjects = items;
	memset(en->subjects + old, 0,
		(en->cap_subjects - old) * sizeof(*en->subjects));
	memset(en->subject_kinds + old, 0, en->cap_subjects - old);
	en->subject_kinds[id] = (unsigned char)kind;
	en->subjects[id] = p;
	if (id >= en->next_subject)
		en->next_subject = id + 1;
	return 0;
}

void *
subject_get(const struct engine *en, uint32_t id, enum subject_kind kind)
{
	if (id >= en->cap_subjects || en->subject_kinds[id] != kind)
		return NULL;
	return en->subjects[id];
}

void
subject_clear(struct engine *en, uint32_t id)
{
	en->subjects[id] = NULL;
}

void *
list_room(void *items, uint32_t *cap, size_t need, size_t item_bytes)
{
	size_t want = *cap;
	void *bigger;

	if (need <= want)
		return items;
	while (want < need)
		want = want == 0 ? 2 : want * 2;
	bigger = mem_resize_array(items, want, item_bytes);
	if (bigger != NULL)
		*cap = (uint32_t)want;
	return bigger;
}

/* ---- partitions ---- */

struct part *
part_add(struct engine *en, const char *name, uint32_t id)
{
	struct part *p = MEM_NEW(struct part);

	if (p == NULL)
		return NULL;
	p->id = id != 0 ? id : en->next_subject;
	p->name = mem_strdup(name);
	list_init(&p->sweeps);
	if (p->name == NULL ||
	    subject_set(en, p->id, SUBJECT_PARTITION, p) < 0 ||
	    hash_put_str(&en->parts, p->name, p) < 0) {
		if (subject_get(en, p->id, SUBJECT_PARTITION) == p)
			subject_clear(en, p->id);
		mem_free(p->name);
		mem_free(p);
		return NULL;
	}
	return p;
}

struct part *
part_get(struct engine *en, const char *name)
{
	struct part *p = hash_get_str(&en->parts, name);
	struct change_set *cs;
	struct change *c;

	if (p != NULL)
		return p;
	p = part_add(en, name, 0);
	cs = p != NULL ? facts(en) : NULL;
	c = cs != NULL ? change_add(cs, CHANGE_SUBJECT) : NULL;
	if (c != NULL)
		c->u.subject = (struct change_subject){ .id = p->id,
			.kind = SUBJECT_PARTITION,
			.key = fact_text(cs, p->name), .body = "{}" };
	return p;
}

/* ---- hosts ---- */

void
host_free(struct engine *en, struct host *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < h->n_checks; i++)
		check_free(en, host_checks(h)[i]);
	for (size_t i = 0; i < h->rare->n_devices; i++)
		device_free(h->rare->devices[i]);
	host_plan_free(en, h->rare->plan);
	units_free(en, h);
	outlook_free(en, h->outlook);
	host_release(h);
}

struct host *
host_make(struct engine *en, const char *name, struct part *part,
	uint32_t id)
{
	struct host *h = host_alloc(name);

	if (h == NULL)
		return NULL;
	h->id = id != 0 ? id : en->next_subject;
	h->part = part;
	h->owner = OWNER_API;
	h->present = true;
	h->since = en->now.wall;
	h->reason = TOCSIN_WHY_NO_CHECKS;
	if (subject_set(en, h->id, SUBJECT_HOST, h) < 0 ||
	    roster_add(en, h) < 0) {
		if (subject_get(en, h->id, SUBJECT_HOST) == h)
			subject_clear(en, h->id);
		host_free(en, h);
		return NULL;
	}
	en->resort = true;
	return h;
}

void
host_say_subject(struct engine *en, const struct host *h)
{
	struct say f;

	if (!say_begin(en, CHANGE_SUBJECT, &f))
		return;
	json_add_str(&f.w, "owner", host_owner_id(h->owner));
	json_add_str(&f.w, "partition", h->part->name);
	json_add_str(&f.w, "address", host_address(h));
	if (h->rare->parent != 0)
		json_add_u64(&f.w, "parent", h->rare->parent);
	json_add_object(&f.w, "tags");
	for (size_t i = 0; i < h->n_tags; i++)
		json_add_str(&f.w, h->tags[i].key, h->tags[i].value);
	json_put_end(&f.w);
	f.c->u.subject = (struct change_subject){ .id = h->id,
		.kind = SUBJECT_HOST, .key = fact_text(f.cs, h->name),
		.body = say_end(&f), .retired = !h->present };
}

/* ---- checks ---- */

uint32_t
check_whose(const struct check *c)
{
	return check_unit(c) != NULL ? check_unit(c)->id : check_host(c)->id;
}

struct check *
check_find(const struct host *h, const char *key)
{
	for (size_t i = 0; i < h->n_checks; i++)
		if (strcmp(host_checks(h)[i]->kind->key, key) == 0)
			return host_checks(h)[i];
	return NULL;
}

void
check_free(struct engine *en, struct check *c)
{
	strain_forget(en, c);
	kind_put(&en->shared, c->kind);
	metrics_free(&en->shared, &c->metrics);
	mem_free(c->text);
	slab_give(&en->checks, c);
}

/* How much of the past is saved is up to the rule. */
static bool
saves_otherwise(const struct check *c, const struct check_kind *kind)
{
	return c->kind != NULL &&
		!check_rule_same(&c->st, &c->kind->rule, &kind->rule);
}

int
check_become(struct engine *en, struct check *c, const struct kind_wish *wish)
{
	const struct check_kind *kind = kind_get(&en->shared, wish);

	if (kind == NULL)
		return TC_ENOMEM;
	if (kind != c->kind) {
		mark(en, check_host(c), DIRTY_COSMETIC);
		c->unsaved = c->unsaved || saves_otherwise(c, kind);
	}
	kind_put(&en->shared, c->kind);
	c->kind = kind;
	return 0;
}

int
check_set_rule(struct engine *en, struct check *c,
	const struct check_rule *rule)
{
	struct kind_wish wish = kind_as_wish(c->kind);

	wish.rule = *rule;
	return check_become(en, c, &wish);
}

int
check_set_interval(struct engine *en, struct check *c, struct dur interval)
{
	struct check_rule rule = c->kind->rule;

	if (rule.interval.ns == interval.ns)
		return 0;
	rule.interval = interval;
	return check_set_rule(en, c, &rule);
}

struct check *
check_make(struct engine *en, struct host *h, const char *key,
	const char *probe, uint32_t id)
{
	struct kind_wish wish = { .key = key, .probe = probe,
		.origin = "agent", .rule = en->passive };
	struct check *c = slab_take(&en->checks);

	if (c == NULL)
		return NULL;
	c->id = id != 0 ? id : en->next_subject;
	c->of.host = h;
	c->passive = true;
	if (check_become(en, c, &wish) < 0 ||
	    subject_set(en, c->id, SUBJECT_CHECK, c) < 0) {
		check_free(en, c);
		return NULL;
	}
	check_state_init(&c->st, (struct now){ awake_in(en, h->part, en->now),
		en->now.wall });
	return c;
}

void
check_set_device(struct check *c, struct device *d)
{
	if (!c->passive)
		return;
	c->by.device = d;
	if (d != NULL)
		d->check = c;
}

struct check *
check_add(struct engine *en, struct host *h, const char *key,
	const char *probe, uint32_t id)
{
	struct check *c = check_make(en, h, key, probe, id);

	if (c == NULL)
		return NULL;
	if (host_put_check(h, c) < 0) {
		subject_clear(en, c->id);
		check_free(en, c);
		return NULL;
	}
	mark(en, h, DIRTY_COSMETIC);
	return c;
}

void
check_say_subject(struct engine *en, const struct check *c, bool retired)
{
	struct say f;

	if (!say_begin(en, CHANGE_SUBJECT, &f))
		return;
	json_add_str(&f.w, "probe", c->kind->probe);
	json_add_bool(&f.w, "passive", c->passive);
	json_add_u64(&f.w, "device", check_device(c) != NULL ? check_device(c)->id : 0);
	f.c->u.subject = (struct change_subject){ .id = c->id,
		.kind = SUBJECT_CHECK, .parent = check_whose(c),
		.key = fact_text(f.cs, c->kind->key),
		.body = say_end(&f), .retired = retired };
}

/* ---- devices ---- */

void
device_key(const struct device_id *ident, const struct host *h, char *out,
	size_t size)
{
	if (ident->serial[0] != '\0')
		snprintf(out, size, "%s/%s/%s/%s", ident->kind, ident->model,
			ident->serial, ident->wwn);
	else
		snprintf(out, size, "%s/%s//%s@%s", ident->kind, ident->model,
			ident->wwn, h->name);
}

void
device_free(struct device *d)
{
	mem_free(d->verdict);
	mem_free(d->accepted);
	mem_free(d->key);
	mem_free(d);
}

/* The key and the four parts of the identity in one block. */
static int
keep_ident(struct device *d, const struct device_id *ident, const char *key)
{
	const char *parts[] = { key, ident->kind, ident->model, ident->serial,
		ident->wwn };
	const char *kept[ARRAY_LEN(parts)];
	size_t n = 0;
	char *at;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		n += strlen(parts[i]) + 1;
	at = mem_alloc(n);
	if (at == NULL)
		return TC_ENOMEM;
	d->key = at;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t len = strlen(parts[i]) + 1;

		memcpy(at, parts[i], len);
		kept[i] = at;
		at += len;
	}
	d->ident = (struct device_id){ kept[1], kept[2], kept[3], kept[4] };
	return 0;
}

struct device *
device_add(struct engine *en, struct host *h, const struct device_id *ident,
	uint32_t id)
{
	char key[1024];
	struct device *d;

	if (host_device_room(h) < 0)
		return NULL;
	d = MEM_NEW(struct device);
	if (d == NULL)
		return NULL;
	d->id = id != 0 ? id : en->next_subject;
	d->host = h;
	d->judged_day = INT32_MIN;
	device_key(ident, h, key, sizeof(key));
	if (keep_ident(d, ident, key) < 0 ||
	    subject_set(en, d->id, SUBJECT_DEVICE, d) < 0 ||
	    hash_put_str(&en->devices, d->key, d) < 0) {
		if (subject_get(en, d->id, SUBJECT_DEVICE) == d)
			subject_clear(en, d->id);
		device_free(d);
		return NULL;
	}
	host_put_device(h, d);
	return d;
}

void
device_say_subject(struct engine *en, const struct device *d)
{
	struct say f;

	if (!say_begin(en, CHANGE_SUBJECT, &f))
		return;
	json_add_str(&f.w, "kind", d->ident.kind);
	json_add_str(&f.w, "model", d->ident.model);
	json_add_str(&f.w, "serial", d->ident.serial);
	json_add_str(&f.w, "wwn", d->ident.wwn);
	json_add_i64(&f.w, "first_ms", d->first.ms);
	if (d->replaces != 0)
		json_add_u64(&f.w, "replaces", d->replaces);
	if (d->gone)
		json_add_i64(&f.w, "gone_ms", d->gone_at.ms);
	f.c->u.subject = (struct change_subject){ .id = d->id,
		.kind = SUBJECT_DEVICE, .parent = d->host->id,
		.key = fact_text(f.cs, d->key),
		.body = say_end(&f), .retired = d->gone };
}
