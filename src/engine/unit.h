/*
 * VMs and roles inside the engine.  A host without any has one NULL pointer.
 */
#ifndef TOCSIN_ENGINE_UNIT_H
#define TOCSIN_ENGINE_UNIT_H

#include "engine/core.h"
#include "health/unit.h"
#include "plan/units.h"

#define UNITS_PER_HOST 4096

struct unit {
	uint32_t id;
	bool is_vm;
	bool claimed;		/* set_fleet saw it */
	bool own_checks;
	bool alarming;		/* its agent's silence was told */
	bool busy;
	bool flapping;
	bool awaited;		/* by roles that wait for its answer */
	bool cut;		/* of a VM: no check from here answers */
	uint8_t fell;		/* of a VM: hosts that it left convicted */
	bool dead;		/* a restart would help */
	struct host *host;
	struct unit *vm;	/* of a role inside one */
	struct unit *next;	/* on the same host; a VM before its roles */
	char *path;		/* "v1", "v1/web", "h1/web" */
	const char *name;	/* the end of path */
	char *address;
	uint32_t declared;	/* the host that its source names; 0 = none */
	enum host_owner owner;
	enum unit_class cls;
	enum unit_agent agent;
	unsigned signals;	/* expected; bits */
	const char *origin;	/* interned */
	const char *checks_origin;
	struct unit_rule rule;
	struct check **checks;
	size_t n_checks;
	size_t cap_checks;
	struct beat beat;
	enum vm_run run;
	struct mono run_at;	/* last told */
	struct wall run_since;
	struct mono busy_at;
	struct mono failing;	/* not all answers since; 0 = all do */
	enum health health;
	enum tocsin_reason reason;
	unsigned by;		/* sides that convicted */
	struct wall since;
	struct wall failed;	/* while convicted: first evidence; ms 0 = none */
	struct heap_node due;
	struct host_plan *plan;
	unsigned why_not;
	const struct window *window;	/* of a VM itself, not of its host */
};

/* The maintenance that it is in: its host's, or its VM's. */
static inline const struct window *
unit_window(const struct unit *u)
{
	if (u->host->rare->window != NULL)
		return u->host->rare->window;
	return u->vm != NULL ? u->vm->window : u->window;
}

/* The agent of a host that is missed when it is silent. */
struct watch {
	struct host *host;
	struct beat beat;
	struct unit_rule rule;
	struct heap_node due;
	bool alarming;
};

/* ---- what hosts and units share: subject.c, fleet.c, judge.c ---- */
/* In no list yet. */
struct check *check_make(struct engine *en, struct host *h, const char *key,
	const char *probe, uint32_t id);
/* The subject that it is of: host, VM or role. */
uint32_t check_whose(const struct check *c);
/* As configured: asked from here, at its times. */
int check_take_def(struct engine *en, struct check *c,
	const struct check_def *def, struct now now);
/* Retired and freed; the caller takes it out of its list. */
void check_drop(struct engine *en, struct check *c);
/* What the check is of is judged anew. */
void fold_of(struct engine *en, struct check *c, struct wall at);
/* It speaks of the machine itself, not of a service on it. */
bool is_host_layer(const struct check *c);
struct maker;	/* engine/maker.h */
/* In a chunk that is being made. */
int show_check(struct maker *m, const struct check *c,
	struct snap_check *out);

/* ---- units.c ---- */
struct unit *vm_find(const struct engine *en, const char *name);
/* Of the VM, or with NULL of the host itself. */
struct unit *role_find(const struct host *h, const struct unit *vm,
	const char *name);
struct unit *unit_of_id(const struct engine *en, uint32_t id);

struct unit_birth {
	bool is_vm;
	const char *name;
	struct host *host;
	struct unit *vm;
	uint32_t id;		/* 0 = a new one */
};
/* In the fleet, unjudged, said to nobody; NULL = no memory. */
struct unit *unit_make(struct engine *en, const struct unit_birth *b);
void unit_say_subject(struct engine *en, const struct unit *u, bool retired);
void unit_retire(struct engine *en, struct unit *u, struct now now);
/*
 * A VM that left so many convicted hosts behind, one after the other, is
 * suspected itself when the next one falls under it.
 */
#define CONTAGION_HOSTS 2
/* The VM on a convicted host that is suspected; NULL = none. */
const struct unit *contagion_of(const struct host *h);
/* The suspect's path; "" = none, or it is gone. */
struct brake;
const char *brake_suspect(const struct engine *en, const struct brake *b);
/* The host is back: what it carries did not make it fall. */
void contagion_clear(struct engine *en, struct host *h);
/* A VM with its roles to another host; it keeps its id. */
void vm_move(struct engine *en, struct unit *vm, struct host *to,
	struct now now);
int units_take_def(struct engine *en, struct host *h,
	const struct host_def *def, struct now now);
/* Those that their source no longer has; all when the host retires. */
void units_sweep(struct engine *en, struct host *h, bool all, struct now now);
void units_free(struct engine *en, struct host *h);
struct check *unit_check_find(const struct unit *u, const char *key);
struct check *unit_check_add(struct engine *en, struct unit *u,
	const char *key, const char *probe, uint32_t id);

/* ---- unitjudge.c ---- */
void unit_fold(struct engine *en, struct unit *u, struct wall at);
/* All of a host: it fell, or came back. */
void units_fold(struct engine *en, struct host *h, struct wall at);
void units_tick(struct engine *en, struct now now);
/* Its check that comes and goes most; NULL = it does not flap. */
const struct check *unit_flapper(const struct unit *u);
enum signal_side side_of(const struct check *c);
struct side_view unit_side(const struct unit *u, enum signal_side side);
void unit_save(struct engine *en, const struct unit *u);
int unit_restore(struct unit *u, const void *p, size_t n);
/* After the restore: its clock runs. */
void unit_wake(struct engine *en, struct unit *u, struct now now);
/* When time alone may move it next. */
void unit_arm(struct engine *en, struct unit *u, struct now now);

/* ---- unitfeed.c ---- */
/* The VM or role that the observation is about; NULL: the host, or refused. */
struct unit *unit_of_observation(struct engine *en, struct host *h,
	struct unit *guest, const struct observation *ob);
void unit_observe(struct engine *en, struct unit *u,
	const struct observation *ob, struct dur age);
/* It told how busy it is: 0…1. */
void unit_busy(struct engine *en, struct unit *u, double ratio);
/* A guest's agent was heard of. */
void unit_heard(struct engine *en, struct unit *u, struct now now);
void watch_heard(struct engine *en, struct host *h, struct now now);
/* True when the observation was the agent's word about its own end. */
bool agent_word(struct engine *en, struct host *h, struct unit *guest,
	const struct observation *ob);
int watch_take_def(struct engine *en, struct host *h, enum unit_agent agent,
	const struct unit_rule *rule);
int watch_restore(struct engine *en, struct host *h, const void *p, size_t n);
void watch_wake(struct engine *en, struct host *h, struct now now);
void watches_tick(struct engine *en, struct now now);
void watch_free(struct engine *en, struct host *h);

/* ---- unitshow.c ---- */
int show_units(struct maker *m, const struct host *h,
	struct snap_rare *out);

/* ---- unitdeeds.c ---- */
/* Plans and alerts of all units of a host that was touched. */
void units_step(struct engine *en, struct host *h, struct now now);
void watch_step(struct engine *en, struct host *h, struct now now);
void unit_withdraw(struct engine *en, struct unit *u, struct wall at);
void unit_alerts_end(struct engine *en, const struct unit *u, struct wall at);
struct unit_plan_view unit_view_of(const struct engine *en,
	const struct unit *u);

#endif
