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
#include "engine/check.h"
#include "engine/device.h"
#include "engine/engine.h"
#include "engine/host.h"
#include "engine/shared.h"
#include "engine/snapshot.h"
#include "plan/brake.h"
#include "plan/room.h"
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
	uint32_t contagion;	/* VM under which one more host fell; 0 = none */
	bool touched;		/* in this step */
	bool targets_moved;	/* one may be a target now, or no more */
	/* Of this step: how many of its hosts may be targets, and the first. */
	uint64_t targets_step;
	size_t target_counts[TARGET_COUNT_];
	struct host *eligible[SNAP_PLAN_TARGETS];
	size_t n_eligible;
	struct room_sum room;	/* of all that are eligible */
	size_t shown;		/* place in the snapshot being made */
	struct observer_ring seen;	/* its hosts of late */
	bool doubted;		/* while the observer is in doubt */
	int64_t gap_ns;		/* all the time it was */
};

struct live_alert {
	struct alert shown;	/* texts owned */
	struct host *h;		/* NULL: of a partition or the server */
};

#endif
