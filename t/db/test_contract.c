/*
 * The contract, kept by SQLite.
 */
#include "t/db/contract.h"

const struct store_ops *const contract_ops = &store_sqlite;

int
main(void)
{
	int rc = contract_run("store contract: sqlite");

	return contract_keep_run("store contract: sqlite keeps") | rc;
}
