/*
 * What the kernel says went wrong: counted from its log where that may be
 * read, else told by its taint flags.
 */
#ifndef TOCSIN_PROBES_BOOT_KERNEL_H
#define TOCSIN_PROBES_BOOT_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/common/samples.h"
#include "probes/common/sysfile.h"

/* symbol, metric, taint bit of it (−1 = none) */
#define KERNEL_TABLE(X)                                           \
	X(KERNEL_OOPS, "kernel_oopses_total", 7)                  \
	X(KERNEL_LOCKUP, "kernel_lockups_total", 14)              \
	X(KERNEL_MACHINE_CHECK, "kernel_machine_checks_total", 4) \
	X(KERNEL_IO_ERROR, "kernel_io_errors_total", -1)

enum kernel_trouble {
#define X(sym, metric, bit) sym,
	KERNEL_TABLE(X)
#undef X
};
#define KERNEL_TROUBLES 4

/* {.fd = -1} at first.  One thread at a time. */
struct kernel_log {
	int fd;			/* -1 = not open */
	bool refused;		/* not tried again */
	uint64_t seen[KERNEL_TROUBLES];
};

void kernel_log_close(struct kernel_log *k);
/* At most some thousand records a call; never waits. */
void kernel_add(struct samples *s, struct kernel_log *k, const char *root);
/* A record: "4,123,456,-;text"; counts it. */
void kernel_note(struct kernel_log *k, struct span record);

#endif
