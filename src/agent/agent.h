/*
 * tocsin-agent, but for its main().
 */
#ifndef TOCSIN_AGENT_AGENT_H
#define TOCSIN_AGENT_AGENT_H

#include "agent/conf.h"

/* Until a signal, or with --once one round.  Exit status 0 or 1. */
int agent_run(const struct agent_conf *conf);

#endif
