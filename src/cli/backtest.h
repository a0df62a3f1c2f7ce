/*
 * tocsin backtest --data FILE [--emit FILE] [--pack FILE] [--fit FILE] [--json]
 */
#ifndef TOCSIN_CLI_BACKTEST_H
#define TOCSIN_CLI_BACKTEST_H

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "predict/backtest.h"

/* argv[0] is the verb. Exit status: 0, 1 = error, 2 = usage. */
int cmd_backtest(int argc, char **argv);

void backtest_put_table(struct strbuf *sb, const struct backtest_report *r,
	struct dur cpu);
void backtest_put_json(struct strbuf *sb, const struct backtest_report *r,
	struct dur cpu);
/* 2015-12-31 */
void backtest_put_date(struct strbuf *sb, int32_t day);

/* Fits a pack to the files, writes it to `path` and prints the figures. */
int backtest_fit(const char *const *data, size_t n, const struct pack *other,
	const char *path, struct tc_err *e);

#endif
