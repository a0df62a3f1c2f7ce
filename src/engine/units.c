/*
 * VMs and roles: found, made, moved, retired, and said so to the store.
 */
#include <stdio.h>
#include <string.h>

#include "engine/inside.h"
#include "engine/say.h"
#include "engine/unit.h"
#include "wire/json_write.h"

struct unit *
vm_find(const struct engine *en, const char *name)
{
	return hash_get_str(&en->vms, name);
}

struct unit *
role_find(const struct host *h, const struct unit *vm, const char *name)
{
	for (struct unit *u = h->rare->units; u != NULL; u = u->next)
		if (!u->is_vm && u->vm == vm && strcmp(u->name, name) == 0)
			return u;
	return NULL;
}

struct unit *
unit_of_id(const struct engine *en, uint32_t id)
{
	struct unit *u = subject_get(en, id, SUBJECT_VM);

	return u != NULL ? u : subject_get(en, id, SUBJECT_ROLE);
}

static void
unit_free(struct engine *en, struct unit *u)
{
	for (size_t i = 0; i < u->n_checks; i++)
		check_free(en, u->checks[i]);
	mem_free(u->checks);
	mem_free(u->path);
	mem_free(u->address);
	host_plan_free(en, u->plan);
	mem_free(u);
}

void
units_free(struct engine *en, struct host *h)
{
	struct unit *u;

	while ((u = h->rare->units) != NULL) {
		host_own_rare(h)->units = u->next;
		unit_free(en, u);
	}
}

/* The host has a part of its own already. */
static void
link_unit(struct host *h, struct unit *u)
{
	struct unit **at = &host_own_rare(h)->units;

	while (*at != NULL)
		at = &(*at)->next;
	*at = u;
	u->next = NULL;
	u->host = h;
}

struct host *
unit_host(const struct unit *u)
{
	return u->host;
}

static void
unlink_unit(struct unit *u)
{
	struct unit **at = &host_own_rare(u->host)->units;

	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
}

static size_t
count_units(const struct host *h)
{
	size_t n = 0;

	for (const struct unit *u = h->rare->units; u != NULL; u = u->next)
		n++;
	return n;
}

static char *
make_path(const struct unit_birth *b)
{
	struct strbuf path = { 0 };
	char *out;

	if (!b->is_vm)
		strbuf_printf(&path, "%s/", b->vm != NULL ? b->vm->name :
			b->host->name);
	strbuf_puts(&path, b->name);
	out = path.failed ? NULL : mem_strdup(strbuf_str(&path));
	strbuf_free(&path);
	return out;
}

static void
begin_unit(struct engine *en, struct unit *u, const struct unit_birth *b)
{
	const char *slash = strrchr(u->path, '/');

	u->id = b->id != 0 ? b->id : en->next_subject;
	u->is_vm = b->is_vm;
	u->vm = b->vm;
	u->name = slash != NULL ? slash + 1 : u->path;
	u->owner = OWNER_AGENT;
	u->origin = u->checks_origin = "agent";
	u->rule = en->unit_rule;
	u->health = HEALTH_UNKNOWN;
	u->reason = TOCSIN_WHY_PENDING;
	u->since = en->now.wall;
}

struct unit *
unit_make(struct engine *en, const struct unit_birth *b)
{
	struct unit *u;

	if (count_units(b->host) >= UNITS_PER_HOST ||
	    host_rare(b->host) == NULL)
		return NULL;
	u = MEM_NEW(struct unit);
	if (u == NULL)
		return NULL;
	u->path = make_path(b);
	u->address = mem_strdup("");
	if (u->path == NULL || u->address == NULL) {
		unit_free(en, u);
		return NULL;
	}
	begin_unit(en, u, b);
	if (subject_set(en, u->id, u->is_vm ? SUBJECT_VM : SUBJECT_ROLE,
		    u) < 0 ||
	    (u->is_vm && hash_put_str(&en->vms, u->name, u) < 0)) {
		if (unit_of_id(en, u->id) == u)
			subject_clear(en, u->id);
		unit_free(en, u);
		return NULL;
	}
	link_unit(b->host, u);
	return u;
}

void
unit_say_subject(struct engine *en, const struct unit *u, bool retired)
{
	struct say f;

	if (!say_begin(en, CHANGE_SUBJECT, &f))
		return;
	json_add_str(&f.w, "owner", host_owner_id(u->owner));
	json_add_str(&f.w, "address", u->address);
	json_add_str(&f.w, "class", unit_class_id(u->cls));
	json_add_str(&f.w, "agent", unit_agent_id(u->agent));
	json_add_u64(&f.w, "declared", u->declared);
	f.c->u.subject = (struct change_subject){ .id = u->id,
		.kind = u->is_vm ? SUBJECT_VM : SUBJECT_ROLE,
		.parent = u->vm != NULL ? u->vm->id : u->host->id,
		.key = fact_text(f.cs, u->name),
		.body = say_end(&f), .retired = retired };
}

/* ---- its checks ---- */

struct check *
unit_check_find(const struct unit *u, const char *key)
{
	for (size_t i = 0; i < u->n_checks; i++)
		if (strcmp(u->checks[i]->kind->key, key) == 0)
			return u->checks[i];
	return NULL;
}

struct check *
unit_check_add(struct engine *en, struct unit *u, const char *key,
	const char *probe, uint32_t id)
{
	void *checks = u->checks;
	struct check *c;

	if (u->n_checks >= CHECKS_PER_HOST ||
	    mem_grow(&checks, &u->cap_checks, u->n_checks + 1,
		    sizeof(struct check *)) < 0)
		return NULL;
	u->checks = checks;
	c = check_make(en, u->host, key, probe, id);
	if (c == NULL)
		return NULL;
	check_set_unit(c, u);
	u->checks[u->n_checks++] = c;
	return c;
}

static int
take_checks(struct engine *en, struct unit *u, const struct unit_def *def,
	struct now now)
{
	size_t i = 0;

	for (size_t k = 0; k < def->n_checks; k++) {
		const struct check_def *d = &def->checks[k];
		struct check *c = unit_check_find(u, d->key);

		if (c == NULL)
			c = unit_check_add(en, u, d->key, d->probe, 0);
		if (c == NULL || check_take_def(en, c, d, now) < 0)
			return TC_ENOMEM;
	}
	while (i < u->n_checks) {
		struct check *c = u->checks[i];

		if (c->passive || c->claimed) {
			c->claimed = false;
			i++;
			continue;
		}
		check_drop(en, c);
		u->checks[i] = u->checks[--u->n_checks];
	}
	return 0;
}

/* ---- moved, retired ---- */

static void
rehome_checks(struct engine *en, struct unit *u, struct now now)
{
	for (size_t i = 0; i < u->n_checks; i++) {
		struct check *c = u->checks[i];

		sweep_leave(en, c);
		run_unschedule(en, c);
		run_schedule(en, c, now);
		if (!c->passive)
			sweep_join(en, c);
	}
}

static void
rehome(struct engine *en, struct unit *u, struct host *to, struct now now)
{
	unit_alerts_end(en, u, now.wall);
	u->alarming = false;
	unlink_unit(u);
	link_unit(to, u);
	rehome_checks(en, u, now);
	unit_say_subject(en, u, false);
}

#define FELL_MOST 100

const struct unit *
contagion_of(const struct host *h)
{
	if (h->host_health != HEALTH_UNHEALTHY)
		return NULL;
	for (const struct unit *u = h->rare->units; u != NULL; u = u->next)
		if (u->is_vm && u->fell >= CONTAGION_HOSTS)
			return u;
	return NULL;
}

void
contagion_clear(struct engine *en, struct host *h)
{
	for (struct unit *u = h->rare->units; u != NULL; u = u->next)
		if (u->is_vm && u->fell > 0) {
			u->fell = 0;
			unit_save(en, u);
		}
}

void
vm_move(struct engine *en, struct unit *vm, struct host *to, struct now now)
{
	struct host *from = vm->host;
	struct strbuf body = { 0 };
	struct unit *u, *next;
	struct json_write w;

	if (from == to || host_rare(to) == NULL)
		return;		/* or without memory: until it is seen again */
	if (from->host_health != HEALTH_UNHEALTHY)
		vm->fell = 0;
	else if (vm->fell < FELL_MOST)
		vm->fell++;
	rehome(en, vm, to, now);
	for (u = from->rare->units; u != NULL; u = next) {
		next = u->next;
		if (u->vm == vm)
			rehome(en, u, to, now);
	}
	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "vm", vm->name);
	json_add_str(&w, "from", from->name);
	json_add_str(&w, "to", to->name);
	json_put_end(&w);
	say_event(en, "vm.moved", vm->id, now.wall, strbuf_str(&body));
	strbuf_free(&body);
	unit_save(en, vm);
	mark(en, from, DIRTY_URGENT);
	mark(en, to, DIRTY_URGENT);
}

void
unit_retire(struct engine *en, struct unit *u, struct now now)
{
	struct unit *r, *next;

	for (r = u->is_vm ? u->host->rare->units : NULL; r != NULL; r = next) {
		next = r->next;
		if (r->vm == u)
			unit_retire(en, r, now);
	}
	unit_alerts_end(en, u, now.wall);
	unit_withdraw(en, u, now.wall);
	while (u->n_checks > 0)
		check_drop(en, u->checks[--u->n_checks]);
	unit_say_subject(en, u, true);
	say_event(en, u->is_vm ? "vm.retired" : "role.retired", u->id,
		now.wall, "{}");
	heap_remove(&en->unit_due, &u->due);
	if (u->is_vm)
		hash_remove_str(&en->vms, u->name);
	subject_clear(en, u->id);
	unlink_unit(u);
	mark(en, u->host, DIRTY_URGENT);
	unit_free(en, u);
}

static bool
from_source(const struct unit *u)
{
	return u->owner == OWNER_CONFIG || u->owner == OWNER_FILE_SD;
}

void
units_sweep(struct engine *en, struct host *h, bool all, struct now now)
{
	struct unit *u = h->rare->units;

	while (u != NULL) {
		if (!all && (u->claimed || !from_source(u))) {
			u = u->next;
			continue;
		}
		/* Its roles go along. */
		unit_retire(en, u, now);
		u = h->rare->units;
	}
	for (u = h->rare->units; u != NULL; u = u->next)
		u->claimed = false;
}

/* ---- as its source describes it ---- */

static const char *
origin_of(struct engine *en, const struct opt_origin *o)
{
	char text[600];
	const char *kept;

	if (o->file == NULL)
		return "default";
	snprintf(text, sizeof(text), "%s:%u", o->file, o->line);
	kept = intern_name(&en->names, intern_put(&en->names, text,
		strlen(text)));
	return kept != NULL ? kept : "";
}

static int
describe(struct engine *en, struct unit *u, const struct unit_def *def,
	enum host_owner owner)
{
	bool same = u->owner == owner && u->cls == def->cls &&
		u->agent == def->agent && strcmp(u->address,
			def->address) == 0 && u->declared != 0;
	char *address;

	u->origin = origin_of(en, &def->origin);
	u->checks_origin = origin_of(en, &def->checks_origin);
	u->own_checks = def->own_checks;
	u->signals = def->signals;
	u->rule = def->rule;
	if (same)
		return 0;
	address = mem_strdup(def->address);
	if (address == NULL)
		return TC_ENOMEM;
	mem_free(u->address);
	u->address = address;
	u->owner = owner;
	u->cls = def->cls;
	u->agent = def->agent;
	return 1;
}

static struct unit *
find_or_make(struct engine *en, struct host *h, struct unit *vm,
	const struct unit_def *def)
{
	struct unit *u = def->is_vm ? vm_find(en, def->name) :
		role_find(h, vm, def->name);

	if (u != NULL)
		return u;
	return unit_make(en, &(struct unit_birth){ def->is_vm, def->name, h,
		vm, 0 });
}

static int
take_unit(struct engine *en, struct unit *u, const struct unit_def *def,
	const struct host_def *host, struct now now)
{
	struct host *h = host_find(en, host->name);
	bool fresh = u->declared == 0 && u->host == h && u->n_checks == 0;
	bool moved = u->is_vm && u->declared != h->id;
	int rc = describe(en, u, def, host->owner);

	if (rc < 0)
		return rc;
	/* A hypervisor that has it elsewhere knows better than old words. */
	if (moved) {
		u->declared = h->id;
		vm_move(en, u, h, now);
	}
	u->declared = h->id;
	u->claimed = true;
	if (rc > 0 || moved)
		unit_say_subject(en, u, false);
	if (fresh)
		say_event(en, u->is_vm ? "vm.added" : "role.added", u->id,
			now.wall, "{}");
	if (u->agent == AGENT_TOCSIN && !u->beat.expected) {
		if (u->beat.word == BEAT_NEVER)
			beat_begin(&u->beat, awake_in(en, u->host->part, now));
		u->beat.expected = true;
	} else if (u->agent == AGENT_NONE) {
		u->beat = (struct beat){ 0 };
	}
	if (take_checks(en, u, def, now) < 0)
		return TC_ENOMEM;
	unit_arm(en, u, now);
	unit_fold(en, u, now.wall);
	mark(en, u->host, DIRTY_URGENT);
	return 0;
}

int
units_take_def(struct engine *en, struct host *h, const struct host_def *def,
	struct now now)
{
	struct unit **made = mem_alloc_array(def->n_units + 1, sizeof(*made));
	int rc = made != NULL ? 0 : TC_ENOMEM;

	for (size_t i = 0; rc == 0 && i < def->n_units; i++) {
		const struct unit_def *d = &def->units[i];
		struct unit *vm = d->parent < i ? made[d->parent] : NULL;

		/* A role follows its VM wherever that runs. */
		made[i] = find_or_make(en, vm != NULL ? vm->host : h, vm, d);
		rc = made[i] != NULL ? take_unit(en, made[i], d, def, now) :
			TC_ENOMEM;
	}
	mem_free(made);
	return rc;
}
