/*
 * VMs and roles as they were written: under their host, or in the lists of
 * the partition with on: HOST or on: VM.
 */
#ifndef TOCSIN_CONFIG_UNITS_H
#define TOCSIN_CONFIG_UNITS_H

#include "config/partition.h"

struct config_unit {
	struct unit_def def;
	struct config_unit *next;	/* of the same host */
	struct config_unit *vm;		/* of a role inside one */
	struct config_host *host;	/* NULL: on: named nobody */
	struct config_checks own;
	struct config_values values;	/* vm_rows or role_rows */
	struct config_values rule;	/* unit_rows; n = 0 for roles */
	struct config_list signals;
	const char *on;		/* "" = where it is written */
	size_t place;		/* among the host's units */
};

struct unit_rule unit_rule_of(const struct config_values *values);

/* vms: and roles: of a host's map, or of a partition's with h == NULL. */
void units_read(struct reader *rd, const struct node *map,
	struct config_partition *p, struct config_host *h,
	struct config_names *names);
/* After all hosts and lists: who runs where; the definitions are made. */
void units_settle(struct reader *rd, struct config_partition *p,
	struct config_names *names);
/* A role straight on it has checks of its own. */
bool units_have_own_roles(const struct config_host *h);

#endif
