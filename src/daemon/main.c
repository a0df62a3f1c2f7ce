/*
 * tocsind: arguments, then the daemon.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/args.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/daemon.h"

struct wish {
	const char *config;
	const char *plugin_dir;
	const char *data_dir;
	const char *worker;
	bool check;
	bool print;
	bool example;
	struct arg_asks asks;
};

static const struct arg rows[] = {
	{ "config", ARG_STRING, offsetof(struct wish, config), "FILE",
		TOCSIN_SYSCONFDIR "/tocsin.yaml", "the configuration" },
	{ "plugin-dir", ARG_STRING, offsetof(struct wish, plugin_dir),
		"DIR[:DIR]", TOCSIN_PROBEDIR,
		"where the probes are, before the configuration is read" },
	{ "data-dir", ARG_STRING, offsetof(struct wish, data_dir), "DIR",
		TOCSIN_DATADIR, "where openapi.json and the page are" },
	{ "worker", ARG_STRING, offsetof(struct wish, worker), "PROGRAM",
		TOCSIN_LIBEXECDIR "/tocsin-worker",
		"what runs the plugins of plugin_dirs" },
	{ "check-config", ARG_FLAG, offsetof(struct wish, check), NULL, NULL,
		"report every fault of the configuration and end" },
	{ "print-config", ARG_FLAG, offsetof(struct wish, print), NULL, NULL,
		"print the effective configuration with the origin of each "
		"value" },
	{ "print-example", ARG_FLAG, offsetof(struct wish, example), NULL,
		NULL, "print a commented example of the configuration" },
	ARG_ASKS_ROWS(offsetof(struct wish, asks)),
	{ NULL, ARG_FLAG, 0, NULL, NULL, NULL },
};

static const struct arg_section more[] = {
	{ "SIGNALS", "SIGHUP\t" "read the configuration again; what is wrong is "
		"reported and the running one kept\n\n"
		"SIGTERM, SIGINT\t" "answer what was accepted, close the "
		"database, end within 5 s" },
	{ "FILES", "state_dir/tocsin.db\t" "the database (SQLite)\n\n"
		"state_dir/admin.token\t" "an admin's token, made at the first "
		"start, mode 0600\n\n"
		"state_dir/server.url\t" "where the API is\n\n"
		"state_dir/lock\t" "held while a server runs" },
	{ "EXIT STATUS", "0\t" "ended by a signal\n\n1\t" "cannot start, or the "
		"configuration is wrong\n\n2\t" "wrong usage" },
	{ NULL, NULL },
};

static const struct arg_program program = { .name = "tocsind", .section = 8,
	.version = TOCSIN_VERSION, .date = "2026-11-21",
	.help = "health checks and failure prediction for a fleet",
	.about = "Checks hosts, takes what agents measure, judges both, "
		"predicts failures of disks, and serves all of it as a JSON "
		"API. Runs in the foreground.",
	.rows = rows, .more = more };

static int
print_example(void)
{
	struct strbuf text = { 0 };

	config_write_example(&text);
	fputs(strbuf_str(&text), stdout);
	strbuf_free(&text);
	return 0;
}

static int
check_config(struct daemon *d, bool print)
{
	struct strbuf text = { 0 };
	struct tc_err e = { 0 };
	int rc = daemon_check(d, &e);

	if (rc < 0)
		fprintf(stderr, "tocsind: %s\n", e.text);
	else if (print)
		config_print(d->config, &text, true);
	else
		printf("%s: good, %zu %s\n", d->config_path,
			d->fleet->def.n_hosts,
			d->fleet->def.n_hosts == 1 ? "host" : "hosts");
	fputs(strbuf_str(&text), stdout);
	strbuf_free(&text);
	daemon_stop(d);
	return rc < 0 ? 1 : 0;
}

static int
serve(struct daemon *d)
{
	struct tc_err e = { 0 };
	int rc = daemon_start(d, &e);

	if (rc == 0)
		daemon_run(d);
	else
		log_at(ERROR, "daemon", "cannot start: %s", e.text);
	daemon_stop(d);
	return rc < 0 ? 1 : 0;
}

static int
obey(const struct wish *w)
{
	static struct daemon d;	/* lint: one per process */

	d.config_path = w->config;
	d.plugin_dir = w->plugin_dir;
	d.worker = w->worker;
	d.data_dir = w->data_dir;
	if (args_asks_any(&w->asks))
		return args_print(&program, &w->asks, stdout);
	if (w->example)
		return print_example();
	if (w->check || w->print)
		return check_config(&d, w->print);
	return serve(&d);
}

int
main(int argc, char **argv)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct wish w = { 0 };
	struct arg_rest rest;
	struct tc_err e = { 0 };

	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);	/* a limit is an error of write */
	mem_give_back();
	log_set_stamp(getenv("JOURNAL_STREAM") == NULL);
	if (args_parse(&program, argc, argv, &w, &rest, &e) < 0) {
		fprintf(stderr, "tocsind: %s\n", e.text);
		return 2;
	}
	return obey(&w);
}
