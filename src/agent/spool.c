#include "agent/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "agent/frame.h"
#include "base/file.h"
#include "base/mem.h"

#define NAME_SUFFIX ".spool"
#define SEGMENTS_WANTED 16
#define SEGMENT_MIN_BYTES UINT64_C(16384)
#define SEGMENT_MAX_BYTES UINT64_C(4194304)
#define CACHE_MAX_BYTES ((size_t)262144)	/* copies of what is on disk */

/* A batch that waits. */
struct entry {
	uint64_t seq;
	uint64_t segment;	/* 0 = in memory only */
	off_t at;		/* of the body in the segment */
	size_t n;
	uint32_t items;
	struct wall when;
	char *copy;		/* NULL = on disk only */
};

struct segment {
	uint64_t id;		/* the first seq in it; the file's name */
	uint64_t bytes;
	size_t waiting;
};

struct spool {
	pthread_mutex_t lock;
	char *dir;
	int dir_fd;
	uint64_t max_bytes;
	uint64_t segment_bytes;
	struct dur max_age;
	size_t memory_max;
	struct entry *entries;	/* waiting, oldest first, from `head` */
	size_t head;
	size_t n;
	size_t cap;
	struct segment *segments;	/* oldest first; the last may be open */
	size_t n_segments;
	size_t cap_segments;
	int fd;			/* of the last segment, or −1 */
	size_t copies_bytes;
	uint64_t next_seq;
	uint64_t acked;
	uint64_t acked_written;	/* as the disk knows it */
	struct spool_counts counts;
};

/* ---- segments ---- */

static void
segment_name(uint64_t id, char name[32])
{
	snprintf(name, 32, "%016llx" NAME_SUFFIX, (unsigned long long)id);
}

static struct segment *
segment_find(struct spool *sp, uint64_t id)
{
	for (size_t i = 0; i < sp->n_segments; i++) {
		if (sp->segments[i].id == id)
			return &sp->segments[i];
	}
	return NULL;
}

static struct segment *
segment_add(struct spool *sp, uint64_t id)
{
	void *items = sp->segments;

	if (mem_grow(&items, &sp->cap_segments, sp->n_segments + 1,
		     sizeof(*sp->segments)) < 0)
		return NULL;
	sp->segments = items;
	sp->segments[sp->n_segments] = (struct segment){ .id = id };
	return &sp->segments[sp->n_segments++];
}

static bool
segment_is_open(const struct spool *sp, size_t i)
{
	return sp->fd >= 0 && i == sp->n_segments - 1;
}

static void
segment_remove(struct spool *sp, size_t i)
{
	char name[32];

	if (segment_is_open(sp, i)) {
		close(sp->fd);
		sp->fd = -1;
	}
	segment_name(sp->segments[i].id, name);
	unlinkat(sp->dir_fd, name, 0);
	sp->counts.bytes -= sp->segments[i].bytes;
	sp->n_segments--;
	memmove(sp->segments + i, sp->segments + i + 1,
		(sp->n_segments - i) * sizeof(*sp->segments));
}

/*
 * Empty ones go, from the front: what stands behind something that waits may
 * hold its acknowledgements.  The one being written goes when it is full.
 */
static void
segments_sweep(struct spool *sp)
{
	while (sp->n_segments > 0 && sp->segments[0].waiting == 0) {
		if (segment_is_open(sp, 0) &&
		    sp->segments[0].bytes < sp->segment_bytes)
			return;
		segment_remove(sp, 0);
	}
}

/* ---- entries ---- */

static struct entry *
entry_push(struct spool *sp)
{
	void *items = sp->entries;

	if (sp->head > 0 && sp->head + sp->n == sp->cap) {
		memmove(sp->entries, sp->entries + sp->head,
			sp->n * sizeof(*sp->entries));
		sp->head = 0;
	}
	if (mem_grow(&items, &sp->cap, sp->head + sp->n + 1,
		     sizeof(*sp->entries)) < 0)
		return NULL;
	sp->entries = items;
	return &sp->entries[sp->head + sp->n++];
}

static void
entry_forget_copy(struct spool *sp, struct entry *entry)
{
	if (!entry->copy)
		return;
	sp->copies_bytes -= entry->n;
	mem_free(entry->copy);
	entry->copy = NULL;
}

/* The i-th of those that wait goes. */
static void
entry_remove(struct spool *sp, size_t i)
{
	struct entry *entry = &sp->entries[sp->head + i];
	struct segment *g = segment_find(sp, entry->segment);

	if (g)
		g->waiting--;
	entry_forget_copy(sp, entry);
	sp->n--;
	if (i == 0)
		sp->head++;
	else
		memmove(entry, entry + 1, (sp->n - i) * sizeof(*entry));
}

static void
entry_shift(struct spool *sp)
{
	entry_remove(sp, 0);
}

static void
drop(struct spool *sp, size_t i)
{
	sp->counts.dropped_batches++;
	sp->counts.dropped_items += sp->entries[sp->head + i].items;
	entry_remove(sp, i);
}

static void
drop_oldest(struct spool *sp)
{
	drop(sp, 0);
}

static void
drop_old(struct spool *sp, struct wall now)
{
	int64_t oldest = now.ms - dur_to_ms(sp->max_age);

	while (sp->n > 0 && sp->entries[sp->head].when.ms < oldest)
		drop_oldest(sp);
	segments_sweep(sp);
}

/* Room for `more` bytes on disk: whole segments, the oldest first. */
static void
drop_beyond_size(struct spool *sp, uint64_t more)
{
	while (sp->n_segments > 0 && sp->counts.bytes + more > sp->max_bytes) {
		uint64_t first = sp->segments[0].id;

		while (sp->segments[0].waiting > 0)
			drop_oldest(sp);
		segments_sweep(sp);
		if (sp->n_segments > 0 && sp->segments[0].id == first)
			segment_remove(sp, 0);
	}
}

/* ---- reading what was left ---- */

static int
take_frame(struct spool *sp, struct segment *g, const struct frame *f, off_t at)
{
	struct entry *entry;

	if (f->kind == FRAME_ACK) {
		if (f->seq > sp->acked)
			sp->acked = sp->acked_written = f->seq;
		return 0;
	}
	if (f->seq < sp->next_seq) {
		sp->counts.damaged++;	/* a number twice: a copied file */
		return 0;
	}
	entry = entry_push(sp);
	if (!entry)
		return TC_ENOMEM;
	*entry = (struct entry){
		.seq = f->seq, .segment = g->id, .at = at, .n = f->n,
		.items = f->items, .when = { (int64_t)f->at_ms },
	};
	sp->next_seq = f->seq + 1;
	g->waiting++;
	return 0;
}

static int
scan(struct spool *sp, struct segment *g, const unsigned char *p, size_t n)
{
	size_t at = 0;
	int rc = 0;

	while (at < n && rc == 0) {
		struct frame f;

		if (frame_read(p + at, n - at, &f)) {
			rc = take_frame(sp, g, &f,
				(off_t)(at + FRAME_HEAD_BYTES));
			at += FRAME_HEAD_BYTES + f.n;
			continue;
		}
		sp->counts.damaged++;
		at = frame_seek(p, n, at + 1);
	}
	return rc;
}

static int
slurp_segment(const struct spool *sp, uint64_t id, struct strbuf *out,
	struct tc_err *e)
{
	char name[32];
	int fd, rc;

	segment_name(id, name);
	fd = openat(sp->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return tc_fail_errno(e, errno, "%s", name);
	rc = file_slurp_fd(fd, 0, out, e);
	close(fd);
	return rc < 0 ? tc_wrap(e, "%s", name) : 0;
}

/* The fault of the file or its sectors; not a want of something of ours. */
static bool
is_its_own(int rc)
{
	return rc == TC_EIO || rc == TC_EPERM || rc == TC_ENOENT;
}

/* One that cannot be read stays where it is, and is counted. */
static int
load_segment(struct spool *sp, uint64_t id, struct tc_err *e)
{
	struct strbuf text = {0};
	struct segment *g;
	int rc;

	rc = slurp_segment(sp, id, &text, e);
	if (rc < 0 && is_its_own(rc)) {
		sp->counts.damaged++;
		rc = 0;
		goto out;
	}
	if (rc < 0)
		goto out;
	g = segment_add(sp, id);
	if (!g) {
		rc = tc_fail(e, TC_ENOMEM, "out of memory");
		goto out;
	}
	g->bytes = text.n;
	sp->counts.bytes += text.n;
	rc = scan(sp, g, (const unsigned char *)strbuf_str(&text), text.n);
	if (rc < 0)
		tc_fail(e, rc, "out of memory");
out:
	strbuf_free(&text);
	return rc;
}

static int
is_segment(const struct dirent *entry)
{
	return strspn(entry->d_name, "0123456789abcdef") == 16 &&
		strcmp(entry->d_name + 16, NAME_SUFFIX) == 0;
}

static int
load(struct spool *sp, struct tc_err *e)
{
	struct dirent **names;
	int n = scandir(sp->dir, &names, is_segment, alphasort);
	uint64_t last = 0;
	int rc = 0;

	if (n < 0)
		return tc_fail_errno(e, errno, "cannot list");
	for (int i = 0; i < n; i++) {
		last = strtoull(names[i]->d_name, NULL, 16);
		if (rc == 0)
			rc = load_segment(sp, last, e);
		free(names[i]);
	}
	free(names);
	if (sp->acked >= sp->next_seq)
		sp->next_seq = sp->acked + 1;
	if (last >= sp->next_seq)
		sp->next_seq = last + 1;
	while (sp->n > 0 && sp->entries[sp->head].seq <= sp->acked)
		entry_shift(sp);
	segments_sweep(sp);
	return rc;
}

int
spool_open(const struct spool_conf *conf, struct wall now, struct spool **out,
	struct tc_err *e)
{
	struct spool *sp;
	int rc;

	if ((rc = file_make_dirs(conf->dir, 0700, e)) < 0)
		return tc_wrap(e, "spool");
	sp = MEM_NEW(struct spool);
	if (!sp)
		return tc_fail(e, TC_ENOMEM, "out of memory");
	pthread_mutex_init(&sp->lock, NULL);
	sp->fd = -1;
	sp->next_seq = 1;
	sp->max_bytes = conf->max_bytes ? conf->max_bytes : UINT64_C(64) << 20;
	sp->max_age = conf->max_age.ns ? conf->max_age : dur_s(86400);
	sp->memory_max = conf->memory_max_bytes ?
		(size_t)conf->memory_max_bytes : (size_t)4 << 20;
	sp->segment_bytes = sp->max_bytes / SEGMENTS_WANTED;
	if (sp->segment_bytes < SEGMENT_MIN_BYTES)
		sp->segment_bytes = SEGMENT_MIN_BYTES;
	if (sp->segment_bytes > SEGMENT_MAX_BYTES)
		sp->segment_bytes = SEGMENT_MAX_BYTES;
	sp->dir = mem_strdup(conf->dir);
	sp->dir_fd = open(conf->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (sp->dir_fd < 0)
		rc = tc_fail_errno(e, errno, "cannot open");
	else
		rc = sp->dir ? load(sp, e) : tc_fail(e, TC_ENOMEM,
			"out of memory");
	if (rc < 0) {
		spool_close(sp);
		return tc_wrap(e, "%s", conf->dir);
	}
	drop_old(sp, now);
	*out = sp;
	return 0;
}

void
spool_close(struct spool *sp)
{
	if (!sp)
		return;
	spool_sync(sp);
	while (sp->n > 0)
		entry_shift(sp);
	if (sp->fd >= 0)
		close(sp->fd);
	if (sp->dir_fd >= 0)
		close(sp->dir_fd);
	pthread_mutex_destroy(&sp->lock);
	mem_free(sp->entries);
	mem_free(sp->segments);
	mem_free(sp->dir);
	mem_free(sp);
}

/* ---- writing ---- */

/*
 * Appends a frame to the open segment.  A frame that is not whole is cut off
 * again; if even that fails, the segment is left as it is and a new one begun.
 */
static int
append(struct spool *sp, const struct frame *f, struct tc_err *e)
{
	struct segment *g = &sp->segments[sp->n_segments - 1];
	unsigned char head[FRAME_HEAD_BYTES];
	struct iovec parts[2] = {
		{ head, sizeof(head) }, { (void *)(uintptr_t)f->body, f->n },
	};
	size_t want = sizeof(head) + f->n;
	ssize_t got;

	frame_write_head(f, head);
	got = writev(sp->fd, parts, 2);
	if (got == (ssize_t)want) {
		if (f->kind == FRAME_ACK)
			sp->acked_written = f->seq;
		g->bytes += want;
		sp->counts.bytes += want;
		return 0;
	}
	sp->counts.refused++;
	tc_fail_errno(e, got < 0 ? errno : ENOSPC, "%s", sp->dir);
	if (got > 0 && ftruncate(sp->fd, (off_t)g->bytes) < 0) {
		close(sp->fd);
		sp->fd = -1;
	}
	return TC_EIO;
}

/* A segment with room; its first frame tells what is acknowledged so far. */
static int
need_segment(struct spool *sp, struct tc_err *e)
{
	struct frame f = { .kind = FRAME_ACK, .seq = sp->acked };
	struct segment *g;
	char name[32];
	int rc;

	if (sp->fd >= 0) {
		if (sp->segments[sp->n_segments - 1].bytes < sp->segment_bytes)
			return 0;
		fdatasync(sp->fd);
		close(sp->fd);
		sp->fd = -1;
		segments_sweep(sp);
	}
	segment_name(sp->next_seq, name);
	sp->fd = openat(sp->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC |
		O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (sp->fd < 0) {
		sp->counts.refused++;
		tc_fail_errno(e, errno, "%s/%s", sp->dir, name);
		return TC_EIO;
	}
	g = segment_find(sp, sp->next_seq);
	if (!g)
		g = segment_add(sp, sp->next_seq);
	if (!g) {
		close(sp->fd);
		sp->fd = -1;
		return tc_fail(e, TC_ENOMEM, "out of memory");
	}
	sp->counts.bytes -= g->bytes;
	g->bytes = 0;
	rc = append(sp, &f, e);
	if (rc < 0)
		segment_remove(sp, sp->n_segments - 1);
	return rc;
}

static int
write_ack(struct spool *sp, struct tc_err *e)
{
	struct frame f = { .kind = FRAME_ACK, .seq = sp->acked };
	int rc;

	if (sp->acked_written == sp->acked)
		return 0;
	rc = need_segment(sp, e);
	if (rc == 0 && sp->acked_written != sp->acked)
		rc = append(sp, &f, e);
	return rc;
}

static int
put_on_disk(struct spool *sp, const void *body, struct entry *entry,
	struct tc_err *e)
{
	struct frame f = {
		.kind = FRAME_BATCH, .seq = entry->seq, .items = entry->items,
		.at_ms = (uint64_t)entry->when.ms, .body = body, .n = entry->n,
	};
	struct segment *g;
	int rc;

	drop_beyond_size(sp, entry->n + 2 * FRAME_HEAD_BYTES);
	if ((rc = need_segment(sp, e)) < 0 || (rc = write_ack(sp, e)) < 0)
		return rc;
	g = &sp->segments[sp->n_segments - 1];
	entry->at = (off_t)(g->bytes + FRAME_HEAD_BYTES);
	if ((rc = append(sp, &f, e)) < 0)
		return rc;
	entry->segment = g->id;
	g->waiting++;
	return 0;
}

/* Room for n bytes of copies: those that are on disk too go first. */
static void
make_room(struct spool *sp, size_t n)
{
	for (size_t i = 0; i < sp->n; i++) {
		struct entry *entry = &sp->entries[sp->head + i];

		if (entry->segment)
			entry_forget_copy(sp, entry);
	}
	for (size_t i = 0; i < sp->n && sp->copies_bytes + n > sp->memory_max;) {
		if (sp->entries[sp->head + i].segment)
			i++;
		else
			drop(sp, i);
	}
}

/* A copy in memory: a little for speed, more when the disk refuses. */
static int
put_in_memory(struct spool *sp, const void *body, struct entry *entry)
{
	if (entry->segment && sp->copies_bytes + entry->n > CACHE_MAX_BYTES)
		return 0;
	if (sp->copies_bytes + entry->n > sp->memory_max)
		make_room(sp, entry->n);
	if (!entry->segment && entry->n > sp->memory_max)
		return TC_EFULL;
	entry->copy = mem_alloc(entry->n);
	if (entry->copy) {
		memcpy(entry->copy, body, entry->n);
		sp->copies_bytes += entry->n;
	}
	return entry->copy || entry->segment ? 0 : TC_ENOMEM;
}

int
spool_put(struct spool *sp, const struct strbuf *body, uint32_t items,
	struct wall now, struct tc_err *e)
{
	size_t n = body->n;
	struct entry entry = { .n = n, .items = items, .when = now };
	struct entry *place;
	int rc, on_disk;

	if (n == 0 || n > FRAME_BODY_MAX || n > sp->max_bytes / 2)
		return tc_fail(e, TC_EFULL, "a batch of %zu bytes", n);
	pthread_mutex_lock(&sp->lock);
	drop_old(sp, now);
	entry.seq = sp->next_seq;
	on_disk = put_on_disk(sp, body->p, &entry, e);
	rc = put_in_memory(sp, body->p, &entry);
	place = rc == 0 ? entry_push(sp) : NULL;
	if (place) {
		*place = entry;
		sp->next_seq++;
		rc = on_disk < 0 ? TC_EIO : 0;
	} else {
		entry_forget_copy(sp, &entry);
		sp->counts.dropped_batches++;
		sp->counts.dropped_items += items;
		if (rc == TC_EFULL)
			tc_wrap(e, "too much for memory, and the disk");
		else
			rc = tc_fail(e, TC_ENOMEM, "out of memory");
	}
	pthread_mutex_unlock(&sp->lock);
	return rc;
}

/* ---- the sender's side ---- */

static int
read_back(struct spool *sp, const struct entry *entry, struct strbuf *body)
{
	char name[32];
	char *to = strbuf_reserve(body, entry->n);
	ssize_t got;
	int fd;

	if (!to)
		return TC_ENOMEM;
	segment_name(entry->segment, name);
	fd = openat(sp->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return tc_fail_errno(NULL, errno, "%s", name);
	got = pread(fd, to, entry->n, entry->at);
	close(fd);
	if (got != (ssize_t)entry->n)
		return TC_EIO;
	body->n = entry->n;
	body->p[body->n] = '\0';
	return 0;
}

int
spool_next(struct spool *sp, struct strbuf *body, uint64_t *seq)
{
	int rc = TC_ENOENT;

	pthread_mutex_lock(&sp->lock);
	while (sp->n > 0) {
		struct entry *entry = &sp->entries[sp->head];

		strbuf_reset(body);
		rc = 0;
		if (entry->copy)
			strbuf_add(body, entry->copy, entry->n);
		else
			rc = read_back(sp, entry, body);
		if (body->failed)
			rc = TC_ENOMEM;
		*seq = entry->seq;
		if (rc == 0 || !is_its_own(rc))
			break;
		/* somebody took the file from under us, or it rots */
		sp->counts.damaged++;
		drop_oldest(sp);
		rc = TC_ENOENT;
	}
	pthread_mutex_unlock(&sp->lock);
	return rc;
}

void
spool_ack(struct spool *sp, uint64_t seq)
{
	pthread_mutex_lock(&sp->lock);
	while (sp->n > 0 && sp->entries[sp->head].seq <= seq)
		entry_shift(sp);
	if (seq > sp->acked)
		sp->acked = seq;
	segments_sweep(sp);
	/* what cannot be written costs a repeat after a restart: harmless */
	if (sp->n_segments > 0)
		(void)write_ack(sp, NULL);
	pthread_mutex_unlock(&sp->lock);
}

void
spool_age(struct spool *sp, struct wall now)
{
	pthread_mutex_lock(&sp->lock);
	drop_old(sp, now);
	pthread_mutex_unlock(&sp->lock);
}

void
spool_sync(struct spool *sp)
{
	pthread_mutex_lock(&sp->lock);
	if (sp->fd >= 0)
		fdatasync(sp->fd);
	pthread_mutex_unlock(&sp->lock);
}

void
spool_counts(struct spool *sp, struct spool_counts *out)
{
	pthread_mutex_lock(&sp->lock);
	*out = sp->counts;
	out->batches = sp->n;
	pthread_mutex_unlock(&sp->lock);
}
