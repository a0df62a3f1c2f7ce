/*
 * Numbered, immutable migrations: schema/NNNN-title.sql.
 */
#ifndef TOCSIN_STORE_MIGRATE_H
#define TOCSIN_STORE_MIGRATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct db;

#define STORE_APPLICATION_ID 0x546f6373	/* "Tocs" */

struct migration {
	int number;
	const char *title;
	const unsigned char *sql;	/* not NUL-terminated */
	size_t n;
};

/* Ends with number 0.  Generated from schema/ at build time. */
extern const struct migration migrations_built_in[];

/*
 * Brings the file to the newest schema; a copy is left beside it, named
 * PATH.before-NNNN, before an upgrade.  `dir` NULL = built in.  TC_ENEWER:
 * made by a newer version; TC_EUNSUP: somebody else's database; TC_ECORRUPT:
 * what was applied is not what we know.  A file that is refused is left as it
 * was.
 */
int migrate(struct db *db, const char *path, const char *dir,
	struct tc_err *e);

/*
 * Is it ours, whole in its migrations and no newer?  Errors as above, and
 * TC_EUNSUP when it is empty; nothing is changed.
 */
int migrate_check(struct db *db, int64_t *version, struct tc_err *e);

#endif
