/*
 * Partitions, their hosts and checks as they were written.
 */
#ifndef TOCSIN_CONFIG_PARTITION_H
#define TOCSIN_CONFIG_PARTITION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "config/config.h"
#include "config/rows.h"

struct config_check {
	const char *key;
	const char *probe;
	struct config_values rule;	/* rule_rows; set = written at the check */
	struct config_values opts;	/* of the probe */
	struct opt_origin origin;
};

struct config_checks {
	struct config_check *items;
	size_t n;
};

struct config_unit;	/* units.h */

struct config_host {
	struct host_def def;		/* checks merged */
	struct config_unit *units;	/* VMs and roles on it */
	struct config_values unit_rule;	/* unit_rows */
	struct config_checks own;	/* beside those of the partition */
	struct config_values rule;	/* n = 0: the partition's */
	unsigned parent_line;
};

struct config_partition {
	const char *name;
	struct config_values rule;	/* set = written at the partition */
	struct config_checks checks;
	struct check_def *defs;		/* the same, for hosts without own ones */
	struct config_checks vm_checks;	/* of VMs without own ones */
	struct config_checks role_checks;
	struct config_values unit_rule;	/* unit_rows */
	struct config_unit *flat;	/* of its own lists, while reading */
	struct config_host *hosts;
	size_t n_hosts;
	struct config_list file_sd;
	struct opt_origin origin;
};

struct check_rule rule_of(const struct config_values *values);
/* Errors in its windows: fail_when, flap_…. */
void rule_check_windows(struct reader *rd, const struct config_values *rule,
	const char *where);

/* Of all partitions so far; hosts and VMs share one space of names. */
struct config_names {
	struct hash hosts;	/* → struct config_host */
	struct hash vms;	/* → struct config_unit */
};

/* The list at at->key; a rule not written at the check follows `rule`. */
struct config_key {
	const char *where;
	const char *key;
};
void checks_read(struct reader *rd, const struct node *map,
	const struct config_values *rule, const struct config_key *at,
	struct config_checks *out);
struct check_def check_def_of(const struct config_check *c,
	const struct config_values *host);
bool name_read(struct reader *rd, const struct node *n, const char *what,
	const char **out);

/* What all partitions begin with. */
struct config_around {
	const struct config_values *defaults;	/* rule_rows */
	const struct config_values *units;	/* unit_rows */
};
void partition_read(struct reader *rd, const struct node *map,
	const struct config_around *around, struct config_partition *out,
	struct config_names *names);

#endif
