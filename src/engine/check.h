/*
 * A check, for src/engine alone.  There are tens of thousands.
 */
#ifndef TOCSIN_ENGINE_CHECK_H
#define TOCSIN_ENGINE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slab.h"
#include "base/wheel.h"
#include "engine/shared.h"
#include "health/check.h"

struct device;
struct host;
struct sweep;
struct unit;

struct check {
	struct slab_node slab;	/* first */
	bool passive : 1;
	bool claimed : 1;	/* set_fleet saw it */
	bool in_flight : 1;
	bool is_recheck : 1;	/* the run in flight is not of a slot */
	bool whole : 1;		/* metrics are just those of the last answer */
	bool of_unit : 1;	/* of a VM or role: check_unit() */
	bool of_device : 1;	/* else; neither: of the host itself */
	uint16_t slowest_ms;	/* of its good answers of late; 0 = none yet */
	uint32_t id;
	uint32_t seq;		/* of the latest run */
	uint32_t started_ms;	/* the latest run, low bits of the mono time */
	uint32_t sweep_at;
	const struct check_kind *kind;	/* counted */
	struct host *host;
	union {
		struct unit *unit;
		struct device *device;
	} of;
	struct wheel_node due;
	int64_t slot_ns;	/* the slot that comes next */
	struct check_state st;
	uint64_t saved;		/* check_state_digest() of what was said */
	struct sweep *sweep;
	struct metric_list metrics;
	char *text;		/* of the last observation, NULL = "" */
};

/* The VM or role that it is of; NULL: of the host. */
static inline struct unit *
check_unit(const struct check *c)
{
	return c->of_unit ? c->of.unit : NULL;
}

static inline void
check_set_unit(struct check *c, struct unit *u)
{
	c->of_unit = true;
	c->of.unit = u;
}

/* The device of the host that it is of, or NULL. */
static inline struct device *
check_device(const struct check *c)
{
	return c->of_device ? c->of.device : NULL;
}

/* Not of a unit's. */
static inline void
check_set_device(struct check *c, struct device *d)
{
	c->of_device = d != NULL;
	c->of.device = d;
}

#endif
