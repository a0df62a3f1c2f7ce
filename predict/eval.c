/*
 * Judging a device by a rule pack.
 */
#include "predict/eval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

_Static_assert(COUNTER_N <= VERDICT_MISSING_MAX, "every counter may be missing");

static bool
cond_holds(const struct pack_cond *c, const struct features *f, int32_t day)
{
	struct feature_value v = features_get(f, c->feature, day);

	return v.known && pack_cond_holds(c, v.value);
}

static bool
gate_holds(const struct pack_gate *g, const struct features *f, int32_t day)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->n_of && n < g->at_least; i++)
		n += cond_holds(&g->of[i], f, day);
	return n >= g->at_least;
}

static bool
gate_is_open(const struct pack *pack, const struct features *f, int32_t day)
{
	for (uint32_t i = 0; i < pack->n_gates; i++) {
		if (gate_holds(&pack->gates[i], f, day))
			return true;
	}
	return false;
}

static bool
rule_applies(const struct pack_rule *r, const struct features *f, int32_t day)
{
	for (uint32_t i = 0; i < r->n_when; i++) {
		if (!cond_holds(&r->when[i], f, day))
			return false;
	}
	return true;
}

int32_t
eval_score(const struct pack *pack, const struct features *f,
	const struct pack_model *model, int32_t day, bool *gate_open)
{
	int32_t score = pack->base;

	*gate_open = gate_is_open(pack, f, day);
	if (!*gate_open)
		return 0;
	if (model)
		score += model->weight;
	for (uint32_t i = 0; i < pack->n_rules; i++) {
		const struct pack_rule *r = &pack->rules[i];
		struct feature_value v = features_get(f, r->feature, day);

		if (v.known && v.value >= r->bins[0].ge &&
		    rule_applies(r, f, day))
			score += pack_rule_weight(r, v.value);
	}
	return score;
}

static void
copy_name(char out[VERDICT_NAME], const char *name)
{
	size_t n = strnlen(name, VERDICT_NAME - 1);

	memcpy(out, name, n);
	out[n] = '\0';
}

static struct verdict_evidence *
add_row(struct verdict *v, enum evidence_kind kind, struct feature_ref ref,
	const struct feature_value *value)
{
	struct verdict_evidence *row;
	struct dur age = { 0 };

	if (v->n_evidence == VERDICT_EVIDENCE_MAX)
		return NULL;
	row = &v->evidence[v->n_evidence++];
	*row = (struct verdict_evidence){ .kind = kind,
		.value = value->value, .baseline = value->baseline,
		.change = value->change, .observed_at = value->observed_at };
	if (wall_diff(v->judged_at, value->observed_at, &age) == 0)
		row->age = age;
	copy_name(row->metric, feature_ref_metric(ref));
	copy_name(row->stat, stat_name(ref.stat));
	return row;
}

static void
name_row(struct verdict_evidence *row, const char *rule, int32_t contribution)
{
	if (!row)
		return;
	copy_name(row->rule, rule);
	row->contribution = contribution;
}

/* A condition may stand in several gates; one row says it. */
static bool
gate_row_exists(const struct verdict *v, struct feature_ref ref)
{
	for (uint32_t i = 0; i < v->n_evidence; i++) {
		const struct verdict_evidence *row = &v->evidence[i];

		if (row->kind == EVIDENCE_GATE &&
		    strcmp(row->metric, feature_ref_metric(ref)) == 0 &&
		    strcmp(row->stat, stat_name(ref.stat)) == 0)
			return true;
	}
	return false;
}

static void
add_gate_rows(const struct pack *pack, const struct features *f, int32_t day,
	struct verdict *out)
{
	for (uint32_t i = 0; i < pack->n_gates; i++) {
		const struct pack_gate *g = &pack->gates[i];

		for (uint32_t k = 0; k < g->n_of; k++) {
			struct feature_value v = features_get(f,
				g->of[k].feature, day);

			if (v.known && pack_cond_holds(&g->of[k], v.value) &&
			    !gate_row_exists(out, g->of[k].feature))
				name_row(add_row(out, EVIDENCE_GATE,
					g->of[k].feature, &v), "gate", 0);
		}
	}
}

static void
add_rule_rows(const struct pack *pack, const struct features *f, int32_t day,
	struct verdict *out)
{
	for (uint32_t i = 0; i < pack->n_rules; i++) {
		const struct pack_rule *r = &pack->rules[i];
		struct feature_value v = features_get(f, r->feature, day);

		if (!v.known || v.value < r->bins[0].ge ||
		    !rule_applies(r, f, day))
			continue;
		name_row(add_row(out, EVIDENCE_RULE, r->feature, &v), r->id,
			pack_rule_weight(r, v.value));
		out->score += pack_rule_weight(r, v.value);
		for (uint32_t k = 0; k < r->n_when; k++) {
			v = features_get(f, r->when[k].feature, day);
			name_row(add_row(out, EVIDENCE_CONDITION,
				r->when[k].feature, &v), r->id, 0);
		}
	}
}

/* The model's own row; its value: how many of so many judged ones failed. */
static void
add_model_row(const struct pack_model *m, struct verdict *out)
{
	struct verdict_evidence *row;

	if (!m || m->weight == 0 || out->n_evidence == VERDICT_EVIDENCE_MAX)
		return;
	row = &out->evidence[out->n_evidence++];
	*row = (struct verdict_evidence){ .kind = EVIDENCE_MODEL,
		.contribution = m->weight, .value = m->failed,
		.baseline = m->drives, .observed_at = out->judged_at };
	copy_name(row->rule, m->model);
	copy_name(row->metric, "device");
	copy_name(row->stat, "model");
	out->score += m->weight;
}

/* Largest contribution first, counter-evidence behind, nothing at the end. */
static int
row_rank(const struct verdict_evidence *row)
{
	if (row->contribution > 0)
		return 0;
	return row->contribution < 0 ? 1 : 2;
}

static bool
row_goes_before(const struct verdict_evidence *a,
	const struct verdict_evidence *b)
{
	if (row_rank(a) != row_rank(b))
		return row_rank(a) < row_rank(b);
	return abs(a->contribution) > abs(b->contribution);
}

static void
sort_rows(struct verdict *v)
{
	for (uint32_t i = 1; i < v->n_evidence; i++) {
		struct verdict_evidence row = v->evidence[i];
		uint32_t k = i;

		for (; k > 0 && row_goes_before(&row, &v->evidence[k - 1]); k--)
			v->evidence[k] = v->evidence[k - 1];
		v->evidence[k] = row;
	}
}

static void
list_missing(const struct pack *pack, const struct features *f,
	struct verdict *out)
{
	for (int c = 0; c < COUNTER_N; c++) {
		uint32_t bit = 1u << c;

		if ((pack->counters & bit) && !(f->seen & bit))
			copy_name(out->missing[out->n_missing++],
				counter_metric((enum counter)c));
	}
}

/* What only grows cannot be the way back. */
static bool
can_fall(enum stat_kind stat)
{
	return stat != STAT_MAX && stat != STAT_RISES &&
		stat != STAT_RECURRENCES;
}

/* Crossings are compared by ratio: 1 → 2 is nearer than 100 → 300. */
static double
magnitude(int64_t v)
{
	return copysign(log(fabs((double)v) + 1), (double)v);
}

static double
distance(int64_t from, int64_t to)
{
	return fabs(magnitude(to) - magnitude(from));
}

struct flip_search {
	const struct pack *pack;
	const struct pack_rule *rule;
	struct feature_value value;
	struct verdict *out;
	double best;
};

static void
try_flip(struct flip_search *s, int64_t needed)
{
	struct verdict *v = s->out;
	int32_t score = v->score - pack_rule_weight(s->rule, s->value.value) +
		pack_rule_weight(s->rule, needed);
	enum level to = pack_level(s->pack, score);
	double far = distance(s->value.value, needed);

	if (to == v->level || far >= s->best)
		return;
	s->best = far;
	v->flip = (struct verdict_flip){ .known = true, .to = to,
		.value = s->value.value, .needed = needed, .score = score };
	copy_name(v->flip.rule, s->rule->id);
	copy_name(v->flip.metric, feature_ref_metric(s->rule->feature));
	copy_name(v->flip.stat, stat_name(s->rule->feature.stat));
}

static void
find_flip(const struct pack *pack, const struct features *f, int32_t day,
	struct verdict *out)
{
	struct flip_search s = { .pack = pack, .out = out, .best = HUGE_VAL };

	for (uint32_t i = 0; i < pack->n_rules; i++) {
		s.rule = &pack->rules[i];
		s.value = features_get(f, s.rule->feature, day);
		if (!s.value.known || !rule_applies(s.rule, f, day))
			continue;
		for (uint32_t k = 0; k < s.rule->n_bins; k++) {
			int64_t ge = s.rule->bins[k].ge;

			if (s.value.value < ge)
				try_flip(&s, ge);
			else if (can_fall(s.rule->feature.stat))
				try_flip(&s, ge - 1);
		}
	}
}

static void
conclude(const struct pack *pack, struct verdict *out)
{
	const struct pack_calibration *c = pack_calibrate(pack, out->score);

	out->level = pack_level(pack, out->score);
	out->risk = c->risk;
	out->lead_known = c->lead_known;
	out->lead_from_days = c->lead_from_days;
	out->lead_to_days = c->lead_to_days;
}

void
eval_device(const struct pack *pack, const struct features *f,
	const char *model, struct wall now, struct verdict *out)
{
	int32_t day = wall_to_days(now);

	memset(out, 0, sizeof(*out));
	out->judged_at = now;
	memcpy(out->pack, pack->id, sizeof(out->pack));
	list_missing(pack, f, out);
	out->base = pack->base;
	out->blind = (f->seen & pack->gate_counters) == 0;
	out->gate_open = gate_is_open(pack, f, day);
	if (!out->gate_open) {
		out->risk = pack->clean;
		if (out->blind)
			out->risk = (struct risk){ VERDICT_RISK_UNKNOWN,
				VERDICT_RISK_UNKNOWN, VERDICT_RISK_UNKNOWN };
		return;
	}
	out->score = pack->base;
	add_rule_rows(pack, f, day, out);
	add_model_row(pack_model_find(pack, model), out);
	add_gate_rows(pack, f, day, out);
	sort_rows(out);
	conclude(pack, out);
	find_flip(pack, f, day, out);
}

/* ---- recomputation from the evidence ------------------------------------ */

static const struct verdict_evidence *
row_of(const struct verdict *v, enum evidence_kind kind, const char *rule,
	struct feature_ref ref)
{
	for (uint32_t i = 0; i < v->n_evidence; i++) {
		const struct verdict_evidence *row = &v->evidence[i];

		if (row->kind == kind && strcmp(row->rule, rule) == 0 &&
		    strcmp(row->metric, feature_ref_metric(ref)) == 0 &&
		    strcmp(row->stat, stat_name(ref.stat)) == 0)
			return row;
	}
	return NULL;
}

static bool
cond_is_shown(const struct verdict *v, enum evidence_kind kind,
	const char *rule, const struct pack_cond *c)
{
	const struct verdict_evidence *row = row_of(v, kind, rule, c->feature);

	return row && pack_cond_holds(c, row->value);
}

static bool
gate_is_shown(const struct pack *pack, const struct verdict *v)
{
	for (uint32_t i = 0; i < pack->n_gates; i++) {
		const struct pack_gate *g = &pack->gates[i];
		uint32_t n = 0;

		for (uint32_t k = 0; k < g->n_of; k++)
			n += cond_is_shown(v, EVIDENCE_GATE, "gate", &g->of[k]);
		if (n >= g->at_least)
			return true;
	}
	return false;
}

static int
check_model_row(const struct pack *pack, const struct verdict_evidence *row,
	struct tc_err *e)
{
	const struct pack_model *m = pack_model_find(pack, row->rule);

	if (!m || strcmp(m->model, row->rule) != 0)
		return tc_fail(e, TC_EINVAL, "evidence: model %s is not in "
			"pack %s", row->rule, pack->id);
	if (m->weight != row->contribution)
		return tc_fail(e, TC_EINVAL, "evidence: model %s contributes "
			"%d, not %d", row->rule, (int)m->weight,
			(int)row->contribution);
	return 0;
}

static int
check_row(const struct pack *pack, const struct verdict *v,
	const struct verdict_evidence *row, struct tc_err *e)
{
	const struct pack_rule *r = pack_rule_find(pack, row->rule);

	if (!r || row_of(v, EVIDENCE_RULE, r->id, r->feature) != row)
		return tc_fail(e, TC_EINVAL, "evidence: %s of %s %s is not in "
			"pack %s", row->rule, row->metric, row->stat, pack->id);
	if (pack_rule_weight(r, row->value) != row->contribution)
		return tc_fail(e, TC_EINVAL, "evidence: %s contributes %d, "
			"not %d", row->rule, (int)pack_rule_weight(r, row->value),
			(int)row->contribution);
	for (uint32_t i = 0; i < r->n_when; i++) {
		if (!cond_is_shown(v, EVIDENCE_CONDITION, r->id, &r->when[i]))
			return tc_fail(e, TC_EINVAL, "evidence: %s: its "
				"condition is not shown", row->rule);
	}
	return 0;
}

/* Rows of the pack; those of states are drive_recompute()'s. */
static uint32_t
n_scored(const struct verdict *v)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_evidence; i++)
		n += v->evidence[i].kind != EVIDENCE_STATE;
	return n;
}

int
eval_recompute(const struct pack *pack, const struct verdict *v,
	struct verdict *out, struct tc_err *e)
{
	struct verdict again = *v;
	uint32_t n_model = 0;
	int rc;

	if (strcmp(v->pack, pack->id) != 0)
		return tc_fail(e, TC_EINVAL, "verdict is of pack %s, not %s",
			v->pack, pack->id);
	again.level = LEVEL_NONE;
	again.kinds = 0;
	again.score = 0;
	again.gate_open = gate_is_shown(pack, v);
	if (!again.gate_open) {
		if (n_scored(v) > 0)
			return tc_fail(e, TC_EINVAL,
				"evidence: nothing opened the gate");
		if (!v->blind)
			again.risk = pack->clean;
		*out = again;
		return 0;
	}
	again.score = pack->base;
	for (uint32_t i = 0; i < v->n_evidence; i++) {
		const struct verdict_evidence *row = &v->evidence[i];

		if (row->kind == EVIDENCE_MODEL && n_model++ > 0)
			return tc_fail(e, TC_EINVAL,
				"evidence: two rows of a model");
		if (row->kind == EVIDENCE_MODEL)
			rc = check_model_row(pack, row, e);
		else if (row->kind == EVIDENCE_RULE)
			rc = check_row(pack, v, row, e);
		else
			continue;
		if (rc < 0)
			return rc;
		again.score += row->contribution;
	}
	conclude(pack, &again);
	*out = again;
	return 0;
}
