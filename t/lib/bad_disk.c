#include "t/lib/bad_disk.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define KINDS 0x000fff00u	/* SQLITE_OPEN_MAIN_DB … SQLITE_OPEN_WAL */

struct bad_file {
	sqlite3_file base;
	struct bad_disk *disk;
	unsigned kind;
	const char *name;
	int last_errno;		/* ours; 0 = ask the file below */
	sqlite3_file *under;	/* behind this struct */
};

static const int codes[BAD_OPS] = {
#define X(sym, code) [sym] = code,
	BAD_OP_TABLE(X)
#undef X
};

/* ---- orders ---- */

void
bad_disarm(struct bad_orders *to)
{
	atomic_store(&to->armed, false);
}

void
bad_order(struct bad_orders *to, const struct bad_orders *o)
{
	bad_disarm(to);
	to->op = o->op;
	to->way = o->way;
	to->files = o->files;
	to->skip = o->skip;
	to->times = o->times;
	atomic_store(&to->calls, 0);
	atomic_store(&to->hits, 0);
	atomic_store(&to->armed, true);
}

static int
code_of(enum bad_op op, enum bad_way way)
{
	if (way == BAD_BUSY && (op == BAD_LOCK || op == BAD_SHM_LOCK))
		return SQLITE_BUSY;
	if (op == BAD_WRITE && (way == BAD_ENOSPC || way == BAD_SHORT))
		return SQLITE_FULL;
	return codes[op];
}

/* SQLITE_OK, or what this call is to fail with. */
static int
strike(struct bad_disk *d, enum bad_op op, unsigned kind)
{
	struct bad_orders *o = d->orders;
	int rc = SQLITE_OK;

	if (!atomic_load(&o->armed) || (o->op != BAD_OPS && o->op != op) ||
	    (o->files != 0 && (o->files & kind) == 0))
		return SQLITE_OK;
	pthread_mutex_lock(&d->lock);
	o->calls++;
	if (o->skip > 0) {
		o->skip--;
	} else if (o->times != 0) {
		o->times -= o->times > 0;
		o->hits++;
		rc = code_of(op, o->way);
	}
	pthread_mutex_unlock(&d->lock);
	if (rc != SQLITE_OK && o->way == BAD_KILL)
		kill(getpid(), SIGKILL);
	return rc;
}

/* ---- listening ---- */

/* Held from before it is done until it is told. */
static void
listen_begin(struct bad_disk *d)
{
	if (d->note != NULL)
		pthread_mutex_lock(&d->lock);
}

static void
listen_end(struct bad_disk *d, const struct bad_note *n)
{
	if (d->note == NULL)
		return;
	d->note(d->note_arg, n);
	pthread_mutex_unlock(&d->lock);
}

/* ---- files ---- */

static struct bad_file *
bad(sqlite3_file *f)
{
	return (struct bad_file *)(void *)f;
}

static int
strike_file(struct bad_file *f, enum bad_op op)
{
	int rc = strike(f->disk, op, f->kind);

	if (rc != SQLITE_OK)
		f->last_errno = f->disk->orders->way == BAD_EDQUOT ? EDQUOT :
			EIO;
	return rc;
}

static int
bad_close(sqlite3_file *f)
{
	return bad(f)->under->pMethods->xClose(bad(f)->under);
}

static int
bad_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	int rc = strike_file(bad(f), BAD_READ);

	if (rc != SQLITE_OK)
		return rc;
	return bad(f)->under->pMethods->xRead(bad(f)->under, to, n, at);
}

static int
bad_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 at)
{
	struct bad_file *f = bad(file);
	struct bad_note note = { BAD_WRITE, f->kind, f->name, at, from, n, 0 };
	int rc = strike_file(f, BAD_WRITE);
	int done;

	if (rc != SQLITE_OK) {
		if (f->disk->orders->way != BAD_SHORT)
			return rc;
		note.n = n / 2;
	}
	listen_begin(f->disk);
	done = f->under->pMethods->xWrite(f->under, from, note.n, at);
	listen_end(f->disk, &note);
	return rc != SQLITE_OK ? rc : done;
}

static int
bad_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct bad_file *f = bad(file);
	struct bad_note note = { BAD_TRUNCATE, f->kind, f->name, size, NULL,
		0, 0 };
	int rc = strike_file(f, BAD_TRUNCATE);

	if (rc != SQLITE_OK)
		return rc;
	listen_begin(f->disk);
	rc = f->under->pMethods->xTruncate(f->under, size);
	note.rc = rc;
	listen_end(f->disk, &note);
	return rc;
}

static int
bad_sync(sqlite3_file *file, int flags)
{
	struct bad_file *f = bad(file);
	struct bad_note note = { BAD_SYNC, f->kind, f->name, 0, NULL, 0, 0 };

	note.rc = strike_file(f, BAD_SYNC);
	listen_begin(f->disk);
	if (note.rc == SQLITE_OK)
		note.rc = f->under->pMethods->xSync(f->under, flags);
	listen_end(f->disk, &note);
	return note.rc;
}

static int
bad_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = strike_file(bad(f), BAD_SIZE);

	if (rc != SQLITE_OK)
		return rc;
	return bad(f)->under->pMethods->xFileSize(bad(f)->under, size);
}

static int
bad_lock(sqlite3_file *f, int level)
{
	int rc = strike(bad(f)->disk, BAD_LOCK, bad(f)->kind);

	if (rc != SQLITE_OK)
		return rc;
	return bad(f)->under->pMethods->xLock(bad(f)->under, level);
}

static int
bad_unlock(sqlite3_file *f, int level)
{
	return bad(f)->under->pMethods->xUnlock(bad(f)->under, level);
}

static int
bad_check_lock(sqlite3_file *f, int *out)
{
	return bad(f)->under->pMethods->xCheckReservedLock(bad(f)->under, out);
}

static int
bad_control(sqlite3_file *f, int op, void *arg)
{
	if (op == SQLITE_FCNTL_LAST_ERRNO && bad(f)->last_errno != 0) {
		*(int *)arg = bad(f)->last_errno;
		return SQLITE_OK;
	}
	return bad(f)->under->pMethods->xFileControl(bad(f)->under, op, arg);
}

static int
bad_sector(sqlite3_file *f)
{
	return bad(f)->under->pMethods->xSectorSize(bad(f)->under);
}

static int
bad_device(sqlite3_file *f)
{
	return bad(f)->under->pMethods->xDeviceCharacteristics(bad(f)->under);
}

static int
bad_shm_map(sqlite3_file *f, int page, int size, int extend,
	void volatile **out)
{
	int rc = strike(bad(f)->disk, BAD_SHM_MAP, bad(f)->kind);

	if (rc != SQLITE_OK)
		return rc;
	return bad(f)->under->pMethods->xShmMap(bad(f)->under, page, size,
		extend, out);
}

/* Giving a lock back never fails: nobody asks how it went. */
static int
bad_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	int rc = SQLITE_OK;

	if (flags & SQLITE_SHM_LOCK)
		rc = strike(bad(f)->disk, BAD_SHM_LOCK, bad(f)->kind);
	if (rc != SQLITE_OK)
		return rc;
	return bad(f)->under->pMethods->xShmLock(bad(f)->under, at, n, flags);
}

static void
bad_shm_barrier(sqlite3_file *f)
{
	bad(f)->under->pMethods->xShmBarrier(bad(f)->under);
}

static int
bad_shm_unmap(sqlite3_file *f, int remove)
{
	return bad(f)->under->pMethods->xShmUnmap(bad(f)->under, remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = bad_close,
	.xRead = bad_read,
	.xWrite = bad_write,
	.xTruncate = bad_truncate,
	.xSync = bad_sync,
	.xFileSize = bad_size,
	.xLock = bad_lock,
	.xUnlock = bad_unlock,
	.xCheckReservedLock = bad_check_lock,
	.xFileControl = bad_control,
	.xSectorSize = bad_sector,
	.xDeviceCharacteristics = bad_device,
	.xShmMap = bad_shm_map,
	.xShmLock = bad_shm_lock,
	.xShmBarrier = bad_shm_barrier,
	.xShmUnmap = bad_shm_unmap,
};

/* ---- the disk ---- */

static int
bad_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file,
	int flags, int *out)
{
	struct bad_disk *d = vfs->pAppData;
	struct bad_file *f = bad(file);
	struct bad_note note = { BAD_OPEN, (unsigned)flags & KINDS, name, 0,
		NULL, 0, 0 };
	int rc;

	*f = (struct bad_file){ .disk = d, .kind = note.kind, .name = name,
		.under = (sqlite3_file *)(void *)(f + 1) };
	if ((rc = strike(d, BAD_OPEN, note.kind)) != SQLITE_OK)
		return rc;
	listen_begin(d);
	rc = d->under->xOpen(d->under, name, f->under, flags, out);
	note.rc = rc;
	listen_end(d, &note);
	if (f->under->pMethods != NULL)
		f->base.pMethods = &methods;
	return rc;
}

static int
bad_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct bad_disk *d = vfs->pAppData;
	struct bad_note note = { BAD_DELETE, 0, name, sync, NULL, 0, 0 };
	int rc = strike(d, BAD_DELETE, 0);

	if (rc != SQLITE_OK)
		return rc;
	listen_begin(d);
	rc = d->under->xDelete(d->under, name, sync);
	note.rc = rc;
	listen_end(d, &note);
	return rc;
}

static int
bad_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	struct bad_disk *d = vfs->pAppData;
	int rc = strike(d, BAD_ACCESS, 0);

	if (rc != SQLITE_OK)
		return rc;
	return d->under->xAccess(d->under, name, flags, out);
}

void
bad_disk_install(struct bad_disk *d, struct bad_orders *orders)
{
	memset(d, 0, sizeof(*d));
	pthread_mutex_init(&d->lock, NULL);
	d->orders = orders;
	d->under = sqlite3_vfs_find(NULL);
	d->vfs = *d->under;
	d->vfs.zName = "bad_disk";
	d->vfs.pNext = NULL;
	d->vfs.pAppData = d;
	d->vfs.szOsFile = (int)sizeof(struct bad_file) + d->under->szOsFile;
	d->vfs.xOpen = bad_open;
	d->vfs.xDelete = bad_delete;
	d->vfs.xAccess = bad_access;
	sqlite3_vfs_register(&d->vfs, 1);
}

void
bad_disk_remove(struct bad_disk *d)
{
	sqlite3_vfs_unregister(&d->vfs);
	sqlite3_vfs_register(d->under, 1);
	pthread_mutex_destroy(&d->lock);
}
