/*
 * Alerts to people: routed, rendered, kept until delivered.
 *
 *	n = action_route(a, cs);	(messages join the set that tells of it)
 *	… the set is committed, or the store cannot …
 *	action_committed(a, cs);	(now they may go out)
 *
 * All on the loop; libcurl works in a thread of its own.  Per receiver: one
 * message at a time, in order, at least once, with one idempotency key
 * whatever happens; 1 s to 5 min between attempts.  A message whose set is
 * not heard of again goes out after 5 s all the same.
 */
#ifndef TOCSIN_ACTION_ACTION_H
#define TOCSIN_ACTION_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/change.h"
#include "sched/sched.h"

struct action;

/* In the order of the configuration's "webhook|alertmanager|…". */
enum action_type { ACTION_WEBHOOK, ACTION_ALERTMANAGER, ACTION_SLACK,
	ACTION_PAGERDUTY, ACTION_SMTP, ACTION_EXEC };

/* "" for what its type does not need. */
struct action_receiver {
	const char *name;
	enum action_type type;
	const char *url;
	const char *secret;	/* webhook: signs; pagerduty: routing key */
	const char *server;	/* smtp: HOST:PORT */
	const char *from;
	const char *user;
	const char *password;
	struct dur timeout;	/* of one attempt, in all */
	const char *fallback;	/* receiver told in its place, "" = none */
	struct dur fallback_after;	/* not delivered for so long */
	const char *const *argv;	/* exec */
	size_t n_argv;
	const char *const *to;	/* smtp */
	size_t n_to;
};

/*
 * All of `match` must hold: severity, kind, partition and host by these
 * names, else a tag of the host; values with * and ? as in a shell.
 */
struct action_match {
	const struct tag *match;
	size_t n_match;
	const char *const *to;
	size_t n_to;
};

struct action_setup {
	const struct action_receiver *receivers;
	size_t n_receivers;
	const struct action_match *routes;
	size_t n_routes;
	const char *base_url;	/* of links to us, "" = none */
	const char *const *heartbeat_to;
	size_t n_heartbeat_to;
	struct dur heartbeat_every;	/* the next one comes so soon */
};

struct action_conf {
	struct sched *sched;
	struct clock *clock;
	const char *user_agent;	/* "tocsind/0.1.0" */
	void *arg;
	/* Results of deliveries; ownership moves. */
	void (*store)(void *arg, struct change_set *cs);
	/* Where the host is reached, "" = not known; valid until the next call. */
	const char *(*address)(void *arg, const char *host);
	/* What fires now; its texts are valid until the next call. */
	bool (*alert)(void *arg, uint64_t id, struct alert *out);
};

/* Nothing is sent before action_setup(). */
int action_new(const struct action_conf *conf, struct action **out,
	struct tc_err *e);
/* Attempts under way are given up; what is not delivered stays in the store. */
void action_free(struct action *a);

/*
 * At the start and at every reload; copied.  Messages to a receiver that is
 * gone are recorded as such.  TC_ENOMEM: the one before stays.
 */
int action_setup(struct action *a, const struct action_setup *setup,
	struct tc_err *e);

/* ---- what the last run left, before the first action_setup() ---- */
int action_restore_alert(struct action *a, const struct alert *alert);
int action_restore_message(struct action *a, const struct change_outbox *o,
	const struct change_delivery *d);
void action_restore_id(struct action *a, uint64_t largest_outbox_id);

/* Adds a message for each receiver of each alert; how many. */
size_t action_route(struct action *a, struct change_set *cs);
/*
 * A sign of life for each receiver of `heartbeat_to`, in place of one that
 * still waits; how many.  `body`: a JSON object.  It goes out only when its
 * set was committed.
 */
size_t action_heartbeat(struct action *a, struct change_set *cs,
	const char *body);
/* The set is durable, or will not be for now: its messages go out. */
void action_committed(struct action *a, const struct change_set *cs);

struct action_stats {
	size_t waiting;		/* messages not delivered yet */
	struct dur oldest;	/* how long the first of them waits */
	size_t receivers_down;	/* whose last attempt failed */
	uint64_t attempts;
	uint64_t failures;	/* of attempts */
	uint64_t delivered;
	uint64_t given_up;
	uint64_t fell_back;	/* told to another receiver in place of one */
};
void action_stats(const struct action *a, struct action_stats *out);

#endif
