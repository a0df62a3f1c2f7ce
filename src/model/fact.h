/*
 * The kinds of facts that a change set holds (model/change.h).
 */
#ifndef TOCSIN_MODEL_FACT_H
#define TOCSIN_MODEL_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/observation.h"
#include "model/outcome.h"
#include "model/plan.h"

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
	enum tocsin_sample_type type;
	const char *name;
	const char *instance;
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
	void *owned;		/* where both lie, when not in the arena */
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

/* A recommendation came, changed, or was withdrawn; replaced by id. */
struct change_plan {
	uint64_t id;		/* rises, never reused */
	uint32_t host;
	enum plan_state state;
	enum plan_action action;
	struct wall since;
	struct wall at;		/* of this change */
	const char *body;	/* JSON, as the API shows it */
};

/*
 * A message to a receiver: frozen when made, in the transaction of the alert
 * it tells of.
 */
struct change_outbox {
	uint64_t id;		/* rises, never reused; the idempotency key */
	uint64_t alert;
	const char *receiver;
	bool firing;		/* or resolved */
	struct wall at;
	const char *payload;
};

/* What became of a message: replaced by id. */
struct change_delivery {
	uint64_t outbox;
	bool done;		/* delivered, or given up */
	unsigned attempts;
	struct wall at;
	const char *error;	/* "" when delivered */
};

/* Who did what; the store adds the hash of the row before. */
struct change_audit {
	struct wall at;
	const char *actor;	/* token name, or "tocsind" */
	const char *action;	/* "brake.release" … */
	uint32_t subject;
	const char *body;	/* JSON: why, before, after */
};

/* What a person said of an alert or a host; replaced by id. */
struct change_note {
	uint64_t id;		/* rises, never reused */
	bool ended;
	const char *body;	/* JSON, as the API shows it */
};

/*
 * What became of a device or a host; a repeat of (subject, kind, at) is none.
 * It closes the subject's predictions that began until then.
 */
struct change_outcome {
	uint32_t subject;
	enum outcome_kind kind;
	struct wall at;
	struct wall noted;
	enum outcome_source source;
	const char *by;
	const char *note;
};

/* A crash report or a log of a host; `removed`: its id goes, no more is set. */
struct change_artifact {
	uint64_t id;		/* rises, never reused */
	uint32_t host;
	bool removed;
	struct wall at;
	const char *name;
	size_t bytes;
	const char *by;
	const unsigned char *sha256;	/* 32 */
	const void *body;	/* NULL where only it is told of */
};

/* A maintenance window; replaced by id. */
struct change_window {
	uint64_t id;		/* rises, never reused */
	bool ended;		/* deleted or over: not given back at start */
	const char *body;	/* JSON, as the API shows it */
};

#endif
