/*
 * A host by its own signals, as a snapshot shows it.
 */
#ifndef TOCSIN_ENGINE_SHOWN_OUTLOOK_H
#define TOCSIN_ENGINE_SHOWN_OUTLOOK_H

#include <stdint.h>

#include "base/clock.h"
#include "model/unit.h"
#include "model/verdict.h"

struct snap_outlook {
	const struct verdict *verdict;	/* never NULL */
	uint64_t prediction_id;	/* 0 = level none */
	struct wall level_since;
};

#endif
