/*
 * A file that cannot be read as a database any more is set aside, whole, and
 * never deleted; the server starts on a fresh one.
 */
#ifndef TOCSIN_STORE_DAMAGE_H
#define TOCSIN_STORE_DAMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct db;

/* SQLite's word for it, as db->fault has it. */
bool damage_is(int fault);
/* The first 100 bytes are none that SQLite would write.  Open it no more. */
bool damage_in_header(const char *path);
/* Another's number in the header, but all tables are ours. */
bool damage_of_number(struct db *db);
/*
 * Reads every page when the file is small, or when the last run met damage;
 * TC_ECORRUPT.  Somebody else's file is not looked at.
 */
int damage_check(struct db *db, const char *path, struct tc_err *e);
/* A page is broken: the next start looks at all of them. */
void damage_note(const char *path);

/* PATH.corrupt-20260101T000000Z, with its -wal and -shm. */
#define DAMAGE_NAME 4200
int damage_set_aside(const char *path, char moved[DAMAGE_NAME],
	struct tc_err *e);
/* The same, to PATH.WHY-…; nothing there is no error. */
int damage_move(const char *path, const char *why, char moved[DAMAGE_NAME],
	struct tc_err *e);

#endif
