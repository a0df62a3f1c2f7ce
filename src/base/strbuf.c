#include "base/strbuf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

void
strbuf_free(struct strbuf *sb)
{
	mem_free(sb->p);
	*sb = (struct strbuf){ 0 };
}

void
strbuf_reset(struct strbuf *sb)
{
	sb->n = 0;
	sb->failed = false;
	if (sb->p != NULL)
		sb->p[0] = '\0';
}

char *
strbuf_reserve(struct strbuf *sb, size_t more)
{
	void *p = sb->p;

	if (sb->failed || more > SIZE_MAX / 2 - sb->n ||
	    mem_grow(&p, &sb->cap, sb->n + more + 1, 1) < 0) {
		sb->failed = true;
		return NULL;
	}
	sb->p = p;
	sb->p[sb->n] = '\0';	/* an empty buffer is a text too */
	return sb->p + sb->n;
}

void
strbuf_add(struct strbuf *sb, const void *p, size_t n)
{
	char *to = strbuf_reserve(sb, n);

	if (to == NULL)
		return;
	if (n != 0)
		memcpy(to, p, n);
	to[n] = '\0';
	sb->n += n;
}

void
strbuf_puts(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void
strbuf_putc(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void
strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	to = n < 0 ? NULL : strbuf_reserve(sb, (size_t)n);
	if (to != NULL) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		sb->n += (size_t)n;
	} else {
		sb->failed = true;
	}
	va_end(again);
}

void
strbuf_put_u64(struct strbuf *sb, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	strbuf_add(sb, text + at, sizeof(text) - at);
}

void
strbuf_put_i64(struct strbuf *sb, int64_t v)
{
	uint64_t u = (uint64_t)v;

	if (v < 0) {
		strbuf_putc(sb, '-');
		u = 0 - u;
	}
	strbuf_put_u64(sb, u);
}

void
strbuf_put_double(struct strbuf *sb, double v)
{
	char text[32];

	if (isnan(v)) {
		strbuf_puts(sb, "NaN");
		return;
	}
	if (isinf(v)) {
		strbuf_puts(sb, v > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (v == floor(v) && fabs(v) < 1e15 && !(v == 0 && signbit(v))) {
		strbuf_put_i64(sb, (int64_t)v);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	strbuf_puts(sb, text);
}

const char *
strbuf_str(const struct strbuf *sb)
{
	return sb->p != NULL ? sb->p : "";
}

char *
strbuf_take(struct strbuf *sb)
{
	char *p = NULL;

	if (!sb->failed && (sb->p != NULL || strbuf_reserve(sb, 0) != NULL)) {
		p = sb->p;
		p[sb->n] = '\0';
		sb->p = NULL;
	}
	strbuf_free(sb);
	return p;
}
