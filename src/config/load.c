#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"
#include "config/alerts.h"
#include "config/parents.h"
#include "config/partition.h"
#include "model/name.h"
#include "config/schema.h"
#include "config/units.h"

#define FILE_MAX_BYTES ((size_t)32 << 20)
#define WITNESSES_MOST 16

static const char *const nothing[] = { NULL };

/* HOST:PORT; the host in brackets when it has colons. */
static bool
listen_is_valid(const char *text, bool *loopback)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	uint64_t port;

	if (n == 0 || u64_parse(colon + 1, strlen(colon + 1), &port) < 0 ||
	    port > 65535)
		return false;
	if (memchr(text, ':', n) != NULL &&
	    (text[0] != '[' || text[n - 1] != ']'))
		return false;
	*loopback = strncmp(text, "127.", 4) == 0 ||
		strncmp(text, "[::1]", 5) == 0 ||
		strncmp(text, "localhost:", 10) == 0;
	return true;
}

static void
read_top(struct reader *rd, const struct node *root, struct config *cfg)
{
	static const char *const other[] = { "tls", "http", "defaults",
		"passive", "units", "plugin_dirs", "partitions", "alerts",
		"evacuate", "retention", "observer",
		NULL };
	struct config_values *top = &cfg->sections[0];
	struct config_values *const sets[] = { top, NULL };

	if (!values_init(rd, top_rows, top))
		return;
	values_read(rd, root, "", sets, other);
	cfg->listen = top->v[TOP_LISTEN].s;
	cfg->state_dir = top->v[TOP_STATE_DIR].s;
	cfg->rules = top->v[TOP_RULES].s;
	cfg->backup_max_age.ns = top->v[TOP_BACKUP_MAX_AGE].i;
	cfg->host_backup_max_age.ns = top->v[TOP_HOST_BACKUP_MAX_AGE].i;
	cfg->log_level = (enum log_level)top->v[TOP_LOG_LEVEL].i;
	reader_texts(rd, root, "", "plugin_dirs", &cfg->plugin_dirs);
}

/* A section that is one set of rows. */
static bool
read_section(struct reader *rd, const struct node *root, const char *key,
	const struct tocsin_opt *rows, struct config_values *out)
{
	struct config_values *const sets[] = { out, NULL };
	const struct node *map = reader_map(rd, root, "", key);

	if (!values_init(rd, rows, out))
		return false;
	if (map != NULL)
		values_read(rd, map, key, sets, nothing);
	return true;
}

static const char *
text_or_null(const struct config_values *values, size_t row)
{
	return values->v[row].s[0] != '\0' ? values->v[row].s : NULL;
}

static void
read_tls(struct reader *rd, const struct node *root, struct config *cfg)
{
	struct config_values *tls = &cfg->sections[1];
	const struct node *map = node_get(root, "tls");
	struct opt_origin *at = &cfg->sections[0].origins[TOP_LISTEN];
	bool loopback = true;

	if (!read_section(rd, root, "tls", tls_rows, tls))
		return;
	cfg->tls_certificate = text_or_null(tls, TLS_CERTIFICATE);
	cfg->tls_key = text_or_null(tls, TLS_KEY);
	cfg->tls_client_ca = text_or_null(tls, TLS_CLIENT_CA);
	if (map != NULL && ((cfg->tls_certificate == NULL) !=
		(cfg->tls_key == NULL)))
		reader_fail(rd, map->line,
			"tls: 'certificate' and 'key' go together");
	if (cfg->tls_client_ca != NULL && cfg->tls_certificate == NULL)
		reader_fail(rd, map->line,
			"tls: 'client_ca' without a certificate");
	if (!listen_is_valid(cfg->listen, &loopback))
		reader_fail(rd, at->line, "listen: '%.60s' is not ADDRESS:PORT",
			cfg->listen);
	else if (!loopback && cfg->tls_certificate == NULL)
		config_errors_add(rd->errs, true, *at, "listen: %s without "
			"tls: tokens cross the network in clear", cfg->listen);
}

static void
read_http(struct reader *rd, const struct node *root, struct config *cfg)
{
	struct config_values *http = &cfg->sections[2];

	if (!read_section(rd, root, "http", http_rows, http))
		return;
	cfg->http_threads = (unsigned)http->v[HTTP_THREADS].i;
	cfg->http_max_body_bytes = (size_t)http->v[HTTP_MAX_BODY].i;
	cfg->http_max_connections = (unsigned)http->v[HTTP_MAX_CONNECTIONS].i;
}

static void
read_retention(struct reader *rd, const struct node *root, struct config *cfg)
{
	struct config_values *values = &cfg->sections[6];
	struct dur week = dur_s(7 * 86400);

	if (!read_section(rd, root, "retention", retention_rows, values))
		return;
	cfg->keep_raw.ns = values->v[RETENTION_RAW].i;
	cfg->keep_m5.ns = values->v[RETENTION_M5].i;
	cfg->keep_h1.ns = values->v[RETENTION_H1].i;
	cfg->keep_d1.ns = values->v[RETENTION_D1].i;
	cfg->pack_after.ns = values->v[RETENTION_PACK_AFTER].i;
	for (int i = RETENTION_RAW; i <= RETENTION_D1; i++) {
		if (values->v[i].i > 0 && values->v[i].i < week.ns)
			reader_fail(rd, values->origins[i].line,
				"retention: %s: below 7d",
				retention_rows[i].name);
	}
	cfg->keep_alerts.ns = values->v[RETENTION_ALERTS].i;
	cfg->keep_events.ns = values->v[RETENTION_EVENTS].i;
	cfg->keep_audit.ns = values->v[RETENTION_AUDIT].i;
}

/* What else is pinged, to tell our own silence from the fleet's. */
static void
read_observer(struct reader *rd, const struct node *root, struct config *cfg)
{
	static const char *const other[] = { "witnesses", NULL };
	struct config_values *const sets[] = { &cfg->observer, NULL };
	const struct node *map = reader_map(rd, root, "", "observer");

	if (!values_init(rd, observer_rows, &cfg->observer))
		return;
	if (map != NULL) {
		values_read(rd, map, "observer", sets, other);
		reader_texts(rd, map, "observer", "witnesses",
			&cfg->witnesses);
	}
	cfg->gateway = cfg->observer.v[OBSERVER_GATEWAY].i != 0;
	for (size_t i = 0; i < cfg->witnesses.n; i++)
		if (!name_is_address(cfg->witnesses.items[i]))
			reader_fail(rd, cfg->witnesses.origin.line, "observer: "
				"witnesses: '%.60s' is no address or name",
				cfg->witnesses.items[i]);
	if (cfg->witnesses.n > WITNESSES_MOST)
		reader_fail(rd, cfg->witnesses.origin.line,
			"observer: witnesses: more than %d", WITNESSES_MOST);
}

static void
read_rules(struct reader *rd, const struct node *root, struct config *cfg)
{
	struct config_values *defaults = &cfg->sections[3];
	struct config_values *passive = &cfg->sections[4];

	if (!read_section(rd, root, "defaults", rule_rows, defaults) ||
	    !read_section(rd, root, "passive", passive_rows, passive) ||
	    !read_section(rd, root, "units", unit_rows, &cfg->sections[7]))
		return;
	cfg->units = unit_rule_of(&cfg->sections[7]);
	cfg->defaults = rule_of(defaults);
	if (cfg->defaults.timeout.ns > cfg->defaults.interval.ns)
		reader_fail(rd, defaults->origins[RULE_TIMEOUT].line,
			"defaults: timeout: longer than the interval");
	rule_check_windows(rd, defaults, "defaults");
	cfg->passive = (struct check_rule){
		.interval = { passive->v[PASSIVE_INTERVAL].i },
		.timeout = { passive->v[PASSIVE_INTERVAL].i },
		.fail_after = (unsigned)passive->v[PASSIVE_FAIL_AFTER].i,
		.clear_after = (unsigned)passive->v[PASSIVE_CLEAR_AFTER].i,
		.stale_after = (unsigned)passive->v[PASSIVE_STALE_AFTER].i,
		.flap_after = cfg->defaults.flap_after,
		.flap_within = cfg->defaults.flap_within,
		.flap_clear = cfg->defaults.flap_clear,
	};
	cfg->passive_smart_interval.ns = passive->v[PASSIVE_SMART_INTERVAL].i;
}

static void
refuse_same_partition(struct reader *rd, const struct config_partition *all,
	size_t n)
{
	const struct config_partition *p = &all[n];

	for (size_t i = 0; i < n && p->name != NULL; i++)
		if (all[i].name != NULL && strcmp(all[i].name, p->name) == 0)
			reader_fail(rd, p->origin.line, "partition '%s': "
				"already in line %u", p->name,
				all[i].origin.line);
}

static void
read_partitions(struct reader *rd, const struct node *root,
	struct config *cfg)
{
	const struct node *list = reader_list(rd, root, "", "partitions");
	struct config_partition *all;
	struct config_names names = { 0 };
	const struct config_around around = { &cfg->sections[3],
		&cfg->sections[7] };

	if (list == NULL)
		return;
	all = reader_alloc(rd, list->n, sizeof(*all));
	for (size_t i = 0; i < list->n && !rd->no_memory; i++) {
		partition_read(rd, list->items[i], &around, &all[i], &names);
		refuse_same_partition(rd, all, i);
	}
	cfg->partitions = all;
	cfg->n_partitions = list->n;
	if (!rd->no_memory)
		parents_check(rd, cfg, &names);
	hash_free(&names.hosts);
	hash_free(&names.vms);
}

static void
read_all(struct reader *rd, const struct node *root, struct config *cfg)
{
	if (root->kind != NODE_MAP) {
		reader_fail(rd, root->line, "the top is not a map "
			"(key: value)");
		return;
	}
	read_top(rd, root, cfg);
	if (!rd->no_memory)
		read_tls(rd, root, cfg);
	if (!rd->no_memory)
		read_http(rd, root, cfg);
	if (!rd->no_memory)
		read_retention(rd, root, cfg);
	if (!rd->no_memory)
		read_observer(rd, root, cfg);
	if (!rd->no_memory)
		read_rules(rd, root, cfg);
	if (!rd->no_memory)
		read_partitions(rd, root, cfg);
	if (!rd->no_memory)
		alerts_read(rd, root, cfg);
	if (!rd->no_memory)
		evacuate_read(rd, root, cfg, &cfg->sections[5]);
}

static bool
keep_path(struct config *cfg, const char *path)
{
	const char *slash = strrchr(path, '/');

	cfg->path = arena_strdup(&cfg->arena, path);
	if (slash == NULL)
		cfg->dir = ".";
	else
		cfg->dir = arena_strndup(&cfg->arena, path,
			slash > path ? (size_t)(slash - path) : 1);
	return cfg->path != NULL && cfg->dir != NULL;
}

int
config_parse(const struct config_text *src,
	const struct config_lookup *lookup, struct config **out,
	struct config_errors *errs)
{
	struct config *cfg = MEM_NEW(struct config);
	size_t before = errs->errors;
	struct arena nodes = { 0 };
	struct node *root = NULL;
	int rc = TC_ENOMEM;

	if (cfg == NULL || !keep_path(cfg, src->path))
		goto out;
	rc = tree_parse(&(struct config_text){ cfg->path, src->text, src->n },
		&(struct tree_memory){ &cfg->arena, &cfg->hosts, &nodes },
		&root, errs);
	if (root != NULL && rc != TC_ENOMEM) {
		struct reader rd = { .file = cfg->path, .arena = &cfg->arena,
			.hosts = &cfg->hosts, .errs = errs, .lookup = lookup };

		read_all(&rd, root, cfg);
		if (rd.no_memory)
			rc = TC_ENOMEM;
	}
	if (rc == 0 && errs->errors != before)
		rc = TC_EINVAL;
out:
	arena_free(&nodes);
	if (rc == 0)
		*out = cfg;
	else
		config_free(cfg);
	return rc;
}

/* The file is named once: where the error is shown, it is its place. */
static const char *
without_path(const char *text, const char *path)
{
	size_t n = strlen(path);

	return strncmp(text, path, n) == 0 && strncmp(text + n, ": ", 2) == 0 ?
		text + n + 2 : text;
}

int
config_load(const char *path, const struct config_lookup *lookup,
	struct config **out, struct config_errors *errs)
{
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };
	int rc = file_slurp(path, FILE_MAX_BYTES, &text, &e);

	if (rc == 0)
		rc = config_parse(&(struct config_text){ path,
			strbuf_str(&text), text.n }, lookup, out, errs);
	else if (rc != TC_ENOMEM)
		config_errors_add(errs, false, (struct opt_origin){ path, 0 },
			"%s", without_path(e.text, path));
	strbuf_free(&text);
	return rc;
}

int
config_plugin_dirs(const char *path, struct strbuf *out)
{
	struct config_errors errs = { 0 };
	struct strbuf text = { 0 };
	struct arena arena = { 0 };
	struct reader rd = { .file = path, .arena = &arena, .errs = &errs };
	struct config_list dirs;
	struct node *root;
	struct tc_err e;

	if (file_slurp(path, FILE_MAX_BYTES, &text, &e) == 0 &&
	    tree_parse(&(struct config_text){ path, text.p, text.n },
		&(struct tree_memory){ &arena, &arena, &arena }, &root,
		&errs) == 0 && root->kind == NODE_MAP) {
		reader_texts(&rd, root, "", "plugin_dirs", &dirs);
		for (size_t i = 0; i < dirs.n; i++) {
			strbuf_putc(out, ':');
			strbuf_puts(out, dirs.items[i]);
		}
	}
	arena_free(&arena);
	strbuf_free(&text);
	config_errors_fini(&errs);
	return out->failed ? TC_ENOMEM : 0;
}

void
config_free(struct config *cfg)
{
	if (cfg == NULL)
		return;
	arena_free(&cfg->hosts);
	arena_free(&cfg->arena);
	mem_free(cfg);
}
