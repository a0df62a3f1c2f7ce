#include "engine/climb.h"

#include <string.h>

#include "base/le.h"
#include "engine/inside.h"
#include "wire/json_write.h"

/* version, rung, two free, time left, then when each rung was reached */
#define SAVED_VERSION 1
#define SAVED_BYTES (4 + 8 + 8 * LADDER_RUNGS)

static struct climb *
climb_of(const struct engine *en, const struct host *h)
{
	return hash_get(&en->climbs, &h->id, sizeof(h->id));
}

static void
save(struct engine *en, const struct host *h, const struct climb *c)
{
	unsigned char b[SAVED_BYTES] = { SAVED_VERSION, 0 };

	if (c != NULL) {
		b[1] = (unsigned char)c->rung;
		le_put(b + 4, heap_has(&c->due) ? (uint64_t)(c->due.key -
			en->gap_ns - awake(en, en->now).ns) : 0, 8);
		for (int i = 0; i < LADDER_RUNGS; i++)
			le_put(b + 12 + 8 * i, (uint64_t)c->at[i].ms, 8);
	}
	say_state(en, h->id, "ladder", b, sizeof(b));
}

static void
say_rung(struct engine *en, const struct climb *c, struct wall at)
{
	enum plan_action next = ladder_next(c->rung);
	struct strbuf body = { 0 };
	struct json_write w;

	json_begin(&w, &body);
	json_put_object(&w);
	json_add_str(&w, "host", c->host->name);
	json_add_str(&w, "rung", plan_action_id(c->rung));
	json_add_str(&w, "next", next == PLAN_NONE ? NULL :
		plan_action_id(next));
	json_put_end(&w);
	say_event(en, "plan.rung", c->host->id, at, strbuf_str(&body));
	strbuf_free(&body);
}

/* From the rung it is on, by awake time: a sleep of ours is no wait. */
static void
arm(struct engine *en, struct climb *c, int64_t left_ns)
{
	heap_remove(&en->climb_due, &c->due);
	if (ladder_next(c->rung) != PLAN_NONE)
		(void)heap_push(&en->climb_due, &c->due,
			awake(en, en->now).ns + left_ns + en->gap_ns);
}

static int64_t
length_of(const struct engine *en, enum plan_action rung)
{
	return ladder_from(&en->ladder, ladder_next(rung)).ns -
		ladder_from(&en->ladder, rung).ns;
}

static struct climb *
make(struct engine *en, struct host *h)
{
	struct climb *c = climb_of(en, h);

	if (c != NULL)
		return c;
	c = MEM_NEW(struct climb);
	if (c == NULL)
		return NULL;
	c->host = h;
	c->host_id = h->id;
	if (hash_put(&en->climbs, &c->host_id, sizeof(c->host_id), c) == 0)
		return c;
	mem_free(c);
	return NULL;
}

void
climb_begin(struct engine *en, struct host *h, struct wall at)
{
	struct climb *c = climb_of(en, h);

	if (c != NULL || (c = make(en, h)) == NULL)
		return;
	c->rung = PLAN_HOST_WAIT;
	c->at[0] = at;
	arm(en, c, length_of(en, c->rung));
	say_rung(en, c, at);
	save(en, h, c);
}

void
climb_end(struct engine *en, struct host *h)
{
	struct climb *c = climb_of(en, h);

	if (c == NULL)
		return;
	hash_remove(&en->climbs, &c->host_id, sizeof(c->host_id));
	heap_remove(&en->climb_due, &c->due);
	mem_free(c);
	save(en, h, NULL);
}

void
climbs_tick(struct engine *en, struct now now)
{
	struct heap_node *top;

	while ((top = heap_peek(&en->climb_due)) != NULL &&
		top->key <= now.mono.ns) {
		struct climb *c = CONTAINER_OF(top, struct climb, due);

		heap_pop(&en->climb_due);
		c->rung = ladder_next(c->rung);
		c->at[c->rung == PLAN_HOST_REBOOT ? 1 : 2] = now.wall;
		if (ladder_next(c->rung) != PLAN_NONE)
			arm(en, c, length_of(en, c->rung));
		say_rung(en, c, now.wall);
		save(en, c->host, c);
		mark(en, c->host, DIRTY_URGENT);
	}
}

void
climbs_free(struct engine *en)
{
	struct climb *c;
	size_t at = 0;

	while ((c = hash_next(&en->climbs, &at)) != NULL)
		mem_free(c);
	hash_free(&en->climbs);
	heap_free(&en->climb_due);
}

int
climb_restore(struct engine *en, struct host *h, const void *p, size_t n)
{
	const unsigned char *b = p;
	struct climb *c;

	if (n != SAVED_BYTES || b[0] != SAVED_VERSION)
		return TC_ECORRUPT;
	if (b[1] != PLAN_HOST_WAIT && b[1] != PLAN_HOST_REBOOT &&
	    b[1] != PLAN_HOST_EVACUATE)
		return b[1] == 0 ? 0 : TC_ECORRUPT;
	c = make(en, h);
	if (c == NULL)
		return TC_ENOMEM;
	c->rung = (enum plan_action)b[1];
	c->left_ns = (int64_t)le_get(b + 4, 8);
	for (int i = 0; i < LADDER_RUNGS; i++)
		c->at[i].ms = (int64_t)le_get(b + 12 + 8 * i, 8);
	return 0;
}

void
climbs_wake(struct engine *en, struct now now)
{
	struct climb *c;
	size_t at = 0;

	(void)now;
	while ((c = hash_next(&en->climbs, &at)) != NULL) {
		int64_t most = length_of(en, c->rung);

		/* Nothing fires on load, nothing waits longer than it would. */
		arm(en, c, c->left_ns < 0 || c->left_ns > most ? most :
			c->left_ns);
	}
}

const struct snap_ladder *
climb_show(const struct engine *en, struct arena *a, const struct host *h)
{
	const struct climb *c = climb_of(en, h);
	struct snap_ladder *out = c == NULL ? NULL :
		arena_alloc(a, sizeof(*out));

	if (out == NULL)
		return NULL;
	*out = (struct snap_ladder){ .rung = c->rung, .wait = en->ladder.wait,
		.reboot = en->ladder.reboot };
	memcpy(out->at, c->at, sizeof(out->at));
	return out;
}
