#include "t/lib/fake_io.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

static struct fake_io *
fake_of(struct http_io *io)
{
	return CONTAINER_OF(io, struct fake_io, io);
}

static struct mono
fake_mono(struct clock *c)
{
	struct fake_clock *f = CONTAINER_OF(c, struct fake_clock, clock);
	struct clock *real = clock_system();

	return mono_add(real->mono(real), dur_ns(f->ahead_ns));
}

static struct wall
fake_wall(struct clock *c)
{
	struct fake_clock *f = CONTAINER_OF(c, struct fake_clock, clock);
	struct clock *real = clock_system();

	return wall_add(real->wall(real), dur_ns(f->ahead_ns));
}

static struct snapshot *
fake_latest(struct http_io *io)
{
	struct fake_io *f = fake_of(io);
	struct snapshot *s;

	pthread_mutex_lock(&f->lock);
	s = snapshot_ref(f->now);
	pthread_mutex_unlock(&f->lock);
	return s;
}

/* Members as the engine gives them. */
static void
answer_order(struct http_command *cmd)
{
	static const char window[] = "\"id\":4,\"type\":\"power\","
		"\"from\":\"2026-01-01T00:00:00.000Z\","
		"\"to\":\"2026-01-01T01:00:00.000Z\",\"grace\":\"1m\","
		"\"partition\":\"rack0\",\"hosts\":[],\"by\":\"anna\","
		"\"reason\":\"\"";
	static const char *const texts[] = {
		[COMMAND_HOST_PUT] = "\"name\":\"h9\",\"id\":9",
		[COMMAND_HOST_PATCH] = "\"name\":\"h9\","
			"\"disposition\":\"in_service\"",
		[COMMAND_HOST_DELETE] = "\"name\":\"h9\","
			"\"state\":\"retired\"",
		[COMMAND_HOST_DIAGNOSE] = "\"name\":\"h9\",\"diagnosis\":{"
			"\"memory\":\"good\",\"disk\":\"bad\","
			"\"nic\":\"untested\",\"psu\":\"untested\","
			"\"firmware\":\"untested\",\"result\":\"open\","
			"\"ticket\":\"\",\"note\":\"\",\"by\":\"anna\","
			"\"at\":\"2026-01-01T00:00:00.000Z\"}",
		[COMMAND_BRAKE_RELEASE] = "\"partition\":\"rack0\","
			"\"latched\":false",
		[COMMAND_WINDOW_CREATE] = window,
		[COMMAND_WINDOW_DELETE] = "\"id\":4",
		[COMMAND_WINDOW_IMPORT] = "\"created\":1,\"updated\":0,"
			"\"unchanged\":0,\"removed\":0,\"skipped\":0,"
			"\"items\":[{\"id\":\"e1\",\"result\":\"created\","
			"\"window\":4,\"why\":\"\"}]",
		[COMMAND_ALERT_ACK] = "\"id\":90,\"comment\":5",
		[COMMAND_ALERT_COMMENT] = "\"id\":5",
		[COMMAND_HOST_COMMENT] = "\"id\":5",
		[COMMAND_COMMENT_DELETE] = "\"id\":5",
		[COMMAND_PRUNE] = "\"tier\":\"5m\","
			"\"before\":\"2026-01-01T00:00:00.000Z\"",
		[COMMAND_SIGNAL] = "\"host\":\"h9\",\"check\":\"signal:x\"",
	};

	if (cmd->kind >= ARRAY_LEN(texts) || texts[cmd->kind] == NULL)
		return;
	strbuf_puts(&cmd->reply, texts[cmd->kind]);
	cmd->created = cmd->kind == COMMAND_HOST_PUT ||
		cmd->kind == COMMAND_WINDOW_CREATE ||
		cmd->kind == COMMAND_ALERT_COMMENT ||
		cmd->kind == COMMAND_HOST_COMMENT;
}

static void
finish(struct fake_io *f, struct http_command *cmd)
{
	cmd->rc = f->rc;
	if (f->rc < 0)
		tc_fail(&cmd->err, f->rc, "%s", f->why != NULL ? f->why :
			"as the test wants it");
	cmd->n_bad = f->n_bad;
	for (size_t i = 0; i < f->n_bad; i++)
		cmd->bad_index[i] = i;
	cmd->accepted = f->n_observations;
	answer_order(cmd);
	if (cmd->kind == COMMAND_TOKEN_CREATE) {
		cmd->token_id = 42;
		f->token_valid = cmd->token_valid;
		snprintf(cmd->token_text, sizeof(cmd->token_text),
			"toc_secret");
	}
	cmd->done(cmd);
}

static int
fake_submit(struct http_io *io, struct http_command *cmd)
{
	struct fake_io *f = fake_of(io);

	if (f->answer == ANSWER_NOT)
		return TC_EFULL;
	pthread_mutex_lock(&f->lock);
	f->n_submitted++;
	f->who = cmd->who;
	f->token_role = cmd->token_role;
	f->token_id = cmd->token_id;
	memcpy(f->key, cmd->idempotency_key, sizeof(f->key));
	memcpy(f->token_name, cmd->token_name, sizeof(f->token_name));
	snprintf(f->host, sizeof(f->host), "%s", cmd->batch != NULL ?
		cmd->batch->host : cmd->target[0] != '\0' ? cmd->target :
		cmd->token_host);
	f->kind = cmd->kind;
	snprintf(f->body, sizeof(f->body), "%s", cmd->body != NULL ?
		cmd->body : "");
	f->n_observations = cmd->batch != NULL ? cmd->batch->n : 0;
	if (f->answer == ANSWER_LATER)
		f->kept = cmd;
	pthread_mutex_unlock(&f->lock);
	if (f->answer == ANSWER_AT_ONCE)
		finish(f, cmd);
	return 0;
}

bool
fake_io_release(struct fake_io *f)
{
	struct http_command *cmd;

	pthread_mutex_lock(&f->lock);
	cmd = f->kept;
	f->kept = NULL;
	pthread_mutex_unlock(&f->lock);
	if (cmd != NULL)
		finish(f, cmd);
	return cmd != NULL;
}

static bool
is(const char *text, const char *token, size_t n)
{
	return strlen(text) == n && memcmp(text, token, n) == 0;
}

static bool
fake_authenticate(struct http_io *io, const char *token, size_t n,
	struct http_principal *out)
{
	static const char agent[] = "agent-token-";
	uint64_t id;

	*out = (struct http_principal){ .token_id = 1 };
	if (is("viewer-token", token, n))
		out->role = ROLE_VIEWER;
	else if (is("operator-token", token, n))
		out->role = ROLE_OPERATOR;
	else if (is("admin-token", token, n))
		out->role = ROLE_ADMIN;
	else if (n > sizeof(agent) - 1 &&
		memcmp(token, agent, sizeof(agent) - 1) == 0 &&
		u64_parse(token + sizeof(agent) - 1, n - sizeof(agent) + 1,
			&id) == 0)
		*out = (struct http_principal){ .role = ROLE_AGENT,
			.host_id = (uint32_t)id };
	return out->role != ROLE_NONE && !fake_of(io)->revoked;
}

static bool
fake_ready(struct http_io *io, char *why, size_t size)
{
	snprintf(why, size, "the first tick is to come");
	return !fake_of(io)->not_ready;
}

static void
fake_metrics(struct http_io *io, struct strbuf *out)
{
	(void)io;
	strbuf_puts(out, "# HELP tocsin_fake_total Nothing.\n"
		"# TYPE tocsin_fake_total counter\ntocsin_fake_total 1\n");
}

static int
read_fails(struct fake_io *f, struct tc_err *e)
{
	if (f->read_rc < 0)
		tc_fail(e, f->read_rc, "as the test wants it");
	return f->read_rc;
}

static int
fake_events(struct http_io *io, uint64_t after, size_t limit,
	http_event_sink *sink, void *arg, struct tc_err *e) /* lint: seam */
{
	struct fake_io *f = fake_of(io);
	struct http_event ev = { .kind = "host.state", .subject = "h00001",
		.at = { 1767225600000 }, .body = "{\"to\":\"unhealthy\"}" };

	if (read_fails(f, e) < 0)
		return f->read_rc;
	if (after + 1 < f->oldest_event)
		after = f->oldest_event - 1;
	for (ev.seq = after + 1; ev.seq <= f->n_events && limit > 0; limit--) {
		if (sink(arg, &ev) != 0)
			break;
		ev.cause_seq = ev.seq++;
	}
	return 0;
}

static int
fake_events_of(struct http_io *io, uint32_t host, size_t limit,
	http_event_sink *sink, void *arg, struct tc_err *e) /* lint: seam */
{
	struct fake_io *f = fake_of(io);

	f->asked_host = host;
	return fake_events(io, f->n_events > limit ? f->n_events - limit : 0,
		limit, sink, arg, e);
}

static uint64_t
fake_last_event(struct http_io *io)
{
	return fake_of(io)->n_events;
}

static int
fake_series(struct http_io *io, const struct http_series_query *q,
	http_point_sink *sink, void *arg, struct tc_err *e)
{
	static const char *const instances[] = { "cpu=\"0\"", "cpu=\"1\"" };
	struct fake_io *f = fake_of(io);

	f->query = *q;
	if (read_fails(f, e) < 0)
		return f->read_rc;
	for (size_t i = 0; i < ARRAY_LEN(instances); i++) {
		for (size_t k = 0; k < f->n_points; k++) {
			struct http_point p = { .instance = instances[i],
				.device = "",
				.at = { q->from.ms + (int64_t)k * 15000 },
				.value = (double)k / 8, .min = 0, .max = 1,
				.count = 4 };

			if (sink(arg, &p) != 0)
				return 0;
		}
	}
	return 0;
}

static int
fake_tokens(struct http_io *io, http_token_sink *sink, void *arg,
	struct tc_err *e)
{
	struct http_token a = { 1, ROLE_ADMIN, "", "first",
		{ 1767225600000 }, { 0 }, { 1767225600000 } };
	struct http_token b = { 2, ROLE_AGENT, "h00001", "h00001's",
		{ 1767225600000 }, { 1798761600000 }, { 0 } };

	if (read_fails(fake_of(io), e) < 0)
		return fake_of(io)->read_rc;
	sink(arg, &a);
	sink(arg, &b);
	return 0;
}

static int
fake_predictions(struct http_io *io, uint64_t id, struct wall as_of,
	http_prediction_sink *sink, void *arg,
	struct tc_err *e)	/* lint: the seam's */
{
	static const char text[] = "{\"id\":7,\"host\":\"h00006\","
		"\"device\":{"
		"\"kind\":\"disk\",\"model\":\"M\",\"serial\":\"S\","
		"\"wwn\":null},\"since\":\"2026-01-01T00:00:00.000Z\","
		"\"level\":\"likely\",\"score\":4.2,\"base\":-3.5,"
		"\"risk\":{\"d7\":0.1,\"d30\":0.2,\"d90\":0.3},"
		"\"lead_time\":null,\"evidence\":[],\"counter_evidence\":[],"
		"\"missing\":[],\"nearest_flip\":null,\"pack\":\"card\","
		"\"judged_at\":\"2026-01-01T00:00:00.000Z\"}";

	(void)as_of;
	if (read_fails(fake_of(io), e) < 0)
		return fake_of(io)->read_rc;
	if (id == 0 || id == 7)
		sink(arg, 7, text);
	return 0;
}

void
fake_io_publish(struct fake_io *f, const struct fake_fleet *fleet)
{
	struct fake_fleet with = *fleet;
	struct clock *clock = &f->clock.clock;
	struct snapshot *s, *old;

	with.at = clock->wall(clock);
	with.at_mono = clock->mono(clock);
	s = fake_snapshot(&with);
	pthread_mutex_lock(&f->lock);
	old = f->now;
	f->now = s;
	pthread_mutex_unlock(&f->lock);
	snapshot_put(old);
}

void
fake_io_init(struct fake_io *f, const struct fake_fleet *fleet)
{
	*f = (struct fake_io){
		.io = { .clock = &f->clock.clock, .snapshot = fake_latest,
			.submit = fake_submit,
			.authenticate = fake_authenticate,
			.ready = fake_ready, .metrics = fake_metrics,
			.events = fake_events,
			.events_of = fake_events_of, .series = fake_series,
			.tokens = fake_tokens,
			.predictions = fake_predictions,
			.last_event = fake_last_event },
		.clock = { .clock = { fake_mono, fake_wall } },
	};
	pthread_mutex_init(&f->lock, NULL);
	fake_io_publish(f, fleet);
}

void
fake_io_fini(struct fake_io *f)
{
	snapshot_put(f->now);
	pthread_mutex_destroy(&f->lock);
}
