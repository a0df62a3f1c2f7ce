/*
 * What a check of tcp costs: CPU seconds a 1,000 targets of the plugin in its
 * host, beside the bare system calls, with a socket for each target and with
 * sockets used again, in turn, in one network namespace of its own (all of
 * 127/8 answers there).  On loopback the kernel's part of the target is in all
 * of them; what the listener itself does is in none.
 *
 *	bench_tcp [TARGETS [ROUNDS]]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/bench/measure.h"

#define BATCH 32
#define FIRST 0x7f010000u
#define PORT 8000
#define ROUNDS_MAX 99

struct plan {
	unsigned n;
	unsigned rounds;
	const char *sweep;	/* path of tocsin-sweep */
	const char *targets;	/* file with an address a line */
	char rate[16];
};

static bool
own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	int fd;

	lo.ifr_flags = IFF_UP;
	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		return false;
	close(fd);
	return true;
}

/* ---- the listener, a process of its own until we end ---- */

static bool
start_listener(const struct plan *p)
{
	char ready = 0;
	int out[2];
	pid_t pid;

	if (pipe(out) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execl(p->sweep, p->sweep, "-l", "8000", NULL);
		_exit(127);
	}
	close(out[1]);
	if (read(out[0], &ready, 1) != 1)
		pid = -1;
	close(out[0]);
	return pid > 0;
}

/* ---- the limit: system calls, and nothing else ---- */

static int
open_one(void)
{
	struct linger with_rst = { .l_onoff = 1, .l_linger = 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &with_rst,
			sizeof(with_rst));
	return fd;
}

static bool
connect_to(int fd, unsigned target)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(FIRST + target),
		.sin_port = htons(PORT) };

	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ||
		errno == EINPROGRESS;
}

static bool
is_up(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 &&
		(info.tcpi_state == TCP_ESTABLISHED ||
		info.tcpi_state == TCP_CLOSE_WAIT);
}

static int
limit_main(unsigned n, bool again)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	int fd[BATCH];

	for (int i = 0; i < BATCH; i++)
		fd[i] = -1;
	for (unsigned at = 0; at < n; at += BATCH) {
		unsigned k = n - at < BATCH ? n - at : BATCH;

		for (unsigned i = 0; i < k; i++) {
			if (fd[i] < 0)
				fd[i] = open_one();
			if (fd[i] < 0 || !connect_to(fd[i], at + i))
				return 1;
		}
		for (unsigned i = 0; i < k; i++) {
			if (!is_up(fd[i]))
				return 1;
			if (again && connect(fd[i], &nobody, sizeof(nobody)) < 0)
				return 1;
			if (!again) {
				close(fd[i]);
				fd[i] = -1;
			}
		}
	}
	return 0;
}

/* ---- runs ---- */

enum who { LIMIT, LIMIT_AGAIN, TOCSIN, PACED, WHO_COUNT };
static const char *const names[] = { "limit", "limit-again", "tocsin",
	"tocsin-paced" };

static int
child(enum who who, struct plan *p)
{
	if (who == LIMIT || who == LIMIT_AGAIN)
		return limit_main(p->n, who == LIMIT_AGAIN);
	if (freopen("/dev/null", "w", stdout) == NULL)
		return 1;
	if (who == TOCSIN)
		execl(p->sweep, p->sweep, "-p", "tcp", "-o", "port=8000", "-t",
			"5s", "-f", p->targets, NULL);
	if (who == PACED)
		execl(p->sweep, p->sweep, "-p", "tcp", "-o", "port=8000", "-t",
			"5s", "-r", p->rate, "-f", p->targets, NULL);
	return 127;
}

/* CPU seconds a 1,000 targets; negative when it did not work. */
static double
measure(enum who who, struct plan *p)
{
	double cpu;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(child(who, p));
	cpu = measure_child(pid);
	return cpu < 0 ? cpu : cpu * 1000.0 / p->n;
}

static int
write_targets(const struct plan *p, int fd)
{
	FILE *f = fdopen(fd, "w");

	for (unsigned i = 0; f != NULL && i < p->n; i++) {
		struct in_addr a = { htonl(FIRST + i) };

		fprintf(f, "%s\n", inet_ntoa(a));
	}
	return f != NULL ? fclose(f) : -1;
}

static int
compare(struct plan *p)
{
	double got[WHO_COUNT][ROUNDS_MAX], limit = 0.0;
	bool failed = false;

	for (unsigned i = 0; i <= p->rounds; i++) {	/* the first warms up */
		for (int who = 0; who < WHO_COUNT; who++)
			got[who][i > 0 ? i - 1 : 0] = measure((enum who)who, p);
	}
	for (int who = 0; who < WHO_COUNT; who++) {
		double v;

		measure_sort(got[who], p->rounds);
		v = got[who][p->rounds / 2];
		if (who == LIMIT)
			limit = v;
		failed = failed || got[who][0] < 0.0;
		printf("bench_tcp %s cpu_s_per_1000=%.6f of_limit=%.2f "
			"targets=%u\n", names[who], v, v / limit, p->n);
	}
	return failed;
}

int
main(int argc, char **argv)
{
	char path[4096], targets[] = "/tmp/bench_tcp-XXXXXX";
	const char *slash = strrchr(argv[0], '/');
	struct plan p = { .n = 20000, .rounds = 5, .sweep = path,
		.targets = targets };
	int rc, fd;

	if (argc > 1)
		p.n = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		p.rounds = (unsigned)strtoul(argv[2], NULL, 10);
	if (p.n == 0 || p.rounds == 0 || p.rounds > ROUNDS_MAX)
		return 2;
	snprintf(path, sizeof(path), "%.*stocsin-sweep",
		slash != NULL ? (int)(slash - argv[0] + 1) : 0, argv[0]);
	/* all of them in a second, some every 10 ms, as an engine has them */
	snprintf(p.rate, sizeof(p.rate), "%u", p.n);
	if (!own_network()) {
		printf("bench_tcp: skipped, needs root: %s\n", strerror(errno));
		return 0;
	}
	if (!start_listener(&p))
		return 1;
	fd = mkstemp(targets);
	if (fd < 0 || write_targets(&p, fd) < 0)
		return 1;
	rc = compare(&p);
	unlink(targets);
	return rc;
}
