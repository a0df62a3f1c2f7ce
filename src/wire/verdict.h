/*
 * A verdict as JSON: one form for the API, the store and the command line.
 */
#ifndef TOCSIN_WIRE_VERDICT_H
#define TOCSIN_WIRE_VERDICT_H

#include "model/observation.h"
#include "model/verdict.h"
#include "wire/json_write.h"

/*
 * Into an open object: level, score, risk{d7,d30,d90} (null = unknown),
 * lead_time{from,to} in days or null, kinds[] (failure, wear, path: what the
 * drive's own states say), evidence[], counter_evidence[],
 * missing[], nearest_flip or null, pack, judged_at.
 */
void verdict_write_members(struct json_write *w, const struct verdict *v);

/* A prediction as the API lists it and the store keeps it. */
struct prediction_item {
	uint64_t id;
	const char *host;
	struct device_id device;
	struct wall since;	/* of its level */
	const struct verdict *verdict;
};

/* One object: id, host, device{kind,model,serial,wwn}, since, verdict. */
void prediction_write(struct json_write *w, const struct prediction_item *p);

/* kind, model, serial, wwn as an object; "" is null. */
void device_id_write(struct json_write *w, const struct device_id *d);

/* The member "risk" alone. */
void verdict_write_risk(struct json_write *w, const struct risk *r);

#endif
