/*
 * Runs under way, and their answers: at once, or, while runs are being
 * started, when that is over.
 */
#include <string.h>

#include "base/mem.h"
#include "probe/parts.h"

#define SLOT_BITS 20	/* of the id; the others count generations */
#define SLOT_MASK ((UINT32_C(1) << SLOT_BITS) - 1)

struct deferred {
	struct list link;
	struct arena mem;
	uint32_t check;
	uint32_t seq;
	bool last;
	struct observation ob;
};

struct slot *
slot_new(struct runner *r, struct host *h, uint32_t check, uint32_t seq)
{
	struct slot *s = slab_take(&r->slots);

	if (s == NULL)
		return NULL;
	s->host = h;
	s->check = check;
	s->seq = seq;
	s->id = ++r->generation << SLOT_BITS | slab_index(&s->node);
	return s;
}

static void
slot_free(struct runner *r, struct slot *s)
{
	wheel_remove(&r->deadlines, &s->deadline);
	slab_give(&r->slots, s);
}

struct slot *
slot_of(struct runner *r, uint32_t id)
{
	struct slot *s = slab_get(&r->slots, id & SLOT_MASK);

	return s != NULL && s->id == id ? s : NULL;
}

void
slot_hold(struct runner *r, struct slot *s, struct mono due)
{
	int64_t look;

	wheel_remove(&r->deadlines, &s->deadline);
	wheel_add(&r->deadlines, &s->deadline, due.ns);
	look = s->deadline.tick * RUNNER_SWEEP_NS;
	if (!sched_armed(&r->sweep) || r->sweep.node.key > look)
		sched_at(r->conf.sched, &r->sweep, (struct mono){ look });
}

/* ---- answers ---- */

static bool
defer(struct runner *r, const struct deferred *what, const struct observation *ob)
{
	struct deferred *d = MEM_NEW(struct deferred);

	if (d == NULL)
		return false;
	*d = *what;
	if (!report_copy(&d->mem, ob, &d->ob) ||
	    sched_at(r->conf.sched, &r->later, (struct mono){ 0 }) < 0) {
		arena_free(&d->mem);
		mem_free(d);
		return false;
	}
	list_add_tail(&r->deferred, &d->link);
	return true;
}

/* False when it must come later and there is no memory to keep it. */
static bool
give(struct runner *r, const struct deferred *what, const struct observation *ob)
{
	if (r->closing)
		return true;
	if (r->starting && !defer(r, what, ob))
		return false;
	r->stats.results++;
	if (!r->starting)
		r->conf.on_result(r->conf.arg, what->check, what->seq, ob,
			what->last);
	return true;
}

void
slot_answer(struct runner *r, struct slot *s, const struct observation *ob,
	bool last)
{
	struct deferred what = { .check = s->check, .seq = s->seq, .last = last };

	if (!r->starting) {	/* free first: the callback may start runs */
		if (last)
			slot_free(r, s);
		give(r, &what, ob);
		return;
	}
	/* Without memory the run stays open until its deadline answers. */
	s->job = NULL;
	if (give(r, &what, ob) && last)
		slot_free(r, s);
}

void
slot_answer_own(struct runner *r, struct slot *s, enum tocsin_reason why,
	const char *text)
{
	struct observation ob;

	report_own(r->conf.clock, s->host->plugin->name, why, text, &ob);
	slot_answer(r, s, &ob, true);
}

void
slots_deliver(struct runner *r)
{
	struct list now;

	if (list_is_empty(&r->deferred))
		return;
	/* What is deferred meanwhile waits for the next turn. */
	list_init(&now);
	list_add_tail(&r->deferred, &now);
	list_remove(&r->deferred);
	while (!list_is_empty(&now)) {
		struct deferred *d = CONTAINER_OF(now.next, struct deferred, link);

		list_remove(&d->link);
		r->conf.on_result(r->conf.arg, d->check, d->seq, &d->ob, d->last);
		arena_free(&d->mem);
		mem_free(d);
	}
}

void
slots_forget(struct runner *r)
{
	while (!list_is_empty(&r->deferred)) {
		struct deferred *d =
			CONTAINER_OF(r->deferred.next, struct deferred, link);

		list_remove(&d->link);
		arena_free(&d->mem);
		mem_free(d);
	}
}

void
slots_init(struct runner *r)
{
	slab_init(&r->slots, sizeof(struct slot), SLOT_MASK);
	list_init(&r->deferred);
}

bool
slots_refuse(struct runner *r, const struct engine_run *run,
	const struct observation *ob)
{
	struct deferred what = { .check = run->check, .seq = run->seq,
		.last = true };

	return give(r, &what, ob);
}
