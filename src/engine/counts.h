/*
 * What the engine has done so far.
 */
#ifndef TOCSIN_ENGINE_COUNTS_H
#define TOCSIN_ENGINE_COUNTS_H

#include <stdint.h>

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
};

#endif
