/*
 * Judging a host by its own signals: (pack, signals, now) → verdict.  The rules
 * are data (predict/rules/host.json): bins of log-likelihood ratios over a
 * prior, each with its source.  Pure; the verdict can be recomputed from its
 * evidence alone.
 *
 * A level needs its score and a rule that may reach it: what is no evidence of
 * hardware may be worth a look, and moves nobody.  Without any sign a host has
 * no risk of its own, only that of its disks.
 */
#ifndef TOCSIN_PREDICT_OUTLOOK_H
#define TOCSIN_PREDICT_OUTLOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/unit.h"
#include "model/level.h"
#include "model/verdict.h"
#include "predict/signals.h"

#define OUTLOOK_RULES_MAX 48
#define OUTLOOK_BINS_MAX 6
#define OUTLOOK_VERSION_TEXT 24
#define OUTLOOK_SOURCE 200

struct outlook_bin {
	int64_t ge;
	int32_t weight;		/* hundredths; added to those of the bins below */
};

struct outlook_rule {
	char id[VERDICT_NAME];
	char source[OUTLOOK_SOURCE];	/* where the weights come from */
	uint32_t version;
	enum signal signal;
	enum signal_stat stat;
	enum cause_hint cause;	/* that it is evidence of */
	enum level may_reach;
	uint32_t n_bins;
	struct outlook_bin bins[OUTLOOK_BINS_MAX];	/* by rising bound */
};

struct outlook_pack {
	char name[VERDICT_NAME];
	char version[OUTLOOK_VERSION_TEXT];
	char id[VERDICT_PACK_ID];
	struct risk prior;		/* of a host without any sign */
	int32_t level_from[LEVEL_N];	/* [LEVEL_NONE] is INT32_MIN */
	uint32_t n_rules;
	struct outlook_rule rules[OUTLOOK_RULES_MAX];
};

/* TC_EINVAL with the JSON pointer of the fault. */
int outlook_parse(const char *json, size_t n, struct outlook_pack *out,
	struct tc_err *e);
int outlook_builtin(struct outlook_pack *out, struct tc_err *e);

void outlook_judge(const struct outlook_pack *pack, const struct signals *s,
	struct wall now, struct verdict *out);
/* As eval_recompute(). */
int outlook_recompute(const struct outlook_pack *pack,
	const struct verdict *v, struct verdict *out, struct tc_err *e);

/*
 * What is most likely at fault: the cause with the largest sum of positive
 * contributions; `device` is the worst level of the host's disks.  Unknown
 * without positive evidence.
 */
enum cause_hint outlook_cause(const struct outlook_pack *pack,
	const struct verdict *v, enum level device);

#endif
