/*
 * What a series of somebody else's is called here (DESIGN 3b.1): those of
 * node_exporter get the names of our agent, so that a host looks the same
 * whoever watches it; smartctl_exporter's and those of the smartmon text file
 * speak of drives.
 */
#ifndef TOCSIN_PROBES_SCRAPE_NAMES_H
#define TOCSIN_PROBES_SCRAPE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "wire/prom_read.h"

enum series_kind { SERIES_DROP, SERIES_METRIC, SERIES_DRIVE };

enum drive_field {
	DRIVE_IDENT, DRIVE_RAW, DRIVE_VALUE, DRIVE_WORST, DRIVE_THRESHOLD,
	DRIVE_TEMPERATURE, DRIVE_POWER_ON_SECONDS, DRIVE_STATUS,
	DRIVE_CAPACITY, DRIVE_USED_PERCENT, DRIVE_SPARE_PERCENT,
	DRIVE_CRITICAL_WARNING, DRIVE_MEDIA_ERRORS, DRIVE_GROWN_DEFECTS,
	DRIVE_UNCORRECTED,
};

/* One of ours; several series of a page may add up to it. */
struct measure {
	const char *name;
	const char *instance;	/* "" = none */
	uint64_t page;		/* that it was last seen on */
	uint32_t at;		/* its place among that page's samples */
};

/* What a series of a page is; in the arena of the memory. */
struct series {
	enum series_kind kind;
	double factor;
	struct measure *measure;	/* SERIES_METRIC */
	/* SERIES_DRIVE */
	const char *device;
	enum drive_field field;
	uint8_t attribute;
	bool is_rounded;	/* written with seven digits at most */
	const char *attribute_name;
	const char *model;	/* with DRIVE_IDENT */
	const char *serial;
	const char *firmware;
	const char *protocol;
};

struct names {
	struct hash measures;	/* "name{instance}" → struct measure */
};

/* prom_know and forgotten of struct prom_memory; arg is struct names. */
const void *names_know(void *arg, struct arena *mem,
	const struct prom_point *point);
void names_forgotten(void *arg);

#endif
