/*
 * What the parts of the compactor share.
 */
#ifndef TOCSIN_STORE_COMPACTING_H
#define TOCSIN_STORE_COMPACTING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "store/parcel.h"
#include "store/compact.h"

/* Packed bytes that the writer is given at a time: some milliseconds. */
#define COMPACT_BYTES (256 * 1024)
/* Sources looked at in one read transaction. */
#define COMPACT_SOURCES 512
/* Rows in a block at most: what a merge holds in memory. */
#define COMPACT_ROWS 8192

struct compact_source {
	uint32_t subject;
	int64_t probe;
};

struct compactor {
	struct compactor_conf conf;
	pthread_mutex_t lock;	/* of all below but the thread's */
	struct db db;
	struct layout_cache layouts;
	struct sheets sheets;
	struct block_put put;
	struct block_get get;
	struct parcel parcel;
	struct mono parcel_since;
	struct mono late;	/* when late rows are looked for */
	bool paced;		/* it leaves half of the time to others */
	bool failing;		/* and has said so */
	bool damaged;		/* a block was met that cannot be read */
	pthread_t thread;
	bool threaded;
	_Atomic bool stopping;
	struct queue *wake;	/* closed at the end; nothing is ever in it */
};

/* Hands the parcel over, inside no transaction; TC_ECLOSED at the end. */
int compact_commit(struct compactor *c, struct tc_err *e);
int compact_mark(struct compactor *c, const char *key, int64_t *value,
	struct tc_err *e);
/* 1 = the source after *src, 0 = there is none. */
int compact_next_source(struct compactor *c, struct compact_source *src,
	struct tc_err *e);
/* The sheet of a layout among those being gathered. */
int compact_sheet(struct compactor *c, int64_t layout, struct sheet **out,
	struct tc_err *e);
/* Damage is told once and goes round: true when `rc` is damage. */
bool compact_is_damage(struct compactor *c, int rc, int64_t block);
/* The row that a statement shows: time, layout, outcome, reason, packed. */
int compact_read_row(struct compactor *c, enum st st, struct tc_err *e);
/* Blocks of this tier and start whose layouts have a sheet become part of it. */
int compact_take(struct compactor *c, const struct compact_source *src,
	enum tier tier, int64_t start_ms, struct tc_err *e);
/* Sorted, and as blocks of a tier into the parcel. */
int compact_add(struct compactor *c, const struct compact_source *src,
	enum tier tier, int64_t start_ms, struct tc_err *e);

/* ---- compact_late.c: rows that came too late for their hour ---- */
int compact_late(struct compactor *c, struct tc_err *e);

/* ---- compact_days.c ---- */
int compact_days(struct compactor *c, struct tc_err *e);
/* ---- compact_snapshots.c: SMART reports that outlive retention ---- */
struct compact_layouts {	/* that a source has in a day */
	int64_t day_ms;
	const int64_t *layouts;
	size_t n;
};
int compact_keep_snapshots(struct compactor *c,
	const struct compact_source *src, const struct compact_layouts *of,
	struct tc_err *e);

/* Roll-ups of a day anew, into the parcel. */
int compact_redo_day(struct compactor *c, const struct compact_source *src,
	int64_t day_ms, struct tc_err *e);

#endif
