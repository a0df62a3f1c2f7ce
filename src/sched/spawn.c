#include "sched/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The child shares our memory until exec: it makes only raw system calls, so
 * that neither libc's nor a sanitizer's books about this process change.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
#define CHILD_SIDE __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define CHILD_SIDE
#endif

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

#define LAST_SIGNAL 64

/*
 * clone() by the name that ThreadSanitizer does not take for a fork: after
 * that it would end the books of this very process.
 */
int __clone(int (*fn)(void *), void *stack, int flags, void *arg, ...);

void *
spawn_stack_new(void)
{
	void *p = mmap(NULL, SPAWN_STACK_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	return p != MAP_FAILED ? p : NULL;
}

void
spawn_stack_free(void *stack)
{
	if (stack != NULL)
		munmap(stack, SPAWN_STACK_BYTES);
}

/* Our handlers must not run over there; ignored ones would stay ignored. */
static CHILD_SIDE void
reset_signals(void)
{
	long dfl[16] = { 0 };	/* SIG_DFL; the kernel's struct on any machine */

	for (long sig = 1; sig <= LAST_SIGNAL; sig++) {
		if (sig != SIGKILL && sig != SIGSTOP)
			syscall(SYS_rt_sigaction, sig, dfl, NULL, 8L);
	}
}

static CHILD_SIDE long
limit(int what, uint64_t most)
{
	struct rlimit64 both = { most, most };

	return syscall(SYS_prlimit64, 0L, (long)what, &both, NULL);
}

static CHILD_SIDE int
become(struct spawn *sp)
{
	long none[16] = { 0 };	/* an empty signal set */

	reset_signals();
	for (long i = 0; i < 3; i++) {
		if (syscall(SYS_dup3, (long)sp->fds[i], i, 0L) < 0)
			return errno;
	}
	syscall(SYS_close_range, 3L, ~0U, (long)CLOSE_RANGE_CLOEXEC);
	if (syscall(SYS_setpgid, 0L, 0L) < 0 || syscall(SYS_chdir, sp->dir) < 0)
		return errno;
	if (limit(RLIMIT_CORE, 0) < 0)
		return errno;
	if (sp->memory_max_bytes != 0 &&
	    limit(RLIMIT_AS, sp->memory_max_bytes) < 0)
		return errno;
	if (sp->cpu_max_s != 0 && limit(RLIMIT_CPU, sp->cpu_max_s) < 0)
		return errno;
	if (sp->processes_max != 0 && limit(RLIMIT_NPROC, sp->processes_max) < 0)
		return errno;
	syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, none, NULL, 8L);
	syscall(SYS_execve, sp->argv[0], sp->argv, sp->envp);
	return errno;
}

static CHILD_SIDE int
child_side(void *arg)
{
	struct spawn *sp = arg;

	sp->failed = become(sp);
	syscall(SYS_exit, 127L);
	return 127;
}

int
spawn_start(struct spawn *sp)
{
	sigset_t all, before;
	int pidfd = -1, rc;

	sp->failed = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = __clone(child_side, (char *)sp->stack + SPAWN_STACK_BYTES,
		CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, sp, &pidfd);
	if (rc < 0)
		rc = -errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc < 0)
		return rc;
	sp->pid = rc;
	sp->pidfd = pidfd;
	return 0;
}
