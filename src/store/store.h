/*
 * The store behind a seam: struct store_ops is what a back end offers;
 * SQLite is the first.  One writer thread with the only write connection and
 * group commit; a bounded pool of read-only connections.
 */
#ifndef TOCSIN_STORE_STORE_H
#define TOCSIN_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/change.h"

struct store;

struct store_conf {
	const char *path;	/* of the database file */
	const char *schema_dir;	/* NULL = compiled-in migrations */
	unsigned readers;	/* 0 = 2 */
	struct dur read_deadline;	/* 0 = 2 s */
	struct dur commit_every;	/* 0 = 20 ms: at the latest */
	size_t queue_cap;	/* change sets; 0 = 4096 */
	/* No server: the mark of a clean stop and the epoch stay as they are. */
	bool offline;
	/* Called by the writer's thread when it degrades or recovers. */
	void (*degraded)(void *arg, bool degraded, const char *why);
	void *degraded_arg;
};

struct store_token {
	uint32_t id;
	unsigned char sha256[32];
	const char *role;
	uint32_t host;		/* subject, 0 = not bound */
	const char *host_name;	/* "" = not bound */
	const char *name;
	struct wall created;
	struct wall revoked;	/* ms 0 = in force */
};

struct store_event {
	uint64_t seq;
	struct wall at;
	const char *kind;
	uint32_t subject;
	const char *subject_name;	/* "h1", "h1/disk/…" */
	uint64_t cause_seq;
	const char *body;
};

struct store_series_query {
	uint32_t subject;
	const char *metric;
	const char *instance;	/* NULL = every one */
	struct wall from;	/* inclusive */
	struct wall to;		/* exclusive */
	struct dur step;	/* 0 = raw; buckets aligned to UTC */
	size_t limit;
};

struct store_point {
	const char *instance;
	struct wall at;
	double value;		/* with a step: mean */
	double min, max;
	uint64_t count;
};

/* What open() hands back of the last run, in this order of calls. */
struct store_loader {
	void *arg;
	int (*subject)(void *arg, const struct change_subject *);
	int (*state)(void *arg, const struct change_state *);
	int (*prediction)(void *arg, const struct change_prediction *);
	int (*token)(void *arg, const struct store_token *);
	void (*seq)(void *arg, uint64_t event_seq, uint64_t prediction_id,
		uint32_t subject_id, uint32_t token_id, bool clean);
};

struct store_stats {
	uint64_t commits;
	uint64_t sets;
	uint64_t rows;
	uint64_t samples;
	uint64_t failed_commits;
	size_t queue_len;
	int64_t commit_ns_max;	/* since the last call */
	uint64_t db_bytes;
	uint64_t wal_bytes;
	bool degraded;
};

/*
 * A set that failed so may be submitted again as it is, and harmlessly even
 * if it was committed after all; one refused otherwise never will be taken.
 */
static inline bool
store_may_retry(int rc)
{
	return rc != TC_EINVAL && rc != TC_ERANGE;
}

struct store_ops {
	/*
	 * Takes state_dir's lock beforehand (store_lock), migrates, starts
	 * the writer.  TC_ENEWER, TC_ECORRUPT, TC_EBUSY as they are.
	 */
	int (*open)(const struct store_conf *, struct store **, struct tc_err *);
	int (*load)(struct store *, const struct store_loader *,
		struct tc_err *);
	/*
	 * Ownership of the set moves; its done() is called once whatever
	 * happens (then it is the owner's), or, without done(), it is freed.
	 * TC_EFULL, TC_EAGAIN (degraded): it stays the caller's.
	 */
	int (*submit)(struct store *, struct change_set *);
	/* Waits until all that was submitted is committed or has failed. */
	int (*flush)(struct store *, struct dur max);
	/* Marks a clean stop, checkpoints. */
	void (*close)(struct store *);
	void (*stats)(struct store *, struct store_stats *);

	/* Tokens: done at once on the writer's connection, durable on return. */
	int (*token_put)(struct store *, const struct store_token *,
		struct tc_err *);
	int (*token_revoke)(struct store *, uint32_t id, struct wall at,
		struct tc_err *);

	/* Readers; any thread; TC_EBUSY when none is free, TC_ETIMEOUT. */
	int (*events)(struct store *, uint64_t after, size_t limit,
		int (*sink)(void *, const struct store_event *), void *arg,
		struct tc_err *);
	int (*series)(struct store *, const struct store_series_query *,
		int (*sink)(void *, const struct store_point *), void *arg,
		struct tc_err *);
	/* id ≠ 0: that one; else those open at `as_of`. */
	int (*predictions)(struct store *, uint64_t id, struct wall as_of,
		int (*sink)(void *, const struct change_prediction *),
		void *arg, struct tc_err *);
};

extern const struct store_ops store_sqlite;

/*
 * flock on state_dir/lock.  *fd on success; TC_EBUSY when a server holds it.
 * Closing the descriptor gives it back.
 */
int store_lock(const char *state_dir, int *fd, struct tc_err *e);

#endif
