/*
 * How soon to begin: the time that leaving a host takes against the time that
 * is left.  Pure.
 */
#ifndef TOCSIN_PLAN_URGENCY_H
#define TOCSIN_PLAN_URGENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/fleet.h"
#include "model/plan.h"

/* Tags of a host: "2h"; "3TiB", divided by the fleet's rate. */
#define EVACUATION_TIME_TAG "evacuation_time"
#define EVACUATION_SIZE_TAG "evacuation_size"

struct plan_urgency {
	enum urgency is;
	bool accept_loss;	/* it takes longer than is left */
	bool left_known;
	struct dur estimate;	/* to leave the host */
	struct dur left;	/* until the failure, at the least likely soon */
};

/* The host's own tags, else the fleet's number; what is wrong is not there. */
struct dur evacuation_estimate(const struct tag *tags, size_t n,
	const struct evacuation_pace *pace);

/*
 * start_now with a warning when it takes longer than is left; urgent when less
 * than as much again or a day is to spare, or when nobody knows how much is left:
 * one failure in ten comes before its interval begins.
 */
struct plan_urgency plan_urgency(struct dur estimate, bool left_known,
	struct dur left);

#endif
