/*
 * The drives that a page of smartctl_exporter, or the smartmon text file of
 * node_exporter, speaks of, put together to reports such as the smart probe
 * makes.
 */
#ifndef TOCSIN_PROBES_SCRAPE_DRIVES_H
#define TOCSIN_PROBES_SCRAPE_DRIVES_H

#include <tocsin/probe.h>

#include "probes/scrape/names.h"
#include "smart/model.h"

#define DRIVES_MAX 64

struct drives {
	struct drive *items;
	size_t n;
	size_t cap;
};

void drives_free(struct drives *d);
/* A value of a series of kind SERIES_DRIVE. */
void drives_take(struct drives *d, const struct series *s, double value);
/* One part() each of those whose serial number is known. */
void drives_report(struct drives *d, struct tocsin_ctx *ctx, uint32_t slot);

#endif
