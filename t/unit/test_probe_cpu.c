/* The cpu probe over trees of its own. */
#include "t/lib/probe_rig.h"
#include "t/lib/story.h"

#define STAT_1 "cpu  1000 100 500 8000 200 50 50 100 0 0\n" \
	"cpu0 500 50 250 4000 100 25 25 50 0 0\n" \
	"cpu1 500 50 250 4000 100 25 25 50 0 0\n" \
	"intr 123456 7 8 9\nctxt 654321\nbtime 1700000000\n" \
	"processes 4242\nprocs_running 3\nprocs_blocked 1\n"

START_TEST(a_machine_tells_where_its_time_went)
{
	struct rig *r = rig_new();

	rig_file(r, "proc/stat", STAT_1);
	rig_file(r, "proc/loadavg", "0.50 1.25 2.00 3/412 9999\n");
	rig_file(r, "proc/pressure/cpu",
		"some avg10=5.29 avg60=3.25 avg300=1.99 total=17617580\n"
		"full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_sample(r, "cpu_seconds_total", "mode=\"user\"", 10);
	ck_sample(r, "cpu_seconds_total", "mode=\"steal\"", 1);
	ck_sample(r, "cpu_count", "", 2);
	ck_sample(r, "load5", "", 1.25);
	ck_sample(r, "interrupts_total", "", 123456);
	ck_sample(r, "context_switches_total", "", 654321);
	ck_sample(r, "forks_total", "", 4242);
	ck_sample(r, "procs_blocked", "", 1);
	ck_sample(r, "psi_cpu_some_seconds_total", "", 17.617580);
	ck_sample(r, "psi_cpu_some_ratio", "", 0.0529);
	ck_sample(r, "psi_cpu_full_seconds_total", "", 0);
	ck_assert(!rig_has(r, "cpu_busy_ratio", ""));
	rig_free(r);
}
END_TEST

START_TEST(the_busy_share_is_that_since_the_run_before)
{
	struct rig *r = rig_new();

	rig_file(r, "proc/stat", STAT_1);
	rig_run(r);
	/* 100 ticks: 30 user, 10 steal, 40 idle, 20 iowait */
	rig_file(r, "proc/stat", "cpu  1030 100 500 8040 220 50 50 110 0 0\n");
	rig_run(r);
	ck_sample(r, "cpu_busy_ratio", "", 0.4);
	ck_sample(r, "cpu_iowait_ratio", "", 0.2);
	ck_sample(r, "cpu_steal_ratio", "", 0.1);
	rig_free(r);
}
END_TEST

START_TEST(idle_that_steps_back_makes_no_negative_share)
{
	struct rig *r = rig_new();

	rig_file(r, "proc/stat", STAT_1);
	rig_run(r);
	rig_file(r, "proc/stat", "cpu  1050 100 500 7990 150 50 50 100 0 0\n");
	rig_run(r);
	ck_sample(r, "cpu_busy_ratio", "", 1);
	ck_sample(r, "cpu_iowait_ratio", "", 0);
	rig_free(r);
}
END_TEST

START_TEST(a_kernel_without_pressure_is_no_error)
{
	struct rig *r = rig_new();

	rig_file(r, "proc/stat", STAT_1);
	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_assert(!rig_has(r, "psi_cpu_some_ratio", ""));
	rig_free(r);
}
END_TEST

START_TEST(another_tree_is_not_compared_with_this_one)
{
	struct rig *r = rig_new();
	struct rig *other = rig_new();

	rig_file(r, "proc/stat", STAT_1);
	rig_file(other, "proc/stat", "cpu  9000 100 500 9000 200 50 50 100\n");
	rig_run(r);
	r->opts[0].s = other->root;
	rig_run(r);
	ck_assert(!rig_has(r, "cpu_busy_ratio", ""));
	rig_free(other);
	rig_free(r);
}
END_TEST

START_TEST(no_proc_is_unsupported_not_a_failure)
{
	struct rig *r = rig_new();

	rig_run(r);
	ck_assert_uint_eq(r->outcome, TOCSIN_UNKNOWN);
	ck_assert_uint_eq(r->reason, TOCSIN_WHY_UNSUPPORTED);
	rig_free(r);
}
END_TEST

START_TEST(hostile_text_is_survived)
{
	static const char *const stats[] = {
		"", "\n\n\n", "cpu", "cpu\n", "cpu  -1 2 3\n", "cpu x y z\n",
		"cpu  99999999999999999999999999 1\n", "\x01\xff\xfe cpu 1",
		"intr\nctxt\nprocesses -5\n", "cpu  1",
	};
	struct rig *r = rig_new();

	rig_file(r, "proc/loadavg", "nan inf -inf 1e999");
	rig_file(r, "proc/pressure/cpu",
		"some avg10= total=\nfull avg10=1e400 total=-3\nsome\n=\n"
		"some avg10=900 total=18446744073709551616\n");
	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		rig_file(r, "proc/stat", stats[i]);
		rig_run(r);
	}
	ck_assert_uint_eq(r->outcome, TOCSIN_OK);
	ck_sample(r, "cpu_seconds_total", "mode=\"user\"", 0.01);
	ck_assert(!rig_has(r, "psi_cpu_some_ratio", ""));
	rig_free(r);
}
END_TEST

int
main(void)
{
	return STORIES("probe cpu", a_machine_tells_where_its_time_went,
		the_busy_share_is_that_since_the_run_before,
		idle_that_steps_back_makes_no_negative_share,
		a_kernel_without_pressure_is_no_error,
		another_tree_is_not_compared_with_this_one,
		no_proc_is_unsupported_not_a_failure,
		hostile_text_is_survived);
}
