/*
 * tocsin backtest: what the predictor would have said of recorded drives.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/backtest.h"
#include "predict/backtest.h"
#include "predict/builtin.h"
#include "replay/replay.h"

#define FILES_MAX 4096

struct args {
	const char *data[FILES_MAX];
	size_t n_data;
	const char *emit;	/* NULL = none, "-" = standard output */
	const char *pack;	/* NULL = the built-in one */
	bool json;
	bool help;
};

struct session {
	FILE *emit;
	const char *emit_name;
	const struct replay *replay;
	bool bar;
};

static const char usage[] =
	"usage: tocsin backtest --data FILE [--data FILE]... [options]\n";

static const char help[] =
	"Replays recorded drives day by day, without a look ahead, and tells how\n"
	"many failures would have been seen coming, how early, and how many good\n"
	"drives would have been accused.\n"
	"\n"
	"  --data FILE   Backblaze-format CSV, plain, .gz or .zst; rows per day or\n"
	"                only on change, sorted by drive or by date; - is standard\n"
	"                input; may be repeated (one file per day, in order)\n"
	"  --emit FILE   write every change of level as CSV: serial_number, date,\n"
	"                model, level, risk (within 30 days); - is standard output\n"
	"  --pack FILE   judge by this rule pack instead of the built-in one\n"
	"  --json        the report as one JSON object\n"
	"  --help        this text\n";

/* ---- arguments ----------------------------------------------------------- */

static int
parse_args(int argc, char **argv, struct args *a)
{
	static const struct option options[] = {
		{ "data", required_argument, NULL, 'd' },
		{ "emit", required_argument, NULL, 'e' },
		{ "pack", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			if (a->n_data == FILES_MAX) {
				(void)fprintf(stderr, "tocsin: backtest: at "
					"most %d files\n", FILES_MAX);
				return -1;
			}
			a->data[a->n_data++] = optarg;
			break;
		case 'e':
			a->emit = optarg;
			break;
		case 'p':
			a->pack = optarg;
			break;
		case 'j':
			a->json = true;
			break;
		case 'h':
			a->help = true;
			return 0;
		default:
			return -1;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "tocsin: backtest: unexpected \"%s\"\n",
			argv[optind]);
		return -1;
	}
	if (a->n_data == 0) {
		(void)fprintf(stderr, "tocsin: backtest: --data is missing\n");
		return -1;
	}
	if (a->json && a->emit && strcmp(a->emit, "-") == 0) {
		(void)fprintf(stderr, "tocsin: backtest: --json and --emit - "
			"would mix on standard output\n");
		return -1;
	}
	return 0;
}

/* ---- while it runs ------------------------------------------------------- */

static void
put_csv_text(FILE *f, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		(void)fputs(text, f);
		return;
	}
	(void)fputc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			(void)fputc('"', f);
		(void)fputc(*text, f);
	}
	(void)fputc('"', f);
}

static int
emit_change(void *ctx, const struct backtest_change *c, struct tc_err *e)
{
	struct session *s = ctx;
	struct date d = date_from_days(c->day);

	if (!s->emit)
		return 0;
	put_csv_text(s->emit, c->serial);
	(void)fprintf(s->emit, ",%04d-%02d-%02d,", d.year, d.month, d.day);
	put_csv_text(s->emit, c->model);
	if (fprintf(s->emit, ",%s,%.6g\n", level_name(c->level), c->risk) < 0)
		return tc_fail_errno(e, errno, "%s", s->emit_name);
	return 0;
}

static void
show_progress(void *ctx, uint64_t rows)
{
	static const char full[] = "##############################";
	struct session *s = ctx;
	double part = replay_progress(s->replay);
	int bars;

	if (!s->bar)
		return;
	if (part < 0) {
		(void)fprintf(stderr, "\r%llu rows",
			(unsigned long long)rows);
		return;
	}
	bars = (int)(part * (double)(sizeof(full) - 1));
	(void)fprintf(stderr, "\r[%.*s%*s] %3d %%  %llu rows", bars, full,
		(int)sizeof(full) - 1 - bars, "", (int)(part * 100),
		(unsigned long long)rows);
}

static int
open_emit(struct session *s, const char *path, struct tc_err *e)
{
	if (!path)
		return 0;
	s->emit_name = path;
	s->emit = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	if (!s->emit)
		return tc_fail_errno(e, errno, "%s", path);
	(void)fputs("serial_number,date,model,level,risk\n", s->emit);
	return 0;
}

static int
close_emit(struct session *s, struct tc_err *e)
{
	FILE *f = s->emit;
	bool bad;

	s->emit = NULL;
	if (!f)
		return 0;
	bad = ferror(f) != 0;
	if ((f == stdout ? fflush(f) : fclose(f)) != 0 || bad)
		return tc_fail_errno(e, errno, "%s", s->emit_name);
	return 0;
}

static int
load_pack(const char *path, struct pack **out, struct tc_err *e)
{
	struct strbuf text = { 0 };
	int rc;

	if (!path)
		return pack_builtin(out, e);
	if ((rc = file_slurp(path, PACK_JSON_MAX, &text, e)) == 0 &&
	    (rc = pack_parse(strbuf_str(&text), text.n, out, e)) < 0)
		rc = tc_wrap(e, "%s", path);
	strbuf_free(&text);
	return rc;
}

/* ---- the report ---------------------------------------------------------- */

static void
put_date(struct strbuf *sb, int32_t day)
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

static void
table(struct strbuf *sb, const struct backtest_report *r, struct dur cpu)
{
	strbuf_printf(sb, "pack    %.*s\n", (int)strcspn(r->pack, "+") + 20,
		r->pack);
	strbuf_printf(sb, "drives  %llu, of which %llu failed; %llu good, %llu "
		"of them still there at the end\n",
		(unsigned long long)r->devices, (unsigned long long)r->failed,
		(unsigned long long)r->good, (unsigned long long)r->survivors);
	strbuf_puts(sb, "span    ");
	put_date(sb, r->first_day);
	strbuf_puts(sb, " to ");
	put_date(sb, r->last_day);
	strbuf_printf(sb, ": %llu drive-days in %llu rows, %.2f s of CPU time\n",
		(unsigned long long)r->device_days,
		(unsigned long long)r->rows, dur_to_seconds(cpu));
	if (r->rows_after_failure > 0)
		strbuf_printf(sb, "note    %llu rows after a failure were "
			"ignored\n", (unsigned long long)r->rows_after_failure);
	strbuf_putc(sb, '\n');
	table_levels(sb, r);
	table_bins(sb, r);
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

static void
json(struct strbuf *sb, const struct backtest_report *r, struct dur cpu)
{
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
	put_date(sb, r->first_day);
	strbuf_puts(sb, "\",\"last_day\":\"");
	put_date(sb, r->last_day);
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
	strbuf_puts(sb, "}\n");
}

static int
print_report(const struct args *a, const struct backtest_report *r,
	struct dur cpu, struct tc_err *e)
{
	/* with --emit - the report goes beside the rows, not among them */
	FILE *f = a->emit && strcmp(a->emit, "-") == 0 ? stderr : stdout;
	struct strbuf sb = { 0 };
	int rc = 0;

	if (a->json)
		json(&sb, r, cpu);
	else
		table(&sb, r, cpu);
	if (sb.failed)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	else if (fputs(strbuf_str(&sb), f) < 0 || fflush(f) != 0)
		rc = tc_fail_errno(e, errno, "standard output");
	strbuf_free(&sb);
	return rc;
}

static int
run(const struct args *a, struct tc_err *e)
{
	struct session s = { .bar = isatty(STDERR_FILENO) == 1 };
	struct backtest_opts opts = { .change = emit_change,
		.progress = show_progress, .ctx = &s };
	struct backtest_report *report = MEM_NEW(struct backtest_report);
	struct replay *replay = NULL;
	struct pack *pack = NULL;
	struct dur began = clock_thread_cpu();
	int rc;

	if (!report) {
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
		goto out;
	}
	if ((rc = load_pack(a->pack, &pack, e)) < 0)
		goto out;
	if ((rc = replay_open(a->data, a->n_data, &replay, e)) < 0)
		goto out;
	if ((rc = open_emit(&s, a->emit, e)) < 0)
		goto out;
	s.replay = replay;
	rc = backtest_run(replay_source(replay), pack, &opts, report, e);
	if (s.bar)
		(void)fputs("\r\033[K", stderr);
	if (rc < 0)
		goto out;
	if ((rc = close_emit(&s, e)) < 0)
		goto out;
	rc = print_report(a, report,
		dur_ns(clock_thread_cpu().ns - began.ns), e);
out:
	(void)close_emit(&s, NULL);
	replay_close(replay);
	pack_free(pack);
	mem_free(report);
	return rc;
}

int
cmd_backtest(int argc, char **argv)
{
	struct args *a = MEM_NEW(struct args);
	struct tc_err e = { 0 };
	int status = 1;

	if (!a) {
		(void)fputs("tocsin: backtest: out of memory\n", stderr);
		return status;
	}
	if (parse_args(argc, argv, a) < 0) {
		(void)fputs(usage, stderr);
		status = 2;
	} else if (a->help) {
		(void)printf("%s\n%s", usage, help);
		status = 0;
	} else if (run(a, &e) < 0) {
		(void)fprintf(stderr, "tocsin: backtest: %s\n", e.text);
	} else {
		status = 0;
	}
	mem_free(a);
	return status;
}
