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
	bool unsaved : 1;	/* its state was not said as it is */
	bool whole : 1;		/* metrics are just those of the last answer */
	bool of_unit : 1;	/* a VM or role: check_unit() */
	uint16_t slowest_ms;	/* of its good answers of late; 0 = none yet */
	uint32_t id;
	uint32_t seq;		/* of the latest run */
	uint32_t started_ms;	/* the latest run, low bits of the mono time */
	uint32_t sweep_at;
	const struct check_kind *kind;	/* counted */
	union {
		struct host *host;	/* its own, or of its device */
		struct unit *unit;
	} of;			/* check_host() */
	/* What we ask is in a sweep, what an agent sends may be of a device. */
	union {
		struct sweep *sweep;	/* check_sweep() */
		struct device *device;	/* check_device() */
	} by;
	struct wheel_node due;
	int64_t slot_ns;	/* the slot that comes next */
	struct check_state st;
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

struct host *unit_host(const struct unit *u);
/* That it is of, or that its unit is on. */
static inline struct host *
check_host(const struct check *c)
{
	return c->of_unit ? unit_host(c->of.unit) : c->of.host;
}

/* The device of the host that it is of, or NULL. */
static inline struct device *
check_device(const struct check *c)
{
	return c->passive ? c->by.device : NULL;
}

/* As the agent says it; its values are those of the device from now on. */
void check_set_device(struct check *c, struct device *d);

/* The sweep that it is in, or NULL. */
static inline struct sweep *
check_sweep(const struct check *c)
{
	return c->passive ? NULL : c->by.sweep;
}

#endif
