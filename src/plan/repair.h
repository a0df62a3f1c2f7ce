/*
 * The way of a host out of service and back: left, quarantined, diagnosed
 * from several sides, repaired, on probation.  Pure.
 */
#ifndef TOCSIN_PLAN_REPAIR_H
#define TOCSIN_PLAN_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "model/state.h"

/* What is looked at.  Stored as text. */
#define REPAIR_PART_TABLE(X)          \
	X(MEMORY, "memory")           \
	X(DISK, "disk")               \
	X(NIC, "nic")                 \
	X(PSU, "psu")                 \
	X(FIRMWARE, "firmware")

enum repair_part {
#define X(sym, id) REPAIR_##sym,
	REPAIR_PART_TABLE(X)
#undef X
	REPAIR_PARTS,
};

enum finding { FINDING_UNTESTED, FINDING_GOOD, FINDING_BAD };

enum repair_result {
	RESULT_OPEN,
	RESULT_REPAIRED,
	RESULT_NO_FAULT_FOUND,
	RESULT_RETURNED_TO_VENDOR,
	RESULT_SCRAPPED,
};

struct diagnosis {
	enum finding parts[REPAIR_PARTS];
	enum repair_result result;
	char ticket[65];	/* the vendor's; "" = none */
	char note[513];
	char by[65];		/* who wrote it last */
	struct wall at;		/* ms 0 = never */
};

/*
 * From one disposition to the next.  TC_EEXIST with the reason: no
 * such step, or a host out of quarantine without a result: probation
 * needs one that says it is sound, retired any.
 */
int repair_step(enum disposition from, enum disposition to,
	const struct diagnosis *d, struct tc_err *e);

/*
 * A JSON object {"memory":"good", … "result", "ticket", "note"} laid over
 * what `d` has; `json` is changed in place.  TC_EINVAL with the pointer, and
 * `d` as it was.
 */
int diagnosis_merge(struct diagnosis *d, char *json, size_t n,
	struct tc_err *e);
/* The same members, and `by` and `at`: what diagnosis_parse() reads. */
void diagnosis_write(const struct diagnosis *d, struct strbuf *out);
int diagnosis_parse(char *json, size_t n, struct diagnosis *out,
	struct tc_err *e);

#endif
