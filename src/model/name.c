#include "model/name.h"

#include <string.h>

#define METRIC_MAX_BYTES 127

static bool
is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

int
name_fold(const char *text, size_t n, char *out, struct tc_err *e)
{
	char folded[NAME_MAX_BYTES + 1];

	if (n == 0)
		return tc_fail(e, TC_EINVAL, "an empty name");
	if (n > NAME_MAX_BYTES)
		return tc_fail(e, TC_EINVAL, "a name of %zu bytes; at most %d",
			n, NAME_MAX_BYTES);
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!is_lower_alnum(c) &&
		    (strchr("._-", c) == NULL || c == '\0' || i == 0 ||
		     i == n - 1))
			return tc_fail(e, TC_EINVAL, "byte %zu (0x%02x) may "
				"not stand in a name", i, (unsigned char)c);
		folded[i] = c;
	}
	folded[n] = '\0';
	memcpy(out, folded, n + 1);
	return 0;
}

/* Four numbers up to 255. */
static bool
is_ipv4(const char *text)
{
	for (int part = 1;; part++) {
		size_t digits = strspn(text, "0123456789");
		int value = 0;

		if (digits == 0 || digits > 3)
			return false;
		for (size_t i = 0; i < digits; i++)
			value = value * 10 + (text[i] - '0');
		text += digits;
		if (value > 255 || part > 4)
			return false;
		if (*text == '\0')
			return part == 4;
		text++;		/* a dot: the caller looked */
	}
}

bool
name_is_address(const char *text)
{
	const char *colon = strchr(text, ':');
	size_t n = strlen(text);

	if (n > NAME_MAX_BYTES ||
	    text[strspn(text, NAME_WORD_BYTES ".:%-")] != '\0')
		return false;
	if (colon != NULL) {
		size_t hex = strspn(text, "0123456789abcdefABCDEF:.");

		return strchr(colon + 1, ':') != NULL &&
			(text[hex] == '\0' || text[hex] == '%');
	}
	return n == 0 || text[strspn(text, "0123456789.")] != '\0' ||
		is_ipv4(text);
}

bool
name_is_metric(const char *text, size_t n)
{
	if (n == 0 || n > METRIC_MAX_BYTES)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			c == '_';

		if (!letter && (i == 0 || ((c < '0' || c > '9') && c != ':')))
			return false;
	}
	return true;
}
