/*
 * For tests of the configuration: a few probes with their options, and a
 * text that must be good.
 */
#ifndef TOCSIN_T_UNIT_CONFIG_RIG_H
#define TOCSIN_T_UNIT_CONFIG_RIG_H

#include "config/config.h"
#include "config/errors.h"

/* cpu, ping (count), tcp (port), web (token, ratio, follow, limit) */
extern const struct config_lookup rig_lookup;

/* As "/etc/t/t.yaml". */
int rig_parse(const char *text, struct config **cfg,
	struct config_errors *errs);
/* The test fails with what is wrong. */
struct config *rig_good(const char *text);
struct config_fleet *rig_fleet_of(const struct config *cfg);

/* A folder with t.yaml and the files that it lists; what is loaded of it. */
struct scene {
	char dir[64];
	struct config *cfg;
	struct config_fleet *fleet;
	struct config_errors errs;
};

/* t.yaml, which must be good. */
void scene_open(struct scene *s, const char *yaml);
void scene_put(const struct scene *s, const char *name, const char *text);
/* The fleet anew, with the last one as the earlier. */
void scene_load(struct scene *s);
/* `files` ends with NULL. */
void scene_close(struct scene *s, const char *const *files);

#endif
