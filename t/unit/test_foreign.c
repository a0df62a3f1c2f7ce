/*
 * Plugins of others in a process of their own: whatever they do to it, the
 * runner answers, and they are back within a second.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/runner.h"
#include "sched/sched.h"
#include "t/lib/story.h"

#define PATIENCE_S 30

struct story {
	struct sched *s;
	struct runner *r;
	struct sched_timer patience;
	struct sched_timer retry;
	int n, want;
	int lasts;
	enum tocsin_reason reason;
	char text[256];
	char serial[64];
	double deeds;
	uint64_t pid;
	char instance[64];
};

static struct story the_story;

static void
give_up(void *arg, struct mono now)
{
	(void)now;
	sched_stop(((struct story *)arg)->s);
}

static void
on_result(void *arg, uint32_t check, uint32_t seq, const struct observation *ob,
	bool last)
{
	struct story *st = arg;

	(void)check;
	(void)seq;
	st->n++;
	st->lasts += last;
	st->reason = ob->reason;
	snprintf(st->text, sizeof(st->text), "%s", ob->text);
	if (!last)
		snprintf(st->serial, sizeof(st->serial), "%s",
			ob->device.serial);
	for (size_t i = 0; i < ob->n_metrics; i++) {
		const struct metric *m = &ob->metrics[i];

		if (strcmp(m->name, "evil_pid") == 0)
			st->pid = (uint64_t)metric_number(m);
		if (strcmp(m->name, "evil_deeds") != 0)
			continue;
		st->deeds = metric_number(m);
		snprintf(st->instance, sizeof(st->instance), "%s", m->instance);
	}
	if (st->lasts == st->want)
		sched_stop(st->s);
}

static struct story *
begin(const char *name)
{
	static char dir[4096], worker[4096];
	struct story *st = &the_story;
	const char *build = getenv("top_builddir");
	struct runner_conf conf = { .clock = clock_system(), .arg = st,
		.plugin_dir = "/nonexistent", .foreign_dir = dir,
		.worker = worker, .on_result = on_result };
	struct tc_err e = { 0 };

	*st = (struct story){ .want = 1 };
	snprintf(dir, sizeof(dir), "%s/t/plugins/foreign/.libs:"
		"%s/t/plugins/.libs", build ? build : ".", build ? build : ".");
	snprintf(worker, sizeof(worker), "%s/tocsin-worker",
		build ? build : ".");
	st->s = sched_new(&e);
	conf.sched = st->s;
	st->r = runner_new(&conf, &e);
	ck_assert_msg(st->r != NULL, "%s", e.text);
	ck_assert_msg(runner_load(st->r, name, &e) == 0, "%s", e.text);
	sched_timer_init(&st->patience, give_up, st);
	return st;
}

static void
finish(struct story *st)
{
	runner_free(st->r);
	sched_free(st->s);
}

static void
start(struct story *st, const char *what, struct dur timeout)
{
	struct tocsin_value v[2];
	const struct tocsin_opt *rows = runner_opts(st->r, "evil");
	struct engine_run run = { .check = 1, .seq = 1, .probe = "evil",
		.host = "h1", .address = "127.0.0.1", .opt_rows = rows,
		.opts = v, .timeout = timeout };

	ck_assert_int_eq(runner_opt_parse(&rows[0], what, &v[0], NULL), 0);
	v[1] = (struct tocsin_value){ .s = "hello" };
	runner_start(st->r, &run, 1);
}

static void
go(struct story *st, const char *what, struct dur timeout)
{
	st->n = st->lasts = 0;
	sched_at(st->s, &st->patience,
		mono_add(sched_now(st->s), dur_s(PATIENCE_S)));
	start(st, what, timeout);
	sched_run(st->s);
	ck_assert_msg(st->lasts == st->want, "no answer to %s", what);
}

START_TEST(a_plugin_of_others_works_as_one_of_ours)
{
	struct story *st = begin("evil");

	ck_assert_str_eq(runner_probe(st->r, "evil")->help, "does its worst");
	ck_assert_str_eq(runner_opts(st->r, "evil")[0].choices,
		"well|crash|abort|exit|spin|nonsense");
	go(st, "well", dur_s(10));
	ck_assert_int_eq(st->reason, TOCSIN_WHY_NONE);
	ck_assert_int_eq(st->n, 2);
	ck_assert_str_eq(st->serial, "S1");
	ck_assert_str_eq(st->text, "hello");
	ck_assert_double_eq(st->deeds, 2.5);
	ck_assert_str_eq(st->instance, "a=\"b\"");
	ck_assert_uint_ne(st->pid, (uint64_t)getpid());
	finish(st);
}
END_TEST

/* Asks until the plugin is back; that takes less than a second. */
static void
ck_is_back(struct story *st)
{
	struct mono since = sched_now(st->s);

	do {
		go(st, "well", dur_s(10));
	} while (st->reason != TOCSIN_WHY_NONE &&
		mono_diff(sched_now(st->s), since).ns < dur_s(2).ns);
	ck_assert_msg(st->reason == TOCSIN_WHY_NONE, "%s", st->text);
	ck_assert_int_lt(mono_diff(sched_now(st->s), since).ns, dur_s(1).ns);
}

START_TEST(what_crashes_takes_only_its_worker_along)
{
	static const struct {
		const char *what, *text;
	} cases[] = {
		{ "crash", STORY_ASAN ? "ended with status 1" :
			"ended by signal 11: Segmentation fault" },
		{ "abort", "ended by signal 6: Aborted" },
		{ "exit", "ended with status 7" },
		{ "nonsense", "its worker talks nonsense" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct story *st = begin("evil");

		go(st, cases[i].what, dur_s(10));
		ck_assert_int_eq(st->reason, TOCSIN_WHY_PROBE_CRASHED);
		ck_assert_str_eq(st->text, cases[i].text);
		ck_is_back(st);
		finish(st);
	}
}
END_TEST

START_TEST(what_is_stuck_is_killed_and_replaced)
{
	struct story *st = begin("evil");

	go(st, "spin", dur_ms(200));
	ck_assert_int_eq(st->reason, TOCSIN_WHY_PROBE_TIMEOUT);
	ck_is_back(st);
	finish(st);
}
END_TEST

/* 10 crashes; pauses grow, the runner is as it was. */
START_TEST(what_crashes_always_is_tried_less_and_less)
{
	struct story *st = begin("evil");
	int started = 0, refused = 0;

	for (int i = 0; i < 200; i++) {
		go(st, "crash", dur_s(10));
		ck_assert_int_eq(st->reason, TOCSIN_WHY_PROBE_CRASHED);
		if (strstr(st->text, "not back yet") != NULL)
			refused++;
		else
			started++;
	}
	ck_assert_int_ge(started, 1);
	ck_assert_int_le(started, 20);
	ck_assert_int_gt(refused, 100);
	finish(st);
}
END_TEST

START_TEST(many_runs_in_one_worker_are_all_answered)
{
	struct story *st = begin("evil");

	st->want = 50;
	for (int i = 1; i < 50; i++)
		start(st, "well", dur_s(20));
	go(st, "well", dur_s(20));
	ck_assert_int_eq(st->reason, TOCSIN_WHY_NONE);
	ck_assert_int_eq(st->n, 100);
	finish(st);
}
END_TEST

START_TEST(what_cannot_be_loaded_says_why)
{
	static const struct { const char *name, *why; } cases[] = {
		{ "bad_major", "ABI 2" }, { "bad_name", "calls itself" },
		{ "bad_metric", "bad name" }, { "nobody", "no probe" },
	};
	struct story *st = begin("evil");
	struct tc_err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		ck_assert_int_lt(runner_load(st->r, cases[i].name, &e), 0);
		ck_assert_msg(strstr(e.text, cases[i].why) != NULL, "%s",
			e.text);
	}
	finish(st);
}
END_TEST

int
main(void)
{
	return STORIES("foreign", a_plugin_of_others_works_as_one_of_ours,
		what_crashes_takes_only_its_worker_along,
		what_is_stuck_is_killed_and_replaced,
		what_crashes_always_is_tried_less_and_less,
		many_runs_in_one_worker_are_all_answered,
		what_cannot_be_loaded_says_why);
}
