/*
 * Maintenance windows: when, whom, what for.  Calendar times, for people
 * planned them so; judged at each tick, never a timer.  Pure.
 */
#ifndef TOCSIN_PLAN_WINDOW_H
#define TOCSIN_PLAN_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"

#define WINDOW_TYPE_TABLE(X)                         \
	X(INSTANCE_REBOOT, "instance_reboot")        \
	X(HOST_REBOOT, "host_reboot")                \
	X(POWER, "power")                            \
	X(NETWORK, "network")

enum window_type {
#define X(sym, id) WINDOW_##sym,
	WINDOW_TYPE_TABLE(X)
#undef X
};

/* A window without hosts and without a partition is refused. */
struct window {
	uint64_t id;
	enum window_type type;
	struct wall from;
	struct wall to;
	struct dur grace;	/* after the end, before an overrun is told */
	char partition[254];	/* "" = the hosts named */
	char **hosts;		/* names, folded */
	size_t n_hosts;
	char by[64];
	char reason[256];
	bool overrun_told;
};

const char *window_type_id(enum window_type t);
bool window_type_parse(const char *id, size_t n, enum window_type *out);

bool window_covers(const struct window *w, const char *host,
	const char *partition);
bool window_runs(const struct window *w, struct wall now);
/* Its end and the grace have passed. */
bool window_is_over(const struct window *w, struct wall now);
void window_free(struct window *w);

#endif
