/*
 * What the real tocsind keeps in memory, empty and with hosts of two checks
 * each (ping and tcp every 15 s, on loopback), by parts of its address space.
 *
 *	bench_memory [SECONDS [HOSTS ...]]
 *
 * Each runs for SECONDS (90): the first slots, the caches, the trimming of
 * what a start left behind are over by then.  HOSTS are 5000 and 20000.
 * Needs the right to ping, as root or by net.ipv4.ping_group_range.
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/bench/quick.h"

#define HOSTS_PER_PARTITION 1000
#define RUNS_MAX 8

/* Resident, in KiB. */
enum part { PART_HEAP, PART_ANON, PART_OWNED, PART_FILES, PART_SHM, PARTS };
static const char *const part_names[PARTS] = {
	[PART_HEAP] = "heap",
	[PART_ANON] = "other anonymous (stacks, arenas)",
	[PART_OWNED] = "written pages of files",
	[PART_FILES] = "program and libraries",
	[PART_SHM] = "database files",
};

struct usage {
	long part[PARTS];
	long all;
};

struct bench {
	long seconds;
	long hosts[RUNS_MAX];
	size_t n;
};

static struct bench *
the_bench(void)
{
	static struct bench b = { .seconds = 90, .hosts = { 5000, 20000 },
		.n = 2 };

	return &b;
}

static void
write_config(struct it *it, long hosts, int tcp)
{
	struct strbuf all = { 0 };

	strbuf_printf(&all, "listen: 127.0.0.1:%d\nstate_dir: %s/state\n"
		"defaults: {interval: 15s, timeout: 5s}\npartitions:\n",
		it_free_port(), it->dir);
	if (hosts == 0)
		strbuf_printf(&all, "  - name: rack0\n");
	for (long i = 0; i < hosts; i++) {
		if (i % HOSTS_PER_PARTITION == 0)
			strbuf_printf(&all, "  - name: rack%ld\n"
				"    checks: [{probe: ping}, "
				"{probe: tcp, port: %d}]\n    hosts:\n",
				i / HOSTS_PER_PARTITION, tcp);
		strbuf_printf(&all, "      - {name: h%05ld, "
			"address: 127.%ld.%ld.%ld}\n", i, 1 + i / 65536,
			i / 256 % 256, i % 256);
	}
	it_write(it, "tocsin.yaml", "%s", strbuf_str(&all));
	strbuf_free(&all);
}

/* "7f00-7f01 r-xp 00000000 08:01 42    /lib/libc.so" */
static enum part
part_of(const char *line)
{
	const char *path = strpbrk(line, "/[");

	if (path == NULL)
		return PART_ANON;
	if (strncmp(path, "[heap]", 6) == 0)
		return PART_HEAP;
	if (path[0] == '[')
		return PART_ANON;
	return strstr(path, "/state/") != NULL ? PART_SHM : PART_FILES;
}

static void
read_usage(pid_t pid, struct usage *out)
{
	char path[64], line[4096];
	enum part part = PART_ANON;
	FILE *f;

	*out = (struct usage){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		exit(2);
	while (fgets(line, sizeof(line), f) != NULL) {
		char *colon = strchr(line, ':');
		long kib;

		if (colon == NULL || strchr(line, '-') < colon)
			part = strchr(line, '-') != NULL ? part_of(line) : part;
		if (sscanf(line, "Rss: %ld", &kib) == 1) {
			out->part[part] += kib;
			out->all += kib;
		} else if (part == PART_FILES &&
		    sscanf(line, "Anonymous: %ld", &kib) == 1) {
			out->part[PART_FILES] -= kib;
			out->part[PART_OWNED] += kib;
		}
	}
	fclose(f);
}

static void
run_server(long hosts, struct usage *out, double *cpu)
{
	struct it it;
	int tcp = it_free_port();
	int fd = it_listen(0, tcp);
	double until;

	it_init(&it);
	write_config(&it, hosts, tcp);
	it_start_server(&it);
	until = it_now() + (double)the_bench()->seconds;
	/* Nobody accepts else, and the kernel says no in the end. */
	while (it_now() < until) {
		struct pollfd in = { .fd = fd, .events = POLLIN };
		int got = poll(&in, 1, 1000) > 0 ? accept(fd, NULL, NULL) : -1;

		if (got >= 0)
			close(got);
	}
	read_usage(it.server, out);
	*cpu = quick_cpu(it.server);
	close(fd);
	it_end(&it.server, SIGTERM);
	it_fini(&it);
}

static void
print_usage(long hosts, const struct usage *is, const struct usage *empty)
{
	double thousands = (double)hosts / 1000;

	printf("%-36s %8ld KiB", "resident", is->all);
	if (hosts > 0)
		printf("  %8.0f KiB per 1,000 hosts over the empty server",
			(double)(is->all - empty->all) / thousands);
	printf("\n");
	for (int i = 0; i < PARTS; i++) {
		printf("  %-34s %8ld KiB", part_names[i], is->part[i]);
		if (hosts > 0)
			printf("  %8.0f", (double)(is->part[i] -
				empty->part[i]) / thousands);
		printf("\n");
	}
	fflush(stdout);
}

START_TEST(measure)
{
	struct bench *b = the_bench();
	struct usage empty, is;
	double cpu;

	run_server(0, &empty, &cpu);
	printf("-- no hosts, after %ld s\n", b->seconds);
	print_usage(0, &empty, &empty);
	for (size_t i = 0; i < b->n; i++) {
		run_server(b->hosts[i], &is, &cpu);
		printf("-- %ld hosts, after %ld s: %.2f CPU-s\n", b->hosts[i],
			b->seconds, cpu);
		print_usage(b->hosts[i], &is, &empty);
	}
}
END_TEST

int
main(int argc, char **argv)
{
	struct bench *b = the_bench();

	if (argc > 1)
		b->seconds = strtol(argv[1], NULL, 10);
	if (argc > 2)
		b->n = 0;
	for (int i = 2; i < argc && b->n < RUNS_MAX; i++)
		b->hosts[b->n++] = strtol(argv[i], NULL, 10);
	return quick_run(measure);
}
