#include "cli/follow.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/sse.h"

#define RETRY_MS 1000

struct stream {
	const struct follow *f;
	struct client *client;
	struct client_reply reply;
	struct sse sse;
	struct mono next_tick;
	bool connected;		/* ever */
	bool told;		/* of this outage */
	int rc;			/* of a callback */
};

static int
take_frame(void *arg, struct sse *frame)
{
	struct stream *s = arg;

	return s->f->event(s->f->arg, frame->event, &frame->data);
}

static int
tick(struct stream *s)
{
	struct clock *clock = s->f->c->clock;
	struct mono now = clock->mono(clock);

	if (!s->f->tick || mono_before(now, s->next_tick))
		return 0;
	s->next_tick = mono_add(now, dur_s(1));
	return s->f->tick(s->f->arg);
}

static int
take_bytes(void *arg, const char *p, size_t n)
{
	struct stream *s = arg;

	if (n > 0) {
		s->connected = true;
		s->told = false;
		s->rc = sse_feed(&s->sse, p, n, take_frame, s);
	}
	if (s->rc == 0)
		s->rc = tick(s);
	return s->rc;
}

/* Once: until the connection ends, in whatever way. */
static int
listen_once(struct stream *s, struct tc_err *e)
{
	char last[64], path[64] = "/v1/events";
	const char *headers[2] = { NULL, NULL };
	struct client_request q = { .method = "GET", .path = path,
		.accept = "text/event-stream", .headers = headers,
		.sink = take_bytes, .sink_arg = s };
	char why[384];
	int rc;

	if (s->sse.id[0]) {
		snprintf(last, sizeof(last), "Last-Event-ID: %s", s->sse.id);
		headers[0] = last;
	} else if (s->f->after) {
		snprintf(path, sizeof(path), "/v1/events?after=%llu",
			(unsigned long long)*s->f->after);
	}
	strbuf_reset(&s->sse.line);
	strbuf_reset(&s->sse.data);
	rc = client_send(s->client, &q, &s->reply, e);
	if (s->rc < 0)
		return s->rc;
	if (rc == 0 && s->reply.status >= 400 && s->reply.status != 503) {
		client_problem(&s->reply, why, sizeof(why));
		s->rc = tc_fail(e, TC_EPROTO, "%s: %s", s->f->c->url, why);
	} else if (rc < 0 && !s->connected) {
		s->rc = rc;
	}
	return s->rc;
}

static void
say_outage(struct stream *s, const struct tc_err *e)
{
	if (!s->told)
		fprintf(stderr, "tocsin: %s; waiting for it\n", e->text[0] ?
			e->text : "the server went away");
	s->told = true;
}

int
follow_events(const struct follow *f, struct tc_err *e)
{
	struct stream s = { .f = f };
	int rc = api_clone(f->c, &s.client, e);

	while (rc == 0) {
		*e = (struct tc_err){0};
		if ((rc = listen_once(&s, e)) < 0)
			break;
		say_outage(&s, e);
		poll(NULL, 0, RETRY_MS);
		rc = tick(&s);
	}
	client_close(s.client);
	client_reply_free(&s.reply);
	sse_free(&s.sse);
	return rc;
}
