/*
 * Option rows: the public struct tocsin_opt serves the whole house.  An
 * adapter declares its rows; src/config reads, checks and keeps the origin.
 */
#ifndef TOCSIN_MODEL_OPT_H
#define TOCSIN_MODEL_OPT_H

#include <tocsin/probe.h>

/* Where a value came from: "tocsin.yaml", line 12; file "default", line 0. */
struct opt_origin {
	const char *file;
	unsigned line;
};

#endif
