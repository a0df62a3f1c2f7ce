/*
 * Numbered sets, and the book of those that were acknowledged: each must be
 * in the file, whole and once, whatever happened meanwhile.
 */
#ifndef TOCSIN_T_DB_LEDGER_H
#define TOCSIN_T_DB_LEDGER_H

#include <sqlite3.h>

#include "t/db/yard.h"

#define LEDGER_HOSTS 8		/* yard_hosts() beforehand */
#define LEDGER_MOST 2000000u

/*
 * Number n is host n % LEDGER_HOSTS + 1's: a batch, two rows of history and a
 * state; times and values follow from n.
 */
struct change_set *ledger_set(uint32_t n);

struct ledger {
	unsigned char *acked;	/* by number */
	uint32_t next;		/* above all that were acknowledged */
	size_t n;
};
void ledger_init(struct ledger *l);
void ledger_fini(struct ledger *l);
void ledger_note(struct ledger *l, uint32_t n);

/*
 * NULL, or what is wrong with the file: not sound, a set lost, doubled or
 * there by half.  `full`: every page is looked at too.
 */
const char *ledger_verify(const struct ledger *l, sqlite3 *db, bool full);

/* The same as the store itself tells it, wherever the rows lie by now. */
const char *ledger_verify_read(const struct ledger *l, struct yard *y);

/* The first column of the first row; fails the test when there is none. */
int64_t ledger_ask(sqlite3 *db, const char *sql);

#endif
