/*
 * What libmicrohttpd lets through and we do not: doubled framing headers,
 * obs-fold, bare line feeds, NUL bytes that hide the rest of a line, and so
 * on (request smuggling).  Pure: the caller feeds it what it got.
 */
#ifndef TOCSIN_HTTP_GUARD_H
#define TOCSIN_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The head of a request.  {0} is empty.  All pointers are borrowed.
 *
 * `check_layout`: every string still lies where the request was received, as
 * libmicrohttpd 0.9.7x leaves it, so that a distance other than CR LF between
 * two of them shows what was swallowed in between.
 */
struct guard {
	bool check_layout;
	bool is_http10;
	const char *next;	/* where the next header's name must begin */
	unsigned n_headers;
	unsigned n_host, n_length, n_transfer, n_auth;
	const char *host;
	const char *length;
	const char *transfer;
	const char *auth;
	const char *etag;	/* If-None-Match */
	const char *accept;
	const char *encoding;	/* Content-Encoding */
	const char *expect;
	const char *idempotency_key;
	const char *last_event_id;
	const char *protocol;	/* Tocsin-Protocol: what an agent speaks */

	uint64_t length_bytes;	/* of Content-Length; 0 when there is none */
	bool has_body;		/* by Content-Length > 0 or chunks */

	int status;		/* 0 = fine, else the first fault: 400, 501… */
	const char *why;
};

/*
 * The request line.  `uri` as received; `version` "HTTP/1.1".  With
 * check_layout all three must be the pointers libmicrohttpd gave.
 */
void guard_line(struct guard *g, const char *method, const char *uri,
	size_t uri_bytes, const char *version);
/* Once for each header, in the order received. */
void guard_header(struct guard *g, const char *name, const char *value);
/* After the last one; false when the request must be refused. */
bool guard_finish(struct guard *g);

/* No control byte, blank, %00 or other escaped control in a raw target. */
bool guard_uri(const char *uri);
/* "Bearer TOKEN": the token's bytes, or NULL. */
const char *guard_bearer(const char *auth, size_t *n);

#endif
