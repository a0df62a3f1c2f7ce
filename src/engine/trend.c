/*
 * Is it getting better or worse: the number of broken hosts, minute by
 * minute.
 */
#include "engine/inside.h"

#define MINUTE_NS INT64_C(60000000000)

static size_t
broken_in(const struct snapshot *s)
{
	return s->counts[STATE_UNHEALTHY] + s->counts[STATE_UNREACHABLE] +
		s->counts[STATE_IMPAIRED];
}

/* The last number known at that minute; false when it is too long ago. */
static bool
broken_at(const struct trend *t, int64_t minute, size_t *out)
{
	if (t->n == 0 || minute < t->minute - TREND_MINUTES + 1 ||
	    minute < t->first)
		return false;
	*out = t->broken[(minute > t->minute ? t->minute : minute) %
		TREND_MINUTES];
	return true;
}

void
trend_note(struct engine *en, struct snapshot *s, struct now now)
{
	struct trend *t = &en->trend;
	int64_t minute = now.mono.ns / MINUTE_NS;
	size_t broken = broken_in(s), before;
	enum snap_trend was = t->said;

	if (t->n == 0)
		t->first = t->minute = minute;
	/* minutes without a snapshot were like the one before them */
	for (; t->minute < minute; t->minute++)
		t->broken[(t->minute + 1) % TREND_MINUTES] =
			t->broken[t->minute % TREND_MINUTES];
	t->n++;
	t->broken[minute % TREND_MINUTES] = broken;
	t->said = TREND_STEADY;
	s->broken_before_known = broken_at(t, minute - TREND_BACK, &before);
	if (s->broken_before_known) {
		s->broken_before = before;
		t->said = broken > before ? TREND_WORSE : broken < before ?
			TREND_BETTER : TREND_STEADY;
	}
	s->broken = broken;
	s->trend = t->said;
	if (t->said != was)
		en->changed = true;	/* with the next generation */
}
