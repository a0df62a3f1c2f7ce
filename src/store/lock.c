/*
 * Who holds state_dir/lock may write the file (DESIGN 3b.11).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "store/store.h"

int
store_lock(const char *state_dir, int *fd, struct tc_err *e)
{
	struct strbuf path = { 0 };
	int rc = 0, got = -1;

	strbuf_printf(&path, "%s/lock", state_dir);
	if (path.failed) {
		rc = tc_fail(e, TC_ENOMEM, "lock: out of memory");
		goto out;
	}
	got = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* One that is there already can be held all the same. */
	if (got < 0 && errno == EROFS)
		got = open(path.p, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (got < 0) {
		rc = tc_fail_errno(e, errno, "%s", path.p);
		goto out;
	}
	if (flock(got, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ?
			tc_fail(e, TC_EBUSY, "%s: a server holds it", path.p) :
			tc_fail_errno(e, errno, "%s", path.p);
		close(got);
		goto out;
	}
	*fd = got;
out:
	strbuf_free(&path);
	return rc;
}
