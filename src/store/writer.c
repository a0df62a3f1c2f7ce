/*
 * The thread: what it does next, and when.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/writing.h"

/*
 * Then it does not wait for a quiet moment: rows that were packed go faster
 * than new ones come, or the file would grow for as long as there is no pause.
 */
#define FORGET_OVERDUE_MS 50

/*
 * Pages of the log after which it is copied into the file: early when there
 * is nothing else to do, later when there is.  4,096 pages are 16 MiB.  On this
 * thread: with no copying at all, which no other thread could better, the
 * longest commits of bench_year are as long (32 to 228 ms with it, 33 to 305
 * without, on a disk that others kept busy; the log's own syncs make them).
 */
#define CHECKPOINT_IDLE 1024
#define CHECKPOINT_BUSY 4096

/*
 * Pages beyond so many bytes are let go once a burst is over, looked at so
 * often at most: the system's cache has them, and the next burst may be far.
 * They go back to the system, too: what malloc keeps of them is never used up,
 * since the next ones lie elsewhere.  That takes 0.1 ms beside 5,000 hosts.
 */
#define CACHE_CALM_BYTES (128 * 1024)
#define CACHE_CALM_S 1

/* Somebody waits for a commit. */
static bool
is_awaited(struct writer *w)
{
	return w->patience.hasty > 0 || queue_len(w->queue) > 0;
}

static void
checkpoint_if_due(struct writer *w)
{
	int most = is_awaited(w) ? CHECKPOINT_BUSY : CHECKPOINT_IDLE;

	if (w->wal_pages < w->wal_checkpointed)
		w->wal_checkpointed = 0;	/* the log began anew */
	if (w->wal_pages - w->wal_checkpointed >= most)
		writer_checkpoint(w, SQLITE_CHECKPOINT_PASSIVE);
}

static void
shrink_if_calm(struct writer *w)
{
	int used = 0, most;

	if (is_awaited(w) || mono_before(writer_now(), w->calm))
		return;
	w->calm = mono_add(writer_now(), dur_s(CACHE_CALM_S));
	sqlite3_db_status(w->s->db.h, SQLITE_DBSTATUS_CACHE_USED, &used, &most,
		0);
	if (used <= CACHE_CALM_BYTES)
		return;
	sqlite3_db_release_memory(w->s->db.h);
	mem_trim();
}

static void
tidy(struct writer *w)
{
	checkpoint_if_due(w);
	if (!atomic_load(&w->degraded))
		shrink_if_calm(w);
}

static void
serve_call(struct writer *w, struct job *job)
{
	struct tc_err *e = &job->reply->err;
	int rc;

	w->s->db.fault = SQLITE_OK;
	if ((rc = writer_begin(w, e)) == 0 &&
	    (rc = job->call->run(w->s, job->call->arg, e)) == 0)
		rc = writer_commit(w, e);
	if (rc < 0) {
		writer_undo(w);
		if (db_is_fatal(w->s->db.fault))
			writer_degrade(w, e);
	}
	writer_answer(job, rc);
}

static void
refuse(struct job *job)
{
	switch (job->kind) {
	case JOB_SET:
		writer_end_set(job->set, TC_EAGAIN);
		mem_free(job);
		return;
	case JOB_CALL:
		writer_answer(job, tc_fail(&job->reply->err, TC_EAGAIN,
			"the store cannot commit at present"));
		return;
	case JOB_FLUSH:
		writer_answer(job, 0);
		return;
	}
}

/* What ended the group, or came while it was committed; NULL = wait. */
static struct job *
next_job(struct writer *w)
{
	struct job *job;

	if (w->held != NULL || w->n == GROUP_MAX ||
	    patience_is_over(&w->patience, writer_now()))
		writer_commit_group(w);
	job = w->held;
	w->held = NULL;
	return job;
}

static void
serve(struct writer *w, struct job *job)
{
	while (job != NULL) {
		if (atomic_load(&w->degraded)) {
			refuse(job);
			job = next_job(w);
			continue;
		}
		switch (job->kind) {
		case JOB_SET:
			writer_gather(w, job);
			break;
		case JOB_CALL:
			writer_commit_group(w);
			serve_call(w, job);
			break;
		case JOB_FLUSH:
			writer_commit_group(w);
			writer_answer(job, 0);
			break;
		}
		job = next_job(w);
	}
}

/* ---- old history ---- */

static int
forget_bit(struct writer *w, struct tc_err *e)
{
	struct mono start = writer_now();
	int pages = w->wal_pages;
	struct dur took;
	size_t n = 0;
	int rc;

	if ((rc = writer_begin(w, e)) < 0 ||
	    (rc = forget_some(&w->forget, w->s, &n, e)) < 0)
		return rc;
	took = mono_diff(writer_now(), start);
	if ((rc = writer_commit(w, e)) < 0)
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

	if (w->conf.offline || mono_before(writer_now(), next) ||
	    (is_awaited(w) && mono_before(writer_now(), late)))
		return false;
	w->s->db.fault = SQLITE_OK;
	if (forget_bit(w, &e) == 0)
		return true;
	writer_undo(w);
	forget_later(&w->forget);
	if (db_is_fatal(w->s->db.fault))
		writer_degrade(w, &e);
	return true;
}

/* ---- the thread ---- */

static struct dur
until(struct mono when)
{
	struct dur left = mono_diff(when, writer_now());

	return left.ns > 0 ? left : dur_ns(0);
}

static struct dur
wait_for(struct writer *w)
{
	struct mono next;

	if (w->damaged)
		return dur_ns(-1);
	if (atomic_load(&w->degraded))
		return until(w->retry);
	if (w->conf.offline)
		return w->n > 0 ? until(w->patience.due) : dur_ns(-1);
	next = forget_next(&w->forget, w->s);
	if (w->n > 0 && mono_before(w->patience.due, next))
		next = w->patience.due;
	return until(next);
}

static void
stop_clean(struct writer *w)
{
	struct tc_err e = { 0 };

	if (atomic_load(&w->degraded))
		return;
	if (!w->conf.offline && (writer_begin(w, &e) < 0 ||
	    scribe_put_meta(w->s, "clean", 1, &e) < 0 || writer_commit(w, &e) < 0)) {
		writer_undo(w);
		log_at(ERROR, "store", "clean stop not recorded: %s", e.text);
		return;
	}
	writer_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE);
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;

	for (;;) {
		struct job *job = queue_pop(w->queue, wait_for(w));

		if (job == NULL && atomic_load(&w->stopping))
			break;
		serve(w, job != NULL ? job : next_job(w));
		/* A bit, or copying the log: nobody waits for both. */
		if (!atomic_load(&w->degraded) && !forget_if_due(w))
			tidy(w);
		if (!atomic_load(&w->degraded))
			continue;
		writer_commit_group(w);	/* it is refused */
		if (!w->damaged && !mono_before(writer_now(), w->retry))
			writer_recover(w);
	}
	writer_commit_group(w);
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
	const struct writer_late *late, struct writer **out, struct tc_err *e)
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
	sqlite3_wal_hook(s->db.h, writer_on_wal, w);
	if (late != NULL) {
		w->late = true;
		w->reopen = true;
		w->readers = late->readers;
		writer_set_degraded(w, true, late->why);
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
