/*
 * Names to addresses, without ever blocking the loop: getaddrinfo() runs in a
 * few threads of its own, answers are kept.  All calls on the loop.
 *
 * Threads of our own and not libuv's: those are joined when the process ends,
 * and a name server that does not answer would hold up every shutdown.
 */
#ifndef TOCSIN_SCHED_RESOLVE_H
#define TOCSIN_SCHED_RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "sched/sched.h"

struct sched_addr {
	/*
	 * 0; TC_ENOENT: there is no such name; TC_ETIMEOUT: the deadline
	 * passed; TC_EAGAIN, TC_EIO: the name service failed.
	 */
	int rc;
	uint32_t len;
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} sa;
};

/* "192.0.2.1", "2001:db8::1", "fe80::1%eth0"; false for anything else. */
bool sched_addr_parse(const char *text, struct sched_addr *out);

struct sched_resolver;
struct sched_lookup;

struct sched_resolver *sched_resolver_new(struct sched *s, struct tc_err *e);
/* Callbacks of lookups under way are not called. */
void sched_resolver_free(struct sched_resolver *r);

/*
 * What is known now, or NULL.  A good answer is fresh for 60 s; up to an hour
 * it is still given while a new one is asked for, so that a dead name server
 * does not blind us.  "No such name" is kept for 5 s.  Borrowed for the turn.
 */
const struct sched_addr *sched_resolver_cached(struct sched_resolver *r,
	const char *name);

struct sched_question {
	const char *name;	/* copied */
	struct mono deadline;
	/* Once, never from within sched_resolve(), unless cancelled. */
	void (*fn)(void *arg, const struct sched_addr *answer);
	void *arg;
};

/* NULL when out of memory or too many are waiting. */
struct sched_lookup *sched_resolve(struct sched_resolver *r,
	const struct sched_question *q);
void sched_lookup_cancel(struct sched_lookup *l);

/* Tests: instead of getaddrinfo(); called in a thread. */
void sched_resolver_fake(struct sched_resolver *r,
	void (*ask)(void *arg, const char *name, struct sched_addr *out),
	void *arg);

#endif
