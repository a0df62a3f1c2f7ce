/*
 * A receiver's queue: one attempt at a time, in order, until delivered.
 */
#include <inttypes.h>
#include <string.h>

#include "action/parts.h"
#include "base/log.h"

static void
on_timer(void *arg, struct mono now)
{
	(void)now;
	outlet_pump(arg);
}

struct outlet *
outlet_new(struct action *a)
{
	struct outlet *o = MEM_NEW(struct outlet);

	if (o == NULL)
		return NULL;
	o->owner = a;
	o->number = ++a->last_number;
	list_init(&o->queue);
	list_init(&o->node);
	sched_timer_init(&o->timer, on_timer, o);
	fallback_init(o);
	return o;
}

static void
message_free(struct outlet *o, struct message *m)
{
	list_remove(&m->node);
	o->n_queue--;
	mem_free(m->payload);
	mem_free(m);
}

static struct message *
head_of(const struct outlet *o)
{
	return list_is_empty(&o->queue) ? NULL :
		CONTAINER_OF(o->queue.next, struct message, node);
}

void
outlet_free(struct outlet *o)
{
	struct message *m;

	if (o->child != NULL)
		sched_child_cancel(o->child);
	while ((m = head_of(o)) != NULL)
		message_free(o, m);
	sched_cancel(o->owner->conf.sched, &o->timer);
	sched_cancel(o->owner->conf.sched, &o->fallback);
	list_remove(&o->node);
	arena_free(&o->arena);
	mem_free(o);
}

int
outlet_add(struct outlet *o, const struct change_outbox *c, bool released,
	unsigned attempts)
{
	struct message *m = MEM_NEW(struct message);

	if (m == NULL)
		return TC_ENOMEM;
	*m = (struct message){ .id = c->id, .alert = c->alert,
		.firing = c->firing, .released = released, .at = c->at,
		.made = action_mono(o->owner), .attempts = attempts,
		.payload = mem_strdup(c->payload) };
	if (m->payload == NULL) {
		mem_free(m);
		return TC_ENOMEM;
	}
	list_add_tail(&o->queue, &m->node);
	o->n_queue++;
	fallback_look(o);
	outlet_pump(o);
	return 0;
}

/* From the end: what is released was added lately. */
void
outlet_release(struct outlet *o, uint64_t id)
{
	for (struct list *l = o->queue.prev; l != &o->queue; l = l->prev) {
		struct message *m = CONTAINER_OF(l, struct message, node);

		if (m->id > id)
			continue;
		if (m->id == id)
			m->released = true;
		break;
	}
	outlet_pump(o);
}

/* ---- what became of it ---- */

static void
record(struct outlet *o, const struct message *m, bool done,
	const char *error)
{
	struct action *a = o->owner;
	struct change_set *cs = change_set_new();
	struct change *c = cs == NULL ? NULL :
		change_add(cs, CHANGE_DELIVERY);

	if (c != NULL) {
		c->u.delivery = (struct change_delivery){ .outbox = m->id,
			.done = done, .attempts = m->attempts,
			.at = a->conf.clock->wall(a->conf.clock),
			.error = arena_strdup(&cs->arena, error) };
	}
	if (c == NULL || c->u.delivery.error == NULL) {
		log_at(ERROR, "action", "no memory to record a delivery "
			"receiver=%s", o->conf.name);
		change_set_free(cs);
		return;
	}
	a->conf.store(a->conf.arg, cs);
}

static void
note_told(struct outlet *o, const struct message *m, bool delivered)
{
	struct told *t = told_get(o->owner, m->alert);
	struct told_to *to = t == NULL || !m->firing ? NULL :
		told_to_find(t, o->conf.name);

	if (to == NULL)
		return;
	to->state = delivered ? TOLD_DELIVERED : TOLD_FAILED;
	if (!delivered || o->conf.type != ACTION_ALERTMANAGER)
		return;
	mem_free(to->payload);
	to->payload = mem_strdup(m->payload);
	if (o->repost.ns == 0)
		o->repost = mono_add(action_mono(o->owner), dur_s(REPOST_S));
}

static void
give_up(struct outlet *o, struct message *m, const char *why)
{
	o->owner->stats.given_up++;
	log_at(ERROR, "action", "given up receiver=%s message=%" PRIu64
		" alert=%" PRIu64 " why=\"%s\"", o->conf.name, m->id,
		m->alert, why);
	record(o, m, true, why);
	note_told(o, m, false);
	message_free(o, m);
}

/* Nobody is told of the end of what they were not told of. */
static void
give_up_end_of(struct outlet *o, uint64_t alert)
{
	struct list *next;

	for (struct list *l = o->queue.next; l != &o->queue; l = next) {
		struct message *m = CONTAINER_OF(l, struct message, node);

		next = l->next;
		if (m->alert == alert && alert != 0 && !m->firing)
			give_up(o, m, "its beginning was not delivered");
	}
}

void
outlet_give_up(struct outlet *o, const char *why)
{
	struct message *m;

	while ((m = head_of(o)) != NULL)
		give_up(o, m, why);
}

void
outlet_drop_heartbeats(struct outlet *o)
{
	struct list *next;

	for (struct list *l = o->queue.next; l != &o->queue; l = next) {
		struct message *m = CONTAINER_OF(l, struct message, node);

		next = l->next;
		if (m->alert != 0 || (o->busy == BUSY_MESSAGE &&
		    m == head_of(o)))
			continue;
		record(o, m, true, "a newer one took its place");
		message_free(o, m);
	}
}

/* ---- when ---- */

/* 1 s doubling to 5 min, a fifth more or less, but never under 1 s. */
static struct dur
backoff(const struct outlet *o, const struct attempt *result)
{
	unsigned doublings = o->failures < 10 ? o->failures - 1 : 9;
	int64_t ms = (int64_t)1000 << doublings;
	uint64_t seed[2] = { o->number, o->owner->stats.attempts };
	int64_t jitter = (int64_t)(hash_bytes(seed, sizeof(seed),
		(uint64_t)action_mono(o->owner).ns) % 400) - 200;

	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	ms += ms * jitter / 1000;
	if (ms < dur_to_ms(result->retry_after))
		ms = dur_to_ms(result->retry_after);
	if (ms < 1000)
		ms = 1000;
	return dur_ms(ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS);
}

static void
note_failure(struct outlet *o, const struct attempt *result)
{
	struct action *a = o->owner;

	a->stats.failures++;
	if (o->failures++ == 0)
		log_at(WARN, "action", "receiver fails receiver=%s why=\"%s\"",
			o->conf.name, result->error);
	o->not_before = mono_add(action_mono(a), backoff(o, result));
}

static void
note_success(struct outlet *o)
{
	if (o->failures > 0)
		log_at(INFO, "action", "receiver answers again receiver=%s "
			"attempts=%u waiting=%zu", o->conf.name,
			o->failures + 1, o->n_queue);
	o->failures = 0;
	o->not_before = (struct mono){ 0 };
}

static void
message_done(struct outlet *o, struct message *m,
	const struct attempt *result)
{
	uint64_t alert = m->alert;
	bool firing = m->firing;

	if (result->error == NULL) {
		o->owner->stats.delivered++;
		record(o, m, true, "");
		note_told(o, m, true);
		message_free(o, m);
		return;
	}
	if (!result->refused || m->attempts < REFUSED_MAX) {
		record(o, m, false, result->error);
		return;
	}
	fallback_tell(o, m);
	give_up(o, m, result->error);
	if (firing)
		give_up_end_of(o, alert);
}

void
outlet_done(struct outlet *o, const struct attempt *result)
{
	enum busy was = o->busy;
	struct message *m = head_of(o);

	o->busy = BUSY_NO;
	o->child = NULL;
	if (result->error == NULL)
		note_success(o);
	else
		note_failure(o, result);
	if (was == BUSY_REPOST && result->error == NULL)
		o->repost = mono_add(action_mono(o->owner), dur_s(REPOST_S));
	/* The queue was emptied meanwhile: nothing to say it of. */
	if (was == BUSY_MESSAGE && m != NULL)
		message_done(o, m, result);
	outlet_pump(o);
}

/* ---- sending ---- */

/*
 * Mail that could not be sent while the trouble lasted tells of begin and end
 * at once: the later message names both.
 */
static bool
is_told_by_its_end(const struct outlet *o, const struct message *head)
{
	if (o->conf.type != ACTION_SMTP || !head->firing || head->alert == 0)
		return false;
	for (struct list *l = head->node.next; l != &o->queue; l = l->next) {
		struct message *m = CONTAINER_OF(l, struct message, node);

		if (m->alert == head->alert && !m->firing)
			return m->released;
	}
	return false;
}

/* A heartbeat proves that the store commits: without, it proves nothing. */
static bool
is_no_use(const struct outlet *o, const struct message *m, struct mono now)
{
	if (m->alert == 0)
		return !m->released && !mono_before(now,
			mono_add(m->made, dur_ms(RELEASE_MS)));
	return is_told_by_its_end(o, m);
}

static void
start(struct outlet *o, struct message *m)
{
	struct attempt failed = { .error = "no memory, or no process, here" };
	bool started;

	o->owner->stats.attempts++;
	if (m != NULL)
		m->attempts++;
	o->busy = m != NULL ? BUSY_MESSAGE : BUSY_REPOST;
	started = m != NULL ? send_message(o, m) : send_repost(o);
	if (!started)
		outlet_done(o, &failed);
}

/* The head, when it may go now; else *due is when to look again. */
static struct message *
ready_head(struct outlet *o, struct mono now, struct mono *due)
{
	struct message *m;
	struct mono at;

	while ((m = head_of(o)) != NULL && is_no_use(o, m, now)) {
		bool heartbeat = m->alert == 0;

		record(o, m, true, heartbeat ? "its set was not committed" :
			"told together with its end");
		note_told(o, m, true);
		message_free(o, m);
	}
	if (m == NULL)
		return NULL;
	at = m->released ? now : mono_add(m->made, dur_ms(RELEASE_MS));
	if (!mono_before(now, at))
		at = mono_add(o->pace, dur_ms(-BURST * PACE_MS));
	if (!mono_before(now, at))
		return m;
	if (due->ns == 0 || mono_before(at, *due))
		*due = at;
	return NULL;
}

static void
take_pace(struct outlet *o, struct mono now)
{
	if (mono_before(o->pace, now))
		o->pace = now;
	o->pace = mono_add(o->pace, dur_ms(PACE_MS));
}

void
outlet_pump(struct outlet *o)
{
	struct mono now = action_mono(o->owner), due;
	struct message *m;

	if (o->busy != BUSY_NO || !o->owner->ready)
		return;
	sched_cancel(o->owner->conf.sched, &o->timer);
	if (mono_before(now, o->not_before)) {
		sched_at(o->owner->conf.sched, &o->timer, o->not_before);
		return;
	}
	if (o->repost.ns != 0 && !mono_before(now, o->repost)) {
		if (send_has_repost(o)) {
			start(o, NULL);
			return;
		}
		o->repost = (struct mono){ 0 };
	}
	due = o->repost;
	m = ready_head(o, now, &due);
	if (m != NULL) {
		take_pace(o, now);
		start(o, m);
	} else if (due.ns != 0) {
		sched_at(o->owner->conf.sched, &o->timer, due);
	}
}
