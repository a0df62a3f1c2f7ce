/*
 * Accidents as files that a person can read: a line does or expects one
 * thing at one time.  Lines are in the order of their times.
 *
 *	begin 2028-02-28T23:50:00Z	the wall clock; else 2026-01-01
 *	hosts 5				h0…h4, checks ping and tcp; else 5
 *	recheck off			else 1 s after a first failure
 *	parent h0 h1-h40		h1…h40 hang on h0
 *	at 00:10 h3 ping fail		[hours:]minutes:seconds; a reason may
 *	at 00:10 h3 fail no_reply	follow; without a check: both
 *	at 00:20 h3 ok			h1-h40: all of them, here and below
 *	at 00:30 step wall +1d		or -1h, +365d, -10m, +30s
 *	at 00:30 sleep 8h
 *	at 00:30 kill			and start again with what was stored
 *	at 00:30 mute | unmute		no run is answered
 *	at 00:30 cut | uncut		our uplink
 *	at 00:30 window h3 2h		from now on
 *	at 00:30 without h3		h3 left its source
 *	expect 00:40 h3 unhealthy no_reply	state, and perhaps the reason
 *	expect 00:40 events clock_step 1	so many so far
 *	expect 00:40 alerts host_down 0	that fire now
 *	expect 00:40 alerts all 0	of any kind
 *	expect 00:40 convicted 0	hosts, so far
 *	expect 00:40 moves 0		host.state events since the last `moves`
 */
#ifndef TOCSIN_T_SCENARIO_H
#define TOCSIN_T_SCENARIO_H

#include "base/err.h"

/* 0, or TC_EINVAL with "name:line: …": a fault, or what was not as expected. */
int scenario_run(const char *name, const char *text, struct tc_err *e);

#endif
