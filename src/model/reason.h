/*
 * Outcomes and reasons.  The table is the public one of <tocsin/probe.h>.
 */
#ifndef TOCSIN_MODEL_REASON_H
#define TOCSIN_MODEL_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <tocsin/probe.h>

/* "ok", "fail", "unknown" */
const char *outcome_id(enum tocsin_outcome o);
bool outcome_parse(const char *id, size_t n, enum tocsin_outcome *out);

bool reason_is_known(unsigned code);
/* Stable text id: "connect_refused"; "unknown_reason" for a strange number. */
const char *reason_id(enum tocsin_reason r);
const char *reason_words(enum tocsin_reason r);
bool reason_parse(const char *id, size_t n, enum tocsin_reason *out);
/* The outcome that a reason goes with. */
enum tocsin_outcome reason_outcome(enum tocsin_reason r);

#endif
