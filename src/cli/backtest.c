/*
 * tocsin backtest: what the predictor would have said of recorded drives.
 */
#include <errno.h>
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
#include "cli/cli.h"
#include "predict/backtest.h"
#include "predict/builtin.h"
#include "replay/replay.h"
#include "store/disk_rows.h"

struct session {
	FILE *emit;
	const char *emit_name;
	const struct replay *replay;	/* or the server's own file: */
	const struct drives *drives;
	struct compare *compare;
	enum compare_side side;
	bool bar;
};

static int
check_args(const struct backtest_args *a, struct tc_err *e)
{
	if ((a->n_data == 0) == (a->db == NULL))
		return tc_fail(e, TC_EINVAL, "--data or --db, one of them");
	if (a->fit && a->db)
		return tc_fail(e, TC_EINVAL, "--fit needs --data, so that the "
			"pack can name what it was fitted to");
	if (!a->fit && a->n_with > 0)
		return tc_fail(e, TC_EINVAL, "--with is for --fit");
	if (a->fit && (a->json || a->against || a->html))
		return tc_fail(e, TC_EINVAL, "--fit prints its own report: no "
			"--json, --against, --html");
	if (a->json && a->emit && strcmp(a->emit, "-") == 0)
		return tc_fail(e, TC_EINVAL, "--json and --emit - would mix on "
			"standard output");
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

	if (!s->emit || s->side == COMPARE_OLD)
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
	double part = s->drives ? drives_progress(s->drives) :
		replay_progress(s->replay);
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

	if (!path || strcmp(path, "built-in") == 0)
		return pack_builtin(out, e);
	if ((rc = file_slurp(path, PACK_JSON_MAX, &text, e)) == 0 &&
	    (rc = pack_parse(strbuf_str(&text), text.n, out, e)) < 0)
		rc = tc_wrap(e, "%s", path);
	strbuf_free(&text);
	return rc;
}

static int
note_device(void *ctx, const struct backtest_device *d, struct tc_err *e)
{
	struct session *s = ctx;

	return compare_take(s->compare, s->side, d, e);
}

static int
print_report(const struct backtest_args *a, const struct backtest_compared *c,
	struct dur cpu, struct tc_err *e)
{
	/* with --emit - the report goes beside the rows, not among them */
	FILE *f = a->emit && strcmp(a->emit, "-") == 0 ? stderr : stdout;
	struct strbuf sb = { 0 };
	int rc = 0;

	if (a->json)
		backtest_put_json(&sb, c, cpu);
	else
		backtest_put_table(&sb, c, cpu);
	if (sb.failed)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	else if (fputs(strbuf_str(&sb), f) < 0 || fflush(f) != 0)
		rc = tc_fail_errno(e, errno, "standard output");
	strbuf_free(&sb);
	return rc;
}

static int
write_html(const char *path, const struct backtest_compared *c,
	struct tc_err *e)
{
	struct strbuf sb = { 0 };
	int rc;

	backtest_put_html(&sb, c);
	rc = sb.failed ? tc_fail(e, TC_ENOMEM, "out of memory") :
		file_write_atomic(path, sb.p, sb.n, 0644, e);
	strbuf_free(&sb);
	return rc;
}

/* All data once, under one pack. */
static int
judge(const struct backtest_args *a, struct session *s, const struct pack *pack,
	struct backtest_report *out, struct tc_err *e)
{
	struct backtest_opts opts = { .change = emit_change,
		.device = note_device, .progress = show_progress, .ctx = s };
	struct replay *replay = NULL;
	struct drives *drives = NULL;
	int rc = a->db ? drives_open(a->db, &drives, e) :
		replay_open(a->data, a->n_data, &replay, e);

	if (rc < 0)
		return rc;
	s->replay = replay;
	s->drives = drives;
	rc = backtest_run(drives ? drives_source(drives) :
		replay_source(replay), pack, &opts, out, e);
	if (s->bar)
		(void)fputs("\r\033[K", stderr);
	replay_close(replay);
	drives_close(drives);
	s->drives = NULL;
	return rc;
}

static int
judge_all(const struct backtest_args *a, struct session *s, const struct pack *pack,
	struct backtest_compared *c, struct tc_err *e)
{
	struct pack *old = NULL;
	int rc = judge(a, s, pack, &c->reports[COMPARE_NEW], e);

	if (rc == 0 && a->against) {
		c->both = true;
		s->side = COMPARE_OLD;
		if ((rc = load_pack(a->against, &old, e)) == 0)
			rc = judge(a, s, old, &c->reports[COMPARE_OLD], e);
		pack_free(old);
	}
	if (rc == 0)
		rc = compare_levels(s->compare, c->levels, e);
	return rc < 0 ? rc : compare_models(s->compare, &c->models,
		&c->n_models, e);
}

int
backtest_command(const struct backtest_args *a, struct tc_err *e)
{
	struct session s = { .bar = isatty(STDERR_FILENO) == 1,
		.compare = compare_new(), .side = COMPARE_NEW };
	struct backtest_compared *c = MEM_NEW(struct backtest_compared);
	struct pack *pack = NULL;
	struct dur began = clock_thread_cpu();
	int rc;

	if (!c || !s.compare) {
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
		goto out;
	}
	if ((rc = load_pack(a->pack, &pack, e)) < 0)
		goto out;
	if (a->fit) {
		rc = backtest_fit(&(struct backtest_fit_args){ a->data,
			a->n_data, a->fit, a->emit, a->with, a->n_with },
			pack, e);
		goto out;
	}
	if ((rc = open_emit(&s, a->emit, e)) < 0)
		goto out;
	if ((rc = judge_all(a, &s, pack, c, e)) < 0)
		goto out;
	if ((rc = close_emit(&s, e)) < 0)
		goto out;
	if (a->html && (rc = write_html(a->html, c, e)) < 0)
		goto out;
	rc = print_report(a, c, dur_ns(clock_thread_cpu().ns - began.ns), e);
out:
	(void)close_emit(&s, NULL);
	compare_free(s.compare);
	pack_free(pack);
	if (c)
		mem_free(c->models);
	mem_free(c);
	return rc;
}

int
verb_backtest(struct cli *c, struct tc_err *e)
{
	const struct cli_options *o = &c->opt;
	struct backtest_args a = { .data = o->data.items,
		.n_data = o->data.n, .db = o->db, .emit = o->emit,
		.pack = o->pack, .fit = o->fit, .with = o->with.items,
		.n_with = o->with.n, .against = o->against,
		.html = o->html, .json = c->out.format == OUT_JSON };
	int rc = check_args(&a, e);

	if (rc < 0)
		return rc;
	return backtest_command(&a, e) < 0 ? CLI_ERROR : CLI_OK;
}
