#include "http/query.h"

#include <sodium.h>
#include <string.h>

#include "base/units.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place; false: a broken escape, or a control byte, escaped or not. */
static bool
decode(char *text, bool plus_is_blank)
{
	char *to = text;

	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '%') {
			int hi = hex_digit(p[1]);
			int lo = hi < 0 ? -1 : hex_digit(p[2]);

			if (lo < 0)
				return false;
			c = (unsigned char)(hi << 4 | lo);
			p += 2;
		} else if (c == '+' && plus_is_blank) {
			c = ' ';
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		*to++ = (char)c;
	}
	*to = '\0';
	return true;
}

/* Cuts the text at the first `c`; what follows it, or NULL. */
static char *
cut(char *text, char c)
{
	char *at = strchr(text, c);

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

static int
parse_path(char *path, struct target *out, struct tc_err *e)
{
	char *seg = path + 1, *next;

	if (path[0] != '/')
		return tc_fail(e, TC_EINVAL, "the target must be a path");
	if (*seg == '\0')
		return 0;
	for (; seg != NULL; seg = next) {
		next = cut(seg, '/');
		if (out->n_segs == TARGET_SEGMENTS_MAX)
			return tc_fail(e, TC_ERANGE, "the path is too deep");
		if (!decode(seg, false))
			return tc_fail(e, TC_EINVAL,
				"the path holds a forbidden byte or escape");
		out->segs[out->n_segs++] = seg;
	}
	return 0;
}

static int
parse_query(char *query, struct target *out, struct tc_err *e)
{
	char *next;

	for (char *name = query; name != NULL; name = next) {
		char *value;

		next = cut(name, '&');
		if (*name == '\0')
			continue;
		value = cut(name, '=');
		if (!decode(name, true) || (value != NULL && !decode(value, true)))
			return tc_fail(e, TC_EINVAL,
				"the query holds a forbidden byte or escape");
		if (target_get(out, name) != NULL)
			return tc_fail(e, TC_EINVAL, "%.32s: given twice", name);
		if (out->n_params == TARGET_PARAMS_MAX)
			return tc_fail(e, TC_ERANGE, "too many parameters");
		out->params[out->n_params++] = (struct target_param){
			name, value != NULL ? value : "" };
	}
	return 0;
}

int
target_parse(char *text, struct target *out, struct tc_err *e)
{
	char *query = cut(text, '?');
	int rc;

	*out = (struct target){ 0 };
	if (strchr(text, '#') != NULL || (query && strchr(query, '#')))
		return tc_fail(e, TC_EINVAL, "a fragment has no place here");
	if ((rc = parse_path(text, out, e)) < 0)
		return rc;
	return query != NULL ? parse_query(query, out, e) : 0;
}

const char *
target_get(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->n_params; i++) {
		if (strcmp(t->params[i].name, name) == 0)
			return t->params[i].value;
	}
	return NULL;
}

static bool
has_word(const char *list, const char *word, char sep)
{
	size_t n = strlen(word);

	while (n != 0 && *list != '\0') {
		const char *end = strchrnul(list, sep);

		if ((size_t)(end - list) == n && memcmp(list, word, n) == 0)
			return true;
		list = *end == '\0' ? end : end + 1;
	}
	return false;
}

bool
list_has(const char *list, const char *word)
{
	return has_word(list, word, ',');
}

const char *
target_unknown(const struct target *t, const char *known)
{
	for (size_t i = 0; i < t->n_params; i++) {
		if (!has_word(known, t->params[i].name, ' '))
			return t->params[i].name;
	}
	return NULL;
}

int
target_u64(const struct target *t, const char *name, const uint64_t range[3],
	uint64_t *out, struct tc_err *e)
{
	const char *text = target_get(t, name);
	uint64_t v;

	if (text == NULL) {
		*out = range[2];
		return 0;
	}
	if (u64_parse(text, strlen(text), &v) < 0)
		return tc_fail(e, TC_EINVAL, "%s: '%.40s' is no whole number "
			"from %llu to %llu", name, text,
			(unsigned long long)range[0],
			(unsigned long long)range[1]);
	if (v < range[0] || v > range[1])
		return tc_fail(e, TC_EINVAL, "%s: must be %llu to %llu", name,
			(unsigned long long)range[0],
			(unsigned long long)range[1]);
	*out = v;
	return 0;
}

int
target_wall(const struct target *t, const char *name, struct wall *out,
	struct tc_err *e)
{
	const char *text = target_get(t, name);
	uint64_t ms;

	if (text == NULL)
		return 0;
	if (u64_parse(text, strlen(text), &ms) == 0 && ms <= INT64_MAX / 4) {
		out->ms = (int64_t)ms;
		return 0;
	}
	if (wall_parse(text, strlen(text), out) < 0)
		return tc_fail(e, TC_EINVAL,
			"%s: not a time (RFC 3339, or ms since 1970)", name);
	return 0;
}

void
cursor_put(struct strbuf *out, char kind, const char *key)
{
	unsigned char raw[CURSOR_KEY_BYTES + 2];
	char text[CURSOR_KEY_BYTES * 2];
	size_t n = strnlen(key, CURSOR_KEY_BYTES - 1);

	raw[0] = (unsigned char)kind;
	memcpy(raw + 1, key, n);
	sodium_bin2base64(text, sizeof(text), raw, n + 1,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	strbuf_puts(out, text);
}

int
cursor_parse(const char *text, char kind, char *key, struct tc_err *e)
{
	unsigned char raw[CURSOR_KEY_BYTES];
	const char *end;
	size_t n = strlen(text), got;

	if (sodium_base642bin(raw, sizeof(raw), text, n, NULL, &got, &end,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    end != text + n || got == 0 || raw[0] != (unsigned char)kind ||
	    memchr(raw, '\0', got) != NULL)
		return tc_fail(e, TC_EINVAL, "cursor: not one of this list");
	memcpy(key, raw + 1, got - 1);
	key[got - 1] = '\0';
	return 0;
}
