/*
 * tocsin.yaml → one immutable struct config, and from it and the file_sd
 * files the fleet.  Every fault is reported, not only the first; nothing
 * touches a running state: the caller swaps, or keeps what it has.
 *
 *	struct config_errors errs = { 0 };
 *	if (config_load(path, &lookup, &cfg, &errs) == 0 &&
 *	    config_fleet_load(cfg, NULL, &fleet, &errs) == 0)
 *		engine_set_fleet(en, &fleet->def, now, &e);
 *	config_errors_print(&errs, &text);	(warnings as well)
 *	config_errors_fini(&errs);
 *
 * Plain data, no globals: whoever holds a config frees it.
 */
#ifndef TOCSIN_CONFIG_CONFIG_H
#define TOCSIN_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "base/log.h"
#include "config/errors.h"
#include "model/fleet.h"

/* ---- what the caller knows ---- */

struct config_lookup {
	void *arg;
	/* The rows of a probe, ending with a NULL name; NULL = no such probe. */
	const struct tocsin_opt *(*probe_opts)(void *arg, const char *probe);
	/* The i-th name, NULL at the end; for "did you mean"; may be NULL. */
	const char *(*probe_name)(void *arg, size_t i);
};

/* ---- what was read ---- */

/* Any set of options: one value and one origin for each row. */
struct config_values {
	const struct tocsin_opt *rows;
	struct tocsin_value *v;
	struct opt_origin *origins;	/* file "default" when not written */
	size_t n;
	uint64_t set;	/* bit i: row i (< 64) was written just here */
};

struct config_list {
	const char **items;
	size_t n;
	struct opt_origin origin;
};

struct config_receiver {
	const char *name;
	struct config_values values;	/* of receiver_rows in schema.h */
	struct config_list argv;	/* type exec */
	struct config_list to;		/* type smtp */
	struct opt_origin origin;
};

struct config_route {
	const struct tag *match;	/* all must hold; none = always */
	size_t n_match;
	struct config_list to;		/* names of receivers */
	struct config_list contacts;	/* types, in contacts.h */
	struct opt_origin origin;
};

struct config_heartbeat {
	struct config_values values;	/* of heartbeat_rows in schema.h */
	struct config_list to;		/* n = 0: nobody */
	struct opt_origin origin;
};

struct config_executor {
	bool set;
	struct config_values values;	/* of executor_rows in schema.h */
	struct config_list argv;
	struct opt_origin origin;
};

struct config_partition;	/* partition.h */

struct config {
	const char *path;
	const char *dir;		/* of path: what is relative, is to it */

	const char *listen;		/* "127.0.0.1:8420" */
	const char *state_dir;
	const char *rules;		/* rule pack; "" = the one installed */
	enum log_level log_level;
	struct config_list plugin_dirs;	/* n = 0: where they are installed */

	const char *tls_certificate;	/* paths, NULL = plain HTTP */
	const char *tls_key;
	const char *tls_client_ca;	/* NULL = any client */

	unsigned http_threads;		/* 0 = by itself */
	size_t http_max_body_bytes;
	unsigned http_max_connections;
	bool gateway;			/* ping the default one */
	struct config_list witnesses;	/* addresses to ping besides */
	struct config_values observer;	/* of observer_rows in schema.h */
	struct dur keep_raw;		/* 0 = for ever */
	struct dur keep_m5, keep_h1, keep_d1;	/* of roll-ups */
	struct dur pack_after;		/* 0 = never */
	struct dur keep_alerts, keep_events, keep_audit;
	struct dur backup_max_age;	/* 0 = nobody is warned */
	struct dur host_backup_max_age;	/* 0 = any age will do */
	struct check_rule defaults;
	struct check_rule passive;	/* of what agents send */
	struct dur passive_smart_interval;
	struct unit_rule units;		/* of VMs and agents */

	const struct config_receiver *receivers;
	size_t n_receivers;
	const struct config_route *routes;
	size_t n_routes;
	const struct config_contacts *contacts;	/* contacts.h; NULL: none */
	struct config_heartbeat heartbeat;
	struct evacuation_pace leaving;
	bool evacuate_armed;
	struct pace_limits pace;	/* of a partition */
	struct pace_limits pace_fleet;
	struct ladder_rule ladder;
	struct config_executor executor;

	struct config_partition *partitions;
	size_t n_partitions;

	/* Private: by section, for printing. */
	struct config_values sections[8];
	struct arena arena;
	struct arena hosts;	/* what is of them alone */
};

/*
 * 0, or TC_EINVAL when there is at least one error (then *out is unset), or
 * TC_ENOMEM.  All of them are in `errs`.  `lookup` is used within the call
 * only, but its rows are kept: they live as long as the config.
 */
int config_load(const char *path, const struct config_lookup *lookup,
	struct config **out, struct config_errors *errs);

/*
 * Appends ":DIR" for each of plugin_dirs: wanted before config_load(), since
 * plugins know rows.  Nothing of a faulty file: config_load() will tell.
 */
int config_plugin_dirs(const char *path, struct strbuf *out);
/* config_load() from memory; `path` is what errors name. */
struct config_text {
	const char *path;
	const char *text;
	size_t n;
};
int config_parse(const struct config_text *src,
	const struct config_lookup *lookup, struct config **out,
	struct config_errors *errs); /* lint: text and n are one thing */
void config_free(struct config *cfg);

/* ---- the fleet ---- */

struct config_sd;	/* file_sd.h */

struct config_fleet {
	struct fleet_def def;		/* valid while this and cfg live */
	struct host_def *hosts;		/* those of def */
	struct arena arena;		/* private, as the rest */
	struct config_sd *sd;
};

/*
 * The hosts of cfg and of its file_sd files, read now.  A broken file is a
 * warning that names file and JSON pointer, and keeps what `earlier` (may be
 * NULL; any earlier fleet, of another config too) had of it.  A host that
 * the configuration has, or an earlier file, stays with that: a warning.
 * 0 or TC_ENOMEM.
 */
int config_fleet_load(const struct config *cfg,
	const struct config_fleet *earlier, struct config_fleet **out,
	struct config_errors *errs);
void config_fleet_free(struct config_fleet *fleet);
/* The engine has them: hosts go, from `cfg` too if no file_sd can change. */
void config_fleet_taken(struct config *cfg, struct config_fleet *fleet);

/* Files came, went, or are not as `fleet` read them (size, time, inode). */
bool config_fleet_is_stale(const struct config *cfg,
	const struct config_fleet *fleet);

/* ---- for people ---- */

/* The effective configuration as YAML, secrets as ***. */
void config_print(const struct config *cfg, struct strbuf *out,
	bool with_origins);
/* From the rows: a commented example; tocsin.yaml(5). */
void config_write_example(struct strbuf *out);
void config_write_man(struct strbuf *out);

#endif
