#include "wire/json_read.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "wire/utf8.h"

#define EXACT_MAX (UINT64_C(1) << 53)
#define POINTER_BYTES 256

struct json_slot {
	const char *p;
	size_t n;
	uint64_t hash;
	uint32_t stamp;	/* of the object that the key belongs to */
};

/* A number as written: (−1)^negative × mant × 10^exp10. */
struct number {
	char *from;
	char *to;
	bool negative;
	bool integer;
	uint64_t mant;	/* exact while digits ≤ 19 */
	int digits;	/* significant ones */
	int exp10;
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
static bool
begin_value(struct json_read *r, enum json_kind want, const char *not_it)
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

/* ---- strings ---- */

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
static bool
read_string(struct json_read *r, struct json_str *out)
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

	if (begin_value(r, JSON_STRING, "not a string"))
		(void)read_string(r, &s);
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
	return begin_value(r, JSON_OBJECT, "not an object") && enter(r, true);
}

bool
json_enter_array(struct json_read *r)
{
	return begin_value(r, JSON_ARRAY, "not an array") && enter(r, false);
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
	if (!read_string(r, &f->key) || !note_key(r, f->key))
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

/* ---- numbers ---- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char *
take_digits(char *p, struct number *num)
{
	for (; is_digit(*p); p++) {
		num->mant = num->mant * 10 + (uint64_t)(*p - '0');
		num->digits += num->mant != 0 || num->digits > 0;
	}
	return p;
}

static char *
take_exponent(char *p, struct number *num)
{
	bool negative = *p == '-';
	int v = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; is_digit(*p); p++)
		if (v < 100000)
			v = v * 10 + (*p - '0');
	num->exp10 += negative ? -v : v;
	return p;
}

/* The grammar of RFC 8259 §6. */
static bool
scan_number(struct json_read *r, struct number *num)
{
	char *p = r->at, *dot;

	*num = (struct number){ .from = p, .integer = true };
	if (*p == '-') {
		num->negative = true;
		p++;
	}
	if (!is_digit(*p) || (*p == '0' && is_digit(p[1])))
		goto bad;
	p = take_digits(p, num);
	if (*p == '.') {
		num->integer = false;
		dot = p;
		p = take_digits(p + 1, num);
		if (p == dot + 1)
			goto bad;
		/* so far down that no exponent brings it back */
		num->exp10 = p - dot > 1000000 ? -1000000000 :
			(int)(dot + 1 - p);
	}
	if (*p == 'e' || *p == 'E') {
		num->integer = false;
		p = take_exponent(p + 1, num);
		if (!is_digit(p[-1]))
			goto bad;
	}
	num->to = p;
	r->at = p;
	return true;
bad:
	r->mark = p;
	json_fail(r, "not a number");
	return false;
}

static double
slow_double(struct json_read *r, const struct number *num)
{
	char behind = *num->to;
	double v;

	*num->to = '\0';
	v = strtod(num->from, NULL);
	*num->to = behind;
	if (isinf(v)) {
		json_fail(r, "a number too large");
		return 0;
	}
	return v;
}

/*
 * mant ≤ 2^53 and 10^|exp10| ≤ 10^22 are exact doubles, so one operation is
 * rounded once: the correctly rounded value (Clinger 1990).
 */
static double
to_double(struct json_read *r, const struct number *num)
{
	static const double tens[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7,
		1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
		1e19, 1e20, 1e21, 1e22 };
	double v;

	if (num->digits > 19 || num->mant > EXACT_MAX || num->exp10 < -22 ||
	    num->exp10 > 22 || FLT_EVAL_METHOD != 0)
		return slow_double(r, num);
	v = (double)num->mant;
	v = num->exp10 < 0 ? v / tens[-num->exp10] : v * tens[num->exp10];
	return num->negative ? -v : v;
}

/* The magnitude of an integer, when 64 bits hold it. */
static bool
to_u64(const struct number *num, uint64_t *out)
{
	uint64_t v = 0;

	if (!num->integer || num->digits > 20)
		return false;
	if (num->digits <= 19) {
		*out = num->mant;
		return true;
	}
	for (const char *p = num->from + num->negative; p < num->to; p++)
		if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	*out = v;
	return true;
}

static bool
get_number(struct json_read *r, struct number *num)
{
	return begin_value(r, JSON_NUMBER, "not a number") &&
		scan_number(r, num);
}

struct json_num
json_get_num(struct json_read *r)
{
	struct json_num out = { .type = TOCSIN_F64 };
	struct number num;
	uint64_t v;

	if (!get_number(r, &num))
		return out;
	if (!to_u64(&num, &v) || v <= EXACT_MAX ||
	    (num.negative && v > (uint64_t)INT64_MAX + 1)) {
		out.v.f64 = to_double(r, &num);
		return out;
	}
	if (num.negative) {
		out.type = TOCSIN_I64;
		out.v.i64 = (int64_t)(0 - v);
	} else {
		out.type = TOCSIN_U64;
		out.v.u64 = v;
	}
	return out;
}

double
json_get_double(struct json_read *r)
{
	struct number num;

	return get_number(r, &num) ? to_double(r, &num) : 0;
}

int64_t
json_get_int(struct json_read *r, int64_t min, int64_t max)
{
	struct number num;
	uint64_t v;
	int64_t i;

	if (!get_number(r, &num))
		return 0;
	if (!num.integer) {
		json_fail(r, "not an integer");
		return 0;
	}
	if (!to_u64(&num, &v) ||
	    v > (uint64_t)INT64_MAX + (uint64_t)num.negative)
		goto range;
	i = num.negative ? (int64_t)(0 - v) : (int64_t)v;
	if (i < min || i > max)
		goto range;
	return i;
range:
	json_fail(r, "not in %lld…%lld", (long long)min, (long long)max);
	return 0;
}

uint64_t
json_get_u64(struct json_read *r)
{
	struct number num;
	uint64_t v;

	if (!get_number(r, &num))
		return 0;
	if (to_u64(&num, &v) && (!num.negative || v == 0))
		return v;
	json_fail(r, "not an integer from 0 to 2^64 - 1");
	return 0;
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
	if (!begin_value(r, JSON_BOOL, "not true or false"))
		return false;
	if (*r->at == 't')
		return take_word(r, "true");
	(void)take_word(r, "false");
	return false;
}

void
json_get_null(struct json_read *r)
{
	if (begin_value(r, JSON_NULL, "not null"))
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
		(void)begin_value(r, JSON_OBJECT, "");
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
