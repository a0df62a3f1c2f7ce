/*
 * For tests of the configuration: a few probes with their options, and a
 * text that must be good.
 */
#ifndef TOCSIN_T_UNIT_CONFIG_RIG_H
#define TOCSIN_T_UNIT_CONFIG_RIG_H

#include "config/config.h"

/* cpu, ping (count), tcp (port), web (token, ratio, follow, limit) */
extern const struct config_lookup rig_lookup;

/* As "/etc/t/t.yaml". */
int rig_parse(const char *text, struct config **cfg,
	struct config_errors *errs);
/* The test fails with what is wrong. */
struct config *rig_good(const char *text);
struct config_fleet *rig_fleet_of(const struct config *cfg);

#endif
