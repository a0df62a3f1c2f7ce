/*
 * For tests with the real programs: a scratch folder, processes that are
 * ended by their pid, HTTP, and waiting for a condition with a deadline.
 */
#ifndef TOCSIN_T_LIB_IT_H
#define TOCSIN_T_LIB_IT_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/strbuf.h"

struct it {
	char dir[64];		/* scratch; removed by it_fini */
	char url[128];		/* of the server, once it_start_server was */
	char admin[128];	/* token */
	pid_t server;
	json_t *openapi;	/* of it_schema.h; NULL = not read yet */
};

void it_init(struct it *it);
void it_fini(struct it *it);

/* Writes dir/name. */
void it_write(struct it *it, const char *name, const char *fmt, ...)
	TC_PRINTF(3, 4);
void it_read(struct it *it, const char *name, struct strbuf *out);

/* argv ends with NULL; output goes to dir/LOG.  The child dies with us. */
pid_t it_spawn(struct it *it, const char *log, const char *const *argv);
/* Sends the signal (0 = none) and waits; the exit status or −signal. */
int it_end(pid_t *pid, int signum);
/* Runs to its end, standard output into `out` (may be NULL). */
int it_run(struct it *it, struct strbuf *out, const char *const *argv);

/*
 * Listens there (0x7f010001 = 127.1.0.1) until it is closed; nobody accepts,
 * the kernel says yes.
 */
int it_listen(uint32_t address, int port);
/* A TCP port that nobody has on any address just now. */
int it_free_port(void);

/* A program in PATH, where bootstrap puts what it unpacks for the tests too. */
bool it_find(const char *name, char *out, size_t size);

/* The built programs and the folders of the built probes. */
const char *it_tocsind(void);
const char *it_agent(void);
const char *it_cli(void);
const char *it_smartd(void);
const char *it_plugin_dir(void);
/* Where openapi.json is. */
const char *it_data_dir(void);

/*
 * tocsind with dir/tocsin.yaml; returns when /readyz says 200.  The test
 * fails with the server's log when it does not within 20 s.
 */
void it_start_server(struct it *it);
/* The same, once /healthz says 200: it may not be ready. */
void it_start_degraded(struct it *it);

/* A reply: status, and the body as JSON (NULL when it is none). */
struct it_reply {
	long status;
	json_t *json;
	struct strbuf text;
};
void it_get(struct it *it, const char *path, struct it_reply *out);
/* token NULL = the admin's, "" = none. */
/* "POST /v1/tokens" */
void it_call(struct it *it, const char *what, const char *token,
	const char *body, struct it_reply *out);
void it_reply_fini(struct it_reply *r);

/* GET path, then the text or number at "a.b.0.c"; "" when it is not there. */
const char *it_text(const struct it_reply *r, const char *where);
double it_number(const struct it_reply *r, const char *where);
json_t *it_at(json_t *root, const char *where);

/* Asks every 20 ms until the path's value is the text; false at the deadline. */
bool it_wait_text(struct it *it, const char *path, const char *where,
	const char *want, double seconds);
/* Until fn says true. */
bool it_wait(bool (*fn)(void *arg), void *arg, double seconds);
double it_now(void);

#endif
