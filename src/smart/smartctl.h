/*
 * Reports as JSON: smartctl -j of any version since 7.0 and any protocol, and
 * the smart-log of nvme-cli (numbers or strings).
 */
#ifndef TOCSIN_SMART_SMARTCTL_H
#define TOCSIN_SMART_SMARTCTL_H

#include <stddef.h>

#include "base/err.h"
#include "smart/model.h"

/*
 * smartctl's exit status is a mask, not a verdict.  bit, text id
 * Bits 0 and 1 are trouble of the collector; they matter only where no data
 * came.  Bit 2: some command failed, the data that came is good.  Bits 3 and
 * 4 are the drive's verdict.  Bits 5 to 7 are history.
 */
#define SMART_EXIT_TABLE(X)                      \
	X(SMART_EXIT_COMMAND_LINE, 0x01)         \
	X(SMART_EXIT_OPEN, 0x02)                 \
	X(SMART_EXIT_COMMAND, 0x04)              \
	X(SMART_EXIT_FAILING, 0x08)              \
	X(SMART_EXIT_PREFAIL, 0x10)              \
	X(SMART_EXIT_PREFAIL_PAST, 0x20)         \
	X(SMART_EXIT_ERROR_LOG, 0x40)            \
	X(SMART_EXIT_SELFTEST_LOG, 0x80)

#define X(sym, bit) sym = (bit),
enum smart_exit { SMART_EXIT_TABLE(X) };
#undef X

/*
 * What we make smartctl exit with for a sleeping drive (-n standby,3): bits 0
 * and 1 together, which it never sets by itself.
 */
#define SMART_STANDBY_EXIT 3
#define SMART_STANDBY_ARG "standby,3"

/* What one reading came to: symbol, text id */
#define SMART_READING_TABLE(X)                                          \
	X(SMART_READING_DATA, "data")                                   \
	X(SMART_READING_ASLEEP, "asleep")       /* neither failed nor stale */ \
	X(SMART_READING_NO_SMART, "no_smart")   /* the device has none */ \
	X(SMART_READING_FAILED, "collection_error")

#define X(sym, id) sym,
enum smart_reading { SMART_READING_TABLE(X) };
#undef X
const char *smart_reading_name(enum smart_reading reading);

/* `r` is NULL where no JSON came; `status` is smartctl's, 0…255. */
enum smart_reading smart_reading_judge(const struct smart_report *r,
	unsigned status);

/*
 * 0 also for a report without data (smartctl could not open the drive, or it
 * sleeps): see smart_reading_judge().  TC_EINVAL with line and column for
 * malformed JSON and duplicate keys, TC_ERANGE for a limit, TC_EUNSUP for
 * JSON that is no report (a device list, something else).
 */
int smart_smartctl_decode(const char *text, size_t n, struct smart_report *out,
	struct tc_err *e);

/* A blob or JSON, whichever it is; TC_EUNSUP if neither. */
int smart_dump_decode(const void *p, size_t n, struct smart_report *out,
	struct tc_err *e);

#endif
