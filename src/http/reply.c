#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/request.h"
#include "http/server.h"
#include "wire/json_write.h"

/* Shared text up to this size is copied: one write in place of two. */
#define COPY_BYTES (32 * 1024)
/* A body buffer larger than this is not kept for the next request. */
#define KEEP_BYTES (64 * 1024)

const struct snapshot *
request_snapshot(struct request *r)
{
	struct http_io *io = r->h->io;

	if (r->reply.pinned == NULL)
		r->reply.pinned = io->snapshot(io);
	return r->reply.pinned;
}

void
reply_open(struct request *r, struct json_write *w, const struct snapshot *s)
{
	struct clock *clock = r->h->io->clock;
	struct reply *rep = &r->reply;
	int64_t age_ms = 0;

	if (s != NULL)
		age_ms = dur_to_ms(mono_diff(clock->mono(clock), s->at_mono));
	rep->status = 200;
	json_begin(w, &rep->body);
	json_put_object(w);
	json_add_wall(w, "generated_at", clock->wall(clock));
	json_add_i64(w, "age_ms", age_ms > 0 ? age_ms : 0);
}

bool
reply_unchanged(struct request *r, const struct snapshot *s, bool samples)
{
	struct reply *rep = &r->reply;
	const char *had = r->guard.etag;
	char tag[ETAG_BYTES];
	int n;

	/* the server's start: generations begin anew with it */
	n = snprintf(tag, sizeof(tag), "\"%" PRIu64, s->generation);
	if (samples)
		n += snprintf(tag + n, sizeof(tag) - (size_t)n, ".%" PRIx64,
			(uint64_t)s->at.ms);
	snprintf(tag + n, sizeof(tag) - (size_t)n, "-%" PRIx64 "\"",
		(uint64_t)s->started.ms);
	snprintf(rep->etag, sizeof(rep->etag), "W/%.*s",
		(int)sizeof(rep->etag) - 3, tag);
	if (had == NULL || (strcmp(had, "*") != 0 && !strstr(had, tag)))
		return false;
	rep->status = 304;
	return true;
}

int
reply_share(struct request *r, const char *p, size_t n)
{
	struct reply *rep = &r->reply;
	void *grown = rep->pieces;

	if (rep->n_pieces != 0) {
		struct piece *last = &rep->pieces[rep->n_pieces - 1];

		if (last->p + last->n == p) {
			last->n += n;
			return 0;
		}
	}
	if (mem_grow(&grown, &rep->cap_pieces, rep->n_pieces + 1,
			sizeof(*rep->pieces)) < 0) {
		rep->body.failed = true;
		return TC_ENOMEM;
	}
	rep->pieces = grown;
	rep->pieces[rep->n_pieces++] = (struct piece){ p, n };
	rep->split = rep->body.n;
	return 0;
}

void
reply_reset(struct reply *rep)
{
	if (rep->pinned != NULL)
		snapshot_put(rep->pinned);
	rep->pinned = NULL;
	if (rep->stream != NULL)
		MHD_destroy_response(rep->stream);
	rep->stream = NULL;
	if (rep->body.cap > KEEP_BYTES)
		strbuf_free(&rep->body);
	else
		strbuf_reset(&rep->body);
	if (rep->cap_pieces > KEEP_BYTES / sizeof(*rep->pieces)) {
		mem_free(rep->pieces);
		rep->pieces = NULL;
		rep->cap_pieces = 0;
	}
	rep->n_pieces = 0;
	rep->split = 0;
	rep->status = 0;
	rep->type = NULL;
	rep->cache = NULL;
	rep->etag[0] = '\0';
	strbuf_reset(&rep->link);
	rep->allow[0] = '\0';
	rep->retry_after_s = 0;
	rep->close = false;
	rep->fail_open = false;
}

/* Head, shared text and tail, none of them copied. */
static struct MHD_Response *
make_vector(struct reply *rep)
{
	size_t n = rep->n_pieces + 2;
	struct MHD_IoVec *iov = mem_alloc_array(n, sizeof(*iov));
	struct MHD_Response *resp;

	if (iov == NULL)
		return NULL;
	iov[0] = (struct MHD_IoVec){ rep->body.p, rep->split };
	for (size_t i = 0; i < rep->n_pieces; i++)
		iov[i + 1] = (struct MHD_IoVec){ rep->pieces[i].p,
			rep->pieces[i].n };
	iov[n - 1] = (struct MHD_IoVec){ rep->body.p + rep->split,
		rep->body.n - rep->split };
	resp = MHD_create_response_from_iovec(iov, (unsigned)n, NULL, NULL);
	mem_free(iov);
	return resp;
}

static int
copy_pieces(struct reply *rep, size_t total)
{
	size_t tail = rep->body.n - rep->split;
	char *end = strbuf_reserve(&rep->body, total);
	char *to = rep->body.p + rep->split;

	if (end == NULL)
		return TC_ENOMEM;
	memmove(to + total, to, tail + 1);
	for (size_t i = 0; i < rep->n_pieces; i++) {
		memcpy(to, rep->pieces[i].p, rep->pieces[i].n);
		to += rep->pieces[i].n;
	}
	rep->body.n += total;
	rep->n_pieces = 0;
	return 0;
}

/* The body stays the request's until the request is completed. */
static struct MHD_Response *
make_response(struct reply *rep)
{
	size_t total = 0;

	for (size_t i = 0; i < rep->n_pieces; i++)
		total += rep->pieces[i].n;
	if (total > COPY_BYTES)
		return make_vector(rep);
	if (rep->n_pieces != 0 && copy_pieces(rep, total) < 0)
		return NULL;
	return MHD_create_response_from_buffer(rep->body.n, rep->body.p,
		MHD_RESPMEM_PERSISTENT);
}

static void
add_headers(struct MHD_Response *resp, const struct reply *rep)
{
	char number[16];

	if (rep->body.n != 0 || rep->type != NULL)
		MHD_add_response_header(resp, "Content-Type",
			rep->type != NULL ? rep->type : "application/json");
	MHD_add_response_header(resp, "Cache-Control",
		rep->cache != NULL ? rep->cache : "private, no-cache");
	MHD_add_response_header(resp, "X-Content-Type-Options", "nosniff");
	if (rep->etag[0] != '\0')
		MHD_add_response_header(resp, "ETag", rep->etag);
	if (rep->link.n != 0)
		MHD_add_response_header(resp, "Link", rep->link.p);
	if (rep->allow[0] != '\0')
		MHD_add_response_header(resp, "Allow", rep->allow);
	if (rep->status == 401)
		MHD_add_response_header(resp, "WWW-Authenticate",
			"Bearer realm=\"tocsin\"");
	if (rep->retry_after_s != 0) {
		snprintf(number, sizeof(number), "%u", rep->retry_after_s);
		MHD_add_response_header(resp, "Retry-After", number);
	}
	if (rep->type != NULL && strncmp(rep->type, "text/html", 9) == 0)
		MHD_add_response_header(resp, "Content-Security-Policy",
			"default-src 'self'; base-uri 'none'; "
			"form-action 'self'; frame-ancestors 'none'");
	if (rep->fail_open)
		MHD_add_response_header(resp, "Tocsin-Fail-Open", "1");
	if (rep->close)
		MHD_add_response_header(resp, "Connection", "close");
}

/* When there is no memory for words. */
static struct MHD_Response *
make_last_resort(struct reply *rep)
{
	static const char text[] = "{\"type\":\"about:blank\",\"title\":"
		"\"Service Unavailable\",\"status\":503,"
		"\"code\":\"out_of_memory\",\"detail\":\"out of memory\"}";

	rep->status = 503;
	rep->type = "application/problem+json";
	rep->retry_after_s = 1;
	rep->etag[0] = '\0';
	strbuf_reset(&rep->link);
	return MHD_create_response_from_buffer(sizeof(text) - 1,
		(void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
}

enum MHD_Result
reply_queue(struct request *r)
{
	struct reply *rep = &r->reply;
	struct MHD_Response *resp = NULL;
	enum MHD_Result ok;
	bool streams = false;

	if (rep->status == 304)
		strbuf_reset(&rep->body);
	if (rep->stream != NULL) {
		resp = rep->stream;
		rep->stream = NULL;
		streams = true;
	} else if (!rep->body.failed) {
		resp = make_response(rep);
	}
	if (resp == NULL)
		resp = make_last_resort(rep);
	if (resp == NULL)
		return MHD_NO;
	if (r->h->stopping)
		rep->close = true;
	add_headers(resp, rep);
	ok = MHD_queue_response(r->mhd, (unsigned)rep->status, resp);
	MHD_destroy_response(resp);
	http_set_deadline(r, streams ? dur_ns(0) : r->h->conf.send_deadline);
	return ok;
}
