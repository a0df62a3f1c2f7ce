/*
 * probe http: servers that answer well, badly, late or not at all; a real one
 * (openssl s_server) for TLS.
 */
#include <check.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "probes/http/want.h"
#include "t/lib/certs.h"
#include "t/lib/net_rig.h"
#include "t/lib/scratch.h"
#include "t/lib/story.h"

/* ---- expectations alone ---- */

static const char *
refused(const char *status, const char *match, const char *json)
{
	static char error[256];
	struct want_cache c = { 0 };
	struct want_text t = { status, "", match, json };

	error[0] = '\0';
	if (want_get(&c, &t, error) != NULL)
		error[0] = '\0';
	want_cache_free(&c);
	return error;
}

START_TEST(what_makes_no_sense_is_refused)
{
	ck_assert_str_eq(refused("200-299, 301", "^a|b$", "/a/b=1"), "");
	ck_assert_str_ne(refused("", "", ""), "");
	ck_assert_str_ne(refused("20", "", ""), "");
	ck_assert_str_ne(refused("2000", "", ""), "");
	ck_assert_str_ne(refused("299-200", "", ""), "");
	ck_assert_str_ne(refused("200,", "", ""), "");
	ck_assert_str_ne(refused("2xx", "", ""), "");
	ck_assert_str_ne(refused("200", "(", ""), "");
	ck_assert_str_ne(refused("200", "(a*)\\1", ""), "");
	ck_assert_str_ne(refused("200", "", "status=ok"), "");
	ck_assert_str_ne(refused("200", "", "/status"), "");
}
END_TEST

START_TEST(status_is_a_list_of_ranges)
{
	struct want_cache c = { 0 };
	struct want_text t = { "200-204,301, 999", "", "", "" };
	char error[256];
	struct want *w = want_get(&c, &t, error);

	ck_assert_msg(w != NULL, "%s", error);
	ck_assert(want_has_status(w, 200) && want_has_status(w, 204));
	ck_assert(want_has_status(w, 301) && want_has_status(w, 999));
	ck_assert(!want_has_status(w, 199) && !want_has_status(w, 205));
	ck_assert(!want_has_status(w, 0) && !want_has_status(w, 1301));
	want_cache_free(&c);
}
END_TEST

START_TEST(unused_expectations_are_given_up)
{
	struct want_cache c = { 0 };
	struct want_text t = { "200", "", "", "" };
	char error[256], body[32];
	struct want *kept;

	t.body = "kept";
	kept = want_get(&c, &t, error);
	for (int i = 0; i < 2000; i++) {
		snprintf(body, sizeof(body), "number %d", i);
		t.body = body;
		want_put(want_get(&c, &t, error));
	}
	ck_assert_uint_le(c.wants.n, 257);
	t.body = "kept";
	ck_assert_ptr_eq(want_get(&c, &t, error), kept);
	want_cache_free(&c);
}
END_TEST

/* ---- a server ---- */

static void
say(int fd, const char *text)
{
	send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void
wait_for_the_end(int fd)
{
	char buf[4096];

	while (recv(fd, buf, sizeof(buf), 0) > 0)
		;
}

static void
say_body(int fd, const char *body)
{
	char head[128];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu"
		"\r\n\r\n", strlen(body));
	say(fd, head);
	say(fd, body);
}

/* `n` bytes of a line again and again, then the last line. */
static void
say_much(int fd, size_t n, const char *last)
{
	static char block[65536];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i % 64 == 63 ? '\n' : 'x';
	say(fd, "HTTP/1.1 200 OK\r\n\r\n");
	for (; n >= sizeof(block); n -= sizeof(block)) {
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
			return;
	}
	say(fd, last);
}

static void
say_headers(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\n");
	while (send(fd, "X-Header: and another one of them\r\n", 35,
	    MSG_NOSIGNAL) > 0)
		;
}

static void
reset(int fd)
{
	struct linger now = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void
drip(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc");
	wait_for_the_end(fd);
}

struct page { const char *path; const char *answer; };

static const struct page pages[] = {
	{ "/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" },
	{ "/503", "HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\ntoo busy\n" },
	{ "/close", "" },
	{ "/half", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello" },
	{ "/old", "hello" },
	{ "/garbage", "HTTP/1.1 banana\r\n\r\n" },
	{ "/badchunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"zz\r\nhello\r\n" },
	{ "/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nnee\r\n3\r\ndle\r\n0\r\n\r\n" },
	{ "/to-ok", "HTTP/1.1 302 Go\r\nLocation: /ok\r\nContent-Length: 4"
		"\r\n\r\ngone" },
	{ "/round", "HTTP/1.1 301 Go\r\nLocation: /round\r\n"
		"Content-Length: 0\r\n\r\n" },
	{ "/elsewhere", "HTTP/1.1 302 Go\r\nLocation: http://other.test/\r\n"
		"Content-Length: 0\r\n\r\n" },
	{ "/file", "HTTP/1.1 302 Go\r\nLocation: file:///etc/passwd\r\n"
		"Content-Length: 0\r\n\r\n" },
	{ "/nothing", "HTTP/1.1 204 No Content\r\n\r\n" },
};

static void
answer(int fd, const char *path, const char *request)
{
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		if (strcmp(pages[i].path, path) == 0)
			say(fd, pages[i].answer);
	}
	if (strcmp(path, "/echo") == 0)
		say_body(fd, request);
	else if (strcmp(path, "/json") == 0)
		say_body(fd, "{\"status\": \"degraded\", \"n\": [1, {\"x/y\": true,"
			" \"v\": 1.50}], \"none\": null} ");
	else if (strcmp(path, "/slow") == 0)
		wait_for_the_end(fd);
	else if (strcmp(path, "/drip") == 0)
		drip(fd);
	else if (strcmp(path, "/reset") == 0)
		reset(fd);
	else if (strcmp(path, "/much") == 0)
		say_much(fd, 900 << 10, "the needle 42\n");
	else if (strcmp(path, "/endless") == 0)
		say_much(fd, (size_t)1 << 40, "");
	else if (strcmp(path, "/headers") == 0)
		say_headers(fd);
}

static void
serve(int fd, void *arg)
{
	char request[8192], path[256] = "";
	size_t n = 0;

	(void)arg;
	for (;;) {
		ssize_t got = recv(fd, request + n, sizeof(request) - 1 - n, 0);

		if (got <= 0)
			return;
		n += (size_t)got;
		request[n] = '\0';
		if (strstr(request, "\r\n\r\n") != NULL)
			break;
	}
	sscanf(request, "%*s %255s", path);
	answer(fd, path, request);
}

struct scene {
	struct net_peer peer;
	struct net_rig rig;
	char port[32];
};

static void
scene_open(struct scene *s)
{
	net_peer_tcp(&s->peer, serve, NULL);
	net_option(s->port, sizeof(s->port), "port=%u", s->peer.port);
	net_rig_open(&s->rig, "http");
}

static void
scene_close(struct scene *s)
{
	net_rig_close(&s->rig);
	net_peer_end(&s->peer);
}

#define GET(s, ...) RUN(&(s)->rig, (s)->port, __VA_ARGS__)

START_TEST(a_good_answer_is_good)
{
	struct scene s;

	scene_open(&s);
	GET(&s, "path=/ok");
	net_rig_expect(&s.rig, "none", "");
	ck_assert_double_eq(net_rig_value(&s.rig, "http_status_code"), 200.0);
	ck_assert_double_eq(net_rig_value(&s.rig, "http_response_bytes"), 5.0);
	ck_assert(net_rig_value(&s.rig, "http_connect_seconds") > 0.0);
	ck_assert(net_rig_value(&s.rig, "http_first_byte_seconds") > 0.0);
	ck_assert(net_rig_value(&s.rig, "http_total_seconds") >=
		net_rig_value(&s.rig, "http_first_byte_seconds"));
	ck_assert(isnan(net_rig_value(&s.rig, "http_tls_seconds")));
	GET(&s, "path=/nothing");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/ok", "method=HEAD");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/503", "status=200,503");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/503");
	net_rig_expect(&s.rig, "bad_response",
		"answer: status 503, expected 200-299: too busy");
	ck_assert_double_eq(net_rig_value(&s.rig, "http_status_code"), 503.0);
	scene_close(&s);
}
END_TEST

START_TEST(the_body_is_looked_at)
{
	struct scene s;

	scene_open(&s);
	GET(&s, "path=/ok", "body=ell");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/ok", "body=Ell");
	net_rig_expect(&s.rig, "bad_response", "body: 'Ell' is not in 'hello…'");
	GET(&s, "path=/chunks", "body=needle", "match=^needle$");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/much", "body=needle", "match=^the needle [0-9]+$");
	net_rig_expect(&s.rig, "none", "");
	ck_assert(net_rig_value(&s.rig, "http_response_bytes") > 900000.0);
	GET(&s, "path=/much", "match=^the needle [a-z]+$");
	net_rig_expect(&s.rig, "bad_response", "body: no line matches");
	GET(&s, "path=/json", "json=/status=ok");
	net_rig_expect(&s.rig, "bad_response",
		"body: /status is 'degraded', expected 'ok'");
	GET(&s, "path=/json", "json=/n/1/x~1y=true");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/json", "json=/n/1/v=1.5", "body=degr");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/json", "json=/none=null");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/json", "json=/n/7=1");
	net_rig_expect(&s.rig, "bad_response", "body: no /n/7 in the JSON");
	GET(&s, "path=/ok", "json=/n=1");
	net_rig_expect(&s.rig, "bad_response", "body: no");
	GET(&s, "path=/much", "json=/n=1");
	net_rig_expect(&s.rig, "bad_response", "more than 64 KiB");
	scene_close(&s);
}
END_TEST

START_TEST(what_is_asked_for_can_be_chosen)
{
	struct scene s;
	char url[64], body[64];

	scene_open(&s);
	GET(&s, "path=/echo", "body=User-Agent: tocsin\r\n");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/echo", "user_agent=me", "body=User-Agent: me\r\n");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/echo", "header=X-One: 1\nX-Two: 2", "match=^X-Two: 2$");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/echo", "header=nonsense");
	net_rig_expect(&s.rig, "unsupported", "option header");
	snprintf(body, sizeof(body), "body=Host: www.test:%u\r\n", s.peer.port);
	GET(&s, "path=/echo", "host_header=www.test", body);
	net_rig_expect(&s.rig, "none", "");
	/* the URL's name is nowhere to be found: the target is asked */
	snprintf(url, sizeof(url), "url=http://www.test:%u/echo", s.peer.port);
	RUN(&s.rig, url, body);
	net_rig_expect(&s.rig, "none", "");
	RUN(&s.rig, "url=ftp://www.test/");
	net_rig_expect(&s.rig, "unsupported", "is not a URL");
	RUN(&s.rig, "url=http://user:secret@www.test/");
	net_rig_expect(&s.rig, "unsupported", "is not a URL");
	GET(&s, "status=ok");
	net_rig_expect(&s.rig, "unsupported", "option status");
	scene_close(&s);
}
END_TEST

START_TEST(redirects_stay_on_the_host)
{
	struct scene s;

	scene_open(&s);
	GET(&s, "path=/to-ok");
	net_rig_expect(&s.rig, "bad_response", "status 302, expected 200-299, "
		"leads to http://127.0.0.1:");
	GET(&s, "path=/to-ok", "redirects=1", "body=hello");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/to-ok", "redirects=1", "body=gone");
	net_rig_expect(&s.rig, "bad_response", "'gone' is not in 'hello…'");
	GET(&s, "path=/to-ok", "status=302", "body=gone");
	net_rig_expect(&s.rig, "none", "");
	GET(&s, "path=/round", "redirects=10");
	net_rig_expect(&s.rig, "bad_response", "status 301");
	GET(&s, "path=/elsewhere", "redirects=10");
	net_rig_expect(&s.rig, "bad_response", "leads to http://other.test/");
	GET(&s, "path=/file", "redirects=10");
	net_rig_expect(&s.rig, "bad_response", "leads to file:///etc/passwd");
	scene_close(&s);
}
END_TEST

START_TEST(what_goes_wrong_is_told_apart)
{
	struct scene s;
	char port[32];

	scene_open(&s);
	GET(&s, "path=/close");
	net_rig_expect(&s.rig, "bad_response", "answer: closed without one");
	GET(&s, "path=/reset");
	net_rig_expect(&s.rig, "connect_reset", "answer: Connection reset");
	GET(&s, "path=/half");
	net_rig_expect(&s.rig, "bad_response", "body: ");
	GET(&s, "path=/old");
	net_rig_expect(&s.rig, "bad_response", "HTTP/0.9");
	GET(&s, "path=/garbage");
	net_rig_expect(&s.rig, "bad_response", "");
	GET(&s, "path=/badchunk");
	net_rig_expect(&s.rig, "bad_response", "body: ");
	GET(&s, "path=/headers");
	net_rig_expect(&s.rig, "bad_response", "answer: more than 256 KiB");
	GET(&s, "path=/endless");
	net_rig_expect(&s.rig, "none", "");
	ck_assert(net_rig_value(&s.rig, "http_response_bytes") < 1100000.0);
	GET(&s, "path=/endless", "body=needle");
	net_rig_expect(&s.rig, "bad_response", "'needle' is not in");
	s.rig.timeout_ms = 200;
	GET(&s, "path=/slow");
	net_rig_expect(&s.rig, "response_timeout", "answer: none to the request");
	GET(&s, "path=/drip");
	net_rig_expect(&s.rig, "response_timeout", "3 bytes have come");
	GET(&s, "path=/slow", "tls=true");
	net_rig_expect(&s.rig, "response_timeout", "tls: connected, but no");
	s.rig.timeout_ms = 2000;
	net_option(port, sizeof(port), "port=%u", net_free_port());
	RUN(&s.rig, port);
	net_rig_expect(&s.rig, "connect_refused", "connect: Connection refused");
	scene_close(&s);
}
END_TEST

START_TEST(a_full_queue_gives_no_answer)
{
	struct net_peer peer;
	struct net_rig rig;
	char port[32];

	net_peer_full(&peer);
	net_option(port, sizeof(port), "port=%u", peer.port);
	net_rig_open(&rig, "http");
	rig.timeout_ms = 200;
	RUN(&rig, port);
	net_rig_expect(&rig, "connect_timeout", "connect: no answer");
	RUN(&rig, port, "tls=true");
	net_rig_expect(&rig, "connect_timeout", "connect: no answer");
	net_rig_close(&rig);
	net_peer_end(&peer);
}
END_TEST

START_TEST(many_at_once_and_dropped_in_the_midst)
{
	struct scene s;

	scene_open(&s);
	s.rig.timeout_ms = 30000;
	net_rig_run(&s.rig, "127.0.0.1", 500,
		(const char *const[]){ s.port, "path=/ok", "body=hello", NULL });
	ck_assert_uint_eq(s.rig.by_outcome[TOCSIN_OK], 500);
	net_rig_run(&s.rig, "127.0.0.1", 20,
		(const char *const[]){ s.port, "path=/much", "match=needle 42",
		NULL });
	ck_assert_uint_eq(s.rig.by_outcome[TOCSIN_OK], 20);
	net_rig_drop(&s.rig, "127.0.0.1", 300,
		(const char *const[]){ s.port, "path=/endless", NULL });
	net_peer_end(&s.peer);
}
END_TEST

/* ---- TLS ---- */

static char dir[64];
static char ca_file[128];

static bool
meet(struct net_rig *rig, const char *cert, const char *option)
{
	struct net_peer p = { .port = net_free_port() };
	char pem[128], key[128], number[16], port[32];
	const char *const argv[] = { "openssl", "s_server", "-quiet", "-accept",
		number, "-cert", pem, "-key", key, "-www", NULL };
	bool met;

	snprintf(pem, sizeof(pem), "%s/%s.pem", dir, cert);
	snprintf(key, sizeof(key), "%s/%s.key", dir, cert);
	snprintf(number, sizeof(number), "%u", p.port);
	met = net_peer_program(&p, argv) && net_peer_wait(&p);
	if (met) {
		net_option(port, sizeof(port), "port=%u", p.port);
		RUN(rig, port, "tls=true", ca_file, "host_header=www.test",
			"body=TLS", option);
	}
	net_peer_end(&p);
	return met;
}

START_TEST(certificates_are_looked_at)
{
	static const struct cert_want wants[] = {
		{ "ca", NULL, NULL, -1, 3650, true, false },
		{ "good", "ca", "DNS:www.test", -1, 30, false, false },
		{ "expired", "ca", "DNS:www.test", -30, -3, false, false },
		{ "self", NULL, "DNS:www.test", -1, 30, false, false },
	};
	struct net_rig rig;

	snprintf(dir, sizeof(dir), "/tmp/tocsin-http-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_LEN(wants); i++)
		cert_make(dir, &wants[i]);
	snprintf(ca_file, sizeof(ca_file), "ca_file=%s/ca.pem", dir);
	net_rig_open(&rig, "http");
	if (meet(&rig, "good", "verify=true")) {
		net_rig_expect(&rig, "none", "");
		ck_assert(net_rig_value(&rig, "http_tls_seconds") > 0.0);
		ck_assert_double_eq_tol(net_rig_value(&rig,
			"tls_expiry_seconds"), 30 * 86400.0, 60.0);
		meet(&rig, "expired", "verify=true");
		net_rig_expect(&rig, "cert_invalid", "tls: ");
		net_rig_expect(&rig, "cert_invalid", "certificate has expired");
		meet(&rig, "self", "verify=true");
		net_rig_expect(&rig, "cert_invalid", "self-signed certificate");
		meet(&rig, "self", "verify=false");
		net_rig_expect(&rig, "none", "");
		meet(&rig, "good", "host_header=other.test");
		net_rig_expect(&rig, "cert_invalid", "'other.test'");
		meet(&rig, "good", "ca_file=");
		net_rig_expect(&rig, "cert_invalid", "unable to get local issuer");
		meet(&rig, "good", "ca_file=/nonexistent");
		net_rig_expect(&rig, "unsupported", "/nonexistent");
		meet(&rig, "good", "tls=false");
		ck_assert_int_eq(rig.got.outcome, TOCSIN_FAIL);
	}
	net_rig_close(&rig);
	scratch_remove(dir);
}
END_TEST

START_TEST(plain_http_is_no_tls)
{
	struct scene s;

	scene_open(&s);
	s.rig.timeout_ms = 300;
	GET(&s, "path=/ok", "tls=true");
	ck_assert_int_eq(s.rig.got.outcome, TOCSIN_FAIL);
	net_rig_expect(&s.rig, s.rig.got.reason == TOCSIN_WHY_TLS_FAILED ?
		"tls_failed" : "response_timeout", "tls: ");
	scene_close(&s);
}
END_TEST

int
main(void)
{
	return STORIES("probe http", what_makes_no_sense_is_refused,
		status_is_a_list_of_ranges, unused_expectations_are_given_up,
		a_good_answer_is_good, the_body_is_looked_at,
		what_is_asked_for_can_be_chosen, redirects_stay_on_the_host,
		what_goes_wrong_is_told_apart, a_full_queue_gives_no_answer,
		many_at_once_and_dropped_in_the_midst, certificates_are_looked_at,
		plain_http_is_no_tls);
}
