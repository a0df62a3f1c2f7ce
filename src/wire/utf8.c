#include "wire/utf8.h"

#include <stdbool.h>

static bool
is_tail(const char *p, unsigned char low, unsigned char high)
{
	unsigned char c = (unsigned char)*p;

	return c >= low && c <= high;
}

/* Unicode standard, table 3-7: well-formed byte sequences. */
size_t
utf8_len(const char *p, size_t n)
{
	unsigned char c = (unsigned char)*p;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	if (c == 0xed)
		high = 0x9f;
	if (c == 0xf0)
		low = 0x90;
	if (c == 0xf4)
		high = 0x8f;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (n < len || !is_tail(p + 1, low, high))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (!is_tail(p + i, 0x80, 0xbf))
			return 0;
	return len;
}

size_t
utf8_encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}
