/*
 * Probes of the worker form.  The loop decides everything; a worker only
 * makes the call.  What the threads share outlives the runner if it must: a
 * call into a hung kernel cannot be taken back.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "probe/parts.h"

#define QUEUE_MAX 1024
#define FAREWELL_MS 1000

struct pool {
	pthread_mutex_t lock;
	unsigned refs;		/* the runner and each thread */
	unsigned threads;
	unsigned wanted;
	struct sched_wake *wake;	/* NULL once the runner has gone */
	struct queue *jobs;
	struct queue *done;
	struct runner *runner;	/* the loop's */
};

/* ---- the worker's side ---- */

void
pool_report(struct tocsin_ctx *ctx, uint32_t slot,
	const struct tocsin_report *rep)
{
	struct host *h = ctx->host;
	struct job *j = h->running;
	void *obs = j->obs;

	if (slot != j->target.slot) {
		j->bad_slots++;
		return;
	}
	if (j->n_obs == JOB_REPORTS_MAX || mem_grow(&obs, &j->cap_obs,
	    j->n_obs + 1, sizeof(*j->obs)) < 0) {
		j->taker.bad_reports++;
		return;
	}
	j->obs = obs;
	report_take(&j->taker, rep, &j->obs[j->n_obs++]);
}

static void
call_probe(struct job *j)
{
	struct host *h = j->host;
	const struct tocsin_probe *probe = h->plugin->probe;

	if (!h->opened && probe->open != NULL)
		j->rc = probe->open(&h->ctx, &h->instance, j->error);
	if (j->rc != 0)
		return;
	h->opened = true;
	j->rc = probe->run(h->instance, &j->target, &h->ctx);
}

/* The runner has gone and left this behind. */
static void
forget(void *arg)
{
	struct job *j = arg;

	host_fini(j->host);
	job_free(j);
}

static void
pool_put(struct pool *p)
{
	bool last;

	pthread_mutex_lock(&p->lock);
	last = --p->refs == 0;
	pthread_mutex_unlock(&p->lock);
	if (!last)
		return;
	queue_free(p->jobs, forget);
	queue_free(p->done, forget);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

static void
done_filled(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	if (p->wake != NULL)
		sched_wake_send(p->wake);
	pthread_mutex_unlock(&p->lock);
}

/* One too many, since an abandoned one came back. */
static bool
is_surplus(struct pool *p)
{
	bool surplus;

	pthread_mutex_lock(&p->lock);
	surplus = p->threads > p->wanted;
	if (surplus)
		p->threads--;
	pthread_mutex_unlock(&p->lock);
	return surplus;
}

static void *
work(void *arg)
{
	struct pool *p = arg;
	struct job *j;

	while (!is_surplus(p) &&
	       (j = queue_pop(p->jobs, dur_ns(-1))) != NULL) {
		call_probe(j);
		if (queue_push(p->done, j) == 0)
			continue;
		forget(j);
		break;
	}
	pool_put(p);
	return NULL;
}

/* ---- the loop's side ---- */

static int
add_thread(struct pool *p)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_mutex_lock(&p->lock);
	p->refs++;
	p->threads++;
	pthread_mutex_unlock(&p->lock);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attr, work, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		return 0;
	pthread_mutex_lock(&p->lock);
	p->threads--;
	pthread_mutex_unlock(&p->lock);
	pool_put(p);
	return TC_EAGAIN;
}

/* As many threads as there should be; those that are stuck do not count. */
static int
adjust_threads(struct runner *r)
{
	struct pool *p = r->pool;
	unsigned have, abandoned = r->stats.abandoned;
	unsigned want = r->conf.workers +
		(abandoned < ABANDONED_MAX ? abandoned : ABANDONED_MAX);

	pthread_mutex_lock(&p->lock);
	p->wanted = want;
	have = p->threads;
	pthread_mutex_unlock(&p->lock);
	while (have < want && add_thread(p) == 0)
		have++;
	r->stats.workers = have;
	return have > 0 ? 0 : TC_EAGAIN;
}

static void
dispatch(struct host *h)
{
	struct runner *r = h->r;
	struct job *j;
	struct slot *s;

	if (h->running != NULL || list_is_empty(&h->backlog))
		return;
	j = CONTAINER_OF(h->backlog.next, struct job, link);
	s = slot_of(r, j->slot);
	list_remove(&j->link);
	h->n_backlog--;
	h->running = j;
	j->state = JOB_RUNNING;
	slot_hold(r, s, mono_add(mono_add(sched_now(r->conf.sched),
		dur_ns(j->target.timeout_ns)), r->conf.overrun));
	if (adjust_threads(r) == 0 && queue_push(r->pool->jobs, j) == 0)
		return;
	h->running = NULL;
	j->state = JOB_WAITING;
	slot_answer_own(r, s, TOCSIN_WHY_LOCAL_RESOURCE, "no worker thread");
	job_free(j);
}

void
pool_add(struct runner *r, struct job *j)
{
	struct host *h = j->host;
	struct slot *s = slot_of(r, j->slot);

	j->taker = (struct report_taker){ .plugin = h->plugin,
		.clock = r->conf.clock, .mem = &j->mem, .copy = true };
	j->state = JOB_WAITING;
	if (h->running != NULL && h->running->state == JOB_ABANDONED) {
		r->stats.timeouts++;
		slot_answer_own(r, s, TOCSIN_WHY_PROBE_TIMEOUT,
			"an earlier call has not come back");
		job_free(j);
		return;
	}
	if (h->n_backlog == BACKLOG_MAX) {
		r->stats.missed++;
		slot_answer_own(r, s, TOCSIN_WHY_SLOT_MISSED,
			"too many runs wait for a worker");
		job_free(j);
		return;
	}
	list_add_tail(&h->backlog, &j->link);
	h->n_backlog++;
	dispatch(h);
}

void
pool_overdue(struct runner *r, struct slot *s)
{
	struct job *j = s->job;
	struct host *h = s->host;

	if (j->state == JOB_WAITING) {
		r->stats.missed++;
		h->n_backlog--;
		slot_answer_own(r, s, TOCSIN_WHY_SLOT_MISSED,
			"no worker was free in time");
		job_free(j);
		return;
	}
	j->state = JOB_ABANDONED;
	r->stats.timeouts++;
	r->stats.abandoned++;
	slot_answer_own(r, s, TOCSIN_WHY_PROBE_TIMEOUT,
		"the probe did not come back in time");
	log_at(WARN, "probe", "%s: a call is stuck, its worker is replaced",
		h->plugin->name);
	adjust_threads(r);
}

static const char *
words_of(const struct job *j, char *text, size_t size)
{
	if (j->rc == 0)
		return "reported nothing";
	if (j->error[0] != '\0')
		return j->error;
	snprintf(text, size, "returned %d: %s", j->rc, strerrordesc_np(-j->rc));
	return text;
}

/* All that was reported, the last one marked; or why there is nothing. */
static void
answer_job(struct runner *r, struct job *j)
{
	struct slot *s = slot_of(r, j->slot);
	bool failed = j->rc != 0 || j->n_obs == 0;
	char text[128];

	for (size_t i = 0; i < j->n_obs; i++)
		slot_answer(r, s, &j->obs[i], !failed && i + 1 == j->n_obs);
	if (failed)
		slot_answer_own(r, s, TOCSIN_WHY_PROBE_ERROR,
			words_of(j, text, sizeof(text)));
}

static void
take_done(void *arg)
{
	struct runner *r = arg;
	struct job *j;

	while ((j = queue_try_pop(r->pool->done)) != NULL) {
		struct host *h = j->host;

		h->running = NULL;
		r->stats.bad_slots += j->bad_slots;
		r->stats.bad_metrics += j->taker.bad_metrics;
		r->stats.bad_reports += j->taker.bad_reports;
		if (j->state == JOB_ABANDONED) {
			r->stats.abandoned--;
			adjust_threads(r);
			log_at(INFO, "probe", "%s: the stuck call came back",
				h->plugin->name);
		} else {
			j->state = JOB_WAITING;
			answer_job(r, j);
		}
		job_free(j);
		dispatch(h);
	}
}

struct pool *
pool_new(struct runner *r, struct tc_err *e)
{
	struct pool *p = MEM_NEW(struct pool);

	if (p == NULL) {
		tc_fail(e, TC_ENOMEM, "out of memory");
		return NULL;
	}
	p->refs = 1;
	p->runner = r;
	pthread_mutex_init(&p->lock, NULL);
	p->jobs = queue_new(QUEUE_MAX, NULL, NULL);
	p->done = queue_new(QUEUE_MAX, done_filled, p);
	if (p->jobs != NULL && p->done != NULL)
		p->wake = sched_wake_open(r->conf.sched, take_done, r, e);
	else
		tc_fail(e, TC_ENOMEM, "out of memory");
	if (p->wake == NULL) {
		pool_put(p);
		return NULL;
	}
	return p;
}

/* Waits a little for the calls under way; results are not given on. */
static void
collect(struct runner *r, struct pool *p)
{
	size_t running = 0;
	struct job *j;

	for (size_t i = 0; i < r->n_hosts; i++)
		running += r->hosts[i]->running != NULL;
	while (running > 0 &&
	       (j = queue_pop(p->done, dur_ms(FAREWELL_MS))) != NULL) {
		struct slot *s = slot_of(r, j->slot);

		if (s != NULL && s->job == j)
			s->job = NULL;
		j->host->running = NULL;
		job_free(j);
		running--;
	}
}

void
pool_free(struct pool *p)
{
	struct sched_wake *wake;

	if (p == NULL)
		return;
	queue_close(p->jobs);
	collect(p->runner, p);
	pthread_mutex_lock(&p->lock);
	wake = p->wake;
	p->wake = NULL;
	p->wanted = 0;
	pthread_mutex_unlock(&p->lock);
	queue_close(p->done);
	sched_wake_close(wake);
	pool_put(p);
}
