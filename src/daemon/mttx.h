/*
 * Times of detection and repair, of what the store holds.
 */
#ifndef TOCSIN_DAEMON_MTTX_H
#define TOCSIN_DAEMON_MTTX_H

#include "base/clock.h"
#include "base/err.h"

struct daemon;
struct mttx;	/* predict/mttx.h */

/* Of incidents whose verdict fell in [from, to); any thread. */
int mttx_read(struct daemon *d, struct wall from, struct wall to,
	struct mttx *out, struct tc_err *e);

#endif
