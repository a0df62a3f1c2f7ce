/*
 * Numbers as people say them.
 */
#ifndef TOCSIN_CLI_WORDS_H
#define TOCSIN_CLI_WORDS_H

#include <stddef.h>

#include "base/clock.h"

#define WORDS_SIZE 96

/* "41 s", "5 min", "3 h", "2 d", "17 weeks"; "less than 1 s". */
const char *words_span(struct dur d, char text[WORDS_SIZE]);
/* "for 41 s"; "as of just now" below a second; "" when `since` is 0. */
const char *words_for(struct wall since, struct wall now,
	char text[WORDS_SIZE]);
/* "1 host", "2 hosts" */
const char *words_count(double n, const char *one, const char *many,
	char text[WORDS_SIZE]);
/* "41 s ago", "just now", "never" (ms 0), "in 5 min" (a clock is wrong). */
const char *words_age(struct wall at, struct wall now, char text[WORDS_SIZE]);
/* 0.314 → "31 %", 0.0042 → "0.4 %", < 0 → "?" */
const char *words_share(double p, char text[WORDS_SIZE]);

/*
 * What so many of a metric, and its statistic, are called: "pending sector",
 * "more within 7 days".
 * The name itself when it is none that we know.
 */
const char *words_metric(const char *name, double value);
const char *words_stat(const char *stat, double value);
/* "16 pending sectors", "64 more reallocated sectors within 7 days" */
void words_evidence(const char *metric, const char *stat, double value,
	char text[WORDS_SIZE]);

#endif
