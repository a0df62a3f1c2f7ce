#include "t/unit/action_rig.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define T0 INT64_C(1767225600000)	/* 2026-01-01T00:00:00Z, ms */

static void
answer(void *arg, const struct fake_request *q, struct fake_reply *reply)
{
	struct rig *r = arg;
	size_t i = r->n_served++;

	(void)q;
	*reply = i < r->n_script ? r->script[i] : r->next;
}

static void
store(void *arg, struct change_set *cs)
{
	struct rig *r = arg;

	for (size_t i = 0; i < cs->n; i++) {
		const struct change_delivery *d = &cs->items[i].u.delivery;

		if (cs->items[i].kind == CHANGE_OUTBOX) {
			r->n_fallbacks++;
			continue;
		}
		ck_assert_int_eq(cs->items[i].kind, CHANGE_DELIVERY);
		ck_assert(r->n_rows < RIG_MAX);
		r->rows[r->n_rows] = (struct rig_row){ .outbox = d->outbox,
			.done = d->done, .attempts = d->attempts };
		snprintf(r->rows[r->n_rows++].error, sizeof(r->rows[0].error),
			"%s", d->error);
	}
	action_committed(r->a, cs);
	change_set_free(cs);
}

static bool
fires(void *arg, uint64_t id, struct alert *out)
{
	const struct rig *r = arg;

	*out = r->fires;
	return id != 0 && id == r->fires.id;
}

static const char *
address(void *arg, const char *host)
{
	(void)arg;
	return strcmp(host, "h1") == 0 ? "127.1.0.1" : "";
}

void
rig_serve(struct rig *r, int port)
{
	r->server = fake_http_start(port, answer, r);
	r->receivers[0].url = fake_http_url(r->server);
}

static void
look(void *arg, struct mono now)
{
	struct rig *r = arg;

	if ((r->until != NULL && r->until(r)) || mono_before(r->deadline, now))
		sched_stop(r->sched);
	else
		sched_at(r->sched, &r->look, mono_add(now, dur_ms(5)));
}

void
rig_init(struct rig *r, int port)
{
	static const char *const to_ops[] = { "ops" };
	struct action_conf conf = { .clock = clock_system(), .arg = r,
		.user_agent = "test/1", .store = store, .address = address,
		.alert = fires };

	memset(r, 0, sizeof(*r));
	r->sched = sched_new(&r->e);
	ck_assert_ptr_nonnull(r->sched);
	conf.sched = r->sched;
	ck_assert_int_eq(action_new(&conf, &r->a, &r->e), 0);
	r->next.status = 200;
	r->receivers[0] = (struct action_receiver){ .name = "ops",
		.type = ACTION_WEBHOOK, .url = "", .secret = "", .server = "",
		.from = "", .user = "", .password = "", .timeout = dur_s(10),
		.fallback = "" };
	if (port >= 0)
		rig_serve(r, port);
	r->routes[0] = (struct action_match){ .to = to_ops, .n_to = 1 };
	r->setup = (struct action_setup){ .receivers = r->receivers,
		.n_receivers = 1, .routes = r->routes, .n_routes = 1,
		.base_url = "http://127.0.0.1:8420" };
	sched_timer_init(&r->look, look, r);
}

void
rig_setup(struct rig *r)
{
	ck_assert_msg(action_setup(r->a, &r->setup, &r->e) == 0, "%s",
		r->e.text);
}

void
rig_fini(struct rig *r)
{
	action_free(r->a);
	sched_cancel(r->sched, &r->look);
	sched_free(r->sched);
	if (r->server != NULL)
		fake_http_stop(r->server);
}

bool
rig_run(struct rig *r, bool (*until)(struct rig *), struct dur max)
{
	r->until = until;
	r->deadline = mono_add(sched_now(r->sched), max);
	sched_at(r->sched, &r->look, (struct mono){ 0 });
	sched_run(r->sched);
	return until(r);
}

bool
rig_done(struct rig *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_rows; i++)
		n += r->rows[i].done;
	return n >= r->want;
}

bool
rig_served(struct rig *r)
{
	return r->n_served >= r->want;
}

bool
rig_never(struct rig *r)
{
	(void)r;
	return false;
}

struct alert
rig_alert(uint64_t id, bool firing)
{
	static const struct tag tags[] = { { "team", "web" },
		{ "host", "clash" }, { "rack-no", "7" } };

	return (struct alert){ .id = id, .key = "host_unhealthy/h1",
		.kind = "host_unhealthy", .severity = SEVERITY_CRITICAL,
		.subject = 3, .host = "h1", .partition = "rack1",
		.tags = tags, .n_tags = 3, .firing = firing,
		.since = { T0 }, .ended = { firing ? 0 : T0 + 60000 },
		.summary = "h1 is unhealthy: <no reply> & \"more\"",
		.body = "{\"reason\":\"no_reply\",\"risk\":0.5,\"evidence\":["
			"{\"rule\":\"pending\",\"value\":16},"
			"{\"rule\":\"realloc\",\"value\":8}]}",
		.acked_by = "" };
}

struct change_set *
rig_route(struct rig *r, const struct alert *al)
{
	struct change_set *cs = change_set_new();
	struct change *c = change_add(cs, CHANGE_ALERT);

	ck_assert_ptr_nonnull(c);
	c->u.alert = *al;
	action_route(r->a, cs);
	return cs;
}

size_t
rig_raise(struct rig *r, const struct alert *al)
{
	struct change_set *cs = rig_route(r, al);
	size_t n = cs->n - 1;

	action_committed(r->a, cs);
	change_set_free(cs);
	return n;
}

const char *
rig_header(struct rig *r, size_t i, const char *name, char *out, size_t size)
{
	const struct fake_request *q = fake_http_request(r->server, i);
	const char *at = q == NULL ? NULL : strcasestr(q->headers, name);
	size_t n;

	out[0] = '\0';
	if (at == NULL)
		return out;
	at += strlen(name);
	at += strspn(at, ": ");
	n = strcspn(at, "\r\n");
	snprintf(out, size, "%.*s", (int)n, at);
	return out;
}
