/*
 * How long it took to notice that something failed, and until it was good
 * again: of roles, VMs, hosts and partitions, by cause, and apart for those
 * that we had warned of.  Pure; the terms are defined in contrib/mttx.md.
 */
#ifndef TOCSIN_PREDICT_MTTX_H
#define TOCSIN_PREDICT_MTTX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/state.h"
#include "model/unit.h"

#define MTTX_LAYER_TABLE(X)                   \
	X(MTTX_ROLE, "role")                  \
	X(MTTX_VM, "vm")                      \
	X(MTTX_HOST, "host")                  \
	X(MTTX_PARTITION, "partition")

enum mttx_layer {
#define X(sym, id) sym,
	MTTX_LAYER_TABLE(X)
#undef X
};
#define MTTX_LAYERS 4
#define MTTX_CAUSES 4	/* enum cause_hint */

static inline const char *
mttx_layer_id(enum mttx_layer layer)
{
	static const char *const ids[] = {
#define X(sym, id) [sym] = id,
		MTTX_LAYER_TABLE(X)
#undef X
	};

	return ids[layer];
}

/* Fewer times than this have no mean. */
#define MTTX_ENOUGH 3

/* The health of a unit changed. */
struct mttx_move {
	uint32_t subject;
	uint32_t host;		/* on which it was then; any number, 0 = none */
	uint32_t partition;	/* of a host: its own */
	enum mttx_layer layer;
	enum health from;
	enum health to;
	enum cause_hint cause;	/* as it was held then */
	struct wall at;
	bool in_window;		/* of maintenance */
	bool gone;		/* retired: `from` and `to` say nothing */
};

/* A prediction of level watch or worse about a host or one of its devices. */
struct mttx_warning {
	uint32_t host;		/* numbered as in the moves */
	struct wall since;
	struct wall until;	/* ms 0 = it still holds */
};

struct mttx_times {
	uint64_t n;
	bool known;		/* n is enough; else there is no figure */
	double mean_seconds;
	double median_seconds;
	double longest_seconds;
};

struct mttx_side {
	uint64_t incidents;
	uint64_t open;		/* not good again yet */
	uint64_t gone;		/* retired instead */
	struct mttx_times detection;
	struct mttx_times repair;
	struct mttx_times warned;	/* before; of predicted ones only */
};

struct mttx_row {
	struct mttx_side reactive;
	struct mttx_side predicted;
};

struct mttx {
	struct wall from;
	struct wall to;
	uint64_t in_maintenance;	/* convicted in a window: left out */
	/* [layer][cause]; the last of each is all of them. */
	struct mttx_row rows[MTTX_LAYERS + 1][MTTX_CAUSES + 1];
};

struct mttx_run;

/* Incidents whose verdict fell in [from, to).  NULL = no memory. */
struct mttx_run *mttx_new(struct wall from, struct wall to);
void mttx_free(struct mttx_run *r);
/* All of them before the first move.  0 or TC_ENOMEM. */
int mttx_warn(struct mttx_run *r, const struct mttx_warning *w);
/* In the order in which they were told.  0 or TC_ENOMEM. */
int mttx_take(struct mttx_run *r, const struct mttx_move *m);
int mttx_reckon(struct mttx_run *r, struct mttx *out, struct tc_err *e);

#endif
