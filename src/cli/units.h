/*
 * VMs and roles in what the command line shows.
 */
#ifndef TOCSIN_CLI_UNITS_H
#define TOCSIN_CLI_UNITS_H

#include "cli/cli.h"

/* A table of all of them; nothing for a host without any. */
void units_print(struct cli *c, const struct doc *host);
/* What is not well, why, who saw it, what is advised. */
void units_explain(struct cli *c, const struct doc *host);

#endif
