/*
 * Rows of history of what we probe from here, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_SWEEP_H
#define TOCSIN_ENGINE_SWEEP_H

#include "engine/entities.h"

/*
 * Checks of one probe and partition that start in the same second share one
 * history row a slot; its layout is the members' order.
 */
struct sweep {
	struct list link;	/* in part */
	struct part *part;
	const char *probe;
	int64_t interval_ns;
	int64_t phase;		/* second of the interval */
	uint32_t *members;	/* numbers in engine.checks */
	uint32_t n;
	uint32_t cap;
	const char *metrics[8];	/* learned from results, interned, in order */
	/* Whose names, and nothing else, are the metrics; counted; or NULL. */
	const struct metric_shape *shape;
	uint32_t n_metrics;
	uint32_t arrived;
	/* [member][metric, then check_ok]; NULL between the slots. */
	double *values;
	int64_t second_ns;	/* begin of the slot, mono */
	struct wall at;
};

#endif
