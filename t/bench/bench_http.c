/*
 * The API over 5,000 made-up hosts, a fresh snapshot every second, under wrk
 * with 64 connections.  Without wrk it says so and ends.
 *
 *	bench_http -s [-n HOSTS] [-l ADDRESS:PORT] [-t THREADS]
 *
 * only serves (token "viewer-token"), prints "port=P" and runs until its
 * stdin ends.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/fake_io.h"

struct fleet_now {
	struct fake_io *io;
	struct fake_fleet fleet;
};

static void
serve(struct fleet_now *now)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	for (;;) {
		int n = poll(&in, 1, 1000);

		if (n > 0 && read(STDIN_FILENO, &byte, 1) <= 0)
			return;
		if (n == 0)
			fake_io_publish(now->io, &now->fleet);
	}
}

static void
load(struct fleet_now *now, unsigned port, const char *target)
{
	char url[128];
	int status = 0;
	pid_t pid;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, target);
	printf("-- %s\n", target);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execlp("wrk", "wrk", "-t1", "-c64", "-d5s", "--latency",
			"-H", "Authorization: Bearer viewer-token", url,
			(char *)NULL);
		printf("skipped: wrk is not installed\n");
		fflush(stdout);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
		poll(NULL, 0, 1000);
		fake_io_publish(now->io, &now->fleet);
	}
}

int
main(int argc, char **argv)
{
	struct fake_io io;
	struct fleet_now now = { .io = &io, .fleet = { .n_hosts = 5000,
		.sick_every = 100, .down_every = 250, .generation = 1 } };
	struct http_conf conf = { .listen = "127.0.0.1:0" };
	struct tc_err e = { 0 };
	bool only_serve = false;
	struct http *h;
	int opt;

	while ((opt = getopt(argc, argv, "sn:l:t:")) != -1) {
		if (opt == 's')
			only_serve = true;
		else if (opt == 'n')
			now.fleet.n_hosts = strtoul(optarg, NULL, 10);
		else if (opt == 'l')
			conf.listen = optarg;
		else if (opt == 't')
			conf.threads = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	fake_io_init(&io, &now.fleet);
	if (http_start(&conf, &io.io, &h, &e) < 0) {
		fprintf(stderr, "bench_http: %s\n", e.text);
		return 1;
	}
	if (only_serve) {
		printf("port=%u\n", http_port(h));
		fflush(stdout);
		serve(&now);
	} else {
		load(&now, http_port(h), "/v1/hosts/h00042");
		load(&now, http_port(h), "/v1/summary");
		load(&now, http_port(h), "/v1/hosts?limit=10000");
		load(&now, http_port(h), "/healthz");
	}
	http_stop(h);
	fake_io_fini(&io);
	return 0;
}
