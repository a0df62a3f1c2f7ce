/*
 * Sets that are committed together.
 */
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

static void
finish_group(struct writer *w, int rc)
{
	for (size_t i = 0; i < w->n; i++)
		writer_end_set(w->group[i], rc);
	w->n = 0;
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
	w->n = 1;
	if ((rc = writer_begin(w, &e)) == 0 &&
	    (rc = scribe_put_set(w->s, cs, &e)) == 0)
		rc = writer_commit(w, &e);
	w->n = 0;
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
fail_group(struct writer *w, int rc, const struct tc_err *e)
{
	size_t n = w->n;

	writer_undo(w);
	if (db_is_fatal(w->s->db.fault)) {
		writer_degrade(w, e);
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

struct job *
writer_serve_sets(struct writer *w, struct job *job)
{
	struct mono until = mono_add(writer_now(), w->conf.commit_every);
	struct tc_err e = { 0 };
	int rc;

	w->s->db.fault = SQLITE_OK;
	rc = writer_begin(w, &e);
	for (; job != NULL && job->kind == JOB_SET;
	     job = queue_try_pop(w->queue)) {
		w->group[w->n++] = job->set;
		if (rc == 0)
			rc = scribe_put_set(w->s, job->set, &e);
		mem_free(job);
		job = NULL;
		if (rc < 0 || w->n == GROUP_MAX || mono_before(until, writer_now()))
			break;
	}
	if (rc == 0)
		rc = writer_commit(w, &e);
	if (rc < 0)
		fail_group(w, rc, &e);
	else
		finish_group(w, 0);
	return job;
}
