/*
 * Sets that are committed together.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/writing.h"

void
writer_end_set(struct change_set *cs, int rc)
{
	cs->rc = rc;
	if (cs->done != NULL)
		cs->done(cs);
	else
		change_set_free(cs);
}

/* The first `n` of the group, which the others move up to. */
static void
finish_some(struct writer *w, size_t n, int rc)
{
	for (size_t i = 0; i < n; i++)
		writer_end_set(w->group[i], rc);
	w->n -= n;
	memmove(w->group, w->group + n, w->n * sizeof(w->group[0]));
}

static int
put(struct writer *w, struct change_set *cs, struct tc_err *e)
{
	w->sets++;
	return scribe_put_set(w->s, cs, e);
}

static void
commit_alone(struct writer *w, struct change_set *cs)
{
	struct tc_err e = { 0 };
	int rc = TC_EAGAIN;

	if (atomic_load(&w->degraded)) {
		writer_end_set(cs, rc);
		return;
	}
	if ((rc = writer_begin(w, &e)) == 0 && (rc = put(w, cs, &e)) == 0)
		rc = writer_commit(w, &e);
	if (rc < 0) {
		writer_undo(w);
		if (db_is_fatal(w->s->db.fault))
			writer_degrade(w, &e);
		else
			log_at(WARN, "store", "set refused: %s", e.text);
	}
	writer_end_set(cs, rc);
}

/* One bad set must not sink the others: each is tried alone. */
static void
fail_some(struct writer *w, size_t n, int rc, const struct tc_err *e)
{
	writer_undo(w);
	if (db_is_fatal(w->s->db.fault))
		writer_degrade(w, e);
	if (db_is_fatal(w->s->db.fault) || n == 0) {
		finish_some(w, w->n, rc);
		return;
	}
	if (n == 1) {
		log_at(WARN, "store", "set refused: %s", e->text);
		finish_some(w, n, rc);
		return;
	}
	for (size_t i = 0; i < n; i++)
		commit_alone(w, w->group[i]);
	w->n -= n;
	memmove(w->group, w->group + n, w->n * sizeof(w->group[0]));
}

/* False: nothing more waits, or what does is no set. */
static bool
gather_next(struct writer *w)
{
	struct job *job = w->held == NULL && w->n < GROUP_MAX ?
		queue_try_pop(w->queue) : NULL;

	if (job == NULL)
		return false;
	if (job->kind != JOB_SET) {
		w->held = job;
		return false;
	}
	w->group[w->n++] = job->set;
	patience_add(&w->patience, !job->set->calm, writer_now());
	mem_free(job);
	return true;
}

void
writer_gather(struct writer *w, struct job *job)
{
	w->group[w->n++] = job->set;
	patience_add(&w->patience, !job->set->calm, writer_now());
	mem_free(job);
	while (gather_next(w))
		;
}

/* Those that come meanwhile are taken along, for as long as it may take. */
static void
commit_some(struct writer *w)
{
	struct mono until = mono_add(writer_now(), w->conf.commit_every);
	struct tc_err e = { 0 };
	size_t n = 0;
	int rc;

	w->s->db.fault = SQLITE_OK;
	rc = writer_begin(w, &e);
	while (rc == 0 && (n < w->n || gather_next(w))) {
		rc = put(w, w->group[n++], &e);
		if (mono_before(until, writer_now()))
			break;
	}
	if (rc == 0)
		rc = writer_commit(w, &e);
	if (rc < 0)
		fail_some(w, n, rc, &e);
	else
		finish_some(w, n, 0);
}

void
writer_commit_group(struct writer *w)
{
	patience_end(&w->patience, writer_now());
	while (w->n > 0) {
		if (atomic_load(&w->degraded))
			finish_some(w, w->n, TC_EAGAIN);
		else
			commit_some(w);
	}
	/* what came meanwhile went with them */
	w->patience.n = 0;
	w->patience.hasty = 0;
}
