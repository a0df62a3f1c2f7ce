/*
 * What a drive says of itself, judged.
 */
#include "predict/drive.h"

#include <math.h>
#include <string.h>

#define DAY_MS INT64_C(86400000)

static const struct {
	const char *metric;
	bool ratio;
} metrics[DRIVE_METRIC_N] = {
#define X(sym, metric, ratio) [sym] = { metric, ratio },
	DRIVE_METRIC_TABLE(X)
#undef X
};

bool
drive_observe(struct drive_state *s, const char *metric, double value,
	struct wall at)
{
	int m = 0;
	bool changed;

	while (m < DRIVE_METRIC_N && strcmp(metrics[m].metric, metric) != 0)
		m++;
	if (m == DRIVE_METRIC_N || !(value >= 0 && value <= DRIVE_VALUE_MAX))
		return false;
	if (!(s->seen & 1u << m)) {
		s->seen |= 1u << m;
		s->first[m] = s->now[m] = value;
		s->observed_ms[m] = at.ms;
		return true;
	}
	if (at.ms < s->observed_ms[m])
		return false;
	changed = value < s->now[m] || value > s->now[m];
	if (value > s->now[m])
		s->risen_ms[m] = at.ms;
	if (value < s->now[m])
		s->first[m] = value;
	s->now[m] = value;
	s->observed_ms[m] = at.ms;
	return changed;
}

static bool
cond_holds(const struct drive_cond *c, const struct drive_state *s)
{
	return (s->seen & 1u << c->metric) && s->now[c->metric] >= c->ge &&
		s->now[c->metric] < c->lt;
}

static bool
is_excused(const struct drive_rule *r, const struct drive_state *s)
{
	for (uint32_t i = 0; i < r->n_unless; i++)
		if (!cond_holds(&r->unless[i], s))
			return false;
	return r->n_unless > 0;
}

static bool
rule_holds(const struct drive_rule *r, const struct drive_state *s,
	struct wall now)
{
	enum drive_metric m = r->range.metric;

	if (!(s->seen & 1u << m) || is_excused(r, s))
		return false;
	switch (r->test) {
	case DRIVE_TEST_BIT:
		return ((uint64_t)s->now[m] >> r->bit & 1) != 0;
	case DRIVE_TEST_RANGE:
		return cond_holds(&r->range, s);
	case DRIVE_TEST_RISE:
		return s->now[m] - s->first[m] >= r->range.ge &&
			now.ms - s->risen_ms[m] <= r->within_days * DAY_MS;
	}
	return false;
}

enum accept_state
accept_check(const struct acceptance *a, int64_t value, struct wall now)
{
	int64_t moved = value > a->value ? value - a->value :
		a->value - value;

	if (now.ms >= a->until.ms)
		return ACCEPT_EXPIRED;
	return moved > a->delta ? ACCEPT_MOVED : ACCEPT_HOLDS;
}

/* Ratios are shown in per cent. */
static int64_t
shown(enum drive_metric m, double v)
{
	return llround(metrics[m].ratio ? v * 100 : v);
}

bool
drive_value(const struct drive_state *s, const char *metric, int64_t *out)
{
	for (int m = 0; m < DRIVE_METRIC_N; m++) {
		if (strcmp(metrics[m].metric, metric) != 0 ||
		    !(s->seen & 1u << m))
			continue;
		*out = shown((enum drive_metric)m, s->now[m]);
		return true;
	}
	return false;
}

static const char *
stat_of(const struct drive_rule *r)
{
	if (r->test == DRIVE_TEST_RISE)
		return "rise";
	return metrics[r->range.metric].ratio ? "percent" : "now";
}

static bool
is_accepted(const struct acceptance *list, size_t n, enum drive_metric m,
	int64_t value, struct wall now)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].metric, metrics[m].metric) == 0 &&
		    accept_check(&list[i], value, now) == ACCEPT_HOLDS)
			return true;
	return false;
}

static void
copy_name(char out[VERDICT_NAME], const char *name)
{
	size_t n = strlen(name);

	n = n < VERDICT_NAME ? n : VERDICT_NAME - 1;
	memcpy(out, name, n);
	out[n] = '\0';
}

static void
add_row(const struct drive_rule *r, const struct drive_state *s,
	struct verdict *v)
{
	enum drive_metric m = r->range.metric;
	struct verdict_evidence *row;
	struct dur age = { 0 };

	if (v->n_evidence == VERDICT_EVIDENCE_MAX)
		return;
	row = &v->evidence[v->n_evidence++];
	*row = (struct verdict_evidence){ .kind = EVIDENCE_STATE,
		.value = shown(m, s->now[m]), .baseline = shown(m, s->first[m]),
		.change = shown(m, s->now[m]) - shown(m, s->first[m]),
		.observed_at = { s->observed_ms[m] } };
	if (wall_diff(v->judged_at, row->observed_at, &age) == 0)
		row->age = age;
	copy_name(row->rule, r->id);
	copy_name(row->metric, metrics[m].metric);
	copy_name(row->stat, stat_of(r));
}

static void
note(const struct drive_rule *r, struct verdict *v)
{
	v->kinds |= 1u << r->kind;
	if (r->level > v->level)
		v->level = r->level;
}

void
drive_judge(const struct drive_rules *rules, const struct drive_state *s,
	const struct acceptance *accepted, size_t n, struct verdict *v)
{
	for (uint32_t i = 0; i < rules->n; i++) {
		const struct drive_rule *r = &rules->rules[i];
		enum drive_metric m = r->range.metric;

		if (!rule_holds(r, s, v->judged_at) || is_accepted(accepted, n,
				m, shown(m, s->now[m]), v->judged_at))
			continue;
		add_row(r, s, v);
		note(r, v);
	}
}

static const struct drive_rule *
rule_find(const struct drive_rules *rules, const char *id)
{
	for (uint32_t i = 0; i < rules->n; i++)
		if (strcmp(rules->rules[i].id, id) == 0)
			return &rules->rules[i];
	return NULL;
}

/* Whether what the row says is enough for the rule. */
static bool
row_bears(const struct drive_rule *r, const struct verdict_evidence *row)
{
	double scale = metrics[r->range.metric].ratio ? 100 : 1;
	double value = (double)row->value;

	if (strcmp(row->metric, metrics[r->range.metric].metric) != 0)
		return false;
	switch (r->test) {
	case DRIVE_TEST_BIT:
		return ((uint64_t)row->value >> r->bit & 1) != 0;
	case DRIVE_TEST_RANGE:
		return value >= r->range.ge * scale &&
			(value < r->range.lt * scale || r->range.lt >= HUGE_VAL);
	case DRIVE_TEST_RISE:
		return (double)row->change >= r->range.ge;
	}
	return false;
}

int
drive_recompute(const struct drive_rules *rules, const struct verdict *v,
	struct verdict *out, struct tc_err *e)
{
	struct verdict again = *out;

	for (uint32_t i = 0; i < v->n_evidence; i++) {
		const struct verdict_evidence *row = &v->evidence[i];
		const struct drive_rule *r = rule_find(rules, row->rule);

		if (row->kind != EVIDENCE_STATE)
			continue;
		if (!r || !row_bears(r, row))
			return tc_fail(e, TC_EINVAL, "evidence: %s of %s is not "
				"what the table says", row->rule, row->metric);
		note(r, &again);
	}
	*out = again;
	return 0;
}
