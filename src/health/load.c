#include "health/load.h"

#include <stddef.h>
#include <string.h>

#include "base/macros.h"

/* Kernels let idle time step back by some ticks; more is another count. */
#define STEP_BACK_S 1.0

enum load_field { LOAD_RATIO, LOAD_CPU_SECONDS, LOAD_CPU_WAIT,
	LOAD_MEMORY_WAIT, LOAD_LOAD1, LOAD_CPUS, LOAD_FIELDS };

static const struct {
	const char *metric;
	enum load_field field;
} sources[] = {
	{ "cpu_busy_ratio", LOAD_RATIO },
	{ "psi_cpu_some_ratio", LOAD_RATIO },
	{ "cpu_seconds_total", LOAD_CPU_SECONDS },
	{ "psi_cpu_some_seconds_total", LOAD_CPU_WAIT },
	{ "psi_memory_some_seconds_total", LOAD_MEMORY_WAIT },
	{ "load1", LOAD_LOAD1 },
	{ "cpu_count", LOAD_CPUS },
};

static enum load_field
field_of(const char *metric)
{
	/* most metrics of a page are none of them */
	if (metric[0] != 'c' && metric[0] != 'p' && metric[0] != 'l')
		return LOAD_FIELDS;
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (strcmp(sources[i].metric, metric) == 0)
			return sources[i].field;
	return LOAD_FIELDS;
}

bool
load_tells(const char *metric)
{
	return field_of(metric) != LOAD_FIELDS;
}

static void
add(double *sum, double v)
{
	*sum = *sum < 0 ? v : *sum + v;
}

static void
take_one(struct load *l, const struct metric *m)
{
	double v = metric_number(m);
	bool whole = m->instance[0] == '\0';

	if (!(v >= 0))
		return;
	switch (field_of(m->name)) {
	case LOAD_RATIO:
		if (whole && v > l->ratio)
			l->ratio = v;
		return;
	case LOAD_CPU_SECONDS:
		add(&l->cpu_all_s, v);
		if (strstr(m->instance, "mode=\"idle\"") != NULL ||
		    strstr(m->instance, "mode=\"iowait\"") != NULL)
			add(&l->cpu_idle_s, v);
		return;
	case LOAD_CPU_WAIT:
		l->cpu_wait_s = whole ? v : l->cpu_wait_s;
		return;
	case LOAD_MEMORY_WAIT:
		l->memory_wait_s = whole ? v : l->memory_wait_s;
		return;
	case LOAD_LOAD1:
		l->load1 = whole ? v : l->load1;
		return;
	case LOAD_CPUS:
		l->cpus = whole ? v : l->cpus;
		return;
	case LOAD_FIELDS:
		return;
	}
}

void
load_take(struct load *l, const struct observation *ob)
{
	*l = (struct load){ ob->at, LOAD_UNKNOWN, LOAD_UNKNOWN, LOAD_UNKNOWN,
		LOAD_UNKNOWN, LOAD_UNKNOWN, LOAD_UNKNOWN, LOAD_UNKNOWN };
	for (size_t i = 0; i < ob->n_metrics; i++)
		take_one(l, &ob->metrics[i]);
}

bool
load_has_counters(const struct load *l)
{
	return l->ratio < 0 && (l->cpu_idle_s >= 0 || l->cpu_wait_s >= 0);
}

static double
share(double part, double whole)
{
	double r = whole > 0 ? part / whole : LOAD_UNKNOWN;

	if (whole <= 0)
		return LOAD_UNKNOWN;
	return r < 0 ? 0 : r > 1 ? 1 : r;
}

static double
cpu_share(const struct load *l, const struct load *before)
{
	double all = l->cpu_all_s - before->cpu_all_s;
	double idle = l->cpu_idle_s - before->cpu_idle_s;

	if (l->cpu_idle_s < 0 || before->cpu_idle_s < 0 ||
	    idle < -STEP_BACK_S || all - idle < -STEP_BACK_S)
		return LOAD_UNKNOWN;
	return share(all - idle, all);
}

static double
wait_share(double now, double before, struct dur between)
{
	if (now < 0 || before < 0 || now < before)
		return LOAD_UNKNOWN;
	return share(now - before, dur_to_seconds(between));
}

static double
worse(double a, double b)
{
	return a > b ? a : b;
}

static double
by_counters(const struct load *l, const struct load *before, struct dur most)
{
	struct dur between;
	double cpu;

	if (before == NULL || wall_diff(l->at, before->at, &between) < 0 ||
	    between.ns <= 0 || between.ns > most.ns)
		return LOAD_UNKNOWN;
	cpu = worse(cpu_share(l, before), wait_share(l->cpu_wait_s,
		before->cpu_wait_s, between));
	return cpu < 0 ? cpu : worse(cpu, wait_share(l->memory_wait_s,
		before->memory_wait_s, between));
}

double
load_busiest(const struct load *l, const struct load *before, struct dur most)
{
	if (l->ratio >= 0)
		return l->ratio;
	if (load_has_counters(l))
		return by_counters(l, before, most);
	return l->load1 < 0 ? LOAD_UNKNOWN : share(l->load1, l->cpus);
}
