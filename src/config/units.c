#include "config/units.h"

#include <stdio.h>
#include <string.h>

#include "config/schema.h"
#include "model/name.h"

struct unit_rule
unit_rule_of(const struct config_values *values)
{
	const struct tocsin_value *v = values->v;

	return (struct unit_rule){
		.heartbeat = { v[UNIT_HEARTBEAT].i },
		.late_after = (unsigned)v[UNIT_LATE_AFTER].i,
		.clear_after = (unsigned)v[UNIT_CLEAR_AFTER].i,
		.grace = { v[UNIT_GRACE].i },
		.never = { v[UNIT_NEVER].i },
		.lost = { v[UNIT_LOST].i },
		.gone = { v[UNIT_GONE].i },
		.busy_ratio = v[UNIT_BUSY].d,
	};
}

bool
units_have_own_roles(const struct config_host *h)
{
	for (const struct config_unit *u = h->units; u != NULL; u = u->next)
		if (!u->def.is_vm && u->vm == NULL && u->own.n != 0)
			return true;
	return false;
}

/* ---- one unit ---- */

/* Where it is written. */
struct nest {
	struct config_partition *p;
	struct config_host *host;	/* NULL: the partition's own list */
	struct config_unit *vm;
	struct config_names *names;
};

static void
read_signals(struct reader *rd, const struct node *map, const char *where,
	struct config_unit *u)
{
	reader_texts(rd, map, where, "signals", &u->signals);
	for (size_t i = 0; i < u->signals.n; i++) {
		const char *text = u->signals.items[i];
		enum signal_side side;

		if (signal_parse(text, strlen(text), &side))
			u->def.signals |= 1U << side;
		else
			reader_fail(rd, u->signals.origin.line, "%s: signals: "
				"'%.20s' is none of outside, inside, external",
				where, text);
	}
}

static bool
claim_vm(struct reader *rd, struct config_unit *u, struct config_names *names)
{
	const struct config_unit *first = hash_get_str(&names->vms,
		u->def.name);
	const struct config_host *host = hash_get_str(&names->hosts,
		u->def.name);

	if (first != NULL) {
		reader_fail(rd, u->def.origin.line, "vm '%s': already in line "
			"%u; a VM has one parent", u->def.name,
			first->def.origin.line);
		return false;
	}
	if (host != NULL) {
		reader_fail(rd, u->def.origin.line, "vm '%s': a host has this "
			"name, in line %u", u->def.name, host->def.origin.line);
		return false;
	}
	if (hash_put_str(&names->vms, u->def.name, u) < 0)
		rd->no_memory = true;
	return true;
}

static void
hang(struct config_unit **list, struct config_unit *u)
{
	while (*list != NULL)
		list = &(*list)->next;
	*list = u;
}

/* The class and the agent are in the same order as their enums' choices. */
static void
take_values(struct config_unit *u)
{
	static const enum unit_agent agents[] = { AGENT_AUTO, AGENT_NONE,
		AGENT_TOCSIN };
	const struct tocsin_value *v = u->values.v;

	u->def.address = v[u->def.is_vm ? (int)VM_ADDRESS :
		(int)ROLE_ADDRESS].s;
	u->def.cls = v[u->def.is_vm ? (int)VM_CLASS : (int)ROLE_CLASS].i == 0 ?
		UNIT_STATEFUL : UNIT_STATELESS;
	u->on = v[u->def.is_vm ? (int)VM_ON : (int)ROLE_ON].s;
	if (u->def.is_vm)
		u->def.agent = agents[v[VM_AGENT].i];
}

static bool
read_name_of(struct reader *rd, const struct node *map,
	struct config_unit *u, char *where)
{
	const char *what = u->def.is_vm ? "vm" : "role";
	const struct node *name = map->kind == NODE_MAP ?
		node_get(map, "name") : NULL;

	if (name == NULL || name->kind != NODE_SCALAR) {
		reader_fail(rd, map->line, "a %s is written {name: …}", what);
		return false;
	}
	snprintf(where, WHERE_BYTES, "%s '%.60s'", what, name->text);
	return name_read(rd, name, what, &u->def.name);
}

static void read_list(struct reader *rd, const struct node *map,
	const char *key, const struct nest *nest);

static bool
read_unit(struct reader *rd, const struct node *map, const struct nest *nest,
	struct config_unit *u)
{
	static const char *const other[] = { "checks", "signals", "roles",
		NULL };
	const struct tocsin_opt *rows = u->def.is_vm ? vm_rows : role_rows;
	struct config_values *const sets[] = { &u->values, u->def.is_vm ?
		&u->rule : NULL, NULL };
	const struct config_host *h = nest->host;
	const struct config_values *rule = h != NULL && h->rule.n != 0 ?
		&h->rule : &nest->p->rule;
	const struct config_values *around = h != NULL ? &h->unit_rule :
		&nest->p->unit_rule;
	char where[WHERE_BYTES] = "";

	if (!read_name_of(rd, map, u, where) ||
	    !values_init(rd, rows, &u->values) ||
	    !values_copy(rd, around, &u->rule))
		return false;
	values_read(rd, map, where, sets, other);
	u->def.origin = reader_origin(rd, map->line);
	take_values(u);
	u->def.rule = unit_rule_of(&u->rule);
	u->def.own_checks = node_get(map, "checks") != NULL;
	if (u->def.own_checks)
		u->def.checks_origin = reader_origin(rd,
			node_get(map, "checks")->line);
	checks_read(rd, map, rule, &(struct config_key){ where, "checks" },
		&u->own);
	if (u->def.address[0] != '\0' && !name_is_address(u->def.address))
		reader_fail(rd, map->line, "%s: address: '%.60s' is no address "
			"or name", where, u->def.address);
	if (!u->def.is_vm) {
		read_signals(rd, map, where, u);
		return true;
	}
	if (node_get(map, "signals") != NULL)
		reader_fail(rd, map->line, "%s: signals: are a role's", where);
	if (!claim_vm(rd, u, nest->names))
		return false;
	read_list(rd, map, "roles", &(struct nest){ nest->p, nest->host, u,
		nest->names });
	return true;
}

static bool
is_settled(struct reader *rd, const struct config_unit *u,
	const struct nest *nest)
{
	const char *here = nest->vm != NULL ? nest->vm->def.name :
		nest->host != NULL ? nest->host->def.name : "";

	if (here[0] == '\0' && u->on[0] == '\0')
		reader_fail(rd, u->def.origin.line, "%s '%s': on: which %s?",
			u->def.is_vm ? "vm" : "role", u->def.name,
			u->def.is_vm ? "host" : "VM or host");
	else if (here[0] != '\0' && u->on[0] != '\0' &&
	    strcmp(u->on, here) != 0)
		reader_fail(rd, u->def.origin.line, "%s '%s': a second parent: "
			"on: %.60s, but it is written under '%s'",
			u->def.is_vm ? "vm" : "role", u->def.name, u->on, here);
	else
		return true;
	return false;
}

static void
read_list(struct reader *rd, const struct node *map, const char *key,
	const struct nest *nest)
{
	const struct node *list = reader_list(rd, map, "", key);

	for (size_t i = 0; list != NULL && i < list->n && !rd->no_memory;
	     i++) {
		struct config_unit *u = reader_alloc(rd, 1, sizeof(*u));

		if (u == NULL)
			return;
		u->def.is_vm = strcmp(key, "vms") == 0;
		u->vm = nest->vm;
		u->host = nest->host;
		/* A VM hangs before the roles that it brings. */
		if (nest->host != NULL)
			hang(&nest->host->units, u);
		else
			hang(&nest->p->flat, u);
		if (!read_unit(rd, list->items[i], nest, u) ||
		    !is_settled(rd, u, nest))
			u->def.name = NULL;
	}
}

void
units_read(struct reader *rd, const struct node *map,
	struct config_partition *p, struct config_host *h,
	struct config_names *names)
{
	const struct nest nest = { p, h, NULL, names };

	read_list(rd, map, "vms", &nest);
	read_list(rd, map, "roles", &nest);
}

/* ---- who runs where ---- */

/* on: a VM that is, in the end, on this one again. */
static bool
is_cycle(const struct config_unit *u, const struct config_names *names)
{
	const struct config_unit *at = u;

	for (int i = 0; i < 1000; i++) {
		at = hash_get_str(&names->vms, at->on);
		if (at == NULL || at->on == NULL || at->on[0] == '\0')
			return false;
		if (at == u)
			return true;
	}
	return true;
}

static void
place_vm(struct reader *rd, const struct config_partition *p,
	struct config_unit *u, const struct config_names *names)
{
	struct config_host *h = hash_get_str(&names->hosts, u->on);

	if (h != NULL && h->def.partition == p->name)
		u->host = h;
	else if (h != NULL)
		reader_fail(rd, u->def.origin.line, "vm '%s': on: host '%.60s' "
			"is of partition '%s'", u->def.name, u->on,
			h->def.partition);
	else if (hash_get_str(&names->vms, u->on) == NULL)
		reader_fail(rd, u->def.origin.line, "vm '%s': on: no host "
			"'%.60s'", u->def.name, u->on);
	else if (is_cycle(u, names))
		reader_fail(rd, u->def.origin.line, "vm '%s': a cycle: on: "
			"'%.60s' runs in the end on '%s' itself", u->def.name,
			u->on, u->def.name);
	else
		reader_fail(rd, u->def.origin.line, "vm '%s': on: '%.60s' is "
			"a VM; a VM runs on a host", u->def.name, u->on);
}

static void
place_role(struct reader *rd, const struct config_partition *p,
	struct config_unit *u, const struct config_names *names)
{
	struct config_host *h = hash_get_str(&names->hosts, u->on);
	struct config_unit *vm = hash_get_str(&names->vms, u->on);

	if (u->vm != NULL) {
		u->host = u->vm->host;
	} else if (vm != NULL && vm->host != NULL &&
	    vm->host->def.partition == p->name) {
		u->vm = vm;
		u->host = vm->host;
	} else if (h != NULL && h->def.partition == p->name) {
		u->host = h;
	} else {
		reader_fail(rd, u->def.origin.line, "role '%s': on: no VM or "
			"host '%.60s' in partition '%s'", u->def.name, u->on,
			p->name);
	}
}

static void
place_flat(struct reader *rd, struct config_partition *p,
	const struct config_names *names)
{
	struct config_unit *u, *next;

	for (u = p->flat; u != NULL; u = u->next)
		if (u->def.is_vm && u->def.name != NULL)
			place_vm(rd, p, u, names);
	for (u = p->flat; u != NULL; u = next) {
		next = u->next;
		if (!u->def.is_vm && u->def.name != NULL)
			place_role(rd, p, u, names);
		u->next = NULL;
		if (u->host != NULL)
			hang(&u->host->units, u);
	}
}

static void
refuse_twins(struct reader *rd, const struct config_host *h)
{
	for (const struct config_unit *a = h->units; a != NULL; a = a->next)
		for (const struct config_unit *b = h->units; b != a;
		     b = b->next)
			if (!a->def.is_vm && !b->def.is_vm &&
			    a->vm == b->vm && a->def.name != NULL &&
			    b->def.name != NULL &&
			    strcmp(a->def.name, b->def.name) == 0)
				reader_fail(rd, a->def.origin.line, "role '%s':"
					" already in line %u", a->def.name,
					b->def.origin.line);
}

static void
give_checks(struct reader *rd, const struct config_partition *p,
	struct config_unit *u)
{
	const struct config_checks *set = u->def.own_checks ? &u->own :
		u->def.is_vm ? &p->vm_checks : &p->role_checks;
	struct check_def *defs = reader_alloc(rd, set->n, sizeof(*defs));

	if (defs == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		defs[i] = check_def_of(&set->items[i], &u->host->rule);
	u->def.checks = defs;
	u->def.n_checks = set->n;
	if (!u->def.own_checks && set->n != 0)
		u->def.checks_origin = set->items[0].origin;
	if (u->def.signals == 0 && set->n != 0)
		u->def.signals = 1U << SIGNAL_OUTSIDE;
	if (u->def.address[0] == '\0')
		u->def.address = u->def.is_vm ? u->def.name :
			u->vm != NULL ? u->vm->def.address :
			u->host->def.address;
}

/* VMs first, so that each role finds the place of its own. */
static void
make_unit_defs(struct reader *rd, const struct config_partition *p,
	struct config_host *h)
{
	struct unit_def *defs;
	size_t n = 0;

	for (struct config_unit *u = h->units; u != NULL; u = u->next)
		n++;
	if (n == 0 || (defs = reader_alloc(rd, n, sizeof(*defs))) == NULL)
		return;
	n = 0;
	for (int roles = 0; roles < 2; roles++)
		for (struct config_unit *u = h->units; u != NULL;
		     u = u->next) {
			if (u->def.is_vm == (roles == 1) ||
			    u->def.name == NULL ||
			    (u->vm != NULL && u->vm->def.name == NULL))
				continue;
			give_checks(rd, p, u);
			u->place = n;
			u->def.parent = u->vm != NULL ? u->vm->place :
				SIZE_MAX;
			defs[n++] = u->def;
		}
	h->def.units = defs;
	h->def.n_units = n;
}

void
units_settle(struct reader *rd, struct config_partition *p,
	struct config_names *names)
{
	place_flat(rd, p, names);
	for (size_t i = 0; i < p->n_hosts && !rd->no_memory; i++) {
		refuse_twins(rd, &p->hosts[i]);
		make_unit_defs(rd, p, &p->hosts[i]);
	}
}
