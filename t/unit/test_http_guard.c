/*
 * What libmicrohttpd lets through, thrown at a real socket.  Each attack is
 * followed by a sound request that asks for the end, so that it shows whether
 * the server still knows where requests begin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/strbuf.h"
#include "http/guard.h"
#include "t/lib/fake_io.h"
#include "t/lib/http_client.h"
#include "t/lib/story.h"

static struct fake_io io;
static struct http *server;

static void
start(void)
{
	struct fake_fleet fleet = { .n_hosts = 3, .generation = 1 };
	struct http_conf conf = { .listen = "127.0.0.1:0",
		.head_deadline = dur_s(2), .body_deadline = dur_s(2) };
	struct tc_err e = { 0 };

	fake_io_init(&io, &fleet);
	ck_assert_msg(http_start(&conf, &io.io, &server, &e) == 0, "%s",
		e.text);
}

static void
stop(void)
{
	http_stop(server);
	fake_io_fini(&io);
}

#define LAST "DELETE /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

/* Statuses of all answers, as "200 400 "; "" when there was none. */
static void
throw_bytes(const char *p, size_t n, bool one_by_one, struct strbuf *statuses)
{
	int fd = client_open(http_port(server));
	size_t last = 0;
	struct answer a;

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; one_by_one && i < n; i++) {
		if (!client_send(fd, p + i, 1))
			break;
	}
	if (!one_by_one)
		client_send(fd, p, n);
	client_send(fd, LAST, sizeof(LAST) - 1);
	for (;;) {
		a = client_read(fd, false);
		if (a.status == 0)
			break;
		last = statuses->n;
		strbuf_printf(statuses, "%d ", a.status);
		answer_free(&a);
	}
	/* the answer to LAST does not count */
	if (last != 0 && strcmp(statuses->p + last, "405 ") == 0)
		statuses->p[statuses->n = last] = '\0';
	close(fd);
}

struct attack {
	const char *name;
	const char *p;
	size_t n;
	/* the one status of the one answer; 0 = also without an answer */
	int status;
};

#define RAW(text) text, sizeof(text) - 1
#define OK "GET /healthz HTTP/1.1\r\nHost: a\r\n"
#define AUTH "Authorization: Bearer operator-token\r\n"
#define POST "POST /v1/observations HTTP/1.1\r\nHost: a\r\n" AUTH
#define INNER "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct attack sound[] = {
	{ "plain", RAW(OK "\r\n"), 200 },
	{ "HTTP/1.0 without Host", RAW("GET /healthz HTTP/1.0\r\n\r\n"), 200 },
	{ "HTTP/1.0 with Host",
		RAW("GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n"), 200 },
	{ "empty value", RAW(OK "X:\r\n\r\n"), 200 },
	{ "blanks before a value", RAW(OK "X:   y\r\n\r\n"), 200 },
	{ "tab in a value", RAW(OK "X: a\tb\r\n\r\n"), 200 },
	{ "a cookie", RAW(OK "Cookie: a=b; c=d\r\nX: y\r\n\r\n"), 200 },
	{ "port in Host",
		RAW("GET /healthz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), 200 },
	{ "absent query", RAW("GET /healthz? HTTP/1.1\r\nHost: a\r\n\r\n"),
		200 },
	{ "some headers", RAW(OK "A: 1\r\nB: 2\r\nC: 3\r\nX: 4\r\nE: 5\r\n"
		"Accept: */*\r\nUser-Agent: x (y; z)\r\n\r\n"), 200 },
	{ "Content-Length 0", RAW(OK "Content-Length: 0\r\n\r\n"), 200 },
};

static const struct attack attacks[] = {
	/* the request line */
	{ "NUL escaped", RAW("GET /healthz%00/evil HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "NUL raw", RAW("GET /healthz\0/evil HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "NUL before the version",
		RAW("GET /healthz\0 HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "NUL in the method", RAW("GE\0T /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
		0 },
	{ "control escaped", RAW("GET /healthz%0a HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "CR LF escaped",
		RAW("GET /healthz%0d%0aX:y HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "DEL escaped", RAW("GET /healthz%7F HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "control raw", RAW("GET /healthz\x01 HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "tab raw", RAW("GET /healthz\t HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "high byte raw", RAW("GET /healthz\xff HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "blank in the target",
		RAW("GET /health z HTTP/1.1\r\nHost: a\r\n\r\n"), 0 },
	{ "two blanks", RAW("GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "two blanks behind",
		RAW("GET /healthz  HTTP/1.1\r\nHost: a\r\n\r\n"), 0 },
	{ "tab between", RAW("GET\t/healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 0 },
	{ "broken escape", RAW("GET /healthz%2 HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "no hex", RAW("GET /healthz%zz HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "escaped percent NUL is text",
		RAW("GET /healthz%2500 HTTP/1.1\r\nHost: a\r\n\r\n"), 404 },
	{ "absolute target",
		RAW("GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "asterisk", RAW("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "CONNECT", RAW("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 0 },
	{ "fragment", RAW("GET /healthz#x HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "two slashes", RAW("GET //healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 404 },
	{ "slash behind", RAW("GET /healthz/ HTTP/1.1\r\nHost: a\r\n\r\n"), 404 },
	{ "dots", RAW("GET /x/../healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 404 },
	{ "escaped dots",
		RAW("GET /%2e%2e/healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 404 },
	{ "escaped slash stays in its segment",
		RAW("GET /v1%2Fsummary HTTP/1.1\r\nHost: a\r\n\r\n"), 404 },
	{ "too deep", RAW("GET /1/2/3/4/5/6/7/8/9 HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "HTTP/1.2", RAW("GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n"), 505 },
	{ "HTTP/2.0", RAW("GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n"), 0 },
	{ "HTTP/1.10", RAW("GET /healthz HTTP/1.10\r\nHost: a\r\n\r\n"), 0 },
	{ "http/1.1 small", RAW("GET /healthz http/1.1\r\nHost: a\r\n\r\n"), 0 },
	{ "no version", RAW("GET /healthz\r\nHost: a\r\n\r\n"), 0 },
	{ "HTTP/0.9", RAW("GET /healthz\r\n\r\n"), 0 },
	{ "method in small", RAW("get /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
		405 },
	{ "method of signs", RAW("G@T /healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "TRACE", RAW("TRACE /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 405 },
	{ "no request at all", RAW("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"), 0 },
	/* header lines */
	{ "bare LF behind the line", RAW("GET /healthz HTTP/1.1\nHost: a\r\n\r\n"),
		400 },
	{ "bare LF behind a header",
		RAW("GET /healthz HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"), 400 },
	{ "bare LF everywhere", RAW("GET /healthz HTTP/1.1\nHost: a\n\n"), 400 },
	{ "bare CR behind a header",
		RAW("GET /healthz HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"), 400 },
	{ "obs-fold", RAW(OK "X: a\r\n b\r\n\r\n"), 400 },
	{ "obs-fold by tab", RAW(OK "X: a\r\n\tb\r\n\r\n"), 400 },
	{ "obs-fold of Host",
		RAW("GET /healthz HTTP/1.1\r\nHost:\r\n a\r\n\r\n"), 400 },
	{ "fold before any header",
		RAW("GET /healthz HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n"), 0 },
	{ "NUL in a value", RAW(OK "X: a\0b\r\nY: z\r\n\r\n"), 400 },
	{ "NUL in the last value", RAW(OK "X: a\0b\r\n\r\n"), 400 },
	{ "NUL in a name", RAW(OK "X\0Z: a\r\nY: z\r\n\r\n"), 0 },
	{ "NUL at the end of a value", RAW(OK "X: a\0\r\nY: z\r\n\r\n"), 400 },
	{ "control in a value", RAW(OK "X: a\x01\r\n\r\n"), 400 },
	{ "DEL in a value", RAW(OK "X: a\x7f\r\n\r\n"), 400 },
	{ "blank before the colon", RAW(OK "X : a\r\n\r\n"), 0 },
	{ "blank in a name", RAW(OK "X Y: a\r\n\r\n"), 0 },
	{ "no colon", RAW(OK "nonsense\r\n\r\n"), 0 },
	{ "no name", RAW(OK ": a\r\n\r\n"), 400 },
	{ "no name, not last", RAW(OK ": a\r\nX: y\r\n\r\n"), 400 },
	{ "bare LF as the empty line, with a body", RAW(POST
		"Content-Length: 2\r\n\n{}"), 400 },
	{ "signs in a name", RAW(OK "X(Y): a\r\n\r\n"), 400 },
	{ "no Host", RAW("GET /healthz HTTP/1.1\r\n\r\n"), 0 },
	{ "two Hosts", RAW(OK "Host: b\r\n\r\n"), 400 },
	{ "two equal Hosts", RAW(OK "Host: a\r\n\r\n"), 400 },
	{ "Host with a path",
		RAW("GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400 },
	{ "Host with an at",
		RAW("GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n"), 400 },
	{ "Host with a blank",
		RAW("GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n"), 400 },
	{ "Expect of nonsense", RAW(OK "Expect: the-best\r\n\r\n"), 417 },
	{ "Content-Encoding", RAW(POST "Content-Encoding: gzip\r\n"
		"Content-Length: 2\r\n\r\n{}"), 415 },
	/* the length of the body: smuggling */
	{ "two lengths", RAW(POST "Content-Length: 2\r\nContent-Length: 40\r\n"
		"\r\n{}" INNER), 400 },
	{ "two equal lengths", RAW(POST "Content-Length: 2\r\n"
		"Content-Length: 2\r\n\r\n{}" INNER), 400 },
	{ "lengths with a comma", RAW(POST "Content-Length: 2, 2\r\n\r\n{}"),
		0 },
	{ "length with a plus", RAW(POST "Content-Length: +2\r\n\r\n{}"), 0 },
	{ "negative length", RAW(POST "Content-Length: -2\r\n\r\n{}"), 0 },
	{ "length in hex", RAW(POST "Content-Length: 0x2\r\n\r\n{}"), 0 },
	{ "length with a fraction", RAW(POST "Content-Length: 2.0\r\n\r\n{}"),
		0 },
	{ "no length in Content-Length", RAW(POST "Content-Length:\r\n\r\n{}"),
		0 },
	{ "length beyond 64 bits", RAW(POST
		"Content-Length: 18446744073709551618\r\n\r\n{}"), 0 },
	{ "length of 2^63", RAW(POST
		"Content-Length: 9223372036854775808\r\n\r\n{}"), 413 },
	{ "length and chunks", RAW(POST "Content-Length: 2\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" INNER), 400 },
	{ "chunks and length", RAW(POST "Transfer-Encoding: chunked\r\n"
		"Content-Length: 2\r\n\r\n0\r\n\r\n" INNER), 400 },
	{ "two codings", RAW(POST "Transfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400 },
	{ "gzip, chunked", RAW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"
		"0\r\n\r\n"), 501 },
	{ "chunked, identity", RAW(POST "Transfer-Encoding: chunked, identity"
		"\r\n\r\n0\r\n\r\n"), 501 },
	{ "identity", RAW(POST "Transfer-Encoding: identity\r\n\r\n{}"), 501 },
	{ "xchunked", RAW(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
		501 },
	{ "empty coding", RAW(POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"), 501 },
	{ "chunked with a vertical tab", RAW(POST
		"Transfer-Encoding: \x0b" "chunked\r\n\r\n0\r\n\r\n"), 400 },
	{ "chunks in HTTP/1.0", RAW("POST /v1/observations HTTP/1.0\r\n" AUTH
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" INNER), 400 },
	{ "coding folded", RAW(POST "Transfer-Encoding:\r\n chunked\r\n\r\n"
		"0\r\n\r\n"), 400 },
	{ "coding behind a NUL", RAW(POST "Content-Length: 2\r\n"
		"X: a\0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400 },
	{ "length behind a NUL", RAW(POST
		"X: a\0Content-Length: 2\r\n\r\n{}" INNER), 400 },
	{ "length behind a bare LF", RAW(POST
		"X: a\nContent-Length: 2\r\n\r\n{}"), 400 },
	{ "a body for GET", RAW(OK "Content-Length: 38\r\n\r\n" INNER), 400 },
	{ "chunks for GET", RAW(OK "Transfer-Encoding: chunked\r\n\r\n"
		"0\r\n\r\n" INNER), 400 },
	{ "a body for DELETE", RAW("DELETE /v1/tokens/1 HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer admin-token\r\n"
		"Content-Length: 2\r\n\r\n{}"), 400 },
	{ "chunk size of nonsense", RAW(POST "Transfer-Encoding: chunked\r\n"
		"\r\nzz\r\n{}\r\n0\r\n\r\n"), 0 },
	{ "chunk size negative", RAW(POST "Transfer-Encoding: chunked\r\n"
		"\r\n-2\r\n{}\r\n0\r\n\r\n"), 0 },
	{ "chunk size beyond 64 bits", RAW(POST
		"Transfer-Encoding: chunked\r\n\r\n"
		"10000000000000002\r\n{}\r\n0\r\n\r\n"), 0 },
	{ "chunk size huge", RAW(POST "Transfer-Encoding: chunked\r\n"
		"\r\nfffffffffffffffe\r\n{}\r\n0\r\n\r\n"), 0 },
	{ "chunk longer than it says", RAW(POST
		"Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"), 0 },
	/* tokens */
	{ "no token", RAW("GET /v1/summary HTTP/1.1\r\nHost: a\r\n\r\n"), 401 },
	{ "Basic", RAW("GET /v1/summary HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Basic dmlld2VyOnZpZXdlcg==\r\n\r\n"), 401 },
	{ "no token behind Bearer", RAW("GET /v1/summary HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer\r\n\r\n"), 401 },
	{ "two words", RAW("GET /v1/summary HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer viewer-token x\r\n\r\n"), 401 },
	{ "token and NUL", RAW("GET /v1/summary HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer viewer-token\0x\r\n\r\n"), 400 },
	{ "token twice", RAW("GET /v1/summary HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer viewer-token\r\n"
		"Authorization: Bearer viewer-token\r\n\r\n"), 400 },
	{ "half a token", RAW("GET /v1/summary HTTP/1.1\r\nHost: a\r\n"
		"Authorization: Bearer viewer-toke\r\n\r\n"), 401 },
	{ "token in the query", RAW("GET /v1/summary?token=viewer-token "
		"HTTP/1.1\r\nHost: a\r\n\r\n"), 400 },
	{ "refused before the body", RAW("POST /v1/observations HTTP/1.1\r\n"
		"Host: a\r\nContent-Length: 1000000\r\n\r\n"), 401 },
	{ "too long, before the body", RAW(POST
		"Content-Length: 1048577\r\n\r\n"), 413 },
	{ "key of blanks", RAW(POST "Idempotency-Key: a b\r\n"
		"Content-Length: 2\r\n\r\n{}"), 400 },
	{ "empty key", RAW(POST "Idempotency-Key:\r\n"
		"Content-Length: 2\r\n\r\n{}"), 400 },
	/* parameters */
	{ "unknown parameter", RAW("GET /healthz?x=y HTTP/1.1\r\nHost: a\r\n\r\n"),
		400 },
	{ "parameter twice", RAW("GET /v1/hosts?q=a&q=b HTTP/1.1\r\nHost: a\r\n"
		"\r\n"), 400 },
	{ "parameter with NUL", RAW("GET /v1/hosts?q=a%00 HTTP/1.1\r\n"
		"Host: a\r\n\r\n"), 400 },
};

/* Says what went wrong; the caller counts. */
static bool
is_as_wanted(const struct attack *a, bool one_by_one)
{
	struct strbuf got = { 0 };
	char want[16];
	bool ok;

	throw_bytes(a->p, a->n, one_by_one, &got);
	snprintf(want, sizeof(want), "%d ", a->status);
	if (a->status != 0)
		ok = strcmp(strbuf_str(&got), want) == 0;
	else	/* one refusal of libmicrohttpd's own, or silence */
		ok = got.n == 0 || (got.n == 4 &&
			(got.p[0] == '4' || strcmp(got.p, "505 ") == 0));
	if (!ok)
		fprintf(stderr, "%s%s: wanted %s, got %s\n", a->name,
			one_by_one ? ", byte by byte" : "", want,
			strbuf_str(&got));
	strbuf_free(&got);
	return ok;
}

static void
try_all(const struct attack *list, size_t n, bool one_by_one)
{
	size_t failed = 0;

	for (size_t i = 0; i < n; i++)
		failed += !is_as_wanted(&list[i], one_by_one);
	ck_assert_uint_eq(failed, 0);
}

START_TEST(sound_requests_pass_whole_and_byte_by_byte)
{
	start();
	try_all(sound, ARRAY_LEN(sound), false);
	try_all(sound, ARRAY_LEN(sound), true);
	stop();
}
END_TEST

/* Those of our own; wrong tokens would soon be answered by 429. */
START_TEST(attacks_are_refused)
{
	start();
	try_all(attacks, ARRAY_LEN(attacks), false);
	ck_assert_uint_eq(io.n_submitted, 0);
	stop();
}
END_TEST

START_TEST(attacks_are_refused_byte_by_byte)
{
	start();
	try_all(attacks, ARRAY_LEN(attacks), true);
	ck_assert_uint_eq(io.n_submitted, 0);
	stop();
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
	struct strbuf got = { 0 };
	static const char text[] = OK "\r\n" "GET /nope HTTP/1.1\r\n"
		"Host: a\r\nX: y\r\n\r\n" OK "Z: z\r\n\r\n";

	start();
	throw_bytes(text, sizeof(text) - 1, false, &got);
	ck_assert_str_eq(strbuf_str(&got), "200 404 200 ");
	strbuf_reset(&got);
	throw_bytes(text, sizeof(text) - 1, true, &got);
	ck_assert_str_eq(strbuf_str(&got), "200 404 200 ");
	strbuf_free(&got);
	stop();
}
END_TEST

START_TEST(an_attack_ends_its_connection)
{
	struct strbuf got = { 0 };
	static const char text[] = OK "Host: b\r\n\r\n" INNER INNER;

	start();
	throw_bytes(text, sizeof(text) - 1, false, &got);
	ck_assert_str_eq(strbuf_str(&got), "400 ");
	strbuf_free(&got);
	stop();
}
END_TEST

/* Sizes and counts, with the shortest request around them. */
static void
check_many(const char *piece, size_t times, const char *want)
{
	struct strbuf text = { 0 }, got = { 0 };

	if (piece[0] == '&')
		strbuf_puts(&text, "GET /v1/hosts?");
	else if (piece[0] == '/')
		strbuf_puts(&text, "GET /");
	else
		strbuf_puts(&text, OK);
	for (size_t i = 0; i < times; i++)
		strbuf_puts(&text, piece);
	if (piece[0] == '&' || piece[0] == '/')
		strbuf_puts(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
	else
		strbuf_puts(&text, "\r\n");
	throw_bytes(text.p, text.n, false, &got);
	ck_assert_msg(strstr(want, got.n != 0 ? got.p : "none") != NULL,
		"%zu × %s: wanted one of %s, got %s", times, piece, want,
		strbuf_str(&got));
	strbuf_free(&text);
	strbuf_free(&got);
}

#define TEXT_60 "012345678901234567890123456789012345678901234567890123456789"
#define LONG_LINE "X-Long: " TEXT_60 TEXT_60 TEXT_60 TEXT_60 "\r\n"

START_TEST(too_much_of_anything_is_refused_at_once)
{
	start();
	check_many("A: b\r\n", 90, "200 ");
	check_many(LONG_LINE, 60, "200 ");
	check_many("A: b\r\n", 101, "431 ");
	check_many("A: b\r\n", 20000, "413 431 none");
	check_many("/a", 3000, "414 ");
	check_many("/a", 100000, "413 414 none");
	check_many("&a=b", 17, "400 ");
	check_many("&a=b", 400, "none");
	check_many("&a=b", 4000, "413 414 none");
	check_many("&", 60, "401 ");
	stop();
}
END_TEST

START_TEST(the_bytes_of_a_target_are_judged)
{
	ck_assert(guard_uri("/v1/hosts?q=%41"));
	ck_assert(guard_uri("/%20%7e%8f%ff"));
	ck_assert(!guard_uri("/%00"));
	ck_assert(!guard_uri("/%1F"));
	ck_assert(!guard_uri("/%7f"));
	ck_assert(!guard_uri("/%7F"));
	ck_assert(!guard_uri("/a b"));
	ck_assert(!guard_uri("/\xc3\xa4"));
	ck_assert(guard_uri(""));
}
END_TEST

START_TEST(a_bearer_token_is_one_word)
{
	size_t n;

	ck_assert_str_eq(guard_bearer("Bearer abc", &n), "abc");
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(guard_bearer("bearer  abc", &n), "abc");
	ck_assert_ptr_nonnull(guard_bearer("Bearer abc ", &n));
	ck_assert_uint_eq(n, 3);
	ck_assert_ptr_null(guard_bearer(NULL, &n));
	ck_assert_ptr_null(guard_bearer("", &n));
	ck_assert_ptr_null(guard_bearer("Bearer ", &n));
	ck_assert_ptr_null(guard_bearer("Bearerabc", &n));
	ck_assert_ptr_null(guard_bearer("Bearer a b", &n));
}
END_TEST

int
main(void)
{
	return STORIES("http_guard", the_bytes_of_a_target_are_judged,
		a_bearer_token_is_one_word,
		sound_requests_pass_whole_and_byte_by_byte,
		pipelined_requests_are_answered_in_order, attacks_are_refused,
		attacks_are_refused_byte_by_byte,
		an_attack_ends_its_connection,
		too_much_of_anything_is_refused_at_once);
}
