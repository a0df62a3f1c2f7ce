#include "store/forget.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store/deeds.h"
#include "store/prune.h"

#define EVERY_S 3600
#define PAUSE_MS 50	/* so that it takes a sixth of the time */
/* Those who ingest wait for it, and for its commit. */
#define BITE_MS 8
#define BITE_PAGES 160
#define BITE_LEAST 16

static struct mono
now(void)
{
	struct clock *clock = clock_system();

	return clock->mono(clock);
}

static struct wall
today(void)
{
	struct clock *clock = clock_system();

	return clock->wall(clock);
}

void
forget_init(struct forget *f, const struct store_conf *conf)
{
	*f = (struct forget){ .conf = conf,
		.rows = { PRUNE_ROWS / 4, 4 * PRUNE_ROWS },
		.blocks = { PRUNE_BLOCKS / 4, 4 * PRUNE_BLOCKS } };
}

static void
bite_adapt(struct bite *b, struct dur took, int pages)
{
	if (took.ns > dur_ms(BITE_MS).ns || pages > BITE_PAGES)
		b->n /= 2;
	else if (took.ns < dur_ms(BITE_MS / 2).ns && pages < BITE_PAGES / 2)
		b->n += b->n / 2;
	if (b->n > b->most)
		b->n = b->most;
	if (b->n < BITE_LEAST)
		b->n = BITE_LEAST;
}

void
forget_took(struct forget *f, struct dur took, int pages)
{
	switch (f->stage) {
	case FORGET_ROWS:
		bite_adapt(&f->rows, took, pages);
		return;
	case FORGET_BLOCKS:
		bite_adapt(&f->blocks, took, pages);
		return;
	case FORGET_DEEDS:
	case FORGET_REST:
		return;
	}
}

/* ---- orders ---- */

struct order_key {
	char text[24];
};

static struct order_key
key_of(enum tier tier)
{
	struct order_key key;

	snprintf(key.text, sizeof(key.text), "prune:%d", (int)tier);
	return key;
}

static int
know_asked(struct forget *f, struct scribe *s, struct tc_err *e)
{
	int rc = 0;

	for (enum tier t = TIER_HOUR; rc == 0 && t < TIERS; t++)
		rc = scribe_get_meta(s, key_of(t).text, &f->asked[t], e);
	f->knows_asked = rc == 0;
	return rc;
}

static int
done_as_asked(struct forget *f, struct scribe *s, enum tier tier,
	struct tc_err *e)
{
	f->asked[tier] = 0;
	db_bind_text(&s->db, ST_META_DELETE, 1, key_of(tier).text);
	return db_run(&s->db, ST_META_DELETE, e);
}

/* ---- rounds ---- */

void
forget_later(struct forget *f)
{
	f->knows_asked = false;
	if (f->gone > 0)
		log_at(INFO, "store", "pruned rows=%llu",
			(unsigned long long)f->gone);
	f->stage = FORGET_REST;
	f->gone = 0;
	f->edge = 0;
	f->next = mono_add(now(), dur_s(EVERY_S));
}

struct mono
forget_next(const struct forget *f, const struct scribe *s)
{
	/* Rows that have just been packed do not wait for the hour. */
	if (f->stage == FORGET_REST && s->knows_marks &&
	    s->packed != f->packed)
		return (struct mono){ 0 };
	return f->next;
}

static struct dur
keep_of(const struct forget *f, enum tier tier)
{
	switch (tier) {
	case TIER_HOUR:
	case TIER_LONG:
		return f->conf->keep_raw;
	case TIER_M5:
		return f->conf->keep_m5;
	case TIER_H1:
		return f->conf->keep_h1;
	case TIER_D1:
		return f->conf->keep_d1;
	case TIER_SNAPSHOT:
	case TIERS:
		break;
	}
	return dur_ns(0);
}

static void
refuse(const char *what)
{
	log_at(WARN, "store", "retention would take more than half of the "
		"history, nothing is pruned; tocsin db prune does tier=%s",
		what);
}

/* What has been packed goes; else, where nothing packs, what is too old. */
static int
rows_edge(struct forget *f, struct scribe *s, struct tc_err *e)
{
	bool surprise = false;
	struct wall before;
	int rc;

	if ((rc = scribe_marks(s, e)) < 0)
		return rc;
	f->packed = s->packed;
	f->edge = s->packed;
	/* Somebody's order, where nothing packs. */
	if (s->packed == 0 && f->asked[TIER_HOUR] != 0)
		f->edge = slot_of((struct wall){ f->asked[TIER_HOUR] });
	if (f->edge != 0 || f->conf->keep_raw.ns <= 0)
		return 0;
	before = wall_add(today(), dur_ns(-f->conf->keep_raw.ns));
	if ((rc = prune_is_surprise(&s->db, before, &surprise, e)) < 0)
		return rc;
	if (surprise)
		refuse("raw");
	else
		f->edge = slot_of(before);
	return 0;
}

static int
rows_some(struct forget *f, struct scribe *s, size_t *n, struct tc_err *e)
{
	size_t rows = 0;
	int rc;

	*n = 0;
	if (f->edge == 0 && (rc = rows_edge(f, s, e)) < 0)
		return rc;
	rows = f->edge != 0 ? f->rows.n : 0;
	if (rows > 0 && (rc = prune_some(&s->db, f->edge, &rows, e)) < 0)
		return rc;
	if (s->packed == 0)
		*n = rows;
	if (rows == 0) {
		f->stage = FORGET_BLOCKS;
		f->tier = TIER_HOUR;
		f->edge = 0;
	}
	return 0;
}

static int
blocks_edge(struct forget *f, struct scribe *s, struct tc_err *e)
{
	struct dur keep = keep_of(f, f->tier);
	struct wall before = wall_add(today(), dur_ns(-keep.ns));
	bool surprise = false;
	int rc;

	if (f->asked[f->tier] != 0) {
		f->edge = f->asked[f->tier];
		before.ms = f->edge;
		return tiers[f->tier].row_ms == 0 ?
			prune_note_raw(&s->db, before, e) : 0;
	}
	if (keep.ns <= 0)
		return 0;
	if ((rc = prune_blocks_are_surprise(&s->db, f->tier, before, &surprise,
		    e)) < 0)
		return rc;
	if (surprise) {
		refuse(tiers[f->tier].name);
		return 0;
	}
	f->edge = before.ms;
	if (tiers[f->tier].row_ms == 0)
		rc = prune_note_raw(&s->db, before, e);
	return rc;
}

static int
blocks_some(struct forget *f, struct scribe *s, size_t *n, struct tc_err *e)
{
	struct wall before;
	int rc;

	*n = 0;
	if (f->edge == 0 && (rc = blocks_edge(f, s, e)) < 0)
		return rc;
	before.ms = f->edge;
	*n = f->edge != 0 ? f->blocks.n : 0;
	if (*n > 0 && (rc = prune_blocks(&s->db, f->tier, before, n, e)) < 0)
		return rc;
	if (*n == 0) {
		if (f->edge != 0 && f->edge == f->asked[f->tier] &&
		    (rc = done_as_asked(f, s, f->tier, e)) < 0)
			return rc;
		f->edge = 0;
		f->tier++;
		if (f->tier == TIERS)
			f->stage = FORGET_DEEDS;
	}
	return 0;
}

static int
deeds_some(struct forget *f, struct scribe *s, struct tc_err *e)
{
	size_t n = 0;
	int rc = deeds_forget(s, f->conf, today(), &n, e);

	if (rc == 0 && n == 0)
		forget_later(f);
	return rc;
}

/* The tiers of a name: raw history has two. */
static bool
is_tier(enum tier tier, const char *name)
{
	return tier != TIER_SNAPSHOT && strcmp(tiers[tier].name, name) == 0;
}

int
forget_ask(struct forget *f, struct scribe *s,
	const struct store_prune *order, struct tc_err *e)
{
	bool surprise, known = false;
	int rc;

	for (enum tier t = TIER_HOUR; t < TIERS; t++) {
		if (!is_tier(t, order->tier))
			continue;
		known = true;
		if ((rc = prune_blocks_are_surprise(&s->db, t, order->before,
			    &surprise, e)) < 0)
			return rc;
		if (surprise && !order->meant)
			return tc_fail(e, TC_EPERM, "more than half of the "
				"history would go");
	}
	if (!known)
		return tc_fail(e, TC_EINVAL, "there is no tier %s: raw, 5m, "
			"1h, 1d", order->tier);
	for (enum tier t = TIER_HOUR; t < TIERS; t++) {
		if (is_tier(t, order->tier) && (rc = scribe_put_meta(s,
			    key_of(t).text, order->before.ms, e)) < 0)
			return rc;
	}
	f->knows_asked = false;
	/* From the beginning: it may be past that tier. */
	f->stage = FORGET_REST;
	f->edge = 0;
	f->next = (struct mono){ 0 };
	return 0;
}

int
forget_some(struct forget *f, struct scribe *s, size_t *n, struct tc_err *e)
{
	int rc = 0;

	*n = 0;
	f->next = mono_add(now(), dur_ms(PAUSE_MS));
	if (!f->knows_asked && (rc = know_asked(f, s, e)) < 0)
		return rc;
	switch (f->stage) {
	case FORGET_REST:
		f->stage = FORGET_ROWS;
		f->edge = 0;
		rc = rows_some(f, s, n, e);
		break;
	case FORGET_ROWS:
		rc = rows_some(f, s, n, e);
		break;
	case FORGET_BLOCKS:
		rc = blocks_some(f, s, n, e);
		break;
	case FORGET_DEEDS:
		rc = deeds_some(f, s, e);
		break;
	}
	f->gone += *n;
	return rc;
}
