/*
 * Command line, and the helper's own confinement.
 */
#include "smartd/run.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/args.h"
#include "base/file.h"
#include "base/mem.h"
#include "smart/helper.h"
#include "smart/print.h"
#include "smart/smartctl.h"
#include "smartd/serve.h"

/* a reading shorter or longer than this is a mistake of the caller's */
#define DEADLINE_MIN dur_ms(100)
#define DEADLINE_MAX dur_s(60)

struct line {
	struct arg_asks asks;
	const char *decode;
	struct smartd_conf conf;
};

#define AT(field) offsetof(struct line, field)

static const struct arg rows[] = {
	{ "decode", ARG_STRING, AT(decode), "FILE", NULL,
		"print a recorded dump as one JSON object; - is standard input" },
	{ "replay", ARG_STRING, AT(conf.replay), "DIR", NULL,
		"serve the recorded dumps under DIR in place of drives" },
	{ "smartctl", ARG_STRING, AT(conf.smartctl), "FILE", NULL,
		"the smartctl to use; else looked for where it usually is" },
	{ "deadline", ARG_DUR, AT(conf.deadline), "TIME", "10s",
		"of one reading, 100ms to 60s; then it is killed" },
	{ "root", ARG_STRING, AT(conf.root), "DIR", "/",
		"where /sys and /dev/disk are found" },
	ARG_ASKS_ROWS(AT(asks)),
	{ .name = NULL }
};

static const struct arg_section sections[] = {
	{ "PROTOCOL",
		"One request a line on standard input, one reply for each on "
		"standard output. `list` gives the drives, `read N` one "
		"reading of drive N of that list: a line of JSON, followed "
		"by as many bytes as the line says. No path and no option "
		"ever comes from the caller." },
	{ "DUMPS",
		"What --decode and --replay take: the blobs of libatasmart "
		"(skdump --save), the output of smartctl -j, and that of nvme "
		"smart-log -o json. A value that the drive does not tell is "
		"null; one that cannot be decoded is listed in undecoded." },
	{ "SECURITY",
		"Needs the device nodes, CAP_SYS_RAWIO for ATA and SAS, "
		"CAP_SYS_ADMIN for NVMe. Run with more rights than its "
		"caller has (set-user-ID, file capabilities), it takes no "
		"options at all. It may also be started by a service manager "
		"for each connection to a Unix socket." },
	{ "EXIT STATUS", "0\tdone\n\n1\tan error\n\n2\twrong usage" },
	{ "SEE ALSO", "tocsin-agent(8), smartctl(8), skdump(1)" },
	{ NULL, NULL }
};

static const struct arg_program program = {
	.name = "tocsin-smartd", .section = 8, .version = TOCSIN_VERSION,
	.date = "2026-01-01", .help = "read the SMART data of drives",
	.about = "The privileged helper of tocsin-agent, and the only program "
		"of Tocsin that touches drives. The agent starts it and "
		"speaks to it over standard input and output. Plain ATA "
		"disks are read through libatasmart, all others through "
		"smartctl, each reading in a process of its own that is "
		"killed at its deadline. Drives that sleep are left asleep.",
	.rows = rows, .more = sections,
};

static int
parse_line(int argc, char **argv, struct line *l, struct tc_err *e)
{
	struct arg_rest rest;
	int rc = args_parse(&program, argc, argv, l, &rest, e);

	if (rc < 0)
		return rc;
	if (l->conf.deadline.ns < DEADLINE_MIN.ns ||
	    l->conf.deadline.ns > DEADLINE_MAX.ns)
		return tc_fail(e, TC_EINVAL, "--deadline: 100ms to 60s");
	return 0;
}

static int
decode(const char *file)
{
	struct smart_report *r = MEM_NEW(struct smart_report);
	struct strbuf in = { 0 }, out = { 0 };
	struct tc_err e = { 0 };
	bool is_stdin = strcmp(file, "-") == 0;
	int rc;

	if (r == NULL)
		rc = tc_fail(&e, TC_ENOMEM, "out of memory");
	else if (is_stdin)
		rc = file_slurp_fd(0, SMART_HELPER_DATA_MAX, &in, &e);
	else
		rc = file_slurp(file, SMART_HELPER_DATA_MAX, &in, &e);
	if (rc == 0 && (rc = smart_dump_decode(strbuf_str(&in), in.n, r, &e)) < 0)
		(void)tc_wrap(&e, "%s", file);
	if (rc == 0) {
		smart_print_json(r, &out);
		strbuf_putc(&out, '\n');
		if (out.failed)
			rc = tc_fail(&e, TC_ENOMEM, "out of memory");
		else if (fwrite(out.p, 1, out.n, stdout) != out.n ||
			 fflush(stdout) != 0)
			rc = tc_fail(&e, TC_EIO, "cannot write");
	}
	if (rc < 0)
		(void)fprintf(stderr, "tocsin-smartd: %s\n", e.text);
	strbuf_free(&in);
	strbuf_free(&out);
	mem_free(r);
	return rc < 0 ? 1 : 0;
}

/* Nothing from the caller's world but the two pipes. */
static int
shed(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction normal = { .sa_handler = SIG_DFL };

	(void)umask(077);
	if (clearenv() != 0 || sigaction(SIGPIPE, &ignore, NULL) < 0 ||
	    sigaction(SIGCHLD, &normal, NULL) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0 || close_range(3, ~0U, 0) < 0) {
		perror("tocsin-smartd");
		return -1;
	}
	return 0;
}

static int
serve_caller(const struct smartd_conf *conf)
{
	struct tc_err e = { 0 };

	if (shed() < 0)
		return 1;
	if (serve(conf, 0, 1, &e) < 0) {
		(void)fprintf(stderr, "tocsin-smartd: %s\n", e.text);
		return 1;
	}
	return 0;
}

int
smartd_run(int argc, char **argv)
{
	struct line l = { 0 };
	struct tc_err e = { 0 };

	/* run with more rights than the caller has: the caller decides nothing */
	if (getauxval(AT_SECURE) != 0 && argc > 1) {
		(void)fprintf(stderr, "tocsin-smartd: no options here: it runs "
			"with rights that you do not have\n");
		return 2;
	}
	if (parse_line(argc, argv, &l, &e) < 0) {
		(void)fprintf(stderr, "tocsin-smartd: %s\n"
			"try: tocsin-smartd --help\n", e.text);
		return 2;
	}
	if (args_asks_any(&l.asks))
		return args_print(&program, &l.asks, stdout);
	if (l.decode != NULL)
		return decode(l.decode);
	return serve_caller(&l.conf);
}
