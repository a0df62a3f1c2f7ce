/*
 * /v1/events as Server-Sent Events.  What comes is read until it holds what
 * is waited for; chunk sizes between the frames do no harm to that.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "t/lib/fake_io.h"
#include "t/lib/http_client.h"
#include "t/lib/story.h"

static struct fake_io io;
static struct http *server;
static unsigned port;
static struct strbuf got;

static void
start(void)
{
	struct fake_fleet fleet = { .n_hosts = 3, .generation = 1 };
	struct http_conf conf = { .listen = "127.0.0.1:0", .threads = 1 };
	struct tc_err e = { 0 };

	fake_io_init(&io, &fleet);
	ck_assert_msg(http_start(&conf, &io.io, &server, &e) == 0, "%s",
		e.text);
	port = http_port(server);
}

static void
stop(void)
{
	if (server != NULL)
		http_stop(server);
	server = NULL;
	fake_io_fini(&io);
	strbuf_free(&got);
}

static int
follow(const char *query, const char *headers)
{
	char head[512];
	int fd = client_open(port);

	snprintf(head, sizeof(head), "GET /v1/events%s HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer viewer-token\r\n"
		"Accept: text/event-stream\r\n%s\r\n", query, headers);
	ck_assert(client_send(fd, head, strlen(head)));
	return fd;
}

/* Reads until the text is there (then all up to it is forgotten). */
static void
await(int fd, const char *text)
{
	char buf[4096];
	const char *at;
	size_t past;
	long n;

	while ((at = strstr(strbuf_str(&got), text)) == NULL) {
		n = client_poll(fd, buf, sizeof(buf), 10000);
		ck_assert_msg(n > 0, "'%s' never came, but %s", text,
			strbuf_str(&got));
		strbuf_add(&got, buf, (size_t)n);
	}
	past = (size_t)(at - got.p) + strlen(text);
	memmove(got.p, got.p + past, got.n - past + 1);
	got.n -= past;
}

static void
pass(int seconds)
{
	io.clock.ahead_ns += dur_s(seconds).ns;
	http_events_hint(server);
}

static void
happen(uint64_t n)
{
	io.n_events += n;
	http_events_hint(server);
}

START_TEST(what_happens_is_told)
{
	int fd;

	start();
	io.n_events = 2;
	fd = follow("?after=0", "");
	await(fd, "HTTP/1.1 200 OK\r\n");
	await(fd, "Content-Type: text/event-stream\r\n");
	await(fd, "retry: 3000\n\n");
	await(fd, "id: 1\nevent: host.state\ndata: {\"seq\":1,");
	await(fd, "\"body\":{\"to\":\"unhealthy\"}}\n\nid: 2\n");
	happen(1);
	await(fd, "id: 3\n");
	for (uint64_t i = 4; i < 50; i++) {
		char text[32];

		happen(1);
		snprintf(text, sizeof(text), "id: %u\n", (unsigned)i);
		await(fd, text);
	}
	happen(2000);	/* more than one fetch */
	await(fd, "id: 50\n");
	await(fd, "id: 2049\n");
	close(fd);
	stop();
}
END_TEST

START_TEST(a_stream_begins_with_what_is_new)
{
	int fd;

	start();
	io.n_events = 100;
	fd = follow("", "");
	await(fd, "retry: 3000\n\n");
	happen(1);
	await(fd, "id: ");
	await(fd, "101\n");
	close(fd);
	stop();
}
END_TEST

START_TEST(a_stream_is_resumed)
{
	int fd;

	start();
	io.n_events = 100;
	fd = follow("?after=7", "Last-Event-ID: 98\r\n");
	await(fd, "retry: 3000\n\n");
	await(fd, "id: ");
	await(fd, "99\n");
	await(fd, "id: 100\n");
	close(fd);
	stop();
}
END_TEST

START_TEST(a_forgotten_id_is_told)
{
	int fd;

	start();
	io.n_events = 100;
	io.oldest_event = 60;
	fd = follow("", "Last-Event-ID: 50\r\n");
	await(fd, "event: reset\ndata: {\"after\":50,\"oldest\":60}\n\n");
	await(fd, "id: 60\n");
	close(fd);
	strbuf_reset(&got);
	fd = follow("", "Last-Event-ID: 60\r\n");
	await(fd, "retry: 3000\n\n");
	await(fd, "id: 61\n");
	ck_assert_ptr_null(strstr(strbuf_str(&got), "reset"));
	close(fd);
	stop();
}
END_TEST

START_TEST(an_id_of_nonsense_is_refused)
{
	struct ask ask = { .target = "/v1/events", .token = "viewer-token",
		.headers = "Accept: text/event-stream\r\n"
			"Last-Event-ID: x\r\n" };
	struct answer a;

	start();
	ask.port = port;
	a = client_once(&ask);
	ck_assert_int_eq(a.status, 400);
	answer_free(&a);
	ask.headers = "Accept: text/event-stream\r\n";
	ask.target = "/v1/events?after=-1";
	a = client_once(&ask);
	ck_assert_int_eq(a.status, 400);
	answer_free(&a);
	ask.token = "agent-token-1";
	ask.target = "/v1/events";
	a = client_once(&ask);
	ck_assert_int_eq(a.status, 403);
	answer_free(&a);
	stop();
}
END_TEST

START_TEST(silence_has_a_heartbeat)
{
	int fd;

	start();
	fd = follow("", "");
	await(fd, "retry: 3000\n\n");
	for (int i = 0; i < 10; i++) {	/* far beyond any deadline */
		pass(16);
		await(fd, ":\n\n");
	}
	happen(1);
	await(fd, "id: 1\n");
	close(fd);
	stop();
}
END_TEST

START_TEST(a_revoked_token_ends_its_stream)
{
	int fd;

	start();
	fd = follow("", "");
	await(fd, "retry: 3000\n\n");
	io.revoked = true;
	pass(16);
	await(fd, ":\n\n");
	await(fd, "0\r\n\r\n");
	close(fd);
	stop();
}
END_TEST

START_TEST(the_end_of_the_server_ends_streams)
{
	int fds[20];

	start();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = follow("", "");
		strbuf_reset(&got);
		await(fds[i], "retry: 3000\n\n");
	}
	http_stop(server);
	server = NULL;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		strbuf_reset(&got);
		await(fds[i], "0\r\n\r\n");
		ck_assert(client_is_closed(fds[i], 1000));
		close(fds[i]);
	}
	stop();
}
END_TEST

static int
open_status(int *fd)
{
	char line[13] = "";

	*fd = follow("", "");
	ck_assert_int_eq(client_poll(*fd, line, 12, 10000), 12);
	return line[9] - '0';
}

START_TEST(streams_are_counted_and_forgotten)
{
	int fds[256], fd;

	start();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		ck_assert_int_eq(open_status(&fds[i]), 2);
	ck_assert_int_eq(open_status(&fd), 5);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	/* who left is noticed when something is written */
	for (int i = 0; i < 100; i++) {
		pass(16);
		if (open_status(&fd) == 2)
			break;
		close(fd);
		fd = -1;
	}
	ck_assert_int_ge(fd, 0);
	close(fd);
	stop();
}
END_TEST

START_TEST(without_a_newest_event_streams_look_by_themselves)
{
	int fd;

	start();
	io.io.last_event = NULL;
	io.n_events = 2;
	fd = follow("", "");
	await(fd, "id: 1\n");
	await(fd, "id: 2\n");
	io.n_events = 3;
	pass(2);
	await(fd, "id: 3\n");
	close(fd);
	stop();
}
END_TEST

int
main(void)
{
	return STORIES("http_stream", what_happens_is_told,
		a_stream_begins_with_what_is_new, a_stream_is_resumed,
		a_forgotten_id_is_told, an_id_of_nonsense_is_refused,
		silence_has_a_heartbeat, a_revoked_token_ends_its_stream,
		the_end_of_the_server_ends_streams,
		streams_are_counted_and_forgotten,
		without_a_newest_event_streams_look_by_themselves);
}
