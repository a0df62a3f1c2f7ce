/*
 * Time that counts, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_AWAKE_H
#define TOCSIN_ENGINE_AWAKE_H

#include "engine/core.h"

static inline int64_t
gap_of(const struct engine *en, const struct part *p)
{
	return en->gap_ns + p->gap_ns;
}

/* Without our own sleeps; and without doubts: silence is measured in it. */
static inline struct mono
awake(const struct engine *en, struct now now)
{
	return (struct mono){ now.mono.ns - en->gap_ns };
}

static inline struct mono
awake_in(const struct engine *en, const struct part *p, struct now now)
{
	return (struct mono){ now.mono.ns - gap_of(en, p) };
}

#endif
