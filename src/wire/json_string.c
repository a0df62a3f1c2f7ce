/*
 * Strings of the JSON reader: checked, and unescaped where they stand.
 */
#include <endian.h>

#include "wire/json_scan.h"
#include "wire/utf8.h"

/*
 * The first byte that may need a look: quote, backslash, control, not ASCII.
 * The NUL behind the text stops it at the latest.
 */
static char *
plain_end(char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t tops = ones << 7;

	while (end - p >= 8) {
		uint64_t x, quote, slash, hit;

		memcpy(&x, p, 8);
		x = le64toh(x);
		quote = x ^ ones * '"';
		slash = x ^ ones * '\\';
		hit = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
			(x - ones * 0x20) | x;
		hit &= tops;
		if (hit != 0)
			return p + __builtin_ctzll(hit) / 8;
		p += 8;
	}
	while ((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 &&
	       *p != '"' && *p != '\\')
		p++;
	return p;
}

static int
hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			digit = c - 'A' + 10;
		else
			return -1;
		v = v * 16 + digit;
	}
	return v;
}

/* \uXXXX, perhaps a pair of them; at the 'u'. */
static bool
unescape_unicode(struct json_read *r, char **from, char **to)
{
	char *p = *from;
	int high = r->end - p > 4 ? hex4(p + 1) : -1, low;
	uint32_t c = (uint32_t)high;

	r->mark = p - 1;
	if (high < 0) {
		json_fail(r, "\\u wants four hexadecimal digits");
		return false;
	}
	p += 5;
	if (high >= 0xdc00 && high <= 0xdfff)
		goto alone;
	if (high >= 0xd800 && high <= 0xdbff) {
		low = r->end - p > 5 && p[0] == '\\' && p[1] == 'u' ?
			hex4(p + 2) : -1;
		if (low < 0xdc00 || low > 0xdfff)
			goto alone;
		c = 0x10000 + ((uint32_t)(high - 0xd800) << 10) +
			(uint32_t)(low - 0xdc00);
		p += 6;
	}
	*to += utf8_encode(c, *to);
	*from = p;
	return true;
alone:
	json_fail(r, "half of a surrogate pair");
	return false;
}

/* One escape, at the backslash. */
static bool
unescape(struct json_read *r, char **from, char **to)
{
	static const char names[] = "\"\\/bfnrt";
	static const char bytes[] = "\"\\/\b\f\n\r\t";
	char *p = *from + 1;
	const char *found;

	if (*p == 'u') {
		*from = p;
		return unescape_unicode(r, from, to);
	}
	found = *p != '\0' ? strchr(names, *p) : NULL;
	if (found == NULL) {
		r->mark = p - 1;
		json_fail(r, p == r->end ? "the text ends inside a string" :
			"unknown escape");
		return false;
	}
	*(*to)++ = bytes[found - names];
	*from = p + 1;
	return true;
}

static void
fail_in_string(struct json_read *r, char *p)
{
	unsigned char c = (unsigned char)*p;

	r->mark = p;
	if (p == r->end)
		json_fail(r, "the text ends inside a string");
	else if (c < 0x20)
		json_fail(r, "control character 0x%02x in a string", c);
	else
		json_fail(r, "not UTF-8");
}

/* At the opening quote; leaves the string unescaped in place. */
bool
json_scan_string(struct json_read *r, struct json_str *out)
{
	char *from = r->at + 1, *to = from, *begin = from;

	for (;;) {
		char *stop = plain_end(from, r->end);
		size_t len;

		if (to != from)
			memmove(to, from, (size_t)(stop - from));
		to += stop - from;
		from = stop;
		if (*from == '"')
			break;
		if (*from == '\\') {
			if (!unescape(r, &from, &to))
				return false;
			continue;
		}
		len = (unsigned char)*from >= 0x80 ?
			utf8_len(from, (size_t)(r->end - from)) : 0;
		if (len == 0) {
			fail_in_string(r, from);
			return false;
		}
		memmove(to, from, len);
		to += len;
		from += len;
	}
	*to = '\0';
	*out = (struct json_str){ begin, (size_t)(to - begin) };
	r->at = from + 1;
	return true;
}

struct json_str
json_get_str(struct json_read *r)
{
	struct json_str s = { "", 0 };

	if (json_begin_value(r, JSON_STRING, "not a string"))
		(void)json_scan_string(r, &s);
	return s;
}

const char *
json_get_cstr(struct json_read *r, size_t max_bytes)
{
	struct json_str s = json_get_str(r);

	if (s.n > max_bytes) {
		json_fail(r, "%zu bytes; at most %zu", s.n, max_bytes);
		return "";
	}
	if (strlen(s.p) != s.n) {
		json_fail(r, "a NUL character inside");
		return "";
	}
	return s.p;
}
