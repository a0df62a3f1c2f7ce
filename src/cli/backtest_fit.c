/*
 * tocsin backtest --fit: a new rule pack, and what it was worth on drives that
 * the fit did not see.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/backtest.h"
#include "predict/fit/fit.h"
#include "replay/replay.h"

#define HEX_BYTES (2 * crypto_hash_sha256_BYTES + 1)

static int
hash_file(crypto_hash_sha256_state *sum, const char *path, struct tc_err *e)
{
	unsigned char buf[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	ssize_t n;

	if (fd < 0)
		return tc_fail_errno(e, errno, "%s", path);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		(void)crypto_hash_sha256_update(sum, buf, (size_t)n);
	if (n < 0)
		rc = tc_fail_errno(e, errno, "%s", path);
	(void)close(fd);
	return rc;
}

/* Of all files, one after the other. */
static int
hash_data(const char *const *data, size_t n, char hex[HEX_BYTES],
	struct tc_err *e)
{
	unsigned char sum[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	int rc = 0;

	(void)crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (strcmp(data[i], "-") == 0)
			return tc_fail(e, TC_EINVAL, "--fit reads files: the "
				"pack names their hash");
		rc = hash_file(&state, data[i], e);
	}
	(void)crypto_hash_sha256_final(&state, sum);
	(void)sodium_bin2hex(hex, HEX_BYTES, sum, sizeof(sum));
	return rc;
}

/* ---- the report ---------------------------------------------------------- */

static void
put_tier(struct strbuf *sb, const char *what, const struct fit_tier *t)
{
	if (t->threshold == INT32_MAX) {
		strbuf_printf(sb, "  %-34s no score keeps the budget\n", what);
		return;
	}
	strbuf_printf(sb, "  %-34s %5.1f (%4.1f-%4.1f) %6.2f %6.2f %6.1f %5.1f",
		what, 100 * t->fdr.p, 100 * t->fdr.low,
		100 * t->fdr.high, 100 * t->far_good.p,
		100 * t->far_survivor.p, 100 * t->ppv30.p, 100 * t->f05);
	if (t->threshold == INT32_MIN)
		strbuf_putc(sb, '\n');
	else
		strbuf_printf(sb, " %5d  >= %.2f\n", (int)t->lead_median,
			t->threshold / 100.0);
}

static void
put_gain(struct strbuf *sb, const char *what, const struct fit_gain *g)
{
	strbuf_printf(sb, "  %-33s %+6.1f (%+.1f to %+.1f)\n", what,
		100 * g->more, 100 * g->low, 100 * g->high);
}

static void
put_level(struct strbuf *sb, const struct fit_report *r, int i)
{
	char what[32];

	strbuf_printf(sb, "%s\n", level_name((enum level)i));
	for (int k = 0; k < FIT_FOLDS; k++) {
		(void)snprintf(what, sizeof(what), "fold %d, as shipped",
			k + 1);
		put_tier(sb, what, &r->fold[k][i]);
	}
	put_tier(sb, "all folds, as shipped", &r->chosen[i]);
	put_tier(sb, "each fold, scores by the others", &r->nested[i]);
	put_tier(sb, "all folds, at the budget", &r->folds[i]);
	put_tier(sb, "  the other pack *", &r->folds_reference[i]);
	put_gain(sb, "    found more than by it", &r->over_reference[i]);
	put_tier(sb, "  plain form, fitted alike", &r->folds_plain[i]);
	put_gain(sb, "    found more than by it", &r->over_plain[i]);
	put_tier(sb, "forward in time, at the budget", &r->forward[i]);
	put_tier(sb, "  the other pack *", &r->forward_reference[i]);
	put_tier(sb, "  plain form, fitted alike", &r->forward_plain[i]);
	put_tier(sb, "forward, at the shipped score", &r->forward_chosen[i]);
	put_tier(sb, "unseen families, at the budget", &r->families[i]);
	put_tier(sb, "unseen families, shipped score",
		&r->families_chosen[i]);
}

static void
put_calibration(struct strbuf *sb, const struct fit_calibration *c)
{
	strbuf_puts(sb, "\nwithin 30 days, out of fold: score, drive-days, % "
		"that failed, days left (middle 80 %)\n");
	strbuf_printf(sb, "  not judged %12llu %7.2f\n",
		(unsigned long long)c->clean[1].n, 100 * c->clean[1].p);
	for (uint32_t i = 0; i < c->n; i++) {
		const struct fit_calibration_row *r = &c->rows[i];

		if (i == 0)
			strbuf_puts(sb, "  lowest    ");
		else
			strbuf_printf(sb, "  >= %7.2f", r->from / 100.0);
		strbuf_printf(sb, " %12llu %7.2f",
			(unsigned long long)r->days[1].n, 100 * r->days[1].p);
		if (r->lead_known)
			strbuf_printf(sb, "  %d-%d", (int)r->lead_from_days,
				(int)r->lead_to_days);
		strbuf_putc(sb, '\n');
	}
}

static void
put_report(struct strbuf *sb, const struct fit_report *r)
{
	strbuf_printf(sb, "drives  %llu, of which %llu failed, %llu survived; "
		"%llu rows, ", (unsigned long long)r->devices,
		(unsigned long long)r->failed,
		(unsigned long long)r->survivors, (unsigned long long)r->rows);
	backtest_put_date(sb, r->first_day);
	strbuf_puts(sb, " to ");
	backtest_put_date(sb, r->last_day);
	strbuf_puts(sb, "; forward: judged after ");
	backtest_put_date(sb, r->forward_day);
	strbuf_printf(sb, "\nother   %.60s\n\n%-36s %5s %11s  %6s %6s %6s %5s "
		"%5s  %s\n", r->reference_pack, "", "found",
		"(95 %)", "false", "surv.", "PPV30", "F0.5", "days", "score");
	for (int i = LEVEL_N - 1; i > 0; i--)
		put_level(sb, r, i);
	strbuf_puts(sb, "* flattered where it was fitted to these drives\n");
	put_calibration(sb, &r->calibration);
	strbuf_puts(sb, r->beats ? "\nbetter at every level: than the other pack "
		"and the plain form in the folds, than the plain form forward\n" :
		"\nNOT better at every level than the other pack and the plain "
		"form in the folds, and the plain form forward\n");
}

/* ---- the run ------------------------------------------------------------- */

static int
emit_alarm(void *ctx, const char *serial, int32_t day, enum level level,
	struct tc_err *e)
{
	struct date d = date_from_days(day);

	/* a serial with a comma is quoted as a whole */
	if (fprintf(ctx, strpbrk(serial, ",\"") ? "\"%s\",%04d-%02d-%02d,%s\n" :
			"%s,%04d-%02d-%02d,%s\n", serial, d.year, d.month,
			d.day, level_name(level)) < 0)
		return tc_fail_errno(e, errno, "alarms");
	return 0;
}

static void
show_step(void *ctx, const char *what)
{
	(void)ctx;
	(void)fprintf(stderr, "\r\033[K%s", what);
}

/* "fitted.json" of "/tmp/fitted.json" */
static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int
fit_and_write(struct replay *replay, const struct pack *other,
	const struct fit_opts *opts, const char *path, struct tc_err *e)
{
	struct fit_report *report = MEM_NEW(struct fit_report);
	struct strbuf text = { 0 };
	struct pack *parsed = NULL;
	int rc;

	if (!report)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	rc = fit_run(replay_source(replay), other, opts, report, e);
	if (opts->progress)
		(void)fputs("\r\033[K", stderr);
	/* what cannot be read back is not written */
	if (rc == 0 && (rc = pack_parse(strbuf_str(&report->pack),
			report->pack.n, &parsed, e)) < 0)
		rc = tc_wrap(e, "the fitted pack");
	if (rc == 0)
		rc = file_write_atomic(path, report->pack.p, report->pack.n, 0644,
			e);
	if (rc == 0) {
		put_report(&text, report);
		if (fputs(strbuf_str(&text), stdout) < 0 || fflush(stdout) != 0)
			rc = tc_fail_errno(e, errno, "standard output");
	}
	pack_free(parsed);
	strbuf_free(&report->pack);
	strbuf_free(&text);
	mem_free(report);
	return rc;
}

static int
add_statistics(const struct backtest_fit_args *a, struct fit_opts *opts,
	struct tc_err *e)
{
	for (size_t i = 0; i < a->n_with; i++) {
		int s = 0;

		while (s < STAT_N && strcmp(a->with[i],
				stat_name((enum stat_kind)s)) != 0)
			s++;
		if (s == STAT_N)
			return tc_fail(e, TC_EINVAL, "--with %.40s: there is no "
				"such statistic", a->with[i]);
		opts->stats |= 1u << s;
	}
	return 0;
}

int
backtest_fit(const struct backtest_fit_args *a, const struct pack *other,
	struct tc_err *e)
{
	struct fit_opts opts = fit_defaults();
	struct replay *replay = NULL;
	char hex[HEX_BYTES], name[64] = "", called[VERDICT_NAME] = "";
	FILE *emit = NULL;
	int rc = add_statistics(a, &opts, e);

	if (rc < 0 || (rc = hash_data(a->data, a->n, hex, e)) < 0)
		return rc;
	(void)snprintf(name, sizeof(name), "%.40s%s", base_name(a->data[0]),
		a->n > 1 ? " and more" : "");
	(void)snprintf(called, sizeof(called), "%.*s",
		(int)strcspn(base_name(a->path), "."), base_name(a->path));
	opts.name = called;
	opts.data_name = name;
	opts.data_hash = hex;
	if (isatty(STDERR_FILENO) == 1)
		opts.progress = show_step;
	if (a->emit) {
		emit = fopen(a->emit, "we");
		if (!emit)
			return tc_fail_errno(e, errno, "%s", a->emit);
		(void)fputs("serial_number,date,level\n", emit);
		opts.alarm = emit_alarm;
		opts.ctx = emit;
	}
	if ((rc = replay_open(a->data, a->n, &replay, e)) == 0)
		rc = fit_and_write(replay, other, &opts, a->path, e);
	replay_close(replay);
	if (emit && fclose(emit) != 0 && rc == 0)
		rc = tc_fail_errno(e, errno, "%s", a->emit);
	return rc;
}
