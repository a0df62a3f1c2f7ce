/*
 * exec: plugins that behave, and plugins that do their worst.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "probe/runner.h"
#include "sched/sched.h"
#include "t/lib/scratch.h"
#include "t/lib/story.h"

#define PATIENCE_S 40
#define PLUGINS "/usr/lib/nagios/plugins/"

struct metric_seen {
	char name[128];
	char instance[160];
	double v;
};

struct story {
	struct sched *s;
	struct runner *r;
	struct sched_timer patience;
	char dir[64];
	int n;
	int want;
	enum tocsin_outcome outcome;
	enum tocsin_reason reason;
	char text[256];
	struct metric_seen metrics[64];
	size_t n_metrics;
	struct mono began;
	struct dur took;	/* until the last answer */
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
	ck_assert(last);
	ck_assert(ob->own_row);
	st->n++;
	st->outcome = ob->outcome;
	st->reason = ob->reason;
	snprintf(st->text, sizeof(st->text), "%s", ob->text);
	st->n_metrics = ob->n_metrics < 64 ? ob->n_metrics : 64;
	for (size_t i = 0; i < st->n_metrics; i++) {
		struct metric_seen *m = &st->metrics[i];

		snprintf(m->name, sizeof(m->name), "%s", ob->metrics[i].name);
		snprintf(m->instance, sizeof(m->instance), "%s",
			ob->metrics[i].instance);
		m->v = metric_number(&ob->metrics[i]);
	}
	st->took = mono_diff(sched_now(st->s), st->began);
	if (st->n == st->want)
		sched_stop(st->s);
}

static struct story *
begin(void)
{
	struct story *st = &the_story;
	struct runner_conf conf = { .clock = clock_system(),
		.plugin_dir = "/nonexistent", .on_result = on_result, .arg = st };
	struct tc_err e = { 0 };

	*st = (struct story){ .want = 1 };
	snprintf(st->dir, sizeof(st->dir), "/tmp/tocsin-exec-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(st->dir));
	st->s = sched_new(&e);
	conf.sched = st->s;
	st->r = runner_new(&conf, &e);
	ck_assert_msg(st->r != NULL, "%s", e.text);
	sched_timer_init(&st->patience, give_up, st);
	return st;
}

/* Neither zombies nor anything alive is left below us. */
static void
children_now(char *list, size_t size)
{
	FILE *f;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	f = fopen(path, "r");
	list[0] = '\0';
	if (f != NULL && fgets(list, (int)size, f) == NULL)
		list[0] = '\0';
	if (f != NULL)
		fclose(f);
}

static void
tick(void *arg, struct mono now)
{
	struct story *st = arg;
	char list[256];

	children_now(list, sizeof(list));
	if (list[0] == '\0' || mono_diff(now, st->began).ns > dur_s(10).ns)
		sched_stop(st->s);
	else
		sched_at(st->s, &st->patience, mono_add(now, dur_ms(20)));
}

static void
ck_nothing_left(struct story *st)
{
	char list[256];

	st->began = sched_now(st->s);
	sched_cancel(st->s, &st->patience);	/* it still waits */
	sched_timer_init(&st->patience, tick, st);
	sched_at(st->s, &st->patience, sched_now(st->s));
	sched_run(st->s);
	children_now(list, sizeof(list));
	ck_assert_msg(list[0] == '\0', "left behind: %s", list);
}

static void
finish(struct story *st)
{
	runner_free(st->r);
	sched_free(st->s);
	scratch_remove(st->dir);
}

struct wish {
	const char *command;
	const char *env;
	const char *name;
	const char *host;
	const char *address;
	struct dur timeout;
};

static void
start(struct story *st, const struct wish *w)
{
	static struct tocsin_value v[8];
	const struct tocsin_opt *rows = runner_opts(st->r, "exec");
	const struct tocsin_value *dflt = runner_defaults(st->r, "exec");
	struct engine_run run = { .check = 1, .seq = 1, .probe = "exec",
		.host = w->host != NULL ? w->host : "h1",
		.address = w->address != NULL ? w->address : "127.0.0.1",
		.opt_rows = rows, .opts = v,
		.timeout = w->timeout.ns != 0 ? w->timeout : dur_s(20) };

	for (size_t i = 0; rows[i].name != NULL; i++) {
		v[i] = dflt[i];
		if (strcmp(rows[i].name, "command") == 0)
			v[i].s = w->command;
		if (strcmp(rows[i].name, "env") == 0 && w->env != NULL)
			v[i].s = w->env;
		if (strcmp(rows[i].name, "name") == 0 && w->name != NULL)
			v[i].s = w->name;
	}
	runner_start(st->r, &run, 1);
}

static void
go(struct story *st, struct wish w)
{
	st->n = 0;
	st->want = 1;
	st->began = sched_now(st->s);
	sched_cancel(st->s, &st->patience);
	sched_timer_init(&st->patience, give_up, st);
	sched_at(st->s, &st->patience, mono_add(st->began, dur_s(PATIENCE_S)));
	start(st, &w);
	sched_run(st->s);
	ck_assert_msg(st->n == 1, "no answer for %s", w.command);
}

/* A plugin of the test's own; the command to run it. */
static const char *
script(struct story *st, const char *name, const char *text)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", st->dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "#!/bin/sh\n%s\n", text);
	fclose(f);
	ck_assert_int_eq(chmod(path, 0755), 0);
	return path;
}

static double
value(const struct story *st, const char *name, const char *instance)
{
	for (size_t i = 0; i < st->n_metrics; i++)
		if (strcmp(st->metrics[i].name, name) == 0 &&
		    strcmp(st->metrics[i].instance, instance) == 0)
			return st->metrics[i].v;
	ck_abort_msg("no %s{%s}", name, instance);
	return 0;
}

START_TEST(exit_codes_become_outcomes_and_reasons)
{
	static const struct {
		const char *text;
		enum tocsin_outcome outcome;
		enum tocsin_reason reason;
	} cases[] = {
		{ "echo fine; exit 0", TOCSIN_OK, TOCSIN_WHY_NONE },
		{ "echo fine; exit 1", TOCSIN_OK, TOCSIN_WHY_REPORTED_WARNING },
		{ "echo fine; exit 2", TOCSIN_FAIL,
			TOCSIN_WHY_REPORTED_CRITICAL },
		{ "echo fine; exit 3", TOCSIN_UNKNOWN, TOCSIN_WHY_EXEC_UNKNOWN },
		{ "echo fine; exit 4", TOCSIN_UNKNOWN, TOCSIN_WHY_BAD_OUTPUT },
		{ "kill -SEGV $$", TOCSIN_UNKNOWN, TOCSIN_WHY_EXEC_SIGNAL },
		{ "printf 'OK \\000 \\001'; exit 0", TOCSIN_UNKNOWN,
			TOCSIN_WHY_BAD_OUTPUT },
	};
	struct story *st = begin();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		go(st, (struct wish){ script(st, "check_x", cases[i].text) });
		ck_assert_msg(st->outcome == cases[i].outcome &&
			st->reason == cases[i].reason, "%s: %d %s",
			cases[i].text, (int)st->reason, st->text);
	}
	finish(st);
}
END_TEST

START_TEST(what_cannot_be_run_is_never_the_hosts_fault)
{
	static const struct {
		const char *command;
		enum tocsin_reason reason;
	} cases[] = {
		{ "/nonexistent/check_x", TOCSIN_WHY_EXEC_FAILED },
		{ "/etc/passwd", TOCSIN_WHY_EXEC_FAILED },
		{ "check_that_nobody_has", TOCSIN_WHY_EXEC_FAILED },
		{ "./check_x", TOCSIN_WHY_PROBE_ERROR },
		{ "/bin/echo 'open", TOCSIN_WHY_PROBE_ERROR },
		{ "/bin/echo \"open", TOCSIN_WHY_PROBE_ERROR },
		{ "/bin/echo a\\", TOCSIN_WHY_PROBE_ERROR },
		{ "/bin/echo a\nb", TOCSIN_WHY_PROBE_ERROR },
		{ "/bin/echo --host=%h", TOCSIN_WHY_PROBE_ERROR },
		{ "  ", TOCSIN_WHY_PROBE_ERROR },
	};
	struct story *st = begin();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		go(st, (struct wish){ cases[i].command });
		ck_assert_int_eq(st->outcome, TOCSIN_UNKNOWN);
		ck_assert_msg(st->reason == cases[i].reason, "%s: %d %s",
			cases[i].command, (int)st->reason, st->text);
	}
	go(st, (struct wish){ "/bin/true", .env = "NOVALUE" });
	ck_assert_int_eq(st->reason, TOCSIN_WHY_PROBE_ERROR);
	finish(st);
}
END_TEST

START_TEST(words_are_quoted_as_in_a_shell_but_no_shell_sees_them)
{
	struct story *st = begin();
	char command[512];

	snprintf(command, sizeof(command), "%s 'a b' \"c \\\" d\" e\\ f %%h %%n "
		"'$(touch %s/marker)' ';' '`id`' ''", script(st, "check_args",
		"for a; do printf '<%s>' \"$a\"; done; echo; echo $FOO $LC_ALL"),
		st->dir);
	go(st, (struct wish){ command, .env = "FOO='x y' LC_ALL=de",
		.host = "web1", .address = "10.0.0.1" });
	ck_assert_int_eq(st->reason, TOCSIN_WHY_NONE);
	snprintf(command, sizeof(command), "<a b><c \" d><e f><10.0.0.1><web1>"
		"<$(touch %s/marker)><;><`id`><>", st->dir);
	ck_assert_str_eq(st->text, command);
	snprintf(command, sizeof(command), "%s/marker", st->dir);
	ck_assert_int_ne(access(command, F_OK), 0);
	finish(st);
}
END_TEST

START_TEST(hostile_names_reach_no_plugin)
{
	static const char *const hostile[] = { "-oProxyCommand=touch", "--help",
		"a\nb", "a\rb", "\x7f", "\x1b[2J", "" };
	struct story *st = begin();

	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		go(st, (struct wish){ "/bin/echo %n", .host = hostile[i] });
		ck_assert_int_eq(st->reason, TOCSIN_WHY_PROBE_ERROR);
	}
	/* What a shell would act upon is an argument and nothing else. */
	for (int i = 0; i < 200; i++) {
		char name[160];

		snprintf(name, sizeof(name), "x%c$(touch %s/m);`id`&>%d",
			33 + i % 91, st->dir, i);
		go(st, (struct wish){ "/bin/echo %n", .host = name });
		ck_assert_int_eq(st->reason, TOCSIN_WHY_NONE);
		ck_assert_int_eq(strncmp(st->text, name, 40), 0);
	}
	finish(st);
}
END_TEST

START_TEST(performance_data_becomes_metrics)
{
	struct story *st = begin();
	const char *plugin = script(st, "check_demo.sh",
		"echo \"OK - up | time=12.5ms;;;0 used=20%;80;90 "
		"'/my home'=3KB hits=7c\"; echo more; echo 'x | late=1'");

	go(st, (struct wish){ plugin });
	ck_assert_str_eq(st->text, "OK - up");
	ck_assert_double_eq_tol(value(st, "demo_time_seconds", ""), 0.0125, 1e-9);
	ck_assert_double_eq_tol(value(st, "demo_used_ratio", ""), 0.2, 1e-9);
	ck_assert_double_eq(value(st, "demo_value_bytes",
		"label=\"/my home\""), 3072);
	ck_assert_double_eq(value(st, "demo_hits_total", ""), 7);
	ck_assert_double_eq(value(st, "demo_late", ""), 1);
	ck_assert_double_gt(value(st, "exec_duration_seconds", ""), 0);
	go(st, (struct wish){ plugin, .name = "smtp" });
	ck_assert_double_eq(value(st, "smtp_late", ""), 1);
	finish(st);
}
END_TEST

/* Each is gone and answered for within its timeout and two seconds. */
START_TEST(plugins_that_do_their_worst_are_ended)
{
	static const struct {
		const char *what;
		const char *text;
		enum tocsin_reason reason;
	} cases[] = {
		{ "hangs", "exec sleep 1000", TOCSIN_WHY_EXEC_TIMEOUT },
		{ "ignores SIGTERM", "trap '' TERM INT HUP; "
			"while :; do sleep 1; done", TOCSIN_WHY_EXEC_TIMEOUT },
		{ "stops itself", "kill -STOP $$", TOCSIN_WHY_EXEC_TIMEOUT },
		{ "writes a gigabyte", "head -c 1073741824 /dev/zero",
			TOCSIN_WHY_BAD_OUTPUT },
		{ "writes for ever", "exec yes", TOCSIN_WHY_BAD_OUTPUT },
		{ "burns", "while :; do :; done", TOCSIN_WHY_EXEC_TIMEOUT },
		{ "aborts", "kill -ABRT $$", TOCSIN_WHY_EXEC_SIGNAL },
		{ "leaves a child with its pipes", "sleep 1000 & echo ok",
			TOCSIN_WHY_NONE },
		{ "makes a daemon", "setsid sh -c 'sleep 1000 & sleep 1000' & "
			"echo ok; exit 0", TOCSIN_WHY_NONE },
		{ "makes a daemon with its pipes closed", "(setsid sh -c "
			"'(sleep 1000 &) ; sleep 999' >/dev/null 2>&1 <&- &); "
			"echo ok", TOCSIN_WHY_NONE },
		{ "hangs in a session of its own",
			"setsid -w sleep 1000", TOCSIN_WHY_EXEC_TIMEOUT },
		{ "opens files", "exec 3</dev/null 4<&3 5<&3 6<&3 7<&3; "
			"sleep 1000", TOCSIN_WHY_EXEC_TIMEOUT },
		{ "forks and forks", "bomb() { [ $1 -gt 6 ] || { bomb $(($1+1)) "
			"& bomb $(($1+1)) & }; sleep 1000; }; bomb 0",
			TOCSIN_WHY_EXEC_TIMEOUT },
		{ "forks sessions", "bomb() { [ $1 -gt 3 ] || for i in 1 2 3; "
			"do setsid $0 $(($1+1)) & done; sleep 1000; }; "
			"bomb ${1:-0}", TOCSIN_WHY_EXEC_TIMEOUT },
	};
	struct story *st = begin();

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		go(st, (struct wish){ script(st, "check_evil", cases[i].text),
			.timeout = dur_ms(1000) });
		ck_assert_msg(st->reason == cases[i].reason, "%s: %d %s",
			cases[i].what, (int)st->reason, st->text);
		ck_assert_msg(st->took.ns < dur_s(3).ns, "%s: %f s",
			cases[i].what, (double)st->took.ns / 1e9);
		ck_nothing_left(st);
		ck_assert_msg(mono_diff(sched_now(st->s), st->began).ns <
			dur_s(2).ns, "%s: lived on", cases[i].what);
	}
	finish(st);
}
END_TEST

START_TEST(a_daemon_of_a_plugin_that_still_runs_is_left_alone)
{
	struct story *st = begin();
	struct wish busy = { .timeout = dur_s(10) };
	char command[128];

	/* Its daemon tells it to end; others come and go meanwhile. */
	snprintf(command, sizeof(command), "%s", script(st, "check_long",
		"cd $(dirname $0); mkfifo f; (setsid sh -c 'sleep 1.5; "
		"echo ok > f' >/dev/null 2>&1 &); cat f"));
	busy.command = command;
	start(st, &busy);
	for (int i = 0; i < 3; i++) {
		struct wish quick = { "/bin/true" };

		start(st, &quick);
	}
	st->n = 0;
	st->want = 4;
	sched_at(st->s, &st->patience, mono_add(sched_now(st->s), dur_s(20)));
	sched_run(st->s);
	ck_assert_int_eq(st->n, 4);
	ck_assert_int_eq(st->reason, TOCSIN_WHY_NONE);
	ck_assert_str_eq(st->text, "ok");
	ck_nothing_left(st);
	finish(st);
}
END_TEST

/* 500 at once, twenty times: what a day of a small fleet starts. */
START_TEST(ten_thousand_runs_are_all_answered_and_leave_no_zombie)
{
	struct story *st = begin();
	struct wish quick = { "/bin/true" };

	for (int round = 1; round <= 20; round++) {
		for (int i = 0; i < 500; i++)
			start(st, &quick);
		st->want = 500 * round;
		sched_cancel(st->s, &st->patience);
		sched_timer_init(&st->patience, give_up, st);
		sched_at(st->s, &st->patience,
			mono_add(sched_now(st->s), dur_s(PATIENCE_S)));
		sched_run(st->s);
		ck_assert_int_eq(st->n, 500 * round);
		ck_assert_int_eq(st->reason, TOCSIN_WHY_NONE);
		ck_nothing_left(st);
	}
	finish(st);
}
END_TEST

/* Those of the package monitoring-plugins-basic, as they are. */
/* Not in a plain chroot, and check_disk knows mounts only. */
static bool
root_is_a_mount(void)
{
	struct strbuf text = { 0 };
	bool is = file_slurp("/proc/self/mounts", 0, &text, NULL) == 0 &&
		strstr(text.p, " / ") != NULL;

	strbuf_free(&text);
	return is;
}

START_TEST(real_plugins_run_unchanged)
{
	static const struct {
		const char *command;
		enum tocsin_reason reason;
		const char *metric;	/* NULL = none wanted */
		const char *instance;
	} cases[] = {
		{ "check_disk -w 0% -c 0% -p /", TOCSIN_WHY_NONE,
			"disk_value_bytes", "label=\"/\"" },
		{ "check_load -w 9999,9999,9999 -c 9999,9999,9999",
			TOCSIN_WHY_NONE, "load_load1", "" },
		{ "check_procs -w 0:99999", TOCSIN_WHY_NONE, "procs_procs", "" },
		{ "check_users -w 999 -c 9999", TOCSIN_WHY_NONE,
			"users_users", "" },
		{ "check_swap -w 2% -c 1% -n ok", TOCSIN_WHY_NONE,
			"swap_swap_bytes", "" },
		{ "check_dummy 0 'all is well'", TOCSIN_WHY_NONE, NULL, "" },
		{ "check_dummy 1 hm", TOCSIN_WHY_REPORTED_WARNING, NULL, "" },
		{ "check_dummy 2 oh", TOCSIN_WHY_REPORTED_CRITICAL, NULL, "" },
		{ "check_dummy 3 what", TOCSIN_WHY_EXEC_UNKNOWN, NULL, "" },
		{ "check_file_age -f /etc/passwd -w 9999999999 -c 9999999999",
			TOCSIN_WHY_NONE, "file_age_age_seconds", "" },
		{ "check_tcp -H %h -p 1", TOCSIN_WHY_REPORTED_CRITICAL, NULL,
			"" },
		{ "check_http -I %h -p 1", TOCSIN_WHY_REPORTED_CRITICAL, NULL,
			"" },
		{ "check_ssh -H %h -p 1", TOCSIN_WHY_REPORTED_CRITICAL, NULL,
			"" },
		{ "check_smtp -H %h -p 1", TOCSIN_WHY_REPORTED_CRITICAL, NULL,
			"" },
		{ "check_log -F /nonexistent -O /tmp/x -q y",
			TOCSIN_WHY_EXEC_UNKNOWN, NULL, "" },
		{ "negate -o OK check_dummy 2", TOCSIN_WHY_EXEC_UNKNOWN, NULL,
			"" },
	};
	struct story *st = begin();

	if (access(PLUGINS "check_dummy", X_OK) != 0) {
		printf("skipped: no monitoring-plugins-basic here\n");
		finish(st);
		return;
	}
	for (size_t i = root_is_a_mount() ? 0 : 1; i < ARRAY_LEN(cases); i++) {
		go(st, (struct wish){ cases[i].command });
		ck_assert_msg(st->reason == cases[i].reason, "%s: %d %s",
			cases[i].command, (int)st->reason, st->text);
		if (cases[i].metric != NULL)
			(void)value(st, cases[i].metric, cases[i].instance);
	}
	finish(st);
}
END_TEST

int
main(void)
{
	return STORIES("exec", exit_codes_become_outcomes_and_reasons,
		what_cannot_be_run_is_never_the_hosts_fault,
		words_are_quoted_as_in_a_shell_but_no_shell_sees_them,
		hostile_names_reach_no_plugin, performance_data_becomes_metrics,
		plugins_that_do_their_worst_are_ended,
		a_daemon_of_a_plugin_that_still_runs_is_left_alone,
		ten_thousand_runs_are_all_answered_and_leave_no_zombie,
		real_plugins_run_unchanged);
}
