/*
 * What escapes a child's process group (setsid, double fork) becomes ours
 * when its parent dies, because we are a subreaper: it is killed and reaped.
 * A run is known by TOCSIN_RUN=<mark> in its environment; what belongs to a
 * run that is still under way, or has no mark, is left alone: a wrapper of
 * ours may have had children before us, a container's process 1 inherits all.
 */
#ifndef TOCSIN_SCHED_ORPHAN_H
#define TOCSIN_SCHED_ORPHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ORPHAN_MARK "TOCSIN_RUN="

struct orphan_view {
	bool (*is_child)(void *arg, pid_t pid);		/* one that we started */
	bool (*is_running)(void *arg, uint64_t mark);
	void *arg;
};

/* 0, or −errno where the kernel cannot do it. */
int orphans_adopt(void);
/* One look, bounded; how many were killed, which want to be reaped. */
size_t orphans_sweep(const struct orphan_view *view);

#endif
