/*
 * VMs and roles judged: pure, so every case is a few lines.
 */
#include <string.h>

#include "base/macros.h"
#include "health/busy.h"
#include "health/load.h"
#include "health/unit.h"
#include "t/lib/story.h"

static const struct unit_rule rule = {
	.heartbeat = { INT64_C(15000000000) }, .late_after = 3,
	.clear_after = 2, .grace = { INT64_C(600000000000) },
	.never = { INT64_C(60000000000) }, .lost = { INT64_C(600000000000) },
	.gone = { INT64_C(30000000000) },
};

static struct mono
at(double seconds)
{
	return (struct mono){ (int64_t)((1000 + seconds) * 1e9) };
}

static enum beat_is
is_at(struct beat *b, double seconds)
{
	enum tocsin_reason why;

	return beat_judge(b, &rule, at(seconds), &why);
}

static enum tocsin_reason
why_at(struct beat *b, double seconds)
{
	enum tocsin_reason why;

	beat_judge(b, &rule, at(seconds), &why);
	return why;
}

START_TEST(r010_silence_convicts_at_the_end_of_the_grace_and_not_before)
{
	struct beat b;

	beat_begin(&b, at(0));
	beat_take(&b, &rule, at(0));
	ck_assert_int_eq(is_at(&b, 44.9), BEAT_IS_FINE);
	ck_assert_int_eq(is_at(&b, 45), BEAT_IS_LATE);
	ck_assert_int_eq(is_at(&b, 599.9), BEAT_IS_LATE);
	beat_take(&b, &rule, at(585));
	ck_assert_int_eq(is_at(&b, 586), BEAT_IS_FINE);
	ck_assert_int_eq(is_at(&b, 585 + 600), BEAT_IS_DEAD);
	/* One beat does not acquit, two do. */
	beat_take(&b, &rule, at(1200));
	ck_assert_int_eq(is_at(&b, 1201), BEAT_IS_DEAD);
	beat_take(&b, &rule, at(1215));
	ck_assert_int_eq(is_at(&b, 1216), BEAT_IS_FINE);
}
END_TEST

START_TEST(r052_three_silences_three_reasons_three_timers)
{
	struct beat never, lost, gone, failed;

	beat_begin(&never, at(0));
	beat_begin(&lost, at(0));
	beat_take(&lost, &rule, at(0));
	beat_begin(&gone, at(0));
	beat_take(&gone, &rule, at(0));
	beat_end(&gone, false, at(0));
	beat_begin(&failed, at(0));
	beat_end(&failed, true, at(0));
	ck_assert_int_eq(why_at(&never, 59), TOCSIN_WHY_NEVER_CONNECTED);
	ck_assert_int_eq(why_at(&lost, 59), TOCSIN_WHY_CONNECTION_LOST);
	ck_assert_int_eq(why_at(&gone, 1), TOCSIN_WHY_REPORTED_EXIT);
	ck_assert_int_eq(why_at(&failed, 1), TOCSIN_WHY_REPORTED_ERROR);
	ck_assert(!beat_alarms(&never, &rule, at(59)));
	ck_assert(beat_alarms(&never, &rule, at(60)));
	ck_assert(!beat_alarms(&lost, &rule, at(599)));
	ck_assert(beat_alarms(&lost, &rule, at(600)));
	ck_assert(!beat_alarms(&gone, &rule, at(29)));
	ck_assert(beat_alarms(&gone, &rule, at(30)));
	ck_assert(beat_alarms(&failed, &rule, at(30)));
}
END_TEST

START_TEST(r051_an_agent_that_ends_at_each_start_alarms_from_the_first)
{
	struct beat b;

	beat_begin(&b, at(0));
	for (int i = 0; i < 12; i++)
		beat_end(&b, true, at(5 * i));
	ck_assert(beat_alarms(&b, &rule, at(30)));
	/* It said so itself: that convicts no VM, however long. */
	ck_assert_int_eq(is_at(&b, 5000), BEAT_IS_LATE);
}
END_TEST

START_TEST(r013_no_agent_by_design_is_never_missed)
{
	struct beat b = { .expected = false };

	ck_assert_int_eq(is_at(&b, 1e6), BEAT_IS_NONE);
	ck_assert(!beat_alarms(&b, &rule, at(1e6)));
	ck_assert(beat_due(&b, &rule, at(0)).ns == INT64_MAX);
}
END_TEST

START_TEST(silence_goes_on_over_a_restart_and_nothing_fires_on_load)
{
	unsigned char bytes[BEAT_SAVED_BYTES];
	struct beat b, back;

	beat_begin(&b, at(0));
	beat_take(&b, &rule, at(0));
	beat_save(&b, at(500), bytes);
	/* Another boot: its clock begins anew. */
	ck_assert_int_eq(beat_restore(bytes, sizeof(bytes), at(9000), &back), 0);
	ck_assert_int_eq(is_at(&back, 9000), BEAT_IS_LATE);
	ck_assert_int_eq(is_at(&back, 9099), BEAT_IS_LATE);
	ck_assert_int_eq(is_at(&back, 9100), BEAT_IS_DEAD);
	memset(bytes + 4, 0xff, 8);
	ck_assert_int_eq(beat_restore(bytes, sizeof(bytes), at(9000), &back), 0);
	ck_assert_int_eq(is_at(&back, 9001), BEAT_IS_FINE);
	ck_assert_int_lt(beat_restore(bytes, 3, at(0), &back), 0);
	bytes[3] = 77;
	ck_assert_int_lt(beat_restore(bytes, sizeof(bytes), at(0), &back), 0);
}
END_TEST

START_TEST(due_times_are_the_moments_of_change)
{
	struct beat b;
	double now = 0;
	int moves = 0;

	beat_begin(&b, at(0));
	for (;;) {
		struct mono due = beat_due(&b, &rule, at(now));

		if (due.ns == INT64_MAX)
			break;
		ck_assert(due.ns > at(now).ns);
		now = (double)due.ns / 1e9 - 1000;
		moves++;
	}
	/* late at 45 s, alarm at 60 s, dead at 600 s */
	ck_assert_int_eq(moves, 3);
	ck_assert(now > 599 && now < 601);
}
END_TEST

static const struct vm_view calm = { .beat = BEAT_IS_FINE,
	.inside = HEALTH_UNKNOWN };

START_TEST(r011_busy_is_overloaded_until_the_grace_and_blind_is_suspect)
{
	struct vm_view v = calm;

	v.beat = BEAT_IS_LATE;
	v.beat_why = TOCSIN_WHY_CONNECTION_LOST;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_SUSPECT);
	v.busy = true;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_OVERLOADED);
	ck_assert_int_eq(vm_judge(&v).reason, TOCSIN_WHY_BUSY);
	v.beat = BEAT_IS_DEAD;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_UNHEALTHY);
	ck_assert_int_eq(vm_judge(&v).reason, TOCSIN_WHY_CONNECTION_LOST);
}
END_TEST

/* Heartbeats each 15 s, late after three, a grace of 600 s. */
START_TEST(r011_what_a_busy_host_is_forgiven)
{
	static const struct {
		const char *story;
		bool passive;
		enum tocsin_reason why;
		int told_s, failing_s;
		bool echoes, forgiven;
	} rows[] = {
		{ "its agent is late", true, TOCSIN_WHY_STALE, 46, 0, true,
			true },
		{ "late, and nobody else asks it", true, TOCSIN_WHY_STALE, 46,
			0, false, true },
		{ "late to the last", true, TOCSIN_WHY_STALE, 599, 553, true,
			true },
		{ "the grace is over", true, TOCSIN_WHY_STALE, 600, 554, true,
			false },
		{ "its service does not accept", false,
			TOCSIN_WHY_CONNECT_TIMEOUT, 10, 40, true, true },
		{ "its service does not answer", false,
			TOCSIN_WHY_RESPONSE_TIMEOUT, 10, 40, true, true },
		{ "so for the whole grace", false,
			TOCSIN_WHY_RESPONSE_TIMEOUT, 10, 600, true, false },
		{ "nothing else shows that it lives, but the word is fresh",
			false, TOCSIN_WHY_CONNECT_TIMEOUT, 44, 40, false,
			true },
		{ "it may have died since", false, TOCSIN_WHY_CONNECT_TIMEOUT,
			45, 40, false, false },
		{ "no echo: its kernel is never busy", false,
			TOCSIN_WHY_NO_REPLY, 5, 0, true, false },
		{ "refused", false, TOCSIN_WHY_CONNECT_REFUSED, 5, 0, true,
			false },
		{ "reset", false, TOCSIN_WHY_CONNECT_RESET, 5, 0, true,
			false },
		{ "a router says so", false, TOCSIN_WHY_HOST_UNREACHABLE, 5, 0,
			true, false },
		{ "the host says so", false, TOCSIN_WHY_PORT_UNREACHABLE, 5, 0,
			true, false },
		{ "a wrong answer", false, TOCSIN_WHY_BAD_RESPONSE, 5, 0, true,
			false },
		{ "a value beyond its limit", true, TOCSIN_WHY_THRESHOLD, 5, 0,
			true, false },
		{ "a disk says that it failed", true, TOCSIN_WHY_DEVICE_FAILED,
			5, 0, true, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct busy_view v = { .told = dur_s(rows[i].told_s),
			.failing = dur_s(rows[i].failing_s),
			.echoes = rows[i].echoes };

		ck_assert_msg(busy_forgives(&v, &rule, rows[i].passive,
			rows[i].why) == rows[i].forgiven, "%s",
			rows[i].story);
	}
}
END_TEST

/* A page of node_exporter: user, idle, iowait; PSI; negative = not there. */
struct page {
	int at_s;
	double user, idle, iowait, cpu_wait, memory_wait;
};

static void
add_metric(struct metric *m, size_t *n, struct metric one)
{
	if (one.v.f64 >= 0)
		m[(*n)++] = one;
}

static struct load
read_page(const struct page *p)
{
	struct metric m[5];
	struct observation ob = { .at = { p->at_s * INT64_C(1000) },
		.metrics = m };
	struct load l;

	add_metric(m, &ob.n_metrics, (struct metric){ "cpu_seconds_total",
		"mode=\"user\"", TOCSIN_F64, { p->user } });
	add_metric(m, &ob.n_metrics, (struct metric){ "cpu_seconds_total",
		"cpu=\"0\",mode=\"idle\"", TOCSIN_F64, { p->idle } });
	add_metric(m, &ob.n_metrics, (struct metric){ "cpu_seconds_total",
		"mode=\"iowait\"", TOCSIN_F64, { p->iowait } });
	add_metric(m, &ob.n_metrics, (struct metric){
		"psi_cpu_some_seconds_total", "", TOCSIN_F64,
		{ p->cpu_wait } });
	add_metric(m, &ob.n_metrics, (struct metric){
		"psi_memory_some_seconds_total", "", TOCSIN_F64,
		{ p->memory_wait } });
	load_take(&l, &ob);
	return l;
}

START_TEST(r011_how_busy_a_host_is_by_its_counters)
{
	static const struct {
		const char *story;
		struct page before, after;
		double busiest;		/* < 0 = unknown */
	} rows[] = {
		{ "four processors, all busy", { 0, 100, 500, 9, -1, -1 },
			{ 15, 160, 500, 9, -1, -1 }, 1 },
		{ "half of the time", { 0, 100, 500, 9, -1, -1 },
			{ 15, 130, 530, 9, -1, -1 }, 0.5 },
		{ "waiting for disks is not busy", { 0, 100, 500, 9, -1, -1 },
			{ 15, 100, 500, 69, -1, -1 }, 0 },
		{ "idle stepped back a tick", { 0, 100, 500, 9, -1, -1 },
			{ 15, 160, 499.99, 9, -1, -1 }, 1 },
		{ "pressure alone", { 0, -1, -1, -1, 7, -1 },
			{ 15, -1, -1, -1, 21.4, -1 }, 0.96 },
		{ "the worst of them", { 0, 100, 500, 9, 7, 1 },
			{ 15, 106, 554, 9, 10, 15.25 }, 0.95 },
		{ "it has booted since", { 0, 1000, 5000, 9, 70, -1 },
			{ 15, 10, 1, 0, 3, -1 }, -1 },
		{ "booted, and busier since than ever before", { 0, 10, 5000,
			9, -1, -1 }, { 15, 6000, 1, 0, -1, -1 }, -1 },
		{ "booted, and idle for longer", { 0, 1000, 50, 9, -1, -1 },
			{ 15, 10, 1500, 0, -1, -1 }, -1 },
		{ "only the pressure began anew", { 0, 100, 500, 9, 70, -1 },
			{ 15, 130, 530, 9, 3, -1 }, 0.5 },
		{ "the same page again", { 0, 100, 500, 9, 7, -1 },
			{ 15, 100, 500, 9, -1, -1 }, -1 },
		{ "at the same time", { 15, 100, 500, 9, 7, -1 },
			{ 15, 100, 500, 9, 8, -1 }, -1 },
		{ "the clock went back", { 15, 100, 500, 9, 7, -1 },
			{ 10, 160, 500, 9, 8, -1 }, -1 },
		{ "too long ago", { 0, 100, 500, 9, 7, -1 },
			{ 31, 224, 500, 9, 38, -1 }, -1 },
		{ "no idle time is told", { 0, 100, -1, -1, -1, -1 },
			{ 15, 160, -1, -1, -1, -1 }, -1 },
		{ "it was not told before", { 0, -1, -1, -1, -1, -1 },
			{ 15, 160, 500, 9, -1, -1 }, -1 },
		{ "memory alone says nothing", { 0, -1, -1, -1, -1, 0 },
			{ 15, -1, -1, -1, -1, 15 }, -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct load before = read_page(&rows[i].before);
		struct load after = read_page(&rows[i].after);
		double is = load_busiest(&after, &before, dur_s(30));

		ck_assert_msg(rows[i].busiest < 0 ? is < 0 :
			is > rows[i].busiest - 0.001 &&
			is < rows[i].busiest + 0.001, "%s: %g",
			rows[i].story, is);
		ck_assert_msg(load_busiest(&after, NULL, dur_s(30)) < 0,
			"%s: from nothing", rows[i].story);
	}
}
END_TEST

START_TEST(r011_load_counts_where_nothing_better_is_told)
{
	struct metric m[] = { { "load1", "", TOCSIN_F64, { 7.9 } },
		{ "cpu_count", "", TOCSIN_F64, { 8 } },
		{ "cpu_busy_ratio", "", TOCSIN_F64, { 0.2 } } };
	struct observation ob = { .metrics = m, .n_metrics = 3 };
	struct load l;

	load_take(&l, &ob);
	ck_assert(load_busiest(&l, NULL, dur_s(30)) == 0.2);
	ob.n_metrics = 2;
	load_take(&l, &ob);
	ck_assert(load_busiest(&l, NULL, dur_s(30)) > 0.98);
	/* of how many processors? */
	ob.n_metrics = 1;
	load_take(&l, &ob);
	ck_assert(load_busiest(&l, NULL, dur_s(30)) < 0);
}
END_TEST

START_TEST(r019_running_but_unreachable_is_impaired)
{
	struct vm_view v = { .beat = BEAT_IS_NONE, .run = VM_RUN_RUNNING,
		.reach = REACH_NONE, .reach_why = TOCSIN_WHY_NO_REPLY };

	ck_assert_int_eq(vm_judge(&v).health, HEALTH_IMPAIRED);
	ck_assert_int_eq(vm_judge(&v).reason, TOCSIN_WHY_RUNS_UNREACHABLE);
	ck_assert(vm_judge(&v).dead);
	/* Nobody says that it runs: suspect, and convicted by the grace. */
	v.run = VM_RUN_UNKNOWN;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_SUSPECT);
	v.reach_overdue = true;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_UNHEALTHY);
	/* Busy is not dead here either. */
	v = (struct vm_view){ .run = VM_RUN_RUNNING, .reach = REACH_NONE,
		.reach_why = TOCSIN_WHY_NO_REPLY, .busy = true };
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_OVERLOADED);
}
END_TEST

START_TEST(r013_the_hypervisor_alone_judges_a_vm_without_agent)
{
	struct vm_view v = { .beat = BEAT_IS_NONE, .run = VM_RUN_RUNNING };

	ck_assert_int_eq(vm_judge(&v).health, HEALTH_HEALTHY);
	v.run = VM_RUN_PAUSED;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_UNHEALTHY);
	ck_assert_int_eq(vm_judge(&v).reason, TOCSIN_WHY_VM_PAUSED);
	v.run = VM_RUN_CRASHED;
	ck_assert_int_eq(vm_judge(&v).reason, TOCSIN_WHY_VM_CRASHED);
	v.run = VM_RUN_SHUT_OFF;
	ck_assert_int_eq(vm_judge(&v).reason, TOCSIN_WHY_VM_SHUT_OFF);
	v.run = VM_RUN_UNKNOWN;
	v.run_silent = true;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_STALE);
	v.run_silent = false;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_UNKNOWN);
}
END_TEST

START_TEST(an_agent_that_is_silent_in_a_vm_that_answers_convicts_nobody)
{
	struct vm_view v = { .beat = BEAT_IS_DEAD, .reach = REACH_FULL,
		.beat_why = TOCSIN_WHY_CONNECTION_LOST };

	ck_assert_int_eq(vm_judge(&v).health, HEALTH_SUSPECT);
}
END_TEST

START_TEST(r050_no_silence_is_hardware)
{
	for (int beat = BEAT_IS_NONE; beat <= BEAT_IS_DEAD; beat++)
		for (int reach = REACH_UNASKED; reach <= REACH_NONE; reach++) {
			struct vm_view v = { .beat = (enum beat_is)beat,
				.reach = (enum reach)reach,
				.beat_why = TOCSIN_WHY_CONNECTION_LOST,
				.reach_why = TOCSIN_WHY_NO_REPLY };

			ck_assert_int_ne(vm_judge(&v).reason,
				TOCSIN_WHY_DEVICE_FAILED);
		}
}
END_TEST

START_TEST(r020_causes_have_stable_ids)
{
	ck_assert_str_eq(cause_id(CAUSE_HOST_OS), "host_os");
	ck_assert_str_eq(cause_id(CAUSE_UNKNOWN), "unknown");
}
END_TEST

static const struct side_view absent = { HEALTH_UNKNOWN, HEALTH_UNKNOWN,
	TOCSIN_WHY_NO_CHECKS };
static const struct side_view well = { HEALTH_HEALTHY, HEALTH_HEALTHY,
	TOCSIN_WHY_NONE };
static const struct side_view ill = { HEALTH_UNHEALTHY, HEALTH_UNHEALTHY,
	TOCSIN_WHY_CONNECT_REFUSED };

START_TEST(r007_outside_inside_and_both_are_three_verdicts)
{
	struct role_view v = { .sides = { ill, well, absent } };

	ck_assert_int_eq(role_judge(&v).health, HEALTH_UNHEALTHY);
	ck_assert_uint_eq(role_judge(&v).by, 1U << SIGNAL_OUTSIDE);
	v = (struct role_view){ .sides = { well, ill, absent } };
	ck_assert_int_eq(role_judge(&v).health, HEALTH_UNHEALTHY);
	ck_assert_uint_eq(role_judge(&v).by, 1U << SIGNAL_INSIDE);
	v = (struct role_view){ .sides = { ill, ill, absent } };
	ck_assert_uint_eq(role_judge(&v).by,
		1U << SIGNAL_OUTSIDE | 1U << SIGNAL_INSIDE);
	v = (struct role_view){ .sides = { well, well, ill } };
	ck_assert_uint_eq(role_judge(&v).by, 1U << SIGNAL_EXTERNAL);
}
END_TEST

START_TEST(a_silent_side_neither_convicts_nor_heals)
{
	static const struct side_view silent = { HEALTH_STALE, HEALTH_HEALTHY,
		TOCSIN_WHY_STALE };
	static const struct side_view silent_ill = { HEALTH_STALE,
		HEALTH_UNHEALTHY, TOCSIN_WHY_STALE };
	struct role_view v = { .sides = { well, silent, absent } };

	ck_assert_int_eq(role_judge(&v).health, HEALTH_HEALTHY);
	v = (struct role_view){ .sides = { well, silent_ill, absent } };
	ck_assert_int_eq(role_judge(&v).health, HEALTH_UNHEALTHY);
	ck_assert_uint_eq(role_judge(&v).by, 1U << SIGNAL_INSIDE);
	v = (struct role_view){ .sides = { silent, silent, absent } };
	ck_assert_int_eq(role_judge(&v).health, HEALTH_STALE);
	v = (struct role_view){ .sides = { absent, absent, absent } };
	ck_assert_int_eq(role_judge(&v).health, HEALTH_UNKNOWN);
}
END_TEST

START_TEST(what_hangs_on_a_dead_parent_is_unreachable)
{
	struct role_view r = { .sides = { ill, absent, absent },
		.parent_down = true };
	struct vm_view v = { .beat = BEAT_IS_LATE,
		.beat_why = TOCSIN_WHY_CONNECTION_LOST, .parent_down = true };

	ck_assert_int_eq(role_judge(&r).health, HEALTH_UNREACHABLE);
	ck_assert_int_eq(role_judge(&r).reason, TOCSIN_WHY_PARENT_DOWN);
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_UNREACHABLE);
	v.beat = BEAT_IS_FINE;
	ck_assert_int_eq(vm_judge(&v).health, HEALTH_HEALTHY);
}
END_TEST

int
main(void)
{
	return STORIES("health_unit",
		r010_silence_convicts_at_the_end_of_the_grace_and_not_before,
		r052_three_silences_three_reasons_three_timers,
		r051_an_agent_that_ends_at_each_start_alarms_from_the_first,
		r013_no_agent_by_design_is_never_missed,
		silence_goes_on_over_a_restart_and_nothing_fires_on_load,
		due_times_are_the_moments_of_change,
		r011_what_a_busy_host_is_forgiven,
		r011_how_busy_a_host_is_by_its_counters,
		r011_load_counts_where_nothing_better_is_told,
		r011_busy_is_overloaded_until_the_grace_and_blind_is_suspect,
		r019_running_but_unreachable_is_impaired,
		r013_the_hypervisor_alone_judges_a_vm_without_agent,
		an_agent_that_is_silent_in_a_vm_that_answers_convicts_nobody,
		r050_no_silence_is_hardware,
		r020_causes_have_stable_ids,
		r007_outside_inside_and_both_are_three_verdicts,
		a_silent_side_neither_convicts_nor_heals,
		what_hangs_on_a_dead_parent_is_unreachable);
}
