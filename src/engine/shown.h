/*
 * What a snapshot shows, as plain structs: hosts with their checks and
 * devices, partitions with their brakes, plans, maintenance windows.
 */
#ifndef TOCSIN_ENGINE_SHOWN_H
#define TOCSIN_ENGINE_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/shown_host.h"
#include "engine/shown_outlook.h"
#include "engine/shown_plan.h"
#include "engine/shown_unit.h"
#include "model/note.h"
#include "model/observation.h"
#include "model/reason.h"
#include "model/state.h"
#include "plan/urgency.h"
#include "model/unit.h"

struct window;

/* The names of last values: one for all of a chunk that measure the same. */
struct snap_name {
	const char *name, *instance;
};

struct snap_names {
	size_t n;
	const struct snap_name *of;
};

/* What the checks of many hosts have in common. */
struct snap_kind {
	const char *key;	/* "tcp:8000" */
	const char *probe;
	const char *origin;	/* "tocsin.yaml:12", "agent" */
	struct check_rule rule;
	const struct snap_names *names;	/* of their values; NULL = none */
};

/* A check is of exactly one. */
enum snap_layer { LAYER_HOST, LAYER_VM, LAYER_ROLE };
const char *snap_layer_id(enum snap_layer l);	/* "host" "vm" "role" */

/* What its observations move one by one is in snap_live. */
struct snap_check {
	uint32_t id;
	uint16_t reason;	/* enum tocsin_reason */
	uint8_t health;		/* enum health */
	uint8_t layer : 4;	/* enum snap_layer */
	uint8_t passive : 1;
	uint8_t flapping : 1;
	uintptr_t live;		/* see snap_live() */
	const struct snap_kind *kind;
	const char *text;
	struct wall since;	/* of the health; ms 0 = never observed */
};

/* A bad value that a person lives with; any move beyond delta revokes it. */
struct snap_accepted {
	const char *metric;
	int64_t value, delta;
	struct wall until;
	struct wall at;
	const char *by;
	const char *reason;
};

struct snap_device {
	uint32_t id;
	struct device_id ident;
	bool asleep;
	struct wall at;		/* last observation */
	enum tocsin_reason reason;	/* none, device_asleep, no_smart … */
	bool judged;		/* false: a coverage gap, neither well nor ill */
	enum level level;
	struct risk risk;
	/* NULL when not judged, or when nothing speaks for or against. */
	const struct verdict *verdict;
	uint64_t prediction_id;		/* 0 = level none */
	struct wall level_since;
	const struct snap_names *names;	/* of decoded values; NULL = none */
	uintptr_t live;		/* they are those of its check: snap_live() */
	const struct snap_accepted *accepted;
	size_t n_accepted;
};

/* A latch: actions stop, visibility does not (DESIGN 3b.17). */
struct snap_brake {
	bool latched;
	struct wall since;
	size_t bad;		/* convicted or imminent now */
	size_t hosts;
	size_t limit;		/* latches above */
	const char *cause;	/* "" while open */
	const char *suspect;	/* a VM; "" = none */
	const char *reason;	/* "" while open */
	const char *released_by;	/* the last time; "" = never */
	struct wall released;
};

struct snap_partition {
	uint32_t id;
	const char *name;
	size_t n_hosts;
	size_t counts[STATE_COUNT_];
	struct snap_brake brake;
	unsigned off;		/* bits by enum plan_switch */
};

/* A maintenance window that is running or to come. */
struct snap_window {
	const struct window *w;	/* plan/window.h */
	size_t n_hosts;		/* that it covers */
};

#endif
