/*
 * One helper process, or one connection to it.
 */
#include "probes/smart/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

/* between the end of its input and the kill */
#define LEAVE_MS 1000
#define READ_STEP_BYTES ((size_t)65536)

int
client_init(struct client *c, const char *helper, const char *replay)
{
	*c = (struct client){ .fd = -1, .helper = mem_strdup(helper),
		.replay = mem_strdup(replay) };
	if (c->helper != NULL && c->replay != NULL)
		return 0;
	client_fini(c);
	return TC_ENOMEM;
}

void
client_fini(struct client *c)
{
	client_drop(c);
	strbuf_free(&c->in);
	mem_free(c->helper);
	mem_free(c->replay);
	c->helper = c->replay = NULL;
}

bool
client_is_for(const struct client *c, const char *helper, const char *replay)
{
	return c->helper != NULL && strcmp(c->helper, helper) == 0 &&
		strcmp(c->replay, replay) == 0;
}

static void
end_process(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0 || poll(&p, 1, LEAVE_MS) <= 0)
		(void)kill(pid, SIGKILL);
	/* the helper itself never waits in the kernel: its children do */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		(void)close(pidfd);
}

void
client_drop(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	if (c->pid > 0)
		end_process(c->pid);
	c->fd = -1;
	c->pid = 0;
	c->at = 0;
	strbuf_reset(&c->in);
}

static int
connect_to(struct client *c, struct tc_err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(c->helper) >= sizeof(to.sun_path))
		return tc_fail(e, TC_EINVAL, "%s: too long for a socket",
			c->helper);
	memcpy(to.sun_path, c->helper, strlen(c->helper) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return tc_fail_errno(e, errno, "no socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		err = errno;
		(void)close(fd);
		return tc_fail_errno(e, err, "%s", c->helper);
	}
	c->fd = fd;
	return 0;
}

static int
spawn_with(struct client *c, int theirs, posix_spawn_file_actions_t *files,
	posix_spawnattr_t *attr)
{
	char replay_option[] = "--replay";
	char *const plain[] = { c->helper, NULL };
	char *const replayed[] = { c->helper, replay_option, c->replay, NULL };
	char *const environment[] = { NULL };
	sigset_t none, pipe_only;
	int err;

	(void)sigemptyset(&none);
	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	if ((err = posix_spawn_file_actions_adddup2(files, theirs, 0)) != 0 ||
	    (err = posix_spawn_file_actions_adddup2(files, theirs, 1)) != 0 ||
	    (err = posix_spawn_file_actions_addclosefrom_np(files, 3)) != 0 ||
	    (err = posix_spawnattr_setsigmask(attr, &none)) != 0 ||
	    (err = posix_spawnattr_setsigdefault(attr, &pipe_only)) != 0 ||
	    (err = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
		POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)) != 0)
		return err;
	return posix_spawn(&c->pid, c->helper, files, attr,
		c->replay[0] != '\0' ? replayed : plain, environment);
}

static int
spawn_it(struct client *c, struct tc_err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int pair[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return tc_fail_errno(e, errno, "no socket pair");
	if ((err = posix_spawn_file_actions_init(&files)) != 0)
		goto out_pair;
	if ((err = posix_spawnattr_init(&attr)) != 0)
		goto out_files;
	err = spawn_with(c, pair[1], &files, &attr);
	(void)posix_spawnattr_destroy(&attr);
out_files:
	(void)posix_spawn_file_actions_destroy(&files);
out_pair:
	(void)close(pair[1]);
	if (err != 0) {
		c->pid = 0;
		(void)close(pair[0]);
		return tc_fail_errno(e, err, "%s", c->helper);
	}
	c->fd = pair[0];
	return 0;
}

static int
start(struct client *c, struct tc_err *e)
{
	struct stat st;

	if (c->fd >= 0)
		return 0;
	if (stat(c->helper, &st) < 0)
		return tc_fail_errno(e, errno, "%s", c->helper);
	return S_ISSOCK(st.st_mode) ? connect_to(c, e) : spawn_it(c, e);
}

static int
wait_for(struct client *c, short events, struct tc_err *e)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int64_t left_ns = c->due_ns - c->mono_ns(c->arg);
	int ms, ready;

	if (left_ns <= 0)
		return tc_fail(e, TC_ETIMEOUT, "the helper did not answer in time");
	ms = left_ns / 1000000 > 600000 ? 600000 : (int)(left_ns / 1000000) + 1;
	ready = poll(&p, 1, ms);
	if (ready < 0 && errno != EINTR)
		return tc_fail_errno(e, errno, "the helper");
	/* not ready: the clock decides, at the next call */
	return 0;
}

static int
send_text(struct client *c, const char *text, struct tc_err *e)
{
	size_t n = strlen(text);
	int rc;

	while (n > 0) {
		ssize_t put = send(c->fd, text, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put > 0) {
			text += put;
			n -= (size_t)put;
			continue;
		}
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return tc_fail_errno(e, errno, "the helper is gone");
		if ((rc = wait_for(c, POLLOUT, e)) < 0)
			return rc;
	}
	return 0;
}

/* Reads until `n` unused bytes are there (0: some more than now). */
static int
fill(struct client *c, size_t n, struct tc_err *e)
{
	size_t had = c->in.n;
	int rc;

	while (n != 0 ? c->in.n - c->at < n : c->in.n == had) {
		char *to = strbuf_reserve(&c->in, READ_STEP_BYTES);
		ssize_t got;

		if (to == NULL)
			return tc_fail(e, TC_ENOMEM, "out of memory");
		got = recv(c->fd, to, READ_STEP_BYTES, MSG_DONTWAIT);
		if (got > 0) {
			c->in.n += (size_t)got;
			continue;
		}
		if (got == 0)
			return tc_fail(e, TC_EIO, "the helper ended");
		if (errno != EAGAIN && errno != EINTR)
			return tc_fail_errno(e, errno, "the helper");
		if ((rc = wait_for(c, POLLIN, e)) < 0)
			return rc;
	}
	return 0;
}

/* The next line, without its newline; valid until the next fill(). */
static int
next_line(struct client *c, const char **line, size_t *n, struct tc_err *e)
{
	size_t looked = 0;
	int rc;

	for (;;) {
		const char *from = c->in.p + c->at;
		const char *end = c->in.n - c->at > looked ?
			memchr(from + looked, '\n', c->in.n - c->at - looked) :
			NULL;

		if (end != NULL) {
			*line = from;
			*n = (size_t)(end - from);
			c->at += *n + 1;
			return 0;
		}
		looked = c->in.n - c->at;
		if (looked > SMART_HELPER_REPLY_MAX)
			return tc_fail(e, TC_EPROTO, "a line too long");
		if ((rc = fill(c, 0, e)) < 0)
			return rc;
	}
}

/* Sends a request and reads the line of its reply. */
static int
ask(struct client *c, const char *request, const char **line, size_t *n,
	struct tc_err *e)
{
	int rc;

	if ((rc = start(c, e)) < 0 || (rc = send_text(c, request, e)) < 0)
		return rc;
	strbuf_reset(&c->in);
	c->at = 0;
	if (strbuf_reserve(&c->in, READ_STEP_BYTES) == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	return next_line(c, line, n, e);
}

int
client_list(struct client *c, struct smart_helper_list *out, struct tc_err *e)
{
	const char *line;
	size_t n;
	int rc;

	if ((rc = ask(c, "list\n", &line, &n, e)) < 0 ||
	    (rc = smart_helper_get_devices(line, n, out, e)) < 0)
		client_drop(c);
	return rc;
}

static int
take_data(struct client *c, size_t n, struct strbuf *data, struct tc_err *e)
{
	int rc;

	strbuf_reset(data);
	if (n == 0)
		return 0;
	if ((rc = fill(c, n + 1, e)) < 0)
		return rc;
	strbuf_add(data, c->in.p + c->at, n);
	if (data->failed)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	if (c->in.p[c->at + n] != '\n')
		return tc_fail(e, TC_EPROTO, "a reading without its end");
	return 0;
}

int
client_read(struct client *c, uint32_t id, struct smart_helper_reading *r,
	struct strbuf *data, struct tc_err *e)
{
	struct smart_helper_reading got;
	char request[32];
	const char *line;
	size_t n;
	int rc;

	(void)snprintf(request, sizeof(request), "read %u\n", (unsigned)id);
	if ((rc = ask(c, request, &line, &n, e)) < 0 ||
	    (rc = smart_helper_get_reading(line, n, &got, e)) < 0)
		goto out;
	if (got.id != id)
		rc = tc_fail(e, TC_EPROTO, "asked for %u, got %u", (unsigned)id,
			(unsigned)got.id);
	if (rc == 0)
		rc = take_data(c, (size_t)got.bytes, data, e);
	if (rc == 0)
		*r = got;
out:
	if (rc < 0)
		client_drop(c);
	return rc;
}
