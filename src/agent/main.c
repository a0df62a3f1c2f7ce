/*
 * tocsin-agent: watches the host that it runs on.
 */
#include <stdio.h>

#include "agent/agent.h"

int
main(int argc, char **argv)
{
	struct agent_conf conf;
	struct tc_err e = {0};

	if (agent_conf_parse(argc, argv, &conf, &e) < 0) {
		fprintf(stderr, "tocsin-agent: %s\n"
			"try: tocsin-agent --help\n", e.text);
		return 2;
	}
	if (args_asks_any(&conf.asks))
		return args_print(&agent_program, &conf.asks, stdout);
	return agent_run(&conf);
}
