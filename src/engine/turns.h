/*
 * Whose turn it is to be recommended to be left: src/engine/pace.c.
 */
#ifndef TOCSIN_ENGINE_TURNS_H
#define TOCSIN_ENGINE_TURNS_H

#include "engine/inside.h"

/* False: it would be too many; else it is counted. */
bool pace_take(struct engine *en, const struct host *h,
	struct host_plan *next, struct wall at);
void pace_drop(const struct host_plan *was, struct part *p);
void pace_move(const struct host *h, struct part *to);
/* Of the last run: its plan, and the times of its partition. */
void pace_found(const struct host *h);
int pace_of_part_restore(struct part *p, const void *bytes, size_t n);
void pace_step(struct engine *en, struct now now);

#endif
