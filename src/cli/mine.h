/*
 * tocsin mine --data FILE --by COLUMN[:CLASS] [--failed COLUMN[=VALUE]]
 *	[--id COLUMN] [--single] [--shuffle] [--json]
 */
#ifndef TOCSIN_CLI_MINE_H
#define TOCSIN_CLI_MINE_H

/* argv[0] is the verb. Exit status: 0, 1 = error, 2 = usage. */
int cmd_mine(int argc, char **argv);

#endif
