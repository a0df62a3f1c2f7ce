/*
 * A fleet in virtual time: the real engine, targets that answer as told, a
 * store that remembers what it was given.  Hosts are h0…h(n−1) with the
 * checks "ping" and "tcp:8000" every 15 s.
 */
#ifndef TOCSIN_T_SIM_H
#define TOCSIN_T_SIM_H

#include "engine/engine.h"
#include "engine/snapshot.h"

struct sim;

/* `pack` may be NULL; `recheck` seconds, 0 = off. */
struct sim *sim_new(size_t hosts, const struct pack *pack, int recheck);
void sim_free(struct sim *s);
/* As at first, and five turns within 60 results are flapping. */
extern const struct check_rule sim_flappy;
/* The rule of all checks from now on; 15 s, 5 s, 3, 2, 3 at first. */
void sim_rule(struct sim *s, const struct check_rule *rule);
/* How old a host's last good copy may be; 0 = any age will do. */
void sim_backup_policy(struct sim *s, int seconds);
/* What is said of the fleet meanwhile is taken over at once at the end. */
void sim_hold(struct sim *s, bool held);
/* The first `n` hosts are of rack0, a partition of their own, if `there`. */
void sim_split(struct sim *s, size_t n, bool there);
/* Runs to this second after the begin. */
void sim_run_until(struct sim *s, double seconds);
double sim_now(const struct sim *s);

/* What the host's check answers from now on; TOCSIN_WHY_NONE = well. */
void sim_set(struct sim *s, const char *host, const char *check,
	enum tocsin_reason reason);
/* No answers at all from any run: the runner lost them. */
void sim_mute(struct sim *s, bool mute);
/* Our uplink is cut: nothing answers, whatever sim_set() said. */
void sim_cut(struct sim *s, bool cut);
/* So many of the answers are lost, by chance. */
void sim_loss(struct sim *s, double ratio, uint64_t seed);
/* Only those of rack0 are lost. */
void sim_loss_apart(struct sim *s, double ratio, uint64_t seed);
/* The answers of this host alone take so long, and not a millisecond. */
void sim_slow(struct sim *s, const char *host, double seconds);
/*
 * Runs of each check of a host so far: the least and the most; and how often
 * one began while the run before it was not answered.
 */
struct sim_runs { size_t least, most, overlaps; };
struct sim_runs sim_runs(const struct sim *s);
/* What is pinged besides; `witness` is kept, NULL = none. */
void sim_controls(struct sim *s, bool gateway, const char *witness);
void sim_kill_controls(struct sim *s, bool gateway, bool witness);
/* We were not run for so long; all answers come at the end of it. */
void sim_stall(struct sim *s, double seconds);
/* From now on we come so late to everything that is due. */
void sim_late(struct sim *s, double seconds);
/* The machine slept: time passes, nothing runs. */
void sim_sleep(struct sim *s, double seconds);
/* The wall clock is moved by so much. */
void sim_step_wall(struct sim *s, int64_t ms);
/* kill -9 and start again with what the store had. */
void sim_restart(struct sim *s);
/* The fleet without the host / with all again. */
void sim_without(struct sim *s, const char *host);

/* From the first to the last, they hang on this one; "" = on none. */
void sim_parent(struct sim *s, const char *first, const char *last,
	const char *parent);

/*
 * VMs and roles of a host (borrowed until sim_free()) and whether its agent
 * is missed; taken over at once.  NULL, 0: none again.
 */
void sim_units(struct sim *s, const char *host, const struct unit_def *units,
	size_t n, enum unit_agent agent);
/* What a check of a VM or role answers, by address and probe. */
void sim_answer(struct sim *s, const char *address, const char *probe,
	enum tocsin_reason reason);
/*
 * From now on the host's answers to "tcp" tell the counters of a processor
 * that is busy to this share; `anew`: from zero.  One host at a time.
 */
void sim_counters(struct sim *s, const char *host, double load, bool anew);
struct snap_unit;
/* In the snapshot, which the caller puts; by path, NULL = there is none. */
const struct snap_unit *sim_unit(const struct snapshot *snap,
	const char *path, const char **host);
/* The log "path from>to reason type" of vm.state and role.state events. */
const char *sim_unit_log(const struct sim *s);

/* An agent's batch of one observation; cs->n facts went to the store. */
enum engine_batch_refusal sim_batch(struct sim *s, const char *host,
	const struct observation *ob, bool may_create);

/* 0 or the TC_E… of the order; `body` is JSON. */
int sim_order(struct sim *s, enum engine_order kind, const char *target,
	const char *body);
/* What the last order was answered, or why it was refused. */
const char *sim_said(const struct sim *s);
/* Events that say in which window they happened. */
size_t sim_events_marked(const struct sim *s);
/* Rows of windows, those that are over included. */
size_t sim_windows_stored(const struct sim *s);
/* Alerts of a kind, or "all", that fire now; and CHANGE_ALERT facts so far. */
size_t sim_alerts(struct sim *s, const char *kind);
/* Whether one of this host was told and is not ended. */
bool sim_alert_of(const struct sim *s, const char *kind, const char *host);
size_t sim_alert_facts(const struct sim *s);

/* The plan for this host, or its id is 0: numbers only, the texts are gone. */
struct snap_plan sim_plan(struct sim *s, const char *host);
/* The rung its ladder stands on; PLAN_NONE = it has none. */
enum plan_action sim_rung(struct sim *s, const char *host);

enum unit_state sim_state(struct sim *s, const char *host);
/* Of a VM or role, which must be there. */
enum health sim_health(struct sim *s, const char *path);
enum tocsin_reason sim_reason(struct sim *s, const char *host);
enum level sim_level(struct sim *s, const char *host);
/* The caller puts it. */
struct snapshot *sim_snapshot(struct sim *s);
/* The next one shares nothing with those before. */
void sim_forget_snapshots(struct sim *s);
/* Events of this kind so far. */
size_t sim_events(const struct sim *s, const char *kind);
/* The log "seconds host from>to reason" of all host.state events. */
const char *sim_log(const struct sim *s);
/* "seconds subject kind source by" of each, a line. */
const char *sim_outcomes(const struct sim *s);
size_t sim_history_rows(const struct sim *s);
struct engine_counts sim_counts(struct sim *s);

#endif
