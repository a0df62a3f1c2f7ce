#include "t/lib/net_rig.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/reason.h"

#define PATIENCE_S 180
#define OPTIONS_MAX 32

/* ---- the probe ---- */

static void
give_up(void *arg, struct mono now)
{
	struct net_rig *rig = arg;

	(void)now;
	rig->gave_up = true;
	sched_stop(rig->s);
}

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct net_rig *rig = arg;
	struct net_got *g = &rig->got;

	(void)check;
	(void)seq;
	*g = (struct net_got){ .outcome = ob->outcome, .reason = ob->reason };
	snprintf(g->text, sizeof(g->text), "%s", ob->text);
	for (; g->n < ob->n_metrics && g->n < ARRAY_LEN(g->metrics); g->n++) {
		snprintf(g->metrics[g->n].name, sizeof(g->metrics[0].name), "%s",
			ob->metrics[g->n].name);
		g->metrics[g->n].value = metric_number(&ob->metrics[g->n]);
	}
	rig->by_outcome[ob->outcome]++;
	ck_assert(last);
	if (--rig->left == 0)
		sched_stop(rig->s);
}

void
net_rig_open(struct net_rig *rig, const char *probe)
{
	const char *build = getenv("top_builddir");
	struct tc_err e = { 0 };
	char dir[4096];
	struct runner_conf conf = { .clock = clock_system(), .plugin_dir = dir,
		.on_result = on_result, .arg = rig };

	snprintf(dir, sizeof(dir), "%s/probes/%s/.libs",
		build != NULL ? build : ".", probe);
	*rig = (struct net_rig){ .probe = probe, .timeout_ms = 2000 };
	rig->s = sched_new(&e);
	ck_assert_msg(rig->s != NULL, "%s", e.text);
	conf.sched = rig->s;
	rig->r = runner_new(&conf, &e);
	ck_assert_msg(rig->r != NULL, "%s", e.text);
	ck_assert_msg(runner_load(rig->r, probe, &e) == 0, "%s", e.text);
	sched_timer_init(&rig->patience, give_up, rig);
}

void
net_rig_close(struct net_rig *rig)
{
	struct runner_stats stats;

	runner_stats(rig->r, &stats);
	ck_assert_uint_eq(stats.bad_slots, 0);
	ck_assert_uint_eq(stats.bad_metrics, 0);
	ck_assert_uint_eq(stats.bad_reports, 0);
	ck_assert_uint_eq(stats.timeouts, 0);
	rig->call_max_ns = stats.call_max_ns;
	runner_free(rig->r);
	sched_free(rig->s);
}

static void
set_option(const struct tocsin_opt *rows, const char *option,
	struct tocsin_value *values)
{
	size_t len = strcspn(option, "="), at = 0;
	struct tc_err e = { 0 };

	while (rows[at].name != NULL && (strlen(rows[at].name) != len ||
	    strncmp(rows[at].name, option, len) != 0))
		at++;
	ck_assert_msg(rows[at].name != NULL, "%s: no such option", option);
	ck_assert_msg(runner_opt_parse(&rows[at], option + len + 1, &values[at],
		&e) == 0, "%s: %s", option, e.text);
}

static void
start(struct net_rig *rig, const char *address, size_t n,
	const char *const *options)
{
	const struct tocsin_opt *rows = runner_opts(rig->r, rig->probe);
	const struct tocsin_value *dflt = runner_defaults(rig->r, rig->probe);
	struct engine_run *runs = mem_alloc_array(n, sizeof(*runs));
	struct tocsin_value values[OPTIONS_MAX] = { 0 };
	size_t n_rows = 0;

	ck_assert_ptr_nonnull(runs);
	while (rows[n_rows].name != NULL)
		n_rows++;
	ck_assert_uint_le(n_rows, OPTIONS_MAX);
	memcpy(values, dflt, n_rows * sizeof(values[0]));
	for (; *options != NULL; options++)
		set_option(rows, *options, values);
	for (size_t i = 0; i < n; i++)
		runs[i] = (struct engine_run){ .check = (uint32_t)i, .host = "h",
			.address = address, .probe = rig->probe,
			.opt_rows = rows, .opts = values,
			.timeout = dur_ms(rig->timeout_ms) };
	rig->left = n;
	memset(rig->by_outcome, 0, sizeof(rig->by_outcome));
	runner_start(rig->r, runs, n);
	mem_free(runs);
}

void
net_rig_run(struct net_rig *rig, const char *address, size_t n,
	const char *const *options)
{
	start(rig, address, n, options);
	sched_at(rig->s, &rig->patience,
		mono_add(sched_now(rig->s), dur_s(PATIENCE_S)));
	sched_run(rig->s);
	sched_cancel(rig->s, &rig->patience);
	ck_assert_msg(!rig->gave_up, "%zu results are missing", rig->left);
}

static void
stop_soon(void *arg, struct mono now)
{
	struct net_rig *rig = arg;

	(void)now;
	sched_stop(rig->s);
}

void
net_rig_drop(struct net_rig *rig, const char *address, size_t n,
	const char *const *options)
{
	struct sched_timer soon;

	start(rig, address, n, options);
	sched_timer_init(&soon, stop_soon, rig);
	sched_at(rig->s, &soon, mono_add(sched_now(rig->s), dur_ms(20)));
	sched_run(rig->s);
	runner_free(rig->r);
	sched_free(rig->s);
}

double
net_rig_value(const struct net_rig *rig, const char *name)
{
	for (size_t i = 0; i < rig->got.n; i++) {
		if (strcmp(rig->got.metrics[i].name, name) == 0)
			return rig->got.metrics[i].value;
	}
	return (double)NAN;
}

void
net_rig_expect(const struct net_rig *rig, const char *reason, const char *words)
{
	const struct net_got *g = &rig->got;

	ck_assert_msg(strcmp(reason_id(g->reason), reason) == 0 &&
		strstr(g->text, words) != NULL, "%s '%s', wanted %s '…%s…'",
		reason_id(g->reason), g->text, reason, words);
}

const char *
net_option(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return buf;
}

/* ---- peers ---- */

static int
bound(int type, uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(*port) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), yes = 1;

	ck_assert_int_ge(fd, 0);
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&at, &n);
	*port = ntohs(at.sin_port);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 1024), 0);
	return fd;
}

static pid_t
child(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
	}
	return pid;
}

/* A child for each connection; nobody waits for them. */
static void
serve(int fd, net_peer_fn *handle, void *arg)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGCHLD, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	for (;;) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (peer >= 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			handle(peer, arg);
			close(peer);
			_exit(0);
		}
		if (peer >= 0)
			close(peer);
	}
}

void
net_peer_tcp(struct net_peer *p, net_peer_fn *handle, void *arg)
{
	int fd;

	p->port = 0;
	fd = bound(SOCK_STREAM, &p->port);
	p->pid = child();
	if (p->pid == 0)
		serve(fd, handle, arg);
	close(fd);
}

void
net_peer_udp(struct net_peer *p, net_peer_fn *handle, void *arg)
{
	int fd;

	p->port = 0;
	fd = bound(SOCK_DGRAM, &p->port);
	p->pid = child();
	if (p->pid == 0) {
		handle(fd, arg);
		_exit(0);
	}
	close(fd);
}

void
net_peer_both(struct net_peer *p, net_peer_fn *handle, net_peer_fn *also,
	void *arg)
{
	int udp, tcp;

	do {
		p->port = 0;
		tcp = bound(SOCK_STREAM, &p->port);
		udp = bound(SOCK_DGRAM, &p->port);
		if (udp < 0)
			close(tcp);
	} while (udp < 0);
	p->pid = child();
	if (p->pid == 0) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			handle(udp, arg);
			_exit(0);
		}
		serve(tcp, also, arg);
	}
	close(tcp);
	close(udp);
}

void
net_peer_full(struct net_peer *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd;

	p->port = 0;
	fd = bound(SOCK_STREAM, &p->port);
	at.sin_port = htons(p->port);
	ck_assert_int_eq(listen(fd, 0), 0);
	p->pid = child();
	if (p->pid == 0) {
		for (;;)
			pause();
	}
	close(fd);
	/* They stay open as long as the test does. */
	for (int i = 0; i < 4; i++) {
		int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);

		(void)connect(c, (struct sockaddr *)&at, sizeof(at));
	}
}

uint16_t
net_free_port(void)
{
	uint16_t port = 0;
	int fd = bound(SOCK_STREAM, &port);

	close(fd);
	return port;
}

bool
net_peer_program(struct net_peer *p, const char *const *argv)
{
	char path[256];
	const char *const dirs[] = { "/usr/bin", "/usr/sbin", "/bin", "/sbin" };
	int null;

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], argv[0]);
		if (access(path, X_OK) == 0)
			break;
		path[0] = '\0';
	}
	if (path[0] == '\0') {
		printf("skipped: no %s here\n", argv[0]);
		return false;
	}
	p->pid = child();
	if (p->pid != 0)
		return true;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3 && getenv("NET_RIG_NOISY") == NULL; i++)
		dup2(null, i);
	execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

bool
net_peer_wait(const struct net_peer *p)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(p->port) };

	for (int i = 0; i < 500; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool up = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;

		close(fd);
		if (up)
			return true;
		if (waitpid(p->pid, NULL, WNOHANG) != 0)
			return false;
		poll(NULL, 0, 20);
	}
	return false;
}

void
net_peer_end(struct net_peer *p)
{
	if (p->pid <= 0)
		return;
	/* The group: a peer has a child for each connection. */
	kill(-p->pid, SIGKILL);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	p->pid = 0;
}
