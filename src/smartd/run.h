/*
 * tocsin-smartd's command line.
 */
#ifndef TOCSIN_SMARTD_RUN_H
#define TOCSIN_SMARTD_RUN_H

/* Exit code: 0 done, 1 error, 2 usage. */
int smartd_run(int argc, char **argv);

#endif
