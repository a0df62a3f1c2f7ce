/*
 * Those who ask the writer for something and wait for the answer.
 */
#include "base/mem.h"
#include "store/writing.h"

static void
reply_put(struct reply *r)
{
	if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	queue_free(r->ready, NULL);
	mem_free(r);
}

static struct reply *
reply_new(void)
{
	struct reply *r = MEM_NEW(struct reply);

	if (r == NULL)
		return NULL;
	atomic_store(&r->refs, 2);
	r->ready = queue_new(1, NULL, NULL);
	if (r->ready == NULL) {
		mem_free(r);
		return NULL;
	}
	return r;
}

void
writer_answer(struct job *job, int rc)
{
	job->reply->rc = rc;
	queue_push(job->reply->ready, job->reply);
	reply_put(job->reply);
	mem_free(job);
}

/* Waits for room too, as long as it may. */
static int
push_waiting(struct writer *w, struct job *job, struct mono until)
{
	struct queue *never = job->reply->ready;
	int rc;

	while ((rc = queue_push(w->queue, job)) == TC_EFULL) {
		if (mono_before(until, writer_now()))
			return TC_ETIMEOUT;
		queue_pop(never, dur_ms(5));
	}
	return rc;
}

/* The reply is the caller's to put; NULL on failure. */
static struct reply *
ask(struct writer *w, struct job proto, struct mono until, int *rc)
{
	struct job *job = MEM_NEW(struct job);
	struct reply *reply = reply_new();

	*rc = TC_ENOMEM;
	if (job == NULL || reply == NULL)
		goto fail;
	*job = proto;
	job->reply = reply;
	if ((*rc = push_waiting(w, job, until)) < 0)
		goto fail;
	return reply;
fail:
	reply_put(reply);
	reply_put(reply);
	mem_free(job);
	return NULL;
}

int
writer_flush(struct writer *w, struct dur max)
{
	struct mono until = mono_add(writer_now(), max);
	struct reply *reply;
	struct dur left;
	int rc;

	reply = ask(w, (struct job){ .kind = JOB_FLUSH }, until, &rc);
	if (reply == NULL)
		return rc;
	left = mono_diff(until, writer_now());
	if (queue_pop(reply->ready, left.ns > 0 ? left : dur_ns(0)) == NULL)
		rc = TC_ETIMEOUT;
	else
		rc = reply->rc;
	reply_put(reply);
	return rc;
}

int
writer_run(struct writer *w, const struct writer_call *call, struct tc_err *e)
{
	struct mono until = mono_add(writer_now(), dur_s(5));
	struct reply *reply;
	int rc;

	reply = ask(w, (struct job){ .kind = JOB_CALL, .call = call }, until,
		&rc);
	if (reply == NULL)
		return tc_fail(e, rc, "the store takes no more");
	queue_pop(reply->ready, dur_ns(-1));
	rc = reply->rc;
	if (e != NULL && rc < 0)
		*e = reply->err;
	reply_put(reply);
	return rc;
}

struct asked {
	struct forget *forget;
	const struct store_prune *order;
};

static int
ask_forget(struct scribe *s, const void *arg, struct tc_err *e)
{
	const struct asked *a = arg;

	return forget_ask(a->forget, s, a->order, e);
}

int
writer_prune(struct writer *w, const struct store_prune *order,
	struct tc_err *e)
{
	struct asked a = { &w->forget, order };
	struct writer_call call = { ask_forget, &a };

	return writer_run(w, &call, e);
}
