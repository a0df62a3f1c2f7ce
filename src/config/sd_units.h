/*
 * VMs and roles that file_sd files name: onto the hosts of a fleet.
 */
#ifndef TOCSIN_CONFIG_SD_UNITS_H
#define TOCSIN_CONFIG_SD_UNITS_H

#include "base/hash.h"
#include "config/file_sd.h"

/* The fleet as far as it is made. */
struct sd_place {
	const struct config *cfg;
	const struct config_sd *sd;
	struct arena *arena;		/* of the fleet */
	struct host_def *hosts;		/* all of them */
	size_t n;
	const struct hash *by_name;	/* → struct host_def */
	struct config_errors *errs;
};

/*
 * What has no place, or is there already, is a warning and left out: a file
 * must not stop the rest.  0 or TC_ENOMEM.
 */
int sd_units_place(const struct sd_place *p);

#endif
