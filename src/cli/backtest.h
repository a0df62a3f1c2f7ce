/*
 * tocsin backtest --data FILE [--emit FILE] [--pack FILE] [--json]
 */
#ifndef TOCSIN_CLI_BACKTEST_H
#define TOCSIN_CLI_BACKTEST_H

/* argv[0] is the verb. Exit status: 0, 1 = error, 2 = usage. */
int cmd_backtest(int argc, char **argv);

#endif
