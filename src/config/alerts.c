#include "config/alerts.h"

#include <stdio.h>
#include <string.h>

#include "config/contacts.h"
#include "config/schema.h"

static bool
is_url(const char *text)
{
	size_t n = strlen(text);

	if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] <= 0x20 || text[i] == 0x7f ||
		    strchr("\"<>\\^`{|}", text[i]) != NULL)
			return false;
	text = strstr(text, "://") + 3;
	return strcspn(text, "/?#") > 0;
}

static void
want_url(struct reader *rd, const struct config_values *values, size_t row,
	unsigned line, const char *where)
{
	const char *url = values->v[row].s;

	if (url[0] == '\0')
		reader_fail(rd, line, "%s: 'url' is missing", where);
	else if (!is_url(url))
		reader_fail(rd, values->origins[row].line,
			"%s: url: not an http or https address", where);
}

static void
want_text(struct reader *rd, const struct config_values *values, size_t row,
	unsigned line, const char *where)
{
	if (values->v[row].s[0] == '\0')
		reader_fail(rd, line, "%s: '%s' is missing", where,
			values->rows[row].name);
}

/* A program by its whole path: no search, no shell. */
static void
want_argv(struct reader *rd, const struct config_list *argv, unsigned line,
	const char *where)
{
	if (argv->n == 0)
		reader_fail(rd, line, "%s: 'argv' is missing", where);
	else if (argv->items[0][0] != '/')
		reader_fail(rd, argv->origin.line,
			"%s: argv: the program must begin with /", where);
}

static void
check_receiver(struct reader *rd, const struct config_receiver *r,
	unsigned line, const char *where)
{
	const struct config_values *v = &r->values;

	switch ((enum receiver_type)v->v[RECEIVER_TYPE].i) {
	case RECEIVER_WEBHOOK:
	case RECEIVER_ALERTMANAGER:
	case RECEIVER_SLACK:
		want_url(rd, v, RECEIVER_URL, line, where);
		break;
	case RECEIVER_PAGERDUTY:
		want_text(rd, v, RECEIVER_SECRET, line, where);
		break;
	case RECEIVER_SMTP:
		want_text(rd, v, RECEIVER_SERVER, line, where);
		want_text(rd, v, RECEIVER_FROM, line, where);
		if (r->to.n == 0)
			reader_fail(rd, line, "%s: 'to' is missing", where);
		break;
	case RECEIVER_EXEC:
		want_argv(rd, &r->argv, line, where);
		break;
	}
}

static bool
read_receiver(struct reader *rd, const struct node *map,
	struct config_receiver *r)
{
	static const char *const other[] = { "argv", "to", NULL };
	struct config_values *const sets[] = { &r->values, NULL };
	const struct node *name;
	char where[WHERE_BYTES] = "receiver";
	size_t before = rd->errs->errors;

	if (map->kind != NODE_MAP) {
		reader_fail(rd, map->line, "a receiver is written {name: …, "
			"type: …}");
		return false;
	}
	if (!values_init(rd, receiver_rows, &r->values))
		return false;
	name = node_get(map, "name");
	if (name != NULL && name->kind == NODE_SCALAR)
		snprintf(where, sizeof(where), "receiver '%.60s'", name->text);
	values_read(rd, map, where, sets, other);
	r->origin = reader_origin(rd, map->line);
	r->name = r->values.v[RECEIVER_NAME].s;
	reader_texts(rd, map, where, "argv", &r->argv);
	reader_texts(rd, map, where, "to", &r->to);
	if (rd->errs->errors == before)
		check_receiver(rd, r, map->line, where);
	return true;
}

static const struct config_receiver *
find_receiver(const struct config_receiver *r, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(r[i].name, name) == 0)
			return &r[i];
	return NULL;
}

static void
read_receivers(struct reader *rd, const struct node *alerts,
	struct config *cfg)
{
	const struct node *list = reader_list(rd, alerts, "alerts",
		"receivers");
	struct config_receiver *all;
	size_t n = 0;

	if (list == NULL)
		return;
	all = reader_alloc(rd, list->n, sizeof(*all));
	for (size_t i = 0; i < list->n && !rd->no_memory; i++) {
		all[n] = (struct config_receiver){ .name = "" };
		if (!read_receiver(rd, list->items[i], &all[n]))
			continue;
		if (find_receiver(all, n, all[n].name) != NULL)
			reader_fail(rd, list->items[i]->line,
				"receiver '%.60s': a second one of this name",
				all[n].name);
		n++;
	}
	cfg->receivers = all;
	cfg->n_receivers = n;
}

const struct config_receiver *
alerts_want_receiver(struct reader *rd, const struct config *cfg, const char *name,
	unsigned line, const char *where)
{
	const struct config_receiver *found = find_receiver(cfg->receivers,
		cfg->n_receivers, name);
	struct nearest near = { .wanted = name };
	char hint[160];

	if (found != NULL)
		return found;
	for (size_t i = 0; i < cfg->n_receivers; i++)
		nearest_offer(&near, cfg->receivers[i].name);
	reader_fail(rd, line, "%s: no receiver '%.60s'%s", where, name,
		nearest_text(&near, hint, sizeof(hint)));
	return NULL;
}

static void
check_targets(struct reader *rd, const struct config_route *r,
	const struct config *cfg, unsigned line)
{
	if (r->to.n == 0 && r->contacts.n == 0)
		reader_fail(rd, line, "route: 'to' is missing");
	contacts_check(rd, &r->contacts, cfg);
	for (size_t i = 0; i < r->to.n; i++)
		alerts_want_receiver(rd, cfg, r->to.items[i], r->to.origin.line,
			"route");
}

static void
check_fallbacks(struct reader *rd, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->n_receivers; i++) {
		const struct config_receiver *r = &cfg->receivers[i];
		const char *name = r->values.v[RECEIVER_FALLBACK].s;
		unsigned line = r->values.origins[RECEIVER_FALLBACK].line;
		char where[WHERE_BYTES];

		if (name[0] == '\0')
			continue;
		snprintf(where, sizeof(where), "receiver '%.60s': fallback",
			r->name);
		if (alerts_want_receiver(rd, cfg, name, line, where) == r)
			reader_fail(rd, line, "%s: is itself", where);
	}
}

/* PagerDuty makes an incident of whatever it is sent. */
static void
read_heartbeat(struct reader *rd, const struct node *alerts,
	struct config *cfg)
{
	static const char *const other[] = { "to", NULL };
	struct config_heartbeat *h = &cfg->heartbeat;
	struct config_values *const sets[] = { &h->values, NULL };
	const struct node *map = reader_map(rd, alerts, "alerts", "heartbeat");

	if (!values_init(rd, heartbeat_rows, &h->values) || map == NULL)
		return;
	values_read(rd, map, "heartbeat", sets, other);
	h->origin = reader_origin(rd, map->line);
	reader_texts(rd, map, "heartbeat", "to", &h->to);
	if (h->to.n == 0)
		reader_fail(rd, map->line, "heartbeat: 'to' is missing");
	for (size_t i = 0; i < h->to.n; i++) {
		const struct config_receiver *r = alerts_want_receiver(rd, cfg,
			h->to.items[i], h->to.origin.line, "heartbeat");

		if (r != NULL && r->values.v[RECEIVER_TYPE].i ==
		    RECEIVER_PAGERDUTY)
			reader_fail(rd, h->to.origin.line, "heartbeat: "
				"'%.60s' would page", r->name);
	}
}

static void
read_route(struct reader *rd, const struct node *map, struct config *cfg,
	struct config_route *r)
{
	static const char *const keys[] = { "match", "to", "contacts", NULL };
	struct config_values *const sets[] = { NULL };
	const struct node *match;
	struct tag *tags = NULL;

	if (map->kind != NODE_MAP) {
		reader_fail(rd, map->line, "a route is written "
			"{match: {…}, to: […]}");
		return;
	}
	values_read(rd, map, "route", sets, keys);
	r->origin = reader_origin(rd, map->line);
	match = reader_map(rd, map, "route", "match");
	if (match != NULL)
		reader_tags(rd, match, "route: match", &tags, &r->n_match);
	r->match = tags;
	reader_texts(rd, map, "route", "to", &r->to);
	reader_texts(rd, map, "route", "contacts", &r->contacts);
	check_targets(rd, r, cfg, map->line);
}

void
alerts_read(struct reader *rd, const struct node *root, struct config *cfg)
{
	static const char *const keys[] = { "receivers", "routes",
		"heartbeat", "contacts", NULL };
	struct config_values *const sets[] = { NULL };
	const struct node *alerts = reader_map(rd, root, "", "alerts"), *list;
	struct config_route *routes;

	if (alerts == NULL)
		return;
	values_read(rd, alerts, "alerts", sets, keys);
	read_receivers(rd, alerts, cfg);
	check_fallbacks(rd, cfg);
	contacts_read(rd, alerts, cfg);
	read_heartbeat(rd, alerts, cfg);
	list = reader_list(rd, alerts, "alerts", "routes");
	if (list != NULL) {
		routes = reader_alloc(rd, list->n, sizeof(*routes));
		for (size_t i = 0; i < list->n && !rd->no_memory; i++)
			read_route(rd, list->items[i], cfg, &routes[i]);
		cfg->routes = routes;
		cfg->n_routes = list->n;
	}
	contacts_lint(rd, alerts, cfg);
}

static void
read_executor(struct reader *rd, const struct node *map,
	struct config_executor *x)
{
	static const char *const other[] = { "argv", NULL };
	static const char where[] = "evacuate: executor";
	struct config_values *const sets[] = { &x->values, NULL };
	size_t before = rd->errs->errors;

	if (!values_init(rd, executor_rows, &x->values))
		return;
	values_read(rd, map, where, sets, other);
	reader_texts(rd, map, where, "argv", &x->argv);
	x->set = true;
	x->origin = reader_origin(rd, map->line);
	if (rd->errs->errors != before)
		return;
	switch ((enum executor_type)x->values.v[EXECUTOR_TYPE].i) {
	case EXECUTOR_EXEC:
		want_argv(rd, &x->argv, map->line, where);
		break;
	case EXECUTOR_WEBHOOK:
		want_url(rd, &x->values, EXECUTOR_URL, map->line, where);
		break;
	}
}

/* Three rows from `first` on. */
static struct pace_limits
limits_at(const struct config_values *values, size_t first)
{
	const struct tocsin_value *v = values->v + first;

	return (struct pace_limits){ .at_once = (unsigned)v[0].i,
		.per_hour = (unsigned)v[1].i, .per_day = (unsigned)v[2].i };
}

void
evacuate_read(struct reader *rd, const struct node *root, struct config *cfg,
	struct config_values *mode)
{
	static const char *const other[] = { "executor", NULL };
	struct config_values *const sets[] = { mode, NULL };
	const struct node *map = reader_map(rd, root, "", "evacuate");
	const struct node *executor;

	if (!values_init(rd, evacuate_rows, mode))
		return;
	if (map != NULL)
		values_read(rd, map, "evacuate", sets, other);
	cfg->pace = limits_at(mode, EVACUATE_AT_ONCE);
	cfg->pace_fleet = limits_at(mode, EVACUATE_FLEET_AT_ONCE);
	cfg->ladder = (struct ladder_rule){ { mode->v[EVACUATE_WAIT].i },
		{ mode->v[EVACUATE_REBOOT].i } };
	if (map == NULL)
		return;
	executor = reader_map(rd, map, "evacuate", "executor");
	if (executor != NULL)
		read_executor(rd, executor, &cfg->executor);
	cfg->evacuate_armed = mode->v[EVACUATE_MODE].i == 1;
	cfg->leaving = (struct evacuation_pace){ { mode->v[EVACUATE_TIME].i },
		(uint64_t)mode->v[EVACUATE_RATE].i };
	if (cfg->evacuate_armed && executor == NULL)
		reader_fail(rd, mode->origins[EVACUATE_MODE].line,
			"evacuate: armed, but there is no executor");
}
