/*
 * mttx: how long it took to notice and to repair, against what a person
 * reckons.
 */
#include <check.h>

#include "base/macros.h"
#include "predict/mttx.h"
#include "t/lib/story.h"
#include "t/lib/ten_incidents.h"

static struct mttx_run *run;
static struct mttx got;

static enum mttx_layer
layer_of(int subject)
{
	switch (subject) {
	case TEN_P:
		return MTTX_PARTITION;
	case TEN_V:
		return MTTX_VM;
	case TEN_R:
		return MTTX_ROLE;
	default:
		return MTTX_HOST;
	}
}

static void
reckon(int from, int to)
{
	run = mttx_new((struct wall){ from * 1000 },
		(struct wall){ to * 1000 });
	ck_assert_ptr_nonnull(run);
	for (size_t i = 0; i < ARRAY_LEN(ten_warnings); i++)
		ck_assert_int_eq(mttx_warn(run, &(struct mttx_warning){
			(uint32_t)ten_warnings[i].host,
			{ ten_warnings[i].since * 1000 },
			{ ten_warnings[i].until * 1000 } }), 0);
	for (size_t i = 0; i < ARRAY_LEN(ten_moves); i++) {
		const struct ten_move *m = &ten_moves[i];

		ck_assert_int_eq(mttx_take(run, &(struct mttx_move){
			.subject = (uint32_t)m->subject,
			.host = (uint32_t)m->host,
			.partition = TEN_P,
			.layer = layer_of(m->subject),
			.from = m->from, .to = m->to, .cause = m->cause,
			.at.ms = m->at * 1000, .in_window = m->in_window,
			.gone = m->gone }), 0);
	}
	ck_assert_int_eq(mttx_reckon(run, &got, NULL), 0);
	mttx_free(run);
}

static void
want(const struct mttx_times *t, uint64_t n, double mean, double median,
	double longest)
{
	ck_assert_uint_eq(t->n, n);
	ck_assert(t->known == (n >= MTTX_ENOUGH));
	ck_assert_double_eq_tol(t->mean_seconds, mean, 0.001);
	ck_assert_double_eq_tol(t->median_seconds, median, 0.001);
	ck_assert_double_eq_tol(t->longest_seconds, longest, 0.001);
}

START_TEST(r034_ten_incidents_come_to_what_a_person_reckons)
{
	const struct mttx_row *all = &got.rows[MTTX_LAYERS][MTTX_CAUSES];
	const struct mttx_row *host = &got.rows[MTTX_HOST][MTTX_CAUSES];
	const struct mttx_row *device = &got.rows[MTTX_LAYERS][CAUSE_DEVICE];
	const struct mttx_row *memory = &got.rows[MTTX_LAYERS][CAUSE_MEMORY];

	reckon(0, 100000);
	ck_assert_uint_eq(got.in_maintenance, 1);
	ck_assert_uint_eq(all->reactive.incidents, 6);
	ck_assert_uint_eq(all->reactive.open, 1);
	want(&all->reactive.detection, 5, 42, 30, 100);
	want(&all->reactive.repair, 5, 374, 120, 1200);
	ck_assert_uint_eq(all->predicted.incidents, 4);
	ck_assert_uint_eq(all->predicted.gone, 1);
	ck_assert_uint_eq(all->predicted.open, 0);
	want(&all->predicted.detection, 4, 191.25, 67.5, 600);
	want(&all->predicted.repair, 3, 600, 600, 900);
	want(&all->predicted.warned, 4, 1000, 750, 2000);

	ck_assert_uint_eq(host->reactive.incidents, 4);
	want(&host->reactive.detection, 3, 30, 30, 60);
	want(&host->reactive.repair, 3, 450, 100, 1200);
	ck_assert_uint_eq(host->predicted.incidents, 3);
	want(&host->predicted.detection, 3, 55, 45, 90);
	want(&host->predicted.repair, 2, 0, 0, 0);
	want(&host->predicted.warned, 3, 3500.0 / 3, 1000, 2000);
	ck_assert_uint_eq(got.rows[MTTX_ROLE][MTTX_CAUSES].reactive.incidents,
		1);
	ck_assert_uint_eq(got.rows[MTTX_VM][MTTX_CAUSES].predicted.incidents,
		1);
	ck_assert_uint_eq(
		got.rows[MTTX_PARTITION][MTTX_CAUSES].reactive.incidents, 1);

	want(&device->predicted.detection, 3, 225, 45, 600);
	want(&device->predicted.repair, 3, 600, 600, 900);
	ck_assert_uint_eq(device->reactive.incidents, 0);
	ck_assert_uint_eq(memory->reactive.incidents, 2);
	ck_assert_uint_eq(memory->reactive.open, 1);
	want(&memory->reactive.detection, 2, 0, 0, 0);
	ck_assert_uint_eq(
		got.rows[MTTX_HOST][CAUSE_HOST_OS].predicted.gone, 1);
}
END_TEST

START_TEST(the_verdict_decides_which_span_an_incident_is_in)
{
	const struct mttx_row *all = &got.rows[MTTX_LAYERS][MTTX_CAUSES];

	reckon(50050, 60600);
	ck_assert_uint_eq(all->reactive.incidents, 2);
	ck_assert_uint_eq(all->predicted.incidents, 0);
	ck_assert_uint_eq(got.in_maintenance, 0);
	reckon(60600, 60601);
	ck_assert_uint_eq(all->reactive.incidents, 0);
	ck_assert_uint_eq(all->predicted.incidents, 1);
}
END_TEST

/* What repeats, steps back in time or comes from nowhere. */
START_TEST(strange_orders_make_no_strange_times)
{
	static const struct mttx_move moves[] = {
		{ .subject = 1, .layer = MTTX_HOST, .from = HEALTH_UNHEALTHY,
		  .to = HEALTH_HEALTHY, .at.ms = 1000 },
		{ .subject = 1, .layer = MTTX_HOST, .from = HEALTH_HEALTHY,
		  .to = HEALTH_SUSPECT, .at.ms = 9000 },
		{ .subject = 1, .layer = MTTX_HOST, .from = HEALTH_SUSPECT,
		  .to = HEALTH_UNHEALTHY, .at.ms = 5000 },
		{ .subject = 1, .layer = MTTX_HOST, .from = HEALTH_SUSPECT,
		  .to = HEALTH_UNHEALTHY, .at.ms = 6000 },
		{ .subject = 1, .layer = MTTX_HOST, .from = HEALTH_UNHEALTHY,
		  .to = HEALTH_HEALTHY, .at.ms = 4000 },
		{ .subject = 2, .layer = MTTX_HOST, .gone = true,
		  .at.ms = 4000 },
	};
	const struct mttx_row *all = &got.rows[MTTX_LAYERS][MTTX_CAUSES];

	run = mttx_new((struct wall){ 0 }, (struct wall){ 10000 });
	for (size_t i = 0; i < ARRAY_LEN(moves); i++)
		ck_assert_int_eq(mttx_take(run, &moves[i]), 0);
	ck_assert_int_eq(mttx_reckon(run, &got, NULL), 0);
	mttx_free(run);
	ck_assert_uint_eq(all->reactive.incidents, 1);
	ck_assert_uint_eq(all->reactive.detection.n, 0);
	ck_assert_uint_eq(all->reactive.repair.n, 0);
}
END_TEST

int
main(void)
{
	return STORIES("mttx", r034_ten_incidents_come_to_what_a_person_reckons,
		the_verdict_decides_which_span_an_incident_is_in,
		strange_orders_make_no_strange_times);
}
