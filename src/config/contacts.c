#include "config/contacts.h"

#include <stdio.h>
#include <string.h>

#include "config/alerts.h"
#include "config/schema.h"

static const struct {
	const char *id;
	const char *words;
} types[CONTACT_COUNT_] = {
#define X(sym, name, words) [CONTACT_##sym] = { name, words },
	CONTACT_TABLE(X)
#undef X
};

const char *
contact_id(enum contact type)
{
	return types[type].id;
}

bool
contact_parse(const char *id, enum contact *out)
{
	for (int i = 0; i < CONTACT_COUNT_; i++)
		if (strcmp(types[i].id, id) == 0) {
			*out = (enum contact)i;
			return true;
		}
	return false;
}

static void
warn(struct reader *rd, struct opt_origin at, const char *text)
{
	config_errors_add(rd->errs, true, at, "alerts: contacts: %s", text);
}

/* Whoever is alone needs somebody who is told in his place. */
static void
lint_type(struct reader *rd, const struct config *cfg, enum contact type)
{
	const struct config_list *list = &cfg->contacts->of[type];
	char text[300];

	if (list->n == 0) {
		snprintf(text, sizeof(text), "nobody for %s (%s)",
			types[type].id, types[type].words);
		warn(rd, cfg->contacts->origin, text);
		return;
	}
	for (size_t i = 0; list->n == 1 && i < cfg->n_receivers; i++) {
		const struct config_receiver *r = &cfg->receivers[i];

		if (strcmp(r->name, list->items[0]) != 0 ||
		    r->values.v[RECEIVER_FALLBACK].s[0] != '\0')
			continue;
		snprintf(text, sizeof(text), "%s: '%.60s' is alone: name a "
			"second one, or give it a fallback", types[type].id,
			r->name);
		warn(rd, list->origin, text);
	}
}

static void
read_types(struct reader *rd, const struct node *map, struct config *cfg,
	struct config_contacts *out)
{
	const char *keys[CONTACT_COUNT_ + 1] = { NULL };
	struct config_values *const sets[] = { NULL };

	for (int i = 0; i < CONTACT_COUNT_; i++)
		keys[i] = types[i].id;
	values_read(rd, map, "contacts", sets, keys);
	out->origin = reader_origin(rd, map->line);
	for (int i = 0; i < CONTACT_COUNT_; i++) {
		struct config_list *list = &out->of[i];
		char where[WHERE_BYTES];

		reader_texts(rd, map, "contacts", types[i].id, list);
		snprintf(where, sizeof(where), "contacts: %s", types[i].id);
		for (size_t k = 0; k < list->n; k++)
			(void)alerts_want_receiver(rd, cfg, list->items[k],
				list->origin.line, where);
	}
}

void
contacts_read(struct reader *rd, const struct node *alerts,
	struct config *cfg)
{
	const struct node *map = reader_map(rd, alerts, "alerts", "contacts");
	struct config_contacts *c;

	if (map == NULL || (c = reader_alloc(rd, 1, sizeof(*c))) == NULL)
		return;
	cfg->contacts = c;
	read_types(rd, map, cfg, c);
}

void
contacts_lint(struct reader *rd, const struct node *alerts,
	const struct config *cfg)
{
	if (rd->errs->errors != 0 || cfg->n_receivers == 0)
		return;
	if (cfg->contacts == NULL)
		warn(rd, reader_origin(rd, alerts->line), "none: notices "
			"reach only whom a route names");
	for (int i = 0; cfg->contacts != NULL && i < CONTACT_COUNT_; i++)
		lint_type(rd, cfg, (enum contact)i);
}

void
contacts_check(struct reader *rd, const struct config_list *named,
	const struct config *cfg)
{
	enum contact type;

	for (size_t i = 0; i < named->n; i++) {
		if (!contact_parse(named->items[i], &type))
			reader_fail(rd, named->origin.line, "route: contacts: "
				"'%.60s' is none of ops, security, billing",
				named->items[i]);
		else if (cfg->contacts == NULL || cfg->contacts->of[type].n == 0)
			reader_fail(rd, named->origin.line, "route: contacts: "
				"nobody is named for %s", named->items[i]);
	}
}
