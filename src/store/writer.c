#include "store/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "store/damage.h"
#include "store/forget.h"
#include "store/migrate.h"

#define GROUP_MAX 1024	/* sets in one transaction */
/*
 * Then it does not wait for a quiet moment: rows that were packed go faster
 * than new ones come, or the file would grow for as long as there is no pause.
 */
#define FORGET_OVERDUE_MS 50

/*
 * Pages of the log after which it is copied into the file: early when there
 * is nothing else to do, later when there is.  4,096 pages are 16 MiB.
 */
#define CHECKPOINT_IDLE 1024
#define CHECKPOINT_BUSY 4096

/*
 * Pages beyond so many bytes are let go once a burst is over, looked at so
 * often at most: the system's cache has them, and the next burst may be far.
 */
#define CACHE_CALM_BYTES (256 * 1024)
#define CACHE_CALM_S 1
/* As much goes back to the system, too; it takes malloc a millisecond or two. */
#define CACHE_TRIM_BYTES (1024 * 1024)

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
	struct mono retry;	/* when to try again */
	struct forget forget;
	struct mono calm;	/* when the cache is looked at again */
	int wal_pages;
	int wal_checkpointed;	/* wal_pages at the last checkpoint */
	size_t n;
	struct change_set *group[GROUP_MAX];
	pthread_mutex_t lock;	/* of stats */
	struct store_stats stats;
};

static struct mono
now(void)
{
	struct clock *clock = clock_system();

	return clock->mono(clock);
}

/* ---- replies ---- */

static void
reply_put(struct reply *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	queue_free(r->ready, NULL);
	mem_free(r);
}

static struct reply *
reply_new(void)
{
	struct reply *r = MEM_NEW(struct reply);

	if (r == NULL)
		return NULL;
	atomic_store(&r->refs, 2);
	r->ready = queue_new(1, NULL, NULL);
	if (r->ready == NULL) {
		mem_free(r);
		return NULL;
	}
	return r;
}

static void
answer(struct job *job, int rc)
{
	job->reply->rc = rc;
	queue_push(job->reply->ready, job->reply);
	reply_put(job->reply);
	mem_free(job);
}

/* ---- ends of sets ---- */

static void
finish(struct change_set *cs, int rc)
{
	cs->rc = rc;
	if (cs->done != NULL)
		cs->done(cs);
	else
		change_set_free(cs);
}

static void
finish_group(struct writer *w, int rc)
{
	for (size_t i = 0; i < w->n; i++)
		finish(w->group[i], rc);
	w->n = 0;
}

static void
count(struct writer *w, int rc, struct dur took)
{
	pthread_mutex_lock(&w->lock);
	if (rc < 0) {
		w->stats.failed_commits++;
	} else {
		w->stats.commits++;
		w->stats.sets += w->n;
		w->stats.rows += w->s->rows;
		w->stats.samples += w->s->samples;
	}
	if (took.ns > w->stats.commit_ns_max)
		w->stats.commit_ns_max = took.ns;
	pthread_mutex_unlock(&w->lock);
	w->s->rows = 0;
	w->s->samples = 0;
}

static void
set_degraded(struct writer *w, bool degraded, const char *why)
{
	bool was = atomic_exchange(&w->degraded, degraded);

	w->retry = mono_add(now(), w->conf.retry_every);
	if (was == degraded)
		return;
	if (degraded)
		log_at(ERROR, "store", "cannot commit why=\"%s\"", why);
	else
		log_at(INFO, "store", "commits again");
	if (w->conf.degraded != NULL)
		w->conf.degraded(w->conf.degraded_arg, degraded, why);
}

/* ---- transactions ---- */

static int
begin(struct writer *w, struct tc_err *e)
{
	w->s->rows = 0;
	w->s->samples = 0;
	return db_run(&w->s->db, ST_BEGIN, e);
}

static void
undo(struct writer *w)
{
	struct db *db = &w->s->db;
	int fault = db->fault;

	/* Some errors have undone it already. */
	if (!sqlite3_get_autocommit(db->h))
		db_run(db, ST_ROLLBACK, NULL);
	db->fault = fault;
	scribe_forget(w->s);
}

static int
commit(struct writer *w, struct tc_err *e)
{
	struct mono start = now();
	int rc = db_run(&w->s->db, ST_COMMIT, e);

	count(w, rc, mono_diff(now(), start));
	return rc;
}

/*
 * After a failure that is not one set's own: no more commits until a trial
 * one succeeds, and after an I/O error only on a fresh handle, since what a
 * failed fsync left behind cannot be known.
 */
static void
degrade(struct writer *w, const struct tc_err *e)
{
	int primary = w->s->db.fault & 0xff;

	if (damage_is(w->s->db.fault)) {
		damage_note(w->conf.path);
		w->damaged = true;
	}
	w->reopen = primary != SQLITE_FULL && primary != SQLITE_BUSY &&
		primary != SQLITE_LOCKED;
	set_degraded(w, true, e->text);
}

static void
checkpoint(struct writer *w, int mode)
{
	struct db *db = &w->s->db;
	struct mono start = now();
	struct tc_err e = { 0 };
	int rc = sqlite3_wal_checkpoint_v2(db->h, NULL, mode, NULL, NULL);
	int64_t took = mono_diff(now(), start).ns;

	w->wal_checkpointed = w->wal_pages;
	pthread_mutex_lock(&w->lock);
	if (took > w->stats.commit_ns_max)
		w->stats.commit_ns_max = took;
	pthread_mutex_unlock(&w->lock);
	if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
		return;
	db_fail(db, rc, &e, "checkpoint");
	degrade(w, &e);
}

static void
checkpoint_if_due(struct writer *w)
{
	int most = queue_len(w->queue) == 0 ? CHECKPOINT_IDLE : CHECKPOINT_BUSY;

	if (w->wal_pages < w->wal_checkpointed)
		w->wal_checkpointed = 0;	/* the log began anew */
	if (w->wal_pages - w->wal_checkpointed >= most)
		checkpoint(w, SQLITE_CHECKPOINT_PASSIVE);
}

static void
shrink_if_calm(struct writer *w)
{
	int used = 0, most;

	if (queue_len(w->queue) > 0 || mono_before(now(), w->calm))
		return;
	w->calm = mono_add(now(), dur_s(CACHE_CALM_S));
	sqlite3_db_status(w->s->db.h, SQLITE_DBSTATUS_CACHE_USED, &used, &most,
		0);
	if (used > CACHE_CALM_BYTES)
		sqlite3_db_release_memory(w->s->db.h);
	if (used > CACHE_TRIM_BYTES)
		mem_trim();
}

static void
tidy(struct writer *w)
{
	checkpoint_if_due(w);
	if (!atomic_load(&w->degraded))
		shrink_if_calm(w);
}

static int
on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct writer *w = arg;

	(void)db;
	(void)name;
	w->wal_pages = pages;
	return SQLITE_OK;
}

/* ---- sets ---- */

static void
commit_alone(struct writer *w, struct change_set *cs)
{
	struct tc_err e = { 0 };
	int rc = TC_EAGAIN;

	if (atomic_load(&w->degraded)) {
		finish(cs, rc);
		return;
	}
	w->n = 1;
	if ((rc = begin(w, &e)) == 0 &&
	    (rc = scribe_put_set(w->s, cs, &e)) == 0)
		rc = commit(w, &e);
	w->n = 0;
	if (rc < 0) {
		undo(w);
		if (db_is_fatal(w->s->db.fault))
			degrade(w, &e);
		else
			log_at(WARN, "store", "set refused: %s", e.text);
	}
	finish(cs, rc);
}

/* One bad set must not sink the others: each is tried alone. */
static void
fail_group(struct writer *w, int rc, const struct tc_err *e)
{
	size_t n = w->n;

	undo(w);
	if (db_is_fatal(w->s->db.fault)) {
		degrade(w, e);
		finish_group(w, rc);
		return;
	}
	if (n == 1) {
		log_at(WARN, "store", "set refused: %s", e->text);
		finish_group(w, rc);
		return;
	}
	for (size_t i = 0; i < n; i++)
		commit_alone(w, w->group[i]);
	w->n = 0;
}

/*
 * Commits when nothing more waits, and at the latest when it is time.
 * Returns the job that ended the group, if it is of another kind.
 */
static struct job *
serve_sets(struct writer *w, struct job *job)
{
	struct mono until = mono_add(now(), w->conf.commit_every);
	struct tc_err e = { 0 };
	int rc;

	w->s->db.fault = SQLITE_OK;
	rc = begin(w, &e);
	for (; job != NULL && job->kind == JOB_SET;
	     job = queue_try_pop(w->queue)) {
		w->group[w->n++] = job->set;
		if (rc == 0)
			rc = scribe_put_set(w->s, job->set, &e);
		mem_free(job);
		job = NULL;
		if (rc < 0 || w->n == GROUP_MAX || mono_before(until, now()))
			break;
	}
	if (rc == 0)
		rc = commit(w, &e);
	if (rc < 0)
		fail_group(w, rc, &e);
	else
		finish_group(w, 0);
	return job;
}

static void
serve_call(struct writer *w, struct job *job)
{
	struct tc_err *e = &job->reply->err;
	int rc;

	w->s->db.fault = SQLITE_OK;
	if ((rc = begin(w, e)) == 0 &&
	    (rc = job->call->run(w->s, job->call->arg, e)) == 0)
		rc = commit(w, e);
	if (rc < 0) {
		undo(w);
		if (db_is_fatal(w->s->db.fault))
			degrade(w, e);
	}
	answer(job, rc);
}

static void
refuse(struct job *job)
{
	switch (job->kind) {
	case JOB_SET:
		finish(job->set, TC_EAGAIN);
		mem_free(job);
		return;
	case JOB_CALL:
		answer(job, tc_fail(&job->reply->err, TC_EAGAIN,
			"the store cannot commit at present"));
		return;
	case JOB_FLUSH:
		answer(job, 0);
		return;
	}
}

static void
serve(struct writer *w, struct job *job)
{
	while (job != NULL) {
		if (atomic_load(&w->degraded)) {
			refuse(job);
			return;
		}
		switch (job->kind) {
		case JOB_SET:
			job = serve_sets(w, job);
			continue;
		case JOB_CALL:
			serve_call(w, job);
			return;
		case JOB_FLUSH:
			answer(job, 0);
			return;
		}
	}
}

/* ---- recovery ---- */

static int
reopen(struct writer *w, struct tc_err *e)
{
	struct db *db = &w->s->db;
	int rc;

	db_close(db);
	if ((rc = db_open(db, w->conf.path, DB_WRITER, e)) < 0)
		return rc;
	if ((rc = migrate(db, w->conf.path, w->conf.schema_dir, e)) < 0 ||
	    (rc = db_prepare(db, DB_WRITER, e)) < 0) {
		db_close(db);
		return rc;
	}
	sqlite3_wal_hook(db->h, on_wal, w);
	w->reopen = false;
	return 0;
}

/* A commit as large as a small group, and what is in the log, copied. */
static int
try_commit(struct writer *w, struct tc_err *e)
{
	static const unsigned char ballast[256 * 1024];
	struct db *db = &w->s->db;
	int rc;

	if ((rc = begin(w, e)) < 0)
		return rc;
	db_bind_text(db, ST_META_PUT, 1, "ballast");
	db_bind_blob(db, ST_META_PUT, 2, ballast, sizeof(ballast));
	if ((rc = db_run(db, ST_META_PUT, e)) < 0 ||
	    (rc = commit(w, e)) < 0 || (rc = begin(w, e)) < 0)
		return rc;
	db_bind_text(db, ST_META_DELETE, 1, "ballast");
	if ((rc = db_run(db, ST_META_DELETE, e)) < 0 || (rc = commit(w, e)) < 0)
		return rc;
	rc = sqlite3_wal_checkpoint_v2(db->h, NULL, SQLITE_CHECKPOINT_PASSIVE,
		NULL, NULL);
	if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
		return 0;
	return db_fail(db, rc, e, "checkpoint");
}

static int
begin_late(struct writer *w, struct tc_err *e)
{
	bool clean;
	int rc = w->late ? scribe_begin_epoch(w->s, false, &clean, e) : 0;

	w->late = w->late && rc < 0;
	return rc;
}

static void
recover(struct writer *w)
{
	struct tc_err e = { 0 };

	if (w->reopen && reopen(w, &e) < 0) {
		w->retry = mono_add(now(), w->conf.retry_every);
		return;
	}
	sqlite3_busy_timeout(w->s->db.h, 0);
	w->s->db.fault = SQLITE_OK;
	if (try_commit(w, &e) < 0 || begin_late(w, &e) < 0) {
		undo(w);
		degrade(w, &e);
	} else {
		set_degraded(w, false, "");
	}
	if (w->s->db.h != NULL)
		sqlite3_busy_timeout(w->s->db.h, DB_BUSY_MS);
}

/* ---- old history ---- */

static int
forget_bit(struct writer *w, struct tc_err *e)
{
	struct mono start = now();
	int pages = w->wal_pages;
	struct dur took;
	size_t n = 0;
	int rc;

	if ((rc = begin(w, e)) < 0 ||
	    (rc = forget_some(&w->forget, w->s, &n, e)) < 0)
		return rc;
	took = mono_diff(now(), start);
	if ((rc = commit(w, e)) < 0)
		return rc;
	/* The log may have begun anew. */
	pages = w->wal_pages - (w->wal_pages < pages ? 0 : pages);
	forget_took(&w->forget, took, pages);
	pthread_mutex_lock(&w->lock);
	w->stats.pruned += n;
	pthread_mutex_unlock(&w->lock);
	return 0;
}

/* False: there was nothing to do. */
static bool
forget_if_due(struct writer *w)
{
	struct mono next = forget_next(&w->forget, w->s);
	struct mono late = mono_add(next, dur_ms(FORGET_OVERDUE_MS));
	struct tc_err e = { 0 };

	if (w->conf.offline || mono_before(now(), next) ||
	    (queue_len(w->queue) > 0 && mono_before(now(), late)))
		return false;
	w->s->db.fault = SQLITE_OK;
	if (forget_bit(w, &e) == 0)
		return true;
	undo(w);
	forget_later(&w->forget);
	if (db_is_fatal(w->s->db.fault))
		degrade(w, &e);
	return true;
}

/* ---- the thread ---- */

static struct dur
wait_for(struct writer *w)
{
	struct dur left;

	if (w->damaged)
		return dur_ns(-1);
	if (atomic_load(&w->degraded))
		left = mono_diff(w->retry, now());
	else if (!w->conf.offline)
		left = mono_diff(forget_next(&w->forget, w->s), now());
	else
		return dur_ns(-1);
	return left.ns > 0 ? left : dur_ns(0);
}

static void
stop_clean(struct writer *w)
{
	struct tc_err e = { 0 };

	if (atomic_load(&w->degraded))
		return;
	if (!w->conf.offline && (begin(w, &e) < 0 ||
	    scribe_put_meta(w->s, "clean", 1, &e) < 0 || commit(w, &e) < 0)) {
		undo(w);
		log_at(ERROR, "store", "clean stop not recorded: %s", e.text);
		return;
	}
	checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;

	for (;;) {
		struct job *job = queue_pop(w->queue, wait_for(w));

		if (job == NULL && atomic_load(&w->stopping))
			break;
		serve(w, job);
		/* A bit, or copying the log: nobody waits for both. */
		if (!atomic_load(&w->degraded) && !forget_if_due(w))
			tidy(w);
		if (!atomic_load(&w->degraded))
			continue;
		if (!w->damaged && !mono_before(now(), w->retry))
			recover(w);
	}
	stop_clean(w);
	return NULL;
}

static void
writer_free(struct writer *w)
{
	queue_free(w->queue, NULL);
	pthread_mutex_destroy(&w->lock);
	scribe_fini(w->s);
	mem_free(w);
}

int
writer_start(const struct store_conf *conf, struct scribe *s,
	const char *late, struct writer **out, struct tc_err *e)
{
	struct writer *w = MEM_NEW(struct writer);
	int rc;

	if (w == NULL) {
		scribe_fini(s);
		return tc_fail(e, TC_ENOMEM, "writer: out of memory");
	}
	w->conf = *conf;
	w->s = s;
	forget_init(&w->forget, &w->conf);
	pthread_mutex_init(&w->lock, NULL);
	w->queue = queue_new(conf->queue_cap, NULL, NULL);
	if (w->queue == NULL) {
		writer_free(w);
		return tc_fail(e, TC_ENOMEM, "writer: out of memory");
	}
	sqlite3_wal_hook(s->db.h, on_wal, w);
	if (late != NULL) {
		w->late = true;
		w->reopen = true;
		set_degraded(w, true, late);
	}
	rc = pthread_create(&w->thread, NULL, writer_main, w);
	if (rc != 0) {
		writer_free(w);
		return tc_fail_errno(e, rc, "writer");
	}
	pthread_setname_np(w->thread, "store");
	*out = w;
	return 0;
}

void
writer_stop(struct writer *w)
{
	atomic_store(&w->stopping, true);
	queue_close(w->queue);
	pthread_join(w->thread, NULL);
	writer_free(w);
}

int
writer_submit(struct writer *w, struct change_set *cs)
{
	struct job *job;
	int rc;

	if (atomic_load(&w->degraded))
		return TC_EAGAIN;
	job = MEM_NEW(struct job);
	if (job == NULL)
		return TC_ENOMEM;
	job->kind = JOB_SET;
	job->set = cs;
	rc = queue_push(w->queue, job);
	if (rc < 0)
		mem_free(job);
	return rc;
}

/* Waits for room too, as long as it may. */
static int
push_waiting(struct writer *w, struct job *job, struct mono until)
{
	struct queue *never = job->reply->ready;
	int rc;

	while ((rc = queue_push(w->queue, job)) == TC_EFULL) {
		if (mono_before(until, now()))
			return TC_ETIMEOUT;
		queue_pop(never, dur_ms(5));
	}
	return rc;
}

/* The reply is the caller's to put; NULL on failure. */
static struct reply *
ask(struct writer *w, struct job proto, struct mono until, int *rc)
{
	struct job *job = MEM_NEW(struct job);
	struct reply *reply = reply_new();

	*rc = TC_ENOMEM;
	if (job == NULL || reply == NULL)
		goto fail;
	*job = proto;
	job->reply = reply;
	if ((*rc = push_waiting(w, job, until)) < 0)
		goto fail;
	return reply;
fail:
	reply_put(reply);
	reply_put(reply);
	mem_free(job);
	return NULL;
}

int
writer_flush(struct writer *w, struct dur max)
{
	struct mono until = mono_add(now(), max);
	struct reply *reply;
	struct dur left;
	int rc;

	reply = ask(w, (struct job){ .kind = JOB_FLUSH }, until, &rc);
	if (reply == NULL)
		return rc;
	left = mono_diff(until, now());
	if (queue_pop(reply->ready, left.ns > 0 ? left : dur_ns(0)) == NULL)
		rc = TC_ETIMEOUT;
	else
		rc = reply->rc;
	reply_put(reply);
	return rc;
}

int
writer_run(struct writer *w, const struct writer_call *call, struct tc_err *e)
{
	struct mono until = mono_add(now(), dur_s(5));
	struct reply *reply;
	int rc;

	reply = ask(w, (struct job){ .kind = JOB_CALL, .call = call }, until,
		&rc);
	if (reply == NULL)
		return tc_fail(e, rc, "the store takes no more");
	queue_pop(reply->ready, dur_ns(-1));
	rc = reply->rc;
	if (e != NULL && rc < 0)
		*e = reply->err;
	reply_put(reply);
	return rc;
}

struct asked {
	struct forget *forget;
	const struct store_prune *order;
};

static int
ask_forget(struct scribe *s, const void *arg, struct tc_err *e)
{
	const struct asked *a = arg;

	return forget_ask(a->forget, s, a->order, e);
}

int
writer_prune(struct writer *w, const struct store_prune *order,
	struct tc_err *e)
{
	struct asked a = { &w->forget, order };
	struct writer_call call = { ask_forget, &a };

	return writer_run(w, &call, e);
}

void
writer_stats(struct writer *w, struct store_stats *out)
{
	pthread_mutex_lock(&w->lock);
	*out = w->stats;
	w->stats.commit_ns_max = 0;
	pthread_mutex_unlock(&w->lock);
	out->queue_len = queue_len(w->queue);
	out->degraded = atomic_load(&w->degraded);
	out->damaged = atomic_load(&w->damaged);
}
