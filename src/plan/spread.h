/*
 * Copies of a service are never all maintained at once: what two windows
 * that overlap leave of each group.  A group is the hosts whose tag `app` or
 * `anti_affinity` has one value.  Pure.
 */
#ifndef TOCSIN_PLAN_SPREAD_H
#define TOCSIN_PLAN_SPREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "model/fleet.h"
#include "plan/window.h"

/* A host in a group; one of two groups is there twice. */
struct spread_host {
	const char *name;
	const char *group;
	const void *of;		/* the caller's */
};

struct spread_list {
	struct spread_host *hosts;
	size_t n;
	/* The window lies on it, or on what it hangs on. */
	bool (*covers)(const void *arg, const struct window *w,
		const void *of);
	const void *arg;
};

/* "app", "anti_affinity" */
bool spread_is_group(const struct tag *t);
/* By group, as spread_conflict() wants them. */
void spread_sort(struct spread_host *hosts, size_t n);

struct spread_found {
	const struct window *other;
	const char *group;
	size_t first, n;	/* its hosts in the list */
};
/*
 * The first group of two hosts or more of which `w` and a window that overlaps
 * it leave nothing, though each of the two alone does.
 */
bool spread_conflict(const struct spread_list *list, const struct window *w,
	struct window *const *others, size_t n_others,
	struct spread_found *out);

#endif
