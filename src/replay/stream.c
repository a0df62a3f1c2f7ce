/*
 * Plain, gzip and zstd streams.
 */
#include "replay/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/mem.h"

#define CHUNK_BYTES (256 * 1024)
#define ZSTD_WINDOW_LOG_MAX 27	/* 128 MiB, the default of zstd itself */

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD };

struct stream {
	const char *name;
	int fd;			/* −1 = memory */
	unsigned char *chunk;	/* NULL = memory */
	const unsigned char *at;	/* stored bytes not yet unpacked */
	size_t left;
	bool ended;		/* no more stored bytes */
	bool between;		/* no archive member is open */
	enum packing packing;
	uint64_t size;
	uint64_t fetched;
	z_stream z;
	ZSTD_DStream *zstd;
};

/* More stored bytes behind those that are left; at the end sets `ended`. */
static int
fetch(struct stream *s, struct tc_err *e)
{
	ssize_t n;

	if (s->fd < 0 || s->ended) {
		s->ended = true;
		return 0;
	}
	if (s->left > 0)
		memmove(s->chunk, s->at, s->left);
	s->at = s->chunk;
	do
		n = read(s->fd, s->chunk + s->left, CHUNK_BYTES - s->left);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return tc_fail_errno(e, errno, "%s", s->name);
	s->ended = n == 0;
	s->left += (size_t)n;
	s->fetched += (uint64_t)n;
	return 0;
}

static int
detect(struct stream *s, struct tc_err *e)
{
	static const unsigned char gzip[] = { 0x1f, 0x8b };
	static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	int rc;

	while (s->left < sizeof(zstd) && !s->ended) {
		if ((rc = fetch(s, e)) < 0)
			return rc;
	}
	s->between = true;
	if (s->left >= sizeof(gzip) && memcmp(s->at, gzip, 2) == 0) {
		s->packing = PACKING_GZIP;
		/* 15 bits of window, +16 = gzip headers only */
		if (inflateInit2(&s->z, 15 + 16) != Z_OK)
			return tc_fail(e, TC_ENOMEM, "%s: zlib", s->name);
	} else if (s->left >= sizeof(zstd) && memcmp(s->at, zstd, 4) == 0) {
		s->packing = PACKING_ZSTD;
		s->zstd = ZSTD_createDStream();
		if (!s->zstd)
			return tc_fail(e, TC_ENOMEM, "%s: zstd", s->name);
		(void)ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax,
			ZSTD_WINDOW_LOG_MAX);
	}
	return 0;
}

void
stream_close(struct stream *s)
{
	if (!s)
		return;
	if (s->packing == PACKING_GZIP)
		(void)inflateEnd(&s->z);
	(void)ZSTD_freeDStream(s->zstd);
	if (s->fd >= 0)
		(void)close(s->fd);
	mem_free(s->chunk);
	mem_free(s);
}

static int
stream_new(const char *name, struct stream **out, struct tc_err *e)
{
	struct stream *s = MEM_NEW(struct stream);

	if (!s)
		return tc_fail(e, TC_ENOMEM, "%s: out of memory", name);
	s->name = name;
	s->fd = -1;
	*out = s;
	return 0;
}

int
stream_open(const char *path, struct stream **out, struct tc_err *e)
{
	struct stream *s = NULL;
	struct stat st;
	int rc = stream_new(path, &s, e);

	if (rc < 0)
		return rc;
	s->chunk = mem_alloc(CHUNK_BYTES);
	if (!s->chunk) {
		rc = tc_fail(e, TC_ENOMEM, "%s: out of memory", path);
		goto out;
	}
	s->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) :
		open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) < 0) {
		rc = tc_fail_errno(e, errno, "%s", path);
		goto out;
	}
	if (S_ISREG(st.st_mode))
		s->size = (uint64_t)st.st_size;
	if ((rc = detect(s, e)) < 0)
		goto out;
	*out = s;
	s = NULL;
out:
	stream_close(s);
	return rc;
}

int
stream_open_memory(const char *name, const void *p, size_t n,
	struct stream **out, struct tc_err *e)
{
	struct stream *s = NULL;
	int rc = stream_new(name, &s, e);

	if (rc < 0)
		return rc;
	s->at = p;
	s->left = n;
	s->size = s->fetched = n;
	if ((rc = detect(s, e)) == 0) {
		*out = s;
		s = NULL;
	}
	stream_close(s);
	return rc;
}

static size_t
copy_plain(struct stream *s, void *p, size_t cap)
{
	size_t n = s->left < cap ? s->left : cap;

	if (n > 0)
		memcpy(p, s->at, n);
	s->at += n;
	s->left -= n;
	return n;
}

/* One step of zlib; members may follow each other. */
static int
unpack_gzip(struct stream *s, void *p, size_t cap, size_t *got,
	struct tc_err *e)
{
	int rc;

	s->z.next_in = (unsigned char *)(uintptr_t)s->at;
	s->z.avail_in = s->left > UINT32_MAX ? UINT32_MAX : (uInt)s->left;
	s->z.next_out = p;
	s->z.avail_out = cap > UINT32_MAX ? UINT32_MAX : (uInt)cap;
	rc = inflate(&s->z, Z_NO_FLUSH);
	s->left -= (size_t)(s->z.next_in - s->at);
	s->at = s->z.next_in;
	*got = (size_t)(s->z.next_out - (unsigned char *)p);
	s->between = false;
	switch (rc) {
	case Z_STREAM_END:
		s->between = true;
		if (inflateReset(&s->z) != Z_OK)
			return tc_fail(e, TC_ECORRUPT, "%s: gzip", s->name);
		return 0;
	case Z_OK:
	case Z_BUF_ERROR:	/* wants more bytes */
		return 0;
	case Z_MEM_ERROR:
		return tc_fail(e, TC_ENOMEM, "%s: zlib", s->name);
	}
	return tc_fail(e, TC_ECORRUPT, "%s: damaged gzip data: %s", s->name,
		s->z.msg ? s->z.msg : "unexpected bytes");
}

static int
unpack_zstd(struct stream *s, void *p, size_t cap, size_t *got,
	struct tc_err *e)
{
	ZSTD_inBuffer in = { s->at, s->left, 0 };
	ZSTD_outBuffer out = { p, cap, 0 };
	size_t rc = ZSTD_decompressStream(s->zstd, &out, &in);

	s->at += in.pos;
	s->left -= in.pos;
	*got = out.pos;
	if (ZSTD_isError(rc))
		return tc_fail(e, TC_ECORRUPT, "%s: damaged zstd data: %s",
			s->name, ZSTD_getErrorName(rc));
	s->between = rc == 0;
	return 0;
}

static int
unpack(struct stream *s, void *p, size_t cap, size_t *got, struct tc_err *e)
{
	switch (s->packing) {
	case PACKING_NONE:
		*got = copy_plain(s, p, cap);
		return 0;
	case PACKING_GZIP:
		return unpack_gzip(s, p, cap, got, e);
	case PACKING_ZSTD:
		return unpack_zstd(s, p, cap, got, e);
	}
	return 0;
}

int
stream_read(struct stream *s, void *p, size_t cap, size_t *got,
	struct tc_err *e)
{
	size_t before;
	int rc;

	for (*got = 0; *got == 0;) {
		if (s->left == 0 && s->between && s->ended)
			return 0;
		before = s->left;
		if (s->left > 0 || !s->between) {
			if ((rc = unpack(s, p, cap, got, e)) < 0)
				return rc;
		}
		if (*got > 0 || s->left != before)
			continue;
		/* nothing came out and nothing went in: more is needed */
		if (s->ended && !(s->left == 0 && s->between))
			return tc_fail(e, TC_ECORRUPT, "%s: the archive is cut",
				s->name);
		if ((rc = fetch(s, e)) < 0)
			return rc;
	}
	return 0;
}

uint64_t
stream_eaten(const struct stream *s)
{
	return s->fetched - s->left;
}

uint64_t
stream_size(const struct stream *s)
{
	return s->size;
}
