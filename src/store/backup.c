/*
 * Copies of the file, out and in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "store/damage.h"
#include "store/reads.h"
#include "store/tend.h"
#include "store/tending.h"

#define PAGES_A_STEP 1024

/* One row with one word, or the first of the complaints. */
static int
ask_ok(struct db *db, const char *sql, struct tc_err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL);
	const char *text;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc != SQLITE_ROW) {
		rc = db_fail(db, rc, e, "check");
		goto out;
	}
	text = (const char *)sqlite3_column_text(st, 0);
	rc = text != NULL && strcmp(text, "ok") == 0 ? 0 :
		tc_fail(e, TC_ECORRUPT, "%s", text != NULL ? text : "check");
out:
	sqlite3_finalize(st);
	return rc;
}

static int
check_all(struct db *db, struct tend_sound *out, struct tc_err *e)
{
	struct audit_sum sum = { 0 };
	int64_t n = 0;
	int rc;

	if ((rc = ask_ok(db, "PRAGMA integrity_check(1)", e)) < 0 ||
	    (rc = db_number(db,
		"SELECT count(*) FROM pragma_foreign_key_check", &n, e)) < 0)
		return rc;
	if (n > 0)
		return tc_fail(e, TC_ECORRUPT, "%d references lead nowhere",
			(int)n);
	if ((rc = audit_verify(db, &sum, e)) < 0)
		return rc;
	out->audit_rows = sum.rows;
	memcpy(out->audit_last, sum.last, sizeof(sum.last));
	return db_number(db, "PRAGMA user_version", &out->schema, e);
}

int
tend_verify(const char *path, struct tend_sound *out, struct tc_err *e)
{
	struct tend_sound got = { .bytes = tending_bytes(path, "") };
	struct db db = { 0 };
	int rc = tending_open(&db, path, e);

	if (rc < 0)
		return rc;
	if ((rc = check_all(&db, &got, e)) == 0)
		*out = got;
	else
		tc_wrap(e, "%s", path);
	tending_close(&db);
	return rc;
}

/* ---- copying ---- */

static int
create_new(const char *path, struct tc_err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return tc_fail_errno(e, errno, "%s", path);
	close(fd);
	return 0;
}

/*
 * `from` holds its transaction: what the server commits meanwhile is not seen
 * and does not make it begin again.
 */
static int
copy_pages(struct db *from, struct db *to,
	const struct tend_progress *progress, struct tc_err *e)
{
	sqlite3_backup *b = sqlite3_backup_init(to->h, "main", from->h, "main");
	int rc = b == NULL ? sqlite3_errcode(to->h) : SQLITE_OK;

	while (b != NULL &&
	       (rc = sqlite3_backup_step(b, PAGES_A_STEP)) == SQLITE_OK) {
		uint64_t all = (uint64_t)sqlite3_backup_pagecount(b);

		if (progress != NULL && progress->say != NULL)
			progress->say(progress->arg, all -
				(uint64_t)sqlite3_backup_remaining(b), all);
	}
	sqlite3_backup_finish(b);
	return rc == SQLITE_DONE ? 0 : db_fail(to, rc, e, "copy");
}

/* To a file that is not there yet; looked through, synced. */
static int
copy_to(struct db *from, const char *to, const char *after,
	const struct tend_progress *progress, struct tc_err *e)
{
	struct db db = { 0 };
	int64_t n;
	int rc;

	if ((rc = create_new(to, e)) < 0)
		return rc;
	if ((rc = db_open(&db, to, DB_WRITER, e)) == 0 &&
	    (rc = db_exec(&db, "PRAGMA journal_mode = MEMORY; "
		"PRAGMA synchronous = OFF", e)) == 0 &&
	    /* so that the reader's transaction has begun */
	    (rc = db_number(from, "SELECT count(*) FROM sqlite_schema", &n,
		e)) == 0 &&
	    (rc = copy_pages(from, &db, progress, e)) == 0 &&
	    (rc = ask_ok(&db, "PRAGMA quick_check(1)", e)) == 0 &&
	    after != NULL)
		rc = db_exec(&db, after, e);
	db_close(&db);
	if (rc == 0)
		rc = file_sync(to, e);
	if (rc < 0)
		unlink(to);
	return rc;
}

/* The copy stands whether this goes well or not. */
static void
note_backup(const char *path, const char *to)
{
	struct clock *clock = clock_system();
	char name[TEND_NAME], text[TEND_NAME + WALL_TEXT], at[WALL_TEXT];
	int n;

	if ((size_t)snprintf(name, sizeof(name), "%s.backup", path) >=
	    sizeof(name))
		return;
	n = snprintf(text, sizeof(text), "%s %s\n",
		wall_format(clock->wall(clock), at, sizeof(at)), to);
	if (n > 0 && (size_t)n < sizeof(text))
		(void)file_write_atomic(name, text, (size_t)n, 0600, NULL);
}

void
tend_last_backup(const char *path, struct wall *at)
{
	struct strbuf text = { 0 };
	char name[TEND_NAME];
	struct wall got;
	size_t n;

	at->ms = 0;
	if ((size_t)snprintf(name, sizeof(name), "%s.backup", path) >=
	    sizeof(name) || file_slurp(name, 8192, &text, NULL) < 0)
		goto out;
	n = strcspn(strbuf_str(&text), " \n");
	if (wall_parse(strbuf_str(&text), n, &got) == 0)
		*at = got;
out:
	strbuf_free(&text);
}

int
tend_backup(const char *path, const char *to,
	const struct tend_progress *progress, struct tc_err *e)
{
	char part[TEND_NAME];
	struct db db = { 0 };
	int rc;

	if ((size_t)snprintf(part, sizeof(part), "%s.part", to) >= sizeof(part))
		return tc_fail(e, TC_ERANGE, "%s: too long", to);
	if (access(to, F_OK) == 0)
		return tc_fail(e, TC_EINVAL, "%s is there already", to);
	if ((rc = tending_open(&db, path, e)) < 0)
		return rc;
	rc = copy_to(&db, part, NULL, progress, e);
	tending_close(&db);
	if (rc < 0)
		return rc;
	/* A link does not replace what came to be meanwhile. */
	if (link(part, to) < 0)
		rc = tc_fail_errno(e, errno, "%s", to);
	unlink(part);
	if (rc == 0 && (rc = file_sync_beside(to, e)) == 0)
		note_backup(path, to);
	return rc;
}

/*
 * The mark of a clean stop goes: numbers of events given out since the copy
 * was made must not come again.
 */
static const char after_restore[] = "UPDATE meta SET value = 0 "
	"WHERE key = 'clean'";

int
tend_restore(struct tend_restore *r, const struct tend_progress *progress,
	struct tc_err *e)
{
	struct tend_sound sound;
	char part[TEND_NAME];
	struct db db = { 0 };
	int rc;

	r->aside[0] = '\0';
	if ((size_t)snprintf(part, sizeof(part), "%s.restore", r->path) >=
	    sizeof(part))
		return tc_fail(e, TC_ERANGE, "%s: too long", r->path);
	if ((rc = tend_verify(r->from, &sound, e)) < 0 ||
	    (rc = tending_open(&db, r->from, e)) < 0)
		return rc;
	unlink(part);	/* of a restore that was broken off */
	rc = copy_to(&db, part, after_restore, progress, e);
	tending_close(&db);
	if (rc < 0)
		return rc;
	if (access(r->path, F_OK) == 0 &&
	    (rc = damage_move(r->path, "replaced", r->aside, e)) < 0)
		return rc;
	if (rename(part, r->path) < 0)
		return tc_fail_errno(e, errno, "rename %s", part);
	return file_sync_beside(r->path, e);
}
