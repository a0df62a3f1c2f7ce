#include "predict/scorecard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define DAY_MS INT64_C(86400000)
#define YEAR_MS (365.25 * 86400000.0)
#define NEVER INT64_MIN

struct subject {
	uint32_t id;
	uint32_t host;
	int64_t alarm_ms[LEVEL_N];	/* the first; NEVER */
	uint32_t alarm_rule[LEVEL_N];	/* that led it, + 1 */
	int64_t gone_ms;		/* failed, replaced, retired; NEVER */
	int64_t healthy_ms;		/* it was, until then */
	int64_t wrong_ms;		/* the alarms until then were */
	unsigned weight;		/* of the word that it is gone */
	bool failed;
	/* of the first device of a host: how long the host was watched */
	int64_t from_ms;
	int64_t to_ms;
};

struct reckoning {
	const struct scorecard_input *in;
	struct subject *subjects;
	struct hash by_id;
	struct hash hosts;
	int32_t *leads;
};

static int
take_span(struct reckoning *r, size_t i, struct scorecard *out)
{
	const struct scored_span *s = &r->in->spans[i];
	struct subject *to = &r->subjects[i];

	to->id = s->subject;
	to->host = s->host;
	to->gone_ms = to->healthy_ms = to->wrong_ms = NEVER;
	for (int l = 0; l < LEVEL_N; l++)
		to->alarm_ms[l] = NEVER;
	if (hash_put(&r->by_id, &to->id, sizeof(to->id), to) < 0)
		return TC_ENOMEM;
	out->devices++;
	if (!hash_get(&r->hosts, &to->host, sizeof(to->host)) &&
	    hash_put(&r->hosts, &to->host, sizeof(to->host), to) < 0)
		return TC_ENOMEM;
	return 0;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The weightier word about its end holds; of equal ones the earlier. */
static void
take_end(struct subject *s, const struct scored_outcome *o, unsigned weight)
{
	if (weight < s->weight ||
	    (weight == s->weight && s->gone_ms <= o->at.ms))
		return;
	s->weight = weight;
	s->gone_ms = o->at.ms;
	s->failed = o->kind == OUTCOME_FAILED;
}

static void
take_outcome(struct subject *s, const struct scored_outcome *o)
{
	switch (o->kind) {
	case OUTCOME_FAILED:
		take_end(s, o, 3);
		break;
	case OUTCOME_REPLACED:
		take_end(s, o, 2);
		break;
	case OUTCOME_RETIRED:
		take_end(s, o, 1);
		break;
	case OUTCOME_HEALTHY:
		s->healthy_ms = later(s->healthy_ms, o->at.ms);
		break;
	case OUTCOME_WRONG_ALARM:
		s->wrong_ms = later(s->wrong_ms, o->at.ms);
		break;
	}
}

static void
take_outcomes(struct reckoning *r)
{
	for (size_t i = 0; i < r->in->n_outcomes; i++) {
		const struct scored_outcome *o = &r->in->outcomes[i];
		struct subject *s = hash_get(&r->by_id, &o->subject,
			sizeof(o->subject));

		if (s != NULL)
			take_outcome(s, o);
	}
}

static void
take_predictions(struct reckoning *r)
{
	for (size_t i = 0; i < r->in->n_predictions; i++) {
		const struct scored_prediction *p = &r->in->predictions[i];
		struct subject *s = hash_get(&r->by_id, &p->subject,
			sizeof(p->subject));

		for (int l = 1; s && l <= (int)p->level; l++)
			if (s->alarm_ms[l] == NEVER ||
			    p->since.ms < s->alarm_ms[l]) {
				s->alarm_ms[l] = p->since.ms;
				s->alarm_rule[l] = p->rule;
			}
	}
}

static int
compare_days(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static struct lead_days
quantile(const int32_t *sorted, uint64_t n, double q)
{
	double at = (double)n * q, spread = 1.96 * sqrt(at * (1 - q));
	double ranks[3] = { ceil(at), floor(at - spread),
		ceil(at + spread) + 1 };
	int32_t days[3];

	for (int i = 0; i < 3; i++) {
		double rank = fmin(fmax(ranks[i], 1), (double)n);

		days[i] = sorted[(size_t)rank - 1];
	}
	return (struct lead_days){ days[0], days[1], days[2] };
}

/* Byar's approximation of Poisson's limits. */
static double
poisson_low(double k)
{
	return k < 1 ? 0 : k * pow(1 - 1 / (9 * k) - 1.96 / (3 * sqrt(k)), 3);
}

static double
poisson_high(double k)
{
	return (k + 1) * pow(1 - 1 / (9 * (k + 1)) + 1.96 /
		(3 * sqrt(k + 1)), 3);
}

enum became {
	BECAME_NOTHING,		/* no alarm, too late, or nobody knows */
	BECAME_RIGHT,
	BECAME_WRONG,
	BECAME_OPEN,
};

static enum became
what_became(const struct reckoning *r, const struct subject *s, int level)
{
	int64_t alarm = s->alarm_ms[level];
	int64_t settle = dur_to_ms(r->in->settle);

	if (alarm == NEVER)
		return BECAME_NOTHING;
	if (s->failed)
		return s->gone_ms - alarm >= DAY_MS ? BECAME_RIGHT :
			BECAME_NOTHING;
	if (s->wrong_ms >= alarm || (s->healthy_ms != NEVER &&
		s->healthy_ms - alarm >= settle))
		return BECAME_WRONG;
	if (s->gone_ms != NEVER)
		return BECAME_NOTHING;
	return r->in->now.ms - alarm < settle ? BECAME_OPEN : BECAME_WRONG;
}

static void
count_rule(const struct reckoning *r, uint32_t rule, int level,
	enum became became)
{
	struct scorecard_rule *to;

	if (r->in->rules == NULL || rule == 0 || rule > r->in->n_rules)
		return;
	to = &r->in->rules[(size_t)(rule - 1) * LEVEL_N + (size_t)level];
	to->right += became == BECAME_RIGHT;
	to->wrong += became == BECAME_WRONG;
	to->open += became == BECAME_OPEN;
}

static void
reckon_rules(const struct reckoning *r, double years)
{
	for (size_t i = 0; r->in->rules != NULL &&
	     i < r->in->n_rules * LEVEL_N; i++) {
		struct scorecard_rule *s = &r->in->rules[i];
		double k = (double)s->wrong;

		s->precision = share_of(s->right, s->right + s->wrong);
		s->precision_known = s->right + s->wrong >= SCORECARD_ENOUGH;
		if (years <= 0)
			continue;
		s->wrong_per_host_year = k / years;
		s->wrong_low = poisson_low(k) / years;
		s->wrong_high = poisson_high(k) / years;
	}
}

static void
reckon_level(struct reckoning *r, int level, struct scorecard *out)
{
	struct scorecard_level l = { .open = 0 };
	uint64_t found = 0;

	for (size_t i = 0; i < r->in->n_spans; i++) {
		const struct subject *s = &r->subjects[i];
		enum became became = what_became(r, s, level);

		count_rule(r, s->alarm_rule[level], level, became);
		l.wrong += became == BECAME_WRONG;
		l.open += became == BECAME_OPEN;
		if (became == BECAME_RIGHT)
			r->leads[found++] = (int32_t)((s->gone_ms -
				s->alarm_ms[level]) / DAY_MS);
	}
	qsort(r->leads, (size_t)found, sizeof(r->leads[0]), compare_days);
	l.precision = share_of(found, found + l.wrong);
	l.recall = share_of(found, out->failed);
	l.precision_known = found + l.wrong >= SCORECARD_ENOUGH;
	l.recall_known = out->failed >= SCORECARD_ENOUGH;
	if (out->host_years > 0) {
		l.wrong_per_host_year = (double)l.wrong / out->host_years;
		l.wrong_low = poisson_low((double)l.wrong) / out->host_years;
		l.wrong_high = poisson_high((double)l.wrong) / out->host_years;
	}
	l.lead_known = found >= SCORECARD_ENOUGH;
	if (found > 0) {
		l.lead_p10 = quantile(r->leads, found, 0.1);
		l.lead_median = quantile(r->leads, found, 0.5);
		l.lead_p90 = quantile(r->leads, found, 0.9);
	}
	out->levels[level] = l;
}

/* Each host once: from the first of its devices to the last. */
static double
host_years(struct reckoning *r)
{
	double years = 0;
	size_t n = r->in->n_spans;

	for (size_t i = 0; i < n; i++) {
		const struct scored_span *s = &r->in->spans[i];
		struct subject *first = hash_get(&r->hosts, &s->host,
			sizeof(s->host));

		if (first == &r->subjects[i] || s->from.ms < first->from_ms)
			first->from_ms = s->from.ms;
		if (first == &r->subjects[i] || s->to.ms > first->to_ms)
			first->to_ms = s->to.ms;
	}
	for (size_t i = 0; i < n; i++) {
		const struct subject *s = &r->subjects[i];

		if (hash_get(&r->hosts, &s->host, sizeof(s->host)) == s &&
		    s->to_ms > s->from_ms)
			years += (double)(s->to_ms - s->from_ms) / YEAR_MS;
	}
	return years;
}

int
scorecard_reckon(const struct scorecard_input *in, struct scorecard *out,
	struct tc_err *e)
{
	struct reckoning r = { .in = in };
	int rc = 0;

	memset(out, 0, sizeof(*out));
	r.subjects = mem_alloc_array(in->n_spans + 1, sizeof(r.subjects[0]));
	r.leads = mem_alloc_array(in->n_spans + 1, sizeof(r.leads[0]));
	if (!r.subjects || !r.leads)
		rc = TC_ENOMEM;
	for (size_t i = 0; rc == 0 && i < in->n_spans; i++)
		rc = take_span(&r, i, out);
	if (rc < 0) {
		(void)tc_fail(e, rc, "out of memory");
		goto out;
	}
	take_outcomes(&r);
	take_predictions(&r);
	out->hosts = r.hosts.n;
	out->host_years = host_years(&r);
	for (size_t i = 0; i < in->n_spans; i++)
		out->failed += r.subjects[i].failed;
	for (int l = 1; l < LEVEL_N; l++)
		reckon_level(&r, l, out);
	reckon_rules(&r, out->host_years);
out:
	hash_free(&r.by_id);
	hash_free(&r.hosts);
	mem_free(r.subjects);
	mem_free(r.leads);
	return rc;
}
