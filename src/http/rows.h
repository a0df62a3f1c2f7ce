/*
 * What the API reads from the database, row by row.
 */
#ifndef TOCSIN_HTTP_ROWS_H
#define TOCSIN_HTTP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "http/role.h"
#include "model/observation.h"

struct http_token {
	uint32_t id;
	enum http_role role;
	const char *host;	/* "" = not bound */
	const char *name;
	struct wall created;
	struct wall until;	/* ms 0 = for ever */
	struct wall last_used;	/* ms 0 = not since the start */
};

struct http_event {
	uint64_t seq;
	struct wall at;
	const char *kind;
	const char *subject;	/* "h1", "h1/disk/MODEL/SERIAL", "rack1" */
	uint64_t cause_seq;
	const char *body;	/* JSON object */
};

struct http_series_query {
	const char *host;
	uint32_t unit;		/* of this VM or role on it; 0 = of the host */
	const char *metric;
	const char *instance;	/* NULL = every one */
	const char *device;	/* serial or key, NULL = the host's own */
	struct wall from;
	struct wall to;
	struct dur step;	/* 0 = raw */
	size_t limit;		/* points in all */
};

/* One row of a series; a new (instance, device) begins a new series. */
struct http_point {
	const char *instance;
	const char *device;
	struct wall at;
	double value;		/* with a step: the mean */
	double min, max;
	uint64_t count;
	double last;
};

/* Each sink returns 0 to go on, anything else to stop. */
typedef int http_event_sink(void *arg, const struct http_event *);
typedef int http_point_sink(void *arg, const struct http_point *);
typedef int http_token_sink(void *arg, const struct http_token *);
/* A row of the audit trail. */
struct http_audit {
	uint64_t seq;
	struct wall at;
	const char *actor;
	const char *action;
	const char *body;	/* JSON object */
	const char *sha256;	/* hex, over this row and the one before */
};

/* A crash report or a log. */
struct http_artifact {
	uint64_t id;
	struct wall at;
	const char *name;
	const char *by;
	const unsigned char *sha256;	/* 32 */
	size_t bytes;
	const void *body;	/* of a single one; else NULL */
};

typedef int http_artifact_sink(void *arg, const struct http_artifact *);

struct http_artifact_query {
	uint64_t id;		/* that one, with its bytes; 0: */
	const char *host;	/* those of the host; TC_ENOENT */
	http_artifact_sink *sink;
	void *arg;
};

/* What became of a device or a host. */
struct http_outcome {
	uint64_t id;
	const char *host;
	struct device_id device;
	bool of_device;		/* or of the host itself */
	const char *outcome;	/* "failed" … */
	struct wall at;
	struct wall noted;
	const char *source;
	const char *by;
	const char *note;
	uint64_t predictions;	/* that it closed */
};

typedef int http_outcome_sink(void *arg, const struct http_outcome *);

struct http_outcome_query {
	uint64_t after;		/* this id */
	size_t limit;
	http_outcome_sink *sink;
	void *arg;
};

typedef int http_audit_sink(void *arg, const struct http_audit *);
typedef int http_prediction_sink(void *arg, uint64_t id, const char *json);

#endif
