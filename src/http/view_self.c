/*
 * About the server itself: liveness, readiness, and files it hands out.
 */
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "wire/json_write.h"

void
view_healthz(struct request *r)
{
	struct json_write w;

	reply_open(r, &w, NULL);
	json_add_str(&w, "status", "ok");
	json_put_end(&w);
	r->reply.cache = "no-store";
}

void
view_readyz(struct request *r)
{
	struct http_io *io = r->h->io;
	struct json_write w;
	char why[256] = "";

	if (!io->ready(io, why, sizeof(why))) {
		problem_set(r, 503, "not_ready", "%s", why);
		return;
	}
	reply_open(r, &w, NULL);
	json_add_str(&w, "status", "ready");
	json_put_end(&w);
	r->reply.cache = "no-store";
}

void
view_openapi(struct request *r)
{
	const struct strbuf *file = &r->h->openapi;

	if (file->n == 0) {
		problem_set(r, 404, "not_found", "the file is not installed");
		return;
	}
	strbuf_add(&r->reply.body, file->p, file->n);
	r->reply.status = 200;
	r->reply.cache = "no-cache";
}
