/*
 * /v1/audit: who did what, in order, each row with the hash of the chain.
 */
#include <string.h>

#include "http/problem.h"
#include "http/route.h"
#include "http/server.h"
#include "http/view.h"

struct audit_list {
	struct json_write *w;
	uint64_t left;
	uint64_t last;
	bool more;
};

static int
put_row(void *arg, const struct http_audit *a)
{
	struct audit_list *list = arg;

	if (list->left == 0) {
		list->more = true;
		return 1;
	}
	list->left--;
	list->last = a->seq;
	json_put_object(list->w);
	json_add_u64(list->w, "seq", a->seq);
	json_add_wall(list->w, "at", a->at);
	json_add_str(list->w, "actor", a->actor);
	json_add_str(list->w, "action", a->action);
	json_add_raw(list->w, "body", a->body, strlen(a->body));
	json_add_str(list->w, "sha256", a->sha256);
	json_put_end(list->w);
	return 0;
}

void
view_audit(struct request *r)
{
	static const uint64_t limits[3] = { 1, LIST_LIMIT_MAX, LIST_LIMIT };
	static const uint64_t seqs[3] = { 0, INT64_MAX, 0 };
	struct http_io *io = r->h->io;
	struct tc_err e = { 0 };
	struct json_write w;
	struct audit_list list = { .w = &w };
	static const uint64_t lasts[3] = { 1, LIST_LIMIT_MAX, 0 };
	uint64_t after, last, ask;
	int rc;

	if (target_u64(&r->target, "last", lasts, &last, &e) < 0 ||
	    target_u64(&r->target, "limit", limits, &list.left, &e) < 0 ||
	    target_u64(&r->target, "after", seqs, &after, &e) < 0) {
		problem_set(r, 400, "invalid", "%s", e.text);
		return;
	}
	reply_open(r, &w, NULL);
	r->reply.cache = "no-store";
	json_add_array(&w, "items");
	/* one more tells whether it goes on; behind the last there is none */
	ask = last != 0 ? last : list.left + 1;
	if (last != 0) {
		after = HTTP_AUDIT_LAST;
		list.left = last;
	}
	rc = io->audit(io, after, (size_t)ask, put_row, &list, &e);
	if (rc < 0) {
		problem_err(r, rc, &e);
		return;
	}
	list_end_seq(&w, list.more ? list.last : 0);
	json_put_end(&w);
}
