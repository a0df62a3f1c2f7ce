#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLURP_MAX_BYTES ((size_t)64 << 20)
#define SLURP_STEP_BYTES ((size_t)16384)

int
file_slurp_fd(int fd, size_t max_bytes, struct strbuf *out, struct tc_err *e)
{
	size_t max = max_bytes != 0 ? max_bytes : SLURP_MAX_BYTES;
	size_t start = out->n;

	for (;;) {
		char *to = strbuf_reserve(out, SLURP_STEP_BYTES);
		ssize_t got;

		if (to == NULL)
			return tc_fail(e, TC_ENOMEM, "out of memory");
		got = read(fd, to, SLURP_STEP_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tc_fail_errno(e, errno, "cannot read");
		to[got] = '\0';
		out->n += (size_t)got;
		if (out->n - start > max)
			return tc_fail(e, TC_EFULL, "longer than %zu bytes", max);
		if (got == 0)
			return 0;
	}
}

int
file_slurp(const char *path, size_t max_bytes, struct strbuf *out,
	struct tc_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return tc_fail_errno(e, errno, "%s", path);
	rc = file_slurp_fd(fd, max_bytes, out, e);
	if (rc < 0)
		tc_wrap(e, "%s", path);
	close(fd);
	return rc;
}

static int
write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t put = write(fd, at, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

int
file_sync(const char *path, struct tc_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = tc_fail_errno(e, errno, "sync %s", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

int
file_sync_beside(const char *path, struct tc_err *e)
{
	char dir[4096];
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;

	if (n == 0)
		return file_sync(slash != NULL ? "/" : ".", e);
	if (n >= sizeof(dir))
		return tc_fail(e, TC_ERANGE, "%.80s…: path too long", path);
	memcpy(dir, path, n);
	dir[n] = '\0';
	return file_sync(dir, e);
}

int
file_write_atomic(const char *path, const void *p, size_t n, mode_t mode,
	struct tc_err *e)
{
	char tmp[4096];
	int rc = 0, fd;
	int len = snprintf(tmp, sizeof(tmp), "%s.tmp.%ld", path, (long)getpid());

	if (len < 0 || (size_t)len >= sizeof(tmp))
		return tc_fail(e, TC_ERANGE, "%.80s…: path too long", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		mode);
	if (fd < 0)
		return tc_fail_errno(e, errno, "%s", tmp);
	if (fchmod(fd, mode) < 0 || write_all(fd, p, n) < 0 || fsync(fd) < 0)
		rc = tc_fail_errno(e, errno, "%s", tmp);
	if (close(fd) < 0 && rc == 0)
		rc = tc_fail_errno(e, errno, "%s", tmp);
	if (rc == 0 && rename(tmp, path) < 0)
		rc = tc_fail_errno(e, errno, "%s", path);
	if (rc == 0)
		rc = file_sync_beside(path, e);
	if (rc < 0)
		unlink(tmp);
	return rc;
}

int
file_make_dirs(const char *path, mode_t mode, struct tc_err *e)
{
	char part[4096];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return tc_fail(e, TC_ERANGE, "path empty or too long");
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return tc_fail_errno(e, errno, "%s", part);
	}
	return 0;
}
