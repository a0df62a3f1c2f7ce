/*
 * What the agent was told on its command line.
 */
#ifndef TOCSIN_AGENT_CONF_H
#define TOCSIN_AGENT_CONF_H

#include <stdbool.h>

#include "base/args.h"
#include "base/clock.h"
#include "base/err.h"
#include "model/name.h"

struct agent_conf {
	const char *server;
	const char *token_file;
	const char *ca_file;		/* NULL = the system's */
	const char *state_dir;
	const char *host_arg;		/* NULL = the machine's name */
	const char *plugin_dir;
	const char *smart_helper;	/* NULL = the installed one */
	const char *smart_replay;	/* NULL = real disks */
	const char *root;		/* where /proc and /sys are */
	const char *report_exit;	/* NULL = watch; else tell and end */
	struct dur interval;
	struct dur smart_interval;
	uint64_t spool_max;
	bool once;
	bool verbose;
	struct arg_asks asks;
	char host[NAME_MAX_BYTES + 1];	/* folded */
};

extern const struct arg_program agent_program;

/* Parses and checks; TC_EINVAL is the user's mistake. */
int agent_conf_parse(int argc, char **argv, struct agent_conf *out,
	struct tc_err *e);

#endif
