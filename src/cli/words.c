#include "cli/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

const char *
words_span(struct dur d, char text[WORDS_SIZE])
{
	static const struct { int64_t s; const char *unit; } units[] = {
		{ 14 * 604800, "weeks" }, { 2 * 86400, "d" }, { 2 * 3600, "h" },
		{ 120, "min" }, { 1, "s" },
	};
	static const int64_t sizes[] = { 604800, 86400, 3600, 60, 1 };
	int64_t s = d.ns / 1000000000;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (s < units[i].s)
			continue;
		snprintf(text, WORDS_SIZE, "%lld %s",
			(long long)(s / sizes[i]), units[i].unit);
		return text;
	}
	snprintf(text, WORDS_SIZE, "less than 1 s");
	return text;
}

const char *
words_for(struct wall since, struct wall now, char text[WORDS_SIZE])
{
	int64_t ms = now.ms - since.ms;
	char span[WORDS_SIZE];

	if (since.ms == 0)
		*text = '\0';
	else if (ms < 1000)
		snprintf(text, WORDS_SIZE, "as of just now");
	else
		snprintf(text, WORDS_SIZE, "for %s",
			words_span(dur_ms(ms), span));
	return text;
}

const char *
words_count(double n, const char *one, const char *many,
	char text[WORDS_SIZE])
{
	snprintf(text, WORDS_SIZE, "%.0f %s", n,
		n > 0.5 && n < 1.5 ? one : many);
	return text;
}

const char *
words_age(struct wall at, struct wall now, char text[WORDS_SIZE])
{
	int64_t ms = now.ms - at.ms;
	char span[WORDS_SIZE];

	if (at.ms == 0)
		snprintf(text, WORDS_SIZE, "never");
	else if (ms > -2000 && ms < 1000)
		snprintf(text, WORDS_SIZE, "just now");
	else if (ms < 0)
		snprintf(text, WORDS_SIZE, "in %s",
			words_span(dur_ms(-ms + 999), span));
	else
		snprintf(text, WORDS_SIZE, "%s ago",
			words_span(dur_ms(ms), span));
	return text;
}

const char *
words_share(double p, char text[WORDS_SIZE])
{
	if (p < 0)
		snprintf(text, WORDS_SIZE, "?");
	else if (p > 0 && p < 0.001)
		snprintf(text, WORDS_SIZE, "< 0.1 %%");
	else if (p < 0.0995)
		snprintf(text, WORDS_SIZE, "%.1f %%", p * 100);
	else
		snprintf(text, WORDS_SIZE, "%.0f %%", p * 100);
	return text;
}

struct meaning {
	const char *name;
	const char *words;	/* of many */
	const char *one;	/* of one; NULL = the same */
};

static const struct meaning *
meaning_of(const struct meaning *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

static const char *
said_of(const struct meaning *m, double value, const char *otherwise)
{
	if (!m)
		return otherwise;
	return m->one && value > 0.99 && value < 1.01 ? m->one : m->words;
}

static const struct meaning *
metric_meaning(const char *name)
{
	static const struct meaning rows[] = {
		{ "smart_5_raw", "reallocated sectors", "reallocated sector" },
		{ "smart_10_raw", "spin-up retries", "spin-up retry" },
		{ "smart_184_raw", "end-to-end errors", "end-to-end error" },
		{ "smart_187_raw", "uncorrectable errors",
			"uncorrectable error" },
		{ "smart_188_raw", "command timeouts", "command timeout" },
		{ "smart_196_raw", "reallocation events",
			"reallocation event" },
		{ "smart_197_raw", "pending sectors", "pending sector" },
		{ "smart_198_raw", "offline uncorrectable sectors",
			"offline uncorrectable sector" },
		{ "smart_199_raw", "CRC errors", "CRC error" },
		{ "reallocated_sectors", "reallocated sectors",
			"reallocated sector" },
		{ "pending_sectors", "pending sectors", "pending sector" },
		{ "offline_uncorrectable", "offline uncorrectable sectors",
			"offline uncorrectable sector" },
		{ "reported_uncorrectable", "uncorrectable errors",
			"uncorrectable error" },
		{ "command_timeouts", "command timeouts", "command timeout" },
		{ "crc_errors", "CRC errors", "CRC error" },
		{ "media_errors", "media errors", "media error" },
		{ "grown_defects", "grown defects", "grown defect" },
		{ "uncorrected_errors", "uncorrected errors",
			"uncorrected error" },
		{ "wear_ratio", "of the rated life used", NULL },
		{ "spare_ratio", "of the spare left", NULL },
		{ "critical_warning", "as the drive's critical warning", NULL },
		{ "smart_passed", "as the drive's own health", NULL },
		{ "device", "kinds of errors", "kind of error" },
	};

	return meaning_of(rows, ARRAY_LEN(rows), name);
}

const char *
words_metric(const char *name, double value)
{
	return said_of(metric_meaning(name), value, name);
}

const char *
words_stat(const char *stat, double value)
{
	static const struct meaning rows[] = {
		{ "now", "now", NULL },
		{ "max", "at most ever", NULL },
		{ "rise_1d", "more within a day", NULL },
		{ "rise_7d", "more within 7 days", NULL },
		{ "rise_30d", "more within 30 days", NULL },
		{ "rise_90d", "more within 90 days", NULL },
		{ "accel_7d", "more in these 7 days than in those before",
			NULL },
		{ "rises", "rises ever", "rise ever" },
		{ "rises_30d", "rises within 30 days", "rise within 30 days" },
		{ "recurrences", "returns after they were gone or still",
			"return after they were gone or still" },
		{ "quiet_days", "days without a rise", "day without a rise" },
		{ "peers_below", "per mille of the model's drives are below", NULL },
		{ "rise", "in all, more than at first sight", NULL },
		{ "kinds_nonzero", "that are not zero", "that is not zero" },
	};

	return said_of(meaning_of(rows, ARRAY_LEN(rows), stat), value, stat);
}

/* Beside others: the week before, the peers, another counter. */
static bool
words_beside(const char *metric, const char *stat, double value,
	char text[WORDS_SIZE])
{
	const char *what = words_metric(metric, 0);

	if (strcmp(stat, "accel_7d") == 0)
		snprintf(text, WORDS_SIZE, "%s: %.15g %s in these 7 days than "
			"in those before", what, fabs(value),
			value < 0 ? "fewer" : "more");
	else if (strcmp(stat, "peers_below") == 0)
		snprintf(text, WORDS_SIZE, "%s: above %.15g %% of the drives "
			"of this model", what, value / 10);
	else if (strcmp(stat, "pending_gap") == 0)
		snprintf(text, WORDS_SIZE, "pending and offline uncorrectable "
			"sectors differ by %.15g", value);
	else if (strcmp(stat, "unconfirmed_30d") == 0)
		snprintf(text, WORDS_SIZE, "%.15g uncorrectable error%s within "
			"30 days that no bad sector explains", value,
			value > 0.99 && value < 1.01 ? "" : "s");
	else
		return false;
	return true;
}

void
words_evidence(const char *metric, const char *stat, double value,
	char text[WORDS_SIZE])
{
	const char *what = words_metric(metric, value);
	const char *how = words_stat(stat, value);

	if (words_beside(metric, stat, value, text))
		return;
	/* a counter that never rose while we looked is quiet for ages */
	if (strcmp(stat, "quiet_days") == 0 && value > 36500)
		snprintf(text, WORDS_SIZE, "%s: no rise since first seen",
			words_metric(metric, 0));
	else if (strcmp(stat, "days_nonzero") == 0 && value > 36500)
		snprintf(text, WORDS_SIZE, "%s already when first seen",
			words_metric(metric, 0));
	else if (strcmp(stat, "days_nonzero") == 0)
		snprintf(text, WORDS_SIZE, "%.15g day%s since the first %s",
			value, value > 0.99 && value < 1.01 ? "" : "s",
			words_metric(metric, 1));
	else if (strcmp(stat, "model") == 0)
		snprintf(text, WORDS_SIZE, "%.15g drives of this model failed",
			value);
	else if (strcmp(stat, "percent") == 0)
		snprintf(text, WORDS_SIZE, "%.15g %% %s", value, what);
	else if (strcmp(stat, "quiet_days") == 0 ||
		 strcmp(stat, "recurrences") == 0 ||
		 strncmp(stat, "rises", 5) == 0)
		snprintf(text, WORDS_SIZE, "%s: %.15g %s",
			words_metric(metric, 0), value, how);
	else if (strncmp(stat, "rise_", 5) == 0)
		snprintf(text, WORDS_SIZE, "%.15g more %s %s", value, what,
			how + 5);
	else if (strcmp(stat, "now") == 0)
		snprintf(text, WORDS_SIZE, "%.15g %s", value, what);
	else
		snprintf(text, WORDS_SIZE, "%.15g %s %s", value, what, how);
}
