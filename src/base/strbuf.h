/*
 * A growing byte string, always NUL-terminated.  {0} is empty.
 * Failure to grow is sticky (`failed`): append freely, check once at the end.
 */
#ifndef TOCSIN_BASE_STRBUF_H
#define TOCSIN_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct strbuf {
	char *p;	/* NULL while empty: use strbuf_str() for a C string */
	size_t n;
	size_t cap;
	bool failed;
};

void strbuf_free(struct strbuf *sb);
/* Keeps the memory, forgets text and failure. */
void strbuf_reset(struct strbuf *sb);
/* Room for `more` bytes beyond n; returns where they go or NULL. */
char *strbuf_reserve(struct strbuf *sb, size_t more);
void strbuf_add(struct strbuf *sb, const void *p, size_t n);
void strbuf_puts(struct strbuf *sb, const char *s);
void strbuf_putc(struct strbuf *sb, char c);
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) TC_PRINTF(2, 3);
void strbuf_put_u64(struct strbuf *sb, uint64_t v);
void strbuf_put_i64(struct strbuf *sb, int64_t v);
/* Shortest text that reads back the same double; "NaN", "+Inf", "-Inf". */
void strbuf_put_double(struct strbuf *sb, double v);
/* "" while empty. */
const char *strbuf_str(const struct strbuf *sb);
/* Gives the memory away (mem_free), leaves the buffer empty; NULL if failed. */
char *strbuf_take(struct strbuf *sb);

#endif
