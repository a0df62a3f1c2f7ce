/*
 * A small HTTP server on loopback for tests, in a thread of its own: one
 * connection at a time, one request a connection.  The handler decides; every
 * request is kept and can be waited for.
 */
#ifndef TOCSIN_T_LIB_FAKE_HTTP_H
#define TOCSIN_T_LIB_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct fake_request {
	char method[16];
	char path[512];
	char *headers;	/* the raw text of all header lines */
	char *body;	/* NUL-terminated */
	size_t n_body;
};

struct fake_reply {
	int status;		/* 0: the connection is closed without a word */
	const char *type;	/* NULL: application/json */
	const char *headers;	/* more lines, each with \r\n; or NULL */
	const char *body;	/* NULL: "{}"; the handler's until the next call */
	const char *raw;	/* instead of all that: these bytes, then closed */
	bool hang;		/* no answer until fake_http_release() or stop */
};

struct fake_http;

/* `handle` runs in the server's thread; port 0 = any. */
struct fake_http *fake_http_start(int port,
	void (*handle)(void *arg, const struct fake_request *,
		struct fake_reply *), void *arg);
/* Forgets everything; the port is refused from now on. */
void fake_http_stop(struct fake_http *f);
int fake_http_port(const struct fake_http *f);
/* "http://127.0.0.1:PORT" */
const char *fake_http_url(const struct fake_http *f);
/* Waits until n requests were answered; false after 20 s. */
bool fake_http_wait(struct fake_http *f, size_t n);
size_t fake_http_count(struct fake_http *f);
/* The i-th request; valid until stop. */
const struct fake_request *fake_http_request(struct fake_http *f, size_t i);
void fake_http_release(struct fake_http *f);
/* "Authorization: Bearer x" stands among the headers (name in any case). */
bool fake_request_has(const struct fake_request *q, const char *line);

#endif
