/*
 * The table of drive states, from JSON.
 */
#include <math.h>
#include <string.h>
#include <jansson.h>

#include "predict/drive.h"

static const unsigned char builtin[] = {
#include "predict/drive_states.bytes"
};

static int
refuse(struct tc_err *e, size_t i, const char *what)
{
	return tc_fail(e, TC_EINVAL, "/rules/%zu: %s", i, what);
}

static bool
metric_from(const char *name, enum drive_metric *out)
{
	static const char *const names[] = {
#define X(sym, metric, ratio) [sym] = metric,
		DRIVE_METRIC_TABLE(X)
#undef X
	};

	for (int m = 0; name && m < DRIVE_METRIC_N; m++) {
		if (strcmp(names[m], name) == 0) {
			*out = (enum drive_metric)m;
			return true;
		}
	}
	return false;
}

/* {"metric": …, "ge": …, "lt": …} */
static bool
cond_from(const json_t *o, struct drive_cond *out)
{
	const json_t *ge = json_object_get(o, "ge");
	const json_t *lt = json_object_get(o, "lt");

	if (!metric_from(json_string_value(json_object_get(o, "metric")),
			&out->metric))
		return false;
	out->ge = json_is_number(ge) ? json_number_value(ge) : -HUGE_VAL;
	out->lt = json_is_number(lt) ? json_number_value(lt) : HUGE_VAL;
	return out->ge < out->lt;
}

static bool
test_from(const json_t *o, struct drive_rule *out)
{
	const json_t *bit = json_object_get(o, "bit");
	const json_t *rise = json_object_get(o, "rise");
	const json_t *within = json_object_get(o, "within_days");

	out->test = DRIVE_TEST_RANGE;
	if (!cond_from(o, &out->range))
		return false;
	if (json_is_integer(bit)) {
		out->test = DRIVE_TEST_BIT;
		out->bit = (uint32_t)json_integer_value(bit);
		return json_integer_value(bit) >= 0 && out->bit < 8;
	}
	if (json_is_number(rise)) {
		out->test = DRIVE_TEST_RISE;
		out->range.ge = json_number_value(rise);
		out->within_days = (int32_t)json_integer_value(within);
		return out->range.ge > 0 && json_is_integer(within) &&
			json_integer_value(within) > 0 &&
			json_integer_value(within) <= 3650;
	}
	return out->range.ge > -HUGE_VAL || out->range.lt < HUGE_VAL;
}

static bool
kind_from(const json_t *o, struct drive_rule *out)
{
	const char *kind = json_string_value(json_object_get(o, "kind"));
	const char *level = json_string_value(json_object_get(o, "level"));
	int k = 0;

	while (kind && k < VERDICT_KIND_N &&
	       strcmp(kind, verdict_kind_name((enum verdict_kind)k)) != 0)
		k++;
	if (!kind || k == VERDICT_KIND_N)
		return false;
	out->kind = (enum verdict_kind)k;
	/* only a failing drive is left */
	if (out->kind != VERDICT_FAILURE)
		return level == NULL;
	return level && level_from_name(level, strlen(level), &out->level);
}

static bool
unless_from(const json_t *o, struct drive_rule *out)
{
	const json_t *list = json_object_get(o, "unless");

	if (json_array_size(list) > DRIVE_CONDS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!cond_from(json_array_get(list, i),
				&out->unless[out->n_unless++]))
			return false;
	return true;
}

static int
rule_from(const json_t *o, size_t i, struct drive_rule *out, struct tc_err *e)
{
	const char *id = json_string_value(json_object_get(o, "id"));

	if (!id || !id[0] || strlen(id) >= sizeof(out->id))
		return refuse(e, i, "id must have 1 to 31 bytes");
	memcpy(out->id, id, strlen(id));
	if (!json_is_string(json_object_get(o, "source")))
		return refuse(e, i, "source is missing");
	if (!test_from(o, out))
		return refuse(e, i, "needs a known metric and bit, ge, lt, or "
			"rise with within_days");
	if (!kind_from(o, out))
		return refuse(e, i, "kind must be failure with a level, wear or "
			"path without");
	if (!unless_from(o, out))
		return refuse(e, i, "unless must be a few conditions");
	return 0;
}

int
drive_rules_parse(const char *json, size_t n, struct drive_rules *out,
	struct tc_err *e)
{
	struct drive_rules made = { .n = 0 };
	json_error_t fault;
	json_t *tree = json_loadb(json, n, JSON_REJECT_DUPLICATES, &fault);
	const json_t *list = json_object_get(tree, "rules");
	int rc = 0;

	if (!tree)
		return tc_fail(e, TC_EINVAL, "line %d, column %d: %s",
			fault.line, fault.column, fault.text);
	if (!json_is_array(list) || json_array_size(list) > DRIVE_RULES_MAX)
		rc = tc_fail(e, TC_EINVAL, "/rules: must be an array of at most "
			"%d", DRIVE_RULES_MAX);
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
		rc = rule_from(json_array_get(list, i), i,
			&made.rules[made.n++], e);
	json_decref(tree);
	if (rc == 0)
		*out = made;
	return rc;
}

int
drive_rules_builtin(struct drive_rules *out, struct tc_err *e)
{
	int rc = drive_rules_parse((const char *)builtin, sizeof(builtin), out,
		e);

	return rc < 0 ? tc_wrap(e, "built-in drive states") : 0;
}
