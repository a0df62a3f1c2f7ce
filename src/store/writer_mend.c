/*
 * Degraded: the file is opened anew where it must be, and a trial commit tells
 * whether it is over.
 */
#include "store/migrate.h"
#include "store/readers.h"
#include "store/writing.h"

static int
reopen(struct writer *w, struct tc_err *e)
{
	struct db *db = &w->s->db;
	bool frozen;
	int rc;

	if (db_is_frozen(w->conf.path))
		return tc_fail(e, TC_EPERM, "a read-only file system");
	frozen = db->frozen;
	db_close(db);
	/* The log's index stays read-only for as long as one of us has it. */
	if (frozen && w->readers != NULL)
		readers_thaw(w->readers);
	if ((rc = db_open(db, w->conf.path, DB_WRITER, e)) < 0)
		return rc;
	if ((rc = migrate(db, w->conf.path, w->conf.schema_dir, e)) < 0 ||
	    (rc = db_prepare(db, DB_WRITER, e)) < 0) {
		db_close(db);
		return rc;
	}
	sqlite3_wal_hook(db->h, writer_on_wal, w);
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

	if ((rc = writer_begin(w, e)) < 0)
		return rc;
	db_bind_text(db, ST_META_PUT, 1, "ballast");
	db_bind_blob(db, ST_META_PUT, 2, ballast, sizeof(ballast));
	if ((rc = db_run(db, ST_META_PUT, e)) < 0 ||
	    (rc = writer_commit(w, e)) < 0 || (rc = writer_begin(w, e)) < 0)
		return rc;
	db_bind_text(db, ST_META_DELETE, 1, "ballast");
	if ((rc = db_run(db, ST_META_DELETE, e)) < 0 ||
	    (rc = writer_commit(w, e)) < 0)
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

void
writer_recover(struct writer *w)
{
	struct tc_err e = { 0 };

	if (w->reopen && reopen(w, &e) < 0) {
		w->retry = mono_add(writer_now(), w->conf.retry_every);
		return;
	}
	sqlite3_busy_timeout(w->s->db.h, 0);
	w->s->db.fault = SQLITE_OK;
	if (try_commit(w, &e) < 0 || begin_late(w, &e) < 0) {
		writer_undo(w);
		writer_degrade(w, &e);
	} else {
		writer_set_degraded(w, false, "");
	}
	if (w->s->db.h != NULL)
		sqlite3_busy_timeout(w->s->db.h, DB_BUSY_MS);
}
