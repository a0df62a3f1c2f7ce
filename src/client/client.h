/*
 * One HTTP peer, asked with a bearer token: http and https only, certificates
 * always verified, no redirects, no proxies, bounded replies.  Blocking; one
 * thread a client, but for client_cut().
 */
#ifndef TOCSIN_CLIENT_CLIENT_H
#define TOCSIN_CLIENT_CLIENT_H

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

struct client;

struct client_conf {
	const char *url;	/* "https://host:port[/prefix]"; no user, no query */
	const char *user_agent;	/* "tocsin-agent/0.1.0" */
	const char *ca_file;	/* NULL = the system's */
	struct dur connect_timeout;	/* 0 = 5 s */
	struct dur timeout;	/* of a whole request; 0 = 15 s */
	size_t reply_max;	/* bytes of a body; 0 = 16 MiB */
};

struct client_request {
	const char *method;	/* "GET", "POST", "DELETE"… */
	const char *path;	/* "/v1/summary?…", escaped */
	const void *body;	/* JSON; NULL = none */
	size_t n;
	const char *const *headers;	/* "Name: value", NULL at the end; or NULL */
	struct dur timeout;	/* 0 = that of the conf */
	const char *accept;	/* NULL = application/json */
	/*
	 * For a body without an end: a 2xx's bytes as they come, and n 0 about
	 * each second.  Anything but 0 ends the request (TC_ECLOSED).  Then
	 * there is no timeout of the whole, but of 45 s without a byte.
	 */
	int (*sink)(void *arg, const char *p, size_t n);
	void *sink_arg;
};

/* Caller's memory; {0} is empty; reused from request to request. */
struct client_reply {
	int status;
	struct strbuf body;
	char type[64];		/* media type, without parameters */
	struct dur retry_after;	/* 0 = none said */
	struct dur took;
};

/* TC_EINVAL for a URL that is none of ours; everything is copied. */
int client_open(const struct client_conf *conf, struct client **out,
	struct tc_err *e);
void client_close(struct client *c);

/* NULL or "" = none.  TC_EINVAL when it cannot stand in a header. */
int client_set_token(struct client *c, const char *token, struct tc_err *e);

/*
 * 0 with any status.  TC_EIO: not reached; TC_ETIMEOUT; TC_EPROTO: what came
 * is no HTTP; TC_EFULL: the body is too long; TC_EPERM: the certificate does
 * not hold; TC_ECLOSED: cut off.
 */
int client_send(struct client *c, const struct client_request *request,
	struct client_reply *reply, struct tc_err *e);

/*
 * Any thread: requests under way end within a second after `when` (ns 0 =
 * as configured).
 */
void client_cut(struct client *c, struct mono when);

void client_reply_free(struct client_reply *reply);

/* The problem's detail, else its title, else "HTTP 503"; for people. */
void client_problem(const struct client_reply *reply, char *text, size_t size);

/* A token file: one line, blanks around it dropped, ≤ 4 KiB. */
int client_read_token(const char *path, struct strbuf *out, struct tc_err *e);

#endif
