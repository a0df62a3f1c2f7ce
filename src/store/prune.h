/*
 * Old history goes a few thousand rows or some dozens of blocks at a time.
 */
#ifndef TOCSIN_STORE_PRUNE_H
#define TOCSIN_STORE_PRUNE_H

#include <stdbool.h>

#include "store/db.h"
#include "store/tiers.h"

/*
 * What goes in one transaction, for those that ingest meanwhile: rows of 300
 * bytes, 10 ms of deleting and committing, 20 ms at worst; blocks of up to
 * 100 kB each.
 */
#define PRUNE_ROWS 2000
#define PRUNE_BLOCKS 64

/*
 * Of rows before this minute, *n at most; in the caller's transaction; then
 * *n = how many went, 0: none left.
 */
int prune_some(struct db *db, int64_t slot, size_t *n, struct tc_err *e);

/* More than half of the time there is history of would go: nobody's wish. */
int prune_is_surprise(struct db *db, struct wall before, bool *surprise,
	struct tc_err *e);

/*
 * Of blocks whose whole span lies before, *n at most; then *n = rows in those
 * that went.
 */
int prune_blocks(struct db *db, enum tier tier, struct wall before, size_t *n,
	struct tc_err *e);
int prune_blocks_are_surprise(struct db *db, enum tier tier,
	struct wall before, bool *surprise, struct tc_err *e);
/* Raw history before this is not complete any more. */
int prune_note_raw(struct db *db, struct wall before, struct tc_err *e);

/* The least id of a block of this tier that starts at or after a time. */
int64_t block_id_at(enum tier tier, int64_t start_ms);
/* Blocks with a lesser id end at or before a time. */
int64_t block_id_before(enum tier tier, struct wall before);

#endif
