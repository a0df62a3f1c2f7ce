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
#include "model/alert.h"
#include "model/fact.h"

enum change_kind {
	CHANGE_SUBJECT,
	CHANGE_HISTORY,
	CHANGE_EVENT,
	CHANGE_STATE,
	CHANGE_PREDICTION,
	CHANGE_ALERT,
	CHANGE_PLAN,
	CHANGE_OUTBOX,
	CHANGE_DELIVERY,
	CHANGE_AUDIT,
	CHANGE_WINDOW,
	CHANGE_NOTE,
	CHANGE_OUTCOME,
	CHANGE_ARTIFACT,
};

struct change {
	enum change_kind kind;
	union {
		struct change_subject subject;
		struct change_history history;
		struct change_event event;
		struct change_state state;
		struct change_prediction prediction;
		struct alert alert;	/* replaced by id */
		struct change_plan plan;
		struct change_outbox outbox;
		struct change_delivery delivery;
		struct change_audit audit;
		struct change_window window;
		struct change_note note;
		struct change_outcome outcome;
		struct change_artifact artifact;
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
	bool calm;		/* nobody waits: it may lie for a quarter of a second */
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
