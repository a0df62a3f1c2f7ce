/*
 * Old history goes bit by bit: rows that have been packed, then whole blocks
 * of each tier that are older than its retention; then events and alerts.
 */
#ifndef TOCSIN_STORE_FORGET_H
#define TOCSIN_STORE_FORGET_H

#include "store/scribe.h"
#include "store/tiers.h"

enum forget_stage {
	FORGET_ROWS,		/* packed, or (unpacked) beyond retention */
	FORGET_BLOCKS,		/* of `tier` */
	FORGET_DEEDS,
	FORGET_REST,		/* until the next round */
};

/* How much goes at once, by what it took: rows differ by a hundred times. */
struct bite {
	size_t n;
	size_t most;
};

struct forget {
	const struct store_conf *conf;
	struct bite rows, blocks;
	enum forget_stage stage;
	enum tier tier;
	int64_t edge;		/* a slot, or ms: older goes; 0 = not looked up */
	int64_t packed;		/* the mark at which rows went last */
	int64_t asked[TIERS];	/* somebody's order: before this, ms; 0 = none */
	bool knows_asked;	/* or it is as the file says */
	struct mono next;
	uint64_t gone;		/* in this round, not counting what was packed */
};

void forget_init(struct forget *f, const struct store_conf *conf);
/* When there is something to do; ns 0 = now. */
struct mono forget_next(const struct forget *f, const struct scribe *s);
/*
 * A few milliseconds' worth, in the caller's transaction; *n = how many rows
 * of history went because of their age.  Moves `next`.
 */
int forget_some(struct forget *f, struct scribe *s, size_t *n,
	struct tc_err *e);
/*
 * What that took: time until its commit, since a slow disk is not its fault,
 * and pages of the log, which are what others wait for on any disk.
 */
void forget_took(struct forget *f, struct dur took, int pages);
/* In a transaction: the order stands in the file until it is done. */
int forget_ask(struct forget *f, struct scribe *s,
	const struct store_prune *order, struct tc_err *e);
/* After a failure: the next round tries again. */
void forget_later(struct forget *f);

#endif
