/*
 * One result of a check, and a batch of them as an agent sends it.  Plain
 * structs; all pointers lie in the batch's arena.
 */
#ifndef TOCSIN_MODEL_OBSERVATION_H
#define TOCSIN_MODEL_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tocsin/probe.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/unit.h"

/*
 * A named number.  In JSON a number is F64, but an integer beyond ±2^53 is
 * U64 or I64, so that 64-bit SMART raws stay exact and layouts stay stable.
 */
struct metric {
	const char *name;
	const char *instance;	/* `mode="idle"`, sorted labels; "" for most */
	enum tocsin_sample_type type;
	union {
		double f64;
		uint64_t u64;
		int64_t i64;
	} v;
};

/* The value as a double, exact to 2^53. */
static inline double
metric_number(const struct metric *m)
{
	if (m->type == TOCSIN_U64)
		return (double)m->v.u64;
	return m->type == TOCSIN_I64 ? (double)m->v.i64 : m->v.f64;
}

/* Identity of a device; "" = not known.  kind "" = no device. */
struct device_id {
	const char *kind;
	const char *model;
	const char *serial;
	const char *wwn;
};

struct observation {
	const char *probe;
	struct wall at;
	enum tocsin_outcome outcome;
	enum tocsin_reason reason;
	const char *text;	/* "" when there is none */
	struct device_id device;	/* kind "" = the host itself */
	const struct metric *metrics;
	size_t n_metrics;
	bool own_row;	/* its metrics differ from check to check */
	/* Whom it is about, when not the host itself; NULL = none. */
	const char *vm;
	const char *role;
	enum vm_run run;	/* of the VM, by its hypervisor */
};

struct batch {
	struct arena arena;
	const char *host;	/* folded */
	const char *id;		/* "" = none given */
	struct wall sent;	/* ms 0 = not given */
	struct observation *items;
	size_t n;
};

#endif
