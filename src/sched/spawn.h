/*
 * One process, as vfork makes it: the caller stands still until exec.
 */
#ifndef TOCSIN_SCHED_SPAWN_H
#define TOCSIN_SCHED_SPAWN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spawn {
	const char *const *argv;
	const char *const *envp;
	const char *dir;
	int fds[3];		/* become 0, 1, 2; all above 2 */
	uint64_t memory_max_bytes;	/* 0 = as ours */
	uint64_t cpu_max_s;
	uint64_t processes_max;
	void *stack;		/* spawn_stack_new() */
	/* results */
	pid_t pid;
	int pidfd;		/* CLOEXEC */
	volatile int failed;	/* errno of what kept it from running, 0 = runs */
};

#define SPAWN_STACK_BYTES ((size_t)65536)
void *spawn_stack_new(void);
void spawn_stack_free(void *stack);

/* 0 with pid and pidfd (the child must be waited for), or −errno of clone. */
int spawn_start(struct spawn *sp);

#endif
