/*
 * What the engine knows: its own structs, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_ENTITIES_H
#define TOCSIN_ENGINE_ENTITIES_H

#include "base/hash.h"
#include "base/heap.h"
#include "base/intern.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "engine/device.h"
#include "engine/engine.h"
#include "engine/shared.h"
#include "engine/snapshot.h"
#include "plan/brake.h"
#include "plan/choose.h"
#include "plan/urgency.h"
#include "plan/window.h"
#include "health/check.h"
#include "health/observer.h"
#include "predict/drive.h"
#include "predict/features.h"
#include "predict/host.h"
#include "predict/outlook.h"
#include "predict/rules.h"

/* Kept of one observation at most; what is beyond is counted, not shown. */
#define METRICS_PER_CHECK 2000
#define DEVICES_PER_HOST 1024
#define CHECKS_PER_HOST 4096
/* The tick was late by more: we slept, and nobody else did anything wrong. */
#define GAP_MS 5000
/* Checks of one host start on a grid, so that wake-ups are shared. */
#define PHASE_GRID_MS 50
#define SWEEP_MS 1000
/* Due times are rounded up to it; slots lie on the grid, so on it too. */
#define WHEEL_TICK_NS INT64_C(10000000)

struct part {
	uint32_t id;
	char *name;
	struct list sweeps;
	struct brake brake;
	struct pace *pace;	/* NULL = nothing was recommended yet */
	unsigned off;		/* bits by enum plan_switch */
	size_t n_hosts;		/* present */
	size_t n_bad;		/* convicted or imminent */
	size_t n_alerting;	/* alerts of its hosts that fire */
	bool touched;		/* in this step */
	bool targets_moved;	/* one may be a target now, or no more */
	/* Of this step: how many of its hosts may be targets, and the first. */
	uint64_t targets_step;
	size_t target_counts[TARGET_COUNT_];
	struct host *eligible[SNAP_PLAN_TARGETS];
	size_t n_eligible;
	size_t shown;		/* place in the snapshot being made */
	struct observer_ring seen;	/* its hosts of late */
	bool doubted;		/* while the observer is in doubt */
	int64_t gap_ns;		/* all the time it was */
};

struct sweep;
struct check {
	struct slab_node slab;	/* first */
	bool passive : 1;
	bool claimed : 1;	/* set_fleet saw it */
	bool in_flight : 1;
	bool is_recheck : 1;	/* the run in flight is not of a slot */
	bool whole : 1;		/* metrics are just those of the last answer */
	uint16_t slowest_ms;	/* of its good answers of late; 0 = none yet */
	uint32_t id;
	uint32_t seq;		/* of the latest run */
	uint32_t started_ms;	/* the latest run, low bits of the mono time */
	uint32_t sweep_at;
	const struct check_kind *kind;	/* counted */
	struct host *host;
	struct unit *unit;	/* VM or role that it is of; NULL: the host */
	struct device *device;	/* NULL: of the host itself */
	struct wheel_node due;
	int64_t slot_ns;	/* the slot that comes next */
	struct check_state st;
	uint64_t saved;		/* check_state_digest() of what was said */
	struct sweep *sweep;
	struct metric_list metrics;
	char *text;		/* of the last observation, NULL = "" */
};

/* There are thousands: small things lie together, and first. */
struct host {
	uint32_t id;
	enum host_owner owner : 8;
	enum health health : 8;
	enum health host_health : 8;	/* of the host layer alone */
	enum disposition disposition : 8;
	enum tocsin_reason reason : 16;
	bool present : 1;
	bool claimed : 1;
	bool bad : 1;		/* counted in part->n_bad */
	bool touched : 1;	/* in engine.touched */
	bool down : 1;		/* as a parent: none of its checks answers */
	bool awaited : 1;	/* by hosts that wait for its answer */
	bool guests_wait : 1;	/* VMs and roles on it do */
	uint8_t takes;		/* enum target_state, when it was last asked */
	unsigned flags;
	unsigned why_not;
	uint32_t place;		/* in engine.sorted */
	uint32_t parent;	/* host that it hangs on, 0 = none: parents.h */
	uint32_t n_below;	/* hosts that hang on it, in the end */
	uint32_t n_tags;
	uint32_t n_checks;
	uint32_t cap_checks;
	uint32_t n_devices;
	uint32_t cap_devices;
	struct part *part;
	char *address;
	struct tag *tags;	/* one block with their text */
	struct check **checks;
	struct device **devices;
	struct check *worst;	/* NULL while healthy */
	struct wall since;
	struct host_risk risk;
	struct observer_mark heard;	/* of the checks from here */
	struct host_outlook *outlook;	/* NULL = none yet */
	struct window *window;	/* that covers it now, or NULL */
	struct host_plan *plan;	/* NULL = nothing to do */
	struct diagnosis *diagnosis;	/* of this time out, or NULL */
	struct unit *units;	/* VMs and roles on it; NULL = none */
	struct watch *watch;	/* of its agent; NULL = not missed */
	char name[];
};

/* What is recommended for a host. */
struct host_plan {
	uint64_t id;
	enum plan_action action;
	enum plan_state state;
	bool predicted;
	bool paced;		/* was recommended before: counted once */
	struct plan_urgency urgency;	/* when predicted */
	struct wall since;
	unsigned why_not;
};

struct live_alert {
	struct alert shown;	/* texts owned */
	struct host *h;		/* NULL: of a partition or the server */
};

#endif
