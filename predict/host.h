/*
 * The risk of a host from those of its disks and its own signals.  Disks fail
 * independently; those of a declared group (predict/redundancy.h) count only
 * when more of them fail than it can spare.  What is not declared stands
 * alone.  A member that nobody has seen, or whose risk nobody knows, is taken
 * as lost: it protects nothing.
 */
#ifndef TOCSIN_PREDICT_HOST_H
#define TOCSIN_PREDICT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/level.h"
#include "model/unit.h"
#include "model/verdict.h"
#include "predict/redundancy.h"

/* Members of one group that are looked at; more count as alone. */
#define HOST_GROUP_MAX 64

struct host_device {
	uint32_t device;	/* subject id */
	enum level level;
	struct risk risk;
	uint32_t group;		/* REDUNDANCY_GROUPS_MAX = alone */
};

/* The host's own signals; {0} when there are none. */
struct host_own {
	bool any;		/* something points to a failure */
	enum level level;
	struct risk risk;
};

struct host_risk {
	enum level level : 8;	/* of the worst that no other disk stands for */
	enum level spared : 8;	/* worst level among disks that others stand for */
	enum cause_hint cause : 8;	/* the caller's to say: outlook_cause() */
	bool own;		/* the host's own signals are the reason */
	uint32_t device;	/* the reason; 0 when there is none, or the host's own */
	uint32_t spared_device;	/* that one: to be replaced; 0 = none */
	uint32_t n_blind;	/* devices whose risk is unknown */
	struct risk risk;	/* 1 − Π(1 − r); unknown when nothing is known */
};

/* `declared` may be NULL. */
void host_combine(const struct host_device *devices, size_t n,
	const struct redundancy *declared, const struct host_own *own,
	struct host_risk *out);

#endif
