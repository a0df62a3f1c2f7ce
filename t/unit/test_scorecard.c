/*
 * scorecard: how often we were right, and when nobody can say.
 */
#include <check.h>

#include "base/macros.h"
#include "base/mem.h"
#include "predict/book.h"
#include "predict/scorecard.h"
#include "t/lib/story.h"

#define DEVICES 40
#define TODAY 20000

struct story {
	struct scored_prediction predictions[DEVICES];
	struct scored_outcome outcomes[DEVICES];
	struct scored_span spans[DEVICES];
	struct scorecard_input in;
};

/* Devices 1…40 on 20 hosts, watched for a year. */
static struct story *
story_new(void)
{
	struct story *s = MEM_NEW(struct story);

	ck_assert_ptr_nonnull(s);
	for (uint32_t i = 0; i < DEVICES; i++)
		s->spans[i] = (struct scored_span){ i + 1, i / 2,
			wall_from_days(TODAY - 365), wall_from_days(TODAY) };
	s->in = (struct scorecard_input){ s->predictions, 0, s->outcomes, 0,
		s->spans, DEVICES, wall_from_days(TODAY), dur_s(90 * 86400) };
	return s;
}

static void
alarm_at(struct story *s, uint32_t subject, enum level level, int32_t ago)
{
	s->predictions[s->in.n_predictions++] = (struct scored_prediction){
		subject, level, wall_from_days(TODAY - ago), 0 };
}

static void
ends(struct story *s, uint32_t subject, enum outcome_kind kind, int32_t ago)
{
	s->outcomes[s->in.n_outcomes++] = (struct scored_outcome){ subject,
		kind, wall_from_days(TODAY - ago) };
}

START_TEST(right_wrong_open_and_unknown_are_told_apart)
{
	struct story *s = story_new();
	struct scorecard card;
	const struct scorecard_level *l = &card.levels[LEVEL_LIKELY];

	for (uint32_t i = 1; i <= 12; i++) {
		ends(s, i, OUTCOME_FAILED, 100);
		if (i <= 9)
			alarm_at(s, i, LEVEL_IMMINENT, 100 + (int32_t)i * 10);
	}
	alarm_at(s, 10, LEVEL_LIKELY, 100);	/* on the day: too late */
	alarm_at(s, 20, LEVEL_LIKELY, 200);	/* wrong */
	alarm_at(s, 21, LEVEL_LIKELY, 30);	/* still open */
	alarm_at(s, 22, LEVEL_LIKELY, 200);	/* taken out: who knows */
	ends(s, 22, OUTCOME_REPLACED, 10);
	alarm_at(s, 23, LEVEL_WATCH, 200);
	ck_assert_int_eq(scorecard_reckon(&s->in, &card, NULL), 0);
	ck_assert_uint_eq(card.failed, 12);
	ck_assert_uint_eq(card.hosts, 20);
	ck_assert_double_eq_tol(card.host_years, 20, 0.1);
	ck_assert_uint_eq(l->precision.k, 9);
	ck_assert_uint_eq(l->precision.n, 10);
	ck_assert(l->precision_known);
	ck_assert_uint_eq(l->recall.n, 12);
	ck_assert_uint_eq(l->open, 1);
	ck_assert_uint_eq(l->wrong, 1);
	ck_assert_double_eq_tol(l->wrong_per_host_year, 0.05, 0.001);
	ck_assert_int_eq(l->lead_median.days, 50);
	ck_assert(!l->lead_known);
	ck_assert_uint_eq(card.levels[LEVEL_WATCH].wrong, 2);
	ck_assert_double_lt(l->precision.low, 0.9);
	mem_free(s);
}
END_TEST

START_TEST(p20_little_data_is_said)
{
	struct story *s = story_new();
	struct scorecard card;

	ends(s, 1, OUTCOME_FAILED, 100);
	alarm_at(s, 1, LEVEL_IMMINENT, 150);
	ck_assert_int_eq(scorecard_reckon(&s->in, &card, NULL), 0);
	ck_assert(!card.levels[LEVEL_IMMINENT].precision_known);
	ck_assert(!card.levels[LEVEL_IMMINENT].recall_known);
	s->in.n_spans = 0;
	ck_assert_int_eq(scorecard_reckon(&s->in, &card, NULL), 0);
	ck_assert_uint_eq(card.devices, 0);
	mem_free(s);
}
END_TEST

START_TEST(p20_people_may_call_an_alarm_wrong_or_a_device_healthy)
{
	struct story *s = story_new();
	struct scorecard card;
	const struct scorecard_level *l = &card.levels[LEVEL_WATCH];

	alarm_at(s, 1, LEVEL_WATCH, 20);	/* open, but … */
	ends(s, 1, OUTCOME_WRONG_ALARM, 10);
	alarm_at(s, 2, LEVEL_WATCH, 200);	/* replaced, but well till then */
	ends(s, 2, OUTCOME_REPLACED, 50);
	ends(s, 2, OUTCOME_HEALTHY, 60);
	alarm_at(s, 3, LEVEL_WATCH, 100);	/* healthy for too short a time */
	ends(s, 3, OUTCOME_HEALTHY, 50);
	ends(s, 3, OUTCOME_RETIRED, 40);
	alarm_at(s, 4, LEVEL_WATCH, 100);	/* called wrong, then it failed */
	ends(s, 4, OUTCOME_WRONG_ALARM, 90);
	ends(s, 4, OUTCOME_RETIRED, 80);	/* its host came back */
	ends(s, 4, OUTCOME_FAILED, 30);
	ck_assert_int_eq(scorecard_reckon(&s->in, &card, NULL), 0);
	ck_assert_uint_eq(l->wrong, 2);
	ck_assert_uint_eq(l->open, 0);
	ck_assert_uint_eq(l->precision.k, 1);
	ck_assert_uint_eq(l->precision.n, 3);
	ck_assert_uint_eq(card.failed, 1);
	/* two in twenty host-years: Poisson's limits are 0.24 and 7.22 */
	ck_assert_double_eq_tol(l->wrong_low, 0.24 / 20, 0.002);
	ck_assert_double_eq_tol(l->wrong_high, 7.22 / 20, 0.01);
	mem_free(s);
}
END_TEST

START_TEST(p20_lead_times_have_intervals)
{
	struct story *s = story_new();
	struct scorecard card;
	const struct scorecard_level *l = &card.levels[LEVEL_IMMINENT];

	for (uint32_t i = 1; i <= 40; i++) {
		ends(s, i, OUTCOME_FAILED, 100);
		alarm_at(s, i, LEVEL_IMMINENT, 100 + (int32_t)i);
	}
	ck_assert_int_eq(scorecard_reckon(&s->in, &card, NULL), 0);
	ck_assert(l->lead_known);
	ck_assert_int_eq(l->lead_median.days, 20);
	/* of 40: the 13th and the 28th, by the binomial */
	ck_assert_int_eq(l->lead_median.low, 13);
	ck_assert_int_eq(l->lead_median.high, 28);
	ck_assert_int_eq(l->lead_p10.days, 4);
	ck_assert_int_ge(l->lead_p10.low, 1);
	ck_assert_int_eq(l->lead_p90.days, 36);
	ck_assert_int_le(l->lead_p90.high, 40);
	mem_free(s);
}
END_TEST

START_TEST(p20_each_pack_and_rule_answers_for_its_own)
{
	static const char *const names[] = { "old", "new" };
	static const char *const rules[] = { "idle", "good", "bad" };
	struct story *s = story_new();
	struct book_prediction p[] = {
		{ { 1, LEVEL_LIKELY, wall_from_days(TODAY - 300), 2 },
			wall_from_days(TODAY - 250), 0 },
		{ { 2, LEVEL_LIKELY, wall_from_days(TODAY - 290), 3 },
			wall_from_days(TODAY - 200), 0 },
		{ { 3, LEVEL_LIKELY, wall_from_days(TODAY - 100), 2 },
			{ 0 }, 1 },
		/* of a host, by its own signals */
		{ { 900, LEVEL_LIKELY, wall_from_days(TODAY - 60), 2 },
			{ 0 }, 1 },
	};
	const struct scored_span hosts[] = { { 900, 900, wall_from_days(TODAY -
		365), wall_from_days(TODAY) } };
	struct book_input in = { p, 4, s->outcomes, 0, s->spans, DEVICES,
		hosts, 1, names, 2, rules, 3, wall_from_days(TODAY),
		dur_s(90 * 86400) };
	struct book *b = MEM_NEW(struct book);

	ends(s, 1, OUTCOME_FAILED, 250);	/* found by the old */
	ends(s, 3, OUTCOME_FAILED, 50);	/* found by the new */
	ends(s, 4, OUTCOME_FAILED, 20);	/* missed by the new */
	ends(s, 5, OUTCOME_FAILED, 330);	/* before either */
	ends(s, 900, OUTCOME_FAILED, 50);
	in.n_outcomes = s->in.n_outcomes;
	ck_assert_int_eq(book_reckon(&in, b, NULL), 0);
	ck_assert_uint_eq(b->all.failed, 4);
	ck_assert_uint_eq(b->all.levels[LEVEL_LIKELY].precision.k, 2);
	ck_assert_uint_eq(b->hosts.failed, 1);
	ck_assert_uint_eq(b->hosts.levels[LEVEL_LIKELY].precision.k, 1);
	/* p19: whose false alarms they are, the most wrong first */
	ck_assert_uint_eq(b->n_rules, 3);
	ck_assert_str_eq(b->rules[0].id, "bad");
	ck_assert_uint_eq(b->rules[0].levels[LEVEL_WATCH].wrong, 1);
	ck_assert_uint_eq(b->rules[0].levels[LEVEL_LIKELY].wrong, 1);
	ck_assert_uint_eq(b->rules[0].levels[LEVEL_IMMINENT].wrong, 0);
	ck_assert_double_eq_tol(b->rules[0].levels[LEVEL_LIKELY].
		wrong_per_host_year, 0.05, 0.001);
	/* one in twenty host-years: Poisson's limits are 0.03 and 5.57 */
	ck_assert_double_eq_tol(b->rules[0].levels[LEVEL_LIKELY].wrong_high,
		5.57 / 20, 0.01);
	ck_assert_str_eq(b->rules[1].id, "good");
	ck_assert_uint_eq(b->rules[1].levels[LEVEL_LIKELY].right, 2);
	ck_assert(!b->rules[1].levels[LEVEL_LIKELY].precision_known);
	ck_assert(!b->rules[1].of_hosts && b->rules[2].of_hosts);
	ck_assert_uint_eq(b->n_packs, 2);
	ck_assert_str_eq(b->packs[0].id, "new");
	ck_assert_uint_eq(b->packs[0].card.failed, 2);
	ck_assert_uint_eq(b->packs[0].card.levels[LEVEL_LIKELY].recall.k, 1);
	ck_assert_str_eq(b->packs[1].id, "old");
	ck_assert_uint_eq(b->packs[1].card.failed, 1);
	ck_assert_uint_eq(b->packs[1].card.levels[LEVEL_LIKELY].wrong, 1);
	ck_assert_uint_eq(b->packs[1].card.levels[LEVEL_LIKELY].recall.n, 1);
	mem_free(b);
	mem_free(s);
}
END_TEST

int
main(void)
{
	return STORIES("scorecard", right_wrong_open_and_unknown_are_told_apart,
		p20_little_data_is_said,
		p20_people_may_call_an_alarm_wrong_or_a_device_healthy,
		p20_lead_times_have_intervals,
		p20_each_pack_and_rule_answers_for_its_own);
}
