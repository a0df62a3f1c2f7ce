/*
 * Two packs over the same history, as text.
 */
#include <stdio.h>
#include <string.h>

#include "cli/backtest.h"

#define MODELS_SHOWN 20

static void
put_level(struct strbuf *sb, enum level level, const struct compare_level *l)
{
	uint64_t old = l->found[COMPARE_OLD], new = l->found[COMPARE_NEW];
	uint64_t both = l->found_both;

	strbuf_printf(sb, "%-9s found %6llu -> %-6llu  +%llu -%llu   false "
		"%6llu -> %-6llu  +%llu -%llu   alarms a day %.2f -> %.2f\n",
		level_name(level), (unsigned long long)old,
		(unsigned long long)new, (unsigned long long)(new - both),
		(unsigned long long)(old - both),
		(unsigned long long)l->wrong[COMPARE_OLD],
		(unsigned long long)l->wrong[COMPARE_NEW],
		(unsigned long long)(l->wrong[COMPARE_NEW] - l->wrong_both),
		(unsigned long long)(l->wrong[COMPARE_OLD] - l->wrong_both),
		l->alarms_per_day[COMPARE_OLD], l->alarms_per_day[COMPARE_NEW]);
	strbuf_printf(sb, "          of %llu found by both: %llu earlier, %llu "
		"later, median %+d days\n", (unsigned long long)both,
		(unsigned long long)l->earlier, (unsigned long long)l->later,
		(int)l->lead_gain_median);
}

static void
put_model(struct strbuf *sb, const struct compare_model *m)
{
	strbuf_printf(sb, "  %-28.28s %7llu %7llu ",
		m->model[0] ? m->model : "(unknown)",
		(unsigned long long)m->drives, (unsigned long long)m->failed);
	for (int i = LEVEL_N - 1; i > 0; i--)
		strbuf_printf(sb, "  %4llu>%-4llu %4llu>%-4llu",
			(unsigned long long)m->found[COMPARE_OLD][i],
			(unsigned long long)m->found[COMPARE_NEW][i],
			(unsigned long long)m->wrong[COMPARE_OLD][i],
			(unsigned long long)m->wrong[COMPARE_NEW][i]);
	strbuf_putc(sb, '\n');
}

void
backtest_put_changes(struct strbuf *sb, const struct backtest_compared *c)
{
	for (int i = LEVEL_N - 1; i > 0; i--)
		put_level(sb, (enum level)i, &c->levels[i]);
}

void
backtest_put_compared(struct strbuf *sb, const struct backtest_compared *c)
{
	strbuf_printf(sb, "\nagainst %.60s\n", c->reports[COMPARE_OLD].pack);
	backtest_put_changes(sb, c);
	strbuf_printf(sb, "\n  %-28s %7s %7s   found, false at imminent; likely; "
		"watch\n", "model", "drives", "failed");
	for (size_t i = 0; i < c->n_models && i < MODELS_SHOWN; i++)
		put_model(sb, &c->models[i]);
	if (c->n_models > MODELS_SHOWN)
		strbuf_printf(sb, "  and %zu more models\n",
			c->n_models - MODELS_SHOWN);
}

static void
json_pair(struct strbuf *sb, const char *name, uint64_t old, uint64_t new)
{
	strbuf_printf(sb, "\"%s\":{\"old\":%llu,\"new\":%llu}", name,
		(unsigned long long)old, (unsigned long long)new);
}

static void
json_level(struct strbuf *sb, const struct compare_level *l)
{
	strbuf_putc(sb, '{');
	json_pair(sb, "found", l->found[COMPARE_OLD], l->found[COMPARE_NEW]);
	strbuf_putc(sb, ',');
	json_pair(sb, "false", l->wrong[COMPARE_OLD], l->wrong[COMPARE_NEW]);
	strbuf_printf(sb, ",\"found_both\":%llu,\"false_both\":%llu,"
		"\"earlier\":%llu,\"later\":%llu,\"lead_gain_median_days\":%d,"
		"\"alarms_per_day\":{\"old\":",
		(unsigned long long)l->found_both,
		(unsigned long long)l->wrong_both,
		(unsigned long long)l->earlier, (unsigned long long)l->later,
		(int)l->lead_gain_median);
	strbuf_put_double(sb, l->alarms_per_day[COMPARE_OLD]);
	strbuf_puts(sb, ",\"new\":");
	strbuf_put_double(sb, l->alarms_per_day[COMPARE_NEW]);
	strbuf_puts(sb, "}}");
}

void
backtest_put_compared_json(struct strbuf *sb,
	const struct backtest_compared *c)
{
	strbuf_printf(sb, "\"against\":{\"pack\":\"%s\",\"levels\":{",
		c->reports[COMPARE_OLD].pack);
	for (int i = 1; i < LEVEL_N; i++) {
		strbuf_printf(sb, "%s\"%s\":", i > 1 ? "," : "",
			level_name((enum level)i));
		json_level(sb, &c->levels[i]);
	}
	strbuf_puts(sb, "}}");
}
