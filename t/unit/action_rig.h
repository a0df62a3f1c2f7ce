/*
 * An action on a loop of its own, with receivers that misbehave, and a store
 * that only remembers.
 */
#ifndef TOCSIN_T_UNIT_ACTION_RIG_H
#define TOCSIN_T_UNIT_ACTION_RIG_H

#include "action/action.h"
#include "t/lib/fake_http.h"

#define RIG_MAX 64

struct rig_row {
	uint64_t outbox;
	bool done;
	unsigned attempts;
	char error[160];
};

struct rig {
	struct sched *sched;
	struct action *a;
	struct fake_http *server;
	struct fake_reply next;		/* of the server, once script is used up */
	struct fake_reply script[8];
	_Atomic size_t n_served;
	size_t n_script;
	struct action_receiver receivers[4];
	struct action_match routes[4];
	struct action_setup setup;
	struct rig_row rows[RIG_MAX];	/* what was to be stored */
	size_t n_rows;
	size_t n_fallbacks;		/* messages made by itself */
	struct alert fires;		/* id 0 = nothing does */
	struct sched_timer look;
	bool (*until)(struct rig *);
	struct mono deadline;
	size_t want;
	struct tc_err e;
};

/* A webhook receiver "ops" at a server on `port` (0 = any, −1 = none yet). */
void rig_init(struct rig *r, int port);
void rig_fini(struct rig *r);
/* Sets up the receivers; the rig's `setup` may be changed before. */
void rig_setup(struct rig *r);
void rig_serve(struct rig *r, int port);
/* Runs the loop until it holds; false after `max`. */
bool rig_run(struct rig *r, bool (*until)(struct rig *), struct dur max);
/* n messages done, n requests served: for rig_run with r->want. */
bool rig_done(struct rig *r);
bool rig_served(struct rig *r);
bool rig_never(struct rig *r);

/* Of h1, since 2026-01-01; firing, or ended a minute later. */
struct alert rig_alert(uint64_t id, bool firing);
/* Routes it; returns the set with its messages. */
struct change_set *rig_route(struct rig *r, const struct alert *al);
/* The same, committed; how many messages. */
size_t rig_raise(struct rig *r, const struct alert *al);
/* The value of a header of the i-th request: "" when it is not there. */
const char *rig_header(struct rig *r, size_t i, const char *name, char *out,
	size_t size);

#endif
