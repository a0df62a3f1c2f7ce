/*
 * Schemas: from nothing, upgraded, refused.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "t/db/yard.h"
#include "t/lib/story.h"

static const char *
source_dir(void)
{
	const char *dir = getenv("top_srcdir");

	return dir != NULL ? dir : ".";
}

static void
path_in(struct strbuf *sb, const char *dir, const char *name)
{
	strbuf_reset(sb);
	strbuf_printf(sb, "%s/%s", dir, name);
	ck_assert(!sb->failed);
}

static void
slurp(const char *path, struct strbuf *out)
{
	struct tc_err e = { 0 };

	ck_assert_msg(file_slurp(path, 0, out, &e) == 0, "%s", e.text);
}

static uint64_t
hash_of(const char *path)
{
	struct strbuf text = { 0 };
	uint64_t h;

	slurp(path, &text);
	h = hash_bytes(text.p, text.n, 1);
	strbuf_free(&text);
	return h;
}

/* Opening must fail so, and leave the file as it was. */
static void
refused(struct yard *y, int code)
{
	uint64_t before = hash_of(y->path);
	struct tc_err e = { 0 };

	y->conf.path = y->path;
	ck_assert_int_eq(y->ops->open(&y->conf, &y->s, &e), code);
	y->s = NULL;
	ck_assert_msg(strstr(e.text, "tocsin.db") != NULL, "%s", e.text);
	ck_assert(hash_of(y->path) == before);
}

static void
schema_text(const char *path, struct strbuf *out)
{
	static const char sql[] = "SELECT sql FROM sqlite_schema "
		"WHERE sql IS NOT NULL ORDER BY rowid";
	sqlite3_stmt *st;
	sqlite3 *db;

	strbuf_puts(out, "-- Made by t/db/test_migrate from the migrations; "
		"do not edit.\n");
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		strbuf_printf(out, "%s;\n",
			(const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
}

/* TOCSIN_UPDATE=1 writes the file anew. */
START_TEST(all_migrations_make_the_current_schema)
{
	struct strbuf made = { 0 }, kept = { 0 }, path = { 0 };
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_close(&y);
	schema_text(y.path, &made);
	path_in(&path, source_dir(), "schema/current.sql");
	if (getenv("TOCSIN_UPDATE") != NULL)
		ck_assert_int_eq(file_write_atomic(path.p, made.p, made.n,
			0644, NULL), 0);
	slurp(path.p, &kept);
	ck_assert_str_eq(strbuf_str(&made), strbuf_str(&kept));
	strbuf_free(&made);
	strbuf_free(&kept);
	strbuf_free(&path);
	yard_fini(&y);
}
END_TEST

START_TEST(our_file_says_so_and_is_sound)
{
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 3);
	yard_close(&y);
	ck_assert_int_eq(yard_number(y.path, "PRAGMA application_id"), 0x546f6373);
	ck_assert_int_eq(yard_number(y.path, "SELECT max(number) FROM migration"),
		yard_number(y.path, "PRAGMA user_version"));
	ck_assert_int_eq(yard_number(y.path,
		"SELECT count(*) FROM pragma_integrity_check "
		"WHERE integrity_check <> 'ok'"), 0);
	ck_assert_int_eq(yard_number(y.path,
		"SELECT count(*) FROM pragma_foreign_key_check"), 0);
	ck_assert_int_eq(yard_number(y.path, "SELECT value FROM meta "
		"WHERE key = 'epoch'"), 1);
	yard_fini(&y);
}
END_TEST

START_TEST(nobody_else_may_read_the_file)
{
	mode_t mask = umask(0);
	struct stat st;
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_hosts(&y, 1);
	ck_assert_int_eq(stat(y.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	yard_fini(&y);
	umask(mask);
}
END_TEST

START_TEST(a_newer_file_is_refused)
{
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_open(&y);
	yard_close(&y);
	yard_exec(y.path, "PRAGMA user_version = 99");
	refused(&y, TC_ENEWER);
	yard_fini(&y);
}
END_TEST

START_TEST(a_foreign_database_is_refused)
{
	struct yard y;

	yard_init(&y, &store_sqlite);
	yard_exec(y.path, "CREATE TABLE subject(id INTEGER); "
		"INSERT INTO subject VALUES (1)");
	refused(&y, TC_EUNSUP);
	yard_exec(y.path, "PRAGMA application_id = 42; PRAGMA user_version = 1");
	refused(&y, TC_EUNSUP);
	yard_fini(&y);
}
END_TEST

START_TEST(what_is_no_database_is_refused)
{
	static const char text[] = "listen: 127.0.0.1:8420\n"
		"# nothing like a database, but long enough to have a header, "
		"which is what is looked at first when a file is opened\n";
	struct yard y;

	yard_init(&y, &store_sqlite);
	ck_assert_int_eq(file_write_atomic(y.path, text, sizeof(text), 0600,
		NULL), 0);
	refused(&y, TC_ECORRUPT);
	yard_fini(&y);
}
END_TEST

START_TEST(a_directory_in_its_place_is_an_error)
{
	struct tc_err e = { 0 };
	struct yard y;

	yard_init(&y, &store_sqlite);
	ck_assert_int_eq(mkdir(y.path, 0700), 0);
	y.conf.path = y.path;
	ck_assert_int_lt(y.ops->open(&y.conf, &y.s, &e), 0);
	y.s = NULL;
	yard_fini(&y);
}
END_TEST

/* ---- with migrations from a directory ---- */

struct plan {
	struct yard y;
	char dir[96];
	int last;		/* number of the real ones */
};

static void
write_migration(struct plan *p, const char *name, const char *sql)
{
	struct strbuf path = { 0 };

	path_in(&path, p->dir, name);
	ck_assert_int_eq(file_write_atomic(path.p, sql, strlen(sql), 0644,
		NULL), 0);
	strbuf_free(&path);
}

/* A migration of our own, `after` the last real one: "%d" is its number. */
static void
write_own(struct plan *p, int after, const char *title, const char *sql)
{
	char name[64], text[256];

	snprintf(name, sizeof(name), "%04d-%s.sql", p->last + after, title);
	snprintf(text, sizeof(text), "%s; PRAGMA user_version = %d;", sql,
		p->last + after);
	write_migration(p, name, text);
}

/* The real ones, so that an opened file has the tables it needs. */
static void
plan_init(struct plan *p)
{
	struct strbuf path = { 0 }, text = { 0 };
	struct dirent *entry;
	DIR *dir;

	yard_init(&p->y, &store_sqlite);
	snprintf(p->dir, sizeof(p->dir), "%.64s/schema", p->y.dir);
	ck_assert_int_eq(mkdir(p->dir, 0700), 0);
	p->last = 0;
	path_in(&path, source_dir(), "schema");
	dir = opendir(path.p);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		int number = (int)strtol(entry->d_name, NULL, 10);

		if (number == 0)
			continue;
		path_in(&path, source_dir(), "schema/");
		strbuf_puts(&path, entry->d_name);
		strbuf_reset(&text);
		slurp(path.p, &text);
		write_migration(p, entry->d_name, text.p);
		if (number > p->last)
			p->last = number;
	}
	closedir(dir);
	write_migration(p, "README", "not a migration");
	strbuf_free(&path);
	strbuf_free(&text);
	p->y.conf.schema_dir = p->dir;
}

START_TEST(an_upgrade_keeps_the_data_and_leaves_a_copy)
{
	struct strbuf copy = { 0 };
	struct plan p;

	plan_init(&p);
	yard_open(&p.y);
	yard_hosts(&p.y, 5);
	yard_close(&p.y);
	write_own(&p, 1, "more", "CREATE TABLE more (a INTEGER) STRICT");
	yard_open(&p.y);
	yard_close(&p.y);
	ck_assert_int_eq(yard_number(p.y.path, "SELECT count(*) FROM subject"), 6);
	ck_assert_int_eq(yard_number(p.y.path, "SELECT count(*) FROM more"), 0);
	ck_assert_int_eq(yard_number(p.y.path,
		"SELECT count(*) FROM migration WHERE title = 'more'"), 1);
	strbuf_printf(&copy, "%s.before-%04d", p.y.path, p.last + 1);
	ck_assert_int_eq(yard_number(copy.p, "PRAGMA user_version"), p.last);
	ck_assert_int_eq(yard_number(copy.p, "SELECT count(*) FROM subject"), 6);
	strbuf_free(&copy);
	/* An older server must not touch it now. */
	p.y.conf.schema_dir = NULL;
	refused(&p.y, TC_ENEWER);
	yard_fini(&p.y);
}
END_TEST

/* A file as the first release wrote it. */
START_TEST(a_file_of_the_first_version_is_upgraded_with_its_data)
{
	struct strbuf path = { 0 }, sql = { 0 };
	unsigned char hash[32];
	char hex[65];
	struct plan p;

	plan_init(&p);
	path_in(&path, source_dir(), "schema/0001-first.sql");
	slurp(path.p, &sql);
	crypto_hash_sha256(hash, (const unsigned char *)sql.p, sql.n);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	strbuf_printf(&sql, "CREATE TABLE IF NOT EXISTS migration ("
		"number INTEGER PRIMARY KEY, title TEXT NOT NULL, "
		"sha256 BLOB NOT NULL CHECK (length(sha256) = 32), "
		"applied_ms INTEGER NOT NULL) STRICT;"
		"INSERT INTO migration VALUES (1, 'first', x'%s', 0);"
		"INSERT INTO subject(id, kind, key) VALUES (1, 1, 'rack1');"
		"INSERT INTO prediction VALUES (1, 1, 1, 1000, NULL, 'likely', "
		"0.1, 0.2, 0.3, 'card', '{}');", hex);
	yard_exec(p.y.path, sql.p);
	p.y.conf.schema_dir = NULL;
	yard_open(&p.y);
	yard_close(&p.y);
	ck_assert_int_eq(yard_number(p.y.path, "PRAGMA user_version"), p.last);
	ck_assert_int_eq(yard_number(p.y.path, "SELECT count(*) FROM prediction "
		"WHERE outcome IS NULL"), 1);
	strbuf_free(&path);
	strbuf_free(&sql);
	yard_fini(&p.y);
}
END_TEST

START_TEST(an_upgrade_that_fails_changes_nothing)
{
	struct tc_err e = { 0 };
	struct plan p;

	plan_init(&p);
	yard_open(&p.y);
	yard_hosts(&p.y, 5);
	yard_close(&p.y);
	write_own(&p, 1, "good", "CREATE TABLE good (a INTEGER)");
	write_own(&p, 2, "bad", "CREATE TABLE half (a INTEGER); "
		"INSERT INTO nowhere VALUES (1)");
	ck_assert_int_lt(p.y.ops->open(&p.y.conf, &p.y.s, &e), 0);
	p.y.s = NULL;
	ck_assert_msg(strstr(e.text, "-bad") != NULL, "%s", e.text);
	ck_assert_int_eq(yard_number(p.y.path, "PRAGMA user_version"), p.last);
	ck_assert_int_eq(yard_number(p.y.path, "SELECT count(*) FROM sqlite_schema "
		"WHERE name IN ('good', 'half')"), 0);
	p.y.conf.schema_dir = NULL;
	yard_open(&p.y);
	yard_fini(&p.y);
}
END_TEST

START_TEST(a_migration_changed_after_it_was_applied_is_noticed)
{
	struct plan p;

	plan_init(&p);
	yard_open(&p.y);
	yard_close(&p.y);
	write_migration(&p, "0001-first.sql", "PRAGMA user_version = 1;");
	refused(&p.y, TC_ECORRUPT);
	yard_fini(&p.y);
}
END_TEST

START_TEST(a_gap_in_the_migrations_is_an_error)
{
	struct tc_err e = { 0 };
	struct plan p;

	plan_init(&p);
	write_own(&p, 2, "late", "SELECT 1");
	ck_assert_int_eq(p.y.ops->open(&p.y.conf, &p.y.s, &e), TC_EINVAL);
	ck_assert_msg(strstr(e.text, " is missing") != NULL, "%s", e.text);
	p.y.s = NULL;
	yard_fini(&p.y);
}
END_TEST

/* ---- damage ---- */

static int
ignore_subject(void *arg, const struct change_subject *c)
{
	(void)arg;
	return strlen(c->key) > 1u << 20;
}

static int
ignore_state(void *arg, const struct change_state *c)
{
	(void)arg;
	return c->n > 1u << 20;
}

static int
ignore_point(void *arg, const struct store_point *p)
{
	(void)arg;
	return p->count == 0;
}

/* Everything may fail; nothing may crash or hang. */
static void
use_damaged(struct yard *y)
{
	struct store_loader to = { .subject = ignore_subject,
		.state = ignore_state };
	struct store_series_query q = { .subject = 1, .metric = "m_ratio",
		.to = { T0 * 2 } };
	struct change_set *cs;
	struct tc_err e = { 0 };

	if (y->ops->open(&y->conf, &y->s, &e) < 0) {
		ck_assert_int_ne(e.text[0], '\0');
		y->s = NULL;
		return;
	}
	y->ops->load(y->s, &to, &e);
	y->ops->series(y->s, &q, ignore_point, NULL, &e);
	cs = set_new();
	set_state(cs, 1, "check", "x");
	row_f64(cs, set_row(cs, 2, "p", T0 + 1), "m_ratio", 1);
	if (y->ops->submit(y->s, cs) < 0)
		change_set_free(cs);
	y->ops->flush(y->s, dur_s(10));
	yard_close(y);
}

static void
populate(struct yard *y)
{
	yard_open(y);
	yard_hosts(y, 20);
	for (uint32_t i = 0; i < 400; i++) {
		struct change_set *cs = set_new();

		row_f64(cs, set_row(cs, 1 + i % 20, "p", T0 + i * 15000),
			"m_ratio", i * 0.1);
		set_event(cs, 1 + i, 1 + i % 20, "check.state");
		set_state(cs, 1 + i % 20, "check", "streak");
		ck_assert_int_eq(y->ops->submit(y->s, cs), 0);
	}
	ck_assert_int_eq(y->ops->flush(y->s, dur_s(30)), 0);
	yard_close(y);
}

START_TEST(flipped_bytes_never_crash)
{
	struct strbuf whole = { 0 }, path = { 0 };
	uint64_t seed = 20260101;
	struct yard y;

	yard_init(&y, &store_sqlite);
	populate(&y);
	slurp(y.path, &whole);
	for (int round = 0; round < 150; round++) {
		int flips = 1 + round % 8;

		path_in(&path, y.dir, "tocsin.db-wal");
		unlink(path.p);
		path_in(&path, y.dir, "tocsin.db-shm");
		unlink(path.p);
		ck_assert_int_eq(file_write_atomic(y.path, whole.p, whole.n,
			0600, NULL), 0);
		for (int i = 0; i < flips; i++) {
			int fd = open(y.path, O_RDWR | O_CLOEXEC);
			unsigned char byte;

			seed = seed * UINT64_C(6364136223846793005) + 1;
			byte = (unsigned char)(seed >> 56);
			ck_assert_int_eq(pwrite(fd, &byte, 1,
				(off_t)((seed >> 20) % (round % 3 == 0 ?
				4096 : whole.n))), 1);
			close(fd);
		}
		use_damaged(&y);
	}
	strbuf_free(&whole);
	strbuf_free(&path);
	yard_fini(&y);
}
END_TEST

START_TEST(a_cut_file_never_crashes)
{
	struct strbuf whole = { 0 };
	struct yard y;

	yard_init(&y, &store_sqlite);
	populate(&y);
	slurp(y.path, &whole);
	for (size_t n = 0; n < whole.n; n += whole.n / 37 + 1) {
		ck_assert_int_eq(file_write_atomic(y.path, whole.p, n, 0600,
			NULL), 0);
		use_damaged(&y);
	}
	strbuf_free(&whole);
	yard_fini(&y);
}
END_TEST

int
main(void)
{
	return STORIES("schema", all_migrations_make_the_current_schema,
		our_file_says_so_and_is_sound, nobody_else_may_read_the_file,
		a_newer_file_is_refused,
		a_foreign_database_is_refused, what_is_no_database_is_refused,
		a_directory_in_its_place_is_an_error,
		a_file_of_the_first_version_is_upgraded_with_its_data,
		an_upgrade_keeps_the_data_and_leaves_a_copy,
		an_upgrade_that_fails_changes_nothing,
		a_migration_changed_after_it_was_applied_is_noticed,
		a_gap_in_the_migrations_is_an_error, flipped_bytes_never_crash,
		a_cut_file_never_crashes);
}
