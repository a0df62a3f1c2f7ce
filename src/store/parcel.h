/*
 * What the compactor wants written: made by its thread, put into the file by
 * the writer's in one transaction.
 */
#ifndef TOCSIN_STORE_PARCEL_H
#define TOCSIN_STORE_PARCEL_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "store/sheet.h"
#include "store/tiers.h"
#include "store/writer.h"

struct parcel_block {
	enum tier tier;
	uint32_t subject;
	int64_t probe;
	int64_t layout;
	int64_t start_ms;
	size_t first;		/* of the sheet's rows */
	size_t rows;
	size_t at;		/* in bytes; filled in, as are `n` and layout */
	size_t n;
};

struct parcel_late {
	uint32_t subject;
	int64_t probe;
	int64_t at_ms;
};

/* A day of a source whose roll-ups are to be made anew. */
struct parcel_redo {
	uint32_t subject;	/* 0 = none */
	int64_t probe;
	int64_t day_ms;
};
#define PARCEL_REDO_KEY 64	/* bytes of its key in `meta` */
void parcel_redo_key(const struct parcel_redo *r, char *out);

#define PARCEL_KEEP INT64_MIN	/* the mark stays as it is */

struct parcel {
	struct strbuf bytes;
	struct parcel_block *blocks;
	size_t n_blocks, cap_blocks;
	struct parcel_late *late;	/* rows that go: merged */
	size_t n_late, cap_late;
	int64_t *drops;		/* ids of blocks that go first */
	size_t n_drops, cap_drops;
	int64_t packing, packed, rolled;
	struct parcel_redo redo, redone;
};

void parcel_reset(struct parcel *b);
bool parcel_is_empty(const struct parcel *b);
void parcel_free(struct parcel *b);
/* Some rows of a sheet; `as` says which and what block they become. */
int parcel_add(struct parcel *b, const struct sheet *s, struct block_put *p,
	struct parcel_block as);
int parcel_add_late(struct parcel *b, struct parcel_late row);
int parcel_add_drop(struct parcel *b, int64_t id);
/* Nothing is left in it on success. */
int parcel_commit(struct parcel *b, struct writer *w, struct tc_err *e);

#endif
