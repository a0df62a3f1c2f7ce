/*
 * Snapshots made from nothing: hosts h00000, h00001, … in partitions rack0,
 * rack1, …, each with a ping and a tcp check; every so many with a sick disk.
 */
#ifndef TOCSIN_T_LIB_FAKE_SNAPSHOT_H
#define TOCSIN_T_LIB_FAKE_SNAPSHOT_H

#include "engine/snapshot.h"

struct fake_fleet {
	size_t n_hosts;
	size_t hosts_per_partition;	/* 0 = 100 */
	size_t sick_every;	/* each so manyth host has a disk at risk; 0 = none */
	size_t down_every;	/* each so manyth host is unhealthy; 0 = none */
	uint64_t generation;
	struct wall at;
	struct mono at_mono;
	/* May change a host as it is made. */
	void (*tweak)(struct snap_host *h, size_t i, struct arena *a);
	/* May add plans, alerts, windows, brakes to the whole. */
	void (*finish)(struct snapshot *s);
};

/*
 * What a check shows of its last observation, as snap_check.live: by address,
 * since these chunks count from 0.
 */
uintptr_t fake_live(struct arena *a, const struct snap_live *of,
	const double *values, size_t n);

/* Each host of it has its own, to be changed. */
static inline struct snap_rare *
fake_rare(const struct snap_host *h)
{
	return (struct snap_rare *)(uintptr_t)h->rare;
}

/* One reference for the caller; aborts when out of memory. */
struct snapshot *fake_snapshot(const struct fake_fleet *fleet);

#endif
