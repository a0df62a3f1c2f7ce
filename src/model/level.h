/*
 * How urgent a prediction is.  Ordered: a higher level asks for more.
 */
#ifndef TOCSIN_MODEL_LEVEL_H
#define TOCSIN_MODEL_LEVEL_H

#include <stdbool.h>
#include <stddef.h>

/* symbol, stable text id (stored, in the API), human text */
#define LEVEL_TABLE(X)                                             \
	X(LEVEL_NONE, "none", "nothing points to a failure")       \
	X(LEVEL_WATCH, "watch", "worse than its peers: look at it") \
	X(LEVEL_LIKELY, "likely", "plan its evacuation")           \
	X(LEVEL_IMMINENT, "imminent", "evacuate now")

enum level {
#define X(sym, id, text) sym,
	LEVEL_TABLE(X)
#undef X
};
#define LEVEL_N 4

/* "none", "watch", …; never NULL. */
const char *level_name(enum level level);
const char *level_text(enum level level);
/* False when no level has this id. */
bool level_from_name(const char *name, size_t n, enum level *out);

#endif
