/*
 * The effective configuration as YAML that can be loaded again (secrets
 * apart), each value with the place it came from.
 */
#include <stdio.h>
#include <string.h>

#include "config/contacts.h"
#include "config/partition.h"
#include "config/schema.h"
#include "config/units.h"
#include "wire/json_write.h"

#define ORIGIN_COLUMN 48

struct print {
	struct strbuf *out;
	bool origins;
};

static void
put_text(struct print *p, const char *text)
{
	json_quote(p->out, text, strlen(text));
}

/* Ends the line that began at `from`. */
static void
end_line(struct print *p, size_t from, const struct opt_origin *at)
{
	size_t n;

	if (p->origins && at != NULL && !p->out->failed) {
		for (n = p->out->n - from; n < ORIGIN_COLUMN; n++)
			strbuf_putc(p->out, ' ');
		strbuf_puts(p->out, " # ");
		strbuf_puts(p->out, at->file);
		if (at->line != 0)
			strbuf_printf(p->out, ":%u", at->line);
	}
	strbuf_putc(p->out, '\n');
}

static void
put_row(struct print *p, const char *indent,
	const struct config_values *values, size_t i)
{
	struct tocsin_value v = values->v[i];
	size_t from = p->out->n;

	if (values->rows == rule_rows && i == RULE_TIMEOUT)
		v.i = rule_of(values).timeout.ns;
	strbuf_puts(p->out, indent);
	strbuf_puts(p->out, values->rows[i].name);
	strbuf_puts(p->out, ": ");
	value_print(&values->rows[i], &v, p->out);
	end_line(p, from, &values->origins[i]);
}

static void
put_rows(struct print *p, const char *indent,
	const struct config_values *values)
{
	for (size_t i = 0; i < values->n; i++)
		put_row(p, indent, values, i);
}

/* Only those that were written just here. */
static void
put_set_rows(struct print *p, const char *indent,
	const struct config_values *values)
{
	for (size_t i = 0; i < values->n && i < 64; i++)
		if ((values->set >> i & 1) != 0)
			put_row(p, indent, values, i);
}

static void
put_list(struct print *p, const char *indent, const char *key,
	const struct config_list *list)
{
	size_t from = p->out->n;

	if (list->n == 0)
		return;
	strbuf_puts(p->out, indent);
	strbuf_puts(p->out, key);
	strbuf_puts(p->out, ": [");
	for (size_t i = 0; i < list->n; i++) {
		strbuf_puts(p->out, i > 0 ? ", " : "");
		put_text(p, list->items[i]);
	}
	strbuf_putc(p->out, ']');
	end_line(p, from, &list->origin);
}

static void
put_tags(struct print *p, const char *lead, const struct tag *tags, size_t n)
{
	if (n == 0)
		return;
	strbuf_puts(p->out, lead);
	strbuf_putc(p->out, '{');
	for (size_t i = 0; i < n; i++) {
		strbuf_puts(p->out, i > 0 ? ", " : "");
		put_text(p, tags[i].key);
		strbuf_puts(p->out, ": ");
		put_text(p, tags[i].value);
	}
	strbuf_puts(p->out, "}\n");
}

static void
put_named(struct print *p, const char *lead, const char *name,
	const struct opt_origin *at)
{
	size_t from = p->out->n;

	strbuf_puts(p->out, lead);
	put_text(p, name);
	end_line(p, from, at);
}

static void
put_set(struct print *p, const char *indent, const char *key,
	const struct config_checks *checks)
{
	char inner[32];

	if (checks->n == 0)
		return;
	snprintf(inner, sizeof(inner), "%s    ", indent);
	strbuf_printf(p->out, "%s%s:\n", indent, key);
	for (size_t i = 0; i < checks->n; i++) {
		const struct config_check *c = &checks->items[i];
		size_t from = p->out->n;

		strbuf_puts(p->out, indent);
		strbuf_puts(p->out, "  - probe: ");
		put_text(p, c->probe);
		end_line(p, from, &c->origin);
		strbuf_puts(p->out, inner);
		strbuf_puts(p->out, "name: ");
		put_text(p, c->key);
		strbuf_putc(p->out, '\n');
		put_set_rows(p, inner, &c->rule);
		put_rows(p, inner, &c->opts);
	}
}

static void
put_checks(struct print *p, const char *indent,
	const struct config_checks *checks)
{
	put_set(p, indent, "checks", checks);
}

static void
put_unit_rule(struct print *p, const char *indent,
	const struct config_values *rule)
{
	char inner[32];

	if (rule->set == 0)
		return;
	snprintf(inner, sizeof(inner), "%s  ", indent);
	strbuf_printf(p->out, "%sunits:\n", indent);
	put_set_rows(p, inner, rule);
}

/* One VM or role; `lead` is "- " and its indent. */
static void
put_unit(struct print *p, const char *lead, const struct config_unit *u)
{
	size_t on = u->def.is_vm ? (size_t)VM_ON : (size_t)ROLE_ON;
	char indent[32];

	snprintf(indent, sizeof(indent), "%*s", (int)strlen(lead), "");
	strbuf_puts(p->out, lead);
	put_named(p, "name: ", u->def.name, &u->def.origin);
	for (size_t row = 1; row < u->values.n; row++)
		if (row != on)
			put_row(p, indent, &u->values, row);
	if (u->def.is_vm)
		put_set_rows(p, indent, &u->rule);
	put_list(p, indent, "signals", &u->signals);
	if (u->def.own_checks && u->own.n == 0)
		strbuf_printf(p->out, "%schecks: []\n", indent);
	put_checks(p, indent, &u->own);
}

/* Those of a VM, or with NULL the VMs of the host or its own roles. */
static void
put_units(struct print *p, const struct config_host *h,
	const struct config_unit *vm, bool vms)
{
	const char *indent = vm != NULL ? "            " : "        ";
	char lead[32];
	bool any = false;

	snprintf(lead, sizeof(lead), "%s  - ", indent);
	for (const struct config_unit *u = h->units; u != NULL; u = u->next) {
		if (u->vm != vm || u->def.is_vm != vms)
			continue;
		if (!any)
			strbuf_printf(p->out, "%s%s:\n", indent,
				vms ? "vms" : "roles");
		any = true;
		put_unit(p, lead, u);
		if (vms)
			put_units(p, h, u, false);
	}
}

static void
put_host(struct print *p, const struct config_host *h)
{
	put_named(p, "      - name: ", h->def.name, &h->def.origin);
	strbuf_puts(p->out, "        address: ");
	put_text(p, h->def.address);
	strbuf_putc(p->out, '\n');
	if (h->def.parent != NULL)
		strbuf_printf(p->out, "        parent: %s\n", h->def.parent);
	put_tags(p, "        tags: ", h->def.tags, h->def.n_tags);
	if (h->rule.set != 0) {
		strbuf_puts(p->out, "        defaults:\n");
		put_set_rows(p, "          ", &h->rule);
	}
	if (h->def.agent != AGENT_AUTO)
		strbuf_printf(p->out, "        agent: %s\n",
			unit_agent_id(h->def.agent));
	put_unit_rule(p, "        ", &h->unit_rule);
	put_checks(p, "        ", &h->own);
	put_units(p, h, NULL, true);
	put_units(p, h, NULL, false);
}

static void
put_partition(struct print *p, const struct config_partition *part)
{
	put_named(p, "  - name: ", part->name, &part->origin);
	strbuf_puts(p->out, "    defaults:\n");
	put_rows(p, "      ", &part->rule);
	put_unit_rule(p, "    ", &part->unit_rule);
	put_checks(p, "    ", &part->checks);
	put_set(p, "    ", "vm_checks", &part->vm_checks);
	put_set(p, "    ", "role_checks", &part->role_checks);
	if (part->n_hosts != 0)
		strbuf_puts(p->out, "    hosts:\n");
	for (size_t i = 0; i < part->n_hosts; i++)
		put_host(p, &part->hosts[i]);
	put_list(p, "    ", "file_sd", &part->file_sd);
}

static void
put_alerts(struct print *p, const struct config *cfg)
{
	if (cfg->n_receivers == 0 && cfg->n_routes == 0)
		return;
	strbuf_puts(p->out, "alerts:\n");
	if (cfg->n_receivers != 0)
		strbuf_puts(p->out, "  receivers:\n");
	for (size_t i = 0; i < cfg->n_receivers; i++) {
		const struct config_receiver *r = &cfg->receivers[i];

		put_named(p, "    - name: ", r->name, &r->origin);
		for (size_t row = RECEIVER_TYPE; row < r->values.n; row++)
			put_row(p, "      ", &r->values, row);
		put_list(p, "      ", "argv", &r->argv);
		put_list(p, "      ", "to", &r->to);
	}
	if (cfg->contacts != NULL)
		strbuf_puts(p->out, "  contacts:\n");
	for (int i = 0; cfg->contacts != NULL && i < CONTACT_COUNT_; i++)
		put_list(p, "    ", contact_id((enum contact)i),
			&cfg->contacts->of[i]);
	if (cfg->heartbeat.to.n != 0) {
		strbuf_puts(p->out, "  heartbeat:\n");
		put_rows(p, "    ", &cfg->heartbeat.values);
		put_list(p, "    ", "to", &cfg->heartbeat.to);
	}
	if (cfg->n_routes != 0)
		strbuf_puts(p->out, "  routes:\n");
	for (size_t i = 0; i < cfg->n_routes; i++) {
		const struct config_route *r = &cfg->routes[i];

		put_list(p, r->to.n != 0 ? "    - " : "      ", "to", &r->to);
		put_list(p, r->to.n != 0 ? "      " : "    - ", "contacts",
			&r->contacts);
		put_tags(p, "      match: ", r->match, r->n_match);
	}
}

static void
put_evacuate(struct print *p, const struct config *cfg)
{
	strbuf_puts(p->out, "evacuate:\n");
	put_rows(p, "  ", &cfg->sections[5]);
	if (!cfg->executor.set)
		return;
	strbuf_puts(p->out, "  executor:\n");
	put_rows(p, "    ", &cfg->executor.values);
	put_list(p, "    ", "argv", &cfg->executor.argv);
}

void
config_print(const struct config *cfg, struct strbuf *out, bool with_origins)
{
	static const char *const names[] = { NULL, "tls:\n", "http:\n",
		"defaults:\n", "passive:\n" };
	struct print p = { out, with_origins };

	put_rows(&p, "", &cfg->sections[0]);
	put_list(&p, "", "plugin_dirs", &cfg->plugin_dirs);
	for (size_t i = 1; i < ARRAY_LEN(names); i++) {
		strbuf_puts(out, names[i]);
		put_rows(&p, "  ", &cfg->sections[i]);
	}
	strbuf_puts(out, "units:\n");
	put_rows(&p, "  ", &cfg->sections[7]);
	strbuf_puts(out, "retention:\n");
	put_rows(&p, "  ", &cfg->sections[6]);
	strbuf_puts(out, "observer:\n");
	put_rows(&p, "  ", &cfg->observer);
	put_list(&p, "  ", "witnesses", &cfg->witnesses);
	if (cfg->n_partitions != 0)
		strbuf_puts(out, "partitions:\n");
	for (size_t i = 0; i < cfg->n_partitions; i++)
		put_partition(&p, &cfg->partitions[i]);
	put_alerts(&p, cfg);
	put_evacuate(&p, cfg);
}
