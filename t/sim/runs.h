/* Runs of each check in a simulation: how many, and whether two overlap. */
#ifndef TOCSIN_T_SIM_RUNS_H
#define TOCSIN_T_SIM_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "t/sim/sim.h"

struct run_counts {
	struct run_count { uint32_t n; bool out; } *of;	/* by check */
	size_t n, cap;
	size_t overlaps;
};

void runs_begin(struct run_counts *c, uint32_t check);
void runs_end(struct run_counts *c, uint32_t check);
/* None is answered any more. */
void runs_drop(struct run_counts *c);
void runs_free(struct run_counts *c);
struct sim_runs runs_sum(const struct run_counts *c);

#endif
