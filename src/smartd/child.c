/*
 * fork, watch, kill.
 */
#include "smartd/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* after SIGKILL; what is not dead by then hangs in the kernel */
#define KILL_WAIT_MS 500
#define READ_STEP_BYTES ((size_t)16384)

static struct mono
now(void)
{
	struct clock *c = clock_system();

	return c->mono(c);
}

/* ≥ 0, rounded up, as poll() wants it. */
static int
ms_until(struct mono due)
{
	int64_t ns = mono_diff(due, now()).ns;

	if (ns <= 0)
		return 0;
	return ns / 1000000 >= 1000000 ? 1000000 : (int)(ns / 1000000) + 1;
}

static void
be_child(const struct child_conf *conf, int out)
{
	char search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char language[] = "LC_ALL=C";
	char *const environment[] = { search, language, NULL };
	const struct rlimit no_core = { 0, 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 2) < 0 ||
	    dup2(out, 1) < 0 || close_range(3, ~0U, 0) < 0)
		_exit(CHILD_NO_EXEC);
	if (conf->argv == NULL)
		_exit(conf->fn(conf->arg, 1));
	/* execve() promises in words not to write what it points to */
	(void)execve(conf->argv[0], (char *const *)conf->argv, environment);
	_exit(CHILD_NO_EXEC);
}

/* Reads until the end, the deadline or the bound. */
static enum child_end
listen_to(int fd, const struct child_conf *conf, struct mono due,
	struct strbuf *out)
{
	size_t start = out->n;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int ready = poll(&p, 1, ms_until(due));
		char *to;
		ssize_t got;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return CHILD_TIMEOUT;
		to = strbuf_reserve(out, READ_STEP_BYTES);
		if (to == NULL)
			return CHILD_TOO_BIG;
		got = read(fd, to, READ_STEP_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return CHILD_EXITED;
		to[got] = '\0';
		out->n += (size_t)got;
		if (out->n - start > conf->max_bytes)
			return CHILD_TOO_BIG;
	}
}

/* True when the child is dead (not yet reaped) before `due`. */
static bool
dies_before(pid_t pid, int pidfd, struct mono due)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	siginfo_t info = { 0 };

	/* a machine without pidfd_open: look once, the kill follows at once */
	while (pidfd >= 0 && poll(&p, 1, ms_until(due)) < 0 && errno == EINTR)
		;
	return waitid(P_PID, (id_t)pid, &info,
		WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void
end_child(pid_t pid, struct mono due, struct child_result *r)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct clock *c = clock_system();
	int status = 0;

	if (r->end == CHILD_EXITED && !dies_before(pid, pidfd, due))
		r->end = CHILD_TIMEOUT;
	/* while the child is not reaped nobody else can have its group */
	(void)kill(-pid, SIGKILL);
	(void)kill(pid, SIGKILL);
	if (!dies_before(pid, pidfd, mono_add(c->mono(c), dur_ms(KILL_WAIT_MS)))) {
		r->hangs = pid;
	} else if (waitpid(pid, &status, 0) == pid && r->end == CHILD_EXITED) {
		if (WIFSIGNALED(status))
			r->end = CHILD_SIGNALED;
		r->code = WIFSIGNALED(status) ? WTERMSIG(status) :
			WEXITSTATUS(status);
	}
	if (pidfd >= 0)
		(void)close(pidfd);
}

int
child_run(const struct child_conf *conf, struct strbuf *out,
	struct child_result *result, struct tc_err *e)
{
	struct mono due = mono_add(now(), conf->deadline);
	struct child_result r = { 0 };
	int pipe_fd[2];
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return tc_fail_errno(e, errno, "no pipe");
	pid = fork();
	if (pid < 0) {
		int err = errno;

		(void)close(pipe_fd[0]);
		(void)close(pipe_fd[1]);
		return tc_fail_errno(e, err, "no child");
	}
	if (pid == 0)
		be_child(conf, pipe_fd[1]);
	/* both sides do it: whoever comes first */
	(void)setpgid(pid, pid);
	(void)close(pipe_fd[1]);
	r.end = listen_to(pipe_fd[0], conf, due, out);
	(void)close(pipe_fd[0]);
	end_child(pid, due, &r);
	*result = r;
	return 0;
}

bool
child_is_gone(pid_t pid)
{
	pid_t got = waitpid(pid, NULL, WNOHANG);

	return got == pid || (got < 0 && errno == ECHILD);
}
