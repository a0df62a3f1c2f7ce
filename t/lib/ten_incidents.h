/*
 * Ten incidents, and what their times come to by hand:
 *
 *	 #  unit  evidence → verdict   → good            cause    foreseen
 *	 1  a     30 s                 300 s             device   for 1000 s
 *	 2  a     45 s                 600 s             device   for 2000 s
 *	 3  b     0 (one answer)       100 s             unknown  no
 *	 4  b     60 s                 1200 s            memory   no
 *	 5  c     30 s                 open              memory   no
 *	 6  d     unknown (was down)   50 s              unknown  no
 *	 7  v     600 s (on a)         900 s             device   for 500 s
 *	 8  r     20 s                 120 s             unknown  no
 *	 9  d     90 s                 retired           host_os  for 500 s
 *	10  P     100 s (since b, 4)   400 s             unknown  never
 *
 * and two that are none: a doubt that passed, a failure in maintenance.
 */
#ifndef TOCSIN_T_LIB_TEN_INCIDENTS_H
#define TOCSIN_T_LIB_TEN_INCIDENTS_H

#include "model/state.h"
#include "model/unit.h"

enum { TEN_P = 900000, TEN_A, TEN_B, TEN_C, TEN_D, TEN_V, TEN_R };

struct ten_move {
	int at;			/* s */
	int subject;
	enum health from, to;
	enum cause_hint cause;
	int host;		/* on which it was; 0 = none */
	bool in_window;
	bool gone;
};

static const struct ten_move ten_moves[] = {
#define M(at, who, from, to, cause, host) \
	{ at, TEN_##who, HEALTH_##from, HEALTH_##to, CAUSE_##cause, host, \
	  false, false },
	M(10000, A, HEALTHY, SUSPECT, DEVICE, TEN_A)	/* 1 */
	M(10030, A, SUSPECT, UNHEALTHY, DEVICE, TEN_A)
	M(10100, C, HEALTHY, SUSPECT, UNKNOWN, TEN_C)	/* a doubt */
	M(10115, C, SUSPECT, HEALTHY, UNKNOWN, TEN_C)
	M(10330, A, UNHEALTHY, HEALTHY, DEVICE, TEN_A)
	M(20000, D, UNKNOWN, SUSPECT, UNKNOWN, TEN_D)	/* 6 */
	M(20030, D, SUSPECT, UNHEALTHY, UNKNOWN, TEN_D)
	M(20080, D, UNHEALTHY, HEALTHY, UNKNOWN, TEN_D)
	M(30000, A, HEALTHY, SUSPECT, DEVICE, TEN_A)	/* 2 */
	M(30045, A, SUSPECT, UNHEALTHY, DEVICE, TEN_A)
	M(30645, A, UNHEALTHY, HEALTHY, DEVICE, TEN_A)
	M(40000, B, HEALTHY, UNHEALTHY, UNKNOWN, TEN_B)	/* 3 */
	M(40100, B, UNHEALTHY, HEALTHY, UNKNOWN, TEN_B)
	M(50000, B, HEALTHY, SUSPECT, UNKNOWN, TEN_B)	/* 4 */
	M(50060, B, SUSPECT, UNHEALTHY, UNKNOWN, TEN_B)
	M(50100, P, HEALTHY, UNHEALTHY, UNKNOWN, 0)	/* 10 */
	M(50200, B, UNHEALTHY, STALE, UNKNOWN, TEN_B)
	M(50300, B, STALE, UNHEALTHY, MEMORY, TEN_B)
	M(50500, P, UNHEALTHY, HEALTHY, UNKNOWN, 0)
	M(51260, B, UNHEALTHY, HEALTHY, UNKNOWN, TEN_B)
	M(60000, V, HEALTHY, SUSPECT, DEVICE, TEN_A)	/* 7 */
	M(60600, V, SUSPECT, UNHEALTHY, DEVICE, TEN_A)
	M(61500, V, UNHEALTHY, HEALTHY, DEVICE, TEN_B)
	M(70000, R, HEALTHY, SUSPECT, UNKNOWN, TEN_B)	/* 8 */
	M(70020, R, SUSPECT, IMPAIRED, UNKNOWN, TEN_B)
	M(70040, R, IMPAIRED, UNHEALTHY, UNKNOWN, TEN_B)
	M(70140, R, UNHEALTHY, HEALTHY, UNKNOWN, TEN_B)
	M(80000, D, HEALTHY, SUSPECT, HOST_OS, TEN_D)	/* 9 */
	M(80090, D, SUSPECT, UNHEALTHY, HOST_OS, TEN_D)
	{ 80200, TEN_D, HEALTH_UNKNOWN, HEALTH_UNKNOWN, CAUSE_UNKNOWN, TEN_D,
	  false, true },
	{ 85000, TEN_B, HEALTH_HEALTHY, HEALTH_UNHEALTHY, CAUSE_UNKNOWN, TEN_B,
	  true, false },			/* in maintenance */
	M(85100, B, UNHEALTHY, HEALTHY, UNKNOWN, TEN_B)
	M(86000, C, HEALTHY, SUSPECT, MEMORY, TEN_C)	/* 5 */
	M(86030, C, SUSPECT, UNHEALTHY, MEMORY, TEN_C)
#undef M
};

/* Until 0: it still holds. */
static const struct { int host, since, until; } ten_warnings[] = {
	{ TEN_A, 9000, 9400 }, { TEN_A, 9400, 11000 },	/* it grew worse */
	{ TEN_A, 28000, 30700 },
	{ TEN_A, 59500, 0 },
	{ TEN_B, 50010, 50050 },	/* after the first evidence */
	{ TEN_B, 39000, 39900 },	/* over before it */
	{ TEN_D, 79500, 80200 },
};

#endif
