/*
 * probe: the plugin host, with probes that misbehave on purpose.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "probe/runner.h"
#include "sched/resolve.h"
#include "sched/sched.h"
#include "t/lib/story.h"

#define PATIENCE_S 30
#define RESULTS_MAX 2048

struct result {
	uint32_t check;
	uint32_t seq;
	bool last;
	enum tocsin_outcome outcome;
	enum tocsin_reason reason;
	char text[256];
	char serial[64];
	size_t n_metrics;
	char metric[64];
	char instance[64];
	double value;
};

struct story {
	struct sched *s;
	struct runner *r;
	struct sched_timer patience;
	struct result got[RESULTS_MAX];
	int n;
	int want;
	bool gave_up;
	bool starting;
	bool restart;	/* from within on_result */
	bool no_reply;
};

static struct story the_story;

static void
give_up(void *arg, struct mono now)
{
	struct story *st = arg;

	(void)now;
	st->gave_up = true;
	sched_stop(st->s);
}

static void start(struct story *st, const char *probe, const char *address,
	const char *opts);

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct story *st = arg;
	struct result *g = &st->got[st->n++];

	ck_assert(!st->starting);
	ck_assert_int_lt(st->n, RESULTS_MAX);
	*g = (struct result){ .check = check, .seq = seq, .last = last,
		.outcome = ob->outcome, .reason = ob->reason,
		.n_metrics = ob->n_metrics };
	snprintf(g->text, sizeof(g->text), "%s", ob->text);
	snprintf(g->serial, sizeof(g->serial), "%s", ob->device.serial);
	if (ob->n_metrics > 0) {
		const struct metric *m = &ob->metrics[ob->n_metrics - 1];

		snprintf(g->metric, sizeof(g->metric), "%s", m->name);
		snprintf(g->instance, sizeof(g->instance), "%s", m->instance);
		g->value = metric_number(m);
	}
	ck_assert_int_gt(ob->at.ms, 1500000000000);
	if (st->restart) {
		st->restart = false;
		start(st, "loop", "", "");
	}
	if (st->n == st->want)
		sched_stop(st->s);
}

static const char *
plugin_dir(void)
{
	static char dir[4096];
	const char *build = getenv("top_builddir");

	snprintf(dir, sizeof(dir), "%s/t/plugins/.libs",
		build != NULL ? build : ".");
	return dir;
}

static struct story *
begin(void)
{
	struct story *st = &the_story;
	struct runner_conf conf = { .clock = clock_system(),
		.plugin_dir = plugin_dir(), .overrun = dur_ms(50),
		.on_result = on_result, .arg = st };
	struct tc_err e = { 0 };

	*st = (struct story){ .want = 1 };
	st->s = sched_new(&e);
	ck_assert_msg(st->s != NULL, "%s", e.text);
	conf.sched = st->s;
	st->r = runner_new(&conf, &e);
	ck_assert_msg(st->r != NULL, "%s", e.text);
	ck_assert_msg(runner_load(st->r, "loop", &e) == 0, "%s", e.text);
	ck_assert_msg(runner_load(st->r, "work", &e) == 0, "%s", e.text);
	sched_timer_init(&st->patience, give_up, st);
	sched_at(st->s, &st->patience,
		mono_add(sched_now(st->s), dur_s(PATIENCE_S)));
	return st;
}

static void
finish(struct story *st)
{
	runner_free(st->r);
	sched_free(st->s);
}

static void
run(struct story *st)
{
	if (st->n < st->want)
		sched_run(st->s);
	ck_assert_msg(!st->gave_up, "gave up after %d results", st->n);
}

/* "mode=silent,say=x": values for the rows, defaults for the others. */
static const struct tocsin_value *
values(struct story *st, const char *probe, const char *opts)
{
	static struct tocsin_value v[8];
	static char text[256];
	const struct tocsin_opt *rows = runner_opts(st->r, probe);
	const struct tocsin_value *dflt = runner_defaults(st->r, probe);
	char *save = NULL;

	for (size_t i = 0; rows[i].name != NULL; i++)
		v[i] = dflt[i];
	snprintf(text, sizeof(text), "%s", opts);
	for (char *word = strtok_r(text, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save)) {
		size_t n = strcspn(word, "=");

		for (size_t i = 0; rows[i].name != NULL; i++) {
			if (strlen(rows[i].name) == n &&
			    strncmp(rows[i].name, word, n) == 0)
				ck_assert_int_eq(runner_opt_parse(&rows[i],
					word + n + 1, &v[i], NULL), 0);
		}
	}
	return v;
}

static void
start(struct story *st, const char *probe, const char *address,
	const char *opts)
{
	static uint32_t check;
	bool known = runner_opts(st->r, probe) != NULL;
	struct engine_run run = { .check = ++check, .seq = 5, .probe = probe,
		.host = "h1", .address = address, .timeout = dur_ms(100) };

	if (known) {
		run.opt_rows = runner_opts(st->r, probe);
		run.opts = values(st, probe, opts);
	}
	st->starting = true;
	runner_start(st->r, &run, 1);
	st->starting = false;
}

/* Starts one run, and waits for its one result. */
static struct result *
outcome(struct story *st, const char *probe, const char *address,
	const char *opts)
{
	st->want = st->n + 1;
	start(st, probe, address, opts);
	run(st);
	ck_assert_uint_eq(st->got[st->n - 1].seq, 5);
	return &st->got[st->n - 1];
}

/* ---- loading ---- */

START_TEST(what_does_not_fit_is_refused_with_the_reason)
{
	static const struct { const char *name, *says; } cases[] = {
		{ "bad_major", "ABI 2.0" },
		{ "bad_minor", "ABI 1.2" },
		{ "bad_size", "16 bytes" },
		{ "bad_name", "calls itself 'another'" },
		{ "bad_form", "one of run and start" },
		{ "bad_option", "option 'port': default: '70000' is above 65535" },
		{ "bad_metric", "metric 'Bad Name': bad name" },
		{ "bad_symbol", "no tocsin_probe_v1" },
		{ "nonexistent", "no probe 'nonexistent'" },
		{ "../plugins/.libs/loop", "no probe" },
	};
	struct story *st = begin();
	struct runner_stats stats;
	struct tc_err e;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		e = (struct tc_err){ 0 };
		ck_assert_int_lt(runner_load(st->r, cases[i].name, &e), 0);
		ck_assert_msg(strstr(e.text, cases[i].says) != NULL, "%s: %s",
			cases[i].name, e.text);
	}
	runner_stats(st->r, &stats);
	ck_assert_uint_eq(stats.refused_plugins, 8);
	finish(st);
}
END_TEST

START_TEST(the_good_ones_of_a_directory_are_loaded)
{
	struct story *st = begin();
	const char *names[8];

	ck_assert_uint_eq(runner_load_all(st->r), 2);
	ck_assert_uint_eq(runner_load_all(st->r), 2);
	ck_assert_uint_eq(runner_probe_names(st->r, names, 8), 3);
	ck_assert_str_eq(names[0], "exec");	/* linked in */
	ck_assert_str_eq(names[1], "loop");
	ck_assert_str_eq(names[2], "work");
	ck_assert_str_eq(runner_opts(st->r, "work")[1].name, "fd");
	ck_assert_int_eq(runner_defaults(st->r, "work")[1].i, -1);
	ck_assert_ptr_null(runner_opts(st->r, "bad_name"));
	finish(st);
}
END_TEST

START_TEST(a_plugin_that_everybody_may_write_is_refused)
{
	char dir[] = "/tmp/tocsin-test-XXXXXX", command[8192], path[64];
	struct runner_conf conf = { .clock = clock_system(),
		.on_result = on_result };
	struct story *st = begin();
	struct tc_err e = { 0 };
	struct runner *r;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(command, sizeof(command), "cp '%s/loop.so' %s/", plugin_dir(),
		dir);
	ck_assert_int_eq(system(command), 0);	/* lint: a copy for the test */
	snprintf(path, sizeof(path), "%s/loop.so", dir);
	ck_assert_int_eq(chmod(path, 0666), 0);
	conf.sched = st->s;
	conf.plugin_dir = dir;
	r = runner_new(&conf, &e);
	ck_assert_int_lt(runner_load(r, "loop", &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "may be written by everybody"));
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(runner_load(r, "loop", &e), 0);
	unlink(path);
	rmdir(dir);
	runner_free(r);
	finish(st);
}
END_TEST

START_TEST(options_are_read_by_their_rows)
{
	static const struct tocsin_opt rows[] = {
		{ "a", TOCSIN_OPT_DUR, .min = "1s", .max = "5m", .help = "" },
		{ "b", TOCSIN_OPT_SIZE, .max = "1MiB", .help = "" },
		{ "c", TOCSIN_OPT_BOOL, .help = "" },
		{ "d", TOCSIN_OPT_ENUM, .choices = "x|yy|z", .help = "" },
		{ "e", TOCSIN_OPT_FLOAT, .min = "0.5", .help = "" },
		{ "f", TOCSIN_OPT_STRING, .min = "1", .max = "3", .help = "" },
	};
	struct tocsin_value v;

	ck_assert_int_eq(runner_opt_parse(&rows[0], "90s", &v, NULL), 0);
	ck_assert_int_eq(v.i, 90000000000);
	ck_assert_int_lt(runner_opt_parse(&rows[0], "999ms", &v, NULL), 0);
	ck_assert_int_lt(runner_opt_parse(&rows[0], "6m", &v, NULL), 0);
	ck_assert_int_eq(runner_opt_parse(&rows[1], "64KiB", &v, NULL), 0);
	ck_assert_int_eq(v.i, 65536);
	ck_assert_int_lt(runner_opt_parse(&rows[1], "2MiB", &v, NULL), 0);
	ck_assert_int_eq(runner_opt_parse(&rows[2], "yes", &v, NULL), 0);
	ck_assert_int_eq(v.i, 1);
	ck_assert_int_lt(runner_opt_parse(&rows[2], "maybe", &v, NULL), 0);
	ck_assert_int_eq(runner_opt_parse(&rows[3], "yy", &v, NULL), 0);
	ck_assert_int_eq(v.i, 1);
	ck_assert_int_lt(runner_opt_parse(&rows[3], "y", &v, NULL), 0);
	ck_assert_int_eq(runner_opt_parse(&rows[4], "0.75", &v, NULL), 0);
	ck_assert_int_lt(runner_opt_parse(&rows[4], "0.25", &v, NULL), 0);
	ck_assert_int_lt(runner_opt_parse(&rows[4], "nan", &v, NULL), 0);
	ck_assert_int_eq(runner_opt_parse(&rows[5], "abc", &v, NULL), 0);
	ck_assert_int_lt(runner_opt_parse(&rows[5], "abcd", &v, NULL), 0);
	ck_assert_int_lt(runner_opt_parse(&rows[5], "", &v, NULL), 0);
}
END_TEST

/* ---- loop form ---- */

START_TEST(a_run_is_answered_once)
{
	struct story *st = begin();
	struct result *g = outcome(st, "loop", "", "say=hello");

	ck_assert_int_eq(g->outcome, TOCSIN_OK);
	ck_assert(g->last);
	ck_assert_str_eq(g->text, "hello");
	ck_assert_uint_eq(g->n_metrics, 2);
	ck_assert_str_eq(g->metric, "loop_disk_bytes");
	ck_assert_str_eq(g->instance, "disk=\"sda\"");
	ck_assert(g->value == 1.5);
	finish(st);
}
END_TEST

START_TEST(an_answer_within_start_comes_afterwards)
{
	struct story *st = begin();
	struct result *g = outcome(st, "loop", "", "mode=in_start,say=early");

	ck_assert_str_eq(g->text, "early");
	ck_assert_uint_eq(g->n_metrics, 2);
	ck_assert_str_eq(g->instance, "disk=\"sda\"");
	finish(st);
}
END_TEST

START_TEST(a_silent_probe_is_answered_for_and_called_off)
{
	struct story *st = begin();
	struct result *g = outcome(st, "loop", "", "mode=silent");
	struct runner_stats stats;

	ck_assert_int_eq(g->outcome, TOCSIN_UNKNOWN);
	ck_assert_int_eq(g->reason, TOCSIN_WHY_PROBE_TIMEOUT);
	runner_stats(st->r, &stats);
	ck_assert_uint_eq(stats.timeouts, 1);
	ck_assert_uint_eq(stats.in_flight, 0);
	finish(st);
}
END_TEST

START_TEST(a_second_report_and_a_wrong_slot_are_counted_and_dropped)
{
	struct story *st = begin();
	struct runner_stats stats;

	outcome(st, "loop", "", "mode=twice");
	outcome(st, "loop", "", "mode=wrong_slot");
	outcome(st, "loop", "", "");
	ck_assert_int_eq(st->n, 3);
	runner_stats(st->r, &stats);
	ck_assert_uint_eq(stats.bad_slots, 2);
	ck_assert_uint_eq(stats.results, 3);
	finish(st);
}
END_TEST

START_TEST(undeclared_and_infinite_metrics_are_dropped_the_others_kept)
{
	struct story *st = begin();
	struct result *g = outcome(st, "loop", "", "mode=wrong_metric");
	struct runner_stats stats;

	ck_assert_int_eq(g->outcome, TOCSIN_OK);
	ck_assert_uint_eq(g->n_metrics, 2);
	runner_stats(st->r, &stats);
	ck_assert_uint_eq(stats.bad_metrics, 3);
	finish(st);
}
END_TEST

START_TEST(a_reason_that_does_not_fit_is_the_probes_error)
{
	struct story *st = begin();
	struct result *g = outcome(st, "loop", "", "mode=bad_reason");

	ck_assert_int_eq(g->outcome, TOCSIN_UNKNOWN);
	ck_assert_int_eq(g->reason, TOCSIN_WHY_PROBE_ERROR);
	finish(st);
}
END_TEST

START_TEST(a_probe_that_will_not_start_and_one_that_is_not_there)
{
	struct story *st = begin();

	ck_assert_int_eq(outcome(st, "loop", "", "mode=refuse")->reason,
		TOCSIN_WHY_PROBE_ERROR);
	ck_assert_int_eq(outcome(st, "nonexistent", "", "")->reason,
		TOCSIN_WHY_PROBE_ERROR);
	finish(st);
}
END_TEST

START_TEST(hostile_text_is_cleaned_and_cut)
{
	struct story *st = begin();
	struct result *g;

	g = outcome(st, "loop", "", "say=a\x01" "b\xff" "c\xc3\xa4" "d\xe2\x82");
	ck_assert_str_eq(g->text, "a?b?c\xc3\xa4" "d??");
	finish(st);
}
END_TEST

START_TEST(runs_may_be_started_from_within_a_result)
{
	struct story *st = begin();

	st->restart = true;
	st->want = 2;
	start(st, "loop", "", "");
	run(st);
	ck_assert_int_eq(st->got[1].outcome, TOCSIN_OK);
	finish(st);
}
END_TEST

START_TEST(a_thousand_runs_come_back_each_under_its_own_check)
{
	static struct engine_run runs[1000];
	static bool seen[1000];
	struct story *st = begin();
	struct runner_stats stats;

	for (uint32_t round = 0; round < 3; round++) {
		memset(seen, 0, sizeof(seen));
		st->n = 0;
		st->want = 1000;
		for (uint32_t i = 0; i < 1000; i++)
			runs[i] = (struct engine_run){ .check = i, .seq = round,
				.probe = "loop", .host = "h",
				.address = "127.0.0.1", .timeout = dur_s(5) };
		runner_start(st->r, runs, 1000);
		run(st);
		for (int i = 0; i < 1000; i++) {
			ck_assert_uint_eq(st->got[i].seq, round);
			ck_assert(!seen[st->got[i].check]);
			seen[st->got[i].check] = true;
		}
	}
	runner_stats(st->r, &stats);
	ck_assert_uint_eq(stats.in_flight, 0);
	ck_assert_uint_eq(stats.runs, 3000);
	finish(st);
}
END_TEST

/* ---- names ---- */

START_TEST(names_are_resolved_and_unknown_ones_are_the_targets_fault)
{
	struct story *st = begin();

	ck_assert_str_eq(outcome(st, "loop", "localhost", "mode=echo")->text,
		"localhost");
	ck_assert_str_eq(outcome(st, "work", "localhost", "say=there")->text,
		"there");
	finish(st);
}
END_TEST

/* ---- worker form ---- */

START_TEST(a_worker_gives_one_result_for_each_device)
{
	struct story *st = begin();

	st->want = 2;
	start(st, "work", "", "mode=two");
	run(st);
	ck_assert_str_eq(st->got[0].serial, "S1");
	ck_assert_str_eq(st->got[0].text, "one");
	ck_assert(!st->got[0].last);
	ck_assert_str_eq(st->got[1].serial, "S2");
	ck_assert(st->got[1].last);
	ck_assert(st->got[1].value == 33.5);
	finish(st);
}
END_TEST

START_TEST(a_worker_that_fails_says_how)
{
	struct story *st = begin();
	struct result *g = outcome(st, "work", "", "mode=error");
	struct runner_stats stats;

	ck_assert_int_eq(g->reason, TOCSIN_WHY_PROBE_ERROR);
	ck_assert_ptr_nonnull(strstr(g->text, "Input/output error"));
	g = outcome(st, "work", "", "mode=nothing");
	ck_assert_int_eq(g->reason, TOCSIN_WHY_PROBE_ERROR);
	g = outcome(st, "work", "", "mode=wrong_slot");
	ck_assert_int_eq(g->reason, TOCSIN_WHY_PROBE_ERROR);
	runner_stats(st->r, &stats);
	ck_assert_uint_eq(stats.bad_slots, 1);
	finish(st);
}
END_TEST

START_TEST(a_stuck_worker_is_replaced_and_welcome_back)
{
	struct story *st = begin();
	struct runner_stats stats;
	struct result *g;
	char opts[64];
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	snprintf(opts, sizeof(opts), "mode=hang,fd=%d", ends[0]);
	g = outcome(st, "work", "", opts);
	ck_assert_int_eq(g->reason, TOCSIN_WHY_PROBE_TIMEOUT);
	runner_stats(st->r, &stats);
	ck_assert_uint_eq(stats.abandoned, 1);
	ck_assert_uint_eq(stats.workers, 3);
	g = outcome(st, "work", "", "");
	ck_assert_int_eq(g->reason, TOCSIN_WHY_PROBE_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(g->text, "has not come back"));
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	/* The late report is nobody's; then the probe works again. */
	do
		g = outcome(st, "work", "", "say=again");
	while (g->reason == TOCSIN_WHY_PROBE_TIMEOUT);
	ck_assert_str_eq(g->text, "again");
	runner_stats(st->r, &stats);
	ck_assert_uint_eq(stats.abandoned, 0);
	finish(st);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(runs_that_no_worker_takes_in_time_are_missed_slots)
{
	struct story *st = begin();
	char opts[64];
	int ends[2], missed = 0;

	ck_assert_int_eq(pipe(ends), 0);
	snprintf(opts, sizeof(opts), "mode=hang,fd=%d", ends[0]);
	start(st, "work", "", opts);
	for (int i = 0; i < 5; i++)
		start(st, "work", "", "");
	st->want = 6;
	run(st);
	for (int i = 0; i < 6; i++)
		missed += st->got[i].reason == TOCSIN_WHY_SLOT_MISSED;
	ck_assert_int_eq(missed, 5);
	/* The runner goes while the call is still stuck. */
	finish(st);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	close(ends[1]);
}
END_TEST

START_TEST(many_runs_of_a_worker_probe_wait_their_turn)
{
	struct story *st = begin();

	st->want = 200;
	for (int i = 0; i < 200; i++)
		start(st, "work", "", "say=x");
	run(st);
	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(st->got[i].outcome, TOCSIN_OK);
	finish(st);
}
END_TEST

START_TEST(a_runner_can_go_with_runs_under_way)
{
	struct story *st = begin();

	for (int i = 0; i < 20; i++) {
		start(st, "loop", "", "mode=silent");
		start(st, "work", "", "");
		start(st, "loop", "", "mode=in_start");
		start(st, "loop", "localhost", "");
		start(st, "work", "localhost", "");
	}
	finish(st);
	ck_assert_int_eq(st->n, 0);
}
END_TEST

static void
one_of_each(struct story *st)
{
	start(st, "loop", "", "say=x");
	start(st, "loop", "", "mode=in_start");
	start(st, "work", "", "mode=two");
	start(st, "work", "localhost", "say=x");
	start(st, "loop", "localhost", "");
	start(st, "loop", "", "mode=refuse");
}

static int
answered(const struct story *st)
{
	int n = 0;

	for (int i = 0; i < st->n; i++)
		n += st->got[i].last;
	return n;
}

/* Whichever allocation fails: every run is answered all the same. */
START_TEST(without_memory_runs_are_still_answered)
{
	for (long fail = 1; fail <= 60; fail++) {
		struct story *st = begin();

		one_of_each(st);	/* so that slabs and threads are there */
		st->want = 7;
		run(st);
		st->n = 0;
		st->want = -1;
		mem_fail_at(fail);
		one_of_each(st);
		mem_fail_at(0);
		while (answered(st) < 6) {
			st->want = st->n + 1;
			run(st);
		}
		finish(st);
	}
}
END_TEST

int
main(void)
{
	return STORIES("probe",
		what_does_not_fit_is_refused_with_the_reason,
		the_good_ones_of_a_directory_are_loaded,
		a_plugin_that_everybody_may_write_is_refused,
		options_are_read_by_their_rows,
		a_run_is_answered_once,
		an_answer_within_start_comes_afterwards,
		a_silent_probe_is_answered_for_and_called_off,
		a_second_report_and_a_wrong_slot_are_counted_and_dropped,
		undeclared_and_infinite_metrics_are_dropped_the_others_kept,
		a_reason_that_does_not_fit_is_the_probes_error,
		a_probe_that_will_not_start_and_one_that_is_not_there,
		hostile_text_is_cleaned_and_cut,
		runs_may_be_started_from_within_a_result,
		a_thousand_runs_come_back_each_under_its_own_check,
		names_are_resolved_and_unknown_ones_are_the_targets_fault,
		a_worker_gives_one_result_for_each_device,
		a_worker_that_fails_says_how,
		a_stuck_worker_is_replaced_and_welcome_back,
		runs_that_no_worker_takes_in_time_are_missed_slots,
		many_runs_of_a_worker_probe_wait_their_turn,
		a_runner_can_go_with_runs_under_way,
		without_memory_runs_are_still_answered);
}
