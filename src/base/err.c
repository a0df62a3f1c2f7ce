#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
set_text(struct tc_err *e, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->text, sizeof(e->text), fmt, ap);

	if (n < 0)
		e->text[0] = '\0';
}

int
tc_fail(struct tc_err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return code;
	e->code = code;
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	return code;
}

static int
code_of_errno(int err_no)
{
	switch (err_no) {
	case ENOMEM:
		return TC_ENOMEM;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return TC_ENOENT;
	case EEXIST:
		return TC_EEXIST;
	case EACCES:
	case EPERM:
		return TC_EPERM;
	case EAGAIN:
	case EINTR:
		return TC_EAGAIN;
	case ETIMEDOUT:
		return TC_ETIMEOUT;
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
		return TC_EFULL;
	case EBUSY:
		return TC_EBUSY;
	default:
		return TC_EIO;
	}
}

int
tc_fail_errno(struct tc_err *e, int err_no, const char *fmt, ...)
{
	char why[128];
	size_t used;
	va_list ap;
	int code = code_of_errno(err_no);

	if (e == NULL)
		return code;
	e->code = code;
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %s",
		strerror_r(err_no, why, sizeof(why)));
	return code;
}

int
tc_wrap(struct tc_err *e, const char *fmt, ...)
{
	char inner[sizeof(e->text)];
	size_t used;
	va_list ap;

	if (e == NULL)
		return TC_EINVAL;
	memcpy(inner, e->text, sizeof(inner));
	va_start(ap, fmt);
	set_text(e, fmt, ap);
	va_end(ap);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %s", inner);
	return e->code != TC_OK ? e->code : TC_EINVAL;
}

const char *
tc_err_id(int code)
{
	switch (code) {
#define X(sym, val, id)    \
	case sym:          \
		return id;
	TC_ERR_TABLE(X)
#undef X
	default:
		return code == TC_OK ? "ok" : "unknown";
	}
}

_Noreturn void
tc_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "tocsin: bug at %s:%d: %s\n", file, line, what);
	abort();
}
