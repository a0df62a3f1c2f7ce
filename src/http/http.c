#include "http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/server.h"

#define FILE_MAX_BYTES (4 * 1024 * 1024)
/* libmicrohttpd's memory for a connection: head, and stretches of a body. */
#define CONNECTION_BYTES ((size_t)32 * 1024)
#define BACKLOG 1024
/* How long the end waits: for commits, then for replies to be sent. */
#define DRAIN_COMMITS_MS 2000
#define DRAIN_REPLIES_MS 1000

static const struct { enum http_role role; const char *id; } roles[] = {
	{ ROLE_NONE, "none" },
	{ ROLE_AGENT, "agent" },
	{ ROLE_VIEWER, "viewer" },
	{ ROLE_OPERATOR, "operator" },
	{ ROLE_ADMIN, "admin" },
};

const char *
http_role_id(enum http_role r)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (roles[i].role == r)
			return roles[i].id;
	}
	return "none";
}

bool
http_role_parse(const char *id, size_t n, enum http_role *out)
{
	for (size_t i = 1; i < ARRAY_LEN(roles); i++) {
		if (strlen(roles[i].id) == n &&
		    memcmp(roles[i].id, id, n) == 0) {
			*out = roles[i].role;
			return true;
		}
	}
	return false;
}

static void TC_PRINTF(2, 0)
log_library(void *arg, const char *fmt, va_list ap)
{
	char text[256];

	(void)arg;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_at(DEBUG, "http", "libmicrohttpd: %s", text);
}

static void
set_defaults(struct http_conf *c)
{
	if (c->threads == 0)
		c->threads = 2;
	if (c->max_body_bytes == 0)
		c->max_body_bytes = 1024 * 1024;
	if (c->max_connections == 0)
		c->max_connections = 4096;
	if (c->max_connections < c->threads)
		c->max_connections = c->threads;
	if (c->max_connections_per_ip == 0)
		c->max_connections_per_ip = 256;
	if (c->head_deadline.ns == 0)
		c->head_deadline = dur_s(10);
	if (c->body_deadline.ns == 0)
		c->body_deadline = dur_s(30);
	if (c->send_deadline.ns == 0)
		c->send_deadline = dur_s(60);
	if (c->idle_deadline.ns == 0)
		c->idle_deadline = dur_s(75);
}

/* "127.0.0.1:8420", "[::1]:8420", ":8420" */
static int
split_listen(const char *listen_at, char host[64], char port[8],
	struct tc_err *e)
{
	const char *colon = strrchr(listen_at, ':');
	size_t n;

	if (colon == NULL || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 ||
	    colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return tc_fail(e, TC_EINVAL, "listen: not ADDRESS:PORT");
	n = (size_t)(colon - listen_at);
	if (n >= 2 && listen_at[0] == '[' && colon[-1] == ']') {
		listen_at++;
		n -= 2;
	}
	if (n >= 64)
		return tc_fail(e, TC_EINVAL, "listen: address too long");
	memcpy(host, listen_at, n);
	host[n] = '\0';
	memcpy(port, colon + 1, strlen(colon + 1) + 1);
	return 0;
}

static int
bind_socket(const struct addrinfo *ai, struct tc_err *e)
{
	int fd, on = 1;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0);
	if (fd < 0)
		return tc_fail_errno(e, errno, "cannot open a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		tc_fail_errno(e, errno, "cannot listen");
		close(fd);
		return e != NULL ? e->code : TC_EIO;
	}
	return fd;
}

static unsigned
bound_port(int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t n = sizeof(at);

	if (getsockname(fd, (struct sockaddr *)&at, &n) < 0)
		return 0;
	if (at.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&at)->sin6_port);
	return ntohs(((struct sockaddr_in *)&at)->sin_port);
}

/* The listening socket, or a negative TC_E…. */
static int
open_socket(struct http *h, const char *listen_at, struct tc_err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *ai = NULL;
	char host[64], port[8];
	int rc;

	if ((rc = split_listen(listen_at, host, port, e)) < 0)
		return rc;
	rc = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &ai);
	if (rc != 0)
		return tc_fail(e, TC_EINVAL, "%s: %s", listen_at,
			gai_strerror(rc));
	rc = bind_socket(ai, e);
	freeaddrinfo(ai);
	if (rc < 0)
		return tc_wrap(e, "%s", listen_at);
	h->port = bound_port(rc);
	return rc;
}

static int
load_files(struct http *h, struct tc_err *e)
{
	const struct http_conf *c = &h->conf;
	struct tc_err soft;
	int rc = 0;

	if (c->tls_client_ca != NULL)
		return tc_fail(e, TC_EUNSUP,
			"tls: client_ca: not supported by this build");
	if ((c->tls_certificate == NULL) != (c->tls_key == NULL))
		return tc_fail(e, TC_EINVAL,
			"tls: certificate and key belong together");
	if (c->tls_key != NULL &&
	    ((rc = file_slurp(c->tls_certificate, FILE_MAX_BYTES,
			&h->tls_certificate, e)) < 0 ||
	     (rc = file_slurp(c->tls_key, FILE_MAX_BYTES, &h->tls_key,
			e)) < 0))
		return tc_wrap(e, "tls");
	if (c->openapi_path != NULL && file_slurp(c->openapi_path,
			FILE_MAX_BYTES, &h->openapi, &soft) < 0)
		log_at(WARN, "http", "no /openapi.json: %s", soft.text);
	page_load(h);
	return 0;
}

static int
start_library(struct http *h, int fd, struct tc_err *e)
{
	const struct http_conf *c = &h->conf;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
		MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	static const char versions[] =
		"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, h->tls_certificate.p },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, h->tls_key.p },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)(uintptr_t)versions },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (c->tls_key != NULL)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	h->daemon = MHD_start_daemon(flags, 0, conns_accept, h,
		answer_request, h,
		MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_THREAD_POOL_SIZE, c->threads,
		MHD_OPTION_CONNECTION_LIMIT, c->max_connections,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
		MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)(dur_to_ms(c->idle_deadline) / 1000 + 1),
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_URI_LOG_CALLBACK, answer_uri, h,
		MHD_OPTION_NOTIFY_COMPLETED, answer_completed, h,
		MHD_OPTION_NOTIFY_CONNECTION, conns_notify, h,
		MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	if (h->daemon == NULL)
		return tc_fail(e, TC_EIO, "libmicrohttpd does not start%s",
			c->tls_key != NULL ? " (certificate or key?)" : "");
	return 0;
}

static void
http_free(struct http *h)
{
	h->gone = true;
	waits_end_reads(h);
	conns_fini(h);
	waits_fini(h);
	strbuf_free(&h->openapi);
	page_free(h);
	strbuf_free(&h->tls_certificate);
	strbuf_free(&h->tls_key);
	mem_free(h);
}

int
http_start(const struct http_conf *conf, struct http_io *io,
	struct http **out, struct tc_err *e)
{
	struct http *h = MEM_NEW(struct http);
	int fd = -1, rc;

	if (h == NULL)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	h->conf = *conf;
	h->io = io;
	h->began = (struct now){ io->clock->mono(io->clock),
		io->clock->wall(io->clock) };
	set_defaults(&h->conf);
	/* later ones are strict by themselves, and place headers elsewhere */
	h->check_layout = strncmp(MHD_get_version(), "0.9.7", 5) == 0;
	/* The sweeper looks at who waits from its first moment on. */
	if ((rc = load_files(h, e)) < 0 || (rc = waits_init(h, e)) < 0 ||
	    (rc = conns_init(h, e)) < 0)
		goto out;
	rc = fd = open_socket(h, conf->listen, e);
	if (rc < 0)
		goto out;
	if ((rc = start_library(h, fd, e)) < 0)
		goto out;
	*out = h;
	h = NULL;
	fd = -1;
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	if (h != NULL)
		http_free(h);
	return rc;
}

void
http_events_hint(struct http *h)
{
	queue_push(h->bell, h);	/* full: it is awake already */
}

unsigned
http_port(const struct http *h)
{
	return h->port;
}

/* Polls: this is the end, and there is nothing else to be done. */
static void
wait_until_quiet(struct http *h, bool commits, int ms)
{
	struct queue *pause = queue_new(1, NULL, NULL);

	for (; pause != NULL && ms > 0; ms -= 5) {
		if (commits ? !waits_any(h) : atomic_load(&h->active) == 0)
			break;
		queue_pop(pause, dur_ms(5));
	}
	queue_free(pause, NULL);
}

/*
 * New connections are refused by conns_accept() from here on. Not by
 * MHD_quiesce_daemon(): up to 0.9.75 it takes the socket out of each worker's
 * epoll set and aborts when a worker, just woken, was there before it.
 */
void
http_stop(struct http *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->wait_lock);
	h->stopping = true;
	pthread_mutex_unlock(&h->wait_lock);
	waits_end_reads(h);
	streams_end(h);
	wait_until_quiet(h, true, DRAIN_COMMITS_MS);
	waits_expire(h, true);
	wait_until_quiet(h, false, DRAIN_REPLIES_MS);
	MHD_stop_daemon(h->daemon);
	http_free(h);
}
