/*
 * The contract, kept by SQLite.
 */
#include "t/db/contract.h"

const struct store_ops *const contract_ops = &store_sqlite;

int
main(void)
{
	return contract_run("store contract: sqlite");
}
