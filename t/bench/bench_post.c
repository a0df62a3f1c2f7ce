/*
 * Ingest end to end: hosts that POST their batches of 75 counters to the real
 * tocsind, which parses, judges, commits and answers; samples per CPU-second
 * of the server, what an answer takes, and what lies in the file.
 *
 *	bench_post [HOSTS [ROUNDS [CONNECTIONS [PAUSE_MS]]]]
 *
 * HOSTS (10,000) are new in a round that is not counted; then ROUNDS (3) are.
 * CONNECTIONS (64) have one batch each on the way; PAUSE_MS > 0 is the least
 * time between two batches of a connection (10,000 hosts at 15 s over 64:
 * 96 ms).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/bench/measure.h"
#include "t/bench/quick.h"

#define ROWS 5
#define PER_ROW 15
#define SAMPLES (ROWS * PER_ROW)

struct conn {
	int fd;
	bool busy;
	double since;
	double next;		/* not before */
	size_t n;		/* of the answer */
	char answer[4096];
};

struct bench {
	struct it it;
	struct conn *conns;
	size_t n_conns;
	uint32_t hosts;
	size_t rounds;
	uint32_t at;		/* host whose turn it is */
	size_t on_the_way;
	double pause_s;
	uint64_t seed;
	size_t refused;
	double *took;
	size_t n_took;
};

/* ---- batches ---- */

/* Kinds by turns, as bench_store's. */
static void
put_value(struct bench *b, struct strbuf *out, int kind, double base)
{
	switch (kind % 5) {
	case 0:
		strbuf_puts(out, "0");
		return;
	case 1:
		strbuf_printf(out, "%.0f", base * 4096 +
			(double)(measure_random(&b->seed) % 4096));
		return;
	case 2:
		strbuf_printf(out, "%.2f", base + (double)(measure_random(&b->seed) % 100) /
			100);
		return;
	case 3:
		strbuf_printf(out, "%.0f", base + (double)(measure_random(&b->seed) % 15));
		return;
	}
	strbuf_printf(out, "%.6g", (double)measure_random(&b->seed) / (double)(1u << 31));
}

/* Ten metrics of one value, one of five instances: 15. */
static void
put_row(struct bench *b, struct strbuf *out, int row, double base)
{
	static const char *const probes[] = { "cpu", "memory", "disk", "net",
		"boot" };
	int k = 0;

	for (; k < 10; k++) {
		strbuf_printf(out, "%s\"%s_what_%02d_seconds_total\":",
			k > 0 ? "," : "", probes[row], k);
		put_value(b, out, k, base);
	}
	strbuf_printf(out, ",\"%s_parts_seconds_total\":{", probes[row]);
	for (; k < PER_ROW; k++) {
		strbuf_printf(out, "%s\"part=\\\"%d\\\"\":", k > 10 ? "," : "",
			k);
		put_value(b, out, k, base);
	}
	strbuf_puts(out, "}");
}

static void
put_body(struct bench *b, struct strbuf *out, uint32_t host)
{
	static const char *const probes[] = { "cpu", "memory", "disk", "net",
		"boot" };
	struct clock *clock = clock_system();
	long long now = clock->wall(clock).ms;
	uint64_t id = measure_random(&b->seed) << 31;

	id |= measure_random(&b->seed);
	strbuf_printf(out, "{\"host\":\"h%05u\",\"batch\":\"018f%016llx\","
		"\"sent_ms\":%lld,\"observations\":[", host,
		(unsigned long long)id, now);
	for (int row = 0; row < ROWS; row++) {
		strbuf_printf(out, "%s{\"probe\":\"%s\",\"at_ms\":%lld,"
			"\"outcome\":\"ok\",\"reason\":\"none\",\"metrics\":{",
			row > 0 ? "," : "", probes[row], now - 5);
		put_row(b, out, row, (double)host * 1000 +
			(double)(now % 100000000) / 1000);
		strbuf_puts(out, "}}");
	}
	strbuf_puts(out, "]}");
}

/* ---- connections ---- */

static void
post(struct bench *b, struct conn *c)
{
	struct strbuf body = { 0 }, all = { 0 };

	put_body(b, &body, b->at++);
	strbuf_printf(&all, "POST /v1/observations HTTP/1.1\r\nHost: bench\r\n"
		"Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n", b->it.admin, body.n);
	strbuf_add(&all, body.p, body.n);
	for (size_t at = 0; at < all.n;) {
		ssize_t n = write(c->fd, all.p + at, all.n - at);

		if (n <= 0) {
			perror("bench_post: write");
			exit(2);
		}
		at += (size_t)n;
	}
	c->since = it_now();
	c->next = c->since + b->pause_s;
	c->busy = true;
	c->n = 0;
	b->on_the_way++;
	strbuf_free(&body);
	strbuf_free(&all);
}

/* The head says how long the body is. */
static bool
is_whole(const struct conn *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n");
	const char *length = strcasestr(c->answer, "\r\nContent-Length:");

	return end != NULL && length != NULL && c->n >=
		(size_t)(end + 4 - c->answer) + strtoul(length + 17, NULL, 10);
}

static void
take(struct bench *b, struct conn *c)
{
	ssize_t n = read(c->fd, c->answer + c->n,
		sizeof(c->answer) - 1 - c->n);

	if (n <= 0) {
		fprintf(stderr, "bench_post: the server hung up\n");
		exit(2);
	}
	c->n += (size_t)n;
	c->answer[c->n] = '\0';
	if (!is_whole(c))
		return;
	b->took[b->n_took++] = it_now() - c->since;
	if (strncmp(c->answer, "HTTP/1.1 202", 12) != 0) {
		if (b->refused++ == 0)
			fprintf(stderr, "%s\n", c->answer);
	}
	c->busy = false;
	b->on_the_way--;
}

static void
post_due(struct bench *b)
{
	double now = it_now();

	for (size_t i = 0; i < b->n_conns && b->at < b->hosts; i++) {
		if (!b->conns[i].busy && b->conns[i].next <= now)
			post(b, &b->conns[i]);
	}
}

static void
one_round(struct bench *b, int epoll)
{
	struct epoll_event events[64];

	b->at = 0;
	while (b->at < b->hosts || b->on_the_way > 0) {
		int n;

		post_due(b);
		n = epoll_wait(epoll, events, 64, b->pause_s > 0 ? 1 : 1000);
		for (int i = 0; i < n; i++)
			take(b, events[i].data.ptr);
	}
}

static void
open_connections(struct bench *b, int epoll)
{
	for (size_t i = 0; i < b->n_conns; i++) {
		struct epoll_event ev = { .events = EPOLLIN,
			.data.ptr = &b->conns[i] };

		b->conns[i].fd = quick_connect(&b->it);
		epoll_ctl(epoll, EPOLL_CTL_ADD, b->conns[i].fd, &ev);
	}
}

/* ---- figures ---- */

static void
say(struct bench *b, double cpu, double wall)
{
	double samples = (double)b->hosts * (double)b->rounds * SAMPLES;

	struct quick_times took;

	quick_sum_up(b->took, b->n_took, &took);
	printf("post: hosts=%u rounds=%zu connections=%zu samples=%.0f "
		"samples_per_cpu_s=%.2fM (goal 1) batches_per_s=%.0f "
		"cores=%.2f answer_p50_ms=%.1f answer_p99_ms=%.1f refused=%zu\n",
		b->hosts, b->rounds, b->n_conns, samples, samples / cpu / 1e6,
		(double)b->n_took / wall, cpu / wall,
		took.p50 * 1000, took.p99 * 1000, b->refused);
}

static void
run(struct bench *b)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	double cpu, wall, pause_s = b->pause_s;

	b->pause_s = 0;
	open_connections(b, epoll);
	one_round(b, epoll);
	b->pause_s = pause_s;
	b->n_took = 0;
	cpu = quick_cpu(b->it.server);
	wall = it_now();
	for (size_t i = 0; i < b->rounds; i++)
		one_round(b, epoll);
	say(b, quick_cpu(b->it.server) - cpu, it_now() - wall);
	close(epoll);
}

static long
number(int argc, char **argv, int at, long other)
{
	return argc > at ? strtol(argv[at], NULL, 10) : other;
}

/* What it.h checks needs a test around it. */
static struct bench *
the_bench(void)
{
	static struct bench b = { .seed = 1 };

	return &b;
}

START_TEST(hosts_post)
{
	struct bench *b = the_bench();
	struct quick_times list;

	it_init(&b->it);
	it_write(&b->it, "tocsin.yaml", "listen: 127.0.0.1:0\n"
		"state_dir: %s/state\n", b->it.dir);
	it_start_server(&b->it);
	run(b);
	quick_ask(&b->it, "/v1/hosts?limit=10000", 200, &list);
	printf("list: all hosts of the snapshot: bytes=%zu "
		"p50_ms=%.2f p99_ms=%.2f (goal 5)\n", list.bytes,
		list.p50 * 1000, list.p99 * 1000);
	it_end(&b->it.server, SIGTERM);
	it_fini(&b->it);
}
END_TEST

int
main(int argc, char **argv)
{
	struct bench *b = the_bench();
	int rc;

	b->hosts = (uint32_t)number(argc, argv, 1, 10000);
	b->rounds = (size_t)number(argc, argv, 2, 3);
	b->n_conns = (size_t)number(argc, argv, 3, 64);
	b->pause_s = (double)number(argc, argv, 4, 0) / 1000;
	b->conns = calloc(b->n_conns, sizeof(*b->conns));
	b->took = calloc(b->hosts * (b->rounds + 1), sizeof(*b->took));
	if (b->hosts == 0 || b->rounds == 0 || b->conns == NULL ||
	    b->took == NULL)
		return 2;
	rc = quick_run(hosts_post);
	free(b->took);
	free(b->conns);
	return rc;
}
