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

#endif
