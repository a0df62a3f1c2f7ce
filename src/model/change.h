/*
 * What the engine wants remembered: facts, in the order in which they became
 * true.  A set is committed whole or not at all.  The store turns changes
 * into rows; http never sees them.  Strings and bytes lie in the set's arena.
 */
#ifndef TOCSIN_MODEL_CHANGE_H
#define TOCSIN_MODEL_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/observation.h"

enum subject_kind {
	SUBJECT_PARTITION = 1,
	SUBJECT_HOST = 2,
	SUBJECT_VM = 3,
	SUBJECT_ROLE = 4,
	SUBJECT_DEVICE = 5,
	SUBJECT_CHECK = 6,	/* a probe bound to a host (or its device) */
	SUBJECT_SERVER = 7,	/* tocsind itself */
};

/* A subject came into being or changed its description. */
struct change_subject {
	uint32_t id;		/* surrogate, never reused */
	enum subject_kind kind;
	uint32_t parent;	/* 0 = none */
	/*
	 * Unique with (kind, parent): host or partition name; check:
	 * "tcp:8000" or "smart/DEVICE-KEY"; device: "disk/MODEL/SERIAL/WWN".
	 */
	const char *key;
	/* Host: owner config|file_sd|api|agent, address, tags…; JSON text. */
	const char *body;
	bool retired;
};

/* The series of one position of a history row. */
struct change_series {
	uint32_t subject;	/* 0 = the row's own subject */
	const char *name;
	const char *instance;
	enum tocsin_sample_type type;
};

/* One history row (DESIGN 3b.2); the store interns the layout. */
struct change_history {
	struct wall at;
	uint32_t subject;
	const char *probe;
	enum tocsin_outcome outcome;
	enum tocsin_reason reason;
	const struct change_series *series;
	const uint64_t *values;	/* bit patterns, one for each series */
	size_t n;
	/*
	 * Set: the row is an agent's observation; whether it was new is
	 * counted in change_set.accepted/duplicates.  A repeat of
	 * (at, subject, probe) is ignored either way.
	 */
	bool counted;
};

/* An event of the log: seq is given by the engine, strictly rising. */
struct change_event {
	uint64_t seq;
	struct wall at;
	const char *kind;	/* "check.state" "host.state" "prediction" … */
	uint32_t subject;
	uint64_t cause_seq;	/* 0 = none */
	const char *body;	/* JSON object text */
};

/*
 * Opaque state of a subject, to be given back at start: replaced by
 * (subject, kind).  kind "check" (streaks, windows), "device" (features),
 * "host" (disposition, overlay), "engine" (epoch).
 */
struct change_state {
	uint32_t subject;
	const char *kind;
	const void *bytes;	/* NULL = delete */
	size_t n;
};

/* The verdict of a subject changed; the earlier open one is closed. */
struct change_prediction {
	uint64_t id;		/* given by the engine, never reused */
	uint32_t subject;	/* the device, or the host */
	uint32_t host;
	struct wall since;
	const char *level;	/* "none" closes without opening */
	double risk_d7, risk_d30, risk_d90;
	const char *pack;
	const char *body;	/* the whole verdict as JSON, as the API shows it */
};

enum change_kind {
	CHANGE_SUBJECT,
	CHANGE_HISTORY,
	CHANGE_EVENT,
	CHANGE_STATE,
	CHANGE_PREDICTION,
};

struct change {
	enum change_kind kind;
	union {
		struct change_subject subject;
		struct change_history history;
		struct change_event event;
		struct change_state state;
		struct change_prediction prediction;
	} u;
};

struct change_set {
	struct arena arena;
	struct change *items;
	size_t n;
	size_t cap;
	/* An agent's batch: a known (host, id) makes all its rows repeats. */
	uint32_t batch_host;
	const char *batch_id;	/* NULL = no batch */
	/* Filled in by the store before done(). */
	size_t accepted;
	size_t duplicates;
	int rc;			/* 0 = durable */
	/* Called once, by the store's thread, after commit or failure. */
	void (*done)(struct change_set *);
	void *owner;
};

struct change_set *change_set_new(void);
void change_set_free(struct change_set *cs);
/* A zeroed change of this kind at the end; NULL when out of memory. */
struct change *change_add(struct change_set *cs, enum change_kind kind);

#endif
