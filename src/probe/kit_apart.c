/*
 * The kit in a child of its own: what it tells comes through a pipe, one line
 * a thing tried, "title\twhat".
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "probe/kit.h"

#define LINES_BYTES 65536

static void
tell_line(void *arg, const char *title, const char *what)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s\t%.900s\n", title,
		what != NULL ? what : "");

	for (char *p = line; p < line + n - 1; p++)
		if (*p == '\n')
			*p = ' ';
	(void)!write(*(int *)arg, line, (size_t)n);
}

static void
be_child(const struct kit_conf *conf, int fd)
{
	struct kit_conf mine = *conf;
	struct tc_err e = { 0 };

	mine.tell = tell_line;
	mine.arg = &fd;
	if (kit_test(&mine, &e) < 0)
		tell_line(&fd, "!", e.text);
	else
		tell_line(&fd, ".", NULL);
	_exit(0);
}

/* Reads on until the child has ended (true) or the time is over. */
static bool
listen_to(int fd, unsigned patience_s, struct strbuf *out)
{
	struct clock *clock = clock_system();
	struct mono until = mono_add(clock->mono(clock), dur_s(patience_s));
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;) {
		int64_t left_ns = mono_diff(until, clock->mono(clock)).ns;
		char *to = strbuf_reserve(out, 4096);
		ssize_t n;

		if (to == NULL || out->n > LINES_BYTES || left_ns <= 0 ||
		    poll(&p, 1, (int)(left_ns / 1000000) + 1) <= 0)
			return false;
		n = read(fd, to, 4096);
		if (n <= 0)
			return true;
		out->n += (size_t)n;
		/* a thread of the plugin may hold the pipe open */
		if (out->n >= 3 && memcmp(out->p + out->n - 3, ".\t\n", 3) == 0)
			return true;
	}
}

struct told {
	const struct kit_conf *conf;
	int defects;
	bool finished;
};

static int
take_line(struct told *t, char *line, struct tc_err *e)
{
	char *tab = strchr(line, '\t');

	if (tab == NULL)
		return 0;
	*tab++ = '\0';
	if (strcmp(line, ".") == 0) {
		t->finished = true;
		return 0;
	}
	if (strcmp(line, "!") == 0)
		return tc_fail(e, TC_EINVAL, "%s", tab);
	t->defects += *tab != '\0';
	t->conf->tell(t->conf->arg, line, *tab != '\0' ? tab : NULL);
	return 0;
}

static int
take_lines(struct told *t, struct strbuf *text, struct tc_err *e)
{
	char *line = text->n > 0 ? text->p : NULL;
	int rc = 0;

	while (line != NULL && line < text->p + text->n && rc == 0) {
		char *end = memchr(line, '\n',
			(size_t)(text->p + text->n - line));

		if (end == NULL)
			break;
		*end = '\0';
		rc = take_line(t, line, e);
		line = end + 1;
	}
	return rc;
}

static void
tell_end(struct told *t, int status)
{
	char text[128];

	if (t->finished)
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		snprintf(text, sizeof(text), "crashed: %s",
			sigdescr_np(WTERMSIG(status)));
	else if (WIFEXITED(status))
		snprintf(text, sizeof(text), "ended the process with status %d",
			WEXITSTATUS(status));
	else
		snprintf(text, sizeof(text), "did not come back");
	t->defects++;
	t->conf->tell(t->conf->arg, "survival", text);
}

int
kit_test_apart(const struct kit_conf *conf, unsigned patience_s,
	struct tc_err *e)
{
	struct told told = { .conf = conf };
	struct strbuf text = { 0 };
	int ends[2], status = 0, rc;
	pid_t pid;

	if (pipe(ends) < 0)
		return tc_fail_errno(e, errno, "a pipe");
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_child(conf, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return tc_fail_errno(e, errno, "a child");
	}
	if (!listen_to(ends[0], patience_s, &text))
		kill(pid, SIGKILL);
	close(ends[0]);
	waitpid(pid, &status, 0);
	rc = take_lines(&told, &text, e);
	if (rc == 0)
		tell_end(&told, status);
	strbuf_free(&text);
	return rc < 0 ? rc : told.defects;
}
