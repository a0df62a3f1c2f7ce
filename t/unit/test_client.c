/* The HTTP client against a server that behaves as it likes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "t/lib/fake_http.h"
#include "t/lib/story.h"

struct world {
	struct fake_http *server;
	struct client *client;
	struct client_reply reply;
	struct fake_reply next;
	struct tc_err e;
};

static void
answer(void *arg, const struct fake_request *q, struct fake_reply *reply)
{
	struct world *w = arg;

	(void)q;
	*reply = w->next;
}

static struct world *
world_new(size_t reply_max)
{
	struct world *w = calloc(1, sizeof(*w));
	struct client_conf conf = { .user_agent = "test/1",
		.reply_max = reply_max };

	w->next.status = 200;
	w->server = fake_http_start(0, answer, w);
	conf.url = fake_http_url(w->server);
	ck_assert_int_eq(client_open(&conf, &w->client, &w->e), 0);
	return w;
}

static void
world_free(struct world *w)
{
	client_close(w->client);
	client_reply_free(&w->reply);
	if (w->server)
		fake_http_stop(w->server);
	free(w);
}

static int
get(struct world *w, const char *path)
{
	struct client_request q = { .method = "GET", .path = path };

	return client_send(w->client, &q, &w->reply, &w->e);
}

START_TEST(a_request_brings_its_token_and_a_reply_its_body)
{
	struct world *w = world_new(0);
	const char *headers[] = { "Tocsin-Protocol: 1", NULL };
	struct client_request q = { .method = "POST", .path = "/v1/x?y=1",
		.body = "{\"a\":1}", .n = 7, .headers = headers };
	const struct fake_request *seen;

	w->next = (struct fake_reply){ .status = 202, .body = "{\"ok\":true}",
		.type = "application/json; charset=utf-8",
		.headers = "Retry-After: 7\r\n" };
	ck_assert_int_eq(client_set_token(w->client, "s3cret", &w->e), 0);
	ck_assert_int_eq(client_send(w->client, &q, &w->reply, &w->e), 0);
	ck_assert_int_eq(w->reply.status, 202);
	ck_assert_str_eq(w->reply.type, "application/json");
	ck_assert_str_eq(strbuf_str(&w->reply.body), "{\"ok\":true}");
	ck_assert_int_eq(w->reply.retry_after.ns, dur_s(7).ns);
	seen = fake_http_request(w->server, 0);
	ck_assert_str_eq(seen->method, "POST");
	ck_assert_str_eq(seen->path, "/v1/x?y=1");
	ck_assert_str_eq(seen->body, "{\"a\":1}");
	ck_assert(fake_request_has(seen, "Authorization: Bearer s3cret\r\n"));
	ck_assert(fake_request_has(seen, "Tocsin-Protocol: 1\r\n"));
	ck_assert(fake_request_has(seen, "User-Agent: test/1\r\n"));
	ck_assert(fake_request_has(seen, "Content-Type: application/json\r\n"));
	ck_assert(!fake_request_has(seen, "Expect:"));
	/* a GET after a POST has no body left */
	ck_assert_int_eq(get(w, "/v1/summary"), 0);
	seen = fake_http_request(w->server, 1);
	ck_assert_str_eq(seen->method, "GET");
	ck_assert_uint_eq(seen->n_body, 0);
	world_free(w);
}
END_TEST

START_TEST(a_redirect_is_an_answer_not_a_way)
{
	struct world *w = world_new(0);

	w->next = (struct fake_reply){ .status = 302,
		.headers = "Location: /elsewhere\r\n" };
	ck_assert_int_eq(get(w, "/"), 0);
	ck_assert_int_eq(w->reply.status, 302);
	ck_assert_uint_eq(fake_http_count(w->server), 1);
	world_free(w);
}
END_TEST

START_TEST(a_reply_without_end_is_cut)
{
	struct world *w = world_new(100);
	char longer[200], just[101];

	memset(longer, 'x', sizeof(longer));
	longer[199] = '\0';
	memset(just, 'x', sizeof(just));
	just[100] = '\0';
	w->next.body = longer;
	ck_assert_int_eq(get(w, "/"), TC_EFULL);
	w->next.body = just;
	ck_assert_int_eq(get(w, "/"), 0);
	ck_assert_uint_eq(w->reply.body.n, 100);
	world_free(w);
}
END_TEST

struct sunk {
	size_t n;
	size_t enough;
};

static int
sink(void *arg, const char *p, size_t n)
{
	struct sunk *s = arg;

	(void)p;
	s->n += n;
	return s->enough != 0 && s->n >= s->enough;
}

START_TEST(a_stream_is_drunk_not_kept)
{
	struct world *w = world_new(100);
	char longer[200];
	struct sunk s = { 0, 0 };
	struct client_request q = { .method = "GET", .path = "/",
		.accept = "text/event-stream", .sink = sink, .sink_arg = &s };

	memset(longer, 'x', sizeof(longer));
	longer[199] = '\0';
	w->next.body = longer;
	ck_assert_int_eq(client_send(w->client, &q, &w->reply, &w->e), 0);
	ck_assert_uint_eq(s.n, 199);	/* more than a reply may have */
	ck_assert_uint_eq(w->reply.body.n, 0);
	ck_assert(fake_request_has(fake_http_request(w->server, 0),
		"Accept: text/event-stream\r\n"));
	/* who has enough ends it */
	s = (struct sunk){ 0, 1 };
	ck_assert_int_eq(client_send(w->client, &q, &w->reply, &w->e),
		TC_ECLOSED);
	/* what is no stream is a reply as ever */
	w->next.status = 403;
	w->next.body = "{}";
	s = (struct sunk){ 0, 0 };
	ck_assert_int_eq(client_send(w->client, &q, &w->reply, &w->e), 0);
	ck_assert_int_eq(w->reply.status, 403);
	ck_assert_uint_eq(s.n, 0);
	ck_assert_uint_eq(w->reply.body.n, 2);
	world_free(w);
}
END_TEST

START_TEST(what_is_no_http_is_an_error)
{
	static const char *const raw[] = {
		"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: "
		"50\r\n\r\nshort", "\x01\x02\x03", "",
	};
	struct world *w = world_new(0);

	for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
		w->next = (struct fake_reply){ .raw = raw[i] };
		ck_assert_int_lt(get(w, "/"), 0);
		ck_assert_ptr_nonnull(strstr(w->e.text, "127.0.0.1"));
	}
	world_free(w);
}
END_TEST

START_TEST(nobody_there_is_told_by_name)
{
	struct world *w = world_new(0);

	fake_http_stop(w->server);
	w->server = NULL;
	ck_assert_int_eq(get(w, "/"), TC_EIO);
	ck_assert_ptr_nonnull(strstr(w->e.text, "127.0.0.1"));
	world_free(w);
}
END_TEST

START_TEST(a_silent_server_is_given_up)
{
	struct world *w = world_new(0);
	struct client_request q = { .method = "GET", .path = "/",
		.timeout = dur_ms(100) };

	w->next.hang = true;
	ck_assert_int_eq(client_send(w->client, &q, &w->reply, &w->e),
		TC_ETIMEOUT);
	fake_http_release(w->server);
	/* cut off: ends within a second, long before the 15 s of the conf */
	client_cut(w->client, (struct mono){ 1 });
	ck_assert_int_eq(get(w, "/"), TC_ECLOSED);
	ck_assert_int_lt(w->reply.took.ns, dur_s(5).ns);
	world_free(w);
}
END_TEST

START_TEST(a_url_must_be_plain)
{
	static const char *const bad[] = {
		"", "127.0.0.1:8420", "ftp://h/", "file:///etc/passwd",
		"unix:///run/x", "http://", "http:///x", "http://u:p@h/",
		"http://h/?a", "http://h/#a", "http://h x/", "HTTP:/h",
	};
	struct client_conf conf = {0};
	struct client *c;
	struct tc_err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		conf.url = bad[i];
		ck_assert_msg(client_open(&conf, &c, &e) == TC_EINVAL,
			"%s was taken", bad[i]);
	}
}
END_TEST

START_TEST(a_token_cannot_smuggle_a_header)
{
	struct world *w = world_new(0);

	ck_assert_int_eq(client_set_token(w->client, "a\r\nX: y", &w->e),
		TC_EINVAL);
	ck_assert_int_eq(client_set_token(w->client, "a b", &w->e),
		TC_EINVAL);
	world_free(w);
}
END_TEST

START_TEST(a_problem_is_told_in_its_own_words)
{
	static const struct { const char *type; const char *body;
		const char *want; } rows[] = {
		{ "application/problem+json", "{\"title\":\"Forbidden\","
			"\"detail\":\"token is bound to h2\"}",
			"HTTP 403: Forbidden: token is bound to h2" },
		{ "application/problem+json", "{\"title\":", "HTTP 403" },
		{ "application/problem+json", "{\"detail\":7}", "HTTP 403" },
		{ "application/problem+json", "", "HTTP 403" },
		{ "text/html", "<h1>no</h1>", "HTTP 403" },
	};
	struct world *w = world_new(0);
	char text[64], tiny[8];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		w->next = (struct fake_reply){ .status = 403,
			.type = rows[i].type, .body = rows[i].body };
		ck_assert_int_eq(get(w, "/"), 0);
		client_problem(&w->reply, text, sizeof(text));
		ck_assert_str_eq(text, rows[i].want);
		client_problem(&w->reply, tiny, sizeof(tiny));
		ck_assert_str_eq(tiny, "HTTP 40");
	}
	world_free(w);
}
END_TEST

START_TEST(a_token_file_has_one_line)
{
	char path[] = "/tmp/tocsin-token-XXXXXX";
	struct strbuf sb = {0};
	struct tc_err e;
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, "  tok-1 \r\n", 10), 10);
	ck_assert_int_eq(client_read_token(path, &sb, &e), 0);
	ck_assert_str_eq(strbuf_str(&sb), "tok-1");
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(client_read_token(path, &sb, &e), TC_EINVAL);
	close(fd);
	unlink(path);
	ck_assert_int_eq(client_read_token(path, &sb, &e), TC_ENOENT);
	strbuf_free(&sb);
}
END_TEST

int
main(void)
{
	return STORIES("client",
		a_request_brings_its_token_and_a_reply_its_body,
		a_redirect_is_an_answer_not_a_way, a_reply_without_end_is_cut,
		a_stream_is_drunk_not_kept,
		what_is_no_http_is_an_error, nobody_there_is_told_by_name,
		a_silent_server_is_given_up, a_url_must_be_plain,
		a_token_cannot_smuggle_a_header,
		a_problem_is_told_in_its_own_words,
		a_token_file_has_one_line);
}
