/*
 * Doubt about ourselves, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_DOUBT_H
#define TOCSIN_ENGINE_DOUBT_H

#include "engine/inside.h"

/* A run of our own: the gateway or a witness. */
struct control {
	char *address;		/* "" = not known */
	bool in_flight;
	uint32_t seq;
	struct mono started;
	struct mono due;
};

int doubt_set_fleet(struct engine *en, const struct fleet_def *fleet);
void doubt_free(struct engine *en);
/* It begins or ends. */
void doubt_step(struct engine *en, struct now now);
/* Judges the answer to a run, unless the silence may be our own. */
void doubt_judge(struct engine *en, struct check *c,
	const struct observation *ob, struct now now);
/* We came too late: what is silent meanwhile may have answered. */
void doubt_note_stall(struct engine *en, struct now now);
/* Runs of the gateway and the witnesses; when the next is due. */
#define CONTROL_HANDLES UINT32_C(0xffffff00)
struct mono control_runs(struct engine *en, struct now now);
void control_result(struct engine *en, uint32_t handle, uint32_t seq,
	const struct observation *ob, struct now now);

/* ---- run.c ---- */
/* An active check runs as soon as this, as a recheck. */
void run_wake(struct engine *en, struct check *c, struct mono at);
/* One more of this tick, to be filled in; NULL = no memory. */
struct engine_run *run_new(struct engine *en);
/* How long the run in flight may take. */
struct dur run_timeout(const struct check *c);
struct dur run_spacing(const struct check *c);
/* When its recheck would begin. */
struct mono run_again(const struct check *c, struct now now);
struct dur run_took(const struct check *c, struct now now);

#endif
