#include "store/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "store/db.h"

/* A list of our own when it was read from a directory. */
struct list_of {
	const struct migration *items;
	struct migration *owned;
	size_t n;
	struct arena arena;
};

static int
by_number(const void *a, const void *b)
{
	const struct migration *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/* "0002-more.sql" → 2, "more"; 0 when it is no migration. */
static int
file_number(const char *name, size_t *title_n)
{
	size_t n = strlen(name);
	uint64_t number;

	if (n < 10 || strcmp(name + n - 4, ".sql") != 0 || name[4] != '-')
		return 0;
	if (u64_parse(name, 4, &number) < 0)
		return 0;
	*title_n = n - 9;
	return (int)number;
}

static int
read_one(struct list_of *l, const char *dir, const char *name, struct tc_err *e)
{
	struct strbuf path = { 0 }, text = { 0 };
	struct migration m = { 0 };
	size_t title_n = 0, cap = l->n;
	void *items = l->owned, *copy;
	int rc = 0;

	m.number = file_number(name, &title_n);
	if (m.number == 0)
		goto out;
	strbuf_printf(&path, "%s/%s", dir, name);
	if (path.failed || mem_grow(&items, &cap, l->n + 1, sizeof(m)) < 0) {
		rc = tc_fail(e, TC_ENOMEM, "%s: out of memory", name);
		goto out;
	}
	l->owned = items;
	if ((rc = file_slurp(path.p, 1 << 20, &text, e)) < 0)
		goto out;
	m.title = arena_strndup(&l->arena, name + 5, title_n);
	copy = arena_alloc(&l->arena, text.n);
	if (m.title == NULL || copy == NULL) {
		rc = tc_fail(e, TC_ENOMEM, "%s: out of memory", name);
		goto out;
	}
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	m.sql = copy;
	m.n = text.n;
	l->owned[l->n++] = m;
out:
	strbuf_free(&path);
	strbuf_free(&text);
	return rc;
}

static int
read_dir(struct list_of *l, const char *dir, struct tc_err *e)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int rc = 0;

	if (d == NULL)
		return tc_fail_errno(e, errno, "%s", dir);
	while (rc == 0 && (entry = readdir(d)) != NULL)
		rc = read_one(l, dir, entry->d_name, e);
	closedir(d);
	if (rc == 0 && l->n > 0)
		qsort(l->owned, l->n, sizeof(*l->owned), by_number);
	l->items = l->owned;
	return rc;
}

static int
list_load(struct list_of *l, const char *dir, struct tc_err *e)
{
	int rc = 0;

	if (dir != NULL) {
		rc = read_dir(l, dir, e);
	} else {
		l->items = migrations_built_in;
		while (l->items[l->n].number != 0)
			l->n++;
	}
	for (size_t i = 0; rc == 0 && i < l->n; i++) {
		if (l->items[i].number != (int)i + 1)
			rc = tc_fail(e, TC_EINVAL, "migration %zu is missing",
				i + 1);
	}
	if (rc == 0 && l->n == 0)
		rc = tc_fail(e, TC_ENOENT, "no migrations");
	return rc;
}

/* 0 = an empty file, else the version of a database of ours. */
static int
find_version(struct db *db, int64_t *version, struct tc_err *e)
{
	int64_t application = 0, tables = 0;
	int rc;

	if ((rc = db_number(db, "PRAGMA application_id", &application, e)) < 0 ||
	    (rc = db_number(db, "PRAGMA user_version", version, e)) < 0 ||
	    (rc = db_number(db, "SELECT count(*) FROM sqlite_schema", &tables,
		    e)) < 0)
		return rc;
	if (application == STORE_APPLICATION_ID && *version > 0)
		return 0;
	if (application == 0 && *version == 0 && tables == 0)
		return 0;
	return tc_fail(e, TC_EUNSUP, "not a database of Tocsin");
}

/* Each applied one must be, byte for byte, the one that we know. */
static int
verify_applied(struct db *db, const struct list_of *l, int64_t version,
	struct tc_err *e)
{
	static const char sql[] =
		"SELECT sha256 FROM migration WHERE number = ?1";
	unsigned char hash[crypto_hash_sha256_BYTES];
	sqlite3_stmt *st = NULL;
	int rc;

	if (version == 0)
		return 0;
	rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL);
	if (rc != SQLITE_OK)
		return db_fail(db, rc, e, "list of migrations");
	rc = 0;
	for (int64_t i = 0; rc == 0 && i < version; i++) {
		crypto_hash_sha256(hash, l->items[i].sql, l->items[i].n);
		sqlite3_reset(st);
		sqlite3_bind_int64(st, 1, i + 1);
		if (sqlite3_step(st) == SQLITE_ROW &&
		    sqlite3_column_bytes(st, 0) == (int)sizeof(hash) &&
		    memcmp(sqlite3_column_blob(st, 0), hash, sizeof(hash)) == 0)
			continue;
		rc = tc_fail(e, TC_ECORRUPT,
			"migration %d is not the one that was applied",
			l->items[i].number);
	}
	sqlite3_finalize(st);
	return rc;
}

static int
vacuum_into(struct db *db, const char *path, struct tc_err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, "VACUUM INTO ?1", -1, &st, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC);
		rc = sqlite3_step(st);
	}
	rc = rc == SQLITE_DONE ? 0 : db_fail(db, rc, e, "copy before upgrade");
	sqlite3_finalize(st);
	return rc < 0 ? rc : file_sync(path, e);
}

/* Whole or not there: written under another name, synced, renamed. */
static int
back_up(struct db *db, const char *path, int64_t version, struct tc_err *e)
{
	struct strbuf part = { 0 }, final = { 0 };
	int rc;

	strbuf_printf(&final, "%s.before-%04d", path, (int)version + 1);
	strbuf_printf(&part, "%s.part", strbuf_str(&final));
	if (part.failed || final.failed) {
		rc = tc_fail(e, TC_ENOMEM, "copy before upgrade: out of memory");
		goto out;
	}
	unlink(part.p);
	if ((rc = db_create_file(part.p, e)) < 0 ||
	    (rc = vacuum_into(db, part.p, e)) < 0)
		goto out;
	if (rename(part.p, final.p) < 0)
		rc = tc_fail_errno(e, errno, "rename %s", part.p);
out:
	strbuf_free(&part);
	strbuf_free(&final);
	return rc;
}

static int
record(struct db *db, const struct migration *m, struct tc_err *e)
{
	static const char sql[] = "INSERT INTO migration(number, title, sha256, "
		"applied_ms) VALUES (?1, ?2, ?3, ?4)";
	struct clock *clock = clock_system();
	unsigned char hash[crypto_hash_sha256_BYTES];
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->h, sql, -1, &st, NULL);

	crypto_hash_sha256(hash, m->sql, m->n);
	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, m->number);
		sqlite3_bind_text(st, 2, m->title, -1, SQLITE_STATIC);
		sqlite3_bind_blob(st, 3, hash, (int)sizeof(hash), SQLITE_STATIC);
		sqlite3_bind_int64(st, 4, clock->wall(clock).ms);
		rc = sqlite3_step(st);
	}
	rc = rc == SQLITE_DONE ? 0 : db_fail(db, rc, e, "record");
	sqlite3_finalize(st);
	return rc;
}

/* The file itself sets user_version, so that it is part of its hash. */
static int
apply(struct db *db, const struct migration *m, struct tc_err *e)
{
	char *sql = mem_strndup((const char *)m->sql, m->n);
	int64_t version = 0;
	int rc;

	if (sql == NULL) {
		rc = tc_fail(e, TC_ENOMEM, "migration: out of memory");
		goto out;
	}
	if ((rc = db_exec(db, sql, e)) < 0 || (rc = record(db, m, e)) < 0)
		goto out;
	if ((rc = db_number(db, "PRAGMA user_version", &version, e)) < 0)
		goto out;
	if (version != m->number)
		rc = tc_fail(e, TC_EINVAL, "does not set user_version");
out:
	mem_free(sql);
	if (rc < 0)
		tc_wrap(e, "migration %04d-%s", m->number, m->title);
	return rc;
}

/* All that are missing, in one transaction. */
static int
upgrade(struct db *db, const struct list_of *l, int64_t version,
	struct tc_err *e)
{
	int rc = db_exec(db, "BEGIN IMMEDIATE", e);

	if (rc < 0)
		return rc;
	for (size_t i = (size_t)version; rc == 0 && i < l->n; i++)
		rc = apply(db, &l->items[i], e);
	if (rc == 0)
		rc = db_exec(db, "COMMIT", e);
	if (rc < 0 && !sqlite3_get_autocommit(db->h))
		db_exec(db, "ROLLBACK", NULL);
	return rc;
}

/* The version of the file, when it is one that this program knows. */
static int
know(struct db *db, const struct list_of *l, int64_t *version,
	struct tc_err *e)
{
	int rc = find_version(db, version, e);

	if (rc < 0)
		return rc;
	if (*version > (int64_t)l->n)
		return tc_fail(e, TC_ENEWER,
			"schema %d is newer than this version's %zu",
			(int)*version, l->n);
	return verify_applied(db, l, *version, e);
}

int
migrate_check(struct db *db, int64_t *version, struct tc_err *e)
{
	struct list_of l = { 0 };
	int rc = list_load(&l, NULL, e);

	if (rc == 0)
		rc = know(db, &l, version, e);
	if (rc == 0 && *version == 0)
		rc = tc_fail(e, TC_EUNSUP, "not a database of Tocsin: empty");
	return rc;
}

int
migrate(struct db *db, const char *path, const char *dir, struct tc_err *e)
{
	struct list_of l = { 0 };
	int64_t version = 0;
	int rc;

	if ((rc = list_load(&l, dir, e)) < 0)
		goto out;
	if ((rc = know(db, &l, &version, e)) < 0)
		goto out;
	if ((rc = db_settle(db, DB_WRITER, e)) < 0)
		goto out;
	if ((size_t)version == l.n)
		goto out;
	if (version > 0 && (rc = back_up(db, path, version, e)) < 0)
		goto out;
	rc = upgrade(db, &l, version, e);
out:
	mem_free(l.owned);
	arena_free(&l.arena);
	return rc;
}
