/*
 * The ladder of a convicted host: wait for its natural return, reboot it,
 * give it time, and only then move what it carries.  Pure: what the
 * time says should have been tried; nothing is performed.
 */
#ifndef TOCSIN_PLAN_LADDER_H
#define TOCSIN_PLAN_LADDER_H

#include <stddef.h>

#include "base/clock.h"
#include "model/plan.h"

/* How long after the conviction the rung is reached; < 0 = no rung of it. */
struct dur ladder_from(const struct ladder_rule *rule, enum plan_action rung);
/* The rung in force so long after the conviction. */
/* The rung after it; NONE = it is the last. */
enum plan_action ladder_next(enum plan_action rung);

#endif
