/*
 * Inside http: the server, its connections, and those who wait.
 */
#ifndef TOCSIN_HTTP_SERVER_H
#define TOCSIN_HTTP_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "base/list.h"
#include "base/queue.h"
#include "base/strbuf.h"
#include "http/http.h"
#include "http/request.h"

#define HTTP_READERS 2
#define PAGE_FILES 24

/* Work for a reader thread. */
struct job {
	void (*run)(struct job *);
	struct MHD_Connection *mhd;
};

/* One address (IPv6: its /64) and what it did. */
struct peer {
	unsigned char addr[16];
	unsigned conns;
	unsigned wrong;		/* guesses of a token since `window` */
	struct mono window;
};

struct http {
	struct http_conf conf;	/* with the defaults filled in */
	struct http_io *io;
	struct now began;
	struct MHD_Daemon *daemon;
	unsigned port;
	bool check_layout;	/* this libmicrohttpd is the one guard.h knows */
	atomic_bool stopping;	/* nothing new is begun; under wait_lock */
	atomic_bool gone;	/* the sweeper ends */
	atomic_uint active;	/* requests begun and not completed */
	atomic_size_t body_bytes;	/* of all requests being received */
	struct strbuf openapi;
	struct strbuf page[PAGE_FILES];	/* see page.c */
	struct strbuf tls_certificate;
	struct strbuf tls_key;

	pthread_mutex_t conns_lock;	/* list, peers */
	struct list conns;
	struct hash peers;

	pthread_mutex_t wait_lock;	/* list of waiters */
	struct list waiters;
	struct list streams;		/* under wait_lock */
	size_t n_streams;
	struct queue *reads;		/* of struct job */
	pthread_t readers[HTTP_READERS];
	unsigned n_readers;

	struct queue *bell;		/* the sweeper sleeps here */
	pthread_t sweeper;
	bool has_sweeper;
};

/* ---- conn.c ---- */
int conns_init(struct http *h, struct tc_err *e);
void conns_fini(struct http *h);
enum MHD_Result conns_accept(void *h, const struct sockaddr *addr,
	socklen_t len);
void conns_notify(void *h, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code);
/* From now: after so long the connection is shut down; ns 0 = never. */
void http_set_deadline(struct request *r, struct dur after);
/* The same, but never later than it was. */
void http_shorten_deadline(struct request *r, struct dur after);
/* Counts a wrong token; true = too many from there. */
bool conns_wrong_guess(struct request *r);

/* ---- wait.c ---- */
int waits_init(struct http *h, struct tc_err *e);
/* Ends the reader threads; what they had is answered. */
void waits_end_reads(struct http *h);
void waits_fini(struct http *h);
/* Zeroed, with who and the key of the request; NULL: the reply says why. */
struct http_command *wait_command_new(struct request *r,
	enum http_command_kind kind);
/*
 * Gives the command away and suspends the connection until it is done; when
 * that cannot be, or cmd->rc says that it is none, the reply is a problem.
 */
void wait_submit(struct request *r, struct http_command *cmd);
/* Suspends the connection; a reader thread calls the handler. */
void wait_read(struct request *r);
/* After the resumption: makes the reply, if nobody did. */
void wait_finish(struct request *r);
/* The client was gone when its connection was resumed. */
void wait_abandon(struct request *r);
/* Commands that wait too long (or all) are answered with 503. */
void waits_expire(struct http *h, bool all);
bool waits_any(struct http *h);

/* ---- page.c ---- */
void page_load(struct http *h);
void page_free(struct http *h);

/* ---- stream.c ---- */
void stream_events(struct request *r);
/* Those that wait for events or for a heartbeat get them. */
void streams_tend(struct http *h);
void streams_end(struct http *h);

#endif
