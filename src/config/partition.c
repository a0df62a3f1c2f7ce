#include "config/partition.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "config/schema.h"
#include "config/units.h"
#include "model/name.h"
#include "predict/redundancy.h"

static const char *const nothing[] = { NULL };

/* "3 of 5"; both 0 when it is empty or wrong. */
static bool
m_of_n(const char *text, uint8_t *some, uint8_t *of)
{
	const char *mid = strstr(text, " of ");
	uint64_t m, n;

	*some = *of = 0;
	if (text[0] == '\0')
		return true;
	if (mid == NULL || u64_parse(text, (size_t)(mid - text), &m) < 0 ||
	    u64_parse(mid + 4, strlen(mid + 4), &n) < 0 ||
	    m == 0 || m > n || n > RULE_WINDOW_MAX)
		return false;
	*some = (uint8_t)m;
	*of = (uint8_t)n;
	return true;
}

/* A timeout that nobody wrote gives way to a short interval. */
struct check_rule
rule_of(const struct config_values *values)
{
	const struct tocsin_value *v = values->v;
	struct check_rule r = {
		.interval = { v[RULE_INTERVAL].i },
		.timeout = { v[RULE_TIMEOUT].i },
		.recheck = { v[RULE_RECHECK].i },
		.recheck_timeout = { v[RULE_RECHECK_TIMEOUT].i },
		.fail_after = (unsigned)v[RULE_FAIL_AFTER].i,
		.clear_after = (unsigned)v[RULE_CLEAR_AFTER].i,
		.stale_after = (unsigned)v[RULE_STALE_AFTER].i,
		.flap_after = (uint8_t)v[RULE_FLAP_AFTER].i,
		.flap_within = (uint8_t)v[RULE_FLAP_WITHIN].i,
		.flap_clear = (uint8_t)v[RULE_FLAP_CLEAR].i,
	};

	m_of_n(v[RULE_FAIL_WHEN].s, &r.fail_some, &r.fail_of);
	if (values->origins[RULE_TIMEOUT].line == 0 &&
	    r.timeout.ns > r.interval.ns)
		r.timeout = r.interval;
	return r;
}

void
rule_check_windows(struct reader *rd, const struct config_values *rule,
	const char *where)
{
	const struct tocsin_value *v = rule->v;
	uint8_t some, of;

	if (!m_of_n(v[RULE_FAIL_WHEN].s, &some, &of))
		reader_fail(rd, rule->origins[RULE_FAIL_WHEN].line,
			"%s: fail_when: '%.20s' is not M of N, with N at most "
			"%d", where, v[RULE_FAIL_WHEN].s, RULE_WINDOW_MAX);
	if (v[RULE_FLAP_CLEAR].i > v[RULE_FLAP_WITHIN].i)
		reader_fail(rd, rule->origins[RULE_FLAP_CLEAR].line,
			"%s: flap_clear: %lld is more than flap_within, %lld",
			where, (long long)v[RULE_FLAP_CLEAR].i,
			(long long)v[RULE_FLAP_WITHIN].i);
}

static void
check_rule_values(struct reader *rd, const struct config_values *rule,
	unsigned line, const char *where)
{
	struct check_rule r = rule_of(rule);
	struct strbuf text = { 0 };

	if (rule->set != 0)
		rule_check_windows(rd, rule, where);
	if (r.timeout.ns <= r.interval.ns)
		return;
	dur_print(&text, r.timeout);
	strbuf_puts(&text, " is longer than the interval ");
	dur_print(&text, r.interval);
	reader_fail(rd, line, "%s: timeout: %s", where, strbuf_str(&text));
	strbuf_free(&text);
}

/* `defaults:` of a partition or host over those around it. */
static bool
read_defaults(struct reader *rd, const struct node *map, const char *where,
	const struct config_values *around, struct config_values *out)
{
	const struct node *n = reader_map(rd, map, where, "defaults");
	struct config_values *const sets[] = { out, NULL };
	char inner[WHERE_BYTES + 16];

	if (!values_copy(rd, around, out))
		return false;
	if (n == NULL)
		return true;
	snprintf(inner, sizeof(inner), "%s: defaults", where);
	values_read(rd, n, inner, sets, nothing);
	check_rule_values(rd, out, n->line, inner);
	return true;
}

/* ---- checks ---- */

static const struct tocsin_opt *
probe_rows(struct reader *rd, const struct node *n, const char *where)
{
	const struct config_lookup *lookup = rd->lookup;
	const struct tocsin_opt *rows = lookup->probe_opts(lookup->arg,
		n->text);
	struct nearest near = { .wanted = n->text };
	const char *name;
	char hint[160];

	if (rows != NULL)
		return rows;
	for (size_t i = 0; lookup->probe_name != NULL &&
	     (name = lookup->probe_name(lookup->arg, i)) != NULL; i++)
		nearest_offer(&near, name);
	reader_fail(rd, n->line, "%s: no probe '%.60s'%s", where, n->text,
		nearest_text(&near, hint, sizeof(hint)));
	return NULL;
}

/* "tcp:8000" from a port, else the probe; `name:` goes first. */
static const char *
check_key(struct reader *rd, const struct node *map,
	const struct config_check *c, const char *where)
{
	const struct node *name = node_get(map, "name");
	char *key;

	if (name != NULL) {
		if (name->kind == NODE_SCALAR && name->text[0] != '\0' &&
		    strlen(name->text) <= 64 && name->text[strspn(name->text,
		    NAME_WORD_BYTES ".:-")] == '\0')
			return name->text;
		reader_fail(rd, name->line, "%s: name: 1 to 64 of A-Z a-z 0-9 "
			"_ . : - are wanted", where);
		return c->probe;
	}
	for (size_t i = 0; i < c->opts.n; i++) {
		if (strcmp(c->opts.rows[i].name, "port") != 0 ||
		    c->opts.rows[i].type != TOCSIN_OPT_INT)
			continue;
		key = reader_alloc(rd, strlen(c->probe) + 24, 1);
		if (key == NULL)
			return c->probe;
		snprintf(key, strlen(c->probe) + 24, "%s:%lld", c->probe,
			(long long)c->opts.v[i].i);
		return key;
	}
	return c->probe;
}

static bool
read_check(struct reader *rd, const struct node *map,
	const struct config_values *rule, const char *where,
	struct config_check *out)
{
	static const char *const other[] = { "probe", "name", NULL };
	struct config_values *const sets[] = { &out->rule, &out->opts, NULL };
	const struct tocsin_opt *rows;
	const struct node *probe;
	char inner[2 * WHERE_BYTES];

	if (map->kind != NODE_MAP || (probe = node_get(map, "probe")) == NULL ||
	    probe->kind != NODE_SCALAR) {
		reader_fail(rd, map->line, "%s: a check is written "
			"{probe: NAME, …}", where);
		return false;
	}
	out->probe = probe->text;
	out->origin = reader_origin(rd, map->line);
	rows = probe_rows(rd, probe, where);
	if (rows == NULL || !values_copy(rd, rule, &out->rule) ||
	    !values_init(rd, rows, &out->opts))
		return false;
	snprintf(inner, sizeof(inner), "%s: check '%.60s'", where, out->probe);
	values_read(rd, map, inner, sets, other);
	check_rule_values(rd, &out->rule, map->line, inner);
	out->key = check_key(rd, map, out, inner);
	return true;
}

static const struct config_check *
find_check(const struct config_checks *checks, const char *key)
{
	for (size_t i = 0; i < checks->n; i++)
		if (strcmp(checks->items[i].key, key) == 0)
			return &checks->items[i];
	return NULL;
}

void
checks_read(struct reader *rd, const struct node *map,
	const struct config_values *rule, const struct config_key *at,
	struct config_checks *out)
{
	const char *where = at->where;
	const struct node *list = reader_list(rd, map, where, at->key);

	*out = (struct config_checks){ 0 };
	if (list == NULL)
		return;
	out->items = reader_alloc(rd, list->n, sizeof(*out->items));
	for (size_t i = 0; i < list->n && !rd->no_memory; i++) {
		struct config_check *c = &out->items[out->n];

		if (!read_check(rd, list->items[i], rule, where, c))
			continue;
		if (find_check(out, c->key) != NULL)
			reader_fail(rd, c->origin.line, "%s: two checks '%s'; "
				"give one a name:", where, c->key);
		else
			out->n++;
	}
}

/* A rule written at the check stays; the rest follows the host's. */
static struct check_rule
rule_for(const struct config_check *c, const struct config_values *host)
{
	struct tocsin_value v[RULE_ROWS];
	struct opt_origin origins[RULE_ROWS];
	struct config_values mixed = { .rows = rule_rows, .v = v,
		.origins = origins, .n = RULE_ROWS };

	for (size_t i = 0; i < RULE_ROWS; i++) {
		const struct config_values *from = host->n != 0 &&
			(c->rule.set >> i & 1) == 0 ? host : &c->rule;

		v[i] = from->v[i];
		origins[i] = from->origins[i];
	}
	return rule_of(&mixed);
}

struct check_def
check_def_of(const struct config_check *c, const struct config_values *host)
{
	return (struct check_def){ .key = c->key, .probe = c->probe,
		.rule = rule_for(c, host), .opt_rows = c->opts.rows,
		.opts = c->opts.v, .origin = c->origin };
}

/* `units:` of a partition or host over those around it. */
static bool
unit_rule_read(struct reader *rd, const struct node *map, const char *where,
	const struct config_values *around, struct config_values *out)
{
	const struct node *n = reader_map(rd, map, where, "units");
	struct config_values *const sets[] = { out, NULL };
	char inner[WHERE_BYTES + 16];

	if (n == NULL) {
		*out = *around;		/* shared: nobody writes to it */
		out->set = 0;
		return true;
	}
	if (!values_copy(rd, around, out))
		return false;
	snprintf(inner, sizeof(inner), "%s: units", where);
	values_read(rd, n, inner, sets, nothing);
	return true;
}

/* ---- hosts ---- */

/*
 * A host with a role that has probes of its own does not get the default
 * ones of services as well; what speaks of the machine stays.
 */
static bool
applies(const struct config_check *c, const struct config_host *h)
{
	return find_check(&h->own, c->key) == NULL &&
		(strcmp(c->probe, "ping") == 0 || !units_have_own_roles(h));
}

/* The partition's checks, but a host's own of the same key instead. */
static void
merge_checks(struct reader *rd, const struct config_partition *p,
	struct config_host *h)
{
	struct check_def *defs;
	size_t n = 0;

	h->def.checks = p->defs;
	h->def.n_checks = p->checks.n;
	if (h->own.n == 0 && h->rule.n == 0 && !units_have_own_roles(h))
		return;
	defs = reader_alloc(rd, p->checks.n + h->own.n, sizeof(*defs));
	if (defs == NULL)
		return;
	for (size_t i = 0; i < p->checks.n; i++)
		if (applies(&p->checks.items[i], h))
			defs[n++] = check_def_of(&p->checks.items[i], &h->rule);
	for (size_t i = 0; i < h->own.n; i++)
		defs[n++] = check_def_of(&h->own.items[i], &h->rule);
	h->def.checks = defs;
	h->def.n_checks = n;
}

bool
name_read(struct reader *rd, const struct node *n, const char *what,
	const char **out)
{
	char folded[NAME_MAX_BYTES + 1];
	char *copy;
	struct tc_err e;

	if (name_fold(n->text, strlen(n->text), folded, &e) < 0) {
		reader_fail(rd, n->line, "%s '%.60s': %s", what, n->text,
			e.text);
		return false;
	}
	copy = reader_alloc(rd, strlen(folded) + 1, 1);
	if (copy == NULL)
		return false;
	memcpy(copy, folded, strlen(folded) + 1);
	*out = copy;
	return true;
}

static bool
claim_name(struct reader *rd, struct config_host *h, unsigned line,
	struct config_names *names)
{
	const struct config_host *first = hash_get_str(&names->hosts,
		h->def.name);

	if (first != NULL) {
		reader_fail(rd, line, "host '%s': already in line %u, "
			"partition '%s'", h->def.name, first->def.origin.line,
			first->def.partition);
		return false;
	}
	if (hash_put_str(&names->hosts, h->def.name, h) < 0)
		rd->no_memory = true;
	return true;
}

static void
read_address(struct reader *rd, const struct node *map, struct config_host *h,
	const char *where)
{
	const struct node *n = node_get(map, "address");

	h->def.address = h->def.name;
	if (n == NULL || n->kind != NODE_SCALAR)
		return;
	h->def.address = n->text;
	if (!name_is_address(n->text))
		reader_fail(rd, n->line, "%s: address: '%.60s' is no address "
			"or name", where, n->text);
}

/* Said when it is declared, not when the disk fails. */
static void
check_redundancy(struct reader *rd, unsigned line,
	const struct host_def *def, const char *where)
{
	struct redundancy groups;
	struct tc_err e = { 0 };

	for (size_t i = 0; i < def->n_tags; i++)
		if (strcmp(def->tags[i].key, REDUNDANCY_TAG) == 0 &&
		    redundancy_parse(def->tags[i].value, &groups, &e) < 0)
			reader_fail(rd, line, "%s: %s", where, e.text);
}

static bool
read_host(struct reader *rd, const struct node *map,
	struct config_partition *p, struct config_names *names,
	struct config_host *h)
{
	static const char *const other[] = { "tags", "checks", "defaults",
		"units", "vms", "roles", NULL };
	struct tocsin_value v[HOST_ROWS] = { [HOST_AGENT] = { .i = AGENT_AUTO } };
	struct opt_origin origins[HOST_ROWS] = { 0 };
	struct config_values values = { .rows = host_rows, .v = v,
		.origins = origins, .n = HOST_ROWS };
	struct config_values *const sets[] = { &values, NULL };
	const struct node *name, *tags;
	char where[WHERE_BYTES] = "host", parent[WHERE_BYTES + 16];
	struct tag *pairs;

	if (map->kind != NODE_MAP) {
		reader_fail(rd, map->line, "a host is written {name: …, "
			"address: …}");
		return false;
	}
	name = node_get(map, "name");
	if (name != NULL && name->kind == NODE_SCALAR)
		snprintf(where, sizeof(where), "host '%.60s'", name->text);
	values_read(rd, map, where, sets, other);
	if (name == NULL || name->kind != NODE_SCALAR ||
	    !name_read(rd, name, "host", &h->def.name))
		return false;
	h->def.partition = p->name;
	h->def.owner = OWNER_CONFIG;
	h->def.origin = reader_origin(rd, map->line);
	if (!claim_name(rd, h, map->line, names))
		return false;
	read_address(rd, map, h, where);
	if (v[HOST_PARENT].s != NULL && v[HOST_PARENT].s[0] != '\0') {
		h->parent_line = origins[HOST_PARENT].line;
		snprintf(parent, sizeof(parent), "%s: parent", where);
		if (!name_read(rd, node_get(map, "parent"), parent,
			&h->def.parent))
			return false;
	}
	if ((tags = reader_map(rd, map, where, "tags")) != NULL) {
		reader_tags(rd, tags, where, &pairs, &h->def.n_tags);
		h->def.tags = pairs;
		check_redundancy(rd, tags->line, &h->def, where);
	}
	if (reader_map(rd, map, "", "defaults") != NULL &&
	    !read_defaults(rd, map, where, &p->rule, &h->rule))
		return false;
	h->def.agent = (enum unit_agent)v[HOST_AGENT].i;
	if (!unit_rule_read(rd, map, where, &p->unit_rule, &h->unit_rule))
		return false;
	h->def.unit_rule = unit_rule_of(&h->unit_rule);
	checks_read(rd, map, h->rule.n != 0 ? &h->rule : &p->rule,
		&(struct config_key){ where, "checks" }, &h->own);
	units_read(rd, map, p, h, names);
	return true;
}

static void
read_hosts(struct reader *rd, const struct node *map, const char *where,
	struct config_partition *p, struct config_names *names)
{
	const struct node *list = reader_list(rd, map, where, "hosts");

	if (list == NULL)
		return;
	p->hosts = reader_alloc(rd, list->n, sizeof(*p->hosts));
	for (size_t i = 0; i < list->n && !rd->no_memory; i++) {
		struct config_host *h = &p->hosts[p->n_hosts];

		*h = (struct config_host){ 0 };
		if (read_host(rd, list->items[i], p, names, h))
			p->n_hosts++;
	}
}

/* Hosts and what runs on them, in memory of their own. */
static void
read_members(struct reader *rd, const struct node *map, const char *where,
	struct config_partition *p, struct config_names *names)
{
	struct arena *around = rd->arena;

	rd->arena = rd->hosts;
	read_hosts(rd, map, where, p, names);
	units_read(rd, map, p, NULL, names);
	units_settle(rd, p, names);
	for (size_t i = 0; i < p->n_hosts; i++)
		merge_checks(rd, p, &p->hosts[i]);
	p->flat = NULL;
	rd->arena = around;
}

/* ---- the partition ---- */

static void
make_defs(struct reader *rd, struct config_partition *p)
{
	const struct config_values none = { 0 };

	p->defs = reader_alloc(rd, p->checks.n, sizeof(*p->defs));
	for (size_t i = 0; i < p->checks.n && p->defs != NULL; i++)
		p->defs[i] = check_def_of(&p->checks.items[i], &none);
}

void
partition_read(struct reader *rd, const struct node *map,
	const struct config_around *around, struct config_partition *out,
	struct config_names *names)
{
	static const char *const keys[] = { "name", "defaults", "checks",
		"hosts", "file_sd", "units", "vm_checks", "role_checks",
		"vms", "roles", NULL };
	struct config_values *const sets[] = { NULL };
	const struct node *name = map->kind == NODE_MAP ?
		node_get(map, "name") : NULL;
	char where[WHERE_BYTES];

	if (name == NULL || name->kind != NODE_SCALAR) {
		reader_fail(rd, map->line, "a partition is written "
			"{name: …, checks: …, hosts: …}");
		return;
	}
	snprintf(where, sizeof(where), "partition '%.60s'", name->text);
	values_read(rd, map, where, sets, keys);
	out->origin = reader_origin(rd, map->line);
	if (!name_read(rd, name, "partition", &out->name) ||
	    !read_defaults(rd, map, where, around->defaults, &out->rule) ||
	    !unit_rule_read(rd, map, where, around->units, &out->unit_rule))
		return;
	checks_read(rd, map, &out->rule, &(struct config_key){ where,
		"checks" }, &out->checks);
	checks_read(rd, map, &out->rule, &(struct config_key){ where,
		"vm_checks" }, &out->vm_checks);
	checks_read(rd, map, &out->rule, &(struct config_key){ where,
		"role_checks" }, &out->role_checks);
	make_defs(rd, out);
	reader_texts(rd, map, where, "file_sd", &out->file_sd);
	read_members(rd, map, where, out, names);
}
