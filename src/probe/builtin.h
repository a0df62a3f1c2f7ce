/*
 * Probes that are linked into the runner because they need what no plugin
 * gets: children.
 */
#ifndef TOCSIN_PROBE_BUILTIN_H
#define TOCSIN_PROBE_BUILTIN_H

#include <tocsin/probe.h>

extern const struct tocsin_probe probe_exec;	/* open: any metric */

#endif
