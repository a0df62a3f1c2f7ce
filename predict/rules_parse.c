/*
 * Rule packs from JSON. Every error names the JSON pointer of its place; what
 * is unknown, doubled or out of order is an error, never ignored.
 */
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "base/macros.h"
#include "base/mem.h"
#include "predict/rules.h"

#define WEIGHT_MAX 100000	/* hundredths; sums stay far inside int32 */
#define BOUND_MAX INT64_C(1000000000000)
#define NEVER_SETTLES 36500	/* days; peers move for ever */

/* A JSON value and where it stands. */
struct at {
	const json_t *v;
	char pointer[128];
};

static struct at
at_key(const struct at *parent, const char *key)
{
	struct at a = { json_object_get(parent->v, key), "" };

	(void)snprintf(a.pointer, sizeof(a.pointer), "%.80s/%.40s",
		parent->pointer, key);
	return a;
}

static struct at
at_index(const struct at *parent, size_t i)
{
	struct at a = { json_array_get(parent->v, i), "" };

	(void)snprintf(a.pointer, sizeof(a.pointer), "%.80s/%zu",
		parent->pointer, i);
	return a;
}

static int
refuse(const struct at *a, struct tc_err *e, const char *what)
{
	return tc_fail(e, TC_EINVAL, "%s: %s",
		a->pointer[0] ? a->pointer : "/", a->v ? what : "is missing");
}

/* An object with no keys but these (NULL at the end). */
static int
want_object(const struct at *a, const char *const *keys, struct tc_err *e)
{
	const char *key;
	json_t *value;

	if (!json_is_object(a->v))
		return refuse(a, e, "must be an object");
	json_object_foreach((json_t *)(uintptr_t)a->v, key, value) {
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		if (!keys[i])
			return tc_fail(e, TC_EINVAL, "%s/%.40s: unknown key",
				a->pointer, key);
	}
	return 0;
}

static int
want_array(const struct at *a, size_t min, size_t max, uint32_t *n,
	struct tc_err *e)
{
	if (!json_is_array(a->v))
		return refuse(a, e, "must be an array");
	if (json_array_size(a->v) < min || json_array_size(a->v) > max)
		return tc_fail(e, TC_EINVAL, "%s: must have %zu to %zu items, "
			"has %zu", a->pointer, min, max, json_array_size(a->v));
	*n = (uint32_t)json_array_size(a->v);
	return 0;
}

static int
want_int(const struct at *a, int64_t min, int64_t max, int64_t *out,
	struct tc_err *e)
{
	if (!json_is_integer(a->v))
		return refuse(a, e, "must be an integer");
	*out = json_integer_value(a->v);
	if (*out < min || *out > max)
		return tc_fail(e, TC_EINVAL, "%s: must be %lld to %lld",
			a->pointer, (long long)min, (long long)max);
	return 0;
}

static int
want_i32(const struct at *a, int32_t min, int32_t max, int32_t *out,
	struct tc_err *e)
{
	int64_t v = 0;
	int rc = want_int(a, min, max, &v, e);

	if (rc == 0)
		*out = (int32_t)v;
	return rc;
}

static int
want_text(const struct at *a, char *out, size_t size, struct tc_err *e)
{
	size_t n;

	if (!json_is_string(a->v))
		return refuse(a, e, "must be a string");
	n = json_string_length(a->v);
	if (n == 0 || n >= size)
		return tc_fail(e, TC_EINVAL, "%s: must have 1 to %zu bytes",
			a->pointer, size - 1);
	memcpy(out, json_string_value(a->v), n);
	out[n] = '\0';
	return 0;
}

/* Lower case, digits, '-' and '.': what may stand in an id. */
static int
want_name(const struct at *a, char *out, size_t size, struct tc_err *e)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyz0123456789-.";
	int rc = want_text(a, out, size, e);

	if (rc == 0 && out[strspn(out, allowed)] != '\0')
		return refuse(a, e, "only a-z, 0-9, '-' and '.' are allowed");
	return rc;
}

static int
want_semver(const struct at *a, char *out, size_t size, struct tc_err *e)
{
	unsigned major, minor, patch;
	int used = 0;
	int rc = want_name(a, out, size, e);

	if (rc == 0 && (sscanf(out, "%3u.%3u.%3u%n", &major, &minor, &patch,
			&used) != 3 || (out[used] != '\0' && out[used] != '-')))
		return refuse(a, e, "must be a version such as 1.0.0");
	return rc;
}

static int
want_feature(const struct at *a, struct pack *pack, struct feature_ref *out,
	struct tc_err *e)
{
	if (!json_is_string(a->v))
		return refuse(a, e, "must be a feature such as "
			"\"smart_197_raw.now\"");
	if (!feature_ref_parse(json_string_value(a->v),
			json_string_length(a->v), out))
		return tc_fail(e, TC_EINVAL, "%s: \"%.60s\" is no feature of "
			"set %d", a->pointer, json_string_value(a->v),
			FEATURE_SET_VERSION);
	if (stat_is_of_device(out->stat))
		pack->counters |= (1u << COUNTER_N) - 1;
	else
		pack->counters |= 1u << out->counter;
	if (out->stat == STAT_PEERS_BELOW)
		pack->ranks |= 1u << out->counter;
	return 0;
}

/* The score may change so many days after the counters did. */
static void
note_settling(struct pack *pack, struct feature_ref ref, int64_t ge)
{
	int64_t days = stat_window_days(ref.stat);

	if ((ref.stat == STAT_QUIET_DAYS || ref.stat == STAT_DAYS_NONZERO) &&
	    ge < QUIET_SINCE_FIRST_SIGHT)
		days = ge;
	if (ref.stat == STAT_PEERS_BELOW)
		days = NEVER_SETTLES;
	if (days > pack->settle_days)
		pack->settle_days = (int32_t)days;
}

static int64_t
lowest_bound(struct feature_ref ref)
{
	return stat_may_be_negative(ref.stat) ? -BOUND_MAX : 0;
}

static int
parse_cond(const struct at *a, struct pack *pack, struct pack_cond *out,
	struct tc_err *e)
{
	static const char *const keys[] = { "feature", "ge", "lt", NULL };
	struct at feature, ge, lt;
	int rc;

	if ((rc = want_object(a, keys, e)) < 0)
		return rc;
	feature = at_key(a, "feature");
	ge = at_key(a, "ge");
	lt = at_key(a, "lt");
	if ((rc = want_feature(&feature, pack, &out->feature, e)) < 0)
		return rc;
	out->ge = lowest_bound(out->feature);
	out->lt = INT64_MAX;
	if ((ge.v || !lt.v) &&
	    (rc = want_int(&ge, out->ge, BOUND_MAX, &out->ge, e)) < 0)
		return rc;
	note_settling(pack, out->feature, out->ge);
	if (!lt.v)
		return 0;
	if ((rc = want_int(&lt, out->ge + 1, BOUND_MAX, &out->lt, e)) < 0)
		return rc;
	note_settling(pack, out->feature, out->lt);
	return 0;
}

static int
parse_gate(const struct at *a, struct pack *pack, struct pack_gate *out,
	struct tc_err *e)
{
	static const char *const keys[] = { "at_least", "of", NULL };
	struct at at_least, of;
	int32_t n = 0;
	int rc;

	if ((rc = want_object(a, keys, e)) < 0)
		return rc;
	at_least = at_key(a, "at_least");
	of = at_key(a, "of");
	if ((rc = want_array(&of, 1, PACK_GATE_CONDS_MAX, &out->n_of, e)) < 0)
		return rc;
	if ((rc = want_i32(&at_least, 1, (int32_t)out->n_of, &n, e)) < 0)
		return rc;
	out->at_least = (uint32_t)n;
	for (uint32_t i = 0; i < out->n_of; i++) {
		struct at item = at_index(&of, i);

		if ((rc = parse_cond(&item, pack, &out->of[i], e)) < 0)
			return rc;
	}
	return 0;
}

static int
parse_gates(const struct at *root, struct pack *pack, struct tc_err *e)
{
	struct at gates = at_key(root, "gate");
	int rc = want_array(&gates, 1, PACK_GATES_MAX, &pack->n_gates, e);

	for (uint32_t i = 0; rc == 0 && i < pack->n_gates; i++) {
		struct at item = at_index(&gates, i);

		rc = parse_gate(&item, pack, &pack->gates[i], e);
	}
	pack->gate_counters = pack->counters;
	pack->gate_settle_days = pack->settle_days;
	return rc;
}

static int
parse_bins(const struct at *a, struct pack *pack, struct pack_rule *rule,
	struct tc_err *e)
{
	static const char *const keys[] = { "ge", "hundredths", NULL };
	int64_t above = 0;
	int rc = want_array(a, 1, PACK_BINS_MAX, &rule->n_bins, e);

	for (uint32_t i = 0; rc == 0 && i < rule->n_bins; i++) {
		struct pack_bin *bin = &rule->bins[i];
		struct at item = at_index(a, i), ge, weight;

		if ((rc = want_object(&item, keys, e)) < 0)
			break;
		ge = at_key(&item, "ge");
		weight = at_key(&item, "hundredths");
		if ((rc = want_int(&ge, lowest_bound(rule->feature), BOUND_MAX,
				&bin->ge, e)) < 0)
			break;
		if (bin->ge <= above && i > 0)
			return refuse(&ge, e, "must be above the bin before it");
		above = bin->ge;
		note_settling(pack, rule->feature, bin->ge);
		rc = want_i32(&weight, -WEIGHT_MAX, WEIGHT_MAX, &bin->weight,
			e);
	}
	return rc;
}

static int
parse_when(const struct at *a, struct pack *pack, struct pack_rule *rule,
	struct tc_err *e)
{
	int rc;

	if (!a->v)
		return 0;
	rc = want_array(a, 1, PACK_WHEN_MAX, &rule->n_when, e);
	for (uint32_t i = 0; rc == 0 && i < rule->n_when; i++) {
		struct at item = at_index(a, i);

		rc = parse_cond(&item, pack, &rule->when[i], e);
	}
	return rc;
}

static int
parse_unit(const struct at *a, const struct pack_rule *rule, struct tc_err *e)
{
	char unit[VERDICT_NAME];
	int rc = want_text(a, unit, sizeof(unit), e);

	if (rc == 0 && strcmp(unit, stat_unit(rule->feature.stat)) != 0)
		return tc_fail(e, TC_EINVAL, "%s: the feature is in %s",
			a->pointer, stat_unit(rule->feature.stat));
	return rc;
}

static int
parse_rule(const struct at *a, struct pack *pack, struct pack_rule *rule,
	struct tc_err *e)
{
	static const char *const keys[] = { "id", "version", "feature", "unit",
		"source", "bins", "when", NULL };
	struct at id, version, feature, unit, source, bins, when;
	int32_t n = 0;
	int rc;

	if ((rc = want_object(a, keys, e)) < 0)
		return rc;
	id = at_key(a, "id");
	version = at_key(a, "version");
	feature = at_key(a, "feature");
	unit = at_key(a, "unit");
	source = at_key(a, "source");
	bins = at_key(a, "bins");
	when = at_key(a, "when");
	if ((rc = want_name(&id, rule->id, sizeof(rule->id), e)) < 0)
		return rc;
	if (strcmp(rule->id, "gate") == 0 || pack_rule_find(pack, rule->id))
		return refuse(&id, e, "another rule has this id");
	if ((rc = want_i32(&version, 1, 9999, &n, e)) < 0)
		return rc;
	rule->version = (uint32_t)n;
	if ((rc = want_feature(&feature, pack, &rule->feature, e)) < 0)
		return rc;
	if ((rc = parse_unit(&unit, rule, e)) < 0)
		return rc;
	if ((rc = want_text(&source, rule->source, sizeof(rule->source), e)) < 0)
		return rc;
	if ((rc = parse_bins(&bins, pack, rule, e)) < 0)
		return rc;
	return parse_when(&when, pack, rule, e);
}

static int
parse_rules(const struct at *root, struct pack *pack, struct tc_err *e)
{
	struct at rules = at_key(root, "rules");
	uint32_t n, rows = 0;
	int rc = want_array(&rules, 1, PACK_RULES_MAX, &n, e);

	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		struct at item = at_index(&rules, i);

		rc = parse_rule(&item, pack, &pack->rules[i], e);
		rows += 1 + pack->rules[i].n_when;
		pack->n_rules = i + 1;
	}
	for (uint32_t i = 0; i < pack->n_gates; i++)
		rows += pack->gates[i].n_of;
	rows++;		/* the model's */
	if (rc == 0 && rows > VERDICT_EVIDENCE_MAX)
		return tc_fail(e, TC_EFULL, "/rules: rules and conditions may "
			"give %u rows of evidence, %d fit", (unsigned)rows,
			VERDICT_EVIDENCE_MAX);
	return rc;
}

static int
parse_model(const struct at *a, struct pack_model *out, struct tc_err *e)
{
	static const char *const keys[] = { "model", "hundredths", "drives",
		"failed", NULL };
	struct at model, weight, drives, failed;
	int32_t n = 0;
	int rc;

	if ((rc = want_object(a, keys, e)) < 0)
		return rc;
	model = at_key(a, "model");
	weight = at_key(a, "hundredths");
	drives = at_key(a, "drives");
	failed = at_key(a, "failed");
	if ((rc = want_text(&model, out->model, sizeof(out->model), e)) < 0)
		return rc;
	if ((rc = want_i32(&weight, -WEIGHT_MAX, WEIGHT_MAX, &out->weight,
			e)) < 0)
		return rc;
	if ((rc = want_i32(&drives, 0, INT32_MAX, &n, e)) < 0)
		return rc;
	out->drives = (uint32_t)n;
	if ((rc = want_i32(&failed, 0, n, &n, e)) < 0)
		return rc;
	out->failed = (uint32_t)n;
	return 0;
}

/* May be left out. */
static int
parse_models(const struct at *root, struct pack *pack, struct tc_err *e)
{
	struct at models = at_key(root, "models");
	uint32_t n;
	int rc;

	if (!models.v)
		return 0;
	if ((rc = want_array(&models, 0, PACK_MODELS_MAX, &n, e)) < 0)
		return rc;
	for (uint32_t i = 0; i < n; i++) {
		struct at item = at_index(&models, i);

		if ((rc = parse_model(&item, &pack->models[i], e)) < 0)
			return rc;
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(pack->models[k].model,
					pack->models[i].model) == 0)
				return refuse(&item, e, "comes twice");
		pack->n_models = i + 1;
	}
	return 0;
}

static int
parse_levels(const struct at *root, struct pack *pack, struct tc_err *e)
{
	static const char *const keys[] = { "watch", "likely", "imminent",
		NULL };
	struct at levels = at_key(root, "levels");
	int rc = want_object(&levels, keys, e);

	pack->level_from[LEVEL_NONE] = INT32_MIN;
	for (int i = 1; rc == 0 && i < LEVEL_N; i++) {
		struct at level = at_key(&levels, level_name((enum level)i));

		rc = want_i32(&level, -WEIGHT_MAX, WEIGHT_MAX,
			&pack->level_from[i], e);
		if (rc == 0 && pack->level_from[i] <= pack->level_from[i - 1])
			return refuse(&level, e,
				"must be above the level before it");
	}
	return rc;
}

static int
want_probability(const struct at *a, double *out, struct tc_err *e)
{
	if (!json_is_number(a->v))
		return refuse(a, e, "must be a probability");
	*out = json_number_value(a->v);
	if (!(*out >= 0 && *out <= 1))
		return refuse(a, e, "must be 0 to 1");
	return 0;
}

static int
parse_risk(const struct at *a, const struct risk *below, struct risk *out,
	struct tc_err *e)
{
	struct at d7 = at_key(a, "d7");
	struct at d30 = at_key(a, "d30");
	struct at d90 = at_key(a, "d90");
	int rc;

	if ((rc = want_probability(&d7, &out->d7, e)) < 0 ||
	    (rc = want_probability(&d30, &out->d30, e)) < 0 ||
	    (rc = want_probability(&d90, &out->d90, e)) < 0)
		return rc;
	if (out->d30 < out->d7)
		return refuse(&d30, e, "must not be below d7");
	if (out->d90 < out->d30)
		return refuse(&d90, e, "must not be below d30");
	if (out->d7 < below->d7 || out->d30 < below->d30 ||
	    out->d90 < below->d90)
		return refuse(a, e, "risk must not fall as the score rises");
	return 0;
}

static int
parse_lead(const struct at *a, struct pack_calibration *row, struct tc_err *e)
{
	struct at from, to;
	uint32_t n;
	int rc;

	if (json_is_null(a->v))
		return 0;
	if ((rc = want_array(a, 2, 2, &n, e)) < 0)
		return rc;
	from = at_index(a, 0);
	to = at_index(a, 1);
	if ((rc = want_i32(&from, 0, 9999, &row->lead_from_days, e)) < 0)
		return rc;
	if ((rc = want_i32(&to, row->lead_from_days, 9999, &row->lead_to_days,
			e)) < 0)
		return rc;
	row->lead_known = true;
	return 0;
}

static int
parse_calibration_row(const struct at *a, const struct pack_calibration *below,
	struct pack_calibration *row, struct tc_err *e)
{
	static const char *const keys[] = { "from", "d7", "d30", "d90",
		"lead_days", NULL };
	struct at from = at_key(a, "from");
	struct at lead = at_key(a, "lead_days");
	int rc;

	if ((rc = want_object(a, keys, e)) < 0)
		return rc;
	if (!below->lead_known && below->from == INT32_MAX) {
		if (from.v && !json_is_null(from.v))
			return refuse(&from, e, "must be null: the first row "
				"holds for all scores below the second");
		row->from = INT32_MIN;
	} else {
		if ((rc = want_i32(&from, -WEIGHT_MAX, WEIGHT_MAX, &row->from,
				e)) < 0)
			return rc;
		if (row->from <= below->from)
			return refuse(&from, e, "must be above the row before");
	}
	if ((rc = parse_risk(a, &below->risk, &row->risk, e)) < 0)
		return rc;
	return parse_lead(&lead, row, e);
}

static int
parse_calibration(const struct at *root, struct pack *pack, struct tc_err *e)
{
	static const char *const keys[] = { "source", "clean", "rows", NULL };
	static const char *const clean_keys[] = { "d7", "d30", "d90", NULL };
	struct at cal = at_key(root, "calibration"), source, clean, rows;
	struct pack_calibration below = { .from = INT32_MAX };
	char text[PACK_SOURCE];
	int rc;

	if ((rc = want_object(&cal, keys, e)) < 0)
		return rc;
	source = at_key(&cal, "source");
	clean = at_key(&cal, "clean");
	rows = at_key(&cal, "rows");
	if ((rc = want_text(&source, text, sizeof(text), e)) < 0)
		return rc;
	if ((rc = want_object(&clean, clean_keys, e)) < 0)
		return rc;
	if ((rc = parse_risk(&clean, &below.risk, &pack->clean, e)) < 0)
		return rc;
	below.risk = pack->clean;
	rc = want_array(&rows, 1, PACK_CALIBRATION_MAX, &pack->n_calibration, e);
	for (uint32_t i = 0; rc == 0 && i < pack->n_calibration; i++) {
		struct at item = at_index(&rows, i);

		rc = parse_calibration_row(&item, &below,
			&pack->calibration[i], e);
		below = pack->calibration[i];
	}
	return rc;
}

static int
parse_head(const struct at *root, struct pack *pack, struct tc_err *e)
{
	static const char *const keys[] = { "name", "version", "feature_set",
		"about", "gate", "base_hundredths", "rules", "models",
		"levels", "calibration", "provenance", NULL };
	struct at name = at_key(root, "name");
	struct at version = at_key(root, "version");
	struct at set = at_key(root, "feature_set");
	struct at base = at_key(root, "base_hundredths");
	int32_t feature_set = 0;
	int rc;

	if ((rc = want_object(root, keys, e)) < 0)
		return rc;
	if ((rc = want_name(&name, pack->name, sizeof(pack->name), e)) < 0)
		return rc;
	if ((rc = want_semver(&version, pack->version, sizeof(pack->version),
			e)) < 0)
		return rc;
	if ((rc = want_i32(&set, 1, INT32_MAX, &feature_set, e)) < 0)
		return rc;
	if (feature_set < FEATURE_SET_OLDEST ||
	    feature_set > FEATURE_SET_VERSION)
		return tc_fail(e, TC_ENEWER, "%s: feature set %d, we have %d",
			set.pointer, (int)feature_set, FEATURE_SET_VERSION);
	return want_i32(&base, -WEIGHT_MAX, WEIGHT_MAX, &pack->base, e);
}

static void
make_id(struct pack *pack, const char *json, size_t n)
{
	unsigned char sum[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(sum) + 1];

	(void)crypto_hash_sha256(sum, (const unsigned char *)json, n);
	(void)sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum));
	(void)snprintf(pack->id, sizeof(pack->id), "%s@%s+sha256:%s",
		pack->name, pack->version, hex);
}

static int
parse_all(const struct at *root, struct pack *pack, struct tc_err *e)
{
	int rc;

	if ((rc = parse_head(root, pack, e)) < 0)
		return rc;
	if ((rc = parse_gates(root, pack, e)) < 0)
		return rc;
	if ((rc = parse_rules(root, pack, e)) < 0)
		return rc;
	if ((rc = parse_models(root, pack, e)) < 0)
		return rc;
	if ((rc = parse_levels(root, pack, e)) < 0)
		return rc;
	return parse_calibration(root, pack, e);
}

int
pack_parse(const char *json, size_t n, struct pack **out, struct tc_err *e)
{
	struct pack *pack = NULL;
	struct at root = { NULL, "" };
	json_error_t fault;
	json_t *tree = NULL;
	int rc;

	if (n > PACK_JSON_MAX)
		return tc_fail(e, TC_EFULL, "a rule pack has at most %d bytes",
			PACK_JSON_MAX);
	tree = json_loadb(json, n, JSON_REJECT_DUPLICATES, &fault);
	if (!tree) {
		rc = tc_fail(e, TC_EINVAL, "line %d, column %d: %s",
			fault.line, fault.column, fault.text);
		goto out;
	}
	pack = MEM_NEW(struct pack);
	if (!pack) {
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
		goto out;
	}
	root.v = tree;
	if ((rc = parse_all(&root, pack, e)) < 0)
		goto out;
	make_id(pack, json, n);
	*out = pack;
	pack = NULL;
out:
	json_decref(tree);
	pack_free(pack);
	return rc;
}
