/*
 * The steps of the engine, by file, for src/engine alone.
 */
#ifndef TOCSIN_ENGINE_INSIDE_H
#define TOCSIN_ENGINE_INSIDE_H

#include "engine/awake.h"
#include "engine/core.h"
#include "engine/windows.h"

/* ---- subject.c ---- */
/*
 * X_make, X_add: id 0 = a new one; NULL = no memory.  A host begins present, owned by
 * the api and without checks.
 */
struct host *host_make(struct engine *en, const char *name, struct part *part,
	uint32_t id);
void host_free(struct engine *en, struct host *h);
struct part *part_add(struct engine *en, const char *name, uint32_t id);
/* The one of this name; a new one is said to the store. */
struct part *part_get(struct engine *en, const char *name);
struct check *check_add(struct engine *en, struct host *h, const char *key,
	const char *probe, uint32_t id);
void check_free(struct engine *en, struct check *c);
/* Another key, rule or options; TC_ENOMEM leaves it as it was. */
int check_become(struct engine *en, struct check *c,
	const struct kind_wish *wish);
int check_set_rule(struct engine *en, struct check *c,
	const struct check_rule *rule);
int check_set_interval(struct engine *en, struct check *c,
	struct dur interval);
/* Forgets what the id was. */
void subject_clear(struct engine *en, uint32_t id);
/* As mem_grow, for lists that mostly stay short; NULL = no memory. */
void *list_room(void *items, uint32_t *cap, size_t need, size_t item_bytes);
struct check *check_find(const struct host *h, const char *key);
struct device *device_add(struct engine *en, struct host *h,
	const struct device_id *ident, uint32_t id);
void device_free(struct device *d);
/* The key of an identity, into `out`; scoped by host without a serial. */
void device_key(const struct device_id *ident, const struct host *h,
	char *out, size_t size);
int subject_set(struct engine *en, uint32_t id, enum subject_kind kind,
	void *p);
void *subject_get(const struct engine *en, uint32_t id,
	enum subject_kind kind);
void host_say_subject(struct engine *en, const struct host *h);
void check_say_subject(struct engine *en, const struct check *c, bool retired);
void device_say_subject(struct engine *en, const struct device *d);

/* ---- fleet.c ---- */
void host_drop_check(struct engine *en, struct host *h, size_t i);
/* present hosts again in the order of their names */
int fleet_sort(struct engine *en);
/* one that has just come, among hosts that are sorted */
void fleet_enter(struct engine *en, struct host *h);
int host_take_def(struct engine *en, const struct host_def *def);
int host_copy_tags(struct host *h, const struct host_def *def);
void host_retire(struct engine *en, struct host *h, struct now now);

/* ---- restore.c: version, health, disposition, free, since ---- */
#define HOST_SAVED_BYTES 12
void host_state_save(const struct host *h,
	unsigned char out[HOST_SAVED_BYTES]);
void restore_finish(struct engine *en, struct now now);

/* ---- snapbuild.c ---- */
void chunks_free(struct engine *en);
/* showdeeds.c: plans, alerts, windows */
int show_deeds(struct engine *en, struct snapshot *s);
/* In one line, into the arena: why the plan of the host was made. */
const char *plan_words(struct arena *a, const struct host *h);

/* ---- trend.c ---- */
void trend_note(struct engine *en, struct snapshot *s, struct now now);

/* ---- facts.c ---- */
struct change_set *facts(struct engine *en);
void facts_flush(struct engine *en);
/* A copy in the set's arena; "" and failure are "". */
const char *fact_text(struct change_set *cs, const char *text);
void say_event(struct engine *en, const char *kind, uint32_t subject,
	struct wall at, const char *body);
void say_check_move(struct engine *en, const struct check *c,
	const struct check_move *move, struct wall at);
void say_host_move(struct engine *en, const struct host *h,
	enum health from, struct wall at);
/* It flaps, or it does no more; with the check that changed most. */
void say_flapping(struct engine *en, const struct host *h, struct wall at);
const struct check *host_flapper(const struct host *h);
void say_level_move(struct engine *en, const struct device *d,
	enum level from, struct wall at);
struct prediction_item;
void say_prediction(struct engine *en, uint32_t subject, uint32_t host,
	const struct prediction_item *p);
/* p NULL: it is forgotten. */
void say_state(struct engine *en, uint32_t subject, const char *kind,
	const void *p, size_t n);
/* To be saved, whatever was said of it. */
void say_check_state(struct engine *en, struct check *c);
/* A row of history of its own. */
void say_observation(struct change_set *cs, uint32_t subject,
	const struct observation *ob);
void say_host_state(struct engine *en, const struct host *h);
void say_device_state(struct engine *en, const struct device *d);
void say_drive_state(struct engine *en, const struct device *d);

/* ---- judge.c ---- */
/* One observation for a check: judged, remembered, folded into its host. */
void judge_observation(struct engine *en, struct check *c,
	const struct observation *ob, struct now now);
void judge_age(struct engine *en, struct check *c, struct now now);
void fold_host(struct engine *en, struct host *h, struct wall at);
void mark(struct engine *en, const struct host *h, enum dirt how);
/* snaplive.c: nothing of the host moved but what is in snap_live. */
void stir(struct engine *en, const struct host *h);

/* ---- run.c ---- */
void run_schedule(struct engine *en, struct check *c, struct now now);
void run_unschedule(struct engine *en, struct check *c);

/* wallclock.c: says when the wall clock was moved */
void wallclock_step(struct engine *en, struct now now);

/* ---- sweep.c ---- */
void sweep_join(struct engine *en, struct check *c);
void sweep_leave(struct engine *en, struct check *c);
void sweep_slot(struct engine *en, struct check *c, struct now now);
void sweep_put(struct engine *en, struct check *c,
	const struct observation *ob);
/* Open metrics: the verdict goes to the sweep, the rest has its own row. */
void sweep_aside(struct engine *en, struct check *c,
	const struct observation *ob);
void sweep_flush(struct engine *en, struct sweep *s);
void sweep_free(struct engine *en, struct sweep *s);

/* ---- step.c: plans, brakes and alerts of what moved ---- */
void touch(struct engine *en, struct host *h);
void step(struct engine *en, struct now now);
/* Of the host, or of this unit on it. */
void say_plan(struct engine *en, const struct host *h, const struct unit *u,
	struct wall at);
void say_brake(struct engine *en, const struct part *p);
struct plan_view view_of(const struct engine *en, const struct host *h);
struct host_plan *host_plan_new(struct engine *en);	/* NULL = no memory */
void host_plan_free(struct engine *en, struct host_plan *p);

/* ---- alerts.c ---- */
struct alert_wish {
	const char *kind;
	enum severity severity;
	struct host *host;	/* or NULL */
	struct part *part;	/* or NULL; of the host when there is one */
	const char *summary;
	const char *body;	/* JSON object */
	struct unit *unit;	/* on the host; NULL = the host itself */
};
/* Raised once, severer again, else left as it is. */
void alert_raise(struct engine *en, const struct alert_wish *w,
	struct wall at);
/* Of something that is neither host nor partition. */
void alert_raise_of(struct engine *en, const struct alert_wish *w,
	const char *of, struct wall at);
void alert_end(struct engine *en, const char *kind, const char *of,
	struct wall at);
void alerts_of_host(struct engine *en, struct host *h, struct now now);
struct live_alert *alert_find_id(struct engine *en, uint64_t id);
void say_alert(struct engine *en, const struct live_alert *a);
/* "h1 (10.0.0.1)", or "h1" */
#define HOST_TITLE 520
void host_title(const struct host *h, char out[HOST_TITLE]);
void alerts_free(struct engine *en);
/* The host goes to another partition; its alerts go along. */
void alerts_move(struct engine *en, const struct host *h, struct part *to);

/* ---- orders.c, orders_hosts.c ---- */
void say_audit(struct engine *en, const char *actor, const char *action,
	uint32_t subject, const char *body);
const char *person_of(const struct engine *en, const struct engine_wish *w);
/* texts: the reason, what was, what is. */
void audit_change(struct engine *en, const struct engine_wish *w,
	const char *action, uint32_t subject, const char *const texts[3]);
int order_put_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_patch_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_diagnose_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
/* TC_EEXIST: no such step; the attempt is audited all the same. */
int host_dispose(struct engine *en, struct host *h,
	const struct engine_wish *w, enum disposition to, struct tc_err *e);
int diagnosis_restore(struct host *h, const void *p, size_t n);
int order_delete_host(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);
int order_take_signal(struct engine *en, const struct engine_wish *w,
	struct strbuf *reply, struct tc_err *e);

#endif
