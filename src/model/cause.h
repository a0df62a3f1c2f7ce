/*
 * What kind of thing is at fault, when positive evidence says so.
 * Silence is no evidence: nobody is accused by it.
 */
#ifndef TOCSIN_MODEL_CAUSE_H
#define TOCSIN_MODEL_CAUSE_H

#include <stdbool.h>
#include <stddef.h>

/* symbol, stable text id (in the API and in rule packs), human text */
#define CAUSE_TABLE(X)                                                 \
	X(CAUSE_UNKNOWN, "unknown", "nothing says what is at fault")   \
	X(CAUSE_MEMORY, "memory", "memory or processor")               \
	X(CAUSE_DEVICE, "device", "a disk or its path")                \
	X(CAUSE_HOST_OS, "host_os", "the host's own system")           \
	X(CAUSE_NETWORK, "network", "its link to the network")

enum cause {
#define X(sym, id, text) sym,
	CAUSE_TABLE(X)
#undef X
};
#define CAUSE_N 5

/* "unknown", "memory", …; never NULL. */
const char *cause_name(enum cause cause);
const char *cause_text(enum cause cause);
/* False when no cause has this id. */
bool cause_from_name(const char *name, size_t n, enum cause *out);

#endif
