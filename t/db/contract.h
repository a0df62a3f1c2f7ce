/*
 * What every back end of the store must do, told through struct store_ops
 * only.
 */
#ifndef TOCSIN_T_DB_CONTRACT_H
#define TOCSIN_T_DB_CONTRACT_H

#include "store/store.h"

/* Runs all stories about contract_ops; 0 = all hold. */
int contract_run(const char *suite);
int contract_keep_run(const char *suite);
/* Given by the program that runs them. */
extern const struct store_ops *const contract_ops;

#endif
