#include "sched/orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"

#define LIST_BYTES 4096		/* some 600 processes a look */
#define ENVIRON_BYTES 16384

int
orphans_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0 ? -errno : 0;
}

static ssize_t
read_some(const char *path, char *into, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, into, size);
	close(fd);
	return n;
}

static bool
mark_of(pid_t pid, uint64_t *mark)
{
	const size_t key_n = strlen(ORPHAN_MARK);
	char path[64], env[ENVIRON_BYTES + 1];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	n = read_some(path, env, ENVIRON_BYTES);
	if (n < 0)
		return false;
	env[n] = '\0';
	for (char *p = env; p < env + n; p += strlen(p) + 1) {
		if (strncmp(p, ORPHAN_MARK, key_n) == 0 &&
		    u64_parse(p + key_n, strlen(p + key_n), mark) == 0)
			return true;
	}
	return false;
}

/* True when there is more to do for it. */
static bool
end_one(const struct orphan_view *view, pid_t pid)
{
	uint64_t mark;

	if (waitpid(pid, NULL, WNOHANG) != 0)
		return false;
	if (!mark_of(pid, &mark) || view->is_running(view->arg, mark))
		return false;
	/* Its group too, if it leads one. */
	if (getpgid(pid) == pid)
		kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	return true;
}

/* Orphans go to the first thread, whose number is the process's. */
size_t
orphans_sweep(const struct orphan_view *view)
{
	char path[64], list[LIST_BYTES + 1];
	size_t left = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children",
		(int)getpid());
	n = read_some(path, list, LIST_BYTES);
	if (n <= 0)
		return 0;
	list[n] = '\0';
	for (char *p = list; *p != '\0';) {
		size_t len = strcspn(p, " ");
		uint64_t pid;

		/* One that is cut off by the buffer is for the next look. */
		if (p[len] == '\0')
			return left + 1;
		if (u64_parse(p, len, &pid) == 0 &&
		    !view->is_child(view->arg, (pid_t)pid))
			left += end_one(view, (pid_t)pid);
		p += len + 1;
	}
	return left;
}
