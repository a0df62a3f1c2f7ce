/*
 * The fleet at one moment: immutable, reference-counted, read by any thread
 * without a lock.  Hosts are sorted by name and lie in chunks of up to 64,
 * which successive snapshots share while nothing in them changes (shown_chunk.h).
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
#include "base/mem.h"
#include "engine/shown_chunk.h"
#include "model/alert.h"

/* Made when a window or the fleet moves, else shared. */
struct snap_windows {
	_Atomic unsigned refs;
	const struct snap_window *items;
	size_t n;
	struct arena arena;
};

/* The worst-off hosts, most at risk first; at most this many. */
#define SNAP_TOP_RISKS 10

/* Broken hosts now, against five minutes ago. */
enum snap_trend { TREND_STEADY, TREND_BETTER, TREND_WORSE };

struct snapshot {
	_Atomic unsigned refs;
	uint64_t generation;	/* ETag: state, level, reason, inventory, brake */
	struct wall at;		/* made */
	struct mono at_mono;
	struct wall started;	/* the server */
	struct wall since;	/* of the worst state */
	const char *version;
	bool observer_suspect;	/* the server may be cut off */
	const char *observer_why;	/* a stable id; NULL while it is not */
	struct wall observer_since;	/* ms 0 while it is not */
	bool degraded;
	const char *degraded_why;
	enum unit_state worst;
	size_t counts[STATE_COUNT_];
	size_t levels[LEVEL_N];
	enum snap_trend trend;
	size_t broken;		/* unhealthy, unreachable, impaired */
	size_t broken_before;	/* five minutes ago … */
	bool broken_before_known;	/* … if the server ran then */
	size_t n_hosts;
	size_t n_checks;
	size_t n_devices;
	size_t n_devices_unjudged;	/* coverage gap */
	size_t n_vms, n_roles;
	size_t vm_counts[STATE_COUNT_];
	size_t role_counts[STATE_COUNT_];
	struct snap_chunk **chunks;
	size_t n_chunks;
	const struct snap_host *top[SNAP_TOP_RISKS];
	size_t n_top;
	const struct snap_partition *partitions;
	size_t n_partitions;
	const struct snap_plan *plans;	/* newest first; withdrawn ones are gone */
	size_t n_plans;
	const struct alert *alerts;	/* firing ones, worst first */
	size_t n_alerts;
	const struct note *notes;
	size_t n_notes;
	const struct snap_window *windows;
	size_t n_windows;
	struct snap_windows *windows_of;	/* whose they are; may be NULL */
	_Atomic(struct snap_text *) summary;	/* http's cache, freed with it */
	struct arena arena;
};

struct snapshot *snapshot_ref(struct snapshot *s);
void snapshot_put(struct snapshot *s);

/* The makers' own: each drops one reference; NULL is fine. */
void snap_chunk_put(struct snap_chunk *c);
void snap_frame_put(struct snap_frame *f);
void snap_windows_put(struct snap_windows *w);

/* NULL when there is none.  `folded` is a checked name. */
const struct snap_host *snapshot_host(const struct snapshot *s,
	const char *folded);
/* By its id, the host it is on, and where that lies; NULL = there is none. */
struct snap_whose {
	const struct snap_host *host;
	const struct snap_chunk *chunk;
};
const struct snap_unit *snapshot_unit(const struct snapshot *s, uint32_t id,
	struct snap_whose *whose);
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
