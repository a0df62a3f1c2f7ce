#include "wire/json_read.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "wire/json_scan.h"

#define POINTER_BYTES 256

struct json_slot {
	const char *p;
	size_t n;
	uint64_t hash;
	uint32_t stamp;	/* of the object that the key belongs to */
};

void
json_open(struct json_read *r, char *text, size_t n)
{
	memset(r, 0, sizeof(*r));
	r->start = r->at = r->mark = text;
	r->end = text + n;
	r->pending = true;
	/* not secret, but another one in each process: see struct hash */
	r->seed = (uint64_t)(uintptr_t)text ^ (uint64_t)(uintptr_t)r << 16;
}

/* ---- failure ---- */

/* "/key" with ~ and / escaped; false when it does not fit. */
static bool
add_token(char *text, size_t size, size_t *at, struct json_str key)
{
	size_t n = *at;

	if (n + 2 >= size)
		return false;
	text[n++] = '/';
	for (size_t i = 0; i < key.n; i++) {
		unsigned char c = (unsigned char)key.p[i];

		if (n + 3 >= size)
			return false;
		if (c == '~' || c == '/') {
			text[n++] = '~';
			c = c == '~' ? '0' : '1';
		}
		text[n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	text[n] = '\0';
	*at = n;
	return true;
}

void
json_pointer(const struct json_read *r, char *text, size_t size)
{
	static const char more[] = "\xe2\x80\xa6";
	size_t at = 0;

	if (size == 0)
		return;
	text[0] = '\0';
	for (unsigned i = 0; i < r->depth; i++) {
		const struct json_frame *f = &r->frames[i];
		struct json_str token = f->key;
		char index[24];

		if (f->first || (f->is_object && token.p == NULL))
			break;
		if (!f->is_object) {
			token.p = index;
			token.n = (size_t)snprintf(index, sizeof(index), "%zu",
				f->index);
		}
		if (add_token(text, size - sizeof(more), &at, token))
			continue;
		memcpy(text + at, more, sizeof(more));
		break;
	}
}

static void
fail_code(struct json_read *r, int code, const char *what)
{
	char pointer[POINTER_BYTES];

	if (json_failed(r))
		return;
	json_pointer(r, pointer, sizeof(pointer));
	tc_fail(&r->err, code, "%s: %s (byte %zu)",
		pointer[0] != '\0' ? pointer : "the document", what,
		(size_t)(r->mark - r->start));
	r->pending = false;
}

void
json_fail(struct json_read *r, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	fail_code(r, TC_EINVAL, what);
}

void
json_unknown(struct json_read *r)
{
	json_fail(r, "unknown field");
}

void
json_fail_memory(struct json_read *r)
{
	fail_code(r, TC_ENOMEM, "out of memory");
}

/* The text itself is wrong, where we are. */
static void
fail_syntax(struct json_read *r, const char *wanted)
{
	unsigned char c = (unsigned char)*r->at;

	r->mark = r->at;
	if (r->at == r->end)
		json_fail(r, "the text ends where %s is expected", wanted);
	else if (c > 0x20 && c < 0x7f)
		json_fail(r, "'%c' where %s is expected", c, wanted);
	else
		json_fail(r, "byte 0x%02x where %s is expected", c, wanted);
}

/* ---- white space and what comes next ---- */

static void
skip_space(struct json_read *r)
{
	char *p = r->at;

	while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
		p++;
	r->at = p;
}

static enum json_kind
kind_of(char c)
{
	switch (c) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
	case 'f':
		return JSON_BOOL;
	case 'n':
		return JSON_NULL;
	default:
		return c == '-' || (c >= '0' && c <= '9') ? JSON_NUMBER :
			JSON_BAD;
	}
}

enum json_kind
json_peek(struct json_read *r)
{
	if (json_failed(r))
		return JSON_BAD;
	tc_bug_if(!r->pending);
	skip_space(r);
	return kind_of(*r->at);
}

/* Goes to the value at hand, which must be of this kind. */
bool
json_begin_value(struct json_read *r, enum json_kind want, const char *not_it)
{
	enum json_kind got = json_peek(r);

	if (json_failed(r))
		return false;
	r->mark = r->at;
	if (got == want) {
		r->pending = false;
		return true;
	}
	if (got == JSON_BAD)
		fail_syntax(r, "a value");
	else
		json_fail(r, "%s", not_it);
	return false;
}

/* ---- objects and arrays ---- */

static bool
enter(struct json_read *r, bool is_object)
{
	if (r->depth == JSON_DEPTH_MAX) {
		json_fail(r, "nested deeper than %d", JSON_DEPTH_MAX);
		return false;
	}
	r->frames[r->depth] = (struct json_frame){ .is_object = is_object,
		.first = true };
	if (is_object) {
		struct json_keys *k = &r->keys[r->depth];

		k->n = 0;
		k->stamp++;
		tc_bug_if(k->stamp == 0);	/* text of 8 GiB */
	}
	r->depth++;
	r->at++;
	return true;
}

bool
json_enter_object(struct json_read *r)
{
	return json_begin_value(r, JSON_OBJECT, "not an object") && enter(r, true);
}

bool
json_enter_array(struct json_read *r)
{
	return json_begin_value(r, JSON_ARRAY, "not an array") && enter(r, false);
}

/*
 * To the next member or item; false at the end (then the frame is left) or
 * at a fault.
 */
static bool
advance(struct json_read *r, struct json_frame *f, char close)
{
	skip_space(r);
	if (*r->at == close) {
		r->at++;
		r->depth--;
		return false;
	}
	if (f->first) {
		f->first = false;
		return true;
	}
	if (*r->at != ',') {
		fail_syntax(r, close == '}' ? "',' or '}'" : "',' or ']'");
		return false;
	}
	r->at++;
	f->index++;
	skip_space(r);
	return true;
}

static struct json_slot *
find_key(const struct json_keys *k, const struct json_slot *key)
{
	size_t mask = k->cap - 1;

	for (size_t i = (size_t)key->hash & mask;; i = (i + 1) & mask) {
		struct json_slot *s = &k->slots[i];

		if (s->stamp != key->stamp)
			return s;
		if (s->hash == key->hash && s->n == key->n &&
		    memcmp(s->p, key->p, key->n) == 0)
			return s;
	}
}

static bool
grow_keys(struct json_keys *k)
{
	struct json_keys bigger = *k;

	bigger.cap = k->cap == 0 ? 32 : 2 * k->cap;
	bigger.slots = mem_alloc_array(bigger.cap, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return false;
	for (size_t i = 0; i < k->cap; i++)
		if (k->slots[i].stamp == k->stamp)
			*find_key(&bigger, &k->slots[i]) = k->slots[i];
	mem_free(k->slots);
	*k = bigger;
	return true;
}

static bool
note_key(struct json_read *r, struct json_str key)
{
	struct json_keys *k = &r->keys[r->depth - 1];
	struct json_slot fresh = { key.p, key.n,
		hash_bytes(key.p, key.n, r->seed), k->stamp };
	struct json_slot *s;

	if ((k->n + 1) * 2 > k->cap && !grow_keys(k)) {
		json_fail_memory(r);
		return false;
	}
	s = find_key(k, &fresh);
	if (s->stamp == k->stamp) {
		json_fail(r, "the same key twice");
		return false;
	}
	*s = fresh;
	if (++k->n > JSON_KEYS_MAX) {
		json_fail(r, "more than %d keys in an object", JSON_KEYS_MAX);
		return false;
	}
	return true;
}

bool
json_next_key(struct json_read *r, struct json_str *key)
{
	struct json_frame *f;

	if (json_failed(r))
		return false;
	tc_bug_if(r->pending || r->depth == 0);
	f = &r->frames[r->depth - 1];
	tc_bug_if(!f->is_object);
	f->key.p = NULL;
	if (!advance(r, f, '}'))
		return false;
	if (*r->at != '"') {
		fail_syntax(r, "a key in quotes");
		return false;
	}
	r->mark = r->at;
	if (!json_scan_string(r, &f->key) || !note_key(r, f->key))
		return false;
	skip_space(r);
	if (*r->at != ':') {
		fail_syntax(r, "':'");
		return false;
	}
	r->at++;
	r->pending = true;
	*key = f->key;
	return true;
}

bool
json_next_item(struct json_read *r)
{
	struct json_frame *f;

	if (json_failed(r))
		return false;
	tc_bug_if(r->pending || r->depth == 0);
	f = &r->frames[r->depth - 1];
	tc_bug_if(f->is_object);
	if (!advance(r, f, ']'))
		return false;
	r->mark = r->at;
	r->pending = true;
	return true;
}

/* ---- the rest ---- */

static bool
take_word(struct json_read *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) {
		fail_syntax(r, "a value");
		return false;
	}
	r->at += n;
	return true;
}

bool
json_get_bool(struct json_read *r)
{
	if (!json_begin_value(r, JSON_BOOL, "not true or false"))
		return false;
	if (*r->at == 't')
		return take_word(r, "true");
	(void)take_word(r, "false");
	return false;
}

void
json_get_null(struct json_read *r)
{
	if (json_begin_value(r, JSON_NULL, "not null"))
		(void)take_word(r, "null");
}

static void
skip_object(struct json_read *r)
{
	struct json_str key;

	if (!json_enter_object(r))
		return;
	while (json_next_key(r, &key))
		json_skip(r);
}

static void
skip_array(struct json_read *r)
{
	if (!json_enter_array(r))
		return;
	while (json_next_item(r))
		json_skip(r);
}

void
json_skip(struct json_read *r)
{
	switch (json_peek(r)) {
	case JSON_BAD:
		(void)json_begin_value(r, JSON_OBJECT, "");
		break;
	case JSON_NULL:
		json_get_null(r);
		break;
	case JSON_BOOL:
		(void)json_get_bool(r);
		break;
	case JSON_NUMBER:
		(void)json_get_double(r);
		break;
	case JSON_STRING:
		(void)json_get_str(r);
		break;
	case JSON_ARRAY:
		skip_array(r);
		break;
	case JSON_OBJECT:
		skip_object(r);
		break;
	}
}

int
json_close(struct json_read *r, struct tc_err *e)
{
	if (!json_failed(r)) {
		tc_bug_if(r->pending || r->depth != 0);
		skip_space(r);
		if (r->at != r->end)
			fail_syntax(r, "the end");
	}
	for (size_t i = 0; i < JSON_DEPTH_MAX; i++)
		mem_free(r->keys[i].slots);
	memset(r->keys, 0, sizeof(r->keys));
	if (e != NULL && json_failed(r))
		*e = r->err;
	return r->err.code;
}
