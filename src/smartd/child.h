/*
 * One child in a process group of its own, with a deadline and a bound on what
 * it may say.  Everything that touches a disk runs here: an ioctl may hang in
 * the kernel, libatasmart may abort.
 */
#ifndef TOCSIN_SMARTD_CHILD_H
#define TOCSIN_SMARTD_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"

enum child_end {
	CHILD_EXITED,
	CHILD_SIGNALED,
	CHILD_TIMEOUT,	/* killed at the deadline */
	CHILD_TOO_BIG,	/* killed because it said too much */
};

enum { CHILD_NO_EXEC = 127 };	/* exit code: the program could not be run */

struct child_conf {
	const char *const *argv;	/* program and arguments, or NULL: */
	int (*fn)(void *arg, int fd);	/* … this, in the child; exit code */
	void *arg;
	struct dur deadline;
	size_t max_bytes;
};

struct child_result {
	enum child_end end;
	int code;	/* exit code or signal */
	/* not 0: killed, but it hangs in the kernel; ask child_is_gone() */
	pid_t hangs;
};

/* Appends the child's stdout.  TC_EIO, TC_ENOMEM when there was no child. */
int child_run(const struct child_conf *conf, struct strbuf *out,
	struct child_result *result, struct tc_err *e);

bool child_is_gone(pid_t pid);

#endif
