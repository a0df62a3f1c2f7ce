/*
 * JSON (RFC 8259) by recursive descent over bytes.
 */
#include "smart/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/macros.h"

enum {
	DEPTH_MAX = 32,
	PATH_MAX_BYTES = 256,
	STRING_MAX_BYTES = 1024,
	KEYS_OPEN_MAX = 4096,	/* of all objects open at one time */
};

struct walk {
	const char *start;
	const char *at;
	const char *end;
	smart_json_visit *visit;
	void *arg;
	struct tc_err *e;
	int depth;
	size_t path_n;
	size_t keys_n;
	char path[PATH_MAX_BYTES];
	char text[STRING_MAX_BYTES];
	size_t text_n;
	bool text_cut;
	uint64_t keys[KEYS_OPEN_MAX];	/* hashes, a stack */
};

static int walk_value(struct walk *w);

static int fail(struct walk *w, int code, const char *fmt, ...) TC_PRINTF(3, 4);

static int
fail(struct walk *w, int code, const char *fmt, ...)
{
	const char *line = w->start;
	unsigned long lines = 1;
	char what[128];
	va_list ap;

	for (const char *p = w->start; p < w->at; p++) {
		if (*p == '\n') {
			lines++;
			line = p + 1;
		}
	}
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return tc_fail(w->e, code, "line %lu column %zu: %s", lines,
		(size_t)(w->at - line) + 1, what);
}

static int
emit(struct walk *w, enum smart_json_kind kind)
{
	bool leaf = kind == SMART_JSON_STRING || kind == SMART_JSON_NUMBER;
	struct smart_json_event ev = {
		.kind = kind,
		.path = w->path,
		.text = leaf ? w->text : "",
		.n = leaf ? w->text_n : 0,
		.cut = leaf && w->text_cut,
	};

	return w->visit(w->arg, &ev, w->e);
}

static void
skip_blanks(struct walk *w)
{
	while (w->at < w->end && (*w->at == ' ' || *w->at == '\t' ||
		*w->at == '\n' || *w->at == '\r'))
		w->at++;
}

static bool
next_is(const struct walk *w, char c)
{
	return w->at < w->end && *w->at == c;
}

static bool
is_digit(const struct walk *w)
{
	return w->at < w->end && *w->at >= '0' && *w->at <= '9';
}

static void
put(struct walk *w, char c)
{
	if (w->text_n + 1 == sizeof(w->text)) {
		w->text_cut = true;
		return;
	}
	w->text[w->text_n++] = c;
}

/* Drives put anything into their names: what cannot be shown becomes '?'. */
static void
put_code(struct walk *w, uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) ||
		(c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
		put(w, '?');
	} else if (c < 0x80) {
		put(w, (char)c);
	} else if (c < 0x800) {
		put(w, (char)(0xc0 | c >> 6));
		put(w, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		put(w, (char)(0xe0 | c >> 12));
		put(w, (char)(0x80 | (c >> 6 & 0x3f)));
		put(w, (char)(0x80 | (c & 0x3f)));
	} else {
		put(w, (char)(0xf0 | c >> 18));
		put(w, (char)(0x80 | (c >> 12 & 0x3f)));
		put(w, (char)(0x80 | (c >> 6 & 0x3f)));
		put(w, (char)(0x80 | (c & 0x3f)));
	}
}

/* One UTF-8 sequence, or one byte that is none. */
static void
take_utf8(struct walk *w)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)*w->at;
	int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
	uint32_t c = lead & (uint32_t)(0x3f >> more);

	w->at++;
	if (lead < 0x80) {
		put_code(w, lead);
		return;
	}
	if (more == 0 || lead >= 0xf8 || w->end - w->at < more) {
		put(w, '?');
		return;
	}
	for (int i = 0; i < more; i++) {
		unsigned char next = (unsigned char)w->at[i];

		if ((next & 0xc0) != 0x80) {
			put(w, '?');
			return;
		}
		c = c << 6 | (next & 0x3f);
	}
	w->at += more;
	put_code(w, c < least[more + 1] ? 0 : c);
}

static int
hex4(struct walk *w, uint32_t *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++, w->at++) {
		char c = w->at < w->end ? *w->at : '\0';

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint32_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (uint32_t)(c - 'A' + 10);
		else
			return fail(w, TC_EINVAL, "\\u needs four hex digits");
	}
	*out = v;
	return 0;
}

static int
take_unicode(struct walk *w)
{
	uint32_t c = 0, low = 0;
	int rc;

	if ((rc = hex4(w, &c)) < 0)
		return rc;
	if (c >= 0xd800 && c < 0xdc00 && w->end - w->at >= 6 &&
		w->at[0] == '\\' && w->at[1] == 'u') {
		w->at += 2;
		if ((rc = hex4(w, &low)) < 0)
			return rc;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(w, TC_EINVAL, "half a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_code(w, c);
	return 0;
}

static int
take_escape(struct walk *w)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/?????";
	const char *hit;
	char c;

	w->at++;
	if (w->at == w->end)
		return fail(w, TC_EINVAL, "the text ends inside a string");
	c = *w->at;
	if (c == 'u') {
		w->at++;
		return take_unicode(w);
	}
	hit = c != '\0' ? strchr(from, c) : NULL;
	if (hit == NULL)
		return fail(w, TC_EINVAL, "unknown escape");
	w->at++;
	put(w, to[hit - from]);
	return 0;
}

/* At the opening quote; leaves the text in w->text. */
static int
take_string(struct walk *w)
{
	int rc;

	w->text_n = 0;
	w->text_cut = false;
	w->at++;
	for (;;) {
		if (w->at == w->end)
			return fail(w, TC_EINVAL, "the text ends inside a string");
		if (*w->at == '"')
			break;
		if ((unsigned char)*w->at < 0x20)
			return fail(w, TC_EINVAL, "control character in a string");
		if (*w->at != '\\') {
			take_utf8(w);
			continue;
		}
		if ((rc = take_escape(w)) < 0)
			return rc;
	}
	w->at++;
	w->text[w->text_n] = '\0';
	return 0;
}

static void
skip_digits(struct walk *w)
{
	while (is_digit(w))
		w->at++;
}

static int
take_number(struct walk *w)
{
	const char *from = w->at;
	size_t n;

	if (next_is(w, '-'))
		w->at++;
	if (!is_digit(w))
		return fail(w, TC_EINVAL, "not a value");
	if (next_is(w, '0'))
		w->at++;
	else
		skip_digits(w);
	if (next_is(w, '.')) {
		w->at++;
		if (!is_digit(w))
			return fail(w, TC_EINVAL, "no digit after the point");
		skip_digits(w);
	}
	if (next_is(w, 'e') || next_is(w, 'E')) {
		w->at++;
		if (next_is(w, '+') || next_is(w, '-'))
			w->at++;
		if (!is_digit(w))
			return fail(w, TC_EINVAL, "no digit in the exponent");
		skip_digits(w);
	}
	n = (size_t)(w->at - from);
	if (n >= 64)
		return fail(w, TC_ERANGE, "a number of %zu characters", n);
	memcpy(w->text, from, n);
	w->text[n] = '\0';
	w->text_n = n;
	w->text_cut = false;
	return emit(w, SMART_JSON_NUMBER);
}

static int
take_word(struct walk *w)
{
	static const struct { const char *word; enum smart_json_kind kind; }
	words[] = {
		{ "true", SMART_JSON_TRUE },
		{ "false", SMART_JSON_FALSE },
		{ "null", SMART_JSON_NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i].word);

		if ((size_t)(w->end - w->at) >= n &&
			memcmp(w->at, words[i].word, n) == 0) {
			w->at += n;
			return emit(w, words[i].kind);
		}
	}
	return fail(w, TC_EINVAL, "not a value");
}

/*
 * Adds to the path.  What does not fit, or could be taken for two keys, makes
 * the path one that nobody knows.
 */
static void
path_add(struct walk *w, const char *sep, const char *name, size_t n)
{
	size_t sep_n = w->path_n != 0 ? strlen(sep) : 0;

	if (w->path_n + sep_n + n + 2 > sizeof(w->path)) {
		name = "?";
		n = 1;
		sep_n = 0;
		if (w->path_n + 2 > sizeof(w->path))
			w->path_n = sizeof(w->path) - 2;
	}
	memcpy(w->path + w->path_n, sep, sep_n);
	w->path_n += sep_n;
	memcpy(w->path + w->path_n, name, n);
	w->path_n += n;
	w->path[w->path_n] = '\0';
}

static void
path_cut(struct walk *w, size_t n)
{
	w->path_n = n;
	w->path[n] = '\0';
}

static int
take_key(struct walk *w, size_t first)
{
	uint64_t h;
	int rc;

	if (!next_is(w, '"'))
		return fail(w, TC_EINVAL, "a key is missing");
	if ((rc = take_string(w)) < 0)
		return rc;
	if (w->text_cut)
		return fail(w, TC_ERANGE, "a key longer than %d bytes",
			STRING_MAX_BYTES - 1);
	h = hash_bytes(w->text, w->text_n, 0);
	for (size_t i = first; i < w->keys_n; i++) {
		if (w->keys[i] == h)
			return fail(w, TC_EINVAL, "\"%.40s\" comes twice",
				w->text);
	}
	if (w->keys_n == KEYS_OPEN_MAX)
		return fail(w, TC_ERANGE, "more than %d keys", KEYS_OPEN_MAX);
	w->keys[w->keys_n++] = h;
	if (w->text_n == 0 || strpbrk(w->text, ".[?") != NULL)
		path_add(w, ".", "?", 1);
	else
		path_add(w, ".", w->text, w->text_n);
	skip_blanks(w);
	if (!next_is(w, ':'))
		return fail(w, TC_EINVAL, "':' is missing");
	w->at++;
	return 0;
}

static int
take_object(struct walk *w)
{
	size_t first = w->keys_n, path_n = w->path_n;
	int rc;

	if ((rc = emit(w, SMART_JSON_OBJECT)) < 0)
		return rc;
	w->at++;
	skip_blanks(w);
	while (!next_is(w, '}')) {
		if ((rc = take_key(w, first)) < 0 || (rc = walk_value(w)) < 0)
			return rc;
		path_cut(w, path_n);
		skip_blanks(w);
		if (next_is(w, '}'))
			break;
		if (!next_is(w, ','))
			return fail(w, TC_EINVAL, "',' or '}' is missing");
		w->at++;
		skip_blanks(w);
		if (next_is(w, '}'))
			return fail(w, TC_EINVAL, "',' before '}'");
	}
	w->at++;
	w->keys_n = first;
	return emit(w, SMART_JSON_OBJECT_END);
}

static int
take_array(struct walk *w)
{
	size_t path_n = w->path_n;
	int rc;

	if ((rc = emit(w, SMART_JSON_ARRAY)) < 0)
		return rc;
	w->at++;
	skip_blanks(w);
	while (!next_is(w, ']')) {
		path_add(w, "", "[]", 2);
		if ((rc = walk_value(w)) < 0)
			return rc;
		path_cut(w, path_n);
		skip_blanks(w);
		if (next_is(w, ']'))
			break;
		if (!next_is(w, ','))
			return fail(w, TC_EINVAL, "',' or ']' is missing");
		w->at++;
		skip_blanks(w);
		if (next_is(w, ']'))
			return fail(w, TC_EINVAL, "',' before ']'");
	}
	w->at++;
	return emit(w, SMART_JSON_ARRAY_END);
}

static int
walk_value(struct walk *w)
{
	int rc;

	skip_blanks(w);
	if (w->at == w->end)
		return fail(w, TC_EINVAL, "the text ends too early");
	if (*w->at == '{' || *w->at == '[') {
		if (w->depth == DEPTH_MAX)
			return fail(w, TC_ERANGE, "deeper than %d", DEPTH_MAX);
		w->depth++;
		rc = *w->at == '{' ? take_object(w) : take_array(w);
		w->depth--;
		return rc;
	}
	if (*w->at == '"') {
		if ((rc = take_string(w)) < 0)
			return rc;
		return emit(w, SMART_JSON_STRING);
	}
	if (*w->at == '-' || is_digit(w))
		return take_number(w);
	return take_word(w);
}

int
smart_json_walk(const char *text, size_t n, smart_json_visit *visit, void *arg,
	struct tc_err *e)
{
	struct walk w = { .start = text, .at = text, .end = text + n,
		.visit = visit, .arg = arg, .e = e };
	int rc;

	if (n > SMART_JSON_MAX_BYTES)
		return tc_fail(e, TC_ERANGE, "%zu bytes of JSON, limit %d", n,
			SMART_JSON_MAX_BYTES);
	if ((rc = walk_value(&w)) < 0)
		return rc;
	skip_blanks(&w);
	if (w.at != w.end)
		return fail(&w, TC_EINVAL, "something follows the value");
	return 0;
}
