#include "http/guard.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/units.h"

#define HEADERS_MAX 100

static void
refuse(struct guard *g, int status, const char *why)
{
	if (g->status == 0) {
		g->status = status;
		g->why = why;
	}
}

/* RFC 9110 token */
static bool
is_token(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return true;
}

static bool
is_field_text(const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

bool
guard_uri(const char *uri)
{
	for (; *uri != '\0'; uri++) {
		unsigned char c = (unsigned char)*uri;

		if (c <= ' ' || c >= 0x7f)
			return false;
		/* %0x, %1x, %7f */
		if (c == '%' && (uri[1] == '0' || uri[1] == '1'))
			return false;
		if (c == '%' && uri[1] == '7' && (uri[2] | 0x20) == 'f')
			return false;
	}
	return true;
}

void
guard_line(struct guard *g, const char *method, const char *uri,
	size_t uri_bytes, const char *version)
{
	g->is_http10 = strcmp(version, "HTTP/1.0") == 0;
	if (!g->is_http10 && strcmp(version, "HTTP/1.1") != 0)
		refuse(g, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
	if (!is_token(method))
		refuse(g, 400, "the method is no token");
	g->next = version + strlen(version) + 2;
	if (!g->check_layout)
		return;
	if (method + strlen(method) + 1 != uri ||
	    uri + uri_bytes + 1 != version)
		refuse(g, 400, "the request line is malformed");
}

struct slot {
	const char *name;
	size_t value_at;	/* offset of a const char * in struct guard */
	size_t count_at;	/* offset of an unsigned, 0 = may be repeated */
};

static const struct slot slots[] = {
	{ "Host", offsetof(struct guard, host),
		offsetof(struct guard, n_host) },
	{ "Authorization", offsetof(struct guard, auth),
		offsetof(struct guard, n_auth) },
	{ "Content-Length", offsetof(struct guard, length),
		offsetof(struct guard, n_length) },
	{ "Transfer-Encoding", offsetof(struct guard, transfer),
		offsetof(struct guard, n_transfer) },
	{ "If-None-Match", offsetof(struct guard, etag), 0 },
	{ "Accept", offsetof(struct guard, accept), 0 },
	{ "Content-Encoding", offsetof(struct guard, encoding), 0 },
	{ "Expect", offsetof(struct guard, expect), 0 },
	{ "Idempotency-Key", offsetof(struct guard, idempotency_key), 0 },
	{ "Last-Event-ID", offsetof(struct guard, last_event_id), 0 },
	{ "Tocsin-Protocol", offsetof(struct guard, protocol), 0 },
};

void
guard_header(struct guard *g, const char *name, const char *value)
{
	if (g->check_layout && name != g->next)
		refuse(g, 400, "the header lines are malformed");
	g->next = value + strlen(value) + 2;
	if (++g->n_headers > HEADERS_MAX)
		refuse(g, 431, "too many header lines");
	if (!is_token(name) || !is_field_text(value))
		refuse(g, 400, "a header line holds a forbidden byte");
	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		if (strcasecmp(name, slots[i].name) != 0)
			continue;
		memcpy((char *)g + slots[i].value_at, &value, sizeof(value));
		if (slots[i].count_at != 0)
			++*(unsigned *)(void *)((char *)g + slots[i].count_at);
		return;
	}
}

static bool
is_host(const char *host)
{
	return host[strspn(host, "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%")] == '\0';
}

static void
judge_framing(struct guard *g)
{
	if (g->n_length > 1 || g->n_transfer > 1)
		refuse(g, 400, "the length of the body is given twice");
	if (g->n_length != 0 && g->n_transfer != 0)
		refuse(g, 400, "Content-Length beside Transfer-Encoding");
	if (g->n_transfer != 0 && g->is_http10)
		refuse(g, 400, "Transfer-Encoding in HTTP/1.0");
	if (g->n_transfer != 0 && strcasecmp(g->transfer, "chunked") != 0)
		refuse(g, 501, "no Transfer-Encoding but chunked");
	if (g->n_length != 0 && u64_parse(g->length, strlen(g->length),
			&g->length_bytes) < 0)
		refuse(g, 400, "Content-Length is no number");
	g->has_body = g->n_transfer != 0 || g->length_bytes != 0;
}

bool
guard_finish(struct guard *g)
{
	/*
	 * Behind the last value come the NULs of two CR LF: its own and that of
	 * the empty line.  Anything else was hidden behind a NUL, or is a line
	 * that was dropped.  The records of the headers lie behind, in the same
	 * block of memory: these bytes can be read.
	 */
	if (g->check_layout && g->n_headers != 0 &&
	    (g->next[-1] != '\0' || g->next[0] != '\0' ||
	     g->next[1] != '\0'))
		refuse(g, 400, "the header lines are malformed");
	judge_framing(g);
	if (g->n_host > 1 || (g->n_host == 0 && !g->is_http10))
		refuse(g, 400, "exactly one Host is needed");
	if (g->n_host == 1 && !is_host(g->host))
		refuse(g, 400, "Host holds a forbidden byte");
	if (g->n_auth > 1)
		refuse(g, 400, "Authorization is given twice");
	if (g->expect != NULL && strcasecmp(g->expect, "100-continue") != 0)
		refuse(g, 417, "no Expect but 100-continue");
	if (g->encoding != NULL && strcasecmp(g->encoding, "identity") != 0)
		refuse(g, 415, "no Content-Encoding is taken");
	return g->status == 0;
}

const char *
guard_bearer(const char *auth, size_t *n)
{
	if (auth == NULL || strncasecmp(auth, "Bearer ", 7) != 0)
		return NULL;
	auth += 7;
	auth += strspn(auth, " ");
	*n = strlen(auth);
	while (*n > 0 && auth[*n - 1] == ' ')
		--*n;
	return *n != 0 && memchr(auth, ' ', *n) == NULL ? auth : NULL;
}
