#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/strbuf.h"

/* VM instructions between two looks at the clock: some tens of microseconds. */
#define PROGRESS_OPS 1000

static int
on_progress(void *arg)
{
	return db_is_late(arg);
}

bool
db_is_late(struct db *db)
{
	struct clock *clock = clock_system();

	if (db->deadline.ns == 0)
		return false;
	if (!db->expired)
		db->expired = mono_before(db->deadline, clock->mono(clock));
	return db->expired;
}

void
db_set_deadline(struct db *db, struct dur max)
{
	struct clock *clock = clock_system();

	db->expired = false;
	db->deadline = (struct mono){ 0 };
	if (max.ns > 0)
		db->deadline = mono_add(clock->mono(clock), max);
}

static int
code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return TC_ENOMEM;
	case SQLITE_FULL:
		return TC_EFULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return TC_EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return TC_ECORRUPT;
	case SQLITE_INTERRUPT:
		return TC_ETIMEOUT;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return TC_EINVAL;
	case SQLITE_TOOBIG:
		return TC_ERANGE;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return TC_EPERM;
	}
	return TC_EIO;
}

bool
db_is_fatal(int fault)
{
	switch (fault & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG:
	case SQLITE_NOMEM:
	case SQLITE_OK:
		return false;
	}
	return true;
}

static int
errno_of(sqlite3_file *f)
{
	int err_no = 0;

	if (f != NULL && f->pMethods != NULL)
		f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &err_no);
	return err_no;
}

int
db_disk_errno(struct db *db)
{
	static const int files[] = { SQLITE_FCNTL_FILE_POINTER,
		SQLITE_FCNTL_JOURNAL_POINTER };
	int err_no = 0;

	for (size_t i = 0; err_no == 0 && i < ARRAY_LEN(files); i++) {
		sqlite3_file *f = NULL;

		sqlite3_file_control(db->h, "main", files[i], &f);
		err_no = errno_of(f);
	}
	return err_no;
}

int
db_fail(struct db *db, int rc, struct tc_err *e, const char *what)
{
	const char *text = db->h != NULL ? sqlite3_errmsg(db->h) : NULL;

	db->fault = db->h != NULL ? sqlite3_extended_errcode(db->h) : rc;
	if ((db->fault & 0xff) != (rc & 0xff)) {
		db->fault = rc;
		text = sqlite3_errstr(rc);
	}
	/* To SQLite a quota is an I/O error like any other. */
	if (db->h != NULL && (db->fault & 0xff) == SQLITE_IOERR &&
	    db_disk_errno(db) == EDQUOT)
		return tc_fail(e, TC_EFULL, "%s: the quota is used up", what);
	return tc_fail(e, code_of(rc), "%s: %s", what,
		text != NULL ? text : "out of memory");
}

static int
prepare(struct db *db, enum st st, struct tc_err *e)
{
	int rc = sqlite3_prepare_v3(db->h, stmts[st].sql, -1,
		SQLITE_PREPARE_PERSISTENT, &db->st[st], NULL);

	if (rc == SQLITE_OK)
		return 0;
	db->st[st] = NULL;
	return db_fail(db, rc, e, stmts[st].noun);
}

int
db_prepare(struct db *db, enum db_role role, struct tc_err *e)
{
	int rc = 0;

	for (int st = 0; rc == 0 && st < ST_COUNT; st++) {
		if (stmts[st].roles & (unsigned)role)
			rc = prepare(db, (enum st)st, e);
	}
	return rc;
}

/*
 * The writer syncs the log at every commit and checkpoints by itself
 * (writer.c).  Readers get less memory: their pages are in the system's cache.
 */
static const char writer_pragmas[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"PRAGMA wal_autocheckpoint = 0;"
	"PRAGMA journal_size_limit = 16777216;"
	"PRAGMA cache_size = -16384;"
	"PRAGMA temp_store = MEMORY;";
static const char reader_pragmas[] =
	"PRAGMA query_only = ON;"
	"PRAGMA cache_size = -2048;"
	"PRAGMA temp_store = MEMORY;";
static const char common_pragmas[] =
	"PRAGMA trusted_schema = OFF;"
	"PRAGMA foreign_keys = ON;"
	"PRAGMA cell_size_check = ON;";

int
db_create_file(const char *path, struct tc_err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno != EEXIST)
		return tc_fail_errno(e, errno, "create");
	/* An existing one is not opened: closing it would drop its locks. */
	if (fd >= 0)
		close(fd);
	return 0;
}

bool
db_is_frozen(const char *path)
{
	struct statvfs at;

	return statvfs(path, &at) == 0 && (at.f_flag & ST_RDONLY) != 0;
}

static bool
has_log(const char *path)
{
	struct strbuf log = { 0 };
	struct stat st;
	bool has;

	strbuf_printf(&log, "%s-wal", path);
	has = log.failed || (stat(log.p, &st) == 0 && st.st_size > 0);
	strbuf_free(&log);
	return has;
}

/*
 * Without a log SQLite would make one, and its index, in order to read.
 * https://www.sqlite.org/wal.html#read_only_databases
 */
static int
open_frozen(struct db *db, const char *path)
{
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI;
	struct strbuf uri = { 0 };
	int rc = SQLITE_NOMEM;

	strbuf_puts(&uri, "file:");
	for (; *path != '\0'; path++) {
		if (strchr("%?#", *path) != NULL)
			strbuf_printf(&uri, "%%%02x", (unsigned)*path);
		else
			strbuf_putc(&uri, *path);
	}
	strbuf_puts(&uri, "?immutable=1");
	if (!uri.failed)
		rc = sqlite3_open_v2(uri.p, &db->h, flags, NULL);
	strbuf_free(&uri);
	return rc;
}

int
db_open(struct db *db, const char *path, unsigned roles, struct tc_err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE;
	int rc;

	*db = (struct db){ .frozen = db_is_frozen(path) };
	if (roles & DB_CREATE && (rc = db_create_file(path, e)) < 0)
		return rc;
	if (db->frozen && !has_log(path))
		rc = open_frozen(db, path);
	else
		rc = sqlite3_open_v2(path, &db->h, flags, NULL);
	if (rc != SQLITE_OK) {
		rc = db_fail(db, rc, e, "open");
		goto out;
	}
	sqlite3_extended_result_codes(db->h, 1);
	sqlite3_busy_timeout(db->h, DB_BUSY_MS);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->h, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	if (roles & DB_READER)
		sqlite3_progress_handler(db->h, PROGRESS_OPS, on_progress, db);
	rc = db_exec(db, common_pragmas, e);
out:
	if (rc < 0)
		db_close(db);
	return rc;
}

int
db_settle(struct db *db, enum db_role role, struct tc_err *e)
{
	return db_exec(db, role == DB_WRITER ? writer_pragmas : reader_pragmas,
		e);
}

void
db_close(struct db *db)
{
	for (int st = 0; st < ST_COUNT; st++)
		sqlite3_finalize(db->st[st]);
	sqlite3_close_v2(db->h);
	memset(db->st, 0, sizeof(db->st));
	db->h = NULL;
}

int
db_step(struct db *db, enum st st, struct tc_err *e)
{
	int rc = sqlite3_step(db->st[st]);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		rc = db_fail(db, rc, e, stmts[st].noun);
	else
		rc = 0;
	sqlite3_reset(db->st[st]);
	return rc;
}

void
db_reset(struct db *db, enum st st)
{
	sqlite3_reset(db->st[st]);
}

int
db_run(struct db *db, enum st st, struct tc_err *e)
{
	int rc = db_step(db, st, e);

	if (rc == 1) {
		db_reset(db, st);
		rc = 0;
	}
	return rc;
}

int
db_exec(struct db *db, const char *sql, struct tc_err *e)
{
	int rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc, e, "set up");
}

int
db_number(struct db *db, const char *sql, int64_t *out, struct tc_err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	else if (rc == SQLITE_DONE)
		*out = 0;
	else
		rc = db_fail(db, rc, e, sql);
	sqlite3_finalize(st);
	return rc < 0 ? rc : 0;
}

void
db_bind_i64(struct db *db, enum st st, int at, int64_t v)
{
	sqlite3_bind_int64(db->st[st], at, v);
}

void
db_bind_f64(struct db *db, enum st st, int at, double v)
{
	sqlite3_bind_double(db->st[st], at, v);
}

void
db_bind_id(struct db *db, enum st st, int at, uint64_t v)
{
	if (v == 0)
		sqlite3_bind_null(db->st[st], at);
	else
		sqlite3_bind_int64(db->st[st], at, (int64_t)v);
}

void
db_bind_text(struct db *db, enum st st, int at, const char *s)
{
	sqlite3_bind_text(db->st[st], at, s != NULL ? s : "", -1, SQLITE_STATIC);
}

void
db_bind_blob(struct db *db, enum st st, int at, const void *p, size_t n)
{
	sqlite3_bind_blob64(db->st[st], at, n > 0 ? p : "", n, SQLITE_STATIC);
}

int64_t
db_i64(struct db *db, enum st st, int column)
{
	return sqlite3_column_int64(db->st[st], column);
}

double
db_f64(struct db *db, enum st st, int column)
{
	return sqlite3_column_double(db->st[st], column);
}

const char *
db_text(struct db *db, enum st st, int column)
{
	const unsigned char *text = sqlite3_column_text(db->st[st], column);

	return text != NULL ? (const char *)text : "";
}

const void *
db_blob(struct db *db, enum st st, int column, size_t *n)
{
	const void *p = sqlite3_column_blob(db->st[st], column);

	*n = p != NULL ? (size_t)sqlite3_column_bytes(db->st[st], column) : 0;
	return p;
}

/* ---- marks ---- */

int
db_meta_get(struct db *db, const char *key, int64_t *value, struct tc_err *e)
{
	int rc;

	db_bind_text(db, ST_META_GET, 1, key);
	rc = db_step(db, ST_META_GET, e);
	if (rc == 1) {
		*value = db_i64(db, ST_META_GET, 0);
		db_reset(db, ST_META_GET);
	}
	return rc < 0 ? rc : 0;
}

int
db_meta_put(struct db *db, const char *key, int64_t value, struct tc_err *e)
{
	db_bind_text(db, ST_META_PUT, 1, key);
	db_bind_i64(db, ST_META_PUT, 2, value);
	return db_run(db, ST_META_PUT, e);
}
