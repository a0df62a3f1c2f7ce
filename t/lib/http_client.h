/*
 * A client that sends just the bytes it is told to, over loopback.  Nothing
 * here sleeps: it waits for events, 10 s at most.
 */
#ifndef TOCSIN_T_LIB_HTTP_CLIENT_H
#define TOCSIN_T_LIB_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
	int status;		/* 0 = the connection was closed instead */
	char *head;		/* status line and header lines */
	char *body;		/* NUL-terminated */
	size_t n;
};

void answer_free(struct answer *a);
/* The value of a header, in static memory until the next call; or NULL. */
const char *answer_header(const struct answer *a, const char *name);

/* -1 when refused. */
int client_open(unsigned port);
/* False when the other side is gone. */
bool client_send(int fd, const void *p, size_t n);
/* One answer; `head_only` when no body follows it (HEAD). */
struct answer client_read(int fd, bool head_only);
/* True when the other side closes within the time, whatever it sends. */
bool client_is_closed(int fd, int timeout_ms);
/* What comes within the time, at least one byte; 0 = closed, -1 = nothing. */
long client_poll(int fd, void *p, size_t n, int timeout_ms);

struct ask {
	unsigned port;
	const char *method;	/* NULL = GET, or POST with a body */
	const char *target;
	const char *token;	/* NULL = none */
	const char *headers;	/* "X: y\r\n", NULL = none */
	const char *body;	/* NULL = none */
};

/* On an open connection, which stays open. */
struct answer client_ask(int fd, const struct ask *ask);
/* On a connection of its own. */
struct answer client_once(const struct ask *ask);

#endif
