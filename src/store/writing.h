/*
 * What the parts of the writer share.  All but writer_ask() and what is named
 * in writer.h runs on the writer's thread.
 */
#ifndef TOCSIN_STORE_WRITING_H
#define TOCSIN_STORE_WRITING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/queue.h"
#include "store/forget.h"
#include "store/patience.h"
#include "store/writer.h"

#define GROUP_MAX 1024	/* sets in one transaction */

enum job_kind { JOB_SET, JOB_CALL, JOB_FLUSH };

/* Freed by whoever drops the last reference: the waiter may have given up. */
struct reply {
	_Atomic int refs;
	struct queue *ready;	/* holds the reply itself once there is one */
	int rc;
	struct tc_err err;
};

struct job {
	enum job_kind kind;
	struct change_set *set;
	const struct writer_call *call;
	struct reply *reply;
};

struct writer {
	struct store_conf conf;
	struct scribe *s;
	struct queue *queue;	/* of jobs */
	pthread_t thread;
	_Atomic bool stopping;
	_Atomic bool degraded;
	_Atomic bool damaged;	/* nothing more is written; a start begins anew */
	bool reopen;		/* the handle is not to be trusted any more */
	bool late;		/* the epoch is to begin yet */
	struct readers *readers;	/* of a late start */
	struct mono retry;	/* when to try again */
	struct forget forget;
	struct mono calm;	/* when the cache is looked at again */
	int wal_pages;
	int wal_checkpointed;	/* wal_pages at the last checkpoint */
	struct patience patience;
	size_t n;		/* sets gathered, in no transaction yet */
	struct change_set *group[GROUP_MAX];
	struct job *held;	/* came behind them, of another kind */
	size_t sets;		/* in the transaction at hand */
	pthread_mutex_t lock;	/* of stats */
	struct store_stats stats;
};

static inline struct mono
writer_now(void)
{
	struct clock *clock = clock_system();

	return clock->mono(clock);
}

/* ---- writer_ask.c ---- */

/* Gives the reply to whoever waits and frees the job. */
void writer_answer(struct job *job, int rc);

/* ---- writer_tx.c ---- */

int writer_begin(struct writer *w, struct tc_err *e);
int writer_commit(struct writer *w, struct tc_err *e);
void writer_undo(struct writer *w);
/* Nothing is taken any more until a trial commit has gone well. */
void writer_set_degraded(struct writer *w, bool degraded, const char *why);
/*
 * After a failure that is not one set's own: no more commits until a trial
 * one succeeds, and after an I/O error only on a fresh handle, since what a
 * failed fsync left behind cannot be known.
 */
void writer_degrade(struct writer *w, const struct tc_err *e);
void writer_checkpoint(struct writer *w, int mode);
/* Keeps count of the log's pages. */
int writer_on_wal(void *arg, sqlite3 *db, const char *name, int pages);

/* ---- writer_group.c ---- */

void writer_end_set(struct change_set *cs, int rc);
/* The set joins the group, and those behind it; frees the job. */
void writer_gather(struct writer *w, struct job *job);
/* All that was gathered; nothing is left, whatever happens. */
void writer_commit_group(struct writer *w);

/* ---- writer_mend.c ---- */

/* Degraded, and it is time to try again. */
void writer_recover(struct writer *w);

#endif
