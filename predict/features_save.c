/*
 * Features as plain bytes: version, days, then each counter that was seen, all
 * little-endian. Nothing here is trusted when it comes back.
 */
#include <string.h>

#include "base/le.h"
#include "predict/features.h"

#define SAVE_MAGIC 0x46u	/* 'F' */
/* 1 had no nonzero_day; 2 no weeks, recurrences and ranks */
#define SAVE_VERSION 3u

struct writer {
	unsigned char *p;
	size_t n;
};

static void
put(struct writer *w, uint64_t v, size_t bytes)
{
	le_put(w->p + w->n, v, bytes);
	w->n += bytes;
}

static int32_t
get_day(struct le_in *r)
{
	return (int32_t)(uint32_t)le_take(r, 4);
}

static void
put_counter(struct writer *w, const struct counter_past *p)
{
	put(w, (uint64_t)p->observed_ms, 8);
	put(w, p->now, 4);
	put(w, p->first, 4);
	put(w, p->max, 4);
	put(w, p->rises, 4);
	put(w, (uint32_t)p->first_day, 4);
	for (int i = 0; i < FEATURE_RISES_KEPT; i++)
		put(w, (uint32_t)p->rise_day[i], 4);
	put(w, (uint32_t)p->nonzero_day, 4);
	put(w, p->recurrences, 4);
	put(w, p->below, 2);
}

/* What version 1 tells of it: not later than the oldest rise still kept. */
static int32_t
guess_nonzero_day(const struct counter_past *p)
{
	uint32_t kept = p->rises < FEATURE_RISES_KEPT ? p->rises :
		FEATURE_RISES_KEPT;

	if (p->max == 0)
		return FEATURE_DAY_NEVER;
	return p->first > 0 || kept == 0 ? FEATURE_DAY_BEFORE :
		p->rise_day[kept - 1];
}

static void
get_counter(struct le_in *r, uint64_t version, struct counter_past *p)
{
	p->observed_ms = (int64_t)le_take(r, 8);
	p->now = (uint32_t)le_take(r, 4);
	p->first = (uint32_t)le_take(r, 4);
	p->max = (uint32_t)le_take(r, 4);
	p->rises = (uint32_t)le_take(r, 4);
	p->first_day = get_day(r);
	for (int i = 0; i < FEATURE_RISES_KEPT; i++)
		p->rise_day[i] = get_day(r);
	p->nonzero_day = version > 1 ? get_day(r) : guess_nonzero_day(p);
	if (version < 3)
		return;
	p->recurrences = (uint32_t)le_take(r, 4);
	p->below = (uint16_t)le_take(r, 2);
}

/* Which counters have slots, in the order of their rows. */
static const enum counter slotted[COUNTER_SLOTTED] = {
	COUNTER_REALLOCATED, COUNTER_REPORTED, COUNTER_PENDING,
};

size_t
features_save(const struct features *f, unsigned char out[FEATURES_SAVED_MAX])
{
	struct writer w = { out, 0 };

	put(&w, SAVE_MAGIC, 1);
	put(&w, SAVE_VERSION, 1);
	put(&w, f->seen, 4);
	put(&w, f->ranked, 4);
	put(&w, (uint32_t)f->ranked_day, 4);
	put(&w, (uint32_t)f->first_day, 4);
	put(&w, (uint32_t)f->slot_day, 4);
	put(&w, (uint32_t)f->changed_day, 4);
	for (int c = 0; c < COUNTER_N; c++) {
		if (f->seen & 1u << c)
			put_counter(&w, &f->past[c]);
	}
	for (int row = 0; row < COUNTER_SLOTTED; row++) {
		if (!(f->seen & 1u << slotted[row]))
			continue;
		for (int i = 0; i < FEATURE_SLOTS; i++)
			put(&w, f->slots[row][i], 4);
		for (int i = 0; i < FEATURE_WEEKS; i++)
			put(&w, f->weeks[row][i], 4);
	}
	return w.n;
}

static bool
counter_is_sane(const struct counter_past *p)
{
	if (p->now > p->max || p->first > p->max || p->below > 1000 ||
	    p->recurrences > p->rises)
		return false;
	if ((p->nonzero_day == FEATURE_DAY_NEVER) != (p->max == 0))
		return false;
	for (uint32_t i = 0; i < FEATURE_RISES_KEPT; i++) {
		if (i >= p->rises && p->rise_day[i] != 0)
			return false;
		if (i > 0 && i < p->rises && p->rise_day[i] > p->rise_day[i - 1])
			return false;
	}
	return true;
}

/* Of the weeks that the days still tell; before, as on the oldest day. */
static void
weeks_from_slots(struct features *f, int row)
{
	uint32_t newest = (uint32_t)f->slot_day;
	int64_t w;

	for (int back = FEATURE_WEEKS * 7; back >= 0; back--) {
		uint32_t day = newest - (uint32_t)(back < FEATURE_SLOTS ? back :
			FEATURE_SLOTS - 1);

		w = features_week_of((int64_t)f->slot_day - back);
		f->weeks[row][(uint64_t)w % FEATURE_WEEKS] =
			f->slots[row][day % FEATURE_SLOTS];
	}
}

static void
get_all(struct le_in *r, uint64_t version, struct features *f)
{
	f->first_day = get_day(r);
	f->slot_day = get_day(r);
	f->changed_day = get_day(r);
	for (int c = 0; c < COUNTER_N; c++) {
		if (!(f->seen & 1u << c))
			continue;
		get_counter(r, version, &f->past[c]);
		f->nonzero |= f->past[c].now ? 1u << c : 0;
	}
	for (int row = 0; row < COUNTER_SLOTTED; row++) {
		if (!(f->seen & 1u << slotted[row]))
			continue;
		for (int i = 0; i < FEATURE_SLOTS; i++)
			f->slots[row][i] = (uint32_t)le_take(r, 4);
		for (int i = 0; i < FEATURE_WEEKS && version >= 3; i++)
			f->weeks[row][i] = (uint32_t)le_take(r, 4);
		if (version < 3)
			weeks_from_slots(f, row);
	}
}

int
features_restore(const void *p, size_t n, struct features *out,
	struct tc_err *e)
{
	struct le_in r = { p, n, false };
	struct features f = { 0 };
	uint64_t version;

	if (le_take(&r, 1) != SAVE_MAGIC)
		return tc_fail(e, TC_ECORRUPT, "features: not saved by us");
	version = le_take(&r, 1);
	if (version > SAVE_VERSION)
		return tc_fail(e, TC_ENEWER, "features: version %u, we know %u",
			(unsigned)version, SAVE_VERSION);
	f.seen = (uint32_t)le_take(&r, 4);
	if (version >= 3) {
		f.ranked = (uint32_t)le_take(&r, 4);
		f.ranked_day = get_day(&r);
	}
	if (version == 0 || f.seen >> COUNTER_N != 0 ||
	    (f.ranked & ~f.seen) != 0)
		return tc_fail(e, TC_ECORRUPT, "features: unknown counters");
	get_all(&r, version, &f);
	if (r.bad || r.left != 0)
		return tc_fail(e, TC_ECORRUPT, "features: %zu bytes do not fit",
			n);
	for (int c = 0; c < COUNTER_N; c++) {
		if ((f.seen & 1u << c) && (!counter_is_sane(&f.past[c]) ||
		    (f.past[c].below > 0 && !(f.ranked & 1u << c))))
			return tc_fail(e, TC_ECORRUPT, "features: %s is "
				"inconsistent", counter_metric((enum counter)c));
	}
	*out = f;
	return 0;
}
