/*
 * /v1/hosts/{h}/artifacts and /v1/artifacts/{id}: crash reports and logs, put
 * as they are, given back as they were.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "http/view.h"
#include "model/name.h"

static int
put_item(void *arg, const struct http_artifact *a)
{
	struct json_write *w = arg;
	char hex[65];

	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", a->sha256[i]);
	json_put_object(w);
	json_add_u64(w, "id", a->id);
	json_add_wall(w, "at", a->at);
	json_add_str(w, "name", a->name);
	json_add_u64(w, "bytes", a->bytes);
	json_add_str(w, "sha256", hex);
	json_add_str(w, "by", a->by);
	json_put_end(w);
	return 0;
}

void
view_artifacts(struct request *r)
{
	const char *asked = r->target.segs[2];
	char name[NAME_MAX_BYTES + 1];
	struct http_io *io = r->h->io;
	struct tc_err e = { 0 };
	struct json_write w;
	struct http_artifact_query q = { .host = name, .sink = put_item,
		.arg = &w };
	int rc;

	if (name_fold(asked, strlen(asked), name, &e) < 0) {
		problem_set(r, 404, "not_found", "there is no such host");
		return;
	}
	reply_open(r, &w, NULL);
	json_add_str(&w, "host", name);
	json_add_array(&w, "items");
	if ((rc = io->artifacts(io, &q, &e)) < 0) {
		problem_err(r, rc, &e);
		return;
	}
	json_put_end(&w);
	json_add_null(&w, "next");
	json_put_end(&w);
}

static int
put_bytes(void *arg, const struct http_artifact *a)
{
	struct request *r = arg;

	strbuf_reset(&r->reply.body);
	strbuf_add(&r->reply.body, a->body, a->bytes);
	r->reply.type = "application/octet-stream";
	r->reply.status = 200;
	return 1;
}

void
view_artifact(struct request *r)
{
	const char *text = r->target.segs[2];
	struct http_io *io = r->h->io;
	struct http_artifact_query q = { .sink = put_bytes, .arg = r };
	struct tc_err e = { 0 };
	int rc = 0;

	if (u64_parse(text, strlen(text), &q.id) == 0 && q.id != 0 &&
	    (rc = io->artifacts(io, &q, &e)) < 0)
		problem_err(r, rc, &e);
	else if (r->reply.status == 0)
		problem_set(r, 404, "not_found", "there is no such artifact");
}
