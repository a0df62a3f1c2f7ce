/*
 * Hosts that hang on another host: a switch, a storage head; VMs on their
 * host, roles on their VM or host.  When a check of one fails its parent is
 * asked at once, and nobody is convicted before the parent has answered; what
 * hangs on a dead parent is unreachable, with no verdict, plan or alert of its
 * own.  For src/engine alone.
 *
 *	A parent is down when an active check of its own is convicted and none
 *	is well: one that still answers somewhere lets its children through.
 *	A parent without such checks says nothing; its own parent is asked.
 *	Of a host the guests ask what speaks of the machine: its ping.
 *
 *	The wait is bounded: so long as the parent's fail_after runs take, its
 *	timeout (or recheck, if longer) each; then the host is judged by itself.
 */
#ifndef TOCSIN_ENGINE_PARENTS_H
#define TOCSIN_ENGINE_PARENTS_H

#include "engine/core.h"
#include "health/unit.h"

/* Chains are no longer; the configuration refuses longer ones. */
#define PARENTS_MOST FLEET_PARENTS_MOST

enum parent_says { PARENT_SAYS_UP, PARENT_SAYS_WAIT, PARENT_SAYS_DOWN };

/* NULL: none, or it is gone. */
struct host *parent_of(const struct engine *en, const struct host *h);
/* The topmost one that is down and cuts it off; NULL = none does. */
const struct host *parent_dead(const struct engine *en, const struct host *h);
/* It is down, or fails just now. */
bool parent_is_silent(const struct engine *en, const struct host *h);
/* What it hangs on can be asked, and has not answered since then. */
bool parent_is_owing(const struct engine *en, const struct host *h,
	int64_t since_ns);
/* `h` hangs on `p`, at some remove. */
bool parent_carries(const struct engine *en, const struct host *p,
	const struct host *h);
/* A check failed that is not convicted: the parent is asked if need be. */
enum parent_says parent_says(struct engine *en, struct check *c,
	struct now now);
/* Its checks from here are run as soon as may be. */
void parent_ask(struct engine *en, struct host *p, struct now now);
/* Some check waits for the answer of this one. */
bool parent_is_awaited(const struct check *c);
/* A check of a parent answered well: who waited for it is judged. */
void parent_answered(struct engine *en, struct check *c, struct now now);
/*
 * The host, or with `vm` that VM on it, fell or came back: what fails on it
 * is excused, or asked again.
 */
void guests_moved(struct engine *en, struct host *h, const struct unit *vm);
/* Its own checks moved: it may have gone down, or come back. */
void parent_moved(struct engine *en, struct host *p);
/* An agent is silent because the way to us is cut: that does not count. */
void parent_excuse_beat(const struct engine *en, const struct host *h,
	struct beat *b);
/* The window lies on it, or on what it hangs on. */
struct window;
bool parent_window_covers(const struct engine *en, const struct window *w,
	const struct host *h);
/* Links of the fleet that was taken over, and how many hang on whom. */
void parents_take_def(struct engine *en, const struct fleet_def *fleet);
void parents_count(struct engine *en);
/*
 * Whether the host of that name, NULL when it is yet to come, may hang on
 * `p`: TC_ERANGE when that is itself, a cycle, or too many in a row.
 */
int parent_allowed(const struct engine *en, const struct host *h,
	const char *name, const struct host *p, struct tc_err *e);
/* It hangs on `p`, which may be NULL, from now on: all is judged anew. */
int parent_set(struct engine *en, struct host *h, const struct host *p,
	struct tc_err *e);

/* ---- judge.c ---- */
/* What held its verdict holds it no more. */
void judge_held(struct engine *en, struct check *c, struct now now);
/* No word of its own: what it hangs on is down. */
void judge_excused(struct engine *en, struct check *c, struct now now);

#endif
