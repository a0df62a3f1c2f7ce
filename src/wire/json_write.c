#include "wire/json_write.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "wire/utf8.h"

#define DEPTH_MAX 64
#define EXACT_MAX 9007199254740992.0	/* 2^53 */

void
json_begin(struct json_write *w, struct strbuf *out)
{
	*w = (struct json_write){ .out = out };
}

static bool
in_object(const struct json_write *w)
{
	return w->depth > 0 && (w->objects >> (w->depth - 1) & 1) != 0;
}

/* What stands before a value. */
static void
before(struct json_write *w)
{
	tc_bug_if(in_object(w) && !w->after_key);
	if (w->comma && !w->after_key)
		strbuf_putc(w->out, ',');
	w->comma = true;
	w->after_key = false;
}

static void
open_one(struct json_write *w, bool object)
{
	tc_bug_if(w->depth == DEPTH_MAX);
	before(w);
	strbuf_putc(w->out, object ? '{' : '[');
	w->objects &= ~(UINT64_C(1) << w->depth);
	w->objects |= (uint64_t)object << w->depth;
	w->depth++;
	w->comma = false;
}

void
json_put_object(struct json_write *w)
{
	open_one(w, true);
}

void
json_put_array(struct json_write *w)
{
	open_one(w, false);
}

void
json_put_end(struct json_write *w)
{
	tc_bug_if(w->depth == 0 || w->after_key);
	strbuf_putc(w->out, in_object(w) ? '}' : ']');
	w->depth--;
	w->comma = true;
}

/* How a byte is written: 0 as it is, 'u' as \u00XX, '8' look closer. */
static char
escape_of(unsigned char c)
{
	switch (c) {
	case '"':
		return '"';
	case '\\':
		return '\\';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		break;
	}
	if (c < 0x20 || c == 0x7f)
		return 'u';
	return c >= 0x80 ? '8' : 0;
}

/* One byte that may not stand as it is; returns how many were used. */
static size_t
put_special(struct strbuf *out, const char *s, size_t n, char how)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)*s;
	size_t len;

	if (how == '8') {
		len = utf8_len(s, n);
		if (len > 0)
			strbuf_add(out, s, len);
		else
			strbuf_puts(out, "\xef\xbf\xbd");
		return len > 0 ? len : 1;
	}
	strbuf_putc(out, '\\');
	strbuf_putc(out, how);
	if (how == 'u') {
		strbuf_puts(out, "00");
		strbuf_putc(out, hex[c >> 4]);
		strbuf_putc(out, hex[c & 15]);
	}
	return 1;
}

void
json_quote(struct strbuf *out, const char *s, size_t n)
{
	size_t at = 0, plain = 0;

	strbuf_putc(out, '"');
	while (at < n) {
		char how = escape_of((unsigned char)s[at]);

		if (how == 0) {
			at++;
			continue;
		}
		strbuf_add(out, s + plain, at - plain);
		at += put_special(out, s + at, n - at, how);
		plain = at;
	}
	strbuf_add(out, s + plain, n - plain);
	strbuf_putc(out, '"');
}

void
json_put_key_n(struct json_write *w, const char *key, size_t n)
{
	tc_bug_if(!in_object(w) || w->after_key);
	if (w->comma)
		strbuf_putc(w->out, ',');
	json_quote(w->out, key, n);
	strbuf_putc(w->out, ':');
	w->after_key = true;
}

void
json_put_key(struct json_write *w, const char *key)
{
	json_put_key_n(w, key, strlen(key));
}

void
json_put_str_n(struct json_write *w, const char *s, size_t n)
{
	before(w);
	json_quote(w->out, s, n);
}

void
json_put_str(struct json_write *w, const char *s)
{
	if (s == NULL)
		json_put_null(w);
	else
		json_put_str_n(w, s, strlen(s));
}

void
json_put_u64(struct json_write *w, uint64_t v)
{
	before(w);
	strbuf_put_u64(w->out, v);
}

void
json_put_i64(struct json_write *w, int64_t v)
{
	before(w);
	strbuf_put_i64(w->out, v);
}

/*
 * Few decimals, the usual case: m / 10^k with both exact is rounded once, so
 * the decimal text of m reads back as v; the first k that fits is shortest.
 */
static bool
put_short_decimal(struct strbuf *out, double v)
{
	static const double tens[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
	double a = fabs(v);

	if (!(a >= 1e-3 && a < 1e9))
		return false;
	for (size_t k = 1; k < ARRAY_LEN(tens); k++) {
		double m = nearbyint(a * tens[k]);
		uint64_t whole, part, ten = (uint64_t)tens[k];
		char digits[8];

		if (m / tens[k] != a)
			continue;
		whole = (uint64_t)m / ten;
		part = (uint64_t)m % ten;
		if (v < 0)
			strbuf_putc(out, '-');
		strbuf_put_u64(out, whole);
		digits[0] = '.';
		for (size_t i = k; i > 0; i--, part /= 10)
			digits[i] = (char)('0' + part % 10);
		strbuf_add(out, digits, k + 1);
		return true;
	}
	return false;
}

void
json_put_double(struct json_write *w, double v)
{
	size_t from;

	if (!isfinite(v)) {
		json_put_null(w);
		return;
	}
	before(w);
	from = w->out->n;
	if (v != floor(v) && put_short_decimal(w->out, v))
		return;
	strbuf_put_double(w->out, v);
	if (fabs(v) > EXACT_MAX && !w->out->failed &&
	    strpbrk(w->out->p + from, ".e") == NULL)
		strbuf_puts(w->out, ".0");
}

void
json_put_bool(struct json_write *w, bool v)
{
	before(w);
	strbuf_puts(w->out, v ? "true" : "false");
}

void
json_put_null(struct json_write *w)
{
	before(w);
	strbuf_puts(w->out, "null");
}

void
json_put_wall(struct json_write *w, struct wall t)
{
	char text[WALL_TEXT];

	json_put_str(w, wall_format(t, text, sizeof(text)));
}

void
json_put_raw(struct json_write *w, const char *json, size_t n)
{
	before(w);
	strbuf_add(w->out, json, n);
}

void
json_add_str(struct json_write *w, const char *key, const char *s)
{
	json_put_key(w, key);
	json_put_str(w, s);
}

void
json_add_u64(struct json_write *w, const char *key, uint64_t v)
{
	json_put_key(w, key);
	json_put_u64(w, v);
}

void
json_add_i64(struct json_write *w, const char *key, int64_t v)
{
	json_put_key(w, key);
	json_put_i64(w, v);
}

void
json_add_double(struct json_write *w, const char *key, double v)
{
	json_put_key(w, key);
	json_put_double(w, v);
}

void
json_add_bool(struct json_write *w, const char *key, bool v)
{
	json_put_key(w, key);
	json_put_bool(w, v);
}

void
json_add_null(struct json_write *w, const char *key)
{
	json_put_key(w, key);
	json_put_null(w);
}

void
json_add_wall(struct json_write *w, const char *key, struct wall t)
{
	json_put_key(w, key);
	json_put_wall(w, t);
}

void
json_add_raw(struct json_write *w, const char *key, const char *json, size_t n)
{
	json_put_key(w, key);
	json_put_raw(w, json, n);
}

void
json_add_object(struct json_write *w, const char *key)
{
	json_put_key(w, key);
	json_put_object(w);
}

void
json_add_array(struct json_write *w, const char *key)
{
	json_put_key(w, key);
	json_put_array(w);
}
