/*
 * When a receiver cannot be reached, another one is told in its place.  The
 * message stays in the first queue all the same: both are recorded.
 */
#include <inttypes.h>

#include "action/parts.h"
#include "base/log.h"

static void
on_late(void *arg, struct mono now)
{
	(void)now;
	fallback_look(arg);
}

void
fallback_init(struct outlet *o)
{
	sched_timer_init(&o->fallback, on_late, o);
}

/* NULL: there is none, or it knows already. */
static struct outlet *
fallback_of(const struct outlet *o, const struct told *t)
{
	struct outlet *to;

	if (t == NULL || o->conf.fallback == NULL ||
	    o->conf.fallback[0] == '\0')
		return NULL;
	to = action_outlet(o->owner, o->conf.fallback);
	return to == NULL || told_to_find(t, to->conf.name) != NULL ? NULL :
		to;
}

void
fallback_tell(struct outlet *o, struct message *m)
{
	struct action *a = o->owner;
	struct told *t = told_get(a, m->alert);
	struct outlet *to = m->firing ? fallback_of(o, t) : NULL;
	struct change_set *cs;
	struct told_to *entry;
	struct alert al;

	m->handed_on = true;
	if (to == NULL || !a->conf.alert(a->conf.arg, m->alert, &al))
		return;
	cs = change_set_new();
	entry = cs == NULL ? NULL : told_to_get(t, to->conf.name);
	if (entry == NULL) {
		log_at(ERROR, "action", "no memory to fall back receiver=%s",
			o->conf.name);
		change_set_free(cs);
		return;
	}
	entry->state = message_add(to, cs, &al) ? TOLD_WAITING : TOLD_FAILED;
	a->stats.fell_back++;
	log_at(WARN, "action", "falls back receiver=%s to=%s alert=%" PRIu64,
		o->conf.name, to->conf.name, m->alert);
	a->conf.store(a->conf.arg, cs);
}

void
fallback_look(struct outlet *o)
{
	struct action *a = o->owner;
	struct mono now = action_mono(a);

	sched_cancel(a->conf.sched, &o->fallback);
	if (!a->ready || o->conf.fallback == NULL ||
	    o->conf.fallback[0] == '\0')
		return;
	for (struct list *l = o->queue.next; l != &o->queue; l = l->next) {
		struct message *m = CONTAINER_OF(l, struct message, node);
		struct mono due = mono_add(m->made, o->conf.fallback_after);

		if (m->handed_on || !m->firing || m->alert == 0)
			continue;
		if (mono_before(now, due)) {
			sched_at(a->conf.sched, &o->fallback, due);
			return;
		}
		fallback_tell(o, m);
	}
}
