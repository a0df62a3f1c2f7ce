/*
 * One neutral report about one drive, whatever it speaks (ATA, NVMe, SCSI) and
 * however it was read.  Every value is optional: unknown is a value, never 0.
 * Plain memory without pointers: copy it, keep it, nothing to free.
 */
#ifndef TOCSIN_SMART_MODEL_H
#define TOCSIN_SMART_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

/* symbol, text id (as smartctl spells it) */
#define SMART_PROTOCOL_TABLE(X)          \
	X(SMART_PROTOCOL_UNKNOWN, NULL)  \
	X(SMART_PROTOCOL_ATA, "ATA")     \
	X(SMART_PROTOCOL_NVME, "NVMe")   \
	X(SMART_PROTOCOL_SCSI, "SCSI")

/*
 * How 48 raw bits carry a value.  Words are 16 bits, word 0 the lowest.
 * symbol, text id
 */
#define SMART_ENCODING_TABLE(X)                                          \
	X(SMART_ENC_UNKNOWN, "unknown")                                  \
	X(SMART_ENC_COUNT, "raw48")        /* > 32 bits = packed: unknown */ \
	X(SMART_ENC_WIDE, "raw48_wide")    /* a counter that may be huge */  \
	X(SMART_ENC_LOW16, "low16")        /* words 1, 2: other things */    \
	X(SMART_ENC_LOW32, "low32")                                      \
	X(SMART_ENC_RAW16X3, "raw16x3")    /* three counters; word 0 counts */ \
	X(SMART_ENC_CASCADE, "raw16x3_cascade") /* … if w0 ≥ w1 ≥ w2 */  \
	X(SMART_ENC_RAW16_OPS32, "raw16_ops32") /* errors: word 2 */     \
	X(SMART_ENC_TEMPERATURE, "temperature") /* word 0; then min, max */ \
	X(SMART_ENC_TEMPERATURE10, "temperature10")   /* tenths */       \
	X(SMART_ENC_HOURS, "hours24")      /* 24 bits, then a fraction */ \
	X(SMART_ENC_MSEC24_HOUR32, "msec24_hour32")                      \
	X(SMART_ENC_MINUTES, "minutes")                                  \
	X(SMART_ENC_HALFMINUTES, "halfminutes")                          \
	X(SMART_ENC_SECONDS, "seconds")                                  \
	X(SMART_ENC_LEFT_VALUE, "percent_left_value") /* normalised value */ \
	X(SMART_ENC_LEFT_RAW, "percent_left_raw")                        \
	X(SMART_ENC_USED_RAW, "percent_used_raw")                        \
	X(SMART_ENC_SPARE_VALUE, "spare_percent_value")                  \
	X(SMART_ENC_SMARTCTL, "smartctl")  /* as smartctl's raw.string says */ \
	X(SMART_ENC_NUMBER, "number")      /* a plain log field, no packing */

/* symbol, text id */
#define SMART_UNIT_TABLE(X)                          \
	X(SMART_UNIT_NONE, NULL)                     \
	X(SMART_UNIT_COUNT, "count")                 \
	X(SMART_UNIT_SECTORS, "sectors")             \
	X(SMART_UNIT_HOURS, "hours")                 \
	X(SMART_UNIT_MINUTES, "minutes")             \
	X(SMART_UNIT_MILLISECONDS, "milliseconds")   \
	X(SMART_UNIT_CELSIUS, "celsius")             \
	X(SMART_UNIT_RATIO, "ratio")                 \
	X(SMART_UNIT_BITS, "bits")                   \
	X(SMART_UNIT_BYTES, "bytes")

/* Which way a decoded value gets worse: symbol, text id */
#define SMART_WORSE_TABLE(X)               \
	X(SMART_WORSE_NEITHER, NULL)       \
	X(SMART_WORSE_UP, "up")            \
	X(SMART_WORSE_DOWN, "down")

/* The drive's own verdict about one attribute: symbol, text id */
#define SMART_FAILED_TABLE(X)              \
	X(SMART_FAILED_UNKNOWN, NULL)      \
	X(SMART_FAILED_NEVER, "never")     \
	X(SMART_FAILED_NOW, "now")         \
	X(SMART_FAILED_PAST, "past")

/* Why something in the report could not be decoded: symbol, text id */
#define SMART_WHY_TABLE(X)                                               \
	X(SMART_WHY_PACKING, "unknown_packing")                          \
	X(SMART_WHY_ALL_ONES, "all_ones")      /* not a count */         \
	X(SMART_WHY_IMPLAUSIBLE, "implausible") /* more than there can be */ \
	X(SMART_WHY_CHECKSUM, "checksum")      /* page sum is wrong */   \
	X(SMART_WHY_DUPLICATE, "duplicate")    /* the id came twice */

#define X(sym, id) sym,
enum smart_protocol { SMART_PROTOCOL_TABLE(X) };
enum smart_encoding { SMART_ENCODING_TABLE(X) };
enum smart_unit { SMART_UNIT_TABLE(X) };
enum smart_worse { SMART_WORSE_TABLE(X) };
enum smart_failed { SMART_FAILED_TABLE(X) };
enum smart_why { SMART_WHY_TABLE(X) };
#undef X

/* The text id, or NULL where the table says so. */
const char *smart_protocol_name(enum smart_protocol p);
const char *smart_encoding_name(enum smart_encoding enc);
const char *smart_unit_name(enum smart_unit unit);
const char *smart_worse_name(enum smart_worse worse);
const char *smart_failed_name(enum smart_failed failed);
const char *smart_why_name(enum smart_why why);

struct smart_u64 { bool has; uint64_t v; };
struct smart_f64 { bool has; double v; };
struct smart_bool { bool has; bool v; };

static inline struct smart_u64
smart_u64(uint64_t v)
{
	return (struct smart_u64){ true, v };
}

static inline struct smart_f64
smart_f64(double v)
{
	return (struct smart_f64){ true, v };
}

static inline struct smart_bool
smart_bool(bool v)
{
	return (struct smart_bool){ true, v };
}

enum {
	SMART_ATTRIBUTES_MAX = 64,	/* an ATA page holds 30 */
	SMART_UNDECODED_MAX = 72,
	SMART_NAME_MAX = 56,		/* bytes with NUL */
	SMART_TEXT_MAX = 72,		/* model, serial: 40 at most + NUL */
};

struct smart_attribute {
	uint8_t id;			/* ATA id 1…254; 0 = a log field */
	char name[SMART_NAME_MAX];
	struct smart_u64 raw;		/* exact */
	char raw_text[40];		/* smartctl's reading of it, or "" */
	struct smart_f64 decoded;	/* in `unit`; none = not understood */
	enum smart_encoding encoding;
	enum smart_unit unit;
	enum smart_worse worse;
	enum smart_failed failed;
	struct smart_u64 value;		/* normalised 1…253 */
	struct smart_u64 worst;
	struct smart_u64 threshold;
	struct smart_u64 flags;		/* bit 0 prefail, 1 online, … */
};

struct smart_undecoded {
	uint8_t id;			/* 0 = not an ATA attribute */
	char what[SMART_NAME_MAX];	/* attribute or page */
	enum smart_why why;
};

struct smart_report {
	enum smart_protocol protocol;
	char model[SMART_TEXT_MAX];	/* "" = unknown, so are the next */
	char serial[SMART_TEXT_MAX];
	char firmware[SMART_TEXT_MAX];
	char wwn[SMART_TEXT_MAX];	/* 16 or 32 hex digits; never all zero */
	struct smart_u64 capacity_bytes;
	struct smart_bool smart_passed;
	struct smart_u64 power_on_hours;
	struct smart_f64 temperature_celsius;
	struct smart_u64 reallocated_sectors;
	struct smart_u64 pending_sectors;
	struct smart_u64 offline_uncorrectable;
	struct smart_u64 reported_uncorrectable;
	struct smart_u64 crc_errors;
	struct smart_f64 wear_ratio;	/* 0 new, 1 rated life used, may pass 1 */
	struct smart_f64 spare_ratio;	/* 1 all spare left */
	struct smart_u64 media_errors;
	struct smart_u64 critical_warning;	/* NVMe bits */
	struct smart_u64 grown_defects;
	struct smart_u64 uncorrected_errors;
	struct smart_bool asleep;
	struct smart_u64 exit_status;	/* smartctl's bit mask, see smartctl.h */
	struct smart_bool available;	/* the device has SMART at all */
	bool has_data;			/* health data, not only a name */
	bool suspect;			/* a page's checksum is wrong: show, do not judge */
	char message[160];		/* smartctl's first error, or "" */
	size_t n_undecoded;
	struct smart_undecoded undecoded[SMART_UNDECODED_MAX];
	size_t n_attributes;
	struct smart_attribute attributes[SMART_ATTRIBUTES_MAX];
};

/* NULL when the table is full; a zeroed attribute otherwise. */
struct smart_attribute *smart_attribute_add(struct smart_report *r);
/* The first with this id, or NULL. */
const struct smart_attribute *smart_attribute_find(
	const struct smart_report *r, uint8_t id);
/* Blanks at both ends go; what is not printable ASCII becomes '?'. */
void smart_text_clean(char *text);
/* All zero is no name: some bridges answer that for every drive. */
void smart_wwn_put(struct smart_report *r, uint64_t wwn);
void smart_undecoded_add(struct smart_report *r, uint8_t id, const char *what,
	enum smart_why why);

#endif
