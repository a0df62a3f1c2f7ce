/*
 * Hosts whose processors are busy (health/load.h), and what they are forgiven
 * meanwhile (health/busy.h).  A host that is not busy costs nothing.  For src/engine
 * alone.
 */
#ifndef TOCSIN_ENGINE_STRAIN_H
#define TOCSIN_ENGINE_STRAIN_H

#include "engine/core.h"

/* An observation of the host itself, or of a VM on it, not too old. */
void strain_hear(struct engine *en, struct check *c,
	const struct observation *ob, struct now now);
/* The check goes: nothing is compared with what it told any more. */
void strain_forget(struct engine *en, const struct check *c);
/*
 * All that is wrong with it may be forgiven: it is overloaded, not failed.
 * Who was convicted before stays so.
 */
bool strain_forgives(struct engine *en, struct host *h);
/* Nothing is wrong: another time is another grace. */
void strain_settled(struct engine *en, struct host *h);
/* This failure of a check may be. */
bool strain_excuses(const struct engine *en, const struct check *c);
void strains_tick(struct engine *en, struct now now);
void strains_free(struct engine *en);
int strain_restore(struct engine *en, struct host *h, const void *p, size_t n);
void strains_wake(struct engine *en, struct now now);

#endif
