#include "t/sim/runs.h"

#include "base/mem.h"

void
runs_begin(struct run_counts *c, uint32_t check)
{
	void *of = c->of;

	if (mem_grow(&of, &c->cap, (size_t)check + 1, sizeof(*c->of)) < 0)
		return;
	c->of = of;
	while (c->n <= check)
		c->of[c->n++] = (struct run_count){ 0 };
	c->of[check].n++;
	c->overlaps += c->of[check].out;
	c->of[check].out = true;
}

void
runs_end(struct run_counts *c, uint32_t check)
{
	if (check < c->n)
		c->of[check].out = false;
}

void
runs_drop(struct run_counts *c)
{
	for (size_t i = 0; i < c->n; i++)
		c->of[i].out = false;
}

void
runs_free(struct run_counts *c)
{
	mem_free(c->of);
}

struct sim_runs
runs_sum(const struct run_counts *c)
{
	struct sim_runs out = { SIZE_MAX, 0, c->overlaps };

	for (size_t i = 0; i < c->n; i++) {
		size_t n = c->of[i].n;

		if (n > 0 && n < out.least)
			out.least = n;
		if (n > out.most)
			out.most = n;
	}
	return out;
}
