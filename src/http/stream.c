/*
 * GET /v1/events as Server-Sent Events.  A stream is pulled: when what it had
 * was sent, its connection is suspended; the sweeper finds out that there is
 * more (or that a heartbeat is due) and a reader thread fetches it.  Streams
 * outlive their request: they are freed by the last of response and reader.
 *
 * Order of locks: http.wait_lock, then stream.lock.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "http/view.h"
#include "wire/json_write.h"

#define STREAMS_MAX 256
#define HEARTBEAT_S 15
#define FETCH_EVENTS 500
#define BLOCK_BYTES 16384

struct stream {
	struct job job;
	struct list link;	/* under http.wait_lock */
	struct http *h;
	pthread_mutex_t lock;
	unsigned refs;
	struct MHD_Connection *mhd;	/* set while it must be resumed */
	bool fetching;
	bool ended;
	bool check_id;		/* after is Last-Event-ID, not looked up yet */
	uint64_t after;
	struct mono heartbeat;	/* when the next one is due */
	struct mono poll;
	struct strbuf text;	/* to be sent, from `sent` on */
	size_t sent;
	struct strbuf token;	/* asked again with every heartbeat */
};

static void
stream_unref(struct stream *s)
{
	unsigned left;

	pthread_mutex_lock(&s->lock);
	left = --s->refs;
	pthread_mutex_unlock(&s->lock);
	if (left != 0)
		return;
	pthread_mutex_destroy(&s->lock);
	strbuf_free(&s->text);
	strbuf_free(&s->token);
	mem_free(s);
}

/* With the lock held. */
static void
stream_wake(struct stream *s)
{
	if (s->mhd != NULL)
		MHD_resume_connection(s->mhd);
	s->mhd = NULL;
}

/* ---- fetching, on a reader thread ---- */

struct fetch {
	struct strbuf text;
	uint64_t last;
	uint64_t first;
};

static int
put_frame(void *arg, const struct http_event *ev)
{
	struct fetch *f = arg;
	struct json_write w;

	if (f->first == 0)
		f->first = ev->seq;
	f->last = ev->seq;
	strbuf_printf(&f->text, "id: %" PRIu64 "\nevent: %s\ndata: ", ev->seq,
		ev->kind);
	json_begin(&w, &f->text);
	event_write(&w, ev);
	strbuf_puts(&f->text, "\n\n");
	return 0;
}

static int
see_first(void *arg, const struct http_event *ev)
{
	*(uint64_t *)arg = ev->seq;
	return 1;
}

/* A Last-Event-ID that is not kept any more: the client must begin anew. */
static void
check_id(struct stream *s, struct fetch *f)
{
	struct http_io *io = s->h->io;
	uint64_t first = 0;

	if (s->after == 0 || io->events(io, s->after - 1, 1, see_first, &first,
			NULL) < 0 || first == s->after)
		return;
	strbuf_printf(&f->text, "event: reset\ndata: {\"after\":%" PRIu64
		",\"oldest\":%" PRIu64 "}\n\n", s->after, first);
}

/* ended, text and after are ours while `fetching` is set. */
static void
fetch_run(struct job *job)
{
	struct stream *s = CONTAINER_OF(job, struct stream, job);
	struct http_io *io = s->h->io;
	struct fetch f = { .last = s->after };
	int rc;

	if (s->check_id)
		check_id(s, &f);
	rc = io->events(io, s->after, FETCH_EVENTS, put_frame, &f, NULL);
	pthread_mutex_lock(&s->lock);
	s->fetching = false;
	s->check_id = false;
	s->after = f.last;
	if (rc == 0 && f.text.n != 0)
		strbuf_add(&s->text, f.text.p, f.text.n);
	if (f.text.failed || s->text.failed)
		s->ended = true;
	if (s->ended || s->text.n != 0)
		stream_wake(s);
	pthread_mutex_unlock(&s->lock);
	strbuf_free(&f.text);
	stream_unref(s);
}

/* ---- the sweeper ---- */

static bool
is_due(struct stream *s, uint64_t latest, struct mono now)
{
	if (s->check_id || (s->h->io->last_event != NULL && latest > s->after))
		return true;
	return s->h->io->last_event == NULL && !mono_before(now, s->poll);
}

/* With the lock held: a revoked token ends the stream. */
static void
stream_beat(struct stream *s, struct mono now)
{
	struct http_io *io = s->h->io;
	struct http_principal who;

	s->heartbeat = mono_add(now, dur_s(HEARTBEAT_S));
	if (!io->authenticate(io, s->token.p, s->token.n, &who))
		s->ended = true;
	strbuf_puts(&s->text, ":\n\n");
	stream_wake(s);
}

/* With the lock held, of one that waits. */
static void
stream_tend(struct stream *s, uint64_t latest, struct mono now)
{
	if (s->fetching)
		return;
	if (!mono_before(now, s->heartbeat)) {
		stream_beat(s, now);
		return;
	}
	if (!is_due(s, latest, now))
		return;
	s->poll = mono_add(now, dur_s(1));
	s->fetching = true;
	s->refs++;
	if (queue_push(s->h->reads, &s->job) < 0) {
		s->fetching = false;
		s->refs--;
	}
}

void
streams_tend(struct http *h)
{
	struct mono now = h->io->clock->mono(h->io->clock);
	uint64_t latest = 0;

	pthread_mutex_lock(&h->wait_lock);
	if (!list_is_empty(&h->streams) && h->io->last_event != NULL)
		latest = h->io->last_event(h->io);
	for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
		struct stream *s = CONTAINER_OF(l, struct stream, link);

		pthread_mutex_lock(&s->lock);
		if (s->mhd != NULL)
			stream_tend(s, latest, now);
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_unlock(&h->wait_lock);
}

void
streams_end(struct http *h)
{
	pthread_mutex_lock(&h->wait_lock);
	for (struct list *l = h->streams.next; l != &h->streams; l = l->next) {
		struct stream *s = CONTAINER_OF(l, struct stream, link);

		pthread_mutex_lock(&s->lock);
		s->ended = true;
		stream_wake(s);
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_unlock(&h->wait_lock);
}

/* ---- what libmicrohttpd calls ---- */

/* Gives what there is, or suspends the connection until there is more. */
static ssize_t
stream_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = arg;
	size_t n;

	(void)pos;
	pthread_mutex_lock(&s->lock);
	n = s->text.n - s->sent;
	if (n > max)
		n = max;
	if (n != 0) {
		memcpy(buf, s->text.p + s->sent, n);
		s->sent += n;
		if (s->sent == s->text.n) {
			strbuf_free(&s->text);
			s->sent = 0;
		}
	} else if (s->ended) {
		pthread_mutex_unlock(&s->lock);
		return MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		s->mhd = s->job.mhd;
		MHD_suspend_connection(s->mhd);
	}
	pthread_mutex_unlock(&s->lock);
	return (ssize_t)n;
}

/* The connection is over. */
static void
stream_close(void *arg)
{
	struct stream *s = arg;
	struct http *h = s->h;

	pthread_mutex_lock(&h->wait_lock);
	list_remove(&s->link);
	h->n_streams--;
	pthread_mutex_unlock(&h->wait_lock);
	stream_unref(s);
}

/* False: too many, or the server is ending. */
static bool
stream_enlist(struct http *h, struct stream *s)
{
	bool ok;

	pthread_mutex_lock(&h->wait_lock);
	ok = h->n_streams < STREAMS_MAX && !h->stopping;
	if (ok) {
		h->n_streams++;
		list_add_tail(&h->streams, &s->link);
	}
	pthread_mutex_unlock(&h->wait_lock);
	return ok;
}

static struct stream *
stream_new(struct request *r, uint64_t after, bool is_id)
{
	struct clock *clock = r->h->io->clock;
	struct stream *s = MEM_NEW(struct stream);
	size_t n = 0;
	const char *token = guard_bearer(r->guard.auth, &n);

	if (s == NULL || token == NULL) {
		mem_free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	list_init(&s->link);
	s->refs = 1;
	s->h = r->h;
	s->job = (struct job){ fetch_run, r->mhd };
	s->after = after;
	s->check_id = is_id;
	s->poll = clock->mono(clock);
	s->heartbeat = mono_add(s->poll, dur_s(HEARTBEAT_S));
	strbuf_add(&s->token, token, n);
	strbuf_puts(&s->text, "retry: 3000\n\n");
	return s;
}

static bool
read_after(struct request *r, uint64_t *after, bool *is_id)
{
	const char *id = r->guard.last_event_id;
	const char *text = id != NULL ? id : target_get(&r->target, "after");
	struct http_io *io = r->h->io;

	*is_id = id != NULL;
	*after = io->last_event != NULL ? io->last_event(io) : 0;
	return text == NULL || u64_parse(text, strlen(text), after) == 0;
}

void
stream_events(struct request *r)
{
	struct stream *s;
	uint64_t after;
	bool is_id;

	if (!read_after(r, &after, &is_id)) {
		problem_set(r, 400, "invalid", "not the id of an event");
		return;
	}
	s = stream_new(r, after, is_id);
	if (s == NULL || s->text.failed || s->token.failed ||
	    !stream_enlist(r->h, s)) {
		if (s != NULL)
			stream_unref(s);
		problem_set(r, 503, tc_err_id(TC_EBUSY),
			"too many streams at once");
		return;
	}
	r->reply.status = 200;
	r->reply.type = "text/event-stream";
	r->reply.cache = "no-store";
	r->reply.stream = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN,
		BLOCK_BYTES, stream_read, s, stream_close);
	if (r->reply.stream == NULL) {
		stream_close(s);
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
	}
}
