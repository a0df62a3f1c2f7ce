/*
 * The hosts by name, retired ones included, for src/engine alone.  There are
 * tens of thousands and each has its name in itself, so a slot is its number
 * alone: four bytes.  Who is in it stays; it is all freed at once.
 */
#ifndef TOCSIN_ENGINE_ROSTER_H
#define TOCSIN_ENGINE_ROSTER_H

#include <stddef.h>
#include <stdint.h>

struct engine;
struct host;

/* {0} is empty; `seed` is set before the first host comes. */
struct roster {
	uint32_t *ids;	/* 0 = free */
	size_t cap;	/* a power of two, or 0 */
	size_t n;
	uint64_t seed;
};

/* The host is known by its number already; 0 or TC_ENOMEM. */
int roster_add(struct engine *en, const struct host *h);
struct host *host_find(const struct engine *en, const char *name);
/* Walks all in no order: start with *at = 0, NULL at the end. */
struct host *roster_next(const struct engine *en, size_t *at);
void roster_free(struct roster *r);

#endif
