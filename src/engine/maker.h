/*
 * A chunk of a snapshot that is being made, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_MAKER_H
#define TOCSIN_ENGINE_MAKER_H

#include "engine/core.h"

/*
 * Kinds and shapes may go before the chunk does: it has copies, one of each
 * kind with a shape of the latest that were met, which are few as a rule.
 */
#define MAKER_MET 16

struct maker {
	const struct engine *en;
	struct arena *arena;
	struct live_room *live;
	struct { const void *kind, *shape, *copy; } met[MAKER_MET];
	size_t turn;
};

/* ---- showhost.c ---- */
/* A copy for the snapshot; "" for NULL, and for want of memory. */
const char *shown_text(struct arena *a, const char *text);
/* 0 or TC_ENOMEM. */
int shown_host(struct maker *m, const struct host *h, struct snap_host *out);
/*
 * What a host takes in a frame, but for units and the like; `m` meets what
 * its checks have in common with those before.
 */
size_t shown_host_bytes(struct maker *m, const struct host *h);

/* ---- snaplive.c ---- */
/* Room for what moves of the check, by now filled; `at` is snap_check.live. */
int live_add(struct maker *m, const struct check *c, uintptr_t *at);
/* Takes over the reference to the frame; NULL (it does not) = no memory. */
struct snap_chunk *chunk_new(struct snap_frame *f, const void *live,
	size_t bytes);
/* The chunk in force with what moved; NULL: it is to be made as a whole. */
struct snap_chunk *chunk_stirred(struct engine *en, size_t i);

#endif
