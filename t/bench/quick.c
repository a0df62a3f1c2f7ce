#include "t/bench/measure.h"
#include "t/bench/quick.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
quick_run(const TTest *test)
{
	Suite *suite = suite_create("bench");
	TCase *tc = tcase_create("bench");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, test);
	suite_add_tcase(suite, tc);
	sr = srunner_create(suite);
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_MINIMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed > 0;
}

double
quick_cpu(pid_t pid)
{
	char path[64], text[1024], *p;
	double ticks;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(text, sizeof(text), f) == NULL)
		exit(2);
	fclose(f);
	p = strrchr(text, ')') + 2;
	for (int i = 0; i < 11; i++)
		p = strchr(p, ' ') + 1;
	ticks = strtod(p, &p);
	ticks += strtod(p, &p);
	return ticks / (double)sysconf(_SC_CLK_TCK);
}

int
quick_connect(const struct it *it)
{
	unsigned port = (unsigned)strtoul(strrchr(it->url, ':') + 1, NULL, 10);
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0) {
		perror("connect");
		exit(2);
	}
	return fd;
}

static void
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done <= 0) {
			perror("write");
			exit(2);
		}
		p += done;
		n -= (size_t)done;
	}
}

/* The head says how long the body is. */
static size_t
read_answer(int fd, char *in, size_t size)
{
	size_t n = 0, all = 0;

	while (all == 0 || n < all) {
		ssize_t got = read(fd, in + n, size - 1 - n);
		const char *end, *length;

		if (got <= 0) {
			fprintf(stderr, "the server hung up\n");
			exit(2);
		}
		n += (size_t)got;
		in[n] = '\0';
		end = strstr(in, "\r\n\r\n");
		length = strcasestr(in, "\r\nContent-Length:");
		if (all == 0 && end != NULL && length != NULL)
			all = (size_t)(end + 4 - in) +
				strtoul(length + 17, NULL, 10);
	}
	if (strncmp(in, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "%.300s\n", in);
		exit(2);
	}
	return n;
}

void
quick_sum_up(double *seconds, size_t n, struct quick_times *out)
{
	measure_sort(seconds, n);
	out->mean = 0;
	for (size_t i = 0; i < n; i++)
		out->mean += seconds[i] / (double)n;
	out->p50 = seconds[n / 2];
	out->p99 = seconds[n * 99 / 100];
	out->max = seconds[n - 1];
}

void
quick_ask(const struct it *it, const char *path, size_t times,
	struct quick_times *out)
{
	size_t size = 64 << 20;
	char *in = malloc(size);
	double *took = calloc(times, sizeof(*took));
	struct strbuf all = { 0 };
	int fd = quick_connect(it);

	if (in == NULL || took == NULL || times == 0)
		exit(2);
	strbuf_printf(&all, "GET %s HTTP/1.1\r\nHost: bench\r\n"
		"Authorization: Bearer %s\r\n\r\n", path, it->admin);
	for (size_t i = 0; i < times; i++) {
		double since = it_now();

		write_all(fd, all.p, all.n);
		out->bytes = read_answer(fd, in, size);
		took[i] = it_now() - since;
	}
	quick_sum_up(took, times, out);
	strbuf_free(&all);
	free(took);
	free(in);
	close(fd);
}
