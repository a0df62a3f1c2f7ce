/*
 * A verdict as JSON: one form for the API, the store and the command line.
 */
#ifndef TOCSIN_WIRE_VERDICT_H
#define TOCSIN_WIRE_VERDICT_H

#include "model/verdict.h"
#include "wire/json_write.h"

/*
 * Into an open object: level, score, risk{d7,d30,d90} (null = unknown),
 * lead_time{from,to} in days or null, evidence[], counter_evidence[],
 * missing[], nearest_flip or null, pack, judged_at.
 */
void verdict_write_members(struct json_write *w, const struct verdict *v);

/* The member "risk" alone. */
void verdict_write_risk(struct json_write *w, const struct risk *r);

#endif
