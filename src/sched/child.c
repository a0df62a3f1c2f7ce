#include "sched/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sched/orphan.h"
#include "sched/spawn.h"

#define EVENTS_A_TURN 64
#define READ_BYTES 4096
#define READS_A_TURN 32		/* a pipe holds 16 times as much */
#define FLOOD_FACTOR 64
#define SWEEP_AFTER dur_ms(200)
#define SWEEP_AGAIN dur_ms(50)

enum end_of { END_PID, END_OUT, END_ERR, END_COUNT };

/* What epoll gives back: which descriptor of which child. */
struct child_end {
	struct sched_child *child;
	enum end_of which;
	int fd;		/* −1 = closed */
};

struct sched_child {
	struct list link;
	struct sched_children *all;
	struct child_end ends[END_COUNT];
	pid_t pid;
	bool gone;	/* reaped; freed at the end of the turn */
	bool answered;
	bool cut;
	bool flood;
	int failed;
	size_t output_max;
	size_t seen;	/* bytes, kept or not */
	uint64_t mark;
	struct strbuf text[2];
	struct mono started;
	struct sched_timer deadline;
	void (*done)(void *arg, const struct sched_child_result *);
	void *arg;
};

/*
 * One epoll descriptor for all children, watched by the loop as one: a child
 * costs three EPOLL_CTL_ADD and three EPOLL_CTL_DEL, and no handle of libuv's.
 */
struct sched_children {
	struct sched *sched;
	int epoll_fd;
	int null_fd;
	struct sched_fd *watch;
	void *stack;
	struct list running;
	struct list dead;
	size_t n;
	bool adopts;
	struct sched_timer sweep;
};

static const char *const plain_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LC_ALL=C",
	NULL,
};

/* ---- what is left behind ---- */

static bool
is_child(void *arg, pid_t pid)
{
	struct sched_children *k = arg;

	for (struct list *l = k->running.next; l != &k->running; l = l->next)
		if (CONTAINER_OF(l, struct sched_child, link)->pid == pid)
			return true;
	return false;
}

static bool
is_running(void *arg, uint64_t mark)
{
	struct sched_children *k = arg;

	for (struct list *l = k->running.next; l != &k->running; l = l->next) {
		const struct sched_child *c =
			CONTAINER_OF(l, struct sched_child, link);

		if (c->mark == mark && !c->answered)
			return true;
	}
	return false;
}

static void
plan_sweep(struct sched_children *k, struct dur after)
{
	if (k->adopts && !sched_armed(&k->sweep))
		sched_at(k->sched, &k->sweep,
			mono_add(sched_now(k->sched), after));
}

static void
sweep(void *arg, struct mono now)
{
	struct sched_children *k = arg;
	struct orphan_view view = { is_child, is_running, k };

	(void)now;
	if (orphans_sweep(&view) > 0)
		plan_sweep(k, SWEEP_AGAIN);
}

int
sched_children_adopt(struct sched_children *k)
{
	int rc = orphans_adopt();

	k->adopts = rc == 0;
	return rc;
}

/* ---- the end of a child ---- */

/*
 * Closing alone does not take it out of the epoll set: a child spawned just
 * now may hold a copy until its exec is through.
 */
static void
close_end(struct child_end *end)
{
	if (end->fd >= 0) {
		epoll_ctl(end->child->all->epoll_fd, EPOLL_CTL_DEL, end->fd, NULL);
		close(end->fd);
	}
	end->fd = -1;
}

static void
bury(struct sched_child *c)
{
	sched_cancel(c->all->sched, &c->deadline);
	for (int i = 0; i < END_COUNT; i++)
		close_end(&c->ends[i]);
	c->gone = true;
	c->all->n--;
	list_remove(&c->link);
	list_add_tail(&c->all->dead, &c->link);
	plan_sweep(c->all, SWEEP_AFTER);
}

static void
free_dead(struct sched_children *k)
{
	while (!list_is_empty(&k->dead)) {
		struct sched_child *c =
			CONTAINER_OF(k->dead.next, struct sched_child, link);

		list_remove(&c->link);
		strbuf_free(&c->text[0]);
		strbuf_free(&c->text[1]);
		mem_free(c);
	}
}

static void
answer(struct sched_child *c, struct sched_child_result *res)
{
	struct mono now = sched_now(c->all->sched);

	if (c->answered)
		return;
	c->answered = true;
	res->out = strbuf_str(&c->text[0]);
	res->n_out = c->text[0].n;
	res->err = strbuf_str(&c->text[1]);
	res->n_err = c->text[1].n;
	res->cut = c->cut || c->text[0].failed || c->text[1].failed;
	res->flood = c->flood;
	res->took = mono_diff(now, c->started);
	c->done(c->arg, res);
}

/*
 * Reads what is there, up to a bound: a child may write faster than we read.
 * What is beyond the cap is thrown away; who does not stop is killed.
 */
static void
drain(struct sched_child *c, struct child_end *end)
{
	struct strbuf *text = &c->text[end->which - END_OUT];
	char bytes[READ_BYTES];
	ssize_t n;

	for (int i = 0; i < READS_A_TURN && end->fd >= 0; i++) {
		size_t room = c->output_max - text->n;

		n = read(end->fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_end(end);
			return;
		}
		if ((size_t)n > room)
			c->cut = true;
		strbuf_add(text, bytes, (size_t)n < room ? (size_t)n : room);
		c->seen += (size_t)n;
		if (c->seen / FLOOD_FACTOR > c->output_max && !c->flood) {
			c->flood = true;
			kill(-c->pid, SIGKILL);
		}
	}
}

static struct dur
cpu_of(const struct rusage *ru)
{
	return dur_ns((ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000000 +
		(ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) * 1000);
}

/* The leader has ended and is not reaped: its group's number is still its. */
static void
ended(struct sched_child *c)
{
	struct sched_child_result res = { .end = CHILD_EXITED };
	struct rusage ru = { 0 };
	int status = 0;

	kill(-c->pid, SIGKILL);
	drain(c, &c->ends[END_OUT]);
	drain(c, &c->ends[END_ERR]);
	while (wait4(c->pid, &status, 0, &ru) < 0 && errno == EINTR)
		;
	res.cpu = cpu_of(&ru);
	res.code = WEXITSTATUS(status);
	if (c->failed != 0) {
		res.end = CHILD_NOT_EXECUTED;
		res.code = c->failed;
	} else if (WIFSIGNALED(status)) {
		res.end = CHILD_SIGNALLED;
		res.code = WTERMSIG(status);
	}
	bury(c);
	answer(c, &res);
}

static void
too_late(void *arg, struct mono now)
{
	struct sched_child *c = arg;
	struct sched_child_result res = { .end = CHILD_TIMED_OUT };

	(void)now;
	kill(-c->pid, SIGKILL);
	drain(c, &c->ends[END_OUT]);
	drain(c, &c->ends[END_ERR]);
	close_end(&c->ends[END_OUT]);
	close_end(&c->ends[END_ERR]);
	/* It is reaped when it has gone, which may take as long as it likes. */
	answer(c, &res);
	plan_sweep(c->all, SWEEP_AFTER);
}

static void
children_ready(void *arg, int fd, unsigned events)
{
	struct sched_children *k = arg;
	struct epoll_event ev[EVENTS_A_TURN];
	int n = epoll_wait(fd, ev, EVENTS_A_TURN, 0);

	(void)events;
	for (int i = 0; i < n; i++) {
		struct child_end *end = ev[i].data.ptr;

		if (end->child->gone || end->fd < 0)
			continue;
		if (end->which == END_PID)
			ended(end->child);
		else
			drain(end->child, end);
	}
	free_dead(k);
}

/* ---- the beginning ---- */

struct sched_children *
sched_children_new(struct sched *s, struct tc_err *e)
{
	struct sched_children *k = MEM_NEW(struct sched_children);

	if (k == NULL) {
		tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	k->sched = s;
	list_init(&k->running);
	list_init(&k->dead);
	sched_timer_init(&k->sweep, sweep, k);
	k->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	k->stack = spawn_stack_new();
	if (k->null_fd < 0 || k->epoll_fd < 0 || k->stack == NULL) {
		tc_fail_errno(e, errno, "children");
		goto fail;
	}
	k->watch = sched_fd_open(s, k->epoll_fd, children_ready, k, e);
	if (k->watch == NULL)
		goto fail;
	sched_fd_set(k->watch, SCHED_READ);
	return k;
fail:
	sched_children_free(k);
	return NULL;
}

void
sched_children_free(struct sched_children *k)
{
	if (k == NULL)
		return;
	while (!list_is_empty(&k->running)) {
		struct sched_child *c =
			CONTAINER_OF(k->running.next, struct sched_child, link);

		kill(-c->pid, SIGKILL);
		waitpid(c->pid, NULL, WNOHANG);
		bury(c);
	}
	free_dead(k);
	sched_cancel(k->sched, &k->sweep);
	sched_fd_close(k->watch);
	if (k->epoll_fd >= 0)
		close(k->epoll_fd);
	if (k->null_fd >= 0)
		close(k->null_fd);
	spawn_stack_free(k->stack);
	mem_free(k);
}

size_t
sched_children_count(const struct sched_children *k)
{
	return k->n;
}

/* Descriptors of the child's side must not be 0, 1 or 2 themselves. */
static int
lift(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static int
open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	ends[1] = lift(ends[1]);
	if (ends[1] < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* A file in memory: no pipe to feed, however slowly it is read. */
static int
open_input(const struct sched_child_conf *conf, int null_fd)
{
	const char *at = conf->input;
	size_t left = conf->n_input;
	int fd;

	if (conf->input_fd > 0)
		return lift(conf->input_fd);
	if (at == NULL)
		return lift(fcntl(null_fd, F_DUPFD_CLOEXEC, 3));
	fd = lift(memfd_create("input", MFD_CLOEXEC));
	while (fd >= 0 && left > 0) {
		ssize_t n = write(fd, at, left);

		if (n < 0) {
			close(fd);
			return -1;
		}
		at += n;
		left -= (size_t)n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static int
watch_end(struct sched_child *c, enum end_of which, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN,
		.data = { .ptr = &c->ends[which] } };

	c->ends[which] = (struct child_end){ c, which, fd };
	return epoll_ctl(c->all->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static int
spawn_child(struct sched_child *c, const struct sched_child_conf *conf)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, in = -1, rc;
	struct spawn sp = {
		.argv = conf->argv,
		.envp = conf->envp != NULL ? conf->envp : plain_env,
		.dir = conf->dir != NULL ? conf->dir : "/",
		.memory_max_bytes = conf->memory_max_bytes,
		.cpu_max_s = conf->cpu_max_s,
		.processes_max = conf->processes_max,
		.stack = c->all->stack,
	};

	if ((in = open_input(conf, c->all->null_fd)) < 0 ||
	    open_pipe(out) < 0 || open_pipe(err) < 0) {
		rc = -errno;
		goto out;
	}
	sp.fds[0] = in;
	sp.fds[1] = out[1];
	sp.fds[2] = err[1];
	if ((rc = spawn_start(&sp)) < 0)
		goto out;
	c->pid = sp.pid;
	c->failed = sp.failed;
	watch_end(c, END_PID, sp.pidfd);
	watch_end(c, END_OUT, out[0]);
	watch_end(c, END_ERR, err[0]);
	out[0] = err[0] = -1;
out:
	for (int i = 0; i < 2; i++) {
		if (out[i] >= 0)
			close(out[i]);
		if (err[i] >= 0)
			close(err[i]);
	}
	if (in >= 0)
		close(in);
	return rc;
}

int
sched_child_start(struct sched_children *k, const struct sched_child_conf *conf,
	struct sched_child **out, struct tc_err *e)
{
	struct sched_child *c;
	int rc;

	if (conf->argv[0] == NULL || strchr(conf->argv[0], '/') == NULL)
		return tc_fail(e, TC_EINVAL, "the command needs a path");
	c = MEM_NEW(struct sched_child);
	if (c == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	c->all = k;
	for (int i = 0; i < END_COUNT; i++)
		c->ends[i].fd = -1;
	c->output_max = conf->output_max != 0 ? conf->output_max :
		SCHED_CHILD_OUTPUT_MAX;
	c->mark = conf->mark;
	c->done = conf->done;
	c->arg = conf->arg;
	c->started = sched_now(k->sched);
	sched_timer_init(&c->deadline, too_late, c);
	rc = conf->deadline.ns == 0 ? 0 : sched_at(k->sched, &c->deadline,
		mono_add(c->started, conf->deadline));
	if (rc == 0 && (rc = spawn_child(c, conf)) < 0) {
		sched_cancel(k->sched, &c->deadline);
		rc = tc_fail_errno(e, -rc, "%s", conf->argv[0]);
	}
	if (rc < 0) {
		mem_free(c);
		return rc;
	}
	list_add_tail(&k->running, &c->link);
	k->n++;
	if (out != NULL)
		*out = c;
	return 0;
}

void
sched_child_cancel(struct sched_child *c)
{
	c->answered = true;
	kill(-c->pid, SIGKILL);
	close_end(&c->ends[END_OUT]);
	close_end(&c->ends[END_ERR]);
}
