/*
 * Those who wait, those who are slow, and the end of the server.  Time passes
 * on a clock that the test sets.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/mem.h"
#include "http/server.h"
#include "t/lib/fake_io.h"
#include "t/lib/http_client.h"
#include "t/lib/story.h"

#define POST_HEAD "POST /v1/observations HTTP/1.1\r\nHost: a\r\n" \
	"Authorization: Bearer operator-token\r\n"

static struct fake_io io;
static struct fake_fleet fleet;
static struct http *server;
static struct ask ask;
static char body[512];

static void
start(size_t n_hosts)
{
	struct http_conf conf = { .listen = "127.0.0.1:0", .threads = 1 };
	struct tc_err e = { 0 };
	struct clock *clock;

	fleet = (struct fake_fleet){ .n_hosts = n_hosts, .generation = 1 };
	fake_io_init(&io, &fleet);
	clock = io.io.clock;
	ck_assert_msg(http_start(&conf, &io.io, &server, &e) == 0, "%s",
		e.text);
	snprintf(body, sizeof(body), "{\"host\": \"h00001\", \"observations\":"
		"[{\"probe\": \"cpu\", \"at_ms\": %lld, \"outcome\": \"ok\"}]}",
		(long long)clock->wall(clock).ms);
	ask = (struct ask){ .port = http_port(server),
		.target = "/v1/observations", .token = "operator-token",
		.body = body };
}

/* Nobody may hold the snapshot once the server has ended. */
static void
stop(void)
{
	if (server != NULL)
		http_stop(server);
	server = NULL;
	ck_assert_uint_eq(io.now->refs, 1);
	fake_io_fini(&io);
}

static void
pass(int seconds)
{
	io.clock.ahead_ns += dur_s(seconds).ns;
}

/* Sends the request, reads nothing. */
static int
send_batch(void)
{
	char head[256];
	int fd = client_open(ask.port);

	snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
		ask.target, ask.token, strlen(body));
	ck_assert(client_send(fd, head, strlen(head)));
	ck_assert(client_send(fd, body, strlen(body)));
	return fd;
}

static int
status_of(int fd)
{
	struct answer a = client_read(fd, false);
	int status = a.status;

	answer_free(&a);
	return status;
}

static int
status_once(const char *target, const char *token)
{
	struct ask get = { .port = ask.port, .target = target,
		.token = token };
	struct answer a = client_once(&get);
	int status = a.status;

	answer_free(&a);
	return status;
}

/* Until the daemon has it. */
static void
await_submitted(unsigned n)
{
	for (int i = 0; i < 1000000; i++) {
		unsigned got;

		pthread_mutex_lock(&io.lock);
		got = io.n_submitted;
		pthread_mutex_unlock(&io.lock);
		if (got >= n)
			return;
		status_once("/healthz", NULL);
	}
	ck_abort_msg("never submitted");
}

/* The one thread has seen all that was sent so far. */
static void
settle(void)
{
	ck_assert_int_eq(status_once("/healthz", NULL), 200);
}

START_TEST(a_batch_is_acknowledged_after_its_commit)
{
	char byte;
	int fd;

	start(3);
	io.answer = ANSWER_LATER;
	fd = send_batch();
	await_submitted(1);	/* others are served by the one thread */
	ck_assert_int_eq(client_poll(fd, &byte, 1, 20), -1);
	ck_assert(fake_io_release(&io));
	ck_assert_int_eq(status_of(fd), 202);
	close(fd);
	stop();
}
END_TEST

START_TEST(a_connection_can_wait_again_and_again)
{
	int fd;

	start(3);
	fd = client_open(ask.port);
	for (int i = 0; i < 200; i++) {
		struct answer a = client_ask(fd, &ask);

		ck_assert_int_eq(a.status, 202);
		answer_free(&a);
	}
	close(fd);
	ck_assert_uint_eq(io.n_submitted, 200);
	stop();
}
END_TEST

START_TEST(who_leaves_while_waiting_does_no_harm)
{
	int fd;

	start(3);
	io.answer = ANSWER_LATER;
	fd = send_batch();
	await_submitted(1);
	close(fd);
	ck_assert(fake_io_release(&io));
	ck_assert_int_eq(status_once("/healthz", NULL), 200);
	stop();
}
END_TEST

START_TEST(who_waits_too_long_is_told_so)
{
	int fd;

	start(3);
	io.answer = ANSWER_LATER;
	fd = send_batch();
	await_submitted(1);
	settle();
	pass(31);
	ck_assert_int_eq(status_of(fd), 503);
	close(fd);
	ck_assert(fake_io_release(&io));	/* too late, and harmless */
	stop();
}
END_TEST

START_TEST(the_end_answers_those_who_wait)
{
	int fd;

	start(3);
	io.answer = ANSWER_LATER;
	fd = send_batch();
	await_submitted(1);
	http_stop(server);
	server = NULL;
	ck_assert_int_eq(status_of(fd), 503);
	ck_assert(client_is_closed(fd, 1000));
	close(fd);
	/* the daemon answers after http is gone */
	ck_assert(fake_io_release(&io));
	stop();
}
END_TEST

struct late {
	int fd;
	bool refused;	/* who came after the end had begun */
};

/* Releases as soon as the server says that it ends. */
static void *
commit_at_the_end(void *arg)
{
	struct ask get = { .port = ask.port, .target = "/healthz" };
	struct late *late = arg;
	int fd, status = 200;

	while (status == 200) {
		struct answer a = client_ask(late->fd, &get);

		status = a.status;
		answer_free(&a);
	}
	fd = client_open(ask.port);
	late->refused = fd < 0 || client_is_closed(fd, 1000);
	close(fd);
	fake_io_release(&io);
	return NULL;
}

START_TEST(the_end_waits_for_commits)
{
	struct ask get = { .port = ask.port, .target = "/healthz" };
	struct answer a;
	pthread_t thread;
	struct late late = { 0 };
	int fd;

	start(3);
	io.answer = ANSWER_LATER;
	fd = send_batch();
	await_submitted(1);
	get.port = ask.port;
	late.fd = client_open(ask.port);
	a = client_ask(late.fd, &get);
	answer_free(&a);
	ck_assert_int_eq(pthread_create(&thread, NULL, commit_at_the_end,
		&late), 0);
	http_stop(server);
	server = NULL;
	pthread_join(thread, NULL);
	ck_assert_int_eq(status_of(fd), 202);
	ck_assert(late.refused);
	close(fd);
	close(late.fd);
	stop();
}
END_TEST

START_TEST(the_end_closes_idle_connections)
{
	int fds[50];
	struct clock *clock = clock_system();
	struct mono began;

	start(3);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_open(ask.port);
		client_send(fds[i], "GET /", i % 2 * 5);
	}
	began = clock->mono(clock);
	http_stop(server);
	server = NULL;
	ck_assert_int_lt(mono_diff(clock->mono(clock), began).ns,
		dur_s(4).ns);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		ck_assert(client_is_closed(fds[i], 1000));
		close(fds[i]);
	}
	stop();
}
END_TEST

START_TEST(a_slow_head_is_cut_off)
{
	static const char head[] = "GET /healthz HTTP/1.1\r\nHost: a\r\nX: y";
	int silent, slow;

	start(3);
	silent = client_open(ask.port);
	slow = client_open(ask.port);
	settle();
	for (size_t i = 0; i < 9; i++) {
		client_send(slow, head + i * 4, 4);
		pass(1);
	}
	pass(3);
	ck_assert(client_is_closed(slow, 5000));
	ck_assert(client_is_closed(silent, 5000));
	close(slow);
	close(silent);
	stop();
}
END_TEST

START_TEST(a_slow_body_is_cut_off)
{
	static const char head[] = POST_HEAD "Expect: 100-continue\r\n"
		"Content-Length: 1000\r\n\r\n";
	char text[32] = "";
	int fd;

	start(3);
	fd = client_open(ask.port);
	ck_assert(client_send(fd, head, sizeof(head) - 1));
	ck_assert_int_gt(client_poll(fd, text, 12, 5000), 0);
	ck_assert_str_eq(text, "HTTP/1.1 100");
	settle();
	for (int i = 0; i < 29; i++) {
		client_send(fd, "x", 1);
		pass(1);
	}
	pass(3);
	ck_assert(client_is_closed(fd, 5000));
	close(fd);
	stop();
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
	struct ask get = { .target = "/healthz" };
	struct answer a;
	int fd;

	start(3);
	fd = client_open(ask.port);
	a = client_ask(fd, &get);
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	pass(60);
	a = client_ask(fd, &get);
	ck_assert_int_eq(a.status, 200);
	answer_free(&a);
	settle();
	pass(80);
	ck_assert(client_is_closed(fd, 5000));
	close(fd);
	stop();
}
END_TEST

START_TEST(who_does_not_read_is_cut_off)
{
	static const char text[] = "GET /v1/hosts?limit=10000 HTTP/1.1\r\n"
		"Host: a\r\nAuthorization: Bearer viewer-token\r\n\r\n";
	struct strbuf many = { 0 };
	char buf[65536];
	size_t got = 0;
	int fd, canary;
	long n;

	start(10000);
	for (int i = 0; i < 20; i++)	/* 30 MiB of answers */
		strbuf_puts(&many, text);
	fd = client_open(ask.port);
	ck_assert(client_send(fd, many.p, many.n));
	ck_assert_int_gt(client_poll(fd, buf, 1, 5000), 0);
	/* a younger one that is cut off in the same round tells when */
	canary = client_open(ask.port);
	settle();
	pass(61);
	ck_assert(client_is_closed(canary, 5000));
	close(canary);
	/* what lies in the buffers of the kernel comes */
	while ((n = client_poll(fd, buf, sizeof(buf), 1000)) > 0)
		got += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_lt(got, 30 * 1000 * 1000);
	close(fd);
	strbuf_free(&many);
	stop();
}
END_TEST

START_TEST(an_endless_body_is_cut_off)
{
	static const char head[] = POST_HEAD
		"Transfer-Encoding: chunked\r\n\r\n";
	char chunk[4096 + 16];
	size_t sent = 0;
	int fd, n;

	start(3);
	fd = client_open(ask.port);
	ck_assert(client_send(fd, head, sizeof(head) - 1));
	n = snprintf(chunk, sizeof(chunk), "1000\r\n%4096s\r\n", "");
	while (sent < 64 * 1024 * 1024 &&
	       client_send(fd, chunk, (size_t)n))
		sent += 4096;
	ck_assert_uint_lt(sent, 64 * 1024 * 1024);
	close(fd);
	ck_assert_uint_eq(io.n_submitted, 0);
	stop();
}
END_TEST

START_TEST(a_chunked_batch_is_taken)
{
	char text[1024];
	int fd;

	start(3);
	fd = client_open(ask.port);
	snprintf(text, sizeof(text), POST_HEAD
		"Transfer-Encoding: chunked\r\n\r\n"
		"1\r\n%.1s\r\n%zx\r\n%s\r\n0\r\n\r\n", body,
		strlen(body) - 1, body + 1);
	ck_assert(client_send(fd, text, strlen(text)));
	ck_assert_int_eq(status_of(fd), 202);
	close(fd);
	stop();
}
END_TEST

START_TEST(a_body_beyond_the_limit_is_refused)
{
	struct strbuf big = { 0 };
	struct answer a;

	start(3);
	while (big.n < 1024 * 1024)
		strbuf_puts(&big, "                                ");
	ask.body = big.p;
	a = client_once(&ask);
	ck_assert_int_eq(a.status, 400);	/* read, and no JSON */
	answer_free(&a);
	strbuf_putc(&big, ' ');
	ask.body = big.p;
	a = client_once(&ask);
	ck_assert(a.status == 413 || a.status == 0);
	answer_free(&a);
	strbuf_free(&big);
	stop();
}
END_TEST

START_TEST(guessing_tokens_is_slowed_down)
{
	start(3);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(status_once("/v1/summary", "guess"), 401);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(status_once("/v1/summary", "guess"), 429);
	ck_assert_int_eq(status_once("/v1/summary", NULL), 401);
	ck_assert_int_eq(status_once("/v1/summary", "viewer-token"), 200);
	pass(61);
	ck_assert_int_eq(status_once("/v1/summary", "guess"), 401);
	stop();
}
END_TEST

static enum MHD_Result
accepts(struct http *h, const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return conns_accept(h, (struct sockaddr *)&in, sizeof(in));
	ck_assert_int_eq(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return conns_accept(h, (struct sockaddr *)&in6, sizeof(in6));
}

START_TEST(one_address_has_so_many_connections)
{
	struct http h = { .conf = { .max_connections_per_ip = 5 } };
	struct peer v4 = { .addr = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 1 },
		.conns = 5 };
	struct peer v6 = { .addr = { 0x20, 0x01, 0x0d, 0xb8 }, .conns = 5 };

	pthread_mutex_init(&h.conns_lock, NULL);
	ck_assert_int_eq(hash_put(&h.peers, v4.addr, 16, &v4), 0);
	ck_assert_int_eq(hash_put(&h.peers, v6.addr, 16, &v6), 0);
	ck_assert_int_eq(accepts(&h, "192.0.2.1"), MHD_NO);
	ck_assert_int_eq(accepts(&h, "::ffff:192.0.2.1"), MHD_NO);
	ck_assert_int_eq(accepts(&h, "192.0.2.2"), MHD_YES);
	ck_assert_int_eq(accepts(&h, "127.0.0.1"), MHD_YES);
	ck_assert_int_eq(accepts(&h, "::1"), MHD_YES);
	/* the whole /64 is one */
	ck_assert_int_eq(accepts(&h, "2001:db8::77"), MHD_NO);
	ck_assert_int_eq(accepts(&h, "2001:db8:0:1::77"), MHD_YES);
	v4.conns = 4;
	ck_assert_int_eq(accepts(&h, "192.0.2.1"), MHD_YES);
	hash_free(&h.peers);
}
END_TEST

/* The n-th allocation fails from when the request is sent to its answer. */
static int
status_without_memory(const char *target, long n)
{
	char text[256], byte;
	int fd = client_open(ask.port);
	int status = 0;

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer viewer-token\r\n\r\n", target);
	fake_io_publish(&io, &fleet);
	mem_fail_at(n);
	ck_assert(client_send(fd, text, strlen(text)));
	if (client_poll(fd, &byte, 1, 5000) == 1)
		status = 1;
	mem_fail_at(0);
	if (status == 1) {
		char rest[12] = "";

		ck_assert_int_gt(client_poll(fd, rest, 11, 5000), 0);
		status = (int)strtol(rest + 8, NULL, 10);
	}
	close(fd);
	return status;
}

/* Whatever allocation fails: an answer or the end of the connection. */
START_TEST(lack_of_memory_is_survived)
{
	static const char *const targets[] = { "/v1/hosts?limit=1000",
		"/v1/hosts/h00001", "/v1/summary", "/v1/hosts/h00001/checks",
		"/v1/predictions/7", "/v1/events", "/metrics" };
	struct answer a;

	start(200);
	for (long n = 1; n < 40; n++) {
		for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
			int status = status_without_memory(targets[i], n);

			ck_assert_msg(status == 0 || status == 200 ||
				status == 503, "%s: %d", targets[i], status);
		}
		a = client_once(&ask);
		ck_assert_int_eq(a.status, 202);
		answer_free(&a);
	}
	stop();
}
END_TEST

START_TEST(what_cannot_start_says_why)
{
	static const char *const bad[] = { "", "nonsense", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999999",
		"localhost:80", "300.0.0.1:80", "[::1:80", "192.0.2.77:80" };
	struct fake_io f;
	struct http *h = NULL;
	struct tc_err e = { 0 };
	char taken[32];

	start(3);
	fake_io_init(&f, &fleet);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct http_conf conf = { .listen = bad[i] };

		e.text[0] = '\0';
		ck_assert_msg(http_start(&conf, &f.io, &h, &e) < 0, "%s",
			bad[i]);
		ck_assert_ptr_null(h);
		ck_assert_str_ne(e.text, "");
	}
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", ask.port);
	struct http_conf conf = { .listen = taken };
	ck_assert_int_lt(http_start(&conf, &f.io, &h, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, taken));
	conf = (struct http_conf){ .listen = "127.0.0.1:0",
		.tls_certificate = "/nonexistent", .tls_key = "/nonexistent" };
	ck_assert_int_lt(http_start(&conf, &f.io, &h, &e), 0);
	conf.tls_key = NULL;
	ck_assert_int_lt(http_start(&conf, &f.io, &h, &e), 0);
	conf = (struct http_conf){ .listen = "127.0.0.1:0",
		.tls_client_ca = "/nonexistent" };
	ck_assert_int_eq(http_start(&conf, &f.io, &h, &e), TC_EUNSUP);
	fake_io_fini(&f);
	stop();
}
END_TEST

int
main(void)
{
	return STORIES("http_wait", a_batch_is_acknowledged_after_its_commit,
		a_connection_can_wait_again_and_again,
		who_leaves_while_waiting_does_no_harm,
		who_waits_too_long_is_told_so, the_end_answers_those_who_wait,
		the_end_waits_for_commits, the_end_closes_idle_connections,
		a_slow_head_is_cut_off, a_slow_body_is_cut_off,
		an_idle_connection_is_closed, who_does_not_read_is_cut_off,
		an_endless_body_is_cut_off, a_chunked_batch_is_taken,
		a_body_beyond_the_limit_is_refused,
		guessing_tokens_is_slowed_down,
		one_address_has_so_many_connections,
		lack_of_memory_is_survived, what_cannot_start_says_why);
}
