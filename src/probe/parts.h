/*
 * The runner from inside: slots.c holds the runs, runner.c leads each to host.c,
 * which calls probes of the loop form, or worker.c, those of the worker form.
 */
#ifndef TOCSIN_PROBE_PARTS_H
#define TOCSIN_PROBE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "probe/plugin.h"
#include "probe/report.h"
#include "probe/runner.h"
#include "sched/child.h"
#include "sched/resolve.h"

#define BATCH_TARGETS 256
#define BACKLOG_MAX 4096
#define JOB_BYTES_MAX ((size_t)16 << 20)
#define JOB_REPORTS_MAX 4096
#define ABANDONED_MAX 16

struct job;
struct pool;

/* A loaded probe, its one instance, and what waits for it. */
struct host {
	struct runner *r;	/* not for workers: they may outlive it */
	struct clock *clock;
	struct plugin *plugin;
	struct tocsin_ctx ctx;
	bool opened;
	void *instance;
	/* loop form */
	struct sched_timer timer;
	struct hash watches;	/* fd → struct watch */
	struct tocsin_target targets[BATCH_TARGETS];
	struct sched_addr addrs[BATCH_TARGETS];
	uint32_t n_targets;
	/* worker form */
	struct list backlog;
	size_t n_backlog;
	struct job *running;	/* with a worker, perhaps given up */
};

enum job_state {
	JOB_POSTPONED,	/* came while a probe was being called */
	JOB_RESOLVING,
	JOB_WAITING,	/* for a worker */
	JOB_RUNNING,
	JOB_ABANDONED,	/* answered for, but still in the worker's hands */
};

/* A run that must be kept: everything copied. */
struct job {
	struct list link;
	enum job_state state;
	struct arena mem;
	struct host *host;
	uint32_t slot;
	struct tocsin_target target;
	struct sched_addr addr;
	struct mono until;		/* its timeout */
	struct sched_lookup *lookup;
	/* the worker's */
	struct report_taker taker;
	struct observation *obs;
	size_t n_obs;
	size_t cap_obs;
	uint64_t bad_slots;
	int rc;
	char error[256];
};

/* A run under way. */
struct slot {
	struct slab_node node;
	struct wheel_node deadline;
	struct host *host;
	struct job *job;	/* NULL in the loop form, once started */
	uint32_t id;		/* number and generation, never twice soon */
	uint32_t check;
	uint32_t seq;
};

struct deferred;

struct runner {
	struct runner_conf conf;
	char *dirs;
	char *foreign_dirs;
	char *worker;
	struct sched_resolver *resolver;
	struct sched_children *children;	/* NULL until they are needed */
	struct hash by_name;	/* → struct host */
	struct host **hosts;
	size_t n_hosts;
	size_t cap_hosts;
	struct host *last;	/* that was looked up */
	struct slab slots;
	uint32_t generation;
	struct wheel deadlines;
	struct sched_timer sweep;
	struct list deferred;	/* answers */
	struct list postponed;	/* jobs */
	struct sched_timer later;
	unsigned depth;		/* calls into probes */
	bool starting;
	bool closing;
	struct arena scratch;
	struct pool *pool;
	struct runner_stats stats;
};

/* Deadlines are looked at so often at most. */
#define RUNNER_SWEEP_NS INT64_C(100000000)

/* ---- runner.c ---- */
/* Those of all probes; they live as long as the runner. */
struct sched_children *runner_children(struct runner *r, struct tc_err *e);

/* ---- runner_load.c ---- */
int runner_load_builtins(struct runner *r, struct tc_err *e);

/* ---- slots.c ---- */
void slots_init(struct runner *r);
/* Answers that were put off, given or thrown away. */
void slots_deliver(struct runner *r);
void slots_forget(struct runner *r);
/* The answer of a run that has no slot; false when it is lost. */
bool slots_refuse(struct runner *r, const struct engine_run *run,
	const struct observation *ob);
struct slot *slot_new(struct runner *r, struct host *h, uint32_t check,
	uint32_t seq);
struct slot *slot_of(struct runner *r, uint32_t id);
/* Gives the result on; with `last` the slot is free afterwards. */
void slot_answer(struct runner *r, struct slot *s, const struct observation *ob,
	bool last);
void slot_answer_own(struct runner *r, struct slot *s, enum tocsin_reason why,
	const char *text);
/* Moves the deadline of the slot. */
void slot_hold(struct runner *r, struct slot *s, struct mono due);

/* ---- jobs.c ---- */
/* Of the slot; NULL = out of memory. */
struct job *job_new(struct slot *s, const struct tocsin_target *t,
	struct mono until);
void job_free(struct job *j);

/* ---- host.c: loop form ---- */
void host_init(struct host *h, struct runner *r, struct plugin *p);
/* In the worker form also by a worker, when the runner has gone. */
void host_fini(struct host *h);
/* Puts a target into the batch; `opts` and the strings are borrowed. */
void host_add(struct host *h, const struct tocsin_target *target,
	const struct sched_addr *addr);
void host_flush(struct host *h);
void host_cancel(struct host *h, uint32_t slot);

/* ---- worker.c: worker form ---- */
struct pool *pool_new(struct runner *r, struct tc_err *e);
void pool_free(struct pool *p);
/* report() of the worker form's context; in the worker. */
void pool_report(struct tocsin_ctx *ctx, uint32_t slot,
	const struct tocsin_report *rep);
/* The job is the pool's; it answers for it. */
void pool_add(struct runner *r, struct job *j);
/* Its slot's deadline has passed. */
void pool_overdue(struct runner *r, struct slot *s);

#endif
