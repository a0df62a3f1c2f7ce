/*
 * One attempt: what the receiver's kind makes of a payload.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "action/parts.h"
#include "action/sign.h"
#include "wire/json_write.h"

static const char pagerduty_url[] = "https://events.pagerduty.com/v2/enqueue";

void
send_key(uint64_t id, struct wall at, char text[KEY_TEXT])
{
	snprintf(text, KEY_TEXT, "tocsin-%" PRIu64 "-%" PRId64, id, at.ms);
}

static const char *
keep(struct courier_job *job, struct strbuf *sb)
{
	const char *text = sb->failed ? NULL :
		arena_strndup(job->arena, strbuf_str(sb), sb->n);

	strbuf_free(sb);
	return text;
}

static bool
keep_body(struct courier_job *job, struct strbuf *body)
{
	job->n_body = body->n;
	job->body = keep(job, body);
	return job->body != NULL;
}

/* ---- bodies ---- */

/* A JSON object with a member put in front. */
static void
put_in_front(struct strbuf *out, const char *key, const char *value,
	const char *object)
{
	strbuf_printf(out, "{\"%s\":", key);
	json_quote(out, value, strlen(value));
	strbuf_putc(out, ',');
	strbuf_puts(out, object + 1);
}

/* While it fires the promise of more is renewed. */
static void
put_alert(struct strbuf *out, const struct action *a, const char *payload,
	struct dur promise)
{
	char until[WALL_TEXT];

	wall_format(wall_add(a->conf.clock->wall(a->conf.clock), promise),
		until, sizeof(until));
	put_in_front(out, "endsAt", until, payload);
}

static void
put_body(struct strbuf *out, const struct outlet *o, const struct message *m)
{
	switch (o->conf.type) {
	case ACTION_ALERTMANAGER:
		strbuf_putc(out, '[');
		if (!m->firing)
			strbuf_puts(out, m->payload);
		else	/* the absence of two heartbeats is an alarm */
			put_alert(out, o->owner, m->payload, m->alert != 0 ?
				dur_s(EXPIRY_S) : dur_ns(2 *
				o->owner->heartbeat_every.ns));
		strbuf_putc(out, ']');
		return;
	case ACTION_PAGERDUTY:
		put_in_front(out, "routing_key", o->conf.secret, m->payload);
		return;
	case ACTION_WEBHOOK:
	case ACTION_SLACK:
	case ACTION_EXEC:
	case ACTION_SMTP:
		strbuf_puts(out, m->payload);
		return;
	}
}

/* ---- HTTP ---- */

static struct courier_job *
new_job(struct outlet *o)
{
	struct courier_job *job = courier_job_new();

	if (job == NULL)
		return NULL;
	job->owner = o->number;
	job->timeout = o->conf.timeout;
	job->user = "";
	job->password = "";
	return job;
}

static bool
set_url(struct courier_job *job, const struct outlet *o)
{
	static const char path[] = "/api/v2/alerts";
	const char *url = o->conf.url;
	struct strbuf sb = { 0 };
	size_t n;

	if (url[0] == '\0' && o->conf.type == ACTION_PAGERDUTY)
		url = pagerduty_url;
	strbuf_puts(&sb, url);
	if (o->conf.type == ACTION_ALERTMANAGER) {
		while (sb.n > 0 && sb.p[sb.n - 1] == '/')
			sb.p[--sb.n] = '\0';
		n = sizeof(path) - 1;
		if (sb.n < n || strcmp(sb.p + sb.n - n, path) != 0)
			strbuf_puts(&sb, path);
	}
	job->url = keep(job, &sb);
	return job->url != NULL;
}

/* Whole seconds since the message was made. */
static int64_t
delay_of(const struct outlet *o, const struct message *m)
{
	struct wall now = o->owner->conf.clock->wall(o->owner->conf.clock);

	return now.ms > m->at.ms ? (now.ms - m->at.ms) / 1000 : 0;
}

static bool
set_headers(struct courier_job *job, const struct outlet *o,
	const struct message *m, const struct strbuf *body)
{
	const char **h = arena_alloc(job->arena, 8 * sizeof(*h));
	struct action *a = o->owner;
	struct strbuf sb = { 0 };
	char key[KEY_TEXT];
	size_t n = 0;

	if (h == NULL)
		return false;
	job->headers = h;
	h[n++] = "Content-Type: application/json";
	h[n++] = "Expect:";
	if (m == NULL)
		return true;
	send_key(m->id, m->at, key);
	strbuf_printf(&sb, "Idempotency-Key: %s", key);
	h[n++] = keep(job, &sb);
	strbuf_printf(&sb, "Tocsin-Delay-Seconds: %" PRId64, delay_of(o, m));
	h[n++] = keep(job, &sb);
	strbuf_printf(&sb, "Tocsin-Attempt: %u", m->attempts);
	h[n++] = keep(job, &sb);
	if (o->conf.type == ACTION_WEBHOOK && o->conf.secret[0] != '\0') {
		strbuf_puts(&sb, "Tocsin-Signature: ");
		sign_put(&sb, o->conf.secret, a->conf.clock->wall(a->conf.clock),
			body);
		h[n++] = keep(job, &sb);
	}
	for (size_t i = 0; i < n; i++)
		if (h[i] == NULL)
			return false;
	return true;
}

/* `m` NULL = a repetition. */
static bool
send_http(struct outlet *o, const struct message *m, struct strbuf *body)
{
	struct courier_job *job = body->failed ? NULL : new_job(o);

	if (job != NULL && set_url(job, o) && set_headers(job, o, m, body) &&
	    keep_body(job, body) &&
	    courier_send(o->owner->courier, job) == 0)
		return true;
	strbuf_free(body);
	courier_job_free(job);
	return false;
}

/* ---- mail ---- */

static bool
is_loopback(const char *server)
{
	return strncmp(server, "127.", 4) == 0 ||
		strncmp(server, "localhost", 9) == 0 ||
		strncmp(server, "[::1]", 5) == 0;
}

/* A password is never sent in the clear; here, there is nobody to listen. */
static void
set_server(struct courier_job *job, const struct outlet *o)
{
	const char *server = o->conf.server;
	const char *port = strrchr(server, ':');
	bool tls = port != NULL && strcmp(port, ":465") == 0;
	struct strbuf sb = { 0 };

	strbuf_printf(&sb, "%s://%s", tls ? "smtps" : "smtp", server);
	job->url = keep(job, &sb);
	job->user = o->conf.user;
	job->password = o->conf.password;
	if (o->conf.password[0] != '\0' || tls)
		job->tls = COURIER_TLS_ALL;
	else
		job->tls = is_loopback(server) ? COURIER_TLS_NONE :
			COURIER_TLS_TRY;
}

/* "Ops <ops@x.org>" → "<ops@x.org>", as the envelope wants it. */
static const char *
envelope(struct courier_job *job, const char *address)
{
	const char *open = strrchr(address, '<');
	struct strbuf sb = { 0 };

	if (open != NULL)
		strbuf_puts(&sb, open);
	else
		strbuf_printf(&sb, "<%s>", address);
	return keep(job, &sb);
}

/* "Thu, 01 Jan 2026 00:00:00 +0000" */
static void
put_date(struct strbuf *out, struct wall at)
{
	static const char names[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon",
		"Tue", "Wed", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	int32_t days = wall_to_days(at);
	struct date d = date_from_days(days);
	int64_t s = (at.ms - wall_from_days(days).ms) / 1000;

	strbuf_printf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n",
		names[(days % 7 + 7) % 7], d.day, names[6 + d.month], d.year,
		(int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
}

static void
put_mail_head(struct strbuf *out, const struct outlet *o,
	const struct message *m)
{
	const char *at = strrchr(o->conf.from, '@');
	char key[KEY_TEXT];
	size_t n = at == NULL ? 0 : strcspn(at, "> ");

	send_key(m->id, m->at, key);
	strbuf_printf(out, "From: %s\r\nTo: ", o->conf.from);
	for (size_t i = 0; i < o->conf.n_to; i++)
		strbuf_printf(out, "%s%s", i > 0 ? ",\r\n " : "",
			o->conf.to[i]);
	strbuf_printf(out, "\r\nMessage-ID: <%s%.*s>\r\n", key,
		n > 1 ? (int)n : 7, n > 1 ? at : "@tocsin");
	put_date(out, m->at);
	strbuf_printf(out, "Tocsin-Delay-Seconds: %" PRId64 "\r\n",
		delay_of(o, m));
}

static bool
has_line_break(const struct outlet *o)
{
	bool found = strpbrk(o->conf.from, "\r\n") != NULL;

	for (size_t i = 0; i < o->conf.n_to; i++)
		found = found || strpbrk(o->conf.to[i], "\r\n") != NULL;
	return found;
}

static bool
send_mail(struct outlet *o, const struct message *m)
{
	struct courier_job *job = has_line_break(o) ? NULL : new_job(o);
	struct strbuf body = { 0 };
	const char **to;

	if (job == NULL)
		return false;
	set_server(job, o);
	job->mail_from = envelope(job, o->conf.from);
	to = arena_alloc(job->arena, (o->conf.n_to + 1) * sizeof(*to));
	for (size_t i = 0; to != NULL && i < o->conf.n_to; i++)
		to[i] = envelope(job, o->conf.to[i]);
	job->mail_to = to;
	job->user = arena_strdup(job->arena, job->user);
	job->password = arena_strdup(job->arena, job->password);
	put_mail_head(&body, o, m);
	strbuf_puts(&body, m->payload);
	if (job->url != NULL && job->mail_from != NULL && to != NULL &&
	    job->user != NULL && job->password != NULL &&
	    keep_body(job, &body) && courier_send(o->owner->courier, job) == 0)
		return true;
	strbuf_free(&body);
	courier_job_free(job);
	return false;
}

/* ---- programs ---- */

static void
child_done(void *arg, const struct sched_child_result *r)
{
	struct outlet *o = arg;
	struct attempt result = { .error = NULL };
	char text[128] = "";

	switch (r->end) {
	case CHILD_EXITED:
		if (r->code == 0)
			break;
		snprintf(text, sizeof(text), "exit status %d", r->code);
		break;
	case CHILD_SIGNALLED:
		snprintf(text, sizeof(text), "ended by signal %d", r->code);
		break;
	case CHILD_TIMED_OUT:
		snprintf(text, sizeof(text), "killed at its deadline");
		break;
	case CHILD_NOT_EXECUTED:
		snprintf(text, sizeof(text), "cannot be executed: %s",
			strerror(r->code));
		break;
	}
	if (text[0] != '\0')
		result.error = text;
	outlet_done(o, &result);
}

static bool
send_exec(struct outlet *o, const struct message *m)
{
	struct sched_child_conf conf = { .argv = o->conf.argv,
		.input = m->payload, .n_input = strlen(m->payload),
		.deadline = o->conf.timeout, .done = child_done, .arg = o };
	struct tc_err e = { 0 };

	return sched_child_start(o->owner->children, &conf, &o->child, &e) == 0;
}

/* ---- all of them ---- */

bool
send_message(struct outlet *o, const struct message *m)
{
	struct strbuf body = { 0 };

	switch (o->conf.type) {
	case ACTION_SMTP:
		return send_mail(o, m);
	case ACTION_EXEC:
		return send_exec(o, m);
	case ACTION_WEBHOOK:
	case ACTION_ALERTMANAGER:
	case ACTION_SLACK:
	case ACTION_PAGERDUTY:
		put_body(&body, o, m);
		return send_http(o, m, &body);
	}
	return false;
}

/* A receiver may have been of another kind when it was told. */
static bool
is_repeatable(const struct told_to *to)
{
	return to != NULL && to->payload != NULL &&
		strncmp(to->payload, "{\"labels\":", 10) == 0;
}

bool
send_has_repost(const struct outlet *o)
{
	struct told *t;
	size_t at = 0;

	while ((t = hash_next(&o->owner->told, &at)) != NULL) {
		const struct told_to *to = told_to_find(t, o->conf.name);

		if (is_repeatable(to))
			return true;
	}
	return false;
}

bool
send_repost(struct outlet *o)
{
	struct strbuf body = { 0 };
	struct action *a = o->owner;
	struct told *t;
	size_t at = 0;

	strbuf_putc(&body, '[');
	while ((t = hash_next(&a->told, &at)) != NULL) {
		const struct told_to *to = told_to_find(t, o->conf.name);

		if (!is_repeatable(to))
			continue;
		if (body.n > 1)
			strbuf_putc(&body, ',');
		put_alert(&body, a, to->payload, dur_s(EXPIRY_S));
	}
	strbuf_putc(&body, ']');
	return send_http(o, NULL, &body);
}

static bool
is_refusal(const struct courier_job *job)
{
	int s = job->status;

	if (job->mail_from != NULL)
		return s >= 550 && s <= 554;
	return s == 400 || s == 413 || s == 415 || s == 422;
}

void
send_result(void *arg, struct courier_job *job)
{
	struct action *a = arg;
	struct attempt result = { .retry_after = job->retry_after,
		.refused = is_refusal(job) };
	struct outlet *o = NULL;
	char text[64];

	for (struct list *l = a->outlets.next; l != &a->outlets; l = l->next) {
		o = CONTAINER_OF(l, struct outlet, node);
		if (o->number == job->owner)
			break;
		o = NULL;
	}
	if (job->err.code != 0) {
		result.error = job->err.text;
	} else if (job->mail_from == NULL &&
	    (job->status < 200 || job->status > 299)) {
		snprintf(text, sizeof(text), "HTTP %d%s", job->status,
			job->status / 100 == 3 ?
				": redirections are not followed" : "");
		result.error = text;
	}
	if (o != NULL)
		outlet_done(o, &result);
	courier_job_free(job);
}
