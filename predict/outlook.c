/*
 * Judging a host by its own signals.
 */
#include "predict/outlook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SIGNAL_N <= VERDICT_MISSING_MAX, "every signal may be missing");

static int32_t
weight_of(const struct outlook_rule *r, int64_t value)
{
	int32_t sum = 0;

	for (uint32_t i = 0; i < r->n_bins && value >= r->bins[i].ge; i++)
		sum += r->bins[i].weight;
	return sum;
}

static double
shifted(double prior, int32_t score)
{
	double odds = prior / (1 - prior) * exp(score / 100.0);

	return odds / (1 + odds);
}

static struct risk
risk_at(const struct outlook_pack *pack, int32_t score)
{
	return (struct risk){ shifted(pack->prior.d7, score),
		shifted(pack->prior.d30, score),
		shifted(pack->prior.d90, score) };
}

static enum level
level_at(const struct outlook_pack *pack, int32_t score, enum level may_reach)
{
	int l = LEVEL_N - 1;

	while (l > LEVEL_NONE && score < pack->level_from[l])
		l--;
	return (enum level)l > may_reach ? may_reach : (enum level)l;
}

static void
copy_name(char out[VERDICT_NAME], const char *name)
{
	size_t n = strnlen(name, VERDICT_NAME - 1);

	memcpy(out, name, n);
	out[n] = '\0';
}

static void
add_row(const struct outlook_rule *r, const struct feature_value *value,
	struct verdict *v)
{
	struct verdict_evidence *row;
	struct dur age = { 0 };

	if (v->n_evidence == VERDICT_EVIDENCE_MAX)
		return;
	row = &v->evidence[v->n_evidence++];
	*row = (struct verdict_evidence){ .kind = EVIDENCE_RULE,
		.contribution = weight_of(r, value->value),
		.value = value->value, .baseline = value->baseline,
		.change = value->change, .observed_at = value->observed_at };
	if (wall_diff(v->judged_at, value->observed_at, &age) == 0)
		row->age = age;
	copy_name(row->rule, r->id);
	copy_name(row->metric, signal_name(r->signal));
	copy_name(row->stat, signal_stat_name(r->stat));
}

/* Largest contribution first, counter-evidence behind. */
static void
sort_rows(struct verdict *v)
{
	for (uint32_t i = 1; i < v->n_evidence; i++) {
		struct verdict_evidence row = v->evidence[i];
		uint32_t k = i;

		for (; k > 0 && row.contribution >
				v->evidence[k - 1].contribution; k--)
			v->evidence[k] = v->evidence[k - 1];
		v->evidence[k] = row;
	}
}

static const struct outlook_rule *
rule_find(const struct outlook_pack *pack, const char *id)
{
	for (uint32_t i = 0; i < pack->n_rules; i++)
		if (strcmp(pack->rules[i].id, id) == 0)
			return &pack->rules[i];
	return NULL;
}

/* Score and level from the rows; what only speaks against opens nothing. */
static void
conclude(const struct outlook_pack *pack, struct verdict *v)
{
	enum level may_reach = LEVEL_NONE;

	v->score = 0;
	v->gate_open = false;
	for (uint32_t i = 0; i < v->n_evidence; i++) {
		const struct verdict_evidence *row = &v->evidence[i];
		const struct outlook_rule *r = rule_find(pack, row->rule);

		v->score += row->contribution;
		if (r == NULL || row->contribution <= 0)
			continue;
		v->gate_open = true;
		if (r->may_reach > may_reach)
			may_reach = r->may_reach;
	}
	v->level = level_at(pack, v->score, may_reach);
	v->risk = risk_at(pack, v->gate_open ? v->score : 0);
}

static void
list_missing(const struct outlook_pack *pack, const struct signals *s,
	struct verdict *out)
{
	uint32_t asked = 0;

	for (uint32_t i = 0; i < pack->n_rules; i++)
		asked |= 1u << pack->rules[i].signal;
	for (int i = 0; i < SIGNAL_N; i++)
		if ((asked & 1u << i) && !(s->seen & 1u << i) &&
		    signal_kind_of((enum signal)i) != SIGNAL_EVENT)
			copy_name(out->missing[out->n_missing++],
				signal_name((enum signal)i));
}

/* ---- the nearest flip ---------------------------------------------------- */

struct flip_search {
	const struct outlook_pack *pack;
	const struct outlook_rule *rule;
	int64_t value;
	struct verdict *out;
	double best;
};

/* The best that the rows reach without this rule's own. */
static enum level
reach_without(const struct flip_search *s)
{
	enum level most = LEVEL_NONE;

	for (uint32_t i = 0; i < s->out->n_evidence; i++) {
		const struct verdict_evidence *row = &s->out->evidence[i];
		const struct outlook_rule *r = rule_find(s->pack, row->rule);

		if (r != NULL && r != s->rule && row->contribution > 0 &&
		    r->may_reach > most)
			most = r->may_reach;
	}
	return most;
}

static void
try_flip(struct flip_search *s, int64_t needed)
{
	int32_t weight = weight_of(s->rule, needed);
	int32_t score = s->out->score - weight_of(s->rule, s->value) + weight;
	enum level reach = reach_without(s), to;
	double far = fabs(log((double)needed + 1) - log((double)s->value + 1));

	if (weight > 0 && s->rule->may_reach > reach)
		reach = s->rule->may_reach;
	to = level_at(s->pack, score, reach);
	if (to == s->out->level || far >= s->best)
		return;
	s->best = far;
	s->out->flip = (struct verdict_flip){ .known = true, .to = to,
		.value = s->value, .needed = needed, .score = score };
	copy_name(s->out->flip.rule, s->rule->id);
	copy_name(s->out->flip.metric, signal_name(s->rule->signal));
	copy_name(s->out->flip.stat, signal_stat_name(s->rule->stat));
}

static void
find_flip(const struct outlook_pack *pack, const struct signals *sig,
	struct verdict *out)
{
	struct flip_search s = { .pack = pack, .out = out, .best = HUGE_VAL };

	for (uint32_t i = 0; i < pack->n_rules; i++) {
		struct feature_value v;

		s.rule = &pack->rules[i];
		v = signals_get(sig, s.rule->signal, s.rule->stat,
			out->judged_at);
		if (!v.known)
			continue;
		s.value = v.value;
		for (uint32_t k = 0; k < s.rule->n_bins; k++)
			try_flip(&s, v.value < s.rule->bins[k].ge ?
				s.rule->bins[k].ge : s.rule->bins[k].ge - 1);
	}
}

void
outlook_judge(const struct outlook_pack *pack, const struct signals *s,
	struct wall now, struct verdict *out)
{
	memset(out, 0, offsetof(struct verdict, evidence));
	out->judged_at = now;
	memcpy(out->pack, pack->id, sizeof(out->pack));
	out->blind = s->seen == 0;
	list_missing(pack, s, out);
	for (uint32_t i = 0; i < pack->n_rules; i++) {
		const struct outlook_rule *r = &pack->rules[i];
		struct feature_value v = signals_get(s, r->signal, r->stat,
			now);

		if (v.known && weight_of(r, v.value) != 0)
			add_row(r, &v, out);
	}
	sort_rows(out);
	conclude(pack, out);
	if (out->blind)
		out->risk = (struct risk){ VERDICT_RISK_UNKNOWN,
			VERDICT_RISK_UNKNOWN, VERDICT_RISK_UNKNOWN };
	find_flip(pack, s, out);
}

static int
check_row(const struct outlook_pack *pack, const struct verdict *v, uint32_t i,
	struct tc_err *e)
{
	const struct verdict_evidence *row = &v->evidence[i];
	const struct outlook_rule *r = rule_find(pack, row->rule);

	if (r == NULL || row->kind != EVIDENCE_RULE ||
	    strcmp(row->metric, signal_name(r->signal)) != 0 ||
	    strcmp(row->stat, signal_stat_name(r->stat)) != 0)
		return tc_fail(e, TC_EINVAL, "evidence: %s of %s %s is not in "
			"pack %s", row->rule, row->metric, row->stat, pack->id);
	for (uint32_t k = 0; k < i; k++)
		if (strcmp(v->evidence[k].rule, row->rule) == 0)
			return tc_fail(e, TC_EINVAL, "evidence: two rows of %s",
				row->rule);
	if (weight_of(r, row->value) != row->contribution)
		return tc_fail(e, TC_EINVAL, "evidence: %s contributes %d, "
			"not %d", row->rule, (int)weight_of(r, row->value),
			(int)row->contribution);
	return 0;
}

int
outlook_recompute(const struct outlook_pack *pack, const struct verdict *v,
	struct verdict *out, struct tc_err *e)
{
	int rc = 0;

	if (strcmp(v->pack, pack->id) != 0)
		return tc_fail(e, TC_EINVAL, "verdict is of pack %s, not %s",
			v->pack, pack->id);
	for (uint32_t i = 0; i < v->n_evidence && rc == 0; i++)
		rc = check_row(pack, v, i, e);
	if (rc < 0)
		return rc;
	memmove(out, v, verdict_bytes(v));
	conclude(pack, out);
	if (out->blind)
		out->risk = v->risk;
	return 0;
}

enum cause_hint
outlook_cause(const struct outlook_pack *pack, const struct verdict *v,
	enum level device)
{
	int32_t sums[CAUSE_HOST_OS + 1] = { 0 }, best = 0;
	enum cause_hint cause = CAUSE_UNKNOWN;

	if (device > LEVEL_NONE && device < LEVEL_N)
		sums[CAUSE_DEVICE] = pack->level_from[device];
	for (uint32_t i = 0; v != NULL && i < v->n_evidence; i++) {
		const struct verdict_evidence *row = &v->evidence[i];
		const struct outlook_rule *r = rule_find(pack, row->rule);

		if (r != NULL && row->contribution > 0)
			sums[r->cause] += row->contribution;
	}
	for (int c = CAUSE_UNKNOWN + 1; c <= CAUSE_HOST_OS; c++)
		if (sums[c] > best) {
			best = sums[c];
			cause = (enum cause_hint)c;
		}
	return cause;
}
