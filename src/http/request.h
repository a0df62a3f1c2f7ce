/*
 * Inside http: one connection, the request on it, and its reply.  A request
 * belongs to the libmicrohttpd thread of its connection, but for the time of
 * its wait to a reader thread (COST_READ).
 */
#ifndef TOCSIN_HTTP_REQUEST_H
#define TOCSIN_HTTP_REQUEST_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "http/guard.h"
#include "http/http.h"
#include "http/query.h"

#define ETAG_BYTES 64

struct conn;
struct peer;
struct request;
struct route;
struct waiter;

/* A stretch of shared text between the head and the tail of a body. */
struct piece {
	const char *p;
	size_t n;
};

struct reply {
	int status;
	const char *type;	/* NULL = application/json */
	const char *cache;	/* Cache-Control; NULL = private, no-cache */
	struct strbuf body;
	/* Shared text goes in at this offset of the body. */
	size_t split;
	struct piece *pieces;
	size_t n_pieces;
	size_t cap_pieces;
	struct snapshot *pinned;	/* what the pieces belong to; owned */
	char etag[ETAG_BYTES];		/* "" = none */
	struct strbuf link;		/* empty = none */
	char allow[64];			/* of 405 */
	struct MHD_Response *stream;	/* in place of a body; owned */
	unsigned retry_after_s;		/* 0 = none */
	bool close;
	bool fail_open;		/* told by a header */
};

enum phase {
	PHASE_HEAD,	/* the request line was seen */
	PHASE_BODY,	/* the head is fine; body to come */
	PHASE_WAIT,	/* suspended, or just resumed */
	PHASE_READY,	/* the reply is made, but not queued yet */
};

struct request {
	struct http *h;
	struct conn *conn;
	struct MHD_Connection *mhd;
	enum phase phase;
	bool active;		/* counted in http.active */
	bool body_too_big;
	bool too_busy;
	bool uri_bad;
	const char *raw_uri;	/* where it lies in libmicrohttpd's buffer */
	size_t raw_uri_bytes;
	bool on_reader;		/* a handler on a reader thread */
	struct strbuf target_text;
	char method[16];
	struct target target;
	struct guard guard;
	const struct route *route;
	struct http_principal who;
	struct strbuf body;
	size_t body_seen;
	struct waiter *waiter;
	struct reply reply;
};

struct conn {
	struct list link;
	int fd;
	struct peer *peer;
	bool exempt;		/* loopback: not counted */
	/* mono ns at which it is shut down; INT64_MAX = never */
	_Atomic int64_t deadline_ns;
	struct request req;
};

/* ---- what handlers use ---- */

struct json_write;

/* The snapshot of this request, pinned until the reply was sent. */
const struct snapshot *request_snapshot(struct request *r);
/*
 * Status 200, the opened object with generated_at and age_ms in `w`; the age
 * is that of `s`, or 0 when it is NULL.  The caller adds members and closes.
 */
void reply_open(struct request *r, struct json_write *w,
	const struct snapshot *s);
/*
 * Sets the weak ETag: by generation, or with `samples` by the snapshot.  True
 * when the client has it: 304 was set, make no body.
 */
bool reply_unchanged(struct request *r, const struct snapshot *s,
	bool samples);
/* Shared text of the pinned snapshot at the end of the body so far. */
int reply_share(struct request *r, const char *p, size_t n);
/* Tells libmicrohttpd. */
enum MHD_Result reply_queue(struct request *r);
/* Everything of the last reply is forgotten; small buffers are kept. */
void reply_reset(struct reply *rep);

/* ---- deeds of answer.c ---- */
enum MHD_Result answer_request(void *h, struct MHD_Connection *mhd,
	const char *url, const char *method, const char *version,
	const char *upload, size_t *upload_bytes,
	void **state);	/* lint: libmicrohttpd's own */
void *answer_uri(void *h, const char *uri, struct MHD_Connection *mhd);
void answer_completed(void *h, struct MHD_Connection *mhd, void **state,
	enum MHD_RequestTerminationCode how);
void request_fini(struct request *r);

#endif
