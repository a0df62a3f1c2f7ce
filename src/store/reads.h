/*
 * What is read: each inside the caller's read transaction.  A sink that
 * returns anything but 0 ends the reading, without an error.
 */
#ifndef TOCSIN_STORE_READS_H
#define TOCSIN_STORE_READS_H

#include "store/db.h"
#include "store/store.h"

int read_all(struct db *db, const struct store_loader *to, bool clean,
	struct tc_err *e);

struct read_events {
	uint32_t of;		/* the last ones of it; 0 = all behind `after` */
	uint64_t after;
	size_t limit;
	int (*sink)(void *, const struct store_event *);
	void *arg;
};
int read_events(struct db *db, const struct read_events *q, struct tc_err *e);

struct read_predictions {
	uint64_t id;		/* 0 = all of as_of */
	struct wall as_of;
	int (*sink)(void *, const struct change_prediction *);
	void *arg;
};
int read_predictions(struct db *db, const struct read_predictions *q,
	struct tc_err *e);

struct read_series {
	const struct store_series_query *query;
	int (*sink)(void *, const struct store_point *);
	void *arg;
};
int read_series(struct db *db, const struct read_series *q, struct tc_err *e);

/* ---- store_alerts.c ---- */
int read_alerts_left(struct db *db, const struct store_loader *to,
	struct tc_err *e);

struct read_alerts {
	struct wall since;
	size_t limit;
	int (*sink)(void *, const struct alert *);
	void *arg;
};
int read_alerts(struct db *db, const struct read_alerts *q, struct tc_err *e);

struct read_deliveries {
	uint64_t alert;
	int (*sink)(void *, const struct change_outbox *,
		const struct change_delivery *);
	void *arg;
};
int read_deliveries(struct db *db, const struct read_deliveries *q,
	struct tc_err *e);

struct read_plans {
	uint64_t id;		/* 0 = the newest */
	size_t limit;
	int (*sink)(void *, const struct change_plan *);
	void *arg;
};
int read_plans(struct db *db, const struct read_plans *q, struct tc_err *e);

/* ---- store_artifacts.c ---- */
struct read_artifacts {
	uint64_t id;		/* that one, with its bytes; else */
	uint32_t host;		/* those of the host; 0 = all */
	int (*sink)(void *, const struct change_artifact *);
	void *arg;
};
int read_artifacts(struct db *db, const struct read_artifacts *q,
	struct tc_err *e);

/* ---- store_outcomes.c ---- */
struct read_outcomes {
	uint64_t after;
	size_t limit;
	int (*sink)(void *, const struct store_outcome *);
	void *arg;
};
int read_outcomes(struct db *db, const struct read_outcomes *q,
	struct tc_err *e);
int read_scored(struct db *db, const struct store_scored *to,
	struct tc_err *e);
/* Where the next part of the moves begins; ended: there is none. */
struct moves_at { int64_t at_ms; int64_t seq; bool ended; };
int read_move_warnings(struct db *db, const struct store_moves *to,
	struct tc_err *e);
int read_moves(struct db *db, const struct store_moves *to,
	struct moves_at *at, struct tc_err *e);

/* ---- store_audit.c ---- */
/* after UINT64_MAX: the last `limit` rows. */
struct read_audit {
	uint64_t after;
	size_t limit;
	int (*sink)(void *, const struct store_audit *);
	void *arg;
};
int read_audit(struct db *db, const struct read_audit *q, struct tc_err *e);

struct audit_sum {
	uint64_t rows;
	unsigned char last[32];
};
int audit_verify(struct db *db, struct audit_sum *sum, struct tc_err *e);

#endif
