/*
 * The fleet at one moment: immutable, reference-counted, read by any thread
 * without a lock.  Hosts are sorted by name and lie in chunks of up to 64,
 * which successive snapshots share while nothing in them changes.
 *
 * A snapshot and all it points to live until snapshot_put() of the last
 * reference.  Rendered text may be kept with a chunk (snapshot_cache).
 */
#ifndef TOCSIN_ENGINE_SNAPSHOT_H
#define TOCSIN_ENGINE_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/fleet.h"
#include "model/level.h"
#include "model/observation.h"
#include "model/reason.h"
#include "model/state.h"
#include "model/verdict.h"

#define SNAP_CHUNK_HOSTS 64

/* Last value of a metric. */
struct snap_metric {
	const char *name;
	const char *instance;
	double value;
};

struct snap_check {
	uint32_t id;
	const char *key;	/* "tcp:8000" */
	const char *probe;
	bool passive;
	enum health health;
	enum tocsin_outcome outcome;	/* of the last observation */
	enum tocsin_reason reason;
	const char *text;
	struct wall since;	/* of the health; ms 0 = never observed */
	struct wall at;		/* last observation; ms 0 = none yet */
	unsigned fails;		/* consecutive */
	unsigned oks;
	struct check_rule rule;
	const struct snap_metric *metrics;
	size_t n_metrics;
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
	const struct snap_metric *metrics;	/* decoded values */
	size_t n_metrics;
};

struct snap_host {
	uint32_t id;
	const char *name;
	const char *partition;
	const char *address;
	enum host_owner owner;
	const struct tag *tags;
	size_t n_tags;
	enum unit_state state;
	enum health health;
	enum disposition disposition;
	unsigned flags;		/* enum unit_flag */
	enum tocsin_reason reason;	/* of the worst check */
	const char *reason_check;	/* its key; "" when healthy */
	const char *reason_text;
	struct wall since;
	enum level level;	/* worst device, or the host's own signals */
	double risk;		/* 30 days */
	const char *risk_reason;	/* one line for people; "" at none */
	uint32_t risk_device;	/* snap_device.id, 0 = none */
	const struct snap_check *checks;
	size_t n_checks;
	const struct snap_device *devices;
	size_t n_devices;
};

/* Text made from a chunk by http, kept with it; freed with the chunk. */
struct snap_text {
	size_t n;
	const char *p;
	size_t at[SNAP_CHUNK_HOSTS + 1];	/* where each host's piece begins */
};

#define SNAP_CACHES 2	/* 0 the list rows, 1 the whole hosts */

struct snap_chunk {
	_Atomic unsigned refs;
	uint64_t generation;	/* of its last change */
	size_t n;
	const struct snap_host *hosts[SNAP_CHUNK_HOSTS];
	_Atomic(struct snap_text *) cache[SNAP_CACHES];
	struct arena arena;
};

struct snap_partition {
	uint32_t id;
	const char *name;
	size_t n_hosts;
	size_t counts[STATE_COUNT_];
};

/* The worst-off hosts, most at risk first; at most this many. */
#define SNAP_TOP_RISKS 10

struct snapshot {
	_Atomic unsigned refs;
	uint64_t generation;	/* ETag: state, level, reason, inventory, brake */
	struct wall at;		/* made */
	struct mono at_mono;
	struct wall started;	/* the server */
	struct wall since;	/* of the worst state */
	const char *version;
	bool degraded;
	const char *degraded_why;
	enum unit_state worst;
	size_t counts[STATE_COUNT_];
	size_t levels[LEVEL_N];
	size_t n_hosts;
	size_t n_checks;
	size_t n_devices;
	size_t n_devices_unjudged;	/* coverage gap */
	struct snap_chunk **chunks;
	size_t n_chunks;
	const struct snap_host *top[SNAP_TOP_RISKS];
	size_t n_top;
	const struct snap_partition *partitions;
	size_t n_partitions;
	_Atomic(struct snap_text *) summary;	/* http's cache, freed with it */
	struct arena arena;
};

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_put(struct snapshot *s);

/* The makers' own: drops one reference of a chunk. */
void snap_chunk_put(struct snap_chunk *c);

/* NULL when there is none.  `folded` is a checked name. */
const struct snap_host *snapshot_host(const struct snapshot *s,
	const char *folded);
/* Where the host lies: its chunk and its place in it; false when unknown. */
bool snapshot_find(const struct snapshot *s, const char *folded,
	struct snap_chunk **chunk, size_t *at);
/* The first host whose name is > `after` ("" = the first). */
bool snapshot_after(const struct snapshot *s, const char *after,
	size_t *chunk, size_t *at);

/*
 * Publishes `fresh` (mem_alloc'd, `p` behind the struct in the same block) in
 * an empty cache; returns the text that is in force, freeing `fresh` if
 * another thread was first.
 */
struct snap_text *snapshot_cache(_Atomic(struct snap_text *) *cache,
	struct snap_text *fresh);

#endif
