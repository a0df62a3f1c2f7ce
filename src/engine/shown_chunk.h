/*
 * A piece of the fleet in snapshots: up to 64 hosts, sorted by name.
 *
 * What each observation moves (when it was, streaks, values) lies apart from
 * all else, the frame.  Successive chunks share a frame for as long as nothing
 * else moves; then a new chunk is no more than a copy of some kilobytes.
 */
#ifndef TOCSIN_ENGINE_SHOWN_CHUNK_H
#define TOCSIN_ENGINE_SHOWN_CHUNK_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/shown.h"

#define SNAP_CHUNK_HOSTS 64

/* Text made by http, kept with what it shows, freed with it. */
struct snap_text {
	size_t n;
	const char *p;
	size_t at[SNAP_CHUNK_HOSTS + 1];	/* where each host's piece begins */
};

/* Hosts counted. */
struct snap_tally {
	uint32_t counts[STATE_COUNT_];
	uint32_t levels[LEVEL_N];
	uint32_t n_hosts;
	uint32_t n_checks;
	uint32_t n_devices;
	uint32_t n_devices_unjudged;
	uint32_t n_vms, n_roles;
	uint32_t vm_counts[STATE_COUNT_];
	uint32_t role_counts[STATE_COUNT_];
	enum unit_state worst;
	struct wall since;	/* of the worst */
};

/* Of a check; snap_live() finds it. */
struct snap_live {
	struct wall at;		/* last observation; ms 0 = none yet */
	uint16_t fails;		/* consecutive */
	uint16_t oks;
	uint8_t outcome;	/* enum tocsin_outcome, of the last observation */
	uint8_t changes;	/* of the verdict within rule.flap_within runs */
	double values[];	/* by snap_check.names */
};

struct snap_frame {
	_Atomic unsigned refs;
	struct snap_tally tally;
	const void *part;	/* the makers' own: of all its hosts, or NULL */
	size_t n;
	const struct snap_host *hosts[SNAP_CHUNK_HOSTS];
	_Atomic(struct snap_text *) rows;	/* of the list of hosts */
	struct arena arena;
};

struct snap_chunk {
	_Atomic unsigned refs;
	struct snap_frame *frame;
	size_t n;		/* as in the frame */
	const struct snap_host *const *hosts;
	_Atomic(struct snap_text *) whole;	/* the hosts in full */
	uintptr_t live;		/* what snap_check.live counts from */
	size_t live_bytes;	/* behind the struct */
};

/* `live` of a check or device with names. */
static inline const struct snap_live *
snap_live(const struct snap_chunk *c, uintptr_t live)
{
	return (const struct snap_live *)(c->live + live);
}

#endif
