#include "agent/sender.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agent/ident.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "client/client.h"
#include "wire/batch.h"
#include "wire/json_read.h"
#include "wire/protocol.h"

/* A 422 names so many bad ones at most at a time. */
#define BAD_MAX 64

struct sender {
	struct client *client;
	struct spool *spool;
	struct clock *clock;
	char *token_file;
	struct dur retry_min;
	struct dur retry_max;
	struct dur retry;	/* the next pause, before chance */
	struct queue *wakes;
	pthread_t thread;
	atomic_bool stopping;
	_Atomic int64_t until_ns;	/* while stopping */
	struct mono away_since;
	unsigned protocol;		/* ours, or the server's older one */
	struct client_reply reply;
	struct strbuf text;
	struct strbuf token;
	pthread_mutex_t lock;	/* of counts */
	struct sender_counts counts;
};

enum fate {
	FATE_TAKEN,	/* or refused for good: off the spool */
	FATE_LATER,
};

/* ---- waiting ---- */

/* New batches do not shorten it. */
static void
pause_or_stop(struct sender *s, struct dur max)
{
	struct mono end = mono_add(s->clock->mono(s->clock), max);
	struct dur left = max;

	while (!atomic_load(&s->stopping) && left.ns > 0) {
		(void)queue_pop(s->wakes, left);
		left = mono_diff(end, s->clock->mono(s->clock));
	}
}

/* Between a half and the whole of the pause, which doubles. */
static struct dur
next_pause(struct sender *s, struct dur asked)
{
	uint64_t half = (uint64_t)s->retry.ns / 2;
	struct dur pause = { (int64_t)(half + ident_random() % (half + 1)) };

	s->retry.ns *= 2;
	if (s->retry.ns > s->retry_max.ns)
		s->retry = s->retry_max;
	if (asked.ns > s->retry_max.ns)
		asked = s->retry_max;
	return asked.ns > pause.ns ? asked : pause;
}

/* ---- what became of a request ---- */

static void
note_away(struct sender *s, const char *why)
{
	bool was;

	pthread_mutex_lock(&s->lock);
	was = s->counts.away;
	s->counts.away = true;
	s->counts.failures++;
	pthread_mutex_unlock(&s->lock);
	if (was)
		return;
	s->away_since = s->clock->mono(s->clock);
	log_at(WARN, "agent", "cannot deliver, keeping batches: %s", why);
}

static void
note_back(struct sender *s)
{
	struct spool_counts waiting;
	bool was;

	s->retry = s->retry_min;
	pthread_mutex_lock(&s->lock);
	was = s->counts.away;
	s->counts.away = false;
	pthread_mutex_unlock(&s->lock);
	if (!was)
		return;
	spool_counts(s->spool, &waiting);
	log_at(INFO, "agent", "delivering again after %.0f s, waiting=%llu",
		dur_to_seconds(mono_diff(s->clock->mono(s->clock),
		s->away_since)), (unsigned long long)waiting.batches);
}

static void
note_sent(struct sender *s, size_t refused)
{
	pthread_mutex_lock(&s->lock);
	s->counts.sent++;
	s->counts.refused_items += refused;
	pthread_mutex_unlock(&s->lock);
}

/* "generated_at" of the reply against the middle of the request. */
static void
note_skew(struct sender *s)
{
	struct strbuf copy = {0};
	struct json_read r;
	struct json_str key;
	struct wall there;
	double skew;

	if (s->reply.took.ns > dur_s(5).ns)
		return;
	strbuf_add(&copy, s->reply.body.p, s->reply.body.n);
	if (copy.n == 0 || copy.failed)
		goto out;
	json_open(&r, copy.p, copy.n);
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		if (!json_str_is(key, "generated_at")) {
			json_skip(&r);
			continue;
		}
		key = json_get_str(&r);
		if (wall_parse(key.p, key.n, &there) < 0)
			continue;
		skew = (double)(there.ms - s->clock->wall(s->clock).ms) / 1e3 +
			dur_to_seconds(s->reply.took) / 2;
		pthread_mutex_lock(&s->lock);
		s->counts.has_skew = true;
		s->counts.skew_seconds = skew;
		pthread_mutex_unlock(&s->lock);
	}
	(void)json_close(&r, NULL);
out:
	strbuf_free(&copy);
}

/* ---- bad observations ---- */

struct bad {
	size_t at[BAD_MAX];
	size_t n;
};

static void
bad_add(struct bad *bad, size_t i)
{
	if (bad->n < BAD_MAX)
		bad->at[bad->n++] = i;
}

static void
read_indexes(struct json_read *r, struct bad *bad)
{
	json_enter_array(r);
	while (json_next_item(r))
		bad_add(bad, (size_t)json_get_int(r, 0, BATCH_OBSERVATIONS_MAX));
}

/* The n of "…/observations/n…". */
static void
read_pointer(struct json_str s, struct bad *bad)
{
	static const char mark[] = "/observations/";
	const char *p = strstr(s.p, mark);
	size_t v = 0;

	if (!p)
		return;
	p += sizeof(mark) - 1;
	if (*p < '0' || *p > '9')
		return;
	while (*p >= '0' && *p <= '9' && v <= BATCH_OBSERVATIONS_MAX)
		v = v * 10 + (size_t)(*p++ - '0');
	bad_add(bad, v);
}

/* What a 422 lists, or what the words of a 400 point to. */
static void
read_bad(struct sender *s, struct bad *bad)
{
	struct strbuf copy = {0};
	struct bad pointed = {0};
	struct json_read r;
	struct json_str key;

	strbuf_add(&copy, s->reply.body.p, s->reply.body.n);
	if (copy.n == 0 || copy.failed)
		goto out;
	json_open(&r, copy.p, copy.n);
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		if (json_str_is(key, "bad_indexes"))
			read_indexes(&r, bad);
		else if (json_str_is(key, "detail"))
			read_pointer(json_get_str(&r), &pointed);
		else
			json_skip(&r);
	}
	(void)json_close(&r, NULL);
	if (bad->n == 0)
		*bad = pointed;
out:
	strbuf_free(&copy);
}

/* Takes the bad ones out; how many they were. */
static size_t
drop_bad(struct batch *b, const struct bad *bad)
{
	size_t kept = 0, n = b->n;

	for (size_t i = 0; i < b->n; i++) {
		bool is_bad = false;

		for (size_t k = 0; k < bad->n; k++)
			is_bad = is_bad || bad->at[k] == i;
		if (!is_bad)
			b->items[kept++] = b->items[i];
	}
	b->n = kept;
	return n - kept;
}

/* ---- one batch ---- */

static int
post(struct sender *s, struct batch *b, struct tc_err *e)
{
	char protocol[40];
	const char *const headers[] = { protocol, NULL };
	struct client_request q = { .method = "POST",
		.path = "/v1/observations", .headers = headers };
	int rc;

	if ((rc = client_read_token(s->token_file, &s->token, e)) < 0 ||
	    (rc = client_set_token(s->client, strbuf_str(&s->token), e)) < 0)
		return tc_wrap(e, "token");
	snprintf(protocol, sizeof(protocol), PROTOCOL_HEADER ": %u",
		s->protocol);
	b->sent = s->clock->wall(s->clock);
	strbuf_reset(&s->text);
	if ((rc = batch_write(b, &s->text)) < 0)
		return tc_fail(e, rc, "out of memory");
	q.body = s->text.p;
	q.n = s->text.n;
	if (atomic_load(&s->stopping)) {
		struct mono until = { atomic_load(&s->until_ns) };

		q.timeout = mono_diff(until, s->clock->mono(s->clock));
		if (q.timeout.ns <= 0)
			return tc_fail(e, TC_ECLOSED, "no time left");
	}
	return client_send(s->client, &q, &s->reply, e);
}

/* "protocol" of the reply; what we speak when it says nothing. */
static unsigned
their_protocol(const struct sender *s)
{
	struct strbuf copy = {0};
	struct json_read r;
	struct json_str key;
	unsigned theirs = s->protocol;

	strbuf_add(&copy, s->reply.body.p, s->reply.body.n);
	if (copy.n == 0 || copy.failed)
		goto out;
	json_open(&r, copy.p, copy.n);
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		if (json_str_is(key, "protocol"))
			theirs = (unsigned)json_get_int(&r, 0, UINT16_MAX);
		else
			json_skip(&r);
	}
	if (json_close(&r, NULL) < 0)
		theirs = s->protocol;
out:
	strbuf_free(&copy);
	return theirs;
}

/*
 * The newest that both speak; true when that is older than before.  A server
 * that was updated meanwhile says so in its next reply.
 */
static bool
agree(struct sender *s)
{
	unsigned theirs = their_protocol(s), before = s->protocol;
	unsigned both = theirs < PROTOCOL_NOW ? theirs : PROTOCOL_NOW;

	if (both == before)
		return false;
	s->protocol = both;
	log_at(INFO, "agent", "the server speaks protocol %u: so do we, in "
		"place of %u", theirs, before);
	return both < before;
}

static void
say_dropped(const struct sender *s, size_t n)
{
	char why[256];

	client_problem(&s->reply, why, sizeof(why));
	log_at(WARN, "agent", "the server will not have %zu observation%s, "
		"dropped: %s", n, n == 1 ? "" : "s", why);
}

/*
 * Does the server speak of this batch, and will it never take it so?  A 400 of
 * somebody in between, in other words than ours, is no judgement.
 */
static bool
is_refusal(const struct client_reply *reply)
{
	if (reply->status == 422 || reply->status == 413)
		return true;
	return reply->status == 400 &&
		strcmp(reply->type, "application/problem+json") == 0;
}

/*
 * Sends until the server takes the batch, or it is empty.  401 and 403 are
 * kept: a token can be renewed, observations cannot.
 */
static enum fate
deliver(struct sender *s, struct batch *b)
{
	size_t refused = 0;
	struct tc_err e = {0};

	while (b->n > 0) {
		struct bad bad = {0};
		size_t n;

		if (post(s, b, &e) < 0) {
			note_away(s, e.text);
			return FATE_LATER;
		}
		if (s->reply.status == 202 || s->reply.status == 200) {
			note_skew(s);
			(void)agree(s);
			break;
		}
		if (s->reply.status == 409 && agree(s))
			continue;
		if (!is_refusal(&s->reply)) {
			client_problem(&s->reply, e.text, sizeof(e.text));
			note_away(s, e.text);
			return FATE_LATER;
		}
		read_bad(s, &bad);
		n = s->reply.status == 413 ? 0 : drop_bad(b, &bad);
		if (n == 0) {
			n = b->n;	/* it does not say which: all */
			b->n = 0;
		}
		say_dropped(s, n);
		refused += n;
	}
	note_back(s);
	note_sent(s, refused);
	return FATE_TAKEN;
}

static enum fate
deliver_text(struct sender *s, const struct strbuf *body)
{
	struct batch b = {0};
	struct tc_err e = {0};
	enum fate fate;
	int rc = batch_parse(strbuf_str(body), body->n, &b, &e);

	if (rc == TC_ENOMEM) {
		note_away(s, e.text);
		return FATE_LATER;
	}
	if (rc < 0) {
		/* the CRC was right: an older or newer agent wrote it */
		log_at(WARN, "agent", "a spooled batch is none: %s", e.text);
		return FATE_TAKEN;
	}
	fate = deliver(s, &b);
	arena_free(&b.arena);
	return fate;
}

static void *
run(void *arg)
{
	struct sender *s = arg;
	struct strbuf body = {0};
	uint64_t seq;

	for (;;) {
		bool last = atomic_load(&s->stopping);
		int rc = spool_next(s->spool, &body, &seq);

		if (rc == TC_ENOENT) {
			if (last)
				break;
			(void)queue_pop(s->wakes, dur_s(3600));
			continue;
		}
		if (rc == 0 && deliver_text(s, &body) == FATE_TAKEN) {
			spool_ack(s->spool, seq);
			continue;
		}
		spool_sync(s->spool);
		if (last)
			break;
		pause_or_stop(s, next_pause(s, s->reply.retry_after));
		spool_age(s->spool, s->clock->wall(s->clock));
	}
	strbuf_free(&body);
	return NULL;
}

/* ---- from outside ---- */

static void
release(struct sender *s)
{
	client_close(s->client);
	client_reply_free(&s->reply);
	strbuf_free(&s->text);
	strbuf_free(&s->token);
	queue_free(s->wakes, NULL);
	pthread_mutex_destroy(&s->lock);
	mem_free(s->token_file);
	mem_free(s);
}

int
sender_start(const struct sender_conf *conf, struct sender **out,
	struct tc_err *e)
{
	struct client_conf peer = { .url = conf->url,
		.user_agent = conf->user_agent, .ca_file = conf->ca_file,
		.reply_max = 65536 };
	struct sender *s = MEM_NEW(struct sender);
	int rc;

	if (!s)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	s->spool = conf->spool;
	s->clock = conf->clock;
	s->retry_min = conf->retry_min.ns ? conf->retry_min : dur_s(1);
	s->retry_max = conf->retry_max.ns ? conf->retry_max : dur_s(60);
	s->protocol = PROTOCOL_NOW;
	s->retry = s->retry_min;
	s->token_file = mem_strdup(conf->token_file);
	s->wakes = queue_new(4, NULL, NULL);
	if (!s->token_file || !s->wakes) {
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
		goto fail;
	}
	if ((rc = client_open(&peer, &s->client, e)) < 0) {
		tc_wrap(e, "--server");
		goto fail;
	}
	rc = pthread_create(&s->thread, NULL, run, s);
	if (rc != 0) {
		rc = tc_fail_errno(e, rc, "cannot start a thread");
		goto fail;
	}
	*out = s;
	return 0;
fail:
	release(s);
	return rc;
}

void
sender_wake(struct sender *s)
{
	/* full: it is awake already */
	(void)queue_push(s->wakes, s);
}

void
sender_stop(struct sender *s, struct mono until)
{
	if (!s)
		return;
	atomic_store(&s->until_ns, until.ns);
	atomic_store(&s->stopping, true);
	/* libcurl looks once a second: a request under way ends in time */
	client_cut(s->client, until);
	queue_close(s->wakes);
	pthread_join(s->thread, NULL);
	release(s);
}

void
sender_counts(struct sender *s, struct sender_counts *out)
{
	pthread_mutex_lock(&s->lock);
	*out = s->counts;
	pthread_mutex_unlock(&s->lock);
}
