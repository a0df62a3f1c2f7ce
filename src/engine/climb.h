/*
 * The ladder of a convicted host, as time climbs it: wait, reboot, wait for
 * its return, move what it carries.  Recommended rung by rung; nothing is
 * performed.  A predicted failure has no ladder: it is left at once.
 */
#ifndef TOCSIN_ENGINE_CLIMB_H
#define TOCSIN_ENGINE_CLIMB_H

#include "engine/core.h"
#include "plan/ladder.h"

struct climb {
	uint32_t host_id;
	struct host *host;
	enum plan_action rung;
	struct wall at[LADDER_RUNGS];	/* reached; ms 0 = not yet */
	int64_t left_ns;	/* restored: to the next rung */
	struct heap_node due;
};

/* The plan of a convicted host began. */
void climb_begin(struct engine *en, struct host *h, struct wall at);
/* It was withdrawn. */
void climb_end(struct engine *en, struct host *h);
void climbs_tick(struct engine *en, struct now now);
void climbs_free(struct engine *en);
int climb_restore(struct engine *en, struct host *h, const void *p, size_t n);
/* After the restore: those whose plan is open go on. */
void climbs_wake(struct engine *en, struct now now);
/* NULL when the host has none, or there is no memory. */
const struct snap_ladder *climb_show(const struct engine *en,
	struct arena *a, const struct host *h);

#endif
