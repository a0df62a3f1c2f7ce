/*
 * Opening, what the last run left, the receivers as configured.
 */
#include "action/action.h"

#include <string.h>

#include "action/parts.h"
#include "base/log.h"

struct mono
action_mono(const struct action *a)
{
	return a->conf.clock->mono(a->conf.clock);
}

struct outlet *
action_outlet(const struct action *a, const char *name)
{
	for (struct list *l = a->outlets.next; l != &a->outlets; l = l->next) {
		struct outlet *o = CONTAINER_OF(l, struct outlet, node);

		if (strcmp(o->conf.name, name) == 0)
			return o;
	}
	return NULL;
}

int
action_new(const struct action_conf *conf, struct action **out,
	struct tc_err *e)
{
	struct action *a = MEM_NEW(struct action);
	struct courier_conf courier = { .sched = conf->sched,
		.user_agent = conf->user_agent, .done = send_result, .arg = a };
	int rc;

	if (a == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	a->conf = *conf;
	list_init(&a->outlets);
	a->children = sched_children_new(conf->sched, e);
	rc = a->children == NULL ? e->code : courier_open(&courier,
		&a->courier, e);
	if (rc < 0) {
		action_free(a);
		return rc;
	}
	*out = a;
	return 0;
}

void
action_free(struct action *a)
{
	if (a == NULL)
		return;
	courier_close(a->courier);
	while (!list_is_empty(&a->outlets))
		outlet_free(CONTAINER_OF(a->outlets.next, struct outlet, node));
	if (a->children != NULL)
		sched_children_free(a->children);
	told_free_all(a);
	arena_free(&a->setup_arena);
	mem_free(a);
}

/* ---- the configuration, copied ---- */

struct copier {
	struct arena *arena;
	bool failed;
};

static const char *
copy_text(struct copier *c, const char *s)
{
	char *copy = arena_strdup(c->arena, s != NULL ? s : "");

	c->failed = c->failed || copy == NULL;
	return copy;
}

/* With a NULL behind. */
static const char *const *
copy_list(struct copier *c, const char *const *items, size_t n)
{
	const char **copy = arena_alloc(c->arena, (n + 1) * sizeof(*copy));

	c->failed = c->failed || copy == NULL;
	for (size_t i = 0; copy != NULL && i < n; i++)
		copy[i] = copy_text(c, items[i]);
	return copy;
}

static int
copy_receiver(const struct action_receiver *r, struct arena *arena,
	struct action_receiver *out)
{
	struct copier c = { .arena = arena };

	*out = *r;
	out->name = copy_text(&c, r->name);
	out->url = copy_text(&c, r->url);
	out->secret = copy_text(&c, r->secret);
	out->server = copy_text(&c, r->server);
	out->from = copy_text(&c, r->from);
	out->user = copy_text(&c, r->user);
	out->password = copy_text(&c, r->password);
	out->fallback = copy_text(&c, r->fallback);
	out->argv = copy_list(&c, r->argv, r->n_argv);
	out->to = copy_list(&c, r->to, r->n_to);
	return c.failed ? TC_ENOMEM : 0;
}

static const struct action_match *
copy_routes(struct copier *c, const struct action_setup *setup)
{
	struct action_match *all = arena_alloc(c->arena,
		(setup->n_routes + 1) * sizeof(*all));

	c->failed = c->failed || all == NULL;
	for (size_t i = 0; !c->failed && i < setup->n_routes; i++) {
		const struct action_match *from = &setup->routes[i];
		struct tag *tags = arena_alloc(c->arena,
			(from->n_match + 1) * sizeof(*tags));

		c->failed = c->failed || tags == NULL;
		for (size_t j = 0; tags != NULL && j < from->n_match; j++) {
			tags[j].key = copy_text(c, from->match[j].key);
			tags[j].value = copy_text(c, from->match[j].value);
		}
		all[i] = (struct action_match){ .match = tags,
			.n_match = from->n_match,
			.to = copy_list(c, from->to, from->n_to),
			.n_to = from->n_to };
	}
	return all;
}

/* ---- receivers ---- */

/* A new one, or the one of this name with what waits in it. */
static int
set_outlet(struct action *a, const struct action_receiver *r)
{
	struct outlet *o = action_outlet(a, r->name);
	struct action_receiver conf;
	struct arena arena = { 0 };

	if (copy_receiver(r, &arena, &conf) < 0)
		goto fail;
	if (o == NULL) {
		o = outlet_new(a);
		if (o == NULL)
			goto fail;
		list_add_tail(&a->outlets, &o->node);
	}
	arena_free(&o->arena);
	o->arena = arena;
	o->conf = conf;
	/* A changed address may be a right one. */
	o->not_before = (struct mono){ 0 };
	o->repost = conf.type == ACTION_ALERTMANAGER ? action_mono(a) :
		(struct mono){ 0 };
	return 0;
fail:
	arena_free(&arena);
	return TC_ENOMEM;
}

static bool
is_configured(const struct action_setup *setup, const char *name)
{
	for (size_t i = 0; i < setup->n_receivers; i++)
		if (strcmp(setup->receivers[i].name, name) == 0)
			return true;
	return false;
}

static void
drop_outlets(struct action *a, const struct action_setup *setup)
{
	struct list *next;

	for (struct list *l = a->outlets.next; l != &a->outlets; l = next) {
		struct outlet *o = CONTAINER_OF(l, struct outlet, node);

		next = l->next;
		if (is_configured(setup, o->conf.name))
			continue;
		outlet_give_up(o, "the receiver is not configured any more");
		outlet_free(o);
	}
}

int
action_setup(struct action *a, const struct action_setup *setup,
	struct tc_err *e)
{
	struct arena arena = { 0 };
	struct copier c = { .arena = &arena };
	const char *base_url = copy_text(&c, setup->base_url);
	const struct action_match *routes = copy_routes(&c, setup);
	const char *const *heartbeat_to = copy_list(&c, setup->heartbeat_to,
		setup->n_heartbeat_to);

	for (size_t i = 0; !c.failed && i < setup->n_receivers; i++)
		c.failed = set_outlet(a, &setup->receivers[i]) < 0;
	if (c.failed) {
		arena_free(&arena);
		return tc_fail(e, TC_ENOMEM, "receivers: out of memory");
	}
	drop_outlets(a, setup);
	arena_free(&a->setup_arena);
	a->setup_arena = arena;
	a->base_url = base_url;
	a->routes = routes;
	a->n_routes = setup->n_routes;
	a->heartbeat_to = heartbeat_to;
	a->n_heartbeat_to = setup->n_heartbeat_to;
	a->heartbeat_every = setup->heartbeat_every;
	a->ready = true;
	for (struct list *l = a->outlets.next; l != &a->outlets; l = l->next) {
		struct outlet *o = CONTAINER_OF(l, struct outlet, node);

		fallback_look(o);
		outlet_pump(o);
	}
	return 0;
}

/* ---- what the last run left ---- */

int
action_restore_alert(struct action *a, const struct alert *alert)
{
	return told_add(a, alert->id, alert->severity) == NULL ? TC_ENOMEM : 0;
}

static int
restore_told(struct action *a, const struct change_outbox *o,
	const struct change_delivery *d)
{
	struct told *t = told_get(a, o->alert);
	struct told_to *to;

	if (t == NULL || !o->firing)
		return 0;
	to = told_to_get(t, o->receiver);
	if (to == NULL)
		return TC_ENOMEM;
	mem_free(to->payload);
	to->payload = NULL;
	if (!d->done) {
		to->state = TOLD_WAITING;
	} else if (d->error[0] != '\0') {
		to->state = TOLD_FAILED;
	} else {
		to->state = TOLD_DELIVERED;
		to->payload = mem_strdup(o->payload);
	}
	return 0;
}

int
action_restore_message(struct action *a, const struct change_outbox *c,
	const struct change_delivery *d)
{
	struct action_receiver named = { .name = c->receiver };
	struct outlet *o;
	int rc = restore_told(a, c, d);

	if (rc < 0 || d->done)
		return rc;
	if (action_outlet(a, c->receiver) == NULL &&
	    (rc = set_outlet(a, &named)) < 0)
		return rc;
	o = action_outlet(a, c->receiver);
	return outlet_add(o, c, true, d->attempts);
}

void
action_restore_id(struct action *a, uint64_t largest_outbox_id)
{
	if (largest_outbox_id > a->last_id)
		a->last_id = largest_outbox_id;
}

void
action_stats(const struct action *a, struct action_stats *out)
{
	struct mono now = action_mono(a);

	*out = a->stats;
	for (struct list *l = a->outlets.next; l != &a->outlets; l = l->next) {
		const struct outlet *o = CONTAINER_OF(l, struct outlet, node);
		const struct message *m = CONTAINER_OF(o->queue.next,
			struct message, node);
		struct dur age = { 0 };

		out->waiting += o->n_queue;
		out->receivers_down += o->failures > 0;
		if (!list_is_empty(&o->queue))
			age = mono_diff(now, m->made);
		if (age.ns > out->oldest.ns)
			out->oldest = age;
	}
}
