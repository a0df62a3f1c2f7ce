/*
 * From libmicrohttpd's calls to a reply.  The first call for a request brings
 * its head: what must be refused before a body is refused there.  All else is
 * answered on a later call, since a reply queued on the first one closes the
 * connection.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "model/name.h"

/* More would fill libmicrohttpd's pool, which then falls silent. */
#define AMPERSANDS_MAX 64
/* Bodies being received, all connections together. */
#define BODIES_MAX_BYTES (64 * 1024 * 1024)

static void
count_body(struct request *r, size_t more)
{
	atomic_fetch_add(&r->h->body_bytes, more);
	r->body_seen += more;
}

static void
request_reset(struct request *r)
{
	wait_abandon(r);
	if (r->active)
		atomic_fetch_sub(&r->h->active, 1);
	atomic_fetch_sub(&r->h->body_bytes, r->body_seen);
	r->active = false;
	r->body_seen = 0;
	r->body_too_big = false;
	r->too_busy = false;
	r->uri_bad = false;
	r->on_reader = false;
	r->route = NULL;
	r->mhd = NULL;
	r->guard = (struct guard){ 0 };
	r->who = (struct http_principal){ 0 };
	r->phase = PHASE_HEAD;
	strbuf_free(&r->body);
	strbuf_reset(&r->target_text);
	reply_reset(&r->reply);
}

void
request_fini(struct request *r)
{
	request_reset(r);
	strbuf_free(&r->target_text);
	strbuf_free(&r->reply.body);
	strbuf_free(&r->reply.link);
	mem_free(r->reply.pieces);
}

void *
answer_uri(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd,
		MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http *h = arg;
	struct conn *c = info != NULL ? info->socket_context : NULL;
	struct request *r;
	size_t n = strlen(uri), ampersands = 0;

	if (c == NULL)
		return NULL;
	r = &c->req;
	request_reset(r);
	r->active = true;
	atomic_fetch_add(&h->active, 1);
	http_shorten_deadline(r, h->conf.head_deadline);
	r->raw_uri = uri;
	r->raw_uri_bytes = n;
	r->uri_bad = !guard_uri(uri);
	for (const char *p = uri; (p = strchr(p, '&')) != NULL; p++)
		ampersands++;
	if (ampersands > AMPERSANDS_MAX)
		shutdown(c->fd, SHUT_RDWR);
	if (n < TARGET_BYTES_MAX)
		strbuf_add(&r->target_text, uri, n);
	return r;
}

void
answer_completed(void *arg, struct MHD_Connection *mhd, void **state,
	enum MHD_RequestTerminationCode how)
{
	struct http *h = arg;
	struct request *r = *state;

	(void)mhd;
	(void)how;
	*state = NULL;
	if (r == NULL)
		return;
	request_reset(r);
	http_set_deadline(r, h->conf.idle_deadline);
}

static enum MHD_Result
see_header(void *arg, enum MHD_ValueKind kind, const char *name,
	const char *value)
{
	(void)kind;
	guard_header(arg, name, value != NULL ? value : "");
	return MHD_YES;
}

static bool
check_line(struct request *r, const char *method, const char *version)
{
	struct guard *g = &r->guard;

	g->check_layout = r->h->check_layout;
	guard_line(g, method, r->raw_uri, r->raw_uri_bytes, version);
	MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, see_header, g);
	if (!guard_finish(g)) {
		problem_set(r, g->status, "refused", "%s", g->why);
		return false;
	}
	if (r->raw_uri_bytes >= TARGET_BYTES_MAX) {
		problem_set(r, 414, "refused", "the target is too long");
		return false;
	}
	if (r->uri_bad) {
		problem_set(r, 400, "refused",
			"the target holds a forbidden byte");
		return false;
	}
	return true;
}

static bool
check_route(struct request *r, const char *method)
{
	struct tc_err e = { 0 };
	const char *strange;

	if (r->target_text.failed || r->target_text.n == 0) {
		problem_set(r, 503, tc_err_id(TC_ENOMEM), "out of memory");
		return false;
	}
	if (target_parse(r->target_text.p, &r->target, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return false;
	}
	r->route = route_find(method, &r->target, r->reply.allow,
		sizeof(r->reply.allow));
	if (r->route == NULL && r->reply.allow[0] != '\0') {
		problem_set(r, 405, "method_not_allowed",
			"this path knows %s", r->reply.allow);
		return false;
	}
	if (r->route == NULL) {
		problem_set(r, 404, "not_found", "there is no such path");
		return false;
	}
	strange = target_unknown(&r->target, r->route->params);
	if (strange != NULL) {
		problem_set(r, 400, "invalid", "%.64s: unknown parameter",
			strange);
		return false;
	}
	return true;
}

static unsigned
role_bits(enum http_role role)
{
	switch (role) {
	case ROLE_NONE:
		return 0;
	case ROLE_AGENT:
		return MAY_AGENT | MAY_AGENT_OWN;
	case ROLE_VIEWER:
		return MAY_VIEWER;
	case ROLE_OPERATOR:
		return MAY_OPERATOR;
	case ROLE_ADMIN:
		return MAY_ADMIN;
	}
	return 0;
}

/* An agent sees its own host, under whatever name it has now. */
static bool
is_own_host(struct request *r)
{
	const struct snap_host *host;
	char name[NAME_MAX_BYTES + 1];

	if (name_fold(r->target.segs[2], strlen(r->target.segs[2]), name,
			NULL) < 0)
		return false;
	host = snapshot_host(request_snapshot(r), name);
	return host != NULL && r->who.host_id != 0 &&
		host->id == r->who.host_id;
}

static bool
check_who(struct request *r)
{
	struct http_io *io = r->h->io;
	const char *token;
	size_t n = 0;
	unsigned may;

	if (r->route->who == MAY_ANYBODY)
		return true;
	token = guard_bearer(r->guard.auth, &n);
	if (token == NULL) {
		problem_set(r, 401, "no_token", "a bearer token is needed");
		return false;
	}
	if (!io->authenticate(io, token, n, &r->who)) {
		if (r->who.expired)
			problem_set(r, 401, "token_expired",
				"the time of this token is over");
		else if (conns_wrong_guess(r))
			problem_set(r, 429, "too_many_guesses",
				"too many wrong tokens from this address");
		else
			problem_set(r, 401, "wrong_token",
				"the token is not known");
		return false;
	}
	may = role_bits(r->who.role) & r->route->who;
	if (may == 0 || (may == MAY_AGENT_OWN && !is_own_host(r))) {
		problem_set(r, 403, "not_permitted",
			"the role of this token does not allow it");
		return false;
	}
	return true;
}

static bool
is_key(const char *key)
{
	size_t n = strlen(key);

	if (n == 0 || n >= sizeof(((struct http_command *)0)->idempotency_key))
		return false;
	while (n > 0 && key[n - 1] > ' ' && key[n - 1] < 0x7f)
		n--;
	return n == 0;
}

static bool
check_body(struct request *r)
{
	const struct guard *g = &r->guard;

	/* POST, PUT and PATCH have one */
	if (g->has_body && r->route->method[0] != 'P') {
		problem_set(r, 400, "invalid", "a body has no place here");
		return false;
	}
	if (g->length_bytes > r->h->conf.max_body_bytes) {
		problem_set(r, 413, "full", "the body may have %zu bytes",
			r->h->conf.max_body_bytes);
		return false;
	}
	if (g->idempotency_key != NULL && !is_key(g->idempotency_key)) {
		problem_set(r, 400, "invalid",
			"Idempotency-Key: 1 to 127 visible characters");
		return false;
	}
	if (r->h->stopping) {
		problem_set(r, 503, "closed", "the server is ending");
		return false;
	}
	return true;
}

static enum MHD_Result
take_head(struct request *r, const char *method, const char *version)
{
	bool sound = check_line(r, method, version);

	if (sound && check_route(r, method) && check_who(r) && check_body(r)) {
		r->phase = PHASE_BODY;
		if (r->guard.has_body)
			http_set_deadline(r, r->h->conf.body_deadline);
		return MHD_YES;
	}
	if (!sound || r->guard.has_body) {
		r->reply.close = true;
		return reply_queue(r);
	}
	r->phase = PHASE_READY;
	return MHD_YES;
}

/*
 * A reply cannot be queued amid a body.  What is too much is read and
 * dropped, up to twice the limit, and answered then; beyond, it is cut off.
 */
static enum MHD_Result
take_body(struct request *r, const char *p, size_t *n)
{
	size_t max = r->h->conf.max_body_bytes;

	count_body(r, *n);
	if (r->body_seen > max)
		r->body_too_big = true;
	else if (atomic_load(&r->h->body_bytes) > BODIES_MAX_BYTES)
		r->too_busy = true;
	if (r->body_seen > 2 * max)
		return MHD_NO;
	if (r->body_too_big || r->too_busy)
		strbuf_free(&r->body);
	else
		strbuf_add(&r->body, p, *n);
	*n = 0;
	return MHD_YES;
}

static enum MHD_Result
take_whole(struct request *r)
{
	if (r->body_too_big)
		problem_set(r, 413, "full", "the body may have %zu bytes",
			r->h->conf.max_body_bytes);
	else if (r->too_busy || r->body.failed)
		problem_set(r, 503, "busy", "too many bodies at once");
	else if (r->route->cost == COST_READ)
		wait_read(r);
	else
		r->route->handle(r);
	return r->phase == PHASE_WAIT ? MHD_YES : reply_queue(r);
}

enum MHD_Result
answer_request(void *h, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload,
	size_t *upload_bytes, void **state)	/* lint: libmicrohttpd's */
{
	struct request *r = *state;

	(void)h;
	(void)url;
	if (r == NULL)
		return MHD_NO;
	r->mhd = mhd;
	switch (r->phase) {
	case PHASE_HEAD:
		return take_head(r, method, version);
	case PHASE_BODY:
		if (*upload_bytes != 0)
			return take_body(r, upload, upload_bytes);
		return take_whole(r);
	case PHASE_WAIT:
		wait_finish(r);
		return reply_queue(r);
	case PHASE_READY:
		return reply_queue(r);
	}
	return MHD_NO;
}
