/*
 * A disk that fails when it is told to: a SQLite VFS over the default one,
 * installed as the default.  Orders may lie in memory that processes share.
 * What was done can be listened to, so that a power cut can be replayed.
 */
#ifndef TOCSIN_T_LIB_BAD_DISK_H
#define TOCSIN_T_LIB_BAD_DISK_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* symbol, SQLite's word when the disk fails */
#define BAD_OP_TABLE(X)                         \
	X(BAD_OPEN, SQLITE_CANTOPEN)            \
	X(BAD_READ, SQLITE_IOERR_READ)          \
	X(BAD_WRITE, SQLITE_IOERR_WRITE)        \
	X(BAD_TRUNCATE, SQLITE_IOERR_TRUNCATE)  \
	X(BAD_SYNC, SQLITE_IOERR_FSYNC)         \
	X(BAD_SIZE, SQLITE_IOERR_FSTAT)         \
	X(BAD_LOCK, SQLITE_IOERR_LOCK)          \
	X(BAD_SHM_MAP, SQLITE_IOERR_SHMMAP)     \
	X(BAD_SHM_LOCK, SQLITE_IOERR_SHMLOCK)   \
	X(BAD_DELETE, SQLITE_IOERR_DELETE)      \
	X(BAD_ACCESS, SQLITE_IOERR_ACCESS)

enum bad_op {
#define X(sym, code) sym,
	BAD_OP_TABLE(X)
#undef X
	BAD_OPS		/* as an order: any of them */
};

enum bad_way {
	BAD_EIO,
	BAD_ENOSPC,	/* a write does nothing; else as EIO */
	BAD_EDQUOT,	/* as EIO, with that errno */
	BAD_SHORT,	/* a write does half of it; else as EIO */
	BAD_BUSY,	/* locks only; else as EIO */
	BAD_KILL	/* SIGKILL to ourselves before it is done */
};

struct bad_orders {
	_Atomic bool armed;
	enum bad_op op;
	enum bad_way way;
	unsigned files;		/* SQLITE_OPEN_MAIN_DB, _WAL…; 0 = any */
	long skip;		/* calls that go well before */
	long times;		/* that fail; < 0 = until disarmed */
	_Atomic long calls;	/* of the kind ordered, since bad_order() */
	_Atomic long hits;
};

/* What was done to a file; `rc` is SQLite's word for how it went. */
struct bad_note {
	enum bad_op op;		/* WRITE, TRUNCATE, SYNC, OPEN, DELETE */
	unsigned kind;		/* SQLITE_OPEN_MAIN_DB, … */
	const char *name;	/* NULL = nobody's but ours */
	int64_t at;		/* or the size */
	const void *data;
	int n;
	int rc;
};

struct bad_disk {
	sqlite3_vfs vfs;
	sqlite3_vfs *under;
	struct bad_orders *orders;
	pthread_mutex_t lock;
	/* One call at a time, in the order that the disk saw. */
	void (*note)(void *arg, const struct bad_note *);
	void *note_arg;
};

/* `orders` outlive the disk, which stays until bad_disk_remove(). */
void bad_disk_install(struct bad_disk *d, struct bad_orders *orders);
void bad_disk_remove(struct bad_disk *d);

/* Gives new orders: op, way, files, skip and times of `o`. */
void bad_order(struct bad_orders *to, const struct bad_orders *o);
void bad_disarm(struct bad_orders *to);

#endif
