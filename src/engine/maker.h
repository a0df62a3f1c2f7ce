/*
 * A chunk of a snapshot that is being made, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_MAKER_H
#define TOCSIN_ENGINE_MAKER_H

#include "engine/core.h"

/*
 * Kinds and shapes may go before the chunk does: it has copies, one of each
 * of the latest that were met, which are few as a rule.
 */
#define MAKER_MET 8

struct maker {
	const struct engine *en;
	struct arena *arena;
	struct { const void *of, *copy; } met[MAKER_MET];
	size_t turn;
};

#endif
