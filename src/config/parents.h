/*
 * Who hangs on whom: `parent:` of hosts, and the label __tocsin_parent.
 */
#ifndef TOCSIN_CONFIG_PARENTS_H
#define TOCSIN_CONFIG_PARENTS_H

#include "config/partition.h"

/*
 * Errors: oneself, a cycle, a chain that is too long; and nobody of that
 * name, unless a file_sd may still bring one.
 */
void parents_check(struct reader *rd, const struct config *cfg,
	const struct config_names *names);

/*
 * The same of the whole fleet, where it is a warning and the host hangs on
 * nothing: a file must not stop the rest.  `by_name` → struct host_def.
 */
void parents_link(struct host_def *hosts, size_t n,
	const struct hash *by_name, struct config_errors *errs);

#endif
