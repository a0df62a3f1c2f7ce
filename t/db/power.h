/*
 * A power cut: what a disk was told is written down as it goes, and what it
 * may have kept of it at any moment can be laid out again.  Until a sync came
 * back nothing is promised: each sector of each write since is there or not,
 * in any order; after a sync that failed, for ever.
 */
#ifndef TOCSIN_T_DB_POWER_H
#define TOCSIN_T_DB_POWER_H

#include <stddef.h>
#include <stdint.h>

#include "t/lib/bad_disk.h"

enum power_kind {
	POWER_CREATE,
	POWER_DELETE,
	POWER_WRITE,
	POWER_TRUNCATE,
	POWER_SYNC,
	POWER_SYNC_FAILED,
	POWER_ACK	/* `at` was acknowledged */
};

enum power_file { POWER_MAIN, POWER_LOG, POWER_JOURNAL, POWER_FILES };

struct power_entry {
	enum power_kind kind;
	enum power_file file;
	int64_t at;
	unsigned char *data;
	size_t n;
};

struct power_tape {
	const char *path;	/* of the database */
	struct power_entry *entries;
	size_t n, cap;
	struct bad_disk *disk;
};

/* Listens to the disk until power_tape_end(). */
void power_tape_begin(struct power_tape *t, struct bad_disk *disk,
	const char *path);
void power_tape_end(struct power_tape *t);
void power_tape_free(struct power_tape *t);
/* From any thread. */
void power_tape_ack(struct power_tape *t, uint32_t n);

struct power_bytes {
	unsigned char *p;
	size_t n, cap;
};

/* One life of a file's name: what is on the disk, and what may be. */
struct power_life {
	struct power_bytes kept;
	size_t first;		/* of `pending` that is not promised yet */
	size_t *pending;	/* entries */
	size_t n, cap;
	bool fresh;		/* no sync yet: its name is not promised */
};

/* Names that came and went since the directory was synced, in order. */
struct power_name {
	enum power_file file;
	struct power_life *life;	/* NULL = deleted */
};

struct power_cut {
	const struct power_tape *tape;
	size_t next;			/* entry */
	struct power_life *lives[POWER_FILES];		/* as the system has it */
	struct power_life *promised[POWER_FILES];	/* as the disk has it */
	struct power_name *names;
	size_t n_names, cap_names;
	struct power_life **all;	/* to be freed */
	size_t n_all, cap_all;
	struct power_bytes scratch;
	unsigned seed;
};

/* `*c` is empty but for tape and seed.  NULL when the tape is at its end. */
const struct power_entry *power_step(struct power_cut *c);
/* Lays out at `path` what may be on the disk at this moment. */
void power_lay_out(struct power_cut *c, const char *path);
void power_cut_fini(struct power_cut *c);
unsigned power_random(struct power_cut *c, unsigned below);

#endif
