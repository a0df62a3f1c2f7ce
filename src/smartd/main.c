/*
 * tocsin-smartd: the only program of Tocsin that touches disks.
 */
#include "smartd/run.h"

int
main(int argc, char **argv)
{
	return smartd_run(argc, argv);
}
