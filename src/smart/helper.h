/*
 * What tocsin-smartd and its caller say to each other over the helper's stdin
 * and stdout.  The helper is privileged and trusts nobody: the caller can only
 * name numbers from the helper's own list.  The caller decodes; the helper
 * hands over what the drive said, untouched.
 *
 * caller, one line each:
 *	list		the drives; the helper looks again if some came or went
 *	read N		one reading of drive N
 *	(end of file)	the helper ends
 *
 * helper, one line of JSON for each request:
 *	{"devices":[{"id":1,"path":"/dev/sda","type":"sat","name":"ata-…",
 *	  "model":…,"serial":…,"wwn":…,"reason":"none"}, …],"replay":false}
 *	{"id":1,"kind":"smartctl","reason":"none","exit":4,"bytes":8123}
 *	{"error":"…"}
 * A reading's line is followed by exactly `bytes` bytes and a newline, if
 * `bytes` is not 0: a libatasmart container or the JSON of smartctl.
 * model, serial and wwn in the list are the kernel's, not the drive's: good
 * enough to show, short of an identity.
 */
#ifndef TOCSIN_SMART_HELPER_H
#define TOCSIN_SMART_HELPER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "smart/model.h"

enum {
	SMART_HELPER_LINE_MAX = 256,		/* of a request, with newline */
	SMART_HELPER_REPLY_MAX = 1 << 20,	/* of a reply's line */
	SMART_HELPER_DATA_MAX = 4 << 20,	/* of what follows it */
	SMART_HELPER_DEVICES_MAX = 1024,
};

/* symbol, text id */
#define SMART_KIND_TABLE(X)                      \
	X(SMART_KIND_NONE, "none")               \
	X(SMART_KIND_BLOB, "blob")               \
	X(SMART_KIND_SMARTCTL, "smartctl")

/* Why there is no data: symbol, text id */
#define SMART_HELPER_WHY_TABLE(X)                                        \
	X(SMART_HELPER_OK, "none")                                       \
	X(SMART_HELPER_ASLEEP, "asleep")                                 \
	X(SMART_HELPER_NO_SMART, "no_smart")    /* nothing to ask */     \
	X(SMART_HELPER_OPEN, "open_failed")                              \
	X(SMART_HELPER_NO_TOOL, "no_smartctl")  /* not installed */      \
	X(SMART_HELPER_TIMEOUT, "timeout")      /* killed at 10 s */     \
	X(SMART_HELPER_STUCK, "stuck")          /* an earlier one hangs */ \
	X(SMART_HELPER_CRASHED, "crashed")                               \
	X(SMART_HELPER_TOO_BIG, "too_big")                               \
	X(SMART_HELPER_FAILED, "failed")        /* no answer of use */   \
	X(SMART_HELPER_GONE, "gone")            /* no longer there */

#define X(sym, id) sym,
enum smart_kind { SMART_KIND_TABLE(X) };
enum smart_helper_why { SMART_HELPER_WHY_TABLE(X) };
#undef X
const char *smart_helper_why_name(enum smart_helper_why why);

struct smart_helper_device {
	uint32_t id;			/* from 1; one for each (path, type) */
	char path[256];
	char type[64];			/* smartctl -d */
	char name[128];			/* under /dev/disk/by-id, or "" */
	char model[SMART_TEXT_MAX];
	char serial[SMART_TEXT_MAX];
	char wwn[SMART_TEXT_MAX];
	enum smart_helper_why why;	/* known before any reading */
};

struct smart_helper_reading {
	uint32_t id;
	enum smart_kind kind;
	enum smart_helper_why why;
	struct smart_u64 exit;		/* smartctl's */
	uint64_t bytes;
};

/* Caller's memory: room for `max` items. */
struct smart_helper_list {
	struct smart_helper_device *items;
	size_t max;
	size_t n;
};

/* The helper's side.  Lines end with a newline. */
void smart_helper_put_device(struct strbuf *out,
	const struct smart_helper_device *d);
void smart_helper_put_reading(struct strbuf *out,
	const struct smart_helper_reading *r);

/*
 * The caller's side; `line` without its newline.  TC_EPROTO (with the
 * helper's own words for an error line) when it is not what was asked for.
 */
int smart_helper_get_devices(const char *line, size_t n,
	struct smart_helper_list *out, struct tc_err *e);
int smart_helper_get_reading(const char *line, size_t n,
	struct smart_helper_reading *out, struct tc_err *e);

#endif
