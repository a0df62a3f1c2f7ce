/*
 * Fitting a rule pack to labelled history.  What is written is what the report
 * says was shown on drives that the fit did not see.
 *
 *	folds	cross-validation over drives, by hash of the serial
 *	forward	fitted to the past of a day, judged behind it
 *	families	each family of models judged by a fit without it
 *
 * In the first two the other pack stands beside it at the same budgets, and so
 * does the plain form: a card of single conditions, fitted to the same drives.
 * The other pack may have been fitted to the drives it is judged on.  Label:
 * ever fails; every drive weighs the same; drives that left without failing are
 * good ones (at 3/4 of the weight when learning, in full when judged).
 */
#ifndef TOCSIN_PREDICT_FIT_FIT_H
#define TOCSIN_PREDICT_FIT_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "predict/backtest.h"
#include "predict/rules.h"
#include "predict/source.h"

#define FIT_TERMS_MAX 64
#define FIT_FOLDS 5

/* Shares of the good and of the survivors that may be accused. */
struct fit_budget {
	double far_good;
	double far_survivor;
};

struct fit_opts {
	uint32_t rounds;
	uint32_t terms;		/* distinct ones, ≤ FIT_TERMS_MAX */
	uint32_t depth;		/* conditions of a term, 1…3 */
	double rate;		/* part of a step that is made */
	double pool;		/* sharpness of the maximum over time */
	double shrink;		/* of a term's weight */
	double shrink_model;	/* of a model's offset */
	double leaver;		/* weight of good drives that left */
	double margin;		/* of the budgets: what thresholds may use up */
	uint32_t stats;		/* bit per enum stat_kind: may be used */
	bool offsets;
	bool trials;		/* forward and families as well */
	struct fit_budget budget[LEVEL_N];	/* [LEVEL_NONE] unused */
	const char *name;	/* of the pack */
	const char *version;
	const char *data_name;	/* for the provenance */
	const char *data_hash;
	/* May be NULL: first alarms out of fold, at the shipped scores. */
	int (*alarm)(void *ctx, const char *serial, int32_t day,
		enum level level, struct tc_err *e);
	/* May be NULL: what is being done, a line without its end. */
	void (*progress)(void *ctx, const char *what);
	void *ctx;
};
struct fit_opts fit_defaults(void);

struct fit_tier {
	int32_t threshold;	/* hundredths */
	struct share fdr;
	struct share far_good;
	struct share far_survivor;
	struct share ppv30;
	double f05;
	int32_t lead_median;	/* days */
};

/* Shares of the failed. */
struct fit_gain {
	double more;	/* the median over drives drawn anew */
	double low;	/* 95 % of these lie between */
	double high;
};

struct fit_calibration {
	struct share clean[3];	/* within 7, 30, 90 days */
	uint32_t n;
	struct fit_calibration_row {
		int32_t from;
		struct share days[3];
		struct risk risk;
		bool lead_known;
		int32_t lead_from_days;
		int32_t lead_to_days;
	} rows[PACK_CALIBRATION_MAX];
};

/* By level; at the budgets unless said otherwise. */
struct fit_report {
	uint64_t rows;
	uint64_t devices;
	uint64_t failed;
	uint64_t survivors;
	int32_t first_day;
	int32_t last_day;
	int32_t forward_day;	/* fitted up to it, judged behind */
	char reference_pack[VERDICT_PACK_ID];
	struct fit_tier fold[FIT_FOLDS][LEVEL_N];	/* at `chosen` */
	struct fit_tier chosen[LEVEL_N];	/* as shipped, with the margin */
	/* each fold at a threshold from the others, with the margin: what was
	 * judged had no say in it; INT32_MIN stands for the thresholds */
	struct fit_tier nested[LEVEL_N];
	struct fit_tier folds[LEVEL_N];
	struct fit_tier folds_reference[LEVEL_N];
	struct fit_tier folds_plain[LEVEL_N];	/* single conditions, no models */
	struct fit_gain over_reference[LEVEL_N];	/* at the budgets */
	struct fit_gain over_plain[LEVEL_N];
	struct fit_tier forward[LEVEL_N];
	struct fit_tier forward_plain[LEVEL_N];
	struct fit_tier forward_reference[LEVEL_N];
	struct fit_tier forward_chosen[LEVEL_N];
	struct fit_tier families[LEVEL_N];
	struct fit_tier families_chosen[LEVEL_N];
	struct fit_calibration calibration;	/* out of fold */
	/* At every level: the other pack and the plain form in the folds, the
	 * plain form forward (the other pack may know that future). */
	bool beats;
	struct strbuf pack;	/* JSON text; freed by the caller, always */
};

/*
 * Reads the source to its end and writes a pack.  The other pack gives the
 * gate, too.  TC_EINVAL: rows that go back in time, or too few failures.
 */
int fit_run(struct row_source *source, const struct pack *reference,
	const struct fit_opts *opts, struct fit_report *report,
	struct tc_err *e);

#endif
