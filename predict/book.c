#include "predict/book.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct period {
	uint32_t pack;
	int64_t from;
	int64_t to;
};

/* What one card is reckoned from. */
struct cut {
	struct scored_prediction *predictions;
	struct scored_outcome *outcomes;
	struct scored_span *spans;
	struct scorecard_input in;
};

static void
cut_free(struct cut *c)
{
	mem_free(c->predictions);
	mem_free(c->outcomes);
	mem_free(c->spans);
}

static int
cut_make(const struct book_input *in, struct cut *c)
{
	*c = (struct cut){
		mem_alloc_array(in->n_predictions + 1,
			sizeof(*c->predictions)),
		mem_alloc_array(in->n_outcomes + 1, sizeof(*c->outcomes)),
		mem_alloc_array(in->n_spans + 1, sizeof(*c->spans)),
		{ .now = in->now, .settle = in->settle } };
	c->in.predictions = c->predictions;
	c->in.outcomes = c->outcomes;
	c->in.spans = c->spans;
	return c->predictions && c->outcomes && c->spans ? 0 : TC_ENOMEM;
}

static void
cut_to(const struct book_input *in, const struct period *t, struct cut *c)
{
	int64_t settled = t->to + dur_to_ms(in->settle);

	c->in.n_predictions = c->in.n_outcomes = c->in.n_spans = 0;
	for (size_t i = 0; i < in->n_predictions; i++)
		if (t->pack == UINT32_MAX || in->predictions[i].pack == t->pack)
			c->predictions[c->in.n_predictions++] =
				in->predictions[i].p;
	for (size_t i = 0; i < in->n_outcomes; i++)
		if (in->outcomes[i].at.ms >= t->from &&
		    in->outcomes[i].at.ms <= settled)
			c->outcomes[c->in.n_outcomes++] = in->outcomes[i];
	for (size_t i = 0; i < in->n_spans; i++) {
		struct scored_span s = in->spans[i];

		if (s.from.ms < t->from)
			s.from.ms = t->from;
		if (s.to.ms > t->to)
			s.to.ms = t->to;
		if (s.to.ms >= s.from.ms)
			c->spans[c->in.n_spans++] = s;
	}
}

static int
latest_first(const void *a, const void *b)
{
	const struct period *x = a, *y = b;

	if (x->to != y->to)
		return x->to < y->to ? 1 : -1;
	return (x->from < y->from) - (x->from > y->from);
}

static void
find_periods(const struct book_input *in, struct period *periods)
{
	for (size_t i = 0; i < in->n_packs; i++)
		periods[i] = (struct period){ (uint32_t)i, INT64_MAX,
			INT64_MIN };
	for (size_t i = 0; i < in->n_predictions; i++) {
		const struct book_prediction *p = &in->predictions[i];
		struct period *t = &periods[p->pack];
		int64_t to = p->until.ms != 0 ? p->until.ms : in->now.ms;

		if (p->p.since.ms < t->from)
			t->from = p->p.since.ms;
		if (to > t->to)
			t->to = to;
	}
	qsort(periods, in->n_packs, sizeof(*periods), latest_first);
}

static void
name_pack(const struct book_input *in, const struct period *t,
	struct book_pack *out)
{
	const char *id = in->packs[t->pack];
	size_t n = strlen(id);

	n = n < sizeof(out->id) ? n : sizeof(out->id) - 1;
	memcpy(out->id, id, n);
	out->id[n] = '\0';
	out->from.ms = t->from;
	out->to.ms = t->to;
}

/* ---- by the rule that led the alarm ---- */

static uint64_t
wrong_of(const struct scorecard_rule *levels)
{
	uint64_t n = 0;

	for (int l = 1; l < LEVEL_N; l++)
		n += levels[l].wrong;
	return n;
}

static bool
led_any(const struct scorecard_rule *levels)
{
	for (int l = 1; l < LEVEL_N; l++)
		if (levels[l].right + levels[l].wrong + levels[l].open > 0)
			return true;
	return false;
}

static int
most_wrong_first(const void *a, const void *b)
{
	const struct book_rule *x = a, *y = b;
	uint64_t m = wrong_of(x->levels), n = wrong_of(y->levels);

	if (m != n)
		return m < n ? 1 : -1;
	return strcmp(x->id, y->id);
}

/* Where there are too many, the one with the fewest wrong alarms goes. */
static struct book_rule *
rule_place(struct book *out, uint64_t wrong)
{
	struct book_rule *least = &out->rules[0];

	if (out->n_rules < BOOK_RULES_MAX)
		return &out->rules[out->n_rules++];
	for (size_t i = 1; i < out->n_rules; i++)
		if (wrong_of(out->rules[i].levels) < wrong_of(least->levels))
			least = &out->rules[i];
	return wrong_of(least->levels) < wrong ? least : NULL;
}

static void
keep_rules(const struct book_input *in, const struct scorecard_rule *rules,
	bool of_hosts, struct book *out)
{
	for (size_t i = 0; i < in->n_rules; i++) {
		const struct scorecard_rule *levels = &rules[i * LEVEL_N];
		struct book_rule *to;
		size_t n = strlen(in->rules[i]);

		if (!led_any(levels) ||
		    (to = rule_place(out, wrong_of(levels))) == NULL)
			continue;
		memset(to, 0, sizeof(*to));
		memcpy(to->id, in->rules[i], n < sizeof(to->id) ? n :
			sizeof(to->id) - 1);
		to->of_hosts = of_hosts;
		memcpy(to->levels, levels, sizeof(to->levels));
	}
	qsort(out->rules, out->n_rules, sizeof(out->rules[0]),
		most_wrong_first);
}

/* The card over all, and what its rules did. */
static int
reckon_all(const struct book_input *in, struct cut *c, bool of_hosts,
	struct book *out, struct tc_err *e)
{
	struct scorecard_rule *rules = mem_alloc_array(
		(in->n_rules + 1) * LEVEL_N, sizeof(*rules));
	int rc;

	if (rules == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	c->in.rules = rules;
	c->in.n_rules = in->n_rules;
	rc = scorecard_reckon(&c->in, of_hosts ? &out->hosts : &out->all, e);
	if (rc == 0)
		keep_rules(in, rules, of_hosts, out);
	c->in.rules = NULL;
	c->in.n_rules = 0;
	mem_free(rules);
	return rc;
}

int
book_reckon(const struct book_input *in, struct book *out, struct tc_err *e)
{
	const struct period ever = { UINT32_MAX, INT64_MIN / 2, in->now.ms };
	struct period *periods = mem_alloc_array(in->n_packs + 1,
		sizeof(*periods));
	struct cut c = { .predictions = NULL };
	int rc = 0;

	memset(out, 0, sizeof(*out));
	out->settle = in->settle;
	if (cut_make(in, &c) < 0 || !periods) {
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
		goto out;
	}
	cut_to(in, &ever, &c);
	if ((rc = reckon_all(in, &c, false, out, e)) < 0)
		goto out;
	c.in.spans = in->host_spans;
	c.in.n_spans = in->n_host_spans;
	if ((rc = reckon_all(in, &c, true, out, e)) < 0)
		goto out;
	c.in.spans = c.spans;
	find_periods(in, periods);
	for (size_t i = 0; i < in->n_packs && i < BOOK_PACKS_MAX; i++) {
		struct book_pack *p = &out->packs[out->n_packs];

		if (periods[i].from == INT64_MAX)
			continue;
		cut_to(in, &periods[i], &c);
		if ((rc = scorecard_reckon(&c.in, &p->card, e)) < 0)
			goto out;
		name_pack(in, &periods[i], p);
		out->n_packs++;
	}
out:
	cut_free(&c);
	mem_free(periods);
	return rc;
}
