/*
 * Pages of Prometheus text, again and again: what a series is (its name and
 * labels) is worked out once and remembered by its text; from then on a line
 * costs a look-up and a number.  Pages of many hosts share one memory.
 */
#ifndef TOCSIN_WIRE_PROM_READ_H
#define TOCSIN_WIRE_PROM_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "wire/prom.h"

/*
 * What a series means to the caller, never NULL but when out of memory.  Its
 * memory is the arena, which is emptied when it is full: see `forgotten`.
 */
typedef const void *prom_know(void *arg, struct arena *mem,
	const struct prom_point *point);
typedef void prom_take(void *arg, const void *known, double value);

struct prom_memory {
	struct hash by_text;
	struct arena mem;
	size_t limit_bytes;
	prom_know *know;
	void (*forgotten)(void *arg);	/* all that was known is gone; or NULL */
	void *arg;
	uint64_t met;		/* lines that were known already */
	uint64_t learnt;
};

void prom_memory_init(struct prom_memory *m, prom_know *know, void *arg,
	size_t limit_bytes);
void prom_memory_free(struct prom_memory *m);
/* Between pages: forgets all when the limit is passed. */
void prom_memory_trim(struct prom_memory *m);

/* A piece of a page; whole lines. */
struct prom_piece {
	const char *text;
	size_t n;
	unsigned lines;		/* before it; moves on */
};

/* TC_EPROTO: "line 12: not a number", TC_ENOMEM. */
int prom_read(struct prom_memory *m, struct prom_piece *piece,
	prom_take *take, void *arg, struct tc_err *e);

#endif
