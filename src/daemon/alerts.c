/*
 * Alerts on their way out: what the engine raises is routed into the set that
 * tells of it, and goes out once that set is durable, or cannot be.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/contacts.h"
#include "config/schema.h"
#include "daemon/daemon.h"

#define TOLD_MAX 65536
#define HEARTBEAT_AGE_MAX_NS INT64_C(10000000000)	/* of the snapshot */

static void
store_results(void *arg, struct change_set *cs)
{
	keep_facts(arg, cs);
}

/* The loop's: the published snapshot moves there only. */
static const char *
address_of(void *arg, const char *host)
{
	struct daemon *d = arg;
	const struct snap_host *h = d->published == NULL ? NULL :
		snapshot_host(d->published, host);

	return h != NULL ? h->address : "";
}

static bool
find_alert(void *arg, uint64_t id, struct alert *out)
{
	const struct daemon *d = arg;
	const struct snapshot *s = d->published;

	for (size_t i = 0; s != NULL && i < s->n_alerts; i++) {
		if (s->alerts[i].id != id)
			continue;
		*out = s->alerts[i];
		return true;
	}
	return false;
}

/* ---- signs of life ---- */

/* Whether what a heartbeat says is so: watched, judged and stored lately. */
static bool
is_alive(const struct daemon *d, struct mono now)
{
	const struct snapshot *s = d->published;

	return s != NULL && !s->degraded && d->backlog_n == 0 &&
		mono_diff(now, s->at_mono).ns < HEARTBEAT_AGE_MAX_NS;
}

static void
beat(struct daemon *d)
{
	struct change_set *cs = change_set_new();
	const struct snapshot *s = d->published;
	char body[128];

	if (cs == NULL)
		return;
	snprintf(body, sizeof(body), "{\"hosts\":%zu,\"checks\":%zu,"
		"\"alerts\":%zu,\"observer_suspect\":%s}", s->n_hosts,
		s->n_checks, s->n_alerts,
		s->observer_suspect ? "true" : "false");
	if (action_heartbeat(d->action, cs, body) > 0)
		keep_facts(d, cs);
	else
		change_set_free(cs);
}

static void
on_heartbeat(void *arg, struct mono now)
{
	struct daemon *d = arg;
	const struct config_heartbeat *h = &d->config->heartbeat;

	if (h->to.n == 0)
		return;
	if (is_alive(d, now))
		beat(d);
	else
		log_at(WARN, "action", "no heartbeat: what it would say is "
			"not so");
	sched_at(d->sched, &d->heartbeat, mono_add(now,
		dur_ns(h->values.v[HEARTBEAT_EVERY].i)));
}

/* ---- open and close ---- */

int
alerts_open(struct daemon *d, struct tc_err *e)
{
	struct action_conf conf = { .sched = d->sched, .clock = d->clock,
		.user_agent = "tocsind/" TOCSIN_VERSION, .arg = d,
		.store = store_results, .address = address_of,
		.alert = find_alert };

	d->told = queue_new(TOLD_MAX, sched_wake_send, d->durable_wake);
	if (d->told == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	sched_timer_init(&d->heartbeat, on_heartbeat, d);
	return action_new(&conf, &d->action, e);
}

void
alerts_close(struct daemon *d)
{
	if (d->action != NULL)
		sched_cancel(d->sched, &d->heartbeat);
	action_free(d->action);
	d->action = NULL;
}

/* ---- receivers and routes ---- */

static struct action_receiver
receiver_of(const struct config_receiver *r)
{
	const struct tocsin_value *v = r->values.v;

	return (struct action_receiver){ .name = r->name,
		.type = (enum action_type)v[RECEIVER_TYPE].i,
		.url = v[RECEIVER_URL].s, .secret = v[RECEIVER_SECRET].s,
		.server = v[RECEIVER_SERVER].s, .from = v[RECEIVER_FROM].s,
		.user = v[RECEIVER_USER].s, .password = v[RECEIVER_PASSWORD].s,
		.timeout = dur_ns(v[RECEIVER_TIMEOUT].i),
		.fallback = v[RECEIVER_FALLBACK].s,
		.fallback_after = dur_ns(v[RECEIVER_FALLBACK_AFTER].i),
		.argv = r->argv.items, .n_argv = r->argv.n,
		.to = r->to.items, .n_to = r->to.n };
}

static struct action_match
match_of(const struct config_route *r)
{
	return (struct action_match){ .match = r->match, .n_match = r->n_match,
		.to = r->to.items, .n_to = r->to.n };
}

/* ---- contacts by type: they stand for the receivers of their lists ---- */

static const struct tag any_notice = { "kind", "maintenance_notice" };
static const struct tag any_window = { "kind", "maintenance_*" };

/* As many as add_contacts() adds at most. */
static size_t
count_contacts(const struct config *c)
{
	size_t n = CONTACT_COUNT_ + 1;

	for (size_t i = 0; i < c->n_routes; i++)
		n += c->routes[i].contacts.n;
	return n;
}

static size_t
add_contact(struct action_match *routes, size_t n, struct action_match match,
	const struct config_list *list)
{
	if (list->n == 0)
		return n;
	match.to = list->items;
	match.n_to = list->n;
	routes[n] = match;
	return n + 1;
}

/* What a route names by type, and the notices that need no route. */
static size_t
add_contacts(struct action_match *routes, size_t n, const struct config *c)
{
	const struct config_list *of = c->contacts == NULL ? NULL :
		c->contacts->of;
	const struct action_match notice = { .match = &any_notice,
		.n_match = 1 }, window = { .match = &any_window, .n_match = 1 };
	enum contact type;

	if (of == NULL)
		return n;
	for (size_t i = 0; i < c->n_routes; i++)
		for (size_t k = 0; k < c->routes[i].contacts.n; k++)
			if (contact_parse(c->routes[i].contacts.items[k],
				&type))
				n = add_contact(routes, n,
					match_of(&c->routes[i]), &of[type]);
	for (int i = 0; i < CONTACT_COUNT_; i++)
		n = add_contact(routes, n, notice, &of[i]);
	return add_contact(routes, n, window, &of[CONTACT_OPS]);
}

/* Where people reach us, "" when the port is not known beforehand. */
static void
base_url(const struct config *c, char *out, size_t size)
{
	const char *port = strrchr(c->listen, ':');

	out[0] = '\0';
	if (port != NULL && strcmp(port, ":0") != 0)
		snprintf(out, size, "%s://%s", c->tls_certificate != NULL ?
			"https" : "http", c->listen);
}

int
alerts_setup(struct daemon *d, const struct config *c, struct tc_err *e)
{
	struct arena arena = { 0 };
	struct action_receiver *receivers = arena_alloc(&arena,
		(c->n_receivers + 1) * sizeof(*receivers));
	struct action_match *routes = arena_alloc(&arena,
		(c->n_routes + count_contacts(c)) * sizeof(*routes));
	char url[300];
	struct action_setup setup = { .receivers = receivers,
		.n_receivers = c->n_receivers, .routes = routes,
		.n_routes = c->n_routes, .base_url = url,
		.heartbeat_to = c->heartbeat.to.items,
		.n_heartbeat_to = c->heartbeat.to.n };
	int rc = TC_ENOMEM;

	if (receivers == NULL || routes == NULL) {
		(void)tc_fail(e, rc, "out of memory");
		goto out;
	}
	base_url(c, url, sizeof(url));
	for (size_t i = 0; i < c->n_receivers; i++)
		receivers[i] = receiver_of(&c->receivers[i]);
	for (size_t i = 0; i < c->n_routes; i++)
		routes[i] = match_of(&c->routes[i]);
	setup.n_routes = add_contacts(routes, c->n_routes, c);
	if (c->heartbeat.to.n != 0)
		setup.heartbeat_every =
			dur_ns(c->heartbeat.values.v[HEARTBEAT_EVERY].i);
	rc = action_setup(d->action, &setup, e);
	/* The first a second from now: by then there is something to say. */
	if (rc == 0)
		sched_at(d->sched, &d->heartbeat,
			mono_add(sched_now(d->sched), dur_s(1)));
out:
	arena_free(&arena);
	return rc;
}

/* ---- sets on their way ---- */

static bool
tells(const struct change_set *cs)
{
	for (size_t i = 0; i < cs->n; i++)
		if (cs->items[i].kind == CHANGE_OUTBOX)
			return true;
	return false;
}

void
alerts_settled(struct daemon *d, struct change_set *cs)
{
	if (!tells(cs) || queue_push(d->told, cs) < 0)
		change_set_free(cs);
}

void
alerts_send(struct daemon *d)
{
	struct change_set *cs;

	while ((cs = queue_try_pop(d->told)) != NULL) {
		action_committed(d->action, cs);
		change_set_free(cs);
	}
}

/* ---- what the last run left ---- */

static int
load_alert(void *arg, const struct alert *a)
{
	struct daemon *d = arg;
	int rc = engine_restore_alert(d->engine, a);

	if (rc == 0)
		return action_restore_alert(d->action, a);
	log_at(WARN, "store", "alert not restored key=%s reason=%s", a->key,
		tc_err_id(rc));
	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_plan(void *arg, const struct change_plan *p)
{
	struct daemon *d = arg;
	int rc = engine_restore_plan(d->engine, p);

	if (rc < 0)
		log_at(WARN, "store", "plan not restored id=%llu reason=%s",
			(unsigned long long)p->id, tc_err_id(rc));
	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_window(void *arg, const struct change_window *w)
{
	struct daemon *d = arg;
	int rc = engine_restore_window(d->engine, w);

	if (rc < 0)
		log_at(WARN, "store", "window not restored id=%llu reason=%s",
			(unsigned long long)w->id, tc_err_id(rc));
	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_note(void *arg, const struct change_note *n)
{
	struct daemon *d = arg;
	int rc = engine_restore_note(d->engine, n);

	if (rc < 0)
		log_at(WARN, "store", "comment not restored id=%llu reason=%s",
			(unsigned long long)n->id, tc_err_id(rc));
	return rc == TC_ENOMEM ? rc : 0;
}

static int
load_artifact(void *arg, const struct change_artifact *a)
{
	struct daemon *d = arg;

	return engine_restore_artifact(d->engine, a);
}

static int
load_message(void *arg, const struct change_outbox *o,
	const struct change_delivery *v)
{
	struct daemon *d = arg;

	return action_restore_message(d->action, o, v);
}

static void
load_ids(void *arg, const struct store_ids *ids)
{
	struct daemon *d = arg;
	struct engine_ids given = { .alert = ids->alert, .plan = ids->plan,
		.window = ids->window, .note = ids->note };

	engine_restore_ids(d->engine, &given);
	action_restore_id(d->action, ids->outbox);
}

void
alerts_load(struct store_loader *loader)
{
	loader->alert = load_alert;
	loader->plan = load_plan;
	loader->window = load_window;
	loader->artifact = load_artifact;
	loader->note = load_note;
	loader->outbox = load_message;
	loader->ids = load_ids;
}
