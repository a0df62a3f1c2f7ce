/*
 * What the engine knows: its own structs, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_ENTITIES_H
#define TOCSIN_ENGINE_ENTITIES_H

#include "base/hash.h"
#include "base/heap.h"
#include "base/intern.h"
#include "base/list.h"
#include "engine/engine.h"
#include "engine/snapshot.h"
#include "health/check.h"
#include "predict/eval.h"
#include "predict/features.h"
#include "predict/host.h"
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

struct last_metric {
	uint32_t name;		/* interned */
	uint32_t instance;	/* interned, 0 = "" */
	double value;
};

struct metric_list {
	struct last_metric *items;
	uint32_t n;
	uint32_t cap;
};

struct part {
	uint32_t id;
	char *name;
	struct list sweeps;
	size_t shown;		/* place in the snapshot being made */
};

/*
 * Checks of one probe and partition that start in the same second share one
 * history row a slot; its layout is the members' order.
 */
struct sweep {
	struct list link;	/* in part */
	struct part *part;
	const char *probe;
	int64_t interval_ns;
	int64_t phase;		/* second of the interval */
	struct check **members;
	size_t n;
	size_t cap;
	uint32_t metrics[8];	/* learned from results, interned, in order */
	size_t n_metrics;
	double *values;		/* [member][metric, then check_ok] */
	size_t values_cap;
	size_t arrived;
	bool open;
	int64_t apart_ms;	/* by the interval */
	int64_t second_ns;	/* begin of the slot, mono */
	struct wall at;
};

struct host;
struct check {
	uint32_t id;
	uint32_t seq;		/* of the latest run */
	struct host *host;
	struct device *device;	/* NULL: of the host itself */
	const char *key;	/* interned */
	const char *probe;	/* interned */
	struct check_rule rule;
	const struct tocsin_opt *opt_rows;
	struct tocsin_value *opts;	/* owned, strings in the same block */
	bool passive;
	bool claimed;		/* set_fleet saw it */
	bool in_flight;
	bool is_recheck;	/* the run in flight is not of a slot */
	struct heap_node due;
	int64_t slot_ns;	/* the slot that comes next */
	struct mono started;
	struct check_state st;
	unsigned char saved[CHECK_SAVED_BYTES];
	struct sweep *sweep;
	uint32_t sweep_at;
	struct metric_list metrics;
	char *text;		/* of the last observation, NULL = "" */
};

struct device {
	uint32_t id;
	struct host *host;
	char *key;
	struct device_id ident;	/* in the same block as key */
	struct check *check;
	struct features features;
	bool has_features;
	enum level level;	/* last said; the verdict may be gone */
	bool asleep;
	enum tocsin_reason reason;
	struct wall at;
	bool judged;
	struct risk risk;
	int32_t score;
	struct verdict *verdict;	/* NULL when it has no evidence */
	uint64_t prediction_id;
	struct wall level_since;
	int32_t judged_day;
};

struct host {
	uint32_t id;
	char *name;
	struct part *part;
	char *address;
	enum host_owner owner;
	struct tag *tags;	/* one block with their text */
	size_t n_tags;
	struct check **checks;
	size_t n_checks;
	size_t cap_checks;
	struct device **devices;
	size_t n_devices;
	size_t cap_devices;
	bool present;
	bool claimed;
	enum health health;
	enum disposition disposition;
	unsigned flags;
	enum tocsin_reason reason;
	struct check *worst;	/* NULL while healthy */
	struct wall since;
	struct host_risk risk;
	size_t place;		/* in engine.sorted */
};


enum dirt { CLEAN, DIRTY_COSMETIC, DIRTY_URGENT };

struct engine {
	struct engine_io *io;
	const struct pack *pack;
	const char *version;
	struct intern names;	/* keys, probes, metrics, instances */
	struct hash parts;
	struct hash hosts;	/* by name, retired ones included */
	struct hash devices;	/* by key */
	/* What a subject id is, by its kind. */
	struct subject_ref {
		enum subject_kind kind;
		void *p;
	} *subjects;
	size_t cap_subjects;
	uint32_t next_subject;
	uint64_t event_seq;
	uint64_t prediction_id;

	struct host **sorted;	/* present hosts by name */
	size_t n_sorted;
	size_t cap_sorted;
	bool resort;

	struct heap due;
	struct engine_run *runs;	/* of this tick */
	size_t n_runs;
	size_t cap_runs;
	struct check_rule passive;
	struct dur smart_interval;

	bool restored;		/* restore_finish() was done */
	struct now now;		/* of the call we are in */
	struct mono last_tick;
	int64_t gap_ns;		/* all the time we slept */
	int32_t judged_day;	/* all devices were aged on this day */
	struct wall started;

	struct change_set *facts;	/* being gathered; NULL = none yet */
	struct change_set *lent;	/* engine_batch()'s, in place of facts */

	unsigned char *dirt;	/* enum dirt, by chunk */
	struct snap_chunk **chunks;
	size_t n_chunks;
	size_t cap_chunks;
	uint64_t generation;
	bool changed;		/* since the last generation */
	struct mono cosmetic_at;
	bool degraded;
	char degraded_why[128];
	struct engine_counts counts;
};

#endif
