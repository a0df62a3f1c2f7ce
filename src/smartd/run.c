/*
 * Command line, and the helper's own confinement.
 */
#include "smartd/run.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "smart/helper.h"
#include "smart/print.h"
#include "smart/smartctl.h"
#include "smartd/serve.h"

#define DEADLINE_S 10

static const char usage[] =
	"usage: tocsin-smartd [--replay DIR] [--smartctl FILE] [--deadline DUR]\n"
	"       tocsin-smartd --decode FILE\n"
	"\n"
	"Reads the SMART data of this machine's drives for tocsin-agent, which\n"
	"starts it and speaks to it over standard input and output.\n"
	"\n"
	"  --decode FILE    print a recorded dump (libatasmart blob, smartctl -j,\n"
	"                   nvme smart-log -o json; - is standard input) as JSON\n"
	"  --replay DIR     serve the recorded dumps under DIR in place of drives\n"
	"  --smartctl FILE  the smartctl to use\n"
	"  --deadline DUR   of one reading, 100ms to 60s (10s)\n"
	"  --root DIR       look for /sys and /dev/disk there\n"
	"  --version, --help\n";

enum verb { VERB_SERVE, VERB_DECODE, VERB_HELP, VERB_VERSION };

struct line {
	enum verb verb;
	const char *file;
	struct smartd_conf conf;
};

static int
parse_deadline(const char *text, struct dur *out)
{
	struct tc_err e = { 0 };

	if (dur_parse(text, out, &e) < 0) {
		(void)fprintf(stderr, "tocsin-smartd: --deadline: %s\n", e.text);
		return -1;
	}
	if (out->ns < dur_ms(100).ns || out->ns > dur_s(60).ns) {
		(void)fprintf(stderr,
			"tocsin-smartd: --deadline: 100ms to 60s\n");
		return -1;
	}
	return 0;
}

static int
parse_line(int argc, char **argv, struct line *l)
{
	static const struct option options[] = {
		{ "decode", required_argument, NULL, 'd' },
		{ "replay", required_argument, NULL, 'r' },
		{ "smartctl", required_argument, NULL, 's' },
		{ "deadline", required_argument, NULL, 't' },
		{ "root", required_argument, NULL, 'R' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'd') {
			l->verb = VERB_DECODE;
			l->file = optarg;
		} else if (c == 'r') {
			l->conf.replay = optarg;
		} else if (c == 's') {
			l->conf.smartctl = optarg;
		} else if (c == 'R') {
			l->conf.root = optarg;
		} else if (c == 'h') {
			l->verb = VERB_HELP;
		} else if (c == 'V') {
			l->verb = VERB_VERSION;
		} else if (c != 't' ||
			   parse_deadline(optarg, &l->conf.deadline) < 0) {
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
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
	struct line l = { .conf = { .root = "",
		.deadline = dur_s(DEADLINE_S) } };

	/* run with more rights than the caller has: the caller decides nothing */
	if (getauxval(AT_SECURE) != 0 && argc > 1) {
		(void)fprintf(stderr, "tocsin-smartd: no options here: it runs "
			"with rights that you do not have\n");
		return 2;
	}
	if (parse_line(argc, argv, &l) < 0) {
		(void)fputs(usage, stderr);
		return 2;
	}
	switch (l.verb) {
	case VERB_HELP:
		return fputs(usage, stdout) < 0 ? 1 : 0;
	case VERB_VERSION:
		return puts("tocsin-smartd " TOCSIN_VERSION) < 0 ? 1 : 0;
	case VERB_DECODE:
		return decode(l.file);
	case VERB_SERVE:
		return serve_caller(&l.conf);
	}
	return 1;
}
