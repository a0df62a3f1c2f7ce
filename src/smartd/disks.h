/*
 * The helper's own list of drives: the only thing a caller can name.
 */
#ifndef TOCSIN_SMARTD_DISKS_H
#define TOCSIN_SMARTD_DISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "smart/helper.h"
#include "smartd/conf.h"

struct disk {
	struct smart_helper_device d;
	bool is_ata;	/* a plain ATA disk: libatasmart can try */
	bool present;
	pid_t hangs;	/* an earlier reading, still in the kernel; or 0 */
};

struct disks {
	const struct smartd_conf *conf;
	struct disk *items;	/* never shrinks: an id is never reused */
	size_t n;
	size_t cap;
	bool scanned;
	uint64_t seen;		/* hash of /sys/block's names at the last scan */
	bool no_tool;		/* smartctl is not installed */
};

void disks_free(struct disks *all);

/*
 * Brings the list up to date.  smartctl scans (and opens) the drives only
 * when the set of block devices changed since the last time.
 */
int disks_refresh(struct disks *all, struct tc_err *e);

/* NULL when there never was one. */
struct disk *disks_find(struct disks *all, uint32_t id);

/* The entry of (path, type), new or old, now present; NULL: no memory, full. */
struct disk *disks_put(struct disks *all, const char *path, const char *type);

/* smartctl as configured, or where it is usually found. */
const char *disks_smartctl(const struct smartd_conf *conf);

#endif
