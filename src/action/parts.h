/*
 * What the files of this folder share.
 */
#ifndef TOCSIN_ACTION_PARTS_H
#define TOCSIN_ACTION_PARTS_H

#include "action/action.h"
#include "action/courier.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/mem.h"
#include "sched/child.h"

#define RELEASE_MS 5000	/* a message waits so long for its commit */
#define REPOST_S 60	/* Alertmanager wants to be told again and again */
/*
 * How long Alertmanager takes our word: silence is no recovery, and we may
 * be away for a restart.
 */
#define EXPIRY_S 900
#define BACKOFF_MAX_MS 300000
#define REFUSED_MAX 3	/* attempts on what the receiver does not accept */
#define BURST 50	/* messages at once; then: */
#define PACE_MS 50	/* one so often */

/* Of an alert, or a heartbeat: alert 0. */
struct message {
	struct list node;	/* in its receiver's queue, by id */
	uint64_t id;
	uint64_t alert;
	bool firing;
	bool released;
	bool handed_on;		/* its fallback was looked at */
	struct wall at;
	struct mono made;
	unsigned attempts;
	char *payload;
};

enum busy { BUSY_NO, BUSY_MESSAGE, BUSY_REPOST };

/* One receiver and its queue. */
struct outlet {
	struct list node;
	struct action *owner;
	uint32_t number;	/* never used again: results name it */
	struct arena arena;	/* of conf */
	struct action_receiver conf;
	struct list queue;
	size_t n_queue;
	struct sched_timer timer;
	enum busy busy;
	struct sched_child *child;	/* exec under way */
	unsigned failures;	/* in a row */
	struct mono not_before;
	struct mono pace;	/* when the rate alone would let the next go */
	struct mono repost;	/* when due; ns 0 = nothing to repeat */
	struct sched_timer fallback;	/* the first message that is late */
};

enum told_state { TOLD_WAITING, TOLD_DELIVERED, TOLD_FAILED };

/* Who was told that an alert fires. */
struct told_to {
	char *receiver;
	enum told_state state;
	char *payload;		/* Alertmanager: to be repeated; else NULL */
};

struct told {
	uint64_t alert;		/* key of the map */
	enum severity severity;
	struct told_to *to;
	size_t n, cap;
};

struct action {
	struct action_conf conf;
	struct courier *courier;
	struct sched_children *children;
	struct list outlets;
	uint32_t last_number;
	uint64_t last_id;
	struct hash told;
	struct arena setup_arena;	/* of routes and base_url */
	const struct action_match *routes;
	size_t n_routes;
	const char *base_url;
	const char *const *heartbeat_to;
	size_t n_heartbeat_to;
	struct dur heartbeat_every;
	bool ready;		/* the receivers are known */
	struct action_stats stats;
};

struct mono action_mono(const struct action *a);
struct outlet *action_outlet(const struct action *a, const char *name);

/* ---- told.c ---- */
struct told *told_get(const struct action *a, uint64_t alert);
struct told *told_add(struct action *a, uint64_t alert, enum severity severity);
/* The entry of a receiver, made if need be; NULL when out of memory. */
struct told_to *told_to_get(struct told *t, const char *receiver);
struct told_to *told_to_find(const struct told *t, const char *receiver);
void told_drop(struct action *a, struct told *t);
void told_free_all(struct action *a);

/* ---- route.c ---- */
/* False when out of memory: the message is lost, and that is said. */
bool message_add(struct outlet *o, struct change_set *cs,
	const struct alert *al);

/* ---- fallback.c ---- */
void fallback_init(struct outlet *o);
/* Hands on what is late, or sets the timer for the first that will be. */
void fallback_look(struct outlet *o);
/* Its fallback is told at once, unless it was. */
void fallback_tell(struct outlet *o, struct message *m);

/* ---- outlet.c ---- */
struct outlet *outlet_new(struct action *a);
/* Frees it and what waits in it. */
void outlet_free(struct outlet *o);
/* 0, or TC_ENOMEM and the queue as it was. */
int outlet_add(struct outlet *o, const struct change_outbox *c, bool released,
	unsigned attempts);
void outlet_release(struct outlet *o, uint64_t id);
/* Sends what is due, or sets the timer. */
void outlet_pump(struct outlet *o);
/* All that waits is recorded as given up. */
void outlet_give_up(struct outlet *o, const char *why);
/* A heartbeat that waits is old news; one under way is not touched. */
void outlet_drop_heartbeats(struct outlet *o);
/* The answer to an attempt: NULL = delivered. */
struct attempt {
	bool refused;		/* it would be refused again */
	struct dur retry_after;
	const char *error;	/* NULL = delivered */
};
void outlet_done(struct outlet *o, const struct attempt *result);

/* ---- send.c ---- */
/* Starts an attempt; false (recorded by the caller) when it cannot. */
bool send_message(struct outlet *o, const struct message *m);
bool send_repost(struct outlet *o);
/* Some alert that fires was told to it and is to be repeated. */
bool send_has_repost(const struct outlet *o);
void send_result(void *arg, struct courier_job *job);
/* "tocsin-17-1767225600000" */
#define KEY_TEXT 64
void send_key(uint64_t id, struct wall at, char text[KEY_TEXT]);

#endif
