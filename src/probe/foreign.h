/*
 * Plugins that did not come with Tocsin: in a process of their own, known
 * here by a descriptor of the loop form that passes runs on to it.
 */
#ifndef TOCSIN_PROBE_FOREIGN_H
#define TOCSIN_PROBE_FOREIGN_H

#include "base/err.h"
#include "probe/plugin.h"

/* Asks the worker what the plugin is; waits for it, 10 s at most. */
int foreign_load(const char *worker, const char *path, const char *name,
	struct plugin **out, struct tc_err *e); /* lint: a name, where, and by whom */

#endif
