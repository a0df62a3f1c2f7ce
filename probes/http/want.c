#include "probes/http/want.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/units.h"
#include "wire/json_read.h"

#define WANTS_MAX 256		/* that nobody uses are given up beyond it */
#define SEPARATOR '\x1f'
#define POINTER_TOKEN_MAX 256

/* ---- status ---- */

static bool
take_number(const char **p, unsigned *out)
{
	unsigned v = 0;
	int digits = 0;

	while (**p >= '0' && **p <= '9' && digits++ < 3)
		v = v * 10 + (unsigned)(*(*p)++ - '0');
	*out = v;
	return digits == 3 && v >= 100;
}

static bool
parse_status(const char *p, uint8_t *set)
{
	unsigned from, to;

	for (;;) {
		while (*p == ' ')
			p++;
		if (!take_number(&p, &from))
			return false;
		to = from;
		if (*p == '-' && (p++, !take_number(&p, &to) || to < from))
			return false;
		for (unsigned i = from; i <= to; i++)
			set[i / 8] |= (uint8_t)(1u << i % 8);
		while (*p == ' ')
			p++;
		if (*p == '\0')
			return true;
		if (*p++ != ',')
			return false;
	}
}

bool
want_has_status(const struct want *w, long status)
{
	return status >= 100 && status <= STATUS_MAX &&
		w->status[status / 8] & 1u << status % 8;
}

/* ---- compiling ---- */

/* They take time beyond all bounds. */
static bool
refers_back(const char *pattern)
{
	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '\\')
			continue;
		pattern++;
		if (*pattern >= '1' && *pattern <= '9')
			return true;
		if (*pattern == '\0')
			return false;
	}
	return false;
}

static bool
compile_match(struct want *w, const char *pattern, char error[256])
{
	char why[128];
	int rc;

	if (pattern[0] == '\0')
		return true;
	if (refers_back(pattern)) {
		snprintf(error, 256, "option match: no references back");
		return false;
	}
	rc = regcomp(&w->match, pattern, REG_EXTENDED | REG_NOSUB);
	w->has_match = rc == 0;
	if (rc == 0)
		return true;
	regerror(rc, NULL, why, sizeof(why));
	snprintf(error, 256, "option match: '%.80s': %s", pattern, why);
	return false;
}

static bool
compile(struct want *w, const struct want_text *t, char error[256])
{
	if (!parse_status(t->status, w->status)) {
		snprintf(error, 256, "option status: '%.80s' is not like "
			"200-299,301", t->status);
		return false;
	}
	if (t->json[0] != '\0' && (strchr(t->json, '=') == NULL ||
	    (t->json[0] != '/' && t->json[0] != '='))) {
		snprintf(error, 256, "option json: '%.80s' is not like "
			"/status=ok", t->json);
		return false;
	}
	return compile_match(w, t->match, error);
}

static void
want_free(struct want *w)
{
	if (w->has_match)
		regfree(&w->match);
	mem_free(w->key);
	mem_free(w->body);
	mem_free(w->json);
	mem_free(w);
}

static bool
set_texts(struct want *w, const char *key, const struct want_text *t)
{
	w->key = mem_strdup(key);
	w->body = mem_strdup(t->body);
	w->n_body = strlen(t->body);
	w->json = mem_strdup(t->json);
	return w->key != NULL && w->body != NULL && w->json != NULL;
}

static void
give_up_unused(struct want_cache *c)
{
	struct want *old;
	size_t at = 0;

	while ((old = hash_next(&c->wants, &at)) != NULL) {
		if (old->refs > 0)
			continue;
		hash_remove_str(&c->wants, old->key);
		want_free(old);
		at = 0;
	}
}

struct want *
want_get(struct want_cache *c, const struct want_text *t, char error[256])
{
	char key[4096];
	struct want *w;

	if ((size_t)snprintf(key, sizeof(key), "%s%c%s%c%s%c%s", t->status,
	    SEPARATOR, t->body, SEPARATOR, t->match, SEPARATOR, t->json) >=
	    sizeof(key)) {
		snprintf(error, 256, "the options are too long");
		return NULL;
	}
	w = hash_get_str(&c->wants, key);
	if (w != NULL) {
		w->refs++;
		return w;
	}
	if (c->wants.n >= WANTS_MAX)
		give_up_unused(c);
	snprintf(error, 256, "out of memory");
	w = MEM_NEW(struct want);
	if (w == NULL || !set_texts(w, key, t) || !compile(w, t, error) ||
	    hash_put_str(&c->wants, w->key, w) < 0) {
		if (w != NULL)
			want_free(w);
		return NULL;
	}
	w->refs = 1;
	return w;
}

void
want_put(struct want *w)
{
	if (w != NULL)
		w->refs--;
}

void
want_cache_free(struct want_cache *c)
{
	struct want *w;
	size_t at = 0;

	while ((w = hash_next(&c->wants, &at)) != NULL)
		want_free(w);
	hash_free(&c->wants);
}

/* ---- the answer, chunk by chunk ---- */

void
body_free(struct body *b)
{
	mem_free(b->kept);
	mem_free(b->line);
	*b = (struct body){ 0 };
}

static bool
need(struct body *b, char **p, size_t size)
{
	if (*p == NULL)
		*p = mem_alloc(size);
	b->failed = b->failed || *p == NULL;
	return *p != NULL;
}

/* The needle may lie across two chunks: the end of the last one is kept. */
static void
seek(struct body *b, const struct want *w, const char *p, size_t n)
{
	char seam[2 * TEXT_WANTED_MAX];
	size_t most = w->n_body - 1, head = n < most ? n : most;

	b->body_met = memmem(p, n, w->body, w->n_body) != NULL;
	if (b->body_met || most == 0 || !need(b, &b->kept, TEXT_WANTED_MAX))
		return;
	memcpy(seam, b->kept, b->n_kept);
	memcpy(seam + b->n_kept, p, head);
	b->body_met = memmem(seam, b->n_kept + head, w->body, w->n_body) != NULL;
	if (n >= most) {
		memcpy(b->kept, p + n - most, most);
		b->n_kept = most;
		return;
	}
	memcpy(seam + b->n_kept, p, n);
	b->n_kept += n;
	head = b->n_kept > most ? b->n_kept - most : 0;
	b->n_kept -= head;
	memcpy(b->kept, seam + head, b->n_kept);
}

static void
end_line(struct body *b, const struct want *w)
{
	size_t n = b->n_line;

	if (n > 0 && b->line[n - 1] == '\r')
		n--;
	b->line[n] = '\0';
	b->match_met = regexec(&w->match, b->line, 0, NULL, 0) == 0;
	b->n_line = 0;
}

static void
match_lines(struct body *b, const struct want *w, const char *p, size_t n)
{
	if (!need(b, &b->line, LINE_MAX_BYTES + 1))
		return;
	while (n > 0 && !b->match_met) {
		const char *end = memchr(p, '\n', n);
		size_t len = end != NULL ? (size_t)(end - p) : n;
		size_t room = LINE_MAX_BYTES - b->n_line;

		memcpy(b->line + b->n_line, p, len < room ? len : room);
		b->n_line += len < room ? len : room;
		if (end != NULL)
			end_line(b, w);
		len += end != NULL;
		p += len;
		n -= len;
	}
}

static void
keep_json(struct body *b, const char *p, size_t n)
{
	void *kept = b->kept;

	if (b->n_kept + n > JSON_MAX_BYTES)
		return;		/* it is told by its length */
	if (mem_grow(&kept, &b->cap, b->n_kept + n + 1, 1) < 0) {
		b->failed = true;
		return;
	}
	b->kept = kept;
	memcpy(b->kept + b->n_kept, p, n);
	b->n_kept += n;
	b->kept[b->n_kept] = '\0';
}

bool
body_take(struct body *b, const struct want *w, const char *p, size_t n)
{
	size_t have = strlen(b->shown);

	for (size_t i = 0; i < n && have < BODY_SHOWN && b->bytes <= BODY_SHOWN;
	     i++)
		b->shown[have++] = (unsigned char)p[i] < 0x20 ? ' ' : p[i];
	b->shown[have] = '\0';
	b->bytes += n;
	/* One or the other keeps something in `kept`, never both. */
	if (w->json[0] != '\0')
		keep_json(b, p, n);
	else if (w->n_body > 0 && !b->body_met)
		seek(b, w, p, n);
	if (w->has_match && !b->match_met)
		match_lines(b, w, p, n);
	return !b->failed && b->bytes < BODY_MAX_BYTES;
}

/* ---- JSON ---- */

/* The next token of the pointer (RFC 6901), unescaped; false at its end. */
static bool
next_token(const char **at, const char *end, char *token, size_t *n)
{
	const char *p = *at;

	*n = 0;
	if (p == end || *p != '/')
		return false;
	for (p++; p < end && *p != '/'; p++) {
		char c = *p;

		if (c == '~' && p + 1 < end && (p[1] == '0' || p[1] == '1'))
			c = *++p == '0' ? '~' : '/';
		if (*n < POINTER_TOKEN_MAX)
			token[(*n)++] = c;
	}
	*at = p;
	return true;
}

static bool
find_key(struct json_read *r, const char *token, size_t n)
{
	struct json_str key;

	if (!json_enter_object(r))
		return false;
	while (json_next_key(r, &key)) {
		if (key.n == n && memcmp(key.p, token, n) == 0)
			return true;
		json_skip(r);
	}
	return false;
}

static bool
find_item(struct json_read *r, const char *token, size_t n)
{
	uint64_t index;

	if (u64_parse(token, n, &index) < 0 || !json_enter_array(r))
		return false;
	for (; json_next_item(r); json_skip(r)) {
		if (index-- == 0)
			return true;
	}
	return false;
}

static bool
find_value(struct json_read *r, const char *pointer, const char *end)
{
	char token[POINTER_TOKEN_MAX];
	size_t n;

	while (next_token(&pointer, end, token, &n)) {
		enum json_kind kind = json_peek(r);

		if (!(kind == JSON_OBJECT ? find_key(r, token, n) :
		      kind == JSON_ARRAY && find_item(r, token, n)))
			return false;
	}
	return !json_failed(r);
}

static bool
is_number(struct json_read *r, const char *want, char *seen, size_t size)
{
	double v = json_get_double(r), wanted;
	char *end;

	wanted = strtod(want, &end);
	snprintf(seen, size, "%.15g", v);
	return end != want && *end == '\0' && v == wanted;
}

/* Reads the value at hand; `seen` is how it reads. */
static bool
is_value(struct json_read *r, const char *want, char *seen, size_t size)
{
	struct json_str text;

	switch (json_peek(r)) {
	case JSON_NULL:
		snprintf(seen, size, "null");
		break;
	case JSON_BOOL:
		snprintf(seen, size, "%s", json_get_bool(r) ? "true" : "false");
		break;
	case JSON_NUMBER:
		return is_number(r, want, seen, size);
	case JSON_STRING:
		text = json_get_str(r);
		snprintf(seen, size, "%s", text.p);
		return json_str_is(text, want);
	case JSON_ARRAY:
		snprintf(seen, size, "an array");
		return false;
	case JSON_OBJECT:
		snprintf(seen, size, "an object");
		return false;
	case JSON_BAD:
		return false;
	}
	return strcmp(seen, want) == 0;
}

static bool
json_is_met(struct body *b, const struct want *w, char text[200])
{
	const char *end = strchr(w->json, '=');
	char seen[60] = "", nothing[] = "";
	struct tc_err e = { 0 };
	struct json_read r;
	bool found, met, readable;

	if (b->bytes > JSON_MAX_BYTES) {
		snprintf(text, 200, "more than 64 KiB, too long for JSON");
		return false;
	}
	json_open(&r, b->kept != NULL ? b->kept : nothing, b->n_kept);
	found = find_value(&r, w->json, end);
	met = found && is_value(&r, end + 1, seen, sizeof(seen));
	readable = !json_failed(&r);
	/* What follows the value does not matter. */
	json_fail(&r, "enough");
	json_close(&r, &e);
	if (!readable)
		snprintf(text, 200, "no JSON: %.100s", e.text);
	else if (!found)
		snprintf(text, 200, "no %.*s in the JSON",
			(int)(end - w->json < 80 ? end - w->json : 80), w->json);
	else if (!met)
		snprintf(text, 200, "%.*s is '%s', expected '%.60s'",
			(int)(end - w->json < 60 ? end - w->json : 60), w->json,
			seen, end + 1);
	return met && readable;
}

bool
body_is_met(struct body *b, const struct want *w, char text[200])
{
	if (w->has_match && !b->match_met && b->n_line > 0)
		end_line(b, w);
	if (w->n_body > 0 && w->json[0] != '\0' && b->kept != NULL)
		b->body_met = memmem(b->kept, b->n_kept, w->body, w->n_body) != NULL;
	if (w->n_body > 0 && !b->body_met)
		snprintf(text, 200, "'%.60s' is not in '%s…'", w->body, b->shown);
	else if (w->has_match && !b->match_met)
		snprintf(text, 200, "no line matches, it begins '%s…'", b->shown);
	else if (w->json[0] != '\0')
		return json_is_met(b, w, text);
	else
		return true;
	return false;
}
