/*
 * predict: a drive among those of its model; of today and of each day of a
 * history, never of later ones.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "predict/backtest.h"
#include "predict/peers.h"
#include "t/lib/card.h"
#include "t/lib/story.h"
#include "t/lib/tape.h"

#define DAY0 15900
#define ROWS_MAX 9000
#define SERIAL 8

struct mark {
	char serial[SERIAL];
	int32_t day;
	int32_t score;
};

struct heard {
	struct mark marks[ROWS_MAX];
	size_t n;
	int32_t until;
};

static struct tape *
tape_new(void)
{
	struct tape *t = tape_alloc(ROWS_MAX);

	ck_assert_ptr_nonnull(t);
	return t;
}

static struct row *
tell(struct tape *t, unsigned drive, int32_t day, uint64_t pending)
{
	static char serials[1000][SERIAL];
	struct row *r = &t->rows[t->n++];
	char *serial = serials[drive % ARRAY_LEN(serials)];

	ck_assert_uint_le(t->n, ROWS_MAX);
	(void)snprintf(serial, SERIAL, "s%u",
		drive % (unsigned)ARRAY_LEN(serials));
	*r = (struct row){ .serial = serial, .model = "M",
		.serial_n = (uint32_t)strlen(serial), .model_n = 1,
		.line = t->n, .file = "tape", .day = DAY0 + day,
		.seen = 1u << COUNTER_PENDING };
	r->raw[COUNTER_PENDING] = pending;
	return r;
}

static unsigned
draw(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

/* 60 drives over 80 days; some grow bad, some of these fail. */
static void
invent(struct tape *t, unsigned seed)
{
	for (unsigned i = 0; i < 60; i++) {
		int32_t days = 30 + (int32_t)(draw(&seed) % 50);
		bool bad = draw(&seed) % 3 == 0, fails = draw(&seed) % 4 == 0;
		uint64_t pending = 0;

		for (int32_t d = 0; d < days; d++) {
			bool moves = bad && draw(&seed) % 6 == 0;

			pending += moves ? draw(&seed) % 40 : 0;
			if (moves || d == 0 || d == days - 1)
				tell(t, i, d, pending)->failure = bad && fails &&
					d == days - 1;
		}
	}
}

static int
by_day(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = (x->day > y->day) - (x->day < y->day);

	return order ? order : strcmp(x->serial, y->serial);
}

static int
hear(void *ctx, const struct backtest_change *c, struct tc_err *e)
{
	struct heard *h = ctx;
	struct mark *m = &h->marks[h->n];

	(void)e;
	if (c->day > h->until)
		return 0;
	ck_assert_uint_lt(h->n, ROWS_MAX);
	memset(m, 0, sizeof(*m));
	(void)snprintf(m->serial, sizeof(m->serial), "%s", c->serial);
	m->day = c->day;
	m->score = c->score;
	h->n++;
	return 0;
}

static int
mark_order(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;
	int order = strcmp(x->serial, y->serial);

	return order ? order : (x->day > y->day) - (x->day < y->day);
}

static void
replay(struct tape *t, int32_t until, struct heard *h,
	struct backtest_report *r)
{
	struct backtest_opts opts = { .change = hear, .ctx = h };
	struct pack *pack = card_beside();
	struct tc_err e = { 0 };

	t->at = 0;
	h->n = 0;
	h->until = until;
	ck_assert_msg(backtest_run(&t->source, pack, &opts, r, &e) == 0, "%s",
		e.text);
	qsort(h->marks, h->n, sizeof(h->marks[0]), mark_order);
	pack_free(pack);
}

START_TEST(a_drive_stands_above_those_that_are_lower)
{
	struct peers *p = peers_new();
	struct features f[40] = { { 0 } };
	struct feature_ref ref = { COUNTER_PENDING, STAT_PEERS_BELOW };

	ck_assert_ptr_nonnull(p);
	for (unsigned i = 0; i < 40; i++) {
		(void)features_observe(&f[i], COUNTER_PENDING, i < 38 ? 0 :
			i == 38 ? 8 : 900, DAY0, wall_from_days(DAY0));
		ck_assert_int_eq(peers_add(p, i % 2 ? "A" : "B", &f[i]), 0);
	}
	/* twenty of each: 18 or 19 are at zero */
	ck_assert(peers_rank(peers_of(p, "A"), UINT32_MAX, DAY0, &f[39]));
	ck_assert_int_eq(features_get(&f[39], ref, DAY0).value, 950);
	ck_assert(!peers_rank(peers_of(p, "A"), UINT32_MAX, DAY0, &f[39]));
	(void)peers_rank(peers_of(p, "A"), UINT32_MAX, DAY0, &f[1]);
	ck_assert(features_get(&f[1], ref, DAY0).known);
	ck_assert_int_eq(features_get(&f[1], ref, DAY0).value, 0);
	/* what was never reported has no place */
	ref.counter = COUNTER_REALLOCATED;
	ck_assert(!features_get(&f[1], ref, DAY0).known);
	peers_free(p);
}
END_TEST

START_TEST(too_few_peers_are_unknown_not_zero)
{
	struct feature_ref ref = { COUNTER_PENDING, STAT_PEERS_BELOW };
	struct peers *p = peers_new();
	struct features f = { 0 };

	(void)features_observe(&f, COUNTER_PENDING, 64, DAY0,
		wall_from_days(DAY0));
	for (int i = 0; i < PEERS_MIN - 1; i++)
		ck_assert_int_eq(peers_add(p, "A", &f), 0);
	ck_assert_int_eq(peers_add(p, "", &f), 0);
	ck_assert_ptr_null(peers_of(p, ""));
	(void)peers_rank(peers_of(p, "A"), UINT32_MAX, DAY0, &f);
	ck_assert(!features_get(&f, ref, DAY0).known);
	(void)peers_rank(peers_of(p, "nobody's"), UINT32_MAX, DAY0, &f);
	ck_assert(!features_get(&f, ref, DAY0).known);
	peers_free(p);
}
END_TEST

/* The figure again, from a plain look at all rows of the days before. */
static int
plain_below(const struct tape *t, int32_t day, uint64_t value)
{
	int below = 0, all = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct row *r = &t->rows[i];
		bool last = r->day < day && !r->failure;

		for (size_t k = 0; k < t->n && last; k++)
			if (strcmp(t->rows[k].serial, r->serial) == 0 &&
			    t->rows[k].day < day && t->rows[k].day > r->day)
				last = false;
		if (!last)
			continue;
		all++;
		below += peer_bucket((uint32_t)r->raw[COUNTER_PENDING]) <
			peer_bucket((uint32_t)value);
	}
	return all < PEERS_MIN ? -1 : below * 1000 / all;
}

START_TEST(each_day_knows_the_peers_of_the_days_before)
{
	struct tape *t = tape_new();
	struct peer_past *past = NULL;
	const struct peer_line *line;

	for (unsigned seed = 1; seed < 6; seed++) {
		t->n = 0;
		invent(t, seed);
		ck_assert_int_eq(peer_past_read(&t->source, &past, NULL), 0);
		ck_assert_uint_eq(t->at, 0);
		line = peer_past_line(past, "M", 1);
		ck_assert_ptr_null(peer_line_on(line, DAY0));
		ck_assert_ptr_null(peer_past_line(past, "N", 1));
		/* nobody fails before */
		for (int32_t d = 1; d < 30; d++) {
			const struct peer_counts *c = peer_line_on(line,
				DAY0 + d);

			ck_assert_int_eq(peers_below(c, COUNTER_PENDING, 30),
				plain_below(t, DAY0 + d, 30));
		}
		peer_past_free(past);
	}
	mem_free(t);
}
END_TEST

START_TEST(by_drive_or_by_day_the_peers_are_the_same)
{
	struct tape *t = tape_new();
	struct heard *a = MEM_NEW(struct heard), *b = MEM_NEW(struct heard);
	struct backtest_report x, y;

	for (unsigned seed = 20; seed < 40; seed++) {
		t->n = 0;
		invent(t, seed);
		replay(t, INT32_MAX, a, &x);
		qsort(t->rows, t->n, sizeof(t->rows[0]), by_day);
		replay(t, INT32_MAX, b, &y);
		ck_assert_mem_eq(&x, &y, sizeof(x));
		ck_assert_uint_eq(a->n, b->n);
		ck_assert_mem_eq(a->marks, b->marks, a->n * sizeof(a->marks[0]));
	}
	mem_free(a);
	mem_free(b);
	mem_free(t);
}
END_TEST

/* The canary: peers of tomorrow change nothing that was said until today. */
START_TEST(p20_shuffling_the_future_of_the_peers_changes_no_past_verdict)
{
	struct tape *t = tape_new();
	struct heard *a = MEM_NEW(struct heard), *b = MEM_NEW(struct heard);
	struct backtest_report r;
	size_t heard = 0;

	for (unsigned seed = 100; seed < 150; seed++) {
		unsigned dice = seed;
		int32_t today = DAY0 + 15 + (int32_t)(seed % 15);

		t->n = 0;
		invent(t, seed);
		replay(t, today, a, &r);
		for (size_t i = 0; i < t->n; i++) {
			if (t->rows[i].day <= today)
				continue;
			t->rows[i].raw[COUNTER_PENDING] = draw(&dice) % 5000;
			t->rows[i].failure = draw(&dice) % 5 == 0;
		}
		replay(t, today, b, &r);
		ck_assert_uint_eq(a->n, b->n);
		ck_assert_mem_eq(a->marks, b->marks, a->n * sizeof(a->marks[0]));
		heard += a->n;
	}
	ck_assert_uint_gt(heard, 100);
	mem_free(a);
	mem_free(b);
	mem_free(t);
}
END_TEST

START_TEST(what_can_be_read_once_is_refused)
{
	struct tape *t = tape_new();
	struct backtest_opts opts = { .change = NULL };
	struct pack *pack = card_beside();
	struct backtest_report r;
	struct tc_err e = { 0 };

	tell(t, 1, 0, 0);
	t->source.rewind = NULL;
	ck_assert_int_eq(backtest_run(&t->source, pack, &opts, &r, &e),
		TC_EUNSUP);
	ck_assert_msg(strstr(e.text, "read twice"), "%s", e.text);
	pack_free(pack);
	mem_free(t);
}
END_TEST

START_TEST(dates_far_apart_take_no_memory)
{
	struct tape *t = tape_new();
	struct peer_past *past = NULL;
	struct tc_err e = { 0 };

	tell(t, 1, 0, 0);
	tell(t, 1, 1000000000, 8);
	ck_assert_int_eq(peer_past_read(&t->source, &past, &e), TC_EFULL);
	ck_assert_msg(strstr(e.text, "model M"), "%s", e.text);
	mem_free(t);
}
END_TEST

START_TEST(every_failed_allocation_is_told)
{
	struct tape *t = tape_new();
	struct peer_past *past = NULL;
	struct tc_err e = { 0 };
	int rc = TC_ENOMEM;

	invent(t, 3);
	for (long n = 1; rc == TC_ENOMEM && n < 1000; n++) {
		t->at = 0;
		mem_fail_at(n);
		rc = peer_past_read(&t->source, &past, &e);
		mem_fail_at(0);
	}
	ck_assert_int_eq(rc, 0);
	peer_past_free(past);
	mem_free(t);
}
END_TEST

int
main(void)
{
	return STORIES("peers",
		a_drive_stands_above_those_that_are_lower,
		too_few_peers_are_unknown_not_zero,
		each_day_knows_the_peers_of_the_days_before,
		by_drive_or_by_day_the_peers_are_the_same,
		p20_shuffling_the_future_of_the_peers_changes_no_past_verdict,
		what_can_be_read_once_is_refused,
		dates_far_apart_take_no_memory,
		every_failed_allocation_is_told);
}
