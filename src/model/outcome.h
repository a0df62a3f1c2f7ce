/*
 * What really became of a device or a host that was predicted about.
 */
#ifndef TOCSIN_MODEL_OUTCOME_H
#define TOCSIN_MODEL_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * symbol, stable text id (stored, in the API).  Replaced = taken out without a
 * word why; retired = its host went; healthy = it was well until then;
 * wrong_alarm = a person looked, and the alarms until then were wrong.
 */
#define OUTCOME_TABLE(X)                     \
	X(OUTCOME_FAILED, "failed")          \
	X(OUTCOME_REPLACED, "replaced")      \
	X(OUTCOME_RETIRED, "retired")        \
	X(OUTCOME_HEALTHY, "healthy")        \
	X(OUTCOME_WRONG_ALARM, "wrong_alarm")

enum outcome_kind {
#define X(sym, id) sym,
	OUTCOME_TABLE(X)
#undef X
};
#define OUTCOME_KIND_N 5

const char *outcome_kind_id(enum outcome_kind kind);
bool outcome_kind_parse(const char *id, size_t n, enum outcome_kind *out);

/* Who says so: reported by a person, imported, inferred by the engine. */
#define OUTCOME_SOURCE_TABLE(X)              \
	X(OUTCOME_REPORTED, "reported")      \
	X(OUTCOME_IMPORTED, "imported")      \
	X(OUTCOME_INFERRED, "inferred")

enum outcome_source {
#define X(sym, id) sym,
	OUTCOME_SOURCE_TABLE(X)
#undef X
};

const char *outcome_source_id(enum outcome_source source);

#endif
