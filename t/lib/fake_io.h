/*
 * A daemon for src/http that exists in memory only.
 *
 * Tokens: "viewer-token", "operator-token", "admin-token", and
 * "agent-token-N" bound to the host with id N.
 */
#ifndef TOCSIN_T_LIB_FAKE_IO_H
#define TOCSIN_T_LIB_FAKE_IO_H

#include <pthread.h>
#include <stdatomic.h>

#include "http/http.h"
#include "t/lib/fake_snapshot.h"

enum fake_answer {
	ANSWER_AT_ONCE,		/* done() within submit() */
	ANSWER_LATER,		/* kept until fake_io_release() */
	ANSWER_NOT,		/* submit() says TC_EFULL */
};

struct fake_clock {
	struct clock clock;
	_Atomic int64_t ahead_ns;	/* of the machine's clock */
};

struct fake_io {
	struct http_io io;
	struct fake_clock clock;
	pthread_mutex_t lock;
	struct snapshot *now;
	enum fake_answer answer;
	int rc;			/* of the next commands */
	const char *why;	/* and its text; NULL = some */
	size_t n_bad;
	struct http_command *kept;
	bool not_ready;
	int read_rc;		/* of the next reads */
	_Atomic uint64_t n_events;	/* seq 1…n */
	uint64_t oldest_event;	/* those before are gone */
	atomic_bool revoked;	/* no token is known any more */
	size_t n_points;
	unsigned n_submitted;
	/* of the last command */
	struct http_principal who;
	char key[128];
	char host[256];
	enum http_command_kind kind;
	char body[256];
	size_t n_observations;
	enum http_role token_role;
	struct dur token_valid;
	uint32_t asked_host;	/* whose events */
	char token_name[64];
	uint32_t token_id;
	struct http_series_query query;	/* of the last series asked for */
};

void fake_io_init(struct fake_io *f, const struct fake_fleet *fleet);
void fake_io_fini(struct fake_io *f);
/* Publishes another snapshot; at and at_mono are filled in. */
void fake_io_publish(struct fake_io *f, const struct fake_fleet *fleet);
/* Answers what ANSWER_LATER kept; false when there is nothing yet. */
bool fake_io_release(struct fake_io *f);

#endif
