/*
 * What checks of http, tls and dns cost: CPU seconds a 1,000 of them, of the
 * plugin in its host (tocsin-sweep), against quick servers on loopback
 * (libmicrohttpd, a UDP echo that answers), beside a bare loop of system calls.
 * The servers' own cost is not in it.
 *
 *	bench_net_probes [CHECKS [ROUNDS]]
 */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "t/bench/measure.h"
#include "t/lib/certs.h"
#include "t/lib/scratch.h"

#define ROUNDS_MAX 99

struct bench {
	const char *sweep;
	unsigned n;
	unsigned rounds;
	char dir[64];
	struct MHD_Response *page;
	uint16_t http;
	uint16_t https;
	uint16_t dns;
};

/* ---- servers, in a process of their own ---- */

static enum MHD_Result
answer(void *cls, struct MHD_Connection *c, const char *url, const char *method,
	const char *version, const char *data, size_t *n, void **own) /* lint: MHD's */
{
	(void)url;
	(void)method;
	(void)version;
	(void)data;
	(void)n;
	(void)own;
	return MHD_queue_response(c, MHD_HTTP_OK, cls);
}

static uint16_t
port_of(struct MHD_Daemon *d)
{
	const union MHD_DaemonInfo *info = d != NULL ?
		MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;

	return info != NULL ? info->port : 0;
}

static void
answer_dns(int fd)
{
	static const uint8_t a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4,
		192, 0, 2, 1 };
	struct sockaddr_in from;
	uint8_t p[1024];

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, p, 512, 0, (struct sockaddr *)&from, &len);

		if (n < 12)
			continue;
		p[2] |= 0x80;
		p[7] = 1;
		memcpy(p + n, a, sizeof(a));
		sendto(fd, p, (size_t)n + sizeof(a), 0,
			(struct sockaddr *)&from, len);
	}
}

static int
serve(struct bench *b, int tell)
{
	static char page[] = "hello from the server\n";
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD;
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct strbuf cert = { 0 }, key = { 0 };
	socklen_t len = sizeof(at);
	char path[128];
	uint16_t ports[3];

	b->page = MHD_create_response_from_buffer(sizeof(page) - 1, page,
		MHD_RESPMEM_PERSISTENT);
	snprintf(path, sizeof(path), "%s/b.pem", b->dir);
	file_slurp(path, 0, &cert, NULL);
	snprintf(path, sizeof(path), "%s/b.key", b->dir);
	file_slurp(path, 0, &key, NULL);
	ports[0] = port_of(MHD_start_daemon(flags, 0, NULL, NULL, answer, b->page,
		MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u,
		MHD_OPTION_CONNECTION_LIMIT, 8192u, MHD_OPTION_END));
	ports[1] = port_of(MHD_start_daemon(flags | MHD_USE_TLS, 0, NULL, NULL,
		answer, b->page, MHD_OPTION_HTTPS_MEM_CERT, strbuf_str(&cert),
		MHD_OPTION_HTTPS_MEM_KEY, strbuf_str(&key),
		MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u,
		MHD_OPTION_CONNECTION_LIMIT, 8192u, MHD_OPTION_END));
	if (bind(fd, (struct sockaddr *)&at, len) < 0)
		return 1;
	getsockname(fd, (struct sockaddr *)&at, &len);
	ports[2] = ntohs(at.sin_port);
	if (write(tell, ports, sizeof(ports)) != sizeof(ports))
		return 1;
	answer_dns(fd);
	return 0;
}

/* ---- the limit: system calls, and nothing else ---- */

static int
limit_main(const struct bench *b)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: x\r\n"
		"Connection: close\r\n\r\n";
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(b->http) };
	char buf[4096];

	for (unsigned i = 0; i < b->n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		    send(fd, ask, sizeof(ask) - 1, 0) < 0)
			return 1;
		while (recv(fd, buf, sizeof(buf), 0) > 0)
			;
		close(fd);
	}
	return 0;
}

/* ---- runs ---- */

enum who { LIMIT, HTTP, HTTP_BODY, HTTPS, TLS, DNS, WHO_COUNT };
static const char *const names[] = { "limit", "http", "http+match",
	"https", "tls", "dns" };

static int
child(enum who who, const struct bench *b)
{
	static const char *const probes[] = { "", "http", "http", "http", "tls",
		"dns" };
	const uint16_t ports[] = { 0, b->http, b->http, b->https, b->https,
		b->dns };
	const char *more[] = { "method=GET", "method=GET",
		"match=^hello [a-z ]+$", "tls=true", "min_days=0", "name=a.test" };
	const char *verify = who == HTTPS || who == TLS ? "verify=false" :
		more[who];
	char dir[4096], port[32], rate[16], targets[128];

	if (who == LIMIT)
		return limit_main(b);
	if (freopen("/dev/null", "w", stdout) == NULL)
		return 1;
	snprintf(dir, sizeof(dir), "probes/%s/.libs", probes[who]);
	snprintf(port, sizeof(port), "port=%u", ports[who]);
	/* some every 10 ms, as an engine has them */
	snprintf(rate, sizeof(rate), "%u", who == HTTPS || who == TLS ? 300u :
		1000u);
	snprintf(targets, sizeof(targets), "%s/targets", b->dir);
	execl(b->sweep, b->sweep, "-d", dir, "-p", probes[who], "-o", port, "-o",
		more[who], "-o", verify, "-t", "5s", "-r", rate, "-f", targets,
		NULL);
	return 127;
}

/* CPU seconds a 1,000 checks; negative when it did not work. */
static double
measure(enum who who, const struct bench *b)
{
	double cpu;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(child(who, b));
	cpu = measure_child(pid);
	return cpu < 0 ? cpu : cpu * 1000.0 / b->n;
}

static void
compare(const struct bench *b)
{
	double got[ROUNDS_MAX], limit = 0.0;

	for (int who = 0; who < WHO_COUNT; who++) {
		for (unsigned i = 0; i < b->rounds; i++)
			got[i] = measure((enum who)who, b);
		measure_sort(got, b->rounds);
		if (who == LIMIT)
			limit = got[b->rounds / 2];
		if (got[0] < 0.0)
			printf("bench_net_probes %s: not measured\n", names[who]);
		else
			printf("bench_net_probes %s cpu_s_per_1000=%.4f "
				"of_limit=%.2f checks=%u\n", names[who],
				got[b->rounds / 2], got[b->rounds / 2] / limit,
				b->n);
	}
}

static bool
prepare(struct bench *b)
{
	struct cert_want want = { .name = "b", .dns = "DNS:b.test",
		.to_days = 9 };
	char path[128];
	FILE *f;

	snprintf(b->dir, sizeof(b->dir), "/tmp/bench_net-XXXXXX");
	if (mkdtemp(b->dir) == NULL)
		return false;
	cert_make(b->dir, &want);
	snprintf(path, sizeof(path), "%s/targets", b->dir);
	f = fopen(path, "w");
	for (unsigned i = 0; f != NULL && i < b->n; i++)
		fprintf(f, "127.0.0.1\n");
	return f != NULL && fclose(f) == 0;
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	struct bench b = { .n = 2000, .rounds = 3 };
	char sweep[4096];
	uint16_t ports[3];
	int tell[2];
	pid_t pid;

	if (argc > 1)
		b.n = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		b.rounds = (unsigned)strtoul(argv[2], NULL, 10);
	if (b.n == 0 || b.rounds == 0 || b.rounds > ROUNDS_MAX)
		return 2;
	snprintf(sweep, sizeof(sweep), "%.*stocsin-sweep",
		slash != NULL ? (int)(slash - argv[0] + 1) : 0, argv[0]);
	b.sweep = sweep;
	if (!prepare(&b) || pipe(tell) < 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(serve(&b, tell[1]));
	}
	if (pid > 0 && read(tell[0], ports, sizeof(ports)) == sizeof(ports)) {
		b.http = ports[0];
		b.https = ports[1];
		b.dns = ports[2];
		compare(&b);
	}
	if (pid > 0)
		kill(pid, SIGKILL);
	scratch_remove(b.dir);
	return 0;
}
