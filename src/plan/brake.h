/*
 * The brake of a partition: a latch that stops actions, never visibility.
 * It closes by itself and is reopened only by a named person.  Pure.
 *
 * DESIGN 3b.17: latches when convicted + predicted > max(2, ⌊3 %⌋) of the
 * partition's hosts; above max(3, ⌊10 %⌋) approved plans need two persons.
 * It latches as well when a VM made one host after the other fall:
 * every further move would carry the failure on.
 */
#ifndef TOCSIN_PLAN_BRAKE_H
#define TOCSIN_PLAN_BRAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

enum brake_cause { BRAKE_TOO_MANY, BRAKE_CONTAGION };

struct brake {
	bool latched;
	enum brake_cause cause;	/* of the latch */
	uint32_t vm;		/* the one suspected of contagion; 0 = none */
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

/*
 * One more host was convicted under a VM that made others fall.  True when it
 * latched now; after a release only the next such host latches it again.
 */
bool brake_contagion(struct brake *b, uint32_t vm, size_t bad, size_t hosts,	/* lint: who, how many, when */
	struct wall at);

/* "too_many" "contagion" */
const char *brake_cause_id(enum brake_cause c);

/* TC_EEXIST when it is open; TC_EINVAL without a name or a reason. */
int brake_release(struct brake *b, const char *by, const char *reason,	/* lint: who, why, when */
	size_t bad, struct wall at, struct tc_err *e);

#define BRAKE_SAVED_BYTES 128
void brake_save(const struct brake *b, unsigned char out[BRAKE_SAVED_BYTES]);
int brake_restore(const void *p, size_t n, struct brake *out,
	struct tc_err *e);

#endif
