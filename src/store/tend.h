/*
 * Looking after the file itself: copies, checks, figures, what is kept how
 * long.  Copies, checks, figures and export read beside a running server; the
 * others need state_dir's lock (store_lock).
 */
#ifndef TOCSIN_STORE_TEND_H
#define TOCSIN_STORE_TEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/observation.h"

/* Called now and then with `done` of `all`; may be NULL. */
struct tend_progress {
	void (*say)(void *arg, uint64_t done, uint64_t all);
	void *arg;
};

/*
 * A copy as of now, looked through and synced; TC_EINVAL when `to` exists.
 * It stands under its name whole or not at all.
 */
int tend_backup(const char *path, const char *to,
	const struct tend_progress *progress, struct tc_err *e);

/*
 * When the last copy was made that ended well; written down beside the file,
 * in PATH.backup.  ms 0 = none is known.
 */
void tend_last_backup(const char *path, struct wall *at);

struct tend_sound {
	int64_t schema;
	uint64_t bytes;
	uint64_t audit_rows;
	unsigned char audit_last[32];
};
/* Pages, indexes, references, migrations, the audit's chain; TC_ECORRUPT. */
int tend_verify(const char *path, struct tend_sound *out, struct tc_err *e);

/*
 * Verifies `from` and puts a copy of it in the place of `path`; what was there
 * is moved beside it, to `aside` ("" when nothing was).
 */
#define TEND_NAME 4200
struct tend_restore {
	const char *from;
	const char *path;
	char aside[TEND_NAME];
};
int tend_restore(struct tend_restore *r, const struct tend_progress *progress,
	struct tc_err *e);

/* Rows as they came that wait to be packed; packed ones; roll-ups. */
enum tend_tier { TEND_ROWS, TEND_LATE, TEND_RAW, TEND_M5, TEND_H1, TEND_D1,
	TEND_SNAPSHOT, TEND_TIERS };
struct tend_tier_figures {
	const char *name;
	uint64_t blocks;	/* 0 of rows */
	uint64_t rows;
	uint64_t samples;	/* of roll-ups: buckets */
	uint64_t bytes;		/* of rows and blocks, without SQLite's own */
};
struct tend_figures {
	int64_t schema;
	uint64_t file_bytes, log_bytes, free_bytes;
	uint64_t hosts, subjects, names, layouts;
	uint64_t history_rows;	/* raw; counted: their pages are read */
	struct wall oldest, newest;	/* of them, to the minute; ms 0 = none */
	uint64_t events, predictions, alerts, audit_rows;
	struct tend_tier_figures tiers[TEND_TIERS];
};
int tend_figures(const char *path, struct tend_figures *out,
	struct tc_err *e);

struct tend_sample {
	const char *host;
	const char *device;	/* "" = the host's own; else disk, role… */
	const char *instance;
	struct wall at;
	double value;
	enum tocsin_sample_type type;
	uint64_t bits;		/* of the value, just as it was measured */
};
struct tend_export {
	const char *host;
	const char *metric;
	struct wall from, to;	/* ms 0 = from the first, to the last */
	int (*sink)(void *, const struct tend_sample *);	/* ≠ 0 ends */
	void *arg;
};
/* By subject, then day, then instance and time; TC_ENOENT: no such host. */
int tend_export(const char *path, const struct tend_export *q,
	struct tc_err *e);

/*
 * The host, or (device ≠ "") what is part of it and has this name, as an
 * export says it; 0 = there is none.
 */
int tend_find(const char *path, const char *host, const char *device,
	uint32_t *id, struct tc_err *e);

/* A drive on a day (UTC): the last value of each metric, NAN = none. */
struct tend_drive_day {
	const char *host, *model, *serial;
	struct wall day;
	bool failure;		/* and it has no later one */
	const double *values;	/* one per metric */
};
struct tend_drives {
	const char *host;	/* NULL = all */
	struct wall from, to;	/* as above */
	/* Once, before the first: smart_N_raw by rising N.  ≠ 0 ends. */
	int (*begin)(void *, const char *const *metrics, size_t n);
	int (*sink)(void *, const struct tend_drive_day *);
	void *arg;
};
/* Drive by drive, day by day; days without a value are left out. */
int tend_export_drives(const char *path, const struct tend_drives *q,
	struct tc_err *e);

/* The names of all hosts that are not retired; ≠ 0 of the sink ends. */
int tend_hosts(const char *path, int (*sink)(void *, const char *host),
	void *arg, struct tc_err *e);

struct tend_prune {
	struct wall before;	/* whole minutes, and whole blocks */
	const char *tier;	/* NULL = "raw"; "5m", "1h", "1d" */
	uint64_t rows;		/* that would go, or went */
	uint64_t all;
};
/* History of this tier; nothing else is ever touched.  TC_EINVAL: no tier. */
int tend_prune_count(const char *path, struct tend_prune *p,
	struct tc_err *e);
/* Needs the lock.  A few thousand rows in a transaction. */
int tend_prune(const char *path, struct tend_prune *p,
	const struct tend_progress *progress, struct tc_err *e);

#endif
