/*
 * Samples per CPU-second of the loop's thread, from the socket to the
 * observation: the same page again and again over one kept connection.
 *
 *	bench_scrape [PAGE]
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "probe/runner.h"
#include "sched/sched.h"
#include "t/bench/measure.h"

#define ROUNDS 300

struct bench {
	struct sched *s;
	struct runner *r;
	int listener;
	int port;
	struct strbuf reply;
	struct tocsin_value opts[16];
	int left;
	uint64_t samples;
	bool failed;
};

static void
serve_one(const struct bench *b, int fd)
{
	char in[4096];
	size_t sent;
	ssize_t n;

	while (read(fd, in, sizeof(in)) > 0)
		for (sent = 0; sent < b->reply.n; sent += (size_t)n)
			if ((n = write(fd, b->reply.p + sent,
			    b->reply.n - sent)) <= 0)
				return;
}

static void *
serve(void *arg)
{
	const struct bench *b = arg;
	int fd;

	while ((fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		serve_one(b, fd);
		close(fd);
	}
	return NULL;
}

static int
listen_here(struct bench *b)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(in);
	pthread_t thread;

	b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(b->listener, (void *)&in, n) < 0 ||
	    listen(b->listener, 8) < 0 ||
	    getsockname(b->listener, (void *)&in, &n) < 0)
		return -1;
	b->port = ntohs(in.sin_port);
	return pthread_create(&thread, NULL, serve, b);
}

/* What a machine of 16 processors says, when there is no page. */
static void
make_page(struct strbuf *page)
{
	static const char *const modes[] = { "idle", "iowait", "irq", "nice",
		"softirq", "steal", "system", "user" };

	for (int cpu = 0; cpu < 16; cpu++)
		for (size_t i = 0; i < ARRAY_LEN(modes); i++)
			strbuf_printf(page, "node_cpu_seconds_total{cpu=\"%d\","
				"mode=\"%s\"} %d.%02d\n", cpu, modes[i],
				cpu * 12345 + (int)i * 777, (int)i * 13);
	for (int i = 0; i < 800; i++)
		strbuf_printf(page, "node_thing_%d_bytes{device=\"sd%c\"} "
			"%d.%de+09\n", i, 'a' + i % 26, i % 9 + 1, i);
}

static void
start(struct bench *b)
{
	struct engine_run run = { .check = 1, .seq = 1, .probe = "scrape",
		.host = "h1", .address = "127.0.0.1",
		.opt_rows = runner_opts(b->r, "scrape"), .opts = b->opts,
		.timeout = dur_s(10) };

	runner_start(b->r, &run, 1);
}

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct bench *b = arg;

	(void)check;
	(void)seq;
	(void)last;
	b->failed |= ob->outcome != TOCSIN_OK;
	if (b->failed)
		fprintf(stderr, "bench_scrape: %s\n", ob->text);
	if (b->failed || --b->left == 0)
		sched_stop(b->s);
	else
		start(b);
}

static size_t
count_samples(const struct strbuf *page)
{
	size_t n = 0;

	for (size_t i = 0; i < page->n; i++)
		n += (i == 0 || page->p[i - 1] == '\n') && page->p[i] != '#' &&
			page->p[i] != '\n';
	return n;
}

static int
measure(struct bench *b, size_t per_page)
{
	double before;

	for (int i = 0; i < 3 && !b->failed; i++) {
		b->left = ROUNDS;
		before = measure_cpu(RUSAGE_THREAD);
		start(b);
		sched_run(b->s);
		printf("scrape: %zu samples a page, %.2f M samples per "
			"CPU-s\n", per_page, (double)per_page * ROUNDS /
			(measure_cpu(RUSAGE_THREAD) - before) / 1e6);
	}
	return b->failed;
}

int
main(int argc, char **argv)
{
	const char *build = getenv("top_builddir");
	struct bench b = { 0 };
	struct runner_conf conf = { .clock = clock_system(),
		.on_result = on_result, .arg = &b };
	struct strbuf page = { 0 };
	struct tc_err e = { 0 };
	char dir[4096];
	int rc = 1;

	snprintf(dir, sizeof(dir), "%s/probes/scrape/.libs",
		build != NULL ? build : ".");
	conf.plugin_dir = dir;
	if (argc > 1 && file_slurp(argv[1], 64 << 20, &page, &e) < 0)
		goto out;
	if (argc <= 1)
		make_page(&page);
	strbuf_printf(&b.reply, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
		"Content-Type: text/plain\r\n\r\n", page.n);
	strbuf_add(&b.reply, page.p, page.n);
	conf.sched = b.s = sched_new(&e);
	b.r = b.s != NULL ? runner_new(&conf, &e) : NULL;
	if (b.r == NULL || runner_load(b.r, "scrape", &e) < 0 ||
	    listen_here(&b) != 0)
		goto out;
	memcpy(b.opts, runner_defaults(b.r, "scrape"), 6 * sizeof(b.opts[0]));
	b.opts[0].i = b.port;
	rc = measure(&b, count_samples(&page));
out:
	if (e.code != 0)
		fprintf(stderr, "bench_scrape: %s\n", e.text);
	runner_free(b.r);
	sched_free(b.s);
	strbuf_free(&page);
	strbuf_free(&b.reply);
	return rc;
}
