/*
 * The word about an end with an error: of a start that failed, or of a run
 * that a supervisor saw die.  Silence of an agent takes long to judge; its
 * own word does not.
 */
#ifndef TOCSIN_AGENT_GOODBYE_H
#define TOCSIN_AGENT_GOODBYE_H

#include "agent/conf.h"
#include "agent/sender.h"
#include "agent/spool.h"
#include "base/clock.h"

/*
 * Into the spool, and to the server within a second if it can be; else the
 * next run delivers it.
 */
void goodbye_send(const struct agent_conf *conf, struct spool *spool,
	struct clock *clock, const char *why);

#endif
