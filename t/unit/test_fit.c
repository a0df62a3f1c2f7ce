/*
 * fit: planted failures are learned, noise is not, and the pack says exactly
 * what was learned.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "predict/eval.h"
#include "predict/fit/fit.h"
#include "predict/fit/inside.h"
#include "t/lib/card.h"
#include "t/lib/story.h"

#define DAY0 15900
#define DRIVES 1200
#define DAYS 400
#define EVERY 10	/* days between two rows */
#define MODELS 3

/*
 * Drive i: a third never shows anything; a third gets a few pending sectors
 * that stay; a third gets more every time.  Those of the last third die, on
 * model 2 all of the second third as well.
 */
struct fleet {
	struct row_source source;
	uint32_t drive;
	int32_t day;
	bool shuffled;		/* who fails has nothing to do with it */
	char serial[16];
	char model[16];
};

static bool
fails(const struct fleet *f, uint32_t i)
{
	uint64_t h = hash_bytes(&i, sizeof(i), 7);

	if (f->shuffled)
		return h % 3 == 0;
	return i % 3 == 2 || (i % 3 == 1 && i / 3 % MODELS == 2);
}

static int
fleet_next(struct row_source *source, struct row *row, struct tc_err *e)
{
	struct fleet *f = CONTAINER_OF(source, struct fleet, source);
	uint32_t i = f->drive;
	int32_t starts = 40 + (int32_t)(i * 7 % 100);
	int32_t dies = fails(f, i) ? starts + 100 : DAYS;

	(void)e;
	if (i == DRIVES)
		return 0;
	(void)snprintf(f->serial, sizeof(f->serial), "S%u", i);
	(void)snprintf(f->model, sizeof(f->model), "ST%u000 x", i / 3 % MODELS);
	*row = (struct row){ .serial = f->serial, .model = f->model,
		.serial_n = (uint32_t)strlen(f->serial),
		.model_n = (uint32_t)strlen(f->model), .line = 1,
		.file = "fleet", .day = DAY0 + f->day,
		.seen = 1u << COUNTER_PENDING | 1u << COUNTER_REALLOCATED };
	if (f->day >= starts)
		row->raw[COUNTER_PENDING] = i % 3 == 0 ? 0 : i % 3 == 1 ? 2 :
			(uint64_t)(f->day - starts + 1);
	row->failure = f->day + EVERY >= dies && dies < DAYS;
	f->day += EVERY;
	if (row->failure || f->day >= DAYS) {
		f->day = 0;
		f->drive++;
	}
	return 1;
}

static struct fit_opts
quick(void)
{
	struct fit_opts o = fit_defaults();

	o.rounds = 40;
	o.terms = 8;
	o.budget[LEVEL_IMMINENT] = (struct fit_budget){ 0.02, 0.02 };
	o.budget[LEVEL_LIKELY] = (struct fit_budget){ 0.3, 0.3 };
	o.budget[LEVEL_WATCH] = (struct fit_budget){ 1, 1 };
	return o;
}

START_TEST(planted_failures_are_found_by_drives_never_seen)
{
	struct fleet fleet = { .source.next = fleet_next };
	struct fit_report *r = MEM_NEW(struct fit_report);
	struct pack *card = NULL, *fitted = NULL;
	struct fit_opts opts = quick();
	struct tc_err e = { 0 };

	card = card_new();
	ck_assert_msg(fit_run(&fleet.source, card, &opts, r, &e) == 0 ||
		strstr(e.text, "fall together"), "%s", e.text);
	ck_assert_uint_eq(r->devices, DRIVES);
	ck_assert_uint_eq(r->failed, DRIVES / 3 + DRIVES / 9);
	/* all of them but what the budget of 2 % cannot tell apart */
	ck_assert_double_gt(r->folds[LEVEL_IMMINENT].fdr.p, 0.95);
	ck_assert_double_le(r->folds[LEVEL_IMMINENT].far_good.p, 0.02);
	/* by single conditions model 2 looks like the others */
	ck_assert_double_lt(r->folds_plain[LEVEL_IMMINENT].fdr.p, 0.8);
	/* and that is no luck of these drives */
	ck_assert_double_gt(r->over_plain[LEVEL_IMMINENT].low, 0.1);
	ck_assert_double_le(r->over_plain[LEVEL_IMMINENT].low,
		r->over_plain[LEVEL_IMMINENT].more);
	ck_assert_double_le(r->over_plain[LEVEL_IMMINENT].more,
		r->over_plain[LEVEL_IMMINENT].high);
	/* nor of a score chosen to please them */
	ck_assert_uint_eq(r->nested[LEVEL_IMMINENT].fdr.n, r->failed);
	ck_assert_double_gt(r->nested[LEVEL_IMMINENT].fdr.p, 0.9);
	if (r->pack.n > 0)
		ck_assert_msg(pack_parse(r->pack.p, r->pack.n, &fitted, &e) == 0,
			"%s", e.text);
	pack_free(card);
	pack_free(fitted);
	strbuf_free(&r->pack);
	mem_free(r);
}
END_TEST

START_TEST(noise_is_not_learned)
{
	struct fleet fleet = { .source.next = fleet_next, .shuffled = true };
	struct fit_report *r = MEM_NEW(struct fit_report);
	struct fit_opts opts = quick();
	struct pack *card = NULL;

	card = card_new();
	(void)fit_run(&fleet.source, card, &opts, r, NULL);
	/* out of fold it finds about as many as it accuses */
	ck_assert_double_lt(r->folds[LEVEL_IMMINENT].fdr.p, 0.1);
	ck_assert(!r->beats);
	ck_assert_double_lt(r->nested[LEVEL_IMMINENT].fdr.p, 0.1);
	ck_assert_double_le(r->over_plain[LEVEL_IMMINENT].low, 0);
	pack_free(card);
	strbuf_free(&r->pack);
	mem_free(r);
}
END_TEST

static struct pack *
pack_of(const struct fit_data *d, const struct fit_model *m,
	const struct fit_opts *opts)
{
	struct fit_report *r = MEM_NEW(struct fit_report);
	struct pack *pack = NULL;
	struct tc_err e = { 0 };

	for (int i = 1; i < LEVEL_N; i++)
		r->chosen[i].threshold = i * 10;
	r->calibration.n = 1;
	ck_assert_int_eq(fit_write(d, m, opts, r, &e), 0);
	ck_assert_msg(pack_parse(r->pack.p, r->pack.n, &pack, &e) == 0, "%s",
		e.text);
	strbuf_free(&r->pack);
	mem_free(r);
	return pack;
}

/* The scores of one drive's days by the pack, against its states. */
static void
ck_same_scores(const struct fit_data *d, const struct fit_model *m,
	const struct pack *pack, uint32_t drive)
{
	struct fleet fleet = { .source.next = fleet_next, .drive = drive };
	const struct fit_device *dev = &d->devices[drive];
	struct features f = { 0 };
	struct row row = { 0 };
	uint32_t state = 0;
	bool open;

	while (fleet_next(&fleet.source, &row, NULL) > 0 &&
	       fleet.drive == drive) {
		for (int c = 0; c < COUNTER_N; c++)
			if (row.seen & 1u << c)
				(void)features_observe(&f, (enum counter)c,
					row.raw[c], row.day,
					wall_from_days(row.day));
		while (state + 1 < dev->n_states &&
		       d->day[dev->state + state + 1] <= row.day)
			state++;
		int32_t score = eval_score(pack, &f,
			pack_model_find(pack, fleet.model), row.day, &open);

		ck_assert_int_eq(open, d->open[dev->state + state]);
		if (open)
			ck_assert_int_eq(score, fit_score(d, m,
				dev->state + state));
	}
}

START_TEST(the_pack_says_what_was_learned)
{
	struct fleet fleet = { .source.next = fleet_next };
	struct fit_opts opts = quick();
	struct fit_data d;
	struct fit_model m = { 0 };
	struct pack *card = NULL, *pack;

	card = card_new();
	ck_assert_int_eq(fit_data_read(&fleet.source, card, opts.stats, &d,
		NULL), 0);
	struct fit_view all = { &d, d.last_day, NULL };

	ck_assert_int_eq(fit_learn(&all, &opts, &m, NULL), 0);
	ck_assert_uint_gt(m.n_terms, 1);
	pack = pack_of(&d, &m, &opts);
	for (uint32_t i = 0; i < DRIVES; i += 7)
		ck_same_scores(&d, &m, pack, i);
	fit_model_free(&m);
	fit_data_free(&d);
	pack_free(card);
	pack_free(pack);
}
END_TEST

START_TEST(too_few_failures_are_said)
{
	struct fleet fleet = { .source.next = fleet_next, .drive = DRIVES - 60 };
	struct fit_report *r = MEM_NEW(struct fit_report);
	struct fit_opts opts = quick();
	struct tc_err e = { 0 };
	struct pack *card = NULL;

	card = card_new();
	ck_assert_int_eq(fit_run(&fleet.source, card, &opts, r, &e),
		TC_EINVAL);
	ck_assert_msg(strstr(e.text, "drives failed; a fit wants"), "%s",
		e.text);
	pack_free(card);
	strbuf_free(&r->pack);
	mem_free(r);
}
END_TEST

int
main(void)
{
	return STORIES("fit", planted_failures_are_found_by_drives_never_seen,
		noise_is_not_learned, the_pack_says_what_was_learned,
		too_few_failures_are_said);
}
