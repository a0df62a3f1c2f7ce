/*
 * Batches that the server has not acknowledged yet, in order, on disk: they
 * survive kill -9 of the agent, and a power cut up to the last sync.
 *
 * Segments are append-only files of frames, each with a CRC; a damaged frame
 * costs itself only.  Acknowledgements are frames too.  Beyond its size or
 * age the oldest is dropped, and counted.  When the disk takes nothing more,
 * a little is kept in memory.  Any thread.
 */
#ifndef TOCSIN_AGENT_SPOOL_H
#define TOCSIN_AGENT_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

struct spool;

struct spool_conf {
	const char *dir;	/* made when it is not there, 0700 */
	uint64_t max_bytes;	/* 0 = 64 MiB */
	struct dur max_age;	/* 0 = 1 day */
	uint64_t memory_max_bytes;	/* while the disk refuses; 0 = 4 MiB */
};

struct spool_counts {
	uint64_t batches;	/* waiting */
	uint64_t bytes;		/* on disk */
	uint64_t dropped_batches;	/* too many, too old */
	uint64_t dropped_items;
	uint64_t damaged;	/* frames, or whole files, that cannot be read */
	uint64_t refused;	/* writes that the disk did not take */
};

/* Reads what an earlier run left. */
int spool_open(const struct spool_conf *conf, struct wall now,
	struct spool **out, struct tc_err *e);
void spool_close(struct spool *sp);

/*
 * Appends a batch of `items` observations.  TC_EIO: kept in memory only, the
 * message says why; TC_EFULL, TC_ENOMEM: not kept.
 */
int spool_put(struct spool *sp, const struct strbuf *body, uint32_t items,
	struct wall now, struct tc_err *e);

/*
 * The oldest one: its text and number; TC_ENOENT when there is none.  Other
 * errors are a want of memory or descriptors: it is there, for later.
 */
int spool_next(struct spool *sp, struct strbuf *body, uint64_t *seq);

/* It is the server's now, and so is everything before it. */
void spool_ack(struct spool *sp, uint64_t seq);

/* Drops what is older than max_age. */
void spool_age(struct spool *sp, struct wall now);
/* To the disk itself: before long waits. */
void spool_sync(struct spool *sp);
void spool_counts(struct spool *sp, struct spool_counts *out);

#endif
