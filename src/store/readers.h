/*
 * A bounded pool of read-only connections; any thread.
 */
#ifndef TOCSIN_STORE_READERS_H
#define TOCSIN_STORE_READERS_H

#include "store/db.h"

struct readers;

/* `deadline` counts for each use; `path` outlives the pool. */
int readers_open(const char *path, unsigned n, struct dur deadline,
	struct readers **out, struct tc_err *e);
/* All must have been given back. */
void readers_close(struct readers *r);

/*
 * A connection with a read transaction begun; TC_EBUSY when none becomes free
 * soon.  `limited` false = no deadline.
 */
int readers_take(struct readers *r, bool limited, struct db **out,
	struct tc_err *e);
void readers_give(struct readers *r, struct db *db);
/*
 * The file can be written again: those opened frozen are closed, at once or
 * when they are given back, and opened anew when they are taken.
 */
void readers_thaw(struct readers *r);
/* A page was not as it was written, once since the start. */
bool readers_met_damage(const struct readers *r);

#endif
