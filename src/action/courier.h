/*
 * A thread that carries requests: HTTP and mail through libcurl, as many at
 * once as there are receivers.  Nothing here waits on the loop.
 */
#ifndef TOCSIN_ACTION_COURIER_H
#define TOCSIN_ACTION_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "sched/sched.h"

#define COURIER_REPLY_MAX ((size_t)65536)	/* of an answer; then it is cut */

enum courier_tls { COURIER_TLS_NONE, COURIER_TLS_TRY, COURIER_TLS_ALL };

/*
 * One request and then its result.  Mail when `mail_from` is set.  Everything
 * is in its arena; its owner is told by number, since it may be gone by then.
 */
struct courier_job {
	struct arena *arena;	/* holds the job too */
	uint32_t owner;
	const char *url;
	const char *const *headers;	/* HTTP, ends with NULL */
	const char *body;
	size_t n_body;
	struct dur timeout;
	const char *mail_from;	/* NULL = HTTP POST */
	const char *const *mail_to;	/* ends with NULL */
	const char *user;	/* "" = none */
	const char *password;
	enum courier_tls tls;	/* mail; HTTP: the URL says */

	/* result: err.code 0 = there was an answer with `status` */
	struct tc_err err;
	int status;		/* of HTTP, or the last of SMTP */
	struct dur retry_after;	/* 0 = none said */

	/* the courier's */
	void *easy;
	void *lists[2];
	size_t sent;
	size_t got;
	bool cut;
	char *text;		/* CURL_ERROR_SIZE */
};

/* An empty job in an arena of its own; NULL when out of memory. */
struct courier_job *courier_job_new(void);
void courier_job_free(struct courier_job *job);

struct courier;
struct courier_conf {
	struct sched *sched;
	const char *user_agent;	/* outlives it */
	void (*done)(void *arg, struct courier_job *);
	void *arg;
};
int courier_open(const struct courier_conf *conf, struct courier **out,
	struct tc_err *e);
/* Drops what is under way; done() is not called any more.  NULL is fine. */
void courier_close(struct courier *c);
/* The job moves, and comes back by done() on the loop; TC_EFULL: it stays. */
int courier_send(struct courier *c, struct courier_job *job);

#endif
