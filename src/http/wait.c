/*
 * Those who wait: for a commit, or for a reader thread.  The connection is
 * suspended meanwhile.  `mhd` is set while somebody must resume it, under the
 * waiter's own lock, so that it is resumed exactly once: by the answer, by a
 * deadline, or at the end of the server.  Whoever comes last frees.
 *
 * Order of locks: http.wait_lock, then waiter.lock.
 */
#include <string.h>

#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"

#define READ_QUEUE 64
#define COMMAND_DEADLINE_S 30

struct waiter {
	struct job job;
	struct list link;
	pthread_mutex_t lock;
	unsigned refs;
	struct MHD_Connection *mhd;
	bool finished;
	struct mono until;
	struct request *read;	/* a reader's; NULL for a command */
	struct http_command cmd;
};

static void
waiter_unref(struct waiter *w)
{
	unsigned left;

	pthread_mutex_lock(&w->lock);
	left = --w->refs;
	pthread_mutex_unlock(&w->lock);
	if (left != 0)
		return;
	if (w->cmd.batch != NULL)
		arena_free(&w->cmd.batch->arena);
	mem_free(w->cmd.batch);
	mem_free(w->cmd.body);
	strbuf_free(&w->cmd.reply);
	pthread_mutex_destroy(&w->lock);
	mem_free(w);
}

static struct waiter *
waiter_new(struct http *h)
{
	struct waiter *w = MEM_NEW(struct waiter);

	if (w == NULL)
		return NULL;
	list_init(&w->link);
	pthread_mutex_init(&w->lock, NULL);
	w->refs = 1;
	w->until = mono_add(h->io->clock->mono(h->io->clock),
		dur_s(COMMAND_DEADLINE_S));
	return w;
}

/* The work is over: wakes the connection, if it still waits. */
static void
waiter_finish(struct waiter *w)
{
	pthread_mutex_lock(&w->lock);
	w->finished = true;
	if (w->mhd != NULL)
		MHD_resume_connection(w->mhd);
	w->mhd = NULL;
	pthread_mutex_unlock(&w->lock);
	waiter_unref(w);
}

/* http_command.done; the server may be gone by now. */
static void
command_done(struct http_command *cmd)
{
	waiter_finish(CONTAINER_OF(cmd, struct waiter, cmd));
}

struct http_command *
wait_command_new(struct request *r, enum http_command_kind kind)
{
	struct waiter *w = waiter_new(r->h);
	const char *key = r->guard.idempotency_key;

	if (w == NULL) {
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
		return NULL;
	}
	w->cmd.kind = kind;
	w->cmd.who = r->who;
	w->cmd.done = command_done;
	if (key != NULL)
		memcpy(w->cmd.idempotency_key, key, strlen(key) + 1);
	return &w->cmd;
}

/* Takes one more reference; false when the server is ending. */
static bool
waiter_suspend(struct request *r, struct waiter *w)
{
	struct http *h = r->h;

	pthread_mutex_lock(&h->wait_lock);
	if (h->stopping) {
		pthread_mutex_unlock(&h->wait_lock);
		problem_set(r, 503, "closed", "the server is ending");
		return false;
	}
	list_add_tail(&h->waiters, &w->link);
	pthread_mutex_lock(&w->lock);
	pthread_mutex_unlock(&h->wait_lock);
	w->refs++;
	r->waiter = w;
	r->phase = PHASE_WAIT;
	http_set_deadline(r, (struct dur){ 0 });
	MHD_suspend_connection(r->mhd);
	w->mhd = r->mhd;
	pthread_mutex_unlock(&w->lock);
	return true;
}

void
wait_submit(struct request *r, struct http_command *cmd)
{
	struct waiter *w = CONTAINER_OF(cmd, struct waiter, cmd);
	struct http_io *io = r->h->io;
	int rc;

	if (cmd->rc < 0) {
		problem_command(r, cmd);
		waiter_unref(w);
		return;
	}
	if (!waiter_suspend(r, w)) {
		waiter_unref(w);
		return;
	}
	/* from here on the request is another thread's */
	rc = io->submit(io, cmd);
	if (rc < 0) {
		cmd->rc = tc_fail(&cmd->err, rc, "the server is busy");
		waiter_finish(w);
	}
}

static void
read_run(struct job *job)
{
	struct waiter *w = CONTAINER_OF(job, struct waiter, job);

	w->read->on_reader = true;
	w->read->route->handle(w->read);
	waiter_finish(w);
}

void
wait_read(struct request *r)
{
	struct http *h = r->h;
	struct waiter *w = waiter_new(h);

	if (w == NULL) {
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
		return;
	}
	w->read = r;
	w->job.run = read_run;
	if (!waiter_suspend(r, w)) {
		waiter_unref(w);
		return;
	}
	if (queue_push(h->reads, &w->job) < 0) {
		problem_set(r, 503, tc_err_id(TC_EBUSY),
			"too many queries at once");
		waiter_finish(w);
	}
}

/* Out of the list, and resumed by nobody any more. */
static bool
waiter_leave(struct request *r, struct waiter *w)
{
	bool finished;

	pthread_mutex_lock(&r->h->wait_lock);
	list_remove(&w->link);
	pthread_mutex_unlock(&r->h->wait_lock);
	pthread_mutex_lock(&w->lock);
	finished = w->finished;
	w->mhd = NULL;
	pthread_mutex_unlock(&w->lock);
	r->waiter = NULL;
	return finished;
}

void
wait_abandon(struct request *r)
{
	struct waiter *w = r->waiter;

	if (w == NULL)
		return;
	waiter_leave(r, w);
	waiter_unref(w);
}

void
wait_finish(struct request *r)
{
	struct waiter *w = r->waiter;
	bool finished = waiter_leave(r, w);

	if (!finished)
		problem_set(r, 503, r->h->stopping ? "closed" : "timeout",
			"no answer in time; it may yet be done");
	else if (w->read == NULL && w->cmd.rc == 0)
		r->route->done(r, &w->cmd);
	else if (w->read == NULL)
		problem_command(r, &w->cmd);
	waiter_unref(w);
}

void
waits_expire(struct http *h, bool all)
{
	struct mono now = h->io->clock->mono(h->io->clock);

	pthread_mutex_lock(&h->wait_lock);
	for (struct list *l = h->waiters.next; l != &h->waiters; l = l->next) {
		struct waiter *w = CONTAINER_OF(l, struct waiter, link);

		if (w->read != NULL || (!all && mono_before(now, w->until)))
			continue;
		pthread_mutex_lock(&w->lock);
		if (w->mhd != NULL)
			MHD_resume_connection(w->mhd);
		w->mhd = NULL;
		pthread_mutex_unlock(&w->lock);
	}
	pthread_mutex_unlock(&h->wait_lock);
}

bool
waits_any(struct http *h)
{
	bool any;

	pthread_mutex_lock(&h->wait_lock);
	any = !list_is_empty(&h->waiters);
	pthread_mutex_unlock(&h->wait_lock);
	return any;
}

static void *
reader_main(void *arg)
{
	struct http *h = arg;
	struct job *job;

	while ((job = queue_pop(h->reads, dur_ns(-1))) != NULL)
		job->run(job);
	return NULL;
}

int
waits_init(struct http *h, struct tc_err *e)
{
	list_init(&h->waiters);
	list_init(&h->streams);
	pthread_mutex_init(&h->wait_lock, NULL);
	h->reads = queue_new(READ_QUEUE, NULL, NULL);
	if (h->reads == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	while (h->n_readers < HTTP_READERS) {
		if (pthread_create(&h->readers[h->n_readers], NULL,
				reader_main, h) != 0)
			return tc_fail(e, TC_EAGAIN, "cannot start a thread");
		h->n_readers++;
	}
	return 0;
}

void
waits_end_reads(struct http *h)
{
	if (h->reads == NULL)
		return;
	queue_close(h->reads);
	while (h->n_readers > 0)
		pthread_join(h->readers[--h->n_readers], NULL);
}

void
waits_fini(struct http *h)
{
	if (h->reads == NULL)
		return;
	queue_free(h->reads, NULL);
	pthread_mutex_destroy(&h->wait_lock);
}
