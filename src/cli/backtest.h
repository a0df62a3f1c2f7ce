/*
 * tocsin backtest: what the predictor would have said of recorded drives.
 */
#ifndef TOCSIN_CLI_BACKTEST_H
#define TOCSIN_CLI_BACKTEST_H

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "predict/backtest.h"
#include "predict/compare.h"

struct backtest_args {
	const char *const *data;	/* files, in order; "-" = standard input */
	size_t n_data;
	const char *db;		/* in place of data */
	const char *emit;	/* NULL = none, "-" = standard output */
	const char *pack;	/* NULL = the built-in one */
	const char *fit;	/* NULL = judge, do not fit */
	const char *const *with;	/* statistics that the fit may use, too */
	size_t n_with;
	const char *against;	/* NULL = nothing */
	const char *html;	/* NULL = none */
	bool json;
};

/* The report is on standard output. */
int backtest_command(const struct backtest_args *a, struct tc_err *e);

/* 2015-12-31 */
void backtest_put_date(struct strbuf *sb, int32_t day);

/* One pack over the data, or two. */
struct backtest_compared {
	bool both;
	struct backtest_report reports[COMPARE_SIDES];
	struct compare_level levels[LEVEL_N];
	struct compare_model *models;
	size_t n_models;
};

/* Of the new side, and the other where there are both. */
void backtest_put_table(struct strbuf *sb, const struct backtest_compared *c,
	struct dur cpu);
void backtest_put_json(struct strbuf *sb, const struct backtest_compared *c,
	struct dur cpu);
/* What appears and what vanishes; then with the pack's name and models. */
void backtest_put_changes(struct strbuf *sb, const struct backtest_compared *c);
void backtest_put_compared(struct strbuf *sb,
	const struct backtest_compared *c);
/* The member "against". */
void backtest_put_compared_json(struct strbuf *sb,
	const struct backtest_compared *c);
void backtest_put_html(struct strbuf *sb, const struct backtest_compared *c);

/* Fits a pack to the files, writes it to `path` and prints the figures. */
struct backtest_fit_args {
	const char *const *data;
	size_t n;
	const char *path;
	const char *emit;	/* alarms out of fold; NULL = none */
	const char *const *with;	/* more statistics */
	size_t n_with;
};
int backtest_fit(const struct backtest_fit_args *a, const struct pack *other,
	struct tc_err *e);

#endif
