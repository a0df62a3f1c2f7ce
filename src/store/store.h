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
#include "store/rows.h"

struct store;

struct store_conf {
	const char *path;	/* of the database file */
	const char *schema_dir;	/* NULL = compiled-in migrations */
	unsigned readers;	/* 0 = 2 */
	struct dur read_deadline;	/* 0 = 2 s */
	struct dur commit_every;	/* 0 = 20 ms: the longest a commit gathers */
	struct dur retry_every;	/* 0 = 1 s: while degraded */
	size_t queue_cap;	/* change sets; 0 = 4096 */
	/*
	 * History older than this goes, bit by bit, once an hour; 0 = it
	 * stays.  Not when it is more than half of the time there is.  Raw,
	 * roll-ups of 5 minutes, of an hour, of a day.
	 */
	struct dur keep_raw, keep_m5, keep_h1, keep_d1;
	/* Ended alerts with their messages; events; the audit trail. */
	struct dur keep_alerts, keep_events, keep_audit;
	/*
	 * An hour is packed this long after its end, by a thread of its own;
	 * 0 = only when compact() is called.
	 */
	struct dur pack_after;
	/* No server: the mark of a clean stop and the epoch stay as they are. */
	bool offline;
	/*
	 * Called by the writer's thread when it degrades or recovers; by
	 * open() when nothing can be written at a start, but read.  NULL =
	 * such a start fails.
	 */
	void (*degraded)(void *arg, bool degraded, const char *why);
	void *degraded_arg;
	/*
	 * A damaged file is moved to `moved` and a fresh one begun; called by
	 * open() before it returns.  NULL = TC_ECORRUPT, nothing is moved.
	 */
	void (*quarantined)(void *arg, const char *moved, const char *why);
	void *quarantined_arg;
};

struct store_stats {
	uint64_t commits;
	uint64_t sets;
	uint64_t rows;
	uint64_t samples;
	uint64_t failed_commits;
	uint64_t pruned;	/* history rows */
	size_t queue_len;
	int64_t commit_ns_max;	/* since the last call */
	uint64_t db_bytes;
	uint64_t wal_bytes;
	bool degraded;
	bool damaged;		/* a page; the next start looks at all */
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
	/* Packs all hours that end before `until`; waits; any thread. */
	int (*compact)(struct store *, struct wall until, struct tc_err *);

	/*
	 * History of this tier ("raw", "5m", …) before this time goes, bit by
	 * bit, beside all else.  TC_EPERM: that is more than half of the time
	 * there is history of, and it is not `meant`; TC_EINVAL: no such tier.
	 */
	int (*prune)(struct store *, const struct store_prune *,
		struct tc_err *);

	/* Tokens: done at once on the writer's connection, durable on return. */
	int (*token_put)(struct store *, const struct store_token *,
		struct tc_err *);
	int (*token_revoke)(struct store *, uint32_t id, struct wall at,
		struct tc_err *);

	/* Readers; any thread; TC_EBUSY when none is free, TC_ETIMEOUT. */
	int (*events)(struct store *, uint64_t after, size_t limit,
		int (*sink)(void *, const struct store_event *), void *arg,
		struct tc_err *);
	/* The last `limit` of a subject and of what is below it, in order. */
	int (*events_of)(struct store *, uint32_t subject, size_t limit,
		int (*sink)(void *, const struct store_event *), void *arg,
		struct tc_err *);
	int (*series)(struct store *, const struct store_series_query *,
		int (*sink)(void *, const struct store_point *), void *arg,
		struct tc_err *);
	/* id ≠ 0: that one; else those open at `as_of`. */
	int (*predictions)(struct store *, uint64_t id, struct wall as_of,
		int (*sink)(void *, const struct change_prediction *),
		void *arg, struct tc_err *);
	/* Those firing at `since` or later, the newest first. */
	int (*alerts)(struct store *, struct wall since, size_t limit,
		int (*sink)(void *, const struct alert *), void *arg,
		struct tc_err *);
	/* What became of an alert's messages, in order. */
	int (*deliveries)(struct store *, uint64_t alert,
		int (*sink)(void *, const struct change_outbox *,
			const struct change_delivery *),
		void *arg, struct tc_err *);
	/* id ≠ 0: that one; else the newest `limit`, the newest first. */
	int (*plans)(struct store *, uint64_t id, size_t limit,
		int (*sink)(void *, const struct change_plan *), void *arg,
		struct tc_err *);
	/* id != 0: that one, with its bytes; else those of the host. */
	int (*artifacts)(struct store *, uint64_t id, uint32_t host,
		int (*sink)(void *, const struct change_artifact *), void *arg,
		struct tc_err *);
	/* Behind this id, in their order. */
	int (*outcomes)(struct store *, uint64_t after, size_t limit,
		int (*sink)(void *, const struct store_outcome *), void *arg,
		struct tc_err *);
	int (*scored)(struct store *, const struct store_scored *,
		struct tc_err *);
	int (*moves)(struct store *, const struct store_moves *,
		struct tc_err *);
	int (*audit)(struct store *, uint64_t after, size_t limit,
		int (*sink)(void *, const struct store_audit *), void *arg,
		struct tc_err *);
	/*
	 * The whole chain is computed anew.  TC_ECORRUPT names the first row
	 * that does not hold.  *rows and the last hash are what to write down
	 * elsewhere: a tail that was cut off cannot be told from here.
	 */
	int (*audit_verify)(struct store *, uint64_t *rows,
		unsigned char last[32], struct tc_err *);
};

extern const struct store_ops store_sqlite;

/*
 * flock on state_dir/lock.  *fd on success; TC_EBUSY when a server holds it.
 * Closing the descriptor gives it back.
 */
int store_lock(const char *state_dir, int *fd, struct tc_err *e);

#endif
