/*
 * What tocsin-smartd was told on its command line.
 */
#ifndef TOCSIN_SMARTD_CONF_H
#define TOCSIN_SMARTD_CONF_H

#include "base/clock.h"

struct smartd_conf {
	const char *replay;	/* a folder of recorded dumps, or NULL */
	const char *smartctl;	/* the program, or NULL: looked for */
	const char *root;	/* before /sys and /dev/disk; "" normally */
	struct dur deadline;	/* of one reading */
};

#endif
