/*
 * A loaded plugin: its descriptor, checked once and trusted afterwards.
 */
#ifndef TOCSIN_PROBE_PLUGIN_H
#define TOCSIN_PROBE_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "base/err.h"
#include "base/mem.h"

#define PLUGIN_OPTS_MAX 64
#define PLUGIN_METRICS_MAX 1024

struct plugin {
	char *name;
	void *dl;	/* of dlopen(), or NULL for one that is linked in */
	const struct tocsin_probe *probe;
	size_t n_opts;
	struct tocsin_value *defaults;	/* n_opts */
	size_t n_metrics;
	char *path;	/* of a foreign one, or NULL */
	struct arena mem;	/* its rows, when it is foreign */
	bool open;	/* reports metrics that it does not declare */
};

/* `path` is NAME.so somewhere. */
int plugin_load(const char *path, const char *name, struct plugin **out,
	struct tc_err *e);
/* One that is linked in; its metrics are open. */
int plugin_builtin(const struct tocsin_probe *probe, struct plugin **out,
	struct tc_err *e);
void plugin_free(struct plugin *p);

/* Of a descriptor that is in memory: checks it against `name`. */
int plugin_check(const struct tocsin_probe *probe, const char *name,
	struct plugin *out, struct tc_err *e);

/* The declared row that `name` belongs to, or NULL. */
const struct tocsin_metric *plugin_metric(const struct plugin *p,
	const char *name);

/* May the plugin report a metric of this name. */
bool plugin_takes(const struct plugin *p, const char *name);

/* The value of an option row from text, bounds checked. */
int plugin_opt_parse(const struct tocsin_opt *row, const char *text,
	struct tocsin_value *out, struct tc_err *e);

#endif
