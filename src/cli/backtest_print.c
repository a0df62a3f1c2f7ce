/*
 * A backtest's figures as a table and as JSON.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/backtest.h"

void
backtest_put_date(struct strbuf *sb, int32_t day)
{
	struct date d = date_from_days(day);

	strbuf_printf(sb, "%04d-%02d-%02d", d.year, d.month, d.day);
}

static void
put_share(struct strbuf *sb, const struct share *s, int decimals)
{
	if (s->n == 0) {
		strbuf_printf(sb, "  %-21s", "-");
		return;
	}
	strbuf_printf(sb, "  %6.*f (%5.*f-%5.*f)  ", decimals, 100 * s->p,
		decimals, 100 * s->low, decimals, 100 * s->high);
}

static void
table_levels(struct strbuf *sb, const struct backtest_report *r)
{
	strbuf_printf(sb, "%-9s  %-21s  %-21s  %-21s  %6s %6s %5s  %s\n",
		"level", "found, % of failed", "false, % of good",
		"% of survivors", "PPV30", "PPV", "F0.5",
		"days ahead (middle 80 %)");
	for (int i = LEVEL_N - 1; i > 0; i--) {
		const struct backtest_level *l = &r->levels[i];

		strbuf_printf(sb, "%-9s", level_name((enum level)i));
		put_share(sb, &l->fdr, 1);
		put_share(sb, &l->far_good, 2);
		put_share(sb, &l->far_survivor, 2);
		strbuf_printf(sb, "%6.1f %6.1f %5.1f", 100 * l->ppv30.p,
			100 * l->ppv.p, 100 * l->f05);
		if (l->detected > 0)
			strbuf_printf(sb, "  %d (%d-%d)", (int)l->lead_median,
				(int)l->lead_p10, (int)l->lead_p90);
		strbuf_putc(sb, '\n');
	}
}

static void
table_bins(struct strbuf *sb, const struct backtest_report *r)
{
	strbuf_puts(sb, "\nrisk within 30 days, by score: as printed, and what "
		"became of drives\n");
	strbuf_printf(sb, "%-12s %12s %10s  %s\n", "score", "drive-days",
		"printed %", "observed % (interval if days were independent)");
	for (uint32_t i = 0; i < r->n_bins; i++) {
		const struct backtest_bin *b = &r->bins[i];
		char from[32];

		if (i < 2)
			(void)snprintf(from, sizeof(from), "%s",
				i == 0 ? "not judged" : "lowest");
		else
			(void)snprintf(from, sizeof(from), ">= %.2f",
				b->from / 100.0);
		strbuf_printf(sb, "%-12s %12llu %10.2f", from,
			(unsigned long long)b->d30.n, 100 * b->predicted.d30);
		put_share(sb, &b->d30, 2);
		strbuf_putc(sb, '\n');
	}
}

void
backtest_put_table(struct strbuf *sb, const struct backtest_compared *c,
	struct dur cpu)
{
	const struct backtest_report *r = &c->reports[COMPARE_NEW];


	strbuf_printf(sb, "pack    %.*s\n", (int)strcspn(r->pack, "+") + 20,
		r->pack);
	strbuf_printf(sb, "drives  %llu, of which %llu failed; %llu good, %llu "
		"of them still there at the end\n",
		(unsigned long long)r->devices, (unsigned long long)r->failed,
		(unsigned long long)r->good, (unsigned long long)r->survivors);
	strbuf_puts(sb, "span    ");
	backtest_put_date(sb, r->first_day);
	strbuf_puts(sb, " to ");
	backtest_put_date(sb, r->last_day);
	strbuf_printf(sb, ": %llu drive-days in %llu rows, %.2f s of CPU time\n",
		(unsigned long long)r->device_days,
		(unsigned long long)r->rows, dur_to_seconds(cpu));
	if (r->rows_after_failure > 0)
		strbuf_printf(sb, "note    %llu rows after a failure were "
			"ignored\n", (unsigned long long)r->rows_after_failure);
	strbuf_putc(sb, '\n');
	table_levels(sb, r);
	table_bins(sb, r);
	if (c->both)
		backtest_put_compared(sb, c);
}

static void
json_share(struct strbuf *sb, const char *name, const struct share *s)
{
	strbuf_printf(sb, "\"%s\":{\"k\":%llu,\"n\":%llu,\"p\":", name,
		(unsigned long long)s->k, (unsigned long long)s->n);
	strbuf_put_double(sb, s->p);
	strbuf_puts(sb, ",\"low\":");
	strbuf_put_double(sb, s->low);
	strbuf_puts(sb, ",\"high\":");
	strbuf_put_double(sb, s->high);
	strbuf_putc(sb, '}');
}

static void
json_level(struct strbuf *sb, const struct backtest_level *l)
{
	strbuf_printf(sb, "{\"detected\":%llu,\"late\":%llu,",
		(unsigned long long)l->detected, (unsigned long long)l->late);
	json_share(sb, "fdr", &l->fdr);
	strbuf_putc(sb, ',');
	json_share(sb, "far", &l->far_good);
	strbuf_putc(sb, ',');
	json_share(sb, "survivor_far", &l->far_survivor);
	strbuf_putc(sb, ',');
	json_share(sb, "ppv", &l->ppv);
	strbuf_putc(sb, ',');
	json_share(sb, "ppv30", &l->ppv30);
	strbuf_puts(sb, ",\"f05\":");
	strbuf_put_double(sb, l->f05);
	if (l->detected == 0)
		strbuf_puts(sb, ",\"lead_days\":null}");
	else
		strbuf_printf(sb, ",\"lead_days\":{\"p10\":%d,\"median\":%d,"
			"\"p90\":%d}}", (int)l->lead_p10, (int)l->lead_median,
			(int)l->lead_p90);
}

static void
json_risk(struct strbuf *sb, const struct risk *r)
{
	strbuf_puts(sb, "\"predicted\":{\"d7\":");
	strbuf_put_double(sb, r->d7);
	strbuf_puts(sb, ",\"d30\":");
	strbuf_put_double(sb, r->d30);
	strbuf_puts(sb, ",\"d90\":");
	strbuf_put_double(sb, r->d90);
	strbuf_puts(sb, "},");
}

static void
json_bins(struct strbuf *sb, const struct backtest_report *r)
{
	strbuf_puts(sb, "\"calibration\":[");
	for (uint32_t i = 0; i < r->n_bins; i++) {
		const struct backtest_bin *b = &r->bins[i];

		strbuf_printf(sb, "%s{\"judged\":%s,\"from\":",
			i ? "," : "", i ? "true" : "false");
		if (i < 2)
			strbuf_puts(sb, "null,");
		else
			strbuf_printf(sb, "%d,", (int)b->from);
		json_risk(sb, &b->predicted);
		json_share(sb, "d7", &b->d7);
		strbuf_putc(sb, ',');
		json_share(sb, "d30", &b->d30);
		strbuf_putc(sb, ',');
		json_share(sb, "d90", &b->d90);
		strbuf_putc(sb, '}');
	}
	strbuf_putc(sb, ']');
}

void
backtest_put_json(struct strbuf *sb, const struct backtest_compared *c,
	struct dur cpu)
{
	const struct backtest_report *r = &c->reports[COMPARE_NEW];


	strbuf_printf(sb, "{\"pack\":\"%s\",\"rows\":%llu,"
		"\"rows_after_failure\":%llu,\"device_days\":%llu,"
		"\"devices\":%llu,\"failed\":%llu,\"good\":%llu,"
		"\"survivors\":%llu,\"changes\":%llu,\"first_day\":\"",
		r->pack, (unsigned long long)r->rows,
		(unsigned long long)r->rows_after_failure,
		(unsigned long long)r->device_days,
		(unsigned long long)r->devices, (unsigned long long)r->failed,
		(unsigned long long)r->good, (unsigned long long)r->survivors,
		(unsigned long long)r->changes);
	backtest_put_date(sb, r->first_day);
	strbuf_puts(sb, "\",\"last_day\":\"");
	backtest_put_date(sb, r->last_day);
	strbuf_puts(sb, "\",\"cpu_seconds\":");
	strbuf_put_double(sb, dur_to_seconds(cpu));
	strbuf_puts(sb, ",\"levels\":{");
	for (int i = 1; i < LEVEL_N; i++) {
		strbuf_printf(sb, "%s\"%s\":", i > 1 ? "," : "",
			level_name((enum level)i));
		json_level(sb, &r->levels[i]);
	}
	strbuf_puts(sb, "},");
	json_bins(sb, r);
	if (c->both) {
		strbuf_putc(sb, ',');
		backtest_put_compared_json(sb, c);
	}
	strbuf_puts(sb, "}\n");
}
