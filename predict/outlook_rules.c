/*
 * The rules for hosts, from JSON.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "predict/outlook.h"

static const unsigned char builtin[] = {
#include "predict/host_rules.bytes"
};

#define WEIGHT_MAX 1000
#define BOUND_MAX INT64_C(1000000000)

static int
refuse(struct tc_err *e, size_t i, const char *what)
{
	return tc_fail(e, TC_EINVAL, "/rules/%zu: %s", i, what);
}

/* A text member of 1 to size − 1 bytes. */
static bool
text_from(const json_t *o, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(o, key));
	size_t n = text != NULL ? strlen(text) : 0;

	if (n == 0 || n >= size)
		return false;
	memcpy(out, text, n + 1);
	return true;
}

static bool
whole_from(const json_t *o, const char *key, int64_t most, int64_t *out)
{
	const json_t *v = json_object_get(o, key);

	*out = json_integer_value(v);
	return json_is_integer(v) && *out <= most && *out >= -most;
}

static bool
bins_from(const json_t *list, struct outlook_rule *out)
{
	size_t n = json_array_size(list);

	if (n == 0 || n > OUTLOOK_BINS_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);
		struct outlook_bin *b = &out->bins[out->n_bins++];
		int64_t weight;

		if (!whole_from(o, "ge", BOUND_MAX, &b->ge) || b->ge < 1 ||
		    !whole_from(o, "hundredths", WEIGHT_MAX, &weight) ||
		    weight == 0 || (i > 0 && b->ge <= b[-1].ge))
			return false;
		b->weight = (int32_t)weight;
	}
	return true;
}

static bool
names_from(const json_t *o, struct outlook_rule *out)
{
	char signal[VERDICT_NAME], stat[VERDICT_NAME], unit[VERDICT_NAME];

	return text_from(o, "signal", signal, sizeof(signal)) &&
		text_from(o, "stat", stat, sizeof(stat)) &&
		text_from(o, "unit", unit, sizeof(unit)) &&
		signal_from_name(signal, &out->signal) &&
		signal_stat_from_name(stat, &out->stat) &&
		signal_stat_fits(out->signal, out->stat) &&
		strcmp(unit, signal_stat_unit(out->stat)) == 0;
}

static bool
cause_from(const char *name, enum cause_hint *out)
{
	for (int c = CAUSE_UNKNOWN; c <= CAUSE_HOST_OS; c++)
		if (strcmp(cause_id((enum cause_hint)c), name) == 0) {
			*out = (enum cause_hint)c;
			return true;
		}
	return false;
}

static bool
reach_from(const json_t *o, struct outlook_rule *out)
{
	char cause[VERDICT_NAME], level[VERDICT_NAME];

	return text_from(o, "cause", cause, sizeof(cause)) &&
		text_from(o, "may_reach", level, sizeof(level)) &&
		cause_from(cause, &out->cause) &&
		level_from_name(level, strlen(level), &out->may_reach);
}

static int
rule_from(const json_t *o, size_t i, struct outlook_pack *pack,
	struct tc_err *e)
{
	struct outlook_rule *r = &pack->rules[pack->n_rules];
	int64_t version;

	if (!text_from(o, "id", r->id, sizeof(r->id)))
		return refuse(e, i, "id must have 1 to 31 bytes");
	for (uint32_t k = 0; k < pack->n_rules; k++)
		if (strcmp(pack->rules[k].id, r->id) == 0)
			return refuse(e, i, "id stands there twice");
	if (!text_from(o, "source", r->source, sizeof(r->source)))
		return refuse(e, i, "source must have 1 to 199 bytes");
	if (!whole_from(o, "version", BOUND_MAX, &version) || version < 1)
		return refuse(e, i, "version must be 1 or more");
	r->version = (uint32_t)version;
	if (!names_from(o, r))
		return refuse(e, i, "needs a signal, a stat that it has, and "
			"the stat's unit");
	if (!reach_from(o, r))
		return refuse(e, i, "needs a cause and may_reach, a level");
	if (!bins_from(json_object_get(o, "bins"), r))
		return refuse(e, i, "bins must be 1 to 6, by rising ge, with "
			"hundredths from -1000 to 1000, not 0");
	pack->n_rules++;
	return 0;
}

static int
levels_from(const json_t *o, struct outlook_pack *pack, struct tc_err *e)
{
	pack->level_from[LEVEL_NONE] = INT32_MIN;
	for (int l = 1; l < LEVEL_N; l++) {
		int64_t from;

		if (!whole_from(o, level_name((enum level)l), 10 * WEIGHT_MAX,
				&from) ||
		    (l > 1 && from <= pack->level_from[l - 1]) || from < 1)
			return tc_fail(e, TC_EINVAL, "/levels/%s: must be "
				"hundredths above the level before",
				level_name((enum level)l));
		pack->level_from[l] = (int32_t)from;
	}
	return 0;
}

static int
prior_from(const json_t *o, struct risk *out, struct tc_err *e)
{
	out->d7 = json_number_value(json_object_get(o, "d7"));
	out->d30 = json_number_value(json_object_get(o, "d30"));
	out->d90 = json_number_value(json_object_get(o, "d90"));
	if (!(out->d7 > 0 && out->d7 <= out->d30 && out->d30 <= out->d90 &&
	      out->d90 < 1) || !json_is_string(json_object_get(o, "source")))
		return tc_fail(e, TC_EINVAL, "/prior: needs a source and "
			"0 < d7 <= d30 <= d90 < 1");
	return 0;
}

static int
pack_from(const json_t *tree, struct outlook_pack *pack, struct tc_err *e)
{
	const json_t *list = json_object_get(tree, "rules");
	int rc;

	if (!text_from(tree, "name", pack->name, sizeof(pack->name)) ||
	    !text_from(tree, "version", pack->version, sizeof(pack->version)))
		return tc_fail(e, TC_EINVAL, "needs a name and a version");
	if ((rc = prior_from(json_object_get(tree, "prior"), &pack->prior,
			e)) < 0 ||
	    (rc = levels_from(json_object_get(tree, "levels"), pack, e)) < 0)
		return rc;
	if (!json_is_array(list) || json_array_size(list) > OUTLOOK_RULES_MAX)
		return tc_fail(e, TC_EINVAL, "/rules: must be an array of at "
			"most %d", OUTLOOK_RULES_MAX);
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
		rc = rule_from(json_array_get(list, i), i, pack, e);
	return rc;
}

int
outlook_parse(const char *json, size_t n, struct outlook_pack *out,
	struct tc_err *e)
{
	struct outlook_pack made = { .n_rules = 0 };
	unsigned char sum[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(sum) + 1];
	json_error_t fault;
	json_t *tree = json_loadb(json, n, JSON_REJECT_DUPLICATES, &fault);
	int rc;

	if (!tree)
		return tc_fail(e, TC_EINVAL, "line %d, column %d: %s",
			fault.line, fault.column, fault.text);
	rc = pack_from(tree, &made, e);
	json_decref(tree);
	if (rc < 0)
		return rc;
	(void)crypto_hash_sha256(sum, (const unsigned char *)json, n);
	(void)sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum));
	(void)snprintf(made.id, sizeof(made.id), "%s@%s+sha256:%s", made.name,
		made.version, hex);
	*out = made;
	return 0;
}

int
outlook_builtin(struct outlook_pack *out, struct tc_err *e)
{
	int rc = outlook_parse((const char *)builtin, sizeof(builtin), out, e);

	return rc < 0 ? tc_wrap(e, "built-in rules for hosts") : 0;
}
