/*
 * Transactions of the writer, and what becomes of it when one fails.
 */
#include "base/log.h"
#include "store/damage.h"
#include "store/writing.h"

static void
count(struct writer *w, int rc, struct dur took)
{
	pthread_mutex_lock(&w->lock);
	if (rc < 0) {
		w->stats.failed_commits++;
	} else {
		w->stats.commits++;
		w->stats.sets += w->sets;
		w->stats.rows += w->s->rows;
		w->stats.samples += w->s->samples;
	}
	if (took.ns > w->stats.commit_ns_max)
		w->stats.commit_ns_max = took.ns;
	pthread_mutex_unlock(&w->lock);
	w->s->rows = 0;
	w->s->samples = 0;
}

void
writer_set_degraded(struct writer *w, bool degraded, const char *why)
{
	bool was = atomic_exchange(&w->degraded, degraded);

	w->retry = mono_add(writer_now(), w->conf.retry_every);
	if (was == degraded)
		return;
	if (degraded)
		log_at(ERROR, "store", "cannot commit why=\"%s\"", why);
	else
		log_at(INFO, "store", "commits again");
	if (w->conf.degraded != NULL)
		w->conf.degraded(w->conf.degraded_arg, degraded, why);
}

int
writer_begin(struct writer *w, struct tc_err *e)
{
	w->sets = 0;
	w->s->rows = 0;
	w->s->samples = 0;
	return db_run(&w->s->db, ST_BEGIN, e);
}

void
writer_undo(struct writer *w)
{
	struct db *db = &w->s->db;
	int fault = db->fault;

	/* Some errors have undone it already. */
	if (!sqlite3_get_autocommit(db->h))
		db_run(db, ST_ROLLBACK, NULL);
	db->fault = fault;
	scribe_forget(w->s);
}

int
writer_commit(struct writer *w, struct tc_err *e)
{
	struct mono start = writer_now();
	int rc = db_run(&w->s->db, ST_COMMIT, e);

	count(w, rc, mono_diff(writer_now(), start));
	return rc;
}

void
writer_degrade(struct writer *w, const struct tc_err *e)
{
	int primary = w->s->db.fault & 0xff;

	if (damage_is(w->s->db.fault)) {
		damage_note(w->conf.path);
		w->damaged = true;
	}
	w->reopen = primary != SQLITE_FULL && primary != SQLITE_BUSY &&
		primary != SQLITE_LOCKED;
	writer_set_degraded(w, true, e->text);
}

void
writer_checkpoint(struct writer *w, int mode)
{
	struct db *db = &w->s->db;
	struct mono start = writer_now();
	struct tc_err e = { 0 };
	int rc = sqlite3_wal_checkpoint_v2(db->h, NULL, mode, NULL, NULL);
	int64_t took = mono_diff(writer_now(), start).ns;

	w->wal_checkpointed = w->wal_pages;
	pthread_mutex_lock(&w->lock);
	if (took > w->stats.commit_ns_max)
		w->stats.commit_ns_max = took;
	pthread_mutex_unlock(&w->lock);
	if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
		return;
	db_fail(db, rc, &e, "checkpoint");
	writer_degrade(w, &e);
}

int
writer_on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct writer *w = arg;

	(void)db;
	(void)name;
	w->wal_pages = pages;
	return SQLITE_OK;
}
