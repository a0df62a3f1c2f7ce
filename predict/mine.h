/*
 * Mining: which attribute, or which two together, go with more failures than
 * the rest of the fleet has.  Pure.
 *
 *	A group is one value of an attribute ("firmware=5"), or two values of
 *	two attributes.  Its failure rate is compared with that of all outside
 *	it; the ratio is drawn to 1 by `shrink` failures on either side, so
 *	that three of three is no sensation.  p is Fisher's, one-sided (more
 *	failures than by chance); over all groups looked at the false-discovery
 *	rate is held by Benjamini and Hochberg.  A pair is told only when it
 *	says more than either of its halves; nothing is told whose interval
 *	holds 1.
 */
#ifndef TOCSIN_PREDICT_MINE_H
#define TOCSIN_PREDICT_MINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MINE_ATTRIBUTES_MAX 16
#define MINE_VALUE_UNKNOWN 0u

enum mine_class { MINE_HARDWARE, MINE_SOFTWARE, MINE_PLACE };

struct mine_attribute {
	const char *name;
	enum mine_class class;	/* what a pattern in it would mean */
};

/* One thing that failed or did not; values are numbers of texts, 0 = unknown. */
struct mine_item {
	uint32_t value[MINE_ATTRIBUTES_MAX];
	bool failed;
};

struct mine_input {
	const struct mine_attribute *attributes;
	size_t n_attributes;
	const struct mine_item *items;
	size_t n_items;
	bool pairs;
	uint32_t failed_min;	/* in a group, to look at it at all */
	double shrink;		/* failures added on either side */
	double fdr;		/* of what is reported, at most */
};
struct mine_input mine_defaults(void);

struct mine_finding {
	uint32_t attribute[2];	/* [1] = UINT32_MAX when there is only one */
	uint32_t value[2];
	enum mine_class class;	/* software when any of both is */
	uint64_t items;
	uint64_t failed;
	double ratio;		/* shrunk */
	double low;		/* 95 % */
	double high;
	double p;
	double q;		/* Benjamini–Hochberg */
};

struct mine_report {
	uint64_t items;
	uint64_t failed;
	uint64_t groups;	/* looked at */
	size_t n;
	struct mine_finding *findings;	/* by rising p; freed by mine_free */
};

int mine_run(const struct mine_input *in, struct mine_report *out,
	struct tc_err *e);
void mine_free(struct mine_report *r);
/* "hardware", "software", "place" */
const char *mine_class_name(enum mine_class c);

#endif
