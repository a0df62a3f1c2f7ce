/*
 * A rule pack: the whole predictor as data.  Parsed from JSON, immutable
 * afterwards, readable by any thread.  No threshold is in C.
 *
 *	gate	when a device is judged at all: one of the groups must hold
 *	rules	a feature and cumulative bins: every bin whose bound the
 *		value reaches adds its weight (hundredths)
 *	models	what the model adds, where it is known
 *	levels	the score from which a level holds
 *	calibration	what was observed at such scores: risks, lead time
 *
 * predict/rules/README.md describes the file.
 */
#ifndef TOCSIN_PREDICT_RULES_H
#define TOCSIN_PREDICT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/level.h"
#include "model/verdict.h"
#include "predict/features.h"

#define PACK_VERSION_TEXT 24
#define PACK_BINS_MAX 8
#define PACK_WHEN_MAX 2
#define PACK_RULES_MAX 48
#define PACK_MODELS_MAX 128
#define PACK_GATES_MAX 4
#define PACK_GATE_CONDS_MAX 8
#define PACK_CALIBRATION_MAX 24
#define PACK_JSON_MAX (256 * 1024)
#define PACK_SOURCE 160

/* ge ≤ value < lt, and known. */
struct pack_cond {
	struct feature_ref feature;
	int64_t ge;
	int64_t lt;		/* INT64_MAX = no bound above */
};

/*
 * What the same counters mean on drives of this model, drawn to the fleet's
 * where few were seen.  Models that are not listed have 0.
 */
struct pack_model {
	char model[VERDICT_NAME];
	int32_t weight;		/* hundredths */
	uint32_t drives;	/* judged at all, in the history */
	uint32_t failed;	/* of these */
};

struct pack_bin {
	int64_t ge;
	int32_t weight;	/* hundredths; added to those of the bins below */
};

struct pack_rule {
	char id[VERDICT_NAME];
	char source[PACK_SOURCE];	/* where the weights come from */
	uint32_t version;
	struct feature_ref feature;
	uint32_t n_bins;
	struct pack_bin bins[PACK_BINS_MAX];	/* by rising bound */
	uint32_t n_when;
	struct pack_cond when[PACK_WHEN_MAX];	/* all must hold */
};

struct pack_gate {
	uint32_t at_least;
	uint32_t n_of;
	struct pack_cond of[PACK_GATE_CONDS_MAX];
};

struct pack_calibration {
	int32_t from;	/* scores ≥ from; INT32_MIN in the first row */
	struct risk risk;
	bool lead_known;
	int32_t lead_from_days;
	int32_t lead_to_days;
};

struct pack {
	char name[VERDICT_NAME];
	char version[PACK_VERSION_TEXT];
	char id[VERDICT_PACK_ID];	/* "name@version+sha256:…" */
	int32_t base;
	uint32_t n_gates;
	struct pack_gate gates[PACK_GATES_MAX];
	uint32_t n_rules;
	struct pack_rule rules[PACK_RULES_MAX];
	uint32_t n_models;
	struct pack_model models[PACK_MODELS_MAX];
	int32_t level_from[LEVEL_N];	/* [LEVEL_NONE] is INT32_MIN */
	struct risk clean;		/* while no gate is open */
	uint32_t n_calibration;
	struct pack_calibration calibration[PACK_CALIBRATION_MAX];
	uint32_t gate_counters;	/* bits: which counters the gate asks for */
	uint32_t counters;	/* bits: which counters anything asks for */
	uint32_t ranks;		/* bits: whose place among the peers */
	/* without a change of the counters, nothing moves after so many days */
	int32_t gate_settle_days;
	int32_t settle_days;
};

/*
 * TC_EINVAL with the JSON pointer of the fault: "/rules/3/bins/1/ge: must be
 * above the bin before it".  TC_ENEWER: another feature set.  *out belongs to
 * the caller (pack_free).
 */
int pack_parse(const char *json, size_t n, struct pack **out,
	struct tc_err *e);
void pack_free(struct pack *pack);

enum level pack_level(const struct pack *pack, int32_t score);
/* The calibration row of a score; never NULL. */
const struct pack_calibration *pack_calibrate(const struct pack *pack,
	int32_t score);
/* Sum of the weights of the bins that a value reaches. */
int32_t pack_rule_weight(const struct pack_rule *rule, int64_t value);
/* NULL when the pack has no such rule. */
const struct pack_rule *pack_rule_find(const struct pack *pack,
	const char *id);

bool pack_cond_holds(const struct pack_cond *c, int64_t value);
/*
 * The longest listed name that is the model's, or its begin up to a '-' or a
 * blank: "ST4000DM000" is "ST4000DM000-1F2168".  NULL when none is.
 */
const struct pack_model *pack_model_find(const struct pack *pack,
	const char *model);

#endif
