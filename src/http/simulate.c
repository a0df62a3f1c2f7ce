/*
 * POST /v1/simulate: were these hosts about to fail, what would be recommended,
 * would the brake latch, who could take their load.  Reads the snapshot with
 * the functions that the engine plans with; changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/view.h"
#include "model/name.h"
#include "plan/brake.h"
#include "plan/room.h"
#include "plan/choose.h"
#include "wire/json_read.h"

struct trial {
	const struct snapshot *s;
	struct arena arena;
	const struct snap_host **hosts;	/* that fail, sorted by name */
	size_t n;
};

/* A partition as it would be. */
struct then {
	size_t bad;
	bool latched;
	bool recommend;		/* the switch */
	const char *names[SNAP_PLAN_TARGETS];
	size_t n_names;
	size_t targets[TARGET_COUNT_];
	struct room_sum room;	/* of the targets */
	uint64_t load;		/* of those that fail */
};

static int
by_name(const void *a, const void *b)
{
	const struct snap_host *x = *(const struct snap_host *const *)a;
	const struct snap_host *y = *(const struct snap_host *const *)b;

	return strcmp(x->name, y->name);
}

static bool
fails(const struct trial *t, const struct snap_host *h)
{
	return bsearch(&h, t->hosts, t->n, sizeof(const struct snap_host *),
		by_name) != NULL;
}

/* The snapshot does not say which layer failed, but what it led to. */
static bool
is_left(const struct snapshot *s, const struct snap_host *h)
{
	for (size_t i = 0; h->rare->plan_id != 0 && i < s->n_plans; i++) {
		if (s->plans[i].id == h->rare->plan_id)
			return s->plans[i].action == PLAN_HOST_EVACUATE;
	}
	return false;
}

static struct plan_view
view_of(const struct trial *t, const struct snap_host *h, bool failing)
{
	return (struct plan_view){ .health = h->health,
		.host_health = is_left(t->s, h) ? HEALTH_UNHEALTHY :
			HEALTH_HEALTHY,
		.disposition = h->disposition,
		.level = failing ? LEVEL_IMMINENT : h->level,
		.in_window = h->rare->window_id != 0,
		.observer_suspect = t->s->observer_suspect,
		.full = room_is_full(h->tags, h->n_tags),
		.recommend = true };
}

static bool
goes_whole(const struct snap_host *h)
{
	size_t vms = 0;

	for (size_t i = 0; i < h->rare->n_units; i++)
		vms += h->rare->units[i].is_vm;
	return vms < 2;
}

static void
look_at(const struct trial *t, const struct snap_host *h, struct then *out)
{
	bool failing = fails(t, h);
	struct room room = room_of(h->tags, h->n_tags);
	struct plan_view now = view_of(t, h, false);
	struct plan_view then = view_of(t, h, failing);
	enum target_state target = plan_target(&then);

	out->bad += !plan_is_bad(&now) && plan_is_bad(&then);
	out->targets[target]++;
	if (target == TARGET_ELIGIBLE)
		room_add(&out->room, &room);
	else if (failing)
		out->load = room.load > UINT64_MAX - out->load ? UINT64_MAX :
			out->load + room.load;
	if (target == TARGET_ELIGIBLE && out->n_names < SNAP_PLAN_TARGETS)
		out->names[out->n_names++] = h->name;
}

/* False when none of its hosts fails. */
static bool
try_partition(const struct trial *t, const struct snap_partition *p,
	struct then *out)
{
	bool any = false;

	*out = (struct then){ .bad = p->brake.bad,
		.recommend = (p->off >> SWITCH_RECOMMEND & 1) == 0 };
	for (size_t i = 0; i < t->n && !any; i++)
		any = strcmp(t->hosts[i]->partition, p->name) == 0;
	for (size_t i = 0; any && i < t->s->n_chunks; i++) {
		const struct snap_chunk *c = t->s->chunks[i];

		for (size_t k = 0; k < c->n; k++) {
			if (strcmp(c->hosts[k]->partition, p->name) == 0)
				look_at(t, c->hosts[k], out);
		}
	}
	/* what a person let pass does not latch it again: only more does */
	out->latched = p->brake.latched || (out->bad > p->brake.limit &&
		out->bad > p->brake.bad);
	return any;
}

static void
put_host(const struct trial *t, struct json_write *w,
	const struct snap_host *h, const struct then *then)
{
	struct room room = room_of(h->tags, h->n_tags);
	struct plan_view v = view_of(t, h, true);
	enum plan_action action = plan_action_of(&v);
	unsigned why;

	v.brake = then->latched;
	v.recommend = then->recommend;
	why = plan_why_not(&v, action, then->n_names > 0 && room_suffices(
		&then->room, then->load - room.load, room.load, goes_whole(h)));
	json_put_object(w);
	json_add_str(w, "host", h->name);
	json_add_str(w, "action", plan_action_id(action));
	json_add_str(w, "state", action == PLAN_NONE ? "none" :
		plan_state_id(plan_is_held(why) ? PLAN_STATE_HELD :
		PLAN_STATE_RECOMMENDED));
	add_why_not(w, why);
	json_put_end(w);
}

static void
put_partition(const struct trial *t, struct json_write *w,
	const struct snap_partition *p, const struct then *then)
{
	size_t hard = brake_hard_limit(p->brake.hosts);

	json_put_object(w);
	json_add_str(w, "partition", p->name);
	json_add_u64(w, "hosts", p->brake.hosts);
	json_add_u64(w, "bad_now", p->brake.bad);
	json_add_u64(w, "bad_then", then->bad);
	json_add_u64(w, "limit", p->brake.limit);
	json_add_u64(w, "hard_limit", hard);
	json_add_bool(w, "latched_now", p->brake.latched);
	json_add_bool(w, "latched_then", then->latched);
	json_add_bool(w, "two_persons", then->bad > hard);
	json_add_array(w, "items");
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->hosts[i]->partition, p->name) == 0)
			put_host(t, w, t->hosts[i], then);
	}
	json_put_end(w);
	add_targets(w, then->names, then->n_names, then->targets);
	json_put_end(w);
}

/* ---- the request ---- */

static void
add_host(struct trial *t, struct json_read *r, const char *text)
{
	char name[NAME_MAX_BYTES + 1];
	const struct snap_host *h = NULL;

	if (name_fold(text, strlen(text), name, NULL) == 0)
		h = snapshot_host(t->s, name);
	if (h == NULL)
		json_fail(r, "no host '%.253s'", text);
	else if (t->n < t->s->n_hosts && !json_failed(r))
		t->hosts[t->n++] = h;
}

static void
add_partition_hosts(struct trial *t, struct json_read *r, const char *text)
{
	size_t before = t->n;

	for (size_t i = 0; i < t->s->n_chunks; i++) {
		const struct snap_chunk *c = t->s->chunks[i];

		for (size_t k = 0; k < c->n; k++) {
			if (strcmp(c->hosts[k]->partition, text) == 0 &&
			    t->n < t->s->n_hosts)
				t->hosts[t->n++] = c->hosts[k];
		}
	}
	if (t->n == before)
		json_fail(r, "no partition '%.253s' with hosts", text);
}

static int
read_trial(struct request *rq, struct trial *t, struct tc_err *e)
{
	struct json_read r;
	struct json_str key;
	size_t n = 0;
	int rc;

	strbuf_reserve(&rq->body, 0);
	json_open(&r, rq->body.p, rq->body.n);
	json_enter_object(&r);
	while (json_next_key(&r, &key)) {
		if (json_str_is(key, "hosts") && json_enter_array(&r)) {
			while (json_next_item(&r))
				add_host(t, &r, json_get_cstr(&r,
					NAME_MAX_BYTES));
		} else if (json_str_is(key, "partition")) {
			add_partition_hosts(t, &r, json_get_cstr(&r,
				NAME_MAX_BYTES));
		} else if (!json_failed(&r)) {
			json_unknown(&r);
		}
	}
	if ((rc = json_close(&r, e)) < 0)
		return rc;
	if (t->n == 0)
		return tc_fail(e, TC_EINVAL, "/hosts: name hosts or a partition");
	qsort(t->hosts, t->n, sizeof(const struct snap_host *), by_name);
	for (size_t i = 0; i < t->n; i++) {	/* each once */
		if (n == 0 || t->hosts[n - 1] != t->hosts[i])
			t->hosts[n++] = t->hosts[i];
	}
	t->n = n;
	return 0;
}

void
simulate(struct request *r)
{
	struct trial t = { .s = request_snapshot(r) };
	struct tc_err e = { 0 };
	struct json_write w;
	struct then then;

	t.hosts = arena_alloc(&t.arena, (t.s->n_hosts + 1) * sizeof(*t.hosts));
	if (t.hosts == NULL || r->body.failed) {
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
	} else if (read_trial(r, &t, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
	} else {
		reply_open(r, &w, t.s);
		json_add_array(&w, "partitions");
		for (size_t i = 0; i < t.s->n_partitions; i++) {
			const struct snap_partition *p = &t.s->partitions[i];

			if (try_partition(&t, p, &then))
				put_partition(&t, &w, p, &then);
		}
		json_put_end(&w);
		json_put_end(&w);
		r->reply.cache = "no-store";
	}
	arena_free(&t.arena);
}
