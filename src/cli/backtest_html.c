/*
 * A backtest as one HTML file: no scripts, nothing fetched, plots as SVG.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/backtest.h"

#define PLOT_W 420.0
#define PLOT_H 320.0
#define RISK_MIN 0.0005		/* where the logarithmic axes begin */
#define MODELS_SHOWN 40

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">"
	"<meta name=\"viewport\" content=\"width=device-width\">"
	"<meta http-equiv=\"Content-Security-Policy\" "
	"content=\"default-src 'none'; style-src 'unsafe-inline'\">"
	"<title>Backtest</title><style>\n"
	"body{font:15px/1.45 system-ui,sans-serif;max-width:62em;margin:2em auto;"
	"padding:0 1em;color:#222;background:#fff}\n"
	"table{border-collapse:collapse;margin:1em 0}"
	"th,td{padding:.25em .7em;text-align:right;border-bottom:1px solid #ddd}"
	"th:first-child,td:first-child{text-align:left}\n"
	"svg{margin:1em 1em 1em 0;font:12px system-ui,sans-serif}"
	".axis{stroke:#999;fill:none}.grid{stroke:#eee}.ideal{stroke:#999;"
	"stroke-dasharray:4 4}.new{fill:#0b62a4;stroke:#0b62a4}"
	".old{fill:#c06014;stroke:#c06014}"
	"text{stroke:none}code{word-break:break-all}\n"
	"@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}"
	"th,td{border-color:#444}.grid{stroke:#333}text{fill:#ddd}"
	".new{fill:#6cb6ff;stroke:#6cb6ff}.old{fill:#ffab70;stroke:#ffab70}}\n"
	"</style>\n";

static void
put_escaped(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			strbuf_puts(sb, "&lt;");
			break;
		case '>':
			strbuf_puts(sb, "&gt;");
			break;
		case '&':
			strbuf_puts(sb, "&amp;");
			break;
		case '"':
			strbuf_puts(sb, "&quot;");
			break;
		default:
			strbuf_putc(sb, *text);
		}
	}
}

/* ---- plots --------------------------------------------------------------- */

static void
plot_begin(struct strbuf *sb, const char *title)
{
	strbuf_printf(sb, "<svg width=\"%.0f\" height=\"%.0f\" role=\"img\" "
		"viewBox=\"-56 -24 %.0f %.0f\"><title>%s</title>"
		"<text x=\"0\" y=\"-8\" font-weight=\"600\">%s</text>"
		"<path class=\"axis\" d=\"M0 0V%.0fH%.0f\"/>\n",
		PLOT_W + 80, PLOT_H + 70, PLOT_W + 80, PLOT_H + 70, title,
		title, PLOT_H, PLOT_W);
}

static void
plot_end(struct strbuf *sb, const char *x, const char *y)
{
	strbuf_printf(sb, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%s"
		"</text><text transform=\"rotate(-90)\" x=\"0\" y=\"-42\" "
		"text-anchor=\"end\">%s</text></svg>\n", PLOT_W, PLOT_H + 38, x,
		y);
}

static void
tick_x(struct strbuf *sb, double x, const char *text)
{
	strbuf_printf(sb, "<path class=\"grid\" d=\"M%.1f 0V%.0f\"/>"
		"<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%s</text>",
		x, PLOT_H, x, PLOT_H + 18, text);
}

static void
tick_y(struct strbuf *sb, double y, const char *text)
{
	strbuf_printf(sb, "<path class=\"grid\" d=\"M0 %.1fH%.0f\"/>"
		"<text x=\"-6\" y=\"%.1f\" text-anchor=\"end\">%s</text>", y,
		PLOT_W, y + 4, text);
}

/* 0…1 on a logarithmic axis. */
static double
log_at(double p)
{
	double v = p < RISK_MIN ? RISK_MIN : p;

	return log(v / RISK_MIN) / log(1 / RISK_MIN);
}

static const char *
side_class(int side)
{
	return side == COMPARE_NEW ? "new" : "old";
}

static void
reliability_points(struct strbuf *sb, const struct backtest_report *r, int side)
{
	for (uint32_t i = 0; i < r->n_bins; i++) {
		const struct backtest_bin *b = &r->bins[i];
		double x = PLOT_W * log_at(b->predicted.d30);

		if (b->d30.n == 0)
			continue;
		strbuf_printf(sb, "<path class=\"%s\" d=\"M%.1f %.1fV%.1f\"/>"
			"<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\">"
			"<title>printed %.2f %%, observed %.2f %%, %llu "
			"drive-days</title></circle>\n", side_class(side), x,
			PLOT_H * (1 - log_at(b->d30.low)),
			PLOT_H * (1 - log_at(b->d30.high)), side_class(side), x,
			PLOT_H * (1 - log_at(b->d30.p)), 100 * b->predicted.d30,
			100 * b->d30.p, (unsigned long long)b->d30.n);
	}
}

static void
plot_reliability(struct strbuf *sb, const struct backtest_compared *c)
{
	static const double ticks[] = { 0.001, 0.01, 0.1, 1 };
	static const char *const names[] = { "0.1 %", "1 %", "10 %", "100 %" };

	plot_begin(sb, "Reliability: risk within 30 days");
	for (int i = 0; i < 4; i++) {
		tick_x(sb, PLOT_W * log_at(ticks[i]), names[i]);
		tick_y(sb, PLOT_H * (1 - log_at(ticks[i])), names[i]);
	}
	strbuf_printf(sb, "<path class=\"ideal\" d=\"M0 %.0fL%.0f 0\"/>\n",
		PLOT_H, PLOT_W);
	for (int s = c->both ? 0 : 1; s < COMPARE_SIDES; s++)
		reliability_points(sb, &c->reports[s], s);
	plot_end(sb, "printed", "observed");
}

static double
most_false(const struct backtest_compared *c)
{
	double most = 0.01;

	for (int s = c->both ? 0 : 1; s < COMPARE_SIDES; s++)
		for (int i = 1; i < LEVEL_N; i++)
			most = fmax(most, c->reports[s].levels[i].far_good.p);
	return most * 1.15;
}

static void
trade_points(struct strbuf *sb, const struct backtest_report *r, int side,
	double most)
{
	for (int i = 1; i < LEVEL_N; i++) {
		const struct backtest_level *l = &r->levels[i];
		double x = PLOT_W * l->far_good.p / most;
		double y = PLOT_H * (1 - l->fdr.p);

		strbuf_printf(sb, "<path class=\"%s\" d=\"M%.1f %.1fV%.1f\"/>"
			"<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>"
			"<text x=\"%.1f\" y=\"%.1f\">%s %.1f @ %.2f</text>\n",
			side_class(side), x, PLOT_H * (1 - l->fdr.low),
			PLOT_H * (1 - l->fdr.high), side_class(side), x, y,
			x + 8, side == COMPARE_NEW ? y - 6 : y + 16,
			level_name((enum level)i), 100 * l->fdr.p,
			100 * l->far_good.p);
	}
}

static void
plot_trade(struct strbuf *sb, const struct backtest_compared *c)
{
	double most = most_false(c);
	char text[16];

	plot_begin(sb, "Found and false");
	for (int i = 0; i <= 4; i++) {
		(void)snprintf(text, sizeof(text), "%d %%", i * 25);
		tick_y(sb, PLOT_H * (1 - i / 4.0), text);
		(void)snprintf(text, sizeof(text), "%.1f %%", most * 25 * i);
		tick_x(sb, PLOT_W * i / 4, text);
	}
	for (int s = c->both ? 0 : 1; s < COMPARE_SIDES; s++)
		trade_points(sb, &c->reports[s], s, most);
	plot_end(sb, "false, of good drives", "found, of failed drives");
}

static void
plot_lead(struct strbuf *sb, const struct backtest_compared *c)
{
	double row = PLOT_H / 3;

	plot_begin(sb, "Days ahead: median and middle 80 %");
	for (int days = 0; days <= 400; days += 100) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%d", days);
		tick_x(sb, PLOT_W * days / 450, text);
	}
	for (int i = 1; i < LEVEL_N; i++) {
		tick_y(sb, row * (LEVEL_N - i - 0.5), level_name((enum level)i));
		for (int s = c->both ? 0 : 1; s < COMPARE_SIDES; s++) {
			const struct backtest_level *l =
				&c->reports[s].levels[i];
			double y = row * (LEVEL_N - i - 0.5) + 16 * s - 8;

			strbuf_printf(sb, "<path class=\"%s\" stroke-width=\"3\""
				" d=\"M%.1f %.1fH%.1f\"/><circle class=\"%s\" "
				"cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n",
				side_class(s), PLOT_W * l->lead_p10 / 450, y,
				PLOT_W * fmin(450, l->lead_p90) / 450,
				side_class(s), PLOT_W * l->lead_median / 450, y);
		}
	}
	plot_end(sb, "days before the failure", "");
}

/* ---- tables -------------------------------------------------------------- */

static void
cell_share(struct strbuf *sb, const struct share *s, int decimals)
{
	strbuf_printf(sb, "<td>%.*f <small>(%.*f–%.*f)</small></td>", decimals,
		100 * s->p, decimals, 100 * s->low, decimals, 100 * s->high);
}

static void
table_levels(struct strbuf *sb, const struct backtest_report *r)
{
	strbuf_puts(sb, "<table><tr><th>level<th>found, % of failed<th>false, % "
		"of good<th>% of survivors<th>PPV30<th>F0.5<th>days ahead</tr>\n");
	for (int i = LEVEL_N - 1; i > 0; i--) {
		const struct backtest_level *l = &r->levels[i];

		strbuf_printf(sb, "<tr><td>%s</td>", level_name((enum level)i));
		cell_share(sb, &l->fdr, 1);
		cell_share(sb, &l->far_good, 2);
		cell_share(sb, &l->far_survivor, 2);
		cell_share(sb, &l->ppv30, 1);
		strbuf_printf(sb, "<td>%.1f</td><td>%d</td></tr>\n",
			100 * l->f05, (int)l->lead_median);
	}
	strbuf_puts(sb, "</table>\n");
}

static void
table_models(struct strbuf *sb, const struct backtest_compared *c)
{
	strbuf_puts(sb, "<h2>By model</h2><table><tr><th>model<th>drives<th>"
		"failed<th>found: imminent<th>likely<th>watch<th>false: "
		"imminent<th>likely<th>watch</tr>\n");
	for (size_t i = 0; i < c->n_models && i < MODELS_SHOWN; i++) {
		const struct compare_model *m = &c->models[i];

		strbuf_puts(sb, "<tr><td>");
		put_escaped(sb, m->model[0] ? m->model : "(unknown)");
		strbuf_printf(sb, "</td><td>%llu</td><td>%llu</td>",
			(unsigned long long)m->drives,
			(unsigned long long)m->failed);
		for (int k = 0; k < 2 * (LEVEL_N - 1); k++) {
			int l = LEVEL_N - 1 - k % (LEVEL_N - 1);
			const uint64_t (*v)[LEVEL_N] = k < LEVEL_N - 1 ?
				m->found : m->wrong;

			strbuf_puts(sb, "<td>");
			if (c->both)
				strbuf_printf(sb, "%llu → ",
					(unsigned long long)v[COMPARE_OLD][l]);
			strbuf_printf(sb, "%llu</td>",
				(unsigned long long)v[COMPARE_NEW][l]);
		}
		strbuf_puts(sb, "</tr>\n");
	}
	strbuf_puts(sb, "</table>\n");
}

static void
put_side(struct strbuf *sb, const struct backtest_report *r, int side)
{
	strbuf_printf(sb, "<h2><svg width=\"14\" height=\"14\" style=\"margin:0\">"
		"<circle class=\"%s\" cx=\"7\" cy=\"7\" r=\"5\"/></svg> <code>",
		side_class(side));
	put_escaped(sb, r->pack);
	strbuf_puts(sb, "</code></h2>\n");
	table_levels(sb, r);
}

void
backtest_put_html(struct strbuf *sb, const struct backtest_compared *c)
{
	const struct backtest_report *r = &c->reports[COMPARE_NEW];

	strbuf_puts(sb, head);
	strbuf_printf(sb, "<h1>Backtest</h1><p>%llu drives, of which %llu failed; "
		"%llu good, %llu of them still there at the end. ",
		(unsigned long long)r->devices, (unsigned long long)r->failed,
		(unsigned long long)r->good, (unsigned long long)r->survivors);
	backtest_put_date(sb, r->first_day);
	strbuf_puts(sb, " to ");
	backtest_put_date(sb, r->last_day);
	strbuf_printf(sb, ", %llu drive-days. Intervals are Wilson's, 95 %%.</p>\n",
		(unsigned long long)r->device_days);
	put_side(sb, r, COMPARE_NEW);
	if (c->both)
		put_side(sb, &c->reports[COMPARE_OLD], COMPARE_OLD);
	if (c->both) {
		strbuf_puts(sb, "<h2>What changes</h2><pre>");
		backtest_put_changes(sb, c);
		strbuf_puts(sb, "</pre>\n");
	}
	plot_trade(sb, c);
	plot_reliability(sb, c);
	plot_lead(sb, c);
	table_models(sb, c);
	strbuf_puts(sb, "<p>A point of the reliability plot is a row of the "
		"pack’s calibration: what was printed and what became of drives "
		"on such days; its line is the interval if days were "
		"independent, which they are not.</p></html>\n");
}
