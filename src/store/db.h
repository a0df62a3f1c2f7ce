/*
 * One SQLite connection with all its statements prepared.  Used by one thread
 * at a time.
 */
#ifndef TOCSIN_STORE_DB_H
#define TOCSIN_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "store/stmts.h"

struct db {
	sqlite3 *h;
	sqlite3_stmt *st[ST_COUNT];
	struct mono deadline;	/* ns 0 = none */
	bool expired;
	int fault;	/* SQLite's extended code of the last failure */
	bool frozen;	/* opened on a file system that was read-only */
};

#define DB_BUSY_MS 1000	/* how long another process's lock is waited for */

/* `roles`: DB_CREATE with DB_WRITER makes a missing file; it stays empty. */
int db_open(struct db *db, const char *path, unsigned roles,
	struct tc_err *e);
/* The file lies on a file system that is mounted read-only. */
bool db_is_frozen(const char *path);
/* Journal, syncing, caches; once the file is known to be ours. */
int db_settle(struct db *db, enum db_role role, struct tc_err *e);
/* A statement that does not compile means the schema is not ours. */
int db_prepare(struct db *db, enum db_role role, struct tc_err *e);
void db_close(struct db *db);
/* An empty file that only its owner may read, if there is none. */
int db_create_file(const char *path, struct tc_err *e);

/* Statements from now on fail with TC_ETIMEOUT after `max`; 0 = no limit. */
void db_set_deadline(struct db *db, struct dur max);
/* True once the deadline has passed: for loops between statements. */
bool db_is_late(struct db *db);

/* What the system said last of the file or its log; 0 = nothing. */
int db_disk_errno(struct db *db);
/* Sets the error from SQLite's and remembers `fault`; returns the TC code. */
int db_fail(struct db *db, int rc, struct tc_err *e, const char *what);
/* The trouble is the file's or the disk's, not that of one change. */
bool db_is_fatal(int fault);

/*
 * One step.  1 = a row, 0 = done (the statement is reset then), < 0 failed
 * (reset too).  After the last row wanted call db_reset().
 */
int db_step(struct db *db, enum st st, struct tc_err *e);
void db_reset(struct db *db, enum st st);
/* A step that must not give a row. */
int db_run(struct db *db, enum st st, struct tc_err *e);
/* Constant SQL without parameters: pragmas, migrations. */
int db_exec(struct db *db, const char *sql, struct tc_err *e);
/* The first column of the first row as a number; 0 when there is none. */
int db_number(struct db *db, const char *sql, int64_t *out, struct tc_err *e);

/* A number kept under a name; it stays as it is when there is none. */
int db_meta_get(struct db *db, const char *key, int64_t *value,
	struct tc_err *e);
int db_meta_put(struct db *db, const char *key, int64_t value,
	struct tc_err *e);

/* Binding by number from 1; a failure shows at the step. */
void db_bind_i64(struct db *db, enum st st, int at, int64_t v);
void db_bind_f64(struct db *db, enum st st, int at, double v);
/* 0 becomes NULL. */
void db_bind_id(struct db *db, enum st st, int at, uint64_t v);
/* Borrowed until the statement is reset; NULL becomes "". */
void db_bind_text(struct db *db, enum st st, int at, const char *s);
void db_bind_blob(struct db *db, enum st st, int at, const void *p, size_t n);

int64_t db_i64(struct db *db, enum st st, int column);
double db_f64(struct db *db, enum st st, int column);
/* Valid until the next step; never NULL. */
const char *db_text(struct db *db, enum st st, int column);
/* NULL when empty. */
const void *db_blob(struct db *db, enum st st, int column, size_t *n);

#endif
