/*
 * The risk of a host from those of its devices: any device's failure counts,
 * independently.  (Declared redundancy will change that.)
 */
#ifndef TOCSIN_PREDICT_HOST_H
#define TOCSIN_PREDICT_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "model/level.h"
#include "model/verdict.h"

struct host_device {
	uint32_t device;	/* subject id */
	enum level level;
	struct risk risk;
};

struct host_risk {
	enum level level;	/* of the worst device */
	struct risk risk;	/* 1 − Π(1 − r); unknown when no device is known */
	uint32_t device;	/* the reason; 0 when there is no device */
	uint32_t n_blind;	/* devices whose risk is unknown */
};

void host_combine(const struct host_device *devices, size_t n,
	struct host_risk *out);

#endif
