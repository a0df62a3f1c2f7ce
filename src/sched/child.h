/*
 * Children: no shell, argv only; own process group; standard input is given
 * bytes or /dev/null; output is capped; the whole group is killed at the
 * deadline, and what is left of it when its leader ends.  Spawned as vfork
 * does, so the cost does not grow with our memory.  All on the loop.
 */
#ifndef TOCSIN_SCHED_CHILD_H
#define TOCSIN_SCHED_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "sched/sched.h"

#define SCHED_CHILD_OUTPUT_MAX ((size_t)65536)

enum sched_child_end {
	CHILD_EXITED,		/* code = exit status */
	CHILD_SIGNALLED,	/* code = signal */
	CHILD_TIMED_OUT,	/* killed at its deadline */
	CHILD_NOT_EXECUTED,	/* code = errno of exec, chdir or a limit */
};

struct sched_child_result {
	enum sched_child_end end;
	int code;
	const char *out;	/* standard output, NUL-terminated; borrowed */
	size_t n_out;
	const char *err;
	size_t n_err;
	bool cut;		/* more was written than is kept */
	bool flood;		/* killed for writing 64 times as much */
	struct dur took;
	struct dur cpu;		/* user + system; 0 when timed out */
};

struct sched_child_conf {
	const char *const *argv;	/* argv[0] has a '/': no search */
	const char *const *envp;	/* NULL: a PATH and LC_ALL=C */
	const char *dir;		/* NULL: "/" */
	const void *input;		/* NULL: /dev/null; copied */
	size_t n_input;
	int input_fd;			/* > 0: standard input instead; closed */
	struct dur deadline;		/* from now; 0 = none */
	size_t output_max;		/* each stream; 0: 64 KiB */
	uint64_t memory_max_bytes;	/* 0: as ours */
	uint64_t cpu_max_s;		/* 0: as ours */
	uint64_t processes_max;		/* of its user in all; 0: as ours */
	uint64_t mark;			/* its TOCSIN_RUN= in envp; 0: none */
	/* Exactly once unless cancelled, never from within start(). */
	void (*done)(void *arg, const struct sched_child_result *);
	void *arg;
};

struct sched_children;
struct sched_child;

struct sched_children *sched_children_new(struct sched *s, struct tc_err *e);
/* Kills the groups of all that still run; their done() is not called. */
void sched_children_free(struct sched_children *k);

/*
 * From now on what escapes from children is ours (PR_SET_CHILD_SUBREAPER),
 * and is killed within half a second after its run has ended.  The process
 * may then have no other children than those of `k`.  0 or −errno.
 */
int sched_children_adopt(struct sched_children *k);

/*
 * Everything in conf is borrowed for the call.  An error means that nothing
 * was started for want of something here (descriptors, memory, processes);
 * what cannot be executed is a result.  *out (may be NULL) lives until done().
 */
int sched_child_start(struct sched_children *k,
	const struct sched_child_conf *conf, struct sched_child **out,
	struct tc_err *e);
/* Kills it; done() is not called. */
void sched_child_cancel(struct sched_child *c);
/* Running, or killed and not gone yet. */
size_t sched_children_count(const struct sched_children *k);

#endif
