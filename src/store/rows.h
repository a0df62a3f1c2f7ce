/*
 * What the store gives back: rows, and who takes them.
 */
#ifndef TOCSIN_STORE_ROWS_H
#define TOCSIN_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/change.h"

struct store_token {
	uint32_t id;
	unsigned char sha256[32];
	const char *role;
	uint32_t host;		/* subject, 0 = not bound */
	const char *host_name;	/* "" = not bound */
	const char *name;
	struct wall created;
	struct wall revoked;	/* ms 0 = in force */
	struct wall until;	/* ms 0 = for ever */
};

struct store_event {
	uint64_t seq;
	struct wall at;
	const char *kind;
	uint32_t subject;
	const char *subject_name;	/* "h1", "h1/disk/…" */
	uint64_t cause_seq;
	const char *body;
};

struct store_series_query {
	uint32_t subject;
	const char *metric;
	const char *instance;	/* NULL = every one */
	struct wall from;	/* inclusive */
	struct wall to;		/* exclusive */
	struct dur step;	/* 0 = raw; buckets aligned to UTC */
	size_t limit;
};

struct store_point {
	const char *instance;
	struct wall at;
	double value;		/* with a step: mean */
	double min, max;
	double last;
	uint64_t count;
	/* Without a step: just as it was measured. */
	enum tocsin_sample_type type;
	uint64_t bits;
};

struct store_prune {
	const char *tier;
	struct wall before;
	bool meant;
};

/* A row of the audit trail: its hash is over the one before and its text. */
struct store_audit {
	uint64_t seq;		/* from 1, without a gap */
	struct wall at;
	const char *actor;
	const char *action;
	uint32_t subject;	/* 0 = none */
	const char *body;
	unsigned char before[32];
	unsigned char sha256[32];
};

struct store_outcome {
	uint64_t id;
	uint32_t subject;
	enum outcome_kind kind;
	struct wall at;
	struct wall noted;
	const char *source;
	const char *by;
	const char *note;
	const char *host;	/* its name */
	const char *device;	/* JSON of its identity; "" = the host itself */
	uint64_t predictions;	/* that it closed */
};

/* What a scorecard is made of, in this order of calls; != 0 ends with it. */
struct store_scored {
	void *arg;
	int (*device)(void *arg, const struct change_subject *);
	int (*outcome)(void *arg, const struct store_outcome *);
	/* Without risks; until ms 0 = it holds. */
	int (*prediction)(void *arg, const struct change_prediction *,
		struct wall until);
};

/*
 * What times of detection and repair are made of: first the predictions of
 * level watch or worse, then the moves of units; != 0 ends with it.
 */
struct store_moves {
	void *arg;
	struct wall since;	/* of moves; of ends of predictions */
	int (*warning)(void *arg, const char *host, struct wall since,
		struct wall until);
	/* `key` is the subject's own name. */
	int (*move)(void *arg, const struct change_event *,
		const struct change_subject *of);
};

/* The largest ids stored; 0 = none yet. */
struct store_ids {
	uint64_t alert;
	uint64_t plan;
	uint64_t outbox;
	uint64_t window;
	uint64_t note;
};

/* What open() hands back of the last run, in this order of calls. */
struct store_loader {
	void *arg;
	int (*subject)(void *arg, const struct change_subject *);
	int (*state)(void *arg, const struct change_state *);
	int (*prediction)(void *arg, const struct change_prediction *);
	int (*token)(void *arg, const struct store_token *);
	void (*seq)(void *arg, uint64_t event_seq, uint64_t prediction_id,
		uint32_t subject_id, uint32_t token_id, bool clean);
	/* Each may be NULL: those that fire; not withdrawn; not ended. */
	int (*alert)(void *arg, const struct alert *);
	int (*plan)(void *arg, const struct change_plan *);
	int (*window)(void *arg, const struct change_window *);
	/* Without their bytes. */
	int (*artifact)(void *arg, const struct change_artifact *);
	int (*note)(void *arg, const struct change_note *);
	/* Undelivered, and all of firing alerts, in the order of ids. */
	int (*outbox)(void *arg, const struct change_outbox *,
		const struct change_delivery *);
	void (*ids)(void *arg, const struct store_ids *);
};

#endif
