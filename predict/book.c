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
	if ((rc = scorecard_reckon(&c.in, &out->all, e)) < 0)
		goto out;
	c.in.spans = in->host_spans;
	c.in.n_spans = in->n_host_spans;
	if ((rc = scorecard_reckon(&c.in, &out->hosts, e)) < 0)
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
