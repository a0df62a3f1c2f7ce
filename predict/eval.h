/*
 * Judging: (pack, features, now) → verdict.  A pure function; the verdict can
 * be recomputed from its evidence alone.
 */
#ifndef TOCSIN_PREDICT_EVAL_H
#define TOCSIN_PREDICT_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/verdict.h"
#include "predict/features.h"
#include "predict/rules.h"

/*
 * The score alone, in hundredths, for the long runs.  *gate_open says whether
 * the device is judged at all; 0 when not.  `model` as pack_model_find()
 * gives it, or NULL.
 */
int32_t eval_score(const struct pack *pack, const struct features *f,
	const struct pack_model *model, int32_t day, bool *gate_open);

/*
 * The whole verdict with its reasons, at the UTC day of `now`.  `model` is what
 * the device calls itself, "" when unknown.
 */
void eval_device(const struct pack *pack, const struct features *f,
	const char *model, struct wall now, struct verdict *out);

/*
 * Level, score, risks and lead time again, from v's evidence rows alone.
 * TC_EINVAL when a row does not say what the pack says: another pack, or a
 * forged contribution.  The other fields of *out are v's.
 */
int eval_recompute(const struct pack *pack, const struct verdict *v,
	struct verdict *out, struct tc_err *e);

#endif
