/*
 * The fit: learn, judge out of fold, forward in time and on unseen families,
 * then learn from all and write.
 */
#include "predict/fit/fit.h"

#include <stdio.h>
#include <string.h>

#include "predict/fit/inside.h"

#define FAILED_MIN 50		/* with less, say that there is too little */
#define FORWARD_DAYS 365	/* judged at the end of the data */

/* They were tried and did not help: see predict/rules/README.md. */
#define STATS_LEFT_OUT (1u << STAT_RISE_90D | 1u << STAT_ACCEL_7D | \
	1u << STAT_RECURRENCES | 1u << STAT_PEERS_BELOW | \
	1u << STAT_PENDING_GAP | 1u << STAT_UNCONFIRMED_30D)

struct fit_opts
fit_defaults(void)
{
	struct fit_opts o = { .rounds = 150, .terms = 30, .depth = 3,
		.rate = 0.3, .pool = 3, .shrink = 2, .shrink_model = 3,
		.leaver = 0.75, .margin = 0.95, .offsets = true,
		.stats = ~STATS_LEFT_OUT, .trials = true, .name = "fitted", .version = "1.0.0",
		.data_name = "", .data_hash = "" };

	o.budget[LEVEL_IMMINENT] = (struct fit_budget){ 0.008, 0.002 };
	o.budget[LEVEL_LIKELY] = (struct fit_budget){ 0.0175, 0.007 };
	o.budget[LEVEL_WATCH] = (struct fit_budget){ 0.035, 0.0125 };
	return o;
}

struct fitting {
	struct fit_data data;
	const struct fit_opts *opts;
	struct fit_report *report;
	int32_t *score;		/* by state, of the trial under way */
	bool *only;		/* by device */
};

static void
say(const struct fitting *f, const char *what, unsigned i, unsigned n)
{
	char text[80];

	if (!f->opts->progress)
		return;
	(void)snprintf(text, sizeof(text), "%s %u of %u", what, i, n);
	f->opts->progress(f->opts->ctx, text);
}

static unsigned
fold_of(const struct fit_device *d)
{
	return (unsigned)((d->hash >> 20) % FIT_FOLDS);
}

/* What a person would do by hand. */
static struct fit_opts
plain_form(const struct fit_opts *opts)
{
	struct fit_opts o = *opts;

	o.depth = 1;
	o.offsets = false;
	return o;
}

/* Learns without those in `only` and gives scores to these. */
static int
score_left_out(struct fitting *f, const struct fit_opts *opts,
	struct tc_err *e)
{
	struct fit_view view = { &f->data, f->data.last_day, f->only };
	struct fit_model m = { 0 };
	int rc = fit_learn(&view, opts, &m, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < f->data.n_states; i++)
		if (f->only[f->data.device[i]])
			f->score[i] = fit_score(&f->data, &m, i);
	fit_model_free(&m);
	return 0;
}

/* Every level at its budget, used up to `margin`. */
static int
judge_budgets(const struct fitting *f, const struct fit_trial *t,
	double margin, struct fit_tier out[LEVEL_N], struct tc_err *e)
{
	int rc = 0;

	for (int i = 1; i < LEVEL_N && rc == 0; i++) {
		struct fit_budget b = f->opts->budget[i];
		int32_t threshold = 0;

		b.far_good *= margin;
		b.far_survivor *= margin;
		if ((rc = fit_threshold(t, &b, &threshold, e)) == 0)
			rc = fit_judge(t, threshold, &out[i], e);
	}
	return rc;
}

static int
judge_chosen(const struct fitting *f, const struct fit_trial *t,
	struct fit_tier out[LEVEL_N], struct tc_err *e)
{
	int rc = 0;

	for (int i = 1; i < LEVEL_N && rc == 0; i++)
		rc = fit_judge(t, f->report->chosen[i].threshold, &out[i], e);
	return rc;
}

static int
score_folds(struct fitting *f, const struct fit_opts *opts, const char *what,
	struct tc_err *e)
{
	int rc = 0;

	for (unsigned k = 0; k < FIT_FOLDS && rc == 0; k++) {
		say(f, what, k + 1, FIT_FOLDS);
		for (size_t i = 0; i < f->data.n_devices; i++)
			f->only[i] = fold_of(&f->data.devices[i]) == k;
		rc = score_left_out(f, opts, e);
	}
	return rc;
}

static int
judge_folds(struct fitting *f, struct fit_trial t, struct tc_err *e)
{
	int rc = 0;

	t.only = f->only;
	for (unsigned k = 0; k < FIT_FOLDS && rc == 0; k++) {
		for (size_t i = 0; i < f->data.n_devices; i++)
			f->only[i] = fold_of(&f->data.devices[i]) == k;
		rc = judge_chosen(f, &t, f->report->fold[k], e);
	}
	return rc;
}

/* Every fold at the thresholds that the others want. */
static int
judge_nested(struct fitting *f, struct fit_trial t, struct tc_err *e)
{
	struct fit_tier part[LEVEL_N];
	struct fit_budget b;
	int32_t threshold;
	int rc = 0;

	t.only = f->only;
	for (unsigned k = 0; k < FIT_FOLDS * LEVEL_N && rc == 0; k++) {
		unsigned fold = k / LEVEL_N, l = k % LEVEL_N;

		if (l == LEVEL_NONE)
			continue;
		b = f->opts->budget[l];
		b.far_good *= f->opts->margin;
		b.far_survivor *= f->opts->margin;
		for (size_t i = 0; i < f->data.n_devices; i++)
			f->only[i] = fold_of(&f->data.devices[i]) != fold;
		if ((rc = fit_threshold(&t, &b, &threshold, e)) < 0)
			break;
		for (size_t i = 0; i < f->data.n_devices; i++)
			f->only[i] = !f->only[i];
		rc = fit_judge(&t, threshold, &part[l], e);
		if (rc == 0)
			fit_tier_add(&f->report->nested[l], &part[l]);
	}
	return rc;
}

/* By how much the folds' scores are better; NULL = that was not tried. */
static int
weigh_gains(const struct fitting *f, const struct fit_trial *t,
	const struct fit_trial *other, const struct fit_worst *plain,
	struct tc_err *e)
{
	struct fit_worst *ours = NULL, *theirs = NULL;
	size_t n = f->data.n_devices;
	struct fit_report *r = f->report;
	int rc;

	say(f, "drawing drives anew", 1, 1);
	if ((rc = fit_worsts(t, &ours, e)) < 0 ||
	    (rc = fit_worsts(other, &theirs, e)) < 0)
		goto out;
	rc = fit_gains(theirs, ours, n, f->opts->budget, r->over_reference);
	if (rc == 0 && plain)
		rc = fit_gains(plain, ours, n, f->opts->budget, r->over_plain);
	if (rc < 0)
		rc = tc_fail(e, rc, "out of memory");
out:
	mem_free(ours);
	mem_free(theirs);
	return rc;
}

static int
tell_alarms(const struct fitting *f, const struct fit_trial *t,
	struct tc_err *e)
{
	int rc = 0;

	if (!f->opts->alarm)
		return 0;
	for (size_t i = 0; i < f->data.n_devices; i++) {
		const struct fit_device *d = &f->data.devices[i];

		for (int l = 1; l < LEVEL_N && rc == 0; l++) {
			int32_t day = fit_alarm_day(t, d,
				f->report->chosen[l].threshold);

			if (day != FIT_NEVER)
				rc = f->opts->alarm(f->opts->ctx, d->serial,
					day, (enum level)l, e);
		}
	}
	return rc;
}

/* The folds, once they are scored. */
static int
judge_scored(struct fitting *f, const struct fit_worst *plain,
	struct tc_err *e)
{
	struct fit_report *r = f->report;
	struct fit_trial t = { &f->data, f->score, NULL, FIT_NEVER };
	struct fit_trial other = { &f->data, f->data.reference, NULL,
		FIT_NEVER };
	int rc;

	if ((rc = judge_budgets(f, &t, 1, r->folds, e)) < 0 ||
	    (rc = judge_budgets(f, &t, f->opts->margin, r->chosen, e)) < 0 ||
	    (rc = judge_budgets(f, &other, 1, r->folds_reference, e)) < 0)
		return rc;
	if ((rc = judge_folds(f, t, e)) < 0 ||
	    (rc = judge_nested(f, t, e)) < 0 ||
	    (rc = weigh_gains(f, &t, &other, plain, e)) < 0 ||
	    (rc = tell_alarms(f, &t, e)) < 0)
		return rc;
	return fit_calibrate(&t, &r->calibration, e);
}

static int
run_folds(struct fitting *f, struct tc_err *e)
{
	struct fit_opts plain = plain_form(f->opts);
	struct fit_trial t = { &f->data, f->score, NULL, FIT_NEVER };
	struct fit_worst *worst = NULL;
	int rc = 0;

	if (f->opts->trials &&
	    ((rc = score_folds(f, &plain, "plain form, fold", e)) < 0 ||
	     (rc = judge_budgets(f, &t, 1, f->report->folds_plain, e)) < 0 ||
	     (rc = fit_worsts(&t, &worst, e)) < 0))
		return rc;
	if ((rc = score_folds(f, f->opts, "fold", e)) == 0)
		rc = judge_scored(f, worst, e);
	mem_free(worst);
	return rc;
}

/* Learns from what was known on forward_day; scores everything. */
static int
score_forward(struct fitting *f, const struct fit_opts *opts, struct tc_err *e)
{
	struct fit_view past = { &f->data, f->report->forward_day, NULL };
	struct fit_model m = { 0 };
	int rc = fit_learn(&past, opts, &m, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < f->data.n_states; i++)
		f->score[i] = fit_score(&f->data, &m, i);
	fit_model_free(&m);
	return 0;
}

static int
run_forward(struct fitting *f, struct tc_err *e)
{
	struct fit_opts plain = plain_form(f->opts);
	struct fit_report *r = f->report;
	struct fit_trial t = { &f->data, f->score, NULL, r->forward_day + 1 };
	struct fit_trial other = { &f->data, f->data.reference, NULL,
		r->forward_day + 1 };
	int rc;

	say(f, "forward", 1, 1);
	if ((rc = score_forward(f, &plain, e)) < 0 ||
	    (rc = judge_budgets(f, &t, 1, r->forward_plain, e)) < 0 ||
	    (rc = score_forward(f, f->opts, e)) < 0 ||
	    (rc = judge_budgets(f, &t, 1, r->forward, e)) < 0 ||
	    (rc = judge_budgets(f, &other, 1, r->forward_reference, e)) < 0)
		return rc;
	return judge_chosen(f, &t, r->forward_chosen, e);
}

static int
run_families(struct fitting *f, struct tc_err *e)
{
	struct fit_trial t = { &f->data, f->score, NULL, FIT_NEVER };
	unsigned n = (unsigned)f->data.families.n;
	int rc = 0;

	for (unsigned k = 0; k <= n && rc == 0; k++) {
		bool some = false;

		say(f, "family", k, n);
		for (size_t i = 0; i < f->data.n_devices; i++) {
			f->only[i] = f->data.devices[i].family == k;
			some |= f->only[i];
		}
		if (some)
			rc = score_left_out(f, f->opts, e);
	}
	if (rc < 0)
		return rc;
	if ((rc = judge_budgets(f, &t, 1, f->report->families, e)) < 0)
		return rc;
	return judge_chosen(f, &t, f->report->families_chosen, e);
}

static void
count(struct fitting *f)
{
	struct fit_report *r = f->report;
	struct fit_view v = { &f->data, f->data.last_day, NULL };

	r->rows = f->data.rows;
	r->devices = f->data.n_devices;
	r->first_day = f->data.first_day;
	r->last_day = f->data.last_day;
	r->forward_day = r->last_day - FORWARD_DAYS;
	for (size_t i = 0; i < f->data.n_devices; i++) {
		r->failed += f->data.devices[i].fail_day != FIT_NEVER;
		r->survivors += fit_survives(&v, &f->data.devices[i]);
	}
}

static bool
beats(const struct fit_report *r)
{
	for (int i = 1; i < LEVEL_N; i++)
		if (r->folds[i].fdr.p <= r->folds_reference[i].fdr.p ||
		    r->folds[i].fdr.p <= r->folds_plain[i].fdr.p ||
		    r->forward[i].fdr.p <= r->forward_plain[i].fdr.p)
			return false;
	return true;
}

static int
levels_rise(const struct fit_report *r, struct tc_err *e)
{
	for (int i = 2; i < LEVEL_N; i++)
		if (r->chosen[i].threshold <= r->chosen[i - 1].threshold)
			return tc_fail(e, TC_EINVAL, "the levels fall together "
				"at the score %d: these data do not tell them "
				"apart", (int)r->chosen[i].threshold);
	return 0;
}

static int
write_pack(struct fitting *f, struct tc_err *e)
{
	struct fit_view all = { &f->data, f->data.last_day, NULL };
	struct fit_model m = { 0 };
	int rc;

	say(f, "all drives", 1, 1);
	if ((rc = fit_learn(&all, f->opts, &m, e)) < 0)
		return rc;
	rc = fit_write(&f->data, &m, f->opts, f->report, e);
	fit_model_free(&m);
	return rc;
}

static int
run_all(struct fitting *f, struct tc_err *e)
{
	int rc;

	count(f);
	if (f->report->failed < FAILED_MIN)
		return tc_fail(e, TC_EINVAL, "only %llu drives failed; a fit "
			"wants %d at least",
			(unsigned long long)f->report->failed, FAILED_MIN);
	if ((rc = run_folds(f, e)) < 0 ||
	    (rc = levels_rise(f->report, e)) < 0)
		return rc;
	if (f->opts->trials && ((rc = run_forward(f, e)) < 0 ||
				(rc = run_families(f, e)) < 0))
		return rc;
	f->report->beats = f->opts->trials && beats(f->report);
	return write_pack(f, e);
}

int
fit_run(struct row_source *source, const struct pack *reference,
	const struct fit_opts *opts, struct fit_report *report,
	struct tc_err *e)
{
	struct fitting f = { .opts = opts, .report = report };
	int rc;

	memset(report, 0, sizeof(*report));
	if ((rc = fit_data_read(source, reference, opts->stats, &f.data,
			e)) < 0)
		return rc;
	memcpy(report->reference_pack, reference->id,
		sizeof(report->reference_pack));
	f.score = mem_alloc_array(f.data.n_states + 1, sizeof(*f.score));
	f.only = mem_alloc_array(f.data.n_devices + 1, sizeof(*f.only));
	if (!f.score || !f.only)
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
	else
		rc = run_all(&f, e);
	mem_free(f.score);
	mem_free(f.only);
	fit_data_free(&f.data);
	return rc;
}
