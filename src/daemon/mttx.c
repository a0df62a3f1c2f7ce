/*
 * Times of detection and repair: moves and predictions from the store, reckoned
 * by predict.
 */
#include "daemon/mttx.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "daemon/daemon.h"
#include "predict/mttx.h"
#include "wire/json_read.h"

/* An incident of the span may have begun before it. */
#define BEFORE_S (30 * INT64_C(86400))

struct gathered {
	struct mttx_run *run;
	struct arena texts;
	struct hash hosts;	/* name → its number here */
	uintptr_t n_hosts;
};

/* 0 = no name, or no memory. */
static uint32_t
number_of(struct gathered *g, const char *host)
{
	uintptr_t at = (uintptr_t)hash_get_str(&g->hosts, host);
	const char *name;

	if (at != 0 || host[0] == '\0')
		return (uint32_t)at;
	name = arena_strdup(&g->texts, host);
	if (name == NULL || hash_put_str(&g->hosts, name,
		(void *)(g->n_hosts + 1)) < 0)
		return 0;
	return (uint32_t)++g->n_hosts;
}

static int
take_warning(void *arg, const char *host, struct wall since,
	struct wall until)
{
	struct gathered *g = arg;
	uint32_t number = number_of(g, host);

	if (number == 0)
		return host[0] == '\0' ? 0 : TC_ENOMEM;
	return mttx_warn(g->run, &(struct mttx_warning){ number, since,
		until });
}

/* Of an event's body, what is of use here. */
struct told {
	const char *host;
	const char *kind;
	bool has_from;
	bool has_to;
};

static bool
get_health(struct json_read *r, enum health *out)
{
	const char *id = json_get_cstr(r, 63);

	return id != NULL && health_parse(id, strlen(id), out);
}

static enum cause_hint
get_cause(struct json_read *r)
{
	const char *id = json_get_cstr(r, 63);

	for (int c = 0; id != NULL && c < MTTX_CAUSES; c++)
		if (strcmp(cause_id((enum cause_hint)c), id) == 0)
			return (enum cause_hint)c;
	return CAUSE_UNKNOWN;
}

static void
read_body(struct json_read *r, struct told *t, struct mttx_move *m)
{
	struct json_str key;

	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key)) {
		if (json_str_is(key, "from")) {
			t->has_from = get_health(r, &m->from);
		} else if (json_str_is(key, "to")) {
			t->has_to = get_health(r, &m->to);
		} else if (json_str_is(key, "cause_hint")) {
			m->cause = get_cause(r);
		} else if (json_str_is(key, "host")) {
			t->host = json_get_cstr(r, 255);
		} else if (json_str_is(key, "kind")) {
			t->kind = json_get_cstr(r, 63);
		} else {
			m->in_window = m->in_window ||
				json_str_is(key, "window");
			json_skip(r);
		}
	}
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* Of alerts only that of a partition's outage is a move. */
static bool
is_outage(const struct change_event *ev, const struct told *t,
	struct mttx_move *m)
{
	if (t->kind == NULL || strcmp(t->kind, "partition_outage") != 0)
		return false;
	m->from = HEALTH_HEALTHY;
	m->to = strcmp(ev->kind, "alert.firing") == 0 ? HEALTH_UNHEALTHY :
		HEALTH_HEALTHY;
	return true;
}

static bool
make_move(struct gathered *g, const struct change_event *ev,
	const struct change_subject *of, const struct told *t,
	struct mttx_move *m)	/* lint: what an event is made of */
{
	bool states = t->has_from && t->has_to;

	m->gone = ends_with(ev->kind, ".retired");
	switch (of->kind) {
	case SUBJECT_HOST:
		m->layer = MTTX_HOST;
		m->host = number_of(g, of->key);
		m->partition = of->parent;
		return states || m->gone;
	case SUBJECT_VM:
		m->layer = MTTX_VM;
		m->host = number_of(g, t->host != NULL ? t->host : "");
		return states || m->gone;
	case SUBJECT_ROLE:
		m->layer = MTTX_ROLE;
		m->host = number_of(g, t->host != NULL ? t->host : "");
		return states || m->gone;
	case SUBJECT_PARTITION:
		m->layer = MTTX_PARTITION;
		return is_outage(ev, t, m);
	case SUBJECT_DEVICE:
	case SUBJECT_CHECK:
	case SUBJECT_SERVER:
		break;
	}
	return false;
}

static int
take_move(void *arg, const struct change_event *ev,
	const struct change_subject *of)
{
	struct gathered *g = arg;
	struct mttx_move m = { .subject = ev->subject, .at = ev->at };
	char *body = mem_strdup(ev->body);
	struct told t = { 0 };
	struct json_read r;
	int rc = 0;

	if (body == NULL)
		return TC_ENOMEM;
	json_open(&r, body, strlen(body));
	read_body(&r, &t, &m);
	if (json_close(&r, NULL) == 0 && make_move(g, ev, of, &t, &m))
		rc = mttx_take(g->run, &m);
	mem_free(body);
	return rc;
}

int
mttx_read(struct daemon *d, struct wall from, struct wall to,
	struct mttx *out, struct tc_err *e)
{
	struct gathered g = { .run = mttx_new(from, to) };
	const struct store_moves q = { &g, wall_add(from, dur_s(-BEFORE_S)),
		take_warning, take_move };
	int rc = g.run == NULL ? tc_fail(e, TC_ENOMEM, "out of memory") :
		store_sqlite.moves(d->store, &q, e);

	if (rc == 0)
		rc = mttx_reckon(g.run, out, e);
	mttx_free(g.run);
	hash_free(&g.hosts);
	arena_free(&g.texts);
	return rc;
}
