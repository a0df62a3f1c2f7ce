/*
 * sched: the loop, its timers, watches, children and names.  Every story
 * waits for an event, with a deadline that only a fault can reach.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sched/child.h"
#include "sched/resolve.h"
#include "sched/sched.h"
#include "t/lib/story.h"

#define PATIENCE_S 20

struct story {
	struct sched *s;
	struct sched_timer patience;
	struct sched_timer timers[4];
	int order[16];
	int n;
	int want;	/* stop after so many */
	bool gave_up;
};

static void
give_up(void *arg, struct mono now)
{
	struct story *st = arg;

	(void)now;
	st->gave_up = true;
	sched_stop(st->s);
}

static void
begin(struct story *st, int want)
{
	struct tc_err e;

	*st = (struct story){ .want = want };
	st->s = sched_new(&e);
	ck_assert_msg(st->s != NULL, "%s", e.text);
	sched_timer_init(&st->patience, give_up, st);
	sched_at(st->s, &st->patience,
		mono_add(sched_now(st->s), dur_s(PATIENCE_S)));
}

static void
note(struct story *st, int what)
{
	ck_assert_int_lt(st->n, (int)ARRAY_LEN(st->order));
	st->order[st->n++] = what;
	if (st->n == st->want)
		sched_stop(st->s);
}

static void
run(struct story *st)
{
	sched_run(st->s);
	ck_assert_msg(!st->gave_up, "gave up after %d events", st->n);
}

static void
finish(struct story *st)
{
	sched_free(st->s);
}

/* ---- timers ---- */

static void
fire_0(void *arg, struct mono now)
{
	struct story *st = arg;

	ck_assert_int_ge(now.ns, 0);
	note(st, 0);
}

static void
fire_1(void *arg, struct mono now)
{
	(void)now;
	note(arg, 1);
}

static void
fire_2_again(void *arg, struct mono now)
{
	struct story *st = arg;

	note(st, 2);
	sched_at(st->s, &st->timers[2], now);	/* at once, but a turn later */
}

START_TEST(timers_fire_in_order_and_not_before_they_are_due)
{
	struct story st;
	struct mono start;

	begin(&st, 2);
	start = sched_now(st.s);
	sched_timer_init(&st.timers[0], fire_0, &st);
	sched_timer_init(&st.timers[1], fire_1, &st);
	sched_at(st.s, &st.timers[0], mono_add(start, dur_ms(30)));
	sched_at(st.s, &st.timers[1], mono_add(start, dur_ms(10)));
	run(&st);
	ck_assert_int_eq(st.order[0], 1);
	ck_assert_int_eq(st.order[1], 0);
	ck_assert_int_ge(mono_diff(sched_now(st.s), start).ns, dur_ms(30).ns);
	finish(&st);
}
END_TEST

START_TEST(a_timer_can_be_moved_and_called_off)
{
	struct story st;
	struct mono start;

	begin(&st, 1);
	start = sched_now(st.s);
	sched_timer_init(&st.timers[0], fire_0, &st);
	sched_timer_init(&st.timers[1], fire_1, &st);
	sched_at(st.s, &st.timers[0], mono_add(start, dur_ms(1)));
	sched_at(st.s, &st.timers[0], mono_add(start, dur_ms(15)));
	sched_at(st.s, &st.timers[1], mono_add(start, dur_ms(2)));
	sched_cancel(st.s, &st.timers[1]);
	sched_cancel(st.s, &st.timers[1]);
	ck_assert(!sched_armed(&st.timers[1]));
	run(&st);
	ck_assert_int_eq(st.order[0], 0);
	ck_assert_int_ge(mono_diff(sched_now(st.s), start).ns, dur_ms(15).ns);
	finish(&st);
}
END_TEST

START_TEST(a_timer_that_is_always_due_starves_nobody)
{
	struct story st;

	begin(&st, 12);
	sched_timer_init(&st.timers[0], fire_0, &st);
	sched_timer_init(&st.timers[2], fire_2_again, &st);
	sched_at(st.s, &st.timers[2], (struct mono){ 0 });
	sched_at(st.s, &st.timers[0],
		mono_add(sched_now(st.s), dur_ns(1)));
	run(&st);
	for (int i = 0; i < st.n; i++) {
		if (st.order[i] == 0)
			st.order[0] = 0;
	}
	ck_assert_int_eq(st.order[0], 0);
	sched_cancel(st.s, &st.timers[2]);
	finish(&st);
}
END_TEST

/* ---- descriptors, wake-ups, signals ---- */

static void
readable(void *arg, int fd, unsigned events)
{
	char c;

	ck_assert(events & SCHED_READ);
	ck_assert_int_eq(read(fd, &c, 1), 1);
	note(arg, c);
}

START_TEST(a_descriptor_is_told_while_it_is_watched)
{
	struct story st;
	struct sched_fd *w;
	int ends[2];

	begin(&st, 2);
	ck_assert_int_eq(pipe(ends), 0);
	w = sched_fd_open(st.s, ends[0], readable, &st, NULL);
	ck_assert_ptr_nonnull(w);
	ck_assert_int_eq(write(ends[1], "ab", 2), 2);
	ck_assert_int_eq(sched_fd_set(w, SCHED_READ), 0);
	run(&st);
	ck_assert_int_eq(st.order[0], 'a');
	ck_assert_int_eq(st.order[1], 'b');
	sched_fd_set(w, 0);
	ck_assert_int_eq(write(ends[1], "c", 1), 1);
	st.want = 3;
	sched_timer_init(&st.timers[0], fire_0, &st);
	sched_at(st.s, &st.timers[0], mono_add(sched_now(st.s), dur_ms(5)));
	run(&st);
	ck_assert_int_eq(st.order[2], 0);
	sched_fd_close(w);
	close(ends[0]);
	close(ends[1]);
	finish(&st);
}
END_TEST

static void
errs(void *arg, int fd, unsigned events)
{
	int err = 0;
	socklen_t n = sizeof(err);

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n);
	if ((events & SCHED_ERROR) != 0)
		note(arg, err);
}

/* libuv itself ends a watch at the first EPOLLERR. */
START_TEST(a_socket_error_does_not_end_the_watch)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sched_fd *w;
	struct story st;

	begin(&st, 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		ck_abort_msg("no loopback");
	w = sched_fd_open(st.s, fd, errs, &st, NULL);
	sched_fd_set(w, SCHED_READ);
	for (st.want = 1; st.want <= 3; st.want++) {
		ck_assert_int_eq(send(fd, "x", 1, 0), 1);
		run(&st);
		ck_assert_int_eq(st.order[st.want - 1], ECONNREFUSED);
	}
	sched_fd_close(w);
	close(fd);
	finish(&st);
}
END_TEST

static void
woken(void *arg)
{
	note(arg, 7);
}

static void *
sender(void *wake)
{
	sched_wake_send(wake);
	return NULL;
}

START_TEST(another_thread_wakes_the_loop)
{
	struct story st;
	struct sched_wake *w;
	pthread_t thread;

	begin(&st, 1);
	w = sched_wake_open(st.s, woken, &st, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, sender, w), 0);
	run(&st);
	pthread_join(thread, NULL);
	sched_wake_close(w);
	finish(&st);
}
END_TEST

static void
signalled(void *arg, int signum)
{
	note(arg, signum);
}

START_TEST(a_signal_is_an_event)
{
	struct story st;
	struct sched_signal *g;

	begin(&st, 1);
	g = sched_signal_open(st.s, SIGUSR1, signalled, &st, NULL);
	ck_assert_ptr_nonnull(g);
	kill(getpid(), SIGUSR1);
	run(&st);
	ck_assert_int_eq(st.order[0], SIGUSR1);
	sched_signal_close(g);
	finish(&st);
}
END_TEST

/* ---- children ---- */

struct ended {
	struct story *st;
	struct sched_child_result res;
	char out[256];
	size_t n_out;
};

static void
child_done(void *arg, const struct sched_child_result *res)
{
	struct ended *en = arg;

	en->res = *res;
	en->n_out = res->n_out;
	snprintf(en->out, sizeof(en->out), "%s", res->out);
	note(en->st, 1);
}

static struct ended
outcome(struct story *st, const char *script, struct sched_child_conf conf)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };
	struct sched_children *k = sched_children_new(st->s, NULL);
	struct ended en = { .st = st };
	struct tc_err e;

	if (conf.argv == NULL)
		conf.argv = argv;
	if (conf.deadline.ns == 0)
		conf.deadline = dur_s(PATIENCE_S);
	conf.done = child_done;
	conf.arg = &en;
	st->want = st->n + 1;
	ck_assert_msg(sched_child_start(k, &conf, NULL, &e) == 0, "%s", e.text);
	ck_assert_int_eq(st->n, st->want - 1);	/* never from within start */
	run(st);
	sched_children_free(k);
	return en;
}

START_TEST(a_child_is_given_input_and_gives_output_and_status)
{
	struct story st;
	struct ended en;

	begin(&st, 0);
	en = outcome(&st, "cat; echo oops >&2; exit 3",
		(struct sched_child_conf){ .input = "hello", .n_input = 5 });
	ck_assert_int_eq(en.res.end, CHILD_EXITED);
	ck_assert_int_eq(en.res.code, 3);
	ck_assert_str_eq(en.out, "hello");
	ck_assert_uint_eq(en.res.n_err, 5);
	en = outcome(&st, "cat; echo $PATH | cut -c 1; pwd; kill -9 $$",
		(struct sched_child_conf){ .dir = "/usr" });
	ck_assert_int_eq(en.res.end, CHILD_SIGNALLED);
	ck_assert_int_eq(en.res.code, SIGKILL);
	ck_assert_str_eq(en.out, "/\n/usr\n");
	finish(&st);
}
END_TEST

START_TEST(what_cannot_be_executed_says_why)
{
	static const struct { const char *path; int err; } cases[] = {
		{ "/nonexistent/plugin", ENOENT },
		{ "/etc/passwd", EACCES },
		{ "/etc", EACCES },
	};
	struct story st;

	begin(&st, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *argv[] = { cases[i].path, NULL };
		struct ended en = outcome(&st, NULL,
			(struct sched_child_conf){ .argv = argv });

		ck_assert_int_eq(en.res.end, CHILD_NOT_EXECUTED);
		ck_assert_int_eq(en.res.code, cases[i].err);
	}
	finish(&st);
}
END_TEST

START_TEST(a_name_without_a_path_is_refused)
{
	const char *argv[] = { "sh", NULL };
	struct sched_child_conf conf = { .argv = argv };
	struct sched_children *k;
	struct story st;

	begin(&st, 0);
	k = sched_children_new(st.s, NULL);
	ck_assert_int_eq(sched_child_start(k, &conf, NULL, NULL), TC_EINVAL);
	sched_children_free(k);
	finish(&st);
}
END_TEST

START_TEST(output_is_capped_and_the_child_still_ends)
{
	struct story st;
	struct ended en;

	begin(&st, 0);
	en = outcome(&st, "head -c 1000000 /dev/zero; exit 4",
		(struct sched_child_conf){ 0 });
	ck_assert_int_eq(en.res.code, 4);
	ck_assert_uint_eq(en.n_out, SCHED_CHILD_OUTPUT_MAX);
	ck_assert(en.res.cut);
	en = outcome(&st, "echo abcdef", (struct sched_child_conf){
		.output_max = 3 });
	ck_assert_str_eq(en.out, "abc");
	finish(&st);
}
END_TEST

/* The grandchild would hold the pipe open for ever. */
START_TEST(the_whole_group_is_killed_at_the_deadline)
{
	struct story st;
	struct ended en;

	begin(&st, 0);
	en = outcome(&st, "echo begun; sleep 1000 & sleep 1000",
		(struct sched_child_conf){ .deadline = dur_ms(200) });
	ck_assert_int_eq(en.res.end, CHILD_TIMED_OUT);
	ck_assert_str_eq(en.out, "begun\n");
	ck_assert_int_lt(en.res.took.ns, dur_s(5).ns);
	en = outcome(&st, "sleep 1000 & echo left $!",
		(struct sched_child_conf){ 0 });
	ck_assert_int_eq(en.res.end, CHILD_EXITED);
	ck_assert_str_ne(en.out, "");
	finish(&st);
}
END_TEST

START_TEST(a_child_has_only_the_three_descriptors_and_no_ignored_signals)
{
	struct story st;
	struct ended en;
	int leak = open("/dev/null", O_RDONLY);	/* without CLOEXEC */

	begin(&st, 0);
	signal(SIGPIPE, SIG_IGN);	/* lint: as the daemon does */
	en = outcome(&st, "ls /proc/self/fd | wc -l; "
		"grep SigIgn /proc/self/status; grep SigBlk /proc/self/status",
		(struct sched_child_conf){ 0 });
	/* 0, 1, 2 and ls's own descriptor of the directory */
	ck_assert_msg(strcmp(en.out, "4\nSigIgn:\t0000000000000000\n"
		"SigBlk:\t0000000000000000\n") == 0, "%s", en.out);
	close(leak);
	finish(&st);
}
END_TEST

START_TEST(many_children_at_once)
{
	const char *argv[] = { "/bin/true", NULL };
	struct sched_children *k;
	struct ended en;
	struct story st;

	begin(&st, 0);
	k = sched_children_new(st.s, NULL);
	en = (struct ended){ .st = &st };
	for (int round = 0; round < 10; round++) {
		st.n = 0;
		st.want = 12;
		for (int i = 0; i < 12; i++) {
			struct sched_child_conf conf = { .argv = argv,
				.deadline = dur_s(PATIENCE_S),
				.done = child_done, .arg = &en };

			ck_assert_int_eq(sched_child_start(k, &conf, NULL, NULL), 0);
		}
		run(&st);
		ck_assert_uint_eq(sched_children_count(k), 0);
	}
	sched_children_free(k);
	finish(&st);
}
END_TEST

/* ---- names ---- */

struct asked {
	struct story *st;
	struct sched_addr answer;
	atomic_int asks;
	atomic_int hold;	/* the name service hangs while this is 1 */
};

static void
fake_dns(void *arg, const char *name, struct sched_addr *out)
{
	struct asked *as = arg;

	as->asks++;
	while (as->hold)
		sched_yield();
	if (strcmp(name, "good") != 0 || !sched_addr_parse("192.0.2.7", out))
		out->rc = strcmp(name, "sick") == 0 ? TC_EAGAIN : TC_ENOENT;
}

static void
answered(void *arg, const struct sched_addr *answer)
{
	struct asked *as = arg;

	as->answer = *answer;
	note(as->st, 1);
}

static void
ask(struct asked *as, struct sched_resolver *r, const char *name, int64_t ms)
{
	struct sched_question q = { .name = name, .fn = answered, .arg = as,
		.deadline = mono_add(sched_now(as->st->s), dur_ms(ms)) };

	ck_assert_ptr_nonnull(sched_resolve(r, &q));
}

START_TEST(names_are_asked_once_and_kept)
{
	struct story st;
	struct asked as = { .st = &st };
	struct sched_resolver *r;

	begin(&st, 2);
	r = sched_resolver_new(st.s, NULL);
	sched_resolver_fake(r, fake_dns, &as);
	ck_assert_ptr_null(sched_resolver_cached(r, "good"));
	ask(&as, r, "good", 10000);
	ask(&as, r, "good", 10000);
	run(&st);
	ck_assert_int_eq(as.answer.rc, 0);
	ck_assert_int_eq(as.asks, 1);
	ck_assert_int_eq(sched_resolver_cached(r, "good")->sa.in.sin_family,
		AF_INET);
	st.want = 3;
	ask(&as, r, "bad", 10000);
	run(&st);
	ck_assert_int_eq(as.answer.rc, TC_ENOENT);
	ck_assert_int_eq(sched_resolver_cached(r, "bad")->rc, TC_ENOENT);
	st.want = 4;
	ask(&as, r, "sick", 10000);
	run(&st);
	ck_assert_int_eq(as.answer.rc, TC_EAGAIN);
	ck_assert_ptr_null(sched_resolver_cached(r, "sick"));
	sched_resolver_free(r);
	finish(&st);
}
END_TEST

START_TEST(a_dead_name_service_holds_up_nobody)
{
	struct story st;
	static struct asked as;
	struct sched_resolver *r;

	begin(&st, 1);
	as.st = &st;
	as.hold = 1;
	r = sched_resolver_new(st.s, NULL);
	sched_resolver_fake(r, fake_dns, &as);
	ask(&as, r, "good", 50);
	run(&st);
	ck_assert_int_eq(as.answer.rc, TC_ETIMEOUT);
	sched_resolver_free(r);	/* the thread is still in there */
	finish(&st);
	as.hold = 0;
}
END_TEST

START_TEST(the_real_resolver_knows_localhost)
{
	struct story st;
	struct asked as = { .st = &st };
	struct sched_resolver *r;

	begin(&st, 1);
	r = sched_resolver_new(st.s, NULL);
	ask(&as, r, "localhost", 10000);
	run(&st);
	ck_assert_int_eq(as.answer.rc, 0);
	sched_resolver_free(r);
	finish(&st);
}
END_TEST

START_TEST(literal_addresses_need_no_asking)
{
	struct sched_addr a;

	ck_assert(sched_addr_parse("127.1.0.9", &a));
	ck_assert_int_eq(a.sa.any.sa_family, AF_INET);
	ck_assert(sched_addr_parse("2001:db8::1", &a));
	ck_assert_int_eq(a.sa.any.sa_family, AF_INET6);
	ck_assert(sched_addr_parse("fe80::1%lo", &a));
	ck_assert_uint_ne(a.sa.in6.sin6_scope_id, 0);
	ck_assert(!sched_addr_parse("fe80::1%nonexistent0", &a));
	ck_assert(!sched_addr_parse("host.example", &a));
	ck_assert(!sched_addr_parse("", &a));
	ck_assert(!sched_addr_parse("1.2.3", &a));
}
END_TEST

int
main(void)
{
	return STORIES("sched",
		timers_fire_in_order_and_not_before_they_are_due,
		a_timer_can_be_moved_and_called_off,
		a_timer_that_is_always_due_starves_nobody,
		a_descriptor_is_told_while_it_is_watched,
		a_socket_error_does_not_end_the_watch,
		another_thread_wakes_the_loop,
		a_signal_is_an_event,
		a_child_is_given_input_and_gives_output_and_status,
		what_cannot_be_executed_says_why,
		a_name_without_a_path_is_refused,
		output_is_capped_and_the_child_still_ends,
		the_whole_group_is_killed_at_the_deadline,
		a_child_has_only_the_three_descriptors_and_no_ignored_signals,
		many_children_at_once,
		names_are_asked_once_and_kept,
		a_dead_name_service_holds_up_nobody,
		the_real_resolver_knows_localhost,
		literal_addresses_need_no_asking);
}
