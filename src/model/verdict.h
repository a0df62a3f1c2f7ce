/*
 * A verdict about the future of one device: level, risk, lead time, and every
 * reason for it.  Plain data, no pointers: it may be copied, stored, and read
 * by any thread.  Scores and contributions are integer hundredths, because
 * ties matter.
 *
 * About 16 KiB, but 0.6 when nothing points to a failure: who keeps many, copies
 * only verdict_bytes() and then reads no row beyond n_evidence.
 */
#ifndef TOCSIN_MODEL_VERDICT_H
#define TOCSIN_MODEL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/level.h"

#define VERDICT_NAME 32		/* rule, metric and statistic names, with NUL */
#define VERDICT_PACK_ID 128	/* name + semver + SHA-256, with NUL */
#define VERDICT_EVIDENCE_MAX 104
#define VERDICT_MISSING_MAX 20
#define VERDICT_RISK_UNKNOWN (-1.0)

/* What a row of evidence is there for. */
#define EVIDENCE_KIND_TABLE(X)                                         \
	X(EVIDENCE_RULE, "rule")       /* it contributed */            \
	X(EVIDENCE_CONDITION, "condition") /* it let a rule apply */   \
	X(EVIDENCE_GATE, "gate")       /* it opened the evaluation */ \
	X(EVIDENCE_MODEL, "model")     /* what its model adds */       \
	X(EVIDENCE_STATE, "state")     /* what the drive says of itself */

enum evidence_kind {
#define X(sym, id) sym,
	EVIDENCE_KIND_TABLE(X)
#undef X
};
#define EVIDENCE_KIND_N 5

/* What a verdict is about; only failures raise the level. */
#define VERDICT_KIND_TABLE(X)                                          \
	X(VERDICT_FAILURE, "failure")  /* the drive */                 \
	X(VERDICT_WEAR, "wear")        /* its rated life is used up */ \
	X(VERDICT_PATH, "path")        /* cable, backplane, controller */

enum verdict_kind {
#define X(sym, id) sym,
	VERDICT_KIND_TABLE(X)
#undef X
};
#define VERDICT_KIND_N 3

/* Probability (0…1) of failing within the horizon, or VERDICT_RISK_UNKNOWN. */
struct risk {
	double d7;
	double d30;
	double d90;
};

/*
 * One row: "smart_197_raw, rise_7d: 16 (from 0 to 16)".  The same rule may
 * have rows of kind condition behind its own.  In days when stat is
 * quiet_days, a count otherwise; QUIET_SINCE_FIRST_SIGHT (features.h) when a
 * counter never rose while we looked.  In a row of kind model, rule is the
 * model's name, value of baseline judged drives failed in the history.
 */
struct verdict_evidence {
	char rule[VERDICT_NAME];
	char metric[VERDICT_NAME];	/* "smart_197_raw", or "device" */
	char stat[VERDICT_NAME];	/* "now", "rise_7d", … */
	enum evidence_kind kind;
	int32_t contribution;	/* hundredths; negative = counter-evidence */
	int64_t value;		/* decoded */
	int64_t baseline;	/* what it is compared with */
	int64_t change;		/* since the baseline */
	struct wall observed_at;
	struct dur age;		/* of the data, when judged; ≥ 0 */
};

/* The one bin whose crossing, alone and soonest, would move the level. */
struct verdict_flip {
	bool known;
	enum level to;
	char rule[VERDICT_NAME];
	char metric[VERDICT_NAME];
	char stat[VERDICT_NAME];
	int64_t value;		/* as it is */
	int64_t needed;		/* as it would have to be: ≥ to rise, ≤ to fall */
	int32_t score;		/* what the score would be then */
};

struct verdict {
	enum level level;
	bool gate_open;		/* false: score is 0 and says nothing */
	uint32_t kinds;		/* bits: 1 << VERDICT_…, of the drive's states */
	bool blind;		/* no input of the gate was ever reported */
	int32_t score;		/* base + all contributions */
	int32_t base;
	struct risk risk;
	bool lead_known;	/* days until failure, if it fails */
	int32_t lead_from_days;
	int32_t lead_to_days;
	struct wall judged_at;
	char pack[VERDICT_PACK_ID];
	struct verdict_flip flip;

	/* Contributions first, largest first; then counter-evidence, then 0. */
	uint32_t n_evidence;
	uint32_t n_missing;
	char missing[VERDICT_MISSING_MAX][VERDICT_NAME];	/* metrics */
	struct verdict_evidence evidence[VERDICT_EVIDENCE_MAX];	/* last */
};

/* How much of the struct is in use. */
static inline size_t
verdict_bytes(const struct verdict *v)
{
	return offsetof(struct verdict, evidence) +
		v->n_evidence * sizeof(v->evidence[0]);
}

/* "rule", "condition", "gate". */
const char *evidence_kind_name(enum evidence_kind kind);
const char *verdict_kind_name(enum verdict_kind kind);

#endif
