/*
 * Room for the load of a host that is left.  What a host may take in
 * all and what it takes now are its tags, in bytes or in any other unit that
 * the partition agrees on; a host without a capacity has no limit, for nobody
 * said one.  Pure.
 */
#ifndef TOCSIN_PLAN_ROOM_H
#define TOCSIN_PLAN_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/fleet.h"

/* Tags of a host: "256GiB", "40". */
#define CAPACITY_TAG "capacity"
#define LOAD_TAG "load"

struct room {
	bool limited;
	uint64_t left;	/* of a limited one */
	uint64_t load;	/* 0 = none, or not told */
};

/* What is wrong in a tag is not there. */
struct room room_of(const struct tag *tags, size_t n);
/* It is limited, and nothing is left. */
bool room_is_full(const struct tag *tags, size_t n);

/* Of all hosts that may be targets; {0} at first. */
struct room_sum {
	bool unlimited;		/* one of them */
	uint64_t left;
	uint64_t most;		/* of one */
};

void room_add(struct room_sum *sum, const struct room *target);
/*
 * `promised`: the loads that are to come there already.  `whole`: it cannot be
 * spread over several.
 */
bool room_suffices(const struct room_sum *sum, uint64_t promised,
	uint64_t load, bool whole);

#endif
