/*
 * What a sweep of ping costs: CPU seconds a 1,000 targets of the plugin in its
 * host, beside the bare system calls and fping, in turn, in one network
 * namespace of its own (all of 127/8 answers there).
 *
 *	bench_ping [TARGETS [ROUNDS]]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/bench/measure.h"

/* of <linux/icmp.h>, which does not go with <net/if.h> */
#define REPLIES_ONLY (~1u)
#define OPT_ICMP_FILTER 1
#define ECHO_REQUEST 8

#define BATCH 128
#define FIRST 0x7f010000u
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
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0)
		return false;
	close(fd);
	return true;
}

/* ---- the limit: sendmmsg and recvmmsg, and nothing else ---- */

struct limit {
	struct mmsghdr out[BATCH], in[BATCH];
	struct iovec out_iov[BATCH], in_iov[BATCH];
	struct sockaddr_in to[BATCH];
	uint16_t echo[4];	/* type and code, checksum, id, sequence */
	unsigned char payload[64];
	unsigned char bytes[BATCH][128];
};

static uint16_t
sum(const void *p, size_t n)
{
	const unsigned char *at = p;
	uint32_t s = 0;

	for (size_t i = 0; i < n; i += 2)
		s += (uint32_t)(at[i] | at[i + 1] << 8);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~(s + (s >> 16));
}

static void
prepare(struct limit *l)
{
	l->echo[0] = htons(ECHO_REQUEST << 8);
	l->echo[2] = (uint16_t)getpid();
	l->echo[1] = sum(l->echo, sizeof(l->echo));
	memcpy(l->payload, l->echo, sizeof(l->echo));
	for (int i = 0; i < BATCH; i++) {
		l->out_iov[i] = (struct iovec){ l->payload, sizeof(l->payload) };
		l->in_iov[i] = (struct iovec){ l->bytes[i], sizeof(l->bytes[i]) };
		l->to[i].sin_family = AF_INET;
		l->out[i].msg_hdr = (struct msghdr){ .msg_name = &l->to[i],
			.msg_namelen = sizeof(l->to[i]),
			.msg_iov = &l->out_iov[i], .msg_iovlen = 1 };
		l->in[i].msg_hdr = (struct msghdr){ .msg_iov = &l->in_iov[i],
			.msg_iovlen = 1 };
	}
}

static int
limit_main(unsigned n)
{
	uint32_t replies = REPLIES_ONLY;
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	int bytes = 4 << 20, got;
	static struct limit l;
	unsigned back = 0;

	if (fd < 0)
		return 1;
	setsockopt(fd, SOL_RAW, OPT_ICMP_FILTER, &replies, sizeof(replies));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	prepare(&l);
	for (unsigned at = 0; at < n;) {
		unsigned k = n - at < BATCH ? n - at : BATCH;

		for (unsigned i = 0; i < k; i++)
			l.to[i].sin_addr.s_addr = htonl(FIRST + at + i);
		got = sendmmsg(fd, l.out, k, 0);
		if (got < 0)
			return 1;
		at += (unsigned)got;
		while ((got = recvmmsg(fd, l.in, BATCH, MSG_DONTWAIT, NULL)) > 0)
			back += (unsigned)got;
	}
	while (back < n) {
		struct pollfd p = { fd, POLLIN, 0 };

		if (poll(&p, 1, 1000) <= 0)
			return 1;
		while ((got = recvmmsg(fd, l.in, BATCH, MSG_DONTWAIT, NULL)) > 0)
			back += (unsigned)got;
	}
	return 0;
}

/* ---- runs ---- */

enum who { LIMIT, TOCSIN, FPING, PACED, WHO_COUNT };
static const char *const names[] = { "limit", "tocsin", "fping",
	"tocsin-paced" };

static int
child(enum who who, struct plan *p)
{
	if (who == LIMIT)
		return limit_main(p->n);
	if (freopen("/dev/null", "w", stdout) == NULL ||
	    freopen("/dev/null", "w", stderr) == NULL)
		return 1;
	if (who == TOCSIN)
		execl(p->sweep, p->sweep, "-t", "5s", "-f", p->targets, NULL);
	if (who == PACED)
		execl(p->sweep, p->sweep, "-t", "5s", "-r", p->rate, "-f",
			p->targets, NULL);
	if (who == FPING)
		execlp("fping", "fping", "-a", "-r", "0", "-i", "0", "-t", "500",
			"-f", p->targets, NULL);
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

	for (unsigned i = 0; i <= p->rounds; i++) {	/* the first warms up */
		for (int who = 0; who < WHO_COUNT; who++) {
			double v = who == PACED && i > 1 ? got[PACED][0] :
				measure((enum who)who, p);

			got[who][i > 0 ? i - 1 : 0] = v;
		}
	}
	for (int who = 0; who < WHO_COUNT; who++) {
		double v;

		measure_sort(got[who], p->rounds);
		v = got[who][p->rounds / 2];
		if (who == LIMIT)
			limit = v;
		if (v < 0.0)
			printf("bench_ping %s: not measured\n", names[who]);
		else
			printf("bench_ping %s cpu_s_per_1000=%.6f "
				"of_limit=%.2f targets=%u\n", names[who], v,
				v / limit, p->n);
	}
	return got[TOCSIN][0] < 0.0;
}

int
main(int argc, char **argv)
{
	char path[4096], targets[] = "/tmp/bench_ping-XXXXXX";
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
	/* some every 10 ms, as an engine has them, for 4 s */
	snprintf(p.rate, sizeof(p.rate), "%u", p.n / 4 > 0 ? p.n / 4 : 1);
	if (!own_network()) {
		printf("bench_ping: skipped, needs root: %s\n", strerror(errno));
		return 0;
	}
	fd = mkstemp(targets);
	if (fd < 0 || write_targets(&p, fd) < 0)
		return 1;
	rc = compare(&p);
	unlink(targets);
	return rc;
}
