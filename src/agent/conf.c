#include "agent/conf.h"

#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(struct agent_conf, field)

static const struct arg rows[] = {
	{ "server", ARG_STRING, AT(server), "URL", NULL,
		"where tocsind is, as https://tocsin.example:8420" },
	{ "token-file", ARG_STRING, AT(token_file), "FILE", NULL,
		"the token of this host; read anew for each request" },
	{ "state-dir", ARG_STRING, AT(state_dir), "DIR",
		TOCSIN_STATEDIR "/agent",
		"where batches wait that are not acknowledged yet" },
	{ "host", ARG_STRING, AT(host_arg), "NAME", NULL,
		"this host's name in the fleet; else the machine's own" },
	{ "interval", ARG_DUR, AT(interval), "TIME", "15s",
		"between two runs of cpu, memory, disk and boot" },
	{ "smart-interval", ARG_DUR, AT(smart_interval), "TIME", "1h",
		"between two readings of SMART" },
	{ "plugin-dir", ARG_STRING, AT(plugin_dir), "DIRS", TOCSIN_PROBEDIR,
		"where the probes are, more than one with ':' between" },
	{ "smart-helper", ARG_STRING, AT(smart_helper), "FILE", NULL,
		"tocsin-smartd, or its Unix socket; else the installed one" },
	{ "smart-replay", ARG_STRING, AT(smart_replay), "DIR", NULL,
		"recorded SMART dumps in place of the disks" },
	{ "root", ARG_STRING, AT(root), "DIR", "/",
		"where /proc and /sys are found" },
	{ "ca-file", ARG_STRING, AT(ca_file), "FILE", NULL,
		"certificates that the server's is checked against" },
	{ "spool-max", ARG_SIZE, AT(spool_max), "SIZE", "64MiB",
		"what may wait on disk; beyond it the oldest is dropped" },
	{ "report-exit", ARG_STRING, AT(report_exit), "WHY", NULL,
		"tell the server that the agent ended so, and end; for a "
		"supervisor. Nothing when it begins with success" },
	{ "once", ARG_FLAG, AT(once), NULL, NULL,
		"measure once, deliver, end" },
	{ "verbose", ARG_FLAG, AT(verbose), NULL, NULL, "say more" },
	ARG_ASKS_ROWS(AT(asks)),
	{ .name = NULL }
};

static const struct arg_section sections[] = {
	{ "WHAT IS SENT",
		"Every interval one batch: cpu, memory, disk, boot and the "
		"agent's own observation (probe agent). SMART comes with it "
		"at the start, every smart interval, and within a minute of a "
		"change of the machine's disks: one that came or went, went "
		"offline or had errors.\n\n"
		"A batch that the server has not acknowledged stays in the "
		"spool, up to a day and the given size; it is sent again, in "
		"order, under the same number, so that nothing is counted "
		"twice. Observations that the server refuses for good (422) "
		"are dropped and counted. While the token is refused (401, "
		"403) everything is kept." },
	{ "SIGNALS",
		"SIGTERM, SIGINT\ta last batch, with the reason of the end, "
		"within 2 seconds; what could not be delivered stays" },
	{ "ENDS",
		"An orderly end is told in the last batch, a start that fails "
		"in a batch of its own. What an agent that is killed cannot "
		"tell, its supervisor does with --report-exit: the systemd "
		"unit has it as ExecStopPost." },
	{ "FILES",
		TOCSIN_STATEDIR "/agent/spool/\tbatches not acknowledged\n\n"
		TOCSIN_STATEDIR "/agent/agent.state\t" "the end of the last run\n\n"
		TOCSIN_STATEDIR "/agent/boot\tboots seen, for unclean ones" },
	{ "EXIT STATUS",
		"0\tstopped by a signal; with --once: everything delivered\n\n"
		"1\tan error; with --once: something could not be delivered\n\n"
		"2\twrong usage" },
	{ "SEE ALSO", "tocsin(1), tocsind(8), tocsin-smartd(8)" },
	{ NULL, NULL }
};

const struct arg_program agent_program = {
	.name = "tocsin-agent", .section = 8, .version = TOCSIN_VERSION,
	.date = "2026-01-01", .help = "watch this host and tell tocsind",
	.about = "Measures this host with its probes and sends what it finds "
		"to tocsind. It needs the server neither to start nor to go "
		"on: while the server is away, batches wait on disk.",
	.rows = rows, .more = sections,
};

static int
choose_host(struct agent_conf *conf, struct tc_err *e)
{
	char own[256];
	const char *name = conf->host_arg;
	int rc;

	if (!name) {
		if (gethostname(own, sizeof(own)) < 0)
			return tc_fail(e, TC_EIO, "this machine has no name");
		own[sizeof(own) - 1] = '\0';
		name = own;
	}
	rc = name_fold(name, strlen(name), conf->host, e);
	if (rc < 0)
		return tc_wrap(e, "--host '%.60s'", name);
	return 0;
}

int
agent_conf_parse(int argc, char **argv, struct agent_conf *out,
	struct tc_err *e)
{
	struct arg_rest rest;
	int rc;

	*out = (struct agent_conf){0};
	if ((rc = args_parse(&agent_program, argc, argv, out, &rest, e)) < 0)
		return rc;
	if (args_asks_any(&out->asks))
		return 0;
	if (!out->server || !out->token_file)
		return tc_fail(e, TC_EINVAL, "--%s is needed",
			out->server ? "token-file" : "server");
	if (out->interval.ns < dur_ms(100).ns)
		return tc_fail(e, TC_EINVAL, "--interval: at least 100ms");
	return choose_host(out, e);
}
