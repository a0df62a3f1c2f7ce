#include "store/damage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "store/db.h"
#include "store/migrate.h"

/* Every page of so much is read in about a quarter of a second. */
#define CHECK_BYTES (INT64_C(64) << 20)
/* So much in a few seconds; more is not waited for, damage is believed. */
#define CHECK_SUSPECT_BYTES (INT64_C(1) << 30)
#define NAMES_MAX 100		/* in one second */

bool
damage_is(int fault)
{
	int primary = fault & 0xff;

	return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

static int
path_with(char out[DAMAGE_NAME], const char *path, const char *suffix)
{
	size_t n = strlen(path), m = strlen(suffix);

	if (n + m >= DAMAGE_NAME)
		return TC_ERANGE;
	memcpy(out, path, n);
	memcpy(out + n, suffix, m + 1);
	return 0;
}

static int64_t
bytes_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* https://www.sqlite.org/fileformat2.html#the_database_header */
bool
damage_in_header(const char *path)
{
	unsigned char h[100];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, h, sizeof(h));
	close(fd);
	if (n <= 0)
		return false;	/* empty is new; unreadable is the disk's */
	if ((size_t)n < sizeof(h) || memcmp(h, "SQLite format 3", 16) != 0)
		return true;
	/* Who may write and read; shares of a page; the schema's format. */
	if (h[18] < 1 || h[18] > 2 || h[19] < 1 || h[19] > 2 || h[20] != 0 ||
	    h[21] != 64 || h[22] != 32 || h[23] != 32)
		return true;
	return h[44] != 0 || h[45] != 0 || h[46] != 0 || h[47] > 4 ||
		h[56] != 0 || h[57] != 0 || h[58] != 0 || h[59] > 3;
}

bool
damage_of_number(struct db *db)
{
	static const char sql[] = "SELECT count(*) FROM sqlite_schema WHERE "
		"type = 'table' AND name IN ('migration', 'layout_series', "
		"'tick', 'outbox', 'audit')";
	int64_t n = 0;

	return db_number(db, sql, &n, NULL) == 0 && n == 5;
}

static int
judge(struct db *db, const char *complaint, struct tc_err *e)
{
	if (strcmp(complaint, "ok") == 0)
		return 0;
	/*
	 * A page that the disk would not give just now is a complaint like any
	 * other ("failed to get page 211"), and says nothing about the file.
	 */
	if (db_disk_errno(db) != 0) {
		db->fault = SQLITE_IOERR_READ;
		return tc_fail(e, TC_EIO, "check: %s", complaint);
	}
	db->fault = SQLITE_CORRUPT;
	return tc_fail(e, TC_ECORRUPT, "check: %s", complaint);
}

static int
quick_check(struct db *db, struct tc_err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, "PRAGMA quick_check(1)", -1, &st,
		NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW)
		rc = db_fail(db, rc, e, "check");
	else
		rc = judge(db, (const char *)sqlite3_column_text(st, 0), e);
	sqlite3_finalize(st);
	return rc;
}

int
damage_check(struct db *db, const char *path, struct tc_err *e)
{
	char mark[DAMAGE_NAME];
	bool suspect = path_with(mark, path, ".suspect") == 0 &&
		access(mark, F_OK) == 0;
	int64_t application = 0;
	int rc = db_number(db, "PRAGMA application_id", &application, e);

	if (rc < 0 || application != STORE_APPLICATION_ID)
		return rc;
	if (suspect && bytes_of(path) > CHECK_SUSPECT_BYTES) {
		db->fault = SQLITE_CORRUPT;
		return tc_fail(e, TC_ECORRUPT, "the last run met damage");
	}
	if (!suspect && bytes_of(path) > CHECK_BYTES)
		return 0;
	if ((rc = quick_check(db, e)) == 0 && suspect)
		unlink(mark);
	if (rc != TC_EIO)
		return rc;
	/* What is needed will be read again; what is not, need not be. */
	log_at(WARN, "store", "cannot be looked through why=\"disk I/O error\"");
	return 0;
}

void
damage_note(const char *path)
{
	char mark[DAMAGE_NAME];
	int fd;

	if (path_with(mark, path, ".suspect") < 0)
		return;
	fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

/* "20260101T000000Z" */
static void
stamp(char out[WALL_TEXT])
{
	struct clock *clock = clock_system();
	char text[WALL_TEXT];
	size_t n = 0;

	wall_format(clock->wall(clock), text, sizeof(text));
	for (const char *p = text; *p != '\0' && *p != '.'; p++) {
		if (*p != '-' && *p != ':')
			out[n++] = *p;
	}
	out[n++] = 'Z';
	out[n] = '\0';
}

/* The first name of its kind that is free. */
static int
free_name(const char *path, const char *why, char out[DAMAGE_NAME],
	struct tc_err *e)
{
	char when[WALL_TEXT];
	struct stat st;
	int n;

	stamp(when);
	for (int i = 0; i < NAMES_MAX; i++) {
		n = i == 0 ?
			snprintf(out, DAMAGE_NAME, "%s.%s-%s", path, why, when) :
			snprintf(out, DAMAGE_NAME, "%s.%s-%s.%d", path, why,
				when, i);
		if (n < 0 || n >= DAMAGE_NAME - 8)
			return tc_fail(e, TC_ERANGE, "%s: too long", path);
		if (lstat(out, &st) < 0 && errno == ENOENT)
			return 0;
	}
	return tc_fail(e, TC_EFULL, "%s: no free name", out);
}

static int
move_one(const char *path, const char *to, const char *suffix,
	struct tc_err *e)
{
	char from[DAMAGE_NAME], moved[DAMAGE_NAME];

	if (path_with(from, path, suffix) < 0 ||
	    path_with(moved, to, suffix) < 0)
		return tc_fail(e, TC_ERANGE, "%s: too long", path);
	if (rename(from, moved) < 0 && errno != ENOENT)
		return tc_fail_errno(e, errno, "rename %s", from);
	return 0;
}

/*
 * The log first: without its file it is nothing, but a fresh file beside an
 * old log would be played the old log.
 */
int
damage_move(const char *path, const char *why, char moved[DAMAGE_NAME],
	struct tc_err *e)
{
	int rc;

	if ((rc = free_name(path, why, moved, e)) < 0 ||
	    (rc = move_one(path, moved, "-shm", e)) < 0 ||
	    (rc = move_one(path, moved, "-wal", e)) < 0 ||
	    (rc = move_one(path, moved, "", e)) < 0)
		return rc;
	return file_sync_beside(path, e);
}

int
damage_set_aside(const char *path, char moved[DAMAGE_NAME], struct tc_err *e)
{
	char mark[DAMAGE_NAME];
	int rc = damage_move(path, "corrupt", moved, e);

	if (rc == 0 && path_with(mark, path, ".suspect") == 0)
		unlink(mark);
	return rc;
}
