/*
 * Declared redundancy: which disks of a host stand for each other.  Written as
 * text in the host's tag `redundancy`, groups between blanks:
 *
 *	mirror:Z300A+Z300B raid6:S1+S2+S3+S4 single:S9
 *
 * Members are serials or WWNs, without regard to case; `*` is every disk that
 * no other group names.  Disks that are not declared stand alone.
 */
#ifndef TOCSIN_PREDICT_REDUNDANCY_H
#define TOCSIN_PREDICT_REDUNDANCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define REDUNDANCY_TAG "redundancy"
#define REDUNDANCY_GROUPS_MAX 64
#define REDUNDANCY_TEXT_MAX 4096

/* symbol, id, how many of n members may be lost */
#define REDUNDANCY_TABLE(X)                       \
	X(REDUNDANCY_SINGLE, "single", 0)         \
	X(REDUNDANCY_MIRROR, "mirror", n - 1)     \
	X(REDUNDANCY_RAID5, "raid5", 1)           \
	X(REDUNDANCY_RAID6, "raid6", 2)

enum redundancy_kind {
#define X(sym, id, lost) sym,
	REDUNDANCY_TABLE(X)
#undef X
};
#define REDUNDANCY_N 4

struct redundancy_group {
	enum redundancy_kind kind;
	const char *members;	/* "A+B"; in the text that was parsed */
	size_t n_text;
	uint32_t n;		/* members that are named; 0 = "*" */
};

struct redundancy {
	uint32_t n;
	struct redundancy_group groups[REDUNDANCY_GROUPS_MAX];
};

/* Borrows the text.  TC_EINVAL says which word. */
int redundancy_parse(const char *text, struct redundancy *out,
	struct tc_err *e);
/* The disk's group, or REDUNDANCY_GROUPS_MAX: it stands alone. */
uint32_t redundancy_group_of(const struct redundancy *r, const char *serial,
	const char *wwn);
/* How many members of a group of n may be lost. */
uint32_t redundancy_spare(enum redundancy_kind kind, uint32_t n);

#endif
