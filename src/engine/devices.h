/*
 * Devices: judged, and as people speak of them: found by their names, their
 * bad values accepted, their ends noted.  For src/engine alone.
 */
#ifndef TOCSIN_ENGINE_DEVICES_H
#define TOCSIN_ENGINE_DEVICES_H

#include "engine/inside.h"

/* ---- risk.c ---- */
/* The probe's own decoding of a counter, beside its raw value. */
const char *risk_decoded_name(enum counter counter);
void risk_observe(struct engine *en, struct device *d,
	const struct observation *ob, struct now now);
void risk_judge(struct engine *en, struct device *d, struct now now);
/* Its verdict ends, whatever it was. */
void risk_close(struct engine *en, struct device *d, struct now now);
void risk_fold(struct engine *en, struct host *h);
void risk_age_all(struct engine *en, struct now now);

/* ---- accept.c, orders_accept.c ---- */
/* The counters are known by two names, raw and decoded. */
bool accept_counter(const char *metric, enum counter *out);
/* What the device says now; false: it never told, or it is not judged. */
bool accept_value(const struct device *d, const char *metric, int64_t *out);
/* The features without what is accepted; `copy` only when needed. */
const struct features *accept_features(const struct device *d,
	struct features *copy);
size_t accept_list(const struct device *d,
	struct acceptance out[ACCEPTED_MAX]);
/* What moved or expired is revoked and told; true when anything was. */
bool accept_tend(struct engine *en, struct device *d, struct wall now);
/* Once a minute: what expired, who vanished. */
void devices_step(struct engine *en, struct now now);
void say_accepted(struct engine *en, const struct device *d);
int accept_restore(struct device *d, const void *bytes, size_t n);
const struct snap_accepted *accept_show(struct arena *a,
	const struct device *d);
int order_accept_value(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_drop_accepted(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);

/* ---- outcomes.c ---- */
/* `noted` is now; texts are copied. */
void say_outcome(struct engine *en, const struct change_outcome *o);
/* It is no longer there: its verdict ends, its check goes. */
void device_leave(struct engine *en, struct device *d, struct wall at);
void device_return(struct engine *en, struct device *d);
/* Heard of; written down once a day. */
void device_seen(struct engine *en, struct device *d, struct wall at);
int device_seen_restore(struct device *d, const void *p, size_t n);
/* Who vanished while another took the place was replaced. */
void outcomes_step(struct engine *en);
void outcomes_of_retired(struct engine *en, struct host *h);
int order_note_outcome(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);

/* ---- artifacts.c ---- */
int order_put_artifact(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);

/* ---- devices.c ---- */
/* By its serial, its WWN or its number; TC_EEXIST when that says too little. */
int device_by_name(const struct engine *en, const char *name,
	struct device **out, struct tc_err *e);

#endif
