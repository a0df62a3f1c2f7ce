/*
 * What many checks have in common is kept once: kinds (key, probe, rule,
 * options, origin) and shapes (the names of metrics).  Immutable, counted;
 * who wants another takes another.  For src/engine alone.
 */
#ifndef TOCSIN_ENGINE_SHARED_H
#define TOCSIN_ENGINE_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/intern.h"
#include "model/fleet.h"
#include "model/observation.h"

/* What its probe makes of a kind, found out once. */
enum kind_trait {
	KIND_PING = 1,		/* asks the machine, and no service on it */
	KIND_PROMPT = 2,	/* answered by a kernel, not by a program */
	KIND_SIGNAL = 4,	/* told by another monitor */
	KIND_CPU = 8,
};

struct check_kind {
	uint32_t refs;
	unsigned traits;	/* bits of enum kind_trait */
	const char *key;	/* interned, as all its texts */
	const char *probe;
	const char *origin;
	struct check_rule rule;
	const struct tocsin_opt *opt_rows;	/* the plugin's */
	const struct tocsin_value *opts;	/* in the same block */
	size_t n_ident;
	unsigned char ident[];	/* what it is found by, then the options */
};

struct metric_shape {
	uint32_t refs;
	uint32_t n;
	bool tells;		/* of signals, some of it */
	bool loads;		/* of how busy it is */
	const uint8_t *signals;	/* enum signal or SIGNAL_NONE, by place */
	struct metric_name {
		const char *name;	/* interned */
		const char *instance;	/* interned, or "" */
	} of[];
};

struct shared {
	struct intern *names;
	struct hash kinds;
	struct hash shapes;
};

/* What is wanted; texts and options are copied. */
struct kind_wish {
	const char *key;
	const char *probe;
	const char *origin;
	struct check_rule rule;
	const struct tocsin_opt *opt_rows;
	const struct tocsin_value *opts;
};

void shared_free(struct shared *s);
/* One more reference for the caller; NULL = no memory. */
const struct check_kind *kind_get(struct shared *s, const struct kind_wish *w);
void kind_put(struct shared *s, const struct check_kind *k);
struct kind_wish kind_as_wish(const struct check_kind *k);

/*
 * The last values of a check, by the names of a shape; {0} is empty.  So few
 * of them as most checks from here have lie in the list itself.
 */
#define METRICS_NEAR 2
struct metric_list {
	const struct metric_shape *shape;	/* NULL = none */
	union {
		double near[METRICS_NEAR];
		double *far;
	} values;	/* metrics_values() */
};

static inline size_t
metrics_n(const struct metric_list *list)
{
	return list->shape != NULL ? list->shape->n : 0;
}

static inline const double *
metrics_values(const struct metric_list *list)
{
	return metrics_n(list) > METRICS_NEAR ? list->values.far :
		list->values.near;
}

/*
 * At most `max` are kept.  True when the observation has just the metrics of
 * the list, in their order, as it mostly has: then places do for names.
 */
bool metrics_keep(struct shared *s, struct metric_list *list,
	const struct observation *ob, size_t max);
void metrics_free(struct shared *s, struct metric_list *list);
/* One more reference, and one less; NULL is fine. */
const struct metric_shape *shape_ref(const struct metric_shape *shape);
void shape_put(struct shared *s, const struct metric_shape *shape);

#endif
