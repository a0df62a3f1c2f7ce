/*
 * The HTTP JSON API.  Reads snapshots; changes go out as commands.  Who needs
 * a service owns its vtable: struct http_io is implemented by the daemon and
 * by fakes in the tests.
 */
#ifndef TOCSIN_HTTP_HTTP_H
#define TOCSIN_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "engine/snapshot.h"
#include "http/role.h"
#include "http/rows.h"
#include "model/observation.h"

struct book;	/* predict/book.h */
struct mttx;	/* predict/mttx.h */

/* Who asks. */
struct http_principal {
	enum http_role role;
	uint32_t token_id;
	uint32_t host_id;	/* agents: the host they are bound to, else 0 */
	char name[64];		/* for the audit trail */
	bool expired;		/* it was one once */
};

enum http_command_kind {
	COMMAND_OBSERVE,	/* batch → accepted, duplicates */
	COMMAND_TOKEN_CREATE,	/* token_* → token_text, token_id */
	COMMAND_TOKEN_REVOKE,	/* token_id */
	/* Orders: `target` and `body` (JSON text) → reply. */
	COMMAND_HOST_PUT,	/* target = host */
	COMMAND_HOST_PATCH,
	COMMAND_HOST_DELETE,
	COMMAND_HOST_DIAGNOSE,	/* body {memory … result, ticket, note} */
	COMMAND_BRAKE_RELEASE,	/* target = partition; body {reason} */
	COMMAND_WINDOW_CREATE,
	COMMAND_WINDOW_DELETE,	/* target = id */
	COMMAND_WINDOW_IMPORT,
	COMMAND_ALERT_ACK,	/* target = id; body {comment, person, for} */
	COMMAND_ALERT_COMMENT,	/* target = id; body {text, person, for} */
	COMMAND_HOST_COMMENT,	/* target = host */
	COMMAND_COMMENT_DELETE,	/* target = id */
	COMMAND_SWITCH,		/* body {function, partition, on, reason} */
	COMMAND_ACCEPT,		/* target = device; body {metric, until …} */
	COMMAND_UNACCEPT,	/* target = device */
	COMMAND_ARTIFACT,	/* target = host; name; body = its bytes */
	COMMAND_OUTCOME,	/* what became of a device or a host */
	COMMAND_SIGNAL,		/* another monitor speaks of a unit */
	COMMAND_PRUNE,		/* body {tier, before, meant} */
};

/*
 * A change asked for.  http fills it and gives it to submit(); the daemon
 * answers by setting rc, err and results and calling done() once, from any
 * thread; then it is http's again.
 */
struct http_command {
	enum http_command_kind kind;
	struct http_principal who;
	char idempotency_key[128];
	struct batch *batch;	/* OBSERVE: owned by the command */
	char target[256];	/* orders: what the path names */
	char name[128];		/* of an artifact */
	char *body;		/* orders: NUL-terminated, http's; may be changed */
	size_t body_n;
	enum http_role token_role;
	char token_host[254];
	bool token_known;	/* no new host comes of it */
	char token_name[64];
	struct dur token_valid;	/* ns 0 = for ever */

	/*
	 * rc: 0, or TC_E… → status by http_status_of().  A text such as
	 * "owned_by: config" gives the code of the problem, which otherwise
	 * is tc_err_id(rc).
	 */
	int rc;
	struct tc_err err;
	size_t accepted;
	size_t duplicates;
	size_t bad_index[16];	/* 422: indexes of bad observations */
	size_t n_bad;
	uint32_t token_id;
	struct wall token_until;
	char token_text[80];
	struct strbuf reply;	/* orders: members of the reply's object */
	bool created;		/* 201 rather than 200 */

	void (*done)(struct http_command *);
	void *owner;
};

struct http_io {
	struct clock *clock;
	/* The latest one with a reference (snapshot_put); never NULL. */
	struct snapshot *(*snapshot)(struct http_io *);
	/* 0, or TC_EFULL (503) or TC_ECLOSED (503): the command stays http's. */
	int (*submit)(struct http_io *, struct http_command *);
	/* Constant time; false when unknown.  `token` of any length. */
	bool (*authenticate)(struct http_io *, const char *token, size_t n,
		struct http_principal *out);
	/* Ready: the store is open and the first tick was done; else why not. */
	bool (*ready)(struct http_io *, char *why, size_t size);
	/* The process's own numbers in Prometheus text, appended. */
	void (*metrics)(struct http_io *, struct strbuf *out);

	/*
	 * From the database by a bounded pool with a deadline of 2 s:
	 * TC_EBUSY (503) when no reader is free, TC_ETIMEOUT (503).
	 */
	int (*events)(struct http_io *, uint64_t after, size_t limit,
		http_event_sink *, void *arg, struct tc_err *);
	/* The last `limit` of a host and of all that belongs to it. */
	int (*events_of)(struct http_io *, uint32_t host, size_t limit,
		http_event_sink *, void *arg, struct tc_err *);
	int (*series)(struct http_io *, const struct http_series_query *,
		http_point_sink *, void *arg, struct tc_err *);
	int (*tokens)(struct http_io *, http_token_sink *, void *arg,
		struct tc_err *);
	/* after HTTP_AUDIT_LAST: the last `limit` rows */
#define HTTP_AUDIT_LAST UINT64_MAX
	int (*audit)(struct http_io *, uint64_t after, size_t limit,
		http_audit_sink *, void *arg, struct tc_err *);
	/* Stored verdicts as JSON: id ≠ 0 one, else those open at as_of. */
	int (*predictions)(struct http_io *, uint64_t id, struct wall as_of,
		http_prediction_sink *, void *arg, struct tc_err *);

	int (*outcomes)(struct http_io *, const struct http_outcome_query *,
		struct tc_err *);
	int (*artifacts)(struct http_io *, const struct http_artifact_query *,
		struct tc_err *);
	/* Our predictions held against the outcomes, as of now. */
	int (*scorecard)(struct http_io *, struct book *out, struct tc_err *);
	/* How long units took to be convicted, and good again. */
	int (*mttx)(struct http_io *, struct wall from, struct wall to,
		struct mttx *out, struct tc_err *);

	/*
	 * seq of the newest committed event, 0 = none: streams begin behind it
	 * and look for more when it rises.  NULL: they begin with the oldest,
	 * and look every second.  Any thread, must not block.
	 */
	uint64_t (*last_event)(struct http_io *);
};

struct http_conf {
	const char *listen;	/* "127.0.0.1:8420", "[::1]:8420" */
	unsigned threads;	/* of libmicrohttpd's pool; 0 = 2 */
	const char *tls_certificate;	/* paths; NULL = plain */
	const char *tls_key;
	const char *tls_client_ca;
	size_t max_body_bytes;	/* 0 = 1 MiB */
	unsigned max_connections;	/* 0 = 4096 */
	unsigned max_connections_per_ip;	/* 0 = 256; not for loopback */
	const char *openapi_path;	/* the file served as /openapi.json */
	const char *page_dir;	/* the files of / and /page; NULL = none */
	/* Absolute, whatever trickles in meanwhile; ns 0 = the default. */
	struct dur head_deadline;	/* 10 s: accept or first line to head */
	struct dur body_deadline;	/* 30 s */
	struct dur send_deadline;	/* 60 s: reply queued to last byte */
	struct dur idle_deadline;	/* 75 s: between two requests */
};

struct http;
/* Listens and serves at once. */
int http_start(const struct http_conf *conf, struct http_io *io,
	struct http **out, struct tc_err *e);
/* Events were committed: streams look now, not within 250 ms.  Any thread. */
void http_events_hint(struct http *h);
/* The port really bound (for ":0"). */
unsigned http_port(const struct http *h);
/* Stops accepting, resumes all waiters, waits for handlers; ≤ 5 s. */
void http_stop(struct http *h);

#endif
