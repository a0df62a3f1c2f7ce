/*
 * tocsin-agent, the program, against a server that goes away, refuses, hangs:
 * nothing is lost that was measured, nothing gets a second number.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "t/lib/fake_http.h"
#include "t/lib/scratch.h"
#include "t/lib/story.h"
#include "wire/batch.h"

extern char **environ;

struct world {
	char dir[64];
	char state[96];
	char plugins[96];
	char token[96];
	char log[96];
	const char *url;
	char url_text[64];
	struct fake_http *server;
	pid_t agent;
	/* how the server answers; changed while nobody asks */
	_Atomic int status;
	const char *_Atomic body;
	_Atomic int times;	/* so often `status`, then 202 */
	atomic_bool hang;
	const char *_Atomic want_token;	/* 401 without it */
};

static void
answer(void *arg, const struct fake_request *q, struct fake_reply *r)
{
	struct world *w = arg;

	r->status = 202;
	r->body = "{\"accepted\":1,\"duplicates\":0,"
		"\"generated_at\":\"2026-01-01T00:00:00.000Z\"}";
	r->hang = w->hang;
	if (w->want_token && !fake_request_has(q, w->want_token)) {
		r->status = 401;
		r->body = "{}";
	} else if (w->times > 0) {
		w->times--;
		r->status = w->status;
		r->body = w->body;
		r->type = "application/problem+json";
	}
}

static void
link_probe(const struct world *w, const char *name)
{
	const char *build = getenv("top_builddir");
	char from[512], to[256];

	snprintf(from, sizeof(from), "%s/probes/%s/.libs/%s.so",
		build ? build : ".", name, name);
	snprintf(to, sizeof(to), "%s/%s.so", w->plugins, name);
	ck_assert_int_eq(symlink(from, to), 0);
}

static void
write_token(const struct world *w, const char *token)
{
	ck_assert_int_eq(file_write_atomic(w->token, token, strlen(token),
		0600, NULL), 0);
}

static void
serve(struct world *w, int port)
{
	w->server = fake_http_start(port, answer, w);
	snprintf(w->url_text, sizeof(w->url_text), "%s",
		fake_http_url(w->server));
	w->url = w->url_text;
}

static struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/tocsin-agent-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->dir));
	snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
	snprintf(w->plugins, sizeof(w->plugins), "%s/plugins", w->dir);
	snprintf(w->token, sizeof(w->token), "%s/token", w->dir);
	snprintf(w->log, sizeof(w->log), "%s/log", w->dir);
	mkdir(w->plugins, 0755);
	link_probe(w, "cpu");
	link_probe(w, "memory");
	link_probe(w, "disk");
	link_probe(w, "net");
	link_probe(w, "boot");
	write_token(w, "tok-1\n");
	serve(w, 0);
	return w;
}

static void
start_with(struct world *w, const char *extra)
{
	const char *build = getenv("top_builddir");
	char path[512];
	posix_spawn_file_actions_t files;
	const char *argv[] = { path, "--server", w->url, "--token-file",
		w->token, "--state-dir", w->state, "--plugin-dir", w->plugins,
		"--host", "H1", "--interval", "200ms", extra, NULL };
	char *copy[16];

	memcpy(copy, argv, sizeof(argv));
	snprintf(path, sizeof(path), "%s/tocsin-agent", build ? build : ".");
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 2, w->log,
		O_WRONLY | O_CREAT | O_APPEND, 0600);
	ck_assert_int_eq(posix_spawn(&w->agent, path, &files, NULL, copy,
		environ), 0);
	posix_spawn_file_actions_destroy(&files);
}

static void
start(struct world *w)
{
	start_with(w, NULL);
}

/* Waits at most 20 s; the exit status, or −signal. */
static int
reap(struct world *w)
{
	int fd = (int)syscall(SYS_pidfd_open, w->agent, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status;

	ck_assert_int_ge(fd, 0);
	ck_assert_msg(poll(&p, 1, 20000) == 1, "the agent does not end");
	close(fd);
	ck_assert_int_eq(waitpid(w->agent, &status, 0), w->agent);
	w->agent = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int
end(struct world *w, int signum)
{
	kill(w->agent, signum);
	return reap(w);
}

static void
world_free(struct world *w)
{
	if (w->agent)
		end(w, SIGKILL);
	if (w->server)
		fake_http_stop(w->server);
	scratch_remove(w->dir);
	free(w);
}

static bool
log_has(const struct world *w, const char *text)
{
	struct strbuf sb = {0};
	bool has;

	has = file_slurp(w->log, 0, &sb, NULL) == 0 &&
		strstr(strbuf_str(&sb), text) != NULL;
	strbuf_free(&sb);
	return has;
}

/* Looks every 20 ms until it stands in the log; fails after 20 s. */
static void
wait_log(const struct world *w, const char *text)
{
	for (int i = 0; i < 1000; i++) {
		if (log_has(w, text))
			return;
		poll(NULL, 0, 20);
	}
	ck_abort_msg("never said: %s", text);
}

static void
parse(const struct fake_request *q, struct batch *b)
{
	struct tc_err e = {0};

	ck_assert_ptr_nonnull(q);
	ck_assert_msg(batch_parse(q->body, q->n_body, b, &e) == 0, "%s",
		e.text);
}

static const struct observation *
find(const struct batch *b, const char *probe)
{
	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->items[i].probe, probe) == 0)
			return &b->items[i];
	}
	return NULL;
}

/* The numbers of the batches in the spool's files, in order, into `out`. */
static size_t
spooled_ids(const struct world *w, char (*out)[40], size_t max)
{
	char pattern[160];
	struct strbuf sb = {0};
	FILE *p;
	size_t n = 0;

	/* the files are named so that their order is that of the batches */
	snprintf(pattern, sizeof(pattern), "%s/spool", w->state);
	for (uint64_t id = 1; id < 10000 && n < max; id++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%016llx.spool", pattern,
			(unsigned long long)id);
		p = fopen(path, "r");
		if (!p)
			continue;
		strbuf_reset(&sb);
		ck_assert_int_eq(file_slurp_fd(fileno(p), 0, &sb, NULL), 0);
		fclose(p);
		for (size_t at = 0; at + 48 < sb.n && n < max; at++) {
			if (memcmp(sb.p + at, "\"batch\":\"", 9) != 0)
				continue;
			memcpy(out[n], sb.p + at + 9, 36);
			out[n++][36] = '\0';
		}
	}
	strbuf_free(&sb);
	return n;
}

START_TEST(a_batch_comes_at_once_and_names_its_host)
{
	struct world *w = world_new();
	const struct observation *ob;
	struct batch b;

	start(w);
	ck_assert(fake_http_wait(w->server, 2));
	parse(fake_http_request(w->server, 0), &b);
	ck_assert(fake_request_has(fake_http_request(w->server, 0),
		"Tocsin-Protocol: 1\r\n"));
	ck_assert(fake_request_has(fake_http_request(w->server, 0),
		"Authorization: Bearer tok-1\r\n"));
	ck_assert_str_eq(b.host, "h1");
	ck_assert_uint_eq(strlen(b.id), 36);
	ob = find(&b, "agent");
	ck_assert_ptr_nonnull(strstr(ob->text, "first run here"));
	ck_assert_uint_gt(find(&b, "cpu")->n_metrics, 10);
	ck_assert_uint_gt(find(&b, "memory")->n_metrics, 5);
	ck_assert_ptr_nonnull(find(&b, "disk"));
	ck_assert_ptr_nonnull(find(&b, "boot"));
	/* no such probe here, and said so */
	ck_assert_uint_eq(find(&b, "smart")->outcome, TOCSIN_UNKNOWN);
	arena_free(&b.arena);
	ck_assert_int_eq(end(w, SIGTERM), 0);
	parse(fake_http_request(w->server, fake_http_count(w->server) - 1), &b);
	ob = find(&b, "agent");
	ck_assert_uint_eq(ob->reason, TOCSIN_WHY_REPORTED_EXIT);
	ck_assert_ptr_nonnull(strstr(ob->text, "stopping: SIGTERM"));
	arena_free(&b.arena);
	world_free(w);
}
END_TEST

START_TEST(the_clocks_are_compared)
{
	struct world *w = world_new();
	const struct observation *ob;
	struct batch b;
	double skew = 0;

	start(w);
	ck_assert(fake_http_wait(w->server, 4));
	parse(fake_http_request(w->server, 3), &b);
	ob = find(&b, "agent");
	for (size_t i = 0; i < ob->n_metrics; i++) {
		if (strcmp(ob->metrics[i].name, "agent_clock_skew_seconds") == 0)
			skew = metric_number(&ob->metrics[i]);
	}
	ck_assert_double_eq_tol(skew, (1767225600000.0 -
		(double)b.sent.ms) / 1e3, 5);
	arena_free(&b.arena);
	world_free(w);
}
END_TEST

START_TEST(a_refused_request_comes_again_under_its_number)
{
	struct world *w = world_new();
	struct batch first, second;

	w->status = 503;
	w->body = "{\"detail\":\"store\"}";
	w->times = 2;
	start(w);
	ck_assert(fake_http_wait(w->server, 4));
	parse(fake_http_request(w->server, 0), &first);
	for (size_t i = 1; i < 3; i++) {
		parse(fake_http_request(w->server, i), &second);
		ck_assert_str_eq(first.id, second.id);
		ck_assert_uint_eq(first.n, second.n);
		ck_assert_int_gt(second.sent.ms, first.sent.ms);
		arena_free(&second.arena);
	}
	parse(fake_http_request(w->server, 3), &second);
	ck_assert_str_ne(first.id, second.id);
	ck_assert_int_gt(second.items[0].at.ms, first.items[0].at.ms);
	arena_free(&second.arena);
	arena_free(&first.arena);
	wait_log(w, "delivering again after");
	world_free(w);
}
END_TEST

START_TEST(bad_observations_are_dropped_the_others_come_again)
{
	struct world *w = world_new();
	struct batch first, second;

	w->status = 422;
	w->body = "{\"detail\":\"too old\",\"bad_indexes\":[0,2]}";
	w->times = 1;
	start(w);
	ck_assert(fake_http_wait(w->server, 2));
	parse(fake_http_request(w->server, 0), &first);
	parse(fake_http_request(w->server, 1), &second);
	ck_assert_str_eq(first.id, second.id);
	ck_assert_uint_eq(second.n, first.n - 2);
	ck_assert_str_eq(second.items[0].probe, first.items[1].probe);
	ck_assert_str_eq(second.items[1].probe, first.items[3].probe);
	arena_free(&second.arena);
	arena_free(&first.arena);
	world_free(w);
}
END_TEST

START_TEST(a_pointer_of_a_400_names_the_bad_one)
{
	struct world *w = world_new();
	struct batch first, second;

	w->status = 400;
	w->body = "{\"detail\":\"/observations/1/probe: no\"}";
	w->times = 1;
	start(w);
	ck_assert(fake_http_wait(w->server, 2));
	parse(fake_http_request(w->server, 0), &first);
	parse(fake_http_request(w->server, 1), &second);
	ck_assert_uint_eq(second.n, first.n - 1);
	ck_assert_str_eq(second.items[1].probe, first.items[2].probe);
	arena_free(&second.arena);
	arena_free(&first.arena);
	world_free(w);
}
END_TEST

START_TEST(a_batch_that_is_wholly_refused_blocks_nothing)
{
	struct world *w = world_new();
	struct batch first, second;

	w->status = 422;
	w->body = "{\"detail\":\"no\"}";
	w->times = 1;
	start(w);
	ck_assert(fake_http_wait(w->server, 2));
	parse(fake_http_request(w->server, 0), &first);
	parse(fake_http_request(w->server, 1), &second);
	ck_assert_str_ne(first.id, second.id);
	arena_free(&second.arena);
	arena_free(&first.arena);
	wait_log(w, "the server will not have");
	world_free(w);
}
END_TEST

/* A server older than the agent: spoken to as it speaks, nothing is lost. */
START_TEST(r152_an_agent_speaks_as_its_older_server_does)
{
	struct world *w = world_new();
	struct batch first, second;

	w->status = 409;
	w->body = "{\"code\":\"protocol_newer\",\"protocol\":0}";
	w->times = 1;
	start(w);
	ck_assert(fake_http_wait(w->server, 3));
	parse(fake_http_request(w->server, 0), &first);
	parse(fake_http_request(w->server, 1), &second);
	ck_assert_str_eq(first.id, second.id);
	ck_assert_uint_eq(first.n, second.n);
	ck_assert(fake_request_has(fake_http_request(w->server, 0),
		"Tocsin-Protocol: 1\r\n"));
	ck_assert(fake_request_has(fake_http_request(w->server, 1),
		"Tocsin-Protocol: 0\r\n"));
	ck_assert(fake_request_has(fake_http_request(w->server, 2),
		"Tocsin-Protocol: 0\r\n"));
	arena_free(&second.arena);
	arena_free(&first.arena);
	wait_log(w, "the server speaks protocol 0: so do we");
	world_free(w);
}
END_TEST

/* Nothing in common: the batch waits for another server, whole. */
START_TEST(r152_a_refused_protocol_keeps_the_batch)
{
	struct world *w = world_new();
	struct batch first, last;

	w->status = 409;
	w->body = "{\"code\":\"protocol_newer\",\"protocol\":1,"
		"\"detail\":\"update it\"}";
	w->times = 2;
	start(w);
	wait_log(w, "cannot deliver, keeping batches: HTTP 409");
	ck_assert(fake_http_wait(w->server, 3));
	parse(fake_http_request(w->server, 0), &first);
	parse(fake_http_request(w->server, 2), &last);
	ck_assert_str_eq(first.id, last.id);
	ck_assert_uint_eq(first.n, last.n);
	arena_free(&last.arena);
	arena_free(&first.arena);
	world_free(w);
}
END_TEST

START_TEST(a_new_token_is_found_without_a_restart)
{
	struct world *w = world_new();
	struct batch first, second;

	w->want_token = "Authorization: Bearer tok-2\r\n";
	start(w);
	ck_assert(fake_http_wait(w->server, 1));
	wait_log(w, "HTTP 401");
	write_token(w, "tok-2");
	ck_assert(fake_http_wait(w->server, 3));
	parse(fake_http_request(w->server, 0), &first);
	parse(fake_http_request(w->server, 1), &second);
	ck_assert_str_eq(first.id, second.id);
	arena_free(&second.arena);
	arena_free(&first.arena);
	world_free(w);
}
END_TEST

/* The server is gone, the agent is killed; both come back: all arrives. */
START_TEST(what_waited_arrives_in_order_after_kill_9)
{
	static char ids[400][40];
	struct world *w = world_new();
	int port = fake_http_port(w->server);
	size_t n = 0;
	struct batch b;

	fake_http_stop(w->server);
	w->server = NULL;
	start(w);
	for (int i = 0; i < 1000 && n < 8; i++) {
		poll(NULL, 0, 20);
		n = spooled_ids(w, ids, 400);
	}
	ck_assert_uint_ge(n, 8);
	ck_assert_int_eq(end(w, SIGKILL), -SIGKILL);
	n = spooled_ids(w, ids, 400);
	serve(w, port);
	start(w);
	ck_assert(fake_http_wait(w->server, n + 1));
	for (size_t i = 0; i < n; i++) {
		parse(fake_http_request(w->server, i), &b);
		ck_assert_str_eq(b.id, ids[i]);
		arena_free(&b.arena);
	}
	parse(fake_http_request(w->server, n), &b);
	ck_assert_ptr_nonnull(strstr(find(&b, "agent")->text,
		"was killed or crashed"));
	arena_free(&b.arena);
	world_free(w);
}
END_TEST

/* One number never stands for two batches, however often it is killed. */
static void
check_numbers(struct world *w)
{
	size_t n = fake_http_count(w->server);
	struct batch *all = calloc(n, sizeof(*all));

	for (size_t i = 0; i < n; i++) {
		parse(fake_http_request(w->server, i), &all[i]);
		for (size_t k = 0; k < i; k++) {
			bool same = all[k].n == all[i].n;

			for (size_t o = 0; same && o < all[i].n; o++)
				same = all[k].items[o].at.ms ==
					all[i].items[o].at.ms &&
					strcmp(all[k].items[o].probe,
					all[i].items[o].probe) == 0;
			ck_assert_msg((strcmp(all[k].id, all[i].id) == 0) ==
				same, "batches %zu and %zu", k, i);
		}
	}
	for (size_t i = 0; i < n; i++)
		arena_free(&all[i].arena);
	free(all);
}

START_TEST(kill_9_at_any_moment_loses_nothing_spooled)
{
	static char ids[400][40];
	struct world *w = world_new();

	for (int round = 0; round < 25; round++) {
		size_t before = fake_http_count(w->server), n;

		start(w);
		ck_assert(fake_http_wait(w->server, before + 1));
		/* somewhere within an interval, another place each time */
		poll(NULL, 0, (round * 37) % 200);
		ck_assert_int_eq(end(w, SIGKILL), -SIGKILL);
		/* whatever lies in the spool was sent, or will be */
		n = spooled_ids(w, ids, 400);
		start(w);
		ck_assert(fake_http_wait(w->server,
			fake_http_count(w->server) + 1));
		ck_assert_int_eq(end(w, SIGTERM), 0);
		for (size_t i = 0; i < n; i++) {
			size_t k = fake_http_count(w->server);

			while (k-- > 0 && !strstr(fake_http_request(w->server,
				k)->body, ids[i])) {
			}
			ck_assert_msg(k != (size_t)-1, "%s is lost", ids[i]);
		}
	}
	check_numbers(w);
	world_free(w);
}
END_TEST

START_TEST(a_hanging_server_does_not_hold_the_end)
{
	struct world *w = world_new();
	struct clock *clock = clock_system();
	struct mono from;

	w->hang = true;
	start(w);
	wait_log(w, "watching host=h1");
	from = clock->mono(clock);
	ck_assert_int_eq(end(w, SIGTERM), 0);
	ck_assert_int_lt(mono_diff(clock->mono(clock), from).ns,
		dur_ms(2500).ns);
	ck_assert(log_has(w, "stopped: SIGTERM, waiting="));
	world_free(w);
}
END_TEST

START_TEST(once_delivers_or_says_that_it_could_not)
{
	struct world *w = world_new();

	start_with(w, "--once");
	ck_assert_int_eq(reap(w), 0);
	ck_assert_uint_ge(fake_http_count(w->server), 1);
	fake_http_stop(w->server);
	w->server = NULL;
	start_with(w, "--once");
	ck_assert_int_eq(reap(w), 1);
	ck_assert(log_has(w, "the run before stopped: once"));
	world_free(w);
}
END_TEST

START_TEST(two_agents_do_not_share_a_state)
{
	struct world *w = world_new();
	pid_t first;

	start(w);
	wait_log(w, "watching host=h1");
	first = w->agent;
	start(w);
	ck_assert_int_eq(reap(w), 1);
	ck_assert(log_has(w, "another agent runs with this state"));
	w->agent = first;
	world_free(w);
}
END_TEST

/* The last request told of an end with an error, and why. */
static void
told_of_an_error(struct world *w, const char *why)
{
	const struct observation *ob;
	struct batch b;

	parse(fake_http_request(w->server, fake_http_count(w->server) - 1), &b);
	ob = find(&b, "agent");
	ck_assert_ptr_nonnull(ob);
	ck_assert_uint_eq(ob->reason, TOCSIN_WHY_REPORTED_ERROR);
	ck_assert_msg(strstr(ob->text, why) != NULL, "%s", ob->text);
	arena_free(&b.arena);
}

START_TEST(r051_a_start_that_fails_is_told_by_the_next_that_can)
{
	struct world *w = world_new();
	struct batch b;

	start_with(w, "--server=nowhere");
	if (reap(w) != 1)
		ck_abort_msg("it started without a server");
	start(w);
	ck_assert(fake_http_wait(w->server, 1));
	parse(fake_http_request(w->server, 0), &b);
	ck_assert_uint_eq(find(&b, "agent")->reason,
		TOCSIN_WHY_REPORTED_ERROR);
	arena_free(&b.arena);
	ck_assert_int_eq(end(w, SIGTERM), 0);
	world_free(w);
}
END_TEST

START_TEST(r051_a_supervisor_tells_of_an_agent_that_was_killed)
{
	struct world *w = world_new();

	start(w);
	ck_assert(fake_http_wait(w->server, 1));
	end(w, SIGKILL);
	start_with(w, "--report-exit=signal killed KILL");
	ck_assert_int_eq(reap(w), 0);
	told_of_an_error(w, "signal killed KILL");
	/* An orderly end was told by the agent itself. */
	start_with(w, "--report-exit=success exited 0");
	ck_assert_int_eq(reap(w), 0);
	told_of_an_error(w, "signal killed KILL");
	world_free(w);
}
END_TEST

int
main(void)
{
	return STORIES("agent", a_batch_comes_at_once_and_names_its_host,
		the_clocks_are_compared,
		a_refused_request_comes_again_under_its_number,
		bad_observations_are_dropped_the_others_come_again,
		a_pointer_of_a_400_names_the_bad_one,
		a_batch_that_is_wholly_refused_blocks_nothing,
		r152_an_agent_speaks_as_its_older_server_does,
		r152_a_refused_protocol_keeps_the_batch,
		a_new_token_is_found_without_a_restart,
		what_waited_arrives_in_order_after_kill_9,
		kill_9_at_any_moment_loses_nothing_spooled,
		a_hanging_server_does_not_hold_the_end,
		once_delivers_or_says_that_it_could_not,
		two_agents_do_not_share_a_state,
		r051_a_start_that_fails_is_told_by_the_next_that_can,
		r051_a_supervisor_tells_of_an_agent_that_was_killed);
}
