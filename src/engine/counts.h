/*
 * What the engine has done so far.
 */
#ifndef TOCSIN_ENGINE_COUNTS_H
#define TOCSIN_ENGINE_COUNTS_H

#include <stdint.h>

/* How late a slot began: upper bounds in ms; what is beyond the last is told
 * apart by the count of all. */
#define LATENESS_TABLE(X) \
	X(5) X(10) X(25) X(50) X(100) X(250) X(500) X(1000) X(5000)
#define LATENESS_BOUNDS 9

struct engine_counts {
	uint64_t runs_started;
	uint64_t results;
	uint64_t results_late;	/* dropped */
	uint64_t slots_missed;
	uint64_t observations;	/* by batch */
	uint64_t samples;
	uint64_t transitions;
	uint64_t events;
	int64_t lateness_max_ns;	/* since the last call of engine_counts */
	uint64_t slots;		/* begun */
	uint64_t lateness_ns;	/* the sum over them */
	uint64_t lateness[LATENESS_BOUNDS + 1];	/* slots by their delay */
};

#endif
