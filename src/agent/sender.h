/*
 * Carries the spool to the server, oldest first, in a thread of its own.
 * What the server has not answered 202 stays; a batch keeps its id however
 * often it is sent.
 */
#ifndef TOCSIN_AGENT_SENDER_H
#define TOCSIN_AGENT_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/spool.h"
#include "base/clock.h"
#include "base/err.h"

struct sender;

struct sender_conf {
	const char *url;
	const char *token_file;	/* read anew for each request: it may rotate */
	const char *ca_file;	/* NULL = the system's */
	const char *user_agent;
	struct spool *spool;
	struct clock *clock;
	struct dur retry_min;	/* 0 = 1 s */
	struct dur retry_max;	/* 0 = 60 s */
};

struct sender_counts {
	uint64_t sent;		/* batches that the server took */
	uint64_t failures;	/* requests that came to nothing */
	uint64_t refused_items;	/* observations that the server will not have */
	bool away;		/* the last request came to nothing */
	bool has_skew;
	double skew_seconds;	/* the server's clock − ours */
};

/* Everything in conf is copied, but for the spool, which must live longer. */
int sender_start(const struct sender_conf *conf, struct sender **out,
	struct tc_err *e);
/* There is something new. */
void sender_wake(struct sender *s);
/* Sends what it can until `until`, then ends; waits for that. */
void sender_stop(struct sender *s, struct mono until);
void sender_counts(struct sender *s, struct sender_counts *out);

#endif
