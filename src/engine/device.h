/*
 * What the engine knows of a device, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_DEVICE_H
#define TOCSIN_ENGINE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/level.h"
#include "model/observation.h"
#include "predict/drive.h"
#include "predict/features.h"

struct host;
struct check;

/* A value that a person lives with, until it moves or the day comes. */
#define ACCEPTED_MAX 8
#define ACCEPT_DELTA_MAX INT64_C(1000000000)
struct accepted {
	struct acceptance what;
	struct wall at;
	char by[64];
	char reason[256];
};

struct device {
	uint32_t id;
	struct host *host;
	char *key;
	struct device_id ident;	/* in the same block as key */
	struct check *check;
	struct features features;
	struct drive_state drive;
	bool has_features;
	enum level level;	/* last said; the verdict may be gone */
	bool asleep;
	enum tocsin_reason reason;
	struct wall at;
	bool judged;
	struct risk risk;
	int32_t score;
	struct verdict *verdict;	/* verdict_bytes() long; may be NULL */
	uint64_t prediction_id;
	struct wall level_since;
	int32_t judged_day;
	struct wall first;	/* seen; ms 0 = nobody knows */
	int32_t seen_day;	/* last written down */
	bool gone;		/* not there; kept for who asks about it */
	struct wall gone_at;
	uint32_t replaces;	/* the device whose place it took; 0 = none */
	struct accepted *accepted;	/* NULL = nothing */
	uint32_t n_accepted;
};

#endif
