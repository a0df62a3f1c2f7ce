/*
 * The engine: observations in, judged; facts, probe runs and snapshots out.
 *
 * Pure: one thread, no clock of its own (now is an argument), no I/O.  The
 * daemon calls it on the loop; t/sim calls it in virtual time.
 */
#ifndef TOCSIN_ENGINE_ENGINE_H
#define TOCSIN_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "engine/counts.h"
#include "model/change.h"
#include "model/fleet.h"
#include "model/observation.h"

struct engine;
struct pack;	/* predict/rules.h */
struct snapshot;

/* A run that is due; `check` is given back with its result. */
struct engine_run {
	uint32_t check;		/* handle, stable while the check exists */
	uint32_t seq;		/* of this run: a late answer to an older is dropped */
	const char *probe;
	const char *host;
	const char *address;
	const struct tocsin_opt *opt_rows;
	const struct tocsin_value *opts;
	struct dur timeout;
	struct mono due;	/* when its slot was */
};

/* What the engine needs of the world. */
struct engine_io {
	/* Start these runs; each is answered by one engine_result(). */
	void (*start)(struct engine_io *, const struct engine_run *, size_t n);
	/* Facts to be stored; ownership moves. */
	void (*store)(struct engine_io *, struct change_set *);
	/* The POSIX rule of "Europe/Vienna" (plan/zone.h); may be NULL. */
	int (*zone)(struct engine_io *, const char *id, char *rule,
		size_t size);
};

struct engine_conf {
	struct engine_io *io;
	const struct pack *pack;	/* NULL = no prediction */
	const char *version;		/* of tocsind, for the snapshot */
	uint64_t boot_seed;		/* for phases of agents; any number */
};

struct engine *engine_new(const struct engine_conf *conf); /* NULL: no memory */
void engine_free(struct engine *en);

/* ---- start: subjects (partitions, then parents first) before states ---- */
int engine_restore_subject(struct engine *en, const struct change_subject *s);
int engine_restore_state(struct engine *en, const struct change_state *s);
int engine_restore_prediction(struct engine *en,
	const struct change_prediction *p);
int engine_restore_alert(struct engine *en, const struct alert *a);
int engine_restore_plan(struct engine *en, const struct change_plan *p);
int engine_restore_artifact(struct engine *en, const struct change_artifact *);
int engine_restore_window(struct engine *en, const struct change_window *w);
int engine_restore_note(struct engine *en, const struct change_note *n);
/* The largest ids that were ever given. */
struct engine_ids {
	uint64_t alert;
	uint64_t plan;
	uint64_t window;
	uint64_t note;
};
void engine_restore_ids(struct engine *en, const struct engine_ids *ids);
/* Largest seq and prediction id stored; `clean` = the last stop was one. */
void engine_restore_seq(struct engine *en, uint64_t event_seq,
	uint64_t prediction_id, bool clean);

/* Takes over the fleet; hosts that are gone from their source retire. */
int engine_set_fleet(struct engine *en, const struct fleet_def *fleet,
	struct now now, struct tc_err *e);
void engine_set_pack(struct engine *en, const struct pack *pack);

/* ---- running ---- */
/*
 * Everything due at `now`: runs are started, stale units found, predictions
 * aged.  Returns when it wants to be called next.
 */
struct mono engine_tick(struct engine *en, struct now now);

/* When the next tick is due now that there were results: sooner, perhaps. */
struct mono engine_due(const struct engine *en);

/* The default gateway as it is now; "" or the same again: nothing changes. */
void engine_set_gateway(struct engine *en, const char *address);

/*
 * The answer to a run.  `ob` is borrowed; its `at` is when it was measured.
 * Applied once; an unknown handle or an old seq is counted and dropped.
 */
void engine_result(struct engine *en, uint32_t check, uint32_t seq,
	const struct observation *ob, struct now now);

/*
 * An answer to a run that is not its last: of a device of the host, judged
 * as a check of its own.
 */
void engine_part(struct engine *en, uint32_t check, uint32_t seq,
	const struct observation *ob, struct now now);

enum engine_batch_refusal {
	BATCH_TAKEN = 0,
	BATCH_HOST_UNKNOWN,	/* and may_create was false */
	BATCH_HOST_RETIRED,
	BATCH_NO_MEMORY,
};

/*
 * An agent's batch: judged at once, and its facts put into `cs`, which the
 * caller hands to the store (it carries the waiter).  Observations older
 * than two intervals go to history and predict, never to streaks.
 */
enum engine_batch_refusal engine_batch(struct engine *en,
	const struct batch *batch, bool may_create, struct now now,
	struct change_set *cs);

/* The host's id; one that is unknown comes to be, owned by agents.  0 = no memory. */
uint32_t engine_host_enrol(struct engine *en, const char *name,
	struct now now);

/* TC_ERANGE names the nearest; 0 also while no host at all is known. */
int engine_host_known(const struct engine *en, const char *name,
	struct tc_err *e);

/* State, level, reason or inventory moved since the last snapshot. */
bool engine_changed(const struct engine *en);

/* What a person (or a program of theirs) orders; JSON as in openapi.json. */
enum engine_order {
	ORDER_HOST_PUT,		/* target = host */
	ORDER_HOST_PATCH,
	ORDER_HOST_DELETE,
	ORDER_HOST_DIAGNOSE,
	ORDER_BRAKE_RELEASE,	/* target = partition */
	ORDER_WINDOW_CREATE,
	ORDER_WINDOW_DELETE,	/* target = id */
	ORDER_WINDOW_IMPORT,
	ORDER_ALERT_ACK,	/* target = id */
	ORDER_ALERT_COMMENT, ORDER_HOST_COMMENT,
	ORDER_COMMENT_DELETE,	/* target = id */
	ORDER_SIGNAL,
	ORDER_SWITCH,		/* body {function, partition, on, reason} */
	ORDER_ACCEPT, ORDER_UNACCEPT,	/* target = device; a bad value of it */
	ORDER_ARTIFACT, ORDER_OUTCOME,	/* the former: target = host */
};

struct engine_wish {
	enum engine_order kind;
	const char *target;
	char *body;		/* NUL-terminated, changed in place; may be NULL */
	size_t n;
	const char *actor;	/* the token's name, for the audit trail */
};

/*
 * Done at once, its facts (one audit row among them) in `cs`; `reply` gets
 * the members of a JSON object.  TC_EINVAL 400, TC_ENOENT 404, TC_EEXIST
 * 409, TC_ERANGE 422: nothing was changed then.
 */
int engine_order(struct engine *en, const struct engine_wish *wish,
	struct now now, struct change_set *cs, struct strbuf *reply,
	struct tc_err *e);	/* lint: one call of the daemon */

/* The subject id of a host, 0 = unknown (tokens are bound to it). */
uint32_t engine_host_id(const struct engine *en, const char *name);

/*
 * The state as of now, immutable, with one reference for the caller
 * (snapshot_put).  Cheap when little changed: chunks are shared.
 * NULL when out of memory.
 */
struct snapshot *engine_snapshot(struct engine *en, struct now now);

/* The store cannot commit (true) or can again. */
void engine_set_degraded(struct engine *en, bool degraded, const char *why,
	struct now now);

/*
 * The store was damaged and begun anew, the old one kept as `moved`; NULL:
 * nothing of that kind is left to look at, which ends the alert.
 */
void engine_set_replaced(struct engine *en, const char *moved,
	const char *why, struct now now);

void engine_counts(struct engine *en, struct engine_counts *out);

#endif
