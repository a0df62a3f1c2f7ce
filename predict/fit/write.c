/*
 * A fitted model as the text of a rule pack, with where it comes from.
 */
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "base/clock.h"
#include "base/macros.h"
#include "predict/fit/inside.h"

/* Terms of one feature under the same conditions: one rule. */
struct group {
	uint8_t column;
	uint32_t n_when;
	struct when {
		uint8_t column;
		uint8_t ge;	/* codes; 1 = known */
		uint8_t lt;	/* 0 = no bound */
	} when[PACK_WHEN_MAX];
	uint32_t n_bins;
	struct bin {
		uint8_t code;
		int32_t hundredths;
	} bins[PACK_BINS_MAX];
};

static const char *
counter_word(enum counter counter)
{
	switch (counter) {
	case COUNTER_REALLOCATED:
		return "reallocated";
	case COUNTER_REPORTED:
		return "reported";
	case COUNTER_TIMEOUTS:
		return "timeouts";
	case COUNTER_PENDING:
		return "pending";
	case COUNTER_OFFLINE:
		return "offline";
	}
	return "";
}

static void
add_when(struct group *g, const struct fit_cond *c)
{
	struct when *w = NULL;

	for (uint32_t i = 0; i < g->n_when; i++)
		if (g->when[i].column == c->column)
			w = &g->when[i];
	if (!w) {
		w = &g->when[g->n_when++];
		*w = (struct when){ .column = c->column, .ge = 1 };
	}
	if (c->below && (w->lt == 0 || c->code < w->lt))
		w->lt = c->code;
	if (!c->below && c->code > w->ge)
		w->ge = c->code;
}

static bool
when_is(const struct when *a, const struct when *b)
{
	return a->column == b->column && a->ge == b->ge && a->lt == b->lt;
}

static bool
same_group(const struct group *a, const struct group *b)
{
	if (a->column != b->column || a->n_when != b->n_when)
		return false;
	for (uint32_t i = 0; i < a->n_when; i++)
		if (!when_is(&a->when[i], &b->when[i]) &&
		    (a->n_when == 1 ||
		     !when_is(&a->when[i], &b->when[a->n_when - 1 - i])))
			return false;
	return true;
}

static void
add_bin(struct group *g, uint8_t code, int32_t hundredths)
{
	uint32_t i = g->n_bins;

	for (; i > 0 && g->bins[i - 1].code > code; i--)
		g->bins[i] = g->bins[i - 1];
	g->bins[i] = (struct bin){ code, hundredths };
	g->n_bins++;
}

static struct bin *
find_bin(struct group *g, uint8_t code)
{
	for (uint32_t i = 0; i < g->n_bins; i++)
		if (g->bins[i].code == code)
			return &g->bins[i];
	return NULL;
}

static uint32_t
add_term(struct group *groups, uint32_t n, const struct fit_term *t)
{
	struct group g = { .column = t->cond[0].column };

	for (uint32_t i = 1; i < t->n; i++)
		add_when(&g, &t->cond[i]);
	for (uint32_t i = 0; i < n; i++) {
		struct bin *bin;

		if (!same_group(&groups[i], &g))
			continue;
		bin = find_bin(&groups[i], t->cond[0].code);
		if (bin) {
			bin->hundredths += t->hundredths;
			return n;
		}
		if (groups[i].n_bins < PACK_BINS_MAX) {
			add_bin(&groups[i], t->cond[0].code, t->hundredths);
			return n;
		}
	}
	add_bin(&g, t->cond[0].code, t->hundredths);
	groups[n] = g;
	return n + 1;
}

static uint32_t
make_groups(const struct fit_model *m, struct group *groups)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_terms; i++)
		if (m->terms[i].hundredths != 0)
			n = add_term(groups, n, &m->terms[i]);
	return n;
}

/* ---- JSON; a failed allocation shows in the packing around it ------------- */

static json_t *
feature_name(const struct fit_column *c)
{
	return json_sprintf("%s.%s", feature_ref_metric(c->ref),
		stat_name(c->ref.stat));
}

static json_int_t
bound(const struct fit_column *c, uint8_t code)
{
	return (json_int_t)c->bounds[code - 1];
}

static json_t *
whens_json(const struct fit_data *d, const struct group *g)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < g->n_when; i++) {
		const struct fit_column *c = &d->columns[g->when[i].column];
		json_t *w = json_pack("{s:o,s:I}", "feature", feature_name(c),
			"ge", bound(c, g->when[i].ge));

		if (g->when[i].lt)
			(void)json_object_set_new(w, "lt", json_integer(
				bound(c, g->when[i].lt)));
		(void)json_array_append_new(list, w);
	}
	return list;
}

static json_t *
rule_json(const struct fit_data *d, const struct group *g, unsigned number)
{
	const struct fit_column *c = &d->columns[g->column];
	const char *stat = stat_name(c->ref.stat);
	char id[VERDICT_NAME];
	json_t *bins = json_array(), *rule;

	(void)snprintf(id, sizeof(id), "%s-%.16s.%u", stat_is_of_device(
		c->ref.stat) ? "device" : counter_word(c->ref.counter), stat,
		number);
	for (char *p = id; *p; p++)
		if (*p == '_')
			*p = '-';
	for (uint32_t i = 0; i < g->n_bins; i++)
		(void)json_array_append_new(bins, json_pack("{s:I,s:i}", "ge",
			bound(c, g->bins[i].code), "hundredths",
			(int)g->bins[i].hundredths));
	rule = json_pack("{s:s,s:i,s:o,s:s,s:s,s:o}", "id", id, "version", 1,
		"feature", feature_name(c), "unit", stat_unit(c->ref.stat),
		"source", "fitted: see provenance", "bins", bins);
	if (g->n_when > 0)
		(void)json_object_set_new(rule, "when", whens_json(d, g));
	return rule;
}

static json_t *
rules_json(const struct fit_data *d, const struct fit_model *m)
{
	struct group groups[FIT_TERMS_MAX];
	uint32_t n = make_groups(m, groups);
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		(void)json_array_append_new(list, rule_json(d, &groups[i],
			i + 1));
	return list;
}

static bool
was_judged(const struct fit_data *d, const struct fit_device *dev)
{
	for (uint32_t k = 0; k < dev->n_states; k++)
		if (d->open[dev->state + k])
			return true;
	return false;
}

static json_t *
models_json(const struct fit_data *d, const struct fit_model *m)
{
	json_t *list = json_array();

	for (uint32_t i = 1; i < m->n_models; i++) {
		const char *name = intern_name(&d->models, i);
		int drives = 0, failed = 0;

		if (m->offset_hundredths[i] == 0 || !name ||
		    strlen(name) >= VERDICT_NAME ||
		    json_array_size(list) == PACK_MODELS_MAX)
			continue;
		for (size_t k = 0; k < d->n_devices; k++) {
			const struct fit_device *dev = &d->devices[k];

			if (dev->model != i || !was_judged(d, dev))
				continue;
			drives++;
			failed += dev->fail_day != FIT_NEVER;
		}
		(void)json_array_append_new(list, json_pack(
			"{s:s,s:i,s:i,s:i}", "model", name, "hundredths",
			(int)m->offset_hundredths[i], "drives", drives,
			"failed", failed));
	}
	return list;
}

static json_t *
cond_json(const char *feature)
{
	return json_pack("{s:s,s:i}", "feature", feature, "ge", 1);
}

static json_t *
gate_json(void)
{
	static const char *const any[] = { "smart_5_raw.now",
		"smart_187_raw.now", "smart_197_raw.now", "smart_198_raw.now" };
	static const char *const two[] = { "smart_5_raw.now",
		"smart_187_raw.now", "smart_188_raw.now", "smart_197_raw.now",
		"smart_198_raw.now" };
	json_t *one = json_array(), *both = json_array();

	for (size_t i = 0; i < ARRAY_LEN(any); i++)
		(void)json_array_append_new(one, cond_json(any[i]));
	for (size_t i = 0; i < ARRAY_LEN(two); i++)
		(void)json_array_append_new(both, cond_json(two[i]));
	return json_pack("[{s:i,s:o},{s:i,s:o}]", "at_least", 1, "of", one,
		"at_least", 2, "of", both);
}

static json_t *
risk_json(const struct risk *r)
{
	return json_pack("{s:f,s:f,s:f}", "d7", r->d7, "d30", r->d30, "d90",
		r->d90);
}

static json_t *
calibration_json(const struct fit_calibration *c)
{
	struct risk clean = { c->clean[0].p, c->clean[1].p, c->clean[2].p };
	json_t *rows = json_array();

	for (uint32_t i = 0; i < c->n; i++) {
		const struct fit_calibration_row *r = &c->rows[i];
		json_t *row = risk_json(&r->risk);

		(void)json_object_set_new(row, "from", i ?
			json_integer(r->from) : json_null());
		(void)json_object_set_new(row, "lead_days", r->lead_known ?
			json_pack("[i,i]", (int)r->lead_from_days,
				(int)r->lead_to_days) : json_null());
		(void)json_array_append_new(rows, row);
	}
	return json_pack("{s:s,s:o,s:o}", "source",
		"days of drives that the fit did not see (folds)", "clean",
		risk_json(&clean), "rows", rows);
}

static json_t *
tier_json(const struct fit_tier *t)
{
	return json_pack("{s:o,s:f,s:f,s:f,s:f,s:f,s:i}", "hundredths",
		t->threshold == INT32_MIN ? json_null() :
		json_integer(t->threshold), "fdr", t->fdr.p, "far", t->far_good.p,
		"survivor_far", t->far_survivor.p, "ppv30", t->ppv30.p, "f05",
		t->f05, "lead_median_days", (int)t->lead_median);
}

static json_t *
tiers_json(const struct fit_tier tiers[LEVEL_N])
{
	json_t *o = json_object();

	for (int i = 1; i < LEVEL_N; i++)
		(void)json_object_set_new(o, level_name((enum level)i),
			tier_json(&tiers[i]));
	return o;
}

static json_t *
gains_json(const struct fit_gain gains[LEVEL_N])
{
	json_t *o = json_object();

	for (int i = 1; i < LEVEL_N; i++)
		(void)json_object_set_new(o, level_name((enum level)i),
			json_pack("{s:f,s:f,s:f}", "fdr", gains[i].more,
				"low", gains[i].low, "high", gains[i].high));
	return o;
}

static json_t *
date_json(int32_t day)
{
	struct date d = date_from_days(day);

	return json_sprintf("%04d-%02d-%02d", d.year, d.month, d.day);
}

static json_t *
figures_json(const struct fit_report *r, const struct fit_opts *opts)
{
	json_t *folds = json_array(), *o;

	for (int i = 0; i < FIT_FOLDS; i++)
		(void)json_array_append_new(folds, tiers_json(r->fold[i]));
	o = json_pack("{s:s,s:o,s:o,s:s,s:o}", "about",
		"out of fold; at the budgets unless as shipped", "folds", folds,
		"as_shipped", tiers_json(r->chosen), "other_pack",
		r->reference_pack, "cross_validated", tiers_json(r->folds));
	(void)json_object_set_new(o, "cross_validated_other",
		tiers_json(r->folds_reference));
	(void)json_object_set_new(o, "cross_validated_plain",
		tiers_json(r->folds_plain));
	(void)json_object_set_new(o, "nested", tiers_json(r->nested));
	(void)json_object_set_new(o, "more_than_other",
		gains_json(r->over_reference));
	if (!opts->trials)
		return o;
	(void)json_object_set_new(o, "more_than_plain",
		gains_json(r->over_plain));
	(void)json_object_set_new(o, "forward_from",
		date_json(r->forward_day + 1));
	(void)json_object_set_new(o, "forward", tiers_json(r->forward));
	(void)json_object_set_new(o, "forward_other",
		tiers_json(r->forward_reference));
	(void)json_object_set_new(o, "forward_plain",
		tiers_json(r->forward_plain));
	(void)json_object_set_new(o, "forward_as_shipped",
		tiers_json(r->forward_chosen));
	(void)json_object_set_new(o, "unseen_families",
		tiers_json(r->families));
	return o;
}

static json_t *
statistics_json(uint32_t stats)
{
	json_t *list = json_array();

	for (int s = 0; s < STAT_N; s++)
		if (stats >> s & 1)
			(void)json_array_append_new(list,
				json_string(stat_name((enum stat_kind)s)));
	return list;
}

static json_t *
provenance_json(const struct fit_report *r, const struct fit_opts *opts)
{
	json_t *o = json_pack("{s:s,s:s,s:o,s:o,s:I,s:I,s:I,s:I}", "data",
		opts->data_name, "sha256", opts->data_hash, "from",
		date_json(r->first_day), "to", date_json(r->last_day), "rows",
		(json_int_t)r->rows, "drives", (json_int_t)r->devices,
		"failed", (json_int_t)r->failed, "survivors",
		(json_int_t)r->survivors);

	(void)json_object_set_new(o, "label", json_string("ever fails; every "
		"drive weighs the same, good ones that left 3/4 in learning"));
	(void)json_object_set_new(o, "learning", json_pack(
		"{s:i,s:i,s:i,s:f,s:f,s:f,s:f,s:f}", "rounds",
		(int)opts->rounds, "terms", (int)opts->terms, "depth",
		(int)opts->depth, "rate", opts->rate, "pool", opts->pool,
		"shrink", opts->shrink, "shrink_model", opts->shrink_model,
		"margin", opts->margin));
	(void)json_object_set_new(o, "statistics",
		statistics_json(opts->stats));
	(void)json_object_set_new(o, "figures", figures_json(r, opts));
	return o;
}

static int
put_text(const char *p, size_t n, void *arg)
{
	strbuf_add(arg, p, n);
	return 0;
}

int
fit_write(const struct fit_data *d, const struct fit_model *m,
	const struct fit_opts *opts, struct fit_report *r, struct tc_err *e)
{
	json_t *levels = json_object(), *o;
	bool ok;

	for (int i = 1; i < LEVEL_N; i++)
		(void)json_object_set_new(levels, level_name((enum level)i),
			json_integer(r->chosen[i].threshold));
	o = json_pack("{s:s,s:s,s:i,s:s,s:o,s:i,s:o,s:o,s:o,s:o,s:o}", "name",
		opts->name, "version", opts->version, "feature_set",
		FEATURE_SET_VERSION, "about", "Written by tocsin backtest "
		"--fit.", "gate", gate_json(), "base_hundredths",
		(int)m->base_hundredths, "rules", rules_json(d, m), "models",
		models_json(d, m), "levels", levels, "calibration",
		calibration_json(&r->calibration), "provenance",
		provenance_json(r, opts));
	ok = o && json_dump_callback(o, put_text, &r->pack, JSON_INDENT(1) |
		JSON_REAL_PRECISION(5)) == 0;
	json_decref(o);
	strbuf_putc(&r->pack, '\n');
	if (!ok || r->pack.failed)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	return 0;
}
