/*
 * Errors that gain context on the way up.  Who detects writes the message,
 * each caller adds its noun with tc_wrap(), only the top prints.
 *
 *	"tocsin.yaml:12: defaults: timeout: unknown unit 'sek'"
 */
#ifndef TOCSIN_BASE_ERR_H
#define TOCSIN_BASE_ERR_H

#include <stdarg.h>

#include "base/macros.h"

/* symbol, value, stable text id (log, API) */
#define TC_ERR_TABLE(X)                                             \
	X(TC_ENOMEM, -1, "out_of_memory")                           \
	X(TC_EINVAL, -2, "invalid")       /* bad input, syntax */   \
	X(TC_ERANGE, -3, "out_of_range")  /* well-formed, too much */ \
	X(TC_ENOENT, -4, "not_found")                               \
	X(TC_EEXIST, -5, "exists")                                  \
	X(TC_EPERM, -6, "not_permitted")                            \
	X(TC_EIO, -7, "io")               /* the system refused */  \
	X(TC_EFULL, -8, "full")           /* a bound was reached */ \
	X(TC_EAGAIN, -9, "again")         /* later it may work */   \
	X(TC_ETIMEOUT, -10, "timeout")                              \
	X(TC_EPROTO, -11, "protocol")     /* the peer is wrong */   \
	X(TC_ECORRUPT, -12, "corrupt")                              \
	X(TC_ENEWER, -13, "newer")        /* made by a newer us */  \
	X(TC_EUNSUP, -14, "unsupported")                            \
	X(TC_ECLOSED, -15, "closed")                                \
	X(TC_EBUSY, -16, "busy")

enum tc_err_code {
	TC_OK = 0,
#define X(sym, val, id) sym = (val),
	TC_ERR_TABLE(X)
#undef X
};

/* Caller's memory, {0} is empty.  The text is cut, never overrun. */
struct tc_err {
	int code;
	char text[512];
};

/*
 * Sets the message and returns `code`.  `e` may be NULL.  The later call wins:
 * set once where the fault is seen.
 */
int tc_fail(struct tc_err *e, int code, const char *fmt, ...) TC_PRINTF(3, 4);

/* tc_fail() with ": " and the text of errno `err_no` behind; maps the code. */
int tc_fail_errno(struct tc_err *e, int err_no, const char *fmt, ...)
	TC_PRINTF(3, 4);

/* Puts "noun: " before the message; returns e's code (or TC_EINVAL). */
int tc_wrap(struct tc_err *e, const char *fmt, ...) TC_PRINTF(2, 3);

/* "invalid", "io", … ; "ok" for 0; never NULL. */
const char *tc_err_id(int code);

/* Broken invariant of our own: prints where and aborts.  Never for data. */
_Noreturn void tc_bug(const char *file, int line, const char *what);
#define tc_bug_if(cond) \
	((cond) ? tc_bug(__FILE__, __LINE__, #cond) : (void)0)

#endif
