/*
 * A store in a directory of its own, and sets of changes for it.
 */
#ifndef TOCSIN_T_DB_YARD_H
#define TOCSIN_T_DB_YARD_H

#include <stdatomic.h>

#include "store/store.h"

#define T0 INT64_C(1767225600000)	/* 2026-01-01T00:00:00Z, ms */

struct yard {
	const struct store_ops *ops;
	struct store_conf conf;
	struct store *s;
	char dir[64];
	char path[96];
	_Atomic int degraded;	/* last word: 1 degraded, 0 recovered, −1 none */
	char why[256];
	struct queue *turned;
	struct queue *done;
};

/* A new directory below $TMPDIR or /tmp; nothing opened. */
void yard_init(struct yard *y, const struct store_ops *ops);
/* Fails the test when it cannot be opened. */
void yard_open(struct yard *y);
void yard_close(struct yard *y);
/* Waits for the next word of the degraded callback: true = degraded. */
bool yard_turns(struct yard *y);
/* Closes and removes everything. */
void yard_fini(struct yard *y);
/* Removes the files in the directory; folders stay. */
void yard_sweep(struct yard *y);

/* ---- building sets ---- */
struct change_set *set_new(void);
void set_subject(struct change_set *cs, uint32_t id, enum subject_kind kind,
	uint32_t parent, const char *key);
void set_event(struct change_set *cs, uint64_t seq, uint32_t subject,
	const char *kind);
void set_state(struct change_set *cs, uint32_t subject, const char *kind,
	const char *text);	/* NULL = delete */
/* A done(): the number that is cs->owner goes to standard output. */
void set_tell(struct change_set *cs);

/* A row of f64 metrics without instance: names and values by turns, NULL. */
struct change_history *set_row(struct change_set *cs, uint32_t subject,
	const char *probe, int64_t at_ms);
void row_value(struct change_set *cs, struct change_history *row,
	const struct change_series *series, uint64_t bits);
void row_f64(struct change_set *cs, struct change_history *row,
	const char *name, double v);

struct prediction_text {
	const char *level;
	const char *body;
};
void set_prediction(struct change_set *cs, uint64_t id, uint32_t subject,
	int64_t since_ms, struct prediction_text text);

/* Submits, waits for done(), frees; returns rc.  Counts into *acc, *dup. */
int yard_put(struct yard *y, struct change_set *cs);
int yard_put_counted(struct yard *y, struct change_set *cs, size_t *accepted,
	size_t *duplicates);

/* Hosts 1…n under a partition with id 1000000. */
void yard_hosts(struct yard *y, uint32_t n);
#define YARD_PARTITION 1000000u

/* ---- reading ---- */
struct seen_points {
	size_t n;
	struct store_point p[4096];
	char instance[4096][64];
};
int yard_series(struct yard *y, const struct store_series_query *q,
	struct seen_points *out);

/* ---- past the store, in a file that nobody has open ---- */
void yard_exec(const char *path, const char *sql);
/* The first column of the first row. */
int64_t yard_number(const char *path, const char *sql);

#endif
