/*
 * The brake of a partition: a latch that stops actions, never visibility.
 * It closes by itself and is reopened only by a named person.  Pure.
 *
 * DESIGN 3b.17: latches when convicted + predicted > max(2, ⌊3 %⌋) of the
 * partition's hosts; above max(3, ⌊10 %⌋) approved plans need two persons.
 */
#ifndef TOCSIN_PLAN_BRAKE_H
#define TOCSIN_PLAN_BRAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"

struct brake {
	bool latched;
	struct wall since;	/* of the latch */
	size_t bad_then;	/* when it latched */
	size_t hosts_then;
	struct wall released;	/* ms 0 = never */
	char released_by[64];
	/*
	 * After a release the same trouble does not latch it again at once:
	 * only more bad hosts than were bad at the release do.
	 */
	size_t tolerated;
};

size_t brake_limit(size_t hosts);
size_t brake_hard_limit(size_t hosts);

/* True when it latched now. */
bool brake_update(struct brake *b, size_t bad, size_t hosts, struct wall at);

/* TC_EEXIST when it is open; TC_EINVAL without a name or a reason. */
int brake_release(struct brake *b, const char *by, const char *reason,	/* lint: who, why, when */
	size_t bad, struct wall at, struct tc_err *e);

#define BRAKE_SAVED_BYTES 128
void brake_save(const struct brake *b, unsigned char out[BRAKE_SAVED_BYTES]);
int brake_restore(const void *p, size_t n, struct brake *out,
	struct tc_err *e);

#endif
